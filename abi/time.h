/* Clocks, timers, timerfd: the 64-bit time structures. */
#ifndef ABI_TIME_H
#define ABI_TIME_H

#include <stdint.h>

struct lx_timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};
struct lx_timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};
struct lx_itimerspec {
	struct lx_timespec it_interval;
	struct lx_timespec it_value;
};
struct lx_itimerval {
	struct lx_timeval it_interval;
	struct lx_timeval it_value;
};
struct lx_timezone {
	int32_t tz_minuteswest;
	int32_t tz_dsttime;
};
struct lx_tms {
	int64_t tms_utime;
	int64_t tms_stime;
	int64_t tms_cutime;
	int64_t tms_cstime;
};
struct lx_utimbuf {
	int64_t actime;
	int64_t modtime;
};
/* adjtimex(2) */
struct lx_timex {
	uint32_t modes;
	uint32_t pad0;
	int64_t offset;
	int64_t freq;
	int64_t maxerror;
	int64_t esterror;
	int32_t status;
	uint32_t pad1;
	int64_t constant;
	int64_t precision;
	int64_t tolerance;
	struct lx_timeval time;
	int64_t tick;
	int64_t ppsfreq;
	int64_t jitter;
	int32_t shift;
	uint32_t pad2;
	int64_t stabil;
	int64_t jitcnt;
	int64_t calcnt;
	int64_t errcnt;
	int64_t stbcnt;
	int32_t tai;
	int32_t pad3[11];
};
#define LX_ADJ_OFFSET_SINGLESHOT 0x0001u
#define LX_ADJ_OFFSET_READONLY 0x2000u
#define LX_ADJ_ADJTIME 0x8000u
#define LX_STA_UNSYNC 0x40
#define LX_TIME_ERROR 5
_Static_assert(sizeof(struct lx_timespec) == 16, "struct timespec");
_Static_assert(sizeof(struct lx_itimerspec) == 32, "struct itimerspec");
_Static_assert(sizeof(struct lx_timex) == 208, "struct timex");

#define LX_NSEC_PER_SEC 1000000000ll
#define LX_USEC_PER_SEC 1000000ll
#define LX_CLOCK_TICKS 100 /* of times(2), AT_CLKTCK */

#define LX_CLOCK_REALTIME 0
#define LX_CLOCK_MONOTONIC 1
#define LX_CLOCK_PROCESS_CPUTIME_ID 2
#define LX_CLOCK_THREAD_CPUTIME_ID 3
#define LX_CLOCK_MONOTONIC_RAW 4
#define LX_CLOCK_REALTIME_COARSE 5
#define LX_CLOCK_MONOTONIC_COARSE 6
#define LX_CLOCK_BOOTTIME 7
#define LX_CLOCK_REALTIME_ALARM 8
#define LX_CLOCK_BOOTTIME_ALARM 9
#define LX_CLOCK_TAI 11
/* A negative clock id names a process or thread: ~id << 3 | per-thread bit 2 | kind (0 prof, 1 virt, 2 sched). */
#define LX_CPUCLOCK_PERTHREAD_MASK 4
#define LX_CPUCLOCK_MASK 3
#define LX_CPUCLOCK_PROF 0
#define LX_CPUCLOCK_VIRT 1
#define LX_CPUCLOCK_SCHED 2
#define LX_CPUCLOCK_PID(clock) ((int)~((unsigned)(clock) >> 3 | ((clock) < 0 ? 7u << 29 : 0u))) /* the sign is shifted in */

#define LX_TIMER_ABSTIME 1
#define LX_ITIMER_REAL 0
#define LX_ITIMER_VIRTUAL 1
#define LX_ITIMER_PROF 2

#define LX_TFD_TIMER_ABSTIME 1
#define LX_TFD_TIMER_CANCEL_ON_SET 2
#define LX_TFD_NONBLOCK 04000
#define LX_TFD_CLOEXEC 02000000
#define LX_TFD_IOC_SET_TICKS 0x40085400u

#endif
