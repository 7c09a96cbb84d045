/*
 * A guest that makes random system calls, typed by the call table. The same seed gives the same calls to the same thread.
 *
 *   syscalls.c  options, and the supervisor that starts, watches and ends the processes that fuzz
 *   worker.c    a process that fuzzes: its threads and their calls
 *   table.c     what the call table says: rows, kinds of arguments
 *   values.c    a value for an argument of each kind
 *   structs.c   structures in memory, for kinds that are addresses
 *   arena.c     the memory that addresses point at, good and bad
 *   pool.c      descriptors and paths
 */
#ifndef FUZZ_GUEST_H
#define FUZZ_GUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sentry/trace/names.h"

#define THREADS_MAX 16
#define PROCESSES 2
#define ARGS 6
#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

enum kind {
	KIND_END,
#define KIND(name, direction, formatter, names) KIND_##name,
#include "sentry/syscalls/kinds.def"
#undef KIND
};
enum direction { DIRECTION_VALUE, DIRECTION_IN, DIRECTION_OUT, DIRECTION_INOUT };
struct kind_info {
	const char *name;
	enum direction direction;
	const struct name_set *names;
};
struct argument {
	enum kind kind;
	int selector; /* another argument's index, or -1 */
};
struct row {
	int nr;
	const char *name;
	bool refused;
	struct argument arg[ARGS];
};
extern const struct kind_info kinds[];
extern const struct row rows[];
extern const size_t row_count;

struct options {
	uint64_t seed;
	unsigned calls, threads, rounds;
	bool verbose;
	const char *only; /* names with commas around them; NULL: all */
};
extern struct options options;

/* What the supervisor sees of a thread; shared between the processes, and not believed: a fuzzer may write anything here. */
struct progress {
	_Atomic uint32_t calls;
	_Atomic int tid;
};
extern struct progress (*progress)[THREADS_MAX];

/* A thread's own state. */
struct gen {
	uint64_t state;
	int process, thread;
	uint64_t arg[ARGS]; /* of the call that is being made up, from the last argument down */
	int made_fd;        /* the last result that may be a descriptor */
};

uint64_t draw(struct gen *);                /* 64 random bits */
uint32_t below(struct gen *, uint32_t n);   /* from 0 to n - 1 */
static inline bool one_in(struct gen *g, uint32_t n) { return below(g, n) == 0; }
uint64_t mix(uint64_t seed, uint64_t with); /* a seed from a seed */

uint64_t value_of(struct gen *, const struct row *, int index);
uint64_t value_size(struct gen *);
uint64_t value_edge(struct gen *);
uint64_t value_fd(struct gen *);
uint64_t value_pid(struct gen *);
uint64_t value_signal(struct gen *);
uint64_t value_named(struct gen *, const struct name_set *);

/* The address of a structure of this kind, or a bad one. */
uint64_t struct_of(struct gen *, enum kind, uint64_t selector);

void arena_make(void);
bool arena_mend(const void *fault); /* from a handler of SIGSEGV: true when the fault was in the arena, which is whole again */
uint64_t arena_put(struct gen *, const void *bytes, size_t size); /* where they are now; perhaps at an edge, or partly in a hole */
uint64_t arena_noise(struct gen *, size_t size);                  /* random words */
uint64_t arena_bad(struct gen *);                                 /* an address that is good for nothing */
uint64_t arena_page(struct gen *);                                /* the start of a page of it, or of a hole beside it */

void pool_make(void);                    /* files and folders of the current folder */
void pool_open(void);                    /* this process' descriptors */
int pool_fd(struct gen *);
const char *pool_path(struct gen *);     /* static */

_Noreturn void worker_main(int process, uint64_t seed);
extern _Atomic int worker_pid[PROCESSES + 8]; /* pids that calls may name */
#endif
