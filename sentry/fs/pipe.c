/* Pipes: see pipe.h. */
#include "sentry/fs/pipe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/pipefile.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/usermem.h"

#define READABLE (LX_POLLIN | LX_POLLRDNORM)
#define WRITABLE (LX_POLLOUT | LX_POLLWRNORM)

struct pipe *pipe_new(void)
{
	struct pipe *p = mem_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	ref_init(&p->ref);
	census_add(CENSUS_PIPE);
	lock_init(&p->lock, RANK_PIPE, "pipe");
	waitq_init(&p->queue);
	p->capacity = PIPE_DEFAULT_SIZE;
	return p;
}

struct pipe *pipe_get(struct pipe *p)
{
	ref_get(&p->ref);
	return p;
}

void pipe_put(struct pipe *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	census_drop(CENSUS_PIPE);
	mem_free(p->ring);
	mem_free(p);
}

/* --- the ring -------------------------------------------------------------------------------------------------------- */

/* Room for `more` bytes beyond what is there, as far as the capacity goes. False when memory is out. */
static bool ring_grow(struct pipe *p, uint32_t more)
{
	uint32_t size = p->size ? p->size : PIPE_BUF_LX, first;
	char *ring;

	while (size < p->len + more && size < p->capacity)
		size *= 2;
	if (size == p->size)
		return true;
	ring = mem_alloc(size);
	if (!ring)
		return false;
	first = p->size - p->head < p->len ? p->size - p->head : p->len;
	if (p->len) {
		memcpy(ring, p->ring + p->head, first);
		memcpy(ring + first, p->ring, p->len - first);
	}
	mem_free(p->ring);
	p->ring = ring;
	p->size = size;
	p->head = 0;
	return true;
}

/* Moves up to n bytes between ring position `at` and the uio, in at most two parts. Bytes, or negative errno. */
static int64_t ring_move(struct pipe *p, struct uio *u, uint32_t at, uint32_t n, bool out)
{
	uint32_t done = 0;

	while (done < n) {
		uint32_t from = (at + done) & (p->size - 1);
		uint32_t part = p->size - from < n - done ? p->size - from : n - done;
		int64_t got = out ? uio_put(u, p->ring + from, part) : uio_get(u, p->ring + from, part);

		if (got < 0)
			return done ? (int64_t)done : got;
		done += (uint32_t)got;
		if ((uint32_t)got < part)
			break;
	}
	return (int64_t)done;
}

int64_t pipe_read(struct pipe *p, struct uio *u)
{
	bool was_full;
	int64_t ret;

	lock_take(&p->lock);
	if (!p->len) {
		ret = p->writers ? -EAGAIN : 0;
		lock_drop(&p->lock);
		return ret;
	}
	was_full = p->capacity - p->len < PIPE_BUF_LX;
	ret = ring_move(p, u, p->head, u->left < p->len ? (uint32_t)u->left : p->len, true);
	if (ret > 0) {
		p->head = (p->head + (uint32_t)ret) & (p->size - 1);
		p->len -= (uint32_t)ret;
		if (!p->len)
			p->head = 0;
	}
	was_full = was_full && p->capacity - p->len >= PIPE_BUF_LX;
	lock_drop(&p->lock);
	if (was_full)
		waitq_wake(&p->queue, WRITABLE);
	return ret;
}

int64_t pipe_write(struct pipe *p, struct uio *u)
{
	uint32_t room, n;
	int64_t ret;

	lock_take(&p->lock);
	room = p->capacity - p->len;
	n = u->left < room ? (uint32_t)u->left : room;
	if (!p->readers)
		ret = -EPIPE;
	else if (!n || (u->left <= PIPE_BUF_LX && u->left > room))
		ret = u->left ? -EAGAIN : 0;
	else if (!ring_grow(p, n))
		ret = -ENOMEM;
	else
		ret = ring_move(p, u, p->head + p->len, n, false);
	if (ret > 0)
		p->len += (uint32_t)ret;
	lock_drop(&p->lock);
	if (ret > 0)
		waitq_wake(&p->queue, READABLE);
	return ret;
}

int64_t pipe_peek(struct pipe *p, void *buf, uint32_t len)
{
	struct uio u;
	int64_t ret;

	LOCK_GUARD(&p->lock);
	if (!p->len)
		return p->writers ? -EAGAIN : 0;
	uio_init_local(&u, buf, len);
	ret = ring_move(p, &u, p->head, len < p->len ? len : p->len, true);
	return ret;
}

