/* Signals of files to their owners: fcntl(2), F_SETOWN; SIGURG. */
#ifndef SENTRY_NET_FASYNC_H
#define SENTRY_NET_FASYNC_H

#include <stdbool.h>

struct file;

/* Whom to tell: noted under whatever locks, told without any. */
struct fasync {
	int type, pid; /* pid 0: nobody */
};

void fasync_prepare(struct fasync *, const struct file *); /* NULL: nobody */
void fasync_signal(const struct fasync *, int signo);

#endif
