/* A process that fuzzes: its threads, and their calls one by one. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzz.h"

#define MEND_EVERY 64
#define CHILD_CALLS 20

/* Calls that end a thread or a process more often than they find anything: one in 24 of those drawn is made. */
static const int deadly[] = {
	SYS_exit, SYS_exit_group, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal, SYS_execve, SYS_execveat,
	SYS_munmap, SYS_seccomp, SYS_rt_sigreturn, SYS_arch_prctl, SYS_setrlimit, SYS_prlimit64, SYS_vhangup, SYS_ptrace, SYS_prctl, SYS_close_range, SYS_chroot,
	SYS_pause, SYS_rt_sigsuspend, SYS_close, SYS_setuid, SYS_setreuid, SYS_setresuid, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_landlock_restrict_self,
	SYS_mremap, SYS_mmap, SYS_mprotect, SYS_brk, SYS_shmat, 462 /* mseal */,
};

struct seat {
	struct gen gen;
	pthread_t thread;
};

/*
 * Not the C library's: no errno (a call may have broken thread-local storage), and the child of a clone that may share this stack, or
 * have none, ends before it touches any.
 */
static __attribute__((noinline)) int64_t raw_call(int64_t nr, const uint64_t a[ARGS], int64_t child_ends)
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	register int64_t ends __asm__("r12") = child_ends;
	int64_t ret;

	__asm__ volatile("syscall\n\t"
			 "test %%r12, %%r12\n\t"
			 "jz 1f\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov $60, %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(ret), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(ends)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2])
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (!arena_mend(info->si_addr)) {
		signal(signo, SIG_DFL);
		raise(signo);
	}
}

static void on_signal(int signo) { (void)signo; }

/* What calls have done to signals and memory is undone now and then. */
static void mend(void)
{
	static const int caught[] = { SIGALRM, SIGUSR1, SIGUSR2, SIGPIPE, SIGIO, SIGHUP, SIGTERM, SIGTTIN, SIGTTOU, SIGTSTP, SIGVTALRM, SIGPROF, SIGXFSZ, 34, 40 };
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER }, other = { .sa_handler = on_signal };
	sigset_t none;

	sigemptyset(&none);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	for (size_t i = 0; i < LENGTH(caught); i++)
		sigaction(caught[i], &other, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	arena_make();
}

static bool is_deadly(int nr)
{
	for (size_t i = 0; i < LENGTH(deadly); i++)
		if (deadly[i] == nr)
			return true;
	return false;
}

static bool is_wanted(const char *name)
{
	char with_commas[64];

	snprintf(with_commas, sizeof(with_commas), ",%s,", name);
	return strstr(options.only, with_commas) != NULL;
}

static const struct row *draw_row(struct gen *g)
{
	for (;;) {
		const struct row *r = &rows[below(g, (uint32_t)row_count)];

		if (options.only ? !is_wanted(r->name) : (r->refused || is_deadly(r->nr)) && !one_in(g, 24))
			continue;
		return r;
	}
}

static void say(const struct gen *g, const struct row *r, unsigned n)
{
	char line[300];
	int len = snprintf(line, sizeof(line), "%d.%d #%u %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", g->process, g->thread, n, r->name, g->arg[0], g->arg[1], g->arg[2],
			   g->arg[3], g->arg[4], g->arg[5]);

	write(2, line, (size_t)len);
}

static bool is_clone(int nr) { return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_vfork; }

static int64_t one_call(struct gen *g, unsigned n)
{
	const struct row *r = draw_row(g);
	int64_t ret;

	for (int i = ARGS - 1; i >= 0; i--)
		g->arg[i] = r->arg[i].kind ? value_of(g, r, i) : draw(g);
	if (r->nr == SYS_clone && one_in(g, 2))
		g->arg[1] = 0;
	if (options.verbose)
		say(g, r, n);
	ret = raw_call(r->nr, g->arg, is_clone(r->nr));
	if (ret > 2 && ret < 1000)
		g->made_fd = (int)ret;
	return r->nr == SYS_fork ? ret : -1;
}

static void run_calls(struct gen *g, unsigned calls)
{
	struct progress *p = &progress[g->process][g->thread];

	for (unsigned n = 0; n < calls; n++) {
		if (n % MEND_EVERY == 0)
			mend();
		if (one_call(g, n) == 0) { /* a forked child: a few calls of its own */
			g->state = mix(g->state, n);
			calls = n + CHILD_CALLS;
			p = &(struct progress){ 0 };
		}
		atomic_store(&p->calls, n + 1);
	}
}

static void *thread_main(void *arg)
{
	struct seat *s = arg;

	atomic_store(&progress[s->gen.process][s->gen.thread].tid, (int)syscall(SYS_gettid));
	run_calls(&s->gen, options.calls);
	atomic_store(&progress[s->gen.process][s->gen.thread].tid, 0);
	return NULL;
}

_Noreturn void worker_main(int process, uint64_t seed)
{
	static struct seat seats[THREADS_MAX];
	struct rlimit few = { 256, 256 }, memory = { 2ul << 30, 2ul << 30 }, file = { 16 << 20, 16 << 20 };
	int null;

	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < (options.verbose ? 2 : 3); i++)
		dup2(null, i);
	setpgid(0, 0);
	setrlimit(RLIMIT_NOFILE, &few);
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_FSIZE, &file);
	arena_make();
	mend();
	pool_open();
	for (unsigned i = 0; i < options.threads; i++) {
		seats[i].gen = (struct gen){ .state = mix(seed, i), .process = process, .thread = (int)i, .made_fd = 3 };
		if (i > 0 && pthread_create(&seats[i].thread, NULL, thread_main, &seats[i]) != 0)
			break;
	}
	thread_main(&seats[0]);
	for (unsigned i = 1; i < options.threads; i++)
		if (seats[i].thread)
			pthread_join(seats[i].thread, NULL);
	_exit(0);
}
