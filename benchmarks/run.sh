#!/bin/bash
# The same work on the host, on picket under each platform, and on runsc where it is installed: interleaved rounds, medians, and the ratio to
# the host of the same run. Usage: run.sh OUT [NAME[,NAME...]]      Environment: ROUNDS (5), RUNSC, PICKET_PLATFORMS
#
# Prints a table; leaves every measurement as a JSON line in OUT/bench/results.jsonl and the medians in OUT/bench/summary.jsonl.
set -u
cd "$(dirname "$0")/.."
out=$(realpath "$1")
only=${2:-}
rounds=${ROUNDS:-5}
picket=$out/picket
dir=$out/bench
micro=$dir/micro
results=$dir/results.jsonl
runsc=${RUNSC:-$(command -v runsc)}
platforms=${PICKET_PLATFORMS:-seccomp ptrace}
mkdir -p "$dir"
cp benchmarks/guest/pipelines.sh "$dir/"
: >"$results"
notes=()

[ -x "$picket" ] || { echo "bench: $picket is not built" >&2; exit 1; }

# NAME | what it is | what is asked: "2.5us" at most that long, "2x" at most that many times the host | command for micro
table="
getppid     | getppid by syscall(2)                  | 2.5us | getppid
getppid-all | the same on every CPU at once          | 2.5us | getppid-all
fork        | fork + exit + wait                     | 2.0x  | fork
vfork-exec  | vfork + exec + exit, static program    | 2.0x  | vfork-exec $dir/nothing
pipelines   | 50 three-process shell pipelines       | 2.5x  | time /bin/sh $dir/pipelines.sh
python      | python3 -c pass                        | 1.8x  | time /usr/bin/python3 -c pass
stat        | stat, file seen before                 | 3us   | stat
open        | open + close, file seen before         | 7us   | open
read4k      | pread 4 KiB, cached                    | -     | read4k
write4k     | pwrite 4 KiB, below /tmp               | -     | write4k
mmap        | mmap + touch + munmap                  | -     | mmap
pipe        | pipe there and back, two processes     | -     | pipe
signal      | raise, handler, return                 | -     | signal
find        | find over /usr/include                 | -     | time /usr/bin/find /usr/include -newer /etc/passwd
gcc         | gcc -c of a small file                 | -     | time /usr/bin/gcc -c -O1 -o /tmp/picket-bench.o $dir/small.c
"
printf '#include <stdio.h>\nint main(void)\n{\n\tputs("x");\n\treturn 0;\n}\n' >"$dir/small.c"

wanted() { [ -z "$only" ] || [[ ,$only, == *,$1,* ]]; }

# Prints a number, or nothing when the work failed there; what it said goes to OUT/bench/errors.
on() { # WHERE WORDS...
	local where=$1
	shift
	case $where in
	host) timeout 120 "$micro" "$@" ;;
	runsc) timeout 120 "$runsc" --network=none --ignore-cgroups do "$micro" "$@" ;;
	*) timeout 120 "$picket" do --platform "$where" -- "$micro" "$@" ;;
	esac 2>>"$dir/errors" <"$dir/empty" | grep -aE '^[0-9.]+$' | tail -n 1
}

record() { # WORK WHERE ROUND VALUE UNIT
	[ -n "$4" ] && printf '{"work":"%s","on":"%s","round":%d,"value":%s,"unit":"%s"}\n' "$1" "$2" "$3" "$4" "$5" >>"$results"
}

: >"$dir/errors"
# Standard input and output are files of our own: runsc gives what it is handed to its user, /dev/null too.
: >"$dir/empty"
places="host"
for p in $platforms; do
	if [ "$(timeout 20 "$picket" do --platform "$p" -- "$dir/nothing" </dev/null >/dev/null 2>>"$dir/errors"; echo $?)" = 0 ]; then
		places+=" $p"
	else
		notes+=("not measured on $p: a sandbox does not start there ($(tail -n 1 "$dir/errors"))")
	fi
