# Section 8, line 3: a gofer that follows no link out of its root and writes to no read-only mount.
. "$(dirname "$0")/lib.sh"
make_root readonly vol_race special
mkdir "$work/secret"
echo SECRET >"$work/secret/file"
touch "$work/secret/file-outside-only"
mkdir "$work/secret/sub"
echo SECRET >"$work/secret/sub/file"

# A read-only volume against every writing call, as root and as an ordinary user of the sandbox.
mkdir -p "$work/ro/dir" "$work/ro/empty"
echo text >"$work/ro/file"
echo inner >"$work/ro/dir/inner"
ln -s file "$work/ro/link"
chmod -R a+rwX "$work/ro"
tree() { (cd "$1" && find . -printf '%p %y %m %s %U %G %T@ %C@ %n %l\n' | sort; find . -type f -exec sha256sum {} + | sort); }
before=$(tree "$work/ro")
for user in 0 1000; do
	tap "read-only, user $user" --user $user --rootfs "$work/root" --cwd / --volume "$work/ro:/ro:ro" -- /bin/readonly /ro
	expect "from outside: the read-only volume is untouched by user $user" "$(tree "$work/ro")" "$before"
done

# Symlink and rename races from outside on a shared, writable volume.
mkdir -p "$work/vol/d/sub"
echo inside >"$work/vol/d/file"
echo inside >"$work/vol/d/sub/file"
ln -s "$work/secret" "$work/vol/out"
ln -s ../secret "$work/vol/up"
touch "$work/vol/mine"
chmod -R a+rwX "$work/vol"
secret=$(tree "$work/secret")
in_background "$GUESTS/vol_race" flip "$work/vol"
flipper=$last
LIMIT=120 tap race --rootfs "$work/root" --cwd / --volume "$work/vol:/vol:rw" -- /bin/vol_race walk /vol
kill -9 "$flipper"
expect "from outside: nothing came to lie outside the volume, nothing was changed there" "$(tree "$work/secret")" "$secret"

# Fifos, sockets, devices, hard links, links out.
mkdir "$work/special"
cd "$work/special" || exit 1
mkfifo fifo
chmod 666 fifo
mknod null c 1 3 2>/dev/null; mknod zero c 1 5 2>/dev/null; mknod disk b 8 0 2>/dev/null
chmod 666 null zero disk 2>/dev/null
ln -s "$work/secret/file" absolute
ln -s ../secret/file relative
ln -s .. chain
echo SHARED >"$work/shared"
ln "$work/shared" hard
cp "$GUESTS/special" setuid && chmod 4755 setuid
cd "$work" || exit 1
in_background "$GUESTS/host_listener" - "$work/special/socket" "$work/special/fifo" "$work/heard"
until grep -q listening "$work/heard" 2>/dev/null; do sleep 0.05; done
chmod 777 "$work/special/socket"
for mode in ro rw; do
	tap "special files, $mode" --rootfs "$work/root" --cwd / --volume "$work/special:/vol:$mode" -- /bin/special /vol
	expect "from outside: nothing arrived by socket or fifo, $mode" "$(cat "$work/heard")" listening
done
finish
