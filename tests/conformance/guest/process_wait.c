/* wait4, waitid, waitpid in all forms. */
#include "../tap.h"

#include <sys/resource.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned int flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

/* A child that stays until it is killed or its pipe end is closed. */
static pid_t child_that_waits(int *release)
{
	int pipefd[2];
	pid_t pid;

	if (pipe(pipefd) < 0)
		_exit(98);
	pid = tap_fork();
	if (pid == 0) {
		close(pipefd[1]);
		tap_await_fd(pipefd[0]);
		_exit(33);
	}
	close(pipefd[0]);
	fcntl(pipefd[1], F_SETFD, FD_CLOEXEC);
	*release = pipefd[1];
	return pid;
}

static void errors(void)
{
	siginfo_t info;
	int status;

	CHECK_ERRNO(wait(&status), ECHILD);
	CHECK_ERRNO(waitpid(getpid(), &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(getppid(), &status, WNOHANG), ECHILD);
	CHECK_ERRNO(waitpid(-getpgrp(), &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(0, &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(-1, &status, 0x10000), EINVAL);
	CHECK_ERRNO(syscall(SYS_wait4, INT32_MIN, &status, 0, NULL), ESRCH);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	CHECK_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(77, 0, &info, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PIDFD, -1, &info, WEXITED), EINVAL);
	CHECK_ERRNO(waitid(P_PIDFD, 1000, &info, WEXITED), EBADF);
	CHECK_ERRNO(waitid(P_PIDFD, 0, &info, WEXITED), EBADF);
	CHECK_ERRNO(pidfd_open(0, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(-1, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(getpid(), 0x1234), EINVAL);
}

static void not_yet(void)
{
	siginfo_t info;
	int status = 77, release;
	pid_t pid = child_that_waits(&release);

	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0, "WNOHANG with a live child is 0");
	CHECK_EQ(status, 77, "WNOHANG leaves the status alone");
	memset(&info, 0x55, sizeof(info));
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOHANG), 0, "waitid WNOHANG with a live child");
	CHECK(info.si_pid == 0 && info.si_signo == 0, "waitid WNOHANG clears si_pid and si_signo");
	CHECK_ERRNO(waitpid(pid, &status, WNOHANG | __WCLONE), ECHILD);
	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0, "__WALL sees an ordinary child");
	close(release);
	CHECK_EQ(waitpid(pid, &status, 0), pid, "waitpid gives the pid");
	CHECK_EQ(status, EXITED(33), "and the status");
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
}

static void keep(void)
{
	struct rusage usage;
	siginfo_t info;
	int status;
	pid_t pid = tap_fork();

	if (pid == 0)
		_exit(21);
	memset(&info, 0, sizeof(info));
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0, "WNOWAIT leaves the zombie");
	CHECK_EQ(info.si_signo, SIGCHLD, "si_signo is SIGCHLD");
	CHECK_EQ(info.si_code, CLD_EXITED, "si_code is CLD_EXITED");
	CHECK_EQ(info.si_pid, pid, "si_pid");
	CHECK_EQ(info.si_uid, getuid(), "si_uid");
	CHECK_EQ(info.si_status, 21, "si_status");
	CHECK_OK(kill(pid, 0));
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0, "WNOWAIT twice");
	memset(&usage, 0xff, sizeof(usage));
	CHECK_EQ(wait4(pid, &status, 0, &usage), pid, "wait4 with rusage reaps");
	CHECK(usage.ru_utime.tv_sec == 0 && usage.ru_utime.tv_usec >= 0, "wait4 fills the rusage");
	CHECK_ERRNO(kill(pid, 0), ESRCH);
	pid = tap_fork();
	if (pid == 0)
		raise(SIGKILL);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED), 0, "waitid of a killed child");
	CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL, "CLD_KILLED with the signal");
	pid = tap_fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitid(P_PID, pid, NULL, WEXITED), 0, "waitid without siginfo");
	pid = tap_fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid, "waitpid without status");
}

