/* Priority-inheriting futexes: the calls, their errors, hand-over, deaths of holders, requeue, and glibc's mutexes on top. */
#include "../tap.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static uint32_t *word; /* shared between processes */

static long futex(void *addr, int op, uint32_t value, const void *timeout, void *addr2, uint32_t value3)
{
	return syscall(SYS_futex, addr, op, value, timeout, addr2, value3);
}

static struct timespec after_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

/* A child that locks *word and, when it has it, sets word[8] to its tid, then frees it where asked to. */
static pid_t locker(bool frees)
{
	pid_t pid = tap_fork();

	if (pid == 0) {
		MUST(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
		MUST((*word & FUTEX_TID_MASK) == (uint32_t)gettid());
		word[8] = gettid();
		if (frees)
			MUST(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
		_exit(0);
	}
	return pid;
}

/* Until somebody waits in the kernel for *word. */
static void await_waiter(void)
{
	while (!(__atomic_load_n(word, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
		sched_yield();
}

static void errors(void)
{
	struct timespec bad = {0, 1000000000}, past = {1, 0};
	uint32_t free_word = 0, mine = gettid(), strange = 0x3fffff0, *ro;

	CHECK_ERRNO(futex((char *)word + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((void *)8, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex((void *)8, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex((void *)8, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&free_word, FUTEX_LOCK_PI, 0, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(&free_word, FUTEX_LOCK_PI, 0, (void *)8, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&free_word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(&free_word, FUTEX_UNLOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(&free_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	CHECK_ERRNO(futex(&mine, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERRNO(futex(&mine, FUTEX_LOCK_PI2, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERRNO(futex(&mine, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERRNO(futex(&strange, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
	CHECK_EQ(strange & FUTEX_TID_MASK, 0x3fffff0, "a holder that is no task stays in the word");
	CHECK_ERRNO(futex(&strange, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), ESRCH);
	CHECK_OK(futex(&free_word, FUTEX_LOCK_PI2, 0, &past, NULL, 0));
	CHECK_EQ(free_word, gettid(), "a free lock is taken even when the time has passed");
	CHECK_OK(futex(&free_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	CHECK_EQ(free_word, 0, "and is free again");
	CHECK_OK(futex(&free_word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	CHECK_OK(futex(&free_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	free_word = FUTEX_OWNER_DIED;
	CHECK_OK(futex(&free_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	CHECK_EQ(free_word, FUTEX_OWNER_DIED | gettid(), "that a holder died is not forgotten");
	CHECK_OK(futex(&free_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERRNO(futex(ro, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	munmap(ro, 4096);
}

static void contention(void)
{
	struct timespec soon;
	pid_t pid, other;

	*word = 0;
	CHECK_OK(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	CHECK_CHILD("another process cannot take it", MUST(futex(word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0) == -1 && errno == EAGAIN));
	CHECK_CHILD("nor free it", MUST(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == -1 && errno == EPERM));
	CHECK_CHILD("LOCK_PI times out by the wall clock", soon = after_ms(CLOCK_REALTIME, 5);
		    MUST(futex(word, FUTEX_LOCK_PI, 0, &soon, NULL, 0) == -1 && errno == ETIMEDOUT));
	CHECK_CHILD("LOCK_PI2 by the monotonic one", soon = after_ms(CLOCK_MONOTONIC, 5);
		    MUST(futex(word, FUTEX_LOCK_PI2, 0, &soon, NULL, 0) == -1 && errno == ETIMEDOUT));
	CHECK_CHILD("or by the wall clock", soon = after_ms(CLOCK_REALTIME, 5);
		    MUST(futex(word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, 0) == -1 && errno == ETIMEDOUT));
	CHECK_EQ(*word, FUTEX_WAITERS | gettid(), "waiters that gave up leave their mark");
	CHECK_OK(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	CHECK_EQ(*word, 0, "which goes with the unlock");

	CHECK_OK(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	pid = locker(true);
	await_waiter();
	other = locker(true);
	while (futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) < 0)
		MUST(0);
	CHECK(tap_wait(pid) == 0 && tap_wait(other) == 0, "two waiters get it one after the other");
	CHECK_EQ(futex(word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0, "and leave it free");
	CHECK_OK(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void on_usr1(int signo)
{
	(void)signo;
	word[9]++;
}

static void interrupted(void)
{
	pid_t pid;

	*word = word[9] = 0;
	CHECK_OK(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	pid = tap_fork();
	if (pid == 0) {
		struct sigaction sa = { .sa_handler = on_usr1 };

		sigaction(SIGUSR1, &sa, NULL);
		word[10] = 1;
		_exit(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0 ? 0 : errno);
	}
	await_waiter();
	kill(pid, SIGUSR1);
	while (!__atomic_load_n(&word[9], __ATOMIC_SEQ_CST))
		sched_yield();
	CHECK_OK(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	CHECK_EQ(tap_wait(pid), 0, "a handler without SA_RESTART does not end LOCK_PI");
	*word = 0;
}

static void deaths(void)
{
	pid_t pid, waiter;

	*word = word[8] = 0;
	pid = tap_fork();
	if (pid == 0) {
		MUST(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
		word[8] = 1;
		await_waiter();
		_exit(0);
	}
	while (!__atomic_load_n(&word[8], __ATOMIC_SEQ_CST))
		sched_yield();
	waiter = locker(false);
	CHECK_EQ(tap_wait(pid), 0, "a holder dies without a robust list");
	CHECK_EQ(tap_wait(waiter), 0, "who waits gets the lock");
	CHECK_EQ(*word & ~FUTEX_WAITERS, FUTEX_OWNER_DIED | waiter, "and sees that its holder died");
	CHECK_ERRNO(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
	*word = 0;
}

static void requeue_errors(void)
{
	struct timespec soon = after_ms(CLOCK_MONOTONIC, 3), wall = after_ms(CLOCK_REALTIME, 3);

	*word = word[16] = 0;
	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE_PI, 0, (void *)1, word + 16, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, word + 16, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1L, word + 16, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, word, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, word + 16, 7), EAGAIN);
	CHECK_EQ(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, word + 16, 0), 0, "nobody to requeue");
	CHECK_ERRNO(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, NULL, word + 16, 0), EAGAIN);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, word, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, (void *)8, 0), EFAULT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_REQUEUE_PI, 0, &soon, word + 16, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &wall, word + 16, 0), ETIMEDOUT);
}

static pid_t requeue_waiter(void)
{
	pid_t pid = tap_fork();

	if (pid == 0) {
		MUST(futex(word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, word + 16, 0) == 0);
		MUST((word[16] & FUTEX_TID_MASK) == (uint32_t)gettid());
		MUST(futex(word + 16, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
		_exit(0);
	}
	return pid;
}

static long requeue_until(int want)
{
	long total = 0, n;

	while (total < want && (n = futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)(long)INT_MAX, word + 16, 0)) >= 0) {
		total += n;
		sched_yield();
	}
	return total;
}

static void requeues(void)
{
	pid_t pid[3];
	int i;

	*word = word[16] = 0;
	pid[0] = requeue_waiter();
	CHECK_EQ(requeue_until(1), 1, "a waiter is requeued to a free lock");
	CHECK_EQ(tap_wait(pid[0]), 0, "and has it when it wakes");
	CHECK_OK(futex(word + 16, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	for (i = 0; i < 3; i++)
		pid[i] = requeue_waiter();
	CHECK_EQ(requeue_until(3), 3, "three are requeued to a lock that is held");
	CHECK_EQ(waitpid(pid[0], NULL, WNOHANG), 0, "and wait for it");
	CHECK_OK(futex(word + 16, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	for (i = 0; i < 3; i++)
		CHECK_EQ(tap_wait(pid[i]), 0, "requeued waiter %d had the lock", i);
}

/* --- glibc --------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t first, second;
static pthread_barrier_t barrier;
static long counter;

static void init(pthread_mutex_t *m, bool robust, int type, bool shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setpshared(&attr, shared);
	if (robust)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init(m, &attr), 0, "a PI mutex (robust %d, type %d)", robust, type);
}

static void *adds(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&first);
		counter++;
		pthread_mutex_unlock(&first);
	}
	return NULL;
}

static void *dies_holding(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void *holds_second(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return (void *)(long)pthread_mutex_unlock(&second);
}

static void mutexes(void)
{
	struct timespec soon = after_ms(CLOCK_REALTIME, 5);
	pthread_t thread[4];
	void *ret;
	int i;

	init(&first, false, PTHREAD_MUTEX_NORMAL, false);
	for (i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, adds, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(counter, 8000, "four threads count under it");

	init(&second, true, PTHREAD_MUTEX_ERRORCHECK, false);
	pthread_create(&thread[0], NULL, dies_holding, &second);
	pthread_join(thread[0], NULL);
	CHECK_EQ(pthread_mutex_lock(&second), EOWNERDEAD, "a robust PI mutex says that its owner died");
	CHECK_EQ(pthread_mutex_consistent(&second), 0, "it is made consistent");
	CHECK_EQ(pthread_mutex_lock(&second), EDEADLK, "is held now");
	CHECK_EQ(pthread_mutex_unlock(&second), 0, "and freed");
	pthread_create(&thread[0], NULL, dies_holding, &second);
	pthread_join(thread[0], NULL);
	CHECK_EQ(pthread_mutex_trylock(&second), EOWNERDEAD, "trylock says so too");
	CHECK_EQ(pthread_mutex_unlock(&second), 0, "left inconsistent");
	CHECK_EQ(pthread_mutex_lock(&second), ENOTRECOVERABLE, "it is lost");

	init(&second, false, PTHREAD_MUTEX_NORMAL, false);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread[0], NULL, holds_second, NULL);
	pthread_barrier_wait(&barrier);
	CHECK_EQ(pthread_mutex_timedlock(&second, &soon), ETIMEDOUT, "a timed lock gives up");
	pthread_barrier_wait(&barrier);
	pthread_join(thread[0], &ret);
	CHECK_EQ((long)ret, 0, "the holder frees it");
}

/* The holder of second waits for first, which we hold: raw calls, as glibc would hang on EDEADLK. */
static void *raw_second_then_first(void *arg)
{
	(void)arg;
	MUST(futex(&word[32], FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
	pthread_barrier_wait(&barrier);
	/* Where this is the wait that would close the circle, it is told so, until the other has given up for a moment. */
	while (futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) < 0)
		MUST(errno == EDEADLK);
	MUST(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	MUST(futex(&word[32], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	return NULL;
}

static void deadlock(void)
{
	pthread_t thread;
	long ret;

	*word = word[32] = 0;
	MUST(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
	pthread_create(&thread, NULL, raw_second_then_first, NULL);
	pthread_barrier_wait(&barrier);
	await_waiter();
	/* The mark comes before the wait: until that is there, the circle is not closed. */
	do {
		struct timespec soon = after_ms(CLOCK_MONOTONIC, 2);

		ret = futex(&word[32], FUTEX_LOCK_PI2, 0, &soon, NULL, 0);
	} while (ret < 0 && errno == ETIMEDOUT);
	CHECK(ret == -1 && errno == EDEADLK, "a circle of two is found");
	CHECK_ERRNO(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	MUST(futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	pthread_join(thread, NULL);
	CHECK_EQ(word[32], 0, "and all is free in the end");
}

static void robust_across_processes(void)
{
	pthread_mutex_t *m = (void *)(word + 128);

	init(m, true, PTHREAD_MUTEX_NORMAL, true);
	CHECK_CHILD("a process dies with a robust PI mutex", pthread_mutex_lock(m));
	CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD, "which the next is told");
	CHECK_EQ(pthread_mutex_consistent(m), 0, "and mends");
	CHECK_EQ(pthread_mutex_unlock(m), 0, "and frees");
	CHECK_CHILD("for others", MUST(pthread_mutex_lock(m) == 0); pthread_mutex_unlock(m));
}

int main(void)
{
	tap_begin();
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	errors();
	contention();
	interrupted();
	deaths();
	requeue_errors();
	requeues();
	mutexes();
	deadlock();
	robust_across_processes();
	return tap_end();
}
