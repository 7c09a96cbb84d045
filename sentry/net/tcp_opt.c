/* The level SOL_TCP of getsockopt and setsockopt: tcp(7). See tcp.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/tcp.h"

#define LO_MSS 65483u /* 65535 less headers and time stamps */

/* Options of one int: checked, kept and shown. Most of what they tune does not exist here. */
static const struct number {
	int name;
	bool boolean;
	int32_t min, max;
	size_t offset;
} numbers[] = {
#define INT(name, field, min, max) { name, false, min, max, offsetof(struct tcp_options, field) }
#define BOOL(name, field) { name, true, INT32_MIN, INT32_MAX, offsetof(struct tcp_options, field) }
	BOOL(LX_TCP_NODELAY, nodelay),
	BOOL(LX_TCP_CORK, cork),
	BOOL(LX_TCP_QUICKACK, quickack),
	INT(LX_TCP_KEEPIDLE, keepidle, 1, 32767),
	INT(LX_TCP_KEEPINTVL, keepintvl, 1, 32767),
	INT(LX_TCP_KEEPCNT, keepcnt, 1, 127),
	INT(LX_TCP_SYNCNT, syncnt, 1, 127),
	INT(LX_TCP_USER_TIMEOUT, user_timeout, 0, INT32_MAX),
	INT(LX_TCP_NOTSENT_LOWAT, notsent_lowat, INT32_MIN, INT32_MAX),
	INT(LX_TCP_FASTOPEN_CONNECT, fastopen_connect, 0, 1),
	INT(LX_TCP_INQ, inq, 0, 1),
	BOOL(LX_TCP_THIN_LINEAR_TIMEOUTS, thin),
};

void tcp_options_init(struct tcp_options *o)
{
	*o = (struct tcp_options){ .keepidle = 7200, .keepintvl = 75, .keepcnt = 9, .syncnt = 6, .linger2 = 60, .quickack = true,
				   .congestion = "cubic" };
}

static const struct number *find(int name)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].name == name)
			return &numbers[i];
	return NULL;
}

/* fastopen_connect and inq are booleans that take 0 and 1 only. */
static bool is_byte(const struct number *n)
{
	return n->boolean || n->max == 1;
}

static int set_number(struct tcp_sock *t, const struct number *n, int32_t v)
{
	char *field = (char *)&t->o + n->offset;

	if (v < n->min || v > n->max)
		return -EINVAL;
	if (n->name == LX_TCP_FASTOPEN_CONNECT && tcp_state(t) != LX_TCP_CLOSE)
		return -EINVAL;
	LOCK_GUARD(&t->in.s.lock);
	if (is_byte(n))
		*(bool *)field = v != 0;
	else
		memcpy(field, &v, sizeof(v));
	return 0;
}

