/* File handles: see handle.h. */
#include "sentry/fs/handle.h"

#include <errno.h>
#include <stddef.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/vfs.h"

#define BUCKETS 256u

/* What inode->handle leads to. */
struct handle {
	struct inode_part part;
	struct inode *inode;       /* no reference: ends with the inode */
	struct super *super;       /* immutable; compared only */
	uint64_t ino;
	uint32_t generation;
	/* protected by table_lock */
	struct handle *next;
	struct dentry *kept;       /* referenced, and with it the inode; NULL: not kept */
	struct list kept_link;     /* on kept_list */
};

/* One table for the process, as there is one kernel. */
static struct lock table_lock = LOCK_INIT(RANK_SOCKET_NAMES, "file handles");
static struct handle *table[BUCKETS];
static struct list kept_list = LIST_INIT(kept_list); /* the longest kept first */
static int kept_count;

static struct handle **bucket(const struct super *s, uint64_t ino)
{
	return &table[hash_u64(ino, (uintptr_t)s) % BUCKETS];
}

/* table_lock held. The reference that the caller is to drop when the lock is not held, or NULL. */
static struct dentry *let_go(struct handle *h)
{
	struct dentry *d = h->kept;

	if (!d)
		return NULL;
	h->kept = NULL;
	list_remove(&h->kept_link);
	kept_count--;
	return d;
}

static void handle_free(struct inode_part *part)
{
	struct handle *h = container_of(part, struct handle, part), **at;

	lock_take(&table_lock);
	for (at = bucket(h->super, h->ino); *at; at = &(*at)->next) {
		if (*at == h) {
			*at = h->next;
			break;
		}
	}
	lock_drop(&table_lock);
	mem_free(h);
}

static struct handle *handle_of(struct inode *i)
{
	void *seen = atomic_load(&i->handle);
	struct handle *h;

	if (seen)
		return seen;
	h = mem_zalloc(sizeof(*h));
	if (!h || getrandom(&h->generation, sizeof(h->generation), 0) != sizeof(h->generation)) {
		mem_free(h);
		return NULL;
	}
	h->part.free = handle_free;
	h->inode = i;
	h->super = i->super;
	h->ino = i->attr.ino;
	list_init(&h->kept_link);
	if (!atomic_compare_exchange_strong(&i->handle, &seen, (void *)h)) {
		mem_free(h);
		return seen;
	}
	LOCK_GUARD(&table_lock);
	h->next = *bucket(h->super, h->ino);
	*bucket(h->super, h->ino) = h;
	return h;
}

/* Keeps the name that the handle was made from; the one that was kept longest may have to go. */
static void keep(struct handle *h, struct dentry *d)
{
	struct dentry *gone = NULL;

	lock_take(&table_lock);
	if (!h->kept && !atomic_load(&d->unlinked)) {
		h->kept = dentry_get(d);
		list_push_back(&kept_list, &h->kept_link);
		if (++kept_count > HANDLES_KEPT)
			gone = let_go(list_first(&kept_list, struct handle, kept_link));
	}
	lock_drop(&table_lock);
	dentry_put(gone);
}

static void put_number(uint64_t ino, struct handle_bytes *out)
{
	out->ino[0] = (uint32_t)ino;
	out->ino[1] = (uint32_t)(ino >> 32);
}

int handle_make(const struct path *p, struct handle_bytes *out)
{
	struct inode *i = path_inode(p);
	struct handle *h;

	if (!i->super->handles)
		return -EOPNOTSUPP;
	h = handle_of(i);
	if (!h)
		return -ENOMEM;
	keep(h, p->dentry);
	out->generation = h->generation;
	put_number(h->ino, out);
	return 0;
}

void handle_identity(const struct path *p, struct handle_bytes *out)
{
	out->generation = 0;
	put_number(path_inode(p)->attr.ino, out);
}

/* The inode and, where it is kept, the name; both referenced. */
static struct inode *look_up(struct super *s, const struct handle_bytes *b, struct dentry **d)
{
	uint64_t ino = b->ino[0] | (uint64_t)b->ino[1] << 32;

	LOCK_GUARD(&table_lock);
	for (struct handle *h = *bucket(s, ino); h; h = h->next) {
		if (h->super != s || h->ino != ino || h->generation != b->generation || !ref_get_unless_zero(&h->inode->ref))
			continue;
		*d = h->kept ? dentry_get(h->kept) : NULL;
		return h->inode;
	}
	return NULL;
}

int handle_find(struct mount *m, const struct handle_bytes *b, struct path *out)
{
	struct dentry *d = NULL;
	struct inode *i = look_up(m->super, b, &d);
	int ret = 0;

	if (!i)
		return -ESTALE;
	/* Without a name there is no telling where it lies: only a mount of the whole file system has it for certain. */
	if (d ? !dentry_is_below(d, m->root) : m->root->inode != m->super->root)
		ret = -ESTALE;
	if (ret == 0 && !d) {
		d = dentry_new(NULL, "", 0, i);
		if (d)
			atomic_store(&d->unlinked, true);
		else
			ret = -ENOMEM;
	}
	inode_put(i);
	if (ret < 0) {
		dentry_put(d);
		return ret;
	}
	*out = (struct path){ .mount = mount_get(m), .dentry = d };
	return 0;
}

void handle_unlinked_slow(struct inode *i)
{
	struct handle *h = atomic_load(&i->handle);
	struct dentry *gone;

	lock_take(&table_lock);
	gone = let_go(h);
	lock_drop(&table_lock);
	dentry_put(gone);
}
