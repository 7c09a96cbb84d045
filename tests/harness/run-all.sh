#!/bin/bash
# Runs the suites named, one `make SUITE` each, keeps each one's output under OUT, and ends with a line of sums.
# A suite's last line of the form "NAME: N passed, N failed" is what counts; a suite that fails without one counts as one failure.
# Usage: run-all.sh OUT SUITE...
set -u
out=$1
shift
mkdir -p "$out"
passed=0 failed=0
summary=()
for suite in "$@"; do
	start=$SECONDS
	echo "== $suite"
	${MAKE:-make} --no-print-directory "$suite" </dev/null 2>&1 | tee "$out/$suite.log"
	status=${PIPESTATUS[0]}
	line=$(grep -aE "^$suite: [0-9]+ passed, [0-9]+ failed" "$out/$suite.log" | tail -n 1)
	good=$(sed -nE 's/^[a-z]+: ([0-9]+) passed.*/\1/p' <<<"$line")
	bad=$(sed -nE 's/^[a-z]+: [0-9]+ passed, ([0-9]+) failed.*/\1/p' <<<"$line")
	[ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ] && bad=1
	passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
	summary+=("$(printf '%-12s %5d passed %5d failed %5d s' "$suite" "${good:-0}" "${bad:-0}" $((SECONDS - start)))")
done
echo
printf '%s\n' "${summary[@]}"
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
