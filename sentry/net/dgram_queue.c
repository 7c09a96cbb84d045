/* Datagrams: buffers, queues, receiving, errors that came back. See dgram.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/poll.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/kernel.h"
#include "sentry/net/dgram.h"
#include "sentry/net/sockfilter.h"
#include "sentry/net/zerocopy.h"

#define OVERHEAD 768u /* charged beyond the bytes: what Linux's buffers cost, about */
#define ERRORS_MAX 16u
#define ERROR_DATA 512u

/* --- buffers ---------------------------------------------------------------------------------------------------------------------- */

struct dgram *dgram_alloc(uint32_t room)
{
	int64_t size = (int64_t)sizeof(struct dgram) + room;
	struct dgram *d;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	d = mem_alloc((size_t)size);
	if (!d) {
		memory_charge(the_kernel, -size);
		return NULL;
	}
	memset(d, 0, sizeof(*d));
	list_init(&d->link);
	d->room = room;
	d->len = room;
	d->charge = room + OVERHEAD;
	return d;
}

void dgram_destroy(struct dgram *d)
{
	if (!d)
		return;
	memory_charge(the_kernel, -((int64_t)sizeof(*d) + d->room));
	mem_free(d);
}

struct dgram *dgram_copy(const struct dgram *d)
{
	struct dgram *copy = dgram_alloc(d->len);

	if (!copy)
		return NULL;
	copy->from = d->from;
	copy->to = d->to;
	copy->ttl = d->ttl;
	copy->tos = d->tos;
	copy->stamp = d->stamp;
	memcpy(copy->data, d->data, d->len);
	return copy;
}

struct dgram *dgram_fill(struct sock_msg *m, uint32_t len, int64_t *err)
{
	struct dgram *d = dgram_alloc(len);
	int64_t got;

	*err = -ENOBUFS;
	if (!d)
		return NULL;
	got = len ? uio_get(m->uio, d->data, len) : 0;
	if (got < (int64_t)len) {
		if (got > 0)
			uio_rewind(m->uio, (uint64_t)got);
		dgram_destroy(d);
		*err = -EFAULT;
		return NULL;
	}
	d->stamp = host_realtime_ns();
	*err = 0;
	return d;
}

/* --- queueing --------------------------------------------------------------------------------------------------------------------- */

void dgram_queue(struct dgram_sock *to, struct dgram *d, const void *packet, uint32_t packet_len)
{
	struct socket *s = &to->in.s;
	uint32_t pass;

	lock_take(&s->lock);
	pass = s->filter ? socket_filter_run(s, packet, packet_len) : packet_len;
	if (!pass || to->queued_bytes + d->charge > s->opt.rcvbuf) {
		to->drops++;
		lock_drop(&s->lock);
		dgram_destroy(d);
		return;
	}
	if (pass < packet_len) { /* a filter may shorten what is seen, but not the header */
		uint32_t cut = packet_len - pass;

		d->len -= cut < d->len ? cut : d->len;
	}
	to->queued_bytes += d->charge;
	list_push_back(&to->queue, &d->link);
	lock_drop(&s->lock);
	waitq_wake(&s->queue, SOCK_READABLE);
}

void dgram_refused(struct dgram_sock *from, const struct dgram *d, int err, uint8_t type, uint8_t code)
{
	bool v4 = inet_is_v4(&d->to.addr), wanted = v4 ? from->in.ip.recverr : from->in.ip.recverr6;
	uint32_t keep = d->len < ERROR_DATA ? d->len : ERROR_DATA;
	struct dgram_error *e = wanted ? mem_alloc(sizeof(*e) + keep) : NULL;

	if (!wanted && !from->connected)
		return;
	lock_take(&from->in.s.lock);
	if (e && from->error_count < ERRORS_MAX) {
		*e = (struct dgram_error){ .ee = { .ee_errno = (uint32_t)err, .ee_type = type, .ee_code = code,
						   .ee_origin = v4 ? LX_SO_EE_ORIGIN_ICMP : LX_SO_EE_ORIGIN_ICMP6 },
					   .to = d->to, .offender = d->to.addr, .len = keep };
		memcpy(e->data, d->data, keep);
		list_push_back(&from->errors, &e->link);
		from->error_count++;
		e = NULL;
	}
	atomic_store(&from->in.s.err, err);
	lock_drop(&from->in.s.lock);
	mem_free(e);
	waitq_wake(&from->in.s.queue, LX_POLLERR);
}

