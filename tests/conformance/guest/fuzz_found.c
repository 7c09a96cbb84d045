/* What the fuzzer of system calls (tests/fuzz/guest) has found, a check each: sums of times that overflow, orders of locks. */
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/timerfd.h>
#include <time.h>

static volatile int alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

/* The first expiry is soon, the next lies behind the end of time. */
static void endless_intervals(void)
{
	const struct itimerspec its = { .it_value = { 0, 1000000 }, .it_interval = { INT64_MAX / 1000000000, 999999999 } };
	struct itimerspec left;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;
	uint64_t ticks = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	signal(SIGUSR1, on_alarm);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "a POSIX timer");
	CHECK(timer_settime(timer, 0, &its, NULL) == 0, "with an interval that never ends");
	while (!alarms)
		usleep(1000);
	CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_sec > 1000000, "its next expiry is far away");
	CHECK(timer_delete(timer) == 0, "it is deleted");
	CHECK(timerfd_settime(fd, 0, &its, NULL) == 0, "a timerfd with such an interval");
	CHECK(read(fd, &ticks, 8) == 8 && ticks == 1, "expires once");
	CHECK(timerfd_gettime(fd, &left) == 0 && left.it_value.tv_sec > 1000000, "and then not for long");
	close(fd);
}

static void select_overflow(void)
{
	struct timeval tv = { INT64_MAX, 5000000 };

	CHECK_ERRNO(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), EINVAL);
}

static void cpu_sleep(void)
{
	struct timespec forever = { INT64_MAX / 1000000000, 0 };

	signal(SIGALRM, on_alarm);
	siginterrupt(SIGALRM, 1);
	ualarm(20000, 0);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &forever, NULL), EINTR, "a sleep without end on a CPU clock is interrupted");
}

static void rename_in_proc(void)
{
	CHECK_ERRNO(rename("/proc/self/status", "/proc/uptime"), EPERM);
	CHECK_ERRNO(rename("/proc/self/missing", "/proc/uptime"), ENOENT);
}

/* A terminal forgets what does not fit into a line: the copy has gigabytes to go when its process is killed. */
static void killed_copy(void)
{
	int zero = open("/dev/zero", O_RDONLY), terminal = posix_openpt(O_RDWR | O_NOCTTY), ready[2];
	char c;
	pid_t pid;

	MUST(pipe(ready) == 0);
	pid = tap_fork();
	if (pid == 0) {
		MUST(write(ready[1], "x", 1) == 1);
		sendfile(terminal, zero, NULL, 0x7ffff000);
		pause();
	}
	MUST(read(ready[0], &c, 1) == 1);
	usleep(50000); /* it is most likely in the copy by now; either way it must end */
	alarm(8);
	kill(pid, SIGKILL);
	CHECK(WIFSIGNALED(tap_wait(pid)), "a process is killed while it copies to a terminal");
	alarm(0);
	close(terminal);
}

int main(void)
{
	tap_begin();
	endless_intervals();
	select_overflow();
	cpu_sleep();
	rename_in_proc();
	killed_copy();
	return tap_end();
}
