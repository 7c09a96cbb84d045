/* Which calls to trace. */
#include "sentry/trace/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/syscalls/table.h"

void trace_filter_all(struct trace_filter *f)
{
	memset(f, 0xff, sizeof(f->set));
	f->absent = true;
}

void trace_filter_none(struct trace_filter *f)
{
	*f = (struct trace_filter){ 0 };
}

static bool is_empty(const struct trace_filter *f)
{
	for (size_t i = 0; i < sizeof(f->set) / sizeof(f->set[0]); i++)
		if (f->set[i])
			return false;
	return true;
}

static void set(struct trace_filter *f, int nr, bool on)
{
	if (on)
		f->set[nr / 64] |= 1ull << nr % 64;
	else
		f->set[nr / 64] &= ~(1ull << nr % 64);
}

static bool has_kind(const struct syscall_row *row, enum arg_kind a, enum arg_kind b)
{
	for (int i = 0; i < row->nargs; i++)
		if (row->args[i].kind == a || row->args[i].kind == b)
			return true;
	return false;
}

/* %file and %desc go by the arguments, as in strace: a call may be in both. "file" and "files" are one. */
static bool in_class(const struct syscall_row *row, const char *name)
{
	if (strcmp(name, "file") == 0 || strcmp(name, "files") == 0)
		return has_kind(row, ARG_PATH, ARG_PATH);
	if (strcmp(name, "desc") == 0 && has_kind(row, ARG_FD, ARG_AT_FD))
		return true;
	return strcmp(syscall_class_name(row), name) == 0;
}

static bool set_class(struct trace_filter *f, const char *name, bool on)
{
	bool found = false;

	for (int nr = 0; nr < LX_NR_COUNT; nr++) {
		const struct syscall_row *row = syscall_row(nr);

		if (row->level == SYSCALL_ABSENT || !in_class(row, name))
			continue;
		set(f, nr, on);
		found = true;
	}
	return found;
}

int trace_filter_add(struct trace_filter *f, const char *word, char *why, size_t why_len)
{
	bool on = *word != '!';
	const struct syscall_row *row;

	if (!on) {
		word++;
		if (is_empty(f))
			trace_filter_all(f);
	}
	if (strcmp(word, "all") == 0) {
		if (on)
			trace_filter_all(f);
		else
			trace_filter_none(f);
		return 0;
	}
	if (*word == '%') {
		if (set_class(f, word + 1, on))
			return 0;
		snprintf(why, why_len, "--strace: %s is no class of system calls", word);
		return -EINVAL;
	}
	row = syscall_by_name(word);
	if (!row) {
		snprintf(why, why_len, "--strace: there is no system call %s", word);
		return -EINVAL;
	}
	set(f, row->nr, on);
	return 0;
}

int trace_filter_extend(struct trace_filter *f, const char *list, char *why, size_t why_len)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		char word[64];
		int ret;

		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		ret = n ? trace_filter_add(f, word, why, why_len) : 0;
		if (ret)
			return ret;
		list += n + (list[n] == ',');
	}
	return 0;
}

int trace_filter_parse(struct trace_filter *f, const char *list, char *why, size_t why_len)
{
	trace_filter_none(f);
	if (!*list)
		trace_filter_all(f);
	return trace_filter_extend(f, list, why, why_len);
}

bool trace_filter_has(const struct trace_filter *f, int32_t nr)
{
	if (nr < 0 || nr >= LX_NR_COUNT)
		return f->absent;
	return f->set[nr / 64] >> nr % 64 & 1;
}
