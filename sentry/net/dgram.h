/*
 * Datagrams over the sandbox's loopback: udp(7), icmp(7), raw(7). A sent message is one buffer that is put on its receivers' queues at once.
 *
 *   dgram_queue.c  buffers, queues, receiving, errors that came back, poll; life
 *   dgram_cmsg.c   control messages: what a receiver is told, what a sender may say
 *   dgram_route.c  where they go, connecting, names
 *   udp.c          UDP sockets: sending, corking, who receives
 *   icmp.c         echo: ping sockets, and the kernel's answers
 *   raw.c          raw sockets
 *
 * Lock order: netns.lock (finding receivers), then a receiver's socket.lock (queueing). Guest memory is copied under neither.
 */
#ifndef SENTRY_NET_DGRAM_H
#define SENTRY_NET_DGRAM_H

#include "sentry/net/inet.h"

#define DGRAM_HEADROOM 48u /* before the data: room for an IPv4 or IPv6 header and a UDP header */

struct dgram {
	struct list link;
	struct inet_end from, to;
	int32_t ttl, tos;
	int64_t stamp;         /* CLOCK_REALTIME ns */
	uint32_t len;          /* of data */
	uint32_t charge;       /* against the receiver's buffer */
	uint32_t room;         /* allocated for data */
	char head[DGRAM_HEADROOM]; /* its end belongs to the data: see dgram_push() */
	char data[];
};

/* An error that came back, for MSG_ERRQUEUE. */
struct dgram_error {
	struct list link;
	struct lx_sock_extended_err ee;
	struct inet_end to;    /* where the datagram went */
	struct inet_addr offender;
	uint32_t len;          /* of the datagram's data that is kept */
	char data[];
};

struct dgram_sock {
	struct inet_sock in;
	/* protected by s.lock */
	struct list queue;     /* of dgram */
	uint32_t queued_bytes; /* charged */
	struct list errors;    /* of dgram_error */
	uint32_t error_count;
	uint32_t drops;        /* for SO_RXQ_OVFL */
	int64_t last_stamp;    /* for SIOCGSTAMP, once it was asked for */
	bool stamping;
	bool connected;
	/* UDP */
	bool corked, no_check_tx, no_check_rx, gro;
	int32_t segment;
	int32_t coverage[2];   /* UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV: nothing is ever damaged here */
	struct dgram *cork;    /* what is being put together; owned */
	/* ICMP and raw */
	uint32_t icmp_filter[8];
};

static inline struct dgram_sock *dgram_of(struct socket *s)
{
	return container_of(inet_of(s), struct dgram_sock, in);
}

/* --- dgram_queue.c ------------------------------------------------------------------------------------------------------------------ */

struct dgram_sock *dgram_new(struct task *, enum netns_proto, const struct socket_ops *, int domain, int type, int protocol);
void dgram_release(struct socket *);
void dgram_free(struct socket *);
/* With room for `room` bytes, charged to the memory limit. NULL when memory is out. */
struct dgram *dgram_alloc(uint32_t room);
struct dgram *dgram_copy(const struct dgram *);
void dgram_destroy(struct dgram *); /* NULL: nothing */
/* One with the message's bytes. NULL: *err says -EFAULT or -ENOBUFS. */
struct dgram *dgram_fill(struct sock_msg *, uint32_t len, int64_t *err);
/* For the receiver, unless its filter or a full queue is against it; takes the datagram over. ns->lock held. */
void dgram_queue(struct dgram_sock *, struct dgram *, const void *packet, uint32_t packet_len);
/* The datagram that the socket has sent to `d->to` has come to nothing. */
void dgram_refused(struct dgram_sock *, const struct dgram *d, int err, uint8_t type, uint8_t code);
int64_t dgram_recv(struct socket *, struct task *, struct sock_msg *);
uint32_t dgram_poll(struct socket *, struct poll_table *);
int64_t dgram_pending(struct socket *, bool out);
int64_t dgram_ioctl(struct socket *, struct task *, uint32_t cmd, uint64_t arg);
int dgram_shutdown(struct socket *, uint32_t bits);
int dgram_name(struct socket *, int of_peer, struct sock_addr *out);
int64_t dgram_connect(struct socket *, struct task *, const struct sock_addr *, bool nonblock);

/* Where a message goes and what it says beside its bytes: judged, with a port of its own for the sender. */
struct dgram_route {
	struct inet_end from, to;
	enum inet_route kind;
	int32_t ttl, tos;
};
/* -EDESTADDRREQ, -EINVAL, -EAFNOSUPPORT, -ENETUNREACH, -EACCES (broadcast), -EMSGSIZE, and a pending error. */
int dgram_route(struct dgram_sock *, struct sock_msg *, bool with_ports, struct dgram_route *out);

/* --- dgram_cmsg.c --------------------------------------------------------------------------------------------------------------------- */

/* What the receiver asked to be told about it. */
void dgram_tell(struct dgram_sock *, const struct dgram *, struct scm *);
int inet_cmsg(struct socket *, int level, int type, const void *data, uint64_t len, struct scm *);

/* --- receivers ------------------------------------------------------------------------------------------------------------------------ */

int udp_create(struct task *, int domain, int protocol, struct socket **out);
int ping_create(struct task *, int domain, int protocol, struct socket **out);
int raw_create(struct task *, int domain, int protocol, struct socket **out);
/* Gives a copy to whoever takes it. False: nobody listens there. ns->lock not held. */
bool udp_deliver(struct netns *, enum netns_proto, const struct dgram *, enum inet_route);
/* An ICMP message (data: from the ICMP header on) has come to this host: ping sockets, raw sockets, and the answer to an echo request. */
void icmp_deliver(struct netns *, const struct dgram *);
/* Any packet: a copy for each raw socket of that protocol. */
void raw_deliver(struct netns *, const struct dgram *, int protocol);
uint16_t inet_checksum(const void *, uint32_t len, uint32_t start);

#endif
