/* What a process keeps in its own memory: /proc/PID/cmdline, environ, auxv. Read through its tracee, as it is at the moment. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/proc/proc.h"

#define IMAGE_MAX (2u << 20) /* as much as exec takes */

static int show_range(const struct pseudo_req *r, uint64_t start, uint64_t end, struct textbuf *b)
{
	char part[4096];

	if (end <= start)
		return 0;
	if (end - start > IMAGE_MAX)
		end = start + IMAGE_MAX;
	while (start < end) {
		size_t want = end - start < sizeof(part) ? end - start : sizeof(part);
		int64_t got = proc_obj_read(r->obj, part, start, want);

		if (got <= 0)
			break; /* dying, or it has unmapped its stack: what there is */
		text_put(b, part, (size_t)got);
		start += (uint64_t)got;
	}
	return 0;
}

/* A program that has written over the end of its arguments (setproctitle) shows text that goes on to the first NUL in its environment. */
static int show_title(const struct pseudo_req *r, uint64_t arg_start, uint64_t arg_end, uint64_t env_end, struct textbuf *b)
{
	char last = 0;
	size_t len;

	if (arg_end <= arg_start || proc_obj_read(r->obj, &last, arg_end - 1, 1) != 1 || !last)
		return show_range(r, arg_start, arg_end, b);
	show_range(r, arg_start, env_end, b);
	len = b->len ? strnlen(b->data, b->len) : 0;
	if (len < b->len)
		b->len = len + 1;
	return 0;
}

int proc_show_cmdline(const struct pseudo_req *r, struct textbuf *b)
{
	struct process *p = r->obj->proc;
	uint64_t arg_start, arg_end, env_end;

	lock_take(&p->lock);
	arg_start = p->arg_start;
	arg_end = p->arg_end;
	env_end = p->env_end;
	lock_drop(&p->lock);
	return show_title(r, arg_start, arg_end, env_end, b);
}

int proc_show_environ(const struct pseudo_req *r, struct textbuf *b)
{
	struct process *p = r->obj->proc;
	uint64_t start, end;

	lock_take(&p->lock);
	start = p->env_start;
	end = p->env_end;
	lock_drop(&p->lock);
	return show_range(r, start, end, b);
}

int proc_show_auxv(const struct pseudo_req *r, struct textbuf *b)
{
	struct process *p = r->obj->proc;
	uint64_t auxv[ARRAY_LEN(p->auxv)];
	size_t n = 0;

	lock_take(&p->lock);
	memcpy(auxv, p->auxv, sizeof(auxv));
	lock_drop(&p->lock);
	while (n + 2 < ARRAY_LEN(auxv) && auxv[n])
		n += 2;
	text_put(b, auxv, (n + 2) * sizeof(auxv[0]));
	return 0;
}
