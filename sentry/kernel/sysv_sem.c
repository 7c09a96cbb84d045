/* System V semaphores: semget(2), semop(2), semctl(2). */
#include "sentry/kernel/sysv_sem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "sentry/kernel/kernel.h"

#define MAX_SETS 32000u
#define MAX_SEMS 1024000u /* in the whole sandbox */

struct sem {
	int32_t value;
	int32_t pid; /* who changed it last */
};

/* What a process's SEM_UNDO operations add up to, to be taken back at its end. */
struct undo {
	struct list link;           /* on the set's list */
	const struct process *proc; /* not referenced: its end removes this */
	int32_t by[];               /* one a semaphore */
};

struct set {
	struct ipc_object o;
	/* protected by the table's lock */
	struct list undos;
	int64_t otime;
	uint32_t count; /* immutable */
	struct sem sem[];
};

static void set_free(struct ipc_object *);
/* One sandbox is one sentry: its semaphores are the process's. */
static struct ipc_table sets = IPC_TABLE_INIT("sysv semaphores", MAX_SETS, set_free);
static uint32_t sems_used;        /* protected by sets.lock */
static atomic_uint undos_used;    /* of all sets: the ends of most processes need not look */

static struct set *set_of(struct ipc_object *o)
{
	return container_of(o, struct set, o);
}

static int64_t set_size(uint32_t count)
{
	return (int64_t)(sizeof(struct set) + count * sizeof(struct sem));
}

static void undo_free(struct undo *u)
{
	list_remove(&u->link);
	atomic_fetch_sub(&undos_used, 1);
	mem_free(u);
}

static void drop_undos(struct set *s)
{
	struct undo *u, *next;

	list_for_each_safe(u, next, &s->undos, link)
		undo_free(u);
}

static void set_free(struct ipc_object *o)
{
	struct set *s = set_of(o);

	drop_undos(s);
	memory_charge(the_kernel, -set_size(s->count));
	mem_free(s);
}

static struct ipc_object *set_new(struct task *t, const struct ipc_want *w, int *err)
{
	uint32_t count = (uint32_t)w->size;
	struct set *s;

	(void)t;
	if (!count)
		*err = -EINVAL;
	else if (sems_used + count > MAX_SEMS)
		*err = -ENOSPC;
	else
		*err = memory_charge(the_kernel, set_size(count));
	if (*err < 0)
		return NULL;
	s = mem_zalloc((size_t)set_size(count));
	if (!s) {
		memory_charge(the_kernel, -set_size(count));
		return NULL;
	}
	list_init(&s->undos);
	s->count = count;
	sems_used += count;
	return &s->o;
}

static int check_count(const struct ipc_object *o, const struct ipc_want *w)
{
	return w->size > container_of(o, const struct set, o)->count ? -EINVAL : 0;
}

int64_t sem_get(struct task *t, int32_t key, int32_t count, uint32_t flags)
{
	struct ipc_want w = { .key = key, .flags = flags, .size = (uint64_t)count, .create = set_new, .check = check_count };

	if (count < 0 || (uint32_t)count > SEM_MAX_PER_SET)
		return -EINVAL;
	return ipc_get(t, &sets, &w);
}

static int lock_set(struct task *t, int id, uint32_t want, struct set **out)
{
	const struct ipc_object *waited = t->blk.data;
	struct ipc_object *o;
	int ret = ipc_lock(t, &sets, id, &o);

	if (ret < 0)
		return waited && waited->removed ? -EIDRM : ret;
	ret = ipc_permission(t, o, want);
	if (ret < 0)
		lock_drop(&sets.lock);
	*out = set_of(o);
	return ret;
}

/* --- operations ------------------------------------------------------------------------------------------------------------ */

static struct undo *undo_of(struct set *s, const struct process *p, bool make)
{
	struct undo *u;

	list_for_each(u, &s->undos, link)
		if (u->proc == p)
			return u;
	if (!make)
		return NULL;
	u = mem_zalloc(sizeof(*u) + s->count * sizeof(u->by[0]));
	if (!u)
		return NULL;
	u->proc = p;
	list_push_back(&s->undos, &u->link);
	atomic_fetch_add(&undos_used, 1);
	return u;
}

/* Applies one operation. -EAGAIN when it must wait, -ERANGE. */
static int apply(struct set *s, const struct lx_sembuf *op, struct undo *u)
{
	int32_t *value = &s->sem[op->sem_num].value;

	if (op->sem_op == 0)
		return *value ? -EAGAIN : 0;
	if (*value + op->sem_op < 0)
		return -EAGAIN;
	if (*value + op->sem_op > SEM_MAX_VALUE)
		return -ERANGE;
	if (op->sem_flg & LX_SEM_UNDO) {
		int32_t by = u->by[op->sem_num] - op->sem_op;

		if (by < -SEM_MAX_VALUE - 1 || by > SEM_MAX_VALUE)
			return -ERANGE;
		u->by[op->sem_num] = by;
	}
	*value += op->sem_op;
	return 0;
}

