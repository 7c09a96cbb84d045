/* Netlink messages on their way: sending, queues, receiving. See netlink.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/poll.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/kernel.h"
#include "sentry/net/netlink.h"
#include "sentry/net/sockfilter.h"

#define OVERHEAD 512u /* charged beyond the bytes */

struct netlink_msg *netlink_msg_new(const void *data, uint32_t len)
{
	int64_t size = (int64_t)sizeof(struct netlink_msg) + len;
	struct netlink_msg *m;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	m = mem_alloc((size_t)size);
	if (!m) {
		memory_charge(the_kernel, -size);
		return NULL;
	}
	*m = (struct netlink_msg){ .len = len };
	list_init(&m->link);
	memcpy(m->data, data, len);
	return m;
}

void netlink_msg_free(struct netlink_msg *m)
{
	if (!m)
		return;
	memory_charge(the_kernel, -((int64_t)sizeof(*m) + m->len));
	mem_free(m);
}

int netlink_queue(struct netlink_sock *to, struct netlink_msg *m, bool forced)
{
	bool passed;

	lock_take(&to->s.lock);
	if (!forced && to->queued_bytes + m->len + OVERHEAD > to->s.opt.rcvbuf) {
		lock_drop(&to->s.lock);
		return -EAGAIN;
	}
	passed = !to->s.filter || socket_filter_run(&to->s, m->data, m->len);
	if (passed) {
		to->queued_bytes += m->len + OVERHEAD;
		list_push_back(&to->queue, &m->link);
	}
	lock_drop(&to->s.lock);
	if (passed)
		waitq_wake(&to->s.queue, SOCK_READABLE);
	else
		netlink_msg_free(m);
	return 0;
}

void netlink_empty(struct netlink_sock *n)
{
	struct netlink_msg *m, *next;
	struct list queue;

	list_init(&queue);
	lock_take(&n->s.lock);
	list_splice(&queue, &n->queue);
	n->queued_bytes = 0;
	n->dumping = false;
	lock_drop(&n->s.lock);
	list_for_each_safe(m, next, &queue, link)
		netlink_msg_free(m);
}

void netlink_tell(struct socket *s, const void *data, uint32_t len)
{
	struct netlink_msg *m = netlink_msg_new(data, len);

	if (m && netlink_queue(netlink_of(s), m, false) < 0)
		netlink_msg_free(m);
}

/* --- sending ---------------------------------------------------------------------------------------------------------------------- */

static struct netlink_msg *sent_by(const struct netlink_sock *n, const struct sock_msg *m, const char *data, uint32_t len)
{
	struct netlink_msg *msg = netlink_msg_new(data, len);

	if (!msg)
		return NULL;
	msg->portid = atomic_load(&n->portid);
	msg->cred = m->scm.cred;
	return msg;
}

static int send_to_port(struct netlink_sock *n, struct sock_msg *m, uint32_t port, const char *data, uint32_t len)
{
	struct netlink_sock *to = netlink_find(n->ns, n->s.protocol, port);
	struct netlink_msg *msg;
	int ret;

	if (!to)
		return -ECONNREFUSED;
	msg = sent_by(n, m, data, len);
	ret = msg ? netlink_queue(to, msg, false) : -ENOBUFS;
	if (ret == -EAGAIN) {
		netlink_msg_free(msg);
		m->wait_for = &to->s;
		return ret;
	}
	socket_put(&to->s);
	return ret;
}

static void send_to_group(struct netlink_sock *n, struct sock_msg *m, uint32_t group, const char *data, uint32_t len)
{
	struct netlink_sock *to;

	LOCK_GUARD(&n->ns->lock);
	list_for_each(to, &n->ns->netlink, link) {
		struct netlink_msg *msg;

		if (to == n || to->s.protocol != n->s.protocol || !(to->groups >> (group - 1) & 1))
			continue;
		msg = sent_by(n, m, data, len);
		if (!msg)
			return;
		msg->group = group;
		if (netlink_queue(to, msg, false) < 0) { /* as Linux: the receiver learns that it has lost something */
			netlink_msg_free(msg);
			if (!netlink_flag(to, NL_NO_ENOBUFS))
				atomic_store(&to->s.err, ENOBUFS);
		}
	}
}

