/*
 * The one place where the host's errno crosses into ours: a host call's result becomes a value or a negative errno,
 * and EINTR is retried where the call allows it.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* ret as it is, or -errno where ret is -1. */
static inline int64_t host_ret(int64_t ret)
{
	return ret == -1 ? -(int64_t)errno : ret;
}

/* Evaluates a host call until it is not interrupted; value or -errno. */
#define HOST_RETRY(call)                                     \
	({                                                   \
		int64_t host_r_;                             \
		do                                           \
			host_r_ = host_ret((int64_t)(call)); \
		while (host_r_ == -EINTR);                   \
		host_r_;                                     \
	})

/* All of the bytes, or -errno; a short end of file gives -EPIPE. */
int64_t host_read_full(int fd, void *buf, size_t n);
int64_t host_write_full(int fd, const void *buf, size_t n);
/* fstat(2) by its own call: the C library's goes by a path, which no seccomp list of ours lets through. 0 or -errno. */
struct stat;
int host_fstat(int fd, struct stat *);
/*
 * cachestat(2) (Linux 6.5), which the C library does not have: `range` and `stat` are the kernel's structures. 0 or -errno; -ENOSYS on older
 * hosts.
 */
int host_cachestat(int fd, const void *range, void *stat);
/* Closes and sets *fd to -1; for cleanup attributes. A negative fd is left alone. */
void host_close(int *fd);
#define AUTO_CLOSE __attribute__((cleanup(host_close)))

/* Nanoseconds of the host's clocks. */
int64_t host_monotonic_ns(void);
int64_t host_realtime_ns(void);
/* CPU time that this process has used. */
int64_t host_process_cpu_ns(void);

/*
 * Futexes private to this process. Waiting returns 0 when woken (perhaps for nothing: check the word again), -EAGAIN when
 * *word was not `expected`, -EINTR, or -ETIMEDOUT; timeout_ns < 0 waits for ever. Waking returns how many it woke.
 */
int64_t host_wait_word(const uint32_t *word, uint32_t expected, int64_t timeout_ns);
int64_t host_wake_word(const uint32_t *word, int count);

#endif
