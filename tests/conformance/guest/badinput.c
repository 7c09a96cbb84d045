/*
 * Bad input by table: every pointer argument of every common call pointed at nothing, at the end of a page and at the
 * kernel; and int arguments with garbage in their upper halves, which changes nothing.
 */
#include "../tap.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>

/* What stands for an argument: a number, or one of these. */
enum {
	FD = -100001, DIR_FD = -100002, PIPE_IN = -100003, PIPE_OUT = -100004, SOCK = -100005, EPOLL = -100006,
	BAD = -100010,		/* the pointer under test */
	PATH = -100011, BUF = -100012, SELF = -100013,
};

static int fd, dir_fd, pipes[2], socks[2], epoll;
static char buffer[65536];
static char *edge;		/* the first byte past readable memory */

static const struct row {
	const char *name;
	long number;
	long args[6];
	size_t size;		/* bytes that the call accesses: where an object is put across the edge; 0: a path */
} table[] = {
	{"read", SYS_read, {FD, BAD, 16}, 16},
	{"write", SYS_write, {FD, BAD, 16}, 16},
	{"pread64", SYS_pread64, {FD, BAD, 16, 0}, 16},
	{"pwrite64", SYS_pwrite64, {FD, BAD, 16, 0}, 16},
	{"readv", SYS_readv, {FD, BAD, 2}, 2 * sizeof(struct iovec)},
	{"writev", SYS_writev, {FD, BAD, 2}, 2 * sizeof(struct iovec)},
	{"preadv", SYS_preadv, {FD, BAD, 2, 0, 0}, 2 * sizeof(struct iovec)},
	{"open", SYS_open, {BAD, O_RDONLY}, 0},
	{"openat", SYS_openat, {DIR_FD, BAD, O_RDONLY}, 0},
	{"creat", SYS_creat, {BAD, 0600}, 0},
	{"stat", SYS_stat, {BAD, BUF}, 0},
	{"stat result", SYS_stat, {PATH, BAD}, sizeof(struct stat)},
	{"fstat", SYS_fstat, {FD, BAD}, sizeof(struct stat)},
	{"lstat", SYS_lstat, {PATH, BAD}, sizeof(struct stat)},
	{"newfstatat", SYS_newfstatat, {DIR_FD, PATH, BAD, 0}, sizeof(struct stat)},
	{"statx path", SYS_statx, {DIR_FD, BAD, 0, STATX_BASIC_STATS, BUF}, 0},
	{"statx result", SYS_statx, {DIR_FD, PATH, 0, STATX_BASIC_STATS, BAD}, sizeof(struct statx)},
	{"access", SYS_access, {BAD, F_OK}, 0},
	{"faccessat", SYS_faccessat, {DIR_FD, BAD, F_OK}, 0},
	{"truncate", SYS_truncate, {BAD, 0}, 0},
	{"mkdir", SYS_mkdir, {BAD, 0700}, 0},
	{"rmdir", SYS_rmdir, {BAD}, 0},
	{"unlink", SYS_unlink, {BAD}, 0},
	{"unlinkat", SYS_unlinkat, {DIR_FD, BAD, 0}, 0},
	{"link", SYS_link, {BAD, PATH}, 0},
	{"link new", SYS_link, {PATH, BAD}, 0},
	{"symlink", SYS_symlink, {BAD, PATH}, 0},
	{"symlink new", SYS_symlink, {PATH, BAD}, 0},
	{"rename", SYS_rename, {BAD, PATH}, 0},
	{"rename new", SYS_rename, {PATH, BAD}, 0},
	{"readlink", SYS_readlink, {BAD, BUF, 10}, 0},
	{"chmod", SYS_chmod, {BAD, 0600}, 0},
	{"chown", SYS_chown, {BAD, -1, -1}, 0},
	{"lchown", SYS_lchown, {BAD, -1, -1}, 0},
	{"chdir", SYS_chdir, {BAD}, 0},
	{"mknod", SYS_mknod, {BAD, S_IFREG | 0600, 0}, 0},
	{"statfs", SYS_statfs, {BAD, BUF}, 0},
	{"statfs result", SYS_statfs, {PATH, BAD}, 120},
	{"fstatfs", SYS_fstatfs, {FD, BAD}, 120},
	{"utimensat", SYS_utimensat, {DIR_FD, PATH, BAD, 0}, 2 * sizeof(struct timespec)},
	{"getdents64", SYS_getdents64, {DIR_FD, BAD, 4096}, 24},
	{"getcwd", SYS_getcwd, {BAD, 4096}, 8},
	{"pipe", SYS_pipe, {BAD}, 8},
	{"pipe2", SYS_pipe2, {BAD, 0}, 8},
	{"poll", SYS_poll, {BAD, 2, 0}, 2 * sizeof(struct pollfd)},
	{"select", SYS_select, {8, BAD, 0, 0, 0}, 8},
	{"select timeout", SYS_select, {0, 0, 0, 0, BAD}, 16},
	{"epoll_ctl", SYS_epoll_ctl, {EPOLL, EPOLL_CTL_ADD, SOCK, BAD}, sizeof(struct epoll_event)},
	{"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, BAD}, 8},
	{"bind", SYS_bind, {SOCK, BAD, sizeof(struct sockaddr_un)}, sizeof(struct sockaddr_un)},
	{"connect", SYS_connect, {SOCK, BAD, sizeof(struct sockaddr_un)}, sizeof(struct sockaddr_un)},
	{"getsockname length", SYS_getsockname, {SOCK, BUF, BAD}, 4},
	{"sendto", SYS_sendto, {SOCK, BAD, 16, MSG_DONTWAIT, 0, 0}, 16},
	{"sendmsg", SYS_sendmsg, {SOCK, BAD, MSG_DONTWAIT}, sizeof(struct msghdr)},
	{"recvmsg", SYS_recvmsg, {SOCK, BAD, MSG_DONTWAIT}, sizeof(struct msghdr)},
	{"setsockopt", SYS_setsockopt, {SOCK, SOL_SOCKET, SO_PASSCRED, BAD, 4}, 4},
	{"getsockopt length", SYS_getsockopt, {SOCK, SOL_SOCKET, SO_TYPE, BUF, BAD}, 4},
	{"nanosleep", SYS_nanosleep, {BAD, 0}, sizeof(struct timespec)},
	{"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, BAD}, sizeof(struct timespec)},
	{"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, BAD, 0}, sizeof(struct timespec)},
	{"gettimeofday", SYS_gettimeofday, {BAD, 0}, sizeof(struct timeval)},
	{"setitimer", SYS_setitimer, {ITIMER_VIRTUAL, BAD, 0}, sizeof(struct itimerval)},
	{"getitimer", SYS_getitimer, {ITIMER_VIRTUAL, BAD}, sizeof(struct itimerval)},
	{"timer_create", SYS_timer_create, {CLOCK_MONOTONIC, 0, BAD}, 4},
	{"getrlimit", SYS_getrlimit, {RLIMIT_NOFILE, BAD}, sizeof(struct rlimit)},
	{"setrlimit", SYS_setrlimit, {RLIMIT_NOFILE, BAD}, sizeof(struct rlimit)},
	{"prlimit64", SYS_prlimit64, {0, RLIMIT_NOFILE, 0, BAD}, sizeof(struct rlimit)},
	{"getrusage", SYS_getrusage, {RUSAGE_SELF, BAD}, sizeof(struct rusage)},
	{"uname", SYS_uname, {BAD}, sizeof(struct utsname)},
	{"sysinfo", SYS_sysinfo, {BAD}, sizeof(struct sysinfo)},
	{"getrandom", SYS_getrandom, {BAD, 16, 0}, 16},
	{"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, BAD, 0, 8}, 32},
	{"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, BAD, 8}, 32},
	{"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, BAD, 0, 8}, 8},
	{"rt_sigpending", SYS_rt_sigpending, {BAD, 8}, 8},
	{"rt_sigtimedwait", SYS_rt_sigtimedwait, {BAD, 0, 0, 8}, 8},
	{"sigaltstack", SYS_sigaltstack, {BAD, 0}, 24},
	{"futex", SYS_futex, {BAD, 0, 0, 0, 0, 0}, 4},
	{"getresuid", SYS_getresuid, {BAD, BUF, BUF}, 4},
	{"sched_getparam", SYS_sched_getparam, {0, BAD}, 4},
	{"sched_getaffinity", SYS_sched_getaffinity, {0, 128, BAD}, 8},
	{"execve", SYS_execve, {BAD, 0, 0}, 0},
	{"execve argv", SYS_execve, {SELF, BAD, 0}, 16},
	{"memfd_create", SYS_memfd_create, {BAD, 0}, 0},
	{"chroot", SYS_chroot, {BAD}, 0},
	{"clone3", SYS_clone3, {BAD, 88}, 88},
	{"times", SYS_times, {BAD}, 32},
	{"fcntl F_GETLK", SYS_fcntl, {FD, F_GETLK, BAD}, 32},
	{"ioctl FIONREAD", SYS_ioctl, {PIPE_IN, 0x541b, BAD}, 4},
	{"sendfile offset", SYS_sendfile, {PIPE_OUT, FD, BAD, 1}, 8},
	{"setgroups", SYS_setgroups, {2, BAD}, 8},
	{"mincore", SYS_mincore, {BUF, 1, BAD}, 1},
};

static long value(long arg, long pointer)
{
	switch (arg) {
	case FD:
		return fd;
	case DIR_FD:
		return dir_fd;
	case PIPE_IN:
		return pipes[0];
	case PIPE_OUT:
		return pipes[1];
	case SOCK:
		return socks[0];
	case EPOLL:
		return epoll;
	case BAD:
		return pointer;
	case PATH:
		return (long)"file";
	case SELF:
		return (long)"/proc/self/exe";
	case BUF:
		return ((long)buffer + 4095) & -4096L;
	default:
		return arg;
	}
}

static long call(const struct row *row, long pointer)
{
	long a[6], i;

	lseek(fd, 0, SEEK_SET);
	lseek(dir_fd, 0, SEEK_SET);
	for (i = 0; i < 6; i++)
		a[i] = value(row->args[i], pointer);
	errno = 0;
	return syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* A call that needs a privilege refuses before it looks at memory. */
static bool refused(const struct row *row)
{
	return row->number == SYS_setgroups && !tap_is_root();
}

static void pointers(void)
{
	static const struct {
		const char *name;
		long address;
	} bad[] = {
		{"low", 8}, {"the top of user space", 0x7ffffffff000}, {"non-canonical", 0x8000000000000000},
		{"the kernel", 0xffffffff81000000}, {"the last byte", -1},
	};
	size_t i, j;
	char name[64];

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct row *row = &table[i];

		for (j = 0; j < sizeof(bad) / sizeof(*bad); j++) {
			long ret = call(row, bad[j].address);
			bool unaligned = row->number == SYS_futex && errno == EINVAL && (bad[j].address & 3);

			if (ret != -1 || (errno != EFAULT && !unaligned && !(refused(row) && errno == EPERM)))
				break;
		}
		snprintf(name, sizeof(name), "%s", j == sizeof(bad) / sizeof(*bad) ? "everywhere" : bad[j].name);
		CHECK(j == sizeof(bad) / sizeof(*bad), "%s: EFAULT for a pointer to %s", row->name, name);
	}
}

static void edges(void)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct row *row = &table[i];
		long ret;

		if (row->number == SYS_read || row->number == SYS_write || row->number == SYS_pread64 || row->number == SYS_pwrite64 ||
		    row->number == SYS_getrandom || row->number == SYS_sched_getaffinity || row->number == SYS_futex || row->size == 1)
			continue;	/* may transfer a part, or fit */
		memset(edge - 4096, 'p', 4096);
		ret = call(row, (long)edge - (row->size ? (long)row->size / 2 : 3));
		CHECK(ret == -1 && (errno == EFAULT || (refused(row) && errno == EPERM)), "%s: EFAULT across the end of a mapping", row->name);
	}
	CHECK(pread(fd, edge - 5, 10, 0) == 5 || errno == EFAULT, "a read across the end gives a part, or EFAULT");
	strcpy(edge - 5, "file");
	CHECK_OK(access(edge - 5, F_OK));
	CHECK_EQ(read(fd, edge, 0), 0, "no bytes to a bad pointer");
}

static void lengths(void)
{
	struct iovec iov = {buffer, (size_t)-1};
	struct pollfd one = {-1, 0, 0};

	lseek(fd, 0, SEEK_SET);
	CHECK_ERRNO(read(fd, (char *)8, (size_t)-1), EFAULT);
	CHECK_ERRNO(write(fd, (char *)8, (size_t)-1), EFAULT);
	CHECK_ERRNO(readv(fd, &iov, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_poll, &one, 1000000000, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_poll, &one, -1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_select, INT32_MAX, (void *)8, NULL, NULL, NULL), EFAULT);
	CHECK_ERRNO(epoll_wait(epoll, (void *)buffer, INT32_MAX, 0), EINVAL);
	CHECK_ERRNO(mmap(NULL, (size_t)-1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERRNO(munmap(NULL, (size_t)-1), EINVAL);
	CHECK_ERRNO(mprotect(NULL, (size_t)-4096L, PROT_READ), ENOMEM);
	CHECK_ERRNO(lseek(fd, INT64_MIN, SEEK_SET), EINVAL);
	CHECK_ERRNO(pread(fd, buffer, 1, INT64_MIN), EINVAL);
	CHECK_ERRNO(ftruncate(fd, INT64_MIN), EINVAL);
	CHECK_ERRNO(syscall(SYS_getgroups, INT32_MIN, buffer), EINVAL);
	CHECK_ERRNO(setsockopt(socks[0], SOL_SOCKET, SO_PASSCRED, buffer, -1), EINVAL);
	CHECK_ERRNO(bind(socks[0], (void *)buffer, 0x7fffffff), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, dir_fd, buffer, 0), EINVAL);
	CHECK_ERRNO(dup2(fd, INT32_MAX), EBADF);
	CHECK_ERRNO(fcntl(fd, F_DUPFD, INT32_MAX), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, INT32_MAX, NULL, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_kill, getpid(), INT32_MAX), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, buffer, NULL, -1), EINVAL);
}

#define HIGH 0x5a5a5a5a00000000L

/* An int argument is its low half. */
static void upper_halves(void)
{
	struct stat st;
	struct timespec ts;
	sigset_t set;

	CHECK_EQ(syscall(SYS_read, fd | HIGH, buffer, 0), 0, "read: fd");
	CHECK_EQ(syscall(SYS_fstat, fd | HIGH, &st), 0, "fstat: fd");
	CHECK_EQ(syscall(SYS_lseek, fd | HIGH, 0, SEEK_SET | HIGH), 0, "lseek: fd and whence");
	CHECK_EQ(syscall(SYS_fcntl, fd | HIGH, F_GETFD | HIGH, 0), 0, "fcntl: fd and command");
	CHECK_EQ(syscall(SYS_close, syscall(SYS_dup, fd | HIGH) | HIGH), 0, "dup and close: fd");
	CHECK_EQ(syscall(SYS_dup2, fd | HIGH, 70 | HIGH), 70, "dup2: both");
	CHECK_EQ(syscall(SYS_close, 70 | HIGH), 0, "close: fd");
	CHECK_EQ(syscall(SYS_close, syscall(SYS_openat, (unsigned int)AT_FDCWD | HIGH, "file", O_RDONLY | HIGH, 0 | HIGH)), 0,
		 "openat: AT_FDCWD, flags and mode");
	CHECK_EQ(syscall(SYS_access, "file", F_OK | HIGH), 0, "access: mode");
	CHECK_EQ(syscall(SYS_kill, getpid() | HIGH, 0 | HIGH), 0, "kill: pid and signal");
	CHECK_EQ(syscall(SYS_tgkill, getpid() | HIGH, gettid() | HIGH, 0 | HIGH), 0, "tgkill: all three");
	CHECK_EQ(syscall(SYS_getpgid, 0 | HIGH), getpgrp(), "getpgid: pid");
	CHECK_EQ(syscall(SYS_getsid, 0 | HIGH), getsid(0), "getsid: pid");
	CHECK_EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC | HIGH, &ts), 0, "clock_gettime: clock");
	CHECK_EQ(syscall(SYS_rt_sigprocmask, SIG_BLOCK | HIGH, NULL, &set, 8), 0, "rt_sigprocmask: how");
	CHECK_EQ(syscall(SYS_umask, 022 | HIGH), 022, "umask: mask");
	CHECK_EQ(syscall(SYS_futex, buffer, 1 | HIGH, 1 | HIGH, 0, 0, 0), 0, "futex: operation and count");
	CHECK_EQ(syscall(SYS_epoll_ctl, epoll | HIGH, EPOLL_CTL_ADD | HIGH, pipes[0] | HIGH, &(struct epoll_event){.events = EPOLLIN}), 0,
		 "epoll_ctl: all three");
	CHECK_EQ(syscall(SYS_poll, NULL, 0 | HIGH, 0 | HIGH), 0, "poll: number and timeout");
	CHECK_EQ(syscall(SYS_getpriority, 0 | HIGH, 0 | HIGH), syscall(SYS_getpriority, 0, 0), "getpriority: both");
	CHECK_EQ(syscall(SYS_close, syscall(SYS_socket, AF_UNIX | HIGH, SOCK_STREAM | HIGH, 0 | HIGH)), 0, "socket: all three");
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0 | HIGH), 0, "sched_getscheduler: pid");
	CHECK_EQ(syscall(SYS_getrlimit, RLIMIT_NOFILE | HIGH, buffer), 0, "getrlimit: resource");
	CHECK_EQ(syscall(SYS_close, syscall(SYS_eventfd2, 0 | HIGH, 0 | HIGH)), 0, "eventfd2: both");
	CHECK_EQ(syscall(SYS_getuid, HIGH, HIGH, HIGH), getuid(), "getuid: none at all");
}

int main(void)
{
	char *pages;

	tap_begin();
	tap_file("file", "some text of more than sixteen bytes");
	fd = open("file", O_RDWR);
	dir_fd = open(".", O_RDONLY | O_DIRECTORY);
	epoll = epoll_create1(0);
	pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	edge = pages + 2 * 4096;
	if (pipe2(pipes, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, socks) || munmap(edge, 4096))
		_exit(98);
	pointers();
	edges();
	lengths();
	upper_halves();
	return tap_end();
}
