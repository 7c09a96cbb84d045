/* Options of SOL_SOCKET beyond the common ones: see sock_opt.h. */
#include "sentry/net/sock_opt.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/bpf.h"
#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/netns.h"
#include "sentry/net/sockfilter.h"

enum {
	BOOL = 1,
	ADMIN = 2,     /* CAP_NET_ADMIN to raise it */
	NOT_UNIX = 4,  /* EOPNOTSUPP there */
	NOT_DGRAM = 8, /* EOPNOTSUPP there */
};

/* Numbers that are checked, kept and shown. What they tune does not exist here, except where socket.h says so. */
static const struct kept {
	int name, rules;
	int32_t min, max, initial;
} kept[SOCK_KEPT] = {
	[SOCK_KEPT_BUSY_POLL] = { LX_SO_BUSY_POLL, ADMIN, 0, INT32_MAX, 0 },
	[SOCK_KEPT_ZEROCOPY] = { LX_SO_ZEROCOPY, NOT_UNIX, 0, 1, 0 },
	[SOCK_KEPT_INCOMING_CPU] = { LX_SO_INCOMING_CPU, 0, INT32_MIN, INT32_MAX, -1 },
	[SOCK_KEPT_WIFI_STATUS] = { LX_SO_WIFI_STATUS, BOOL, INT32_MIN, INT32_MAX, 0 },
	[SOCK_KEPT_NOFCS] = { LX_SO_NOFCS, BOOL, INT32_MIN, INT32_MAX, 0 },
	[SOCK_KEPT_SELECT_ERR_QUEUE] = { LX_SO_SELECT_ERR_QUEUE, BOOL, INT32_MIN, INT32_MAX, 0 },
	[SOCK_KEPT_PREFER_BUSY_POLL] = { LX_SO_PREFER_BUSY_POLL, ADMIN | BOOL, INT32_MIN, INT32_MAX, 0 },
	[SOCK_KEPT_BUF_LOCK] = { LX_SO_BUF_LOCK, 0, 0, 3, 0 },
	[SOCK_KEPT_TXREHASH] = { LX_SO_TXREHASH, NOT_UNIX | NOT_DGRAM, -1, 1, 1 },
	[SOCK_KEPT_RCVMARK] = { LX_SO_RCVMARK, BOOL, INT32_MIN, INT32_MAX, 0 },
};

static int find(int name)
{
	for (int i = 0; i < SOCK_KEPT; i++)
		if (kept[i].name == name)
			return i;
	return -1;
}

static int put(void *buf, uint32_t *len, const void *value, uint32_t size)
{
	*len = *len < size ? *len : size;
	memcpy(buf, value, *len);
	return 0;
}

static int put_int(void *buf, uint32_t *len, int32_t v)
{
	return put(buf, len, &v, sizeof(v));
}

void sock_opt_init(struct sock_options *o)
{
	for (int i = 0; i < SOCK_KEPT; i++)
		o->kept[i] = kept[i].initial;
}

/* --- setting ------------------------------------------------------------------------------------------------------------------------ */

