/* PI locks: taking, waiting, handing over, and what a dying holder leaves. See futex_pi.h. Linux: kernel/futex/pi.c. */
#include "sentry/kernel/futex_pi.h"

#include <errno.h>

#include "abi/futex.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/futex_pi_impl.h"
#include "sentry/kernel/task.h"

#define LISTS 64
#define CHAIN_MAX 1024 /* how far holders that wait for holders are followed, as in Linux */

/* One kernel a process, and no set-up needed: therefore not part of struct kernel. */
struct lock futex_pi_lock = LOCK_INIT(RANK_FUTEX_PI, "PI futexes");
static struct list lists[LISTS];   /* of pi_waiter.link; protected by futex_pi_lock */
static atomic_int waiting;         /* on all lists: nobody looks at them while it is zero */

bool pi_key_equal(const struct mem_key *a, const struct mem_key *b)
{
	return a->object == b->object && a->id == b->id && a->offset == b->offset;
}

static struct list *list_of(const struct mem_key *key)
{
	struct list *l = &lists[hash_u64((uint64_t)(uintptr_t)key->object ^ key->id, key->offset) % LISTS];

	if (!l->next)
		list_init(l);
	return l;
}

int pi_read(struct task *t, uaddr_t addr, uint32_t *word)
{
	return tracee_read(t->tracee, word, addr, sizeof(*word)) == sizeof(*word) ? 0 : -EFAULT;
}

static uint32_t holder(uint32_t word)
{
	return word & LX_FUTEX_TID_MASK;
}

/* --- who waits ------------------------------------------------------------------------------------------------------ */

struct pi_waiter *pi_top(const struct mem_key *key, bool parked)
{
	struct pi_waiter *w, *top = NULL;

	lock_assert_held(&futex_pi_lock);
	list_for_each(w, list_of(key), link)
		if (w->parked == parked && pi_key_equal(&w->key, key) && (!top || w->t->sched.priority > top->t->sched.priority))
			top = w;
	return top;
}

void pi_enqueue_parked(struct pi_waiter *w)
{
	list_push_back(list_of(&w->key), &w->link);
	atomic_fetch_add(&waiting, 1);
	w->t->pi_wait = w;
}

void pi_enqueue(struct pi_waiter *w, struct task *owner)
{
	w->parked = false;
	w->owner = task_get(owner);
	pi_enqueue_parked(w);
}

void pi_dequeue(struct pi_waiter *w)
{
	if (list_empty(&w->link))
		return;
	list_remove(&w->link);
	atomic_fetch_sub(&waiting, 1);
	w->t->pi_wait = NULL;
	task_put(w->owner);
	w->owner = NULL;
}

void pi_grant(struct pi_waiter *w)
{
	struct task *t = task_get(w->t);
	struct pi_waiter *other;

	pi_dequeue(w);
	list_for_each(other, list_of(&w->key), link) {
		if (other->parked || !pi_key_equal(&other->key, &w->key))
			continue;
		task_put(other->owner);
		other->owner = task_get(t);
	}
	atomic_store(&w->granted, true);
	task_wake(t);
	task_put(t);
}

bool pi_would_deadlock(const struct task *t, const struct task *owner)
{
	for (int depth = 0; owner; depth++) {
		if (owner == t || depth == CHAIN_MAX)
			return true;
		owner = owner->pi_wait ? owner->pi_wait->owner : NULL;
	}
	return false;
}

bool futex_pi_waited(const struct mem_key *key)
{
	if (!atomic_load(&waiting))
		return false;
	LOCK_GUARD(&futex_pi_lock);
	return pi_top(key, false) || pi_top(key, true);
}

static void waiter_free(void *p)
{
	lock_take(&futex_pi_lock);
	pi_dequeue(p);
	lock_drop(&futex_pi_lock);
	mem_free(p);
}

struct pi_waiter *pi_waiter_new(struct task *t)
{
	struct pi_waiter *w = mem_zalloc(sizeof(*w));

	if (!w)
		return NULL;
	w->t = t;
	list_init(&w->link);
	t->blk.data = w;
	t->blk.data_free = waiter_free;
	return w;
}

