/* The typed calls: each puts its fields in, exchanges, and takes out what its reply must have. */
#include "sentry/fs/gofer_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/fs/gofer_call.h"

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

static void map_cpus(struct gofer_client *c, const int *cpus)
{
	for (int cpu = 0; cpu < GOFER_CPUS_MAX; cpu++)
		c->channel_of[cpu] = (uint8_t)(cpu % c->channels);
	for (int i = 0; cpus && i < c->channels; i++) {
		if (cpus[i] >= 0 && cpus[i] < GOFER_CPUS_MAX)
			c->channel_of[cpus[i]] = (uint8_t)i;
	}
}

/* An answer that takes longer makes the caller "stuck". Rounded up to a tick of the host's by the kernel. */
static void set_patience(int fd)
{
	struct timeval patience = { .tv_usec = 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		log_warning("gofer channel without time-out: a slow file holds up its lane");
}

struct gofer_client *gofer_client_new(const struct gofer_client_config *cfg)
{
	struct gofer_client *c = cfg->channels >= 1 && cfg->channels <= GOFER_LANES_MAX ? mem_zalloc(sizeof(*c)) : NULL;
	int taken = 0;

	for (; c && taken < cfg->channels; taken++) {
		struct gofer_lane *ch = mem_zalloc(sizeof(*ch));

		if (!ch)
			break;
		lock_init(&ch->lock, RANK_GOFER, "gofer channel");
		ch->fd = cfg->fds[taken];
		if (cfg->stuck_begin)
			set_patience(ch->fd);
		c->channel[taken] = ch;
		c->channels++;
	}
	if (c && taken == cfg->channels) {
		lock_init(&c->close_lock, RANK_GOFER, "gofer handles to close");
		c->stuck_begin = cfg->stuck_begin;
		c->stuck_end = cfg->stuck_end;
		c->lost = cfg->lost;
		c->lost_arg = cfg->lost_arg;
		map_cpus(c, cfg->cpus);
		return c;
	}
	for (int i = taken; i < cfg->channels; i++) {
		int fd = cfg->fds[i];

		host_close(&fd);
	}
	if (c)
		gofer_client_free(c);
	return NULL;
}

void gofer_client_free(struct gofer_client *c)
{
	for (int i = 0; i < c->channels; i++) {
		host_close(&c->channel[i]->fd);
		mem_free(c->channel[i]);
	}
	mem_free(c);
}

/* ---- shapes that several calls share ----------------------------------------------------------------------------- */

/* The one entry that an answer must have. */
static int one_entry(struct gofer_exchange *x, struct gofer_entry *out)
{
	if (x->reply->count != 1)
		return gofer_give_up(x, "left an entry out");
	if (out)
		*out = x->entry[0];
	return 0;
}

static int one_attr(struct gofer_exchange *x, struct gofer_attr *out)
{
	struct gofer_entry e;
	int err = one_entry(x, &e);

	if (!err && out)
		*out = e.attr;
	return err;
}

static int take_donated(struct gofer_exchange *x)
{
	int fd = x->fd;

	if (fd < 0)
		return gofer_give_up(x, "left an fd out");
	x->fd = -1;
	return fd;
}

/* A name, and an entry comes back. */
static int make(struct gofer_client *c, enum gofer_op op, uint32_t dir, struct gofer_name name, uint32_t mode,
		struct gofer_entry *out)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, op);
	x.req->handle = dir;
	x.req->mode = mode;
	err = gofer_exchange_ok(&x, gofer_put_name(&x, name));
	if (!err)
		err = one_entry(&x, out);
	gofer_call_end(&x);
	return err;
}

/* A name, and nothing comes back. */
static int tell(struct gofer_client *c, enum gofer_op op, uint32_t handle, const struct gofer_name *name)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, op);
	x.req->handle = handle;
	err = gofer_exchange_ok(&x, name ? gofer_put_name(&x, *name) : 0);
	gofer_call_end(&x);
	return err;
}

/*
 * Bytes come back. `cut`: no more than size of them are wanted; else -ERANGE, unless size is 0 and only the length is.
 */
static int64_t fetch(struct gofer_client *c, enum gofer_op op, uint32_t handle, const struct gofer_name *name,
		     void *buf, size_t size, bool cut)
{
	struct gofer_exchange x;
	int64_t r;

	gofer_call_begin(&x, c, op);
	x.req->handle = handle;
	r = gofer_exchange_ok(&x, name ? gofer_put_name(&x, *name) : 0);
	if (r == 0) {
		size_t n = x.reply->data_len;

		r = (int64_t)n;
		if (cut && n > size)
			r = (int64_t)(n = size);
		if (n <= size)
			memcpy(buf, x.data, n);
		else if (size)
			r = -ERANGE;
	}
	gofer_call_end(&x);
	return r;
}