static void take_back(struct set *s, const struct lx_sembuf *op, struct undo *u)
{
	s->sem[op->sem_num].value -= op->sem_op;
	if (op->sem_op && op->sem_flg & LX_SEM_UNDO)
		u->by[op->sem_num] += op->sem_op;
}

/* All or none; *stuck is the operation that could not be done. */
static int apply_all(struct set *s, const struct lx_sembuf *ops, uint32_t count, struct undo *u, uint32_t *stuck)
{
	for (uint32_t i = 0; i < count; i++) {
		int ret = apply(s, &ops[i], u);

		if (ret == 0)
			continue;
		*stuck = i;
		while (i-- > 0)
			take_back(s, &ops[i], u);
		return ret;
	}
	return 0;
}

/* A blocked call's record for GETNCNT and GETZCNT is its own operation: scratch[0] and [1]. */
enum { WAIT_NUM, WAIT_KIND };
enum { WAITS_FOR_MORE = 1, WAITS_FOR_ZERO = 2 };

static void mark_waiting(struct task *t, const struct lx_sembuf *op)
{
	t->blk.scratch[WAIT_NUM] = op->sem_num;
	t->blk.scratch[WAIT_KIND] = op->sem_op ? WAITS_FOR_MORE : WAITS_FOR_ZERO;
}

static int64_t locked_try(struct task *t, struct set *s, const struct lx_sembuf *ops, uint32_t count, bool *nowait)
{
	struct undo *u = NULL;
	bool alter = false;
	uint32_t stuck = 0;
	int ret;

	for (uint32_t i = 0; i < count; i++) {
		if (ops[i].sem_num >= s->count)
			return -EFBIG;
		alter |= ops[i].sem_op != 0;
		if (ops[i].sem_flg & LX_SEM_UNDO && !u) {
			u = undo_of(s, t->proc, true);
			if (!u)
				return -ENOMEM;
		}
	}
	ret = apply_all(s, ops, count, u, &stuck);
	if (ret == -EAGAIN) {
		*nowait = ops[stuck].sem_flg & LX_IPC_NOWAIT;
		if (!*nowait) {
			mark_waiting(t, &ops[stuck]);
			ret = ipc_wait_on(t, &s->o) < 0 ? -ENOMEM : -EAGAIN;
		}
	}
	if (ret < 0)
		return ret;
	s->otime = ipc_now();
	for (uint32_t i = 0; i < count; i++)
		s->sem[ops[i].sem_num].pid = task_pid(t);
	if (alter)
		waitq_wake(&s->o.queue, ~0u);
	return 0;
}

static bool alters(const struct lx_sembuf *ops, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (ops[i].sem_op)
			return true;
	return false;
}

int64_t sem_try(struct task *t, int id, const struct lx_sembuf *ops, uint32_t count, bool *nowait)
{
	struct set *s;
	int64_t ret = lock_set(t, id, alters(ops, count) ? IPC_MAY_WRITE : IPC_MAY_READ, &s);

	if (ret < 0)
		return ret;
	ret = locked_try(t, s, ops, count, nowait);
	lock_drop(&sets.lock);
	return ret;
}

static void undo_process(struct set *s, const struct process *p)
{
	struct undo *u = undo_of(s, p, false);

	if (!u)
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		struct sem *sem = &s->sem[i];

		if (!u->by[i])
			continue;
		sem->value += u->by[i];
		if (sem->value < 0)
			sem->value = 0;
		if (sem->value > SEM_MAX_VALUE)
			sem->value = SEM_MAX_VALUE;
		sem->pid = p->pid;
	}
	undo_free(u);
	s->otime = ipc_now();
	waitq_wake(&s->o.queue, ~0u);
}

void sem_process_exit(struct process *p)
{
	if (!atomic_load(&undos_used))
		return;
	LOCK_GUARD(&sets.lock);
	for (uint32_t i = 0; i < sets.slots; i++)
		if (sets.slot[i])
			undo_process(set_of(sets.slot[i]), p);
}

/* --- semctl: one, or all ------------------------------------------------------------------------------------------------------- */

static int64_t count_waiting(struct set *s, int32_t num, uint64_t kind)
{
	struct waiter *w;
	int64_t n = 0;

	LOCK_GUARD(&s->o.queue.lock);
	list_for_each(w, &s->o.queue.waiters, link) {
		const struct task *t = container_of(w, struct task_waiter, w)->t;

		if (t->blk.scratch[WAIT_NUM] == (uint64_t)num && t->blk.scratch[WAIT_KIND] == kind)
			n++;
	}
	return n;
}

int64_t sem_get_one(struct task *t, int id, int32_t num, int what)
{
	struct set *s;
	int64_t ret = lock_set(t, id, IPC_MAY_READ, &s);

	if (ret < 0)
		return ret;
	if (num < 0 || (uint32_t)num >= s->count)
		ret = -EINVAL;
	else if (what == LX_GETVAL)
		ret = s->sem[num].value;
	else if (what == LX_GETPID)
		ret = s->sem[num].pid;
	else
		ret = count_waiting(s, num, what == LX_GETNCNT ? WAITS_FOR_MORE : WAITS_FOR_ZERO);
	lock_drop(&sets.lock);
	return ret;
}

