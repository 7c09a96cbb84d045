/* Waiting for signals; queued real-time signals; who may signal whom. */
#include "../tap.h"

#include <pthread.h>
#include <time.h>

static volatile sig_atomic_t count;
static int order[64], values[64];

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	order[count] = sig;
	values[count] = info->si_int;
	count++;
}

static void install(int sig, int flags)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};

	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static void queue(int sig, int value)
{
	union sigval v = {.sival_int = value};

	if (sigqueue(getpid(), sig, v) < 0)
		_exit(98);
}

static void timedwait(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2), old, now;
	struct timespec zero = {0, 0}, tick = {0, 1000000}, bad = {0, 1000000000};
	siginfo_t info;

	sigprocmask(SIG_BLOCK, &set, &old);
	CHECK_ERRNO(sigtimedwait(&set, &info, &zero), EAGAIN);
	CHECK_ERRNO(sigtimedwait(&set, &info, &tick), EAGAIN);
	CHECK_ERRNO(sigtimedwait(&set, &info, &bad), EINVAL);
	raise(SIGUSR2);
	raise(SIGUSR1);
	sigpending(&now);
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2), "sigpending shows both");
	CHECK_EQ(sigtimedwait(&set, &info, &zero), SIGUSR1, "the lower number comes first");
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGUSR2, "then the other, without siginfo");
	sigpending(&now);
	CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2), "both are taken");
	queue(SIGUSR1, 99);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_int == 99 && info.si_code == SI_QUEUE, "the value arrives");
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &set, &info, &zero, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, 8, &info, &zero, 8), EFAULT);
	CHECK_CHILD("a child signals its parent", MUST(kill(getppid(), SIGUSR1) == 0));
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1, "who takes it with sigwaitinfo");
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_CHILD("sigtimedwait fails with EINTR when another signal is handled", install(SIGALRM, SA_RESTART); ualarm(2000, 2000);
		    sigset_t one = set_of(SIGUSR1, 0); MUST(sigwaitinfo(&one, NULL) == -1 && errno == EINTR); MUST(count >= 1));
}

static void suspend(void)
{
	sigset_t set = set_of(SIGUSR1, 0), old, none, now;

	sigemptyset(&none);
	install(SIGUSR1, SA_RESTART);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	count = 0;
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK_EQ(count, 1, "sigsuspend delivers what it unblocks");
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1), "and restores the mask after the handler");
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &none, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_CHILD("pause fails with EINTR after a handler", install(SIGALRM, SA_RESTART); ualarm(2000, 2000);
		    MUST(pause() == -1 && errno == EINTR));
	CHECK_EQ(IN_CHILD(ualarm(2000, 2000); pause()), SIGALRM, "SIGALRM kills a paused process");
}

static void realtime(void)
{
	int first = SIGRTMIN, second = SIGRTMIN + 1, i;
	sigset_t set = set_of(first, second), old;
	bool in_order = true;

	sigaddset(&set, SIGUSR1);
	install(first, 0);
	install(second, 0);
	install(SIGUSR1, 0);
	count = 0;
	sigprocmask(SIG_BLOCK, &set, &old);
	for (i = 0; i < 20; i++) {
		queue(second, 100 + i);
		queue(first, i);
	}
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count, 41, "every real-time signal is queued, a standard one once");
	CHECK_EQ(order[0], SIGUSR1, "standard signals come first");
	for (i = 0; i < 20; i++)
		in_order &= order[1 + i] == first && values[1 + i] == i && order[21 + i] == second && values[21 + i] == 100 + i;
	CHECK(in_order, "lower numbers first, each number in the order sent, with its value");
	CHECK_ERRNO(sigqueue(getpid(), 65, (union sigval){0}), EINVAL);
	CHECK_ERRNO(sigqueue(0x3ffffff, first, (union sigval){0}), ESRCH);
	CHECK_OK(sigqueue(getpid(), 0, (union sigval){0}));
}

static void kills(void)
{
	CHECK_OK(kill(getpid(), 0));
	CHECK_OK(kill(0, 0));
	CHECK_CHILD("kill of a group", setpgid(0, 0); MUST(kill(-getpgrp(), 0) == 0));
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(getpid(), -1), EINVAL);
	CHECK_ERRNO(kill(0x3ffffff, SIGTERM), ESRCH);
	CHECK_ERRNO(kill(-0x3ffffff, SIGTERM), ESRCH);
	CHECK_ERRNO(kill(INT32_MIN, 0), ESRCH);
	CHECK_ERRNO(tgkill(0, getpid(), 0), EINVAL);
	CHECK_ERRNO(tgkill(getpid(), 0, 0), EINVAL);
	CHECK_ERRNO(tgkill(getpid(), 0x3ffffff, 0), ESRCH);
	CHECK_ERRNO(tgkill(0x3ffffff, gettid(), 0), ESRCH);
	CHECK_OK(tgkill(getpid(), gettid(), 0));
	CHECK_OK(syscall(SYS_tkill, gettid(), 0));
	CHECK_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, 0x3ffffff, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 99, &(sigset_t){0}, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, 8, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigpending, &(sigset_t){0}, 16), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigpending, 8, 8), EFAULT);
	CHECK_CHILD("SIGKILL and SIGSTOP can't be blocked", sigset_t set; sigfillset(&set); sigprocmask(SIG_SETMASK, &set, NULL);
		    sigprocmask(SIG_BLOCK, NULL, &set); MUST(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP)));
	CHECK_EQ(IN_CHILD(sigset_t set; sigfillset(&set); sigprocmask(SIG_SETMASK, &set, NULL); raise(SIGKILL)), SIGKILL,
		 "SIGKILL kills through a full mask");
}

static void defaults(void)
{
	static const int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2,
				    SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS};
	static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
	size_t i;

	for (i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		CHECK_EQ(IN_CHILD(chdir("/"); signal(fatal[i], SIG_DFL); raise(fatal[i])) & 0x7f, fatal[i], "signal %d kills by default",
			 fatal[i]);
	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		CHECK_EQ(IN_CHILD(raise(harmless[i]); _exit(1)), EXITED(1), "signal %d is ignored by default", harmless[i]);
	CHECK_EQ(IN_CHILD(signal(SIGRTMIN, SIG_DFL); raise(SIGRTMIN)), SIGRTMIN, "a real-time signal kills by default");
}

/* A signal for the process goes to a thread that does not block it. */
static void *taker(void *arg)
{
	sigset_t none;

	(void)arg;
	sigemptyset(&none);
	while (!count)
		sigsuspend(&none);
	return NULL;
}

static void threads(void)
{
	sigset_t set = set_of(SIGUSR2, 0), old, now;
	pthread_t thread;

	install(SIGUSR2, 0);
	count = 0;
	pthread_sigmask(SIG_BLOCK, &set, &old);
	pthread_create(&thread, NULL, taker, NULL);
	while (!count)
		kill(getpid(), SIGUSR2);
	pthread_kill(thread, 0);
	pthread_join(thread, NULL);
	CHECK(count > 0, "a process' signal is taken by the thread that lets it through");
	pthread_kill(pthread_self(), SIGUSR2);
	sigpending(&now);
	CHECK(sigismember(&now, SIGUSR2), "a thread's own signal waits for that thread");
	sigwaitinfo(&set, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	tap_begin();
	timedwait();
	suspend();
	realtime();
	kills();
	defaults();
	threads();
	return tap_end();
}