/* ---- the calls --------------------------------------------------------------------------------------------------- */

int gofer_attach_index(struct gofer_client *c, uint32_t root, struct gofer_entry *out, uint32_t *root_flags, int *index)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, GOFER_ATTACH);
	x.req->value = root;
	err = gofer_exchange_ok(&x, 0);
	if (!err)
		err = one_entry(&x, out);
	if (!err)
		*root_flags = (uint32_t)x.reply->value;
	*index = err ? -1 : x.fd;
	if (!err)
		x.fd = -1;
	gofer_call_end(&x);
	return err;
}

int gofer_attach(struct gofer_client *c, uint32_t root, struct gofer_entry *out, uint32_t *root_flags)
{
	AUTO_CLOSE int index = -1;

	return gofer_attach_index(c, root, out, root_flags, &index);
}

/* What a walk brought, believed as far as it fits what was asked. */
static int take_walk(struct gofer_exchange *x, int n, struct gofer_entry *entries, char *link, size_t link_size,
		     struct gofer_walked *out)
{
	int max = n ? n : 1;

	if (x->reply->count > max || (x->reply->error == 0 && x->reply->count == 0))
		return gofer_give_up(x, "walked further than it was asked");
	memcpy(entries, x->entry, x->reply->count * sizeof(*entries));
	out->count = x->reply->count;
	out->error = x->reply->error;
	if (out->count && S_ISLNK(entries[out->count - 1].attr.mode) && link) {
		out->link_len = x->reply->data_len < link_size ? x->reply->data_len : link_size;
		memcpy(link, x->data, out->link_len);
	}
	out->fd = x->fd;
	x->fd = -1;
	return 0;
}

static int do_walk(struct gofer_client *c, enum gofer_op op, uint32_t dir, const struct gofer_name *names, int n,
		   uint32_t flags, struct gofer_entry *entries, char *link, size_t link_size, struct gofer_walked *out)
{
	struct gofer_exchange x;
	int err = 0;

	*out = (struct gofer_walked){ .fd = -1 };
	if (n < 0 || n > (int)GOFER_WALK_MAX)
		return -EINVAL;
	gofer_call_begin(&x, c, op);
	x.req->handle = dir;
	x.req->flags = flags;
	for (int i = 0; i < n && !err; i++)
		err = gofer_put_name(&x, names[i]);
	err = gofer_exchange(&x, err);
	if (!err)
		err = take_walk(&x, n, entries, link, link_size, out);
	gofer_call_end(&x);
	return err;
}

int gofer_walk(struct gofer_client *c, uint32_t dir, const struct gofer_name *names, int n, uint32_t flags,
	       struct gofer_entry *entries, char *link, size_t link_size, struct gofer_walked *out)
{
	return do_walk(c, GOFER_WALK, dir, names, n, flags, entries, link, link_size, out);
}

int gofer_walk_open(struct gofer_client *c, uint32_t dir, const struct gofer_name *names, int n, uint32_t flags,
		    struct gofer_entry *entries, char *link, size_t link_size, struct gofer_walked *out)
{
	return do_walk(c, GOFER_WALK_OPEN, dir, names, n, flags, entries, link, link_size, out);
}

int gofer_open(struct gofer_client *c, uint32_t handle, uint32_t flags, struct gofer_attr *attr)
{
	struct gofer_exchange x;
	int r;

	gofer_call_begin(&x, c, GOFER_OPEN);
	x.req->handle = handle;
	x.req->flags = flags;
	r = gofer_exchange_ok(&x, 0);
	if (!r)
		r = one_attr(&x, attr);
	if (!r)
		r = take_donated(&x);
	gofer_call_end(&x);
	return r;
}

int gofer_create(struct gofer_client *c, uint32_t dir, struct gofer_name name, uint32_t mode, uint32_t open_flags,
		 struct gofer_entry *out)
{
	struct gofer_exchange x;
	int r;

	gofer_call_begin(&x, c, GOFER_CREATE);
	x.req->handle = dir;
	x.req->mode = mode;
	x.req->flags = open_flags;
	r = gofer_exchange_ok(&x, gofer_put_name(&x, name));
	if (!r)
		r = one_entry(&x, out);
	if (!r)
		r = take_donated(&x);
	gofer_call_end(&x);
	return r;
}

