/* /proc/net: its table, and what is the same in every namespace: one interface lo. proc_pid_net(5). */
#include "sentry/fs/proc/proc.h"
#include "sentry/net/netns.h"

#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0444, .text = s }
#define SHOW(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn }
#define INET(n, proto) { .name = n, .mode = LX_S_IFREG | 0444, .show = proc_show_net_inet, .arg = proto }

#define ZEROS "00000000000000000000000000000000"
#define NO_ROUTE6 ZEROS " 00 " ZEROS " 00 " ZEROS " ffffffff 00000001 00000000 00200200       lo\n"

/* The names are of what there is; the numbers that programs read are the sockets in use, elsewhere. */
#define PROTOCOL(name, can) name "      1024      0      -1   NI       0   yes  kernel      " can "\n"

static const struct pseudo_entry net_entries[] = {
	TEXT("anycast6", ""),
	TEXT("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
	SHOW("dev", proc_show_net_dev),
	TEXT("dev_mcast", ""),
	TEXT("fib_trie", "Main:\n  +-- 127.0.0.0/8 2 0 2\n     +-- 127.0.0.0/31 1 0 0\n        |-- 127.0.0.0\n           /8 host LOCAL\n"
			 "        |-- 127.0.0.1\n           /32 host LOCAL\n     |-- 127.255.255.255\n        /32 link BROADCAST\n"
			 "Local:\n  +-- 127.0.0.0/8 2 0 2\n     +-- 127.0.0.0/31 1 0 0\n        |-- 127.0.0.0\n           /8 host LOCAL\n"
			 "        |-- 127.0.0.1\n           /32 host LOCAL\n     |-- 127.255.255.255\n        /32 link BROADCAST\n"),
	INET("icmp", NETNS_ICMP),
	INET("icmp6", NETNS_ICMP6 | PROC_NET_V6),
	TEXT("if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n"),
	TEXT("igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
		     "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"),
	TEXT("igmp6", "1    lo              ff020000000000000000000000000001     1 0000000C 0\n"
		      "1    lo              ff010000000000000000000000000001     1 00000008 0\n"),
	TEXT("ipv6_route", NO_ROUTE6 "00000000000000000000000000000001 80 " ZEROS " 00 " ZEROS
				     " 00000000 00000002 00000000 80200001       lo\n" NO_ROUTE6),
	SHOW("netlink", proc_show_net_netlink),
	SHOW("netstat", proc_show_net_netstat),
	TEXT("packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
	TEXT("protocols", "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n"
		PROTOCOL("PINGv6  ", "y  y  y  n  n  y  n  n  y  y  y  y  y  y  n  y  y  n")
		PROTOCOL("RAWv6   ", "y  y  y  n  y  y  y  n  y  y  y  y  y  y  y  y  n  n")
		PROTOCOL("UDPv6   ", "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n")
		PROTOCOL("TCPv6   ", "y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y")
		PROTOCOL("UNIX    ", "y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n")
		PROTOCOL("PING    ", "y  y  y  n  n  y  n  n  y  y  y  y  y  y  n  y  y  n")
		PROTOCOL("RAW     ", "y  y  y  n  y  y  y  n  y  y  y  y  y  y  y  y  n  n")
		PROTOCOL("UDP     ", "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n")
		PROTOCOL("TCP     ", "y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y")
		PROTOCOL("NETLINK ", "n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n")),
	TEXT("psched", "000003e8 00000040 000f4240 3b9aca00\n"),
	TEXT("ptype", "Type Device      Function\n0800          ip_rcv\n0806          arp_rcv\n86dd          ipv6_rcv\n"),
	INET("raw", NETNS_RAW),
	INET("raw6", NETNS_RAW | PROC_NET_V6),
	/* Linux pads its lines, too. */
	TEXT("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
		      "                                                       \n"),
	SHOW("snmp", proc_show_net_snmp),
	SHOW("snmp6", proc_show_net_snmp6),
	SHOW("sockstat", proc_show_net_sockstat),
	SHOW("sockstat6", proc_show_net_sockstat6),
	INET("tcp", NETNS_TCP),
	INET("tcp6", NETNS_TCP | PROC_NET_V6),
	INET("udp", NETNS_UDP),
	INET("udp6", NETNS_UDP | PROC_NET_V6),
	SHOW("unix", proc_show_net_unix),
};

const struct pseudo_dir proc_net_dir = PSEUDO_DIR(net_entries);
