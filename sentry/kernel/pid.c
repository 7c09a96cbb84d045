/*
 * The pid table: two levels, since look-ups are hot and /proc wants the numbers in order. A leaf is one page and lives while it names
 * anything; the root is 256 KiB of address space of which only the start is ever touched.
 */
#include "sentry/kernel/pid.h"

#include <errno.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"

#define LEAF_SIZE 128
#define LEAVES (PID_MAX / LEAF_SIZE)
#define UID_SLOTS 16

struct pid_leaf {
	struct pid_entry entry[LEAF_SIZE];
	int used;
};

struct uid_count {
	uint32_t uid;
	int count;
	struct uid_count *next;
};

struct pid_table {
	int last;      /* handed out */
	int used;      /* numbers in use */
	int highest;   /* ever handed out */
	atomic_int stopped;
	struct uid_count *uids[UID_SLOTS];
	struct pid_leaf *leaf[LEAVES];
};

struct pid_table *pid_table_new(void)
{
	return mem_zalloc(sizeof(struct pid_table));
}

void pid_table_free(struct pid_table *p)
{
	struct uid_count *u;

	if (!p)
		return;
	for (int i = 0; i < LEAVES; i++)
		mem_free(p->leaf[i]);
	for (int i = 0; i < UID_SLOTS; i++) {
		while ((u = p->uids[i])) {
			p->uids[i] = u->next;
			mem_free(u);
		}
	}
	mem_free(p);
}

static bool entry_used(const struct pid_entry *e)
{
	return e->task || e->zombie || e->proc || e->pgrp || e->session;
}

struct pid_entry *pid_entry(struct kernel *k, int nr)
{
	struct pid_leaf *leaf;

	if (nr <= 0 || nr >= PID_MAX)
		return NULL;
	leaf = k->pids->leaf[nr / LEAF_SIZE];
	return leaf ? &leaf->entry[nr % LEAF_SIZE] : NULL;
}

/* An empty leaf goes, but for the one that numbers are being taken from. */
static void leaf_trim(struct pid_table *p, int nr)
{
	struct pid_leaf **leaf = &p->leaf[nr / LEAF_SIZE];

	if (!*leaf || (*leaf)->used || nr / LEAF_SIZE == p->last / LEAF_SIZE)
		return;
	mem_free(*leaf);
	*leaf = NULL;
}

static int leaf_make(struct pid_table *p, int nr)
{
	struct pid_leaf **leaf = &p->leaf[nr / LEAF_SIZE];
	int before = p->last;

	if (!*leaf)
		*leaf = mem_zalloc(sizeof(**leaf));
	if (!*leaf)
		return -ENOMEM;
	(*leaf)->used++;
	p->used++;
	p->last = nr;
	if (nr > p->highest)
		p->highest = nr;
	leaf_trim(p, before);
	return nr;
}

int pid_alloc(struct kernel *k)
{
	struct pid_table *p = k->pids;
	int limit = p->used < PID_WRAP / 2 ? PID_WRAP : PID_MAX;
	int nr = p->last;

	lock_assert_held(&k->lock);
	for (int tries = 0; tries < limit; tries++) {
		struct pid_entry *e;

		if (++nr >= limit)
			nr = PID_FIRST_AGAIN;
		e = pid_entry(k, nr);
		if (!e || !entry_used(e))
			return leaf_make(p, nr);
	}
	return -EAGAIN;
}

void pid_release(struct kernel *k, int nr)
{
	struct pid_entry *e = pid_entry(k, nr);
	struct pid_leaf *leaf = k->pids->leaf[nr / LEAF_SIZE];

	lock_assert_held(&k->lock);
	if (!e || entry_used(e))
		return;
	k->pids->used--;
	leaf->used--;
	leaf_trim(k->pids, nr);
}

int pid_next(struct kernel *k, int from, int tasks)
{
	lock_assert_held(&k->lock);
	for (int nr = from < 1 ? 1 : from; nr <= k->pids->highest;) {
		struct pid_leaf *leaf = k->pids->leaf[nr / LEAF_SIZE];
		const struct pid_entry *e = leaf ? &leaf->entry[nr % LEAF_SIZE] : NULL;

		if (!leaf)
			nr = (nr / LEAF_SIZE + 1) * LEAF_SIZE;
		else if (tasks ? e->task != NULL : e->proc != NULL)
			return nr;
		else
			nr++;
	}
	return 0;
}

int pid_uid_count(struct kernel *k, uint32_t uid, int delta)
{
	struct uid_count **head = &k->pids->uids[uid % UID_SLOTS], *u;

	lock_assert_held(&k->lock);
	for (u = *head; u; u = u->next)
		if (u->uid == uid)
			return u->count += delta;
	u = delta > 0 ? mem_zalloc(sizeof(*u)) : NULL;
	if (!u)
		return 0; /* not counted: the sandbox's own limit still holds */
	u->uid = uid;
	u->count = delta;
	u->next = *head;
	*head = u;
	return delta;
}

atomic_int *pid_stopped_count(struct kernel *k)
{
	return &k->pids->stopped;
}