int gofer_readdir(struct gofer_client *c, uint32_t dir, uint64_t cookie, struct gofer_page *page)
{
	struct gofer_exchange x;
	int err;

	*page = (struct gofer_page){ .cookie = cookie };
	gofer_call_begin(&x, c, GOFER_READDIR);
	x.req->handle = dir;
	x.req->value = cookie;
	err = gofer_exchange_ok(&x, 0);
	if (!err && x.reply->data_len) {
		page->data = mem_dup(x.data, x.reply->data_len);
		err = page->data ? 0 : -ENOMEM;
	}
	if (!err) {
		page->len = x.reply->data_len;
		page->count = x.reply->count;
		page->cookie = x.reply->value;
	}
	gofer_call_end(&x);
	return err;
}

const struct gofer_dirent *gofer_page_next(const struct gofer_page *page, uint32_t *pos)
{
	const struct gofer_dirent *d;

	if (page->len - *pos < sizeof(*d))
		return NULL;
	d = (const struct gofer_dirent *)((const uint8_t *)page->data + *pos);
	if (page->len - *pos < GOFER_DIRENT_SIZE(d->name_len) || !gofer_name_valid(d->name, d->name_len))
		return NULL;
	*pos += (uint32_t)GOFER_DIRENT_SIZE(d->name_len);
	return d;
}

void gofer_page_free(struct gofer_page *page)
{
	mem_free(page->data);
	*page = (struct gofer_page){ 0 };
}

int64_t gofer_readlink(struct gofer_client *c, uint32_t handle, char *buf, size_t size)
{
	return fetch(c, GOFER_READLINK, handle, NULL, buf, size, true);
}

int gofer_stat(struct gofer_client *c, uint32_t handle, struct gofer_attr *attr)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, GOFER_STAT);
	x.req->handle = handle;
	err = gofer_exchange_ok(&x, 0);
	if (!err)
		err = one_attr(&x, attr);
	gofer_call_end(&x);
	return err;
}

int gofer_setattr(struct gofer_client *c, uint32_t handle, const struct gofer_setattr *set, struct gofer_attr *after)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, GOFER_SETATTR);
	x.req->handle = handle;
	x.req->flags = set->set;
	x.req->mode = set->set & GOFER_SET_MODE ? set->mode & 07777 : 0;
	x.req->uid = set->set & GOFER_SET_UID ? set->uid : 0;
	x.req->gid = set->set & GOFER_SET_GID ? set->gid : 0;
	x.req->value = set->set & GOFER_SET_SIZE ? set->size : 0;
	if (set->set & GOFER_SET_ATIME)
		x.req->atime = (struct gofer_time){ .sec = set->atime.sec, .nsec = set->atime.nsec };
	if (set->set & GOFER_SET_MTIME)
		x.req->mtime = (struct gofer_time){ .sec = set->mtime.sec, .nsec = set->mtime.nsec };
	err = gofer_exchange_ok(&x, 0);
	if (!err)
		err = one_attr(&x, after);
	gofer_call_end(&x);
	return err;
}

int gofer_mkdir(struct gofer_client *c, uint32_t dir, struct gofer_name name, uint32_t mode, struct gofer_entry *out)
{
	return make(c, GOFER_MKDIR, dir, name, mode, out);
}

int gofer_mknod(struct gofer_client *c, uint32_t dir, struct gofer_name name, uint32_t mode, struct gofer_entry *out)
{
	return make(c, GOFER_MKNOD, dir, name, mode, out);
}

int gofer_symlink(struct gofer_client *c, uint32_t dir, struct gofer_name name, const char *target, size_t len,
		  struct gofer_entry *out)
{
	struct gofer_exchange x;
	int err;

	if (len > GOFER_LINK_MAX)
		return -ENAMETOOLONG;
	gofer_call_begin(&x, c, GOFER_SYMLINK);
	x.req->handle = dir;
	err = gofer_put_name(&x, name);
	err = gofer_exchange_ok(&x, err ? err : gofer_put_data(&x, target, len));
	if (!err)
		err = one_entry(&x, out);
	gofer_call_end(&x);
	return err;
}

