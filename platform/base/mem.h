/*
 * Allocation. Every allocation of the project goes through here, so that a test can make the Nth one fail
 * (PICKET_FAIL_ALLOC=N in debug builds, or mem_fail_after()). All return NULL when memory is out: the caller turns
 * that into -ENOMEM.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t n);                       /* contents undefined */
void *mem_zalloc(size_t n);                      /* zeroed */
void *mem_calloc(size_t count, size_t size);     /* zeroed; NULL on overflow too */
void *mem_realloc(void *p, size_t n);            /* on failure p is untouched */
void *mem_realloc_array(void *p, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *mem_dup(const void *p, size_t n);
void mem_free(void *p);

/*
 * One arena for all threads, from now on. For processes that lock themselves down: freeing in a further arena makes the C library open a file
 * in /proc. It also keeps an idle process small. Called before threads are made.
 */
void mem_single_arena(void);
/*
 * Makes the program's data and the next pages of its heap resident at once, instead of by a page fault each. After the last fork, which would
 * make every one of them fault again.
 */
void mem_warm_up(void);

/* Makes the allocation that comes `n` calls from now fail (1: the next one); 0 turns it off. Debug builds only. */
void mem_fail_after(uint64_t n);
/* Live allocations of this process, for baseline checks. Debug builds only; 0 otherwise. */
uint64_t mem_live(void);

static inline void mem_free_cleanup(void *pp)
{
	mem_free(*(void **)pp);
}
#define AUTO_FREE __attribute__((cleanup(mem_free_cleanup)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