static int set_congestion(struct tcp_sock *t, struct task *task, const void *buf, uint32_t len)
{
	char name[16] = "";

	if (len < 1)
		return -EINVAL;
	memcpy(name, buf, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	if (strcmp(name, "cubic") != 0 && strcmp(name, "reno") != 0)
		return cred_capable(task->cred, LX_CAP_NET_ADMIN) || *name ? -ENOENT : -EPERM;
	LOCK_GUARD(&t->in.s.lock);
	memcpy(t->o.congestion, name, sizeof(name));
	return 0;
}

static int set_other(struct tcp_sock *t, int name, int32_t v)
{
	LOCK_GUARD(&t->in.s.lock);
	switch (name) {
	case LX_TCP_MAXSEG:
		if (v && (v < 88 || v > 32767))
			return -EINVAL;
		t->o.maxseg = v;
		return 0;
	case LX_TCP_DEFER_ACCEPT:
		t->o.defer_accept = v < 0 ? 0 : v;
		return 0;
	case LX_TCP_LINGER2:
		t->o.linger2 = v < 0 ? -1 : v > 120 ? -1 : v ? v : 60;
		return 0;
	case LX_TCP_WINDOW_CLAMP:
		if (!v && tcp_state(t) != LX_TCP_CLOSE)
			return -EINVAL;
		t->o.window_clamp = v;
		return 0;
	case LX_TCP_FASTOPEN:
		if (v < 0 || (tcp_state(t) != LX_TCP_CLOSE && tcp_state(t) != LX_TCP_LISTEN))
			return -EINVAL;
		t->o.fastopen = v;
		return 0;
	case LX_TCP_TIMESTAMP:
		return -EPERM;
	default:
		return -ENOPROTOOPT;
	}
}

/* What SOL_SOCKET's common part cannot know: that the buffers are now what was asked for. */
static int set_socket(struct tcp_sock *t, int name, const void *buf, uint32_t len)
{
	int32_t v;

	if (len < sizeof(v))
		return -ENOPROTOOPT;
	memcpy(&v, buf, sizeof(v));
	LOCK_GUARD(&t->in.s.lock);
	switch (name) {
	case LX_SO_SNDBUF:
	case LX_SO_SNDBUFFORCE:
		t->in.ip.sndbuf_set = true;
		return -ENOPROTOOPT;
	case LX_SO_RCVLOWAT: /* never more than can be there */
		v = v < 0 ? INT32_MAX : v;
		if (v > (int32_t)(t->in.s.opt.rcvbuf / 2))
			v = (int32_t)(t->in.s.opt.rcvbuf / 2);
		t->in.s.opt.rcvlowat = v ? v : 1;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int tcp_setsockopt(struct socket *s, struct task *task, int level, int name, const void *buf, uint32_t len)
{
	struct tcp_sock *t = tcp_of(s);
	const struct number *n;
	int32_t v;
	int ret;

	if (level == LX_SOL_SOCKET) {
		ret = set_socket(t, name, buf, len);
		if (ret == 0)
			waitq_wake(&s->queue, SOCK_READABLE);
		return ret;
	}
	if (level != LX_SOL_TCP)
		return inet_setsockopt(s, task, level, name, buf, len);
	if (name == LX_TCP_CONGESTION)
		return set_congestion(t, task, buf, len);
	if (name == LX_TCP_ULP)
		return len ? -ENOENT : -EINVAL; /* no kernel TLS */
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, buf, sizeof(v));
	n = find(name);
	return n ? set_number(t, n, v) : set_other(t, name, v);
}

/* --- getting ---------------------------------------------------------------------------------------------------------------------- */

static uint32_t mss(const struct tcp_sock *t)
{
	if (tcp_state(t) == LX_TCP_CLOSE || tcp_state(t) == LX_TCP_LISTEN)
		return t->o.maxseg ? (uint32_t)t->o.maxseg : 536;
	return t->o.maxseg && (uint32_t)t->o.maxseg < LO_MSS ? (uint32_t)t->o.maxseg : LO_MSS;
}

static void info_of_conn(struct tcp_conn *c, int side, struct lx_tcp_info *i)
{
	const struct tcp_flow *tx = tcp_tx(c, side), *rx = tcp_rx(c, side);
	int64_t now = host_monotonic_ns();

	LOCK_GUARD(&c->lock);
	i->tcpi_notsent_bytes = (uint32_t)tcp_unsent(c, side);
	i->tcpi_bytes_acked = tx->written - i->tcpi_notsent_bytes + 1;
	i->tcpi_bytes_sent = tx->written - i->tcpi_notsent_bytes;
	i->tcpi_bytes_received = rx->written;
	i->tcpi_data_segs_out = tx->segments;
	i->tcpi_data_segs_in = rx->segments;
	i->tcpi_segs_out = tx->segments + rx->segments + 2;
	i->tcpi_segs_in = i->tcpi_segs_out;
	i->tcpi_delivered = tx->segments + 1;
	if (tx->last_ns)
		i->tcpi_last_data_sent = (uint32_t)((now - tx->last_ns) / 1000000);
	if (rx->last_ns)
		i->tcpi_last_data_recv = (uint32_t)((now - rx->last_ns) / 1000000);
}

static void get_info(struct tcp_sock *t, struct lx_tcp_info *i)
{
	struct tcp_conn *c;
	int side;

	*i = (struct lx_tcp_info){ .tcpi_state = (uint8_t)tcp_state(t), .tcpi_rto = 1000000, .tcpi_snd_mss = mss(t), .tcpi_rcv_mss = 536,
				   .tcpi_snd_ssthresh = INT32_MAX, .tcpi_snd_cwnd = 10, .tcpi_advmss = LO_MSS, .tcpi_reordering = 3,
				   .tcpi_rcv_ssthresh = 65483, .tcpi_min_rtt = UINT32_MAX, .tcpi_pacing_rate = UINT64_MAX,
				   .tcpi_max_pacing_rate = UINT64_MAX };
	if (tcp_state(t) == LX_TCP_LISTEN) {
		LOCK_GUARD(&t->in.s.lock);
		i->tcpi_unacked = t->pending_count;
		i->tcpi_sacked = t->backlog;
		return;
	}
	c = tcp_conn_of(t, &side);
	if (!c)
		return;
	i->tcpi_options = 7; /* time stamps, SACK, window scale */
	i->tcpi_wscale = 0x77;
	i->tcpi_pmtu = LO_MTU - 1;
	i->tcpi_rto = 200000;
	i->tcpi_ato = 40000;
	i->tcpi_rtt = i->tcpi_min_rtt = 20;
	i->tcpi_rttvar = 10;
	i->tcpi_rcv_space = i->tcpi_snd_wnd = i->tcpi_rcv_wnd = 65536;
	info_of_conn(c, side, i);
	tcp_conn_put(c);
}

static int get_other(struct tcp_sock *t, int name, void *buf, uint32_t *len)
{
	struct lx_tcp_info info;

	switch (name) {
	case LX_TCP_MAXSEG:
		return inet_put_int(buf, len, (int32_t)mss(t));
	case LX_TCP_DEFER_ACCEPT:
		return inet_put_int(buf, len, t->o.defer_accept);
	case LX_TCP_LINGER2:
		return inet_put_int(buf, len, t->o.linger2);
	case LX_TCP_WINDOW_CLAMP:
		return inet_put_int(buf, len, t->o.window_clamp);
	case LX_TCP_FASTOPEN:
		return inet_put_int(buf, len, t->o.fastopen);
	case LX_TCP_TIMESTAMP:
		return inet_put_int(buf, len, (int32_t)(host_monotonic_ns() / 1000000));
	case LX_TCP_CONGESTION:
		*len = *len < sizeof(t->o.congestion) ? *len : (uint32_t)sizeof(t->o.congestion);
		memcpy(buf, t->o.congestion, *len);
		return 0;
	case LX_TCP_ULP:
		*len = 0;
		return 0;
	case LX_TCP_INFO:
		get_info(t, &info);
		*len = *len < sizeof(info) ? *len : (uint32_t)sizeof(info);
		memcpy(buf, &info, *len);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int tcp_getsockopt(struct socket *s, struct task *task, int level, int name, void *buf, uint32_t *len)
{
	struct tcp_sock *t = tcp_of(s);
	const struct number *n = find(name);
	int32_t v;

	if (level == LX_SOL_SOCKET)
		return name == LX_SO_ACCEPTCONN ? inet_put_int(buf, len, tcp_state(t) == LX_TCP_LISTEN) : -ENOPROTOOPT;
	if (level != LX_SOL_TCP)
		return inet_getsockopt(s, task, level, name, buf, len);
	if (!n)
		return get_other(t, name, buf, len);
	if (is_byte(n))
		v = *(const bool *)((const char *)&t->o + n->offset);
	else
		memcpy(&v, (const char *)&t->o + n->offset, sizeof(v));
	return inet_put_int(buf, len, v);
}
