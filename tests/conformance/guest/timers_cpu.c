/* CPU clocks and timers on them, what may be asked of each clock, limits; usage as user and system time. */
#include "../tap.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

#define CLOCK_OF(pid, kind) ((~(unsigned)(pid)) << 3 | (kind))
#define BAD ((void *)8)

static volatile sig_atomic_t count, value;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	count++;
	value = info->si_value.sival_int;
}

static void install(int sig)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	count = 0;
	sigaction(sig, &sa, NULL);
}

static int64_t to_ns(struct timespec ts)
{
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int64_t tv_us(struct timeval tv)
{
	return tv.tv_sec * 1000000LL + tv.tv_usec;
}

static int64_t clock_ns(int clock)
{
	struct timespec ts = {-1, 0};

	return syscall(SYS_clock_gettime, clock, &ts) == 0 ? to_ns(ts) : -1;
}

static void burn_until(int clock, int64_t until)
{
	volatile unsigned long sum = 0;

	while (clock_ns(clock) < until)
		for (int i = 0; i < 100000; i++)
			sum += (unsigned long)i;
}

static void setting(void)
{
	struct timespec ts = {1, 0}, bad = {0, 2000000000};
	struct timeval tv = {1, 0}, bad_tv = {0, 1000001}, negative = {-1, 0};
	struct timezone tz = {0, 0};
	struct timex tx = {0};

	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &bad), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_MONOTONIC, BAD), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, BAD), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_OF(getpid(), 2), &ts), EPERM);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_OF(999999, 2), &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_OF(0, 3), &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_TAI, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_BOOTTIME, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_settime, 77, BAD), EINVAL);
	CHECK_ERRNO(syscall(SYS_settimeofday, BAD, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_settimeofday, &bad_tv, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_settimeofday, &bad_tv, BAD), EINVAL);
	CHECK_ERRNO(syscall(SYS_settimeofday, &negative, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_settimeofday, NULL, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_adjtimex, BAD), EFAULT);
	tx.modes = 0x8000; /* ADJ_ADJTIME */
	CHECK_ERRNO(syscall(SYS_adjtimex, &tx), EINVAL);
	tx.modes = ADJ_OFFSET_SS_READ;
	CHECK(syscall(SYS_adjtimex, &tx) >= 0, "what adjtime(3) has left can be read");
	tx.modes = 0;
	CHECK(syscall(SYS_adjtimex, &tx) >= 0 && tx.tick > 0, "the clock's state, too");
	CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0, "by clock_adjtime");
	CHECK_ERRNO(syscall(SYS_clock_adjtime, 77, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, 77, &tx), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_clock_adjtime, CLOCK_OF(999999, 2), &tx), EOPNOTSUPP);
	if (tap_is_root())
		return;
	tx.modes = ADJ_FREQUENCY;
	CHECK_ERRNO(syscall(SYS_adjtimex, &tx), EPERM);
	tx.modes = ADJ_OFFSET_SINGLESHOT;
	CHECK_ERRNO(syscall(SYS_adjtimex, &tx), EPERM);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts), EPERM);
	CHECK_ERRNO(syscall(SYS_settimeofday, &tv, &tz), EPERM);
	CHECK_ERRNO(syscall(SYS_settimeofday, NULL, &tz), EPERM);
}

/* Which clocks sleeps and timers take; the alarm clocks depend on the machine. */
static void each_clock(void)
{
	static const struct {
		int clock, err;
		bool timerfd;
	} rows[] = {
		{CLOCK_REALTIME, 0, true}, {CLOCK_MONOTONIC, 0, true}, {CLOCK_BOOTTIME, 0, true}, {CLOCK_TAI, 0, false},
		{CLOCK_MONOTONIC_RAW, EOPNOTSUPP, false}, {CLOCK_REALTIME_COARSE, EOPNOTSUPP, false},
		{CLOCK_MONOTONIC_COARSE, EOPNOTSUPP, false}, {10, EINVAL, false}, {77, EINVAL, false},
		{(int)CLOCK_OF(0, 3), EOPNOTSUPP, false}, {(int)CLOCK_OF(0, 7), EINVAL, false}, {(int)CLOCK_OF(999999, 2), EINVAL, false},
	};
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct timespec one = {0, 1};
	int timer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int clock = rows[i].clock, want = rows[i].err, fd;

		errno = 0;
		CHECK_EQ(syscall(SYS_timer_create, clock, &event, &timer) ? errno : 0, want, "timer_create on clock %d", clock);
		if (!want)
			syscall(SYS_timer_delete, timer);
		errno = 0;
		CHECK_EQ(syscall(SYS_clock_nanosleep, clock, 0, &one, NULL) ? errno : 0, want, "clock_nanosleep on clock %d", clock);
		errno = 0;
		fd = timerfd_create(clock, 0);
		CHECK_EQ(fd >= 0 ? 0 : errno, rows[i].timerfd ? 0 : EINVAL, "timerfd_create on clock %d", clock);
		close(fd);
	}
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &one, NULL), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_OF(0, 6), 0, &one, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_OF(gettid(), 6), 0, &one, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_OF(0, 6), 0, BAD, NULL), EFAULT);
	CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	CHECK_OK(timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &(struct itimerspec){.it_value = {1, 0}}, NULL));
	CHECK_ERRNO(timerfd_settime(timer, 4, &(struct itimerspec){.it_value = {1, 0}}, NULL), EINVAL);
	close(timer);
}

