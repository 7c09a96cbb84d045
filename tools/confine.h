/*
 * What a process of a sandbox does to itself right after it was started (spawn.h), before anything of its own: leaves every
 * namespace of the host, and, for the sentry, the file system, the caller's ids and all capabilities.
 */
#ifndef TOOLS_CONFINE_H
#define TOOLS_CONFINE_H

/* Each returns 0, or a negative errno with *what naming the step that failed. Called with the socket from spawn(). */

/* Namespaces (mount, net, ipc, uts, cgroup) made and ids mapped; root, capabilities and /proc are left to gofer_main(). */
int confine_gofer(int control_fd, const char **what);
/* The same, and then: fresh ids, an empty read-only root, no capabilities for ever, no_new_privs. */
int confine_sentry(int control_fd, const char **what);

#endif