int64_t pi_await(struct task *t, int64_t interrupted)
{
	struct pi_waiter *w = t->blk.data;
	int64_t ret = atomic_load(&w->granted) ? 0 : task_block(t);

	if (ret == 0 || ret == SYS_BLOCKED)
		return ret;
	LOCK_GUARD(&futex_pi_lock);
	pi_dequeue(w);
	if (atomic_load(&w->granted))
		return 0;
	return ret == -ERESTARTSYS ? interrupted : ret;
}

/* --- taking ------------------------------------------------------------------------------------------------------------ */

/*
 * Where the word itself must be changed: a free lock is taken; one that is held gets the WAITERS bit, so that its holder comes here to free it, and the
 * call is made again to wait.
 */
static int64_t lock_at_stop(struct task *t)
{
	uaddr_t addr = arg_addr(&t->call, 0);
	struct mem_key key;
	uint32_t word, new;
	int done = futex_key(t, addr, arg_u32(&t->call, 1) & LX_FUTEX_PRIVATE_FLAG, &key);

	if (!done)
		done = pi_read(t, addr, &word);
	if (done)
		return done;
	LOCK_GUARD(&futex_pi_lock);
	for (int i = 0; i < PI_TRIES; i++) {
		if (holder(word) == (uint32_t)t->tid)
			return -EDEADLK;
		if (!holder(word) && pi_top(&key, false))
			return -EINVAL; /* guest code took the lock away from those who wait */
		if (holder(word) && (word & LX_FUTEX_WAITERS))
			break;
		new = holder(word) ? word | LX_FUTEX_WAITERS : (word & LX_FUTEX_OWNER_DIED) | (uint32_t)t->tid;
		done = stop_cmpxchg32(t->tracee, addr, word, new, &word);
		if (done < 0)
			return done;
		if (done > 0)
			return holder(new) == (uint32_t)t->tid ? 0 : -ERESTARTNOINTR;
	}
	return -ERESTARTNOINTR;
}

struct lock_request {
	uaddr_t addr;
	struct mem_key key;
	struct task *owner;  /* who was found for the word as it was `looked_up` */
	uint32_t looked_up;
	bool try_only;
};

/* Under the lock. SYS_AGAIN: the holder has changed since it was looked up. SYS_BLOCKED: queued. */
static int64_t lock_begin(struct task *t, const struct lock_request *r)
{
	struct pi_waiter *top, *w;
	uint32_t word;

	if (pi_read(t, r->addr, &word) < 0)
		return -EFAULT;
	if (holder(word) == (uint32_t)t->tid)
		return -EDEADLK;
	if (!holder(word) || !(word & LX_FUTEX_WAITERS)) {
		t->at_stop = lock_at_stop;
		return SYS_AT_STOP;
	}
	if (holder(word) != r->looked_up)
		return SYS_AGAIN;
	if (!r->owner || r->owner->futex_released)
		return -ESRCH;
	top = pi_top(&r->key, false);
	if (top && top->owner != r->owner)
		return -EINVAL;
	if (r->try_only)
		return -EAGAIN;
	if (pi_would_deadlock(t, r->owner))
		return -EDEADLK;
	w = pi_waiter_new(t);
	if (!w)
		return -ENOMEM;
	w->key = r->key;
	w->addr = r->addr;
	pi_enqueue(w, r->owner);
	return SYS_BLOCKED;
}

/* The holder is found before the lock is taken: the table of tasks comes first in the order of locks. */
static int64_t lock_attempt(struct task *t, struct lock_request *r)
{
	uint32_t word;
	int64_t ret;

	if (pi_read(t, r->addr, &word) < 0)
		return -EFAULT;
	r->looked_up = holder(word);
	r->owner = r->looked_up ? task_find(t->k, (int)r->looked_up) : NULL;
	lock_take(&futex_pi_lock);
	ret = lock_begin(t, r);
	lock_drop(&futex_pi_lock);
	task_put(r->owner);
	return ret;
}