/* Where a message goes: port 0 is the kernel's. */
static int destination(struct netlink_sock *n, struct task *t, const struct sock_msg *m, uint32_t *port, uint32_t *group)
{
	if (!m->addr.len) {
		*port = n->peer;
		*group = n->peer_group;
		return 0;
	}
	if (m->addr.len < sizeof(m->addr.nl) || m->addr.family != LX_AF_NETLINK)
		return -EINVAL;
	*port = m->addr.nl.nl_pid;
	*group = m->addr.nl.nl_groups ? (uint32_t)__builtin_ffs((int)m->addr.nl.nl_groups) : 0;
	if ((*port || *group) && n->s.protocol != LX_NETLINK_USERSOCK && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
		return -EPERM;
	return 0;
}

int64_t netlink_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct netlink_sock *n = netlink_of(s);
	AUTO_FREE char *data = NULL;
	uint32_t port, group, len;
	int64_t got;
	int ret;

	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = destination(n, t, m, &port, &group);
	if (ret < 0)
		return ret;
	netlink_autobind(n, t);
	if (m->uio->left > (uint64_t)s->opt.sndbuf - 32)
		return -EMSGSIZE;
	len = (uint32_t)m->uio->left;
	data = mem_alloc(len + 1u);
	if (!data)
		return -ENOBUFS;
	got = len ? uio_get(m->uio, data, len) : 0;
	if (got < (int64_t)len)
		return -EFAULT;
	if (group)
		send_to_group(n, m, group, data, len);
	if (port)
		ret = send_to_port(n, m, port, data, len);
	else if (!group && s->protocol == LX_NETLINK_USERSOCK)
		ret = -ECONNREFUSED; /* nobody is there */
	else if (!group)
		netlink_requests(n, t, data, len);
	if (ret == -EAGAIN)
		uio_rewind(m->uio, (uint64_t)got);
	return ret < 0 ? ret : got;
}

/* --- receiving -------------------------------------------------------------------------------------------------------------------- */

/* The next message: taken off, or copied for a peek. */
static int next(struct netlink_sock *n, bool peek, struct netlink_msg **out)
{
	struct netlink_msg *m;

	LOCK_GUARD(&n->s.lock);
	if (list_empty(&n->queue))
		return -EAGAIN;
	m = list_first(&n->queue, struct netlink_msg, link);
	if (peek) {
		*out = netlink_msg_new(m->data, m->len);
		if (!*out)
			return -ENOBUFS;
		(*out)->portid = m->portid;
		(*out)->group = m->group;
		(*out)->cred = m->cred;
		return 0;
	}
	list_remove(&m->link);
	n->queued_bytes -= m->len + OVERHEAD;
	if (m->ends_dump)
		n->dumping = false;
	*out = m;
	return 0;
}

int64_t netlink_recv(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct netlink_sock *n = netlink_of(s);
	struct netlink_msg *msg = NULL;
	uint64_t want;
	int64_t ret;

	(void)t;
	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = socket_take_error(s);
	if (ret == 0)
		ret = next(n, m->flags & LX_MSG_PEEK, &msg);
	if (ret < 0)
		return ret;
	assert_that(msg != NULL);
	m->whole = true;
	want = m->uio->left < msg->len ? m->uio->left : msg->len;
	ret = want ? uio_put(m->uio, msg->data, want) : 0;
	if (ret >= 0 && ret < (int64_t)want)
		ret = -EFAULT;
	if (ret >= 0) {
		m->addr.nl = (struct lx_sockaddr_nl){ .nl_family = LX_AF_NETLINK, .nl_pid = msg->portid };
		m->addr.nl.nl_groups = msg->group && msg->group <= 32 ? 1u << (msg->group - 1) : 0;
		m->addr.len = sizeof(m->addr.nl);
		m->scm.cred = msg->cred;
		if (netlink_flag(n, NL_PKTINFO))
			scm_extra_add(&m->scm, LX_SOL_NETLINK, LX_NETLINK_PKTINFO, &msg->group, sizeof(msg->group));
		if (want < msg->len)
			m->out_flags |= LX_MSG_TRUNC;
		if (m->flags & LX_MSG_TRUNC)
			ret = msg->len;
	}
	netlink_msg_free(msg);
	waitq_wake(&s->space, SOCK_CHANGED);
	return ret;
}

uint32_t netlink_poll(struct socket *s, struct poll_table *table)
{
	struct netlink_sock *n = netlink_of(s);
	uint32_t events = SOCK_WRITABLE;

	if (table && table->add(table, &s->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&s->lock);
	if (atomic_load(&s->err))
		events |= LX_POLLERR;
	if (!list_empty(&n->queue))
		events |= SOCK_READABLE;
	return events;
}
