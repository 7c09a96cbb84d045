/* Internet sockets without guests: who may have which port, bytes in pieces of any size, what is left when all is closed. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/net/dgram.h"
#include "sentry/net/tcp.h"

#include "kernel_fixture.h"

static void no_reactor(void)
{
}

static struct kernel_fixture fixture;
static struct task *task;

static void begin(void)
{
	sched_init(no_reactor);
	fixture_setup(&fixture);
	the_kernel = &fixture.k;
	fixture.k.netns = netns_create();
	cr_assert_not_null(fixture.k.netns);
	task = fixture.init;
}

TestSuite(net_inet, .init = begin);

static struct sock_addr address(bool v6, uint32_t host_order, uint16_t port)
{
	struct sock_addr a = { 0 };

	if (v6) {
		a.len = sizeof(a.in6);
		a.in6.sin6_family = LX_AF_INET6;
		a.in6.sin6_port = __builtin_bswap16(port);
		a.in6.sin6_addr[15] = (uint8_t)host_order;
		return a;
	}
	a.len = sizeof(a.in);
	a.in.sin_family = LX_AF_INET;
	a.in.sin_port = __builtin_bswap16(port);
	a.in.sin_addr = __builtin_bswap32(host_order);
	return a;
}

static struct socket *make(int type, bool v6)
{
	struct socket *s = NULL;

	cr_assert_eq(socket_create(task, v6 ? LX_AF_INET6 : LX_AF_INET, type, 0, &s), 0);
	return s;
}

/* --- ports -------------------------------------------------------------------------------------------------------------------------- */

enum { REUSE = 1, GROUP = 2, ONLY6 = 4, LISTENS = 8, SIX = 16 };
#define LOOP 0x7f000001u

static int bind_to(struct socket *s, int how, uint32_t ip, uint16_t port)
{
	struct sock_addr a = address(how & SIX, ip, port);

	s->opt.on = (how & REUSE ? 1ull << LX_SO_REUSEADDR : 0) | (how & GROUP ? 1ull << LX_SO_REUSEPORT : 0);
	inet_of(s)->ip.v6only = how & ONLY6;
	return s->ops->bind(s, task, &a);
}

