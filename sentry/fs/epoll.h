/* epoll(7), as far as other files must know. */
#ifndef SENTRY_FS_EPOLL_H
#define SENTRY_FS_EPOLL_H

struct file;

/* The last reference to a watched file is gone: every epoll forgets it. Before its release operation runs. */
void epoll_file_gone(struct file *);

#endif
