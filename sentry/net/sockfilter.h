/* Classic BPF on sockets: what a socket receives may be dropped or cut by a program of its owner's. socket(7), SO_ATTACH_FILTER. */
#ifndef SENTRY_NET_SOCKFILTER_H
#define SENTRY_NET_SOCKFILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/mm/usermem.h"

struct lx_sock_fprog;
struct socket;
struct socket_filter;
struct task;

/* Replaces the filter by the program that the structure points at in guest memory. -EFAULT, -EINVAL, -ENOMEM, -EPERM (locked). */
int socket_filter_attach(struct socket *, struct task *, const struct lx_sock_fprog *);
int socket_filter_detach(struct socket *); /* -ENOENT: there is none; -EPERM */
int socket_filter_lock(struct socket *, bool on); /* -EPERM: it cannot be unlocked */
/* How many of the packet's bytes pass: 0 drops it. There is a filter; s->lock held. */
uint32_t socket_filter_run(const struct socket *, const void *packet, uint32_t len);
void socket_filter_free(struct socket_filter *); /* NULL: nothing */

#endif
