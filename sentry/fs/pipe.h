/*
 * Pipes and fifos: pipe(7), fifo(7). A byte queue with two ends; a fifo is a pipe that is found by its inode.
 *
 * The buffer is a ring that grows as it is filled, from a page up to the capacity (64 KiB, F_SETPIPE_SZ). Writes of up to PIPE_BUF bytes are atomic.
 */
#ifndef SENTRY_FS_PIPE_H
#define SENTRY_FS_PIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/ref.h"
#include "sentry/kernel/waitq.h"
#include "sentry/mm/uio.h"

#define PIPE_BUF_LX 4096u
#define PIPE_DEFAULT_SIZE 65536u
#define PIPE_MAX_SIZE (1u << 20)

struct file;
struct task;

struct pipe {
	struct ref ref;
	struct lock lock;       /* RANK_PIPE */
	/* protected by lock */
	char *ring;             /* `size` bytes, a power of two; NULL while nothing was written */
	uint32_t size, capacity;
	uint32_t head, len;     /* the first byte, and how many there are */
	uint32_t readers, writers;           /* open ends */
	uint32_t reader_opens, writer_opens; /* ever: for an open that waits for the other side */
	struct waitq queue;     /* both sides, by events; woken with the lock dropped */
};

struct pipe *pipe_new(void);
struct pipe *pipe_get(struct pipe *);
void pipe_put(struct pipe *);

/* The pipe behind a file, or NULL when it is none. Borrowed. */
struct pipe *file_pipe(struct file *);

/* Bytes moved, 0 at the end of file, -EAGAIN, -EPIPE (SIGPIPE is the caller's). `left` bytes of the uio at most. */
int64_t pipe_read(struct pipe *, struct uio *);
int64_t pipe_write(struct pipe *, struct uio *);
/* Copies without taking: for tee(2). */
int64_t pipe_peek(struct pipe *, void *buf, uint32_t len);

#endif
