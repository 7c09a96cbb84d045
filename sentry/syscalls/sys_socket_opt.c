/* getsockopt, setsockopt: the level SOL_SOCKET that all families share, socket(7). */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/time.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/sock_opt.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/sockets.h"

#define OPTION_MAX 256u
#define BUFFER_MAX 212992u  /* net.core.wmem_max as most hosts have it */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
#define BIT(name) (1ull << (name))

/* Options that are a truth value, kept and shown; what they would do is said in the row where it is nothing here. */
#define BOOLEANS                                                                                                     \
	(BIT(LX_SO_DEBUG) | BIT(LX_SO_REUSEADDR) | BIT(LX_SO_DONTROUTE) | BIT(LX_SO_BROADCAST) | BIT(LX_SO_KEEPALIVE) | \
	 BIT(LX_SO_OOBINLINE) | BIT(LX_SO_NO_CHECK) | BIT(LX_SO_REUSEPORT) | BIT(LX_SO_PASSCRED) | BIT(LX_SO_PASSSEC) | \
	 BIT(LX_SO_TIMESTAMP) | BIT(LX_SO_TIMESTAMPNS) | BIT(LX_SO_RXQ_OVFL))

static bool is_boolean(int name)
{
	return name > 0 && name < 64 && BOOLEANS & BIT(name);
}

/* --- setting ----------------------------------------------------------------------------------------------------------------- */

/* The kernel keeps twice what is asked for, and shows that. */
static uint32_t buffer_size(int32_t asked, uint32_t max, uint32_t min)
{
	uint32_t size = (uint32_t)asked > max ? max : (uint32_t)asked;

	size *= 2;
	return size < min ? min : size;
}

static int set_timeout(struct task *t, int64_t *to, const void *buf, uint32_t len)
{
	struct lx_timeval tv;

	(void)t;
	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, buf, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		*to = 1; /* Linux: at once */
	else if (tv.tv_sec > INT64_MAX / 2000000000)
		*to = 0;
	else
		*to = tv.tv_sec * 1000000000 + tv.tv_usec * 1000;
	return 0;
}

static int set_boolean(struct task *t, struct socket *s, int name, int32_t value)
{
	if (name == LX_SO_DEBUG && value && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
		return -EACCES;
	if (value)
		s->opt.on |= BIT(name);
	else
		s->opt.on &= ~BIT(name);
	return 0;
}

/* Options of one int; lock held. */
static int set_int(struct task *t, struct socket *s, int name, int32_t v)
{
	bool admin = cred_capable(t->cred, LX_CAP_NET_ADMIN);

	if (is_boolean(name))
		return set_boolean(t, s, name, v);
	switch (name) {
	case LX_SO_SNDBUFFORCE:
	case LX_SO_SNDBUF:
		if (name == LX_SO_SNDBUFFORCE && !admin)
			return -EPERM;
		s->opt.sndbuf = buffer_size(v, name == LX_SO_SNDBUFFORCE ? 1u << 26 : BUFFER_MAX, SNDBUF_MIN);
		return 0;
	case LX_SO_RCVBUFFORCE:
	case LX_SO_RCVBUF:
		if (name == LX_SO_RCVBUFFORCE && !admin)
			return -EPERM;
		s->opt.rcvbuf = buffer_size(v, name == LX_SO_RCVBUFFORCE ? 1u << 26 : BUFFER_MAX, RCVBUF_MIN);
		return 0;
	case LX_SO_RCVLOWAT:
		s->opt.rcvlowat = v < 0 ? INT32_MAX : v ? v : 1;
		return 0;
	case LX_SO_PRIORITY:
		if ((v < 0 || v > 6) && !admin)
			return -EPERM;
		s->opt.priority = v;
		return 0;
	case LX_SO_MARK:
		if (!admin)
			return -EPERM;
		s->opt.mark = v;
		return 0;
	case LX_SO_TYPE:
	case LX_SO_PROTOCOL:
	case LX_SO_DOMAIN:
	case LX_SO_ERROR:
	default:
		return -ENOPROTOOPT;
	}
}

static int set_common(struct task *t, struct socket *s, int name, const void *buf, uint32_t len)
{
	struct lx_linger linger;
	int32_t v;

	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, buf, sizeof(v));
	LOCK_GUARD(&s->lock);
	switch (name) {
	case LX_SO_RCVTIMEO:
	case LX_SO_RCVTIMEO_NEW:
		return set_timeout(t, &s->opt.rcv_timeout, buf, len);
	case LX_SO_SNDTIMEO:
	case LX_SO_SNDTIMEO_NEW:
		return set_timeout(t, &s->opt.snd_timeout, buf, len);
	case LX_SO_LINGER:
		if (len < sizeof(linger))
			return -EINVAL;
		memcpy(&linger, buf, sizeof(linger));
		s->opt.linger = linger;
		s->opt.linger.l_onoff = linger.l_onoff != 0;
		return 0;
	default:
		return set_int(t, s, name, v);
	}
}

