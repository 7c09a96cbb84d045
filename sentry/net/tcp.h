/*
 * TCP over the sandbox's loopback: tcp(7). There are no packets: a connection is one object with two byte queues that both ends share.
 *
 *   tcp_conn.c     the connection: bytes in it, the ends' states, FIN and RST
 *   tcp_socket.c   life of a socket, shutdown, close, poll, names, the table of operations
 *   tcp_connect.c  connect; tcp_listen.c: listen, accept, the queue between them
 *   tcp_send.c, tcp_recv.c  data; urgent data
 *   tcp_opt.c      the level SOL_TCP, TCP_INFO
 *
 * What is sent is at once acknowledged: FIN_WAIT1, LAST_ACK and CLOSING are never seen. A connection outlives the socket that closes first:
 * the other end goes on reading. conn.end[] names the sockets that still have a file; a socket takes itself out before it is freed.
 *
 * Lock order: netns.lock, socket.lock, flow.reading and flow.writing (RANK_SOCKET_DATA, never both), conn.lock (RANK_CONNECTION). Bytes are
 * copied from and to guests under `reading` or `writing` alone, so that both sides copy at once.
 */
#ifndef SENTRY_NET_TCP_H
#define SENTRY_NET_TCP_H

#include "sentry/kernel/sched.h"
#include "sentry/kernel/timer.h"
#include "sentry/net/inet.h"

/* Bytes on their way. */
struct tcp_chunk {
	struct list link;
	uint32_t room, at, len; /* of data: its size; where the unread bytes are, how many */
	char data[];
};

enum tcp_urgent { URGENT_NONE, URGENT_VALID, URGENT_READ };

/* One direction. */
struct tcp_flow {
	struct lock reading, writing; /* one reader and one writer at a time */
	/* protected by conn.lock */
	struct list chunks;       /* only readers take them off, only writers append */
	uint64_t written, read;   /* bytes, since the start */
	bool filling;             /* a writer copies behind the last chunk's bytes: it must stay where it is */
	bool fin;                 /* nothing follows */
	enum tcp_urgent urgent;
	uint64_t urgent_at;       /* the number of the urgent byte */
	uint8_t urgent_byte;
	int64_t last_ns;          /* when something was sent last */
	uint32_t segments;
};

struct tcp_sock;

struct tcp_conn {
	struct ref ref;           /* each end's socket holds one */
	bool self;                /* immutable: a socket connected to itself */
	struct lock lock;
	/* protected by lock */
	struct tcp_sock *end[2];  /* not referenced; NULL: closed */
	struct tcp_flow flow[2];  /* [i]: what end i sends */
	int first_fin;            /* the end that closed first, -1: none */
};

/* The state of struct socket in Linux: what connect(2) has come to. */
enum tcp_ss { SS_UNCONNECTED, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING };

struct tcp_options {
	int32_t maxseg, keepidle, keepintvl, keepcnt, syncnt, linger2, defer_accept, window_clamp, user_timeout, notsent_lowat, fastopen;
	bool nodelay, cork, quickack, fastopen_connect, inq, thin;
	char congestion[16];
};

struct tcp_sock {
	struct inet_sock in;
	/* atomic; changes under conn.lock where there is a connection, else under s.lock */
	_Atomic int state;        /* enum lx_tcp_state */
	/* protected by s.lock */
	enum tcp_ss ss;
	struct tcp_conn *conn;    /* referenced; NULL: none */
	int side;                 /* which end of it */
	struct tcp_options o;
	/* of a listener; protected by its s.lock */
	struct list pending;      /* of queue_link: to be accepted; each holds a reference to them */
	struct list deferred;     /* the same, not to be seen before data comes (TCP_DEFER_ACCEPT) */
	struct list knocking;     /* of queue_link: sockets whose connect found the queue full; referenced */
	uint32_t pending_count, backlog;
	/* of what is on a listener's queue; protected by the listener's s.lock */
	struct list queue_link;
	struct tcp_sock *listener; /* referenced; of an accepted socket for ever; of one that knocks while it does, by both sockets' locks */
	_Atomic bool is_deferred;
	struct ktimer timer;      /* knocking, or deferred: gives up; holds a reference while it is armed */
	struct work timed_out;
};

static inline struct tcp_sock *tcp_of(struct socket *s)
{
	return container_of(inet_of(s), struct tcp_sock, in);
}

static inline int tcp_state(const struct tcp_sock *t)
{
	return atomic_load_explicit(&t->state, memory_order_relaxed);
}