static void cpu_clocks(void)
{
	clockid_t clock;
	int64_t before, after;
	int hold[2];
	pid_t pid;

	CHECK_EQ(clock_getcpuclockid(0, &clock), 0, "the own process's clock");
	before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	after = clock_ns(clock);
	CHECK(after >= before && after - before < 1000000000, "is CLOCK_PROCESS_CPUTIME_ID");
	CHECK(clock_ns(CLOCK_OF(0, 1)) <= clock_ns(CLOCK_OF(0, 0)), "user time is a part of it");
	CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0, "the own thread's clock");
	CHECK(clock_ns(clock) >= 0, "can be read");
	CHECK_EQ(clock_ns(CLOCK_OF(0, 7)), -1, "a kind that is none cannot");
	MUST(pipe(hold) == 0);
	pid = tap_fork();
	if (pid == 0) {
		burn_until(CLOCK_PROCESS_CPUTIME_ID, 20000000);
		write(hold[1], "x", 1);
		pause();
		_exit(0);
	}
	tap_await_fd(hold[0]);
	CHECK_EQ(clock_getcpuclockid(pid, &clock), 0, "a child's clock");
	CHECK(clock_ns(clock) >= 20000000, "shows what the child has used");
	CHECK_EQ(clock_ns(CLOCK_OF(pid, 6)), -1, "a child's thread has no clock for us");
	before = clock_ns(clock);
	kill(pid, SIGKILL);
	tap_wait(pid);
	CHECK(before > 0 && clock_ns(clock) == -1, "a dead child's clock is gone");
	CHECK_EQ(clock_getcpuclockid(pid, &clock), ESRCH, "and has no name");
}

static void cpu_timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 7};
	struct itimerspec once = {.it_value = {0, 10000000}}, now, never = {0};
	struct itimerval often = {{0, 4000}, {0, 4000}}, off = {0}, left;
	int64_t start;
	timer_t timer;

	install(SIGRTMIN);
	CHECK_OK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer));
	start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_OK(timer_settime(timer, 0, &once, NULL));
	CHECK(timer_gettime(timer, &now) == 0 && to_ns(now.it_value) > 0 && to_ns(now.it_value) <= 10000000, "counts down");
	while (!count)
		burn_until(CLOCK_PROCESS_CPUTIME_ID, clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 1000000);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 10000000, "a timer on the process's CPU clock expires after so much");
	CHECK_EQ(value, 7, "with its value");
	now.it_value = (struct timespec){0, 0};
	CHECK(timer_gettime(timer, &now) == 0 && to_ns(now.it_value) == 0, "once");
	CHECK_OK(timer_settime(timer, TIMER_ABSTIME, &(struct itimerspec){.it_value = {0, 1}}, NULL));
	while (count < 2)
		burn_until(CLOCK_PROCESS_CPUTIME_ID, clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 1000000);
	CHECK_EQ(count, 2, "at an absolute time that is past");
	CHECK_OK(timer_settime(timer, 0, &never, NULL));
	CHECK_OK(timer_delete(timer));
	CHECK_OK(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer));
	CHECK_OK(timer_settime(timer, 0, &once, NULL));
	while (count < 3)
		burn_until(CLOCK_THREAD_CPUTIME_ID, clock_ns(CLOCK_THREAD_CPUTIME_ID) + 1000000);
	CHECK_EQ(count, 3, "a timer on the thread's");
	CHECK_OK(timer_delete(timer));
	install(SIGPROF);
	CHECK_OK(setitimer(ITIMER_PROF, &often, NULL));
	CHECK(getitimer(ITIMER_PROF, &left) == 0 && tv_us(left.it_value) > 0 && tv_us(left.it_interval) >= 4000, "getitimer(ITIMER_PROF)");
	while (count < 5)
		burn_until(CLOCK_PROCESS_CPUTIME_ID, clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 1000000);
	CHECK(count >= 5, "SIGPROF, again and again");
	CHECK_OK(setitimer(ITIMER_PROF, &off, &left));
	CHECK_EQ(IN_CHILD(
		struct rlimit limit = {1, 2};
		signal(SIGXCPU, SIG_DFL); setrlimit(RLIMIT_CPU, &limit); setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		burn_until(CLOCK_PROCESS_CPUTIME_ID, 5000000000)) & 0x7f, SIGXCPU, "RLIMIT_CPU's soft limit: SIGXCPU");
}

