/* Synchronous signals: SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGILL, with code and address; the extended CPU state. */
#include "../tap.h"

#include <cpuid.h>
#include <immintrin.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

static sigjmp_buf jump;
static siginfo_t seen;
static volatile unsigned long error_code, cr2;

static void catch(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	seen = *info;
	error_code = uc->uc_mcontext.gregs[REG_ERR];
	cr2 = uc->uc_mcontext.gregs[REG_CR2];
	siglongjmp(jump, 1);
}

static void install(int sig, void (*action)(int, siginfo_t *, void *))
{
	struct sigaction sa = {.sa_sigaction = action, .sa_flags = SA_SIGINFO};

	sigaction(sig, &sa, NULL);
}

/* Run one statement; true when it raised `sig` with this code. */
#define RAISES(sig, code, ...) ({ \
	memset(&seen, 0, sizeof(seen)); \
	if (sigsetjmp(jump, 1) == 0) { \
		__VA_ARGS__; \
	} \
	seen.si_signo == (sig) && seen.si_code == (code); \
})

static void segv(void)
{
	volatile char *none = (volatile char *)0x1008, *page, *code;
	void (*nowhere)(void) = (void (*)(void))0x2000;
	char buf[8] = "";

	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, (void)*none), "a read of nothing: SEGV_MAPERR");
	CHECK_EQ((long)seen.si_addr, 0x1008, "its address");
	CHECK_EQ(error_code & 6, 4, "a user-mode read in the error code");
	CHECK_EQ(cr2, 0x1008, "and in cr2");
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, *none = 1), "a write to nothing");
	CHECK_EQ(error_code & 6, 6, "a write in the error code");
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, asm volatile("lock incl (%0)" : : "r"(none) : "memory")), "a locked increment of nothing");
	CHECK_EQ(error_code & 6, 6, "is a write");
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, asm volatile("rep movsb" : : "S"(none), "D"(buf), "c"(4L) : "memory")), "a string copied from nothing");
	CHECK_EQ(error_code & 6, 4, "is a read");
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, asm volatile("rep movsb" : : "S"(buf), "D"(none), "c"(4L) : "memory")), "and one copied there");
	CHECK_EQ(error_code & 6, 6, "a write");
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, asm volatile("movdqu (%0,%1,8), %%xmm0" : : "r"(8L), "r"(0x200L) : "xmm0")), "a load of 16 bytes");
	CHECK_EQ(error_code & 7, 4, "is a read of what is not there");
	CHECK(RAISES(SIGSEGV, SEGV_ACCERR, page[5] = 1), "a write to a read-only page: SEGV_ACCERR");
	CHECK(seen.si_addr == page + 5, "its address");
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, nowhere()), "a jump to nothing");
	CHECK_EQ((long)seen.si_addr, 0x2000, "its address");
	CHECK_EQ(error_code & 0x16, 0x14, "a fetch in the error code");
	CHECK(RAISES(SIGSEGV, SEGV_ACCERR, ((void (*)(void))code)()), "a jump to a page without x");
	CHECK(RAISES(SIGSEGV, SI_KERNEL, (void)*(volatile char *)0x8000000000000000UL), "a non-canonical address: SI_KERNEL");
	CHECK(seen.si_addr == NULL, "has no address");
	CHECK(RAISES(SIGSEGV, SI_KERNEL, asm volatile("hlt")), "a privileged instruction");
	munmap((void *)page, 4096);
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, (void)page[0]), "a page after munmap");
	CHECK_EQ(IN_CHILD(signal(SIGSEGV, SIG_DFL); setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); *none = 1) & 0x7f, SIGSEGV,
		 "without a handler it kills");
	CHECK_EQ(IN_CHILD(signal(SIGSEGV, SIG_IGN); setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); *none = 1) & 0x7f, SIGSEGV,
		 "ignored, it kills all the same");
	CHECK_EQ(IN_CHILD(sigset_t set; sigfillset(&set); sigprocmask(SIG_BLOCK, &set, NULL);
			  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); *none = 1) & 0x7f, SIGSEGV, "blocked, it kills all the same");
}

