/* Multicast memberships on lo: IP_ADD_MEMBERSHIP and the like, ip(7). */
#ifndef SENTRY_NET_INET_GROUP_H
#define SENTRY_NET_INET_GROUP_H

#include "sentry/net/inet.h"

/* Joins or leaves, as the option's value says. -EINVAL, -ENODEV, -EADDRINUSE, -EADDRNOTAVAIL, -EPROTO (streams), -ENOBUFS. */
int inet_group_change4(struct inet_sock *, bool join, const void *buf, uint32_t len);
int inet_group_change6(struct inet_sock *, bool join, const void *buf, uint32_t len);
int inet_group_change_any(struct inet_sock *, bool join, const void *buf, uint32_t len); /* struct group_req */
/* Does it get what is sent to that group? ns->lock held. */
bool inet_group_has(const struct inet_sock *, const struct inet_addr *);

#endif
