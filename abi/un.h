/* Unix-domain addresses. A path that starts with NUL is an abstract name of exactly the address's length. */
#ifndef ABI_UN_H
#define ABI_UN_H

#include <stdint.h>

#define LX_UNIX_PATH_MAX 108
struct lx_sockaddr_un {
	uint16_t sun_family;
	char sun_path[LX_UNIX_PATH_MAX];
};
_Static_assert(sizeof(struct lx_sockaddr_un) == 110, "struct sockaddr_un");
#define LX_SUN_PATH_OFFSET 2

#endif
