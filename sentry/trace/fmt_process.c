/* Formatters: processes, limits, what a program asks about its machine. */
#include <inttypes.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/utsname.h"
#include "abi/wait.h"
#include "sentry/trace/formatters.h"

void trace_fmt_clone_flags(struct trace_ctx *c, uint64_t v)
{
	int sig = (int)(v & LX_CSIGNAL);

	if (v & ~LX_CSIGNAL || !sig)
		trace_put_flags(c->b, c->names, v & ~LX_CSIGNAL);
	if (v & ~LX_CSIGNAL && sig)
		trace_put(c->b, "|");
	if (sig)
		trace_put_signal(c->b, sig);
}

void trace_fmt_clone_args(struct trace_ctx *c, uint64_t v)
{
	struct lx_clone_args args = { 0 };
	size_t size = c->aux < sizeof(args) ? c->aux : sizeof(args);

	if (!trace_fetch(c, &args, v, size))
		return;
	trace_put(c->b, "{flags=");
	trace_put_flags(c->b, c->names, args.flags);
	trace_put(c->b, ", exit_signal=");
	trace_put_signal(c->b, (int)args.exit_signal);
	trace_put(c->b, ", stack=");
	trace_put_addr(c->b, args.stack);
	trace_putf(c->b, ", stack_size=%#" PRIx64, args.stack_size);
	if (args.flags & LX_CLONE_SETTLS)
		trace_putf(c->b, ", tls=%#" PRIx64, args.tls);
	trace_put(c->b, "}");
}

static void put_limit(struct trace_buf *b, uint64_t v)
{
	if (v == LX_RLIM_INFINITY)
		trace_put(b, "RLIM64_INFINITY");
	else if (v && v % 1024 == 0)
		trace_putf(b, "%" PRIu64 "*1024", v / 1024);
	else
		trace_putf(b, "%" PRIu64, v);
}

void trace_fmt_rlimit(struct trace_ctx *c, uint64_t v)
{
	struct lx_rlimit l;

	if (!trace_fetch(c, &l, v, sizeof(l)))
		return;
	trace_put(c->b, "{rlim_cur=");
	put_limit(c->b, l.rlim_cur);
	trace_put(c->b, ", rlim_max=");
	put_limit(c->b, l.rlim_max);
	trace_put(c->b, "}");
}

void trace_fmt_rusage(struct trace_ctx *c, uint64_t v)
{
	struct lx_rusage u;

	if (trace_fetch(c, &u, v, sizeof(u)))
		trace_putf(c->b,
			   "{ru_utime={tv_sec=%" PRId64 ", tv_usec=%" PRId64 "}, "
			   "ru_stime={tv_sec=%" PRId64 ", tv_usec=%" PRId64 "}, ...}",
			   u.ru_utime.tv_sec, u.ru_utime.tv_usec, u.ru_stime.tv_sec, u.ru_stime.tv_usec);
}

void trace_fmt_wstatus(struct trace_ctx *c, uint64_t v)
{
	int32_t s;

	/* With WNOHANG and no child in the state asked for, nothing is written. */
	if (c->ret == 0) {
		trace_put_addr(c->b, v);
		return;
	}
	if (!trace_fetch(c, &s, v, sizeof(s)))
		return;
	if (LX_WIFEXITED(s)) {
		trace_putf(c->b, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", LX_WEXITSTATUS(s));
	} else if (LX_WIFCONTINUED(s)) {
		trace_put(c->b, "[{WIFCONTINUED(s)}]");
	} else if (LX_WIFSTOPPED(s)) {
		trace_put(c->b, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
		trace_put_signal(c->b, LX_WSTOPSIG(s));
		trace_put(c->b, "}]");
	} else {
		trace_put(c->b, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		trace_put_signal(c->b, LX_WTERMSIG(s));
		trace_put(c->b, s & LX_WCOREFLAG ? " && WCOREDUMP(s)}]" : "}]");
	}
}

void trace_fmt_utsname(struct trace_ctx *c, uint64_t v)
{
	struct lx_utsname u;

	if (!trace_fetch(c, &u, v, sizeof(u)))
		return;
	trace_put(c->b, "{sysname=");
	trace_put_quoted(c->b, u.sysname, strnlen(u.sysname, LX_UTS_LEN), false);
	trace_put(c->b, ", nodename=");
	trace_put_quoted(c->b, u.nodename, strnlen(u.nodename, LX_UTS_LEN), false);
	trace_put(c->b, ", release=");
	trace_put_quoted(c->b, u.release, strnlen(u.release, LX_UTS_LEN), false);
	trace_put(c->b, ", ...}");
}

void trace_fmt_sysinfo(struct trace_ctx *c, uint64_t v)
{
	struct lx_sysinfo s;

	if (trace_fetch(c, &s, v, sizeof(s)))
		trace_putf(c->b,
			   "{uptime=%" PRId64 ", totalram=%" PRIu64 ", freeram=%" PRIu64 ", procs=%u, mem_unit=%u, ...}",
			   s.uptime, s.totalram, s.freeram, s.procs, s.mem_unit);
}

void trace_fmt_sched_param(struct trace_ctx *c, uint64_t v)
{
	int32_t priority;

	if (trace_fetch(c, &priority, v, sizeof(priority)))
		trace_putf(c->b, "[%d]", priority);
}

void trace_fmt_cap_header(struct trace_ctx *c, uint64_t v)
{
	struct lx_cap_header h;

	if (trace_fetch(c, &h, v, sizeof(h)))
		trace_putf(c->b, "{version=%#x, pid=%d}", h.version, h.pid);
}

void trace_fmt_cap_data(struct trace_ctx *c, uint64_t v)
{
	struct lx_cap_data d[2];

	if (trace_fetch(c, d, v, sizeof(d)))
		trace_putf(c->b, "{effective=%#x%08x, permitted=%#x%08x, inheritable=%#x%08x}",
			   d[1].effective, d[0].effective, d[1].permitted, d[0].permitted, d[1].inheritable, d[0].inheritable);
}
