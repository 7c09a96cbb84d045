/* Classic BPF on sockets: SO_ATTACH_FILTER, socket(7). */
#include "sentry/net/sockfilter.h"

#include <errno.h>
#include <string.h>

#include "abi/socket.h"
#include "base/mem.h"
#include "base/ref.h"
#include "sentry/kernel/bpf.h"
#include "sentry/net/netns.h"
#include "sentry/net/socket.h"

/* SKF_AD_*: what is beside the packet */
#define AD_PROTOCOL 0
#define AD_PKTTYPE 4
#define AD_IFINDEX 8

struct socket_filter {
	uint32_t len;                /* instructions */
	struct lx_sock_filter *code; /* owned */
};

struct packet {
	const uint8_t *bytes;
	uint32_t len;
	const struct socket *s;
};

/* What is beside the packet: enough for the programs that tcpdump and libraries write. */
static bool load_beside(const struct packet *p, uint32_t offset, uint32_t *value)
{
	switch (offset - LX_SKF_AD_OFF) {
	case AD_PROTOCOL:
		*value = p->s->domain == LX_AF_INET6 ? 0x86dd : 0x0800;
		return true;
	case AD_PKTTYPE: /* PACKET_HOST */
		*value = 0;
		return true;
	case AD_IFINDEX:
		*value = 1;
		return true;
	default:
		*value = 0;
		return true;
	}
}

static bool load(const void *ctx, uint32_t offset, int size, uint32_t a, uint32_t x, uint32_t *value)
{
	const struct packet *p = ctx;
	uint32_t v = 0;

	(void)a;
	(void)x;
	if (offset >= LX_SKF_AD_OFF)
		return load_beside(p, offset, value);
	if (offset >= LX_SKF_NET_OFF) /* the network header is not kept */
		return false;
	if (offset > p->len || (uint32_t)size > p->len - offset)
		return false;
	for (int i = 0; i < size; i++)
		v = v << 8 | p->bytes[offset + (uint32_t)i];
	*value = v;
	return true;
}

uint32_t socket_filter_run(const struct socket *s, const void *packet, uint32_t len)
{
	struct packet p = { packet, len, s };
	struct bpf_input in = { .len = len, .load = load, .ctx = &p };
	uint32_t pass = bpf_run(s->filter->code, &in);

	return pass < len ? pass : len;
}

void socket_filter_free(struct socket_filter *f)
{
	if (!f)
		return;
	mem_free(f->code);
	net_object_free(f, sizeof(*f) + f->len * sizeof(f->code[0]));
}

int socket_filter_attach(struct socket *s, struct task *t, const struct lx_sock_fprog *prog)
{
	size_t size = sizeof(struct socket_filter) + prog->len * sizeof(struct lx_sock_filter);
	struct socket_filter *f = net_object_new(size), *old; /* as large as both, so that both are counted */
	int ret = f ? bpf_copy_code(t, prog, &f->code) : -ENOMEM;

	if (ret < 0) {
		net_object_free(f, size);
		return ret;
	}
	f->len = prog->len;
	lock_take(&s->lock);
	old = s->filter_locked ? f : s->filter;
	if (!s->filter_locked)
		s->filter = f;
	ret = s->filter_locked ? -EPERM : 0;
	lock_drop(&s->lock);
	socket_filter_free(old);
	return ret;
}

int socket_filter_detach(struct socket *s)
{
	struct socket_filter *old;

	lock_take(&s->lock);
	if (s->filter_locked) {
		lock_drop(&s->lock);
		return -EPERM;
	}
	old = s->filter;
	s->filter = NULL;
	lock_drop(&s->lock);
	socket_filter_free(old);
	return old ? 0 : -ENOENT;
}

int socket_filter_lock(struct socket *s, bool on)
{
	LOCK_GUARD(&s->lock);
	if (s->filter_locked && !on)
		return -EPERM;
	s->filter_locked = on;
	return 0;
}
