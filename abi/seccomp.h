/* seccomp(2), seccomp_unotify(2), and prctl(2)'s system-call user dispatch. Operations and modes are in abi/prctl.h. */
#ifndef ABI_SECCOMP_H
#define ABI_SECCOMP_H

#include <stdint.h>

#define LX_SECCOMP_FILTER_FLAG_TSYNC 1u
#define LX_SECCOMP_FILTER_FLAG_LOG 2u
#define LX_SECCOMP_FILTER_FLAG_SPEC_ALLOW 4u
#define LX_SECCOMP_FILTER_FLAG_NEW_LISTENER 8u
#define LX_SECCOMP_FILTER_FLAG_TSYNC_ESRCH 16u
#define LX_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 32u
#define LX_SECCOMP_FILTER_FLAGS 63u

#define LX_SECCOMP_RET_KILL_PROCESS 0x80000000u
#define LX_SECCOMP_RET_KILL_THREAD 0x00000000u
#define LX_SECCOMP_RET_TRAP 0x00030000u
#define LX_SECCOMP_RET_ERRNO 0x00050000u
#define LX_SECCOMP_RET_USER_NOTIF 0x7fc00000u
#define LX_SECCOMP_RET_TRACE 0x7ff00000u
#define LX_SECCOMP_RET_LOG 0x7ffc0000u
#define LX_SECCOMP_RET_ALLOW 0x7fff0000u
#define LX_SECCOMP_RET_ACTION_FULL 0xffff0000u
#define LX_SECCOMP_RET_DATA 0x0000ffffu

/* What filters look at. */
struct lx_seccomp_data {
	int32_t nr;
	uint32_t arch;
	uint64_t instruction_pointer;
	uint64_t args[6];
};
_Static_assert(sizeof(struct lx_seccomp_data) == 64, "struct seccomp_data");

struct lx_seccomp_notif {
	uint64_t id;
	uint32_t pid, flags;
	struct lx_seccomp_data data;
};
_Static_assert(sizeof(struct lx_seccomp_notif) == 80, "struct seccomp_notif");

#define LX_SECCOMP_USER_NOTIF_FLAG_CONTINUE 1u
struct lx_seccomp_notif_resp {
	uint64_t id;
	int64_t val;
	int32_t error;
	uint32_t flags;
};
_Static_assert(sizeof(struct lx_seccomp_notif_resp) == 24, "struct seccomp_notif_resp");

struct lx_seccomp_notif_sizes {
	uint16_t notif, resp, data;
};

#define LX_SECCOMP_ADDFD_FLAG_SETFD 1u
#define LX_SECCOMP_ADDFD_FLAG_SEND 2u
struct lx_seccomp_notif_addfd {
	uint64_t id;
	uint32_t flags, srcfd, newfd, newfd_flags;
};
_Static_assert(sizeof(struct lx_seccomp_notif_addfd) == 24, "struct seccomp_notif_addfd");

#define LX_SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1u
#define LX_SECCOMP_IOCTL_NOTIF_RECV 0xc0502100u
#define LX_SECCOMP_IOCTL_NOTIF_SEND 0xc0182101u
#define LX_SECCOMP_IOCTL_NOTIF_ID_VALID 0x40082102u
#define LX_SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR 0x80082102u
#define LX_SECCOMP_IOCTL_NOTIF_ADDFD 0x40182103u
#define LX_SECCOMP_IOCTL_NOTIF_SET_FLAGS 0x40082104u

#define LX_PR_SYS_DISPATCH_OFF 0
#define LX_PR_SYS_DISPATCH_ON 1
#define LX_SYSCALL_DISPATCH_FILTER_ALLOW 0
#define LX_SYSCALL_DISPATCH_FILTER_BLOCK 1
#define LX_SYS_USER_DISPATCH 2 /* si_code of its SIGSYS */

#if defined(__x86_64__)
#define LX_AUDIT_ARCH 0xc000003eu
#else
#error "no audit architecture"
#endif

#endif