done
if [ -z "$runsc" ]; then
	notes+=("not measured on runsc: it is not installed (make bench-peers)")
elif timeout 60 "$runsc" --network=none --ignore-cgroups do "$dir/nothing" <"$dir/empty" >"$dir/discarded" 2>>"$dir/errors"; then
	places+=" runsc"
	notes+=("runsc is $("$runsc" --version | head -n 1 | cut -d' ' -f3), with the platform that it chooses by itself")
else
	notes+=("not measured on runsc: it does not start here ($(tail -n 1 "$dir/errors"))")
fi

while IFS='|' read -r name what bound command; do
	name=${name// /}
	if [ -z "$name" ] || ! wanted "$name"; then continue; fi
	read -ra words <<<"$command"
	if [ "${words[0]}" = time ] && ! [ -x "${words[1]}" ]; then
		notes+=("$name: ${words[1]} is not installed")
		continue
	fi
	printf '  %-12s' "$name" >&2
	for ((round = 1; round <= rounds; round++)); do
		for where in $places; do
			value=$(on "$where" "${words[@]}")
			record "$name" "$where" "$round" "$value" ns
			[ -z "$value" ] && [ "$round" = 1 ] && notes+=("$name: failed on $where (see $dir/errors)")
		done
		printf '.' >&2
	done
	printf '\r\033[K' >&2
done <<<"$table"

# A fresh sandbox, whole process, seen from outside.
if wanted start; then
	for ((round = 1; round <= rounds; round++)); do
		record start host "$round" "$(on host time /bin/true)" ns
		for where in ${places#host}; do
			case $where in
			runsc) value=$(on host time "$runsc" --network=none --ignore-cgroups do /bin/true) ;;
			*) value=$(on host time "$picket" do --platform "$where" -- /bin/true) ;;
			esac
			record start "$where" "$round" "$value" ns
		done
		if command -v bwrap >/dev/null; then
			record start bwrap "$round" "$(on host time bwrap --unshare-all --ro-bind / / /bin/true)" ns
		elif [ "$round" = 1 ]; then
			notes+=("start: bwrap is not installed, so there is nothing to compare with (make bench-peers)")
		fi
	done
fi

# All processes below PID, and it.
family() {
	local pid
	echo "$1"
	for pid in $(cat "/proc/$1"/task/*/children 2>/dev/null); do family "$pid"; done
}

# PSS in bytes of a sandbox whose guest only waits, all its processes, the guest's own too.
idle() { # WHERE
	local pid sum
	case $1 in
	runsc) "$runsc" --network=none --ignore-cgroups do "$micro" sleep <"$dir/empty" >"$dir/discarded" 2>>"$dir/errors" & ;;
	*) "$picket" do --platform "$1" -- "$micro" sleep </dev/null >/dev/null 2>>"$dir/errors" & ;;
	esac
	pid=$!
	sleep 1.5
	sum=$(for p in $(family $pid); do cat "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '/^Pss:/ { kb += $2 } END { print kb * 1024 }')
	processes=$(family $pid | wc -l)
	kill -TERM $pid 2>/dev/null
	sleep 0.3
	kill -KILL $(family $pid) 2>/dev/null
	wait $pid 2>/dev/null
	[ "${sum:-0}" -gt 0 ] && echo "$sum"
}
if wanted idle; then
	for ((round = 1; round <= (rounds < 3 ? rounds : 3); round++)); do
		for where in ${places#host}; do record idle "$where" "$round" "$(idle "$where")" bytes; done
	done
fi

awk -v table="$table" -v places="$places" -v summary="$dir/summary.jsonl" -f benchmarks/table.awk "$results"
echo
for note in ${notes[@]+"${notes[@]}"}; do echo "note: $note"; done
echo "$rounds rounds, interleaved; times are medians, ± half the range; $(uname -r), $(nproc) CPUs; every measurement is in $results"