/* A value that was set is not undone. */
static void forget_undo(struct set *s, uint32_t num)
{
	struct undo *u;

	list_for_each(u, &s->undos, link)
		u->by[num] = 0;
}

int64_t sem_set_one(struct task *t, int id, int32_t num, int32_t value)
{
	struct set *s;
	int64_t ret;

	if (value < 0 || value > SEM_MAX_VALUE)
		return -ERANGE;
	ret = lock_set(t, id, IPC_MAY_WRITE, &s);
	if (ret < 0)
		return ret;
	if (num < 0 || (uint32_t)num >= s->count) {
		ret = -EINVAL;
	} else {
		s->sem[num] = (struct sem){ .value = value, .pid = task_pid(t) };
		forget_undo(s, (uint32_t)num);
		s->o.ctime = ipc_now();
		waitq_wake(&s->o.queue, ~0u);
	}
	lock_drop(&sets.lock);
	return ret;
}

int64_t sem_count(struct task *t, int id)
{
	struct set *s;
	int64_t ret = lock_set(t, id, 0, &s);

	if (ret < 0)
		return ret;
	ret = s->count;
	lock_drop(&sets.lock);
	return ret;
}

int64_t sem_get_all(struct task *t, int id, uint16_t *out, uint32_t count)
{
	struct set *s;
	int64_t ret = lock_set(t, id, IPC_MAY_READ, &s);

	if (ret < 0)
		return ret;
	for (uint32_t i = 0; i < count && i < s->count; i++)
		out[i] = (uint16_t)s->sem[i].value;
	lock_drop(&sets.lock);
	return 0;
}

int64_t sem_set_all(struct task *t, int id, const uint16_t *values, uint32_t count)
{
	struct set *s;
	int64_t ret;

	for (uint32_t i = 0; i < count; i++)
		if (values[i] > SEM_MAX_VALUE)
			return -ERANGE;
	ret = lock_set(t, id, IPC_MAY_WRITE, &s);
	if (ret < 0)
		return ret;
	for (uint32_t i = 0; i < count && i < s->count; i++) {
		s->sem[i] = (struct sem){ .value = values[i], .pid = task_pid(t) };
		forget_undo(s, i);
	}
	s->o.ctime = ipc_now();
	waitq_wake(&s->o.queue, ~0u);
	lock_drop(&sets.lock);
	return 0;
}

/* --- semctl: the set -------------------------------------------------------------------------------------------------------------- */

int64_t sem_stat(struct task *t, int id, bool by_index, bool any, struct lx_semid_ds *out)
{
	struct ipc_object *o;
	int64_t ret = by_index ? ipc_lock_index(t, &sets, id, &o) : ipc_lock(t, &sets, id, &o);

	if (ret < 0)
		return ret;
	ret = any ? 0 : ipc_permission(t, o, IPC_MAY_READ);
	*out = (struct lx_semid_ds){ .sem_perm = o->perm, .sem_otime = set_of(o)->otime, .sem_ctime = o->ctime, .sem_nsems = set_of(o)->count };
	if (ret == 0 && by_index)
		ret = o->id;
	lock_drop(&sets.lock);
	return ret;
}

int64_t sem_set(struct task *t, int id, const struct lx_semid_ds *ds)
{
	struct ipc_object *o;
	int ret = ipc_lock(t, &sets, id, &o);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, o);
	if (ret == 0)
		ipc_set(o, &ds->sem_perm);
	lock_drop(&sets.lock);
	return ret;
}

static void remove_set(struct set *s)
{
	sems_used -= s->count;
	drop_undos(s);
	ipc_remove(&s->o);
}

int64_t sem_remove(struct task *t, int id)
{
	struct ipc_object *o;
	int ret = ipc_lock(t, &sets, id, &o);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, o);
	if (ret == 0)
		remove_set(set_of(o));
	lock_drop(&sets.lock);
	return ret;
}

int64_t sem_info(struct task *t, bool used, struct lx_seminfo *out)
{
	*out = (struct lx_seminfo){ .semmap = MAX_SEMS, .semmni = MAX_SETS, .semmns = MAX_SEMS, .semmnu = MAX_SEMS,
				    .semmsl = SEM_MAX_PER_SET, .semopm = SEM_MAX_OPS, .semume = SEM_MAX_OPS, .semusz = 20,
				    .semvmx = SEM_MAX_VALUE, .semaem = SEM_MAX_VALUE };
	LOCK_GUARD(&sets.lock);
	if (used) {
		out->semusz = (int32_t)ipc_used(t, &sets);
		out->semaem = 0;
		for (uint32_t i = 0; i < sets.slots; i++)
			if (ipc_seen(t, sets.slot[i]))
				out->semaem += (int32_t)set_of(sets.slot[i])->count;
	}
	return ipc_highest(t, &sets);
}

void sem_end_ns(uint32_t ns)
{
	LOCK_GUARD(&sets.lock);
	for (uint32_t i = 0; i < sets.slots; i++)
		if (sets.slot[i] && sets.slot[i]->ns == ns)
			remove_set(set_of(sets.slot[i]));
}
