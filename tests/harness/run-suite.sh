#!/bin/bash
# Runs tests/NAME/run.sh, a suite's own driver, which finds the binary in $PICKET and the built guest programs in $GUESTS and ends with a
# line "NAME: N passed, N failed". Usage: run-suite.sh NAME OUT
set -u
name=$1 out=$2
if [ ! -x "tests/$name/run.sh" ]; then
	echo "$name: tests/$name/run.sh is missing" >&2
	echo "$name: 0 passed, 1 failed"
	exit 1
fi
export PICKET=$(realpath "$out/picket") GUESTS=$(realpath -m "$out/$name")
exec timeout "${SUITE_TIMEOUT:-900}" "tests/$name/run.sh" </dev/null
