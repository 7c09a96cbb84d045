/* What UDP and ICMP need of each other. */
#ifndef SENTRY_NET_UDP_H
#define SENTRY_NET_UDP_H

#include "sentry/net/dgram.h"

/* Sends what was put together while the cork was in. 0 or negative errno. */
int udp_uncork(struct dgram_sock *);
void icmp_set_checksum(struct dgram *);
/* A datagram came for a port where nobody is: raw sockets see the ICMP message about it. No locks held. */
void icmp_port_unreachable(struct netns *, const struct dgram *);

#endif
