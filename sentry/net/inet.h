/*
 * Internet sockets within a namespace: ip(7), ipv6(7). What TCP, UDP, ICMP and raw sockets share.
 *
 *   inet_addr.c    addresses: in, out, compared; where they lead
 *   inet_port.c    ports: binding, conflicts, look-up, TIME_WAIT
 *   inet_socket.c  life; bind; names; socket(2)'s dispatch
 *   inet_opt.c     the levels SOL_IP and SOL_IPV6, what the families know of SOL_SOCKET; inet_cmsg.c: control messages
 *   inet_ioctl.c   SIOCGIF*: the interface
 *   inet_rows.c    sockets as tables show them
 *   tcp_*.c        streams, see tcp.h
 *   dgram_*.c      UDP, ping and raw sockets, see dgram.h
 *
 * Addresses are kept in 16 bytes, IPv4 as ::ffff:a.b.c.d whatever the socket's family; ports in the host's order.
 */
#ifndef SENTRY_NET_INET_H
#define SENTRY_NET_INET_H

#include "abi/inet.h"
#include "base/list.h"
#include "sentry/net/netns.h"
#include "sentry/net/socket.h"

struct inet_addr {
	uint8_t b[16];
};
struct inet_end {
	struct inet_addr addr;
	uint16_t port;
};

struct inet_group { /* a multicast membership */
	struct list link;
	struct inet_addr addr;
	int ifindex;
};

/* Options; protected by s.lock, single fields are read without it. */
struct inet_options {
	int32_t ttl, hops, tos, tclass;     /* -1: the default */
	int32_t mcast_ttl, mcast_hops, mcast_if, mcast_if6, unicast_if;
	int32_t mtu_discover, mtu_discover6, min_ttl, checksum;
	bool mcast_loop, mcast_loop6, mcast_all, v6only, hdrincl, freebind, transparent, nodefrag, bind_no_port, dontfrag;
	bool recverr, recverr6, recvttl, recvtos, pktinfo, origdst, recvopts, retopts;
	bool recvpktinfo6, recvhoplimit, recvtclass;
	bool sndbuf_set, rcvbuf_set;
	uint16_t port_low, port_high;       /* IP_LOCAL_PORT_RANGE; 0: the namespace's */
};

struct inet_sock {
	struct socket s;
	/* immutable after creation */
	struct netns *ns;              /* referenced */
	enum netns_proto proto;
	uint32_t uid;                  /* the creator's */
	/* protected by ns->lock; read without it */
	struct list all_link, bind_link;
	struct inet_end local, remote; /* port 0: none */
	bool addr_bound, port_bound;   /* by bind(2), not by connect(2) or a send */
	/* protected by s.lock */
	struct inet_options ip;
	struct list groups;            /* of inet_group; changed under ns->lock too */
	uint32_t group_count;
};

static inline struct inet_sock *inet_of(struct socket *s)
{
	return container_of(s, struct inet_sock, s);
}

/* --- inet_socket.c ---------------------------------------------------------------------------------------------------------------- */

int inet_create(struct task *, int type, int protocol, struct socket **out);
int inet6_create(struct task *, int type, int protocol, struct socket **out);
/* What an embedding object's start needs; then it is found by walks. */
void inet_init(struct inet_sock *, struct netns *, enum netns_proto, const struct socket_ops *, int domain, int type, int protocol,
	       uint32_t uid);
/* Before it is freed: out of all tables. */
void inet_fini(struct inet_sock *);
int inet_bind(struct socket *, struct task *, const struct sock_addr *);
/* Names; of_peer 1: -ENOTCONN unless it is connected, 2: whoever it was. */
void inet_show(const struct inet_sock *, const struct inet_end *, struct sock_addr *out);
void inet_show_as(int domain, const struct inet_end *, struct sock_addr *out);
/* Reads and judges an address for bind: bind(2)'s errors up to -EADDRNOTAVAIL. */
int inet_bind_addr(const struct inet_sock *, const struct sock_addr *, struct inet_end *out);

