/* System V message queues: msgget(2), msgop(2), msgctl(2). */
#include "sentry/kernel/sysv_msg.h"

#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/kernel.h"

#define MAX_QUEUES 32000u

struct queue {
	struct ipc_object o;
	/* protected by the table's lock */
	struct list messages;
	uint64_t bytes, count, max_bytes;
	int64_t stime, rtime;
	int lspid, lrpid;
};

static void queue_free(struct ipc_object *);
/* One sandbox is one sentry: its queues are the process's. */
static struct ipc_table queues = IPC_TABLE_INIT("sysv queues", MAX_QUEUES, queue_free);

static struct queue *queue_of(struct ipc_object *o)
{
	return container_of(o, struct queue, o);
}

struct message *message_new(uint64_t len)
{
	int64_t size = (int64_t)(sizeof(struct message) + len);
	struct message *m;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	m = mem_alloc((size_t)size);
	if (m)
		*m = (struct message){ .len = len };
	else
		memory_charge(the_kernel, -size);
	return m;
}

void message_free(struct message *m)
{
	if (!m)
		return;
	memory_charge(the_kernel, -(int64_t)(sizeof(*m) + m->len));
	mem_free(m);
}

static void queue_free(struct ipc_object *o)
{
	struct queue *q = queue_of(o);
	struct message *m, *next;

	list_for_each_safe(m, next, &q->messages, link)
		message_free(m);
	mem_free(q);
}

static struct ipc_object *queue_new(struct task *t, const struct ipc_want *w, int *err)
{
	struct queue *q = mem_zalloc(sizeof(*q));

	(void)t;
	(void)w;
	(void)err;
	if (!q)
		return NULL;
	list_init(&q->messages);
	q->max_bytes = MSG_QBYTES;
	return &q->o;
}

int64_t msg_get(struct task *t, int32_t key, uint32_t flags)
{
	struct ipc_want w = { .key = key, .flags = flags, .create = queue_new };

	return ipc_get(t, &queues, &w);
}

/* In a later run of a blocked call: is the object it waits on gone? */
static bool waited_for_removed(const struct task *t)
{
	const struct ipc_object *o = t->blk.data;

	return o && o->removed;
}

static int lock_queue(struct task *t, int id, uint32_t want, struct queue **out)
{
	struct ipc_object *o;
	int ret = ipc_lock(t, &queues, id, &o);

	if (ret < 0)
		return waited_for_removed(t) ? -EIDRM : ret;
	ret = ipc_permission(t, o, want);
	if (ret < 0)
		lock_drop(&queues.lock);
	*out = queue_of(o);
	return ret;
}

/* --- moving messages ----------------------------------------------------------------------------------------------------------- */

static int64_t wait_for(struct task *t, struct queue *q)
{
	return ipc_wait_on(t, &q->o) < 0 ? -ENOMEM : -EAGAIN;
}

int64_t msg_send(struct task *t, int id, struct message *m, uint32_t flags)
{
	struct queue *q;
	int64_t ret = lock_queue(t, id, IPC_MAY_WRITE, &q);

	if (ret < 0)
		return ret;
	if (q->bytes + m->len > q->max_bytes || q->count + 1 > q->max_bytes) {
		ret = flags & LX_IPC_NOWAIT ? -EAGAIN : wait_for(t, q);
	} else {
		list_push_back(&q->messages, &m->link);
		q->bytes += m->len;
		q->count++;
		q->stime = ipc_now();
		q->lspid = task_pid(t);
		waitq_wake(&q->o.queue, ~0u);
	}
	lock_drop(&queues.lock);
	return ret;
}

/* The message that a receive of this type takes: msgop(2). */
static struct message *choose(struct queue *q, int64_t type, uint32_t flags)
{
	int64_t at_most = type == INT64_MIN ? INT64_MAX : -type;
	struct message *m, *best = NULL;

