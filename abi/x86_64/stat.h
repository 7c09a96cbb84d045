/* struct stat of x86-64. */
#ifndef ABI_X86_64_STAT_H
#define ABI_X86_64_STAT_H

#include <stdint.h>

struct lx_stat {
	uint64_t st_dev;
	uint64_t st_ino;
	uint64_t st_nlink;
	uint32_t st_mode;
	uint32_t st_uid;
	uint32_t st_gid;
	uint32_t pad0;
	uint64_t st_rdev;
	int64_t st_size;
	int64_t st_blksize;
	int64_t st_blocks; /* of 512 bytes */
	uint64_t st_atime_sec; /* not st_atime: a macro in the host's header */
	uint64_t st_atime_nsec;
	uint64_t st_mtime_sec;
	uint64_t st_mtime_nsec;
	uint64_t st_ctime_sec;
	uint64_t st_ctime_nsec;
	int64_t reserved[3];
};
_Static_assert(sizeof(struct lx_stat) == 144, "struct stat");

#endif
