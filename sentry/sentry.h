/* The sentry as its runtime sees it: what a process that confined itself calls to become one. */
#ifndef SENTRY_SENTRY_H
#define SENTRY_SENTRY_H

/*
 * The life of a sentry, from BOOT to END over the control socket (sentry/boot/control.h). The process is the init of an empty pid
 * namespace, has an empty root, no capabilities, no_new_privs, and dies with its runtime. Returns the exit status.
 */
int sentry_main(int control_fd);

#endif
