/* Clocks, sleeps, interval and POSIX timers. */
#include "../tap.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static volatile sig_atomic_t count, value, overrun;
static volatile pid_t handled_by;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	count++;
	value = info->si_int;
	overrun = info->si_overrun;
	handled_by = gettid();
}

static void install(int sig)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(sig, &sa, NULL);
	count = 0;
}

static int64_t ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) == 0 ? ns(&ts) : -1;
}

static int64_t syscall_ns(clockid_t clock)
{
	struct timespec ts;

	return syscall(SYS_clock_gettime, clock, &ts) == 0 ? ns(&ts) : -1;
}

static void clocks(void)
{
	static const clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
					CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
	struct timespec ts, res;
	struct timeval tv;
	clockid_t cpu;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		int64_t a = now_ns(all[i]), b = syscall_ns(all[i]), c = now_ns(all[i]);

		CHECK(a >= 0 && (all[i] == CLOCK_REALTIME_COARSE || all[i] == CLOCK_MONOTONIC_COARSE ? a <= c : a <= b && b <= c),
		      "clock %d goes forward, by library and by system call", all[i]);
		CHECK(clock_getres(all[i], &res) == 0 && res.tv_sec == 0 && res.tv_nsec > 0, "clock %d has a resolution", all[i]);
	}
	CHECK_ERRNO(clock_gettime(77, &ts), EINVAL);
	CHECK_ERRNO(clock_getres(77, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8), EFAULT);
	CHECK_OK(clock_getres(CLOCK_MONOTONIC, NULL));
	CHECK_EQ(clock_getcpuclockid(0, &cpu), 0, "a process' CPU clock");
	CHECK_OK(clock_gettime(cpu, &ts));
	gettimeofday(&tv, NULL);
	CHECK(now_ns(CLOCK_REALTIME) - (tv.tv_sec * 1000000000LL + tv.tv_usec * 1000) < 10000000000LL, "gettimeofday agrees with CLOCK_REALTIME");
	CHECK(time(NULL) - tv.tv_sec <= 10 && time(NULL) >= tv.tv_sec, "time agrees");
	CHECK_EQ(syscall(SYS_time, NULL) - time(NULL) <= 0, 1, "the time system call, too");
	CHECK(tv.tv_sec > 1700000000, "it is later than 2023");
	CHECK_OK(syscall(SYS_gettimeofday, &tv, NULL));
	struct tms tms;
	CHECK(times(&tms) != (clock_t)-1 && tms.tms_utime >= 0, "times");
	if (!tap_is_root()) {
		ts.tv_sec = 1;
		CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &ts), EPERM);
	}
	CHECK_ERRNO(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
}

static void cpu_time(void)
{
	int64_t process = now_ns(CLOCK_PROCESS_CPUTIME_ID), thread = now_ns(CLOCK_THREAD_CPUTIME_ID), slept;
	volatile unsigned long sum = 0;
	unsigned long i;

	for (i = 0; i < 20000000; i++)
		sum += i;
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) > process, "work takes process time");
	CHECK(now_ns(CLOCK_THREAD_CPUTIME_ID) > thread, "and thread time");
	process = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	slept = now_ns(CLOCK_MONOTONIC);
	nanosleep(&(struct timespec){0, 100000000}, NULL);
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - process < now_ns(CLOCK_MONOTONIC) - slept, "sleep does not take it all");
}

static void sleeps(void)
{
	struct timespec ts = {0, 5000000}, bad = {0, 1000000000}, target;
	int64_t before = now_ns(CLOCK_MONOTONIC);

	CHECK_OK(nanosleep(&ts, NULL));
	CHECK(now_ns(CLOCK_MONOTONIC) - before >= 5000000, "nanosleep sleeps at least its time");
	CHECK_ERRNO(nanosleep(&bad, NULL), EINVAL);
	CHECK_ERRNO(nanosleep(&(struct timespec){-1, 0}, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_nanosleep, 8, NULL), EFAULT);
	CHECK_OK(nanosleep(&(struct timespec){0, 0}, NULL));
	clock_gettime(CLOCK_MONOTONIC, &target);
	target.tv_nsec += 5000000;
	if (target.tv_nsec >= 1000000000) {
		target.tv_sec++;
		target.tv_nsec -= 1000000000;
	}
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &target, NULL), 0, "clock_nanosleep to an absolute time");
	CHECK(now_ns(CLOCK_MONOTONIC) >= ns(&target), "wakes after it");
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL), 0, "a past time returns at once");
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL), 0, "relative, by CLOCK_REALTIME");
	CHECK_EQ(clock_nanosleep(CLOCK_BOOTTIME, 0, &ts, NULL), 0, "relative, by CLOCK_BOOTTIME");
	CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EINVAL, "the own thread's CPU clock");
	CHECK_EQ(clock_nanosleep(77, 0, &ts, NULL), EINVAL, "an unknown clock");
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL, "bad nanoseconds");
	CHECK_EQ(usleep(1000), 0, "usleep");
}

