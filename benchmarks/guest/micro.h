/* What the files of the micro benchmarks share: a work is one kind of operation, made n times. */
#ifndef BENCHMARKS_MICRO_H
#define BENCHMARKS_MICRO_H

#include <stdint.h>
#include <sys/types.h>

struct work {
	const char *name;
	void (*run)(long n);
	const char *what;
};

/* Each ends with a row whose name is NULL. */
extern const struct work call_works[], file_works[], ipc_works[], grow_works[], command_works[];
extern char **micro_args;                              /* the words after the work's name; ends with NULL */

int64_t now(void);                                     /* monotonic ns */
_Noreturn void die(const char *what);                  /* says errno */
const char *argument(int n, const char *fallback);     /* word n after the work's name */
long number(int n, long fallback);
void reap(pid_t pid);                                  /* must exit with 0 */

#endif
