/* /proc/sys/net: the settings of a network namespace. Those that something here obeys can be set. ip-sysctl of Linux's documentation. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/cred.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/cred.h"
#include "sentry/net/netns.h"

/* --- settings that can be changed -------------------------------------------------------------------------------------------------------- */

static _Atomic int32_t *field(const struct pseudo_req *r)
{
	return (_Atomic int32_t *)((char *)task_netns(r->t) + (r->entry->arg & 0xffff));
}

static int show_field(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d\n", atomic_load(field(r)));
	return 0;
}

static bool may_set(const struct pseudo_req *r)
{
	return cred_capable(r->t->cred, LX_CAP_NET_ADMIN);
}

/* arg: the field's offset, and its largest value from bit 16 on. */
static int store_field(const struct pseudo_req *r, char *text, size_t len)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!may_set(r))
		return -EPERM;
	if (!len || *end || n < 0 || (uint64_t)n > r->entry->arg >> 16)
		return -EINVAL;
	atomic_store(field(r), (int32_t)n);
	return 0;
}

static int read_pair(const char *text, uint32_t *low, uint32_t *high)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), second;

	if (end == text)
		return -EINVAL;
	text = end;
	second = strtoul(text, &end, 10);
	if (end == text || *end || first > INT32_MAX || second > INT32_MAX)
		return -EINVAL;
	*low = (uint32_t)first;
	*high = (uint32_t)second;
	return 0;
}

static int show_ports(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);

	text_printf(b, "%d\t%d\n", atomic_load(&ns->port_low), atomic_load(&ns->port_high));
	return 0;
}

static int store_ports(const struct pseudo_req *r, char *text, size_t len)
{
	struct netns *ns = task_netns(r->t);
	uint32_t low, high;

	(void)len;
	if (!may_set(r))
		return -EPERM;
	if (read_pair(text, &low, &high) < 0 || !low || high < low || high > 65535)
		return -EINVAL;
	atomic_store(&ns->port_low, (int32_t)low);
	atomic_store(&ns->port_high, (int32_t)high);
	return 0;
}

static int show_ping(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);

	text_printf(b, "%u\t%u\n", atomic_load(&ns->ping_low), atomic_load(&ns->ping_high));
	return 0;
}

static int store_ping(const struct pseudo_req *r, char *text, size_t len)
{
	struct netns *ns = task_netns(r->t);
	uint32_t low, high;

	(void)len;
	if (!may_set(r))
		return -EPERM;
	if (read_pair(text, &low, &high) < 0)
		return -EINVAL;
	atomic_store(&ns->ping_low, high < low ? 1 : low);
	atomic_store(&ns->ping_high, high < low ? 0 : high);
	return 0;
}

/* --- tables ------------------------------------------------------------------------------------------------------------------------------ */

static int show_number(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%lu\n", r->entry->arg);
	return 0;
}

#define NUMBER(n, v) { .name = n, .mode = LX_S_IFREG | 0644, .show = show_number, .arg = v }
#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0644, .text = s }
#define DIR(n, d) { .name = n, .mode = LX_S_IFDIR | 0555, .dir = &(d) }
#define FIELD(n, f, max)                                                            \
	{ .name = n, .mode = LX_S_IFREG | 0644, .show = show_field, .store = store_field, \
	  .arg = (uint64_t)(max) << 16 | offsetof(struct netns, f) }
#define PAIR(n, what) { .name = n, .mode = LX_S_IFREG | 0644, .show = show_##what, .store = store_##what }

static const struct pseudo_entry core_entries[] = {
	NUMBER("somaxconn", 4096), NUMBER("rmem_max", 212992), NUMBER("wmem_max", 212992), NUMBER("rmem_default", 212992),
	NUMBER("wmem_default", 212992), NUMBER("optmem_max", 131072), NUMBER("bpf_jit_enable", 0), NUMBER("busy_poll", 0),
	NUMBER("busy_read", 0), TEXT("default_qdisc", "pfifo_fast\n"), NUMBER("dev_weight", 64), NUMBER("max_skb_frags", 17),
	NUMBER("netdev_budget", 300), NUMBER("netdev_max_backlog", 1000), NUMBER("rps_sock_flow_entries", 0), NUMBER("txrehash", 1),
};
static const struct pseudo_dir core_dir = PSEUDO_DIR(core_entries);

static const struct pseudo_entry unix_entries[] = { NUMBER("max_dgram_qlen", 512) };
static const struct pseudo_dir unix_dir = PSEUDO_DIR(unix_entries);

