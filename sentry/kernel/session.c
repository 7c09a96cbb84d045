/* Process groups and sessions: see session.h. */
#include "sentry/kernel/session.h"

#include <errno.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"

struct pgrp *pgrp_get(struct pgrp *g)
{
	ref_get(&g->ref);
	return g;
}

void pgrp_put(struct pgrp *g)
{
	if (!g || !ref_put(&g->ref))
		return;
	session_put(g->session);
	mem_free(g);
}

struct session *session_get(struct session *s)
{
	ref_get(&s->ref);
	return s;
}

void session_put(struct session *s)
{
	if (s && ref_put(&s->ref))
		mem_free(s);
}

struct pgrp *pgrp_find(struct kernel *k, int id)
{
	struct pid_entry *e;

	LOCK_GUARD(&k->lock);
	e = pid_entry(k, id);
	return e && e->pgrp ? pgrp_get(e->pgrp) : NULL;
}

/* The group takes a reference to the session; the caller has the group's. */
static struct pgrp *pgrp_new(struct kernel *k, int id, struct session *s)
{
	struct pgrp *g = mem_zalloc(sizeof(*g));

	if (!g)
		return NULL;
	ref_init(&g->ref);
	g->id = id;
	g->session = session_get(s);
	list_init(&g->members);
	pid_entry(k, id)->pgrp = g;
	return g;
}

static struct session *session_new(struct kernel *k, int id)
{
	struct session *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->ref);
	s->id = s->leader = id;
	pid_entry(k, id)->session = s;
	return s;
}

/* A session lives while a process is in it. Members of groups keep their group's session alive, so that the last group's end is the session's. */
static void pgrp_remove_member(struct process *p)
{
	struct pgrp *g = p->pgrp;
	struct kernel *k = p->k;
	struct session *s;

	if (!g)
		return;
	list_remove(&p->pgrp_link);
	p->pgrp = NULL;
	if (!list_empty(&g->members)) {
		pgrp_put(g);
		return;
	}
	s = g->session;
	pid_entry(k, g->id)->pgrp = NULL;
	if (g->id != s->id)
		pid_release(k, g->id);
	if (s->foreground == g)
		s->foreground = NULL;
	pgrp_put(g);
}

static void pgrp_add_member(struct pgrp *g, struct process *p)
{
	p->pgrp = pgrp_get(g);
	list_push_back(&g->members, &p->pgrp_link);
}

static void session_leave(struct process *p)
{
	struct session *s = p->session;
	struct kernel *k = p->k;

	if (!s)
		return;
	p->session = NULL;
	if (--s->members == 0) {
		struct pid_entry *e = pid_entry(k, s->id);

		e->session = NULL;
		pid_release(k, s->id);
	}
	session_put(s);
}

static void session_join(struct session *s, struct process *p)
{
	p->session = session_get(s);
	s->members++;
}

int process_new_session(struct process *p)
{
	struct kernel *k = p->k;
	struct session *s;
	struct pgrp *g;

	lock_assert_held(&k->lock);
	s = session_new(k, p->pid);
	if (!s)
		return -ENOMEM;
	g = pgrp_new(k, p->pid, s);
	if (!g) {
		pid_entry(k, p->pid)->session = NULL;
		session_put(s);
		return -ENOMEM;
	}
	pgrp_remove_member(p);
	session_leave(p);
	pgrp_add_member(g, p);
	session_join(s, p);
	pgrp_put(g);
	session_put(s);
	return 0;
}

void process_inherit_pgrp(struct process *child, struct process *parent)
{
	lock_assert_held(&child->k->lock);
	pgrp_add_member(parent->pgrp, child);
	session_join(parent->session, child);
}

void process_leave_pgrp(struct process *p)
{
	lock_assert_held(&p->k->lock);
	pgrp_remove_member(p);
	session_leave(p);
}

static int may_set_pgid(const struct process *caller, const struct process *p, int pgid, struct pgrp *target)
{
	if (p->parent == caller) {
		if (p->session != caller->session)
			return -EPERM;
		if (p->execed)
			return -EACCES;
	} else if (p != caller) {
		return -ESRCH;
	}
	if (p->session->leader == p->pid)
		return -EPERM;
	if (pgid != p->pid && (!target || target->session != caller->session))
		return -EPERM;
	return 0;
}

int process_set_pgid(struct process *caller, struct process *p, int pgid)
{
	struct kernel *k = p->k;
	struct pid_entry *e;
	struct pgrp *g;
	int err;

	lock_assert_held(&k->lock);
	e = pid_entry(k, pgid);
	g = e ? e->pgrp : NULL;
	err = may_set_pgid(caller, p, pgid, g);
	if (err || g == p->pgrp)
		return err;
	g = g ? pgrp_get(g) : pgrp_new(k, pgid, p->session);
	if (!g)
		return -ENOMEM;
	pgrp_remove_member(p);
	pgrp_add_member(g, p);
	pgrp_put(g);
	return 0;
}

bool pgrp_is_orphaned(const struct pgrp *g, const struct process *without)
{
	const struct process *p;

	list_for_each(p, &g->members, pgrp_link) {
		const struct process *parent = p->parent;

		if (p == without || p->state >= PROC_ZOMBIE)
			continue;
		/* Whoever asked for a process from outside stands for the shell that a program's first process has on a host. */
		if (!parent && p->root)
			return false;
		/* Pid 1 ties as any parent does: it is the init of a container, not of a machine. */
		if (!parent)
			continue;
		if (parent->pgrp != g && parent->session == g->session)
			return false;
	}
	return true;
}

bool pgrp_has_stopped(const struct pgrp *g)
{
	const struct process *p;

	list_for_each(p, &g->members, pgrp_link)
		if (p->state == PROC_STOPPED)
			return true;
	return false;
}
