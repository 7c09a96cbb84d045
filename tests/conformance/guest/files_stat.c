/* stat in all forms, chmod, chown, times, access, statfs, extended attributes. */
#include "../tap.h"

#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

static void stats(void)
{
	struct stat st, again, link;
	struct statx stx;
	int fd = open("file", O_RDONLY), dir = open(".", O_RDONLY);

	CHECK_OK(stat("file", &st));
	CHECK(S_ISREG(st.st_mode) && st.st_size == 5 && st.st_nlink == 1 && st.st_ino && st.st_blksize > 0, "stat of a file");
	CHECK(st.st_uid == geteuid(), "its owner");
	CHECK(fstat(fd, &again) == 0 && !memcmp(&st, &again, sizeof(st)), "fstat agrees");
	CHECK(fstatat(dir, "file", &again, 0) == 0 && again.st_ino == st.st_ino, "fstatat agrees");
	CHECK(fstatat(fd, "", &again, AT_EMPTY_PATH) == 0 && again.st_ino == st.st_ino, "AT_EMPTY_PATH");
	CHECK(lstat("file", &again) == 0 && again.st_ino == st.st_ino, "lstat of a file is stat");
	CHECK(lstat("link", &link) == 0 && S_ISLNK(link.st_mode) && link.st_size == 4 && (link.st_mode & 0777) == 0777, "lstat of a link");
	CHECK(stat("link", &link) == 0 && link.st_ino == st.st_ino, "stat follows it");
	CHECK(fstatat(dir, "link", &link, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(link.st_mode), "AT_SYMLINK_NOFOLLOW");
	CHECK(stat("dir", &again) == 0 && S_ISDIR(again.st_mode), "stat of a directory");
	CHECK(stat("dir/.", &link) == 0 && link.st_ino == again.st_ino && stat("dir/sub/..", &link) == 0 && link.st_ino == again.st_ino,
	      ". and .. are the same directory");
	CHECK(stat("dir/", &link) == 0 && link.st_ino == again.st_ino, "a trailing slash on a directory");
	CHECK(st.st_dev == again.st_dev && st.st_ino != again.st_ino, "one device, two inodes");
	CHECK(mkfifo("fifo", 0600) == 0 && stat("fifo", &again) == 0 && S_ISFIFO(again.st_mode), "stat of a fifo");
	CHECK(stat("/dev/null", &again) == 0 && S_ISCHR(again.st_mode) && again.st_rdev == makedev(1, 3), "stat of /dev/null");
	CHECK_ERRNO(stat("none", &st), ENOENT);
	CHECK_ERRNO(stat("", &st), ENOENT);
	CHECK_ERRNO(stat("file/", &st), ENOTDIR);
	CHECK_ERRNO(stat("file/x", &st), ENOTDIR);
	CHECK_ERRNO(fstat(999, &st), EBADF);
	CHECK_ERRNO(fstatat(dir, "file", &st, 0x8000), EINVAL);
	CHECK_ERRNO(syscall(SYS_stat, "file", 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_stat, 8, &st), EFAULT);
	CHECK_OK(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &stx));
	CHECK(stx.stx_ino == again.st_ino || stx.stx_size == 5, "statx size");
	CHECK((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS, "statx tells what it filled");
	CHECK(makedev(stx.stx_dev_major, stx.stx_dev_minor) == link.st_dev, "statx device");
	CHECK(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx) == 0 && S_ISLNK(stx.stx_mode), "statx without following");
	CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx) == 0 && stx.stx_size == 5, "statx of an fd");
	CHECK_ERRNO(statx(AT_FDCWD, "file", 0x8000, STATX_SIZE, &stx), EINVAL);
	CHECK_ERRNO(statx(AT_FDCWD, "file", 0, 0x80000000, &stx), EINVAL);
	CHECK_ERRNO(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &stx), EINVAL);
	CHECK_ERRNO(statx(AT_FDCWD, "none", 0, STATX_SIZE, &stx), ENOENT);
	close(fd);
	close(dir);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0xffff;
}