static int pipe_set_capacity(struct pipe *p, uint32_t wanted)
{
	uint32_t size = PIPE_BUF_LX;

	if (wanted > 1u << 31)
		return -EINVAL;
	while (size < wanted)
		size *= 2;
	if (size > PIPE_MAX_SIZE)
		return -EPERM;
	LOCK_GUARD(&p->lock);
	if (size < p->len)
		return -EBUSY;
	if (size < p->size) { /* a smaller ring, made by copying out of the larger */
		char *ring = mem_alloc(size);
		struct uio u;

		if (!ring)
			return -ENOMEM;
		uio_init_local(&u, ring, p->len);
		ring_move(p, &u, p->head, p->len, true);
		mem_free(p->ring);
		p->ring = ring;
		p->size = size;
		p->head = 0;
	}
	p->capacity = size;
	return (int)size;
}

/* --- the file ------------------------------------------------------------------------------------------------------------ */

static int64_t pipefile_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)t;
	(void)pos;
	return u->left ? pipe_read(f->priv, u) : 0;
}

static int64_t pipefile_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t ret = pipe_write(f->priv, u);

	(void)pos;
	if (ret == -EPIPE)
		signal_send_sigpipe(t);
	return ret;
}

static uint32_t pipefile_poll(struct file *f, struct poll_table *table)
{
	struct pipe *p = f->priv;
	uint32_t events = 0;

	if (table && table->add(table, &p->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&p->lock);
	if (f->readable) {
		if (p->len)
			events |= READABLE;
		if (!p->writers && p->writer_opens)
			events |= LX_POLLHUP;
	}
	if (f->writable) {
		if (p->capacity - p->len >= PIPE_BUF_LX)
			events |= WRITABLE;
		if (!p->readers)
			events |= LX_POLLERR;
	}
	return events;
}

static int64_t pipefile_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct pipe *p = f->priv;
	int32_t n;

	if (cmd != LX_FIONREAD)
		return -ENOTTY;
	lock_take(&p->lock);
	n = (int32_t)p->len;
	lock_drop(&p->lock);
	return copy_out(t, uaddr(arg), &n, sizeof(n));
}

static void pipefile_release(struct file *f)
{
	struct pipe *p = f->priv;

	lock_take(&p->lock);
	if (f->readable)
		p->readers--;
	if (f->writable)
		p->writers--;
	lock_drop(&p->lock);
	waitq_wake(&p->queue, READABLE | WRITABLE | LX_POLLHUP | LX_POLLERR);
	pipe_put(p);
}

static const struct file_ops pipe_ops = {
	.fasync = true,
	.read = pipefile_read,
	.write = pipefile_write,
	.poll = pipefile_poll,
	.ioctl = pipefile_ioctl,
	.release = pipefile_release,
	.name = "pipe",
};

struct pipe *file_pipe(struct file *f)
{
	return f->ops == &pipe_ops ? f->priv : NULL;
}

int64_t pipe_fcntl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct pipe *p = file_pipe(f);

	if (!p)
		return -EBADF;
	if (cmd == LX_F_SETPIPE_SZ)
		return pipe_set_capacity(p, (uint32_t)arg);
	LOCK_GUARD(&p->lock);
	return p->capacity;
}

int pipe_open_end(struct task *t, struct pipe *p, struct inode *inode, const struct path *path, uint32_t flags, struct file **out)
{
	struct file *f = path ? file_new(&pipe_ops, inode, path, flags, t->cred, p) : NULL;
	int ret = path ? (f ? 0 : -ENOMEM) : anon_file_on(t, inode, &pipe_ops, p, flags, &f);

	if (ret < 0)
		return ret;
	pipe_get(p);
	lock_take(&p->lock);
	if (f->readable) {
		p->readers++;
		p->reader_opens++;
	}
	if (f->writable) {
		p->writers++;
		p->writer_opens++;
	}
	lock_drop(&p->lock);
	waitq_wake(&p->queue, READABLE | WRITABLE);
	*out = f;
	return 0;
}

int pipe_create(struct task *t, uint32_t flags, struct file *ends[2])
{
	struct inode *inode = anon_inode_new(t, LX_S_IFIFO | 0600);
	struct pipe *p = inode ? pipe_new() : NULL;
	int ret = p ? pipe_open_end(t, p, inode, NULL, LX_O_RDONLY | flags, &ends[0]) : -ENOMEM;

	if (!ret) {
		ret = pipe_open_end(t, p, inode, NULL, LX_O_WRONLY | flags, &ends[1]);
		if (ret < 0)
			file_put(ends[0]);
	}
	pipe_put(p);
	if (inode)
		inode_put(inode);
	return ret;
}
