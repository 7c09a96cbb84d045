/* prctl, personality, arch_prctl, and small process attributes. */
#include "../tap.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void names(void)
{
	char name[32];

	CHECK_OK(prctl(PR_SET_NAME, "short"));
	memset(name, 'z', sizeof(name));
	CHECK_OK(prctl(PR_GET_NAME, name));
	CHECK_STR(name, "short", "PR_SET_NAME reads back");
	CHECK_EQ(name[16], 'z', "PR_GET_NAME writes 16 bytes");
	CHECK_OK(prctl(PR_SET_NAME, "a name of more than fifteen bytes"));
	prctl(PR_GET_NAME, name);
	CHECK_STR(name, "a name of more ", "a long name is cut to 15 bytes");
	CHECK_CHILD("the name is inherited", prctl(PR_GET_NAME, name); MUST(!strcmp(name, "a name of more ")));
	CHECK_STR(tap_text("/proc/self/comm"), "a name of more \n", "/proc/self/comm shows it");
	CHECK_ERRNO(prctl(PR_SET_NAME, 8), EFAULT);
	CHECK_ERRNO(prctl(PR_GET_NAME, 8), EFAULT);
}

static void flags(void)
{
	int value = -1;

	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1, "dumpable at the start");
	CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0, "PR_SET_DUMPABLE 0");
	CHECK_CHILD("dumpable is inherited", MUST(prctl(PR_GET_DUMPABLE) == 0));
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 7), EINVAL);
	CHECK_OK(prctl(PR_GET_PDEATHSIG, &value));
	CHECK_EQ(value, 0, "no parent-death signal at the start");
	CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	prctl(PR_GET_PDEATHSIG, &value);
	CHECK_EQ(value, SIGUSR1, "PR_SET_PDEATHSIG reads back");
	CHECK_CHILD("it is not inherited", prctl(PR_GET_PDEATHSIG, &value); MUST(value == 0));
	CHECK_OK(prctl(PR_SET_PDEATHSIG, 0));
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0, "keep-capabilities at the start");
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1, "PR_SET_KEEPCAPS 1");
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 0));
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK) > 0, 1, "the timer slack is positive");
	CHECK_ERRNO(prctl(0x7654321, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, 1000, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) >= 0, "PR_CAPBSET_READ of CAP_CHOWN");
}

static void no_new_privs(void)
{
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	CHECK_CHILD("PR_SET_NO_NEW_PRIVS is set and inherited",
		    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		    MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
		    MUST(IN_CHILD(MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)) == 0));
}

static void personalities(void)
{
	CHECK_EQ(personality(0xffffffff), PER_LINUX, "the personality is Linux");
	CHECK_CHILD("ADDR_NO_RANDOMIZE is set and inherited",
		    MUST(personality(ADDR_NO_RANDOMIZE) == 0);
		    MUST(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
		    MUST(IN_CHILD(MUST(personality(0xffffffff) == ADDR_NO_RANDOMIZE)) == 0));
}

static long arch_prctl(int code, unsigned long addr)
{
	return syscall(SYS_arch_prctl, code, addr);
}

static void segments(void)
{
	unsigned long fs = 0, gs = 1, value = 0x1122334455667788, got = 0;

	CHECK_OK(arch_prctl(ARCH_GET_FS, (unsigned long)&fs));
	CHECK(fs == (unsigned long)pthread_self(), "FS is the thread's descriptor");
	CHECK_OK(arch_prctl(ARCH_GET_GS, (unsigned long)&gs));
	CHECK_OK(arch_prctl(ARCH_SET_GS, (unsigned long)&value));
	asm volatile("movq %%gs:0, %0" : "=r"(got));
	CHECK(got == value, "ARCH_SET_GS takes effect");
	CHECK_CHILD("GS and FS are inherited", unsigned long seen; asm volatile("movq %%gs:0, %0" : "=r"(seen));
		    MUST(seen == value && pthread_self() == (pthread_t)fs));
	CHECK_OK(arch_prctl(ARCH_SET_GS, gs));
	CHECK_ERRNO(arch_prctl(ARCH_SET_FS, 0x8000000000000000UL), EPERM);
	CHECK_ERRNO(arch_prctl(ARCH_GET_FS, 8), EFAULT);
	CHECK_ERRNO(arch_prctl(0x9999, 0), EINVAL);
}

/* Work until some user time has been counted: its unit may be a tick. */
static bool works(void)
{
	struct rusage usage = {0};
	volatile unsigned long sum = 0;
	unsigned long i;

	while (usage.ru_utime.tv_sec + usage.ru_utime.tv_usec == 0 && getrusage(RUSAGE_SELF, &usage) == 0)
		for (i = 0; i < 1000000; i++)
			sum += i;
	return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec > 0;
}

static void usage(void)
{
	struct rusage self, children;

	CHECK_CHILD("a child works", MUST(works()));
	CHECK(works(), "user time passes");
	CHECK_OK(getrusage(RUSAGE_SELF, &self));
	CHECK_OK(getrusage(RUSAGE_CHILDREN, &children));
	CHECK_OK(getrusage(RUSAGE_THREAD, &self));
	CHECK(children.ru_utime.tv_sec + children.ru_utime.tv_usec > 0, "children's time is added when they are reaped");
	CHECK_ERRNO(getrusage(5, &self), EINVAL);
	CHECK_ERRNO(getrusage(RUSAGE_SELF, (struct rusage *)8), EFAULT);
}

static void priorities(void)
{
	errno = 0;
	CHECK(getpriority(PRIO_PROCESS, 0) == getpriority(PRIO_PROCESS, getpid()), "getpriority of 0 is the caller's");
	CHECK_CHILD("nice raises the nice value", int before = getpriority(PRIO_PROCESS, 0);
		    MUST(nice(3) == before + 3 && getpriority(PRIO_PROCESS, 0) == before + 3));
	CHECK_CHILD("setpriority is kept across fork", MUST(setpriority(PRIO_PROCESS, 0, 15) == 0);
		    MUST(IN_CHILD(MUST(getpriority(PRIO_PROCESS, 0) == 15)) == 0));
	CHECK_CHILD("nice values are clamped", MUST(setpriority(PRIO_PROCESS, 0, 100) == 0);
		    MUST(getpriority(PRIO_PROCESS, 0) == 19));
	CHECK_ERRNO(getpriority(9, 0), EINVAL);
	CHECK_ERRNO(setpriority(9, 0, 0), EINVAL);
	CHECK_ERRNO(getpriority(PRIO_PROCESS, 0x3ffffff), ESRCH);
}

int main(void)
{
	tap_begin();
	names();
	flags();
	no_new_privs();
	personalities();
	segments();
	usage();
	priorities();
	return tap_end();
}
