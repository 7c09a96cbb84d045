# Bad input to `picket do`: each has one sentence on standard error, the documented status, and leaves nothing behind.
# 127 no such program, 126 there but not to be run, 125 picket's own failure, 124 timeout, 128+n by signal.
. "$(dirname "$0")/../attacks/lib.sh"

# try NAME STATUS PATTERN ARGS...: nothing may be left in /tmp or among the processes.
try() {
	local name=$1 want=$2 pattern=$3 status
	shift 3
	timeout -k 2 20 "$PICKET" do --platform "$PLATFORM" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	expect "$name: status $want" "$status" "$want"
	expect "$name: nothing on standard output" "$(cat "$work/out")" ""
	if [ -n "$pattern" ]; then
		expect "$name: one sentence" "$(grep -c . "$work/err")" 1
		check "$name: that says '$pattern'" grep -qi -- "$pattern" "$work/err"
		check "$name: and who says it" grep -q '^picket' "$work/err"
	fi
}

mkdir "$work/dir"
echo 'not a program' >"$work/text"; chmod 755 "$work/text"
cp /bin/true "$work/plain"; chmod 644 "$work/plain"
printf '\177ELF garbage' >"$work/bad-elf"; chmod 755 "$work/bad-elf"
head -c 200 /bin/true >"$work/cut-elf"; chmod 755 "$work/cut-elf"
cp /bin/true "$work/arm"; printf '\267' | dd of="$work/arm" bs=1 seek=18 conv=notrunc status=none
printf '#!/nonexistent/interpreter\n' >"$work/script"; chmod 755 "$work/script"
: >"$work/empty"; chmod 755 "$work/empty"
ln -s loop "$work/loop"

try "a missing program" 127 nonexistent -- /nonexistent
try "a missing program by name" 127 no-such-name -- no-such-name
try "a directory as program" 126 director -- "$work/dir"
try "a file without x" 126 "$work/plain" -- "$work/plain"
try "a bad ELF" 126 "$work/bad-elf" -- "$work/bad-elf"
try "an ELF that is cut off" 126 "$work/cut-elf" -- "$work/cut-elf"
try "an ELF for another machine" 126 "$work/arm" -- "$work/arm"
try "a script whose interpreter is missing" 127 '' -- "$work/script"
try "a link to itself" 126 '' -- "$work/loop"
try "no command" 125 'command\|usage' --
try "an unknown option" 125 'wrong-option' --wrong-option -- /bin/true
try "a volume that does not exist" 125 "$work/none" --volume "$work/none:/mnt" -- /bin/true
try "a destination that is not absolute" 125 absolute --volume "$work/dir:mnt" -- /bin/true
try "a volume without a destination" 125 "$work/dir" --volume "$work/dir" -- /bin/true
try "an unknown mode of a volume" 125 sideways --volume "$work/dir:/mnt:sideways" -- /bin/true
try "a root that does not exist" 125 "$work/none" --rootfs "$work/none" -- /bin/true
try "a root that is a file" 125 "$work/text" --rootfs "$work/text" -- /bin/true
try "an unknown user" 125 nobody-of-that-name --user nobody-of-that-name -- /bin/true
try "a bad size" 125 "lots" --memory lots -- /bin/true
try "a bad duration" 125 "soon" --timeout soon -- /bin/true
try "a bad number of processes" 125 "few" --pids few -- /bin/true
try "an unknown platform" 125 "quantum" --platform quantum -- /bin/true
try "a working directory that does not exist" 125 '/no/such/dir' --cwd /no/such/dir -- /bin/true
try "a log that can't be written" 125 '/no/such/log' --log /no/such/log -- /bin/true

expect "the program's own status" "$(picket --cwd / -- /bin/sh -c 'exit 42' >/dev/null 2>&1; echo $?)" 42
for sig in 1 9 11 15; do
	expect "killed by signal $sig" "$(picket --cwd / -- /bin/sh -c "kill -$sig \$\$" >/dev/null 2>&1; echo $?)" $((128 + sig))
done
start=$SECONDS
expect "a timeout" "$(picket --timeout 1s --cwd / -- /bin/sleep 30 >/dev/null 2>&1; echo $?)" 124
check "in its time" [ $((SECONDS - start)) -lt 6 ]
start=$SECONDS
expect "a timeout of one that ignores SIGTERM" \
	"$(picket --timeout 1s --cwd / -- /bin/sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1; echo $?)" 124
check "in its time, too" [ $((SECONDS - start)) -lt 8 ]
expect "nothing of it is left" "$(pgrep -f "$work" | grep -cv "^$$\$")" 0
finish
