/* prctl's later operations with their exact checks, personality's effects, arch_prctl's extended states, advice to other processes. */
#include "../tap.h"

#include <elf.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define P(...) prctl(__VA_ARGS__)
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static void small_ones(void)
{
	CHECK_EQ(P(PR_GET_TIMING), 0, "timing is statistical");
	CHECK_OK(P(PR_SET_TIMING, 0L));
	CHECK_ERRNO(P(PR_SET_TIMING, 1L), EINVAL);
	CHECK_OK(P(PR_TASK_PERF_EVENTS_DISABLE));
	CHECK_OK(P(PR_TASK_PERF_EVENTS_ENABLE));
	CHECK_OK(P(PR_MCE_KILL, 1L, 1L, 0L, 0L));
	CHECK_EQ(P(PR_MCE_KILL_GET, 0L, 0L, 0L, 0L), 1, "PR_MCE_KILL early reads back");
	CHECK_CHILD("and is inherited", MUST(P(PR_MCE_KILL_GET, 0L, 0L, 0L, 0L) == 1));
	CHECK_ERRNO(P(PR_MCE_KILL, 1L, 3L, 0L, 0L), EINVAL);
	CHECK_ERRNO(P(PR_MCE_KILL, 2L, 0L, 0L, 0L), EINVAL);
	CHECK_ERRNO(P(PR_MCE_KILL, 0L, 1L, 0L, 0L), EINVAL);
	CHECK_ERRNO(P(PR_MCE_KILL, 1L, 0L, 1L, 0L), EINVAL);
	CHECK_ERRNO(P(PR_MCE_KILL_GET, 1L, 0L, 0L, 0L), EINVAL);
	CHECK_OK(P(PR_MCE_KILL, 0L, 0L, 0L, 0L));
	CHECK_EQ(P(PR_MCE_KILL_GET, 0L, 0L, 0L, 0L), 2, "cleared, it is the default");
	CHECK_OK(P(PR_SET_THP_DISABLE, 5L, 0L, 0L, 0L));
	CHECK_EQ(P(PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L), 1, "PR_SET_THP_DISABLE reads back");
	CHECK_CHILD("and is inherited", MUST(P(PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L) == 1));
	CHECK_OK(P(PR_SET_THP_DISABLE, 0L, 0L, 0L, 0L));
	CHECK_ERRNO(P(PR_GET_THP_DISABLE, 1L, 0L, 0L, 0L), EINVAL);
	CHECK_OK(P(PR_SET_TIMERSLACK, 123456L));
	CHECK_EQ(P(PR_GET_TIMERSLACK), 123456, "the timer slack reads back");
	CHECK_OK(P(PR_SET_TIMERSLACK, 0L));
	CHECK_EQ(P(PR_GET_TIMERSLACK), 50000, "zero is the default");
	CHECK_ERRNO(P(PR_SET_UNALIGN, 1L), EINVAL);
	CHECK_ERRNO(P(PR_GET_SPECULATION_CTRL, 77L, 0L, 0L, 0L), ENODEV);
	CHECK_ERRNO(P(PR_GET_SPECULATION_CTRL, 0L, 1L, 0L, 0L), EINVAL);
	CHECK_ERRNO(P(PR_SET_SPECULATION_CTRL, 77L, 2L, 0L, 0L), ENODEV);
	CHECK_ERRNO(P(PR_SET_SPECULATION_CTRL, 0L, 2L, 1L, 0L), EINVAL);
	if (P(PR_GET_MEMORY_MERGE, 0L, 0L, 0L, 0L) < 0) {
		SKIP("PR_SET_MEMORY_MERGE", "not offered");
	} else {
		CHECK_OK(P(PR_SET_MEMORY_MERGE, 1L, 0L, 0L, 0L));
		CHECK_EQ(P(PR_GET_MEMORY_MERGE, 0L, 0L, 0L, 0L), 1, "PR_SET_MEMORY_MERGE reads back");
		CHECK_ERRNO(P(PR_SET_MEMORY_MERGE, 1L, 1L, 0L, 0L), EINVAL);
		CHECK_OK(P(PR_SET_MEMORY_MERGE, 0L, 0L, 0L, 0L));
	}
}

