#!/bin/bash
# Runs Criterion binaries one after the other and prints one line for each and the sum. Usage: run-unit.sh BINARY...
# Each test has Criterion's own time limit; a whole binary gets UNIT_TIMEOUT seconds.
set -u
# Running out of memory is a case that tests make; leaks are looked for by mem_live(), since Criterion's own processes leak.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0:${ASAN_OPTIONS:-}
passed=0 failed=0
[ $# -gt 0 ] || echo "unit: no tests"
for bin in "$@"; do
	out=$(timeout "${UNIT_TIMEOUT:-300}" "$bin" --timeout "${UNIT_TEST_TIMEOUT:-60}" --jobs 2 2>&1)
	status=$?
	sum=$(grep -a 'Synthesis:' <<<"$out" | tail -n 1)
	tested=$(sed -n 's/.*Tested: *\([0-9]*\).*/\1/p' <<<"$sum")
	good=$(sed -n 's/.*Passing: *\([0-9]*\).*/\1/p' <<<"$sum")
	bad=$((${tested:-0} - ${good:-0}))
	[ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	[ "$status" -ne 0 ] && printf '%s\n' "$out"
	printf 'unit %-24s %4d passed, %d failed%s\n' "$(basename "$bin")" "${good:-0}" "$bad" \
		"$([ "$status" -eq 124 ] && echo ' (time limit)')"
	passed=$((passed + ${good:-0})) failed=$((failed + bad))
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
