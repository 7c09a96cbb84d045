/* Formatters: times. */
#include <inttypes.h>

#include "abi/stat.h"
#include "abi/time.h"
#include "sentry/trace/formatters.h"

void trace_put_timespec(struct trace_buf *b, const struct lx_timespec *ts)
{
	trace_putf(b, "{tv_sec=%" PRId64 ", tv_nsec=%" PRId64 "}", ts->tv_sec, ts->tv_nsec);
}

static void put_timeval(struct trace_buf *b, const struct lx_timeval *tv)
{
	trace_putf(b, "{tv_sec=%" PRId64 ", tv_usec=%" PRId64 "}", tv->tv_sec, tv->tv_usec);
}

void trace_fmt_timespec(struct trace_ctx *c, uint64_t v)
{
	struct lx_timespec ts;

	if (trace_fetch(c, &ts, v, sizeof(ts)))
		trace_put_timespec(c->b, &ts);
}

static void put_utime(struct trace_buf *b, const struct lx_timespec *ts)
{
	if (ts->tv_nsec == LX_UTIME_NOW)
		trace_put(b, "UTIME_NOW");
	else if (ts->tv_nsec == LX_UTIME_OMIT)
		trace_put(b, "UTIME_OMIT");
	else
		trace_put_timespec(b, ts);
}

void trace_fmt_timespec2(struct trace_ctx *c, uint64_t v)
{
	struct lx_timespec ts[2];

	if (!trace_fetch(c, ts, v, sizeof(ts)))
		return;
	trace_put(c->b, "[");
	put_utime(c->b, &ts[0]);
	trace_put(c->b, ", ");
	put_utime(c->b, &ts[1]);
	trace_put(c->b, "]");
}

void trace_fmt_timeval(struct trace_ctx *c, uint64_t v)
{
	struct lx_timeval tv;

	if (trace_fetch(c, &tv, v, sizeof(tv)))
		put_timeval(c->b, &tv);
}

void trace_fmt_timeval2(struct trace_ctx *c, uint64_t v)
{
	struct lx_timeval tv[2];

	if (!trace_fetch(c, tv, v, sizeof(tv)))
		return;
	trace_put(c->b, "[");
	put_timeval(c->b, &tv[0]);
	trace_put(c->b, ", ");
	put_timeval(c->b, &tv[1]);
	trace_put(c->b, "]");
}

void trace_fmt_utimbuf(struct trace_ctx *c, uint64_t v)
{
	struct lx_utimbuf u;

	if (trace_fetch(c, &u, v, sizeof(u)))
		trace_putf(c->b, "{actime=%" PRId64 ", modtime=%" PRId64 "}", u.actime, u.modtime);
}

void trace_fmt_itimerspec(struct trace_ctx *c, uint64_t v)
{
	struct lx_itimerspec it;

	if (!trace_fetch(c, &it, v, sizeof(it)))
		return;
	trace_put(c->b, "{it_interval=");
	trace_put_timespec(c->b, &it.it_interval);
	trace_put(c->b, ", it_value=");
	trace_put_timespec(c->b, &it.it_value);
	trace_put(c->b, "}");
}

void trace_fmt_itimerval(struct trace_ctx *c, uint64_t v)
{
	struct lx_itimerval it;

	if (!trace_fetch(c, &it, v, sizeof(it)))
		return;
	trace_put(c->b, "{it_interval=");
	put_timeval(c->b, &it.it_interval);
	trace_put(c->b, ", it_value=");
	put_timeval(c->b, &it.it_value);
	trace_put(c->b, "}");
}

void trace_fmt_tms(struct trace_ctx *c, uint64_t v)
{
	struct lx_tms t;

	if (trace_fetch(c, &t, v, sizeof(t)))
		trace_putf(c->b,
			   "{tms_utime=%" PRId64 ", tms_stime=%" PRId64 ", tms_cutime=%" PRId64 ", tms_cstime=%" PRId64 "}",
			   t.tms_utime, t.tms_stime, t.tms_cutime, t.tms_cstime);
}
