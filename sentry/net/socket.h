/*
 * Sockets: socket(7). What all families share: the file, its options, shutdown bits, errors; a family is one struct socket_ops.
 *
 * A socket is made by its family (family.c) and owned by its file. Operations never block: -EAGAIN says that the call may wait, and the system
 * calls (sys_socket*.c) wait on poll()'s queue. Where the thing to wait for is another object, the message says so (sock_msg.wait_for).
 *
 * Locks: socket.lock is of RANK_SOCKET; two at once only by lock_two(). Copies from and to guest memory may happen under it.
 */
#ifndef SENTRY_NET_SOCKET_H
#define SENTRY_NET_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/socket.h"
#include "abi/un.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/kernel/waitq.h"
#include "sentry/mm/uio.h"
#include "sentry/net/scm.h"

struct file;
struct poll_table;
struct socket_filter;
struct socket;
struct task;

#define SOCK_READABLE 0x0041u  /* POLLIN | POLLRDNORM */
#define SOCK_WRITABLE 0x0304u  /* POLLOUT | POLLWRNORM | POLLWRBAND */
#define SOCK_CHANGED (SOCK_READABLE | SOCK_WRITABLE | 0x2018u) /* and POLLRDHUP, POLLHUP, POLLERR: the state changed */

struct sock_addr {
	uint32_t len; /* 0: none was given, or the other side has none */
	union {
		uint16_t family;
		struct lx_sockaddr_un un;
		struct lx_sockaddr_in in;
		struct lx_sockaddr_in6 in6;
		struct lx_sockaddr_nl nl;
		uint8_t raw[LX_SOCKADDR_MAX];
	};
};

/* One message on its way, or a piece of a stream. */
struct sock_msg {
	struct uio *uio;
	uint32_t flags;         /* LX_MSG_*; DONTWAIT is set where the file is non-blocking */
	struct sock_addr addr;  /* send: where to; receive: filled with where from */
	struct scm scm;         /* send: what goes with it, taken by the first piece that is queued; receive: what came, the caller's to drop */
	/* results */
	uint32_t out_flags;     /* receive: LX_MSG_TRUNC */
	bool whole;             /* receive from a stream: do not wait for more, something ends here */
	struct socket *wait_for; /* send, with -EAGAIN: referenced; its `space` queue is to be waited on instead of poll()'s */
};

enum { SOCK_SHUT_RD = 1, SOCK_SHUT_WR = 2, SOCK_SHUT_BOTH = 3 };

struct socket_ops {
	int (*bind)(struct socket *, struct task *, const struct sock_addr *);
	/* May return SYS_BLOCKED and the like: it registers by itself, with sock_call_hold() for what it waits on. */
	int64_t (*connect)(struct socket *, struct task *, const struct sock_addr *, bool nonblock);
	int (*listen)(struct socket *, struct task *, uint32_t backlog);
	/* The new socket, owned by the caller; or -EAGAIN. */
	int (*accept)(struct socket *, struct socket **out);
	/* Connects two fresh sockets. */
	int (*pair)(struct socket *, struct socket *, struct task *);
	/* of_peer: 0 its own; 1 the other side's, -ENOTCONN when there is none; 2 for accept(2): even if the connection is over by now. */
	int (*name)(struct socket *, int of_peer, struct sock_addr *out);
	int (*shutdown)(struct socket *, uint32_t bits /* SOCK_SHUT_* */);
	int64_t (*send)(struct socket *, struct task *, struct sock_msg *);
	int64_t (*recv)(struct socket *, struct task *, struct sock_msg *);
	uint32_t (*poll)(struct socket *, struct poll_table *);
	/* Bytes to be read (FIONREAD), or sent and not yet read (SIOCOUTQ). */
	int64_t (*pending)(struct socket *, bool out);
	int64_t (*ioctl)(struct socket *, struct task *, uint32_t cmd, uint64_t arg); /* others; absent or unknown: -ENOTTY */
	/* The family's part of SOL_SOCKET and its own levels. *len: room, then length. Absent, or an option it does not know: -ENOPROTOOPT. */
	/* A control message of a level of its own, when sending: judged and noted in scm. Absent: it is ignored. 0 or negative errno. */
	int (*cmsg)(struct socket *, int level, int type, const void *data, uint64_t len, struct scm *);
	int (*getsockopt)(struct socket *, struct task *, int level, int name, void *buf, uint32_t *len);
	int (*setsockopt)(struct socket *, struct task *, int level, int name, const void *buf, uint32_t len);
	void (*release)(struct socket *); /* the file is gone, or never was */
	void (*free)(struct socket *);    /* the last reference is gone */
};

