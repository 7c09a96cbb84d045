# Hosts that forbid something: the other way is taken where there is one, else one sentence and status 125.
. "$(dirname "$0")/../attacks/lib.sh"
below() { # WHAT OPTIONS...: stdout, and status in $status
	local what=$1
	shift
	timeout -k 2 20 "$GUESTS/forbid" "$what" "$PICKET" do "$@" --cwd / -- /bin/echo works >"$work/out" 2>"$work/err" </dev/null
	status=$?
}
refused() { # NAME PATTERN
	expect "$1: status 125" "$status" 125
	expect "$1: one sentence" "$(grep -c . "$work/err")" 1
	check "$1: that names it ($2)" grep -qi "$2" "$work/err"
}
works() { expect "$1" "$(cat "$work/out") $status" "works 0"; }

below nothing --platform "$PLATFORM"
works "with nothing forbidden it works"
below io_uring --platform "$PLATFORM"
works "without io_uring the thread pool does it"
below listener --platform auto
works "without a seccomp listener (inside another sandbox) auto takes ptrace"
below listener --platform seccomp
refused "seccomp asked for where its listener is taken" 'seccomp'
below ptrace --platform "$PLATFORM"
refused "without ptrace" 'ptrace\|tracing'
below userns --platform "$PLATFORM"
if [ "$(id -u)" = 0 ]; then
	one_of "root where user namespaces are forbidden: works or is refused" "$status" 0 125
else
	refused "without user namespaces" 'namespace'
fi
if [ "$(id -u)" = 0 ] && command -v unshare >/dev/null; then
	timeout 20 unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \
		"$PICKET" do --platform "$PLATFORM" --cwd / -- /bin/echo works >"$work/out" 2>"$work/err"
	status=$?
	one_of "where the number of user namespaces is 0" "$status" 0 125
	[ $status = 0 ] || expect "one sentence" "$(grep -c . "$work/err")" 1
fi
check "doctor ends and tells of the platform" bash -c "'$GUESTS/forbid' listener '$PICKET' doctor 2>&1 | grep -qi ptrace"

# An ordinary user.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups "$PICKET" do --platform "$PLATFORM" --cwd / -- /bin/echo works \
		>"$work/out" 2>"$work/err" </dev/null
	status=$?
	works "an ordinary user"
fi

# Standard descriptors that are closed, full, or gone.
timeout 20 "$PICKET" do --platform "$PLATFORM" --cwd / -- /bin/echo x >/dev/full 2>"$work/err"
expect "a full standard output is the program's error" $? 1
timeout 20 "$PICKET" do --platform "$PLATFORM" --cwd / -- /bin/sh -c 'exit 3' <&- >&- 2>&-
expect "closed standard descriptors" $? 3
timeout 20 "$PICKET" do --platform "$PLATFORM" --cwd / -- /usr/bin/yes 2>/dev/null | head -1 >"$work/out"
expect "a reader that goes away: SIGPIPE ends the program" "${PIPESTATUS[0]} $(cat "$work/out")" "141 y"
finish