bool tcp_is_listening(const struct inet_sock *);
bool tcp_is_connected(const struct inet_sock *); /* in any state but CLOSE */
int tcp_create(struct task *, int domain, int protocol, struct socket **out);
/* Without file. NULL when memory is out. */
struct tcp_sock *tcp_new(struct netns *, int domain, uint32_t uid);
struct tcp_sock *tcp_get(struct tcp_sock *);
void tcp_put(struct tcp_sock *);
/* The give-up timer, which is not armed; harmless to cancel when it is not. */
void tcp_timer_arm(struct tcp_sock *, int64_t ns);
void tcp_timer_cancel(struct tcp_sock *);

/* --- tcp_conn.c ------------------------------------------------------------------------------------------------------------------- */

struct tcp_conn *tcp_conn_new(bool self);
/* A socket becomes an end of it and ESTABLISHED, with a reference. Its s.lock is held, or nobody else knows it. */
void tcp_conn_attach(struct tcp_conn *, struct tcp_sock *, int side);
/* The socket's connection, referenced; NULL for none. */
struct tcp_conn *tcp_conn_of(struct tcp_sock *, int *side);
void tcp_conn_put(struct tcp_conn *);

/* All with conn.lock held: */
static inline struct tcp_flow *tcp_tx(struct tcp_conn *c, int side)
{
	return &c->flow[side];
}
static inline struct tcp_flow *tcp_rx(struct tcp_conn *c, int side)
{
	return &c->flow[c->self ? side : 1 - side];
}
static inline struct tcp_sock *tcp_other(struct tcp_conn *c, int side)
{
	return c->end[c->self ? side : 1 - side];
}
static inline uint64_t tcp_queued(const struct tcp_flow *f)
{
	return f->written - f->read;
}
/* Of what is queued: how much lies beyond the receiver's window, in the sender's buffer. */
uint64_t tcp_unsent(struct tcp_conn *, int side);
/* How many more bytes end `side` may queue; and is it worth telling a sender? */
uint64_t tcp_room(struct tcp_conn *, int side);
bool tcp_writable(struct tcp_conn *, int side);
/* End `side` sends nothing more; it stays open for reading. */
void tcp_send_fin(struct tcp_conn *, int side);
/* End `side` tears the connection down: the other sees ECONNRESET, or EPIPE where it has seen the end already. */
void tcp_send_reset(struct tcp_conn *, int side);
/* The end is over: state CLOSE, told to whoever waits. err: positive errno or 0. */
void tcp_done(struct tcp_sock *, int err);
void tcp_flow_drop(struct tcp_flow *);
/* The other end, referenced, when something has come that lets it be accepted: for tcp_undefer(). Else NULL. */
struct tcp_sock *tcp_deferred(struct tcp_conn *, int side);

/* A chunk with room for n bytes, charged to the memory limit. NULL when memory is out. */
struct tcp_chunk *tcp_chunk_new(uint32_t n);
void tcp_chunk_free(struct tcp_chunk *);

/* --- tcp_connect.c, tcp_listen.c ---------------------------------------------------------------------------------------------------- */

int64_t tcp_connect(struct socket *, struct task *, const struct sock_addr *, bool nonblock);
/* Back to a fresh socket: connect(AF_UNSPEC), shutdown of a listener. */
void tcp_disconnect(struct tcp_sock *);
int tcp_listen(struct socket *, struct task *, uint32_t backlog);
int tcp_accept(struct socket *, struct socket **out);
/* One attempt for a socket in SYN_SENT whose names are set: 0, -ECONNREFUSED, -ENOMEM, or -EAGAIN: it now waits at the listener. */
int tcp_knock(struct tcp_sock *);
/* It knocks no more. */
void tcp_unknock(struct tcp_sock *);
/* A listener is no more: what was not accepted is reset, who knocked is refused. */
void tcp_listen_stop(struct tcp_sock *);
/* Data or the end have come to a deferred connection: it may be accepted. Drops the reference; NULL: nothing. No locks held. */
void tcp_undefer(struct tcp_sock *);

/* --- data --------------------------------------------------------------------------------------------------------------------------- */

int64_t tcp_send(struct socket *, struct task *, struct sock_msg *);
int64_t tcp_recv(struct socket *, struct task *, struct sock_msg *);
/* Bytes that can be read before an urgent mark: FIONREAD. conn.lock held. */
uint64_t tcp_readable(struct tcp_conn *, int side);

int tcp_getsockopt(struct socket *, struct task *, int level, int name, void *buf, uint32_t *len);
int tcp_setsockopt(struct socket *, struct task *, int level, int name, const void *buf, uint32_t len);
void tcp_options_init(struct tcp_options *);

#endif
