/* Mounts, and how a walk gets from one to the next: see mount.h. */
#include "sentry/fs/mount.h"

#include <errno.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/kernel/kernel.h"

#define BUCKETS 1024u
#define CHARGE 512 /* bytes that a mount counts for against the sandbox's memory */

/* One for the process, as there is one kernel: trees of different namespaces are connected by propagation. */
struct lock mount_lock = LOCK_INIT(RANK_MOUNTS, "mounts");
static struct mount *buckets[BUCKETS]; /* protected by mount_lock */
static _Atomic int next_id = 20;
static _Atomic uint64_t next_unique = (1ull << 31) + 1;

static struct mount **bucket(const struct mount *on, const struct dentry *at)
{
	return &buckets[hash_u64((uintptr_t)on, (uintptr_t)at) % BUCKETS];
}

static int charge(int bytes)
{
	return the_kernel && the_kernel->spec ? memory_charge(the_kernel, bytes) : 0;
}

struct mount *mount_new(struct super *super, struct dentry *root, uint32_t flags, const char *label, const char *source)
{
	struct mount *m = mem_zalloc(sizeof(*m));

	if (!m || charge(CHARGE) < 0) {
		mem_free(m);
		return NULL;
	}
	ref_init(&m->ref);
	list_init(&m->link);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->peer_link);
	list_init(&m->slave_link);
	m->id = atomic_fetch_add(&next_id, 1);
	m->unique_id = atomic_fetch_add(&next_unique, 1);
	m->super = super_get(super);
	m->root = dentry_get(root);
	m->locked = super->forced;
	atomic_init(&m->flags, flags | super->forced);
	m->label = mem_strdup(label ? label : super->fstype);
	m->source = mem_strdup(source ? source : super->fstype);
	if (m->label && m->source)
		return m;
	mount_put(m);
	return NULL;
}

struct mount *mount_get(struct mount *m)
{
	ref_get(&m->ref);
	return m;
}

/* What stayed on a mount that was detached, because it hides something, goes with it. */
static void drop_children(struct mount *m)
{
	/* Nobody can put anything on it any more. (A copy that was not finished goes under the lock, and has none.) */
	while (!list_empty(&m->children)) {
		struct mount *child = NULL;
		struct path was;

		lock_take(&mount_lock);
		if (!list_empty(&m->children)) {
			child = list_first(&m->children, struct mount, sibling);
			mount_unhang(child, &was);
		}
		lock_drop(&mount_lock);
		if (!child)
			break;
		/* mount_detach_tree() has dropped the child's reference to this mount already. */
		dentry_put(was.dentry);
		mount_put(child);
	}
}

static void mount_free(struct mount *m)
{
	drop_children(m);
	dentry_put(m->root);
	path_put(&m->at);
	path_put(&m->was);
	super_put(m->super);
	charge(-CHARGE);
	mem_free(m->label);
	mem_free(m->source);
	mem_free(m);
}

/* One after the other: a guest decides how many mounts stand on each other. */
static void put_ref(struct mount *m)
{
	static _Thread_local struct mount *doomed; /* by hash_next: it is in no chain any more */
	static _Thread_local bool freeing;

	if (!ref_put(&m->ref))
		return;
	m->hash_next = doomed;
	doomed = m;
	if (freeing)
		return;
	freeing = true;
	while ((m = doomed)) {
		doomed = m->hash_next;
		mount_free(m);
	}
	freeing = false;
}

void mount_put(struct mount *m)
{
	if (!m)
		return;
	if (atomic_load_explicit(&m->expiring, memory_order_relaxed))
		atomic_store(&m->expiring, false);
	put_ref(m);
}

void mount_put_expiring(struct mount *m)
{
	atomic_store(&m->expiring, true);
	put_ref(m);
}

struct mount *mount_find(const struct mount *on, const struct dentry *at)
{
	struct mount *m;

	for (m = *bucket(on, at); m; m = m->hash_next)
		if (m->at.mount == on && m->at.dentry == at)
			break;
	return m;
}

struct mount *mount_on(const struct path *p)
{
	struct mount *m;

	if (atomic_load_explicit(&p->dentry->mounts, memory_order_acquire) == 0)
		return NULL;
	LOCK_GUARD(&mount_lock);
	m = mount_find(p->mount, p->dentry);
	return m ? mount_get(m) : NULL;
}

bool mount_cross(struct path *p)
{
	struct mount *m;
	bool moved = false;

	while ((m = mount_on(p))) {
		struct path in = { .mount = m, .dentry = dentry_get(m->root) };

		path_put(p);
		*p = in;
		moved = true;
	}
	return moved;
}

bool mount_climb(struct path *p)
{
	struct path below;

	lock_take(&mount_lock);
	below = p->mount->at;
	/* What stayed on a mount that is going has no reference to it. */
	if (below.mount && !ref_get_unless_zero(&below.mount->ref))
		below.mount = NULL;
	if (below.mount)
		dentry_get(below.dentry);
	lock_drop(&mount_lock);
	if (!below.mount)
		return false;
	path_put(p);
	*p = below;
	return true;
}

bool mount_is_point(const struct mount_ns *ns, const struct dentry *d)
{
	const struct mount *m;

	if (atomic_load_explicit(&d->mounts, memory_order_acquire) == 0)
		return false;
	LOCK_GUARD(&mount_lock);
	list_for_each(m, &ns->mounts, link)
		if (m->at.dentry == d)
			return true;
	return false;
}

void mount_hang(struct mount *m, struct mount *on, struct dentry *at)
{
	struct mount **head = bucket(on, at);

	lock_assert_held(&mount_lock);
	m->at = (struct path){ .mount = on, .dentry = at };
	path_get(&m->at);
	m->hash_next = *head;
	*head = m;
	list_push_back(&on->children, &m->sibling);
	atomic_fetch_add(&at->mounts, 1);
}

void mount_unhang(struct mount *m, struct path *was)
{
	struct mount **at = bucket(m->at.mount, m->at.dentry);

	lock_assert_held(&mount_lock);
	while (*at != m)
		at = &(*at)->hash_next;
	*at = m->hash_next;
	list_remove(&m->sibling);
	atomic_fetch_sub(&m->at.dentry->mounts, 1);
	*was = m->at;
	m->at = (struct path){ 0 };
}

struct mount *mount_skip(struct mount *m, const struct mount *top)
{
	for (; m != top; m = m->at.mount)
		if (m->sibling.next != &m->at.mount->children)
			return list_entry(m->sibling.next, struct mount, sibling);
	return NULL;
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
	return list_empty(&m->children) ? mount_skip(m, top) : list_first(&m->children, struct mount, sibling);
}

static struct mount *any_on(const struct dentry *d)
{
	struct mount *m;

	for (uint32_t i = 0; i < BUCKETS; i++)
		for (m = buckets[i]; m; m = m->hash_next)
			if (m->at.dentry == d)
				return m;
	return NULL;
}

void mount_point_gone(struct dentry *d)
{
	struct list dead = LIST_INIT(dead);
	struct mount *m;

	if (atomic_load(&d->mounts) == 0)
		return;
	lock_take(&mount_lock);
	while ((m = any_on(d)))
		mount_detach_tree(m, &dead);
	lock_drop(&mount_lock);
	mounts_drop(&dead);
}