static void stops(void)
{
	siginfo_t info;
	int status, release;
	pid_t pid = child_that_waits(&release);

	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid, "WUNTRACED reports a stop");
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "the status is a stop by SIGSTOP");
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0, "a stop is reported once");
	CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), 0, "nothing has continued yet");
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid, "WCONTINUED reports SIGCONT");
	CHECK(WIFCONTINUED(status) && status == 0xffff, "the status is 'continued'");
	kill(pid, SIGSTOP);
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0, "waitid WSTOPPED");
	CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP, "CLD_STOPPED with the signal");
	CHECK_EQ(waitid(P_PID, pid, &info, WSTOPPED), 0, "WSTOPPED after WNOWAIT");
	CHECK(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == 0, "the stop is consumed");
	kill(pid, SIGCONT);
	CHECK_EQ(waitid(P_PID, pid, &info, WCONTINUED), 0, "waitid WCONTINUED");
	CHECK(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT, "CLD_CONTINUED with SIGCONT");
	setpgid(pid, pid); /* an orphaned process group, as ours may be, does not stop for a terminal's sake */
	kill(pid, SIGTSTP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid, "a stop by SIGTSTP");
	CHECK_EQ(WSTOPSIG(status), SIGTSTP, "names SIGTSTP");
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &status, 0), pid, "SIGKILL ends a stopped process");
	CHECK_EQ(WTERMSIG(status), SIGKILL, "killed by SIGKILL");
	close(release);
}

static void selection(void)
{
	siginfo_t info;
	int status, release[2], i;
	pid_t pid[2];

	for (i = 0; i < 2; i++) {
		pid[i] = child_that_waits(&release[i]);
		setpgid(pid[i], pid[i]);
	}
	close(release[1]);
	CHECK_EQ(waitpid(-pid[1], &status, 0), pid[1], "waitpid by process group");
	CHECK_EQ(waitpid(-pid[0], &status, WNOHANG), 0, "the other group has nothing");
	CHECK_ERRNO(waitpid(0, &status, WNOHANG), ECHILD);
	kill(pid[0], SIGTERM);
	CHECK_EQ(waitid(P_PGID, pid[0], &info, WEXITED), 0, "waitid P_PGID");
	CHECK_EQ(info.si_pid, pid[0], "finds the group's child");
	close(release[0]);
	pid[0] = tap_fork();
	if (pid[0] == 0)
		_exit(1);
	CHECK_EQ(waitid(P_PGID, 0, &info, WEXITED), 0, "P_PGID 0 is the caller's group");
	CHECK_EQ(info.si_pid, pid[0], "and finds the child there");
}

static void by_pidfd(void)
{
	siginfo_t info;
	int release, fd;
	pid_t pid = child_that_waits(&release);

	fd = pidfd_open(pid, 0);
	CHECK(fd >= 0, "pidfd_open of a child");
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC, "a pidfd is close-on-exec");
	CHECK_OK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	CHECK_OK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	CHECK_EQ(waitid(P_PIDFD, fd, &info, WEXITED), 0, "waitid P_PIDFD");
	CHECK(info.si_pid == pid && info.si_status == SIGTERM, "gives pid and signal");
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD);
	close(fd);
	close(release);
	CHECK_ERRNO(pidfd_open(pid, 0), ESRCH);
}

/* A grandchild's pid stays a zombie's until its own parent reaps it; the grandparent has no say. */
static void grandchildren(void)
{
	int pipefd[2];
	pid_t grandchild = 0, pid;

	CHECK_OK(pipe(pipefd));
	pid = tap_fork();
	if (pid == 0) {
		pid_t inner = tap_fork();

		if (inner == 0)
			_exit(0);
		waitid(P_PID, inner, NULL, WEXITED | WNOWAIT);
		if (write(pipefd[1], &inner, sizeof(inner)) != sizeof(inner))
			_exit(98);
		pause();
	}
	CHECK_EQ(read(pipefd[0], &grandchild, sizeof(grandchild)), (int)sizeof(grandchild), "pid of a grandchild");
	CHECK_ERRNO(waitpid(grandchild, NULL, WNOHANG), ECHILD);
	kill(pid, SIGKILL);
	tap_wait(pid);
}

int main(void)
{
	tap_begin();
	errors();
	not_yet();
	keep();
	stops();
	selection();
	by_pidfd();
	grandchildren();
	return tap_end();
}
