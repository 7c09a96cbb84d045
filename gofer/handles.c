/* The table of handles. A number is an index and the generation of that slot, so that a stale one is noticed. */
#include "gofer/handles.h"

#include "base/host.h"
#include "base/mem.h"

#define INDEX_BITS	18
#define INDEX_MASK	((1u << INDEX_BITS) - 1)
#define GENERATION_MASK ((1u << (32 - INDEX_BITS)) - 1)

int handles_init(struct handles *hs, uint32_t max)
{
	if (max > INDEX_MASK)
		max = INDEX_MASK;
	*hs = (struct handles){ .max = max };
	lock_init(&hs->lock, RANK_GOFER, "gofer handles");
	hs->table = mem_calloc((size_t)max + 1, sizeof(*hs->table));
	return hs->table ? 0 : -ENOMEM;
}

void handles_destroy(struct handles *hs)
{
	for (uint32_t i = 1; i <= hs->used; i++) {
		if (hs->table[i].live)
			host_close(&hs->table[i].fd);
	}
	mem_free(hs->table);
	hs->table = NULL;
}

static uint32_t take_slot(struct handles *hs)
{
	uint32_t i = hs->free;

	if (i) {
		hs->free = hs->table[i].next_free;
		return i;
	}
	return hs->used < hs->max ? ++hs->used : 0;
}

int64_t handles_add(struct handles *hs, const struct handle *h)
{
	int fd = h->fd;

	{
		LOCK_GUARD(&hs->lock);
		uint32_t i = take_slot(hs);

		if (i) {
			uint32_t generation = hs->table[i].generation;

			hs->table[i] = *h;
			hs->table[i].generation = generation;
			hs->table[i].users = 1;
			hs->table[i].live = true;
			return (int64_t)((generation << INDEX_BITS) | i);
		}
	}
	host_close(&fd);
	return -ENFILE;
}

static struct handle *find(struct handles *hs, uint32_t number)
{
	uint32_t i = number & INDEX_MASK;
	struct handle *h;

	lock_assert_held(&hs->lock);
	if (i == 0 || i > hs->used)
		return NULL;
	h = &hs->table[i];
	return h->live && h->generation == number >> INDEX_BITS ? h : NULL;
}

struct handle *handles_get(struct handles *hs, uint32_t number)
{
	LOCK_GUARD(&hs->lock);
	struct handle *h = find(hs, number);

	if (h)
		h->users++;
	return h;
}

/* Drops a use; the fd to close if it was the last, else -1. */
static int drop(struct handles *hs, struct handle *h)
{
	int fd;

	lock_assert_held(&hs->lock);
	if (--h->users)
		return -1;
	fd = h->fd;
	h->fd = -1;
	h->generation = (h->generation + 1) & GENERATION_MASK;
	h->next_free = hs->free;
	hs->free = (uint32_t)(h - hs->table);
	return fd;
}

void handles_put(struct handles *hs, struct handle *h)
{
	int fd;

	lock_take(&hs->lock);
	fd = drop(hs, h);
	lock_drop(&hs->lock);
	host_close(&fd);
}

void handles_close(struct handles *hs, uint32_t number)
{
	struct handle *h;
	int fd = -1;

	lock_take(&hs->lock);
	h = find(hs, number);
	if (h) {
		h->live = false;
		fd = drop(hs, h);
	}
	lock_drop(&hs->lock);
	host_close(&fd);
}
