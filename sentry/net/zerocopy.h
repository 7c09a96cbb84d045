/*
 * MSG_ZEROCOPY, as a kernel answers that had to copy after all: each send gets a number, and the error queue says which numbers are done.
 * Linux: Documentation/networking/msg_zerocopy.rst.
 */
#ifndef SENTRY_NET_ZEROCOPY_H
#define SENTRY_NET_ZEROCOPY_H

#include <stdbool.h>
#include <stdint.h>

struct sock_msg;
struct socket;

/* A send(2) with the flag has moved something: done, and to be told, where the socket has SO_ZEROCOPY. */
void zerocopy_sent(struct socket *, uint32_t flags);
bool zerocopy_waits(const struct socket *); /* something is to be told */
/* recvmsg(MSG_ERRQUEUE): tells it. False: there is nothing. */
bool zerocopy_tell(struct socket *, struct sock_msg *);

#endif
