/* sendto, sendmsg, sendmmsg, recvfrom, recvmsg, recvmmsg. (send and recv are the libc's.) */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "base/host.h"
#include "base/log.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/net/zerocopy.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/sockets.h"

/*
 * What a call keeps between its runs: bytes of the present message that were moved, messages that are done. A vector is read anew in each run,
 * and its first bytes are skipped.
 */
#define MOVED(t) ((t)->blk.scratch[0])
#define MESSAGES(t) ((t)->blk.scratch[1])

#define MMSG_MAX 1024u
#define RECV_FLAGS_OUT (LX_MSG_OOB | LX_MSG_EOR | LX_MSG_TRUNC | LX_MSG_CTRUNC | LX_MSG_CMSG_CLOEXEC | LX_MSG_ERRQUEUE)

static bool no_result(int64_t ret)
{
	return ret == SYS_BLOCKED || ret == SYS_AGAIN;
}

/* What a call returns whose wait ended so: what it has moved counts more than why it stopped. */
static int64_t or_moved(struct task *t, int64_t ret)
{
	return ret < 0 && !no_result(ret) && MOVED(t) ? (int64_t)MOVED(t) : ret;
}

int64_t send_result(struct task *t, const struct socket *s, uint32_t flags, int64_t ret)
{
	struct lx_siginfo info;

	if (ret != -EPIPE || flags & LX_MSG_NOSIGNAL || s->type != LX_SOCK_STREAM)
		return ret;
	siginfo_init_kill(&info, LX_SIGPIPE, t);
	signal_send_task(t, &info);
	return ret;
}

/* --- headers ------------------------------------------------------------------------------------------------------------ */

/* A message header as read once, with the vector it leads to. */
struct header {
	uaddr_t at;
	struct lx_msghdr h;
	struct uio uio;
};

static int header_in(struct task *t, struct header *m, uaddr_t at)
{
	int ret;

	m->at = at;
	if (copy_in(t, &m->h, at, sizeof(m->h)) < 0)
		return -EFAULT;
	if (!m->h.msg_name)
		m->h.msg_namelen = 0;
	if (m->h.msg_namelen < 0)
		return -EINVAL;
	if (m->h.msg_namelen > LX_SOCKADDR_MAX)
		m->h.msg_namelen = LX_SOCKADDR_MAX;
	if (m->h.msg_iovlen > LX_IOV_MAX)
		return -EMSGSIZE;
	ret = uio_init_iovec(&m->uio, t, uaddr(m->h.msg_iov), m->h.msg_iovlen);
	return ret;
}

/* --- sending -------------------------------------------------------------------------------------------------------------- */

/* Registers where room for the message will be told of, looks again, and blocks. */
static int64_t wait_to_send(struct task *t, struct file *f, struct socket *s, struct sock_msg *m)
{
	struct sock_call *call;
	int64_t ret;

	if (m->wait_for) {
		struct socket *full = m->wait_for;

		m->wait_for = NULL;
		if (sock_call_hold(t, f, full) < 0)
			return -ENOMEM;
		ret = s->ops->send(s, t, m);
		socket_put(m->wait_for);
		m->wait_for = NULL;
		if (ret != -EAGAIN)
			return ret;
		ret = sock_block(t, s->opt.snd_timeout);
	} else {
		ret = sock_wait(t, f, LX_POLLOUT, s->opt.snd_timeout);
	}
	call = no_result(ret) ? sock_call(t, f) : NULL;
	if (call) { /* the next run sends what was parsed now */
		call->scm = m->scm;
		call->parsed = true;
		m->scm.files = NULL;
	}
	return ret;
}

/* One message, as far as it goes now. */
static int64_t send_some(struct task *t, struct file *f, struct socket *s, struct sock_msg *m)
{
	bool nonblock = m->flags & LX_MSG_DONTWAIT;
	int64_t ret = 0;

	uio_skip(m->uio, MOVED(t));
	do {
		ret = s->ops->send(s, t, m);
		if (ret > 0)
			MOVED(t) += (uint64_t)ret;
	} while (ret > 0 && s->type == LX_SOCK_STREAM && m->uio->left && !nonblock);
	if (ret == -EAGAIN && !nonblock) {
		ret = wait_to_send(t, f, s, m);
		if (ret > 0)
			MOVED(t) += (uint64_t)ret;
	}
	socket_put(m->wait_for);
	m->wait_for = NULL;
	return ret >= 0 ? (int64_t)MOVED(t) : or_moved(t, ret);
}

/* The message's control data: parsed once, kept by a call that blocks. */
static int take_scm(struct task *t, struct socket *s, struct sock_msg *m, uaddr_t control, uint64_t len)
{
	struct sock_call *call = t->blk.data;

	if (!call || !call->parsed)
		return scm_parse(t, s, &m->scm, control, len);
	m->scm = call->scm;
	call->scm.files = NULL;
	call->parsed = false;
	return 0;
}

