/* Pidfds of threads, scopes of signals through pidfds, waiting by pidfd; clone3's checks. */
#include "../tap.h"

#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#define THREAD O_EXCL /* PIDFD_THREAD */
enum { TO_THREAD = 1, TO_PROCESS = 2, TO_GROUP = 4 };

static int pidfd(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static int wait_fd(int fd, siginfo_t *info, int options)
{
	memset(info, 0, sizeof(*info));
	return (int)syscall(SYS_waitid, 3 /* P_PIDFD */, fd, info, options, NULL);
}

static short polled(int fd, int timeout)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, timeout) < 0 ? -1 : p.revents;
}

struct thread {
	pthread_t id;
	pid_t tid;
	int ready[2], go[2];
};

static volatile sig_atomic_t taken_by, code;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	code = info->si_code;
	taken_by = gettid();
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	t->tid = gettid();
	tap_signal_fd(t->ready[1]);
	tap_await_fd(t->go[0]);
	return NULL;
}

static void thread_start(struct thread *t)
{
	if (pipe(t->ready) || pipe(t->go) || pthread_create(&t->id, NULL, thread_main, t))
		_exit(97);
	tap_await_fd(t->ready[0]);
}

static void thread_pidfds(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct thread t;
	siginfo_t info;
	int fd, own, process;
	char line[40];

	sigaction(SIGUSR1, &sa, NULL);
	thread_start(&t);
	CHECK(pidfd(t.tid, 0) == -1 && (errno == EINVAL || errno == ENOENT), "a thread has no pidfd of a process");
	fd = pidfd(t.tid, THREAD);
	CHECK(fd >= 0, "PIDFD_THREAD");
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, "is close-on-exec");
	CHECK_EQ(fcntl(fd, F_GETFL) & O_EXCL, O_EXCL, "and shows that it is a thread's");
	snprintf(line, sizeof(line), "\nPid:\t%d\n", t.tid);
	CHECK(strstr(tap_text(tap_name("/proc/self/fdinfo/%d", fd)), line) != NULL, "its fdinfo has the tid");
	CHECK_EQ(polled(fd, 0), 0, "a live thread's is not readable");
	own = pidfd(getpid(), THREAD | O_NONBLOCK);
	process = pidfd(getpid(), 0);
	CHECK(own >= 0 && process >= 0, "the leader's, as a thread and as a process");
	CHECK_ERRNO(pidfd(999999, THREAD), ESRCH);
	CHECK_ERRNO(pidfd(0, THREAD), EINVAL);
	CHECK_ERRNO(pidfd(getpid(), 1), EINVAL);

	CHECK_OK(send(fd, SIGUSR1, NULL, 0));
	while (!taken_by)
		sched_yield();
	CHECK_EQ(taken_by, t.tid, "a signal through a thread's pidfd goes to the thread");
	CHECK_EQ(code, SI_TKILL, "as tgkill sends it");
	taken_by = 0;
	CHECK_OK(send(fd, SIGUSR1, NULL, TO_THREAD));
	while (!taken_by)
		sched_yield();
	CHECK_EQ(taken_by, t.tid, "with PIDFD_SIGNAL_THREAD, too");
	taken_by = 0;
	CHECK_OK(send(fd, SIGUSR1, NULL, TO_PROCESS));
	while (!taken_by)
		sched_yield();
	CHECK_EQ(code, SI_USER, "PIDFD_SIGNAL_THREAD_GROUP: to the process, as kill sends it");
	taken_by = 0;
	CHECK_OK(send(process, SIGUSR1, NULL, TO_THREAD));
	CHECK_EQ(taken_by, getpid(), "PIDFD_SIGNAL_THREAD through a process's: to its first thread");
	CHECK_ERRNO(send(fd, 0, NULL, TO_GROUP), ESRCH);
	CHECK_ERRNO(send(fd, 0, NULL, 8), EINVAL);
	CHECK_ERRNO(send(fd, 0, NULL, TO_THREAD | TO_PROCESS), EINVAL);
	CHECK_ERRNO(send(-1, 0, NULL, 3), EINVAL);
	CHECK_ERRNO(send(-1, 0, NULL, TO_THREAD), EBADF);
	CHECK_ERRNO(send(fd, 100, NULL, 0), EINVAL);
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGUSR1;
	info.si_code = SI_QUEUE;
	CHECK_ERRNO(send(fd, SIGUSR2, &info, 0), EINVAL);
	CHECK_ERRNO(send(fd, SIGUSR1, (siginfo_t *)8, 0), EFAULT);
	taken_by = 0;
	CHECK_OK(send(own, SIGUSR1, &info, 0));
	CHECK(taken_by == getpid() && code == SI_QUEUE, "with a siginfo of one's own");

	CHECK_ERRNO(wait_fd(fd, &info, WEXITED), ECHILD);
	tap_signal_fd(t.go[1]);
	CHECK_EQ(polled(fd, -1) & POLLIN, POLLIN, "it becomes readable when the thread exits");
	pthread_join(t.id, NULL);
	CHECK_ERRNO(send(fd, 0, NULL, 0), ESRCH);
	CHECK_EQ(polled(process, 0), 0, "the process's does not");
	close(fd);
	close(own);
	close(process);
}

