/*
 * The integer types of the Linux system call interface, as programs on 64-bit architectures see them. All in this
 * folder is prefixed lx_ or LX_, so that a file may include it beside the host's headers.
 */
#ifndef ABI_TYPES_H
#define ABI_TYPES_H

#include <stdint.h>

typedef uint64_t lx_dev_t;  /* as stat shows it: major and minor interleaved, see lx_makedev() */
typedef uint64_t lx_ino_t;
typedef int64_t lx_off_t;
typedef uint32_t lx_uid_t;
typedef uint32_t lx_gid_t;
typedef int32_t lx_pid_t;
typedef uint64_t lx_sigset_t; /* bit n-1 is signal n */
typedef uint64_t lx_ptr_t;    /* an address in a structure: never a pointer here */

#define LX_PAGE_SHIFT 12
#define LX_PAGE_SIZE 4096u
#define LX_PAGE_MASK (~(uint64_t)(LX_PAGE_SIZE - 1))

#define LX_PATH_MAX 4096 /* with its NUL */
#define LX_NAME_MAX 255
#define LX_ARG_MAX_STRLEN (32 * LX_PAGE_SIZE) /* one string of argv or envp, with its NUL */

/* New device encoding: 12 bits of major, 20 of minor, the lower 32 as stat gives them on every architecture. */
static inline lx_dev_t lx_makedev(uint32_t major, uint32_t minor)
{
	return ((uint64_t)(major & 0xfffff000u) << 32) | ((uint64_t)(major & 0xfffu) << 8) |
	       ((uint64_t)(minor & 0xffffff00u) << 12) | (minor & 0xffu);
}

static inline uint32_t lx_major(lx_dev_t dev)
{
	return (uint32_t)((dev >> 8) & 0xfff) | ((uint32_t)(dev >> 32) & 0xfffff000u);
}

static inline uint32_t lx_minor(lx_dev_t dev)
{
	return (uint32_t)(dev & 0xff) | ((uint32_t)(dev >> 12) & 0xffffff00u);
}

#endif