static void modes(void)
{
	static const mode_t all[] = {0000, 0644, 0755, 0777, 0400, 01777, 04755};
	int fd = open("file", O_RDONLY), dir = open(".", O_RDONLY);
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		CHECK(chmod("file", all[i]) == 0 && mode_of("file") == all[i], "chmod %o", all[i]);
	CHECK(fchmod(fd, 0640) == 0 && mode_of("file") == 0640, "fchmod");
	CHECK(fchmodat(dir, "file", 0604, 0) == 0 && mode_of("file") == 0604, "fchmodat");
	CHECK(chmod("link", 0644) == 0 && mode_of("file") == 0644, "chmod follows a link");
	CHECK_ERRNO(chmod("none", 0644), ENOENT);
	CHECK_ERRNO(chmod("file/x", 0644), ENOTDIR);
	CHECK_ERRNO(fchmod(999, 0644), EBADF);
	CHECK_OK(chown("file", -1, -1));
	CHECK_OK(lchown("link", geteuid(), -1));
	CHECK_OK(fchown(fd, geteuid(), getegid()));
	CHECK_OK(fchownat(dir, "link", -1, -1, AT_SYMLINK_NOFOLLOW));
	CHECK_OK(fchownat(fd, "", -1, -1, AT_EMPTY_PATH));
	CHECK_ERRNO(chown("none", -1, -1), ENOENT);
	CHECK_ERRNO(fchownat(dir, "file", -1, -1, 0x8000), EINVAL);
	chmod("file", 06755);
	CHECK(chown("file", geteuid(), -1) == 0 && mode_of("file") == 0755, "chown drops the set-id bits");
	chmod("file", 0644);
	if (tap_is_root()) {
		CHECK(chown("file", 1234, 2345) == 0 && stat("file", &st) == 0 && st.st_uid == 1234 && st.st_gid == 2345, "root's chown");
		CHECK(chown("file", -1, 0) == 0 && stat("file", &st) == 0 && st.st_uid == 1234 && st.st_gid == 0, "of the group only");
		CHECK(chown("file", 0, -1) == 0 && stat("file", &st) == 0 && st.st_uid == 0, "and of the user only");
	}
	close(fd);
	close(dir);
}

static void times(void)
{
	struct timespec ts[2] = {{1000000001, 123456789}, {1000000002, 987654321}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
	struct timeval tv[2] = {{5, 6}, {7, 8}};
	struct stat st, before;
	int fd = open("file", O_RDWR);

	CHECK_OK(utimensat(AT_FDCWD, "file", ts, 0));
	CHECK(stat("file", &st) == 0 && st.st_atim.tv_sec == 1000000001 && st.st_mtim.tv_sec == 1000000002, "utimensat sets both");
	CHECK(st.st_mtim.tv_nsec == 987654321, "to the nanosecond");
	CHECK_OK(utimensat(AT_FDCWD, "file", now, 0));
	CHECK(stat("file", &st) == 0 && st.st_atim.tv_sec > 1000000001 && st.st_mtim.tv_sec == 1000000002, "UTIME_NOW and UTIME_OMIT");
	CHECK_OK(futimens(fd, ts));
	CHECK_OK(utimensat(AT_FDCWD, "link", ts, AT_SYMLINK_NOFOLLOW));
	CHECK_OK(futimesat(AT_FDCWD, "file", tv));
	CHECK(stat("file", &st) == 0 && st.st_atim.tv_sec == 5 && st.st_mtim.tv_nsec == 8000, "futimesat");
	CHECK_ERRNO(utimensat(AT_FDCWD, "file", bad, 0), EINVAL);
	CHECK_ERRNO(utimensat(AT_FDCWD, "none", ts, 0), ENOENT);
	CHECK_ERRNO(utimensat(AT_FDCWD, "file", ts, 0x8000), EINVAL);
	stat("file", &before);
	CHECK_EQ(pwrite(fd, "w", 1, 0), 1, "a write");
	CHECK(fstat(fd, &st) == 0 && st.st_mtim.tv_sec > before.st_mtim.tv_sec, "sets the modification time");
	CHECK(st.st_ctim.tv_sec >= before.st_ctim.tv_sec, "and the change time");
	futimens(fd, ts);
	CHECK(chmod("file", 0600) == 0 && stat("file", &st) == 0 && st.st_mtim.tv_sec == 1000000002, "chmod leaves it");
	utimensat(AT_FDCWD, "dir", ts, 0);
	tap_file("dir/new", "");
	CHECK(stat("dir", &st) == 0 && st.st_mtim.tv_sec > 1000000002, "a new entry sets the directory's");
	close(fd);
}

static void accesses(void)
{
	int fd = open("file", O_RDONLY);

	chmod("file", 0600);
	CHECK_OK(access("file", F_OK));
	CHECK_OK(access("file", R_OK | W_OK));
	CHECK_ERRNO(access("file", X_OK), EACCES);
	CHECK_ERRNO(access("none", F_OK), ENOENT);
	CHECK_ERRNO(access("file/x", F_OK), ENOTDIR);
	CHECK_ERRNO(access("file", 8), EINVAL);
	CHECK_OK(access("dir", X_OK));
	CHECK_OK(faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS));
	CHECK_OK(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
	CHECK_OK(syscall(SYS_faccessat2, AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW));
	CHECK_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "file", F_OK, 0x8000), EINVAL);
	chmod("file", 0000);
	if (tap_is_root())
		CHECK_OK(access("file", R_OK | W_OK));
	else
		CHECK_ERRNO(access("file", R_OK), EACCES);
	chmod("file", 0644);
	close(fd);
}

