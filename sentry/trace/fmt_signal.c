/* Formatters: signals. */
#include <inttypes.h>

#include "abi/poll.h"
#include "abi/signal.h"
#include "sentry/trace/formatters.h"

void trace_fmt_sigset(struct trace_ctx *c, uint64_t v)
{
	uint64_t set;

	if (trace_fetch(c, &set, v, sizeof(set)))
		trace_put_sigset(c->b, set);
}

void trace_fmt_sigset_pack(struct trace_ctx *c, uint64_t v)
{
	struct lx_sigset_argpack pack;

	if (!trace_fetch(c, &pack, v, sizeof(pack)))
		return;
	trace_put(c->b, "{sigmask=");
	trace_fmt_sigset(c, pack.p);
	trace_putf(c->b, ", sigsetsize=%" PRIu64 "}", pack.size);
}

static void put_handler(struct trace_buf *b, uint64_t handler)
{
	if (handler == LX_SIG_DFL)
		trace_put(b, "SIG_DFL");
	else if (handler == LX_SIG_IGN)
		trace_put(b, "SIG_IGN");
	else
		trace_putf(b, "%#" PRIx64, handler);
}

void trace_fmt_sigaction(struct trace_ctx *c, uint64_t v)
{
	struct lx_sigaction act;

	if (!trace_fetch(c, &act, v, sizeof(act)))
		return;
	trace_put(c->b, "{sa_handler=");
	put_handler(c->b, act.handler);
	trace_put(c->b, ", sa_mask=");
	trace_put_sigset(c->b, act.mask);
	trace_put(c->b, ", sa_flags=");
	trace_put_flags(c->b, c->names, act.flags);
	if (act.flags & LX_SA_RESTORER)
		trace_putf(c->b, ", sa_restorer=%#" PRIx64, act.restorer);
	trace_put(c->b, "}");
}

void trace_fmt_stack(struct trace_ctx *c, uint64_t v)
{
	struct lx_stack ss;

	if (!trace_fetch(c, &ss, v, sizeof(ss)))
		return;
	trace_put(c->b, "{ss_sp=");
	trace_put_addr(c->b, ss.ss_sp);
	trace_put(c->b, ", ss_flags=");
	trace_put_flags(c->b, c->names, (uint32_t)ss.ss_flags);
	trace_putf(c->b, ", ss_size=%" PRIu64 "}", ss.ss_size);
}

static const struct name_set *code_names(const struct lx_siginfo *si)
{
	/* A code above zero means something else for each signal. */
	if (si->si_code <= 0 || si->si_code == LX_SI_KERNEL)
		return &names_si_code;
	switch (si->si_signo) {
	case LX_SIGCHLD:
		return &names_si_code_chld;
	case LX_SIGSEGV:
		return &names_si_code_segv;
	case LX_SIGBUS:
		return &names_si_code_bus;
	default:
		return &names_none;
	}
}

/* The number may be anything: it comes from guest memory. */
static bool has_address(int sig)
{
	return sig == LX_SIGSEGV || sig == LX_SIGBUS || sig == LX_SIGILL || sig == LX_SIGFPE;
}

static void put_child(struct trace_buf *b, const struct lx_siginfo *si)
{
	trace_putf(b, ", si_pid=%d, si_uid=%u, si_status=", si->u.chld.pid, si->u.chld.uid);
	if (si->si_code == LX_CLD_EXITED)
		trace_putf(b, "%d", si->u.chld.status);
	else
		trace_put_signal(b, si->u.chld.status);
}

static void put_siginfo(struct trace_buf *b, const struct lx_siginfo *si)
{
	const char *code = trace_name(code_names(si), (uint32_t)si->si_code);

	trace_put(b, "{si_signo=");
	trace_put_signal(b, si->si_signo);
	trace_put(b, ", si_code=");
	if (code)
		trace_put(b, code);
	else
		trace_putf(b, "%d", si->si_code);
	if (si->si_code == LX_SI_TIMER)
		trace_putf(b, ", si_timerid=%d, si_overrun=%d", si->u.timer.tid, si->u.timer.overrun);
	else if (si->si_code <= 0)
		trace_putf(b, ", si_pid=%d, si_uid=%u", si->u.rt.pid, si->u.rt.uid);
	else if (si->si_signo == LX_SIGCHLD)
		put_child(b, si);
	else if (has_address(si->si_signo)) {
		trace_put(b, ", si_addr=");
		trace_put_addr(b, si->u.fault.addr);
	}
	trace_put(b, "}");
}

void trace_fmt_siginfo(struct trace_ctx *c, uint64_t v)
{
	struct lx_siginfo si;

	if (trace_fetch(c, &si, v, sizeof(si)))
		put_siginfo(c->b, &si);
}

void trace_format_signal(struct trace_buf *b, const struct lx_siginfo *si)
{
	trace_put(b, "--- ");
	trace_put_signal(b, si->si_signo);
	trace_put(b, " ");
	put_siginfo(b, si);
	trace_put(b, " ---");
}

void trace_fmt_sigevent(struct trace_ctx *c, uint64_t v)
{
	struct lx_sigevent ev;

	if (!trace_fetch(c, &ev, v, sizeof(ev)))
		return;
	trace_put(c->b, "{sigev_signo=");
	trace_put_signal(c->b, ev.sigev_signo);
	trace_put(c->b, ", sigev_notify=");
	trace_put_flags(c->b, c->names, (uint32_t)ev.sigev_notify);
	trace_put(c->b, "}");
}
