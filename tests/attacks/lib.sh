# What the attack scripts share: a scratch folder, a small root for static guests, checks in TAP, and the processes of a sandbox.
# A script is run by run.sh, with PICKET, GUESTS and PLATFORM in its environment.
set -u
: "${PICKET:?}" "${GUESTS:?}" "${PLATFORM:=auto}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/picket-attack-XXXXXX")
chmod 755 "$work"
started=() checks=0 bad=0
# Our own name in each process' environment, so that a stray one can be found.
export PICKET_ATTACK=$work

cleanup() {
	local pid
	for pid in "${started[@]:-}"; do
		[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	chmod -R u+rwx "$work" 2>/dev/null
	rm -rf "$work"
}
finish() { [ "$bad" -eq 0 ]; exit; }
trap cleanup EXIT

ok() { checks=$((checks + 1)); echo "ok $checks - $1"; }
not_ok() { checks=$((checks + 1)) bad=$((bad + 1)); echo "not ok $checks - $1 # got ${2:-}"; }
# check NAME CMD...: passes when the command does.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$(tail -3 <<<"$out" | tr '\n' ' ')"; fi
}
# expect NAME GOT WANT
expect() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2', expected '$3'"; fi; }
# one_of NAME GOT WANT...
one_of() {
	local name=$1 got=$2 want
	shift 2
	for want in "$@"; do [ "$got" != "$want" ] || { ok "$name"; return; }; done
	not_ok "$name" "'$got', expected one of: $*"
}
skip() { checks=$((checks + 1)); echo "ok $checks - $1 # SKIP $2"; }

# A root for static programs: nothing in it but guests and empty folders.
make_root() {
	mkdir -p "$work/root"/{bin,dev,proc,sys,etc,tmp,vol,ro}
	chmod 1777 "$work/root/tmp"
	local g
	for g in "$@"; do cp "$GUESTS/$g" "$work/root/bin/$g"; done
}
# picket OPTIONS -- CMD: on the platform under test, in a time limit.
picket() { timeout -k 2 "${LIMIT:-60}" "$PICKET" do --platform "$PLATFORM" "$@"; }
# tap NAME OPTIONS -- CMD: takes the checks of a TAP guest over; its end without a plan is a failure.
tap() {
	local name=$1 line status out
	shift
	out=$(picket "$@" 2>"$work/tap.err")
	status=$?
	while IFS= read -r line; do
		case $line in
		"not ok "*) not_ok "$name: ${line#not ok * - }" ;;
		"ok "*) ok "$name: ${line#ok * - }" ;;
		esac
	done <<<"$out"
	grep -q '^1\.\.' <<<"$out" || not_ok "$name: reaches its end" "status $status $(tail -2 "$work/tap.err" | tr '\n' ' ')"
}

# Every descendant of a process, itself first: "PID STARTTIME" a line. A pid and its start time name a process for ever.
descendants() {
	local pid=$1 child
	[ -r "/proc/$pid/stat" ] || return
	echo "$pid $(started_at "$pid")"
	for child in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do descendants "$child"; done
}
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [ "$(started_at "$1")" = "$2" ] && ! grep -q '^State:.*[ZX]' "/proc/$1/status" 2>/dev/null; }
# all_gone FILE: waits up to 10 seconds for every process of the list to end; prints those that stay.
all_gone() {
	local pid start left i
	for ((i = 0; i < 100; i++)); do
		left=
		while read -r pid start; do alive "$pid" "$start" && left+="$pid($(cat "/proc/$pid/comm" 2>/dev/null)) "; done <"$1"
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	echo "left: $left"
	return 1
}
# Starts a sandbox in the background and waits until its program has written "ready"; its runtime's pid is in $runtime.
start_sandbox() {
	: >"$work/ready"
	"$PICKET" do --platform "$PLATFORM" "$@" >"$work/ready" 2>"$work/background.err" </dev/null &
	runtime=$!
	started+=("$runtime")
	local i
	for ((i = 0; i < 200; i++)); do
		grep -q ready "$work/ready" && return 0
		alive "$runtime" "$(started_at "$runtime")" || break
		sleep 0.05
	done
	echo "# the sandbox did not become ready: $(tail -3 "$work/background.err")" >&2
	return 1
}
# A background process of ours that ends with the script.
in_background() { "$@" & started+=("$!"); last=$!; }