int64_t futex_lock_pi(struct task *t, uaddr_t addr, bool private, bool try_only, int64_t deadline)
{
	struct lock_request r = { .addr = addr, .try_only = try_only };
	int64_t ret;

	if (t->blk.data)
		return pi_await(t, -ERESTARTNOINTR);
	ret = futex_key(t, addr, private, &r.key);
	if (!ret)
		ret = lock_attempt(t, &r);
	if (ret != SYS_BLOCKED)
		return ret;
	task_set_deadline(t, deadline);
	return pi_await(t, -ERESTARTNOINTR);
}

/* --- freeing ----------------------------------------------------------------------------------------------------------- */

static int64_t unlock_at_stop(struct task *t)
{
	uaddr_t addr = arg_addr(&t->call, 0);
	struct pi_waiter *top;
	struct mem_key key;
	uint32_t word;
	int done = futex_key(t, addr, arg_u32(&t->call, 1) & LX_FUTEX_PRIVATE_FLAG, &key);

	if (!done)
		done = pi_read(t, addr, &word);
	if (done)
		return done;
	LOCK_GUARD(&futex_pi_lock);
	top = pi_top(&key, false);
	for (int i = 0; i < PI_TRIES; i++) {
		if (holder(word) != (uint32_t)t->tid)
			return -EPERM;
		if (top && top->owner != t)
			return -EINVAL;
		done = stop_cmpxchg32(t->tracee, addr, word, top ? LX_FUTEX_WAITERS | (uint32_t)top->t->tid : 0, &word);
		if (done < 0)
			return done;
		if (done > 0 && top)
			pi_grant(top);
		if (done > 0)
			return 0;
	}
	return -ERESTARTNOINTR;
}

int64_t futex_unlock_pi(struct task *t, uaddr_t addr, bool private)
{
	struct mem_key key;
	uint32_t word;
	int err = futex_key(t, addr, private, &key);

	if (!err)
		err = pi_read(t, addr, &word);
	if (err)
		return err;
	if (holder(word) != (uint32_t)t->tid)
		return -EPERM;
	t->at_stop = unlock_at_stop;
	return SYS_AT_STOP;
}

/* --- a holder's death ---------------------------------------------------------------------------------------------------- */

/* The waiter's own memory is written: it is blocked, and so stays. Not atomic, as in futex_robust.c: the word names a dead task. */
static void inherit(struct pi_waiter *w)
{
	uint32_t word = LX_FUTEX_OWNER_DIED | LX_FUTEX_WAITERS | (uint32_t)w->t->tid;
	struct tracee *tracee;

	lock_take(&w->t->tracee_lock);
	tracee = w->t->tracee ? tracee_get(w->t->tracee) : NULL;
	lock_drop(&w->t->tracee_lock);
	if (tracee) {
		tracee_write(tracee, w->addr, &word, sizeof(word));
		tracee_put(tracee);
	}
	pi_grant(w);
}

void futex_pi_owner_died(struct task *t, uaddr_t addr)
{
	struct pi_waiter *top;
	struct mem_key key;
	uint32_t word;

	if (futex_key(t, addr, false, &key) < 0)
		return;
	LOCK_GUARD(&futex_pi_lock);
	if (pi_read(t, addr, &word) < 0 || holder(word) != (uint32_t)t->tid)
		return;
	top = pi_top(&key, false);
	word = (word & LX_FUTEX_WAITERS) | LX_FUTEX_OWNER_DIED;
	if (top && top->owner == t)
		inherit(top);
	else
		tracee_write(t->tracee, addr, &word, sizeof(word));
}

static struct pi_waiter *waits_for(const struct task *t)
{
	struct pi_waiter *w;

	for (int i = 0; i < LISTS; i++)
		if (lists[i].next)
			list_for_each(w, &lists[i], link)
				if (w->owner == t)
					return w;
	return NULL;
}

void futex_pi_release(struct task *t)
{
	struct pi_waiter *w;

	LOCK_GUARD(&futex_pi_lock);
	t->futex_released = true;
	while (atomic_load(&waiting) && (w = waits_for(t)))
		inherit(pi_top(&w->key, false));
}
