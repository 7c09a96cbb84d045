/* Attributes of files and file systems: mode bits, statx(2), statfs(2). struct lx_stat comes from abi/arch.h. */
#ifndef ABI_STAT_H
#define ABI_STAT_H

#include <stdint.h>

#include "abi/arch.h"
#include "abi/types.h"

#define LX_S_IFMT 0170000u
#define LX_S_IFSOCK 0140000u
#define LX_S_IFLNK 0120000u
#define LX_S_IFREG 0100000u
#define LX_S_IFBLK 0060000u
#define LX_S_IFDIR 0040000u
#define LX_S_IFCHR 0020000u
#define LX_S_IFIFO 0010000u
#define LX_S_ISUID 0004000u
#define LX_S_ISGID 0002000u
#define LX_S_ISVTX 0001000u
#define LX_S_IRWXU 0000700u
#define LX_S_IRUSR 0000400u
#define LX_S_IWUSR 0000200u
#define LX_S_IXUSR 0000100u
#define LX_S_IRWXG 0000070u
#define LX_S_IRGRP 0000040u
#define LX_S_IWGRP 0000020u
#define LX_S_IXGRP 0000010u
#define LX_S_IRWXO 0000007u
#define LX_S_IROTH 0000004u
#define LX_S_IWOTH 0000002u
#define LX_S_IXOTH 0000001u
#define LX_S_IALLUGO 0007777u

#define LX_S_ISLNK(m) (((m) & LX_S_IFMT) == LX_S_IFLNK)
#define LX_S_ISREG(m) (((m) & LX_S_IFMT) == LX_S_IFREG)
#define LX_S_ISDIR(m) (((m) & LX_S_IFMT) == LX_S_IFDIR)
#define LX_S_ISCHR(m) (((m) & LX_S_IFMT) == LX_S_IFCHR)
#define LX_S_ISBLK(m) (((m) & LX_S_IFMT) == LX_S_IFBLK)
#define LX_S_ISFIFO(m) (((m) & LX_S_IFMT) == LX_S_IFIFO)
#define LX_S_ISSOCK(m) (((m) & LX_S_IFMT) == LX_S_IFSOCK)

struct lx_statx_timestamp {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct lx_statx {
	uint32_t stx_mask;
	uint32_t stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink;
	uint32_t stx_uid;
	uint32_t stx_gid;
	uint16_t stx_mode;
	uint16_t spare0;
	uint64_t stx_ino;
	uint64_t stx_size;
	uint64_t stx_blocks;
	uint64_t stx_attributes_mask;
	struct lx_statx_timestamp stx_atime;
	struct lx_statx_timestamp stx_btime;
	struct lx_statx_timestamp stx_ctime;
	struct lx_statx_timestamp stx_mtime;
	uint32_t stx_rdev_major;
	uint32_t stx_rdev_minor;
	uint32_t stx_dev_major;
	uint32_t stx_dev_minor;
	uint64_t stx_mnt_id;
	uint32_t stx_dio_mem_align;
	uint32_t stx_dio_offset_align;
	uint64_t stx_subvol;
	uint32_t stx_atomic_write_unit_min;
	uint32_t stx_atomic_write_unit_max;
	uint32_t stx_atomic_write_segments_max;
	uint32_t spare1;
	uint64_t spare3[9];
};
_Static_assert(sizeof(struct lx_statx) == 256, "struct statx");

#define LX_STATX_TYPE 0x0001u
#define LX_STATX_MODE 0x0002u
#define LX_STATX_NLINK 0x0004u
#define LX_STATX_UID 0x0008u
#define LX_STATX_GID 0x0010u
#define LX_STATX_ATIME 0x0020u
#define LX_STATX_MTIME 0x0040u
#define LX_STATX_CTIME 0x0080u
#define LX_STATX_INO 0x0100u
#define LX_STATX_SIZE 0x0200u
#define LX_STATX_BLOCKS 0x0400u
#define LX_STATX_BASIC_STATS 0x07ffu
#define LX_STATX_BTIME 0x0800u
#define LX_STATX_MNT_ID 0x1000u
#define LX_STATX_DIOALIGN 0x2000u
#define LX_STATX_MNT_ID_UNIQUE 0x4000u
#define LX_STATX_SUBVOL 0x8000u
#define LX_STATX_RESERVED 0x80000000u /* refused with EINVAL */

#define LX_STATX_ATTR_COMPRESSED 0x0004
#define LX_STATX_ATTR_IMMUTABLE 0x0010
#define LX_STATX_ATTR_APPEND 0x0020
#define LX_STATX_ATTR_NODUMP 0x0040
#define LX_STATX_ATTR_ENCRYPTED 0x0800
#define LX_STATX_ATTR_AUTOMOUNT 0x1000
#define LX_STATX_ATTR_MOUNT_ROOT 0x2000
#define LX_STATX_ATTR_VERITY 0x100000
#define LX_STATX_ATTR_DAX 0x200000

struct lx_statfs {
	int64_t f_type;
	int64_t f_bsize;
	uint64_t f_blocks;
	uint64_t f_bfree;
	uint64_t f_bavail;
	uint64_t f_files;
	uint64_t f_ffree;
	int32_t f_fsid[2];
	int64_t f_namelen;
	int64_t f_frsize;
	int64_t f_flags;
	int64_t f_spare[4];
};
_Static_assert(sizeof(struct lx_statfs) == 120, "struct statfs");

/* f_flags */
#define LX_ST_RDONLY 0x0001
#define LX_ST_NOSUID 0x0002
#define LX_ST_NODEV 0x0004
#define LX_ST_NOEXEC 0x0008
#define LX_ST_SYNCHRONOUS 0x0010
#define LX_ST_VALID 0x0020
#define LX_ST_MANDLOCK 0x0040
#define LX_ST_NOATIME 0x0400
#define LX_ST_NODIRATIME 0x0800
#define LX_ST_RELATIME 0x1000
#define LX_ST_NOSYMFOLLOW 0x2000

/* f_type */
#define LX_TMPFS_MAGIC 0x01021994
#define LX_PROC_SUPER_MAGIC 0x9fa0
#define LX_SYSFS_MAGIC 0x62656572
#define LX_DEVPTS_SUPER_MAGIC 0x1cd1
#define LX_OVERLAYFS_SUPER_MAGIC 0x794c7630
#define LX_PIPEFS_MAGIC 0x50495045
#define LX_SOCKFS_MAGIC 0x534f434b
#define LX_ANON_INODE_FS_MAGIC 0x09041934
#define LX_MQUEUE_MAGIC 0x19800202
#define LX_CGROUP2_SUPER_MAGIC 0x63677270
#define LX_EXT4_SUPER_MAGIC 0xef53
#define LX_NSFS_MAGIC 0x6e736673
#define LX_V9FS_MAGIC 0x01021997

#define LX_UTIME_NOW ((1l << 30) - 1l)
#define LX_UTIME_OMIT ((1l << 30) - 2l)

#endif
