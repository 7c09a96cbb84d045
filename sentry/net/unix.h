/*
 * Unix sockets: unix(7). Streams, datagrams and sequenced packets within the sandbox, by name or in pairs, with fds passed along.
 *
 *   unix_socket.c  life, shutdown, names shown, options, the tables of operations
 *   unix_name.c    bind: the table of abstract names, sockets in the file tree
 *   unix_connect.c connect, listen, accept, pair
 *   unix_queue.c   packets, and whose buffer they fill
 *   unix_stream.c  data of streams
 *   unix_dgram.c   data of datagrams and sequenced packets
 *   unix_rights.c  sockets that travel in messages, and the cycles they leave behind
 *
 * Life of a stream's ends: connect makes the other end (an embryo) and queues it at the listener; accept gives it a file. `peer` is set
 * once, holds a reference, and is dropped with the own file; the object of a closed peer stays (dead), so that its name can be shown.
 * A datagram socket's peer may change: it is read under the lock.
 *
 * Lock order: names.lock and rights.lock (RANK_SOCKET_NAMES, never both), then socket.lock of at most two, by lock_two().
 */
#ifndef SENTRY_NET_UNIX_H
#define SENTRY_NET_UNIX_H

#include "base/list.h"
#include "sentry/fs/path.h"
#include "sentry/net/socket.h"

struct unix_name;

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };

/* A datagram, or a piece of a stream. */
struct packet {
	struct list link;
	uint32_t room, at, len;      /* of data: its size, where the unread bytes are, how many */
	uint32_t charge;             /* against the sender's buffer */
	struct unix_sock *sender;    /* referenced; NULL in streams: the receiver's peer */
	int64_t stamp;               /* CLOCK_REALTIME ns of its sending, where the receiver asks for that; else 0 */
	struct scm scm;
	char data[];
};

struct unix_sock {
	struct socket s;
	/* atomic; change under s.lock */
	_Atomic int state;                 /* enum unix_state */
	struct unix_sock *_Atomic peer;    /* referenced */
	/* set once, under names.lock */
	struct unix_name *_Atomic name;    /* owned */
	/* protected by s.lock */
	struct list queue;                 /* of packet */
	uint32_t queued;                   /* packets */
	uint64_t bytes;                    /* unread */
	struct list pending;               /* of unix_sock.accept_link: embryos; each holds a reference to them */
	struct list accept_link;           /* by the listener's lock */
	uint32_t pending_count, backlog;
	struct lx_ucred peer_cred;
	struct landlock_domain *landlock;  /* its maker's; referenced, or NULL; immutable after creation */
	bool dead;                         /* released */
	struct list clients;               /* datagram sockets connected here: of client_link */
	struct list client_link;           /* by the peer's lock */
	_Atomic bool want_room;            /* a client's poll found this peer's queue full */
	struct list all_link;              /* protected by every.lock, unix_socket.c */
	/* atomic */
	_Atomic int64_t in_flight_bytes;   /* charged for packets that were not read yet */
	struct packet *_Atomic spare;      /* one small packet, to be used again */
	/* protected by rights.lock */
	struct list flying;                /* on rights.flying while messages hold its file */
	uint32_t flights;                  /* how many do */
	struct unix_sock *listener;        /* of an embryo, until it is accepted; not referenced: it goes after the embryo */
	int64_t unexplained;               /* the collector's: references to its file that no candidate's queue explains */
	enum { RIGHTS_LIVE, RIGHTS_CANDIDATE } mark;
	bool collected;                    /* is garbage, and being emptied: garbage never becomes anything else */
	struct unix_sock *next_garbage;    /* owned by who set `collected` */
};

static inline struct unix_sock *unix_of(struct socket *s)
{
	return container_of(s, struct unix_sock, s);
}

static inline bool unix_has_connections(const struct unix_sock *u)
{
	return u->s.type != LX_SOCK_DGRAM;
}

int unix_create(struct task *, int type, int protocol, struct socket **out);
/* Without file or name. NULL when memory is out. */
struct unix_sock *unix_new(int type);
struct unix_sock *unix_get(struct unix_sock *);
void unix_put(struct unix_sock *);
/* The peer, referenced; NULL for none. */
struct unix_sock *unix_peer(struct unix_sock *);
/* Calls show for each socket there is, for /proc/net/unix; with a lock of RANK_SOCKET_NAMES held. */
void unix_rows(void (*show)(const struct unix_sock *, void *), void *arg);
/* Drops everything that waits to be received or accepted. */
void unix_empty(struct unix_sock *);