/* --- inet_addr.c -------------------------------------------------------------------------------------------------------------------- */

extern const struct inet_addr inet_any4, inet_any6, inet_loop4, inet_loop6;
enum inet_route { ROUTE_LOCAL, ROUTE_BROADCAST, ROUTE_MULTICAST, ROUTE_NONE };

bool inet_is_v4(const struct inet_addr *);
bool inet_is_any(const struct inet_addr *);
bool inet_is_multicast(const struct inet_addr *);
bool inet_equal(const struct inet_addr *, const struct inet_addr *);
struct inet_addr inet_from_v4(uint32_t big_endian);
uint32_t inet_to_v4(const struct inet_addr *);
/* Where it leads. Broadcast is 127.255.255.255 and 255.255.255.255; multicast goes only where an interface is named. */
enum inet_route inet_route(const struct inet_addr *);
/* An address of connect or send: -EINVAL (length), -EAFNOSUPPORT, -ENETUNREACH (of the other family). AF_UNSPEC is the caller's. An empty address is the loopback. */
int inet_dest(const struct inet_sock *, const struct sock_addr *, struct inet_end *out);
/* The address that a packet to `to` comes from: the socket's own, or the interface's. */
struct inet_addr inet_source(const struct inet_sock *, const struct inet_addr *to);

/* --- inet_port.c --------------------------------------------------------------------------------------------------------------------- */

/* Does the socket with this local address take what is sent to `to`? */
bool inet_takes(const struct inet_sock *, const struct inet_addr *to);
/* Gives the socket a port (0: any that is free) and puts it where it is found; ns->lock held, it has none. -EADDRINUSE. */
int inet_port_take(struct inet_sock *, uint16_t port);
/* Would it conflict with others now? For listen(2). ns->lock held. */
bool inet_port_conflict(struct inet_sock *);
/* A port for connect to `remote`, and the pair entered. -EADDRNOTAVAIL. ns->lock held; sets local and remote. */
int inet_port_connect(struct inet_sock *, const struct inet_addr *source, const struct inet_end *remote);
/* An accepted socket's place. ns->lock held. */
void inet_port_share(struct inet_sock *);
/* Out of the tables by port. ns->lock held. Harmless when it is in none. */
void inet_port_leave(struct inet_sock *);
struct inet_table *inet_table(struct netns *, enum netns_proto); /* ns->lock held; NULL when memory is out */
struct list *inet_bucket(struct netns *, enum netns_proto, uint16_t port); /* of bound ones; NULL: there is none. ns->lock held */

/* A connection that its socket has left, whose port is not free for a minute. */
void inet_tw_add(struct netns *, const struct inet_sock *);
void inet_tw_flush(struct netns *);

/* --- inet_opt.c, inet_cmsg.c, inet_ioctl.c ------------------------------------------------------------------------------------------- */

int inet_getsockopt(struct socket *, struct task *, int level, int name, void *buf, uint32_t *len);
int inet_setsockopt(struct socket *, struct task *, int level, int name, const void *buf, uint32_t len);
int64_t inet_ioctl(struct socket *, struct task *, uint32_t cmd, uint64_t arg);
/* Options of one int come with any length from one byte on, as in ip_setsockopt(). */
int inet_opt_int(const void *buf, uint32_t len, int32_t *out);
int inet_put_int(void *buf, uint32_t *len, int32_t value);

/* --- inet_rows.c ----------------------------------------------------------------------------------------------------------------------- */

struct inet_row {
	const struct inet_sock *sock;
	struct inet_end local, remote;
	int state;                /* enum lx_tcp_state, of datagram sockets too */
	uint64_t rqueue, wqueue;  /* bytes; of a listener rqueue is what waits to be accepted, of at most `backlog` */
	uint32_t backlog, uid, drops;
	uint64_t ino;
};
/* Calls show for each socket of that kind and family, with ns->lock held. */
void inet_rows(struct netns *, enum netns_proto, int domain, void (*show)(const struct inet_row *, void *), void *arg);

#endif
