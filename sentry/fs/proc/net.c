/* /proc/net: a loopback interface, and tables with nothing in them. proc_pid_net(5). */
#include "sentry/fs/proc/proc.h"

#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0444, .text = s }

#define TCP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define TCP6_HEAD                                                                                          \
	"  sl  local_address                         remote_address                        st tx_queue "       \
	"rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define UDP_HEAD                                                                                           \
	"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode "   \
	"ref pointer drops\n"

static const struct pseudo_entry net_entries[] = {
	TEXT("dev", "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
		    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"),
	TEXT("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"),
	TEXT("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
	TEXT("if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n"),
	TEXT("ipv6_route", ""),
	TEXT("netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"),
	TEXT("packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
	TEXT("protocols", "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n"),
	TEXT("raw", UDP_HEAD),
	TEXT("raw6", UDP_HEAD),
	TEXT("sockstat", "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n"),
	TEXT("tcp", TCP_HEAD),
	TEXT("tcp6", TCP6_HEAD),
	TEXT("udp", UDP_HEAD),
	TEXT("udp6", UDP_HEAD),
	TEXT("unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"),
};

const struct pseudo_dir proc_net_dir = PSEUDO_DIR(net_entries);
