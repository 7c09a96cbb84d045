/* socket(2) and its family: domains, types, options, message headers, control messages. */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H

#include <stdint.h>

#define LX_AF_UNSPEC 0
#define LX_AF_UNIX 1
#define LX_AF_INET 2
#define LX_AF_INET6 10
#define LX_AF_NETLINK 16
#define LX_AF_PACKET 17
#define LX_AF_ALG 38
#define LX_AF_VSOCK 40
#define LX_AF_MAX 46

#define LX_SOCK_STREAM 1
#define LX_SOCK_DGRAM 2
#define LX_SOCK_RAW 3
#define LX_SOCK_RDM 4
#define LX_SOCK_SEQPACKET 5
#define LX_SOCK_DCCP 6
#define LX_SOCK_PACKET 10
#define LX_SOCK_TYPE_MASK 0xf
#define LX_SOCK_NONBLOCK 04000
#define LX_SOCK_CLOEXEC 02000000

#define LX_SHUT_RD 0
#define LX_SHUT_WR 1
#define LX_SHUT_RDWR 2
#define LX_SOMAXCONN 4096

#define LX_MSG_OOB 0x1u
#define LX_MSG_PEEK 0x2u
#define LX_MSG_DONTROUTE 0x4u
#define LX_MSG_CTRUNC 0x8u
#define LX_MSG_PROBE 0x10u
#define LX_MSG_TRUNC 0x20u
#define LX_MSG_DONTWAIT 0x40u
#define LX_MSG_EOR 0x80u
#define LX_MSG_WAITALL 0x100u
#define LX_MSG_FIN 0x200u
#define LX_MSG_SYN 0x400u
#define LX_MSG_CONFIRM 0x800u
#define LX_MSG_RST 0x1000u
#define LX_MSG_ERRQUEUE 0x2000u
#define LX_MSG_NOSIGNAL 0x4000u
#define LX_MSG_MORE 0x8000u
#define LX_MSG_WAITFORONE 0x10000u
#define LX_MSG_BATCH 0x40000u
#define LX_MSG_ZEROCOPY 0x4000000u
#define LX_MSG_FASTOPEN 0x20000000u
#define LX_MSG_CMSG_CLOEXEC 0x40000000u

#define LX_SOL_SOCKET 1
#define LX_SOL_IP 0
#define LX_SOL_TCP 6
#define LX_SOL_UDP 17
#define LX_SOL_IPV6 41
#define LX_SOL_NETLINK 270

#define LX_SO_DEBUG 1
#define LX_SO_REUSEADDR 2
#define LX_SO_TYPE 3
#define LX_SO_ERROR 4
#define LX_SO_DONTROUTE 5
#define LX_SO_BROADCAST 6
#define LX_SO_SNDBUF 7
#define LX_SO_RCVBUF 8
#define LX_SO_KEEPALIVE 9
#define LX_SO_OOBINLINE 10
#define LX_SO_NO_CHECK 11
#define LX_SO_PRIORITY 12
#define LX_SO_LINGER 13
#define LX_SO_BSDCOMPAT 14
#define LX_SO_REUSEPORT 15
#define LX_SO_PASSCRED 16
#define LX_SO_PEERCRED 17
#define LX_SO_RCVLOWAT 18
#define LX_SO_SNDLOWAT 19
#define LX_SO_RCVTIMEO 20
#define LX_SO_SNDTIMEO 21
#define LX_SO_BINDTODEVICE 25
#define LX_SO_ATTACH_FILTER 26
#define LX_SO_DETACH_FILTER 27
#define LX_SO_PEERNAME 28
#define LX_SO_TIMESTAMP 29
#define LX_SO_ACCEPTCONN 30
#define LX_SO_PEERSEC 31
#define LX_SO_SNDBUFFORCE 32
#define LX_SO_RCVBUFFORCE 33
#define LX_SO_PASSSEC 34
#define LX_SO_TIMESTAMPNS 35
#define LX_SO_MARK 36
#define LX_SO_TIMESTAMPING 37
#define LX_SO_PROTOCOL 38
#define LX_SO_DOMAIN 39
#define LX_SO_RXQ_OVFL 40
#define LX_SO_WIFI_STATUS 41
#define LX_SO_PEEK_OFF 42
#define LX_SO_NOFCS 43
#define LX_SO_LOCK_FILTER 44
#define LX_SO_SELECT_ERR_QUEUE 45
#define LX_SO_BUSY_POLL 46
#define LX_SO_MAX_PACING_RATE 47
#define LX_SO_BPF_EXTENSIONS 48
#define LX_SO_INCOMING_CPU 49
#define LX_SO_MEMINFO 55
#define LX_SO_INCOMING_NAPI_ID 56
#define LX_SO_COOKIE 57
#define LX_SO_PEERGROUPS 59
#define LX_SO_ZEROCOPY 60
#define LX_SO_BINDTOIFINDEX 62
#define LX_SO_TIMESTAMP_NEW 63
#define LX_SO_TIMESTAMPNS_NEW 64
#define LX_SO_RCVTIMEO_NEW 66
#define LX_SO_SNDTIMEO_NEW 67
#define LX_SO_PREFER_BUSY_POLL 69
#define LX_SO_NETNS_COOKIE 71
#define LX_SO_BUF_LOCK 72
#define LX_SO_TXREHASH 74
#define LX_SO_RCVMARK 75
#define LX_SO_PASSPIDFD 76
#define LX_SO_PEERPIDFD 77


