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

/* What an inode's `fifo` leads to. */
struct inode_pipe {
	struct inode_part part;
	struct pipe *pipe; /* referenced */
};

static void inode_pipe_free(struct inode_part *part)
{
	struct inode_pipe *ip = container_of(part, struct inode_pipe, part);

	pipe_put(ip->pipe);
	mem_free(ip);
}

/* The inode's pipe, made at first need; it lives as long as the inode. Borrowed; NULL when memory is out. */
static struct pipe *inode_pipe(struct inode *inode)
{
	void *seen = atomic_load(&inode->fifo);
	struct inode_pipe *fresh;

	if (seen)
		return ((struct inode_pipe *)seen)->pipe;
	fresh = mem_zalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	fresh->part.free = inode_pipe_free;
	fresh->pipe = pipe_new();
	if (!fresh->pipe) {
		mem_free(fresh);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&inode->fifo, &seen, (void *)fresh))
		return fresh->pipe;
	inode_pipe_free(&fresh->part);
	return ((struct inode_pipe *)seen)->pipe;
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
