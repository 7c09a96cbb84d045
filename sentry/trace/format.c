/* The two halves of a line. */
#include "sentry/trace/format.h"

#include <inttypes.h>
#include <string.h>

#include "abi/fcntl.h"
#include "sentry/trace/formatters.h"

static const struct {
	trace_formatter *format;
	const struct name_set *names;
} kinds[ARG_KIND_COUNT] = {
#define KIND(kind, dir, formatter, set) [ARG_##kind] = { trace_fmt_##formatter, &names_##set },
#include "sentry/syscalls/kinds.def"
#undef KIND
};

static void put_arg(struct trace_ctx *c, const struct syscall_row *row, int i)
{
	const struct syscall_arg *arg = &row->args[i];
	uint64_t v = c->a->v[i];

	c->index = i;
	c->dir = arg_kind_dir(arg->kind);
	c->names = kinds[arg->kind].names;
	c->aux = arg->aux >= 0 ? c->a->v[arg->aux] : 0;
	/* A call that failed has written nothing worth showing. */
	if (c->dir == DIR_OUT && (c->ret < 0 || !v))
		trace_put_addr(c->b, v);
	else
		kinds[arg->kind].format(c, v);
}

/* Shown only when they mean something: open's mode, the registers that pread's second half of an offset is in. */
static bool is_hidden(const struct syscall_row *row, const struct sysargs *a, int i)
{
	enum arg_kind kind = row->args[i].kind;

	if (kind == ARG_SPARE)
		return true;
	return kind == ARG_OPEN_MODE && !(a->v[i - 1] & (LX_O_CREAT | LX_O_TMPFILE_BIT));
}

static void put_args(struct trace_ctx *c, const struct syscall_row *row, int from, int to)
{
	for (int i = from; i < to; i++) {
		if (is_hidden(row, c->a, i))
			continue;
		if (i)
			trace_put(c->b, ", ");
		put_arg(c, row, i);
	}
}

static int first_out(const struct syscall_row *row)
{
	int i = 0;

	while (i < row->nargs && arg_kind_dir(row->args[i].kind) != DIR_OUT)
		i++;
	return i;
}

void trace_format_entry(struct trace_buf *b, const struct syscall_row *row, const struct sysargs *a,
			const struct trace_memory *mem)
{
	struct trace_ctx c = { .b = b, .mem = mem, .a = a };

	if (row->level == SYSCALL_ABSENT)
		trace_putf(b, "syscall_%#x(", (unsigned)a->nr);
	else
		trace_putf(b, "%s(", row->name);
	put_args(&c, row, 0, first_out(row));
}

static void put_result(struct trace_buf *b, const struct syscall_row *row, int64_t ret)
{
	bool failed = ret < 0 && ret > -4096;
	const char *name = failed ? errno_name((int)-ret) : NULL;

	if (row->flags & SYSCALL_NORETURN)
		trace_put(b, " = ?");
	else if (name && ret <= -512)
		trace_putf(b, " = ? %s", name);
	else if (name)
		trace_putf(b, " = -1 %s (%s)", name, strerrordesc_np((int)-ret));
	else if (failed)
		trace_put(b, " = ?"); /* the host made the call, or nobody waits for a result */
	else if (row->flags & SYSCALL_HEX)
		trace_putf(b, " = %#" PRIx64, (uint64_t)ret);
	else
		trace_putf(b, " = %" PRId64, ret);
}

void trace_format_exit(struct trace_buf *b, const struct syscall_row *row, const struct sysargs *a, int64_t ret,
		       const struct trace_memory *mem)
{
	struct trace_ctx c = { .b = b, .mem = mem, .a = a, .ret = ret, .exit = true };

	put_args(&c, row, first_out(row), row->nargs);
	trace_put(b, ")");
	put_result(b, row, ret);
	for (int i = 0; ret > 0 && i < row->nargs; i++) {
		c.aux = row->args[i].aux >= 0 ? a->v[row->args[i].aux] : 0;
		trace_put_ready(&c, row->args[i].kind, a->v[i]);
	}
}
