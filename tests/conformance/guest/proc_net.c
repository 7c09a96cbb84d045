/* /proc/net and /proc/sys/net: sockets as tables show them, counters, settings. */
#include "../tap.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static char text[1 << 18];

static const char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, all = 0;

	while (fd >= 0 && (n = read(fd, text + all, sizeof(text) - 1 - (size_t)all)) > 0)
		all += n;
	text[all] = 0;
	if (fd >= 0)
		close(fd);
	return fd < 0 ? NULL : text;
}

/* The line in which a word stands, or NULL. */
static char *line_with(const char *path, const char *word)
{
	char *at, *end;

	if (!slurp(path))
		return NULL;
	at = strstr(text, word);
	if (!at)
		return NULL;
	while (at > text && at[-1] != '\n')
		at--;
	end = strchr(at, '\n');
	if (end)
		*end = 0;
	return at;
}

static const struct {
	const char *name, *head;
} heads[] = {
	{ "tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode" },
	{ "tcp6", "  sl  local_address                         remote_address                        st tx_queue" },
	{ "udp", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops" },
	{ "udp6", "  sl  local_address                         remote_address                        st tx_queue" },
	{ "raw", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" },
	{ "raw6", "  sl  local_address                         remote_address                        st tx_queue" },
	{ "unix", "Num       RefCount Protocol Flags    Type St Inode Path\n" },
	{ "netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" },
	{ "dev", "Inter-|   Receive                                                |  Transmit\n" },
	{ "route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT" },
	{ "arp", "IP address       HW type     Flags       HW address            Mask     Device\n" },
	{ "packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n" },
	{ "protocols", "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re" },
	{ "sockstat", "sockets: used " },
	{ "sockstat6", "TCP6: inuse " },
	{ "snmp", "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers" },
	{ "netstat", "TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled" },
	{ "snmp6", "Ip6InReceives                   \t" },
	{ "psched", "000003e8 00000040 000f4240 3b9aca00\n" },
	{ "ptype", "Type Device      Function\n" },
	{ "igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n" },
};

static void tables(void)
{
	char path[64];

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		snprintf(path, sizeof(path), "/proc/net/%s", heads[i].name);
		CHECK(slurp(path) && !strncmp(text, heads[i].head, strlen(heads[i].head)), "/proc/net/%s begins as it should", heads[i].name);
	}
	slurp("/proc/net/tcp");
	CHECK_EQ(strcspn(text, "\n"), 149, "lines of tcp are padded");
	slurp("/proc/net/udp");
	CHECK_EQ(strcspn(text, "\n"), 127, "lines of udp are padded");
	CHECK(line_with("/proc/net/dev", "    lo:") != NULL, "lo in dev");
	CHECK(line_with("/proc/net/if_inet6", "lo") != NULL || slurp("/proc/net/if_inet6"), "if_inet6");
	CHECK(slurp("/proc/net/fib_trie") && strstr(text, "Main:\n"), "fib_trie");
	CHECK(line_with("/proc/net/snmp", "Tcp: 1 200 120000 -1 ") != NULL, "Tcp's constants");
	CHECK(line_with("/proc/net/protocols", "TCP ") != NULL, "TCP is a protocol");
}

static void stream_rows(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s, sl, uid;
	unsigned local, lport, remote, rport, state, tx, rx;
	unsigned long inode;
	socklen_t len = sizeof(a);
	char word[64], *line;
	struct stat st;

	bind(l, (void *)&a, len);
	listen(l, 5);
	getsockname(l, (void *)&a, &len);
	snprintf(word, sizeof(word), "0100007F:%04X 00000000:0000 0A", ntohs(a.sin_port));
	line = line_with("/proc/net/tcp", word);
	CHECK(line != NULL, "a listener");
	CHECK(line && sscanf(line, "%d: %x:%x %x:%x %x %x:%x %*x:%*x %*x %d %*d %lu", &sl, &local, &lport, &remote, &rport, &state, &tx, &rx,
			     &uid, &inode) == 10, "its columns");
	fstat(l, &st);
	CHECK_EQ(inode, st.st_ino, "its inode");
	CHECK_EQ(uid, getuid(), "its owner");
	connect(c, (void *)&a, len);
	s = accept(l, NULL, NULL);
	if (write(c, "12345", 5) != 5)
		return;
	snprintf(word, sizeof(word), "0100007F:%04X 0100007F:", ntohs(a.sin_port));
	line = line_with("/proc/net/tcp", word);
	CHECK(line && sscanf(line, "%d: %x:%x %x:%x %x %x:%x", &sl, &local, &lport, &remote, &rport, &state, &tx, &rx) == 8, "a connection");
	CHECK_EQ(state, 1, "is established");
	CHECK_EQ(rx, 5, "has five bytes to be read");
	CHECK(line_with("/proc/net/sockstat", "TCP: inuse ") != NULL, "sockstat counts");
	close(s);
	close(c);
	close(l);
	snprintf(word, sizeof(word), "0100007F:%04X 00000000:0000 0A", ntohs(a.sin_port));
	CHECK(line_with("/proc/net/tcp", word) == NULL, "closed, it is gone");
}

static void other_rows(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int u = socket(AF_INET, SOCK_DGRAM, 0), u6 = socket(AF_INET6, SOCK_DGRAM, 0), x = socket(AF_UNIX, SOCK_STREAM, 0);
	unsigned long num, inode;
	unsigned ref, proto, flags, type, state;
	socklen_t len = sizeof(a);
	char word[128], *line;
	struct stat st;

	bind(u, (void *)&a, len);
	getsockname(u, (void *)&a, &len);
	snprintf(word, sizeof(word), "0100007F:%04X 00000000:0000 07", ntohs(a.sin_port));
	CHECK(line_with("/proc/net/udp", word) != NULL, "a datagram socket");
	len = sizeof(a6);
	if (bind(u6, (void *)&a6, len) == 0) {
		getsockname(u6, (void *)&a6, &len);
		snprintf(word, sizeof(word), "00000000000000000000000001000000:%04X", ntohs(a6.sin6_port));
		CHECK(line_with("/proc/net/udp6", word) != NULL, "one of IPv6");
	} else {
		SKIP("one of IPv6", "no IPv6");
	}
	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "picket-proc-net-%d", getpid());
	bind(x, (void *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(un.sun_path + 1)));
	listen(x, 3);
	snprintf(word, sizeof(word), "@%s", un.sun_path + 1);
	line = line_with("/proc/net/unix", word);
	CHECK(line && sscanf(line, "%lx: %x %x %x %x %x %lu", &num, &ref, &proto, &flags, &type, &state, &inode) == 7, "a unix socket");
	fstat(x, &st);
	CHECK_EQ(inode, st.st_ino, "its inode");
	CHECK_EQ(flags, 0x10000, "it listens");
	CHECK_EQ(type, SOCK_STREAM, "its type");
	CHECK_EQ(state, 1, "its state");
	close(u);
	close(u6);
	close(x);
}

