# Section 8, lines 2, 3, 5: ways out by name: "..", /proc/PID/root, descriptors, chroot, sockets, devices.
. "$(dirname "$0")/lib.sh"
make_root escape
mkdir "$work/vol" "$work/outside"
echo SECRET >"$work/outside/secret"
cd "$work/outside" || exit 1
exec 8<"$work/outside" 9<"$work/outside/secret"	# descriptors that a careless runtime would hand on
machine() { sha256sum "$PICKET" "$work/root/bin/escape"; cat /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe 2>/dev/null; }
before=$(machine)
for user in 0 1000; do
	tap "user $user" --user $user --rootfs "$work/root" --cwd / --volume "$work/vol:/vol:rw" -- /bin/escape "$work/outside/secret"
	expect "from outside: programs and the machine's settings are as they were, user $user" "$(machine)" "$before"
done
finish
