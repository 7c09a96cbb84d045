/* The younger calls on files: setxattrat and its kin, cachestat, RENAME_WHITEOUT, RESOLVE_CACHED, F_CREATED_QUERY, hints, epoll's parameters. */
#include "../tap.h"

#include <linux/openat2.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define NR_cachestat 451
#define NR_setxattrat 463
#define NR_getxattrat 464
#define NR_listxattrat 465
#define NR_removexattrat 466

struct xargs { uint64_t value; uint32_t size, flags; };

static long setat(int fd, const char *path, int at, const char *name, const void *v, unsigned n, unsigned flags, size_t usize)
{
	struct xargs x[2] = { { (uintptr_t)v, n, flags } };
	return syscall(NR_setxattrat, fd, path, at, name, x, usize);
}
static long getat(int fd, const char *path, int at, const char *name, void *v, unsigned n, unsigned flags, size_t usize)
{
	struct xargs x[2] = { { (uintptr_t)v, n, flags } };
	return syscall(NR_getxattrat, fd, path, at, name, x, usize);
}

static void test_xattrat(void)
{
	char buf[64] = "";
	int fd, dir = open(".", O_RDONLY | O_DIRECTORY), opath;

	tap_file("f", "text");
	symlink("f", "link");
	fd = open("f", O_RDWR);
	opath = open("f", O_PATH);
	CHECK_OK(setat(dir, "f", 0, "user.a", "one", 3, 0, 16));
	CHECK_EQ(getat(dir, "f", 0, "user.a", buf, 64, 0, 16), 3, "getxattrat gives it");
	CHECK_STR(buf, "one", "as it was");
	CHECK_EQ(getxattr("f", "user.a", buf, 64), 3, "as getxattr does");
	CHECK_OK(setat(AT_FDCWD, "link", 0, "user.b", "two", 3, XATTR_CREATE, 16));
	CHECK_ERRNO(setat(AT_FDCWD, "link", 0, "user.b", "two", 3, XATTR_CREATE, 16), EEXIST);
	CHECK_ERRNO(setat(AT_FDCWD, "f", 0, "user.c", "two", 3, XATTR_REPLACE, 16), ENODATA);
	CHECK_ERRNO(setat(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, "user.b", "two", 3, 0, 16), EPERM);
	CHECK_ERRNO(getat(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, "user.b", buf, 64, 0, 16), ENODATA);
	CHECK_EQ(getat(fd, "", AT_EMPTY_PATH, "user.b", buf, 64, 0, 16), 3, "by the fd alone");
	CHECK_EQ(getat(fd, NULL, AT_EMPTY_PATH, "user.b", buf, 64, 0, 16), 3, "and with no path at all");
	CHECK_ERRNO(getat(fd, "", 0, "user.b", buf, 64, 0, 16), ENOENT);
	CHECK_ERRNO(getat(opath, "", AT_EMPTY_PATH, "user.b", buf, 64, 0, 16), EBADF);
	CHECK_ERRNO(getat(999, "", AT_EMPTY_PATH, "user.b", buf, 64, 0, 16), EBADF);
	CHECK_ERRNO(getat(fd, "f", 0, "user.b", buf, 64, 0, 16), ENOTDIR);
	CHECK_ERRNO(getat(dir, "f", 1, "user.b", buf, 64, 0, 16), EINVAL);
	CHECK_ERRNO(getat(dir, "f", AT_SYMLINK_FOLLOW, "user.b", buf, 64, 0, 16), EINVAL);
	CHECK_ERRNO(getat(dir, "f", 0, "user.b", buf, 64, 1, 16), EINVAL);
	CHECK_ERRNO(getat(dir, "f", 0, "user.b", buf, 64, 0, 8), EINVAL);
	CHECK_ERRNO(getat(dir, "f", 0, "user.b", buf, 64, 0, 5000), E2BIG);
	CHECK_EQ(getat(dir, "f", 0, "user.b", buf, 64, 0, 32), 3, "a longer structure of zeroes");
	CHECK_ERRNO(getat(dir, "f", 0, "user.b", buf, 1, 0, 16), ERANGE);
	CHECK_EQ(getat(dir, "f", 0, "user.b", NULL, 0, 0, 16), 3, "size 0 asks for the size");
	CHECK_ERRNO(getat(dir, "f", 0, "user.b", (void *)8, 64, 0, 16), EFAULT);
	CHECK_ERRNO(syscall(NR_getxattrat, dir, "f", 0, "user.b", 8, 16), EFAULT);
	CHECK_ERRNO(setat(dir, "f", 0, "user.d", "x", 1, 4, 16), EINVAL);
	CHECK_ERRNO(setat(dir, "f", 0, "user.d", "x", 65537, 0, 16), E2BIG);
	CHECK_ERRNO(setat(dir, "f", 0, "", "x", 1, 0, 16), ERANGE);
	CHECK_ERRNO(setat(dir, "f", 0, "nothing.d", "x", 1, 0, 16), EOPNOTSUPP);
	long n = syscall(NR_listxattrat, dir, "f", 0, buf, sizeof(buf));
	CHECK(n >= 14 && memmem(buf, n, "user.a", 7) && memmem(buf, n, "user.b", 7), "listxattrat lists both");
	CHECK_EQ(syscall(NR_listxattrat, dir, "f", 0, NULL, 0), n, "and says how long that is");
	CHECK_ERRNO(syscall(NR_listxattrat, dir, "f", 0, buf, 3), ERANGE);
	CHECK_ERRNO(syscall(NR_listxattrat, dir, "f", 2, buf, 64), EINVAL);
	CHECK_OK(syscall(NR_removexattrat, fd, "", AT_EMPTY_PATH, "user.a"));
	CHECK_ERRNO(syscall(NR_removexattrat, dir, "f", 0, "user.a"), ENODATA);
	CHECK_ERRNO(syscall(NR_removexattrat, dir, "f", 8, "user.b"), EINVAL);
	CHECK_ERRNO(syscall(NR_removexattrat, dir, "none", 0, "user.b"), ENOENT);
	close(fd);
	close(dir);
	close(opath);
}

