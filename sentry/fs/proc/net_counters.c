/* /proc/net: counters. dev, snmp, snmp6, netstat. What lo has no counterpart of is 0. proc_pid_net(5). */
#include <string.h>

#include "sentry/fs/proc/proc.h"
#include "sentry/net/netns.h"

/* A protocol's line of names; its numbers are 0 but for those that the namespace counts. */
struct names {
	const char *prefix, *names;
};

static const struct names snmp_names[] = {
	{ "Ip",
	  "Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers "
	  "OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates "
	  "OutTransmits" },
	{ "Icmp",
	  "InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos "
	  "InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal "
	  "OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps "
	  "OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps" },
	{ "Tcp",
	  "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs "
	  "RetransSegs InErrs OutRsts InCsumErrors" },
	{ "Udp",
	  "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors" },
	{ "UdpLite",
	  "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors" },
};

static const struct names netstat_names[] = {
	{ "TcpExt",
	  "SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps "
	  "LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck "
	  "PAWSTimewait DelayedACKs DelayedACKLocked DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks "
	  "TCPHPAcks TCPRenoRecovery TCPSackRecovery TCPSACKReneging TCPSACKReorder TCPRenoReorder TCPTSReorder "
	  "TCPFullUndo TCPPartialUndo TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures TCPSackFailures "
	  "TCPLossFailures TCPFastRetrans TCPSlowStartRetrans TCPTimeouts TCPLossProbes TCPLossProbeRecovery "
	  "TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed TCPBacklogCoalesce TCPDSACKOldSent TCPDSACKOfoSent "
	  "TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout "
	  "TCPAbortOnLinger TCPAbortFailed TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard TCPDSACKIgnoredOld "
	  "TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure TCPSackShifted "
	  "TCPSackMerged TCPSackShiftFallback TCPBacklogDrop PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop "
	  "IPReversePathFilter TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce "
	  "TCPOFOQueue TCPOFODrop TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive TCPFastOpenActiveFail "
	  "TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow TCPFastOpenCookieReqd "
	  "TCPFastOpenBlackhole TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking TCPFromZeroWindowAdv "
	  "TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPSynRetrans TCPOrigDataSent TCPHystartTrainDetect "
	  "TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd TCPACKSkippedSynRecv TCPACKSkippedPAWS "
	  "TCPACKSkippedSeq TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive "
	  "TCPMTUPFail TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop "
	  "TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash TcpDuplicateDataRehash TCPDSACKRecvSegs "
	  "TCPDSACKIgnoredDubious TCPMigrateReqSuccess TCPMigrateReqFailure TCPPLBRehash TCPAORequired TCPAOBad "
	  "TCPAOKeyNotFound TCPAOGood TCPAODroppedIcmps" },
	{ "IpExt",
	  "InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets InMcastOctets "
	  "OutMcastOctets InBcastOctets OutBcastOctets InCsumErrors InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts "
	  "ReasmOverlaps" },
};

static const char snmp6_names[] =
	"Ip6InReceives Ip6InHdrErrors Ip6InTooBigErrors Ip6InNoRoutes Ip6InAddrErrors Ip6InUnknownProtos "
	"Ip6InTruncatedPkts Ip6InDiscards Ip6InDelivers Ip6OutForwDatagrams Ip6OutRequests Ip6OutDiscards "
	"Ip6OutNoRoutes Ip6ReasmTimeout Ip6ReasmReqds Ip6ReasmOKs Ip6ReasmFails Ip6FragOKs Ip6FragFails Ip6FragCreates "
	"Ip6InMcastPkts Ip6OutMcastPkts Ip6InOctets Ip6OutOctets Ip6InMcastOctets Ip6OutMcastOctets Ip6InBcastOctets "
	"Ip6OutBcastOctets Ip6InNoECTPkts Ip6InECT1Pkts Ip6InECT0Pkts Ip6InCEPkts Ip6OutTransmits Icmp6InMsgs "
	"Icmp6InErrors Icmp6OutMsgs Icmp6OutErrors Icmp6InCsumErrors Icmp6OutRateLimitHost Icmp6InDestUnreachs "
	"Icmp6InPktTooBigs Icmp6InTimeExcds Icmp6InParmProblems Icmp6InEchos Icmp6InEchoReplies "
	"Icmp6InGroupMembQueries Icmp6InGroupMembResponses Icmp6InGroupMembReductions Icmp6InRouterSolicits "
	"Icmp6InRouterAdvertisements Icmp6InNeighborSolicits Icmp6InNeighborAdvertisements Icmp6InRedirects "
	"Icmp6InMLDv2Reports Icmp6OutDestUnreachs Icmp6OutPktTooBigs Icmp6OutTimeExcds Icmp6OutParmProblems "
	"Icmp6OutEchos Icmp6OutEchoReplies Icmp6OutGroupMembQueries Icmp6OutGroupMembResponses "
	"Icmp6OutGroupMembReductions Icmp6OutRouterSolicits Icmp6OutRouterAdvertisements Icmp6OutNeighborSolicits "
	"Icmp6OutNeighborAdvertisements Icmp6OutRedirects Icmp6OutMLDv2Reports Udp6InDatagrams Udp6NoPorts "
	"Udp6InErrors Udp6OutDatagrams Udp6RcvbufErrors Udp6SndbufErrors Udp6InCsumErrors Udp6IgnoredMulti "
	"Udp6MemErrors UdpLite6InDatagrams UdpLite6NoPorts UdpLite6InErrors UdpLite6OutDatagrams UdpLite6RcvbufErrors "
	"UdpLite6SndbufErrors UdpLite6InCsumErrors UdpLite6MemErrors";

