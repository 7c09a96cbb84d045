/* Processes, threads, memory and signals. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "micro.h"

static void do_getppid(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void do_getpid(long n)
{
	while (n--)
		getpid();
}

static void do_fork(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid);
	}
}

/* A function of its own, so that no local variable lives across the vfork. */
static void vfork_exec_once(char **argv)
{
	char *envp[] = { NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execve(argv[0], argv, envp);
		_exit(127);
	}
	reap(pid);
}

static void do_vfork_exec(long n)
{
	char *argv[] = { (char *)(uintptr_t)argument(0, "/bin/true"), NULL };

	while (n--)
		vfork_exec_once(argv);
}

static void do_mmap(long n)
{
	while (n--) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		p[0] = 1;
		munmap(p, 65536);
	}
}

static void nothing(int signo)
{
	(void)signo;
}

static void do_signal(long n)
{
	signal(SIGUSR1, nothing);
	while (n--)
		raise(SIGUSR1);
}

static void *thread_of_nothing(void *arg)
{
	return arg;
}

static void do_thread(long n)
{
	while (n--) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread_of_nothing, NULL))
			die("pthread_create");
		pthread_join(t, NULL);
	}
}

/* A wake that finds nobody. */
static void do_futex_wake(long n)
{
	static uint32_t word;

	while (n--)
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

enum { CONTENDERS = 4 };
static pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER;
static long turns;

static void *contender(void *arg)
{
	long mine = (long)(intptr_t)arg;

	while (mine--) {
		pthread_mutex_lock(&contended);
		for (volatile int i = 0; i < 50; i++)
			turns++;
		pthread_mutex_unlock(&contended);
	}
	return NULL;
}

static void do_contend(long n)
{
	pthread_t t[CONTENDERS];

	for (int i = 0; i < CONTENDERS; i++)
		if (pthread_create(&t[i], NULL, contender, (void *)(intptr_t)(n / CONTENDERS + 1)))
			die("pthread_create");
	for (int i = 0; i < CONTENDERS; i++)
		pthread_join(t[i], NULL);
}

const struct work call_works[] = {
	{ "getppid", do_getppid, "getppid by syscall(2)" },
	{ "getpid", do_getpid, "getpid by libc" },
	{ "fork", do_fork, "fork, _exit, waitpid" },
	{ "vfork-exec", do_vfork_exec, "vfork, execve of ARGUMENT, exit, waitpid" },
	{ "mmap", do_mmap, "mmap 64 KiB, touch a page, munmap" },
	{ "signal", do_signal, "raise, handler, return" },
	{ "thread", do_thread, "pthread_create and join" },
	{ "futex-wake", do_futex_wake, "FUTEX_WAKE of nobody" },
	{ "contend", do_contend, "lock and unlock of a mutex that four threads want" },
	{ NULL, NULL, NULL },
};
