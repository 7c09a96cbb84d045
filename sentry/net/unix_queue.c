/* Packets: made by senders, charged to their buffers, queued at receivers. See unix.h. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/net/unix.h"

#define SMALL_ROOM (4096u - sizeof(struct packet))
#define OVERHEAD 512u    /* charged for each packet beyond its bytes: what Linux's buffers cost, about */
#define MERGE_MAX 1024u  /* pieces up to this are copied to the end of the last packet */

/* What is queued counts against the sandbox's memory limit: guests can have a great many sockets. */
static struct packet *packet_alloc(uint32_t room)
{
	int64_t size = (int64_t)sizeof(struct packet) + room;
	struct packet *p;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	p = mem_alloc((size_t)size);
	if (!p)
		memory_charge(the_kernel, -size);
	return p;
}

void packet_destroy(struct packet *p)
{
	if (!p)
		return;
	memory_charge(the_kernel, -((int64_t)sizeof(*p) + p->room));
	mem_free(p);
}

struct packet *packet_new(struct unix_sock *sender, uint32_t len)
{
	uint32_t room = len < SMALL_ROOM ? SMALL_ROOM : len;
	struct packet *p = NULL;

	if (room == SMALL_ROOM)
		p = atomic_exchange(&sender->spare, NULL);
	if (!p)
		p = packet_alloc(room);
	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	list_init(&p->link);
	p->room = room;
	return p;
}

int packet_fill(struct packet *p, struct sock_msg *m, uint32_t len)
{
	int64_t got = len ? uio_get(m->uio, p->data, len) : 0;

	if (got < (int64_t)len) {
		if (got > 0)
			uio_rewind(m->uio, (uint64_t)got);
		return -EFAULT;
	}
	p->len = len;
	p->scm.cred = m->scm.cred;
	return 0;
}

/* The packet's memory is kept for the sender's next one, or freed. */
static void recycle(struct unix_sock *sender, struct packet *p)
{
	struct packet *none = NULL;

	if (p->room == SMALL_ROOM && sender && atomic_compare_exchange_strong(&sender->spare, &none, p))
		return;
	packet_destroy(p);
}

static void uncharge(struct unix_sock *sender, uint32_t bytes)
{
	atomic_fetch_sub(&sender->in_flight_bytes, bytes);
	if (unix_writable(sender))
		waitq_wake(&sender->s.queue, SOCK_WRITABLE);
}

void packet_free(struct unix_sock *receiver, struct packet *p)
{
	struct unix_sock *sender = p->sender ? p->sender : atomic_load(&receiver->peer);
	bool referenced = p->sender != NULL;

	if (p->scm.files) {
		unix_rights_taken(p->scm.files);
		scm_drop(&p->scm);
	}
	if (sender)
		uncharge(sender, p->charge);
	recycle(sender, p);
	if (referenced)
		unix_put(sender);
}

void packet_unsent(struct unix_sock *sender, struct packet *p)
{
	if (!p)
		return;
	scm_drop(&p->scm);
	recycle(sender, p);
}

/* A small piece of a stream that continues what the same sender wrote: one packet less. */
static bool merge(struct unix_sock *sender, struct unix_sock *receiver, struct packet *p)
{
	struct packet *tail = list_entry(receiver->queue.prev, struct packet, link);

	if (sender->s.type != LX_SOCK_STREAM || list_empty(&receiver->queue) || p->len > MERGE_MAX || p->scm.files || tail->scm.files ||
	    tail->room - tail->at - tail->len < p->len || memcmp(&tail->scm.cred, &p->scm.cred, sizeof(p->scm.cred)) != 0)
		return false;
	memcpy(tail->data + tail->at + tail->len, p->data, p->len);
	tail->len += p->len;
	tail->charge += p->len;
	atomic_fetch_add(&sender->in_flight_bytes, p->len);
	receiver->bytes += p->len;
	recycle(sender, p);
	return true;
}

void packet_queue(struct unix_sock *sender, struct unix_sock *receiver, struct packet *p)
{
	lock_assert_held(&receiver->s.lock);
	if (merge(sender, receiver, p))
		return;
	p->charge = p->len + OVERHEAD;
	atomic_fetch_add(&sender->in_flight_bytes, p->charge);
	list_push_back(&receiver->queue, &p->link);
	receiver->queued++;
	receiver->bytes += p->len;
}

void packet_take(struct unix_sock *receiver, struct packet *p)
{
	lock_assert_held(&receiver->s.lock);
	list_remove(&p->link);
	receiver->queued--;
	receiver->bytes -= p->len;
}

void packets_free(struct unix_sock *receiver, struct list *packets)
{
	struct packet *p, *next;

	list_for_each_safe(p, next, packets, link) {
		list_remove(&p->link);
		packet_free(receiver, p);
	}
}

bool unix_has_buffer(const struct unix_sock *u)
{
	return atomic_load_explicit(&u->in_flight_bytes, memory_order_relaxed) < (int64_t)u->s.opt.sndbuf;
}

bool unix_writable(const struct unix_sock *u)
{
	return atomic_load_explicit(&u->state, memory_order_relaxed) != UNIX_LISTENING &&
	       atomic_load_explicit(&u->in_flight_bytes, memory_order_relaxed) * 4 <= (int64_t)u->s.opt.sndbuf;
}
