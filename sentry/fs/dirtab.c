/* Names of a directory in memory: see dirtab.h. */
#include "sentry/fs/dirtab.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/inode.h"

#define FIRST_BUCKETS 8u

void dirtab_init(struct dirtab *t)
{
	memset(t, 0, sizeof(*t));
	list_init(&t->order);
}

void dirtab_free(struct dirtab *t)
{
	struct dirtab_entry *e, *tmp;

	list_for_each_safe(e, tmp, &t->order, link) {
		inode_put(e->inode);
		mem_free(e);
	}
	mem_free(t->buckets);
	dirtab_init(t);
}

static struct dirtab_entry **find_slot(const struct dirtab *t, const char *name, uint32_t len, uint64_t hash)
{
	struct dirtab_entry **at = &t->buckets[hash & (t->bucket_count - 1)];

	while (*at && !((*at)->hash == hash && (*at)->len == len && memcmp((*at)->name, name, len) == 0))
		at = &(*at)->hash_next;
	return at;
}

struct dirtab_entry *dirtab_find(const struct dirtab *t, const char *name, uint32_t len)
{
	return t->buckets ? *find_slot(t, name, len, hash_bytes(name, len)) : NULL;
}

static int grow(struct dirtab *t)
{
	uint32_t n = t->bucket_count ? t->bucket_count * 2 : FIRST_BUCKETS;
	struct dirtab_entry **buckets, *e;

	if (t->buckets && t->count + t->whiteouts < t->bucket_count)
		return 0;
	buckets = mem_calloc(n, sizeof(*buckets));
	if (!buckets)
		return t->buckets ? 0 : -ENOMEM; /* longer chains will do */
	list_for_each(e, &t->order, link) {
		e->hash_next = buckets[e->hash & (n - 1)];
		buckets[e->hash & (n - 1)] = e;
	}
	mem_free(t->buckets);
	t->buckets = buckets;
	t->bucket_count = n;
	return 0;
}

static void count(struct dirtab *t, const struct dirtab_entry *e, int by)
{
	if (e->inode)
		t->count += (uint32_t)by;
	else
		t->whiteouts += (uint32_t)by;
}

int dirtab_set(struct dirtab *t, const char *name, uint32_t len, struct inode *inode)
{
	uint64_t hash = hash_bytes(name, len);
	struct dirtab_entry **at, *e;
	struct inode *old;

	if (grow(t) < 0)
		return -ENOMEM;
	at = find_slot(t, name, len, hash);
	e = *at;
	if (!e) {
		e = mem_alloc(sizeof(*e) + len + 1);
		if (!e)
			return -ENOMEM;
		*e = (struct dirtab_entry){ .hash = hash, .len = len };
		memcpy(e->name, name, len);
		e->name[len] = 0;
		*at = e;
		list_push_back(&t->order, &e->link);
	} else {
		count(t, e, -1);
	}
	old = e->inode;
	e->inode = inode ? inode_get(inode) : NULL;
	count(t, e, 1);
	inode_put(old);
	return 0;
}

void dirtab_remove(struct dirtab *t, const char *name, uint32_t len)
{
	struct dirtab_entry **at, *e;

	if (!t->buckets)
		return;
	at = find_slot(t, name, len, hash_bytes(name, len));
	e = *at;
	if (!e)
		return;
	*at = e->hash_next;
	count(t, e, -1);
	list_remove(&e->link);
	inode_put(e->inode);
	mem_free(e);
}
