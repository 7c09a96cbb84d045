/* Trees of mounts: copies, attaching, detaching. Linux: fs/namespace.c, copy_tree(), attach_recursive_mnt(), umount_tree(). */
#include <errno.h>

#include "base/log.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/user_ns.h"

/* --- copies ----------------------------------------------------------------------------------------------------------------- */

/* Which groups a copy is in. */
static int copy_groups(struct mount *to, struct mount *from, uint32_t how)
{
	if ((how & COPY_SLAVE) || ((how & COPY_SHARED_TO_SLAVE) && from->peers)) {
		if (from->peers)
			slave_attach(to, from->peers);
		else if (from->master)
			slave_attach(to, from->master);
		return how & COPY_MAKE_SHARED ? peer_group_new(to) : 0;
	}
	if (how & COPY_PRIVATE)
		return 0;
	if (from->master)
		slave_attach(to, from->master);
	if (from->peers)
		peer_join(to, from->peers);
	else if (how & COPY_MAKE_SHARED)
		return peer_group_new(to);
	return 0;
}

static struct mount *copy_one(struct mount *from, struct dentry *root, uint32_t how, int *err)
{
	struct mount *m = mount_new(from->super, root, from->flags, from->label, from->source);

	*err = -ENOMEM;
	if (!m)
		return NULL;
	m->locked = from->locked;
	m->copy_of = from->unique_id;
	m->unbindable = from->unbindable && (how & COPY_UNBINDABLE);
	*err = copy_groups(m, from, how);
	if (!*err)
		return m;
	peer_leave_all(m);
	mount_put(m);
	return NULL;
}

/* Copies what hangs on m at or below `root` onto its copy `top`. */
static int copy_below(struct mount *m, struct mount *top, const struct dentry *root, uint32_t how)
{
	struct mount *from = m, *to = top, *s = mount_next(m, m), *fresh;
	int err = 0;

	while (s && !err) {
		bool outside = s->at.mount == m && !dentry_is_below(s->at.dentry, root);

		if (outside || (s->unbindable && !(how & COPY_UNBINDABLE))) {
			/* Leaving it out would show what it hides. */
			if (!outside && s->locked & MOUNT_LOCKED)
				return -EPERM;
			s = mount_skip(s, m);
			continue;
		}
		while (from != s->at.mount) {
			from = from->at.mount;
			to = to->at.mount;
		}
		fresh = copy_one(s, s->root, how, &err);
		if (!fresh)
			break;
		mount_hang(fresh, to, s->at.dentry);
		from = s;
		to = fresh;
		s = mount_next(s, m);
	}
	return err;
}

struct mount *mount_copy_tree(struct mount *m, struct dentry *root, uint32_t how, struct list *dead, int *err)
{
	struct mount *top = copy_one(m, root, how, err);

	lock_assert_held(&mount_lock);
	if (!top || (how & COPY_ALONE))
		return top;
	*err = copy_below(m, top, root, how);
	if (!*err)
		return top;
	mount_detach_tree(top, dead);
	return NULL;
}

/* --- membership ------------------------------------------------------------------------------------------------------------- */

static void leave_ns(struct mount *m)
{
	if (!m->ns)
		return;
	m->ns->count--;
	if (m->ns->base == m)
		m->ns->base = NULL;
	mount_ns_touch(m->ns);
	m->ns = NULL;
}

int mount_join_ns(struct mount *top, struct mount_ns *ns)
{
	int count = 0;

	lock_assert_held(&mount_lock);
	for (struct mount *m = top; m; m = mount_next(m, top))
		count += m->ns != ns;
	if (ns->count + count > MOUNTS_MAX)
		return -ENOSPC;
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		if (m->ns == ns)
			continue;
		if (m->ns)
			leave_ns(m);
		list_remove(&m->link);
		list_push_back(&ns->mounts, &m->link);
		m->ns = ns;
		ns->count++;
	}
	mount_ns_touch(ns);
	return 0;
}

void mount_lock_tree(struct mount *top)
{
	lock_assert_held(&mount_lock);
	for (struct mount *m = top; m; m = mount_next(m, top))
		m->locked |= MOUNT_LOCKED | MOUNT_LOCK_ATIME |
			     (m->flags & (MOUNT_READONLY | MOUNT_NOEXEC | MOUNT_NOSUID | MOUNT_NODEV));
}

/* --- taking away -------------------------------------------------------------------------------------------------------------- */

void mount_detach_tree(struct mount *top, struct list *dead)
{
	struct mount *m, *next;
	struct list order = LIST_INIT(order);

	lock_assert_held(&mount_lock);
	for (m = top; m; m = mount_next(m, top)) {
		leave_ns(m);
		list_remove(&m->link);
		list_push_front(&order, &m->link);
		peer_leave_all(m);
	}
	list_for_each_safe(m, next, &order, link) {
		list_remove(&m->link);
		if (m != top && m->locked & MOUNT_LOCKED) {
			/* It goes on hiding what it hides, for whoever is still there. Its parent goes first, and takes it along. */
			ref_put(&m->at.mount->ref);
			continue;
		}
		list_push_back(dead, &m->link);
		if (m->at.mount)
			mount_unhang(m, &m->was);
	}
}

void mounts_drop(struct list *dead)
{
	while (!list_empty(dead)) {
		struct mount *m = list_first(dead, struct mount, link);

		list_remove(&m->link);
		path_put(&m->was);
		mount_put(m);
	}
}

/* --- attaching ---------------------------------------------------------------------------------------------------------------- */

