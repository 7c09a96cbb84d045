/* epoll(7). */
#ifndef ABI_EPOLL_H
#define ABI_EPOLL_H

#include <stdint.h>

#define LX_EPOLL_CLOEXEC 02000000

#define LX_EPOLL_CTL_ADD 1
#define LX_EPOLL_CTL_DEL 2
#define LX_EPOLL_CTL_MOD 3

#define LX_EPOLLIN 0x00000001u
#define LX_EPOLLPRI 0x00000002u
#define LX_EPOLLOUT 0x00000004u
#define LX_EPOLLERR 0x00000008u
#define LX_EPOLLHUP 0x00000010u
#define LX_EPOLLNVAL 0x00000020u
#define LX_EPOLLRDNORM 0x00000040u
#define LX_EPOLLRDBAND 0x00000080u
#define LX_EPOLLWRNORM 0x00000100u
#define LX_EPOLLWRBAND 0x00000200u
#define LX_EPOLLMSG 0x00000400u
#define LX_EPOLLRDHUP 0x00002000u
#define LX_EPOLLEXCLUSIVE 0x10000000u
#define LX_EPOLLWAKEUP 0x20000000u
#define LX_EPOLLONESHOT 0x40000000u
#define LX_EPOLLET 0x80000000u

/* Packed on x86-64, for the sake of its 32-bit programs; naturally aligned elsewhere. */
#if defined(__x86_64__)
#define LX_EPOLL_PACKED __attribute__((packed))
#else
#define LX_EPOLL_PACKED
#endif

struct lx_epoll_event {
	uint32_t events;
	uint64_t data;
} LX_EPOLL_PACKED;
#if defined(__x86_64__)
_Static_assert(sizeof(struct lx_epoll_event) == 12, "struct epoll_event");
#endif

/* EPIOCSPARAMS and EPIOCGPARAMS: busy polling of network devices. */
struct lx_epoll_params {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	uint8_t prefer_busy_poll;
	uint8_t pad;
};
_Static_assert(sizeof(struct lx_epoll_params) == 8, "struct epoll_params");
#define LX_EPIOCSPARAMS 0x40088a01u
#define LX_EPIOCGPARAMS 0x80088a02u
#define LX_NAPI_POLL_WEIGHT 64

#endif
