# What a program asks for in vain is told by `picket profile`, before production does it.
. "$(dirname "$0")/../attacks/lib.sh"

profile() { timeout -k 2 30 "$PICKET" profile --platform "$PLATFORM" "$@" >"$work/out" 2>"$work/err" </dev/null; }

profile -- /bin/busybox true
status=$?
check "a report has its verdict" grep -q '^verdict: works' "$work/out"
one_of "and a status that fits it" "$status" 0 3
profile -- /bin/sh -c 'echo from the program; exit 9'
expect "a program that fails: status 4" $? 4
check "its output went to standard error" grep -q '^from the program$' "$work/err"
check "the verdict says how it ended" grep -q '^verdict: fails (exit 9)' "$work/out"
profile -- /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).syscall(246, 0, 0, 0, 0)'
expect "a refused call: status 3" $? 3
check "the call is named, with its errno" grep -q 'refused call: kexec_load(.*EPERM' "$work/out"
check "and why" grep -q 'why: needs CAP_SYS_BOOT' "$work/out"
check "and what came then" grep -q '      then: ' "$work/out"
profile --format json -- /bin/cat /proc/there/is/none
expect "a file that nobody has, and failure: status 4" $? 4
expect "JSON: the file, and that the host lacks it too" \
	"$(python3 -c 'import json,sys; g = [x for x in json.load(open(sys.argv[1]))["gaps"] if x["kind"] == "missing file" and "/proc/there/is/none" in x["call"]]; print(len(g), g[0]["onHost"])' "$work/out")" "1 False"
profile --format yaml -- /bin/true
expect "a format that is none: status 125" $? 125
expect "one sentence about it" "$(grep -c . "$work/err")" 1
profile -- no-such-program
expect "no such program: status 127" $? 127
expect "and no report" "$(cat "$work/out")" ""
finish
