/* Options of SOL_SOCKET beyond the common ones: socket(7). */
#ifndef SENTRY_NET_SOCK_OPT_H
#define SENTRY_NET_SOCK_OPT_H

#include "sentry/net/socket.h"

/* -ENOPROTOOPT: not one of these. *len: room, then length. */
int sock_opt_get(struct socket *, struct task *, int name, void *buf, uint32_t *len);
int sock_opt_set(struct socket *, struct task *, int name, const void *buf, uint32_t len);

#endif
