/* poll(2), select(2), epoll(7), and the flags of eventfd(2), signalfd(2). */
#ifndef ABI_POLL_H
#define ABI_POLL_H

#include <stdint.h>

#define LX_POLLIN 0x0001
#define LX_POLLPRI 0x0002
#define LX_POLLOUT 0x0004
#define LX_POLLERR 0x0008
#define LX_POLLHUP 0x0010
#define LX_POLLNVAL 0x0020
#define LX_POLLRDNORM 0x0040
#define LX_POLLRDBAND 0x0080
#define LX_POLLWRNORM 0x0100
#define LX_POLLWRBAND 0x0200
#define LX_POLLMSG 0x0400
#define LX_POLLREMOVE 0x1000
#define LX_POLLRDHUP 0x2000

struct lx_pollfd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};
_Static_assert(sizeof(struct lx_pollfd) == 8, "struct pollfd");

#define LX_FD_SETSIZE 1024
/* pselect6's sixth argument points at this. */
struct lx_sigset_argpack {
	uint64_t p;
	uint64_t size;
};

#define LX_EFD_SEMAPHORE 1
#define LX_EFD_NONBLOCK 04000
#define LX_EFD_CLOEXEC 02000000

#define LX_SFD_NONBLOCK 04000
#define LX_SFD_CLOEXEC 02000000

#endif