static int set_kept(struct socket *s, struct task *t, const struct kept *k, int32_t v)
{
	int32_t *field = &s->opt.kept[k - kept];

	if ((k->rules & NOT_UNIX && s->domain == LX_AF_UNIX) || (k->rules & NOT_DGRAM && s->type != LX_SOCK_STREAM))
		return -EOPNOTSUPP;
	if (k->rules & ADMIN && v > *field && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
		return -EPERM;
	if (v < k->min || v > k->max)
		return -EINVAL;
	LOCK_GUARD(&s->lock);
	*field = k->rules & BOOL ? v != 0 : v;
	return 0;
}

/* There is one interface. Changing it once it is set needs CAP_NET_RAW. */
static int bind_device(struct socket *s, struct task *t, int ifindex)
{
	if (ifindex && ifindex != LO_IFINDEX)
		return -ENODEV;
	LOCK_GUARD(&s->lock);
	if (s->bound_dev && !cred_capable(t->cred, LX_CAP_NET_RAW))
		return -EPERM;
	s->bound_dev = ifindex;
	return 0;
}

static int bind_device_name(struct socket *s, struct task *t, const void *buf, uint32_t len)
{
	char name[16] = "";

	memcpy(name, buf, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	if (!*name)
		return bind_device(s, t, 0);
	return strcmp(name, "lo") == 0 ? bind_device(s, t, LO_IFINDEX) : -ENODEV;
}

static int set_stamp(struct socket *s, int name, bool on)
{
	uint64_t bit = 1ull << (name == LX_SO_TIMESTAMP_NEW ? LX_SO_TIMESTAMP : LX_SO_TIMESTAMPNS);

	LOCK_GUARD(&s->lock);
	s->opt.on = on ? s->opt.on | bit : s->opt.on & ~bit;
	return 0;
}

static int attach(struct socket *s, struct task *t, const void *buf, uint32_t len)
{
	struct lx_sock_fprog prog;

	if (len != sizeof(prog))
		return -EINVAL;
	memcpy(&prog, buf, sizeof(prog));
	if (!prog.len || prog.len > LX_BPF_MAXINSNS)
		return -EINVAL;
	return socket_filter_attach(s, t, &prog);
}

int sock_opt_set(struct socket *s, struct task *t, int name, const void *buf, uint32_t len)
{
	int slot = find(name);
	int32_t v;

	if (name == LX_SO_BINDTODEVICE)
		return bind_device_name(s, t, buf, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, buf, sizeof(v));
	if (slot >= 0)
		return set_kept(s, t, &kept[slot], v);
	switch (name) {
	case LX_SO_ATTACH_FILTER:
		return attach(s, t, buf, len);
	case LX_SO_DETACH_FILTER:
		return socket_filter_detach(s);
	case LX_SO_LOCK_FILTER:
		return socket_filter_lock(s, v != 0);
	case LX_SO_BINDTOIFINDEX:
		return v < 0 ? -EINVAL : bind_device(s, t, v);
	case LX_SO_TIMESTAMP_NEW:
	case LX_SO_TIMESTAMPNS_NEW:
		return set_stamp(s, name, v != 0);
	case LX_SO_BSDCOMPAT:
		return 0;
	case LX_SO_PEEK_OFF:
		s->opt.peek_off = v < 0 ? -1 : v;
		return 0;
	case LX_SO_MAX_PACING_RATE:
		s->opt.pacing = len >= sizeof(uint64_t) ? *(const uint64_t *)buf : v == -1 ? UINT64_MAX : (uint32_t)v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* --- getting ------------------------------------------------------------------------------------------------------------------------ */

static int get_peer_name(struct socket *s, void *buf, uint32_t *len)
{
	struct sock_addr a;
	int ret = s->ops->name(s, 1, &a);

	if (ret < 0)
		return ret;
	if (*len > a.len)
		*len = a.len;
	memcpy(buf, a.raw, *len);
	return 0;
}

/* Receive and send memory and their limits; the rest is zero. */
static int get_meminfo(struct socket *s, void *buf, uint32_t *len)
{
	uint32_t info[9] = { [1] = s->opt.rcvbuf, [3] = s->opt.sndbuf };

	return put(buf, len, info, sizeof(info));
}

static int get_cookie(struct socket *s, void *buf, uint32_t *len)
{
	static _Atomic uint64_t last; /* a number that is given once: never reused, so it hangs off no object */
	uint64_t none = 0, mine = atomic_load(&s->cookie);

	if (*len < sizeof(mine))
		return -EINVAL;
	if (!mine) {
		mine = atomic_fetch_add(&last, 1) + 1;
		if (!atomic_compare_exchange_strong(&s->cookie, &none, mine))
			mine = none;
	}
	return put(buf, len, &mine, sizeof(mine));
}

int sock_opt_get(struct socket *s, struct task *t, int name, void *buf, uint32_t *len)
{
	uint64_t one = 1;
	int slot = find(name);

	(void)t;
	if (slot >= 0)
		return put_int(buf, len, s->opt.kept[slot]);
	switch (name) {
	case LX_SO_BINDTODEVICE:
		if (!s->bound_dev) {
			*len = 0;
			return 0;
		}
		return *len < 3 ? -EINVAL : put(buf, len, "lo", 3);
	case LX_SO_BINDTOIFINDEX:
		return put_int(buf, len, s->bound_dev);
	case LX_SO_LOCK_FILTER:
		return put_int(buf, len, s->filter_locked);
	case LX_SO_BPF_EXTENSIONS:
		return put_int(buf, len, LX_SKF_AD_MAX);
	case LX_SO_TIMESTAMP_NEW:
		return put_int(buf, len, socket_opt(s, LX_SO_TIMESTAMP));
	case LX_SO_TIMESTAMPNS_NEW:
		return put_int(buf, len, socket_opt(s, LX_SO_TIMESTAMPNS));
	case LX_SO_BSDCOMPAT:
	case LX_SO_INCOMING_NAPI_ID:
		return put_int(buf, len, 0);
	case LX_SO_MAX_PACING_RATE:
		return put(buf, len, &s->opt.pacing, *len == sizeof(uint32_t) ? sizeof(uint32_t) : sizeof(uint64_t));
	case LX_SO_ATTACH_FILTER: /* SO_GET_FILTER: programs are not given back */
		*len = 0;
		return s->filter ? -EACCES : 0;
	case LX_SO_PEERNAME:
		return get_peer_name(s, buf, len);
	case LX_SO_MEMINFO:
		return get_meminfo(s, buf, len);
	case LX_SO_COOKIE:
		return get_cookie(s, buf, len);
	case LX_SO_NETNS_COOKIE:
		return *len == sizeof(one) ? put(buf, len, &one, sizeof(one)) : -EINVAL;
	case LX_SO_PEERGROUPS:
		return -ENODATA;
	default:
		return -ENOPROTOOPT;
	}
}
