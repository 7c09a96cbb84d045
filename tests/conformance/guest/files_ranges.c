/* Ranges of files: fallocate(2) in all its modes on a disk's file system and on tmpfs, the ioctls of files, chattr(1)'s flags. */
#include "../tap.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#define BLOCK 4096
#define SHM "/dev/shm/picket-ranges"

static char block[BLOCK];

/* A file of blocks of 'a', 'b', 'c' and so on. */
static int letters(const char *name, int blocks)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	for (int i = 0; i < blocks; i++) {
		memset(block, 'a' + i, BLOCK);
		if (write(fd, block, BLOCK) != BLOCK)
			return -1;
	}
	return fd;
}

/* The first letter of each block; '.' for zero. */
static const char *text(int fd)
{
	static char out[32];
	int n = 0;
	char c;

	while (n < 31 && pread(fd, &c, 1, (off_t)n * BLOCK) == 1)
		out[n++] = c ? c : '.';
	out[n] = 0;
	return out;
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static void collapse_and_insert(void)
{
	int fd = letters("shift", 6);

	CHECK_OK(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, BLOCK, 2 * BLOCK));
	CHECK_STR(text(fd), "adef", "a collapse takes blocks out");
	CHECK_EQ(size_of(fd), 4 * BLOCK, "and makes the file shorter");
	CHECK_OK(fallocate(fd, FALLOC_FL_INSERT_RANGE, BLOCK, BLOCK));
	CHECK_STR(text(fd), "a.def", "an insert leaves zeroes");
	CHECK_EQ(size_of(fd), 5 * BLOCK, "and makes it longer");
	CHECK_OK(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 3 * BLOCK));
	CHECK_STR(text(fd), "...a.def", "at the start");
	CHECK_OK(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 3 * BLOCK));
	CHECK_STR(text(fd), "a.def", "and away again");
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 1, BLOCK), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 100), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, BLOCK, 4 * BLOCK), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, BLOCK, 9 * BLOCK), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE, 5 * BLOCK, BLOCK), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE, 9 * BLOCK, BLOCK), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE, 1, BLOCK), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE | FALLOC_FL_KEEP_SIZE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_STR(text(fd), "a.def", "none of these changed it");
	close(fd);
}

static void zero_range(void)
{
	int fd = letters("zero", 4);
	struct stat st;
	char c[2];

	CHECK_OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, BLOCK, BLOCK));
	CHECK_STR(text(fd), "a.cd", "a range becomes zeroes");
	CHECK_OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2 * BLOCK - 1, 2));
	CHECK(pread(fd, c, 2, 2 * BLOCK) == 2 && c[0] == 0 && c[1] == 'c', "by bytes, too");
	CHECK_OK(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 3 * BLOCK, 3 * BLOCK));
	CHECK_EQ(size_of(fd), 4 * BLOCK, "KEEP_SIZE keeps it");
	CHECK_OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 3 * BLOCK, 3 * BLOCK));
	CHECK_EQ(size_of(fd), 6 * BLOCK, "without it the file grows");
	CHECK(fstat(fd, &st) == 0 && st.st_blocks >= 6 * 8, "what is zeroed is stored");
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, BLOCK));
	CHECK(text(fd)[0] == '.', "a punched hole reads as zeroes");
	CHECK_EQ(lseek(fd, 0, SEEK_DATA) >= BLOCK, 1, "and is a hole");
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, -1, 1), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, INT64_MAX, 2), EFBIG);
	CHECK_ERRNO(fallocate(fd, 1 << 20, 0, 1), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(-1, 0, 0, 1), EBADF);
	close(fd);
	fd = open("zero", O_RDONLY);
	CHECK_ERRNO(fallocate(fd, 0, 0, 1), EBADF);
	close(fd);
	fd = open(".", O_RDONLY);
	CHECK_ERRNO(fallocate(fd, 0, 0, 1), EBADF);
	close(fd);
}

/* A mapping sees what was moved below it. */
static void mapped(void)
{
	int fd = letters("mapped", 4);
	char *p = mmap(NULL, 4 * BLOCK, PROT_READ, MAP_SHARED, fd, 0);

	CHECK_EQ(p[BLOCK], 'b', "a mapping before");
	CHECK_OK(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, BLOCK, BLOCK));
	CHECK_EQ(p[BLOCK], 'c', "and after a collapse");
	CHECK_OK(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, BLOCK));
	CHECK(p[0] == 0 && p[BLOCK] == 'a', "and after an insert");
	munmap(p, 4 * BLOCK);
	close(fd);
}

static void tmpfs_refuses(void)
{
	int fd = letters(SHM, 4);
	struct rlimit was, small = { .rlim_cur = 2 * BLOCK };

	CHECK_ERRNO(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK, BLOCK));
	CHECK_STR(text(fd), "a.cd", "tmpfs punches holes");
	CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8 * BLOCK));
	CHECK_EQ(size_of(fd), 4 * BLOCK, "tmpfs keeps the size");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	small.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_ERRNO(fallocate(fd, 0, 0, 9 * BLOCK), EFBIG);
	setrlimit(RLIMIT_FSIZE, &was);
	close(fd);
	unlink(SHM);
}