static void children(void)
{
	int hold[2], fd, nonblock;
	siginfo_t info;
	pid_t pid;

	MUST(pipe(hold) == 0);
	pid = tap_fork();
	if (pid == 0) {
		setpgid(0, 0);
		tap_await_fd(hold[0]);
		_exit(7);
	}
	setpgid(pid, pid);
	fd = pidfd(pid, THREAD);
	nonblock = pidfd(pid, O_NONBLOCK);
	CHECK_EQ(fcntl(nonblock, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "PIDFD_NONBLOCK");
	CHECK_ERRNO(wait_fd(nonblock, &info, WEXITED), EAGAIN);
	CHECK_EQ(wait_fd(nonblock, &info, WEXITED | WNOHANG), 0, "with WNOHANG there is nothing to tell");
	CHECK_EQ(info.si_pid, 0, "so nothing is told");
	CHECK_OK(send(nonblock, 0, NULL, TO_GROUP));
	info.si_signo = SIGUSR1;
	info.si_code = SI_USER;
	CHECK_ERRNO(send(fd, SIGUSR1, &info, 0), EPERM);
	tap_signal_fd(hold[1]);
	CHECK_EQ(polled(fd, -1), POLLIN, "a child that has exited");
	CHECK_EQ(wait_fd(fd, &info, WEXITED | WNOWAIT), 0, "waitid by a pidfd, WNOWAIT");
	CHECK(info.si_pid == pid && info.si_status == 7 && info.si_code == CLD_EXITED, "tells of the exit");
	CHECK_OK(send(nonblock, 0, NULL, 0));
	CHECK_EQ(wait_fd(nonblock, &info, WEXITED), 0, "a nonblocking one takes the child");
	CHECK_EQ(polled(nonblock, 0), POLLIN | POLLHUP, "which is then gone");
	CHECK_ERRNO(send(nonblock, 0, NULL, 0), ESRCH);
	CHECK_ERRNO(wait_fd(nonblock, &info, WEXITED), ECHILD);
	CHECK_ERRNO(wait_fd(hold[0], &info, WEXITED), EBADF);
	CHECK_ERRNO(wait_fd(-1, &info, WEXITED), EINVAL);
	CHECK_ERRNO(wait_fd(12345, &info, WEXITED), EBADF);
}

static long clone3(struct clone_args *args, size_t size)
{
	return syscall(SYS_clone3, args, size);
}

static void clone3_checks(void)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 1ull << 40};
	int fd = -1;

	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.cgroup = 0;
	CHECK_ERRNO(clone3(&args, 80), EINVAL);
	args.cgroup = 12345;
	CHECK_ERRNO(clone3(&args, 88), EBADF);
	args = (struct clone_args){.exit_signal = 65};
	CHECK_ERRNO(clone3(&args, 88), EINVAL);
	args = (struct clone_args){.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8};
	CHECK_ERRNO(clone3(&args, 88), EFAULT);
	args.pidfd = (uintptr_t)&fd;
	CHECK_CHILD("clone3 with CLONE_PIDFD",
		long pid = clone3(&args, 88);
		if (pid == 0)
			_exit(3);
		MUST(pid > 0 && fd >= 0);
		siginfo_t info;
		MUST(wait_fd(fd, &info, WEXITED) == 0 && info.si_pid == pid && info.si_status == 3));
}

int main(void)
{
	tap_begin();
	thread_pidfds();
	children();
	clone3_checks();
	return tap_end();
}
