/* Messages to the kernel: the loop over them, acknowledgements, dumps, and how answers are put together. See netlink.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/net/netlink.h"

#define PART 3712u /* a dump's pieces fit readers with a buffer of one page */

/* --- reading a request -------------------------------------------------------------------------------------------------------------- */

bool netlink_fixed(const struct netlink_req *r, void *out, uint32_t size)
{
	memset(out, 0, size);
	if (r->len)
		memcpy(out, r->body, r->len < size ? r->len : size);
	return r->len >= size;
}

const void *netlink_attr(const struct netlink_req *r, uint32_t fixed, uint16_t type, uint32_t *len)
{
	uint32_t at = LX_NLM_ALIGN(fixed);
	struct lx_nlattr a;

	for (; at + sizeof(a) <= r->len; at += LX_NLM_ALIGN(a.nla_len)) {
		memcpy(&a, r->body + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > r->len - at)
			return NULL;
		if ((a.nla_type & 0x3fff) == type) {
			*len = a.nla_len - (uint32_t)sizeof(a);
			return r->body + at + sizeof(a);
		}
	}
	return NULL;
}

/* --- putting answers together ------------------------------------------------------------------------------------------------------- */

static void pad(struct textbuf *b)
{
	static const char zero[4];

	text_put(b, zero, LX_NLM_ALIGN(b->len) - b->len);
}

size_t netlink_begin(struct netlink_req *r, uint16_t type, const void *fixed, uint32_t size)
{
	struct lx_nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = r->dump ? LX_NLM_F_MULTI : 0, .nlmsg_seq = r->h.nlmsg_seq,
				 .nlmsg_pid = atomic_load(&r->from->portid) };
	size_t begin = r->out.len;

	text_put(&r->out, &h, sizeof(h));
	text_put(&r->out, fixed, size);
	pad(&r->out);
	return begin;
}

void netlink_end(struct netlink_req *r, size_t begin)
{
	uint32_t len = (uint32_t)(r->out.len - begin);

	if (!r->out.failed)
		memcpy(r->out.data + begin, &len, sizeof(len));
}

void netlink_put(struct netlink_req *r, uint16_t type, const void *data, uint32_t len)
{
	struct lx_nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };

	text_put(&r->out, &a, sizeof(a));
	text_put(&r->out, data, len);
	pad(&r->out);
}

void netlink_put_u32(struct netlink_req *r, uint16_t type, uint32_t value)
{
	netlink_put(r, type, &value, sizeof(value));
}

void netlink_put_u8(struct netlink_req *r, uint16_t type, uint8_t value)
{
	netlink_put(r, type, &value, sizeof(value));
}

void netlink_put_text(struct netlink_req *r, uint16_t type, const char *text)
{
	netlink_put(r, type, text, (uint32_t)strlen(text) + 1);
}

size_t netlink_nest(struct netlink_req *r, uint16_t type)
{
	size_t at = r->out.len;

	netlink_put(r, type, "", 0);
	return at;
}

void netlink_nest_end(struct netlink_req *r, size_t nest)
{
	uint16_t len = (uint16_t)(r->out.len - nest);

	if (!r->out.failed)
		memcpy(r->out.data + nest, &len, sizeof(len));
}

/* --- to the asker's queue --------------------------------------------------------------------------------------------------------------- */

/* The kernel waits for nobody: what finds no room is lost, and the reader is told so. A dump has room: there is one at a time. */
static void answer(struct netlink_sock *n, const char *data, uint32_t len, bool of_dump, bool last)
{
	struct netlink_msg *m = netlink_msg_new(data, len);

	if (m) {
		m->ends_dump = last;
		if (netlink_queue(n, m, of_dump) == 0)
			return;
		netlink_msg_free(m);
	}
	if (last) {
		LOCK_GUARD(&n->s.lock);
		n->dumping = false;
	}
	if (!netlink_flag(n, NL_NO_ENOBUFS)) {
		atomic_store(&n->s.err, ENOBUFS);
		waitq_wake(&n->s.queue, SOCK_CHANGED);
	}
}

