/* Limits of filesystems in memory: see memquota.h. */
#include "sentry/fs/memquota.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi/stat.h"
#include "sentry/kernel/kernel.h"

#define BLOCK 4096u
#define NAME_COST 1024 /* about what an inode, its dentry and its place in a directory take */
#define UNKNOWN_BLOCKS (1u << 21)
#define UNKNOWN_NAMES (1u << 20)

void memquota_init(struct memquota *q, struct kernel *k, uint64_t size)
{
	uint64_t machine = k ? kernel_machine_memory(k) : 0;

	*q = (struct memquota){ .k = k, .limit = size, .max_names = machine / BLOCK / 2 };
	if (!size)
		q->limit = machine / 2 / BLOCK * BLOCK;
	if (k && k->spec && !k->spec->memory_limit)
		q->pool = machine / 2;
}

/* What the pool has left for everybody; INT64_MAX: there is none, the sandbox's own limit is asked. */
static int64_t pool_left(const struct memquota *q)
{
	return q->pool ? (int64_t)q->pool - atomic_load_explicit(&q->k->file_bytes, memory_order_relaxed) : INT64_MAX;
}

int memquota_charge(struct memquota *q, int64_t bytes)
{
	int64_t now;

	if (bytes == 0)
		return 0;
	now = atomic_fetch_add(&q->used, bytes) + bytes;
	if (bytes > 0 && ((q->limit && now > (int64_t)q->limit) || bytes > pool_left(q) || (q->k && memory_charge(q->k, bytes) < 0))) {
		atomic_fetch_sub(&q->used, bytes);
		return -ENOSPC;
	}
	if (bytes < 0 && q->k)
		memory_charge(q->k, bytes);
	if (q->k)
		atomic_fetch_add_explicit(&q->k->file_bytes, bytes, memory_order_relaxed);
	return 0;
}

int memquota_charge_names(struct memquota *q, int64_t names)
{
	int64_t now = atomic_fetch_add(&q->names, names) + names;
	bool full = names > 0 && q->max_names && now > (int64_t)q->max_names;

	if (full || (q->k && memory_charge(q->k, names * NAME_COST) < 0)) {
		atomic_fetch_sub(&q->names, names);
		return -ENOSPC;
	}
	return 0;
}

void memquota_statfs(const struct memquota *q, struct lx_statfs *out)
{
	int64_t used = atomic_load(&q->used) / BLOCK + 1; /* the root itself */
	int64_t pool = pool_left(q) / BLOCK, names = atomic_load(&q->names);
	int64_t blocks = q->limit ? (int64_t)(q->limit / BLOCK) : UNKNOWN_BLOCKS, left = blocks > used ? blocks - used : 0;

	if (left > pool)
		left = pool > 0 ? pool : 0;
	out->f_blocks = (uint64_t)blocks;
	out->f_bfree = out->f_bavail = (uint64_t)left;
	out->f_files = q->max_names ? q->max_names : UNKNOWN_NAMES;
	out->f_ffree = out->f_files > (uint64_t)names ? out->f_files - (uint64_t)names : 0;
}
