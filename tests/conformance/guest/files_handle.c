/* name_to_handle_at and open_by_handle_at; statx's less known bits. */
#include "../tap.h"

#include <linux/stat.h>
#include <sys/syscall.h>

struct fh { unsigned bytes; int type; unsigned char data[128]; };
#define UNIQUE_HANDLE 1
#define FID 0x200
#define MASK_UNIQUE 0x4000u

static int mnt;

static long name(int fd, const char *path, struct fh *h, void *id, int flags)
{
	return syscall(SYS_name_to_handle_at, fd, path, h, id, flags);
}
static long get(int fd, const char *path, struct fh *h)
{
	h->bytes = 128;
	return name(fd, path, h, &mnt, 0);
}
static long by_handle(int fd, struct fh *h, int flags)
{
	return syscall(SYS_open_by_handle_at, fd, h, flags);
}

static void test_name(int dir)
{
	struct fh h = { 128, 0, { 0 } }, g = { 0, 0, { 0 } }, k = { 128, 0, { 0 } };
	struct statx sx;
	unsigned long long id64 = 0;
	int id2;

	CHECK_OK(name(dir, "f", &h, &mnt, 0));
	CHECK(h.bytes > 0 && h.bytes <= 128, "a handle has bytes");
	CHECK(h.type > 0, "and a type");
	CHECK(statx(dir, "f", 0, STATX_MNT_ID, &sx) == 0 && (int)sx.stx_mnt_id == mnt, "the mount's id is statx's");
	CHECK_ERRNO(name(dir, "f", &g, &id2, 0), EOVERFLOW);
	CHECK_EQ(g.bytes, h.bytes, "too little room: says how much is needed");
	CHECK_EQ(id2, mnt, "and the mount");
	g.bytes = 129;
	CHECK_ERRNO(name(dir, "f", &g, &mnt, 0), EINVAL);
	g.bytes = 128;
	CHECK_ERRNO(name(dir, "f", &g, &mnt, 2 << 20), EINVAL);
	CHECK_ERRNO(name(dir, "f", &g, &mnt, AT_SYMLINK_NOFOLLOW), EINVAL);
	CHECK_ERRNO(name(dir, "none", &g, &mnt, 0), ENOENT);
	CHECK_ERRNO(name(dir, "", &g, &mnt, 0), ENOENT);
	CHECK_ERRNO(name(999, "f", &g, &mnt, 0), EBADF);
	CHECK_ERRNO(name(dir, "f", (void *)8, &mnt, 0), EFAULT);
	CHECK_ERRNO(name(dir, "f", &g, (void *)8, 0), EFAULT);
	CHECK_ERRNO(name(dir, (void *)8, &g, &mnt, 0), EFAULT);
	int fd = openat(dir, "f", O_RDONLY);
	g.bytes = 128;
	CHECK_OK(name(fd, "", &g, &mnt, AT_EMPTY_PATH));
	CHECK(g.bytes == h.bytes && !memcmp(g.data, h.data, h.bytes), "the same file has the same handle");
	close(fd);
	CHECK_OK(name(dir, "link", &k, &mnt, AT_SYMLINK_FOLLOW));
	CHECK(!memcmp(k.data, h.data, h.bytes), "a link that is followed leads to it");
	k.bytes = 128;
	CHECK_OK(name(dir, "link", &k, &mnt, 0));
	CHECK(memcmp(k.data, h.data, h.bytes), "a link has a handle of its own");
	k.bytes = 128;
	CHECK_OK(name(dir, "hard", &k, &mnt, 0));
	CHECK(!memcmp(k.data, h.data, h.bytes), "a second name has not");
	k.bytes = 128;
	CHECK_OK(name(dir, "f", &k, &mnt, FID));
	k.bytes = 128;
	CHECK_ERRNO(name(AT_FDCWD, "/proc/self/stat", &k, &mnt, 0), EOPNOTSUPP);
	k.bytes = 128;
	if (name(dir, "f", &k, &id64, UNIQUE_HANDLE) == 0) {
		CHECK(statx(dir, "f", 0, MASK_UNIQUE, &sx) == 0 && sx.stx_mask & MASK_UNIQUE, "statx knows a mount's unique id");
		CHECK_EQ(sx.stx_mnt_id, id64, "which is the handle's");
		CHECK(id64 > 0x7fffffff, "and not an old one");
	}
}

