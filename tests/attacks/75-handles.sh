# Section 8, lines 3 and 5: file handles that nobody gave, or that were given for something else.
. "$(dirname "$0")/lib.sh"
make_root handles
mkdir "$work/vol" "$work/outside"
echo SECRET >"$work/outside/secret"
for user in 0 1000; do
	chmod 777 "$work/root"
	tap "user $user" --user $user --rootfs "$work/root" --cwd / --volume "$work/vol:/vol:rw" -- /bin/handles "$work/outside/secret"
done
finish
