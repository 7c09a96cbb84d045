/* Internet sockets: ip(7), ipv6(7), tcp(7), udp(7), icmp(7), raw(7), netdevice(7): protocols, options, structures. */
#ifndef ABI_INET_H
#define ABI_INET_H

#include <stdint.h>

#define LX_IPPROTO_IP 0
#define LX_IPPROTO_ICMP 1
#define LX_IPPROTO_TCP 6
#define LX_IPPROTO_UDP 17
#define LX_IPPROTO_IPV6 41
#define LX_IPPROTO_ICMPV6 58
#define LX_IPPROTO_UDPLITE 136
#define LX_IPPROTO_RAW 255
#define LX_SOL_ICMPV6 58
#define LX_SOL_RAW 255

#define LX_IP_TOS 1
#define LX_IP_TTL 2
#define LX_IP_HDRINCL 3
#define LX_IP_OPTIONS 4
#define LX_IP_RECVOPTS 6
#define LX_IP_RETOPTS 7
#define LX_IP_PKTINFO 8
#define LX_IP_MTU_DISCOVER 10
#define LX_IP_RECVERR 11
#define LX_IP_RECVTTL 12
#define LX_IP_RECVTOS 13
#define LX_IP_MTU 14
#define LX_IP_FREEBIND 15
#define LX_IP_TRANSPARENT 19
#define LX_IP_RECVORIGDSTADDR 20
#define LX_IP_MINTTL 21
#define LX_IP_NODEFRAG 22
#define LX_IP_BIND_ADDRESS_NO_PORT 24
#define LX_IP_RECVERR_RFC4884 26
#define LX_IP_MULTICAST_IF 32
#define LX_IP_MULTICAST_TTL 33
#define LX_IP_MULTICAST_LOOP 34
#define LX_IP_ADD_MEMBERSHIP 35
#define LX_IP_DROP_MEMBERSHIP 36
#define LX_MCAST_JOIN_GROUP 42
#define LX_MCAST_LEAVE_GROUP 45
#define LX_IP_MULTICAST_ALL 49
#define LX_IP_UNICAST_IF 50
#define LX_IP_LOCAL_PORT_RANGE 51

#define LX_IPV6_ADDRFORM 1
#define LX_IPV6_CHECKSUM 7
#define LX_IPV6_UNICAST_HOPS 16
#define LX_IPV6_MULTICAST_IF 17
#define LX_IPV6_MULTICAST_HOPS 18
#define LX_IPV6_MULTICAST_LOOP 19
#define LX_IPV6_ADD_MEMBERSHIP 20
#define LX_IPV6_DROP_MEMBERSHIP 21
#define LX_IPV6_MTU_DISCOVER 23
#define LX_IPV6_MTU 24
#define LX_IPV6_RECVERR 25
#define LX_IPV6_V6ONLY 26
#define LX_IPV6_RECVPKTINFO 49
#define LX_IPV6_PKTINFO 50
#define LX_IPV6_RECVHOPLIMIT 51
#define LX_IPV6_HOPLIMIT 52
#define LX_IPV6_DONTFRAG 62
#define LX_IPV6_RECVTCLASS 66
#define LX_IPV6_TCLASS 67
#define LX_IPV6_FREEBIND 78
#define LX_ICMPV6_FILTER 1
#define LX_ICMP_FILTER 1

#define LX_TCP_NODELAY 1
#define LX_TCP_MAXSEG 2
#define LX_TCP_CORK 3
#define LX_TCP_KEEPIDLE 4
#define LX_TCP_KEEPINTVL 5
#define LX_TCP_KEEPCNT 6
#define LX_TCP_SYNCNT 7
#define LX_TCP_LINGER2 8
#define LX_TCP_DEFER_ACCEPT 9
#define LX_TCP_WINDOW_CLAMP 10
#define LX_TCP_INFO 11
#define LX_TCP_QUICKACK 12
#define LX_TCP_CONGESTION 13
#define LX_TCP_THIN_LINEAR_TIMEOUTS 16
#define LX_TCP_USER_TIMEOUT 18
#define LX_TCP_FASTOPEN 23
#define LX_TCP_TIMESTAMP 24
#define LX_TCP_NOTSENT_LOWAT 25
#define LX_TCP_FASTOPEN_CONNECT 30
#define LX_TCP_ULP 31
#define LX_TCP_INQ 36
#define LX_TCP_CM_INQ LX_TCP_INQ

