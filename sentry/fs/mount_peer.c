/*
 * Propagation: mounts that are shared are members of a peer group, and what is mounted on one is mounted on all; slaves receive from a group,
 * and may be a group of their own for slaves further down. mount_namespaces(7), "Shared subtrees".
 */
#include <errno.h>

#include "base/mem.h"
#include "sentry/fs/mount.h"

static int next_group = 1; /* protected by the mount lock */

int peer_group_new(struct mount *m)
{
	struct peer_group *g = mem_zalloc(sizeof(*g));

	lock_assert_held(&mount_lock);
	if (!g)
		return -ENOMEM;
	list_init(&g->members);
	list_init(&g->slaves);
	g->id = next_group++;
	peer_join(m, g);
	return 0;
}

void peer_join(struct mount *m, struct peer_group *g)
{
	m->peers = g;
	list_push_back(&g->members, &m->peer_link);
}

void slave_attach(struct mount *m, struct peer_group *g)
{
	m->master = g;
	list_push_back(&g->slaves, &m->slave_link);
}

static void slave_detach(struct mount *m)
{
	list_remove(&m->slave_link);
	m->master = NULL;
}

/* Leaves its group; who received from a group that is empty now receives from above it. */
static void peer_leave(struct mount *m)
{
	struct peer_group *g = m->peers;
	struct mount *s, *next;

	list_remove(&m->peer_link);
	m->peers = NULL;
	if (!list_empty(&g->members))
		return;
	list_for_each_safe(s, next, &g->slaves, slave_link) {
		slave_detach(s);
		if (m->master)
			slave_attach(s, m->master);
	}
	mem_free(g);
}

void peer_leave_all(struct mount *m)
{
	lock_assert_held(&mount_lock);
	if (m->peers)
		peer_leave(m);
	if (m->master)
		slave_detach(m);
}

static void make_slave(struct mount *m)
{
	struct peer_group *g = m->peers;
	bool others;

	if (!g)
		return;
	others = g->members.next->next != &g->members;
	peer_leave(m);
	if (!others)
		return; /* of a group of one there is nothing to receive from */
	if (m->master)
		slave_detach(m);
	slave_attach(m, g);
}

int mount_set_propagation(struct mount *m, enum propagation p)
{
	lock_assert_held(&mount_lock);
	switch (p) {
	case PROPAGATE_SHARED:
		m->unbindable = false;
		return m->peers ? 0 : peer_group_new(m);
	case PROPAGATE_SLAVE:
		m->unbindable = false;
		make_slave(m);
		return 0;
	default:
		peer_leave_all(m);
		m->unbindable = p == PROPAGATE_UNBINDABLE;
		return 0;
	}
}

int peer_share_tree(struct mount *top)
{
	int err = 0;

	for (struct mount *m = top; m && !err; m = mount_next(m, top))
		if (!m->peers)
			err = peer_group_new(m);
	return err;
}

/* --- who receives ----------------------------------------------------------------------------------------------------------- */

struct visit {
	int (*fn)(struct mount *, struct mount *, uint32_t, void *, struct mount **);
	void *arg;
	struct peer_group *todo, *done; /* by next_todo */
};

/* A group of slaves: the first that takes a copy receives from the source, the others are the first one's peers. */
static int visit_slave_group(struct visit *v, struct peer_group *g, struct mount *source)
{
	uint32_t how = COPY_SLAVE | COPY_MAKE_SHARED;
	struct mount *m, *next, *made;
	int err = 0;

	list_for_each_safe(m, next, &g->members, peer_link) {
		err = v->fn(m, source, how, v->arg, &made);
		if (err)
			break;
		if (made) {
			source = made;
			how = COPY_MAKE_SHARED;
		}
	}
	g->visited = true;
	g->todo_source = source;
	g->next_todo = v->todo;
	v->todo = g;
	return err;
}

static int visit_slaves(struct visit *v, struct peer_group *of, struct mount *source)
{
	struct mount *s, *next, *made;
	int err = 0;

	list_for_each_safe(s, next, &of->slaves, slave_link) {
		if (!s->peers)
			err = v->fn(s, source, COPY_SLAVE, v->arg, &made);
		else if (!s->peers->visited)
			err = visit_slave_group(v, s->peers, source);
		if (err)
			break;
	}
	return err;
}

int propagate_each(struct mount *m, struct mount *source,
		   int (*fn)(struct mount *to, struct mount *copy_of, uint32_t how, void *arg, struct mount **made), void *arg)
{
	struct visit v = { .fn = fn, .arg = arg };
	struct peer_group *g = m->peers;
	struct mount *p, *next, *made;
	int err = 0;

	lock_assert_held(&mount_lock);
	list_for_each_safe(p, next, &g->members, peer_link) {
		if (p != m && !err)
			err = fn(p, source, COPY_MAKE_SHARED, arg, &made);
	}
	if (!err)
		err = visit_slaves(&v, g, source);
	while ((g = v.todo)) {
		v.todo = g->next_todo;
		g->next_todo = v.done;
		v.done = g;
		if (!err)
			err = visit_slaves(&v, g, g->todo_source);
	}
	for (; v.done; v.done = v.done->next_todo)
		v.done->visited = false;
	return err;
}