Test(net_inet, two_sockets_and_one_port)
{
	static const struct {
		int type, first, second;
		uint32_t first_ip, second_ip;
		int expected;
	} rows[] = {
		{ LX_SOCK_STREAM, 0, 0, LOOP, LOOP, -EADDRINUSE },
		{ LX_SOCK_STREAM, 0, 0, LOOP, LOOP + 1, 0 },
		{ LX_SOCK_STREAM, 0, 0, 0, LOOP, -EADDRINUSE },
		{ LX_SOCK_STREAM, 0, REUSE, LOOP, LOOP, -EADDRINUSE },
		{ LX_SOCK_STREAM, REUSE, REUSE, LOOP, LOOP, 0 },
		{ LX_SOCK_STREAM, REUSE | LISTENS, REUSE, LOOP, LOOP, -EADDRINUSE },
		{ LX_SOCK_STREAM, GROUP | LISTENS, GROUP, LOOP, LOOP, 0 },
		{ LX_SOCK_STREAM, GROUP | LISTENS, REUSE, LOOP, LOOP, -EADDRINUSE },
		{ LX_SOCK_STREAM, SIX, 0, 0, LOOP, -EADDRINUSE },
		{ LX_SOCK_STREAM, SIX | ONLY6, 0, 0, LOOP, 0 },
		{ LX_SOCK_STREAM, SIX, 0, 1, LOOP, 0 },
		{ LX_SOCK_STREAM, SIX, SIX, 1, 0, -EADDRINUSE },
		{ LX_SOCK_DGRAM, 0, 0, LOOP, LOOP, -EADDRINUSE },
		{ LX_SOCK_DGRAM, REUSE, REUSE, LOOP, LOOP, 0 },
		{ LX_SOCK_DGRAM, GROUP, GROUP, 0, LOOP, 0 },
		{ LX_SOCK_DGRAM, GROUP, 0, 0, LOOP, -EADDRINUSE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct socket *a = make(rows[i].type, rows[i].first & SIX), *b = make(rows[i].type, rows[i].second & SIX);

		cr_assert_eq(bind_to(a, rows[i].first, rows[i].first_ip, 4000), 0, "row %zu", i);
		if (rows[i].first & LISTENS)
			cr_assert_eq(a->ops->listen(a, task, 1), 0);
		cr_expect_eq(bind_to(b, rows[i].second, rows[i].second_ip, 4000), rows[i].expected, "row %zu", i);
		socket_discard(a);
		socket_discard(b);
	}
}

Test(net_inet, every_ephemeral_port_is_given_once_and_then_none)
{
	static struct socket *s[101];
	int ret = 0;

	atomic_store(&fixture.k.netns->port_low, 50000);
	atomic_store(&fixture.k.netns->port_high, 50099);
	for (int i = 0; i < 101; i++) {
		s[i] = make(LX_SOCK_DGRAM, false);
		ret = bind_to(s[i], 0, LOOP, 0);
		cr_expect_eq(ret, i < 100 ? 0 : -EADDRINUSE, "port %d", i);
	}
	for (int i = 0; i < 101; i++)
		socket_discard(s[i]);
}

Test(net_inet, addresses_lead_where_they_should)
{
	struct inet_addr a;

	a = inet_from_v4(__builtin_bswap32(0x7f123456));
	cr_expect_eq(inet_route(&a), ROUTE_LOCAL);
	a = inet_from_v4(__builtin_bswap32(0x7fffffff));
	cr_expect_eq(inet_route(&a), ROUTE_BROADCAST);
	a = inet_from_v4(__builtin_bswap32(0xe0000001));
	cr_expect_eq(inet_route(&a), ROUTE_MULTICAST);
	a = inet_from_v4(__builtin_bswap32(0x0a000001));
	cr_expect_eq(inet_route(&a), ROUTE_NONE);
	cr_expect_eq(inet_route(&inet_loop6), ROUTE_LOCAL);
}

Test(net_inet, a_checksum_over_its_own_message_is_zero)
{
	uint8_t message[21] = "\x08\x00\x00\x00some odd bytes.";
	uint16_t sum = inet_checksum(message, sizeof(message), 0);

	memcpy(message + 2, &sum, sizeof(sum));
	cr_expect_eq(inet_checksum(message, sizeof(message), 0), 0);
}

/* --- streams ------------------------------------------------------------------------------------------------------------------------ */

static void connect_pair(struct socket *s[2])
{
	struct socket *l = make(LX_SOCK_STREAM, false);
	struct sock_addr a = address(false, LOOP, 4001);

	s[0] = make(LX_SOCK_STREAM, false);
	cr_assert_eq(bind_to(l, REUSE, LOOP, 4001), 0);
	cr_assert_eq(l->ops->listen(l, task, 1), 0);
	cr_assert_eq(s[0]->ops->connect(s[0], task, &a, true), -EINPROGRESS);
	cr_assert_eq(l->ops->accept(l, &s[1]), 0);
	socket_discard(l);
}

static int64_t move(struct socket *s, void *buf, uint64_t n, bool out, uint32_t flags)
{
	struct uio u;
	struct sock_msg m = { .uio = &u, .flags = LX_MSG_DONTWAIT | flags };
	int64_t ret;

	uio_init_local(&u, buf, n);
	ret = out ? s->ops->send(s, task, &m) : s->ops->recv(s, task, &m);
	scm_drop(&m.scm);
	return ret;
}

/* Pieces of pseudo-random sizes: what is read is what was written, looked at before or not. */
Test(net_inet, a_stream_is_the_same_bytes_in_any_pieces)
{
	static uint8_t out[200000], in[200000], peek[200000];
	uint32_t written = 0, read = 0, seed = 12345;
	struct socket *s[2];

	connect_pair(s);
	while (read < 5000000) {
		uint32_t n = (seed = seed * 1103515245 + 12345) >> 8;
		int64_t got;

		n = n % 7 ? n % 3000 : n % sizeof(out);
		for (uint32_t i = 0; i < n; i++)
			out[i] = (uint8_t)((written + i) * 31 >> 3);
		got = n ? move(s[0], out, n, true, 0) : 0;
		cr_assert(got >= 0 || got == -EAGAIN);
		written += got > 0 ? (uint32_t)got : 0;
		n = (seed = seed * 1103515245 + 12345) >> 8;
		n = 1 + (n % 5 ? n % 4000 : n % (sizeof(in) - 1));
		got = move(s[1], peek, n, false, LX_MSG_PEEK);
		cr_assert_eq(move(s[1], in, n, false, 0), got);
		for (int64_t i = 0; i < got; i++) {
			cr_assert_eq(in[i], (uint8_t)((read + i) * 31 >> 3), "byte %u", read + (uint32_t)i);
			cr_assert_eq(in[i], peek[i]);
		}
		read += got > 0 ? (uint32_t)got : 0;
	}
	socket_discard(s[0]);
	socket_discard(s[1]);
}

Test(net_inet, nothing_is_left_when_all_is_closed)
{
	uint64_t live = mem_live();
	int64_t used = atomic_load(&fixture.k.memory_used);
	static uint8_t bytes[300000];
	struct socket *s[2], *u = make(LX_SOCK_DGRAM, false), *v = make(LX_SOCK_DGRAM, false);
	struct sock_addr a = address(false, LOOP, 4002);

	inet_tw_flush(fixture.k.netns);
	for (int i = 0; i < 50; i++) {
		connect_pair(s);
		cr_assert(move(s[0], bytes, sizeof(bytes), true, 0) > 0);
		cr_assert(move(s[1], bytes, 1000, true, 0) == 1000);
		if (i % 2)
			move(s[1], bytes, sizeof(bytes), false, 0);
		socket_discard(s[i % 3 != 0]);
		socket_discard(s[i % 3 == 0]);
	}
	cr_assert_eq(bind_to(u, 0, LOOP, 4002), 0);
	cr_assert_eq(v->ops->connect(v, task, &a, false), 0);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(move(v, bytes, 500, true, 0), 500);
	socket_discard(u);
	socket_discard(v);
	lock_take(&fixture.k.netns->lock);
	inet_tw_flush(fixture.k.netns);
	lock_drop(&fixture.k.netns->lock);
	for (int i = 0; i < NETNS_PROTOS; i++)
		cr_expect_eq(fixture.k.netns->count[i], 0);
	cr_expect_eq(atomic_load(&fixture.k.memory_used), used);
	cr_expect(mem_live() <= live + 2, "%lu objects more", mem_live() - live); /* the tables by port stay */
}
