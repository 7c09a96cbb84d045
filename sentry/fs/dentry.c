/* The dentry cache: see dentry.h. */
#include "sentry/fs/dentry.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/census.h"

#define BUCKETS 8192u
#define LOCKS 64u
#define DENTRIES_MAX 32768

/* One cache for the whole process, as there is one kernel: a table of chains, and the clock of all that is hashed. */
static struct dentry *buckets[BUCKETS];
static struct lock bucket_locks[LOCKS] = { [0 ... LOCKS - 1] = LOCK_INIT(RANK_DCACHE, "dcache bucket") };
static struct lock lru_lock = LOCK_INIT(RANK_DCACHE, "dcache lru");
static struct lock tree_lock = LOCK_INIT(RANK_DENTRY, "dentry tree");
static struct list lru = LIST_INIT(lru); /* protected by lru_lock; the hand is at its front */
static int lru_count;                    /* protected by lru_lock */

static struct lock *bucket_lock(uint64_t hash)
{
	return &bucket_locks[hash % LOCKS];
}

uint64_t dentry_hash(const struct dentry *parent, const char *name, uint32_t len)
{
	return hash_u64(hash_bytes(name, len), (uintptr_t)parent);
}

static int name_set(struct dentry *d, const char *name, uint32_t len)
{
	char *to = len < DENTRY_INLINE_NAME ? d->inl : mem_alloc(len + 1);

	if (!to)
		return -ENOMEM;
	memcpy(to, name, len);
	to[len] = 0;
	d->name = to;
	d->name_len = len;
	return 0;
}

static void name_free(struct dentry *d)
{
	if (d->name != d->inl)
		mem_free(d->name);
}

struct dentry *dentry_new(struct dentry *parent, const char *name, uint32_t len, struct inode *inode)
{
	struct dentry *d = mem_zalloc(sizeof(*d));

	if (!d || name_set(d, name, len) < 0) {
		mem_free(d);
		return NULL;
	}
	ref_init(&d->ref);
	census_add(CENSUS_DENTRY);
	d->inode = inode ? inode_get(inode) : NULL;
	d->parent = parent ? dentry_get(parent) : NULL;
	list_init(&d->lru);
	return d;
}

struct dentry *dentry_get(struct dentry *d)
{
	ref_get(&d->ref);
	return d;
}

void dentry_put(struct dentry *d)
{
	/* A loop, not recursion: the last child of a deep tree frees the whole line of its ancestors. */
	while (d && ref_put(&d->ref)) {
		struct dentry *parent = d->parent;

		inode_put(d->inode);
		name_free(d);
		census_drop(CENSUS_DENTRY);
		mem_free(d);
		d = parent;
	}
}

struct dentry *dcache_find(const struct dentry *parent, const char *name, uint32_t len, uint64_t hash)
{
	LOCK_GUARD(bucket_lock(hash));
	for (struct dentry *d = buckets[hash % BUCKETS]; d; d = d->hash_next) {
		if (d->hash != hash || d->parent != parent || d->name_len != len || memcmp(d->name, name, len) != 0)
			continue;
		if (!atomic_load_explicit(&d->recent, memory_order_relaxed))
			atomic_store_explicit(&d->recent, true, memory_order_relaxed);
		return dentry_get(d);
	}
	return NULL;
}

/* The bucket's lock is held. Whoever gets true owns the cache's reference. */
static bool chain_remove(struct dentry *d)
{
	struct dentry **at = &buckets[d->hash % BUCKETS];

	if (!d->hashed)
		return false;
	while (*at != d)
		at = &(*at)->hash_next;
	*at = d->hash_next;
	d->hashed = false;
	return true;
}

static void lru_forget(struct dentry *d)
{
	LOCK_GUARD(&lru_lock);
	if (!list_empty(&d->lru)) {
		list_remove(&d->lru);
		lru_count--;
	}
}

/* Takes the dentry at the hand, referenced, unless it was used lately. */
static struct dentry *lru_candidate(void)
{
	LOCK_GUARD(&lru_lock);
	for (int tries = 0; tries < 8 && !list_empty(&lru); tries++) {
		struct dentry *d = list_first(&lru, struct dentry, lru);

		list_remove(&d->lru);
		list_push_back(&lru, &d->lru);
		if (!atomic_exchange_explicit(&d->recent, false, memory_order_relaxed) && atomic_load(&d->ref.count) == 1)
			return dentry_get(d);
	}
	return NULL;
}

/* Evicts one dentry that only the cache holds; false when none was found at the hand. */
static bool evict_one(void)
{
	struct dentry *d = lru_candidate();
	bool ours = false;

	if (!d)
		return false;
	lock_take(bucket_lock(d->hash));
	if (atomic_load(&d->ref.count) == 2) /* the cache's and this function's */
		ours = chain_remove(d);
	lock_drop(bucket_lock(d->hash));
	if (ours) {
		lru_forget(d);
		dentry_put(d);
	}
	dentry_put(d);
	return ours;
}

static struct dentry *chain_insert(struct dentry *d, uint64_t hash)
{
	struct dentry *old;

	LOCK_GUARD(bucket_lock(hash));
	for (old = buckets[hash % BUCKETS]; old; old = old->hash_next) {
		if (old->hash == hash && old->parent == d->parent && old->name_len == d->name_len &&
		    memcmp(old->name, d->name, d->name_len) == 0)
			break;
	}
	if (old)
		chain_remove(old);
	d->hash = hash;
	d->hash_next = buckets[hash % BUCKETS];
	d->hashed = true;
	buckets[hash % BUCKETS] = dentry_get(d);
	return old;
}

