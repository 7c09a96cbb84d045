# needs: unshare nsenter findmnt ipcmk ipcs lsns
# Namespaces by the programs of util-linux: mounts, users, names of the machine, System V IPC; entering one.
mkdir -p m n o
unshare -m sh -ec '
	mount -t tmpfs -o size=1m,nosuid,mode=755 made m
	findmnt -n -o SOURCE,FSTYPE,OPTIONS --target m
	echo text >m/a
	mount --bind m n; cat n/a
	mount -o remount,ro,bind n; findmnt -n -o VFS-OPTIONS --target n; touch n/b 2>/dev/null || echo read-only; touch m/b && ls n
	umount n; mount --move m n; ls m n
	mount --make-shared n; mount --rbind n o; findmnt -n -o PROPAGATION --target o
	mkdir o/sub; mount -t tmpfs sub o/sub; grep -c /sub /proc/self/mountinfo; umount n/sub; grep -c /sub /proc/self/mountinfo || true
	umount -l o; umount n; ls n'
unshare -Urm sh -c 'id -u; cat /proc/self/setgroups; mount -t tmpfs x m && findmnt -n -o FSTYPE --target m; mount -o remount,rw / 2>/dev/null || echo refused'
unshare -i sh -c 'ipcmk -M 4096 >/dev/null; ipcmk -Q >/dev/null; ipcmk -S 2 >/dev/null; ipcs | grep -c 0x'; ipcs | grep -c 0x
unshare -u sh -c 'hostname inside; hostname'; [ "$(hostname)" != inside ] && echo outside
mkfifo go; unshare -um sh -c 'hostname entered; mount -t tmpfs x m; touch m/seen; echo >go; read x <go; true' & pid=$!
read x <go; nsenter -t $pid -u hostname; nsenter -t $pid -m --wd="$PWD" ls m; ls m; lsns -n -t uts -o NPROCS -p $pid >/dev/null && echo listed; echo >go; wait
