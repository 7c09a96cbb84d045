/*
 * Host calls by every form of instruction, with arguments that would do harm outside. Section 8, line 1.
 * Usage: raw_calls CANARY VICTIM-PID ABSTRACT-NAME. What is expected: nothing of the host is reached; the calls fail, or are
 * the sandbox's own, or the process dies. The script that runs this looks at the canary, the victim and the socket from outside.
 */
#include "tap.h"

#include <setjmp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <ucontext.h>

#define ESCAPED 77
/* The top of a guest's address space, where the stub lies: platform/arch/x86_64/layout.h. */
#define STUB 0x7fffffffc000UL

static char *canary, *fresh;	/* below 4 GiB, for calls with 32-bit pointers */
static struct sockaddr_un *name;
static socklen_t name_len;
static pid_t victim;
static char *low_stack;
static sigjmp_buf jump;
static volatile long trapped;
static uintptr_t target;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	trapped = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
	siglongjmp(jump, 1);
}

static long by_syscall(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(0) : "rcx", "r11", "memory");
	return ret;
}

static long by_int80(long nr, long a, long b, long c)
{
	int ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"((int)nr), "b"((int)a), "c"((int)b), "d"((int)c)
		     : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

/* Returns nowhere useful from 64-bit code: the caller's process is lost, the call may have been made. */
static long by_sysenter(long nr, long a, long b, long c)
{
	asm volatile("mov %4, %%rsp; mov %4, %%rbp; sysenter"
		     : : "a"((int)nr), "b"((int)a), "c"((int)b), "d"((int)c), "S"((long)low_stack) : "memory");
	return -1;
}

/* A jump to a `syscall` instruction at `target`; what follows it there traps, loops or returns. */
static long by_jump(long nr, long a, long b, long c)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGTRAP, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (sigsetjmp(jump, 1))
		return trapped;
	asm volatile("jmp *%4" : : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(target) : "rcx", "r11", "memory");
	__builtin_unreachable();
}

static const struct form {
	const char *title;
	long (*call)(long, long, long, long);
	uintptr_t at;
	bool old;		/* 32-bit numbers */
} forms[] = {
	{"syscall", by_syscall, 0, false},
	{"int 0x80", by_int80, 0, true},
	{"sysenter", by_sysenter, 0, true},
	{"the stub's loop", by_jump, STUB, false},
	{"the stub's alias", by_jump, STUB + 0x10, false},
	{"the stub's single call", by_jump, STUB + 0x20, false},
	{"the stub's exchange", by_jump, STUB + 0x30, false},
	{"the vsyscall page", by_jump, 0xffffffffff600000, false},
	{"inside the vsyscall page", by_jump, 0xffffffffff600402, false},
};

/* In a child of its own, with half a second: some forms never come back. */
static int attempt(const struct form *form, void (*act)(const struct form *))
{
	static const struct itimerval soon = {.it_value = {0, 200000}};
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		setitimer(ITIMER_REAL, &soon, NULL);
		target = form->at;
		act(form);
		_exit(0);
	}
	return tap_wait(pid);
}

static void reads_canary(const struct form *form)
{
	char buf[8] = "";
	long fd = form->call(form->old ? 5 : SYS_open, (long)canary, O_RDWR, 0);

	if (fd >= 0 && fd < 4096 && read(fd, buf, 6) == 6 && !memcmp(buf, "canary", 6))
		_exit(ESCAPED);
}

static void makes_file(const struct form *form)
{
	form->call(form->old ? 5 : SYS_open, (long)fresh, O_WRONLY | O_CREAT, 0600);
}

static void removes_canary(const struct form *form)
{
	if (form->call(form->old ? 10 : SYS_unlink, (long)canary, 0, 0) == 0 && form->call != by_jump)
		_exit(ESCAPED);
}

static void kills_victim(const struct form *form)
{
	form->call(form->old ? 37 : SYS_kill, victim, SIGKILL, 0);
}

static void traces(const struct form *form)
{
	long ret = form->call(form->old ? 26 : SYS_ptrace, PTRACE_SEIZE, victim, 0);

	if (ret == 0 && form->call != by_jump)
		_exit(ESCAPED);
}

