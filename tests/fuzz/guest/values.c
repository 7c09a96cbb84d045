/* A value for an argument, by its kind: mostly one that makes sense, so that calls come far, and often enough one that does not. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

uint64_t mix(uint64_t seed, uint64_t with)
{
	uint64_t z = seed + (with + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) | 1;
}

uint64_t draw(struct gen *g)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return g->state * 0x2545f4914f6cdd1d;
}

uint32_t below(struct gen *g, uint32_t n) { return n ? (uint32_t)((draw(g) >> 32) * n >> 32) : 0; }

uint64_t value_edge(struct gen *g)
{
	static const int64_t edges[] = {
		0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 4097, 8192, 65535, 65536, 1 << 20, 0x7ffff000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, -1, -2, -100, -4095, -4096, INT64_MAX, INT64_MIN, INT64_MAX - 4095, 1l << 40, 1l << 47,
	};

	switch (below(g, 8)) {
	case 0:
		return draw(g);
	case 1:
		return 1ul << below(g, 64);
	case 2:
	case 3:
		return below(g, 64);
	case 4:
		return arena_page(g);
	default:
		return (uint64_t)edges[below(g, LENGTH(edges))];
	}
}

uint64_t value_size(struct gen *g)
{
	static const uint32_t usual[] = { 0, 1, 4, 8, 12, 16, 24, 32, 64, 88, 100, 128, 255, 256, 1000, 4095, 4096, 4097, 8192, 16384, 65536, 131072 };

	return one_in(g, 6) ? value_edge(g) : usual[below(g, LENGTH(usual))];
}

uint64_t value_fd(struct gen *g)
{
	static const int odd[] = { -1, 0, 1, 2, 1000, 1 << 20, INT32_MAX, INT32_MIN, -100 };

	switch (below(g, 12)) {
	case 0:
		return (uint64_t)odd[below(g, LENGTH(odd))];
	case 1:
		return 3 + below(g, 100);
	case 2:
		return (uint64_t)g->made_fd | (one_in(g, 8) ? 0xdead00000000 : 0);
	default:
		return (uint64_t)pool_fd(g);
	}
}

uint64_t value_pid(struct gen *g)
{
	static const int odd[] = { 0, -1, 2, 99999, INT32_MAX, INT32_MIN, -2 };
	uint32_t n = below(g, 16);

	if (n == 0)
		return (uint64_t)odd[below(g, LENGTH(odd))];
	if (n == 1)
		return (uint64_t)-(int64_t)worker_pid[below(g, LENGTH(worker_pid))];
	if (n < 4)
		return (uint64_t)progress[below(g, PROCESSES)][below(g, options.threads)].tid;
	return (uint64_t)worker_pid[below(g, LENGTH(worker_pid))];
}

uint64_t value_signal(struct gen *g)
{
	static const int mild[] = { 0, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGIO, SIGWINCH, SIGURG, SIGCONT, 34, 40, 64 };

	return one_in(g, 8) ? below(g, 70) : (uint64_t)mild[below(g, LENGTH(mild))];
}

static size_t name_count(const struct name_set *s)
{
	size_t n = 0;

	while (s->rows[n].name)
		n++;
	return n;
}

/* One to three of the set's rows; now and then a bit that nobody knows. */
uint64_t value_named(struct gen *g, const struct name_set *set)
{
	uint32_t n = (uint32_t)name_count(set), some = 1 + below(g, 3);
	bool is_enum = n && set->rows[0].mask == 0xffffffffu;
	uint64_t v = 0;

	if (!n || one_in(g, 16))
		return value_edge(g);
	if (!is_enum && one_in(g, 5))
		return 0;
	for (uint32_t i = 0; i < (is_enum ? 1 : some); i++)
		v |= set->rows[below(g, n)].value;
	return one_in(g, 24) ? v | 1ul << below(g, 64) : v;
}

static uint64_t value_int(struct gen *g) { return one_in(g, 5) ? value_edge(g) : below(g, 17); }

/* NULL for a kind that is an address, or has names. */
static uint64_t (*const by_kind[])(struct gen *) = {
	[KIND_INT] = value_int, [KIND_UINT] = value_int, [KIND_LONG] = value_int, [KIND_SIZE] = value_size, [KIND_OFF] = value_size, [KIND_HEX32] = value_int,
	[KIND_FD] = value_fd, [KIND_PID] = value_pid, [KIND_SIGNO] = value_signal, [KIND_UID] = value_int, [KIND_DEV] = value_edge, [KIND_SPARE] = draw,
	[KIND_IOCTL_ARG] = NULL,
};

static bool is_address_argument(struct gen *g, enum kind k)
{
	return k == KIND_IOCTL_ARG || k == KIND_PRCTL_ARG || k == KIND_FCNTL_ARG || k == KIND_FUTEX_TIMEOUT ? !one_in(g, 3) : k == KIND_HEXNUM && one_in(g, 2);
}

uint64_t value_of(struct gen *g, const struct row *row, int index)
{
	const struct argument *a = &row->arg[index];
	const struct kind_info *k = &kinds[a->kind];

	if (a->kind == KIND_AT_FD)
		return one_in(g, 2) ? (uint64_t)AT_FDCWD : value_fd(g);
	if (a->kind == KIND_MODE || a->kind == KIND_MODE_TYPE || a->kind == KIND_OPEN_MODE)
		return one_in(g, 4) ? value_edge(g) : below(g, 0200000);
	if (a->kind == KIND_ADDR)
		return one_in(g, 8) ? arena_bad(g) : one_in(g, 2) ? arena_page(g) : arena_noise(g, 256);
	if (k->direction != DIRECTION_VALUE || is_address_argument(g, a->kind))
		return struct_of(g, a->kind, a->selector >= 0 ? g->arg[a->selector] : 0);
	if (a->kind < LENGTH(by_kind) && by_kind[a->kind])
		return by_kind[a->kind](g);
	return k->names != &names_none ? value_named(g, k->names) : a->kind == KIND_SOCKOPT ? below(g, 80) : value_edge(g);
}
