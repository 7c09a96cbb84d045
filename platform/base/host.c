/* Host calls that every part of the project needs: whole reads and writes, close, clocks, futexes. */
#include "base/host.h"

#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t host_read_full(int fd, void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		int64_t got = HOST_RETRY(read(fd, (char *)buf + done, n - done));

		if (got < 0)
			return got;
		if (got == 0)
			return -EPIPE;
		done += (size_t)got;
	}
	return (int64_t)done;
}

int64_t host_write_full(int fd, const void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		int64_t put = HOST_RETRY(write(fd, (const char *)buf + done, n - done));

		if (put < 0)
			return put;
		if (put == 0)
			return -EPIPE;
		done += (size_t)put;
	}
	return (int64_t)done;
}

void host_close(int *fd)
{
	int saved = errno;

	/* Not retried on EINTR: on Linux the fd is gone either way, and its number may be somebody else's by now. */
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int host_fstat(int fd, struct stat *st)
{
	return (int)host_ret(syscall(SYS_fstat, fd, st));
}

/* Newer than the headers. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

int host_cachestat(int fd, const void *range, void *stat)
{
	return (int)host_ret(syscall(SYS_cachestat, fd, range, stat, 0));
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t host_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t host_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t host_process_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t host_wait_word(const uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
	struct timespec ts = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };

	return host_ret(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &ts, NULL, 0));
}

int64_t host_wake_word(const uint32_t *word, int count)
{
	return host_ret(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0));
}
