/* Mappings of host files to read from: see filemap.h. One pool for the process, bounded, least recently used go first. */
#include "sentry/fs/filemap.h"

#include <stdbool.h>
#include <sched.h>
#include <sys/mman.h>

#include "abi/types.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/mem.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/uio.h"

#define CHUNK_SHIFT 16                    /* what is known to be cached is kept by 64 KiB */
#define CHUNK_COUNT(len) (((len) + (1ull << CHUNK_SHIFT) - 1) >> CHUNK_SHIFT)
#define HOT_BYTES (64u << 10)             /* read by calls before a mapping is worth its making */
#define MAP_MAX (1ll << 32)               /* larger files are read by calls beyond this */
#define POOL_MAX 2048                     /* mappings: the host allows a process 65,530 */

struct filemap {
	struct filemap_slot *slot; /* whose it is */
	char *base;
	uint64_t len;
	struct list lru;
	uint32_t users;            /* copies under way */
	uint64_t seen[];           /* a bit a chunk */
};

/* A cache like malloc's arena: of the process, not of the kernel that runs in it. Everything in it is protected by lock. */
static struct {
	struct lock lock;
	struct list lru;           /* of filemap.lru, the oldest first */
	int count;
} pool = { .lock = LOCK_INIT(RANK_FILEMAP, "filemaps"), .lru = { &pool.lru, &pool.lru } };

static bool all_seen(const struct filemap *m, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++)
		if (!(m->seen[i / 64] >> (i % 64) & 1))
			return false;
	return true;
}

/* The pool's lock is held; nobody uses it. */
static void unmap(struct filemap *m)
{
	lock_assert_held(&pool.lock);
	m->slot->map = NULL;
	list_remove(&m->lru);
	pool.count--;
	munmap(m->base, m->len);
	mem_free(m);
}

static void evict_one(void)
{
	struct filemap *m;

	list_for_each(m, &pool.lru, lru) {
		if (m->users)
			continue;
		unmap(m);
		return;
	}
}

static void make(struct filemap_slot *slot, int fd, uint64_t len)
{
	struct filemap *m = mem_zalloc(sizeof(*m) + (CHUNK_COUNT(len) + 63) / 64 * 8);
	char *base = m ? mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (base == MAP_FAILED) {
		mem_free(m);
		return;
	}
	if (pool.count >= POOL_MAX)
		evict_one();
	*m = (struct filemap){ .slot = slot, .base = base, .len = len };
	list_push_back(&pool.lru, &m->lru);
	pool.count++;
	slot->map = m;
}

void filemap_seen(struct filemap_slot *slot, int fd, int64_t size, int64_t pos, uint64_t n)
{
	uint64_t end = (uint64_t)pos + n;

	if (n == 0 || sched_on_tracer())
		return;
	if (atomic_load_explicit(&slot->heat, memory_order_relaxed) < HOT_BYTES) {
		atomic_fetch_add_explicit(&slot->heat, n < HOT_BYTES ? (uint32_t)n : HOT_BYTES, memory_order_relaxed);
		return;
	}
	if (size > MAP_MAX)
		size = MAP_MAX;
	LOCK_GUARD(&pool.lock);
	/* A file that has grown is mapped anew when it has doubled: not at each append. */
	if (slot->map && end > slot->map->len && (uint64_t)size >= 2 * slot->map->len && !slot->map->users)
		unmap(slot->map);
	if (!slot->map && size > 0)
		make(slot, fd, (uint64_t)size);
	if (!slot->map)
		return;
	if (end > slot->map->len)
		end = slot->map->len;
	for (uint64_t i = (uint64_t)pos >> CHUNK_SHIFT; i < CHUNK_COUNT(end); i++)
		slot->map->seen[i / 64] |= 1ull << (i % 64);
}

/* The mapping, kept from going, if [pos, pos + n) can be read through it. */
static struct filemap *borrow(struct filemap_slot *slot, uint64_t pos, uint64_t n)
{
	struct filemap *m;

	LOCK_GUARD(&pool.lock);
	m = slot->map;
	if (!m || pos + n > m->len || !all_seen(m, pos >> CHUNK_SHIFT, (pos + n - 1) >> CHUNK_SHIFT))
		return NULL;
	m->users++;
	list_remove(&m->lru);
	list_push_back(&pool.lru, &m->lru);
	return m;
}

static void give_back(struct filemap *m)
{
	LOCK_GUARD(&pool.lock);
	m->users--;
}

int64_t filemap_read(struct filemap_slot *slot, int64_t pos, uint64_t n, struct uio *u)
{
	struct filemap *m;
	int64_t done;

	/* A quick call's small copies must not come from memory that can fault (platform.h); plain reads do as well. */
	if (u->t && u->t->quick && n <= LX_PAGE_SIZE)
		return 0;
	if (!u->t || n == 0 || atomic_load_explicit(&slot->heat, memory_order_relaxed) < HOT_BYTES || sched_on_tracer())
		return 0;
	m = borrow(slot, (uint64_t)pos, n);
	if (!m)
		return 0;
	done = uio_put(u, m->base + pos, n);
	give_back(m);
	return done > 0 ? done : 0;
}

void filemap_drop(struct filemap_slot *slot)
{
	for (;;) {
		lock_take(&pool.lock);
		if (slot->map && !slot->map->users)
			unmap(slot->map);
		bool busy = slot->map != NULL;

		lock_drop(&pool.lock);
		if (!busy)
			return;
		sched_yield(); /* a copy of another worker, which ends by itself */
	}
}
