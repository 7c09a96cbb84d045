/* attach, walk, walk_open, open: from names to handles and donated fds. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "gofer/beneath.h"
#include "gofer/serve.h"

int op_attach(struct call *c)
{
	struct server *s = c->server;
	const struct root *r;
	struct gofer_entry *e;
	struct gofer_attr a;
	int64_t handle;
	int fd, err;

	if (c->req->value >= (uint64_t)s->roots)
		return -ENOENT;
	r = &s->root[c->req->value];
	err = beneath_attr(r, r->fd, "", &a);
	if (err)
		return err;
	fd = (int)host_ret(fcntl(r->fd, F_DUPFD_CLOEXEC, 0));
	if (fd < 0)
		return fd;
	handle = beneath_handle(s, r, fd, &a, false);
	if (handle < 0)
		return (int)handle;
	e = reply_entry(c);
	e->attr = a;
	e->handle = (uint32_t)handle;
	c->reply->value = r->flags;
	/* A copy, since the one that is sent is closed. Without it the sentry asks for what it would have looked up. */
	if (r->index >= 0)
		c->fd = (int)host_ret(fcntl(r->index, F_DUPFD_CLOEXEC, 0));
	return 0;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* The host's flags for what was asked; negative where it makes no sense or the root forbids it. */
static int open_flags(const struct root *root, uint32_t flags)
{
	static const int access[] = {
		[GOFER_OPEN_READ] = O_RDONLY, [GOFER_OPEN_WRITE] = O_WRONLY, [GOFER_OPEN_READ_WRITE] = O_RDWR
	};
	uint32_t want = flags & GOFER_OPEN_ACCESS;

	if (want == 0 || ((flags & GOFER_OPEN_TRUNCATE) && want == GOFER_OPEN_READ))
		return -EINVAL;
	if (want != GOFER_OPEN_READ && root_readonly(root))
		return -EROFS;
	return access[want] | (flags & GOFER_OPEN_TRUNCATE ? O_TRUNC : 0);
}

/* Devices, fifos and sockets have side effects when opened, and directories would let the sentry open by itself. */
static int check_type(mode_t type, bool barren)
{
	if (barren)
		return -EACCES;
	switch (type & S_IFMT) {
	case S_IFREG:
		return 0;
	case S_IFDIR:
		return -EISDIR;
	case S_IFLNK:
		return -ELOOP;
	default:
		return -ENXIO;
	}
}

/*
 * Opens the inode behind path_fd for the client; a->size and times are brought up to date where opening changed them.
 */
static int donate(struct call *c, const struct root *root, int path_fd, bool barren, struct gofer_attr *a)
{
	int flags = open_flags(root, c->req->flags);
	int err = check_type(a->mode, barren);

	if (err)
		return err;
	if (flags < 0)
		return flags;
	c->fd = beneath_reopen(c->server, path_fd, flags);
	if (c->fd < 0)
		return c->fd;
	return flags & O_TRUNC ? beneath_attr(root, path_fd, "", a) : 0;
}