/* Options that are only kept: sock_opt.c. */
enum sock_kept {
	SOCK_KEPT_BUSY_POLL, SOCK_KEPT_ZEROCOPY, SOCK_KEPT_INCOMING_CPU, SOCK_KEPT_WIFI_STATUS, SOCK_KEPT_NOFCS, SOCK_KEPT_SELECT_ERR_QUEUE,
	SOCK_KEPT_PREFER_BUSY_POLL, SOCK_KEPT_BUF_LOCK, SOCK_KEPT_TXREHASH, SOCK_KEPT_RCVMARK, SOCK_KEPT
};

struct sock_options {
	int32_t kept[SOCK_KEPT];
	uint64_t pacing;          /* SO_MAX_PACING_RATE */
	uint64_t on;              /* bit N: the boolean option whose number is N */
	uint32_t sndbuf, rcvbuf;  /* bytes */
	int32_t rcvlowat, priority, mark, peek_off;
	int64_t rcv_timeout, snd_timeout; /* ns; 0: none */
	struct lx_linger linger;
};

struct socket {
	struct ref ref;
	/* immutable after creation */
	const struct socket_ops *ops;
	int domain, type, protocol;
	uint64_t ino;             /* of its file's inode, for tables; 0 before it has one; set once */
	struct file *file;        /* borrowed: the file owns a reference to the socket. NULL before accept(2) */
	struct waitq queue;       /* everything that poll() tells of; woken with or without the lock */
	struct waitq space;       /* others wait here for room in this socket's queue */
	struct lock lock;         /* RANK_SOCKET */
	/* protected by lock; single fields are read without it */
	struct sock_options opt;
	struct socket_filter *filter; /* SO_ATTACH_FILTER; owned; NULL: none */
	bool filter_locked;
	struct {
		uint32_t sent, told;  /* sends with MSG_ZEROCOPY so far; those that the error queue has told of */
	} zerocopy;
	int bound_dev;            /* SO_BINDTODEVICE: 0, or the index of lo; internet sockets look at it */
	/* atomic */
	_Atomic int err;          /* positive errno for SO_ERROR and the next call */
	_Atomic uint32_t shut;    /* SOCK_SHUT_* */
	_Atomic uint64_t cookie;  /* SO_COOKIE: 0 until somebody asks */
};

/* Sets everything but what the family embeds; one reference, the caller's. */
void socket_init(struct socket *, const struct socket_ops *, int domain, int type, int protocol);
struct socket *socket_get(struct socket *);
void socket_put(struct socket *);
/* Gives it up before it has a file: release and put. */
void socket_discard(struct socket *);
void sock_opt_init(struct sock_options *);
/* The pending error, which is cleared: 0 or negative errno. */
int socket_take_error(struct socket *);

static inline bool socket_opt(const struct socket *s, int name)
{
	return __atomic_load_n(&s->opt.on, __ATOMIC_RELAXED) >> name & 1;
}

/* A new socket of any family; family.c. type without flags. -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EINVAL, -ENOMEM. */
int socket_create(struct task *, int domain, int type, int protocol, struct socket **out);
/* A file for it; takes over the caller's reference in success and failure. flags: LX_O_NONBLOCK. */
int socket_file(struct task *, struct socket *, uint32_t flags, struct file **out);
/* The socket behind a file, borrowed; NULL when it is none. */
struct socket *file_socket(const struct file *);

/* --- waiting in system calls ----------------------------------------------------------------------------------------------------------- */

/* What a socket call that waits keeps in t->blk.data: the file stays open whatever other threads close. */
struct sock_call {
	struct file *file;    /* referenced */
	struct socket *hold;  /* referenced; a further object whose queue is waited on */
	struct scm scm;       /* parsed at the first run */
	bool parsed;
};
/* The call's record, made at first need. NULL when memory is out. */
struct sock_call *sock_call(struct task *, struct file *);
/* Waits on the queue of an object that the call keeps; takes over the reference. Then look again, then sock_block(). 0 or -ENOMEM. */
int sock_call_hold(struct task *, struct file *, struct socket *held);
/* task_block() and task_wait_file() with a time-out in ns (0: none): -EAGAIN when it has passed, -EINTR where it forbids restarting. */
int64_t sock_block(struct task *, int64_t timeout);
int64_t sock_wait(struct task *, struct file *, uint32_t events, int64_t timeout);

#endif