#define LX_SOL_UDPLITE 136
#define LX_UDP_CORK 1
#define LX_UDPLITE_SEND_CSCOV 10
#define LX_UDPLITE_RECV_CSCOV 11
#define LX_UDP_NO_CHECK6_TX 101
#define LX_UDP_NO_CHECK6_RX 102
#define LX_UDP_SEGMENT 103
#define LX_UDP_GRO 104

enum lx_tcp_state {
	LX_TCP_ESTABLISHED = 1,
	LX_TCP_SYN_SENT = 2,
	LX_TCP_SYN_RECV = 3,
	LX_TCP_FIN_WAIT1 = 4,
	LX_TCP_FIN_WAIT2 = 5,
	LX_TCP_TIME_WAIT = 6,
	LX_TCP_CLOSE = 7,
	LX_TCP_CLOSE_WAIT = 8,
	LX_TCP_LAST_ACK = 9,
	LX_TCP_LISTEN = 10,
	LX_TCP_CLOSING = 11,
};

struct lx_tcp_info {
	uint8_t tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
	uint8_t tcpi_wscale;    /* four bits each way */
	uint8_t tcpi_flags;
	uint32_t tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
	uint32_t tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
	uint32_t tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
	uint32_t tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd, tcpi_advmss, tcpi_reordering;
	uint32_t tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
	uint64_t tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
	uint32_t tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in, tcpi_data_segs_out;
	uint64_t tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
	uint32_t tcpi_delivered, tcpi_delivered_ce;
	uint64_t tcpi_bytes_sent, tcpi_bytes_retrans;
	uint32_t tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd, tcpi_rcv_wnd, tcpi_rehash;
	uint16_t tcpi_total_rto, tcpi_total_rto_recoveries;
	uint32_t tcpi_total_rto_time;
};
_Static_assert(sizeof(struct lx_tcp_info) == 248, "struct tcp_info of Linux 6.12");

struct lx_in_pktinfo {
	int32_t ipi_ifindex;
	uint32_t ipi_spec_dst, ipi_addr; /* big-endian */
};
struct lx_in6_pktinfo {
	uint8_t ipi6_addr[16];
	int32_t ipi6_ifindex;
};
struct lx_ip_mreq {
	uint32_t imr_multiaddr, imr_interface;
};
struct lx_ip_mreqn {
	uint32_t imr_multiaddr, imr_address;
	int32_t imr_ifindex;
};
struct lx_ipv6_mreq {
	uint8_t ipv6mr_multiaddr[16];
	int32_t ipv6mr_ifindex;
};
struct lx_sock_extended_err {
	uint32_t ee_errno;
	uint8_t ee_origin, ee_type, ee_code, ee_pad;
	uint32_t ee_info, ee_data;
};
#define LX_SO_EE_ORIGIN_LOCAL 1
#define LX_SO_EE_ORIGIN_ICMP 2
#define LX_SO_EE_ORIGIN_ICMP6 3

#define LX_ICMP_ECHOREPLY 0
#define LX_ICMP_DEST_UNREACH 3
#define LX_ICMP_PORT_UNREACH 3
#define LX_ICMP_ECHO 8
#define LX_ICMPV6_DEST_UNREACH 1
#define LX_ICMPV6_PORT_UNREACH 4
#define LX_ICMPV6_ECHO_REQUEST 128
#define LX_ICMPV6_ECHO_REPLY 129

/* Headers on the wire; multi-byte fields are big-endian. */
struct lx_iphdr {
	uint8_t version_ihl, tos;
	uint16_t tot_len, id, frag_off;
	uint8_t ttl, protocol;
	uint16_t check;
	uint32_t saddr, daddr;
};
_Static_assert(sizeof(struct lx_iphdr) == 20, "struct iphdr");
struct lx_icmphdr {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
};
_Static_assert(sizeof(struct lx_icmphdr) == 8, "struct icmphdr");
struct lx_udphdr {
	uint16_t source, dest, len, check;
};

/* netdevice(7) */
#define LX_IFNAMSIZ 16
struct lx_ifreq {
	char ifr_name[LX_IFNAMSIZ];
	union {
		uint8_t ifr_addr[16]; /* struct sockaddr */
		int16_t ifr_flags;
		int32_t ifr_int;      /* ifindex, metric, mtu, txqlen */
		uint8_t raw[24];
	};
};
_Static_assert(sizeof(struct lx_ifreq) == 40, "struct ifreq");
struct lx_ifconf {
	int32_t ifc_len;
	uint32_t pad;
	uint64_t ifc_buf;
};
#define LX_IFF_UP 0x1
#define LX_IFF_LOOPBACK 0x8
#define LX_IFF_RUNNING 0x40
#define LX_ARPHRD_LOOPBACK 772

#endif
