# Section 8, line 4: no guest outlives its sentry, no sentry its runtime. Each of the sandbox' own processes (runtime, gofer, sentry:
# those that nobody traces) is killed with SIGKILL in a run of its own; after it no process may be left, and the runtime must say
# so with a status: 123 when the sandbox broke, 137 (by the shell) when the runtime itself was killed.
. "$(dirname "$0")/lib.sh"
make_root family

own_processes() { # of the list in $work/list: those that are not traced, i.e. no guests
	local pid start
	while read -r pid start; do
		[ "$(awk '/TracerPid/ {print $2}' "/proc/$pid/status" 2>/dev/null)" = 0 ] && echo "$pid"
	done <"$work/list"
}

snapshot() { descendants "$runtime" >"$work/list"; }

# How many processes of its own a sandbox has; guests beside them.
start_sandbox --rootfs "$work/root" --cwd / -- /bin/family || { not_ok "a sandbox starts" "$(tail -2 "$work/background.err")"; finish; }
snapshot
count=$(own_processes | wc -l)
total=$(wc -l <"$work/list")
check "a sandbox has a runtime, a gofer and a sentry ($count own processes of $total)" [ "$count" -ge 3 ]
check "and guests beside them" [ "$total" -gt "$count" ]
kill -TERM "$runtime"
check "SIGTERM to the runtime ends all of it" all_gone "$work/list"

for ((i = 1; i <= count; i++)); do
	start_sandbox --rootfs "$work/root" --cwd / -- /bin/family || { not_ok "a sandbox starts for kill $i"; continue; }
	snapshot
	victim=$(own_processes | sed -n "${i}p")
	what="$(cat "/proc/$victim/comm")"
	kill -9 "$victim"
	check "kill -9 of own process $i ($what): no process is left" all_gone "$work/list"
	wait "$runtime" 2>/dev/null
	status=$?
	if [ "$victim" = "$runtime" ]; then
		expect "kill -9 of the runtime: its status" "$status" 137
	else
		one_of "kill -9 of own process $i ($what): the runtime's status" "$status" 123 137
		check "kill -9 of own process $i ($what): it says one thing" [ "$(grep -c . "$work/background.err")" -ge 1 ]
	fi
done

# All guests at once, by their host pids: the sandbox ends by itself, as when its first program is killed.
start_sandbox --rootfs "$work/root" --cwd / -- /bin/family && {
	snapshot
	while read -r pid _; do
		[ "$(awk '/TracerPid/ {print $2}' "/proc/$pid/status" 2>/dev/null)" = 0 ] || kill -9 "$pid" 2>/dev/null
	done <"$work/list"
	check "kill -9 of every guest from outside: no process is left" all_gone "$work/list"
}

# The last one: the terminal goes away, or the parent: SIGHUP as a shell would send it.
start_sandbox --rootfs "$work/root" --cwd / -- /bin/family && {
	snapshot
	kill -HUP "$runtime"
	check "SIGHUP to the runtime: no process is left" all_gone "$work/list"
}
finish
