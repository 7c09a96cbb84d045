/*
 * Futexes.
 *
 *   waiter:  lock bucket, look at the word, queue, unlock, block
 *   waker:   (guest code has changed the word) lock bucket, take waiters out, wake them
 *
 * so that a waiter either sees the new word or is seen. A waiter stays queued from its call's first run until it is woken or the call ends;
 * it may be moved to another bucket meanwhile. `bucket` is NULL from the moment it was chosen to be woken: a wake-up is
 * never lost to a signal or a time-out that comes at the same moment, since the call looks there first.
 */
#include "sentry/kernel/futex.h"

#include <errno.h>
#include <string.h>

#include "abi/futex.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/futex_pi.h"
#include "sentry/kernel/task.h"

#define BUCKETS 256

struct futex_bucket {
	struct lock lock;      /* RANK_FUTEX */
	struct list waiters;   /* of futex_waiter.link, in order of arrival; protected by lock */
};

/* Not part of struct kernel only because it needs no set-up and there is one kernel a process. */
static struct futex_bucket buckets[BUCKETS] = {
	[0 ... BUCKETS - 1] = { .lock = LOCK_INIT(RANK_FUTEX, "futex") },
};

static struct futex_bucket *bucket_of(const struct mem_key *key)
{
	uint64_t h = hash_u64((uint64_t)(uintptr_t)key->object ^ key->id, key->offset);

	return &buckets[h % BUCKETS];
}

/* A bucket's list is made at its first use; under its lock. */
static struct list *waiters_of(struct futex_bucket *b)
{
	if (!b->waiters.next)
		list_init(&b->waiters);
	return &b->waiters;
}

static bool key_equal(const struct mem_key *a, const struct mem_key *b)
{
	return a->object == b->object && a->id == b->id && a->offset == b->offset;
}

int futex_key(struct task *t, uaddr_t addr, bool private, struct mem_key *key)
{
	return addr.v % 4 ? -EINVAL : mm_key(t, addr.v, private, key);
}

/* The word as the guest has it now; under a bucket's lock, therefore not by copy_in(). */
static int read_word(struct task *t, uaddr_t addr, uint32_t *word)
{
	return tracee_read(t->tracee, word, addr, sizeof(*word)) == sizeof(*word) ? 0 : -EFAULT;
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

int futex_enqueue(struct futex_waiter *w, struct task *t, uaddr_t addr, bool private, uint32_t expected, uint32_t bits)
{
	struct futex_bucket *b;
	uint32_t word;
	int err = futex_key(t, addr, private, &w->key);

	if (err)
		return err;
	w->t = t;
	w->bits = bits;
	b = bucket_of(&w->key);
	LOCK_GUARD(&b->lock);
	err = read_word(t, addr, &word);
	if (!err && word != expected)
		err = -EAGAIN;
	if (err)
		return err;
	list_push_back(waiters_of(b), &w->link);
	atomic_store(&w->bucket, b);
	return 0;
}

bool futex_dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b;

	while ((b = atomic_load(&w->bucket))) {
		bool here;

		lock_take(&b->lock);
		here = atomic_load(&w->bucket) == b;
		if (here) {
			list_remove(&w->link);
			atomic_store(&w->bucket, NULL);
		}
		lock_drop(&b->lock);
		if (here)
			return true;
	}
	return false;
}

static void dequeue_at_end(void *w)
{
	futex_dequeue(w);
}

int64_t futex_wait(struct task *t, uaddr_t addr, bool private, uint32_t expected, uint32_t bits, int64_t deadline)
{
	struct futex_waiter *w;
	int64_t ret;

	if (!t->blk.rerun) {
		if (!t->futex_waiters)
			t->futex_waiters = mem_zalloc(sizeof(*w));
		if (!t->futex_waiters)
			return -ENOMEM;
		ret = futex_enqueue(t->futex_waiters, t, addr, private, expected, bits);
		if (ret)
			return ret;
		t->blk.data = t->futex_waiters;
		t->blk.data_free = dequeue_at_end;
		task_set_deadline(t, deadline);
	}
	w = t->futex_waiters;
	if (!atomic_load(&w->bucket))
		return 0;
	ret = task_block(t);
	if (ret == SYS_BLOCKED)
		return ret;
	return futex_dequeue(w) ? ret : 0;
}

/* --- waking ------------------------------------------------------------------------------------------------------- */

/* Under the bucket's lock. Once `bucket` is NULL its task may be gone before we have woken it, but for this reference. */
static void wake_one(struct futex_waiter *w)
{
	struct task *t = task_get(w->t);

	list_remove(&w->link);
	atomic_store(&w->bucket, NULL);
	task_wake(t);
	task_put(t);
}

static int wake_locked(struct futex_bucket *b, const struct mem_key *key, int n, uint32_t bits)
{
	struct futex_waiter *w, *next;
	int woken = 0;

	list_for_each_safe(w, next, waiters_of(b), link) {
		if (woken >= n)
			break;
		if (!(w->bits & bits) || !key_equal(&w->key, key))
			continue;
		wake_one(w);
		woken++;
	}
	return woken;
}

int futex_wake_key(const struct mem_key *key, int n, uint32_t bits)
{
	struct futex_bucket *b = bucket_of(key);

	LOCK_GUARD(&b->lock);
	return wake_locked(b, key, n, bits);
}

int64_t futex_wake(struct task *t, uaddr_t addr, bool private, int n, uint32_t bits)
{
	struct mem_key key;
	int err;

	err = futex_key(t, addr, private, &key);
	if (err)
		return err;
	if (futex_pi_waited(&key))
		return -EINVAL;
	/* Linux wakes one even for a count of zero or less. */
	return futex_wake_key(&key, n < 1 ? 1 : n, bits);
}

/* Wakes the first, moves those that follow; both buckets locked. */
static int requeue_locked(struct futex_bucket *from, const struct mem_key *key, struct futex_bucket *to,
			  const struct mem_key *to_key, int wake, int move)
{
	struct futex_waiter *w, *next;
	int done = 0;

	list_for_each_safe(w, next, waiters_of(from), link) {
		if (done - wake >= move)
			break;
		if (!key_equal(&w->key, key))
			continue;
		if (done++ < wake) {
			wake_one(w);
			continue;
		}
		list_remove(&w->link);
		w->key = *to_key;
		list_push_back(waiters_of(to), &w->link);
		atomic_store(&w->bucket, to);
		if (done == INT32_MAX)
			break;
	}
	return done;
}

int64_t futex_requeue(struct task *t, const struct futex_requeue *r)
{
	struct mem_key from_key, to_key;
	struct futex_bucket *from, *to;
	uint32_t word;
	int64_t ret;

	if (r->wake < 0 || r->move < 0)
		return -EINVAL;
	ret = futex_key(t, r->from, r->private, &from_key);
	if (!ret)
		ret = futex_key(t, r->to, r->private, &to_key);
	if (ret)
		return ret;
	from = bucket_of(&from_key);
	to = bucket_of(&to_key);
	lock_two(&from->lock, &to->lock);
	if (r->compare)
		ret = read_word(t, r->from, &word);
	if (!ret && r->compare && word != r->expected)
		ret = -EAGAIN;
	if (!ret && key_equal(&from_key, &to_key))
		ret = wake_locked(from, &from_key, r->wake, LX_FUTEX_BITSET_MATCH_ANY);
	else if (!ret)
		ret = requeue_locked(from, &from_key, to, &to_key, r->wake, r->move);
	unlock_two(&from->lock, &to->lock);
	return ret;
}
