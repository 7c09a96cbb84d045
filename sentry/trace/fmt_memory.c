/* Formatters: numbers in guest memory, and small arrays of them. */
#include <inttypes.h>

#include "abi/fcntl.h"
#include "abi/futex.h"
#include "abi/prctl.h"
#include "abi/time.h"
#include "sentry/trace/formatters.h"

void trace_fmt_int_mem(struct trace_ctx *c, uint64_t v)
{
	int32_t n;

	if (trace_fetch(c, &n, v, sizeof(n)))
		trace_putf(c->b, "[%d]", n);
}

void trace_fmt_long_mem(struct trace_ctx *c, uint64_t v)
{
	int64_t n;

	if (trace_fetch(c, &n, v, sizeof(n)))
		trace_putf(c->b, "[%" PRId64 "]", n);
}

void trace_fmt_hex_mem(struct trace_ctx *c, uint64_t v)
{
	uint64_t n;

	if (trace_fetch(c, &n, v, sizeof(n)))
		trace_putf(c->b, "[%#" PRIx64 "]", n);
}

void trace_fmt_fdpair(struct trace_ctx *c, uint64_t v)
{
	int32_t fd[2];

	if (trace_fetch(c, fd, v, sizeof(fd)))
		trace_putf(c->b, "[%d, %d]", fd[0], fd[1]);
}

static void put_gids(struct trace_ctx *c, uint64_t v, int64_t count)
{
	uint32_t gid;

	if (count <= 0 || !trace_peek(c, &gid, v, sizeof(gid))) {
		trace_put(c->b, v && count == 0 ? "[]" : "");
		if (!v || count)
			trace_put_addr(c->b, v);
		return;
	}
	trace_put(c->b, "[");
	for (int64_t i = 0; i < count && i < TRACE_ARRAY_MAX; i++) {
		if (!trace_peek(c, &gid, v + (uint64_t)i * sizeof(gid), sizeof(gid)))
			break;
		trace_putf(c->b, "%s%u", i ? ", " : "", gid);
	}
	trace_put(c->b, count > TRACE_ARRAY_MAX ? ", ...]" : "]");
}

void trace_fmt_gids_in(struct trace_ctx *c, uint64_t v)
{
	put_gids(c, v, (int32_t)c->aux);
}

void trace_fmt_gids_out(struct trace_ctx *c, uint64_t v)
{
	/* A size of 0 asks for the count and writes nothing. */
	if ((int32_t)c->a->v[0] == 0)
		trace_put_addr(c->b, v);
	else
		put_gids(c, v, c->ret);
}

static void put_cpuset(struct trace_ctx *c, uint64_t v, uint64_t len)
{
	uint8_t set[128];
	const char *sep = "";

	if (len > sizeof(set))
		len = sizeof(set);
	if (!trace_fetch(c, set, v, len))
		return;
	trace_put(c->b, "[");
	for (unsigned cpu = 0; cpu < len * 8; cpu++) {
		if (!(set[cpu / 8] & (1u << cpu % 8)))
			continue;
		trace_putf(c->b, "%s%u", sep, cpu);
		sep = " ";
	}
	trace_put(c->b, "]");
}

void trace_fmt_cpuset_in(struct trace_ctx *c, uint64_t v)
{
	put_cpuset(c, v, c->aux);
}

void trace_fmt_cpuset_out(struct trace_ctx *c, uint64_t v)
{
	put_cpuset(c, v, (uint64_t)c->ret);
}

static void put_flock(struct trace_ctx *c, uint64_t v)
{
	struct lx_flock l;

	if (!trace_fetch(c, &l, v, sizeof(l)))
		return;
	trace_put(c->b, "{l_type=");
	trace_put_flags(c->b, &names_lock_type, (uint16_t)l.l_type);
	trace_put(c->b, ", l_whence=");
	trace_put_flags(c->b, &names_seek, (uint16_t)l.l_whence);
	trace_putf(c->b, ", l_start=%" PRId64 ", l_len=%" PRId64 "}", l.l_start, l.l_len);
}

void trace_fmt_fcntl_arg(struct trace_ctx *c, uint64_t v)
{
	switch ((int32_t)c->aux) {
	case LX_F_SETFL:
		trace_put_flags(c->b, &names_open_flags, (uint32_t)v);
		break;
	case LX_F_SETFD:
		trace_put_flags(c->b, &names_fd_flags, (uint32_t)v);
		break;
	case LX_F_ADD_SEALS:
		trace_put_flags(c->b, &names_seal_flags, (uint32_t)v);
		break;
	case LX_F_GETLK: case LX_F_SETLK: case LX_F_SETLKW:
	case LX_F_OFD_GETLK: case LX_F_OFD_SETLK: case LX_F_OFD_SETLKW:
		put_flock(c, v);
		break;
	case LX_F_DUPFD: case LX_F_DUPFD_CLOEXEC: case LX_F_SETOWN: case LX_F_SETPIPE_SZ: case LX_F_SETSIG:
		trace_fmt_int(c, v);
		break;
	default:
		trace_fmt_hex(c, v);
	}
}

void trace_fmt_prctl_arg(struct trace_ctx *c, uint64_t v)
{
	if ((int32_t)c->aux == LX_PR_SET_NAME)
		trace_put_string_at(c, v);
	else if ((int32_t)c->aux == LX_PR_SET_PDEATHSIG)
		trace_put_signal(c->b, (int32_t)v);
	else
		trace_fmt_hex(c, v);
}

/* The fourth argument of futex(2) is a timeout for those that wait, a count for those that requeue. */
void trace_fmt_futex_timeout(struct trace_ctx *c, uint64_t v)
{
	switch ((int32_t)c->aux & LX_FUTEX_CMD_MASK) {
	case LX_FUTEX_WAIT: case LX_FUTEX_WAIT_BITSET: case LX_FUTEX_LOCK_PI: case LX_FUTEX_LOCK_PI2:
	case LX_FUTEX_WAIT_REQUEUE_PI:
		trace_fmt_timespec(c, v);
		break;
	case LX_FUTEX_REQUEUE: case LX_FUTEX_CMP_REQUEUE: case LX_FUTEX_CMP_REQUEUE_PI: case LX_FUTEX_WAKE_OP:
		trace_fmt_uint(c, v);
		break;
	default:
		trace_fmt_hex(c, v);
	}
}

void trace_fmt_futex_waitv(struct trace_ctx *c, uint64_t v)
{
	struct lx_futex_waitv w;

	if (!trace_peek(c, &w, v, sizeof(w))) {
		trace_put_addr(c->b, v);
		return;
	}
	trace_put(c->b, "[");
	for (uint32_t i = 0; i < (uint32_t)c->aux && i < TRACE_ARRAY_MAX; i++) {
		if (!trace_peek(c, &w, v + i * sizeof(w), sizeof(w)))
			break;
		trace_putf(c->b, "%s{val=%#" PRIx64 ", uaddr=%#" PRIx64 ", flags=", i ? ", " : "", w.val, w.uaddr);
		trace_put_flags(c->b, c->names, w.flags);
		trace_put(c->b, "}");
	}
	trace_put(c->b, (uint32_t)c->aux > TRACE_ARRAY_MAX ? ", ...]" : "]");
}
