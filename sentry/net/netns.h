/*
 * A network namespace: one interface `lo` (127.0.0.0/8 and ::1), its sockets by protocol and port, its settings and counters.
 *
 * Nothing leaves it. Tables hold no references: a socket leaves them before it is freed, and look-ups take a reference with the lock held.
 *
 * Lock: netns.lock is of RANK_SOCKET_NAMES: before any socket's.
 */
#ifndef SENTRY_NET_NETNS_H
#define SENTRY_NET_NETNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"

struct inet_sock;
struct task;

#define NETNS_BUCKETS 512u
#define LO_IFINDEX 1
#define LO_MTU 65536

enum netns_proto { NETNS_TCP, NETNS_UDP, NETNS_UDPLITE, NETNS_ICMP, NETNS_ICMP6, NETNS_RAW, NETNS_PROTOS };

/* Sockets with a port, by port. */
struct inet_table {
	struct list bound[NETNS_BUCKETS]; /* of inet_sock.bind_link */
	struct list taken[NETNS_BUCKETS]; /* the same, of accepted sockets, which have their listener's port */
};

struct netns {
	struct ref ref;
	struct lock lock;
	/* protected by lock */
	struct inet_table *table[NETNS_RAW];  /* owned; made at first use */
	struct list sockets[NETNS_PROTOS];    /* of inet_sock.all_link: every socket there is, for walks */
	uint32_t count[NETNS_PROTOS];
	struct list netlink;                  /* of netlink_sock.link */
	struct list time_wait;                /* of inet_tw.link, in order of expiry */
	uint32_t time_wait_count;
	uint16_t time_wait_ports[NETNS_BUCKETS]; /* how many of them have a port of that bucket: the list is searched only where there are some */
	uint32_t next_port;                   /* where the search for an ephemeral port begins */
	/* settings: /proc/sys/net; atomic */
	_Atomic int32_t port_low, port_high;  /* ip_local_port_range, both included */
	_Atomic int32_t unprivileged_port;    /* ip_unprivileged_port_start */
	_Atomic uint32_t ping_low, ping_high; /* ping_group_range; low > high: nobody */
	_Atomic int32_t ip_nonlocal_bind, bindv6only, default_ttl;
	/* counters; atomic */
	_Atomic uint64_t tcp_active_opens, tcp_passive_opens, tcp_attempt_fails, tcp_resets, tcp_out_resets;
	_Atomic uint64_t udp_in, udp_out, udp_no_port, udp_drops;
	_Atomic uint64_t lo_packets, lo_bytes;
};

/*
 * Objects of a kind that guests can have a great many of: zeroed, and counted against the sandbox's memory limit. A connection that waits to be
 * accepted has no fd that could bound it. NULL when memory is out.
 */
void *net_object_new(size_t size);
void net_object_free(void *, size_t size); /* NULL: nothing */

/* With one reference, the caller's. NULL when memory is out. */
struct netns *netns_create(void);
struct netns *netns_get(struct netns *);
void netns_put(struct netns *);
/* The namespace that a task's new sockets are made in: borrowed. Where a namespace per task would be decided. */
struct netns *task_netns(struct task *);

#endif