static void file_systems(void)
{
	struct statfs fs;
	int fd = open("file", O_RDONLY);

	CHECK_OK(statfs(".", &fs));
	CHECK(fs.f_bsize > 0 && fs.f_namelen == 255 && fs.f_type != 0, "statfs fills block size, name length, type");
	CHECK_OK(fstatfs(fd, &fs));
	CHECK(statfs("/proc", &fs) == 0 && fs.f_type == 0x9fa0, "/proc is a proc file system");
	CHECK_ERRNO(statfs("none", &fs), ENOENT);
	CHECK_ERRNO(fstatfs(999, &fs), EBADF);
	CHECK_ERRNO(statfs(".", (struct statfs *)8), EFAULT);
	close(fd);
}

static void attributes(void)
{
	char value[64], list[256];
	int fd = open("file", O_RDWR);

	if (setxattr("file", "user.a", "one", 3, 0) < 0 && errno == EOPNOTSUPP) {
		SKIP("extended attributes", "the file system has none");
		close(fd);
		return;
	}
	CHECK_EQ(getxattr("file", "user.a", value, sizeof(value)), 3, "getxattr");
	CHECK_EQ(getxattr("file", "user.a", NULL, 0), 3, "getxattr of the size");
	CHECK_ERRNO(getxattr("file", "user.a", value, 2), ERANGE);
	CHECK_ERRNO(getxattr("file", "user.none", value, 2), ENODATA);
	CHECK_ERRNO(setxattr("file", "user.a", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_ERRNO(setxattr("file", "user.none", "x", 1, XATTR_REPLACE), ENODATA);
	CHECK_ERRNO(setxattr("file", "bogus", "x", 1, 0), EOPNOTSUPP);
	CHECK_OK(fsetxattr(fd, "user.b", "two", 3, 0));
	CHECK(listxattr("file", list, sizeof(list)) >= 14, "listxattr names both");
	CHECK_OK(removexattr("file", "user.a"));
	CHECK_ERRNO(removexattr("file", "user.a"), ENODATA);
	close(fd);
}

int main(void)
{
	tap_begin();
	tap_file("file", "hello");
	if (mkdir("dir", 0755) || mkdir("dir/sub", 0755) || symlink("file", "link"))
		_exit(98);
	stats();
	modes();
	times();
	accesses();
	file_systems();
	attributes();
	return tap_end();
}
