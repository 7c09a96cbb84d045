/* netlink(7), rtnetlink(7), sock_diag(7): message headers, types, attributes. Kept to what the sentry reads or writes. */
#ifndef ABI_NETLINK_H
#define ABI_NETLINK_H

#include <stdint.h>

#define LX_NETLINK_ROUTE 0
#define LX_NETLINK_USERSOCK 2
#define LX_NETLINK_SOCK_DIAG 4
#define LX_NETLINK_KOBJECT_UEVENT 15
#define LX_NETLINK_MAX 32

struct lx_nlmsghdr {
	uint32_t nlmsg_len;
	uint16_t nlmsg_type, nlmsg_flags;
	uint32_t nlmsg_seq, nlmsg_pid;
};
struct lx_nlattr {
	uint16_t nla_len, nla_type;
};
#define LX_NLA_NESTED 0x8000u
#define LX_NLM_ALIGN(n) (((n) + 3u) & ~3u)

#define LX_NLM_F_REQUEST 0x1u
#define LX_NLM_F_MULTI 0x2u
#define LX_NLM_F_ACK 0x4u
#define LX_NLM_F_DUMP 0x300u
#define LX_NLM_F_CAPPED 0x100u
#define LX_NLM_F_ACK_TLVS 0x200u
#define LX_NLMSG_ERROR 2
#define LX_NLMSG_DONE 3
#define LX_NLMSG_MIN_TYPE 0x10
#define LX_NLMSGERR_ATTR_MSG 1

#define LX_NETLINK_ADD_MEMBERSHIP 1
#define LX_NETLINK_DROP_MEMBERSHIP 2
#define LX_NETLINK_PKTINFO 3
#define LX_NETLINK_BROADCAST_ERROR 4
#define LX_NETLINK_NO_ENOBUFS 5
#define LX_NETLINK_LISTEN_ALL_NSID 8
#define LX_NETLINK_LIST_MEMBERSHIPS 9
#define LX_NETLINK_CAP_ACK 10
#define LX_NETLINK_EXT_ACK 11
#define LX_NETLINK_GET_STRICT_CHK 12

/* rtnetlink: types come in fours, NEW DEL GET SET, from 16 on */
#define LX_RTM_NEWLINK 16
#define LX_RTM_GETLINK 18
#define LX_RTM_SETLINK 19
#define LX_RTM_NEWADDR 20
#define LX_RTM_GETADDR 22
#define LX_RTM_NEWROUTE 24
#define LX_RTM_GETROUTE 26
#define LX_RTM_GETNEIGH 30
#define LX_RTM_NEWRULE 32
#define LX_RTM_GETRULE 34
#define LX_RTM_NEWQDISC 36
#define LX_RTM_GETQDISC 38
#define LX_RTM_GETTCLASS 42
#define LX_RTM_GETTFILTER 46
#define LX_RTM_GETADDRLABEL 74
#define LX_RTM_GETNSID 90
#define LX_RTM_MAX 123
#define LX_RTNL_GET 2

struct lx_ifinfomsg {
	uint8_t ifi_family, pad;
	uint16_t ifi_type;
	int32_t ifi_index;
	uint32_t ifi_flags, ifi_change;
};
struct lx_ifaddrmsg {
	uint8_t ifa_family, ifa_prefixlen, ifa_flags, ifa_scope;
	uint32_t ifa_index;
};
struct lx_rtmsg {
	uint8_t rtm_family, rtm_dst_len, rtm_src_len, rtm_tos, rtm_table, rtm_protocol, rtm_scope, rtm_type;
	uint32_t rtm_flags;
};
struct lx_tcmsg {
	uint8_t tcm_family, pad[3];
	int32_t tcm_ifindex;
	uint32_t tcm_handle, tcm_parent, tcm_info;
};
struct lx_ifa_cacheinfo {
	uint32_t prefered, valid, created, updated;
};

