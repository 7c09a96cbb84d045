/*
 * Bad input to the calls about files: counts in the billions, vectors whose parts lie nowhere, and every structure of the family across
 * the end of the memory that is there.
 */
#include "../tap.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define BILLION 1000000000

static char *edge; /* the first byte past what is mapped */
static int fd, dir, pipes[2];

/* An address of which only the first half of `size` bytes is there. */
static void *across(size_t size)
{
	return edge - (size > 1 ? size / 2 : 0);
}

static void billions(void)
{
	struct epoll_event e;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct iovec one = { edge - 16, 16 };
	int ep = epoll_create1(0);

	CHECK_ERRNO(syscall(SYS_poll, &p, BILLION, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_poll, &p, UINT32_MAX, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ppoll, &p, BILLION, NULL, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_poll, across(16), 2, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, &e, BILLION, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, &e, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, BILLION, (void *)8, NULL, NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_select, -1, NULL, NULL, NULL, NULL), EINVAL);
	CHECK_ERRNO(readv(fd, &one, 1025), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, fd, &one, UINT32_MAX), EINVAL);
	CHECK_ERRNO(syscall(SYS_writev, fd, &one, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, fd, &one, (unsigned long)BILLION << 20), EINVAL);
	CHECK_ERRNO(syscall(SYS_vmsplice, pipes[1], &one, BILLION, 0), EINVAL);
	CHECK_ERRNO(pread(fd, edge - 16, 16, -1), EINVAL);
	CHECK_ERRNO(pwrite(fd, edge - 16, 16, INT64_MIN), EINVAL);
	CHECK_EQ(pread(fd, edge - 16, 16, INT64_MAX - 16), 0, "a read far beyond the end is empty");
	CHECK_ERRNO(lseek(fd, INT64_MIN, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
	CHECK_ERRNO(ftruncate(fd, INT64_MIN), EINVAL);
	CHECK_ERRNO(dup2(fd, BILLION), EBADF);
	CHECK_ERRNO(fcntl(fd, F_DUPFD, BILLION), EINVAL);
	CHECK_ERRNO(fcntl(fd, F_DUPFD, -1), EINVAL);
	CHECK_ERRNO(fcntl(pipes[0], F_SETPIPE_SZ, (1u << 31) + 1), EINVAL);
	CHECK_EQ(fcntl(pipes[0], F_SETPIPE_SZ, 0), 4096, "a pipe of no size has a page");
	CHECK_EQ(syscall(SYS_close_range, BILLION, UINT32_MAX, 0), 0, "close_range where nothing is open");
	CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, dir, edge - 16, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, dir, edge - 16, 16), EINVAL);
	CHECK_ERRNO(setxattr("f", "user.a", edge - 16, BILLION, 0), E2BIG);
	CHECK_ERRNO(copy_file_range(fd, NULL, fd, NULL, BILLION, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sync_file_range, fd, INT64_MAX, INT64_MAX, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_fadvise64, fd, 0, 0, 99), EINVAL);
	CHECK_ERRNO(syscall(SYS_readahead, pipes[0], 0, 1), EINVAL);
	close(ep);
}

static void vectors(void)
{
	struct iovec v[3] = { { edge - 32, 16 }, { (void *)8, 16 }, { edge - 16, 16 } };
	struct iovec *half = across(2 * sizeof(struct iovec));
	struct iovec huge[2] = { { edge - 16, 16 }, { edge - 16, (size_t)INT64_MAX } };

	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(readv(fd, v, 3), 16, "a vector is filled up to the part that is not there");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 16, "and the position says so");
	CHECK_EQ(writev(fd, v, 3), 16, "and written from as well");
	v[0].iov_base = (void *)8;
	CHECK_ERRNO(readv(fd, v, 3), EFAULT);
	CHECK_ERRNO(writev(fd, v, 3), EFAULT);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 32, "the position stayed");
	CHECK_ERRNO(writev(pipes[1], v, 3), EFAULT);
	v[0].iov_base = (void *)0xffff800000000000;
	CHECK_ERRNO(readv(fd, v, 3), EFAULT);
	memcpy(half, v, sizeof(*v));
	CHECK_ERRNO(readv(fd, half, 2), EFAULT);
	CHECK_ERRNO(preadv(fd, half, 2, 0), EFAULT);
	CHECK_ERRNO(preadv2(fd, half, 2, 0, 0), EFAULT);
	CHECK_ERRNO(pwritev2(fd, half, 2, 0, 0), EFAULT);
	CHECK_ERRNO(vmsplice(pipes[1], half, 2, 0), EFAULT);
	huge[1].iov_len = (size_t)-1;
	CHECK_ERRNO(readv(fd, huge, 2), EINVAL);
	CHECK_EQ(pread(fd, edge - 8, 16, 0), 8, "a read up to the end of memory is short");
	CHECK_EQ(pwrite(fd, edge - 8, 16, 0), 8, "and a write");
	CHECK_ERRNO(read(fd, edge, 16), EFAULT);
	CHECK_ERRNO(preadv2(fd, huge, 1, 0, 1 << 20), EOPNOTSUPP);
	CHECK_ERRNO(pwritev2(fd, huge, 1, 0, 1 << 20), EOPNOTSUPP);
}

#define EFAULTS(expr) CHECK_ERRNO(expr, EFAULT)