static int64_t send_message(struct task *t, struct file *f, struct socket *s, struct sock_msg *m, uaddr_t control, uint64_t control_len)
{
	int64_t ret = take_scm(t, s, m, control, control_len);

	if (ret < 0)
		return ret;
	if (file_nonblock(f))
		m->flags |= LX_MSG_DONTWAIT;
	ret = send_some(t, f, s, m);
	scm_drop(&m->scm);
	if (ret > 0)
		zerocopy_sent(s, m->flags);
	return send_result(t, s, m->flags, ret);
}

int64_t sys_sendto(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct sock_msg m = { .flags = arg_u32(a, 3) };
	struct socket *s;
	struct uio u;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret == 0 && arg_u64(a, 4))
		ret = sockaddr_in(t, arg_addr(a, 4), arg_int(a, 5), &m.addr);
	if (ret < 0)
		return ret;
	uio_init_guest(&u, t, arg_addr(a, 1), arg_size(a, 2));
	m.uio = &u;
	return send_message(t, f, s, &m, uaddr(0), 0);
}

static int64_t send_header(struct task *t, struct file *f, struct socket *s, uaddr_t at, uint32_t flags)
{
	struct sock_msg m = { .flags = flags };
	struct header h;
	int64_t ret = header_in(t, &h, at);

	if (ret < 0)
		return ret;
	m.uio = &h.uio;
	ret = sockaddr_in(t, uaddr(h.h.msg_name), h.h.msg_namelen, &m.addr);
	if (ret == 0 && h.h.msg_controllen > INT32_MAX)
		ret = -ENOBUFS;
	if (ret == 0)
		ret = send_message(t, f, s, &m, uaddr(h.h.msg_control), h.h.msg_controllen);
	uio_done(&h.uio);
	return ret;
}

int64_t sys_sendmsg(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	return ret < 0 ? ret : send_header(t, f, s, arg_addr(a, 1), arg_u32(a, 2) & ~LX_MSG_CMSG_CLOEXEC);
}

static uaddr_t mmsg_at(uaddr_t vec, uint64_t i)
{
	return uaddr_add(vec, i * sizeof(struct lx_mmsghdr));
}

/* The number of bytes of message i is told to the guest, and the next one begins. */
static int mmsg_done(struct task *t, uaddr_t vec, int64_t bytes)
{
	uint32_t len = (uint32_t)bytes;
	int ret = copy_out(t, uaddr_add(mmsg_at(vec, MESSAGES(t)), offsetof(struct lx_mmsghdr, msg_len)), &len, sizeof(len));

	if (ret < 0)
		return ret;
	MESSAGES(t)++;
	MOVED(t) = 0;
	return 0;
}

int64_t sys_sendmmsg(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	uint64_t count = arg_u32(a, 2) < MMSG_MAX ? arg_u32(a, 2) : MMSG_MAX;
	struct socket *s;
	int64_t ret = call_socket(t, arg_fd(a, 0), &f, &s);

	while (ret >= 0 && MESSAGES(t) < count) {
		ret = send_header(t, f, s, mmsg_at(arg_addr(a, 1), MESSAGES(t)), arg_u32(a, 3) & ~LX_MSG_CMSG_CLOEXEC);
		if (ret >= 0)
			ret = mmsg_done(t, arg_addr(a, 1), ret);
	}
	return no_result(ret) || (ret < 0 && !MESSAGES(t)) ? ret : (int64_t)MESSAGES(t);
}

/* --- receiving ------------------------------------------------------------------------------------------------------------- */

/* How many bytes a stream's reader waits for: MSG_WAITALL, SO_RCVLOWAT. */
static uint64_t wanted(const struct socket *s, const struct sock_msg *m)
{
	uint64_t all = m->uio->left, low = (uint64_t)s->opt.rcvlowat;

	if (m->flags & LX_MSG_PEEK)
		return 1;
	if (m->flags & LX_MSG_WAITALL)
		return all;
	return low < all ? low : all;
}

static int64_t recv_some(struct task *t, struct file *f, struct socket *s, struct sock_msg *m)
{
	uint64_t want = wanted(s, m);
	int64_t ret;

	if (file_nonblock(f))
		m->flags |= LX_MSG_DONTWAIT;
	if (MOVED(t))
		uio_skip(m->uio, MOVED(t));
	for (;;) {
		ret = s->ops->recv(s, t, m);
		if (ret > 0)
			MOVED(t) += (uint64_t)ret;
		if (ret <= 0 || m->whole || MOVED(t) >= want)
			break;
	}
	if (ret == -EAGAIN && !(m->flags & LX_MSG_DONTWAIT))
		ret = sock_wait(t, f, LX_POLLIN, s->opt.rcv_timeout);
	return ret >= 0 ? (int64_t)MOVED(t) : or_moved(t, ret);
}

