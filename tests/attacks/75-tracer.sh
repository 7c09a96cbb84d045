# Section 8, lines 1, 2, 5, 7: a guest's ptrace(2) reaches its sandbox's processes, not the stub's calls nor anybody outside.
. "$(dirname "$0")/lib.sh"
make_root tracer
mkdir "$work/outside"
echo SECRET >"$work/outside/secret"
for user in 0 1000; do
	tap "user $user" --user $user --memory 512Mi --rootfs "$work/root" --cwd / -- /bin/tracer "$work/outside/secret"
done
finish
