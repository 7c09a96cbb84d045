/* Scheduling policies, niceness and I/O priorities: exact checks, limits, permissions, inheritance. */
#include "../tap.h"

#include <sched.h>
#include <sys/resource.h>

struct attr {
	unsigned int size, policy;
	unsigned long flags;
	int nice;
	unsigned int priority;
	unsigned long runtime, deadline, period;
	unsigned int util_min, util_max;
	char more[64];
};
enum { RESET = 1, KEEP_POLICY = 8, KEEP_PARAMS = 16 };
#define BIG_PID 0x3ffffff

static long set_policy(int policy, int priority)
{
	struct sched_param param = { priority };

	return syscall(SYS_sched_setscheduler, 0, policy, &param);
}
/* What is not named is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define SETATTR(...) syscall(SYS_sched_setattr, 0, &(struct attr){ __VA_ARGS__ }, 0)
#define IOPRIO(class, level) ((class) << 13 | (level))
static long io_get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }
static long io_set(int which, int who, int ioprio) { return syscall(SYS_ioprio_set, which, who, ioprio); }

static void policies(void)
{
	struct sched_param zero = { 0 };

	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER, "the policy at the start");
	CHECK_OK(set_policy(SCHED_OTHER, 0));
	CHECK_ERRNO(set_policy(SCHED_OTHER, 1), EINVAL);
	CHECK_ERRNO(set_policy(SCHED_FIFO, 0), EINVAL);
	CHECK_ERRNO(set_policy(SCHED_FIFO, 100), EINVAL);
	CHECK_ERRNO(set_policy(SCHED_RR, -1), EINVAL);
	CHECK_OK(set_policy(SCHED_BATCH, 0));
	CHECK_EQ(sched_getscheduler(0), SCHED_BATCH, "batch");
	CHECK_CHILD("is inherited", MUST(sched_getscheduler(0) == SCHED_BATCH));
	CHECK_ERRNO(set_policy(4, 0), EINVAL);
	CHECK_ERRNO(set_policy(SCHED_IDLE, 1), EINVAL);
	CHECK_ERRNO(set_policy(6, 0), EINVAL);
	CHECK_ERRNO(set_policy(8, 0), EINVAL);
	CHECK_ERRNO(set_policy(-1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, -1, 0, &zero), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, BIG_PID, 0, &zero), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, BIG_PID, 99, &zero), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, 0, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getparam, 0, 8), EFAULT);
	CHECK_OK(set_policy(SCHED_OTHER | SCHED_RESET_ON_FORK, 0));
	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER | SCHED_RESET_ON_FORK, "reset-on-fork is shown");
	CHECK_CHILD("and does not reach a child", MUST(sched_getscheduler(0) == SCHED_OTHER));
	CHECK_CHILD("without the right it cannot be taken back", MUST(setuid(65534) == 0 || getuid());
		    MUST(set_policy(SCHED_OTHER | SCHED_RESET_ON_FORK, 0) == 0); MUST(set_policy(SCHED_OTHER, 0) < 0 && errno == EPERM));
	CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1, "priorities from 1");
	CHECK_EQ(sched_get_priority_max(SCHED_RR), 99, "to 99");
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0, "or none");
	CHECK_ERRNO(sched_get_priority_max(77), EINVAL);
	CHECK_CHILD("real-time policies need a right", MUST(setuid(65534) == 0 || getuid()); MUST(set_policy(SCHED_FIFO, 1) < 0 && errno == EPERM);
		    MUST(set_policy(SCHED_RR, 50) < 0 && errno == EPERM));
	CHECK_CHILD("idle is not left without one", MUST(setuid(65534) == 0 || getuid()); MUST(set_policy(SCHED_IDLE, 0) == 0);
		    MUST(set_policy(SCHED_OTHER, 0) < 0 && errno == EPERM));
}

static void attributes(void)
{
	struct attr a;

	CHECK_CHILD("sched_setattr sets niceness and policy", MUST(SETATTR(56, SCHED_BATCH, 0, 7) == 0); MUST(getpriority(PRIO_PROCESS, 0) == 7);
		    MUST(sched_getscheduler(0) == SCHED_BATCH); memset(&a, 0, sizeof(a)); MUST(syscall(SYS_sched_getattr, 0, &a, 56, 0) == 0);
		    MUST(a.size == 56 && a.policy == SCHED_BATCH && a.nice == 7 && a.priority == 0));
	CHECK_CHILD("niceness is clamped", MUST(SETATTR(56, 0, 0, 100) == 0); MUST(getpriority(PRIO_PROCESS, 0) == 19));
	CHECK_CHILD("KEEP_POLICY keeps it", MUST(SETATTR(56, SCHED_BATCH, KEEP_POLICY, 3) == 0); MUST(sched_getscheduler(0) == SCHED_OTHER);
		    MUST(getpriority(PRIO_PROCESS, 0) == 3));
	CHECK_CHILD("KEEP_PARAMS keeps all", MUST(SETATTR(56, SCHED_BATCH, KEEP_PARAMS, 3) == 0); MUST(sched_getscheduler(0) == SCHED_OTHER);
		    MUST(getpriority(PRIO_PROCESS, 0) == 0));
	CHECK_CHILD("RESET_ON_FORK is a flag", MUST(SETATTR(56, 0, RESET) == 0); memset(&a, 0, sizeof(a));
		    MUST(sched_getscheduler(0) == SCHED_RESET_ON_FORK); MUST(syscall(SYS_sched_getattr, 0, &a, 56, 0) == 0 && a.flags == RESET));
	CHECK_CHILD("less niceness needs a right", MUST(setuid(65534) == 0 || getuid()); MUST(SETATTR(56, 0, 0, 5) == 0);
		    MUST(SETATTR(56, 0, 0, 3) < 0 && errno == EPERM); MUST(SETATTR(56, 0, 0, 9) == 0));
	CHECK_OK(SETATTR(48));
	CHECK_OK(SETATTR(0));
	CHECK_OK(SETATTR(100));
	CHECK_ERRNO(SETATTR(20), E2BIG);
	CHECK_ERRNO(SETATTR(5000), E2BIG);
	a = (struct attr){ .size = 20 };
	syscall(SYS_sched_setattr, 0, &a, 0);
	CHECK_EQ(a.size, 56, "a wrong size is answered by the right one");
	CHECK_ERRNO(SETATTR(100, .more = { 1 }), E2BIG);
	CHECK_ERRNO(SETATTR(56, -1), EINVAL);
	CHECK_ERRNO(SETATTR(56, 0, 0x80), EINVAL);
	CHECK_ERRNO(SETATTR(56, 0, 0, 0, 1), EINVAL);
	CHECK_ERRNO(SETATTR(56, 6), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, -1, &a, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, NULL, 56, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, 8, 56, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &a, 47, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &a, 4097, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &a, 56, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getattr, BIG_PID, &a, 56, 0), ESRCH);
}

static void niceness(void)
{
	struct rlimit nice = { 20, 20 };

	CHECK_CHILD("without a right niceness only grows", MUST(setuid(65534) == 0 || getuid()); MUST(setpriority(PRIO_PROCESS, 0, 5) == 0);
		    MUST(setpriority(PRIO_PROCESS, 0, 3) < 0 && errno == EACCES); MUST(setpriority(PRIO_PROCESS, 1, 3) < 0 && errno == EPERM));
	CHECK_CHILD("but as far as RLIMIT_NICE goes", if (setrlimit(RLIMIT_NICE, &nice)) _exit(0); MUST(setuid(65534) == 0 || getuid());
		    MUST(setpriority(PRIO_PROCESS, 0, 5) == 0); MUST(setpriority(PRIO_PROCESS, 0, 0) == 0);
		    MUST(setpriority(PRIO_PROCESS, 0, -1) < 0 && errno == EACCES));
}

static void io_priorities(void)
{
	CHECK_EQ(io_get(1, 0), 0, "none is set at the start");
	CHECK_EQ(io_get(2, 0), IOPRIO(2, 4), "what counts follows from the niceness");
	CHECK_OK(io_set(1, 0, IOPRIO(2, 5)));
	CHECK_EQ(io_get(1, 0), IOPRIO(2, 5), "best effort reads back");
	CHECK_EQ(io_get(1, getpid()), IOPRIO(2, 5), "by pid too");
	CHECK_CHILD("a child inherits it", MUST(io_get(1, 0) == IOPRIO(2, 5)));
	CHECK_OK(io_set(1, 0, IOPRIO(3, 0)));
	CHECK_EQ(io_get(1, 0), IOPRIO(3, 0), "idle");
	CHECK_OK(io_set(1, 0, 0));
	CHECK_EQ(io_get(1, 0), 0, "and none again");
	CHECK_ERRNO(io_set(1, 0, 4), EINVAL);
	CHECK_ERRNO(io_set(1, 0, IOPRIO(4, 0)), EINVAL);
	CHECK_ERRNO(io_set(1, 0, IOPRIO(7, 0)), EINVAL);
	CHECK_ERRNO(io_set(9, 0, IOPRIO(2, 0)), EINVAL);
	CHECK_ERRNO(io_set(1, BIG_PID, IOPRIO(2, 1)), ESRCH);
	CHECK_ERRNO(io_get(0, 0), EINVAL);
	CHECK_ERRNO(io_get(4, 0), EINVAL);
	CHECK_ERRNO(io_get(1, BIG_PID), ESRCH);
	CHECK_ERRNO(io_get(2, BIG_PID), ESRCH);
	CHECK_ERRNO(io_get(3, 99999), ESRCH);
	CHECK_CHILD("real time needs a right", MUST(setuid(65534) == 0 || getuid()); MUST(io_set(1, 0, IOPRIO(1, 4)) < 0 && errno == EPERM);
		    MUST(io_set(1, 0, IOPRIO(2, 0)) == 0); MUST(io_set(1, getppid(), IOPRIO(2, 1)) < 0 && errno == EPERM));
	CHECK_CHILD("a process group is set at once", setpgid(0, 0); MUST(io_set(2, 0, IOPRIO(2, 6)) == 0); MUST(io_get(1, 0) == IOPRIO(2, 6));
		    MUST(io_get(2, 0) == IOPRIO(2, 6)));
}

static void affinity(void)
{
	unsigned long mask[16] = { 0 };
	pid_t parent = getpid();

	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 7, mask), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 0, mask), EINVAL);
	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) >= 8, "the mask's length");
	CHECK(mask[0] != 0, "some CPU is allowed");
	mask[0] &= -mask[0];
	CHECK_CHILD("one CPU of them", unsigned long seen[16] = { 0 }; MUST(syscall(SYS_sched_setaffinity, 0, 8, mask) == 0);
		    MUST(syscall(SYS_sched_getaffinity, 0, sizeof(seen), seen) > 0 && seen[0] == mask[0]);
		    MUST(IN_CHILD(MUST(syscall(SYS_sched_getaffinity, 0, sizeof(seen), seen) > 0 && seen[0] == mask[0])) == 0));
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, BIG_PID, 8, mask), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, 8), EFAULT);
	if (tap_is_root())
		CHECK_CHILD("another user's is not to be changed", MUST(setuid(65534) == 0);
			    MUST(syscall(SYS_sched_setaffinity, parent, 8, mask) < 0 && errno == EPERM));
}

int main(void)
{
	tap_begin();
	niceness();
	attributes();
	io_priorities();
	affinity();
	policies();
	return tap_end();
}
