/* Formatters: numbers, names, strings, buffers. */
#include <inttypes.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/types.h"
#include "abi/uio.h"
#include "sentry/trace/formatters.h"

bool trace_peek(struct trace_ctx *c, void *dst, uint64_t addr, size_t n)
{
	return addr && c->mem->read(c->mem->ctx, dst, addr, n) == (int64_t)n;
}

bool trace_fetch(struct trace_ctx *c, void *dst, uint64_t addr, size_t n)
{
	if (trace_peek(c, dst, addr, n))
		return true;
	trace_put_addr(c->b, addr);
	return false;
}

void trace_put_bytes_at(struct trace_ctx *c, uint64_t addr, uint64_t n)
{
	char bytes[TRACE_STRING_MAX];
	size_t shown = n < sizeof(bytes) ? n : sizeof(bytes);

	if (shown == 0 && addr)
		trace_put(c->b, "\"\"");
	else if (trace_fetch(c, bytes, addr, shown))
		trace_put_quoted(c->b, bytes, shown, n > shown);
}

/* The end of a mapping may cut the read short: what is there counts, as long as the NUL is in it. */
static void put_string(struct trace_ctx *c, uint64_t addr, size_t max)
{
	char bytes[LX_PATH_MAX];
	int64_t got = addr ? c->mem->read(c->mem->ctx, bytes, addr, max) : -1;
	const char *end = got > 0 ? memchr(bytes, 0, (size_t)got) : NULL;

	if (end)
		trace_put_quoted(c->b, bytes, (size_t)(end - bytes), false);
	else if (got > 0 && (size_t)got == max)
		trace_put_quoted(c->b, bytes, max, true);
	else
		trace_put_addr(c->b, addr);
}

void trace_put_string_at(struct trace_ctx *c, uint64_t addr)
{
	put_string(c, addr, TRACE_STRING_MAX);
}

/* A path is what the reader looks for: shown longer than a buffer. */
void trace_fmt_str(struct trace_ctx *c, uint64_t v)
{
	put_string(c, v, 8 * TRACE_STRING_MAX);
}

void trace_fmt_int(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%d", (int32_t)v);
}

void trace_fmt_uint(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%u", (uint32_t)v);
}

void trace_fmt_long(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%" PRId64, (int64_t)v);
}

void trace_fmt_size(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%" PRIu64, v);
}

void trace_fmt_hex32(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%#x", (uint32_t)v);
}

void trace_fmt_hex(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%#" PRIx64, v);
}

void trace_fmt_addr(struct trace_ctx *c, uint64_t v)
{
	trace_put_addr(c->b, v);
}

void trace_fmt_hidden(struct trace_ctx *c, uint64_t v)
{
	(void)c;
	(void)v;
}

void trace_fmt_at_fd(struct trace_ctx *c, uint64_t v)
{
	if ((int32_t)v == LX_AT_FDCWD)
		trace_put(c->b, "AT_FDCWD");
	else
		trace_putf(c->b, "%d", (int32_t)v);
}

void trace_fmt_uid(struct trace_ctx *c, uint64_t v)
{
	if ((uint32_t)v == UINT32_MAX)
		trace_put(c->b, "-1");
	else
		trace_putf(c->b, "%u", (uint32_t)v);
}

void trace_fmt_signo(struct trace_ctx *c, uint64_t v)
{
	trace_put_signal(c->b, (int32_t)v);
}

void trace_fmt_mode(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "%#o", (unsigned)(v & 0xffff));
}

void trace_fmt_open_mode(struct trace_ctx *c, uint64_t v)
{
	trace_fmt_mode(c, v);
}

void trace_fmt_mode_type(struct trace_ctx *c, uint64_t v)
{
	trace_put_flags(c->b, &names_file_type, v & (LX_S_IFMT | LX_S_ISUID | LX_S_ISGID | LX_S_ISVTX));
	trace_putf(c->b, "|%#o", (unsigned)(v & 0777));
}

void trace_fmt_dev(struct trace_ctx *c, uint64_t v)
{
	trace_putf(c->b, "makedev(%#x, %#x)", lx_major(v), lx_minor(v));
}

void trace_fmt_enum(struct trace_ctx *c, uint64_t v)
{
	const char *name = trace_name(c->names, (uint32_t)v);

	if (name)
		trace_put(c->b, name);
	else
		trace_putf(c->b, "%d", (int32_t)v);
}

void trace_fmt_enum_hex(struct trace_ctx *c, uint64_t v)
{
	const char *name = trace_name(c->names, (uint32_t)v);

	if (name)
		trace_put(c->b, name);
	else
		trace_putf(c->b, "%#x", (uint32_t)v);
}

void trace_fmt_flags(struct trace_ctx *c, uint64_t v)
{
	trace_put_flags(c->b, c->names, (uint32_t)v);
}

void trace_fmt_buf_in(struct trace_ctx *c, uint64_t v)
{
	trace_put_bytes_at(c, v, c->aux);
}

void trace_fmt_buf_out(struct trace_ctx *c, uint64_t v)
{
	trace_put_bytes_at(c, v, (uint64_t)c->ret);
}

void trace_put_iovec(struct trace_ctx *c, uint64_t addr, uint64_t count, uint64_t limit)
{
	struct lx_iovec iov;

	if (count == 0 || !trace_peek(c, &iov, addr, sizeof(iov))) {
		trace_put_addr(c->b, addr);
		return;
	}
	trace_put(c->b, "[");
	for (uint64_t i = 0; i < count && i < TRACE_ARRAY_MAX; i++) {
		uint64_t part;

		trace_put(c->b, i ? ", " : "");
		if (!trace_fetch(c, &iov, addr + i * sizeof(iov), sizeof(iov)))
			break;
		part = iov.iov_len < limit ? iov.iov_len : limit;
		limit -= part;
		trace_put(c->b, "{iov_base=");
		trace_put_bytes_at(c, iov.iov_base, part);
		trace_putf(c->b, ", iov_len=%" PRIu64 "}", iov.iov_len);
	}
	trace_put(c->b, count > TRACE_ARRAY_MAX ? ", ...]" : "]");
}

void trace_fmt_iovec_in(struct trace_ctx *c, uint64_t v)
{
	trace_put_iovec(c, v, (uint32_t)c->aux, UINT64_MAX);
}

void trace_fmt_iovec_out(struct trace_ctx *c, uint64_t v)
{
	trace_put_iovec(c, v, (uint32_t)c->aux, (uint64_t)c->ret);
}

void trace_fmt_argv(struct trace_ctx *c, uint64_t v)
{
	uint64_t p;
	unsigned i;

	if (!trace_fetch(c, &p, v, sizeof(p)))
		return;
	trace_put(c->b, "[");
	for (i = 0; p && i < TRACE_ARGV_MAX; i++) {
		trace_put(c->b, i ? ", " : "");
		trace_put_string_at(c, p);
		if (!trace_peek(c, &p, v + (i + 1) * sizeof(p), sizeof(p)))
			break;
	}
	trace_put(c->b, p && i == TRACE_ARGV_MAX ? ", ...]" : "]");
}

/* The environment is long and the same from call to call: its size. */
void trace_fmt_envp(struct trace_ctx *c, uint64_t v)
{
	unsigned n = 0;
	uint64_t p;

	trace_put_addr(c->b, v);
	while (n < 10000 && trace_peek(c, &p, v + n * sizeof(p), sizeof(p)) && p)
		n++;
	if (v)
		trace_putf(c->b, " /* %u var%s */", n, n == 1 ? "" : "s");
}