static void settings(void)
{
	static const char *const names[] = {
		"core/somaxconn", "core/rmem_max", "core/wmem_max", "core/rmem_default", "core/optmem_max", "core/netdev_max_backlog",
		"core/default_qdisc", "ipv4/ip_forward", "ipv4/ip_default_ttl", "ipv4/tcp_rmem", "ipv4/tcp_wmem", "ipv4/tcp_congestion_control",
		"ipv4/tcp_syncookies", "ipv4/tcp_fin_timeout", "ipv4/tcp_keepalive_time", "ipv4/tcp_tw_reuse", "ipv4/ping_group_range",
		"ipv4/ip_local_port_range", "ipv4/ip_unprivileged_port_start", "ipv4/conf/all/forwarding", "ipv4/conf/lo/rp_filter",
		"ipv6/bindv6only", "ipv6/conf/all/disable_ipv6", "unix/max_dgram_qlen", "ipv4/udp_mem", "ipv4/tcp_available_congestion_control",
	};
	char path[96];
	int low, high;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/%s", names[i]);
		CHECK(slurp(path) && strchr(text, '\n'), "%s is there", names[i]);
	}
	slurp("/proc/sys/net/ipv4/ip_local_port_range");
	CHECK(sscanf(text, "%d %d", &low, &high) == 2 && low < high, "a range of ports");
}

int main(void)
{
	tap_begin();
	tables();
	stream_rows();
	other_rows();
	settings();
	return tap_end();
}