static void bus(void)
{
	int fd = open("short", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	volatile char *map;

	CHECK_OK(ftruncate(fd, 100));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(!RAISES(SIGBUS, BUS_ADRERR, (void)map[4095]), "the rest of a file's last page can be read");
	CHECK(RAISES(SIGBUS, BUS_ADRERR, (void)map[4096]), "a page past the end of the file: BUS_ADRERR");
	CHECK(seen.si_addr == map + 4096, "its address");
	CHECK(RAISES(SIGBUS, BUS_ADRERR, map[4100] = 1), "a write there");
	CHECK_OK(ftruncate(fd, 0));
	CHECK(RAISES(SIGBUS, BUS_ADRERR, (void)map[0]), "a page that truncation took away");
	munmap((void *)map, 8192);
	close(fd);
}

static void others(void)
{
	volatile int zero = 0, one = 1;

	CHECK(RAISES(SIGFPE, FPE_INTDIV, one = one / zero), "a division by zero: FPE_INTDIV");
	CHECK(seen.si_addr != NULL, "with the instruction's address");
	CHECK(RAISES(SIGFPE, FPE_FLTDIV, unsigned int csr = 0x1d80; asm volatile("ldmxcsr %0" : : "m"(csr));
		     volatile float f = 1.0f; f = f / (float)zero), "an unmasked SSE division by zero: FPE_FLTDIV");
	asm volatile("ldmxcsr %0" : : "m"((unsigned int){0x1f80}));
	CHECK(RAISES(SIGILL, ILL_ILLOPN, asm volatile("ud2")), "ud2: SIGILL");
	CHECK(RAISES(SIGTRAP, SI_KERNEL, asm volatile("int3")), "int3: SIGTRAP");
	CHECK(RAISES(SIGTRAP, TRAP_TRACE, asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop" : : : "memory", "cc")),
	      "the trap flag: TRAP_TRACE");
}

/* A handler that ruins every register it can. */
static void ruin(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	asm volatile("pxor %%xmm0,%%xmm0; pxor %%xmm1,%%xmm1; pxor %%xmm7,%%xmm7; pxor %%xmm15,%%xmm15; fninit; fldpi"
		     : : : "xmm0", "xmm1", "xmm7", "xmm15", "st");
}

__attribute__((target("avx")))
static void ruin_avx(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	asm volatile("vzeroall" : : : "memory");
}

static long raise_here(void)
{
	long ret;

	asm volatile("syscall" : "=a"(ret) : "a"((long)SYS_tkill), "D"((long)gettid()), "S"((long)SIGUSR1)
		     : "rcx", "r11", "memory");
	return ret;
}

__attribute__((target("avx")))
static bool avx_kept(void)
{
	unsigned char in[32], out[32];
	long ret, tid = gettid();
	int i;

	for (i = 0; i < 32; i++)
		in[i] = 7 * i + 1;
	asm volatile("vmovdqu %2, %%ymm9; syscall; vmovdqu %%ymm9, %1"
		     : "=a"(ret), "=m"(out) : "m"(in), "a"((long)SYS_tkill), "D"(tid), "S"((long)SIGUSR1) : "rcx", "r11", "memory", "xmm9");
	return ret == 0 && !memcmp(in, out, 32);
}

static void registers(void)
{
	unsigned char in[16], out[16];
	long ret, tid = gettid(), value = 0x1234567, r12, r15;
	double loaded = 42.5, stored = 0;
	unsigned int csr = 0x1f80 | 0x6000, csr_after = 0;
	unsigned short cw = 0x27f, cw_after = 0;
	unsigned long flags;
	int i;

	install(SIGUSR1, ruin);
	for (i = 0; i < 16; i++)
		in[i] = 100 + i;
	asm volatile("movdqu %2, %%xmm15; syscall; movdqu %%xmm15, %1"
		     : "=a"(ret), "=m"(out) : "m"(in), "a"((long)SYS_tkill), "D"(tid), "S"((long)SIGUSR1) : "rcx", "r11", "memory", "xmm15");
	CHECK(ret == 0 && !memcmp(in, out, 16), "SSE registers survive a handler");
	asm volatile("ldmxcsr %0; fldcw %1" : : "m"(csr), "m"(cw));
	raise_here();
	asm volatile("stmxcsr %0; fnstcw %1" : "=m"(csr_after), "=m"(cw_after));
	CHECK_EQ(csr_after & 0xffc0, csr & 0xffc0, "mxcsr survives a handler");
	CHECK_EQ(cw_after, cw, "the x87 control word survives a handler");
	asm volatile("ldmxcsr %0; fldcw %1" : : "m"((unsigned int){0x1f80}), "m"((unsigned short){0x37f}));
	asm volatile("fldl %2; syscall; fstpl %1"
		     : "=a"(ret), "=m"(stored) : "m"(loaded), "a"((long)SYS_tkill), "D"(tid), "S"((long)SIGUSR1) : "rcx", "r11", "memory");
	CHECK(stored == 42.5, "the x87 stack survives a handler");
	asm volatile("mov %4, %%r12; mov %4, %%r15; syscall; mov %%r12, %1; mov %%r15, %2"
		     : "=a"(ret), "=r"(r12), "=r"(r15) : "a"((long)SYS_tkill), "r"(value), "D"(tid), "S"((long)SIGUSR1)
		     : "rcx", "r11", "r12", "r15", "memory");
	CHECK(r12 == value && r15 == value, "general registers survive a handler");
	asm volatile("std; syscall; pushf; pop %1; cld"
		     : "=a"(ret), "=r"(flags) : "a"((long)SYS_tkill), "D"(tid), "S"((long)SIGUSR1) : "rcx", "r11", "memory", "cc");
	CHECK(flags & 0x400, "the direction flag survives a handler (which runs without it)");
	if (__builtin_cpu_supports("avx")) {
		install(SIGUSR1, ruin_avx);
		CHECK(avx_kept(), "AVX registers survive a handler");
	} else {
		SKIP("AVX registers survive a handler", "this CPU has no AVX");
	}
}

static volatile long syscall_result;

static void in_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	syscall_result = uc->uc_mcontext.gregs[REG_RAX];
	uc->uc_mcontext.gregs[REG_RAX] = -ENOTTY;
}

static void interrupted_result(void)
{
	install(SIGUSR1, in_handler);
	CHECK_EQ(raise_here(), -ENOTTY, "a handler can change the interrupted call's result");
	CHECK_EQ(syscall_result, 0, "and sees it in rax");
}

static int depth;

static void overflow(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	siglongjmp(jump, 1);
}

__attribute__((noinline))
static int recurse(volatile char *above)
{
	volatile char frame[4096];

	frame[0] = *above;
	if (++depth == INT32_MAX)
		return 0;
	return recurse(frame) + frame[0];
}

static void stack_overflow(void)
{
	static char area[65536];
	stack_t stack = {.ss_sp = area, .ss_size = sizeof(area)};
	struct sigaction sa = {.sa_sigaction = overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	volatile char start = 0;

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	CHECK(RAISES(SIGSEGV, SEGV_MAPERR, recurse(&start)), "a stack overflow is caught on the alternate stack");
	CHECK(depth > 100, "after the stack has grown");
	CHECK_EQ(IN_CHILD(stack.ss_flags = SS_DISABLE; sigaltstack(&stack, NULL); setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
			  recurse(&start)) & 0x7f, SIGSEGV, "without one it kills");
}

int main(void)
{
	tap_begin();
	install(SIGSEGV, catch);
	install(SIGBUS, catch);
	install(SIGFPE, catch);
	install(SIGILL, catch);
	install(SIGTRAP, catch);
	segv();
	bus();
	others();
	registers();
	interrupted_result();
	stack_overflow();
	return tap_end();
}
