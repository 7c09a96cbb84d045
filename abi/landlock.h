/* landlock(7), as ABI version 6 (Linux 6.12) has it. */
#ifndef ABI_LANDLOCK_H
#define ABI_LANDLOCK_H

#include <stdint.h>

#define LX_LANDLOCK_ABI 6
#define LX_LANDLOCK_CREATE_RULESET_VERSION 1u
#define LX_LANDLOCK_RULE_PATH_BENEATH 1
#define LX_LANDLOCK_RULE_NET_PORT 2
#define LX_LANDLOCK_MAX_LAYERS 16

#define LX_LANDLOCK_FS_EXECUTE (1ull << 0)
#define LX_LANDLOCK_FS_WRITE_FILE (1ull << 1)
#define LX_LANDLOCK_FS_READ_FILE (1ull << 2)
#define LX_LANDLOCK_FS_READ_DIR (1ull << 3)
#define LX_LANDLOCK_FS_REMOVE_DIR (1ull << 4)
#define LX_LANDLOCK_FS_REMOVE_FILE (1ull << 5)
#define LX_LANDLOCK_FS_MAKE_CHAR (1ull << 6)
#define LX_LANDLOCK_FS_MAKE_DIR (1ull << 7)
#define LX_LANDLOCK_FS_MAKE_REG (1ull << 8)
#define LX_LANDLOCK_FS_MAKE_SOCK (1ull << 9)
#define LX_LANDLOCK_FS_MAKE_FIFO (1ull << 10)
#define LX_LANDLOCK_FS_MAKE_BLOCK (1ull << 11)
#define LX_LANDLOCK_FS_MAKE_SYM (1ull << 12)
#define LX_LANDLOCK_FS_REFER (1ull << 13)
#define LX_LANDLOCK_FS_TRUNCATE (1ull << 14)
#define LX_LANDLOCK_FS_IOCTL_DEV (1ull << 15)
#define LX_LANDLOCK_FS_ALL ((1ull << 16) - 1)
/* Those that a file can have; the others are a directory's. */
#define LX_LANDLOCK_FS_FILE                                                                            \
	(LX_LANDLOCK_FS_EXECUTE | LX_LANDLOCK_FS_WRITE_FILE | LX_LANDLOCK_FS_READ_FILE |               \
	 LX_LANDLOCK_FS_TRUNCATE | LX_LANDLOCK_FS_IOCTL_DEV)

#define LX_LANDLOCK_NET_BIND_TCP (1ull << 0)
#define LX_LANDLOCK_NET_CONNECT_TCP (1ull << 1)
#define LX_LANDLOCK_NET_ALL 3ull

#define LX_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0)
#define LX_LANDLOCK_SCOPE_SIGNAL (1ull << 1)
#define LX_LANDLOCK_SCOPE_ALL 3ull

struct lx_landlock_ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};
_Static_assert(sizeof(struct lx_landlock_ruleset_attr) == 24, "struct landlock_ruleset_attr");

struct lx_landlock_path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));
_Static_assert(sizeof(struct lx_landlock_path_beneath_attr) == 12, "struct landlock_path_beneath_attr");

struct lx_landlock_net_port_attr {
	uint64_t allowed_access, port;
};

#endif
