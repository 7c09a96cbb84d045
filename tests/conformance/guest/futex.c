/* futex(2): wait, wake, bitsets, requeue, wake-op, timeouts, sharing, robust lists. */
#include "../tap.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static uint32_t *word;

static long futex(void *addr, int op, uint32_t value, const void *timeout, void *addr2, uint32_t value3)
{
	return syscall(SYS_futex, addr, op, value, timeout, addr2, value3);
}

/* A child that waits on `addr` until woken. It is known to wait once a wake hits it: see wake_all(). */
static pid_t waiter(uint32_t *addr, uint32_t bits)
{
	pid_t pid = tap_fork();

	if (pid == 0) {
		while (futex(addr, FUTEX_WAIT_BITSET, 0, NULL, NULL, bits) < 0)
			MUST(errno == EINTR);
		_exit(0);
	}
	return pid;
}

/* Repeat a call until `want` wakes have been counted: waiters arrive in their own time. */
#define UNTIL(want, call) ({ \
	long total_ = 0, n_; \
	while (total_ < (want) && (n_ = (call)) >= 0) { \
		total_ += n_; \
		sched_yield(); \
	} \
	total_; \
})

static void results(void)
{
	struct timespec zero = {0, 0}, tick = {0, 2000000}, bad = {0, 1000000000}, negative = {-1, 0}, past = {1, 0}, soon;

	CHECK_ERRNO(futex(word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 0, &zero, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 0, &tick, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 0, &negative, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 0, (void *)8, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_PRIVATE, 0, &zero, NULL, 0), ETIMEDOUT);
	CHECK_ERRNO(futex((char *)word + 1, FUTEX_WAIT, 0, &zero, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((char *)word + 2, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((void *)8, FUTEX_WAIT, 0, &zero, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(NULL, FUTEX_WAIT, 0, &zero, NULL, 0), EFAULT);
	CHECK_EQ(futex((void *)8, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0, "a private wake does not look at the word");
	CHECK_ERRNO(futex((void *)8, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(word, 99, 0, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
	CHECK_EQ(futex(word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0), 0, "a wake of nobody");
	CHECK_ERRNO(futex(word, FUTEX_WAIT_BITSET, 0, &past, NULL, 1), ETIMEDOUT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 1), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_nsec += 3000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_sec++;
		soon.tv_nsec -= 1000000000;
	}
	CHECK_ERRNO(futex(word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 1), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &tick);
	CHECK(tick.tv_sec > soon.tv_sec || (tick.tv_sec == soon.tv_sec && tick.tv_nsec >= soon.tv_nsec), "not before its time");
	CHECK_ERRNO(futex(word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
}

static void wakes(void)
{
	pid_t pid[3];
	int i;

	pid[0] = waiter(word, FUTEX_BITSET_MATCH_ANY);
	CHECK_EQ(UNTIL(1, futex(word, FUTEX_WAKE, 1, NULL, NULL, 0)), 1, "a wake across processes in shared memory");
	CHECK_EQ(tap_wait(pid[0]), 0, "the waiter returns 0");
	for (i = 0; i < 3; i++)
		pid[i] = waiter(word, FUTEX_BITSET_MATCH_ANY);
	CHECK_EQ(UNTIL(3, futex(word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0)), 3, "three waiters");
	for (i = 0; i < 3; i++)
		tap_wait(pid[i]);
	pid[0] = waiter(word, 1);
	pid[1] = waiter(word, 2);
	CHECK_EQ(UNTIL(1, futex(word, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, 2)), 1, "a wake by bitset");
	CHECK_EQ(tap_wait(pid[1]), 0, "wakes the one that has the bit");
	CHECK_EQ(waitpid(pid[0], NULL, WNOHANG), 0, "and not the other");
	CHECK_EQ(UNTIL(1, futex(word, FUTEX_WAKE, 1, NULL, NULL, 0)), 1, "a plain wake matches any bitset");
	tap_wait(pid[0]);
}

static void requeues(void)
{
	pid_t pid[3];
	int i;

	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE, 1, (void *)1, word + 1, 5), EAGAIN);
	CHECK_ERRNO(futex(word, FUTEX_REQUEUE, 1, (void *)-1L, word + 1, 0), EINVAL);
	for (i = 0; i < 3; i++)
		pid[i] = waiter(word, FUTEX_BITSET_MATCH_ANY);
	CHECK_EQ(UNTIL(3, futex(word, FUTEX_CMP_REQUEUE, 0, (void *)(long)INT_MAX, word + 1, 0)), 3, "three waiters move");
	CHECK_EQ(futex(word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0), 0, "none is left at the first word");
	CHECK_EQ(futex(word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), 1, "one is woken at the second");
	CHECK_EQ(futex(word + 1, FUTEX_REQUEUE, 1, (void *)1, word + 2, 0), 2, "one is woken, one moves on");
	CHECK_EQ(futex(word + 2, FUTEX_WAKE, INT_MAX, NULL, NULL, 0), 1, "and is found there");
	for (i = 0; i < 3; i++)
		CHECK_EQ(tap_wait(pid[i]), 0, "waiter %d ends", i);
}

static void wake_ops(void)
{
	pid_t pid[2];

	word[1] = 10;
	CHECK_EQ(futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 11)), 0, "FUTEX_WAKE_OP");
	CHECK_EQ(word[1], 15, "adds");
	futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP(FUTEX_OP_SET, 12, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(word[1], 12, "sets");
	futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP(FUTEX_OP_OR, 3, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(word[1], 15, "ors");
	futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP(FUTEX_OP_ANDN, 3, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(word[1], 12, "and-nots");
	futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP(FUTEX_OP_XOR, 4, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(word[1], 8, "xors");
	futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP((FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT), 4, FUTEX_OP_CMP_EQ, 0));
	CHECK_EQ(word[1], 16, "shifts its argument");
	word[1] = 0;
	pid[0] = waiter(word, FUTEX_BITSET_MATCH_ANY);
	pid[1] = waiter(word + 1, FUTEX_BITSET_MATCH_ANY);
	CHECK_EQ(UNTIL(2, futex(word, FUTEX_WAKE_OP, 1, (void *)1, word + 1, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0))), 2,
		 "wakes at both words when the comparison holds");
	CHECK(tap_wait(pid[0]) == 0 && tap_wait(pid[1]) == 0, "both waiters end");
	CHECK_ERRNO(futex(word, FUTEX_WAKE_OP, 1, (void *)1, (void *)8, 0), EFAULT);
	word[1] = 0;
}

static void sharing(void)
{
	int fd = open("page", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint32_t *other, *first;
	pid_t pid;

	CHECK_OK(ftruncate(fd, 4096));
	first = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid = waiter(first + 3, FUTEX_BITSET_MATCH_ANY);
	CHECK_EQ(UNTIL(1, futex(other + 3, FUTEX_WAKE, 1, NULL, NULL, 0)), 1, "a shared file's word, mapped at two addresses, is one futex");
	tap_wait(pid);
	CHECK_EQ(futex(other + 3, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0, "a private wake finds nobody else");
	munmap(first, 4096);
	munmap(other, 4096);
	close(fd);
}

static void robust_lists(void)
{
	struct robust_list_head *head, mine, *shared = (void *)(word + 64);
	size_t size;
	struct {
		struct robust_list list;
		uint32_t lock;
	} *entry = (void *)(word + 128);

	CHECK_OK(syscall(SYS_get_robust_list, 0, &head, &size));
	CHECK_EQ(size, sizeof(mine), "get_robust_list gives the size");
	CHECK_ERRNO(syscall(SYS_set_robust_list, &mine, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_get_robust_list, 0x3ffffff, &head, &size), ESRCH);
	CHECK_CHILD("a dead owner's word is marked", shared->list.next = &entry->list; shared->list_op_pending = NULL;
		    shared->futex_offset = (char *)&entry->lock - (char *)&entry->list; entry->list.next = &shared->list;
		    entry->lock = gettid(); MUST(syscall(SYS_set_robust_list, shared, sizeof(*shared)) == 0));
	CHECK_EQ(entry->lock, FUTEX_OWNER_DIED, "with FUTEX_OWNER_DIED");
	CHECK_CHILD("an endless list does not hang the kernel", entry->list.next = &entry->list;
		    MUST(syscall(SYS_set_robust_list, shared, sizeof(*shared)) == 0));
	CHECK_CHILD("a wild list does no harm", shared->list.next = (void *)0x1234567;
		    MUST(syscall(SYS_set_robust_list, shared, sizeof(*shared)) == 0));
	CHECK_CHILD("a wild head does no harm", MUST(syscall(SYS_set_robust_list, 8, sizeof(*shared)) == 0));
}

static void *clears(void *arg)
{
	syscall(SYS_set_tid_address, arg);
	return NULL;
}

static uint32_t pi_word;

static void others(void)
{
	uint32_t cleared = 5;
	pthread_t thread;
	pthread_attr_t attr;

	/* Detached: nobody joins, as the tid word that join waits for is no longer this thread's. */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&thread, &attr, clears, &cleared);
	while (*(volatile uint32_t *)&cleared == 5)
		futex(&cleared, FUTEX_WAIT, 5, NULL, NULL, 0);
	CHECK_EQ(cleared, 0, "clear_child_tid is cleared and woken at a thread's end");
	if (futex(&pi_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) < 0 && errno == ENOSYS) {
		SKIP("FUTEX_LOCK_PI", "not offered");
		return;
	}
	CHECK_EQ(pi_word & FUTEX_TID_MASK, gettid(), "FUTEX_LOCK_PI takes a free lock");
	CHECK_ERRNO(futex(&pi_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_OK(futex(&pi_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	CHECK_EQ(pi_word, 0, "FUTEX_UNLOCK_PI frees it");
	CHECK_ERRNO(futex(&pi_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	CHECK_OK(futex(&pi_word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	futex(&pi_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

int main(void)
{
	tap_begin();
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	results();
	wakes();
	requeues();
	wake_ops();
	sharing();
	robust_lists();
	others();
	return tap_end();
}
