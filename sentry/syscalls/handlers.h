/*
 * The prototype of every handler that a row of the call table names: sys_NAME for each call that is FULL or PARTIAL. A file
 * with handlers includes this, so that a handler and its row cannot drift apart.
 */
#ifndef SENTRY_SYSCALLS_HANDLERS_H
#define SENTRY_SYSCALLS_HANDLERS_H

#include "sentry/syscalls/sysargs.h"

/* A handler has its prototype before its row is turned on too. */
#define SYSCALL(nr, name, ...) syscall_handler sys_##name;
#include "abi/x86_64/syscalls.def"
#undef SYSCALL

#endif
