/* Process groups, sessions, orphans and sub-reapers. */
#include "../tap.h"

#include <sys/prctl.h>

/* Two pipes between a parent and its child: the child announces, the parent releases. */
struct pair {
	int up[2], down[2];
};

static struct pair pair_new(void)
{
	struct pair p;

	if (pipe2(p.up, O_CLOEXEC) < 0 || pipe2(p.down, O_CLOEXEC) < 0)
		_exit(98);
	return p;
}

static void pair_free(struct pair *p)
{
	close(p->up[0]);
	close(p->up[1]);
	close(p->down[0]);
	close(p->down[1]);
}

static int send_pid(int fd, pid_t pid)
{
	return write(fd, &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1;
}

static pid_t receive_pid(int fd)
{
	pid_t pid = -1;

	return read(fd, &pid, sizeof(pid)) == sizeof(pid) ? pid : -1;
}

static void groups(void)
{
	struct pair p = pair_new();
	pid_t pid = tap_fork();

	if (pid == 0) {
		tap_await_fd(p.down[0]);
		MUST(getpgrp() == getpid());
		MUST(setpgid(0, getppid()) == -1 || getpgrp() == getppid());
		_exit(0);
	}
	CHECK_EQ(getpgid(pid), getpgrp(), "a child starts in its parent's group");
	CHECK_OK(setpgid(pid, pid));
	CHECK_EQ(getpgid(pid), pid, "setpgid makes a group");
	CHECK_OK(setpgid(pid, 0));
	CHECK_OK(kill(-pid, 0));
	tap_signal_fd(p.down[1]);
	CHECK_EQ(tap_wait(pid), 0, "the child sees its group");
	CHECK_ERRNO(kill(-pid, 0), ESRCH);
	CHECK_ERRNO(setpgid(pid, pid), ESRCH);
	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK_ERRNO(setpgid(-1, 0), EINVAL);
	CHECK_ERRNO(getpgid(-1), ESRCH);
	CHECK_ERRNO(getsid(-1), ESRCH);
	CHECK_CHILD("no group of an unknown id can be joined",
		    MUST(setpgid(0, 0x3ffffff) == -1 && errno == EPERM));
	pair_free(&p);
}

static void after_exec(void)
{
	struct pair p = pair_new();
	char fd[16];
	pid_t pid;

	snprintf(fd, sizeof(fd), "%d", p.up[1]);
	pid = tap_fork();
	if (pid == 0) {
		fcntl(p.up[1], F_SETFD, 0);
		execl("/proc/self/exe", "self", "announce-and-pause", fd, NULL);
		_exit(98);
	}
	tap_await_fd(p.up[0]);
	CHECK_ERRNO(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	tap_wait(pid);
	pair_free(&p);
}

static void sessions(void)
{
	struct pair p = pair_new();
	pid_t pid = tap_fork();

	if (pid == 0) {
		MUST(setsid() == getpid());
		MUST(getsid(0) == getpid() && getpgrp() == getpid());
		MUST(setsid() == -1 && errno == EPERM);
		MUST(setpgid(0, 0) == -1 && errno == EPERM);
		MUST(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
		tap_signal_fd(p.up[1]);
		tap_await_fd(p.down[0]);
		_exit(0);
	}
	CHECK(tap_await_fd(p.up[0]), "setsid makes a session and a group, once, without a terminal");
	CHECK_EQ(getsid(pid), pid, "the parent sees the new session");
	CHECK_ERRNO(setpgid(pid, pid), EPERM);
	CHECK_CHILD("no group of another session can be joined", MUST(setpgid(0, pid) == -1 && errno == EPERM));
	tap_signal_fd(p.down[1]);
	CHECK_EQ(tap_wait(pid), 0, "the session's leader ends");
	CHECK_CHILD("a group's leader can't make a session",
		    MUST(setpgid(0, 0) == 0); MUST(setsid() == -1 && errno == EPERM));
	CHECK_CHILD("but its child can", setpgid(0, 0); MUST(IN_CHILD(MUST(setsid() == getpid())) == 0));
	pair_free(&p);
}

static void kill_group(void)
{
	struct pair p = pair_new();
	pid_t leader = 0, pid[3];
	int i;

	for (i = 0; i < 3; i++) {
		pid[i] = tap_fork();
		if (pid[i] == 0) {
			setpgid(0, leader);
			tap_signal_fd(p.up[1]);
			for (;;)
				pause();
		}
		if (i == 0)
			leader = pid[0];
		setpgid(pid[i], leader);
	}
	for (i = 0; i < 3; i++)
		tap_await_fd(p.up[0]);
	CHECK_OK(kill(-leader, SIGTERM));
	for (i = 0; i < 3; i++)
		CHECK_EQ(tap_wait(pid[i]), SIGTERM, "member %d of the group gets the signal", i);
	CHECK_CHILD("kill(0) reaches the own group and the caller",
		    setpgid(0, 0); signal(SIGUSR1, SIG_IGN); MUST(kill(0, SIGUSR1) == 0);
		    MUST(IN_CHILD(signal(SIGUSR1, SIG_DFL); kill(0, SIGUSR1); pause()) == SIGUSR1));
	CHECK_ERRNO(killpg(leader, 0), ESRCH);
	pair_free(&p);
}

/* A grandchild whose parent has ended: who adopts it? */
static void reaper(void)
{
	struct pair p = pair_new();
	int is = -1;
	pid_t pid, orphan;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &is, 0, 0, 0));
	CHECK_EQ(is, 1, "the sub-reaper flag reads back");
	CHECK_CHILD("it is not inherited", int v = -1; prctl(PR_GET_CHILD_SUBREAPER, &v, 0, 0, 0); MUST(v == 0));
	pid = tap_fork();
	if (pid == 0) {
		if (tap_fork() == 0) {
			send_pid(p.up[1], getpid());
			tap_await_fd(p.down[0]);
			_exit(getppid() & 0x7f);
		}
		_exit(0);
	}
	orphan = receive_pid(p.up[0]);
	tap_wait(pid);
	tap_signal_fd(p.down[1]);
	CHECK_EQ(tap_wait(orphan), EXITED(getpid() & 0x7f), "an orphan becomes the sub-reaper's child");
	pid = tap_fork();
	if (pid == 0) {
		orphan = tap_fork();
		if (orphan == 0)
			_exit(17);
		waitid(P_PID, orphan, NULL, WEXITED | WNOWAIT);
		_exit(send_pid(p.up[1], orphan));
	}
	orphan = receive_pid(p.up[0]);
	tap_wait(pid);
	CHECK_EQ(tap_wait(orphan), EXITED(17), "a zombie orphan keeps its status for the new parent");
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
	pair_free(&p);
}

static volatile sig_atomic_t hangups, continues;

static void count(int sig)
{
	if (sig == SIGHUP)
		hangups++;
	else
		continues++;
}

/* POSIX: a stopped group that becomes orphaned gets SIGHUP, then SIGCONT. */
static void orphaned_group(void)
{
	struct pair p = pair_new();
	siginfo_t info;
	pid_t pid, stopped;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = tap_fork();
	if (pid == 0) {
		setsid();
		stopped = tap_fork();
		if (stopped == 0) {
			setpgid(0, 0);
			signal(SIGHUP, count);
			signal(SIGCONT, count);
			raise(SIGSTOP);
			_exit(hangups * 10 + continues);
		}
		waitid(P_PID, stopped, &info, WSTOPPED | WNOWAIT);
		_exit(send_pid(p.up[1], stopped));
	}
	stopped = receive_pid(p.up[0]);
	tap_wait(pid);
	CHECK_EQ(tap_wait(stopped), EXITED(11), "a stopped group that is orphaned gets SIGHUP and SIGCONT");
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	pair_free(&p);
}

static void parent_death(void)
{
	struct pair p = pair_new();
	pid_t pid, child;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = tap_fork();
	if (pid == 0) {
		child = tap_fork();
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGUSR2);
			send_pid(p.up[1], getpid());
			for (;;)
				pause();
		}
		tap_await_fd(p.down[0]);
		_exit(0);
	}
	child = receive_pid(p.up[0]);
	tap_signal_fd(p.down[1]);
	tap_wait(pid);
	CHECK_EQ(tap_wait(child), SIGUSR2, "PR_SET_PDEATHSIG arrives when the parent ends");
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	pair_free(&p);
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		tap_signal_fd(atoi(argv[2]));
		pause();
	}
	tap_begin();
	/* Not a leader, whatever started this: a leader can't do what is tested. */
	groups();
	after_exec();
	sessions();
	kill_group();
	reaper();
	orphaned_group();
	parent_death();
	return tap_end();
}
