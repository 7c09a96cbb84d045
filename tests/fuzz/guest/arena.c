/*
 * Memory that arguments point at: pages to write, a hole, pages to read, a hole, shared pages. The guest's calls may unmap, protect or
 * move any of it: the handler of SIGSEGV puts it back.
 */
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

#define PAGE 4096ul
#define BASE 0x200000000ul
#define RW_PAGES 32ul
#define RO_AT (BASE + (RW_PAGES + 1) * PAGE)
#define RO_PAGES 4ul
#define SHARED_AT (RO_AT + (RO_PAGES + 1) * PAGE)
#define SHARED_PAGES 4ul
#define END (SHARED_AT + (SHARED_PAGES + 1) * PAGE)

static void map(uint64_t at, uint64_t pages, int prot, int flags)
{
	mmap((void *)at, pages * PAGE, prot, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void arena_make(void)
{
	map(BASE, RW_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	map(RO_AT, RO_PAGES, PROT_READ, MAP_PRIVATE);
	map(SHARED_AT, SHARED_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
}

bool arena_mend(const void *fault)
{
	uint64_t at = (uint64_t)fault;

	if (at < BASE || at >= BASE + RW_PAGES * PAGE)
		return false;
	map(BASE, RW_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	return true;
}

uint64_t arena_put(struct gen *g, const void *bytes, size_t size)
{
	const uint64_t end = BASE + RW_PAGES * PAGE;
	uint64_t at;

	if (size > 16 * PAGE)
		size = 16 * PAGE;
	switch (below(g, 16)) {
	case 0: /* up to the last byte */
	case 1:
		at = end - size;
		break;
	case 2: /* across the edge */
		at = end - size + 1 + below(g, (uint32_t)size + 1);
		break;
	case 3: /* across two good pages, or not aligned */
		at = BASE + PAGE * (1 + below(g, 12)) - below(g, (uint32_t)size + 1);
		break;
	default:
		at = BASE + below(g, (uint32_t)((RW_PAGES * PAGE - size) / 16)) * 16;
	}
	if (at < end)
		memcpy((void *)at, bytes, at + size > end ? end - at : size);
	return at;
}

uint64_t arena_noise(struct gen *g, size_t size)
{
	uint64_t words[64];

	if (size > sizeof(words))
		return BASE + below(g, RW_PAGES * PAGE / 2);
	for (size_t i = 0; i * 8 < size; i++)
		words[i] = value_edge(g);
	return arena_put(g, words, size);
}

uint64_t arena_bad(struct gen *g)
{
	static const uint64_t bad[] = {
		0, 1, 8, 0xfff, 0x1000, BASE - 8, BASE + RW_PAGES * PAGE, RO_AT, RO_AT + 8, END, 0x7ffffffff000, 0x7fffffffeff8, 0x7fffffffefff,
		0x800000000000, 0xffff800000000000, 0xffffffff81000000, 0xffffffffff600000, UINT64_MAX, UINT64_MAX - 7, 1ul << 63,
	};

	return bad[below(g, LENGTH(bad))];
}

uint64_t arena_page(struct gen *g)
{
	return BASE - PAGE + below(g, (END - BASE) / PAGE + 2) * PAGE + (one_in(g, 12) ? below(g, PAGE) : 0);
}