int gofer_link(struct gofer_client *c, uint32_t handle, uint32_t dir, struct gofer_name name, struct gofer_attr *attr)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, GOFER_LINK);
	x.req->handle = handle;
	x.req->handle2 = dir;
	err = gofer_exchange_ok(&x, gofer_put_name(&x, name));
	if (!err)
		err = one_attr(&x, attr);
	gofer_call_end(&x);
	return err;
}

int gofer_unlink(struct gofer_client *c, uint32_t dir, struct gofer_name name)
{
	return tell(c, GOFER_UNLINK, dir, &name);
}

int gofer_rmdir(struct gofer_client *c, uint32_t dir, struct gofer_name name)
{
	return tell(c, GOFER_RMDIR, dir, &name);
}

int gofer_rename(struct gofer_client *c, uint32_t from_dir, struct gofer_name from, uint32_t to_dir,
		 struct gofer_name to, uint32_t flags)
{
	struct gofer_exchange x;
	int err;

	gofer_call_begin(&x, c, GOFER_RENAME);
	x.req->handle = from_dir;
	x.req->handle2 = to_dir;
	x.req->flags = flags;
	err = gofer_put_name(&x, from);
	err = gofer_exchange_ok(&x, err ? err : gofer_put_name(&x, to));
	gofer_call_end(&x);
	return err;
}

int gofer_statfs(struct gofer_client *c, uint32_t handle, struct gofer_statfs *out)
{
	int64_t n = fetch(c, GOFER_STATFS, handle, NULL, out, sizeof(*out), true);

	if (n >= 0 && n != sizeof(*out))
		return -EIO;
	return n < 0 ? (int)n : 0;
}

int64_t gofer_getxattr(struct gofer_client *c, uint32_t handle, struct gofer_name name, void *buf, size_t size)
{
	return fetch(c, GOFER_GETXATTR, handle, &name, buf, size, false);
}

int64_t gofer_listxattr(struct gofer_client *c, uint32_t handle, char *buf, size_t size)
{
	return fetch(c, GOFER_LISTXATTR, handle, NULL, buf, size, false);
}

int gofer_setxattr(struct gofer_client *c, uint32_t handle, struct gofer_name name, const void *value, size_t len,
		   uint32_t flags)
{
	struct gofer_exchange x;
	int err;

	if (len > GOFER_XATTR_MAX)
		return -E2BIG;
	gofer_call_begin(&x, c, GOFER_SETXATTR);
	x.req->handle = handle;
	x.req->flags = flags;
	err = gofer_put_name(&x, name);
	err = gofer_exchange_ok(&x, err ? err : gofer_put_data(&x, value, len));
	gofer_call_end(&x);
	return err;
}

int gofer_removexattr(struct gofer_client *c, uint32_t handle, struct gofer_name name)
{
	return tell(c, GOFER_REMOVEXATTR, handle, &name);
}

int gofer_fsync_dir(struct gofer_client *c, uint32_t dir)
{
	return tell(c, GOFER_FSYNC, dir, NULL);
}

/* ---- closing ----------------------------------------------------------------------------------------------------- */

static void send_closes(struct gofer_client *c, const uint32_t *handles, uint32_t n)
{
	struct gofer_exchange x;

	if (n == 0)
		return;
	gofer_call_begin(&x, c, GOFER_CLOSE);
	gofer_exchange_ok(&x, gofer_put_data(&x, handles, n * sizeof(*handles)));
	gofer_call_end(&x);
}

/* Moves the batch out, so that it is sent with no lock held but the channel's. */
static uint32_t take_batch(struct gofer_client *c, uint32_t out[GOFER_CLOSE_BATCH])
{
	uint32_t n = c->closing_count;

	lock_assert_held(&c->close_lock);
	memcpy(out, c->closing, n * sizeof(*out));
	c->closing_count = 0;
	return n;
}

void gofer_close(struct gofer_client *c, uint32_t handle)
{
	uint32_t batch[GOFER_CLOSE_BATCH], n = 0;

	if (handle == GOFER_NO_HANDLE)
		return;
	lock_take(&c->close_lock);
	c->closing[c->closing_count++] = handle;
	if (c->closing_count == GOFER_CLOSE_BATCH)
		n = take_batch(c, batch);
	lock_drop(&c->close_lock);
	send_closes(c, batch, n);
}

void gofer_close_flush(struct gofer_client *c)
{
	uint32_t batch[GOFER_CLOSE_BATCH], n;

	lock_take(&c->close_lock);
	n = take_batch(c, batch);
	lock_drop(&c->close_lock);
	send_closes(c, batch, n);
}
