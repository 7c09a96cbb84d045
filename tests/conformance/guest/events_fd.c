/* eventfd, timerfd, signalfd. */
#include "../tap.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

static short events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static bool put(int fd, uint64_t value)
{
	return write(fd, &value, 8) == 8;
}

static uint64_t take(int fd)
{
	uint64_t value;

	return read(fd, &value, 8) == 8 ? value : UINT64_MAX;
}

static void eventfds(void)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), pair[2];
	char buf[4];
	pid_t pid;

	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "EFD_CLOEXEC");
	CHECK_EQ(take(fd), 3, "the initial value is read");
	CHECK_ERRNO(read(fd, &(uint64_t){0}, 8), EAGAIN);
	CHECK_EQ(events(fd), POLLOUT, "an empty eventfd is writable");
	CHECK(put(fd, 5) && put(fd, 6), "writes");
	CHECK_EQ(events(fd), POLLIN | POLLOUT, "then readable, too");
	CHECK_EQ(take(fd), 11, "add up");
	CHECK(put(fd, UINT64_MAX - 1), "the largest value");
	CHECK_EQ(events(fd), POLLIN, "is full: not writable");
	CHECK_ERRNO(write(fd, &(uint64_t){1}, 8), EAGAIN);
	CHECK_EQ(take(fd), UINT64_MAX - 1, "and reads back");
	CHECK_ERRNO(write(fd, &(uint64_t){UINT64_MAX}, 8), EINVAL);
	CHECK_ERRNO(write(fd, buf, 4), EINVAL);
	CHECK_ERRNO(read(fd, buf, 4), EINVAL);
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	CHECK(take(fd) == 1 && take(fd) == 1, "EFD_SEMAPHORE gives one at a time");
	CHECK_ERRNO(read(fd, &(uint64_t){0}, 8), EAGAIN);
	close(fd);
	CHECK_ERRNO(eventfd(0, 0x100), EINVAL);
	pair[0] = eventfd(0, 0);
	pair[1] = eventfd(0, 0);
	pid = tap_fork();
	if (pid == 0) {
		MUST(take(pair[0]) == 9);
		MUST(put(pair[1], 10));
		_exit(0);
	}
	CHECK(put(pair[0], 9) && take(pair[1]) == 10, "a blocked read is woken by a write, across processes");
	CHECK_EQ(tap_wait(pid), 0, "the child ends");
	close(pair[0]);
	close(pair[1]);
}

static void timerfds(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec never = {0}, once = {.it_value = {0, 2000000}}, often = {{0, 1000000}, {0, 1000000}}, far = {.it_value = {1000, 0}};
	struct itimerspec bad = {.it_value = {0, 1000000000}}, now, past = {.it_value = {1, 0}};
	struct pollfd p = {fd, POLLIN, 0};
	uint64_t n;

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "timerfd_create");
	CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
	CHECK_EQ(events(fd), 0, "a disarmed timer is not ready");
	CHECK_OK(timerfd_settime(fd, 0, &once, NULL));
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN, "it is when it expires");
	CHECK_EQ(take(fd), 1, "once");
	CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
	CHECK_OK(timerfd_settime(fd, 0, &often, NULL));
	fcntl(fd, F_SETFL, 0);
	CHECK(take(fd) >= 1 && take(fd) >= 1, "a periodic timer, blocking reads");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CHECK_OK(timerfd_gettime(fd, &now));
	CHECK_EQ(now.it_interval.tv_nsec, 1000000, "timerfd_gettime gives the interval");
	CHECK_OK(timerfd_settime(fd, 0, &far, &now));
	CHECK_EQ(now.it_interval.tv_nsec, 1000000, "timerfd_settime gives the old one");
	CHECK(timerfd_gettime(fd, &now) == 0 && now.it_value.tv_sec >= 990 && now.it_value.tv_sec <= 1000, "and the time left");
	CHECK_OK(timerfd_settime(fd, 0, &never, NULL));
	CHECK(timerfd_gettime(fd, &now) == 0 && now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0, "disarmed: nothing left");
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL));
	CHECK(poll(&p, 1, -1) == 1 && take(fd) == 1, "an absolute time in the past expires at once");
	CHECK_ERRNO(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 0x100, &once, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(0, 0, &once, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(999, 0, &once, NULL), EBADF);
	CHECK_ERRNO(timerfd_create(77, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 0x100), EINVAL);
	CHECK_ERRNO(read(fd, &n, 4), EINVAL);
	CHECK_ERRNO(write(fd, &n, 8), EINVAL);
	close(fd);
	fd = timerfd_create(CLOCK_REALTIME, 0);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL));
	CHECK(take(fd) >= 1, "CLOCK_REALTIME");
	close(fd);
}

static void signalfds(void)
{
	struct signalfd_siginfo info[4];
	union sigval value = {.sival_int = 77};
	sigset_t set, old, none;
	pid_t pid;
	int fd;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "signalfd");
	CHECK_ERRNO(read(fd, info, sizeof(info)), EAGAIN);
	CHECK_EQ(events(fd), 0, "nothing pending");
	kill(getpid(), SIGUSR1);
	CHECK_EQ(events(fd), POLLIN, "a pending signal makes it readable");
	CHECK_EQ(read(fd, info, sizeof(info)), (int)sizeof(*info), "one structure is read");
	CHECK(info[0].ssi_signo == SIGUSR1 && info[0].ssi_pid == (uint32_t)getpid() && info[0].ssi_uid == getuid(), "signal, pid, uid");
	sigqueue(getpid(), SIGRTMIN, value);
	value.sival_int = 78;
	sigqueue(getpid(), SIGRTMIN, value);
	CHECK_EQ(read(fd, info, sizeof(info)), 2 * (int)sizeof(*info), "two queued signals in one read");
	CHECK(info[0].ssi_int == 77 && info[1].ssi_int == 78 && info[0].ssi_code == SI_QUEUE, "with their values, in order");
	CHECK_ERRNO(read(fd, info, 10), EINVAL);
	pid = tap_fork();
	if (pid == 0)
		_exit(23);
	fcntl(fd, F_SETFL, 0);
	CHECK_EQ(read(fd, info, sizeof(*info)), (int)sizeof(*info), "a blocking read waits for SIGCHLD");
	CHECK(info[0].ssi_signo == SIGCHLD && info[0].ssi_pid == (uint32_t)pid && info[0].ssi_status == 23 && info[0].ssi_code == CLD_EXITED,
	      "with pid, status and code");
	tap_wait(pid);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CHECK_EQ(signalfd(fd, &none, 0), fd, "the set can be changed");
	raise(SIGUSR1);
	CHECK_ERRNO(read(fd, info, sizeof(info)), EAGAIN);
	CHECK_ERRNO(signalfd(0, &set, 0), EINVAL);
	CHECK_ERRNO(signalfd(999, &set, 0), EBADF);
	CHECK_ERRNO(signalfd(-1, &set, 0x100), EINVAL);
	CHECK_ERRNO(write(fd, info, sizeof(info)), EINVAL);
	sigtimedwait(&set, NULL, &(struct timespec){0, 0});
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
}

int main(void)
{
	tap_begin();
	eventfds();
	timerfds();
	signalfds();
	return tap_end();
}
