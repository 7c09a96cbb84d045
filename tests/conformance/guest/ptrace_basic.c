/* ptrace: attaching, stops, signals, waits, and the errors of each request. */
#include "../tap.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

static long request(long what, pid_t pid, uintptr_t addr, uintptr_t data)
{
	return syscall(SYS_ptrace, what, (long)pid, addr, data);
}

/* The next state of a tracee, as a wait status. */
static int next(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, __WALL) != pid)
		return -1;
	return status;
}

static int cont(pid_t pid, int sig)
{
	if (request(PTRACE_CONT, pid, 0, sig) < 0)
		return -1;
	return next(pid);
}

#define STOPPED(sig) ((sig) << 8 | 0x7f)

/* A child that traces itself to its parent and stops; it goes on with `body`. */
#define TRACED(...) ({ \
	pid_t pid_ = tap_fork(); \
	if (pid_ == 0) { \
		MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0); \
		raise(SIGSTOP); \
		__VA_ARGS__; \
		_exit(0); \
	} \
	CHECK_EQ(next(pid_), STOPPED(SIGSTOP), "it stops (line %d)", __LINE__); \
	pid_; \
})

static void errors(void)
{
	pid_t other = tap_fork();
	uint64_t word;

	if (other == 0) {
		pause();
		_exit(0);
	}
	CHECK_ERRNO(request(PTRACE_CONT, other, 0, 0), ESRCH);
	CHECK_ERRNO(request(PTRACE_PEEKDATA, other, 0, (uintptr_t)&word), ESRCH);
	CHECK_ERRNO(request(PTRACE_KILL, other, 0, 0), ESRCH);
	CHECK_ERRNO(request(PTRACE_INTERRUPT, other, 0, 0), ESRCH);
	CHECK_ERRNO(request(12345, other, 0, 0), ESRCH);
	CHECK_ERRNO(request(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERRNO(request(PTRACE_SEIZE, getpid(), 0, 0), EPERM);
	CHECK_ERRNO(request(PTRACE_ATTACH, 999999, 0, 0), ESRCH);
	CHECK_ERRNO(request(PTRACE_ATTACH, -1, 0, 0), ESRCH);
	CHECK_ERRNO(request(PTRACE_ATTACH, 0, 0, 0), ESRCH);
	CHECK_ERRNO(request(PTRACE_SEIZE, other, 1, 0), EIO);
	CHECK_ERRNO(request(PTRACE_SEIZE, other, 0, 0x40000000), EIO);
	kill(other, SIGKILL);
	CHECK_EQ(tap_wait(other), SIGKILL, "it is gone");
}

static void stopped_errors(void)
{
	pid_t pid = TRACED();
	siginfo_t info;
	uint64_t word;

	CHECK_ERRNO(request(12345, pid, 0, 0), EIO);
	CHECK_ERRNO(request(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_ERRNO(request(PTRACE_SEIZE, pid, 0, 0), EPERM);
	CHECK_ERRNO(request(PTRACE_CONT, pid, 0, 65), EIO);
	CHECK_ERRNO(request(PTRACE_DETACH, pid, 0, 65), EIO);
	CHECK_ERRNO(request(PTRACE_PEEKDATA, pid, 0, (uintptr_t)&word), EIO);
	CHECK_ERRNO(request(PTRACE_PEEKDATA, pid, (uintptr_t)&word, 1), EFAULT);
	CHECK_ERRNO(request(PTRACE_POKEDATA, pid, 0x10, 1), EIO);
	CHECK_ERRNO(request(PTRACE_PEEKUSER, pid, 3, (uintptr_t)&word), EIO);
	CHECK_ERRNO(request(PTRACE_PEEKUSER, pid, 100000, (uintptr_t)&word), EIO);
	CHECK_ERRNO(request(PTRACE_POKEUSER, pid, 100000, 0), EIO);
	CHECK_ERRNO(request(PTRACE_SETOPTIONS, pid, 0, 0x40000000), EINVAL);
	CHECK_ERRNO(request(PTRACE_GETREGS, pid, 0, 1), EFAULT);
	CHECK_ERRNO(request(PTRACE_SETREGS, pid, 0, 1), EFAULT);
	CHECK_ERRNO(request(PTRACE_GETREGSET, pid, 1, 1), EFAULT);
	CHECK_ERRNO(request(PTRACE_GETSIGMASK, pid, 4, (uintptr_t)&word), EINVAL);
	CHECK_ERRNO(request(PTRACE_GETSIGINFO, pid, 0, 1), EFAULT);
	CHECK_ERRNO(request(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	CHECK_ERRNO(request(PTRACE_LISTEN, pid, 0, 0), EIO);
	CHECK_OK(request(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info));
	CHECK_EQ(info.si_signo, SIGSTOP, "the stop's signal");
	CHECK_EQ(info.si_code, SI_TKILL, "sent by raise");
	CHECK_EQ(info.si_pid, pid, "by itself");
	CHECK_EQ(cont(pid, 0), 0, "suppressed: it goes on to its end");
}

/* Whether a signal ends it, is taken away, is exchanged. */
static void signals(void)
{
	pid_t pid = TRACED(raise(SIGUSR1); raise(SIGUSR2));
	siginfo_t info;
	int status;

	CHECK_EQ(cont(pid, 0), STOPPED(SIGUSR1), "a signal is shown before it is delivered");
	CHECK_EQ(cont(pid, 0), STOPPED(SIGUSR2), "taken away, it does nothing");
	CHECK_EQ(cont(pid, SIGTERM), SIGTERM, "another is delivered in its place");

	pid = TRACED(signal(SIGUSR1, SIG_IGN); raise(SIGUSR1); _exit(5));
	CHECK_EQ(cont(pid, 0), STOPPED(SIGUSR1), "an ignored one is shown, too");
	CHECK_EQ(cont(pid, SIGUSR1), EXITED(5), "and then ignored");

	pid = TRACED(kill(getpid(), SIGCHLD); _exit(6));
	CHECK_EQ(cont(pid, 0), STOPPED(SIGCHLD), "and one that does nothing by default");
	CHECK_OK(request(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info));
	CHECK_EQ(info.si_code, SI_USER, "its code");
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = 77;
	CHECK_OK(request(PTRACE_SETSIGINFO, pid, 0, (uintptr_t)&info));
	memset(&info, 0, sizeof(info));
	CHECK_OK(request(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info));
	CHECK_EQ(info.si_value.sival_int, 77, "changed siginfo stays");
	CHECK_EQ(cont(pid, 0), EXITED(6), "it ends");

	pid = TRACED(pause());
	CHECK_OK(request(PTRACE_CONT, pid, 0, 0));
	CHECK_ERRNO(request(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0, "a running tracee has nothing to tell");
	kill(pid, SIGKILL);
	CHECK_EQ(next(pid), SIGKILL, "nobody is asked about SIGKILL");

	pid = TRACED();
	kill(pid, SIGKILL);
	CHECK_EQ(next(pid), SIGKILL, "not in a stop either");
	pid = TRACED();
	CHECK_OK(request(PTRACE_KILL, pid, 0, 0));
	CHECK_EQ(next(pid), SIGKILL, "PTRACE_KILL");
}

static volatile sig_atomic_t handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	handled = sig * 1000 + info->si_code + 100;
}

static void handlers(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	pid_t pid = TRACED(sigaction(SIGUSR1, &sa, NULL); sigaction(SIGUSR2, &sa, NULL); raise(SIGUSR1);
			   MUST(handled == SIGUSR2 * 1000 + 100 + SI_USER); raise(SIGUSR1); MUST(handled == SIGUSR1 * 1000 + 100 + SI_TKILL));

	CHECK_EQ(cont(pid, 0), STOPPED(SIGUSR1), "shown");
	CHECK_EQ(cont(pid, SIGUSR2), STOPPED(SIGUSR1), "another one's handler runs, with a siginfo of the tracer's making");
	CHECK_EQ(cont(pid, SIGUSR1), 0, "and its own, with its own");
}

static void masks(void)
{
	siginfo_t queued[4];
	uint64_t mask = 0, args[2] = { 0, (uint64_t)4 << 32 };
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	pid = TRACED(sigprocmask(SIG_BLOCK, &set, NULL); raise(SIGUSR1); raise(SIGRTMIN + 3); raise(SIGRTMIN + 3); raise(SIGUSR2);
		     sigprocmask(SIG_UNBLOCK, &set, NULL); _exit(9));

	CHECK_EQ(cont(pid, 0), STOPPED(SIGUSR2), "blocked ones are not shown");
	CHECK_OK(request(PTRACE_GETSIGMASK, pid, 8, (uintptr_t)&mask));
	CHECK_EQ(mask, 1ull << (SIGUSR1 - 1) | 1ull << (SIGRTMIN + 2), "the mask");
	CHECK_EQ(request(PTRACE_PEEKSIGINFO, pid, (uintptr_t)args, (uintptr_t)queued), 3, "what waits");
	CHECK_EQ(queued[0].si_signo, SIGUSR1, "the first");
	CHECK_EQ(queued[2].si_signo, SIGRTMIN + 3, "the last");
	args[0] = 1;
	CHECK_EQ(request(PTRACE_PEEKSIGINFO, pid, (uintptr_t)args, (uintptr_t)queued), 2, "from the second on");
	args[1] |= 1;
	CHECK_EQ(request(PTRACE_PEEKSIGINFO, pid, (uintptr_t)args, (uintptr_t)queued), 0, "of the process");
	args[1] |= 2;
	CHECK_ERRNO(request(PTRACE_PEEKSIGINFO, pid, (uintptr_t)args, (uintptr_t)queued), EINVAL);
	mask = 1ull << (SIGRTMIN + 2);
	CHECK_OK(request(PTRACE_SETSIGMASK, pid, 8, (uintptr_t)&mask));
	CHECK_EQ(cont(pid, 0), STOPPED(SIGUSR1), "unblocked by the tracer");
	CHECK_EQ(cont(pid, 0), STOPPED(SIGRTMIN + 3), "unblocked by itself");
	CHECK_EQ(cont(pid, 0), STOPPED(SIGRTMIN + 3), "and the other");
	CHECK_EQ(cont(pid, 0), EXITED(9), "it ends");
}

static int status_field(pid_t pid, const char *field, char *state)
{
	char path[64];
	const char *text, *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = tap_text(path);
	at = strstr(text, "State:\t");
	*state = at ? at[7] : '?';
	at = strstr(text, field);
	return at ? atoi(at + strlen(field)) : -1;
}

static void attach(void)
{
	int status, go[2];
	pid_t pid;
	char state;

	MUST(pipe(go) == 0);
	pid = tap_fork();
	if (pid == 0) {
		close(go[1]);
		_exit(tap_await_fd(go[0]) ? 3 : 4);
	}
	CHECK_EQ(status_field(pid, "TracerPid:\t", &state), 0, "nobody traces it");
	CHECK_OK(request(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(next(pid), STOPPED(SIGSTOP), "attached, it stops in its read");
	CHECK_EQ(status_field(pid, "TracerPid:\t", &state), getpid(), "the tracer in /proc");
	CHECK_EQ(state, 't', "and the state");
	CHECK_OK(request(PTRACE_DETACH, pid, 0, 0));
	CHECK_EQ(status_field(pid, "TracerPid:\t", &state), 0, "none after it was let go");
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0, "it runs");
	CHECK_OK(request(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(next(pid), STOPPED(SIGSTOP), "attached again");
	tap_signal_fd(go[1]);
	CHECK_EQ(cont(pid, 0), EXITED(3), "the read that it was stopped in goes on, and has the byte");
	close(go[0]);
	close(go[1]);
}

/* A tracer that is not the parent: the parent hears of the end when the tracer has. */
static void foreign_tracer(void)
{
	int go[2], done[2], status;
	pid_t pid, tracer;

	MUST(pipe(go) == 0 && pipe(done) == 0);
	pid = tap_fork();
	if (pid == 0) {
		pause();
		_exit(3);
	}
	tracer = tap_fork();
	if (tracer == 0) {
		MUST(request(PTRACE_ATTACH, pid, 0, 0) == 0);
		MUST(next(pid) == STOPPED(SIGSTOP));
		MUST(request(PTRACE_CONT, pid, 0, 0) == 0);
		tap_signal_fd(done[1]);
		MUST(tap_await_fd(go[0]));
		MUST(next(pid) == STOPPED(SIGTERM));
		MUST(cont(pid, SIGTERM) == SIGTERM);
		MUST(waitpid(pid, &status, __WALL) == -1 && errno == ECHILD);
		_exit(0);
	}
	CHECK(tap_await_fd(done[0]), "another process attaches");
	kill(pid, SIGTERM);
	tap_signal_fd(go[1]);
	CHECK_EQ(next(pid), SIGTERM, "the parent waits for the child, too");
	CHECK_EQ(next(tracer), 0, "the tracer has seen its signal and its end");
}

/* What becomes of tracees whose tracer ends. */
static void tracer_ends(void)
{
	int pipefd[2], status;
	pid_t pid, tracer;

	MUST(pipe(pipefd) == 0);
	for (int exitkill = 0; exitkill < 2; exitkill++) {
		pid = tap_fork();
		if (pid == 0) {
			pause();
			_exit(3);
		}
		tracer = tap_fork();
		if (tracer == 0) {
			MUST(request(PTRACE_SEIZE, pid, 0, exitkill ? PTRACE_O_EXITKILL : 0) == 0);
			MUST(request(PTRACE_INTERRUPT, pid, 0, 0) == 0);
			MUST(next(pid) >> 16 == PTRACE_EVENT_STOP);
			_exit(0);
		}
		CHECK_EQ(next(tracer), 0, "a tracer ends with its tracee stopped");
		if (!exitkill) {
			CHECK_EQ(waitpid(pid, &status, WNOHANG), 0, "which lives on");
			kill(pid, SIGTERM);
			CHECK_EQ(next(pid), SIGTERM, "and runs");
		} else {
			CHECK_EQ(next(pid), SIGKILL, "which dies with EXITKILL");
		}
	}
	close(pipefd[0]);
	close(pipefd[1]);
}

static void waits(void)
{
	pid_t pid = TRACED(raise(SIGUSR1));
	siginfo_t info = { 0 };

	CHECK_OK(request(PTRACE_CONT, pid, 0, 0));
	CHECK_OK(waitid(P_PID, pid, &info, WEXITED | WSTOPPED | WNOWAIT));
	CHECK_EQ(info.si_code, CLD_TRAPPED, "waitid's code");
	CHECK_EQ(info.si_status, SIGUSR1, "and status");
	CHECK_EQ(info.si_pid, pid, "and pid");
	CHECK_EQ(next(pid), STOPPED(SIGUSR1), "WNOWAIT left it");
	CHECK_EQ(waitpid(pid, NULL, WNOHANG | __WALL), 0, "a stop is told once");
	CHECK_EQ(cont(pid, 0), 0, "it ends");
}

static void access_checks(void)
{
	pid_t victim;

	if (!tap_is_root()) {
		SKIP("access checks", "needs root");
		return;
	}
	victim = tap_fork();
	if (victim == 0) {
		pause();
		_exit(0);
	}
	CHECK_CHILD("another user may not attach", MUST(setgid(1234) == 0 && setuid(1234) == 0);
		    MUST(request(PTRACE_ATTACH, victim, 0, 0) == -1 && errno == EPERM);
		    MUST(request(PTRACE_SEIZE, victim, 0, 0) == -1 && errno == EPERM));
	CHECK_CHILD("a user may attach to its own", MUST(setgid(1234) == 0 && setuid(1234) == 0); prctl(PR_SET_DUMPABLE, 1); pid_t own = fork();
		    if (own == 0) { pause(); _exit(0); } MUST(request(PTRACE_ATTACH, own, 0, 0) == 0); MUST(next(own) == STOPPED(SIGSTOP));
		    kill(own, SIGKILL));
	CHECK_CHILD("but not where it may not be dumped", int p[2]; MUST(pipe(p) == 0); MUST(setgid(1234) == 0 && setuid(1234) == 0); pid_t own = fork();
		    if (own == 0) { prctl(PR_SET_DUMPABLE, 0); tap_signal_fd(p[1]); pause(); _exit(0); } MUST(tap_await_fd(p[0]));
		    MUST(request(PTRACE_ATTACH, own, 0, 0) == -1 && errno == EPERM); kill(own, SIGKILL));
	kill(victim, SIGKILL);
	tap_wait(victim);
}

int main(void)
{
	tap_begin();
	errors();
	stopped_errors();
	signals();
	handlers();
	masks();
	attach();
	foreign_tracer();
	tracer_ends();
	waits();
	access_checks();
	return tap_end();
}
