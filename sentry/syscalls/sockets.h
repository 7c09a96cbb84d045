/* What the socket calls share: from an fd to the socket, addresses in and out. */
#ifndef SENTRY_SYSCALLS_SOCKETS_H
#define SENTRY_SYSCALLS_SOCKETS_H

#include "sentry/mm/usermem.h"
#include "sentry/net/socket.h"

/*
 * The socket of a call: in later runs the file of the first one, whatever the fd means by now. *f is referenced. -EBADF, -ENOTSOCK.
 */
int call_socket(struct task *, int fd, struct file **f, struct socket **s);
/* Reads an address: -EINVAL for a length that no address has, -EFAULT. */
int sockaddr_in(struct task *, uaddr_t at, int32_t len, struct sock_addr *);
/* Writes as much of it as the caller has room for, and the true length to *len_at. */
int sockaddr_out(struct task *, const struct sock_addr *, uaddr_t at, uaddr_t len_at);
/* An errno that sends SIGPIPE does so, unless the flags forbid it. Returns ret. */
int64_t send_result(struct task *, const struct socket *, uint32_t flags, int64_t ret);

#endif
