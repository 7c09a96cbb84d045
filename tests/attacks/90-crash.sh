# Section 8, line 7: no guest makes the sentry crash (status 123), and one that crashes takes its own step with it only.
. "$(dirname "$0")/lib.sh"
make_root fuzz_calls family
start_sandbox --rootfs "$work/root" --cwd / -- /bin/family || not_ok "a neighbour starts" "$(tail -2 "$work/background.err")"
neighbour=$runtime
for seed in ${FUZZ_SEEDS:-1 2 3}; do
	LIMIT=130 tap "seed $seed" --rootfs "$work/root" --cwd / --memory 1G --pids 200 -- /bin/fuzz_calls "$seed" "${FUZZ_ROUNDS:-150}"
	# tap keeps the sandbox' messages: a crash says so.
	check "seed $seed: nothing was said of a broken sandbox" bash -c "! grep -qi 'crash\|broke\|assert\|panic' '$work/tap.err'"
done
check "the neighbour lives" kill -0 "$neighbour"

# Resource exhaustion stays inside its limits and ends in an error, not in a crash.
picket --pids 20 --cwd / -- /bin/sh -c ':(){ :|:& };: ; sleep 1; echo still' >"$work/out" 2>/dev/null
check "a fork bomb under --pids ends" [ $? -lt 123 ]
picket --memory 64M --cwd / -- /bin/sh -c 'x=a; while :; do x=$x$x; done' >/dev/null 2>&1
one_of "memory without end under --memory: killed or refused" $? 137 2 1 139 134
make_root net_flood
LIMIT=60 tap "sockets under --memory" --rootfs "$work/root" --cwd / --memory 64M -- /bin/net_flood
kill -9 "$neighbour"
finish
