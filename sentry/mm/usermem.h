/*
 * Guest memory, for handlers. The only functions of the sentry that turn a guest address into bytes. All copy once: judge the copy.
 * Return 0 or the length, -EFAULT when any byte could not be copied.
 */
#ifndef SENTRY_MM_USERMEM_H
#define SENTRY_MM_USERMEM_H

#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

struct task;

#define LX_PATH_MAX 4096
#define LX_IOV_MAX 1024

int copy_in(struct task *, void *dst, uaddr_t src, size_t n);
int copy_out(struct task *, uaddr_t dst, const void *src, size_t n);
/* As far as it goes: bytes copied, or -EFAULT for none. */
int64_t copy_in_some(struct task *, void *dst, uaddr_t src, size_t n);
int64_t copy_out_some(struct task *, uaddr_t dst, const void *src, size_t n);
int clear_out(struct task *, uaddr_t dst, size_t n);
/* A string with its NUL. Length without it; -EFAULT; -ENAMETOOLONG when there is no NUL in `cap` bytes. */
int64_t copy_in_str(struct task *, char *dst, uaddr_t src, size_t cap);
/* A structure whose size the caller states (clone3, openat2, statx…): longer than ours must be zero beyond (-E2BIG), shorter is zero-filled. */
int copy_in_struct(struct task *, void *dst, size_t ours, uaddr_t src, size_t theirs);

static inline uaddr_t uaddr(uint64_t v)
{
	return (uaddr_t){ v };
}
static inline uaddr_t uaddr_add(uaddr_t a, uint64_t n)
{
	return (uaddr_t){ a.v + n };
}
static inline int uaddr_null(uaddr_t a)
{
	return a.v == 0;
}

#endif
