/* Handlers: siginfo, flags, masks, nesting, jumps out of them, changed contexts. */
#include "../tap.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile sig_atomic_t count, depth, max_depth, last;
static siginfo_t seen;
static sigset_t seen_mask;
static volatile uintptr_t seen_stack;
static sigjmp_buf jump;

static void install(int sig, void (*action)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = action, .sa_flags = SA_SIGINFO | flags};

	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL) < 0)
		_exit(98);
	count = depth = max_depth = 0;
}

static void note(int sig, siginfo_t *info, void *context)
{
	count++;
	last = sig;
	seen = *info;
	seen_mask = ((ucontext_t *)context)->uc_sigmask;
}

static void note_mask(int sig, siginfo_t *info, void *context)
{
	note(sig, info, context);
	sigprocmask(SIG_BLOCK, NULL, &seen_mask);
}

static void nest(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	count++;
	if (++depth > max_depth)
		max_depth = depth;
	if (count < 4)
		raise(sig);
	depth--;
}

static void note_stack(int sig, siginfo_t *info, void *context)
{
	char here;

	note(sig, info, context);
	seen_stack = (uintptr_t)&here;
}

static void siginfos(void)
{
	union sigval value = {.sival_ptr = (void *)0x123456789abcUL};

	install(SIGUSR1, note, 0);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(count, 1, "kill of the own process is handled before kill returns");
	CHECK(seen.si_signo == SIGUSR1 && seen.si_code == SI_USER, "kill: SI_USER");
	CHECK(seen.si_pid == getpid() && seen.si_uid == getuid(), "kill: pid and uid of the sender");
	raise(SIGUSR1);
	CHECK_EQ(seen.si_code, SI_TKILL, "raise: SI_TKILL");
	sigqueue(getpid(), SIGUSR1, value);
	CHECK(seen.si_code == SI_QUEUE && seen.si_ptr == value.sival_ptr, "sigqueue: SI_QUEUE with its value");
	CHECK(seen.si_pid == getpid() && seen.si_uid == getuid(), "sigqueue: pid and uid");
	IN_CHILD(kill(getppid(), SIGUSR1));
	CHECK(count == 4 && seen.si_pid != getpid() && seen.si_pid > 0, "a signal of a child carries the child's pid");
	seen.si_code = SI_QUEUE;
	seen.si_pid = 4321;
	CHECK_OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &seen));
	CHECK_EQ(seen.si_pid, 4321, "rt_sigqueueinfo carries what it is given");
	CHECK_CHILD("a process can't forge SI_USER for another", siginfo_t forged = {.si_code = SI_USER};
		    MUST(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &forged) == -1 && errno == EPERM));
}

static void flags(void)
{
	struct sigaction now;

	install(SIGUSR1, nest, 0);
	raise(SIGUSR1);
	CHECK(count == 4 && max_depth == 1, "a signal is blocked during its own handler");
	install(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	CHECK(count == 4 && max_depth == 4, "SA_NODEFER lets it nest");
	install(SIGUSR1, note, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &now);
	CHECK(count == 1 && now.sa_handler == SIG_DFL, "SA_RESETHAND resets before the handler runs");
	CHECK(now.sa_flags & SA_RESETHAND, "its flags stay");
	install(SIGUSR1, note, SA_RESTART | SA_NODEFER);
	sigaction(SIGUSR1, NULL, &now);
	CHECK(now.sa_sigaction == note, "sigaction reads the handler");
	CHECK_EQ(now.sa_flags & ~0x04000000, SA_SIGINFO | SA_RESTART | SA_NODEFER, "and the flags");
	CHECK_ERRNO(sigaction(SIGKILL, &now, NULL), EINVAL);
	CHECK_ERRNO(sigaction(SIGSTOP, &now, NULL), EINVAL);
	CHECK_OK(sigaction(SIGKILL, NULL, &now));
	CHECK_ERRNO(sigaction(65, NULL, &now), EINVAL);
	CHECK_ERRNO(sigaction(0, NULL, &now), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, 8, 8), EFAULT);
}

static void masks(void)
{
	struct sigaction sa = {.sa_sigaction = note_mask, .sa_flags = SA_SIGINFO};
	sigset_t set, old;

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	CHECK(sigismember(&seen_mask, SIGUSR1), "in a handler its signal is blocked");
	CHECK(sigismember(&seen_mask, SIGUSR2), "and sa_mask");
	CHECK(sigismember(&seen_mask, SIGHUP), "and what was blocked before");
	CHECK(!sigismember(&seen_mask, SIGINT), "and nothing else");
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(sigismember(&set, SIGHUP) && !sigismember(&set, SIGUSR1), "the mask is restored after it");
	install(SIGUSR1, note, 0);
	raise(SIGUSR1);
	CHECK(sigismember(&seen_mask, SIGHUP) && !sigismember(&seen_mask, SIGUSR1), "uc_sigmask is the mask to restore");
	sigprocmask(SIG_SETMASK, &old, NULL);
	sa.sa_sigaction = note;
	sa.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK(true, "a full sa_mask is accepted");
}

