#!/bin/bash
# Faults: bad input, hosts that forbid what is needed, full disks, kills while sealing. See ../attacks/run.sh, which runs these scripts.
SUITE=faults exec "$(dirname "$0")/../attacks/run.sh" "$@"