static sigjmp_buf back;

static void on_fault(int signo)
{
	siglongjmp(back, signo);
}

static bool rdtsc_faults(void)
{
	if (sigsetjmp(back, 1))
		return true;
	__builtin_ia32_rdtsc();
	return false;
}

static void tsc(void)
{
	int value = 0;

	CHECK_OK(P(PR_GET_TSC, &value));
	CHECK_EQ(value, PR_TSC_ENABLE, "rdtsc is allowed");
	CHECK_ERRNO(P(PR_SET_TSC, 3L), EINVAL);
	CHECK_ERRNO(P(PR_GET_TSC, 8L), EFAULT);
	CHECK_CHILD("PR_TSC_SIGSEGV makes it fault", signal(SIGSEGV, on_fault); MUST(!rdtsc_faults()); MUST(P(PR_SET_TSC, 2L) == 0);
		    MUST(rdtsc_faults()); P(PR_GET_TSC, &value); MUST(value == 2); MUST(IN_CHILD(MUST(rdtsc_faults())) == 0);
		    MUST(P(PR_SET_TSC, 1L) == 0); MUST(!rdtsc_faults()));
}

static void layout(void)
{
	unsigned int size = 0;
	unsigned long auxv[64];
	long len;

	CHECK_OK(P(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0L, 0L));
	CHECK_EQ(size, 104, "the size of struct prctl_mm_map");
	CHECK_ERRNO(P(PR_SET_MM, PR_SET_MM_MAP_SIZE, 0L, 0L, 0L), EFAULT);
	CHECK_ERRNO(P(PR_SET_MM, PR_SET_MM_ARG_START, 4096L, 0L, 1L), EINVAL);
	len = P(PR_GET_AUXV, auxv, sizeof(auxv), 0L, 0L);
	if (len < 0) {
		SKIP("PR_GET_AUXV", "not offered");
		return;
	}
	CHECK(len >= 20 * 16 && len % 16 == 0, "PR_GET_AUXV gives the vector's size");
	CHECK(auxv[0] != 0 && getauxval(auxv[0]) == auxv[1], "and the vector");
	CHECK_ERRNO(P(PR_GET_AUXV, auxv, 8L, 1L, 0L), EINVAL);
	CHECK_ERRNO(P(PR_GET_AUXV, 8L, 8L, 0L, 0L), EFAULT);
}

static void names(void)
{
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), line[64];
	int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *f = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (P(PR_SET_VMA, 0L, p, 4096L, "probe") < 0 && errno == EINVAL) {
		SKIP("PR_SET_VMA_ANON_NAME", "not offered");
		return;
	}
	CHECK_OK(P(PR_SET_VMA, 0L, p, 8192L, "a name"));
	CHECK(strstr(tap_text("/proc/self/maps"), "[anon:a name]"), "the name is in maps");
	snprintf(line, sizeof(line), "%lx-%lx", (long)p, (long)p + 8192);
	CHECK(strstr(tap_text("/proc/self/maps"), line), "as a mapping of its own");
	CHECK_CHILD("a child has it too", MUST(strstr(tap_text("/proc/self/maps"), "[anon:a name]")));
	CHECK_OK(P(PR_SET_VMA, 0L, p, 8192L, NULL));
	CHECK(!strstr(tap_text("/proc/self/maps"), "[anon:a name]"), "no name takes it away");
	CHECK_ERRNO(P(PR_SET_VMA, 0L, p + 1, 4096L, "x"), EINVAL);
	CHECK_ERRNO(P(PR_SET_VMA, 0L, p, 4096L, "a]b"), EINVAL);
	CHECK_ERRNO(P(PR_SET_VMA, 0L, p, 4096L, "a\nb"), EINVAL);
	CHECK_ERRNO(P(PR_SET_VMA, 0L, p, 4096L, (char *)8), EFAULT);
	CHECK_ERRNO(P(PR_SET_VMA, 0L, f, 4096L, "x"), EBADF);
	CHECK_ERRNO(P(PR_SET_VMA, 0L, 4096L, 4096L, "x"), ENOMEM);
	CHECK_ERRNO(P(PR_SET_VMA, 1L, p, 4096L, "x"), EINVAL);
}

