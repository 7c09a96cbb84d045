/* readdir: one reply's worth of a directory, attributes included, so that later lookups below it need no call. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "gofer/beneath.h"
#include "gofer/serve.h"

#define BATCH 8192 /* bytes of host entries at a time; on the stack */

/* As getdents64(2) gives them. */
struct host_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

enum { ADDED, FULL };

/* Adds one entry; FULL when the reply has no room for it. An entry that vanished meanwhile is left out. */
static int add(struct call *c, int dirfd, const struct host_dirent *d)
{
	size_t len = strlen(d->name);
	struct gofer_dirent *e;
	struct gofer_attr a;

	if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
		return ADDED;
	if (reply_room(c) < GOFER_DIRENT_SIZE(len) || len > GOFER_NAME_MAX)
		return FULL;
	if (beneath_attr(c->h->root, dirfd, d->name, &a))
		return ADDED;
	e = reply_data(c, GOFER_DIRENT_SIZE(len));
	e->attr = a;
	e->cookie = (uint64_t)d->off;
	e->name_len = (uint16_t)len;
	memcpy(e->name, d->name, len);
	c->reply->count++;
	return ADDED;
}

static int fill(struct call *c, int fd)
{
	_Alignas(struct host_dirent) char buf[BATCH];

	for (;;) {
		int64_t n = HOST_RETRY(syscall(SYS_getdents64, fd, buf, sizeof(buf)));

		if (n == 0)
			c->reply->value = GOFER_COOKIE_END;
		if (n <= 0)
			return (int)n;
		for (int64_t at = 0; at < n;) {
			const struct host_dirent *d = (const void *)(buf + at);

			if (add(c, fd, d) == FULL)
				return 0;
			c->reply->value = (uint64_t)d->off;
			at += d->reclen;
		}
	}
}

/*
 * Stateless: the directory is opened anew and sought to the cookie, which is the host filesystem's own. A page costs
 * one open more, a handle costs one fd less.
 */
int op_readdir(struct call *c)
{
	int fd, err = 0;

	if (!S_ISDIR(c->h->type))
		return -ENOTDIR;
	c->reply->value = c->req->value;
	if (c->h->barren || c->req->value == GOFER_COOKIE_END)
		return 0;
	fd = beneath_open(c->h->fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	if (c->req->value && lseek(fd, (off_t)c->req->value, SEEK_SET) < 0)
		err = -errno;
	if (!err)
		err = fill(c, fd);
	host_close(&fd);
	/* What was read before an error is worth having; the error comes again with the next page. */
	return c->reply->count ? 0 : err;
}
