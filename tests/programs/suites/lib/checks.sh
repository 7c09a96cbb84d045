# For suites of a few checks: check NAME COMMAND... says its result; until_true SECONDS COMMAND... waits for a server.
# No descriptor of the runner's reaches the commands: a server left behind would hold the end of the suite up.
check() {
	local name=$1 status
	shift
	echo "start $name" >&3
	"$@" 3>&-
	status=$?
	if [ $status -eq 0 ]; then echo "ok $name" >&3; else echo "fail $name # status $status" >&3; fi
	return $status
}
until_true() {
	local left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((left -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}
# says TEXT COMMAND...: the command succeeds and its output has TEXT.
says() {
	local out status
	out=$("${@:2}" 2>&1)
	status=$?
	printf '%s\n' "$out"
	[ $status -eq 0 ] && [[ $out == *"$1"* ]]
}
