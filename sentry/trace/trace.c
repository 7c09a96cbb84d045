/* --strace: from tasks to lines of the log. */
#include "sentry/trace/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/wait.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/filter.h"
#include "sentry/trace/format.h"
#include "sentry/trace/profile.h"

#define LINE_MAX_BYTES 3072

struct trace {
	/* immutable */
	struct trace_filter filter; /* which calls go to the log */
	bool logs;                  /* false: none does, nor signals and ends */
	struct profile *profile;    /* NULL: not asked for */
};

/* The line of the call that a task is in; owned by the task's runner. */
struct trace_call {
	struct work work; /* for a line made on a tracer thread, whose fds are not the sentry's */
	struct trace_buf b;
	bool shown;       /* the first half is in the log */
	char text[LINE_MAX_BYTES];
};

int trace_create(char *const *names, bool profile, struct trace **out, char *why, size_t why_len)
{
	struct trace *tr = mem_zalloc(sizeof(*tr));

	if (!tr)
		return -ENOMEM;
	tr->logs = names != NULL;
	if (profile && !(tr->profile = profile_create())) {
		mem_free(tr);
		return -ENOMEM;
	}
	if (names && !*names)
		trace_filter_all(&tr->filter);
	for (; names && *names; names++) {
		int ret = trace_filter_extend(&tr->filter, *names, why, why_len);

		if (ret) {
			trace_destroy(tr);
			return ret;
		}
	}
	*out = tr;
	return 0;
}

void trace_destroy(struct trace *tr)
{
	profile_destroy(tr->profile);
	mem_free(tr);
}

void trace_finish(struct trace *tr, int control_fd)
{
	if (tr && tr->profile)
		profile_send(tr->profile, control_fd);
}

static bool logged(const struct task *t)
{
	return t->k->trace && trace_filter_has(&t->k->trace->filter, t->call.nr);
}

static int64_t read_guest(void *ctx, void *dst, uint64_t addr, size_t n)
{
	struct task *t = ctx;

	return t->tracee ? tracee_read(t->tracee, dst, (uaddr_t){ addr }, n) : -EFAULT;
}

static struct trace_call *line_new(struct task *t)
{
	struct trace_call *c = mem_alloc(sizeof(*c));

	if (!c)
		return NULL;
	c->shown = false;
	trace_buf_init(&c->b, c->text, sizeof(c->text));
	trace_putf(&c->b, "[%5d] ", t->tid);
	return c;
}

static void write_later(struct work *w)
{
	struct trace_call *c = container_of(w, struct trace_call, work);

	log_line(c->text);
	mem_free(c);
}

/* Takes the line. */
static void emit(struct trace_call *c)
{
	if (sched_on_tracer()) {
		c->work.fn = write_later;
		sched_defer(&c->work);
		return;
	}
	write_later(&c->work);
}

void trace_call_begin(struct task *t)
{
	struct trace_memory mem = { read_guest, t };

	if (!t->k->trace || (!t->k->trace->profile && !logged(t)))
		return;
	mem_free(t->traced);
	t->traced = line_new(t);
	if (t->traced)
		trace_format_entry(&t->traced->b, syscall_row(t->call.nr), &t->call, &mem);
}

/* The text of the first half stays in t->traced no longer: the second begins anew. */
void trace_call_blocked(struct task *t)
{
	struct trace_call *first = t->traced;

	if (!first || first->shown || !logged(t))
		return;
	t->traced = line_new(t);
	if (!t->traced) {
		t->traced = first;
		return;
	}
	trace_putf(&t->traced->b, "<... %s resumed>", syscall_row(t->call.nr)->name);
	t->traced->shown = true;
	trace_put(&first->b, " <unfinished ...>");
	emit(first);
}

void trace_call_drop(struct task *t)
{
	mem_free(t->traced);
	t->traced = NULL;
}

/* An exec that has no result has succeeded: the caller's old image is not there to be told. */
static int64_t shown_result(const struct task *t, int64_t ret)
{
	bool exec = t->call.nr == LX_NR_execve || t->call.nr == LX_NR_execveat;

	return exec && ret == SYS_GONE ? 0 : ret;
}

void trace_call_end(struct task *t, int64_t ret)
{
	struct trace_memory mem = { read_guest, t };
	struct trace_call *c = t->traced;

	if (!c)
		return;
	t->traced = NULL;
	trace_format_exit(&c->b, syscall_row(t->call.nr), &t->call, shown_result(t, ret), &mem);
	if (t->k->trace->profile)
		profile_call(t->k->trace->profile, t, ret, c->text);
	if (logged(t))
		emit(c);
	else
		mem_free(c);
}

void trace_signal(struct task *t, const struct lx_siginfo *info)
{
	struct trace_call *c = t->k->trace && t->k->trace->logs ? line_new(t) : NULL;

	if (!c)
		return;
	trace_format_signal(&c->b, info);
	emit(c);
}

void trace_exit(struct task *t, int wait_status)
{
	struct trace_call *c = t->k->trace && t->k->trace->logs ? line_new(t) : NULL;

	mem_free(t->traced);
	t->traced = NULL;
	if (!c)
		return;
	if (LX_WIFEXITED(wait_status)) {
		trace_putf(&c->b, "+++ exited with %d +++", LX_WEXITSTATUS(wait_status));
	} else {
		trace_put(&c->b, "+++ killed by ");
		trace_put_signal(&c->b, LX_WTERMSIG(wait_status));
		trace_put(&c->b, " +++");
	}
	emit(c);
}
