#!/bin/bash
# The same work on the host, on picket under each platform, and on runsc where it is installed: interleaved rounds, medians, and the ratio to
# the host of the same run. Usage: run.sh OUT [NAME[,NAME...]]      Environment: ROUNDS (5), RUNSC, PICKET_PLATFORMS, CURVES (1: the curves too)
#
# The works are the rows of works.txt and curves.txt. Prints a table; leaves every measurement as a JSON line in OUT/bench/results.jsonl, the
# medians in OUT/bench/summary.jsonl, and where gnuplot is installed pictures in OUT/bench/*.svg and *.png.
set -u
cd "$(dirname "$0")/.."
out=$(realpath "$1")
only=${2:-}
rounds=${ROUNDS:-5}
picket=$out/picket
dir=$out/bench
micro=$dir/micro
results=$dir/results.jsonl
runsc=${RUNSC:-$(command -v runsc)}
platforms=${PICKET_PLATFORMS:-seccomp ptrace}
notes=()
[ -x "$picket" ] || { echo "bench: $picket is not built" >&2; exit 1; }
rm -rf "$dir/scratch" "$dir/volume" "$dir/scripts"
mkdir -p "$dir/scratch" "$dir/volume"
cp -r benchmarks/scripts "$dir/scripts"
chmod 1777 "$dir/scratch" "$dir/volume"
: >"$results"
. benchmarks/places.sh
. benchmarks/sandboxes.sh
trap 'rm -rf "$dir/scratch" "$dir/volume" "$dir/data"' EXIT
head -c 33554432 /dev/urandom >"$dir/data"
find_places

wanted() { [ -z "$only" ] || [[ ,$only, == *,$1,* ]]; }
rows() { grep -v '^#' "benchmarks/$1"; }
missing() { local c; for c in $1; do [ "$c" = - ] || command -v "$c" >/dev/null || echo "$c"; done; }

measure() { # NAME UNIT WORDS...
	local name=$1 round where value
	shift
	for ((round = 1; round <= rounds; round++)); do
		for where in $places; do
			value=$(on "$where" "$@")
			record "$name" "$where" "$round" "$value" ns
			[ -z "$value" ] && [ "$round" = 1 ] && notes+=("$name: failed on $where (see $dir/errors)")
		done
		printf '.' >&2
	done
}

while IFS='|' read -r name what bound needs command <&3; do
	name=${name// /}
	wanted "$name" || continue
	lack=$(missing "$needs")
	if [ -n "$lack" ]; then
		notes+=("$name: not measured, $(tr '\n' ' ' <<<"$lack")not installed")
		continue
	fi
	printf '  %-14s' "$name" >&2
	read -ra words <<<"$command"
	measure "$name" "${words[@]}"
	printf '\r\033[K' >&2
done 3< <(rows works.txt)

if wanted start; then for ((round = 1; round <= rounds; round++)); do measure_start "$round"; done; fi
if wanted idle; then for ((round = 1; round <= (rounds < 3 ? rounds : 3); round++)); do measure_idle "$round"; done; fi

curves=()
if [ "${CURVES:-0}" = 1 ] || [[ ,$only == *,grow-* ]]; then
	while IFS='|' read -r name what word counts <&3; do
		name=${name// /}
		wanted "$name" || continue
		curves+=("$name")
		for count in $counts; do
			printf '  %-14s %s' "$name" "$count" >&2
			rounds=1 measure "$name@$count" "${word// /}" "$count"
			printf '\r\033[K' >&2
		done
	done 3< <(rows curves.txt)
fi

awk -v table="$(rows works.txt)" -v curves="$(rows curves.txt)" -v places="$places" -v summary="$dir/summary.jsonl" -f benchmarks/table.awk "$results"
benchmarks/plot.sh "$dir" || notes+=("no pictures: gnuplot is not installed (make bench-peers)")
echo
for note in ${notes[@]+"${notes[@]}"}; do echo "note: $note"; done
echo "$rounds rounds, interleaved; times are medians, ± half the range; $(uname -r), $(nproc) CPUs; every measurement is in $results"
