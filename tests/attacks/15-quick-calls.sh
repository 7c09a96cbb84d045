# Section 8, lines 1, 5 and 7: a guest plays with the code and memory by which calls are made without a trap. It may harm itself.
. "$(dirname "$0")/lib.sh"
make_root quick_forge family
# That way exists on one platform only, and where there are two CPUs.
if [ "$PLATFORM" != seccomp ] || [ "$(nproc)" -lt 2 ]; then skip "calls without a trap" "there are none here"; finish; fi
start_sandbox --rootfs "$work/root" --cwd / --quick-calls force -- /bin/family || not_ok "a neighbour starts" "$(tail -2 "$work/background.err")"
neighbour=$runtime
LIMIT=300 tap forge --rootfs "$work/root" --cwd / --memory 1G --pids 50 --quick-calls force -- /bin/quick_forge
check "nothing was said of a broken sandbox" bash -c "! grep -qi 'crash\|broke\|assert\|panic' '$work/tap.err'"
check "the neighbour lives" kill -0 "$neighbour"
kill -9 "$neighbour"
finish