static void connects(const struct form *form)
{
	long fd;

	if (form->old)
		return;
	fd = form->call(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 && fd < 4096)
		form->call(SYS_connect, fd, (long)name, name_len);
}

/* Numbers that are no fds of ours may be the host's: the pocket, the listener, a gofer's gift. */
static void uses_fds(const struct form *form)
{
	static char stat[256];
	long fd, ret;

	for (fd = 3; fd < 300; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		ret = form->call(form->old ? 108 : SYS_fstat, fd, (long)low_stack - 4096, 0);
		if (ret == 0)
			_exit(ESCAPED);
		ret = form->call(form->old ? 41 : SYS_dup, fd, 0, 0);
		if (ret > 0 && ret < 4096 && form->call != by_jump)
			_exit(ESCAPED);
	}
	(void)stat;
}

/* Calls that no guest has any business with: each must be refused, not performed. */
static void asks_for_power(const struct form *form)
{
	static const int numbers[] = {SYS_ptrace, SYS_setns, SYS_unshare, SYS_mount, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
				      SYS_io_uring_setup, SYS_kexec_load, SYS_init_module, SYS_open_by_handle_at, SYS_pidfd_getfd,
				      SYS_process_madvise, SYS_iopl, SYS_modify_ldt, SYS_seccomp};
	size_t i;

	if (form->old)
		return;
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		long ret = form->call(numbers[i], numbers[i] == SYS_setns ? 3 : victim, 0x10000000, 0x7fffffff);

		if (ret > 0 && ret < 4096 && numbers[i] != SYS_modify_ldt && form->call != by_jump)
			_exit(ESCAPED);
	}
}

static const struct {
	const char *title;
	void (*act)(const struct form *);
} harms[] = {
	{"a file of the host can't be read", reads_canary},
	{"nor one be made", makes_file},
	{"nor removed", removes_canary},
	{"a process outside can't be killed", kills_victim},
	{"nor traced", traces},
	{"an abstract socket outside can't be reached", connects},
	{"descriptors that are not the guest's can't be used", uses_fds},
	{"powerful calls are refused", asks_for_power},
};

/* Every `syscall` instruction in memory that can be executed and is not this program's own. */
static int found_calls(uintptr_t *list, int max)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[600], perms[8];
	int n = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) != 3 || perms[2] != 'x' || perms[0] != 'r' || start >= 1UL << 47)
			continue;
		if (start <= (uintptr_t)found_calls && (uintptr_t)found_calls < end)
			continue;
		for (unsigned char *p = (void *)start; p + 1 < (unsigned char *)end && n < max; p++)
			if (p[0] == 0x0f && (p[1] == 0x05 || p[1] == 0x34))
				list[n++] = (uintptr_t)p;
	}
	if (maps)
		fclose(maps);
	return n;
}

int main(int argc, char **argv)
{
	uintptr_t list[16];
	size_t i, j;
	char *low;
	int n;

	if (argc != 4)
		return 2;
	tap_begin();
	low = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	canary = strcpy(low, argv[1]);
	fresh = low + 1024;
	snprintf(fresh, 1024, "%s.made", argv[1]);
	victim = atoi(argv[2]);
	name = (void *)(low + 2048);
	name->sun_family = AF_UNIX;
	strcpy(name->sun_path + 1, argv[3]);
	name_len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[3]);
	low_stack = low + 32768;
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		for (j = 0; j < sizeof(harms) / sizeof(*harms); j++)
			CHECK(attempt(&forms[i], harms[j].act) != EXITED(ESCAPED), "%s: %s", forms[i].title, harms[j].title);
	n = found_calls(list, 16);
	for (int k = 0; k < n; k++) {
		const struct form found = {"found", by_jump, list[k], false};

		for (j = 0; j < sizeof(harms) / sizeof(*harms); j++)
			CHECK(attempt(&found, harms[j].act) != EXITED(ESCAPED), "a call at %#lx: %s", (unsigned long)list[k], harms[j].title);
	}
	CHECK(getpid() > 0, "the sandbox still answers");
	return tap_end();
}
