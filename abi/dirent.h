/* getdents64(2): a record is this header, the name with its NUL, and padding to eight bytes. */
#ifndef ABI_DIRENT_H
#define ABI_DIRENT_H

#include <stdint.h>

struct lx_dirent64 {
	uint64_t d_ino;
	int64_t d_off; /* the position after this record */
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};
#define LX_DIRENT64_NAME_OFFSET 19 /* sizeof would count the struct's tail padding */
_Static_assert(__builtin_offsetof(struct lx_dirent64, d_name) == LX_DIRENT64_NAME_OFFSET, "struct linux_dirent64");

/* getdents(2): the type stands in the record's last byte. */
struct lx_dirent {
	uint64_t d_ino;
	uint64_t d_off;
	uint16_t d_reclen;
	char d_name[];
};
#define LX_DIRENT_NAME_OFFSET 18

#define LX_DT_UNKNOWN 0
#define LX_DT_FIFO 1
#define LX_DT_CHR 2
#define LX_DT_DIR 4
#define LX_DT_BLK 6
#define LX_DT_REG 8
#define LX_DT_LNK 10
#define LX_DT_SOCK 12
#define LX_DT_WHT 14
/* From a mode's file-type bits. */
#define LX_DT_FROM_MODE(mode) (((mode) >> 12) & 15)

#endif
