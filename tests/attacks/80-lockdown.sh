# Section 8, line 2, seen from outside: what each process of a sandbox may still do. Every one but the runtime must be in namespaces
# of its own, without capabilities, with no_new_privs and a seccomp filter, its root empty; the sentry may hold no directory.
. "$(dirname "$0")/lib.sh"
make_root family

look_at() { # PID NAME GUEST?
	local pid=$1 name=$2 ns
	field() { awk -v f="$1:" '$1 == f {print $2}' "/proc/$pid/status"; }
	expect "$name: no_new_privs" "$(field NoNewPrivs)" 1
	expect "$name: a seccomp filter" "$(field Seccomp)" 2
	expect "$name: no effective capabilities" "$(field CapEff)" 0000000000000000
	expect "$name: no permitted capabilities" "$(field CapPrm)" 0000000000000000
	expect "$name: no ambient capabilities" "$(field CapAmb)" 0000000000000000
	for ns in user mnt pid net ipc uts; do
		check "$name: a $ns namespace of its own" \
			[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	expect "$name: an empty root" "$(ls -A "/proc/$pid/root/" 2>/dev/null)" ""
	check "$name: no terminal of ours" [ "$(awk '{print $7}' "/proc/$pid/stat")" = 0 ]
}

# Descriptors that name a directory or a device of the host's.
directories() {
	local fd
	for fd in /proc/"$1"/fd/*; do
		[ -d "$fd/" ] && [ "$(stat -L -c %F "$fd")" = directory ] && readlink "$fd"
	done
}

start_sandbox --rootfs "$work/root" --cwd / -- /bin/family || { not_ok "a sandbox starts" "$(tail -2 "$work/background.err")"; finish; }
descendants "$runtime" >"$work/list"
sentry= guests=0
while read -r pid _; do
	tracer=$(awk '/TracerPid/ {print $2}' "/proc/$pid/status" 2>/dev/null)
	[ "${tracer:-0}" != 0 ] && sentry=$tracer
done <"$work/list"
# TracerPid names a thread.
[ -z "$sentry" ] || sentry=$(awk '/^Tgid/ {print $2}' "/proc/$sentry/status")
check "the sentry is found" [ -n "$sentry" ]
while read -r pid _; do
	[ "$pid" = "$runtime" ] && continue
	tracer=$(awk '/TracerPid/ {print $2}' "/proc/$pid/status" 2>/dev/null)
	if [ "$pid" = "$sentry" ]; then
		look_at "$pid" "sentry"
	elif [ "${tracer:-0}" = 0 ]; then
		[ -e "/proc/$pid/ns/user" ] && name=$(cat "/proc/$pid/comm")
		# The gofer's root is its donated trees; its own rules are tested in 40-volumes.sh.
		expect "$name: no_new_privs" "$(awk '/NoNewPrivs/ {print $2}' "/proc/$pid/status")" 1
		expect "$name: a seccomp filter" "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" 2
		check "$name: a network namespace of its own" [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	elif [ $guests -eq 0 ]; then
		guests=1
		look_at "$pid" "a guest"
	fi
done <"$work/list"
check "guests were looked at" [ $guests = 1 ]
if [ -n "$sentry" ]; then
	expect "sentry: holds no directory" "$(directories "$sentry")" ""
	expect "sentry: no interface but lo" "$(awk -F: 'NR > 2 {print $1}' "/proc/$sentry/net/dev" | tr -d ' ')" lo
	expect "sentry: shares no memory map of a host file that can be written" \
		"$(awk '$2 ~ /w.s/ && $6 ~ /^\// && $6 !~ /memfd|dev\/zero|io_uring|anon/ {print $6}' "/proc/$sentry/maps")" ""
fi
kill -9 "$runtime"
check "all of it ends" all_gone "$work/list"

# The guest's environment has nothing of the caller's but what was asked for.
SECRET_TOKEN=hunter2 picket --cwd / -- /usr/bin/env >"$work/env" 2>/dev/null
check "the caller's environment stays outside" bash -c "! grep -q hunter2 '$work/env' && grep -q ^PATH= '$work/env'"
finish