static const struct pseudo_entry conf4_entries[] = {
	NUMBER("accept_local", 0), NUMBER("accept_redirects", 1), NUMBER("accept_source_route", 0), NUMBER("arp_ignore", 0),
	NUMBER("forwarding", 0), NUMBER("route_localnet", 0), NUMBER("rp_filter", 0), NUMBER("send_redirects", 1),
};
static const struct pseudo_dir conf4_one = PSEUDO_DIR(conf4_entries);
static const struct pseudo_entry conf4_names[] = { DIR("all", conf4_one), DIR("default", conf4_one), DIR("lo", conf4_one) };
static const struct pseudo_dir conf4_dir = PSEUDO_DIR(conf4_names);

static const struct pseudo_entry ipv4_entries[] = {
	DIR("conf", conf4_dir),
	PAIR("ip_local_port_range", ports), PAIR("ping_group_range", ping),
	FIELD("ip_default_ttl", default_ttl, 255), FIELD("ip_nonlocal_bind", ip_nonlocal_bind, 1),
	FIELD("ip_unprivileged_port_start", unprivileged_port, 65535),
	TEXT("ip_local_reserved_ports", "\n"), NUMBER("ip_forward", 0), NUMBER("ip_no_pmtu_disc", 0), NUMBER("ip_dynaddr", 0),
	NUMBER("icmp_echo_ignore_all", 0), NUMBER("icmp_echo_ignore_broadcasts", 1), NUMBER("icmp_ratelimit", 1000),
	NUMBER("igmp_max_memberships", 20), NUMBER("igmp_max_msf", 10),
	NUMBER("tcp_abort_on_overflow", 0), TEXT("tcp_allowed_congestion_control", "cubic\n"),
	TEXT("tcp_available_congestion_control", "cubic\n"), TEXT("tcp_congestion_control", "cubic\n"), TEXT("tcp_available_ulp", "\n"),
	NUMBER("tcp_base_mss", 1024), NUMBER("tcp_ecn", 2), NUMBER("tcp_fastopen", 1), NUMBER("tcp_fin_timeout", 60),
	NUMBER("tcp_keepalive_intvl", 75), NUMBER("tcp_keepalive_probes", 9), NUMBER("tcp_keepalive_time", 7200),
	NUMBER("tcp_max_orphans", 65536), NUMBER("tcp_max_syn_backlog", 512), NUMBER("tcp_max_tw_buckets", 65536),
	TEXT("tcp_mem", "22824\t30435\t45648\n"), NUMBER("tcp_moderate_rcvbuf", 1), NUMBER("tcp_mtu_probing", 0),
	NUMBER("tcp_notsent_lowat", 4294967295u), NUMBER("tcp_orphan_retries", 0), NUMBER("tcp_reordering", 3), NUMBER("tcp_retries1", 3),
	NUMBER("tcp_retries2", 15), NUMBER("tcp_rfc1337", 0), TEXT("tcp_rmem", "4096\t131072\t6291456\n"), NUMBER("tcp_sack", 1),
	NUMBER("tcp_slow_start_after_idle", 1), NUMBER("tcp_syn_retries", 6), NUMBER("tcp_synack_retries", 5), NUMBER("tcp_syncookies", 1),
	NUMBER("tcp_timestamps", 1), NUMBER("tcp_tw_reuse", 2), NUMBER("tcp_window_scaling", 1), TEXT("tcp_wmem", "4096\t16384\t4194304\n"),
	TEXT("udp_mem", "45651\t60871\t91302\n"), NUMBER("udp_rmem_min", 4096), NUMBER("udp_wmem_min", 4096),
};
static const struct pseudo_dir ipv4_dir = PSEUDO_DIR(ipv4_entries);

static const struct pseudo_entry conf6_entries[] = {
	NUMBER("accept_ra", 1), NUMBER("autoconf", 1), NUMBER("disable_ipv6", 0), NUMBER("forwarding", 0), NUMBER("hop_limit", 64),
	NUMBER("mtu", 65536), NUMBER("use_tempaddr", 0),
};
static const struct pseudo_dir conf6_one = PSEUDO_DIR(conf6_entries);
static const struct pseudo_entry conf6_names[] = { DIR("all", conf6_one), DIR("default", conf6_one), DIR("lo", conf6_one) };
static const struct pseudo_dir conf6_dir = PSEUDO_DIR(conf6_names);
static const struct pseudo_entry ipv6_entries[] = {
	DIR("conf", conf6_dir), FIELD("bindv6only", bindv6only, 1), NUMBER("auto_flowlabels", 1), NUMBER("idgen_retries", 3),
	NUMBER("ip_nonlocal_bind", 0), NUMBER("max_dst_opts_number", 8), NUMBER("mld_qrv", 2),
};
static const struct pseudo_dir ipv6_dir = PSEUDO_DIR(ipv6_entries);

static const struct pseudo_entry net_entries[] = {
	DIR("core", core_dir), DIR("ipv4", ipv4_dir), DIR("ipv6", ipv6_dir), DIR("unix", unix_dir),
};
const struct pseudo_dir proc_sys_net_dir = PSEUDO_DIR(net_entries);