/* What is counted, by the names above. */
static uint64_t value_of(struct netns *ns, const char *prefix, const char *name, size_t len)
{
	const struct {
		const char *prefix, *name;
		uint64_t value;
	} known[] = {
		{ "Ip", "Forwarding", 2 },
		{ "Ip", "DefaultTTL", (uint64_t)atomic_load(&ns->default_ttl) },
		{ "Ip", "InReceives", atomic_load(&ns->lo_packets) },
		{ "Ip", "InDelivers", atomic_load(&ns->lo_packets) },
		{ "Ip", "OutRequests", atomic_load(&ns->lo_packets) },
		{ "IpExt", "InOctets", atomic_load(&ns->lo_bytes) },
		{ "IpExt", "OutOctets", atomic_load(&ns->lo_bytes) },
		{ "Tcp", "RtoAlgorithm", 1 },
		{ "Tcp", "RtoMin", 200 },
		{ "Tcp", "RtoMax", 120000 },
		{ "Tcp", "MaxConn", UINT64_MAX },
		{ "Tcp", "ActiveOpens", atomic_load(&ns->tcp_active_opens) },
		{ "Tcp", "PassiveOpens", atomic_load(&ns->tcp_passive_opens) },
		{ "Tcp", "AttemptFails", atomic_load(&ns->tcp_attempt_fails) },
		{ "Tcp", "EstabResets", atomic_load(&ns->tcp_resets) },
		{ "Tcp", "OutRsts", atomic_load(&ns->tcp_out_resets) },
		{ "Udp", "InDatagrams", atomic_load(&ns->udp_in) },
		{ "Udp", "OutDatagrams", atomic_load(&ns->udp_out) },
		{ "Udp", "NoPorts", atomic_load(&ns->udp_no_port) },
		{ "Udp", "RcvbufErrors", atomic_load(&ns->udp_drops) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].prefix, prefix) && strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return known[i].value;
	return 0;
}

static void put_table(struct netns *ns, const struct names *n, struct textbuf *b)
{
	text_printf(b, "%s: %s\n%s:", n->prefix, n->names, n->prefix);
	for (const char *at = n->names; *at;) {
		size_t len = strcspn(at, " ");

		text_printf(b, " %ld", (int64_t)value_of(ns, n->prefix, at, len));
		at += len + (at[len] == ' ');
	}
	text_puts(b, "\n");
}

int proc_show_net_snmp(const struct pseudo_req *r, struct textbuf *b)
{
	for (size_t i = 0; i < sizeof(snmp_names) / sizeof(snmp_names[0]); i++)
		put_table(task_netns(r->t), &snmp_names[i], b);
	return 0;
}

int proc_show_net_netstat(const struct pseudo_req *r, struct textbuf *b)
{
	for (size_t i = 0; i < sizeof(netstat_names) / sizeof(netstat_names[0]); i++)
		put_table(task_netns(r->t), &netstat_names[i], b);
	return 0;
}

int proc_show_net_snmp6(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	for (const char *at = snmp6_names; *at;) {
		int len = (int)strcspn(at, " ");

		text_printf(b, "%-32.*s\t0\n", len, at);
		at += len + (at[len] == ' ');
	}
	return 0;
}

int proc_show_net_dev(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);
	uint64_t bytes = atomic_load(&ns->lo_bytes), packets = atomic_load(&ns->lo_packets);

	text_puts(b, "Inter-|   Receive                                                |  Transmit\n"
		     " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n");
	text_printf(b, "%6s: %7lu %7lu    0    0    0     0          0         0 %8lu %7lu    0    0    0     0       0          0\n", "lo", bytes,
		    packets, bytes, packets);
	return 0;
}
