/* Gaps that a program has met: see profile.h. */
#include "sentry/trace/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/lock.h"
#include "base/mem.h"
#include "sentry/boot/control.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/table.h"

#define GAPS_MAX 128
#define LX_TCGETS 0x5401

struct gap {
	struct control_gap told;
	uint64_t key;
	int follow_tid;   /* whose next calls are noted; 0: nobody's */
	uint32_t followed;
};

struct profile {
	struct lock lock; /* RANK_LOG's neighbour: nothing is called under it */
	/* protected by lock */
	uint64_t calls;
	uint32_t count;
	struct gap gap[GAPS_MAX];
};

struct profile *profile_create(void)
{
	struct profile *p = mem_zalloc(sizeof(*p));

	if (p)
		lock_init(&p->lock, RANK_FILEMAP, "profile");
	return p;
}

void profile_destroy(struct profile *p)
{
	mem_free(p);
}

/* What Linux says to flags, commands and protocols that it does not know. */
static bool says_unsupported(int64_t ret)
{
	static const int errs[] = { EINVAL, EOPNOTSUPP, ENOSYS, ENOTTY, EPROTONOSUPPORT, EAFNOSUPPORT, ENOPROTOOPT, ESOCKTNOSUPPORT, EPERM };

	for (size_t i = 0; i < ARRAY_LEN(errs); i++)
		if (ret == -errs[i])
			return true;
	return false;
}

static bool names_kernel_file(const char *line)
{
	return strstr(line, "\"/proc/") || strstr(line, "\"/sys/") || strstr(line, "\"/dev/");
}

/* Whether a file is a terminal is asked of every file: that answer is no gap. */
static bool asks_for_terminal(const struct task *t, int64_t ret)
{
	return t->call.nr == LX_NR_ioctl && ret == -ENOTTY && (uint32_t)t->call.v[1] == LX_TCGETS;
}

static bool classify(const struct task *t, int64_t ret, const char *line, uint32_t *kind)
{
	const struct syscall_row *row = syscall_row(t->call.nr);

	if (row->level == SYSCALL_REFUSED || row->level == SYSCALL_ABSENT)
		*kind = CONTROL_GAP_REFUSED;
	else if (row->level == SYSCALL_PARTIAL && says_unsupported(ret) && !asks_for_terminal(t, ret))
		*kind = CONTROL_GAP_ARGUMENT;
	else if (ret == -ENOENT && names_kernel_file(line))
		*kind = CONTROL_GAP_FILE;
	else
		return false;
	return true;
}

/* Two gaps are one when a programmer would mend them together. */
static uint64_t key_of(const struct task *t, uint32_t kind, int64_t ret, const char *line)
{
	uint64_t key = (uint64_t)kind << 56 ^ (uint64_t)(uint32_t)t->call.nr << 32 ^ (uint64_t)-ret;

	if (kind == CONTROL_GAP_ARGUMENT)
		key ^= t->call.v[1] << 16 ^ t->call.v[2] << 40;
	else if (kind == CONTROL_GAP_FILE)
		for (const char *c = strchr(line, '"'); c && *c; c++)
			key = key * 1099511628211ull ^ (uint8_t)*c;
	return key;
}

static struct gap *find_or_add(struct profile *p, uint64_t key, bool *fresh)
{
	*fresh = false;
	for (uint32_t i = 0; i < p->count; i++)
		if (p->gap[i].key == key)
			return &p->gap[i];
	if (p->count == GAPS_MAX)
		return NULL;
	*fresh = true;
	p->gap[p->count].key = key;
	return &p->gap[p->count++];
}

static void note_next(struct profile *p, const struct task *t, const char *line)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct gap *g = &p->gap[i];

		if (g->follow_tid != t->tid)
			continue;
		snprintf(g->told.next[g->followed], sizeof(g->told.next[0]), "%s", line);
		if (++g->followed == CONTROL_GAP_NEXT)
			g->follow_tid = 0;
	}
}

static void add(struct profile *p, const struct task *t, uint32_t kind, int64_t ret, const char *line)
{
	bool fresh;
	struct gap *g = find_or_add(p, key_of(t, kind, ret, line), &fresh);

	if (!g)
		return;
	g->told.count++;
	if (!fresh)
		return;
	g->told.kind = kind;
	g->told.err = (int32_t)ret;
	g->told.nr = t->call.nr;
	g->told.pid = t->tid;
	g->told.call = p->calls;
	memcpy(g->told.program, t->comm, sizeof(g->told.program));
	g->told.program[sizeof(g->told.program) - 1] = '\0';
	snprintf(g->told.text, sizeof(g->told.text), "%s", line);
	g->follow_tid = t->tid;
}

void profile_call(struct profile *p, struct task *t, int64_t ret, const char *line)
{
	uint32_t kind;
	/* "[    2] " comes before the call itself. */
	const char *call = strstr(line, "] ");

	line = call ? call + 2 : line;
	LOCK_GUARD(&p->lock);
	p->calls++;
	note_next(p, t, line);
	if (ret < 0 && classify(t, ret, line, &kind))
		add(p, t, kind, ret, line);
}

void profile_send(struct profile *p, int control_fd)
{
	for (uint32_t i = 0; i < p->count; i++)
		control_send_gap(control_fd, &p->gap[i].told);
}
