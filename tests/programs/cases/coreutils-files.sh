# cp, mv, rm, ln, mkdir, touch, chmod, stat, install, readlink, realpath, truncate, mktemp, dd, du, df.
mkdir -p a/b/c d; echo text >a/file; echo more >a/b/file
cp -r a copy; find copy | sort
cp -a a archive; stat -c '%A %s %F' archive/file
mv copy d/moved; ls -R d
ln a/file hard; ln -s a/file soft; stat -c '%h %F' hard soft
readlink soft; readlink -f soft | sed "s|$HOME|HOME|"; realpath a/../a/b | sed "s|$HOME|HOME|"
chmod 640 a/file; stat -c %a a/file; chmod u+x,g-r a/file; stat -c %a a/file; chmod -R a+rX a; stat -c %a a/b
touch -d '2020-02-02 02:02:02 UTC' old; TZ=UTC stat -c %y old; touch -r old new; TZ=UTC stat -c %y new
install -m 750 -D a/file deep/er/installed; stat -c '%a %n' deep/er/installed
truncate -s 100000 big; stat -c %s big; truncate -s -1 big; stat -c %s big
dd if=/dev/zero of=zeros bs=4k count=10 status=none; wc -c <zeros; cmp zeros <(head -c 40960 /dev/zero) && echo same
dd if=/dev/urandom of=random bs=1k count=3 conv=fsync status=none; wc -c <random
rm -r deep; rmdir a/b/c; rmdir a 2>&1 | sed "s|'.*'|X|"; rm -rf a; ls
mktemp -d ./tmp.XXXXXX | wc -c; mktemp -u | cut -c1-9
mkfifo f; stat -c %F f; test -p f && echo fifo
ls -la / >/dev/null && ls -ld /tmp | cut -c1-10
ls --sort=size -1 zeros big random; ls -1 | wc -l
basename /a/b.c .c; dirname /a/b.c; pathchk /a/b && echo valid
sync; df . >/dev/null && du -s --apparent-size zeros >/dev/null && echo ok
split -l 3 <(seq 10) part.; cat part.aa part.ad; csplit -s <(seq 10) 4 8; cat xx01
shred -u random; ls random 2>/dev/null || echo gone
mv old renamed; cp --preserve=all renamed kept; TZ=UTC stat -c %y kept
rm -f nonexistent; echo $?; rm nonexistent 2>/dev/null; echo $?
