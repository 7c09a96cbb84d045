/*
 * How the gofer gives its authority away: what remains are the root fds it serves and the host calls that serving
 * takes.
 */
#ifndef GOFER_LOCKDOWN_H
#define GOFER_LOCKDOWN_H

#include "gofer/gofer.h"

/*
 * First half, by the only thread: opens what is needed later (*proc_fd), then an empty root, no capabilities,
 * no_new_privs, no core dumps, not traceable, death with the parent, no fd but the config's. 0 or a negative errno,
 * logged.
 */
int lockdown_process(const struct gofer_config *, int *proc_fd);

/* Second half, when all threads are there: the seccomp filter, on each of them. 0 or a negative errno, logged. */
int lockdown_calls(int proc_fd, int log_fd);

#endif