/* The longest address of any family. */
#define LX_SOCKADDR_MAX 128
struct lx_sockaddr_in {
	uint16_t sin_family;
	uint16_t sin_port; /* big-endian */
	uint32_t sin_addr; /* big-endian */
	uint8_t sin_zero[8];
};
struct lx_sockaddr_in6 {
	uint16_t sin6_family;
	uint16_t sin6_port;
	uint32_t sin6_flowinfo;
	uint8_t sin6_addr[16];
	uint32_t sin6_scope_id;
};
struct lx_sockaddr_nl {
	uint16_t nl_family;
	uint16_t nl_pad;
	uint32_t nl_pid;
	uint32_t nl_groups;
};
_Static_assert(sizeof(struct lx_sockaddr_in) == 16, "struct sockaddr_in");
_Static_assert(sizeof(struct lx_sockaddr_in6) == 28, "struct sockaddr_in6");

struct lx_linger {
	int32_t l_onoff;
	int32_t l_linger;
};

struct lx_msghdr {
	uint64_t msg_name;
	int32_t msg_namelen;
	uint32_t pad0;
	uint64_t msg_iov;
	uint64_t msg_iovlen;
	uint64_t msg_control;
	uint64_t msg_controllen;
	uint32_t msg_flags;
	uint32_t pad1;
};
_Static_assert(sizeof(struct lx_msghdr) == 56, "struct user_msghdr");
struct lx_mmsghdr {
	struct lx_msghdr msg_hdr;
	uint32_t msg_len;
	uint32_t pad;
};
_Static_assert(sizeof(struct lx_mmsghdr) == 64, "struct mmsghdr");

/* A control message: this header, then its data, each aligned to eight bytes. */
struct lx_cmsghdr {
	uint64_t cmsg_len; /* with the header, without the padding */
	int32_t cmsg_level;
	int32_t cmsg_type;
};
_Static_assert(sizeof(struct lx_cmsghdr) == 16, "struct cmsghdr");
#define LX_CMSG_ALIGN(len) (((uint64_t)(len) + 7) & ~7ull)
#define LX_CMSG_LEN(len) (sizeof(struct lx_cmsghdr) + (len))
#define LX_CMSG_SPACE(len) (sizeof(struct lx_cmsghdr) + LX_CMSG_ALIGN(len))

#define LX_SCM_RIGHTS 1
#define LX_SCM_CREDENTIALS 2
#define LX_SCM_SECURITY 3
#define LX_SCM_PIDFD 4
#define LX_SCM_MAX_FD 253

struct lx_ucred {
	int32_t pid;
	uint32_t uid;
	uint32_t gid;
};
_Static_assert(sizeof(struct lx_ucred) == 12, "struct ucred");

#endif
