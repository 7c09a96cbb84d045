/*
 * What a filesystem in memory may hold: bytes of data, and names. As tmpfs(5) has it where nothing else is said: half of the machine's
 * memory, and an inode for each two of its pages; the machine is the sandbox's limit, or the host.
 *
 * A sandbox without a limit has a pool as well, half of the host's memory for all its filesystems together: the bytes are the sentry's,
 * and filling the host with them would end others.
 */
#ifndef SENTRY_FS_MEMQUOTA_H
#define SENTRY_FS_MEMQUOTA_H

#include <stdatomic.h>
#include <stdint.h>

struct kernel;
struct lx_statfs;

struct memquota {
	/* immutable */
	struct kernel *k;          /* NULL: no sandbox (tests) */
	uint64_t limit;            /* bytes; 0: none */
	uint64_t pool;             /* bytes of all filesystems together; 0: none */
	uint64_t max_names;        /* inodes and further links to them, which Linux counts together; 0: any number */
	/* atomic */
	_Atomic int64_t used;
	_Atomic int64_t names;
};

/* size: bytes, 0 for the default. Without a kernel there are no limits but that. */
void memquota_init(struct memquota *, struct kernel *, uint64_t size);
/* 0 or -ENOSPC; bytes may be negative. */
int memquota_charge(struct memquota *, int64_t bytes);
/* The same for names, whose memory is charged to the sandbox. */
int memquota_charge_names(struct memquota *, int64_t names);
/* f_blocks, f_bfree, f_bavail, f_files and f_ffree in blocks of 4096. */
void memquota_statfs(const struct memquota *, struct lx_statfs *out);

#endif
