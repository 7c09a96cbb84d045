/* Threads: creation, storage, ends in every order, the pthread objects, signals to a thread. */
#include "../tap.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static __thread int own = 7;
static int shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;

static void *returns(void *arg)
{
	return arg;
}

static void *uses_own(void *arg)
{
	own += (int)(intptr_t)arg;
	return (void *)(intptr_t)own;
}

static void *adds(void *arg)
{
	int i;

	for (i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		(*(int *)arg)++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *tells_ids(void *arg)
{
	pid_t *ids = arg;

	ids[0] = getpid();
	ids[1] = gettid();
	ids[2] = getppid();
	return NULL;
}

static void basics(void)
{
	pthread_t thread[64];
	pid_t ids[3];
	void *result;
	int i, sum = 0;

	CHECK_EQ(pthread_create(&thread[0], NULL, returns, (void *)5), 0, "pthread_create");
	CHECK(pthread_join(thread[0], &result) == 0 && result == (void *)5, "pthread_join gives the result");
	pthread_create(&thread[0], NULL, tells_ids, ids);
	pthread_join(thread[0], NULL);
	CHECK(ids[0] == getpid() && ids[2] == getppid(), "a thread has its process' pid and parent");
	CHECK(ids[1] != getpid() && ids[1] > 0, "and a tid of its own");
	CHECK_ERRNO(tgkill(getpid(), ids[1], 0), ESRCH);
	for (i = 0; i < 64; i++)
		pthread_create(&thread[i], NULL, uses_own, (void *)(intptr_t)i);
	for (i = 0; i < 64; i++) {
		pthread_join(thread[i], &result);
		sum += (intptr_t)result;
	}
	CHECK_EQ(sum, 64 * 7 + 63 * 32, "64 threads at once, each with its own storage");
	CHECK_EQ(own, 7, "the main thread's is untouched");
	for (i = 0; i < 300; i++)
		if (pthread_create(&thread[0], NULL, returns, NULL) || pthread_join(thread[0], NULL))
			break;
	CHECK_EQ(i, 300, "300 threads one after the other");
	for (i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, adds, &shared);
	for (i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(shared, 8000, "a mutex keeps increments apart");
}

static int turn;

static void *ping(void *arg)
{
	int me = (int)(intptr_t)arg, i;

	pthread_mutex_lock(&mutex);
	for (i = 0; i < 200; i++) {
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_cond_broadcast(&cond);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *crosses(void *arg)
{
	int i, serial = 0;

	(void)arg;
	for (i = 0; i < 50; i++)
		serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
	return (void *)(intptr_t)serial;
}

static void objects(void)
{
	pthread_t thread[4];
	pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
	struct timespec past = {1, 0};
	int i, serial = 0;
	void *result;

	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, ping, (void *)(intptr_t)i);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	CHECK(true, "two threads take turns with a condition");
	pthread_barrier_init(&barrier, NULL, 4);
	for (i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, crosses, NULL);
	for (i = 0; i < 4; i++) {
		pthread_join(thread[i], &result);
		serial += (intptr_t)result;
	}
	CHECK_EQ(serial, 50, "a barrier of four, fifty times");
	pthread_mutex_lock(&mutex);
	CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &past), ETIMEDOUT, "a condition wait times out");
	pthread_mutex_unlock(&mutex);
	CHECK(pthread_rwlock_rdlock(&rw) == 0 && pthread_rwlock_tryrdlock(&rw) == 0 && pthread_rwlock_trywrlock(&rw) == EBUSY,
	      "read locks share");
}

static void *holds_and_dies(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void robust(void)
{
	pthread_mutex_t *lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &attr);
	pthread_create(&thread, NULL, holds_and_dies, lock);
	pthread_join(thread, NULL);
	CHECK_EQ(pthread_mutex_lock(lock), EOWNERDEAD, "a robust mutex tells of its owner's end");
	CHECK_EQ(pthread_mutex_consistent(lock), 0, "and can be made good");
	pthread_mutex_unlock(lock);
	CHECK_EQ(WTERMSIG(IN_CHILD(pthread_mutex_lock(lock); raise(SIGKILL))), SIGKILL, "a process dies with it");
	CHECK_EQ(pthread_mutex_lock(lock), EOWNERDEAD, "another process is told, too");
	pthread_mutex_unlock(lock);
	CHECK_EQ(pthread_mutex_lock(lock), ENOTRECOVERABLE, "not made good: not recoverable");
	munmap(lock, 4096);
}

static int hold[2];

static void *outlives_main(void *arg)
{
	(void)arg;
	tap_await_fd(hold[0]);
	_exit(31);
}

static void *ends_process(void *arg)
{
	(void)arg;
	_exit(32);
}

static void *loops(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *forks(void *arg)
{
	*(int *)arg = IN_CHILD(MUST(gettid() == getpid()); _exit(34));
	return NULL;
}

static void ends(void)
{
	pthread_t thread;
	int status, i;
	pid_t pid;

	CHECK_OK(pipe(hold));
	pid = tap_fork();
	if (pid == 0) {
		pthread_create(&thread, NULL, outlives_main, NULL);
		syscall(SYS_exit, 1);
	}
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0, "a process whose main thread ended is not dead");
	tap_signal_fd(hold[1]);
	CHECK_EQ(tap_wait(pid), EXITED(31), "its status is the last thread's exit_group");
	CHECK_EQ(IN_CHILD(pthread_create(&thread, NULL, ends_process, NULL); loops(NULL)), EXITED(32), "exit from a thread ends all");
	CHECK_EQ(IN_CHILD(for (i = 0; i < 10; i++) pthread_create(&thread, NULL, loops, NULL); _exit(33)), EXITED(33),
		 "exit from main ends ten others");
	CHECK_EQ(IN_CHILD(for (i = 0; i < 10; i++) pthread_create(&thread, NULL, loops, NULL); kill(getpid(), SIGTERM); loops(NULL)),
		 SIGTERM, "a signal ends all threads");
	CHECK_EQ(IN_CHILD(pthread_create(&thread, NULL, returns, NULL); pthread_join(thread, NULL); syscall(SYS_exit, 35)), EXITED(35),
		 "exit of the last thread ends the process");
	pthread_create(&thread, NULL, forks, &status);
	pthread_join(thread, NULL);
	CHECK_EQ(status, EXITED(34), "fork in a thread makes a process of one thread");
	CHECK_CHILD("a thread cancelled in pause", void *r;
		    MUST(pthread_create(&thread, NULL, loops, NULL) == 0 && pthread_cancel(thread) == 0); MUST(pthread_join(thread, &r) == 0 && r == PTHREAD_CANCELED));
	close(hold[0]);
	close(hold[1]);
}

static volatile pid_t handled_by;

static void handler(int sig)
{
	(void)sig;
	handled_by = gettid();
}

static void *waits_for_signal(void *arg)
{
	pid_t *tid = arg;
	sigset_t none;

	sigemptyset(&none);
	__atomic_store_n(tid, gettid(), __ATOMIC_SEQ_CST);
	while (!handled_by)
		sigsuspend(&none);
	return NULL;
}

static void *sets_name(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "other");
	return NULL;
}

static void attributes(void)
{
	volatile pid_t tid = 0;
	sigset_t set, old;
	pthread_t thread;
	char name[16];

	signal(SIGUSR1, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	pthread_create(&thread, NULL, waits_for_signal, (void *)&tid);
	while (!tid)
		sched_yield();
	CHECK_OK(tgkill(getpid(), tid, SIGUSR1));
	pthread_join(thread, NULL);
	CHECK(handled_by == tid, "tgkill reaches the thread that it names");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	prctl(PR_SET_NAME, "main");
	pthread_create(&thread, NULL, sets_name, NULL);
	pthread_join(thread, NULL);
	prctl(PR_GET_NAME, name);
	CHECK_STR(name, "main", "each thread has its own name");
	CHECK_EQ(syscall(SYS_set_tid_address, &tid), gettid(), "set_tid_address gives the tid");
	CHECK_EQ(sched_yield(), 0, "sched_yield");
	CHECK_CHILD("the tid of a process' first thread is its pid", MUST(gettid() == getpid()));
}

int main(void)
{
	tap_begin();
	basics();
	objects();
	robust();
	ends();
	attributes();
	return tap_end();
}
