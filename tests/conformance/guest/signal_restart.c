/* Which calls restart after a handler, with and without SA_RESTART. The handler itself makes the call able to end. */
#include "../tap.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t count;
static volatile int feed = -1;

static void handler(int sig)
{
	(void)sig;
	count++;
	int fd = feed;

	feed = -1; /* once: what is left over would be read by the next check */
	if (fd >= 0 && write(fd, "12345678", 8) != 8)
		_exit(97);
}

/* In a child: SIGALRM every 3 ms, so that one comes inside the call; its first handler writes 8 bytes to `fd` (or nothing). */
static void alarm_soon(int flags, int fd)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
	struct itimerval soon = {.it_value = {0, 3000}, .it_interval = {0, 3000}};

	feed = fd;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

static long futex_wait(int *word, struct timespec *timeout)
{
	return syscall(SYS_futex, word, FUTEX_WAIT, *word, timeout, NULL, 0);
}

static void reads(void)
{
	char buf[16];
	int p[2], sv[2];

	CHECK_OK(pipe(p));
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_CHILD("read on a pipe restarts with SA_RESTART", alarm_soon(SA_RESTART, p[1]);
		    MUST(read(p[0], buf, 8) == 8 && count >= 1));
	CHECK_CHILD("read on a pipe fails with EINTR without", alarm_soon(0, -1); MUST(read(p[0], buf, 16) == -1 && errno == EINTR));
	CHECK_CHILD("recv on a socket restarts", alarm_soon(SA_RESTART, sv[1]); MUST(recv(sv[0], buf, 8, 0) == 8));
	CHECK_CHILD("recv on a socket fails with EINTR without", alarm_soon(0, -1); MUST(recv(sv[0], buf, 16, 0) == -1 && errno == EINTR));
	CHECK_CHILD("recv with SO_RCVTIMEO fails with EINTR in spite of SA_RESTART", struct timeval long_time = {15, 0};
		    setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
		    alarm_soon(SA_RESTART, -1); MUST(recv(sv[0], buf, 16, 0) == -1 && errno == EINTR));
	CHECK_CHILD("a write to a full pipe fails with EINTR", fcntl(p[1], F_SETFL, O_NONBLOCK); while (write(p[1], buf, 16) > 0);
		    fcntl(p[1], F_SETFL, 0); alarm_soon(0, -1); MUST(write(p[1], buf, 16) == -1 && errno == EINTR));
	CHECK_CHILD("a write that has begun gives what it wrote", int q[2]; static char big[1 << 20]; MUST(pipe(q) == 0);
		    alarm_soon(0, -1); ssize_t n = write(q[1], big, sizeof(big)); MUST(n > 0 && n < (ssize_t)sizeof(big)));
	close(p[0]);
	close(p[1]);
	close(sv[0]);
	close(sv[1]);
}

static void never(void)
{
	struct timespec rest = {0, 0};
	fd_set set;
	int e, p[2];

	CHECK_OK(pipe(p));
	CHECK_CHILD("nanosleep fails with EINTR and gives the rest", struct timespec t = {15, 0}; alarm_soon(SA_RESTART, -1);
		    MUST(nanosleep(&t, &rest) == -1 && errno == EINTR); MUST(rest.tv_sec == 14 || rest.tv_sec == 13));
	CHECK_CHILD("clock_nanosleep to an absolute time fails with EINTR", struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
		    t.tv_sec += 15; alarm_soon(SA_RESTART, -1); MUST(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR));
	CHECK_CHILD("poll fails with EINTR", struct pollfd f = {p[0], POLLIN, 0}; alarm_soon(SA_RESTART, -1);
		    MUST(poll(&f, 1, -1) == -1 && errno == EINTR));
	CHECK_CHILD("ppoll fails with EINTR", struct pollfd f = {p[0], POLLIN, 0}; alarm_soon(SA_RESTART, -1);
		    MUST(ppoll(&f, 1, NULL, NULL) == -1 && errno == EINTR));
	CHECK_CHILD("select fails with EINTR", FD_ZERO(&set); FD_SET(p[0], &set); alarm_soon(SA_RESTART, -1);
		    MUST(select(p[0] + 1, &set, NULL, NULL, NULL) == -1 && errno == EINTR); MUST(FD_ISSET(p[0], &set)));
	CHECK_CHILD("epoll_wait fails with EINTR", struct epoll_event ev; e = epoll_create1(0); alarm_soon(SA_RESTART, -1);
		    MUST(epoll_wait(e, &ev, 1, -1) == -1 && errno == EINTR));
	CHECK_CHILD("pause fails with EINTR", alarm_soon(SA_RESTART, -1); MUST(pause() == -1 && errno == EINTR));
	CHECK_CHILD("FUTEX_WAIT with a timeout fails with EINTR", int word = 1; struct timespec t = {15, 0}; alarm_soon(0, -1);
		    MUST(futex_wait(&word, &t) == -1 && errno == EINTR));
	CHECK_CHILD("FUTEX_WAIT fails with EINTR without SA_RESTART", int word = 1; alarm_soon(0, -1);
		    MUST(futex_wait(&word, NULL) == -1 && errno == EINTR));
	close(p[0]);
	close(p[1]);
}

