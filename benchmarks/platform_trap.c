/*
 * What the platform itself costs, without a sentry: calls answered, passed, stopped at; injected calls; fork; a fresh
 * address space.
 *
 *     platform_trap [seccomp|ptrace] [ROUNDS]
 *
 * Times are the guest's own, by the TSC, in microseconds per operation; "host" is this process doing the same.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "platform/arch.h"
#include "platform/platform.h"

#define GUEST __attribute__((section("guest_text"), noinline, used, no_stack_protector))

enum { CODE = 0x10000000, STACK = 0x30000000, STACK_TOP = STACK + 0x10000 };
enum { CALL_DONE = 1000, CALL_STOP = 450, CALL_CLONE = SYS_clone };

extern const char __start_guest_text[], __stop_guest_text[];

struct job {
	void (*fn)(uint64_t, uint64_t);
	uint64_t nr, rounds;
	int left;
	struct job *parent;  /* of a fork: held until this one is gone */
	struct tracee *tracee;
	double ns;
	bool done;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static struct platform *platform;

static inline __attribute__((always_inline)) int64_t call3(int64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t ret;

	__asm__ volatile("xor %%r10d, %%r10d\n\tsyscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r10", "r11", "memory");
	return ret;
}

GUEST static void loop(uint64_t nr, uint64_t rounds)
{
	uint64_t start = 0;

	for (uint64_t i = 0; i < rounds + rounds / 4; i++) {
		if (i == rounds / 4)
			start = __builtin_ia32_rdtsc();
		if (call3((int64_t)nr, nr == SYS_clone ? 17 : 0, 0, 0) == 0 && nr == SYS_clone)
			call3(SYS_exit_group, 0, 0, 0);
	}
	call3(CALL_DONE, __builtin_ia32_rdtsc() - start, 0, 0);
	call3(SYS_exit_group, 0, 0, 0);
}

static double tsc_ns;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void calibrate(void)
{
	double t = now();
	uint64_t c = __builtin_ia32_rdtsc();

	usleep(50000);
	tsc_ns = (now() - t) / (double)(__builtin_ia32_rdtsc() - c);
}