struct attaching {
	struct mount *top;
	struct dentry *at;
	struct list *dead;
	struct user_ns *owner; /* of the namespace where it happens */
	struct list made;      /* copies, by link, until all of them are there */
};

static int copy_to(struct mount *to, struct mount *copy_of, uint32_t how, void *arg, struct mount **made)
{
	struct attaching *a = arg;
	struct mount *m;
	int err;

	*made = NULL;
	if (!to->ns || !dentry_is_below(a->at, to->root))
		return 0;
	m = mount_copy_tree(copy_of, copy_of->root, how, a->dead, &err);
	if (!m)
		return err;
	m->locked &= ~(uint32_t)MOUNT_LOCKED;
	if (to->ns->ns.owner != a->owner)
		mount_lock_tree(m);
	/* Not seen before all of them are there. */
	m->was = (struct path){ .mount = to, .dentry = a->at };
	path_get(&m->was);
	list_push_back(&a->made, &m->link);
	*made = m;
	return 0;
}

/* Drops references that are not the last: the place is held by its parent, the mount by its namespace. */
static void forget_place(const struct path *p)
{
	ref_put(&p->mount->ref);
	ref_put(&p->dentry->ref);
}

/* What is mounted there already stays on top. */
static void commit_copy(struct mount *m, struct list *dead)
{
	struct path place = m->was, was;
	struct mount *above = mount_find(place.mount, place.dentry);

	list_remove(&m->link);
	mount_hang(m, place.mount, place.dentry);
	m->was = (struct path){ 0 };
	forget_place(&place);
	if (mount_join_ns(m, place.mount->ns) < 0) {
		mount_detach_tree(m, dead);
		return;
	}
	if (above) {
		mount_unhang(above, &was);
		mount_hang(above, m, m->root);
		forget_place(&was);
	}
}

static int propagate(struct attaching *a, struct mount *on)
{
	struct mount *m, *next;
	int err = peer_share_tree(a->top);

	if (!err)
		err = propagate_each(on, a->top, copy_to, a);
	list_for_each_safe(m, next, &a->made, link) {
		if (!err) {
			commit_copy(m, a->dead);
			continue;
		}
		list_remove(&m->link);
		mount_detach_tree(m, a->dead);
	}
	return err;
}

int mount_attach(struct mount *top, struct mount *on, struct dentry *at, bool moving, struct list *dead)
{
	struct attaching a = { .top = top, .at = at, .dead = dead, .owner = on->ns->ns.owner, .made = LIST_INIT(a.made) };
	struct path was = { 0 };
	int err, fresh = 0;

	assert_that(top != NULL);
	lock_assert_held(&mount_lock);
	for (struct mount *m = top; m; m = mount_next(m, top))
		fresh += m->ns != on->ns;
	if (on->ns->count + fresh > MOUNTS_MAX)
		return -ENOSPC;
	if (on->peers) {
		err = propagate(&a, on);
		if (err)
			return err;
	}
	if (moving && top->at.mount) {
		mount_ns_touch(top->ns);
		mount_unhang(top, &was);
	}
	mount_hang(top, on, at);
	if (was.mount)
		forget_place(&was);
	err = mount_join_ns(top, on->ns);
	if (err)
		mount_detach_tree(top, dead);
	return err;
}

/* --- detaching ------------------------------------------------------------------------------------------------------------------ */

struct detaching {
	const struct dentry *at;
	struct list victims;
	bool busy;
};

static int detach_at(struct mount *to, struct mount *copy_of, uint32_t how, void *arg, struct mount **made)
{
	struct detaching *d = arg;
	struct mount *m = mount_find(to, d->at);

	(void)copy_of;
	(void)how;
	*made = NULL;
	/* What somebody has mounted on it stays, and it with that. They go when all are found: groups must not change before. */
	if (m && list_empty(&m->children)) {
		list_remove(&m->link);
		list_push_back(&d->victims, &m->link);
	}
	return 0;
}

static struct mount *deepest(struct mount *m)
{
	while (!list_empty(&m->children))
		m = list_first(&m->children, struct mount, sibling);
	return m;
}

/* Its like go first, those without children before their parents; then the tree itself. */
void mount_detach(struct mount *top, struct list *dead)
{
	struct mount *m = deepest(top);

	lock_assert_held(&mount_lock);
	for (;;) {
		assert_that(m != NULL); /* the tree's root is the last */
		struct detaching d = { .at = m->at.dentry, .victims = LIST_INIT(d.victims) };
		struct mount *on = m->at.mount;

		if (on && on->peers)
			propagate_each(on, m, detach_at, &d);
		while (!list_empty(&d.victims))
			mount_detach_tree(list_first(&d.victims, struct mount, link), dead);
		if (m == top)
			break;
		m = m->sibling.next == &on->children ? on : deepest(list_entry(m->sibling.next, struct mount, sibling));
	}
	mount_detach_tree(top, dead);
}

static int look_busy(struct mount *to, struct mount *copy_of, uint32_t how, void *arg, struct mount **made)
{
	struct detaching *d = arg;
	struct mount *m = mount_find(to, d->at);

	(void)copy_of;
	(void)how;
	*made = NULL;
	if (m && list_empty(&m->children) && atomic_load(&m->ref.count) > 1)
		d->busy = true;
	return 0;
}

bool mount_is_busy(struct mount *m, int refs)
{
	struct detaching d = { .at = m->at.dentry };

	if (!list_empty(&m->children) || atomic_load(&m->ref.count) > refs)
		return true;
	if (m->at.mount && m->at.mount->peers)
		propagate_each(m->at.mount, m, look_busy, &d);
	return d.busy;
}
