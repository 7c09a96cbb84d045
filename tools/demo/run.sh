#!/bin/sh
# The demo: the pipeline dpkg-report as it should be, and as it goes when its first step was broken into.
# Usage: run.sh PICKET [pipeline options, such as --platform ptrace]
set -eu
picket=$(realpath "${1:-build/picket}")
[ $# -gt 0 ] && shift
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d "${TMPDIR:-/tmp}/picket-demo.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT INT TERM
if [ -t 1 ]; then bold=$(printf '\033[1m'); plain=$(printf '\033[0m'); else bold=; plain=; fi

say() { printf '\n%s== %s ==%s\n' "$bold" "$*" "$plain"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

cp -r "$here/." "$work/"
mkdir "$work/loot"
cc -shared -fPIC -o "$work/loot/evil.so" "$here/evil.c"
cc -DEVIL_TOOL -o "$work/loot/evil-tool" "$here/evil.c"

say "three steps over this machine's package data, each in a sandbox of its own"
"$picket" pipeline run --state "$work/state" "$@" "$work/dpkg-report.yaml" || fail "the pipeline failed"

say "what an attacker would hand on: on the host, the code in it runs"
echo '$ LD_PRELOAD=evil.so /bin/true'
LD_PRELOAD="$work/loot/evil.so" /bin/true
echo '$ ./evil-tool'
"$work/loot/evil-tool"

say "the same pipeline after its first step was broken into"
status=0
"$picket" pipeline run --state "$work/state" "$@" "$work/dpkg-report-attacked.yaml" > "$work/attacked.out" 2>&1 || status=$?
cat "$work/attacked.out"

say "result"
[ "$status" -eq 1 ] || fail "the attacked pipeline ended with $status, and 1 (a step failed) was expected"
if grep -q 'EVIL:' "$work/attacked.out"; then fail "the attacker's code ran"; fi
grep -q 'refused: .*/data/input/evil.so.*input collect.raw.*noexec' "$work/attacked.out" || fail "the library was not refused by name"
grep -q 'refused: .*/data/input/evil-tool.*input collect.raw.*noexec' "$work/attacked.out" || fail "the tool was not refused by name"
echo "The library and the program were sealed with the data, and neither could run: inputs are data."