int op_open(struct call *c)
{
	struct gofer_attr a;
	struct gofer_entry *e;
	int err = beneath_attr(c->h->root, c->h->fd, "", &a);

	if (!err)
		err = donate(c, c->h->root, c->h->fd, c->h->barren, &a);
	if (err)
		return err;
	e = reply_entry(c);
	e->attr = a;
	return 0;
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

/* Where a walk stands: fd is the last inode reached, borrowed from the request's handle until the first step. */
struct walk {
	int fd;
	bool owned;
	bool barren;
	uint64_t dev;
};

static void walk_drop(struct walk *w)
{
	if (w->owned)
		host_close(&w->fd);
	w->owned = false;
}

/*
 * Gives the inode that the walk stands on, whose entry is e, a handle. The walk goes on borrowing the fd and the handle
 * gets a copy, unless this is the end of it. A failure leaves the entry without a handle.
 */
static int keep(struct call *c, struct walk *w, struct gofer_entry *e, bool last)
{
	int fd = last && w->owned ? w->fd : (int)host_ret(fcntl(w->fd, F_DUPFD_CLOEXEC, 0));
	int64_t h;

	if (fd < 0)
		return fd;
	if (fd == w->fd)
		w->owned = false;
	h = beneath_handle(c->server, c->h->root, fd, &e->attr, w->barren);
	if (h < 0)
		return (int)h;
	e->handle = (uint32_t)h;
	return 0;
}

static void forget_entry(struct call *c)
{
	c->reply_len -= sizeof(struct gofer_entry);
	c->reply->count--;
}

/* One name without keeping the inode: the attributes are all that is wanted. */
static int look(struct call *c, struct walk *w, const char *name)
{
	struct gofer_entry *e = reply_entry(c);
	int err = w->barren ? -ENOENT : beneath_attr(c->h->root, w->fd, name, &e->attr);

	if (err)
		forget_entry(c);
	return err;
}

static int step(struct call *c, struct walk *w, const char *name)
{
	struct gofer_entry *e;
	int err, fd;

	if (w->barren)
		return -ENOENT;
	fd = beneath_open(w->fd, name, O_PATH, 0);
	if (fd < 0)
		return fd;
	e = reply_entry(c);
	err = beneath_attr(c->h->root, fd, "", &e->attr);
	if (err) {
		forget_entry(c);
		host_close(&fd);
		return err;
	}
	walk_drop(w);
	w->barren = beneath_barren(fd, &e->attr, w->dev);
	w->fd = fd;
	w->owned = true;
	return 0;
}

/* The target of the symlink on which the walk ended. A link that has gone meanwhile ends the walk before it. */
static int append_link(struct call *c, int fd, const char *name)
{
	char *p = reply_data(c, GOFER_LINK_MAX);
	int64_t n = host_ret(readlinkat(fd, name, p, GOFER_LINK_MAX));
	size_t spare = GOFER_LINK_MAX - (size_t)(n > 0 ? n : 0);

	c->reply_len -= spare;
	c->reply->data_len -= (uint32_t)spare;
	return n < 0 ? (int)n : 0;
}

static bool keeps_last(const struct call *c)
{
	return c->req->flags & (GOFER_WALK_HANDLE_LAST | GOFER_WALK_HANDLE_ALL);
}

static int stop_at_link(struct call *c, struct walk *w, struct gofer_entry *e, const char *name)
{
	int err = append_link(c, w->fd, name);

	return err || !keeps_last(c) ? err : keep(c, w, e, true);
}

static struct gofer_entry *last_entry(struct call *c)
{
	return (struct gofer_entry *)(c->out + sizeof(*c->reply)) + c->reply->count - 1;
}

static int step_all(struct call *c, struct walk *w, bool open_last)
{
	for (int i = 0; i < c->names; i++) {
		bool last = i == c->names - 1;
		bool by_name = last && !keeps_last(c) && !open_last;
		int err = by_name ? look(c, w, c->name[i]) : step(c, w, c->name[i]);
		struct gofer_entry *e = last_entry(c);

		if (err)
			return err;
		w->dev = e->attr.dev;
		if (S_ISLNK(e->attr.mode))
			return stop_at_link(c, w, e, by_name ? c->name[i] : "");
		if ((c->req->flags & GOFER_WALK_HANDLE_ALL) || (keeps_last(c) && last))
			err = keep(c, w, e, last && !open_last);
		if (err)
			return err;
	}
	return 0;
}

/* No names: the handle's own inode, with a handle of its own where one is wanted. */
static int walk_nowhere(struct call *c, struct walk *w)
{
	struct gofer_entry *e = reply_entry(c);
	int err = beneath_attr(c->h->root, w->fd, "", &e->attr);

	if (err) {
		forget_entry(c);
		return err;
	}
	return keeps_last(c) ? keep(c, w, e, false) : 0;
}

static int walk(struct call *c, struct walk *w, bool open_last)
{
	int err;

	*w = (struct walk){ .fd = c->h->fd, .barren = c->h->barren, .dev = c->h->dev };
	if (c->names == 0)
		return walk_nowhere(c, w);
	err = step_all(c, w, open_last);
	/*
	 * What was reached on the way to a name that is missing is worth a handle: it is where that name may be made.
	 */
	if (err && c->reply->count && keeps_last(c) && !last_entry(c)->handle)
		keep(c, w, last_entry(c), false);
	return err;
}

int op_walk(struct call *c)
{
	struct walk w;
	int err = walk(c, &w, false);

	walk_drop(&w);
	return err;
}

int op_walk_open(struct call *c)
{
	struct walk w;
	int err = walk(c, &w, true);

	if (!err && c->reply->data_len == 0)
		err = donate(c, c->h->root, w.fd, w.barren, &last_entry(c)->attr);
	walk_drop(&w);
	return err;
}