static void interval_timers(void)
{
	struct itimerval often = {{0, 2000}, {0, 2000}}, never = {0}, old, far = {.it_value = {1000, 0}}, bad = {.it_value = {0, 1000000}};
	volatile unsigned long sum = 0;

	install(SIGALRM);
	alarm(0);
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	while (count < 3)
		pause();
	CHECK_OK(getitimer(ITIMER_REAL, &old));
	CHECK(old.it_interval.tv_usec >= 2000 && old.it_interval.tv_usec < 6000, "getitimer gives the interval");
	CHECK_OK(setitimer(ITIMER_REAL, &far, &old));
	CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_value.tv_sec >= 990, "setitimer replaces");
	CHECK(alarm(0) >= 990 && getitimer(ITIMER_REAL, &old) == 0 && old.it_value.tv_sec == 0, "alarm is the same timer");
	CHECK_EQ(alarm(50), 0, "alarm gives nothing when there was none");
	CHECK(alarm(TAP_SECONDS) >= 49, "and what was left");
	CHECK_ERRNO(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	CHECK_ERRNO(setitimer(9, &often, NULL), EINVAL);
	CHECK_ERRNO(getitimer(9, &old), EINVAL);
	CHECK_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, 8), EFAULT);
	install(SIGVTALRM);
	setitimer(ITIMER_VIRTUAL, &often, NULL);
	while (count < 2)
		sum++;
	CHECK(count >= 2, "ITIMER_VIRTUAL counts CPU time");
	setitimer(ITIMER_VIRTUAL, &never, NULL);
	install(SIGPROF);
	setitimer(ITIMER_PROF, &often, NULL);
	while (count < 2)
		sum++;
	CHECK(count >= 2, "ITIMER_PROF counts CPU time");
	setitimer(ITIMER_PROF, &never, NULL);
	CHECK_EQ(IN_CHILD(signal(SIGALRM, SIG_DFL); setitimer(ITIMER_REAL, &often, NULL); for (;;) pause()), SIGALRM, "SIGALRM kills");
}

static void posix_timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 55};
	struct itimerspec once = {.it_value = {0, 2000000}}, often = {{0, 100000}, {0, 100000}}, never = {0}, now;
	sigset_t set, old;
	siginfo_t info;
	timer_t timer;

	install(SIGRTMIN);
	CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	CHECK(timer_gettime(timer, &now) == 0 && ns(&now.it_value) == 0, "a new timer is disarmed");
	CHECK_OK(timer_settime(timer, 0, &once, NULL));
	while (!count)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	CHECK(count == 1 && value == 55, "SIGEV_SIGNAL with its value");
	CHECK_OK(timer_settime(timer, TIMER_ABSTIME, &(struct itimerspec){.it_value = {1, 0}}, NULL));
	while (count < 2)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	CHECK_EQ(count, 2, "an absolute time in the past");
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	CHECK_OK(timer_settime(timer, 0, &often, NULL));
	nanosleep(&(struct timespec){0, 5000000}, NULL);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN, "a blocked timer signal is queued once");
	CHECK(info.si_code == SI_TIMER && info.si_overrun > 10, "the rest is its overrun");
	CHECK(timer_getoverrun(timer) >= 0, "timer_getoverrun");
	timer_settime(timer, 0, &never, &now);
	CHECK_EQ(ns(&now.it_interval), 100000, "timer_settime gives the old interval");
	sigtimedwait(&set, NULL, &(struct timespec){0, 0});
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_OK(timer_delete(timer));
	event.sigev_notify = SIGEV_THREAD_ID;
	event._sigev_un._tid = gettid();
	count = 0;
	CHECK_OK(timer_create(CLOCK_REALTIME, &event, &timer));
	timer_settime(timer, 0, &once, NULL);
	while (!count)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	CHECK_EQ(handled_by, gettid(), "SIGEV_THREAD_ID reaches its thread");
	timer_delete(timer);
	event.sigev_notify = SIGEV_NONE;
	CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	timer_settime(timer, 0, &often, NULL);
	nanosleep(&(struct timespec){0, 2000000}, NULL);
	CHECK(timer_gettime(timer, &now) == 0 && ns(&now.it_value) > 0 && ns(&now.it_value) <= 100000, "SIGEV_NONE counts in silence");
	timer_delete(timer);
	CHECK_OK(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	CHECK_OK(timer_delete(timer));
	CHECK_ERRNO(timer_create(77, &event, &timer), EINVAL);
	event.sigev_notify = 99;
	CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_settime, 12345, 0, &once, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_delete, 12345), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_gettime, 12345, &now), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_getoverrun, 12345), EINVAL);
}

int main(void)
{
	tap_begin();
	clocks();
	cpu_time();
	sleeps();
	interval_timers();
	posix_timers();
	return tap_end();
}