/* --- receiving -------------------------------------------------------------------------------------------------------------------- */

/* What recvmsg(MSG_ERRQUEUE) says of an error: the structure, then who sent it. */
static void tell_error(struct dgram_sock *u, const struct dgram_error *e, struct sock_msg *m)
{
	struct {
		struct lx_sock_extended_err ee;
		struct sock_addr offender;
	} told = { .ee = e->ee };
	struct inet_end offender = { e->offender, 0 };
	bool v4 = inet_is_v4(&e->to.addr);

	inet_show_as(v4 ? LX_AF_INET : LX_AF_INET6, &offender, &told.offender);
	memmove((char *)&told + sizeof(told.ee), told.offender.raw, v4 ? 16 : 28);
	scm_extra_add(&m->scm, v4 ? LX_SOL_IP : LX_SOL_IPV6, v4 ? LX_IP_RECVERR : LX_IPV6_RECVERR, &told, sizeof(told.ee) + (v4 ? 16 : 28));
	inet_show(&u->in, &e->to, &m->addr);
}

static int64_t recv_error(struct dgram_sock *u, struct sock_msg *m)
{
	struct dgram_error *e = NULL;
	uint64_t n;
	int64_t ret = 0;

	lock_take(&u->in.s.lock);
	if (!list_empty(&u->errors)) {
		e = list_first(&u->errors, struct dgram_error, link);
		list_remove(&e->link);
		u->error_count--;
		if (list_empty(&u->errors))
			atomic_store(&u->in.s.err, 0);
	}
	lock_drop(&u->in.s.lock);
	m->flags |= LX_MSG_DONTWAIT; /* nobody waits for errors */
	if (!e)
		return zerocopy_tell(&u->in.s, m) ? 0 : -EAGAIN;
	n = m->uio->left < e->len ? m->uio->left : e->len;
	if (n)
		ret = uio_put(m->uio, e->data, n);
	tell_error(u, e, m);
	m->out_flags |= LX_MSG_ERRQUEUE | (n < e->len ? LX_MSG_TRUNC : 0u);
	m->whole = true;
	mem_free(e);
	return ret;
}

/* The next datagram: taken off, or copied for a peek that begins `*skip` bytes on. NULL: none. */
static struct dgram *next(struct dgram_sock *u, bool peek, uint32_t *skip)
{
	struct dgram *d, *found = NULL;

	LOCK_GUARD(&u->in.s.lock);
	*skip = 0;
	if (!peek) {
		if (list_empty(&u->queue))
			return NULL;
		d = list_first(&u->queue, struct dgram, link);
		list_remove(&d->link);
		u->queued_bytes -= d->charge;
		if (u->in.s.opt.peek_off > 0)
			u->in.s.opt.peek_off = u->in.s.opt.peek_off > (int32_t)d->len ? u->in.s.opt.peek_off - (int32_t)d->len : 0;
		return d;
	}
	*skip = u->in.s.opt.peek_off > 0 ? (uint32_t)u->in.s.opt.peek_off : 0;
	list_for_each(d, &u->queue, link) {
		found = d;
		if (*skip < d->len || (!*skip && !d->len))
			break;
		*skip -= d->len;
		found = NULL;
	}
	return found ? dgram_copy(found) : NULL;
}

static int64_t nothing(struct dgram_sock *u, const struct sock_msg *m)
{
	return atomic_load(&u->in.s.shut) & SOCK_SHUT_RD && !(m->flags & LX_MSG_DONTWAIT) ? 0 : -EAGAIN;
}

