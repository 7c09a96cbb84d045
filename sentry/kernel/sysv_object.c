/* System V IPC: keys, ids, permissions. See sysv.h; ipc/util.c of Linux for the rules. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/sysv.h"
#include "sentry/kernel/task.h"

int64_t ipc_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

void ipc_put(struct ipc_object *o)
{
	if (o && ref_put(&o->ref))
		o->table->free(o);
}

int ipc_permission(struct task *t, const struct ipc_object *o, uint32_t want)
{
	const struct cred *c = t->cred;
	uint32_t granted = o->perm.mode;

	if (c->euid == o->perm.cuid || c->euid == o->perm.uid)
		granted >>= 6;
	else if (cred_has_group(c, o->perm.cgid) || cred_has_group(c, o->perm.gid))
		granted >>= 3;
	if (want & ~granted & 7 && !cred_capable(c, LX_CAP_IPC_OWNER))
		return -EACCES;
	return 0;
}

int ipc_may_change(struct task *t, const struct ipc_object *o)
{
	if (t->cred->euid == o->perm.cuid || t->cred->euid == o->perm.uid || cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

void ipc_set(struct ipc_object *o, const struct lx_ipc_perm *p)
{
	o->perm.uid = p->uid;
	o->perm.gid = p->gid;
	o->perm.mode = (o->perm.mode & ~0777u) | (p->mode & 0777u);
	o->ctime = ipc_now();
}

/* --- the table ------------------------------------------------------------------------------------------------------------ */

static uint32_t ns_of(const struct task *t)
{
	return t->ns->of[NS_IPC]->inum;
}

bool ipc_seen(struct task *t, const struct ipc_object *o)
{
	return o && o->ns == ns_of(t);
}

static struct ipc_object *find_key(struct task *t, const struct ipc_table *tab, int32_t key)
{
	for (uint32_t i = 0; i < tab->slots; i++)
		if (ipc_seen(t, tab->slot[i]) && tab->slot[i]->perm.key == key)
			return tab->slot[i];
	return NULL;
}

static int free_index(struct ipc_table *tab)
{
	uint32_t slots = tab->slots ? tab->slots * 2 : 16, first = tab->slots;
	struct ipc_object **slot;

	for (uint32_t i = 0; i < tab->slots; i++)
		if (!tab->slot[i])
			return (int)i;
	if (slots > IPC_INDEXES)
		return -ENOSPC;
	slot = mem_realloc_array(tab->slot, slots, sizeof(struct ipc_object *));
	if (!slot)
		return -ENOMEM;
	memset(slot + tab->slots, 0, (slots - tab->slots) * sizeof(struct ipc_object *));
	tab->slot = slot;
	tab->slots = slots;
	return (int)first;
}

static int64_t add(struct task *t, struct ipc_table *tab, const struct ipc_want *w)
{
	struct ipc_object *o;
	int index, err = 0;

	if (tab->used >= tab->max)
		return -ENOSPC;
	index = free_index(tab);
	if (index < 0)
		return index;
	o = w->create(t, w, &err);
	if (!o)
		return err ? err : -ENOMEM;
	ref_init(&o->ref);
	waitq_init(&o->queue);
	o->table = tab;
	o->ns = ns_of(t);
	o->id = (int)(tab->seq % (INT32_MAX / IPC_INDEXES) * IPC_INDEXES) + index;
	o->perm = (struct lx_ipc_perm){ .key = w->key, .uid = t->cred->euid, .gid = t->cred->egid, .cuid = t->cred->euid,
					.cgid = t->cred->egid, .mode = w->flags & 0777u,
					.seq = (uint16_t)(tab->seq % (INT32_MAX / IPC_INDEXES)) };
	o->ctime = ipc_now();
	tab->slot[index] = o;
	tab->used++;
	return o->id;
}

int64_t ipc_get(struct task *t, struct ipc_table *tab, const struct ipc_want *w)
{
	struct ipc_object *o;
	int ret;

	LOCK_GUARD(&tab->lock);
	o = w->key == LX_IPC_PRIVATE ? NULL : find_key(t, tab, w->key);
	if (!o)
		return w->key == LX_IPC_PRIVATE || w->flags & LX_IPC_CREAT ? add(t, tab, w) : -ENOENT;
	if ((w->flags & (LX_IPC_CREAT | LX_IPC_EXCL)) == (LX_IPC_CREAT | LX_IPC_EXCL))
		return -EEXIST;
	ret = w->check ? w->check(o, w) : 0;
	if (ret == 0)
		ret = ipc_permission(t, o, w->flags >> 6 | w->flags >> 3 | w->flags);
	return ret < 0 ? ret : o->id;
}

int ipc_lock_index(struct task *t, struct ipc_table *tab, int index, struct ipc_object **out)
{
	lock_take(&tab->lock);
	if (index >= 0 && (uint32_t)index < tab->slots && ipc_seen(t, tab->slot[index])) {
		*out = tab->slot[index];
		return 0;
	}
	lock_drop(&tab->lock);
	return -EINVAL;
}

int ipc_lock(struct task *t, struct ipc_table *tab, int id, struct ipc_object **out)
{
	int ret = id < 0 ? -EINVAL : ipc_lock_index(t, tab, (int)((uint32_t)id % IPC_INDEXES), out);

	if (ret == 0 && (*out)->id != id) {
		lock_drop(&tab->lock);
		ret = -EIDRM;
	}
	return ret;
}

void ipc_remove(struct ipc_object *o)
{
	struct ipc_table *tab = o->table;

	tab->slot[(uint32_t)o->id % IPC_INDEXES] = NULL;
	tab->used--;
	tab->seq++; /* the next object at this index gets another id */
	o->removed = true;
	waitq_wake(&o->queue, ~0u);
	ipc_put(o);
}

uint32_t ipc_used(struct task *t, const struct ipc_table *tab)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < tab->slots; i++)
		n += ipc_seen(t, tab->slot[i]);
	return n;
}

int ipc_highest(struct task *t, const struct ipc_table *tab)
{
	for (uint32_t i = tab->slots; i > 0; i--)
		if (ipc_seen(t, tab->slot[i - 1]))
			return (int)i - 1;
	return 0;
}

/* --- waiting ----------------------------------------------------------------------------------------------------------------- */

static void wait_free(void *o)
{
	ipc_put(o);
}

int ipc_wait_on(struct task *t, struct ipc_object *o)
{
	if (!t->blk.data) {
		ref_get(&o->ref);
		t->blk.data = o;
		t->blk.data_free = wait_free;
	}
	return task_wait_on(t, &o->queue, ~0u);
}
