# What is measured from outside a sandbox: how long a fresh one takes, and what an idle one holds. Sourced by run.sh.

# Usage: start ROUND
measure_start() {
	local round=$1 where value
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
}

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
	kill -TERM $pid 2>/dev/null
	sleep 0.3
	kill -KILL $(family $pid) 2>/dev/null
	wait $pid 2>/dev/null
	[ "${sum:-0}" -gt 0 ] && echo "$sum"
}

measure_idle() { # ROUND
	local where
	for where in ${places#host}; do record idle "$where" "$1" "$(idle "$where")" bytes; done
}