static void limits(void)
{
	struct rlimit none = {0, 0};
	int timer;

	CHECK_CHILD("no timer without a signal to queue",
		MUST(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
		MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer) == -1 && errno == EAGAIN));
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, BAD, &timer), EFAULT);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, BAD), EFAULT);
}

static void touch_pages(size_t pages)
{
	char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < pages; i++)
		p[i * 4096] = 1;
	munmap(p, pages * 4096);
}

static void usage(void)
{
	struct rusage self, again, children, child;
	struct tms tms;
	int64_t user, system;
	siginfo_t info;
	pid_t pid;

	burn_until(CLOCK_PROCESS_CPUTIME_ID, clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 50000000);
	for (int i = 0; i < 200; i++)
		touch_pages(100);
	CHECK_OK(getrusage(RUSAGE_SELF, &self));
	CHECK(tv_us(self.ru_utime) > 0, "there is user time");
	CHECK(tv_us(self.ru_stime) > 0, "and system time");
	CHECK(self.ru_maxrss > 0, "and memory");
	CHECK_OK(getrusage(RUSAGE_SELF, &again));
	CHECK(tv_us(again.ru_utime) >= tv_us(self.ru_utime) && tv_us(again.ru_stime) >= tv_us(self.ru_stime), "neither goes back");
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000 + 1 >= tv_us(again.ru_utime) + tv_us(again.ru_stime), "their sum is the CPU clock's");
	usleep(1000);
	CHECK(getrusage(RUSAGE_SELF, &again) == 0 && again.ru_nvcsw > self.ru_nvcsw, "a sleep is a voluntary switch");
	CHECK_OK(getrusage(RUSAGE_THREAD, &again));
	CHECK_ERRNO(getrusage(2, &again), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrusage, -2, BAD), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrusage, RUSAGE_SELF, BAD), EFAULT);
	CHECK(times(&tms) != (clock_t)-1 && tms.tms_utime + tms.tms_stime > 0, "times");
	getrusage(RUSAGE_CHILDREN, &children);
	pid = tap_fork();
	if (pid == 0) {
		burn_until(CLOCK_PROCESS_CPUTIME_ID, 60000000);
		_exit(0);
	}
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0, "waitid(WNOWAIT) leaves the child");
	CHECK(getrusage(RUSAGE_CHILDREN, &again) == 0 && tv_us(again.ru_utime) + tv_us(again.ru_stime) ==
	      tv_us(children.ru_utime) + tv_us(children.ru_stime), "whose time is not yet its parent's");
	CHECK_EQ(syscall(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, &child), 0, "and again, with its usage");
	user = tv_us(child.ru_utime);
	system = tv_us(child.ru_stime);
	CHECK(user + system >= 50000, "which is what it used");
	CHECK_EQ(wait4(pid, NULL, __WALL, &child), pid, "wait4 takes it");
	CHECK(tv_us(child.ru_utime) == user && tv_us(child.ru_stime) == system && child.ru_maxrss > 0, "with the same usage");
	CHECK_OK(getrusage(RUSAGE_CHILDREN, &again));
	CHECK(tv_us(again.ru_utime) - tv_us(children.ru_utime) + 1 >= user, "now it is its parent's");
	CHECK(times(&tms) != (clock_t)-1 && tms.tms_cutime + tms.tms_cstime > 0, "in times, too");
}

int main(void)
{
	tap_begin();
	setting();
	each_clock();
	cpu_clocks();
	cpu_timers();
	limits();
	usage();
	return tap_end();
}