#define LX_IFLA_ADDRESS 1
#define LX_IFLA_BROADCAST 2
#define LX_IFLA_IFNAME 3
#define LX_IFLA_MTU 4
#define LX_IFLA_QDISC 6
#define LX_IFLA_STATS 7
#define LX_IFLA_TXQLEN 13
#define LX_IFLA_MAP 14
#define LX_IFLA_OPERSTATE 16
#define LX_IFLA_LINKMODE 17
#define LX_IFLA_STATS64 23
#define LX_IFLA_AF_SPEC 26
#define LX_IFLA_GROUP 27
#define LX_IFLA_EXT_MASK 29
#define LX_IFLA_PROMISCUITY 30
#define LX_IFLA_NUM_TX_QUEUES 31
#define LX_IFLA_NUM_RX_QUEUES 32
#define LX_IFLA_CARRIER 33
#define LX_IFLA_CARRIER_CHANGES 35
#define LX_IFLA_PROTO_DOWN 39
#define LX_IFLA_GSO_MAX_SEGS 40
#define LX_IFLA_GSO_MAX_SIZE 41
#define LX_IFLA_CARRIER_UP_COUNT 47
#define LX_IFLA_CARRIER_DOWN_COUNT 48
#define LX_IFLA_MIN_MTU 50
#define LX_IFLA_MAX_MTU 51
#define LX_RTEXT_FILTER_SKIP_STATS 8u

#define LX_IFA_ADDRESS 1
#define LX_IFA_LOCAL 2
#define LX_IFA_LABEL 3
#define LX_IFA_CACHEINFO 6
#define LX_IFA_FLAGS 8
#define LX_IFA_PROTO 11
#define LX_IFA_F_PERMANENT 0x80

#define LX_RTA_DST 1
#define LX_RTA_SRC 2
#define LX_RTA_OIF 4
#define LX_RTA_PRIORITY 6
#define LX_RTA_PREFSRC 7
#define LX_RTA_CACHEINFO 12
#define LX_RTA_TABLE 15
#define LX_RTA_PREF 20
#define LX_RTA_UID 25
#define LX_RTM_F_CLONED 0x200u
#define LX_RTCF_LOCAL 0x80000000u
#define LX_RTN_LOCAL 2
#define LX_RTN_BROADCAST 3
#define LX_RTPROT_UNSPEC 0
#define LX_RTPROT_KERNEL 2
#define LX_RT_SCOPE_LINK 253
#define LX_RT_SCOPE_HOST 254
#define LX_RT_TABLE_DEFAULT 253
#define LX_RT_TABLE_MAIN 254
#define LX_RT_TABLE_LOCAL 255

#define LX_FRA_PRIORITY 6
#define LX_FRA_SUPPRESS_PREFIXLEN 14
#define LX_FRA_TABLE 15
#define LX_FRA_PROTOCOL 21
#define LX_FR_ACT_TO_TBL 1

#define LX_TCA_KIND 1
#define LX_TCA_STATS 3
#define LX_TCA_STATS2 7
#define LX_TCA_HW_OFFLOAD 12

/* sock_diag(7) */
#define LX_SOCK_DIAG_BY_FAMILY 20
struct lx_inet_diag_sockid {
	uint16_t sport, dport; /* big-endian */
	uint32_t src[4], dst[4];
	uint32_t ifindex, cookie[2];
};
struct lx_inet_diag_req {
	uint8_t family, protocol, ext, pad;
	uint32_t states;
	struct lx_inet_diag_sockid id;
};
struct lx_inet_diag_msg {
	uint8_t family, state, timer, retrans;
	struct lx_inet_diag_sockid id;
	uint32_t expires, rqueue, wqueue, uid, inode;
};
_Static_assert(sizeof(struct lx_inet_diag_req) == 56, "struct inet_diag_req_v2");
_Static_assert(sizeof(struct lx_inet_diag_msg) == 72, "struct inet_diag_msg");

#endif