int64_t dgram_recv(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct dgram_sock *u = dgram_of(s);
	bool peek = m->flags & LX_MSG_PEEK;
	uint32_t skip, len;
	struct dgram *d;
	uint64_t want;
	int64_t ret;

	(void)t;
	if (m->flags & LX_MSG_ERRQUEUE)
		return recv_error(u, m);
	if (m->flags & LX_MSG_OOB && s->type == LX_SOCK_RAW)
		return -EOPNOTSUPP;
	ret = socket_take_error(s);
	if (ret < 0)
		return ret;
	m->whole = true;
	d = next(u, peek, &skip);
	if (!d)
		return nothing(u, m);
	len = d->len - skip;
	want = m->uio->left < len ? m->uio->left : len;
	ret = want ? uio_put(m->uio, d->data + skip, want) : 0;
	if (ret >= 0 && want < len)
		m->out_flags |= LX_MSG_TRUNC;
	if (ret >= 0 && ret < (int64_t)want)
		ret = -EFAULT;
	if (ret >= 0 && peek && s->opt.peek_off >= 0)
		s->opt.peek_off += (int32_t)ret;
	if (ret >= 0) {
		inet_show(&u->in, &d->from, &m->addr);
		dgram_tell(u, d, &m->scm);
		if (u->stamping && !socket_opt(s, LX_SO_TIMESTAMP) && !socket_opt(s, LX_SO_TIMESTAMPNS))
			u->last_stamp = d->stamp;
		if (m->flags & LX_MSG_TRUNC)
			ret = len;
	}
	dgram_destroy(d);
	return ret;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------- */

struct dgram_sock *dgram_new(struct task *t, enum netns_proto proto, const struct socket_ops *ops, int domain, int type, int protocol)
{
	struct dgram_sock *u = net_object_new(sizeof(*u));

	if (!u)
		return NULL;
	list_init(&u->queue);
	list_init(&u->errors);
	inet_init(&u->in, task_netns(t), proto, ops, domain, type, protocol, t->cred->fsuid);
	return u;
}

void dgram_release(struct socket *s)
{
	struct dgram_sock *u = dgram_of(s);
	struct dgram_error *e, *next_error;
	struct dgram *d, *next_dgram;
	struct list queue, errors;

	lock_take(&u->in.ns->lock);
	inet_port_leave(&u->in);
	list_remove(&u->in.all_link); /* raw and ping sockets are found by this list */
	lock_drop(&u->in.ns->lock);
	list_init(&queue);
	list_init(&errors);
	lock_take(&s->lock);
	list_splice(&queue, &u->queue);
	list_splice(&errors, &u->errors);
	u->queued_bytes = 0;
	u->error_count = 0;
	d = u->cork;
	u->cork = NULL;
	lock_drop(&s->lock);
	dgram_destroy(d);
	list_for_each_safe(d, next_dgram, &queue, link)
		dgram_destroy(d);
	list_for_each_safe(e, next_error, &errors, link)
		mem_free(e);
}

void dgram_free(struct socket *s)
{
	struct dgram_sock *u = dgram_of(s);

	/* Something may have been queued between the release and the end. */
	dgram_release(s);
	inet_fini(&u->in);
	net_object_free(u, sizeof(*u));
}

/* --- poll and the like ------------------------------------------------------------------------------------------------------------ */

uint32_t dgram_poll(struct socket *s, struct poll_table *table)
{
	struct dgram_sock *u = dgram_of(s);
	uint32_t shut, events = SOCK_WRITABLE;

	if (table && table->add(table, &s->queue, table->events) < 0)
		return LX_POLLERR;
	shut = atomic_load(&s->shut);
	LOCK_GUARD(&s->lock);
	if (atomic_load(&s->err) || !list_empty(&u->errors) || zerocopy_waits(s))
		events |= LX_POLLERR;
	if (shut & SOCK_SHUT_RD)
		events |= LX_POLLRDHUP | SOCK_READABLE;
	if (shut == SOCK_SHUT_BOTH)
		events |= LX_POLLHUP;
	if (!list_empty(&u->queue))
		events |= SOCK_READABLE;
	return events;
}

int64_t dgram_pending(struct socket *s, bool out)
{
	struct dgram_sock *u = dgram_of(s);

	LOCK_GUARD(&s->lock);
	return out || list_empty(&u->queue) ? 0 : list_first(&u->queue, struct dgram, link)->len;
}

int dgram_shutdown(struct socket *s, uint32_t bits)
{
	atomic_fetch_or(&s->shut, bits);
	waitq_wake(&s->queue, SOCK_CHANGED);
	return dgram_of(s)->connected ? 0 : -ENOTCONN;
}
