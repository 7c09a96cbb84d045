/* Fifos: a pipe that is found by its inode, and an open that waits for the other side. fifo(7). */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/pipe.h"
#include "sentry/fs/pipefile.h"
#include "sentry/fs/special.h"
#include "sentry/kernel/task.h"

/* The inode's pipe, made at first need; it lives as long as the inode. Borrowed; NULL when memory is out. */
static struct pipe *inode_pipe(struct inode *inode)
{
	void *seen = atomic_load(&inode->fifo);
	struct pipe *fresh;

	if (seen)
		return seen;
	fresh = pipe_new();
	if (!fresh)
		return NULL;
	if (atomic_compare_exchange_strong(&inode->fifo, &seen, (void *)fresh))
		return fresh;
	pipe_put(fresh);
	return seen;
}

/* What an open that waits keeps between its runs: the end is open already, so that the other side sees it. */
static void free_waiting_end(void *f)
{
	file_put(f);
}

static bool other_side_came(struct pipe *p, bool reader, uint64_t opens_before)
{
	LOCK_GUARD(&p->lock);
	if (reader)
		return p->writers || p->writer_opens != (uint32_t)opens_before;
	return p->readers || p->reader_opens != (uint32_t)opens_before;
}

int fifo_open(struct inode *inode, const struct path *path, uint32_t flags, struct task *t, struct file **out)
{
	uint32_t access = flags & LX_O_ACCMODE;
	struct pipe *p = inode_pipe(inode);
	bool reader = access == LX_O_RDONLY;
	struct file *f = t->blk.data;
	int64_t ret;

	if (!p)
		return -ENOMEM;
	if (!f) {
		uint64_t opens = reader ? p->writer_opens : p->reader_opens;

		if (access == LX_O_WRONLY && (flags & LX_O_NONBLOCK) && !other_side_came(p, false, opens))
			return -ENXIO;
		ret = pipe_open_end(t, p, inode, path, flags, &f);
		if (ret < 0)
			return (int)ret;
		if (access == LX_O_RDWR || (flags & LX_O_NONBLOCK)) {
			*out = f;
			return 0;
		}
		t->blk.data = f;
		t->blk.data_free = free_waiting_end;
		t->blk.scratch[0] = opens;
	}
	if (!other_side_came(p, reader, t->blk.scratch[0])) {
		ret = task_wait_on(t, &p->queue, LX_POLLIN | LX_POLLOUT);
		if (ret < 0)
			return (int)ret;
		if (!other_side_came(p, reader, t->blk.scratch[0]))
			return (int)task_block(t);
	}
	t->blk.data = NULL;
	*out = f;
	return 0;
}
