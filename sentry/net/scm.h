/* Ancillary data of messages: SCM_RIGHTS and SCM_CREDENTIALS. unix(7), cmsg(3), net/core/scm.c of Linux for the rules. */
#ifndef SENTRY_NET_SCM_H
#define SENTRY_NET_SCM_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/socket.h"
#include "base/list.h"
#include "platform/platform.h"

struct file;
struct socket;
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

/* What a sender of internet datagrams says beside the bytes. */
struct scm_ip {
	bool has_ttl, has_tos, has_source;
	int32_t ttl, tos, ifindex;
	uint16_t segment;        /* UDP_SEGMENT; 0: not said */
	uint8_t source[16];      /* as struct inet_addr */
};

/* Control messages for a receiver, ready to be copied out one after the other. */
#define SCM_EXTRA_MAX 512u
struct scm_extra {
	uint32_t used;
	char bytes[SCM_EXTRA_MAX];
};

struct scm {
	struct scm_files *files; /* NULL: none; owned */
	struct scm_extra *extra; /* receiving; NULL: none; owned */
	struct lx_ucred cred;    /* of the sender */
	struct scm_ip ip;        /* sending */
};

/* The task's own credentials, as a message carries them where it says nothing. */
struct lx_ucred scm_own_cred(const struct task *);
/* As SO_PEERCRED shows them: effective ids. */
struct lx_ucred scm_peer_cred(const struct task *);

/* Reads the sender's control messages. -EINVAL, -EBADF, -EPERM, -ESRCH, -ETOOMANYREFS, -EFAULT, -ENOBUFS; then there is nothing to drop. */
int scm_parse(struct task *, struct socket *, struct scm *, uaddr_t control, uint64_t len);
/* One more for the receiver. What does not fit, or finds no memory, is left out. */
void scm_extra_add(struct scm *, int level, int type, const void *data, uint32_t len);
/* SO_TIMESTAMP, SO_TIMESTAMPNS: when it came, CLOCK_REALTIME ns, where the socket asks for that. */
void scm_extra_stamp(struct scm *, const struct socket *, int64_t ns);
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