/* --- unix_name.c ----------------------------------------------------------------------------------------------------------- */

struct unix_name {
	uint32_t len;            /* of the address; 2: none */
	struct lx_sockaddr_un un;
	struct unix_sock *owner; /* NULL: an accepted socket's copy of its listener's */
	struct list link;        /* abstract names: protected by names.lock */
	struct path path;        /* referenced; names in the file tree keep their inode */
};

int unix_bind(struct socket *, struct task *, const struct sock_addr *);
/* Gives an abstract name of five digits, unless it has a name. */
int unix_autobind(struct unix_sock *);
int unix_check_addr(const struct sock_addr *);
/* Who is called so, and of this type: referenced. -ECONNREFUSED, -EPROTOTYPE, -EACCES, -ENOENT and what else a path gives. */
int unix_find(struct task *, const struct sock_addr *, int type, struct unix_sock **out);
/* An accepted socket shows its listener's name. 0 or -ENOMEM. */
int unix_copy_name(struct unix_sock *to, const struct unix_sock *from);
/* Nobody finds it any more. */
void unix_unname(struct unix_sock *);
void unix_name_free(struct unix_name *);
void unix_show_name(const struct unix_sock *, struct sock_addr *out);

/* --- unix_connect.c ----------------------------------------------------------------------------------------------------------- */

int64_t unix_connect_stream(struct socket *, struct task *, const struct sock_addr *, bool nonblock);
int64_t unix_connect_dgram(struct socket *, struct task *, const struct sock_addr *, bool nonblock);
int unix_listen(struct socket *, struct task *, uint32_t backlog);
int unix_accept(struct socket *, struct socket **out);
int unix_pair(struct socket *, struct socket *, struct task *);
/* A datagram socket lets its peer go: `peer` (if it still is that). */
void unix_disconnect(struct unix_sock *, struct unix_sock *peer);

/* --- unix_queue.c --------------------------------------------------------------------------------------------------------------- */

/* With room for len bytes, nothing in it; from the sender's spare where that will do. NULL when memory is out. */
struct packet *packet_new(struct unix_sock *sender, uint32_t len);
/* Fills it from the message; the first packet of a message takes its files. 0, -EFAULT, -ENOMEM. */
int packet_fill(struct packet *, struct sock_msg *, uint32_t len);
/* Frees its memory; NULL: nothing. */
void packet_destroy(struct packet *);
/* Lets go of a packet that was never queued (NULL: none), with the files it has. */
void packet_unsent(struct unix_sock *sender, struct packet *);
/* Lets go of a packet that was taken off a queue: its charge goes back to the sender, who may be waiting for that; files it still has are put. */
void packet_free(struct unix_sock *receiver, struct packet *);
/* Charges the sender and appends to the receiver's queue, whose lock is held; it is not dead and not shut. The caller wakes. */
void packet_queue(struct unix_sock *sender, struct unix_sock *receiver, struct packet *);
/* Takes it off the queue; lock held. */
void packet_take(struct unix_sock *receiver, struct packet *);
/* Frees all packets of a list. */
void packets_free(struct unix_sock *receiver, struct list *);
/* May the socket queue one more message without waiting? (send, not poll) */
bool unix_has_buffer(const struct unix_sock *);
/* As poll(2) sees it: so much is free that it is worth waking a sender. */
bool unix_writable(const struct unix_sock *);

/* --- data --------------------------------------------------------------------------------------------------------------------------- */

int64_t unix_stream_send(struct socket *, struct task *, struct sock_msg *);
int64_t unix_stream_recv(struct socket *, struct task *, struct sock_msg *);
uint32_t unix_stream_poll(struct socket *, struct poll_table *);
int64_t unix_dgram_send(struct socket *, struct task *, struct sock_msg *);
int64_t unix_seq_send(struct socket *, struct task *, struct sock_msg *);
int64_t unix_dgram_recv(struct socket *, struct task *, struct sock_msg *);
uint32_t unix_dgram_poll(struct socket *, struct poll_table *);

/* --- unix_rights.c --------------------------------------------------------------------------------------------------------------------- */

/* Files go into a queue, or leave it (before their references do). */
void unix_rights_queued(struct scm_files *, struct unix_sock *receiver);
void unix_rights_taken(struct scm_files *);
/* An embryo has left its listener. */
void unix_rights_accepted(struct unix_sock *);
bool unix_rights_too_many(struct task *);
/*
 * Soon, by the reactor: finds sockets that only messages hold which nobody can receive, and drops those messages. At each close; free of cost
 * while no socket travels.
 */
void unix_rights_collect(void);

#endif
