#!/bin/bash
# Attacks on each line of design.md section 8, on each platform. What may happen is written in each script.
# Usage: run.sh [--platform NAME]... [SCRIPT...]     PICKET is the binary, GUESTS the folder of built guest programs. SUITE names
# another folder of tests/ whose scripts are written in the same way (tests/faults).
set -u
suite=${SUITE:-attacks}
cd "$(dirname "$0")/../$suite" || exit 125
PICKET=$(realpath "${PICKET:-../../build/picket}")
GUESTS=$(realpath "${GUESTS:-../../build/$suite}")
export PICKET GUESTS
platforms=() scripts=() passed=0 failed=0
while [ $# -gt 0 ]; do
	case $1 in
	--platform) platforms+=("$2"); shift ;;
	*) scripts+=("$1") ;;
	esac
	shift
done
[ ${#platforms[@]} -gt 0 ] || platforms=(seccomp ptrace)
[ ${#scripts[@]} -gt 0 ] || scripts=([0-9]*.sh)

for platform in "${platforms[@]}"; do
	for script in "${scripts[@]}"; do
		out=$(PLATFORM=$platform timeout -k 5 "${ATTACK_TIMEOUT:-180}" bash "./$script" 2>&1 </dev/null)
		status=$?
		good=$(grep -c '^ok ' <<<"$out")
		bad=$(grep -c '^not ok ' <<<"$out")
		if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
			bad=1
			out+=$'\n'"not ok - $script ended with status $status"
		elif [ "$good" -eq 0 ] && [ "$bad" -eq 0 ]; then
			bad=1
			out+=$'\n'"not ok - $script checked nothing"
		fi
		printf '%-8s %-22s %4d passed %3d failed\n' "$platform" "$script" "$good" "$bad"
		[ "$bad" -eq 0 ] || grep -v '^ok ' <<<"$out" | head -40 | sed 's/^/    /'
		passed=$((passed + good)) failed=$((failed + bad))
	done
done
echo "$suite: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
