/* Edges of the calls about files that programs rest on: files without names, exchanges, locks, seals, set-id bits, links, copies. */
#include "../tap.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static mode_t mode_of(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 ? st.st_mode & 07777 : 0xffff;
}

static void nameless(const char *where)
{
	char link[64], name[64];
	int fd = open(where, O_TMPFILE | O_RDWR, 0640), other;
	struct stat st;

	CHECK(fd >= 0, "%s: O_TMPFILE", where);
	CHECK_EQ(fstat(fd, &st) == 0 ? (int)st.st_nlink : -1, 0, "%s: it has no name", where);
	CHECK_EQ(st.st_mode, S_IFREG | 0640, "%s: and a mode", where);
	CHECK_EQ(write(fd, "text", 4), 4, "%s: it is written to", where);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(name, sizeof(name), "%s/picket-named", where);
	CHECK_OK(linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
	CHECK_EQ(stat(name, &st) == 0 ? (int)st.st_size : -1, 4, "%s: it has a name now", where);
	CHECK_EQ(st.st_nlink, 1, "%s: one", where);
	CHECK_ERRNO(linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW), EEXIST);
	unlink(name);
	CHECK_ERRNO(linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
	fd = open(where, O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
	CHECK_ERRNO(open(where, O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(open("/dev/null", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	if (tap_is_root()) {
		fd = open(where, O_TMPFILE | O_RDWR, 0600);
		CHECK_OK(linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH));
		other = open(name, O_RDONLY);
		CHECK_ERRNO(linkat(other, "", AT_FDCWD, name, AT_EMPTY_PATH), EEXIST);
		CHECK_ERRNO(linkat(other, "", AT_FDCWD, "x", 0), ENOENT);
		close(other);
		close(fd);
		unlink(name);
	}
}

static void exchange(void)
{
	struct stat st;

	tap_file("one", "1");
	mkdir("dir", 0755);
	tap_file("dir/two", "2");
	CHECK_OK(renameat2(AT_FDCWD, "one", AT_FDCWD, "dir", RENAME_EXCHANGE));
	CHECK_STR(tap_text("dir"), "1", "a file where the directory was");
	CHECK_STR(tap_text("one/two"), "2", "and the other way");
	CHECK_OK(stat(".", &st));
	CHECK_ERRNO(renameat2(AT_FDCWD, "one", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
	CHECK_ERRNO(renameat2(AT_FDCWD, "one", AT_FDCWD, "one/two", RENAME_EXCHANGE), EINVAL);
	CHECK_ERRNO(renameat2(AT_FDCWD, "one/two", AT_FDCWD, "one", RENAME_EXCHANGE), EINVAL);
	CHECK_ERRNO(renameat2(AT_FDCWD, "dir", AT_FDCWD, "one", RENAME_NOREPLACE), EEXIST);
	CHECK_ERRNO(renameat2(AT_FDCWD, "dir", AT_FDCWD, "one", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
	CHECK_ERRNO(renameat2(AT_FDCWD, "dir", AT_FDCWD, "x", 8), EINVAL);
	CHECK_OK(renameat2(AT_FDCWD, "dir", AT_FDCWD, "dir", RENAME_EXCHANGE));
}

static int set_lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

static void locks(void)
{
	int a = open("lock", O_RDWR | O_CREAT, 0600), b = open("lock", O_RDWR), status;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	CHECK_OK(set_lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	CHECK_ERRNO(set_lock(b, F_OFD_SETLK, F_WRLCK, 5, 10), EAGAIN);
	CHECK_OK(set_lock(b, F_OFD_SETLK, F_WRLCK, 10, 10));
	CHECK_OK(fcntl(b, F_OFD_GETLK, &l));
	CHECK(l.l_type == F_WRLCK && l.l_pid == -1 && l.l_start == 0 && l.l_len == 10, "F_OFD_GETLK names no process");
	CHECK_ERRNO(set_lock(a, F_SETLK, F_RDLCK, 0, 1), EAGAIN);
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_pid = 1 };
	CHECK_ERRNO(fcntl(a, F_OFD_SETLK, &l), EINVAL);
	CHECK_OK(set_lock(a, F_OFD_SETLK, F_UNLCK, 0, 0));
	status = IN_CHILD(_exit(set_lock(b, F_OFD_SETLK, F_UNLCK, 0, 0) == 0 ? 0 : 1));
	CHECK_EQ(status, EXITED(0), "a child's copy gives the lock back");
	CHECK_OK(set_lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
	close(a);
	CHECK_OK(set_lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
	close(b);
}

/* Two processes that wait for each other: one of them hears of it. */
static void deadlock(void)
{
	int fd = open("dead", O_RDWR | O_CREAT, 0600), go[2], back[2], ret;
	pid_t pid;
	char c;

	MUST(pipe(go) == 0 && pipe(back) == 0 && set_lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	pid = tap_fork();
	if (pid == 0) {
		MUST(set_lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0 && write(back[1], "x", 1) == 1);
		ret = set_lock(fd, F_SETLKW, F_WRLCK, 0, 1);
		_exit(ret == 0 ? 0 : errno == EDEADLK ? 2 : 3);
	}
	MUST(read(back[0], &c, 1) == 1);
	ret = set_lock(fd, F_SETLKW, F_WRLCK, 1, 1) < 0 ? errno : 0;
	set_lock(fd, F_SETLK, F_UNLCK, 0, 0);
	CHECK_EQ(tap_wait(pid), EXITED(ret == EDEADLK ? 0 : 2), "one of two that wait for each other is refused, and the other is not");
	CHECK(ret == 0 || ret == EDEADLK, "a circle of waiting is EDEADLK");
	close(fd);
}

static void seals(void)
{
	int fd = memfd_create("s", MFD_ALLOW_SEALING), plain = memfd_create("p", 0), ro;
	char link[64], *p;

	CHECK_EQ(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL, "without ALLOW_SEALING it is sealed against seals");
	CHECK_ERRNO(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	MUST(ftruncate(fd, 8192) == 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, 0x10 /* F_SEAL_FUTURE_WRITE */));
	p[0] = 'x';
	CHECK_EQ(p[0], 'x', "a mapping from before still writes");
	CHECK_ERRNO(write(fd, "a", 1), EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM, "a new one may not");
	munmap(p, 4096);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	CHECK_ERRNO(ftruncate(fd, 8193), EPERM);
	CHECK_ERRNO(ftruncate(fd, 1), EPERM);
	CHECK_ERRNO(fallocate(fd, 0, 0, 9000), EPERM);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), EPERM);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 1 << 20), EINVAL);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ro = open(link, O_RDONLY);
	CHECK_ERRNO(fcntl(ro, F_ADD_SEALS, F_SEAL_SEAL), EPERM);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	close(ro);
	close(fd);
	close(plain);
	ro = open("lock", O_RDWR);
	CHECK_ERRNO(fcntl(ro, F_GET_SEALS), EINVAL);
	close(ro);
	fd = memfd_create("x", 8 /* MFD_NOEXEC_SEAL */);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0x20 /* F_SEAL_EXEC */, "NOEXEC_SEAL seals the mode");
	CHECK_ERRNO(fchmod(fd, 0777), EPERM);
	CHECK_OK(fchmod(fd, 0600));
	close(fd);
}

/* Set-id bits go where somebody without CAP_FSETID writes, and with the owner. */
static void set_ids(void)
{
	int fd;

	tap_file("suid", "x");
	CHECK_OK(chmod("suid", 06755));
	CHECK_OK(chown("suid", 1000, 1000));
	CHECK_EQ(mode_of("suid"), 0755, "a new owner is not served by set-id bits");
	CHECK_OK(chmod("suid", 06755));
	CHECK_CHILD("a writer without CAP_FSETID", fd = open("suid", O_WRONLY); MUST(setresgid(1000, 1000, 1000) == 0);
		    MUST(setresuid(1000, 1000, 1000) == 0); MUST(write(fd, "y", 1) == 1));
	CHECK_EQ(mode_of("suid"), 0755, "takes the bits away");
	CHECK_OK(chmod("suid", 02644));
	CHECK_CHILD("a writer of a file with group id that is not executable", fd = open("suid", O_WRONLY);
		    MUST(setresgid(1000, 1000, 1000) == 0); MUST(setresuid(1000, 1000, 1000) == 0); MUST(write(fd, "y", 1) == 1));
	CHECK_EQ(mode_of("suid"), 02644, "leaves it");
	mkdir("gid", 0777);
	CHECK_OK(chown("gid", 0, 1000));
	CHECK_OK(chmod("gid", 02777));
	mkdir("gid/sub", 0755);
	CHECK_EQ(mode_of("gid/sub"), 02755, "a directory inherits set-group-id");
	tap_file("gid/file", "x");
	{
		struct stat st;

		CHECK(stat("gid/file", &st) == 0 && st.st_gid == 1000, "a file the group");
	}
}

static void copies(void)
{
	int shm = open("/dev/shm", O_TMPFILE | O_RDWR, 0600), a = open("copy", O_RDWR | O_CREAT, 0600), b = open("copy2", O_RDWR | O_CREAT, 0600), p[2], q[2];
	off_t off = 2;
	char buf[16] = "";
	struct iovec v = { buf, 4 };

	MUST(pipe(p) == 0 && pipe(q) == 0 && write(a, "0123456789", 10) == 10);
	CHECK_ERRNO(copy_file_range(a, &off, shm, NULL, 5, 0), EXDEV);
	CHECK_EQ(copy_file_range(a, &off, b, NULL, 5, 0), 5, "a copy of a range");
	CHECK_EQ(off, 7, "moves the offset");
	CHECK(pread(b, buf, 5, 0) == 5 && !memcmp(buf, "23456", 5), "and the bytes");
	CHECK_EQ(copy_file_range(a, &off, b, NULL, 100, 0), 3, "and stops at the end");
	CHECK_EQ(copy_file_range(a, &off, b, NULL, 100, 0), 0, "where there is nothing");
	off = 0;
	CHECK_ERRNO(copy_file_range(a, &off, a, NULL, -1ul, 0), EOVERFLOW);
	CHECK_ERRNO(copy_file_range(a, &off, p[1], NULL, 1, 0), EINVAL);
	off = 0;
	CHECK_EQ(sendfile(p[1], a, &off, 4), 4, "sendfile to a pipe");
	CHECK_EQ(tee(p[0], q[1], 100, 0), 4, "tee leaves it there");
	CHECK_EQ(splice(p[0], NULL, shm, NULL, 100, 0), 4, "splice takes it out");
	CHECK_EQ(read(q[0], buf, 16), 4, "and the copy is whole");
	CHECK_ERRNO(tee(p[0], p[1], 1, 0), EINVAL);
	CHECK_ERRNO(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(splice(a, NULL, shm, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(p[0], &off, shm, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(p[0], NULL, shm, NULL, 1, 1 << 10), EINVAL);
	CHECK_EQ(vmsplice(p[1], &v, 1, SPLICE_F_GIFT), 4, "vmsplice");
	CHECK_ERRNO(vmsplice(a, &v, 1, 0), EBADF);
	CHECK_EQ(pwritev2(a, &v, 1, 0, RWF_APPEND), 4, "RWF_APPEND is at the end, whatever the offset");
	CHECK_EQ(lseek(a, 0, SEEK_END), 14, "which it moved");
	CHECK_EQ(preadv2(a, &v, 1, 0, RWF_HIPRI), 4, "RWF_HIPRI");
	CHECK_EQ(pwritev2(a, &v, 1, 0, RWF_DSYNC | RWF_SYNC), 4, "RWF_DSYNC, RWF_SYNC");
	close(a);
	a = open("copy", O_RDWR | O_APPEND);
	CHECK_EQ(pwritev2(a, &v, 1, 0, 0x20 /* RWF_NOAPPEND */), 4, "RWF_NOAPPEND is at the offset");
	CHECK_EQ(lseek(a, 0, SEEK_END), 14, "of a file that appends");
	CHECK_ERRNO(sendfile(a, a, NULL, 1), EINVAL);
	for (int i = 0; i < 2; i++)
		close(p[i]), close(q[i]);
	close(a);
	close(b);
	close(shm);
}

static void deep_names(void)
{
	char name[4200];
	int fd;

	memset(name, 'n', 256);
	name[256] = 0;
	CHECK_ERRNO(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
	name[255] = 0;
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	CHECK_OK(fd);
	close(fd);
	memset(name, '/', 4096);
	name[4096] = 0;
	CHECK_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
	name[4095] = 0;
	CHECK_OK(access(name, F_OK));
	symlink("l00", "l-1");
	for (int i = 0; i < 41; i++) {
		char from[16], to[16];

		snprintf(from, sizeof(from), "l%02d", i);
		snprintf(to, sizeof(to), "l%02d", i + 1);
		symlink(i == 40 ? "lock" : to, from);
	}
	CHECK_OK(access("l01", F_OK));
	CHECK_ERRNO(access("l00", F_OK), ELOOP);
	CHECK_ERRNO(open("lock/", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("new/", O_CREAT | O_WRONLY, 0600), EISDIR);
	CHECK_ERRNO(mknod("new/", S_IFREG | 0600, 0), ENOENT);
	CHECK_OK(mkdir("newdir/", 0700));
	CHECK_ERRNO(unlink("newdir/"), EISDIR);
	CHECK_ERRNO(rmdir("newdir/."), EINVAL);
	CHECK_OK(rmdir("newdir/"));
}

int main(void)
{
	tap_begin();
	nameless(".");
	nameless("/dev/shm");
	exchange();
	locks();
	deadlock();
	seals();
	if (tap_is_root())
		set_ids();
	copies();
	deep_names();
	return tap_end();
}
