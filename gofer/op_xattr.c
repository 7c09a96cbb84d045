/* Extended attributes: "user." ones of regular files and directories, the only ones that carry no authority. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/host.h"
#include "gofer/beneath.h"
#include "gofer/serve.h"

#define PREFIX "user."

/* An fd on which the f*xattr calls work: they refuse O_PATH ones. */
static int xattr_fd(struct call *c)
{
	if (c->h->barren || (!S_ISREG(c->h->type) && !S_ISDIR(c->h->type)))
		return -EOPNOTSUPP;
	if (c->names && strncmp(c->name[0], PREFIX, strlen(PREFIX)) != 0)
		return -EOPNOTSUPP;
	return beneath_reopen(c->server, c->h->fd, O_RDONLY | O_NONBLOCK);
}

/* Gives back what of the reply's reserved space was not used. */
static void trim(struct call *c, size_t reserved, size_t used)
{
	c->reply_len -= reserved - used;
	c->reply->data_len -= (uint32_t)(reserved - used);
}

int op_getxattr(struct call *c)
{
	void *value = reply_data(c, GOFER_XATTR_MAX);
	int fd = xattr_fd(c);
	int64_t n = fd < 0 ? fd : host_ret(fgetxattr(fd, c->name[0], value, GOFER_XATTR_MAX));

	trim(c, GOFER_XATTR_MAX, n < 0 ? 0 : (size_t)n);
	host_close(&fd);
	return n < 0 ? (int)n : 0;
}

int op_setxattr(struct call *c)
{
	int flags = (c->req->flags & GOFER_XATTR_CREATE ? XATTR_CREATE : 0) |
		    (c->req->flags & GOFER_XATTR_REPLACE ? XATTR_REPLACE : 0);
	int fd = xattr_fd(c);
	int64_t r = fd < 0 ? fd : host_ret(fsetxattr(fd, c->name[0], c->data, c->req->data_len, flags));

	host_close(&fd);
	return (int)r;
}

int op_removexattr(struct call *c)
{
	int fd = xattr_fd(c);
	int64_t r = fd < 0 ? fd : host_ret(fremovexattr(fd, c->name[0]));

	host_close(&fd);
	return (int)r;
}

/* Moves the names that may be seen to the front; their length. */
static size_t keep_user_names(char *list, size_t len)
{
	size_t out = 0;

	for (size_t at = 0; at < len;) {
		size_t n = strnlen(list + at, len - at - 1) + 1;

		if (strncmp(list + at, PREFIX, strlen(PREFIX)) == 0) {
			memmove(list + out, list + at, n);
			out += n;
		}
		at += n;
	}
	return out;
}

int op_listxattr(struct call *c)
{
	char *list = reply_data(c, GOFER_XATTR_MAX);
	int fd = xattr_fd(c);
	int64_t n = fd < 0 ? fd : host_ret(flistxattr(fd, list, GOFER_XATTR_MAX));

	trim(c, GOFER_XATTR_MAX, n < 0 ? 0 : keep_user_names(list, (size_t)n));
	host_close(&fd);
	return n < 0 ? (int)n : 0;
}
