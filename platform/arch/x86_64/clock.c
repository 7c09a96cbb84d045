/*
 * Keeps the clock page right. Each update takes the time-stamp counter and the host's clocks at one moment and sets the
 * rate so that a guest's clock, which goes on from where it is, meets the host's a second later: it never steps back,
 * and never jumps.
 */
#include "vdso/clock.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clockpage.h"
#include "platform/arch_control.h"

#define NS_PER_S 1000000000ll

struct sample {
	uint64_t tsc;
	int64_t mono, real, boot;
};

/*
 * The one clock page of this process, with what its updates need to know; written by arch_clock_setup(), then by
 * arch_clock_update(), one thread at a time.
 */
static struct {
	struct vdso_clock *page;
	bool usable;
	struct sample last;
	double rate; /* ns per cycle, measured; 0 before the second sample */
} clk;

void *clockpage_address(void)
{
	return clk.page;
}

static int64_t host_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static uint64_t read_tsc(void)
{
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
}

/* The tightest of a few tries, so that a preemption in between does not count. */
static struct sample take_sample(void)
{
	struct sample best = { 0 };
	uint64_t width = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t before = read_tsc();
		struct sample s = { .mono = host_ns(CLOCK_MONOTONIC) };
		uint64_t after = read_tsc();

		if (after - before >= width)
			continue;
		width = after - before;
		s.tsc = before + width / 2;
		s.real = host_ns(CLOCK_REALTIME) - host_ns(CLOCK_MONOTONIC);
		s.boot = host_ns(CLOCK_BOOTTIME) - host_ns(CLOCK_MONOTONIC);
		best = s;
	}
	return best;
}

/* Invariant, by cpuid; and the host itself, which tests it across CPUs, uses it, where it says what it uses. */
static bool tsc_usable(void)
{
	uint32_t a, b, c, d;
	char name[32] = "tsc";

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8))
		return false;
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	ssize_t n = read(fd, name, sizeof(name) - 1);

	close(fd);
	return n <= 0 || !strncmp(name, "tsc", 3) || !strncmp(name, "kvm-clock", 9);
}

int arch_clock_setup(void)
{
	if (clk.page)
		return 0;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	clk.page = p;
	clk.usable = tsc_usable();
	clk.last = take_sample();
	return 0;
}

static void publish(const struct vdso_clock *next)
{
	struct vdso_clock *p = clk.page;
	uint32_t seq = p->seq;

	__atomic_store_n(&p->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy((char *)p + sizeof(seq), (const char *)next + sizeof(seq), sizeof(*p) - sizeof(seq));
	__atomic_store_n(&p->seq, seq + 2, __ATOMIC_RELEASE);
}

/* What guests' clocks show at the sample's moment, or the host's time where they show nothing yet. */
static uint64_t shown_at(const struct sample *s)
{
	const struct vdso_clock *p = clk.page;
	uint64_t cycles = s->tsc - p->tsc;

	if (!p->on || cycles >= p->max_cycles)
		return (uint64_t)s->mono;
	return vdso_clock_ns(p, cycles);
}

/* The interval to the next update is taken to be a second; beyond four the page is not believed any more. */
void arch_clock_update(void)
{
	struct sample s = take_sample();
	struct timespec coarse = { 0, 4000000 };
	int64_t passed = s.mono - clk.last.mono;

	if (!clk.page || !clk.usable || passed < 100000)
		return;
	/* A short first interval gives a rough rate; a later one replaces it. */
	if (clk.rate == 0 || passed > NS_PER_S / 4) {
		double rate = (double)passed / (double)(s.tsc - clk.last.tsc);

		if (clk.rate != 0 && passed > NS_PER_S / 4 && (rate > clk.rate * 1.01 || rate < clk.rate * 0.99)) {
			clk.usable = false; /* the counter does not keep time */
			publish(&(struct vdso_clock){ .on = 0 });
			return;
		}
		clk.rate = rate;
		clk.last = s;
	}
	clock_getres(CLOCK_MONOTONIC_COARSE, &coarse);
	uint64_t shown = shown_at(&s);
	int64_t behind = s.mono - (int64_t)shown;

	if (behind > NS_PER_S / 1000) { /* the host slept: forward at once */
		shown = (uint64_t)s.mono;
		behind = 0;
	} else if (behind < -NS_PER_S / 1000) {
		behind = -NS_PER_S / 1000;
	}
	publish(&(struct vdso_clock){
		.on = 1,
		.tsc = s.tsc,
		.max_cycles = (uint64_t)(4e9 / clk.rate),
		.mult = (uint64_t)(clk.rate * (1.0 + (double)behind / NS_PER_S) * 4294967296.0),
		.mono_ns = shown,
		.real_offset = s.real,
		.boot_offset = s.boot,
		.coarse_res_ns = (uint64_t)coarse.tv_nsec,
	});
}
