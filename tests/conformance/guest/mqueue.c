/* POSIX message queues. */
#include "../tap.h"

#include <mqueue.h>
#include <poll.h>
#include <time.h>

static volatile sig_atomic_t told;

static void on_message(int signo, siginfo_t *info, void *context)
{
	told = info->si_code == SI_MESGQ && info->si_value.sival_int == 42 && info->si_pid == getpid() ? 1 : -1;
	(void)signo;
	(void)context;
}

static struct timespec soon(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 5000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void messages(mqd_t q)
{
	struct timespec until = soon(), bad = {0, -1};
	struct pollfd p = {q, POLLIN | POLLOUT, 0};
	struct mq_attr a;
	char buf[64];
	unsigned prio;

	CHECK(mq_getattr(q, &a) == 0 && a.mq_maxmsg == 3 && a.mq_msgsize == 32 && a.mq_curmsgs == 0 && a.mq_flags == 0, "mq_getattr");
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT, "an empty queue is writable");
	CHECK(mq_send(q, "low", 3, 1) == 0 && mq_send(q, "high", 4, 9) == 0 && mq_send(q, "low2", 4, 1) == 0, "three messages");
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "a full one is readable");
	CHECK_ERRNO(mq_timedsend(q, "x", 1, 0, &until), ETIMEDOUT);
	CHECK_ERRNO(mq_timedsend(q, "x", 1, 0, &bad), EINVAL);
	CHECK_ERRNO(mq_send(q, "x", 1, 32768), EINVAL);
	CHECK_ERRNO(mq_send(q, buf, 33, 0), EMSGSIZE);
	CHECK_ERRNO(mq_receive(q, buf, 31, NULL), EMSGSIZE);
	CHECK(mq_receive(q, buf, 64, &prio) == 4 && prio == 9 && !memcmp(buf, "high", 4), "the highest priority first");
	CHECK(mq_receive(q, buf, 64, &prio) == 3 && prio == 1, "then by age");
	CHECK_EQ(mq_receive(q, buf, 64, NULL), 4, "the last");
	until = soon();
	CHECK_ERRNO(mq_timedreceive(q, buf, 64, NULL, &until), ETIMEDOUT);
	a.mq_flags = O_NONBLOCK;
	CHECK_OK(mq_setattr(q, &a, NULL));
	CHECK_ERRNO(mq_receive(q, buf, 64, NULL), EAGAIN);
	a.mq_flags = 0;
	mq_setattr(q, &a, NULL);
	CHECK_CHILD("a blocked receiver is woken", pid_t pid = fork();
		    if (pid == 0) _exit(mq_receive(q, buf, 64, NULL) == 2 ? 0 : 1);
		    usleep(20000); MUST(mq_send(q, "hi", 2, 0) == 0); MUST(tap_wait(pid) == 0));
}

static void notification(mqd_t q)
{
	struct sigaction sa = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
	char buf[64];

	sigaction(SIGUSR1, &sa, NULL);
	CHECK_OK(mq_notify(q, &ev));
	CHECK_ERRNO(mq_notify(q, &ev), EBUSY);
	mq_send(q, "a", 1, 0);
	CHECK_EQ(told, 1, "a signal for the first message, with its value");
	told = 0;
	mq_receive(q, buf, 64, NULL);
	mq_send(q, "b", 1, 0);
	CHECK_EQ(told, 0, "once");
	mq_receive(q, buf, 64, NULL);
}

int main(void)
{
	struct mq_attr small = {.mq_maxmsg = 3, .mq_msgsize = 32}, none = {.mq_maxmsg = 0, .mq_msgsize = 1};
	struct stat st;
	char name[64];
	mqd_t q, reader;

	tap_begin();
	snprintf(name, sizeof(name), "/picket-guest-%d", getpid());
	CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
	CHECK_ERRNO(mq_open(name, O_RDWR | O_CREAT, 0600, &none), EINVAL);
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &small);
	CHECK(q >= 0, "mq_open");
	CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC, "its fd closes on exec");
	CHECK(fstat(q, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 80, "fstat");
	CHECK_ERRNO(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &small), EEXIST);
	reader = mq_open(name, O_RDONLY);
	CHECK(reader >= 0, "again, for reading");
	CHECK_ERRNO(mq_send(reader, "x", 1, 0), EBADF);
	CHECK_ERRNO(mq_send(0, "x", 1, 0), EBADF);
	messages(q);
	notification(q);
	CHECK_OK(mq_unlink(name));
	CHECK_ERRNO(mq_unlink(name), ENOENT);
	CHECK(mq_send(q, "x", 1, 0) == 0 && mq_receive(reader, (char[64]){0}, 64, NULL) == 1, "an unlinked queue works on");
	mq_close(q);
	mq_close(reader);
	return tap_end();
}
