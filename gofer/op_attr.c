/* stat, setattr, statfs, readlink, fsync, close: what is asked of one handle. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/host.h"
#include "gofer/beneath.h"
#include "gofer/serve.h"

static int attr_entry(struct call *c)
{
	struct gofer_attr a;
	int err = beneath_attr(c->h->root, c->h->fd, "", &a);

	if (!err)
		reply_entry(c)->attr = a;
	return err;
}

int op_stat(struct call *c)
{
	return attr_entry(c);
}

static int set_mode(struct call *c)
{
	struct proc_name n = beneath_proc_name(c->h->fd);
	uint32_t mode = c->req->mode;

	if (mode & ~07777u)
		return -EINVAL;
	if (S_ISLNK(c->h->type))
		return -EOPNOTSUPP;
	if (root_nosuid(c->h->root) && S_ISREG(c->h->type) && (mode & (S_ISUID | S_ISGID)))
		return -EPERM;
	return (int)host_ret(fchmodat(c->server->proc_fd, n.s, mode, 0));
}

static int set_owner(struct call *c)
{
	uid_t uid = c->req->flags & GOFER_SET_UID ? c->req->uid : (uid_t)-1;
	gid_t gid = c->req->flags & GOFER_SET_GID ? c->req->gid : (gid_t)-1;

	return (int)host_ret(fchownat(c->h->fd, "", uid, gid, AT_EMPTY_PATH));
}

static int set_size(struct call *c)
{
	int64_t r;
	int fd;

	if (c->req->value > INT64_MAX)
		return -EINVAL;
	if (!S_ISREG(c->h->type))
		return S_ISDIR(c->h->type) ? -EISDIR : -EINVAL;
	fd = beneath_reopen(c->server, c->h->fd, O_WRONLY);
	if (fd < 0)
		return fd;
	r = HOST_RETRY(ftruncate(fd, (off_t)c->req->value));
	host_close(&fd);
	return (int)r;
}

static struct timespec time_arg(const struct gofer_time *t, uint32_t flags, uint32_t set, uint32_t now)
{
	if (flags & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (flags & set)
		return (struct timespec){ .tv_sec = t->sec, .tv_nsec = t->nsec };
	return (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_times(struct call *c)
{
	const struct gofer_request *r = c->req;
	struct timespec t[2] = {
		time_arg(&r->atime, r->flags, GOFER_SET_ATIME, GOFER_SET_ATIME_NOW),
		time_arg(&r->mtime, r->flags, GOFER_SET_MTIME, GOFER_SET_MTIME_NOW),
	};

	return (int)host_ret(utimensat(c->h->fd, "", t, AT_EMPTY_PATH));
}

/* Size before owner and mode (which may take the right to write away), times last (the others change them). */
int op_setattr(struct call *c)
{
	static const struct {
		uint32_t flags;
		int (*set)(struct call *);
	} part[] = {
		{ GOFER_SET_SIZE, set_size },
		{ GOFER_SET_UID | GOFER_SET_GID, set_owner },
		{ GOFER_SET_MODE, set_mode },
		{ GOFER_SET_ATIME | GOFER_SET_MTIME | GOFER_SET_ATIME_NOW | GOFER_SET_MTIME_NOW, set_times },
	};

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		int err = c->req->flags & part[i].flags ? part[i].set(c) : 0;

		if (err)
			return err;
	}
	return attr_entry(c);
}

int op_statfs(struct call *c)
{
	struct gofer_statfs *out;
	struct statfs fs;

	if (fstatfs(c->h->fd, &fs) < 0)
		return -errno;
	out = reply_data(c, sizeof(*out));
	*out = (struct gofer_statfs){
		.type = (uint32_t)fs.f_type,
		.bsize = (uint64_t)fs.f_bsize,
		.blocks = fs.f_blocks,
		.bfree = fs.f_bfree,
		.bavail = fs.f_bavail,
		.files = fs.f_files,
		.ffree = fs.f_ffree,
		.frsize = (uint64_t)fs.f_frsize,
		.namelen = (uint64_t)fs.f_namelen,
		.flags = (uint64_t)fs.f_flags,
	};
	return 0;
}

int op_readlink(struct call *c)
{
	char target[GOFER_LINK_MAX];
	int64_t n;

	if (!S_ISLNK(c->h->type))
		return -EINVAL;
	n = host_ret(readlinkat(c->h->fd, "", target, sizeof(target)));
	if (n < 0)
		return (int)n;
	memcpy(reply_data(c, (size_t)n), target, (size_t)n);
	return 0;
}

/* Files are synced by the sentry, through the fd that it was given. */
int op_fsync(struct call *c)
{
	int64_t r;
	int fd;

	if (!S_ISDIR(c->h->type))
		return -ENOTDIR;
	if (c->h->barren)
		return 0;
	fd = beneath_open(c->h->fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	r = HOST_RETRY(fsync(fd));
	host_close(&fd);
	return (int)r;
}

int op_close(struct call *c)
{
	for (uint32_t i = 0; i + sizeof(uint32_t) <= c->req->data_len; i += sizeof(uint32_t)) {
		uint32_t number;

		memcpy(&number, c->data + i, sizeof(number));
		handles_close(&c->server->handles, number);
	}
	return 0;
}
