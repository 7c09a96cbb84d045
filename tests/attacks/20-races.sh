# Section 8, lines 1 and 3: a second thread changes a call's arguments under it. A read-only volume stays as it is, the sandbox lives.
. "$(dirname "$0")/lib.sh"
make_root races
mkdir "$work/ro" "$work/rw"
echo 'as it is' >"$work/ro/file"
echo 'writable' >"$work/rw/file"
chmod 666 "$work/rw/file"; chmod 777 "$work/rw"
before=$(cd "$work/ro" && stat -c '%n %s %a %i %Y %Z' . file)

LIMIT=150 tap races --rootfs "$work/root" --cwd / --volume "$work/ro:/ro:ro" --volume "$work/rw:/vol:rw" -- /bin/races /ro /vol

expect "from outside: the read-only volume is untouched" "$(cd "$work/ro" && stat -c '%n %s %a %i %Y %Z' . file)" "$before"
expect "from outside: so is its text" "$(cat "$work/ro/file")" "as it is"
finish