/* Whole messages, as many at once as a part holds. */
static void answer_parts(struct netlink_sock *n, const struct textbuf *b, bool of_dump)
{
	size_t from = 0, at = 0;

	while (at < b->len) {
		uint32_t len;

		memcpy(&len, b->data + at, sizeof(len));
		if (of_dump && at > from && at + len - from > PART) {
			answer(n, b->data + from, (uint32_t)(at - from), of_dump, false);
			from = at;
		}
		at += LX_NLM_ALIGN(len);
	}
	if (at > from)
		answer(n, b->data + from, (uint32_t)(at - from), of_dump, false);
}

static void acknowledge(struct netlink_req *r, int error)
{
	bool whole = error && !netlink_flag(r->from, NL_CAP_ACK), tells = r->why && netlink_flag(r->from, NL_EXT_ACK);
	struct netlink_req ack = { .from = r->from, .h = r->h };
	size_t begin;

	begin = netlink_begin(&ack, LX_NLMSG_ERROR, &error, sizeof(error));
	text_put(&ack.out, &r->h, sizeof(r->h));
	if (whole) {
		text_put(&ack.out, r->body, r->len);
		pad(&ack.out);
	}
	if (tells)
		netlink_put_text(&ack, LX_NLMSGERR_ATTR_MSG, r->why);
	netlink_end(&ack, begin);
	if (!ack.out.failed) {
		struct lx_nlmsghdr *h = (void *)ack.out.data;

		h->nlmsg_flags = (uint16_t)((whole ? 0 : LX_NLM_F_CAPPED) | (tells ? LX_NLM_F_ACK_TLVS : 0));
		answer(r->from, ack.out.data, (uint32_t)ack.out.len, false, false);
	}
	text_free(&ack.out);
}

static void end_dump(struct netlink_req *r)
{
	struct netlink_req done = { .from = r->from, .h = r->h, .dump = true };
	int32_t status = 0;

	netlink_end(&done, netlink_begin(&done, LX_NLMSG_DONE, &status, sizeof(status)));
	if (!done.out.failed)
		answer(r->from, done.out.data, (uint32_t)done.out.len, true, true);
	text_free(&done.out);
}

/* --- the loop ------------------------------------------------------------------------------------------------------------------------- */

static int ask(struct netlink_req *r)
{
	switch (r->from->s.protocol) {
	case LX_NETLINK_ROUTE:
		return netlink_route(r);
	case LX_NETLINK_SOCK_DIAG:
		return netlink_diag(r);
	default:
		return -EPERM; /* nobody makes up events */
	}
}

/* One dump at a time; its end also is its acknowledgement. True: that was said. */
static bool finish(struct netlink_req *r, int *error)
{
	if (r->out.failed)
		*error = -ENOBUFS;
	if (*error)
		return false;
	answer_parts(r->from, &r->out, r->dump);
	if (r->dump)
		end_dump(r);
	return r->dump;
}

static void request(struct netlink_req *r)
{
	bool done = false;
	int error = 0;

	if (r->h.nlmsg_flags & LX_NLM_F_REQUEST && r->h.nlmsg_type >= LX_NLMSG_MIN_TYPE) {
		error = ask(r);
		if (r->dump && error == 0) {
			lock_take(&r->from->s.lock);
			if (r->from->dumping)
				error = -EBUSY;
			r->from->dumping = true;
			lock_drop(&r->from->s.lock);
		}
		done = finish(r, &error);
	}
	if (!done && (error || r->h.nlmsg_flags & LX_NLM_F_ACK))
		acknowledge(r, error);
	text_free(&r->out);
}

void netlink_requests(struct netlink_sock *n, struct task *t, const char *data, uint32_t len)
{
	while (len >= sizeof(struct lx_nlmsghdr)) {
		struct netlink_req r = { .from = n, .t = t, .body = data + sizeof(r.h) };
		uint32_t step;

		memcpy(&r.h, data, sizeof(r.h));
		if (r.h.nlmsg_len < sizeof(r.h) || r.h.nlmsg_len > len)
			return;
		r.len = r.h.nlmsg_len - (uint32_t)sizeof(r.h);
		request(&r);
		step = LX_NLM_ALIGN(r.h.nlmsg_len);
		if (step >= len)
			return;
		data += step;
		len -= step;
	}
}
