#!/bin/bash
# Real programs: each script of cases/ runs on the host and then in a sandbox, in the same run; output and exit status must be the same.
# A case is a script with comments for this runner at its top: "# needs: COMMAND...", "# shell: dash" (bash where it says nothing),
# "# limit: SECONDS" (30). It starts in an empty folder of its own, with LANG, HOME, TERM and a plain PATH only.
# Usage: run.sh [--platform NAME]... [--filter TEXT] [--picket PATH] [--verbose]
set -u
cd "$(dirname "$0")" || exit 125
here=$(pwd)
PICKET=${PICKET:-$here/../../build/picket}
platforms=() filter='' verbose=no passed=0 failed=0 skipped=0
while [ $# -gt 0 ]; do
	case $1 in
	--platform) platforms+=("$2"); shift ;;
	--filter) filter=$2; shift ;;
	--picket) PICKET=$2; shift ;;
	--verbose) verbose=yes ;;
	*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift
done
[ ${#platforms[@]} -gt 0 ] || platforms=(seccomp ptrace)
PICKET=$(realpath "$PICKET")

work=$(mktemp -d "${TMPDIR:-/tmp}/picket-programs-XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
path=/usr/bin:/bin:/usr/sbin:/sbin
vars=(PATH=$path LANG=C.UTF-8 HOME="$work/home" TERM=dumb)

now_ms() { echo $(($(date +%s%N) / 1000000)); }
header() { sed -n "s/^# $2: //p" "$1" | head -1; }
missing() { local c; for c in $(header "$1" needs); do PATH=$path command -v "$c" >/dev/null || echo "$c"; done; }
# Both runs start in the same empty folder, by the same name: the sandbox' writes stay in its own layer.
fresh() { chmod -R u+rwx "$work/home" 2>/dev/null; rm -rf "$work/home"; mkdir "$work/home"; }
on_host() { (cd "$work/home" && env -i "${vars[@]}" timeout -k 2 "$limit" "$shell" "$1" >"$work/host.out" 2>"$work/host.err" </dev/null); }
inside() {
	local v options=()
	for v in "${vars[@]}"; do options+=(--env "$v"); done
	timeout -k 2 $((limit + 5)) "$PICKET" do --platform "$platform" --cwd "$work/home" "${options[@]}" -- "$shell" "$1" \
		>"$work/in.out" 2>"$work/in.err" </dev/null
}

printf '%-28s %-9s %8s %8s  %s\n' case platform host sandbox result
for case in cases/*"$filter"*; do
	name=$(basename "${case%.*}")
	shell=/bin/$(header "$case" shell)
	[ -x "$shell" ] && [ "$shell" != /bin/ ] || shell=/bin/bash
	limit=$(header "$case" limit)
	limit=${limit:-30}
	lack=$(missing "$case")
	if [ -n "$lack" ]; then
		printf '%-28s %-9s %8s %8s  skipped: %s not installed\n' "$name" - - - "$(tr '\n' ' ' <<<"$lack")"
		skipped=$((skipped + 1))
		continue
	fi
	fresh
	start=$(now_ms)
	on_host "$here/$case"
	host_status=$?
	host_ms=$(($(now_ms) - start))
	for platform in "${platforms[@]}"; do
		fresh
		start=$(now_ms)
		inside "$here/$case"
		status=$?
		ms=$(($(now_ms) - start))
		if [ $status -eq $host_status ] && cmp -s "$work/host.out" "$work/in.out"; then
			result=ok passed=$((passed + 1))
		else
			result=FAILED failed=$((failed + 1))
		fi
		printf '%-28s %-9s %6d ms %5d ms  %s\n' "$name" "$platform" "$host_ms" "$ms" "$result"
		if [ $result = FAILED ]; then
			[ $status -eq $host_status ] || echo "    exit $status, on the host $host_status"
			diff "$work/host.out" "$work/in.out" | head -$([ $verbose = yes ] && echo 200 || echo 6) | sed 's/^/    /'
			tail -$([ $verbose = yes ] && echo 50 || echo 3) "$work/in.err" | sed 's/^/    stderr: /'
		fi
	done
done
[ $skipped -eq 0 ] || echo "$skipped cases skipped"
echo "programs: $passed passed, $failed failed"
[ $failed -eq 0 ]
