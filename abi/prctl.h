/* prctl(2) and seccomp(2). */
#ifndef ABI_PRCTL_H
#define ABI_PRCTL_H

#include <stdint.h>

#define LX_PR_SET_PDEATHSIG 1
#define LX_PR_GET_PDEATHSIG 2
#define LX_PR_GET_DUMPABLE 3
#define LX_PR_SET_DUMPABLE 4
#define LX_PR_GET_UNALIGN 5
#define LX_PR_SET_UNALIGN 6
#define LX_PR_GET_KEEPCAPS 7
#define LX_PR_SET_KEEPCAPS 8
#define LX_PR_GET_TIMING 13
#define LX_PR_SET_TIMING 14
#define LX_PR_SET_NAME 15
#define LX_PR_GET_NAME 16
#define LX_PR_GET_SECCOMP 21
#define LX_PR_SET_SECCOMP 22
#define LX_PR_CAPBSET_READ 23
#define LX_PR_CAPBSET_DROP 24
#define LX_PR_GET_TSC 25
#define LX_PR_SET_TSC 26
#define LX_PR_GET_SECUREBITS 27
#define LX_PR_SET_SECUREBITS 28
#define LX_PR_SET_TIMERSLACK 29
#define LX_PR_GET_TIMERSLACK 30
#define LX_PR_MCE_KILL 33
#define LX_PR_MCE_KILL_GET 34
#define LX_PR_SET_MM 35
#define LX_PR_SET_CHILD_SUBREAPER 36
#define LX_PR_GET_CHILD_SUBREAPER 37
#define LX_PR_SET_NO_NEW_PRIVS 38
#define LX_PR_GET_NO_NEW_PRIVS 39
#define LX_PR_GET_TID_ADDRESS 40
#define LX_PR_SET_THP_DISABLE 41
#define LX_PR_GET_THP_DISABLE 42
#define LX_PR_CAP_AMBIENT 47
#define LX_PR_GET_SPECULATION_CTRL 52
#define LX_PR_SET_SPECULATION_CTRL 53
#define LX_PR_SET_IO_FLUSHER 57
#define LX_PR_GET_IO_FLUSHER 58
#define LX_PR_SET_SYSCALL_USER_DISPATCH 59
#define LX_PR_SCHED_CORE 62
#define LX_PR_SET_MDWE 65
#define LX_PR_GET_MDWE 66
#define LX_PR_SET_MEMORY_MERGE 67
#define LX_PR_GET_MEMORY_MERGE 68
#define LX_PR_GET_AUXV 0x41555856
#define LX_PR_SET_VMA 0x53564d41
#define LX_PR_SET_VMA_ANON_NAME 0
#define LX_PR_SET_PTRACER 0x59616d61
#define LX_PR_SET_PTRACER_ANY (~0ull)
#define LX_PR_NAME_LEN 16 /* with its NUL */

#define LX_PR_CAP_AMBIENT_IS_SET 1
#define LX_PR_CAP_AMBIENT_RAISE 2
#define LX_PR_CAP_AMBIENT_LOWER 3
#define LX_PR_CAP_AMBIENT_CLEAR_ALL 4

#define LX_SECCOMP_MODE_DISABLED 0
#define LX_SECCOMP_MODE_STRICT 1
#define LX_SECCOMP_MODE_FILTER 2
#define LX_SECCOMP_SET_MODE_STRICT 0
#define LX_SECCOMP_SET_MODE_FILTER 1
#define LX_SECCOMP_GET_ACTION_AVAIL 2
#define LX_SECCOMP_GET_NOTIF_SIZES 3

struct lx_sock_filter {
	uint16_t code;
	uint8_t jt;
	uint8_t jf;
	uint32_t k;
};
struct lx_sock_fprog {
	uint16_t len;
	uint16_t pad[3];
	uint64_t filter;
};
_Static_assert(sizeof(struct lx_sock_fprog) == 16, "struct sock_fprog");

#endif