void dcache_add(struct dentry *d, uint64_t hash)
{
	struct dentry *old = chain_insert(d, hash);
	bool full;

	if (old) {
		lru_forget(old);
		dentry_put(old);
	}
	lock_take(&lru_lock);
	list_push_back(&lru, &d->lru);
	full = ++lru_count > DENTRIES_MAX;
	lock_drop(&lru_lock);
	if (full)
		evict_one();
}

void dcache_drop(struct dentry *d)
{
	bool ours;

	/* A hash changes only while a rename holds the directories, which the callers hold too. */
	lock_take(bucket_lock(d->hash));
	ours = chain_remove(d);
	lock_drop(bucket_lock(d->hash));
	if (ours) {
		lru_forget(d);
		dentry_put(d);
	}
}

void dcache_unlink(struct dentry *d)
{
	atomic_store(&d->unlinked, true);
	dcache_drop(d);
}

int dcache_move(struct dentry *d, struct dentry *new_parent, const char *name, uint32_t len)
{
	struct dentry *old_parent = NULL;
	char *copy = len < DENTRY_INLINE_NAME ? NULL : mem_alloc(len + 1);

	if (len >= DENTRY_INLINE_NAME && !copy)
		return -ENOMEM;
	dentry_get(d);
	dcache_drop(d);
	lock_take(&tree_lock);
	name_free(d);
	d->name = copy ? copy : d->inl;
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->name_len = len;
	if (d->parent != new_parent) {
		old_parent = d->parent;
		d->parent = dentry_get(new_parent);
	}
	lock_drop(&tree_lock);
	dcache_add(d, dentry_hash(new_parent, name, len));
	dentry_put(old_parent);
	dentry_put(d);
	return 0;
}

void dcache_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *parent = a->parent;
	char inl[DENTRY_INLINE_NAME], *a_name = a->name, *b_name = b->name;
	uint32_t len = a->name_len;

	dcache_drop(a);
	dcache_drop(b);
	lock_take(&tree_lock);
	memcpy(inl, a->inl, sizeof(inl));
	memcpy(a->inl, b->inl, sizeof(inl));
	memcpy(b->inl, inl, sizeof(inl));
	a->name = b_name == b->inl ? a->inl : b_name;
	b->name = a_name == a->inl ? b->inl : a_name;
	a->name_len = b->name_len;
	b->name_len = len;
	a->parent = b->parent;
	b->parent = parent;
	lock_drop(&tree_lock);
	dcache_add(a, dentry_hash(a->parent, a->name, a->name_len));
	dcache_add(b, dentry_hash(b->parent, b->name, b->name_len));
}

struct dentry *dentry_parent(struct dentry *d)
{
	LOCK_GUARD(&tree_lock);
	return d->parent ? dentry_get(d->parent) : NULL;
}

void dentry_visit_up(struct dentry *d, const struct dentry *top, bool skip_first, void (*fn)(struct dentry *, void *), void *arg)
{
	LOCK_GUARD(&tree_lock);
	for (; d; d = d->parent) {
		if (!skip_first)
			fn(d, arg);
		skip_first = false;
		if (d == top)
			break;
	}
}

bool dentry_is_below(struct dentry *d, const struct dentry *top)
{
	LOCK_GUARD(&tree_lock);
	while (d && d != top)
		d = d->parent;
	return d != NULL;
}

char *dentry_names(struct dentry *d, const struct dentry *top, char *buf, size_t len)
{
	char *at = buf + len;

	LOCK_GUARD(&tree_lock);
	for (; d != top && d->parent; d = d->parent) {
		if ((size_t)(at - buf) < d->name_len + 1u)
			return NULL;
		at -= d->name_len;
		memcpy(at, d->name, d->name_len);
		*--at = '/';
	}
	return at;
}

void dcache_shrink(void)
{
	int idle = 0, left;

	/* Two rounds of the hand clear the recent bits; each level of a tree becomes free when the one below is gone. */
	do {
		idle = evict_one() ? 0 : idle + 1;
		lock_take(&lru_lock);
		left = lru_count;
		lock_drop(&lru_lock);
	} while (left > 0 && idle < left / 4 + 4);
}

static bool belongs(const struct dentry *d, const struct super *s)
{
	const struct inode *i = d->inode ? d->inode : d->parent ? d->parent->inode : NULL;

	return i && i->super == s;
}

#define FORGET_BATCH 256

static int forget_some(const struct super *s)
{
	struct dentry *batch[FORGET_BATCH], *d;
	int n = 0;

	lock_take(&lru_lock);
	list_for_each(d, &lru, lru) {
		if (belongs(d, s))
			batch[n++] = dentry_get(d);
		if (n == FORGET_BATCH)
			break;
	}
	lock_drop(&lru_lock);
	for (int i = 0; i < n; i++) {
		dcache_drop(batch[i]);
		dentry_put(batch[i]);
	}
	return n;
}

void dcache_forget(const struct super *s)
{
	while (forget_some(s) == FORGET_BATCH)
		;
}

/* One name: if another dentry has it by now, that one gives way. */
static void pin_one(struct dentry *d)
{
	bool hashed;
	uint64_t hash = dentry_hash(d->parent, d->name, d->name_len);

	lock_take(bucket_lock(hash));
	hashed = d->hashed;
	lock_drop(bucket_lock(hash));
	if (!hashed)
		dcache_add(d, hash);
}

int dcache_pin(struct dentry *d)
{
	if (atomic_load(&d->unlinked))
		return -ENOENT;
	/* Parents of an uncached name are uncached themselves; each is found by the one above it. */
	for (; d->parent; d = d->parent)
		pin_one(d);
	return 0;
}
