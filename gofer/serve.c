/*
 * The channel loop: receive, judge, run, reply. All that a client can get wrong about a message's shape is refused
 * here.
 */
#include "gofer/serve.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"

/* ---- decoding: NULL, or what is wrong with the message ----------------------------------------------------------- */

static const char *check_name(const char *s, size_t len)
{
	if (len == 0 || len > GOFER_NAME_MAX)
		return "a name is empty or too long";
	if (memchr(s, '/', len) || memchr(s, 0, len))
		return "a name has a slash or a NUL in it";
	if (s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')))
		return "a name is . or ..";
	return NULL;
}

/*
 * Takes the names apart in place: each moves one byte down, over the second byte of its length, to make room for a NUL.
 */
static const char *decode_names(struct call *c, size_t *pos, size_t len)
{
	for (c->names = 0; c->names < c->req->name_count; c->names++) {
		char *s = (char *)c->in + *pos + 1;
		const char *wrong;
		uint16_t n;

		if (len - *pos < sizeof(n))
			return "the names are cut short";
		memcpy(&n, c->in + *pos, sizeof(n));
		*pos += sizeof(n);
		if (len - *pos < n)
			return "the names are cut short";
		wrong = check_name(s + 1, n);
		if (wrong)
			return wrong;
		memmove(s, s + 1, n);
		s[n] = 0;
		c->name[c->names] = s;
		*pos += n;
	}
	return NULL;
}

static bool time_is_zero(const struct gofer_time *t)
{
	return t->sec == 0 && t->nsec == 0 && t->zero == 0;
}

static bool time_valid(const struct gofer_time *t)
{
	return t->nsec < 1000000000u && t->zero == 0;
}

static const char *check_fields(const struct gofer_request *r, const struct op_row *row)
{
	if (r->flags & ~row->flags)
		return "unknown flags";
	if (!(row->has & HAS_HANDLE) && r->handle)
		return "a handle where none belongs";
	if (!(row->has & HAS_HANDLE2) && r->handle2)
		return "a second handle where none belongs";
	if (!(row->has & HAS_VALUE) && r->value)
		return "a value where none belongs";
	if (!(row->has & HAS_MODE) && r->mode)
		return "a mode where none belongs";
	if (!(row->has & HAS_OWNER) && (r->uid || r->gid))
		return "an owner where none belongs";
	if (!(row->has & HAS_TIMES) && !(time_is_zero(&r->atime) && time_is_zero(&r->mtime)))
		return "times where none belong";
	if (!time_valid(&r->atime) || !time_valid(&r->mtime))
		return "a time that is none";
	if (r->name_count < row->names_min || r->name_count > row->names_max)
		return "a wrong number of names";
	if (r->data_len > row->data_max)
		return "too much data";
	return NULL;
}

static const char *decode(struct call *c, size_t len)
{
	size_t pos = sizeof(*c->req);
	const char *wrong;

	c->req = (const struct gofer_request *)c->in;
	if (len < sizeof(*c->req) || len > sizeof(c->in))
		return "a message of an impossible size";
	if (c->req->len != len)
		return "a length that is not the packet's";
	if (c->req->op >= GOFER_OP_COUNT || !op_rows[c->req->op].run)
		return "an unknown operation";
	wrong = check_fields(c->req, &op_rows[c->req->op]);
	if (!wrong)
		wrong = decode_names(c, &pos, len);
	if (wrong)
		return wrong;
	if (len - pos != c->req->data_len)
		return "a data length that is not what is left";
	c->data = c->in + pos;
	return NULL;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

struct gofer_entry *reply_entry(struct call *c)
{
	struct gofer_entry *e = (struct gofer_entry *)(c->out + c->reply_len);

	if (reply_room(c) < sizeof(*e))
		return NULL;
	memset(e, 0, sizeof(*e));
	c->reply_len += sizeof(*e);
	c->reply->count++;
	return e;
}

void *reply_data(struct call *c, size_t n)
{
	uint8_t *p = c->out + c->reply_len;

	if (reply_room(c) < n)
		return NULL;
	memset(p, 0, n);
	c->reply_len += n;
	c->reply->data_len += (uint32_t)n;
	return p;
}

size_t reply_room(const struct call *c)
{
	return sizeof(c->out) - c->reply_len;
}

/* The rules that depend on nothing but the roots that a call touches. */
static int check_roots(const struct call *c, const struct op_row *row)
{
	if (!row->writes)
		return 0;
	if (c->h && root_readonly(c->h->root))
		return -EROFS;
	if (c->h2 && root_readonly(c->h2->root))
		return -EROFS;
	if (c->h && c->h2 && c->h->root != c->h2->root)
		return -EXDEV;
	return (c->h && c->h->barren) || (c->h2 && c->h2->barren) ? -EACCES : 0;
}

static int run(struct call *c)
{
	const struct op_row *row = &op_rows[c->req->op];
	int err;

	if (row->has & HAS_HANDLE) {
		c->h = handles_get(&c->server->handles, c->req->handle);
		if (!c->h)
			return -EBADF;
	}
	if (row->has & HAS_HANDLE2) {
		c->h2 = handles_get(&c->server->handles, c->req->handle2);
		if (!c->h2)
			return -EBADF;
	}
	err = check_roots(c, row);
	return err ? err : row->run(c);
}

static void handle_call(struct call *c)
{
	c->h = c->h2 = NULL;
	c->fd = -1;
	c->reply = (struct gofer_reply *)c->out;
	*c->reply = (struct gofer_reply){ .op = c->req->op, .seq = c->req->seq };
	c->reply_len = sizeof(*c->reply);
	c->reply->error = run(c);
	if (c->h)
		handles_put(&c->server->handles, c->h);
	if (c->h2)
		handles_put(&c->server->handles, c->h2);
	c->reply->len = (uint32_t)c->reply_len;
	c->reply->has_fd = c->fd >= 0;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static int64_t send_with_fd(int sock, struct call *c)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .align = {
			      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec iov = { .iov_base = c->out, .iov_len = c->reply_len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control)
	};
	int64_t r;

	memcpy(CMSG_DATA(&control.align), &c->fd, sizeof(int));
	r = HOST_RETRY(sendmsg(sock, &msg, MSG_NOSIGNAL));
	host_close(&c->fd);
	return r;
}

static int64_t send_reply(int sock, struct call *c)
{
	if (c->fd >= 0)
		return send_with_fd(sock, c);
	return HOST_RETRY(send(sock, c->out, c->reply_len, MSG_NOSIGNAL));
}

void serve_channel(struct server *s, int fd, struct call *c)
{
	c->server = s;
	for (;;) {
		/*
		 * No control buffer: fds that a client attaches are dropped by the kernel. MSG_TRUNC: the packet's real
		 * size.
		 */
		int64_t n = HOST_RETRY(recv(fd, c->in, sizeof(c->in), MSG_TRUNC));
		const char *wrong;

		if (n <= 0)
			break;
		wrong = decode(c, (size_t)n);
		if (wrong) {
			log_error("channel closed: the sentry sent %s (op %u, %lld bytes)", wrong,
				  n >= 6 ? c->req->op : 0, (long long)n);
			break;
		}
		handle_call(c);
		if (send_reply(fd, c) < 0)
			break;
	}
	host_close(&fd);
}

/* ---- the operations ---------------------------------------------------------------------------------------------- */

#define OPEN_FLAGS    (GOFER_OPEN_ACCESS | GOFER_OPEN_TRUNCATE)
#define WALK_FLAGS    (GOFER_WALK_HANDLE_LAST | GOFER_WALK_HANDLE_ALL)
#define SET_FLAGS     0xffu
#define RENAME_FLAGS  (GOFER_RENAME_NOREPLACE | GOFER_RENAME_EXCHANGE)
#define XATTR_FLAGS   (GOFER_XATTR_CREATE | GOFER_XATTR_REPLACE)
#define HAS_ALL_ATTRS (HAS_HANDLE | HAS_VALUE | HAS_MODE | HAS_OWNER | HAS_TIMES)
#define CLOSE_BYTES   (GOFER_CLOSE_MAX * sizeof(uint32_t))

/* clang-format off */
const struct op_row op_rows[GOFER_OP_COUNT] = {
	/* name, function, fields, flags, most bytes of data, least and most names, writes */
	[GOFER_ATTACH] =       { "attach",      op_attach,      HAS_VALUE,                0,                       0,               0, 0,              false },
	[GOFER_WALK] =         { "walk",        op_walk,        HAS_HANDLE,               WALK_FLAGS,              0,               0, GOFER_WALK_MAX, false },
	[GOFER_OPEN] =         { "open",        op_open,        HAS_HANDLE,               OPEN_FLAGS,              0,               0, 0,              false },
	[GOFER_WALK_OPEN] =    { "walk_open",   op_walk_open,   HAS_HANDLE,               WALK_FLAGS | OPEN_FLAGS, 0,               0, GOFER_WALK_MAX, false },
	[GOFER_READDIR] =      { "readdir",     op_readdir,     HAS_HANDLE | HAS_VALUE,   0,                       0,               0, 0,              false },
	[GOFER_READLINK] =     { "readlink",    op_readlink,    HAS_HANDLE,               0,                       0,               0, 0,              false },
	[GOFER_STAT] =         { "stat",        op_stat,        HAS_HANDLE,               0,                       0,               0, 0,              false },
	[GOFER_SETATTR] =      { "setattr",     op_setattr,     HAS_ALL_ATTRS,            SET_FLAGS,               0,               0, 0,              true },
	[GOFER_CREATE] =       { "create",      op_create,      HAS_HANDLE | HAS_MODE,    OPEN_FLAGS,              0,               1, 1,              true },
	[GOFER_MKDIR] =        { "mkdir",       op_mkdir,       HAS_HANDLE | HAS_MODE,    0,                       0,               1, 1,              true },
	[GOFER_SYMLINK] =      { "symlink",     op_symlink,     HAS_HANDLE | HAS_DATA,    0,                       GOFER_LINK_MAX,  1, 1,              true },
	[GOFER_MKNOD] =        { "mknod",       op_mknod,       HAS_HANDLE | HAS_MODE,    0,                       0,               1, 1,              true },
	[GOFER_LINK] =         { "link",        op_link,        HAS_HANDLE | HAS_HANDLE2, 0,                       0,               1, 1,              true },
	[GOFER_UNLINK] =       { "unlink",      op_unlink,      HAS_HANDLE,               0,                       0,               1, 1,              true },
	[GOFER_RMDIR] =        { "rmdir",       op_rmdir,       HAS_HANDLE,               0,                       0,               1, 1,              true },
	[GOFER_RENAME] =       { "rename",      op_rename,      HAS_HANDLE | HAS_HANDLE2, RENAME_FLAGS,            0,               2, 2,              true },
	[GOFER_STATFS] =       { "statfs",      op_statfs,      HAS_HANDLE,               0,                       0,               0, 0,              false },
	[GOFER_GETXATTR] =     { "getxattr",    op_getxattr,    HAS_HANDLE,               0,                       0,               1, 1,              false },
	[GOFER_SETXATTR] =     { "setxattr",    op_setxattr,    HAS_HANDLE | HAS_DATA,    XATTR_FLAGS,             GOFER_XATTR_MAX, 1, 1,              true },
	[GOFER_LISTXATTR] =    { "listxattr",   op_listxattr,   HAS_HANDLE,               0,                       0,               0, 0,              false },
	[GOFER_REMOVEXATTR] =  { "removexattr", op_removexattr, HAS_HANDLE,               0,                       0,               1, 1,              true },
	[GOFER_FSYNC] =        { "fsync",       op_fsync,       HAS_HANDLE,               0,                       0,               0, 0,              false },
	[GOFER_CLOSE] =        { "close",       op_close,       HAS_DATA,                 0,                       CLOSE_BYTES,     0, 0,              false },
};
/* clang-format on */