static void test_whiteout(void)
{
	char dir[64];
	struct stat st;
	int at;

	snprintf(dir, sizeof(dir), "/dev/shm/newer-%d", getpid());
	mkdir(dir, 0755);
	at = open(dir, O_RDONLY | O_DIRECTORY);
	close(openat(at, "a", O_CREAT | O_WRONLY, 0644));
	CHECK_OK(syscall(SYS_renameat2, at, "a", at, "b", RENAME_WHITEOUT));
	CHECK(fstatat(at, "b", &st, 0) == 0 && S_ISREG(st.st_mode), "the file has its new name");
	CHECK(fstatat(at, "a", &st, 0) == 0 && S_ISCHR(st.st_mode), "the old one is a device");
	CHECK_EQ(st.st_rdev, makedev(0, 0), "0:0");
	CHECK_EQ(st.st_mode & 07777, 0, "without permissions");
	CHECK_EQ(st.st_uid, geteuid(), "of who renamed");
	CHECK_EQ(st.st_nlink, 1, "with one link");
	CHECK_ERRNO(syscall(SYS_renameat2, at, "b", at, "c", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
	close(openat(at, "c", O_CREAT | O_WRONLY, 0644));
	CHECK_ERRNO(syscall(SYS_renameat2, at, "b", at, "c", RENAME_WHITEOUT | RENAME_NOREPLACE), EEXIST);
	CHECK_OK(syscall(SYS_renameat2, at, "b", at, "c", RENAME_WHITEOUT));
	mkdirat(at, "d", 0755);
	CHECK_OK(syscall(SYS_renameat2, at, "d", at, "e", RENAME_WHITEOUT));
	CHECK(fstatat(at, "d", &st, 0) == 0 && S_ISCHR(st.st_mode), "a directory leaves one as well");
	CHECK(fstat(at, &st) == 0 && st.st_nlink == 3, "and is counted once");
	CHECK_OK(unlinkat(at, "a", 0));
	CHECK_OK(unlinkat(at, "b", 0));
	CHECK_OK(unlinkat(at, "c", 0));
	CHECK_OK(unlinkat(at, "d", 0));
	CHECK_OK(unlinkat(at, "e", AT_REMOVEDIR));
	CHECK_OK(rmdir(dir));
	close(at);
}

static long open2(const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve, .mode = flags & O_CREAT ? 0644 : 0 };
	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static void test_cached(void)
{
	struct stat st;
	long fd;

	tap_file("cached", "x");
	stat("cached", &st);
	CHECK_OK(fd = open2("cached", O_RDONLY, RESOLVE_CACHED));
	close(fd);
	CHECK_ERRNO(open2("cached", O_RDWR | O_CREAT, RESOLVE_CACHED), EAGAIN);
	CHECK_ERRNO(open2("cached", O_RDWR | O_TRUNC, RESOLVE_CACHED), EAGAIN);
	CHECK_ERRNO(open2("cached", O_RDONLY, RESOLVE_CACHED | 64), EINVAL);
	fd = open2("never-seen-before", O_RDONLY, RESOLVE_CACHED);
	CHECK(fd == -1 && (errno == EAGAIN || errno == ENOENT), "what is not known is EAGAIN");
}

static void test_fcntl(void)
{
	uint64_t hint = 99;
	int fd = open("fresh", O_RDWR | O_CREAT, 0644), again = open("fresh", O_RDWR | O_CREAT, 0644), p[2], opath;

	CHECK_EQ(fcntl(fd, 1028), 1, "F_CREATED_QUERY: this open made it");
	CHECK_EQ(fcntl(again, 1028), 0, "this one found it");
	opath = open("fresh", O_PATH);
	CHECK_EQ(fcntl(opath, 1028), 0, "an O_PATH fd may be asked");
	CHECK_ERRNO(fcntl(999, 1028), EBADF);
	close(opath);
	CHECK_EQ(fcntl(fd, 1027, fd), 1, "F_DUPFD_QUERY: the same");
	CHECK_EQ(fcntl(fd, 1027, again), 0, "another");
	CHECK_ERRNO(fcntl(fd, 1027, 999), EBADF);
	CHECK_OK(fcntl(fd, F_GET_RW_HINT, &hint));
	CHECK_EQ(hint, 0, "no hint is set");
	hint = RWH_WRITE_LIFE_SHORT;
	CHECK_OK(fcntl(fd, F_SET_RW_HINT, &hint));
	hint = 0;
	CHECK_OK(fcntl(again, F_GET_RW_HINT, &hint));
	CHECK_EQ(hint, RWH_WRITE_LIFE_SHORT, "it is the inode's");
	hint = 6;
	CHECK_ERRNO(fcntl(fd, F_SET_RW_HINT, &hint), EINVAL);
	CHECK_ERRNO(fcntl(fd, F_SET_RW_HINT, (void *)8), EFAULT);
	CHECK_ERRNO(fcntl(fd, F_GET_RW_HINT, (void *)8), EFAULT);
	CHECK_ERRNO(fcntl(fd, 1037, &hint), EINVAL);
	CHECK_ERRNO(fcntl(fd, 1038, &hint), EINVAL);
	CHECK_ERRNO(fcntl(fd, 7777), EINVAL);
	close(fd);
	close(again);
	if (pipe(p) == 0) {
		CHECK_ERRNO(fcntl(p[0], F_GET_SEALS), EINVAL);
		CHECK_ERRNO(fcntl(p[0], F_SETPIPE_SZ, (1u << 31) + 1), EINVAL);
		close(p[0]);
		close(p[1]);
	}
}

static void test_cachestat(void)
{
	struct { uint64_t off, len; } range = { 0, 0 };
	struct { uint64_t cache, dirty, writeback, evicted, recently; } cs;
	int fd = open("pages", O_RDWR | O_CREAT, 0644), opath, p[2];
	char page[4096] = "x";

	for (int i = 0; i < 8; i++)
		MUST(write(fd, page, sizeof(page)) == 4096);
	CHECK_OK(syscall(NR_cachestat, fd, &range, &cs, 0));
	CHECK_EQ(cs.cache, 8, "eight pages are cached");
	CHECK_EQ(cs.evicted, 0, "none went");
	range.len = 4096 * 2;
	CHECK_OK(syscall(NR_cachestat, fd, &range, &cs, 0));
	CHECK_EQ(cs.cache, 2, "two of them in the range");
	range.off = 4096 * 100;
	CHECK_OK(syscall(NR_cachestat, fd, &range, &cs, 0));
	CHECK_EQ(cs.cache, 0, "none past the end");
	CHECK_ERRNO(syscall(NR_cachestat, fd, &range, &cs, 1), EINVAL);
	CHECK_ERRNO(syscall(NR_cachestat, 999, &range, &cs, 0), EBADF);
	CHECK_ERRNO(syscall(NR_cachestat, fd, 8, &cs, 0), EFAULT);
	CHECK_ERRNO(syscall(NR_cachestat, fd, &range, 8, 0), EFAULT);
	opath = open("pages", O_PATH);
	CHECK_ERRNO(syscall(NR_cachestat, opath, &range, &cs, 0), EBADF);
	close(opath);
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), 0, "WILLNEED");
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0, "DONTNEED");
	CHECK_EQ(posix_fadvise(fd, -1, 0, POSIX_FADV_DONTNEED), 0, "at any offset");
	CHECK_EQ(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL), EINVAL, "a negative length");
	CHECK_EQ(posix_fadvise(fd, 0, 0, 6), EINVAL, "unknown advice");
	CHECK_OK(readahead(fd, 0, 4096));
	MUST(pread(fd, page, 1, 4096) == 1);
	CHECK(page[0] == 'x', "the bytes are still there");
	MUST(pipe(p) == 0);
	CHECK_EQ(posix_fadvise(p[0], 0, 0, 0), ESPIPE, "advice on a pipe");
	CHECK_ERRNO(readahead(p[0], 0, 1), EINVAL);
	CHECK_ERRNO(readahead(p[1], 0, 1), EBADF);
	close(fd);
}

static void test_epoll_params(void)
{
	struct { uint32_t usecs; uint16_t budget; uint8_t prefer, pad; } p = { 100, 8, 1, 0 }, q = { 0 };
	int ep = epoll_create1(0);

	CHECK_OK(ioctl(ep, 0x40088a01, &p));
	CHECK_OK(ioctl(ep, 0x80088a02, &q));
	CHECK(q.usecs == 100 && q.budget == 8 && q.prefer == 1, "epoll's parameters are kept");
	p.pad = 1;
	CHECK_ERRNO(ioctl(ep, 0x40088a01, &p), EINVAL);
	p.pad = 0;
	p.prefer = 2;
	CHECK_ERRNO(ioctl(ep, 0x40088a01, &p), EINVAL);
	CHECK_ERRNO(ioctl(ep, 0x40088a01, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(ep, 0x80088a02, (void *)8), EFAULT);
	close(ep);
}

int main(void)
{
	tap_begin();
	test_xattrat();
	test_whiteout();
	test_cached();
	test_fcntl();
	test_cachestat();
	test_epoll_params();
	return tap_end();
}
