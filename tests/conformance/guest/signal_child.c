/* SIGCHLD, stop and continue, SIGPIPE. */
#include "../tap.h"

#include <sys/socket.h>

static volatile sig_atomic_t count;
static siginfo_t seen;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	count++;
}

static void install(int sig, int flags)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &sa, NULL);
	count = 0;
}

/* Wait for SIGCHLD's next arrival; the set is blocked by the caller. */
static bool next_sigchld(siginfo_t *info)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return sigwaitinfo(&set, info) == SIGCHLD;
}

static void infos(void)
{
	siginfo_t info;
	sigset_t set, old;
	int hold[2];
	pid_t pid;

	install(SIGCHLD, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = tap_fork();
	if (pid == 0)
		_exit(19);
	CHECK(next_sigchld(&info), "SIGCHLD at exit");
	CHECK(info.si_code == CLD_EXITED && info.si_status == 19, "CLD_EXITED with the status");
	CHECK(info.si_pid == pid && info.si_uid == getuid(), "with pid and uid");
	tap_wait(pid);
	CHECK_OK(pipe(hold));
	pid = tap_fork();
	if (pid == 0) {
		close(hold[1]);
		tap_await_fd(hold[0]);
		raise(SIGKILL);
	}
	kill(pid, SIGSTOP);
	CHECK(next_sigchld(&info), "SIGCHLD at stop");
	CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == pid, "CLD_STOPPED with the signal");
	kill(pid, SIGCONT);
	CHECK(next_sigchld(&info), "SIGCHLD at continue");
	CHECK(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT, "CLD_CONTINUED");
	close(hold[1]);
	CHECK(next_sigchld(&info), "SIGCHLD at death");
	CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL, "CLD_KILLED with the signal");
	tap_wait(pid);
	close(hold[0]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count, 0, "nothing is left pending");
	pid = tap_fork();
	if (pid == 0)
		_exit(1);
	tap_wait(pid);
	CHECK_EQ(count, 1, "by the time that wait returns, SIGCHLD has been handled");
}

static void no_wait(void)
{
	int status;

	CHECK_CHILD("SA_NOCLDWAIT makes no zombies", install(SIGCHLD, SA_NOCLDWAIT | SA_RESTART); pid_t pid = fork();
		    if (pid == 0) _exit(3); MUST(waitpid(pid, &status, 0) == -1 && errno == ECHILD); MUST(count == 1));
	CHECK_CHILD("SIGCHLD ignored makes no zombies", signal(SIGCHLD, SIG_IGN); pid_t pid = fork();
		    if (pid == 0) _exit(3); MUST(wait(&status) == -1 && errno == ECHILD); MUST(kill(pid, 0) == -1 && errno == ESRCH));
	CHECK_CHILD("SIGCHLD at its default makes zombies", signal(SIGCHLD, SIG_DFL); pid_t pid = fork();
		    if (pid == 0) _exit(3); MUST(waitpid(pid, &status, 0) == pid && status == EXITED(3)));
}

static void no_stop(void)
{
	int status, up[2];
	pid_t pid;

	CHECK_OK(pipe(up));
	install(SIGCHLD, SA_NOCLDSTOP | SA_RESTART);
	pid = tap_fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid, "a stop is still waited for");
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid, "and a continue");
	CHECK_EQ(count, 0, "SA_NOCLDSTOP: neither sends SIGCHLD");
	kill(pid, SIGKILL);
	tap_wait(pid);
	CHECK_EQ(count, 1, "the end does");
	signal(SIGCHLD, SIG_DFL);
	close(up[0]);
	close(up[1]);
}

static void stop_rules(void)
{
	int status, up[2];
	pid_t pid;

	CHECK_OK(pipe(up));
	pid = tap_fork();
	if (pid == 0) {
		install(SIGTSTP, 0);
		install(SIGCONT, 0);
		tap_signal_fd(up[1]);
		while (count < 2)
			pause();
		_exit(8);
	}
	tap_await_fd(up[0]);
	kill(pid, SIGTSTP);
	kill(pid, SIGCONT);
	while (waitpid(pid, &status, WNOHANG | WUNTRACED) == 0) {
		kill(pid, SIGTSTP);
		kill(pid, SIGCONT);
	}
	CHECK_EQ(status, EXITED(8), "handled SIGTSTP does not stop; SIGCONT's handler runs");
	pid = tap_fork();
	if (pid == 0) {
		sigset_t set;

		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		tap_signal_fd(up[1]);
		raise(SIGSTOP);
		_exit(9);
	}
	tap_await_fd(up[0]);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid, "SIGSTOP stops with everything blocked");
	CHECK_OK(kill(pid, SIGTERM));
	kill(pid, SIGCONT);
	CHECK_EQ(tap_wait(pid), EXITED(9), "SIGCONT continues with everything blocked");
	CHECK_CHILD("SIGCONT takes away a pending stop", sigset_t set; sigemptyset(&set); sigaddset(&set, SIGTSTP);
		    sigprocmask(SIG_BLOCK, &set, NULL); raise(SIGTSTP); raise(SIGCONT); sigpending(&set);
		    MUST(!sigismember(&set, SIGTSTP)));
	CHECK_CHILD("a stop takes away a pending SIGCONT", sigset_t set; sigemptyset(&set); sigaddset(&set, SIGCONT);
		    sigaddset(&set, SIGTSTP); signal(SIGCONT, SIG_DFL); install(SIGCONT, 0); sigprocmask(SIG_BLOCK, &set, NULL);
		    raise(SIGCONT); raise(SIGTSTP); sigpending(&set); MUST(!sigismember(&set, SIGCONT) && sigismember(&set, SIGTSTP));
		    raise(SIGCONT));
	close(up[0]);
	close(up[1]);
}

static void broken_pipes(void)
{
	int p[2], sv[2];

	CHECK_OK(pipe(p));
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	close(p[0]);
	close(sv[0]);
	CHECK_EQ(IN_CHILD(if (write(p[1], "x", 1) < 0) _exit(1)), SIGPIPE, "a write to a pipe without reader kills by SIGPIPE");
	install(SIGPIPE, 0);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	CHECK_EQ(count, 1, "after the handler");
	CHECK_ERRNO(send(sv[1], "x", 1, 0), EPIPE);
	CHECK_EQ(count, 2, "a socket too");
	CHECK_ERRNO(send(sv[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(count, 2, "MSG_NOSIGNAL sends none");
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	close(p[1]);
	close(sv[1]);
}

int main(void)
{
	tap_begin();
	infos();
	no_wait();
	no_stop();
	stop_rules();
	broken_pipes();
	return tap_end();
}
