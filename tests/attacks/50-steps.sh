# Section 8, line 5: one step's process, memory, socket, pid or file is not visible to another, nor the host's to a step.
. "$(dirname "$0")/lib.sh"
make_root neighbour
tag=picket-neighbour-$$
start_sandbox --rootfs "$work/root" --cwd / -- /bin/neighbour serve "$tag" ||
	{ not_ok "a neighbour starts" "$(tail -2 "$work/background.err")"; finish; }
tap "beside a sandbox" --rootfs "$work/root" --cwd / -- /bin/neighbour look "$tag" 40000
expect "from outside: the root's folder is as it was" "$(ls "$work/root/etc" "$work/root/tmp")" "$(printf '%s:\n\n%s:' "$work/root/etc" "$work/root/tmp")"
check "from outside: the neighbour lives" kill -0 "$runtime"
kill -9 "$runtime"

# The same against the host itself.
mkdir -p "$work/plain"
in_background "$GUESTS/neighbour" serve "host-$tag" >"$work/host-ready"
until grep -q ready "$work/host-ready" 2>/dev/null; do sleep 0.05; done
tap "beside the host" --rootfs "$work/root" --cwd / -- /bin/neighbour look "host-$tag" 40000
rm -f "/tmp/host-$tag.sock" "/tmp/host-$tag.file" "/dev/shm/host-$tag" /etc/changed-by-neighbour
ipcrm -M 0x51c4e7 -Q 0x51c4e7 -S 0x51c4e7 2>/dev/null
finish
