/* Fifos: a pipe that is found by its inode, and an open that waits for the other side. fifo(7). */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/pipe.h"
#include "sentry/fs/pipefile.h"
#include "sentry/fs/special.h"
#include "sentry/fs/vfs.h"
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

/* Takes over the reference to the pipe. False when memory is out, or another was quicker: *seen is then what the inode has. */
static bool inode_give_pipe(struct inode *inode, struct pipe *p, void **seen)
{
	struct inode_pipe *fresh = mem_zalloc(sizeof(*fresh));

	*seen = NULL;
	if (!fresh) {
		pipe_put(p);
		return false;
	}
	fresh->part.free = inode_pipe_free;
	fresh->pipe = p;
	if (atomic_compare_exchange_strong(&inode->fifo, seen, (void *)fresh))
		return true;
	inode_pipe_free(&fresh->part);
	return false;
}

/* The inode's pipe, made at first need; it lives as long as the inode. Borrowed; NULL when memory is out. */
static struct pipe *inode_pipe(struct inode *inode)
{
	void *seen = atomic_load(&inode->fifo);
	struct pipe *p;

	if (seen)
		return ((struct inode_pipe *)seen)->pipe;
	p = pipe_new();
	if (!p)
		return NULL;
	if (inode_give_pipe(inode, p, &seen))
		return p;
	return seen ? ((struct inode_pipe *)seen)->pipe : NULL;
}

int fifo_adopt(struct inode *inode, struct pipe *p)
{
	void *seen = atomic_load(&inode->fifo);

	if (seen || inode_give_pipe(inode, pipe_get(p), &seen) || seen)
		return 0;
	return -ENOMEM;
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
	bool reader = access == LX_O_RDONLY, nameless = inode->super == anon_mount()->super;
	struct file *f = t->blk.data;
	int64_t ret;

	if (!p)
		return -ENOMEM;
	if (!f) {
		uint64_t opens = reader ? p->writer_opens : p->reader_opens;

		if (!nameless && access == LX_O_WRONLY && (flags & LX_O_NONBLOCK) && !other_side_came(p, false, opens))
			return -ENXIO;
		ret = pipe_open_end(t, p, inode, path, flags, &f);
		if (ret < 0)
			return (int)ret;
		/* A pipe(2)'s end that is opened again waits for nobody: its other side may have come and gone (bash's <(…)). */
		if (nameless || access == LX_O_RDWR || (flags & LX_O_NONBLOCK)) {
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
