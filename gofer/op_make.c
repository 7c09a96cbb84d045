/*
 * create, mkdir, symlink, mknod, link, unlink, rmdir, rename: what changes a directory. The row's `writes` has refused
 * read-only roots.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "gofer/beneath.h"
#include "gofer/serve.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE	 (1 << 1)
#endif

/* The entry, with a handle, of what was just made or opened as path_fd (taken over). */
static int entry_of(struct call *c, int path_fd)
{
	struct gofer_attr a;
	struct gofer_entry *e;
	int64_t h;
	int err = beneath_attr(c->h->root, path_fd, "", &a);

	if (err) {
		host_close(&path_fd);
		return err;
	}
	h = beneath_handle(c->server, c->h->root, path_fd, &a, false);
	if (h < 0)
		return (int)h;
	e = reply_entry(c);
	e->attr = a;
	e->handle = (uint32_t)h;
	return 0;
}

static int entry_by_name(struct call *c)
{
	int fd = beneath_open(c->h->fd, c->name[0], O_PATH, 0);

	return fd < 0 ? fd : entry_of(c, fd);
}

static mode_t new_mode(const struct call *c)
{
	mode_t mode = c->req->mode & 07777;

	return root_nosuid(c->h->root) ? mode & ~(mode_t)(S_ISUID | S_ISGID) : mode;
}

/* O_EXCL always: what is there already is opened by handle, after a look at what it is. */
int op_create(struct call *c)
{
	static const int access[] = {
		[GOFER_OPEN_READ] = O_RDONLY, [GOFER_OPEN_WRITE] = O_WRONLY, [GOFER_OPEN_READ_WRITE] = O_RDWR
	};
	uint32_t want = c->req->flags & GOFER_OPEN_ACCESS;
	int fd, path_fd, err;

	if (want == 0 || c->req->mode & ~07777u)
		return -EINVAL;
	fd = beneath_open(c->h->fd, c->name[0], (uint64_t)(O_CREAT | O_EXCL | O_NOCTTY | access[want]), new_mode(c));
	if (fd < 0)
		return fd;
	path_fd = beneath_reopen(c->server, fd, O_PATH);
	err = path_fd < 0 ? path_fd : entry_of(c, path_fd);
	if (err)
		host_close(&fd);
	else
		c->fd = fd;
	return err;
}

int op_mkdir(struct call *c)
{
	int err;

	if (c->req->mode & ~07777u)
		return -EINVAL;
	err = (int)host_ret(mkdirat(c->h->fd, c->name[0], c->req->mode));
	return err ? err : entry_by_name(c);
}

int op_symlink(struct call *c)
{
	char target[GOFER_LINK_MAX + 1];
	int err;

	if (c->req->data_len == 0 || memchr(c->data, 0, c->req->data_len))
		return -EINVAL;
	memcpy(target, c->data, c->req->data_len);
	target[c->req->data_len] = 0;
	err = (int)host_ret(symlinkat(target, c->h->fd, c->name[0]));
	return err ? err : entry_by_name(c);
}

/*
 * A socket's inode is a name and nothing more: nobody can listen or connect through it from inside. Devices are refused
 * on every root.
 */
int op_mknod(struct call *c)
{
	mode_t type = c->req->mode & S_IFMT;
	int err;

	if (c->req->mode & ~(uint32_t)(S_IFMT | 07777))
		return -EINVAL;
	if (type != S_IFIFO && type != S_IFSOCK && type != S_IFREG)
		return -EPERM;
	err = (int)host_ret(mknodat(c->h->fd, c->name[0], type | new_mode(c), 0));
	return err ? err : entry_by_name(c);
}

int op_link(struct call *c)
{
	struct proc_name n = beneath_proc_name(c->h->fd);
	struct gofer_attr a;
	int err;

	if (S_ISDIR(c->h->type))
		return -EPERM;
	err = (int)host_ret(linkat(c->server->proc_fd, n.s, c->h2->fd, c->name[0], AT_SYMLINK_FOLLOW));
	if (!err)
		err = beneath_attr(c->h->root, c->h->fd, "", &a);
	if (!err)
		reply_entry(c)->attr = a;
	return err;
}

int op_unlink(struct call *c)
{
	return (int)host_ret(unlinkat(c->h->fd, c->name[0], 0));
}

int op_rmdir(struct call *c)
{
	return (int)host_ret(unlinkat(c->h->fd, c->name[0], AT_REMOVEDIR));
}

int op_rename(struct call *c)
{
	unsigned int flags = (c->req->flags & GOFER_RENAME_NOREPLACE ? RENAME_NOREPLACE : 0) |
			     (c->req->flags & GOFER_RENAME_EXCHANGE ? RENAME_EXCHANGE : 0);

	return (int)host_ret(syscall(SYS_renameat2, c->h->fd, c->name[0], c->h2->fd, c->name[1], flags));
}