/* More than the file system says it has is not to be had. */
static void full(void)
{
	struct statfs s;
	int fd = open(SHM, O_RDWR | O_CREAT, 0600);

	CHECK_OK(statfs("/dev/shm", &s));
	CHECK(s.f_blocks > 0 && s.f_bfree > 0 && s.f_bfree <= s.f_blocks, "tmpfs has a size");
	CHECK(s.f_files > 0 && s.f_ffree <= s.f_files, "and a number of inodes");
	CHECK_ERRNO(fallocate(fd, 0, 0, (off_t)(s.f_blocks + 1) * s.f_bsize), ENOSPC); /* refused before anything is stored */
	CHECK_OK(ftruncate(fd, (off_t)(s.f_blocks + 1) * s.f_bsize));
	CHECK_OK(ftruncate(fd, 0));
	close(fd);
	unlink(SHM);
}

static void ioctls(void)
{
	int fd = letters("ioctl", 2), other = letters("other", 1), dir = open(".", O_RDONLY), n = -1;

	lseek(fd, 100, SEEK_SET);
	CHECK_OK(ioctl(fd, FIONREAD, &n));
	CHECK_EQ(n, 2 * BLOCK - 100, "FIONREAD of a file");
	CHECK_OK(ioctl(fd, FIGETBSZ, &n));
	CHECK_EQ(n, BLOCK, "FIGETBSZ");
	CHECK_OK(ioctl(fd, FIOCLEX));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, "FIOCLEX");
	CHECK_OK(ioctl(fd, FIONCLEX));
	CHECK_EQ(fcntl(fd, F_GETFD), 0, "FIONCLEX");
	n = 1;
	CHECK_OK(ioctl(fd, FIONBIO, &n));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK, "FIONBIO");
	n = 0;
	CHECK_OK(ioctl(fd, FIONBIO, &n));
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK), "FIONBIO off");
	CHECK_ERRNO(ioctl(fd, FIONBIO, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(fd, FIONREAD, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(fd, FICLONE, -1), EBADF);
	CHECK_ERRNO(ioctl(fd, FICLONE, other), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, FICLONE, dir), EISDIR);
	CHECK_ERRNO(ioctl(fd, FICLONERANGE, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(dir, FIONREAD, &n), ENOTTY);
	CHECK_ERRNO(ioctl(fd, 0x12345678, &n), ENOTTY);
	close(fd);
	close(other);
	close(dir);
}

static int chattr(int fd, int flags)
{
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static void flags_of_inodes(void)
{
	int fd = open(SHM, O_RDWR | O_CREAT, 0644), n = -1;
	struct statx x;

	CHECK_OK(ioctl(fd, FS_IOC_GETFLAGS, &n));
	CHECK_EQ(n, 0, "no flags at first");
	CHECK_OK(chattr(fd, FS_NODUMP_FL));
	CHECK_OK(ioctl(fd, FS_IOC_GETFLAGS, &n));
	CHECK_EQ(n, FS_NODUMP_FL, "NODUMP is kept");
	CHECK_OK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x));
	CHECK(x.stx_attributes & STATX_ATTR_NODUMP, "statx shows it");
	CHECK(x.stx_attributes_mask & STATX_ATTR_IMMUTABLE, "and that there are others");
	CHECK_ERRNO(chattr(fd, FS_COMPR_FL), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, FS_IOC_SETFLAGS, (void *)8), EFAULT);
	if (chattr(fd, FS_APPEND_FL) < 0) {
		SKIP("append-only and immutable files", "not without CAP_LINUX_IMMUTABLE");
		goto out;
	}
	CHECK_ERRNO(open(SHM, O_WRONLY), EPERM);
	CHECK_ERRNO(open(SHM, O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	CHECK_ERRNO(truncate(SHM, 0), EPERM);
	CHECK_ERRNO(unlink(SHM), EPERM);
	CHECK_ERRNO(link(SHM, SHM "2"), EPERM);
	CHECK_ERRNO(rename(SHM, SHM "2"), EPERM);
	CHECK_ERRNO(chmod(SHM, 0600), EPERM);
	CHECK_ERRNO(setxattr(SHM, "user.x", "1", 1, 0), EPERM);
	n = open(SHM, O_WRONLY | O_APPEND);
	CHECK_OK(n);
	CHECK_ERRNO(fcntl(n, F_SETFL, 0), EPERM);
	close(n);
	CHECK_OK(chattr(fd, FS_IMMUTABLE_FL));
	CHECK_ERRNO(open(SHM, O_WRONLY | O_APPEND), EPERM);
	CHECK_ERRNO(access(SHM, W_OK), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, SHM, NULL, 0), EPERM);
	CHECK_ERRNO(unlink(SHM), EPERM);
	CHECK_ERRNO(fallocate(fd, 0, 0, 100), EPERM);
	CHECK_OK(chattr(fd, 0));
out:
	close(fd);
	CHECK_OK(unlink(SHM));
}

int main(void)
{
	tap_begin();
	collapse_and_insert();
	zero_range();
	mapped();
	tmpfs_refuses();
	full();
	ioctls();
	flags_of_inodes();
	return tap_end();
}