int64_t sys_recvfrom(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct sock_msg m = { .flags = arg_u32(a, 3) };
	struct socket *s;
	struct uio u;
	int64_t ret = call_socket(t, arg_fd(a, 0), &f, &s), named;

	if (ret < 0)
		return ret;
	uio_init_guest(&u, t, arg_addr(a, 1), arg_size(a, 2));
	m.uio = &u;
	ret = recv_some(t, f, s, &m);
	scm_drop(&m.scm);
	if (ret < 0 || !arg_u64(a, 4))
		return ret;
	named = sockaddr_out(t, &m.addr, arg_addr(a, 4), arg_addr(a, 5));
	return named < 0 ? named : ret;
}

/* What recvmsg writes at the end of the header, in one piece. */
struct header_end {
	uint64_t controllen;
	uint32_t flags;
} __attribute__((packed));
_Static_assert(offsetof(struct lx_msghdr, msg_flags) == offsetof(struct lx_msghdr, msg_controllen) + sizeof(uint64_t), "struct msghdr");

/* Name, control data and flags of a message that came, into the guest's header. */
static int header_out(struct task *t, const struct header *h, struct socket *s, struct sock_msg *m)
{
	uint32_t flags = m->out_flags | (m->flags & LX_MSG_CMSG_CLOEXEC);
	uint64_t control_len = h->h.msg_controllen;
	struct header_end end;
	int ret = 0;

	scm_deliver(t, &m->scm, socket_opt(s, LX_SO_PASSCRED), uaddr(h->h.msg_control), &control_len, flags & LX_MSG_CMSG_CLOEXEC, &flags);
	if (h->h.msg_name)
		ret = sockaddr_out(t, &m->addr, uaddr(h->h.msg_name), uaddr_add(h->at, offsetof(struct lx_msghdr, msg_namelen)));
	end = (struct header_end){ control_len, flags & RECV_FLAGS_OUT };
	return ret < 0 ? ret : copy_out(t, uaddr_add(h->at, offsetof(struct lx_msghdr, msg_controllen)), &end, sizeof(end));
}

static int64_t recv_header(struct task *t, struct file *f, struct socket *s, uaddr_t at, uint32_t flags)
{
	struct sock_msg m = { .flags = flags };
	struct header h;
	int64_t ret = header_in(t, &h, at);
	int told;

	if (ret < 0)
		return ret;
	m.uio = &h.uio;
	ret = recv_some(t, f, s, &m);
	if (ret >= 0) {
		told = header_out(t, &h, s, &m);
		if (told < 0)
			ret = told;
	}
	scm_drop(&m.scm);
	uio_done(&h.uio);
	return ret;
}

int64_t sys_recvmsg(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	return ret < 0 ? ret : recv_header(t, f, s, arg_addr(a, 1), arg_u32(a, 2));
}

/* The time-out is looked at after each message only, as recvmmsg(2) admits: it never ends a wait. */
static int mmsg_deadline(struct task *t, uaddr_t at, int64_t *deadline)
{
	struct lx_timespec ts;
	int ret;

	*deadline = INT64_MAX;
	if (uaddr_null(at))
		return 0;
	if (t->blk.rerun) {
		*deadline = (int64_t)t->blk.scratch[2];
		return 0;
	}
	ret = timespec_copy_in(t, at, &ts);
	if (ret == 0)
		*deadline = clock_deadline(LX_CLOCK_MONOTONIC, timespec_to_ns(&ts), false);
	t->blk.scratch[2] = (uint64_t)*deadline;
	return ret;
}

int64_t sys_recvmmsg(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	uint32_t flags = arg_u32(a, 3);
	uint64_t count = arg_u32(a, 2) < MMSG_MAX ? arg_u32(a, 2) : MMSG_MAX;
	struct socket *s = NULL;
	int64_t deadline = KTIMER_NEVER, ret = mmsg_deadline(t, arg_addr(a, 4), &deadline);

	if (ret == 0)
		ret = call_socket(t, arg_fd(a, 0), &f, &s);
	assert_that(ret < 0 || s != NULL);
	while (ret >= 0 && MESSAGES(t) < count) {
		bool only_more = MESSAGES(t) && flags & LX_MSG_WAITFORONE;

		if (MESSAGES(t) && host_monotonic_ns() >= deadline)
			break;
		ret = recv_header(t, f, s, mmsg_at(arg_addr(a, 1), MESSAGES(t)), (flags & ~LX_MSG_WAITFORONE) | (only_more ? LX_MSG_DONTWAIT : 0u));
		if (ret >= 0)
			ret = mmsg_done(t, arg_addr(a, 1), ret);
	}
	return no_result(ret) || (ret < 0 && !MESSAGES(t)) ? ret : (int64_t)MESSAGES(t);
}