	list_for_each(m, &q->messages, link) {
		if (type >= 0) {
			if (type == 0 || (m->type == type) == !(flags & LX_MSG_EXCEPT))
				return m;
		} else if (m->type <= at_most && (!best || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

int64_t msg_copy(struct task *t, int id, int64_t number, uint64_t room, uint32_t flags, struct message **out)
{
	struct message *m, *found = NULL;
	struct queue *q;
	int64_t ret = lock_queue(t, id, IPC_MAY_READ, &q);

	if (ret < 0)
		return ret;
	list_for_each(m, &q->messages, link)
		if (number-- == 0)
			found = m;
	if (!found) {
		ret = -ENOMSG;
	} else if (found->len > room) {
		ret = flags & LX_MSG_NOERROR ? -EINVAL : -E2BIG;
	} else if (!(*out = message_new(found->len))) {
		ret = -ENOMEM;
	} else {
		(*out)->type = found->type;
		memcpy((*out)->text, found->text, found->len);
	}
	lock_drop(&queues.lock);
	return ret;
}

int64_t msg_receive(struct task *t, int id, int64_t type, uint64_t room, uint32_t flags, struct message **out)
{
	struct message *m;
	struct queue *q;
	int64_t ret = lock_queue(t, id, IPC_MAY_READ, &q);

	if (ret < 0)
		return ret;
	m = choose(q, type, flags);
	if (!m) {
		ret = flags & LX_IPC_NOWAIT ? -ENOMSG : wait_for(t, q);
	} else if (m->len > room && !(flags & LX_MSG_NOERROR)) {
		ret = -E2BIG;
	} else {
		list_remove(&m->link);
		q->bytes -= m->len;
		q->count--;
		q->rtime = ipc_now();
		q->lrpid = task_pid(t);
		waitq_wake(&q->o.queue, ~0u);
		*out = m;
	}
	lock_drop(&queues.lock);
	return ret;
}

/* --- msgctl ---------------------------------------------------------------------------------------------------------------------- */

int64_t msg_stat(struct task *t, int id, bool by_index, bool any, struct lx_msqid_ds *out)
{
	struct ipc_object *o;
	int64_t ret = by_index ? ipc_lock_index(t, &queues, id, &o) : ipc_lock(t, &queues, id, &o);
	struct queue *q;

	if (ret < 0)
		return ret;
	q = queue_of(o);
	ret = any ? 0 : ipc_permission(t, o, IPC_MAY_READ);
	*out = (struct lx_msqid_ds){ .msg_perm = o->perm, .msg_stime = q->stime, .msg_rtime = q->rtime, .msg_ctime = o->ctime,
				     .msg_cbytes = q->bytes, .msg_qnum = q->count, .msg_qbytes = q->max_bytes,
				     .msg_lspid = q->lspid, .msg_lrpid = q->lrpid };
	if (ret == 0 && by_index)
		ret = o->id;
	lock_drop(&queues.lock);
	return ret;
}

int64_t msg_set(struct task *t, int id, const struct lx_msqid_ds *ds)
{
	struct ipc_object *o;
	int ret = ipc_lock(t, &queues, id, &o);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, o);
	if (ret == 0 && ds->msg_qbytes > MSG_QBYTES && !cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		ret = -EPERM;
	if (ret == 0) {
		ipc_set(o, &ds->msg_perm);
		queue_of(o)->max_bytes = ds->msg_qbytes;
		waitq_wake(&o->queue, ~0u);
	}
	lock_drop(&queues.lock);
	return ret;
}

int64_t msg_remove(struct task *t, int id)
{
	struct ipc_object *o;
	int ret = ipc_lock(t, &queues, id, &o);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, o);
	if (ret == 0)
		ipc_remove(o);
	lock_drop(&queues.lock);
	return ret;
}

int64_t msg_info(struct task *t, bool used, struct lx_msginfo *out)
{
	*out = (struct lx_msginfo){ .msgpool = 512000, .msgmap = MSG_QBYTES, .msgmax = MSG_MAX, .msgmnb = MSG_QBYTES,
				    .msgmni = MAX_QUEUES, .msgssz = 16, .msgtql = MSG_QBYTES, .msgseg = 0xffff };
	LOCK_GUARD(&queues.lock);
	if (used) {
		out->msgpool = (int32_t)ipc_used(t, &queues);
		out->msgmap = out->msgtql = 0;
		for (uint32_t i = 0; i < queues.slots; i++)
			if (ipc_seen(t, queues.slot[i])) {
				out->msgmap += (int32_t)queue_of(queues.slot[i])->count;
				out->msgtql += (int32_t)queue_of(queues.slot[i])->bytes;
			}
	}
	return ipc_highest(t, &queues);
}

void msg_end_ns(uint32_t ns)
{
	LOCK_GUARD(&queues.lock);
	for (uint32_t i = 0; i < queues.slots; i++)
		if (queues.slot[i] && queues.slot[i]->ns == ns)
			ipc_remove(queues.slot[i]);
}
