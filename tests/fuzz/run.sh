#!/bin/bash
# Runs fuzzers for FUZZ_SECONDS (30) each, on the corpus of earlier runs and the seeds. Usage: run.sh OUT NAME...
set -u
cd "$(dirname "$0")/../.."
out=$1
shift
bad=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for name in "$@"; do
	corpus=$out/corpus/$name
	mkdir -p "$corpus" "$out/crashes"
	seeds=()
	[ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
	if FUZZ_DIR=$scratch ASAN_OPTIONS=allocator_may_return_null=1 timeout $((${FUZZ_SECONDS:-30} + 60)) "$out/fuzz_$name" -max_total_time="${FUZZ_SECONDS:-30}" \
		-max_len=16384 -timeout=10 -artifact_prefix="$out/crashes/$name-" "$corpus" "${seeds[@]}" >"$out/$name.log" 2>&1 </dev/null; then
		runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$out/$name.log")
		printf 'fuzz %-12s clean, %s runs, corpus %d\n' "$name" "${runs:-?}" "$(ls "$corpus" | wc -l)"
	else
		tail -n 30 "$out/$name.log"
		printf 'fuzz %-12s FAILED: %s\n' "$name" "$out/$name.log"
		bad=1
	fi
done
exit $bad
