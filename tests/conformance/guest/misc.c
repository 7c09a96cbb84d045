/* uname, random, scheduling, limits of the call table, and other small calls. */
#include "../tap.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static void names(void)
{
	struct utsname uts;
	char host[65];
	int major = 0;

	CHECK_OK(uname(&uts));
	CHECK_STR(uts.sysname, "Linux", "uname: Linux");
	CHECK_STR(uts.machine, "x86_64", "uname: x86_64");
	CHECK(sscanf(uts.release, "%d.", &major) == 1 && major >= 5, "uname: a recent release");
	CHECK(uts.nodename[0] && uts.version[0], "uname: node and version");
	CHECK(gethostname(host, sizeof(host)) == 0 && !strcmp(host, uts.nodename), "gethostname agrees");
	CHECK_ERRNO(syscall(SYS_uname, 8), EFAULT);
	if (!tap_is_root())
		CHECK_ERRNO(sethostname("x", 1), EPERM);
}

static void randoms(void)
{
	unsigned char a[32] = {0}, b[32] = {0}, *big = calloc(1, 1 << 20);
	long i, zeros = 0;
	int fd;

	CHECK(getrandom(a, 32, 0) == 32 && getrandom(b, 32, GRND_NONBLOCK) == 32 && memcmp(a, b, 32), "getrandom");
	CHECK_EQ(getrandom(big, 1 << 20, 0), 1 << 20, "a megabyte");
	for (i = 0; i < 1 << 20; i++)
		zeros += big[i] == 0;
	CHECK(zeros > 3000 && zeros < 5200, "of random bytes");
	CHECK_EQ(getrandom(a, 0, 0), 0, "none");
	CHECK_ERRNO(getrandom(a, 32, 0x100), EINVAL);
	CHECK_ERRNO(getrandom((void *)8, 32, 0), EFAULT);
	fd = open("/dev/urandom", O_RDONLY);
	CHECK(read(fd, a, 32) == 32 && memcmp(a, b, 32), "/dev/urandom");
	close(fd);
	CHECK(getauxval(AT_RANDOM) && memcmp((void *)getauxval(AT_RANDOM), (char[16]){0}, 16), "AT_RANDOM");
	free(big);
}

static void devices(void)
{
	char buf[64];
	int fd = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);

	CHECK(read(fd, buf, 64) == 0 && write(fd, buf, 64) == 64, "/dev/null");
	memset(buf, 1, sizeof(buf));
	CHECK(read(zero, buf, 64) == 64 && buf[63] == 0 && write(zero, buf, 64) == 64, "/dev/zero");
	CHECK_ERRNO(write(full, buf, 64), ENOSPC);
	CHECK_EQ(read(full, buf, 64), 64, "/dev/full reads zeros");
	CHECK_EQ(lseek(fd, 100, SEEK_SET), 0, "/dev/null seeks to 0");
	CHECK_ERRNO(ioctl(fd, TIOCGWINSZ, buf), ENOTTY);
	CHECK_EQ(isatty(fd), 0, "/dev/null is no terminal");
	CHECK_OK(access("/dev/shm", W_OK));
	close(fd);
	close(zero);
	close(full);
}

static void scheduling(void)
{
	cpu_set_t set, one;
	struct sched_param param = {0};
	unsigned int cpu = 9999, node = 9999;
	int n, i, policy;

	CHECK_OK(sched_getaffinity(0, sizeof(set), &set));
	n = CPU_COUNT(&set);
	CHECK(n >= 1 && n <= sysconf(_SC_NPROCESSORS_CONF), "sched_getaffinity gives some of the machine's CPUs");
	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(set), &set) >= 8, "the raw call gives its size");
	CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 1, &set), EINVAL);
	CHECK_ERRNO(sched_getaffinity(0x3ffffff, sizeof(set), &set), ESRCH);
	CHECK_OK(getcpu(&cpu, &node));
	CHECK(cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set), "getcpu is an allowed CPU");
	CPU_ZERO(&one);
	for (i = 0; !CPU_ISSET(i, &set); i++)
		;
	CPU_SET(i, &one);
	CHECK_CHILD("sched_setaffinity to one CPU", MUST(sched_setaffinity(0, sizeof(one), &one) == 0);
		    MUST(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_EQUAL(&one, &set)); MUST(sched_getcpu() == i);
		    MUST(IN_CHILD(MUST(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_EQUAL(&one, &set))) == 0));
	CPU_ZERO(&one);
	CHECK_ERRNO(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	CHECK_OK(sched_yield());
	policy = sched_getscheduler(0);
	CHECK(policy == SCHED_OTHER || policy == SCHED_BATCH, "the ordinary policy");
	CHECK_OK(sched_getparam(0, &param));
	CHECK_ERRNO(sched_getscheduler(-1), EINVAL);
	CHECK_ERRNO(sched_setscheduler(0, 99, &param), EINVAL);
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0, "priorities of the ordinary policy");
	CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1, "and of the real-time ones");
	CHECK_ERRNO(sched_get_priority_max(99), EINVAL);
}

static void unknown(void)
{
	CHECK_ERRNO(syscall(9999), ENOSYS);
	CHECK_ERRNO(syscall(-1), ENOSYS);
	CHECK_ERRNO(syscall(100000), ENOSYS);
	CHECK_ERRNO(syscall(0x40000000 | 39), ENOSYS);
	CHECK_ERRNO(syscall(SYS_create_module), ENOSYS);
	CHECK_ERRNO(syscall(SYS_uselib, "x"), ENOSYS);
	CHECK_ERRNO(syscall(400), ENOSYS);
	CHECK(syscall(SYS_getpid) == getpid() && syscall(SYS_gettid) == gettid() && syscall(SYS_getppid) == getppid(), "the known ones work");
	CHECK_EQ(syscall((long)SYS_getpid | 0x700000000L), getpid(), "only the low half of the number counts");
}

static void others(void)
{
	struct rlimit limit;
	long ret;

	if (!tap_is_root())
		CHECK_ERRNO(klogctl(5, NULL, 0), EPERM);
	CHECK(klogctl(99, NULL, 0) == -1 && (errno == EINVAL || errno == EPERM), "an unknown command of syslog is refused");
	ret = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	CHECK(ret >= 0 || errno == ENOSYS, "membarrier answers a query, or is not there");
	CHECK(syscall(SYS_rseq, 8, 32, 0, 0) == -1 && (errno == EINVAL || errno == ENOSYS), "rseq refuses an odd address, or is not there");
	CHECK(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_CLK_TCK) == 100, "sysconf");
	CHECK(sysconf(_SC_PHYS_PAGES) > 0, "physical pages");
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && sysconf(_SC_OPEN_MAX) == (long)limit.rlim_cur, "sysconf and rlimit agree");
	CHECK_OK(syscall(SYS_getcpu, NULL, NULL, NULL));
	sync();
	CHECK_ERRNO(syscall(SYS_ioprio_get, 99, 0), EINVAL);
	if (!tap_is_root()) {
		CHECK_ERRNO(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL), EPERM);
		CHECK_ERRNO(syscall(SYS_umount2, "/", 0), EPERM);
	}
}

int main(void)
{
	tap_begin();
	names();
	randoms();
	devices();
	scheduling();
	unknown();
	others();
	return tap_end();
}