static void stacks(void)
{
	static char area[65536];
	stack_t stack = {.ss_sp = area, .ss_size = sizeof(area)}, now;
	stack_t small = {.ss_sp = area, .ss_size = 100}, odd = {.ss_sp = area, .ss_size = sizeof(area), .ss_flags = 0x40};

	CHECK_OK(sigaltstack(NULL, &now));
	CHECK_EQ(now.ss_flags, SS_DISABLE, "no alternate stack at the start");
	CHECK_ERRNO(sigaltstack(&small, NULL), ENOMEM);
	CHECK_ERRNO(sigaltstack(&odd, NULL), EINVAL);
	CHECK_ERRNO(sigaltstack((stack_t *)8, NULL), EFAULT);
	CHECK_OK(sigaltstack(&stack, NULL));
	sigaltstack(NULL, &now);
	CHECK(now.ss_sp == area && now.ss_size == sizeof(area) && now.ss_flags == 0, "sigaltstack reads back");
	install(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	CHECK(seen_stack - (uintptr_t)area >= sizeof(area), "without SA_ONSTACK the handler runs on the normal stack");
	install(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(seen_stack - (uintptr_t)area < sizeof(area), "with SA_ONSTACK on the alternate one");
	stack.ss_flags = SS_DISABLE;
	CHECK_OK(sigaltstack(&stack, NULL));
	install(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(seen_stack - (uintptr_t)area >= sizeof(area), "a disabled one is not used");
	stack.ss_flags = (int)(1U << 31);
	CHECK_OK(sigaltstack(&stack, NULL));
	sigaltstack(NULL, &now);
	CHECK_EQ(now.ss_flags, (int)(1U << 31), "SS_AUTODISARM reads back");
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

static stack_t inside;
static int change_errno;

static void look_inside(int sig, siginfo_t *info, void *context)
{
	stack_t other = {.ss_flags = SS_DISABLE};

	note(sig, info, context);
	sigaltstack(NULL, &inside);
	change_errno = sigaltstack(&other, NULL) < 0 ? errno : 0;
}

static void on_stack(void)
{
	static char area[65536];
	stack_t stack = {.ss_sp = area, .ss_size = sizeof(area)};

	sigaltstack(&stack, NULL);
	install(SIGUSR1, look_inside, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK_EQ(inside.ss_flags, SS_ONSTACK, "a handler sees SS_ONSTACK");
	CHECK_EQ(change_errno, EPERM, "and can't change the stack that it runs on");
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

static void leave(int sig, siginfo_t *info, void *context)
{
	note(sig, info, context);
	siglongjmp(jump, 3);
}

static void skip_instruction(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	note(sig, info, context);
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RBX] = 0x77;
}

static void change_mask(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	note(sig, info, context);
	sigaddset(&uc->uc_sigmask, SIGTERM);
}

static void jumps(void)
{
	sigset_t set;
	unsigned long rbx = 0;
	int value;

	install(SIGUSR1, leave, 0);
	value = sigsetjmp(jump, 1);
	if (value == 0)
		raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(value == 3 && count == 1, "siglongjmp out of a handler");
	CHECK(!sigismember(&set, SIGUSR1), "restores the mask");
	value = sigsetjmp(jump, 1);
	if (count < 100)
		raise(SIGUSR1);
	CHECK_EQ(count, 100, "a hundred times");
	install(SIGILL, skip_instruction, 0);
	asm volatile("ud2" : "=b"(rbx) : : "memory");
	CHECK(last == SIGILL && rbx == 0x77, "sigreturn takes changed registers");
	CHECK(seen.si_code == ILL_ILLOPN && seen.si_addr, "SIGILL has code and address");
	signal(SIGILL, SIG_DFL);
	install(SIGUSR1, change_mask, 0);
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(sigismember(&set, SIGTERM), "sigreturn takes a changed mask");
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void order(void)
{
	sigset_t set, old;

	install(SIGUSR1, note, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(count, 0, "a blocked signal waits");
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count, 1, "a standard signal is queued once, delivered on unblocking");
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	install(SIGUSR1, note, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count <= 1, 1, "a signal sent while blocked and ignored");
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	install(SIGUSR1, note, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count, 0, "setting SIG_IGN discards what is pending");
}

int main(void)
{
	tap_begin();
	siginfos();
	flags();
	masks();
	stacks();
	on_stack();
	jumps();
	order();
	return tap_end();
}
