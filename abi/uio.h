/* readv(2), preadv2(2), process_vm_readv(2). */
#ifndef ABI_UIO_H
#define ABI_UIO_H

#include <stdint.h>

struct lx_iovec {
	uint64_t iov_base;
	uint64_t iov_len;
};
_Static_assert(sizeof(struct lx_iovec) == 16, "struct iovec");
#define LX_UIO_MAXIOV 1024
/* The most that one read or write moves: INT_MAX cut to a page. Longer requests are shortened, not refused. */
#define LX_MAX_RW_COUNT 0x7ffff000

#define LX_RWF_HIPRI 0x01
#define LX_RWF_DSYNC 0x02
#define LX_RWF_SYNC 0x04
#define LX_RWF_NOWAIT 0x08
#define LX_RWF_APPEND 0x10
#define LX_RWF_NOAPPEND 0x20
#define LX_RWF_ATOMIC 0x40

#endif