static void personalities(char **argv)
{
	char *p;

	CHECK_CHILD("READ_IMPLIES_EXEC makes readable memory code", MUST(personality(READ_IMPLIES_EXEC) >= 0);
		    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); p[0] = (char)0xc3; ((void (*)(void))p)());
	CHECK_CHILD("and so does mprotect", p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); p[0] = (char)0xc3;
		    MUST(personality(READ_IMPLIES_EXEC) >= 0); MUST(mprotect(p, 4096, PROT_READ) == 0); ((void (*)(void))p)());
	(void)argv;
}

/* The address of a local variable in a fresh image of this program, told through its exit status. */
static int stack_of_fresh_image(void)
{
	int fd[2], status;
	pid_t pid;
	int low = -1;

	if (pipe(fd) < 0)
		return -1;
	pid = tap_fork();
	if (pid == 0) {
		dup2(fd[1], 1);
		MUST(personality(ADDR_NO_RANDOMIZE) >= 0);
		execl("/proc/self/exe", "stack", NULL);
		_exit(1);
	}
	status = tap_wait(pid);
	close(fd[1]);
	if (status || read(fd[0], &low, sizeof(low)) != sizeof(low))
		low = -1;
	close(fd[0]);
	return low;
}

static void states(void)
{
	unsigned long supported = 0, permitted = 0;

	CHECK_OK(syscall(SYS_arch_prctl, 0x1021, &supported));
	CHECK_EQ(supported & 3, 3, "x87 and SSE are supported");
	CHECK_OK(syscall(SYS_arch_prctl, 0x1022, &permitted));
	CHECK_EQ(permitted & 3, 3, "and permitted");
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x1023, 99), EINVAL);
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x1021, 8), EFAULT);
	CHECK(syscall(SYS_arch_prctl, 0x1011, 0) >= 0, "CPUID can be asked about");
	CHECK_ERRNO(syscall(SYS_arch_prctl, 0x5001, 0x40), EINVAL);
}

static void advice(void)
{
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int self = syscall(SYS_pidfd_open, getpid(), 0);
	struct iovec v[2] = { { p, 4096 }, { p + 8192, 8192 } }, hole = { (void *)4096, 4096 }, odd = { p + 1, 4096 };

	CHECK(self >= 0, "a pidfd of its own");
	CHECK_EQ(syscall(SYS_process_madvise, self, v, 2UL, MADV_COLD, 0), 12288, "process_madvise counts bytes");
	CHECK_EQ(syscall(SYS_process_madvise, self, v, 2UL, MADV_PAGEOUT, 0), 12288, "of each advice");
	CHECK_EQ(syscall(SYS_process_madvise, self, v, 2UL, MADV_WILLNEED, 0), 12288, "and this");
	CHECK_ERRNO(syscall(SYS_process_madvise, self, v, 2UL, MADV_COLD, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_madvise, -1, v, 2UL, MADV_COLD, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_process_madvise, 1, v, 2UL, MADV_COLD, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_process_madvise, self, v, 2UL, 12345, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_madvise, self, &hole, 1UL, MADV_COLD, 0), ENOMEM);
	CHECK_ERRNO(syscall(SYS_process_madvise, self, &odd, 1UL, MADV_COLD, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_madvise, self, (void *)8, 1UL, MADV_COLD, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_process_madvise, self, v, 2000UL, MADV_COLD, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_mrelease, self, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_mrelease, -1, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_process_mrelease, self, 0), EINVAL);
	close(self);
}

int main(int argc, char **argv)
{
	int first, local, low = (int)(uintptr_t)&local;

	if (argc == 1 && !strcmp(argv[0], "stack"))
		return write(1, &low, sizeof(low)) == sizeof(low) ? 0 : 1;
	tap_begin();
	small_ones();
	tsc();
	layout();
	names();
	personalities(argv);
	first = stack_of_fresh_image();
	CHECK(first != -1 && first == stack_of_fresh_image() && first == stack_of_fresh_image(),
	      "ADDR_NO_RANDOMIZE puts the stack at the same place each time");
	states();
	advice();
	return tap_end();
}