static void handled_by_sleep(void)
{
	CHECK_CHILD("an ignored signal does not interrupt nanosleep", struct timespec t = {0, 20000000}; alarm_soon(0, -1);
		    signal(SIGALRM, SIG_IGN); MUST(nanosleep(&t, NULL) == 0));
	CHECK_CHILD("a blocked signal does not interrupt nanosleep", struct timespec t = {0, 20000000}; sigset_t set; sigemptyset(&set);
		    sigaddset(&set, SIGALRM); sigprocmask(SIG_BLOCK, &set, NULL); alarm_soon(0, -1); MUST(nanosleep(&t, NULL) == 0));
	CHECK_CHILD("a stop and continue does not interrupt nanosleep", struct timespec t = {0, 30000000}; pid_t parent = getpid();
		    pid_t pid = fork(); if (pid == 0) { kill(parent, SIGSTOP); kill(parent, SIGCONT); _exit(0); }
		    MUST(nanosleep(&t, NULL) == 0 || errno == EINTR); tap_wait(pid));
}

static void waits(void)
{
	int hold[2];

	CHECK_OK(pipe(hold));
	CHECK_CHILD("waitpid restarts with SA_RESTART", pid_t pid = fork();
		    if (pid == 0) { alarm(TAP_SECONDS); close(hold[1]); tap_await_fd(hold[0]); _exit(4); }
		    alarm_soon(SA_RESTART, hold[1]); int st; MUST(waitpid(pid, &st, 0) == pid && st == EXITED(4) && count >= 1));
	CHECK_CHILD("waitpid fails with EINTR without", pid_t pid = fork(); if (pid == 0) { for (;;) pause(); }
		    alarm_soon(0, -1); MUST(waitpid(pid, NULL, 0) == -1 && errno == EINTR); kill(pid, SIGKILL));
	CHECK_CHILD("waitid fails with EINTR without", pid_t pid = fork(); if (pid == 0) { for (;;) pause(); }
		    alarm_soon(0, -1); siginfo_t i; MUST(waitid(P_PID, pid, &i, WEXITED) == -1 && errno == EINTR); kill(pid, SIGKILL));
	CHECK_CHILD("eventfd read restarts", int e = eventfd(0, 0); uint64_t v; alarm_soon(SA_RESTART, e); MUST(read(e, &v, 8) == 8));
	CHECK_CHILD("eventfd read fails with EINTR without", int e = eventfd(0, 0); uint64_t v; alarm_soon(0, -1);
		    MUST(read(e, &v, 8) == -1 && errno == EINTR));
	CHECK_CHILD("accept fails with EINTR without", int s = socket(AF_UNIX, SOCK_STREAM, 0); sa_family_t f = AF_UNIX;
		    MUST(bind(s, (struct sockaddr *)&f, sizeof(f)) == 0 && listen(s, 1) == 0); alarm_soon(0, -1);
		    MUST(accept(s, NULL, NULL) == -1 && errno == EINTR));
	CHECK_CHILD("open of a fifo fails with EINTR without", MUST(mkfifo("fifo", 0600) == 0); alarm_soon(0, -1);
		    MUST(open("fifo", O_RDONLY) == -1 && errno == EINTR));
	CHECK_CHILD("flock fails with EINTR without", int a = open("lock", O_RDWR | O_CREAT, 0600), b = open("lock", O_RDWR);
		    MUST(flock(a, LOCK_EX) == 0); alarm_soon(0, -1); MUST(flock(b, LOCK_EX) == -1 && errno == EINTR));
	close(hold[0]);
	close(hold[1]);
}

/* Stopped and continued: calls that always restart do so, without any handler. */
static void stopped(void)
{
	int p[2], up[2], status;
	pid_t pid;
	char buf[4];

	CHECK_OK(pipe(p));
	CHECK_OK(pipe(up));
	pid = tap_fork();
	if (pid == 0) {
		tap_signal_fd(up[1]);
		_exit(read(p[0], buf, 4) == 2 ? 5 : 6);
	}
	tap_await_fd(up[0]);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid, "a process stops in read");
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid, "and continues");
	CHECK_EQ(write(p[1], "ok", 2), 2, "its read goes on");
	CHECK_EQ(tap_wait(pid), EXITED(5), "and gets the data");
}

int main(void)
{
	tap_begin();
	reads();
	never();
	handled_by_sleep();
	waits();
	stopped();
	return tap_end();
}
