/* epoll(7): the object behind sentry/syscalls/sys_epoll.c. */
#ifndef SENTRY_FS_EPOLL_H
#define SENTRY_FS_EPOLL_H

#include <stdint.h>

struct epoll;
struct file;
struct lx_epoll_event;
struct task;
struct waitq;

/* A new epoll and its file, referenced. 0 or -ENOMEM. */
int epoll_open(struct task *, struct file **out);
/* The epoll behind a file, or NULL when it is none. Borrowed. */
struct epoll *file_epoll(struct file *);
/* epoll_ctl(2) on a file that can be watched: op is LX_EPOLL_CTL_*. 0; -EEXIST, -ENOENT, -ELOOP, -EINVAL, -ENOMEM. */
int epoll_control(struct epoll *, struct file *, int op, int fd, const struct lx_epoll_event *);
/* Takes up to `max` events that hold now; how many. */
int epoll_collect(struct epoll *, struct lx_epoll_event *out, int max);
/* Woken when an item becomes ready. */
struct waitq *epoll_queue(struct epoll *);
/* Files watched: a bound for what epoll_collect() can give. */
uint32_t epoll_count(const struct epoll *);

/* The last reference to a watched file is gone: every epoll forgets it. Before its release operation runs. */
void epoll_file_gone(struct file *);

#endif