static void finish(struct job *j, double ns)
{
	pthread_mutex_lock(&lock);
	j->ns = ns;
	j->done = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

static void on_call(struct tracee *t, void *cookie, const struct call_info *c)
{
	struct job *j = cookie;

	if (c->nr == SYS_exit_group) {
		platform_kill(t);
		return;
	}
	if (c->nr == CALL_DONE)
		finish(j, (double)c->arg[0] * tsc_ns / (double)j->rounds);
	if (c->nr == SYS_sched_yield)
		platform_pass(t);
	else
		platform_answer(t, 1);
}

static enum resume on_stop(struct tracee *t, void *cookie, const struct stop *s)
{
	struct job *j = cookie;
	size_t n = (size_t)(__stop_guest_text - __start_guest_text);
	uint64_t code[6] = { CODE, (n + 4095) & ~4095ul, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0 };
	uint64_t stack[6] = { STACK, 0x10000, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0 };
	uint64_t args[6] = { j->nr, j->rounds };

	if (s->kind == STOP_CALL && s->call.nr == SYS_clone) {
		struct job *child = mem_zalloc(sizeof(*child));

		child->parent = j;
		if (stop_clone(t, &(struct clone_how){ 0 }, child, &child->tracee) < 0)
			abort();
		arch_set_result(stop_regs(t), 100);
		return RESUME_HOLD;
	}
	if (s->kind == STOP_CALL && s->call.nr == SYS_mmap)
		return RESUME_CALL;
	if (s->kind != STOP_NEW || !j->rounds)
		return RESUME_RUN;
	j->tracee = t;
	stop_inject(t, SYS_mmap, code);
	stop_inject(t, SYS_mmap, stack);
	tracee_write(t, (uaddr_t){ CODE }, __start_guest_text, n);
	if (!j->fn) { /* how long a fresh address space takes: as many maps as an exec of a dynamic program */
		for (int i = 0; i < 12; i++)
			stop_map_file(t, 0x50000000ul + (uint64_t)i * 0x10000, 0x8000, PROT_READ, MAP_PRIVATE | MAP_FIXED, (int)j->nr, 0);
		platform_kill(t);
		return RESUME_RUN;
	}
	arch_start(stop_regs(t), CODE + (uint64_t)((const char *)j->fn - __start_guest_text), STACK_TOP - 8);
	arch_set_call(stop_regs(t), -1, args);
	return RESUME_RUN;
}

static void on_gone(struct tracee *t, void *cookie, int status)
{
	struct job *j = cookie;

	(void)status;
	tracee_put(t);
	if (j->parent) {
		platform_release(j->parent->tracee, RESUME_RUN);
		mem_free(j);
	} else if (!j->fn && --j->left > 0) {
		platform_spawn(platform, j); /* by the tracer, as the exec of a guest would */
	} else if (!j->fn) {
		finish(j, 0);
	}
}

static void on_broken(const char *what, int err)
{
	fprintf(stderr, "broken: %s: %d\n", what, err);
	abort();
}

static const struct platform_handler handler = { .call = on_call, .stop = on_stop, .gone = on_gone, .broken = on_broken };

static void await(struct job *j)
{
	pthread_mutex_lock(&lock);
	while (!j->done)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
}

static void measure(const char *what, uint64_t nr, uint64_t rounds, int copies)
{
	struct job *j = mem_calloc((size_t)copies, sizeof(*j));

	for (int i = 0; i < copies; i++) {
		j[i] = (struct job){ .fn = loop, .nr = nr, .rounds = rounds };
		if (platform_spawn(platform, &j[i]) < 0)
			abort();
	}
	printf("%-36s", what);
	for (int i = 0; i < copies; i++) {
		await(&j[i]);
		printf(" %8.2f", j[i].ns / 1000);
	}
	printf(" us\n");
}

static void measure_spawn(int rounds)
{
	struct job j = { .nr = (uint64_t)STDIN_FILENO, .rounds = 1, .left = rounds };
	double start = now();

	if (platform_spawn(platform, &j) < 0)
		abort();
	await(&j);
	printf("%-36s %8.2f us\n", "spawn, 14 maps, kill, reap", (now() - start) / rounds / 1000);
}

static void measure_host(int rounds)
{
	double start = now();

	for (int i = 0; i < rounds; i++) {
		pid_t p = fork();

		if (p == 0)
			_exit(0);
		waitpid(p, NULL, 0);
	}
	printf("%-36s %8.2f us\n", "host: fork, exit, wait", (now() - start) / rounds / 1000);
}

int main(int argc, char **argv)
{
	static const uint16_t stops[] = { SYS_mmap, SYS_clone, CALL_STOP };
	struct platform_config cfg = { .handler = &handler, .stop_calls = stops, .stop_call_count = ARRAY_LEN(stops), .log_fd = 2 };
	bool ptraced = argc > 1 && !strcmp(argv[1], "ptrace");
	uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
	char why[200];

	if (!freopen("/bin/true", "r", stdin))
		return 1;
	calibrate();
	measure_host(500);
	if (platform_create(ptraced ? &platform_ptrace : &platform_seccomp, &cfg, &platform, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	platform_start(platform);
	measure("answered call", SYS_getppid, rounds, 1);
	measure("answered call, two guests", SYS_getppid, rounds, 2);
	measure("passed call", SYS_sched_yield, rounds, 1);
	measure("stopped at, answered", CALL_STOP, rounds / 4, 1);
	measure("stopped at, made by the host", SYS_mmap, rounds / 4, 1);
	measure("fork, exit, reap", SYS_clone, 1000, 1);
	measure_spawn(1000);
	platform_destroy(platform);
	return 0;
}
