/* Ancillary data: see scm.h. */
#include "sentry/net/scm.h"

#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "abi/time.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/net/socket.h"
#include "sentry/net/unix.h"

#define CONTROL_MAX 131072 /* net.core.optmem_max */

struct lx_ucred scm_own_cred(const struct task *t)
{
	return (struct lx_ucred){ .pid = task_pid(t), .uid = t->cred->uid, .gid = t->cred->gid };
}

struct lx_ucred scm_peer_cred(const struct task *t)
{
	return (struct lx_ucred){ .pid = task_pid(t), .uid = t->cred->euid, .gid = t->cred->egid };
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

void scm_files_put(struct scm_files *files)
{
	if (!files)
		return;
	/* Deferred: sockets queued in sockets queued in sockets would be a recursion as deep as a guest likes. */
	for (uint32_t i = 0; i < files->count; i++)
		file_put_deferred(files->file[i]);
	mem_free(files);
}

struct scm_files *scm_files_dup(const struct scm_files *from)
{
	struct scm_files *files = mem_dup(from, sizeof(*from) + from->count * sizeof(from->file[0]));

	if (!files)
		return NULL;
	list_init(&files->link);
	files->receiver = NULL;
	for (uint32_t i = 0; i < files->count; i++)
		file_get(files->file[i]);
	return files;
}

void scm_drop(struct scm *scm)
{
	scm_files_put(scm->files);
	scm->files = NULL;
	mem_free(scm->extra);
	scm->extra = NULL;
}

/* --- sending ----------------------------------------------------------------------------------------------------------- */

/* An fd that may be O_PATH, too. */
static struct file *any_file(struct task *t, int fd)
{
	return fd < 0 ? NULL : fd_get(t, fd);
}

static int parse_rights(struct task *t, struct scm *scm, const void *data, uint64_t len)
{
	uint32_t n = (uint32_t)(len / sizeof(int32_t)), have = scm->files ? scm->files->count : 0;
	struct scm_files *files;

	if (!n)
		return 0;
	if (n > LX_SCM_MAX_FD - have)
		return -EINVAL;
	files = mem_realloc(scm->files, sizeof(*files) + (have + n) * sizeof(files->file[0]));
	if (!files)
		return -ENOMEM;
	list_init(&files->link);
	files->receiver = NULL;
	files->count = have;
	scm->files = files;
	for (uint32_t i = 0; i < n; i++) {
		int32_t fd;

		memcpy(&fd, (const char *)data + i * sizeof(fd), sizeof(fd));
		files->file[files->count] = any_file(t, fd);
		if (!files->file[files->count])
			return -EBADF;
		files->count++;
	}
	return 0;
}

/* Somebody may say who he is, or was, or may become. Others may lie with the capability to become that. */
static int parse_credentials(struct task *t, struct scm *scm, const void *data, uint64_t len)
{
	const struct cred *c = t->cred;
	struct lx_ucred u;
	struct process *p;

	if (len != sizeof(u))
		return -EINVAL;
	memcpy(&u, data, sizeof(u));
	if (u.pid != task_pid(t) && !cred_capable(c, LX_CAP_SYS_ADMIN))
		return -EPERM;
	if (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid && !cred_capable(c, LX_CAP_SETUID))
		return -EPERM;
	if (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid && !cred_capable(c, LX_CAP_SETGID))
		return -EPERM;
	if (u.pid != task_pid(t)) {
		p = process_find(t->k, u.pid);
		if (!p)
			return -ESRCH;
		process_put(p);
	}
	scm->cred = u;
	return 0;
}

/* SOL_SOCKET as internet sockets take it: files and credentials mean nothing to them. */
static int parse_any_family(struct task *t, const struct lx_cmsghdr *h, uint64_t len)
{
	switch (h->cmsg_type) {
	case LX_SCM_RIGHTS:
	case LX_SCM_CREDENTIALS:
		return 0;
	case LX_SO_MARK:
		if (!cred_capable(t->cred, LX_CAP_NET_RAW) && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
			return -EPERM;
		return len == sizeof(uint32_t) ? 0 : -EINVAL;
	case LX_SO_TIMESTAMPING:
		return len == sizeof(uint32_t) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int parse_one(struct task *t, struct socket *s, struct scm *scm, const struct lx_cmsghdr *h, const void *data)
{
	uint64_t len = h->cmsg_len - sizeof(*h);

	if (h->cmsg_level != LX_SOL_SOCKET)
		return s->ops->cmsg ? s->ops->cmsg(s, h->cmsg_level, h->cmsg_type, data, len, scm) : 0;
	if (s->domain != LX_AF_UNIX)
		return parse_any_family(t, h, len);
	switch (h->cmsg_type) {
	case LX_SCM_RIGHTS:
		return parse_rights(t, scm, data, len);
	case LX_SCM_CREDENTIALS:
		return parse_credentials(t, scm, data, len);
	default:
		return -EINVAL;
	}
}

static int parse_all(struct task *t, struct socket *s, struct scm *scm, const char *buf, uint64_t len)
{
	for (uint64_t at = 0; len - at >= sizeof(struct lx_cmsghdr);) {
		struct lx_cmsghdr h;
		int ret;

		memcpy(&h, buf + at, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > len - at)
			return -EINVAL;
		ret = parse_one(t, s, scm, &h, buf + at + sizeof(h));
		if (ret < 0)
			return ret;
		if (LX_CMSG_ALIGN(h.cmsg_len) >= len - at)
			break;
		at += LX_CMSG_ALIGN(h.cmsg_len);
	}
	return 0;
}

int scm_parse(struct task *t, struct socket *s, struct scm *scm, uaddr_t control, uint64_t len)
{
	char few[256];
	AUTO_FREE char *many = NULL;
	char *buf = few;
	int ret;

	*scm = (struct scm){ .cred = scm_own_cred(t) };
	if (!len)
		return 0;
	if (len > CONTROL_MAX)
		return -ENOBUFS;
	if (len > sizeof(few)) {
		buf = many = mem_alloc(len);
		if (!buf)
			return -ENOBUFS;
	}
	if (copy_in(t, buf, control, len) < 0)
		return -EFAULT;
	ret = parse_all(t, s, scm, buf, len);
	if (ret == 0 && scm->files && unix_rights_too_many(t))
		ret = -ETOOMANYREFS;
	if (ret < 0)
		scm_drop(scm);
	return ret;
}

/* --- receiving ------------------------------------------------------------------------------------------------------------ */

void scm_extra_add(struct scm *scm, int level, int type, const void *data, uint32_t len)
{
	struct lx_cmsghdr h = { .cmsg_len = LX_CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };
	struct scm_extra *x = scm->extra;

	if (!x)
		x = scm->extra = mem_zalloc(sizeof(*x));
	if (!x || LX_CMSG_SPACE(len) > SCM_EXTRA_MAX - x->used)
		return;
	memcpy(x->bytes + x->used, &h, sizeof(h));
	memcpy(x->bytes + x->used + sizeof(h), data, len);
	x->used += (uint32_t)LX_CMSG_SPACE(len);
}

void scm_extra_stamp(struct scm *scm, const struct socket *s, int64_t ns)
{
	struct lx_timeval v = { ns / 1000000000, ns % 1000000000 / 1000 };

	if (socket_opt(s, LX_SO_TIMESTAMPNS)) {
		v.tv_usec = ns % 1000000000;
		scm_extra_add(scm, LX_SOL_SOCKET, LX_SO_TIMESTAMPNS, &v, sizeof(v));
	} else if (socket_opt(s, LX_SO_TIMESTAMP)) {
		scm_extra_add(scm, LX_SOL_SOCKET, LX_SO_TIMESTAMP, &v, sizeof(v));
	}
}

/* What is left of the receiver's buffer. */
struct room {
	struct task *t;
	uaddr_t at;
	uint64_t left;
	uint32_t *flags;
};

static bool put_header(struct room *r, uint64_t len, int type)
{
	struct lx_cmsghdr h = { .cmsg_len = len, .cmsg_level = LX_SOL_SOCKET, .cmsg_type = type };

	return copy_out(r->t, r->at, &h, sizeof(h)) == 0;
}

static void advance(struct room *r, uint64_t len)
{
	uint64_t space = LX_CMSG_ALIGN(len);

	if (space > r->left)
		space = r->left;
	r->at = uaddr_add(r->at, space);
	r->left -= space;
}

static void put_credentials(struct room *r, const struct lx_ucred *cred)
{
	uint64_t len = LX_CMSG_LEN(sizeof(*cred));

	if (r->left < sizeof(struct lx_cmsghdr)) {
		*r->flags |= LX_MSG_CTRUNC;
		return;
	}
	if (r->left < len) {
		*r->flags |= LX_MSG_CTRUNC;
		len = r->left;
	}
	if (put_header(r, len, LX_SCM_CREDENTIALS) &&
	    copy_out(r->t, uaddr_add(r->at, sizeof(struct lx_cmsghdr)), cred, len - sizeof(struct lx_cmsghdr)) == 0)
		advance(r, len);
}

/* Reserve, copy out, publish: one fd. */
static int put_fd(struct room *r, uint32_t i, struct file *f, bool cloexec)
{
	int fd = fd_reserve(r->t, 0), ret;

	if (fd < 0)
		return fd;
	ret = copy_out(r->t, uaddr_add(r->at, sizeof(struct lx_cmsghdr) + i * sizeof(int32_t)), &fd, sizeof(int32_t));
	if (ret < 0) {
		fd_unreserve(r->t, fd);
		return ret;
	}
	fd_install(r->t, fd, file_get(f), cloexec);
	return 0;
}

static void put_rights(struct room *r, const struct scm_files *files, bool cloexec)
{
	uint64_t max = r->left > sizeof(struct lx_cmsghdr) ? (r->left - sizeof(struct lx_cmsghdr)) / sizeof(int32_t) : 0;
	uint32_t i, n = files->count < max ? files->count : (uint32_t)max;

	for (i = 0; i < n; i++)
		if (put_fd(r, i, files->file[i], cloexec) < 0)
			break;
	if (i > 0 && put_header(r, LX_CMSG_LEN(i * sizeof(int32_t)), LX_SCM_RIGHTS))
		advance(r, LX_CMSG_LEN(i * sizeof(int32_t)));
	if (i < files->count)
		*r->flags |= LX_MSG_CTRUNC;
}

/* What is ready: as many whole messages as there is room for, and of the first that does not fit what fits. */
static void put_extra(struct room *r, const struct scm_extra *x)
{
	for (uint32_t at = 0; at < x->used;) {
		struct lx_cmsghdr h;
		uint64_t len;

		memcpy(&h, x->bytes + at, sizeof(h));
		len = h.cmsg_len;
		if (r->left < sizeof(h)) {
			*r->flags |= LX_MSG_CTRUNC;
			return;
		}
		if (r->left < len) {
			*r->flags |= LX_MSG_CTRUNC;
			len = h.cmsg_len = r->left;
		}
		if (copy_out(r->t, r->at, &h, sizeof(h)) < 0 ||
		    copy_out(r->t, uaddr_add(r->at, sizeof(h)), x->bytes + at + sizeof(h), len - sizeof(h)) < 0)
			return;
		advance(r, len);
		at += (uint32_t)LX_CMSG_ALIGN(len);
	}
}

void scm_deliver(struct task *t, struct scm *scm, bool cred, uaddr_t control, uint64_t *len, bool cloexec, uint32_t *flags)
{
	struct room r = { .t = t, .at = control, .left = uaddr_null(control) ? 0 : *len, .flags = flags };
	uint64_t room = r.left;

	if (scm->extra)
		put_extra(&r, scm->extra);
	if (cred)
		put_credentials(&r, &scm->cred);
	if (scm->files)
		put_rights(&r, scm->files, cloexec);
	scm_drop(scm);
	*len = room - r.left;
}
