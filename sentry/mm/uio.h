/*
 * A transfer's memory side: where read puts its bytes and write takes them from. Guest vectors or a buffer of the sentry's own
 * (sendfile, splice, /proc). Moves forward as bytes are moved.
 */
#ifndef SENTRY_MM_UIO_H
#define SENTRY_MM_UIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

struct task;

#define UIO_INLINE 8

struct uio {
	struct task *t;            /* whose memory; NULL: `local` */
	char *local;
	struct guest_iov *iov;     /* inl, or allocated */
	uint32_t count, index;     /* iov used; the current one */
	uint64_t skip;             /* bytes done of the current one */
	uint64_t left;             /* bytes to go */
	bool append, noappend;     /* RWF_APPEND, RWF_NOAPPEND: whatever the file's O_APPEND says */
	bool nowait;               /* RWF_NOWAIT: of a host file only what the host has cached; -EAGAIN for the rest */
	struct guest_iov inl[UIO_INLINE];
};

void uio_init_guest(struct uio *, struct task *, uaddr_t base, uint64_t len); /* len is cut to MAX_RW_COUNT (0x7ffff000) */
/* Reads the vector from guest memory: -EINVAL (count, negative or overflowing lengths), -EFAULT, -ENOMEM. */
int uio_init_iovec(struct uio *, struct task *, uaddr_t iov, uint64_t count);
void uio_init_local(struct uio *, void *buf, uint64_t len);
void uio_done(struct uio *);

/* Moves up to n bytes and advances. Bytes moved (less only at a fault or the end), -EFAULT when none could be. */
int64_t uio_put(struct uio *, const void *src, uint64_t n);
int64_t uio_get(struct uio *, void *dst, uint64_t n);
int64_t uio_zero(struct uio *, uint64_t n);
/* Leaves out up to n bytes: what an earlier run of a blocked call has moved. */
void uio_skip(struct uio *, uint64_t n);
/* Undoes the last n bytes of an advance (a short write by the receiver). */
void uio_rewind(struct uio *, uint64_t n);

/* From / to a host file at an offset (-1: its own position, for pipes and terminals), by bounce buffer. Bytes, or negative errno. */
int64_t uio_put_host(struct uio *, int fd, int64_t offset, uint64_t n);
int64_t uio_get_host(struct uio *, int fd, int64_t offset, uint64_t n);

#endif