static void structures(void)
{
	int ep = epoll_create1(0), in = inotify_init1(IN_NONBLOCK);
	off_t *off = across(8);

	EFAULTS(stat("f", across(sizeof(struct stat))));
	EFAULTS(fstat(fd, across(sizeof(struct stat))));
	EFAULTS(fstatat(dir, "f", across(sizeof(struct stat)), 0));
	EFAULTS(statx(dir, "f", 0, STATX_ALL, across(sizeof(struct statx))));
	EFAULTS(statfs("f", across(sizeof(struct statfs))));
	EFAULTS(fstatfs(fd, across(sizeof(struct statfs))));
	EFAULTS(syscall(SYS_openat2, dir, "f", across(24), 24));
	CHECK_ERRNO(syscall(SYS_openat2, dir, "f", edge - 8, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_openat2, dir, "f", edge - 24, 1 << 20), E2BIG);
	EFAULTS(syscall(SYS_utimensat, dir, "f", across(32), 0));
	EFAULTS(syscall(SYS_utimes, "f", across(32)));
	EFAULTS(syscall(SYS_utime, "f", across(16)));
	EFAULTS(syscall(SYS_futimesat, dir, "f", across(32)));
	EFAULTS(fcntl(fd, F_GETLK, across(sizeof(struct flock))));
	EFAULTS(fcntl(fd, F_SETLK, across(sizeof(struct flock))));
	EFAULTS(fcntl(fd, F_OFD_SETLK, across(sizeof(struct flock))));
	EFAULTS(fcntl(fd, F_GETOWN_EX, across(8)));
	EFAULTS(fcntl(fd, F_SETOWN_EX, across(8)));
	EFAULTS(fcntl(fd, 1035 /* F_GET_RW_HINT */, across(8)));
	EFAULTS(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], across(12)));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, pipes[0], NULL) < 0 && errno == ENOENT ? 0 : -1);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[1], &(struct epoll_event){ .events = EPOLLOUT }));
	EFAULTS(epoll_wait(ep, across(12), 1, 0));
	EFAULTS(epoll_pwait(ep, (void *)(edge - 12), 1, 0, (void *)8));
	EFAULTS(syscall(SYS_epoll_pwait2, ep, edge - 12, 1, across(16), NULL, 8));
	EFAULTS(syscall(SYS_ppoll, NULL, 0, across(16), NULL, 8));
	EFAULTS(syscall(SYS_pselect6, 1, across(8), NULL, NULL, NULL, NULL));
	EFAULTS(pipe2(across(8), 0));
	EFAULTS(sendfile(pipes[1], fd, off, 1));
	EFAULTS(syscall(SYS_splice, fd, off, pipes[1], NULL, 1, 0));
	EFAULTS(syscall(SYS_copy_file_range, fd, off, fd, NULL, 1, 0));
	EFAULTS(ioctl(fd, FIONREAD, across(4)));
	EFAULTS(ioctl(pipes[0], FIONREAD, across(4)));
	EFAULTS(syscall(SYS_getdents64, dir, edge, 4096));
	EFAULTS(readlink("link", edge, 10));
	EFAULTS(syscall(SYS_getcwd, edge, 4096));
	EFAULTS(setxattr("f", "user.a", across(8), 8, 0));
	EFAULTS(setxattr("f", edge, "v", 1, 0));
	CHECK_OK(setxattr("f", "user.a", "12345678", 8, 0));
	EFAULTS(getxattr("f", "user.a", across(8), 8));
	EFAULTS(listxattr("f", edge, 100));
	EFAULTS(syscall(SYS_name_to_handle_at, dir, "f", across(8), edge - 4, 0));
	CHECK_OK(inotify_add_watch(in, ".", IN_CREATE));
	close(open("made", O_CREAT | O_WRONLY, 0600));
	EFAULTS(read(in, edge, 4096));
	EFAULTS(inotify_add_watch(in, edge, IN_CREATE));
	EFAULTS(syscall(SYS_rename, edge, "x"));
	EFAULTS(syscall(SYS_rename, "f", edge));
	EFAULTS(syscall(SYS_linkat, dir, "f", dir, edge, 0));
	EFAULTS(syscall(SYS_symlinkat, edge, dir, "s"));
	EFAULTS(syscall(SYS_memfd_create, edge, 0));
	EFAULTS(syscall(451 /* cachestat */, fd, across(16), edge - 40, 0));
	close(ep);
	close(in);
}

/* A name that is cut off by the end of memory is a fault; one that ends there is a name. */
static void names(void)
{
	static const char name[] = "f";
	char *end = edge - sizeof(name);
	struct stat st;

	memcpy(end, name, sizeof(name));
	CHECK_OK(stat(end, &st));
	memset(edge - 64, 'x', 64);
	EFAULTS(stat(edge - 64, &st));
	EFAULTS(open(edge - 64, O_RDONLY));
	EFAULTS(mkdir(edge - 1, 0700));
}

int main(void)
{
	char *memory = mmap(NULL, 65536 + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char text[64] = "what stands in the file";

	tap_begin();
	edge = memory + 65536;
	munmap(edge, 4096);
	fd = open("f", O_RDWR | O_CREAT, 0600);
	dir = open(".", O_RDONLY | O_DIRECTORY);
	MUST(write(fd, text, sizeof(text)) == sizeof(text) && pipe(pipes) == 0 && symlink("f", "link") == 0);
	signal(SIGPIPE, SIG_IGN);
	billions();
	vectors();
	structures();
	names();
	return tap_end();
}
