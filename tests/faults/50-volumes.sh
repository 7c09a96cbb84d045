# Faults under a volume: everything killed at any moment, the gofer stopped or dead in the middle of calls, a full disk, very many open files.
. "$(dirname "$0")/../attacks/lib.sh"
mkdir -p "$work/vol"
chmod 777 "$work/vol"
gofer_of() { # RUNTIME: the pid of its gofer, waited for
	local i pid
	for ((i = 0; i < 100; i++)); do
		for pid in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
			! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q gofer || { echo "$pid"; return; }
		done
		sleep 0.05
	done
}
# in_background SCRIPT: a shell inside, its pid in $runtime; its words go to $work/said.
in_background() {
	: >"$work/said"
	"$PICKET" do --platform "$PLATFORM" --volume "$work/vol:/vol:rw" --cwd / -- /bin/sh -c "$1" >"$work/said" 2>"$work/err" </dev/null &
	runtime=$!
	started+=("$runtime")
}
# said PATTERN: waits until the guest has said it.
said() {
	local i
	for ((i = 0; i < 200; i++)); do
		! grep -q "$1" "$work/said" || return 0
		sleep 0.05
	done
	return 1
}
wait_for() { # PID: $status becomes its exit status, or "hangs" after 20 seconds
	local i
	status=hangs
	for ((i = 0; i < 200; i++)); do
		if ! [ -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; then
			wait "$1"
			status=$?
			return
		fi
		sleep 0.1
	done
}

# What the guest said was synced is there, whole and in order, whenever everything is killed.
for after in 0.3 0.45 0.7 1.1; do
	rm -f "$work/vol/log"
	in_background 'i=0; while :; do i=$((i+1)); echo "record $i" | dd of=/vol/log oflag=append conv=notrunc,fsync 2>/dev/null; echo $i; done'
	check "records are being synced" said '^1$'
	sleep "$after"
	descendants "$runtime" >"$work/pids"
	cut -d' ' -f1 "$work/pids" | xargs kill -9 2>/dev/null
	wait "$runtime" 2>/dev/null
	# The last line may be cut off: only whole ones count.
	last=$(sed -n '$!p;${/^[0-9]*$/p}' "$work/said" | head -n -1 | tail -1)
	check "what was acknowledged before the kill after $after s is there" grep -qx "record ${last:-1}" "$work/vol/log"
	expect "and nothing out of order" "$(awk '$0 != "record " NR' "$work/vol/log" | head -1)" ""
done

# A gofer that is slow: calls wait, none fails.
in_background 'echo ready; i=0; while [ $i -lt 300 ]; do : >/vol/f$i && rm /vol/f$i || exit 9; i=$((i+1)); done; echo done'
check "a loop of creates and removes begins" said ready
gofer=$(gofer_of "$runtime")
for i in 1 2 3; do
	kill -STOP "$gofer" 2>/dev/null
	sleep 0.2
	kill -CONT "$gofer" 2>/dev/null
	sleep 0.05
done
check "the loop goes on where its gofer was stopped" said done
wait_for "$runtime"
expect "and ends well" "$status" 0
expect "nothing is left over" "$(ls "$work/vol" | grep -c '^f')" 0

# A gofer that is gone: the sandbox breaks as such, at once, in whatever call.
for what in 'while :; do : >/vol/x; rm /vol/x; done' 'while :; do ls -l /vol >/dev/null; done' 'while :; do cat /vol/log >/dev/null; done'; do
	in_background "echo ready; $what"
	check "it begins: $what" said ready
	kill -9 "$(gofer_of "$runtime")"
	wait_for "$runtime"
	expect "its gofer is killed: $what" "$status" 123
done

# A full disk: the host's ENOSPC arrives, what was there stays, and there is room again after a removal.
if [ "$(id -u)" = 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=1m,mode=777 none "$work/small" 2>/dev/null; then
	out=$(picket --volume "$work/small:/vol:rw" --cwd / -- /bin/sh -c 'echo kept >/vol/kept
		dd if=/dev/zero of=/vol/big bs=64k count=64 2>&1 | grep -c "No space left"; cat /vol/kept
		rm /vol/big; echo again >/vol/again; cat /vol/again' 2>&1 | tr '\n' ' ')
	umount -l "$work/small"
	expect "a full volume" "$out" "1 kept again "
else
	skip "a full volume" "no tmpfs can be mounted here"
fi

# Ten thousand files open at a time, each another file of the volume.
if [ -x /usr/bin/python3 ]; then
	cat >"$work/vol/many.py" <<'END'
import os, resource
n = 10000
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, n + 100), hard))
os.mkdir("/vol/many")
fds = []
try:
    for i in range(n):
        fds.append(os.open("/vol/many/%d" % i, os.O_CREAT | os.O_RDWR))
        os.write(fds[-1], b"%d" % i)
except OSError as e:
    print(len(fds), e)
print(len(fds), all(os.pread(fd, 16, 0) == b"%d" % i for i, fd in enumerate(fds)))
END
	out=$(picket --volume "$work/vol:/vol:rw" --cwd / -- /usr/bin/python3 /vol/many.py 2>&1)
	expect "ten thousand open files" "$out" "10000 True"
else
	skip "ten thousand open files" "no python3"
fi
finish
