/* What a program asks about its machine: uname(2), sysinfo(2), getrandom(2), membarrier(2). */
#ifndef ABI_UTSNAME_H
#define ABI_UTSNAME_H

#include <stdint.h>

#define LX_UTS_LEN 65
struct lx_utsname {
	char sysname[LX_UTS_LEN];
	char nodename[LX_UTS_LEN];
	char release[LX_UTS_LEN];
	char version[LX_UTS_LEN];
	char machine[LX_UTS_LEN];
	char domainname[LX_UTS_LEN];
};
_Static_assert(sizeof(struct lx_utsname) == 390, "struct new_utsname");

struct lx_sysinfo {
	int64_t uptime;
	uint64_t loads[3]; /* fixed point, LX_SI_LOAD_SHIFT bits of fraction */
	uint64_t totalram;
	uint64_t freeram;
	uint64_t sharedram;
	uint64_t bufferram;
	uint64_t totalswap;
	uint64_t freeswap;
	uint16_t procs;
	uint16_t pad;
	uint64_t totalhigh;
	uint64_t freehigh;
	uint32_t mem_unit;
};
_Static_assert(sizeof(struct lx_sysinfo) == 112, "struct sysinfo");
#define LX_SI_LOAD_SHIFT 16

#define LX_GRND_NONBLOCK 1
#define LX_GRND_RANDOM 2
#define LX_GRND_INSECURE 4

#define LX_MEMBARRIER_CMD_QUERY 0
#define LX_MEMBARRIER_CMD_GLOBAL (1 << 0)
#define LX_MEMBARRIER_CMD_GLOBAL_EXPEDITED (1 << 1)
#define LX_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED (1 << 2)
#define LX_MEMBARRIER_CMD_PRIVATE_EXPEDITED (1 << 3)
#define LX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED (1 << 4)
#define LX_MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE (1 << 5)
#define LX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE (1 << 6)
#define LX_MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ (1 << 7)
#define LX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ (1 << 8)
#define LX_MEMBARRIER_CMD_GET_REGISTRATIONS (1 << 9)

#endif
