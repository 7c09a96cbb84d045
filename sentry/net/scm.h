/* Ancillary data of messages: SCM_RIGHTS and SCM_CREDENTIALS. unix(7), cmsg(3), net/core/scm.c of Linux for the rules. */
#ifndef SENTRY_NET_SCM_H
#define SENTRY_NET_SCM_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/socket.h"
#include "base/list.h"
#include "platform/platform.h"

struct file;
struct task;

struct unix_sock;

struct scm_files {
	/* protected by unix_rights.c's lock, while queued; only where sockets are among the files */
	struct list link;
	struct unix_sock *receiver; /* not referenced: its queue holds this */
	bool seen_live;             /* the collector's */
	/* the owner's */
	uint32_t count;
	struct file *file[]; /* referenced */
};

struct scm {
	struct scm_files *files; /* NULL: none; owned */
	struct lx_ucred cred;    /* of the sender */
};

/* The task's own credentials, as a message carries them where it says nothing. */
struct lx_ucred scm_own_cred(const struct task *);
/* As SO_PEERCRED shows them: effective ids. */
struct lx_ucred scm_peer_cred(const struct task *);

/* Reads the sender's control messages. -EINVAL, -EBADF, -EPERM, -ESRCH, -ETOOMANYREFS, -EFAULT, -ENOBUFS; then there is nothing to drop. */
int scm_parse(struct task *, struct scm *, uaddr_t control, uint64_t len);
/*
 * Puts what came into the receiver's control buffer, installing fds: SCM_CREDENTIALS when `cred`, then SCM_RIGHTS. *len: room, then bytes
 * used. What did not fit is dropped and MSG_CTRUNC set in *flags. Drops scm.
 */
void scm_deliver(struct task *, struct scm *, bool cred, uaddr_t control, uint64_t *len, bool cloexec, uint32_t *flags);
/* Puts the files (deferred: a socket among them may hold the next one). */
void scm_drop(struct scm *);
void scm_files_put(struct scm_files *);
/* For MSG_PEEK: a second reference to each. NULL when memory is out. */
struct scm_files *scm_files_dup(const struct scm_files *);

#endif