int64_t sys_setsockopt(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	int level = arg_int(a, 1), name = arg_int(a, 2);
	uint32_t len = arg_u32(a, 4);
	char buf[OPTION_MAX];
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret < 0)
		return ret;
	if (arg_int(a, 4) < 0)
		return -EINVAL;
	len = len < sizeof(buf) ? len : (uint32_t)sizeof(buf);
	if (copy_in(t, buf, arg_addr(a, 3), len) < 0)
		return -EFAULT;
	ret = s->ops->setsockopt ? s->ops->setsockopt(s, t, level, name, buf, len) : -ENOPROTOOPT;
	if (ret == -ENOPROTOOPT && level == LX_SOL_SOCKET)
		ret = sock_opt_set(s, t, name, buf, len);
	if (ret != -ENOPROTOOPT || level != LX_SOL_SOCKET)
		return ret;
	return set_common(t, s, name, buf, len);
}

/* --- getting ----------------------------------------------------------------------------------------------------------------- */

static int get_int(struct socket *s, int name, int32_t *v)
{
	if (is_boolean(name)) {
		*v = socket_opt(s, name);
		return 0;
	}
	switch (name) {
	case LX_SO_TYPE:
		*v = s->type;
		return 0;
	case LX_SO_DOMAIN:
		*v = s->domain;
		return 0;
	case LX_SO_PROTOCOL:
		*v = s->protocol;
		return 0;
	case LX_SO_ERROR:
		*v = -socket_take_error(s);
		return 0;
	case LX_SO_SNDBUF:
		*v = (int32_t)s->opt.sndbuf;
		return 0;
	case LX_SO_RCVBUF:
		*v = (int32_t)s->opt.rcvbuf;
		return 0;
	case LX_SO_RCVLOWAT:
		*v = s->opt.rcvlowat;
		return 0;
	case LX_SO_SNDLOWAT:
		*v = 1;
		return 0;
	case LX_SO_PRIORITY:
		*v = s->opt.priority;
		return 0;
	case LX_SO_MARK:
		*v = s->opt.mark;
		return 0;
	case LX_SO_ACCEPTCONN:
		*v = 0;
		return 0;
	case LX_SO_PEEK_OFF:
		*v = s->opt.peek_off;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static void put(void *buf, uint32_t *len, const void *value, uint32_t size)
{
	if (*len > size)
		*len = size;
	memcpy(buf, value, *len);
}

static void put_timeout(void *buf, uint32_t *len, int64_t ns)
{
	struct lx_timeval tv = { ns / 1000000000, ns % 1000000000 / 1000 };

	put(buf, len, &tv, sizeof(tv));
}

static int get_common(struct socket *s, int name, void *buf, uint32_t *len)
{
	struct lx_ucred nobody = { .pid = 0, .uid = UINT32_MAX, .gid = UINT32_MAX };
	int32_t v;
	int ret;

	LOCK_GUARD(&s->lock);
	switch (name) {
	case LX_SO_RCVTIMEO:
	case LX_SO_RCVTIMEO_NEW:
		put_timeout(buf, len, s->opt.rcv_timeout);
		return 0;
	case LX_SO_SNDTIMEO:
	case LX_SO_SNDTIMEO_NEW:
		put_timeout(buf, len, s->opt.snd_timeout);
		return 0;
	case LX_SO_LINGER:
		put(buf, len, &s->opt.linger, sizeof(s->opt.linger));
		return 0;
	case LX_SO_PEERCRED:
		put(buf, len, &nobody, sizeof(nobody));
		return 0;
	default:
		ret = get_int(s, name, &v);
		if (ret == 0)
			put(buf, len, &v, sizeof(v));
		return ret;
	}
}

int64_t sys_getsockopt(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	int level = arg_int(a, 1), name = arg_int(a, 2);
	char buf[OPTION_MAX];
	struct socket *s;
	uint32_t len;
	int32_t room;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret < 0)
		return ret;
	if (copy_in(t, &room, arg_addr(a, 4), sizeof(room)) < 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	len = (uint32_t)room < sizeof(buf) ? (uint32_t)room : (uint32_t)sizeof(buf);
	ret = s->ops->getsockopt ? s->ops->getsockopt(s, t, level, name, buf, &len) : -ENOPROTOOPT;
	if (ret == -ENOPROTOOPT && level == LX_SOL_SOCKET)
		ret = sock_opt_get(s, t, name, buf, &len);
	if (ret == -ENOPROTOOPT && level == LX_SOL_SOCKET)
		ret = get_common(s, name, buf, &len);
	if (ret < 0)
		return ret;
	if (copy_out(t, arg_addr(a, 3), buf, len) < 0)
		return -EFAULT;
	return copy_out(t, arg_addr(a, 4), &len, sizeof(len));
}
