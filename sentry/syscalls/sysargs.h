/*
 * The arguments of a guest's system call, and how a handler takes them apart.
 *
 * A register holds 64 bits whatever the argument's type: what an `int` argument leaves in its upper half is undefined by the
 * calling convention, so that each argument is cut to its type here, once, by the accessor that names the type.
 */
#ifndef SENTRY_SYSCALLS_SYSARGS_H
#define SENTRY_SYSCALLS_SYSARGS_H

#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

struct task;

struct sysargs {
	uint64_t v[6]; /* as they stood in the registers */
	int32_t nr;
	uint64_t ip;   /* of the instruction after the call */
	uint64_t sp;   /* 0 where the trap does not tell */
};

/* Returns a value, or a negative errno; restart codes live between a handler and the dispatcher only. */
typedef int64_t syscall_handler(struct task *, const struct sysargs *);

static inline int32_t arg_int(const struct sysargs *a, int i)
{
	return (int32_t)a->v[i];
}

static inline uint32_t arg_u32(const struct sysargs *a, int i)
{
	return (uint32_t)a->v[i];
}

static inline int64_t arg_long(const struct sysargs *a, int i)
{
	return (int64_t)a->v[i];
}

static inline uint64_t arg_u64(const struct sysargs *a, int i)
{
	return a->v[i];
}

/* A file descriptor. Linux takes it as unsigned int in some calls and as int in others: a negative one is EBADF in both. */
static inline int arg_fd(const struct sysargs *a, int i)
{
	return (int32_t)a->v[i];
}

static inline int32_t arg_pid(const struct sysargs *a, int i)
{
	return (int32_t)a->v[i];
}

static inline uint32_t arg_uid(const struct sysargs *a, int i)
{
	return (uint32_t)a->v[i];
}

/* A file mode (umode_t): 16 bits. */
static inline uint32_t arg_mode(const struct sysargs *a, int i)
{
	return (uint16_t)a->v[i];
}

static inline size_t arg_size(const struct sysargs *a, int i)
{
	return (size_t)a->v[i];
}

static inline int64_t arg_off(const struct sysargs *a, int i)
{
	return (int64_t)a->v[i];
}

static inline uaddr_t arg_addr(const struct sysargs *a, int i)
{
	return (uaddr_t){ a->v[i] };
}

#endif
