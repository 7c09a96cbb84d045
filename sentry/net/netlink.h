/*
 * Netlink within a namespace: netlink(7). Questions are answered in the call that asks them: the answers wait on the asker's queue.
 *
 *   netlink_socket.c  life, port numbers, names, options
 *   netlink_queue.c   messages on queues: receiving, poll, what other sockets send
 *   netlink_request.c messages to the kernel: the loop over them, acknowledgements, dumps, how answers are put together
 *   netlink_route.c   NETLINK_ROUTE: the interface, its addresses, rules, queueing disciplines
 *   netlink_fib.c     NETLINK_ROUTE: routes
 *   netlink_diag.c    NETLINK_SOCK_DIAG
 *
 * Nothing in a namespace changes but by its own tasks, and nothing they may change is announced: groups can be joined and stay silent,
 * but for what sockets send to them.
 *
 * Lock order: netns.lock (who has which port), then a receiver's socket.lock.
 */
#ifndef SENTRY_NET_NETLINK_H
#define SENTRY_NET_NETLINK_H

#include "abi/netlink.h"
#include "base/list.h"
#include "sentry/fs/textbuf.h"
#include "sentry/net/netns.h"
#include "sentry/net/socket.h"

struct netlink_msg {
	struct list link;
	uint32_t len;
	uint32_t portid, group;  /* who sent it (0: the kernel), to which group (0: to this socket) */
	struct lx_ucred cred;    /* the sender's; all zero: the kernel's */
	bool ends_dump;
	char data[];
};

enum netlink_flag { NL_PKTINFO, NL_BROADCAST_ERROR, NL_NO_ENOBUFS, NL_LISTEN_ALL, NL_CAP_ACK, NL_EXT_ACK, NL_STRICT };

struct netlink_sock {
	struct socket s;
	struct netns *ns;          /* referenced; immutable */
	/* protected by ns->lock; read without it */
	struct list link;          /* on ns->netlink */
	_Atomic uint32_t portid;   /* 0: none yet */
	/* protected by s.lock; single fields are read without it */
	uint64_t groups;           /* bit N: group N + 1 */
	uint32_t peer, peer_group; /* connect(2); 0: the kernel */
	uint32_t flags;            /* bits by enum netlink_flag */
	struct list queue;         /* of netlink_msg */
	uint32_t queued_bytes;
	bool dumping;              /* the end of a dump was not read yet */
};

static inline struct netlink_sock *netlink_of(struct socket *s)
{
	return container_of(s, struct netlink_sock, s);
}
static inline bool netlink_flag(const struct netlink_sock *n, enum netlink_flag f)
{
	return n->flags >> f & 1;
}

#define NETLINK_GROUPS 64u

/* type: LX_SOCK_RAW or _DGRAM. -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -ENOMEM. */
int netlink_create(struct task *, int type, int protocol, struct socket **out);
/* Gives it a port, the task's pid where that is free. 0. */
int netlink_autobind(struct netlink_sock *, struct task *);
/* The socket of this protocol at that port: referenced, or NULL. */
struct netlink_sock *netlink_find(struct netns *, int protocol, uint32_t portid);

/* --- netlink_queue.c --- */

/* Bytes from the kernel, for mq_notify(2); lost when there is no room. */
void netlink_tell(struct socket *, const void *data, uint32_t len);

/* A copy, charged to the memory limit. NULL when memory is out. */
struct netlink_msg *netlink_msg_new(const void *data, uint32_t len);
void netlink_msg_free(struct netlink_msg *);
/* Takes it over. -EAGAIN (nothing taken) when the receiver's buffer is full, unless it is `forced`. */
int netlink_queue(struct netlink_sock *to, struct netlink_msg *, bool forced);
int64_t netlink_send(struct socket *, struct task *, struct sock_msg *);
int64_t netlink_recv(struct socket *, struct task *, struct sock_msg *);
uint32_t netlink_poll(struct socket *, struct poll_table *);
void netlink_empty(struct netlink_sock *);

/* --- netlink_request.c --- */

/* One request, whose answer is under construction. */
struct netlink_req {
	struct netlink_sock *from;
	struct task *t;
	struct lx_nlmsghdr h;
	const char *body;        /* after the header */
	uint32_t len;            /* of the body */
	bool dump;
	const char *why;         /* for NETLINK_EXT_ACK; static; NULL: nothing to say */
	struct textbuf out;      /* whole messages */
};

/* All messages that a socket has sent to the kernel in one piece. */
void netlink_requests(struct netlink_sock *, struct task *, const char *data, uint32_t len);
/* Copies the fixed part behind the header: as much as there is, the rest zero. False: not whole. */
bool netlink_fixed(const struct netlink_req *, void *out, uint32_t size);
/* The payload of an attribute behind a fixed part of that size; *len: its length. NULL: there is none. */
const void *netlink_attr(const struct netlink_req *, uint32_t fixed, uint16_t type, uint32_t *len);

/* Answers: begin a message with its fixed part, add attributes, end it. */
size_t netlink_begin(struct netlink_req *, uint16_t type, const void *fixed, uint32_t size);
void netlink_end(struct netlink_req *, size_t begin);
void netlink_put(struct netlink_req *, uint16_t type, const void *data, uint32_t len);
void netlink_put_u32(struct netlink_req *, uint16_t type, uint32_t value);
void netlink_put_u8(struct netlink_req *, uint16_t type, uint8_t value);
void netlink_put_text(struct netlink_req *, uint16_t type, const char *text);
size_t netlink_nest(struct netlink_req *, uint16_t type);
void netlink_nest_end(struct netlink_req *, size_t nest);

/* --- what the kernel answers: 0 or negative errno --- */

int netlink_route(struct netlink_req *);
int netlink_route_get(struct netlink_req *, int family);
int netlink_route_dump(struct netlink_req *, int family);
int netlink_diag(struct netlink_req *);

#endif
