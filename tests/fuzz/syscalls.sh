#!/bin/bash
# Runs the guest that makes random system calls, with new seeds until the time is over, on each platform. Stops at the first sandbox that
# broke, hung or lost something, and prints the seed and the command that runs it again.
# Usage: syscalls.sh PICKET GUEST. FUZZ_SECONDS (20) on each platform; FUZZ_PLATFORMS (seccomp ptrace); FUZZ_SEED, the first (by the clock);
# FUZZ_CALLS (500) of each thread, FUZZ_THREADS (3) in each of two processes, FUZZ_ROUNDS (4) of fresh processes a sandbox.
set -u
picket=$(realpath "$1") guest=$(realpath "$2")
: "${FUZZ_SECONDS:=20}" "${FUZZ_PLATFORMS:=seccomp ptrace}" "${FUZZ_SEED:=$(date +%s)}" "${FUZZ_CALLS:=500}" "${FUZZ_THREADS:=3}" "${FUZZ_ROUNDS:=4}"
: "${FUZZ_MEMORY:=512Mi}" "${FUZZ_LIMIT:=90}" # seconds for one sandbox; a sentry with sanitizers needs more memory (2Gi)
root=${FUZZ_ROOT:-$(mktemp -d "${TMPDIR:-/tmp}/picket-fuzz-XXXXXX")}
out=$root.log
[ -n "${FUZZ_ROOT:-}" ] || trap 'rm -rf "$root" "$out"' EXIT

# Nothing of the host's: a root of its own, which is read-only to the gofer.
mkdir -p "$root"/{bin,dev,proc,sys,etc,tmp,ro}
chmod 755 "$root"
chmod 1777 "$root/tmp"
cp "$guest" "$root/bin/fuzz"
echo root:x:0:0::/:/bin/sh >"$root/etc/passwd"
head -c 100000 /dev/zero >"$root/ro/data"

command_of() { # PLATFORM SEED
	command=("$picket" do --platform "$1" --memory "$FUZZ_MEMORY" --pids 64 --rootfs "$root" --cwd /tmp --
		/bin/fuzz --seed "$2" --calls "$FUZZ_CALLS" --threads "$FUZZ_THREADS" --rounds "$FUZZ_ROUNDS")
}
failed() { # WHAT SEED
	tail -n 30 "$out"
	printf 'fuzz syscalls FAILED: %s on %s, seed %s\nagain: FUZZ_ROOT=/tmp/fuzz-root FUZZ_SEED=%s FUZZ_PLATFORMS=%s FUZZ_SECONDS=1 %s %s %s\n' "$1" "$platform" "$2" \
		"$2" "$platform" "$0" "$picket" "$guest"
	echo "fuzzcalls: $sandboxes passed, 1 failed"
	exit 1
}

sandboxes=0
for platform in $FUZZ_PLATFORMS; do
	calls=0 first=$sandboxes
	for ((seed = FUZZ_SEED, end = SECONDS + FUZZ_SECONDS; SECONDS < end; seed++)); do
		command_of "$platform" "$seed"
		timeout -k 5 "$FUZZ_LIMIT" "${command[@]}" >"$out" 2>&1 </dev/null
		status=$?
		case $status in
		123) failed "the sandbox broke" "$seed" ;;
		124 | 137) failed "the sandbox hung" "$seed" ;;
		3 | 4) failed "what is simple does not work any more" "$seed" ;;
		0) calls=$((calls + 10#0$(tr -cd '[:print:]\n' <"$out" | sed -n 's/.*seed [0-9]*: \([0-9]*\) calls$/\1/p' | tail -n 1 | tr -cd 0-9))) ;;
		*) failed "the supervisor ended with status $status" "$seed" ;;
		esac
		! grep -qE 'picket.*(leak|still live)|AddressSanitizer|runtime error' "$out" || failed "a fault was reported" "$seed"
		sandboxes=$((sandboxes + 1))
	done
	printf 'fuzz syscalls %-8s clean, %d sandboxes, %d calls, seeds from %s\n' "$platform" $((sandboxes - first)) "$calls" "$FUZZ_SEED"
done
echo "fuzzcalls: $sandboxes passed, 0 failed"
