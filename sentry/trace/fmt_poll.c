/* Formatters: poll, select, epoll. */
#include <inttypes.h>

#include "abi/epoll.h"
#include "abi/poll.h"
#include "sentry/trace/formatters.h"

static void put_pollfds(struct trace_ctx *c, uint64_t v, uint32_t count, bool ready_only)
{
	struct lx_pollfd p;
	const char *sep = "";
	uint32_t shown = 0;

	if (count && !trace_peek(c, &p, v, sizeof(p))) {
		trace_put_addr(c->b, v);
		return;
	}
	trace_put(c->b, "[");
	for (uint32_t i = 0; i < count && i < 1024 && shown < TRACE_ARRAY_MAX; i++) {
		if (!trace_peek(c, &p, v + i * sizeof(p), sizeof(p)))
			break;
		if (ready_only && !p.revents)
			continue;
		trace_putf(c->b, "%s{fd=%d, %s=", sep, p.fd, ready_only ? "revents" : "events");
		trace_put_flags(c->b, &names_poll_events, (uint16_t)(ready_only ? p.revents : p.events));
		trace_put(c->b, "}");
		sep = ", ";
		shown++;
	}
	trace_put(c->b, shown == TRACE_ARRAY_MAX ? ", ...]" : "]");
}

void trace_fmt_pollfds(struct trace_ctx *c, uint64_t v)
{
	put_pollfds(c, v, (uint32_t)c->aux, false);
}

void trace_fmt_fdset(struct trace_ctx *c, uint64_t v)
{
	int32_t nfds = (int32_t)c->aux;
	const char *sep = "";
	uint8_t set[LX_FD_SETSIZE / 8];

	if (nfds < 0)
		nfds = 0;
	if (nfds > LX_FD_SETSIZE)
		nfds = LX_FD_SETSIZE;
	if (!trace_fetch(c, set, v, ((uint32_t)nfds + 63) / 64 * 8))
		return;
	trace_put(c->b, "[");
	for (int fd = 0; fd < nfds; fd++) {
		if (!(set[fd / 8] & (1u << fd % 8)))
			continue;
		trace_putf(c->b, "%s%d", sep, fd);
		sep = " ";
	}
	trace_put(c->b, "]");
}

void trace_put_ready(struct trace_ctx *c, enum arg_kind kind, uint64_t v)
{
	if ((kind != ARG_POLLFDS && kind != ARG_FDSET) || !v)
		return;
	trace_put(c->b, " (");
	if (kind == ARG_POLLFDS)
		put_pollfds(c, v, (uint32_t)c->aux, true);
	else
		trace_fmt_fdset(c, v);
	trace_put(c->b, ")");
}

static void put_event(struct trace_ctx *c, const struct lx_epoll_event *ev)
{
	trace_put(c->b, "{events=");
	trace_put_flags(c->b, c->names, ev->events);
	trace_putf(c->b, ", data=%#" PRIx64 "}", ev->data);
}

void trace_fmt_epoll_event(struct trace_ctx *c, uint64_t v)
{
	struct lx_epoll_event ev;

	if (trace_fetch(c, &ev, v, sizeof(ev)))
		put_event(c, &ev);
}

void trace_fmt_epoll_events(struct trace_ctx *c, uint64_t v)
{
	struct lx_epoll_event ev;

	trace_put(c->b, "[");
	for (int64_t i = 0; i < c->ret && i < TRACE_ARRAY_MAX; i++) {
		trace_put(c->b, i ? ", " : "");
		if (!trace_fetch(c, &ev, v + (uint64_t)i * sizeof(ev), sizeof(ev)))
			break;
		put_event(c, &ev);
	}
	trace_put(c->b, c->ret > TRACE_ARRAY_MAX ? ", ...]" : "]");
}