static void test_open(int dir)
{
	struct fh h, d, bad;
	char buf[16] = "";
	struct stat a, b;
	int fd, other;

	MUST(get(dir, "f", &h) == 0 && get(dir, "sub", &d) == 0);
	CHECK_OK(fd = by_handle(dir, &h, O_RDONLY));
	CHECK(read(fd, buf, 15) == 4 && !strcmp(buf, "text"), "the file is there");
	CHECK(fstat(fd, &a) == 0 && fstatat(dir, "f", &b, 0) == 0 && a.st_ino == b.st_ino, "the very same");
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	close(fd);
	CHECK_OK(fd = by_handle(dir, &h, O_WRONLY | O_APPEND));
	CHECK_EQ(write(fd, "!", 1), 1, "opened for writing");
	close(fd);
	MUST(renameat(dir, "f", dir, "moved") == 0);
	CHECK_OK(fd = by_handle(dir, &h, O_RDONLY));
	close(fd);
	CHECK_OK(fd = by_handle(dir, &h, O_PATH));
	CHECK_ERRNO(read(fd, buf, 1), EBADF);
	close(fd);
	CHECK_ERRNO(by_handle(dir, &h, O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_OK(fd = by_handle(dir, &d, O_RDONLY | O_DIRECTORY));
	CHECK_OK(other = openat(fd, "inner", O_RDONLY));
	close(other);
	CHECK(fstatat(fd, "..", &a, 0) == 0 && fstat(dir, &b) == 0 && a.st_ino == b.st_ino, "a directory knows its parent");
	close(fd);
	CHECK_ERRNO(by_handle(dir, &d, O_RDWR), EISDIR);
	CHECK_ERRNO(by_handle(999, &h, O_RDONLY), EBADF);
	CHECK_ERRNO(by_handle(dir, (void *)8, O_RDONLY), EFAULT);
	bad = h;
	bad.bytes = 0;
	CHECK_ERRNO(by_handle(dir, &bad, O_RDONLY), EINVAL);
	bad.bytes = 129;
	CHECK_ERRNO(by_handle(dir, &bad, O_RDONLY), EINVAL);
	bad = h;
	memset(bad.data, 0xee, sizeof(bad.data));
	CHECK_ERRNO(by_handle(dir, &bad, O_RDONLY), ESTALE);
	bad = h;
	bad.data[0] ^= 1;
	CHECK_ERRNO(by_handle(dir, &bad, O_RDONLY), ESTALE);
	int proc = open("/proc", O_RDONLY);
	CHECK_ERRNO(by_handle(proc, &h, O_RDONLY), ESTALE);
	close(proc);
	unlinkat(dir, "hard", 0);
	fd = openat(dir, "moved", O_RDONLY);
	MUST(unlinkat(dir, "moved", 0) == 0);
	CHECK_OK(other = by_handle(dir, &h, O_RDONLY));
	CHECK(fstat(other, &a) == 0 && a.st_nlink == 0, "a removed file that is open can be had");
	close(other);
	close(fd);
	CHECK_ERRNO(by_handle(dir, &h, O_RDONLY), ESTALE);
	CHECK_CHILD("without the capability nobody may", MUST(setgid(1234) == 0 && setuid(1234) == 0);
		MUST(by_handle(dir, &d, O_RDONLY) == -1 && errno == EPERM));
	int many = 0;
	for (int i = 0; i < 2000; i++) {
		char path[32];
		snprintf(path, sizeof(path), "n%d", i);
		close(openat(dir, path, O_CREAT | O_WRONLY, 0644));
		many += get(dir, path, &bad) == 0;
		unlinkat(dir, path, 0);
	}
	CHECK_EQ(many, 2000, "as many handles as one likes");
}

static void test_statx(int dir)
{
	struct statx sx;

	CHECK_OK(statx(dir, "sub", 0, STATX_ALL, &sx));
	CHECK_EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS, "all that stat has");
	CHECK(sx.stx_mask & STATX_MNT_ID, "and the mount");
	CHECK(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT, "it is known what a mount's root is");
	CHECK(!(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT), "this is not one");
	CHECK_OK(statx(AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &sx));
	CHECK(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT, "that is");
	CHECK(!(sx.stx_attributes & STATX_ATTR_VERITY), "nothing is under fs-verity");
	CHECK_ERRNO(statx(dir, "sub", 0, 0x80000000u, &sx), EINVAL);
	CHECK_ERRNO(statx(dir, "sub", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &sx), EINVAL);
	CHECK_ERRNO(statx(dir, "sub", 0x10, 0, &sx), EINVAL);
	CHECK_ERRNO(statx(dir, "sub", 0, STATX_ALL, (void *)8), EFAULT);
}

int main(void)
{
	char path[64];
	int dir;

	tap_begin();
	snprintf(path, sizeof(path), "/dev/shm/handle-%d", getpid());
	mkdir(path, 0755);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	int fd = openat(dir, "f", O_CREAT | O_WRONLY, 0644);
	MUST(write(fd, "text", 4) == 4);
	close(fd);
	symlinkat("f", dir, "link");
	linkat(dir, "f", dir, "hard", 0);
	mkdirat(dir, "sub", 0755);
	close(openat(dir, "sub/inner", O_CREAT | O_WRONLY, 0644));
	test_name(dir);
	test_open(dir);
	test_statx(dir);
	tap_remove(AT_FDCWD, path);
	return tap_end();
}
