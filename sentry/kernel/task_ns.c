/* Tasks and their namespaces: see task_ns.h. Linux: kernel/nsproxy.c. */
#include "sentry/kernel/task_ns.h"

#include <errno.h>

#include "abi/cred.h"
#include "abi/sched.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

struct ns *task_ns_of(struct task *t, enum ns_kind kind)
{
	LOCK_GUARD(&t->proc->lock);
	if (kind == NS_USER)
		return ns_get(&t->cred->user_ns->ns);
	return t->ns ? ns_get(t->ns->of[kind]) : NULL;
}

/* Who is in a chroot could leave it by what a user namespace's first process may do. */
static bool chrooted(struct task *t)
{
	AUTO_PATH struct path root = { 0 }, top = { 0 };

	fsctx_root(t->fs, &root);
	mount_ns_root(task_mount_ns(t), &top);
	return root.mount != top.mount || root.dentry != top.dentry;
}

static int new_user_ns(struct task *t, struct cred **out)
{
	struct user_ns *ns;
	int err;

	if (chrooted(t))
		return -EPERM;
	err = user_ns_create(t->cred, &ns);
	if (err)
		return err;
	*out = cred_prepare(t);
	if (*out)
		cred_enter_user_ns(*out, ns);
	user_ns_put(ns);
	return *out ? 0 : -ENOMEM;
}

int task_new_ns(struct task *t, uint64_t flags, struct fsctx *fs, struct cred **cred, struct ns_set **set)
{
	struct user_ns *owner = t->cred->user_ns;
	int err = 0;

	*cred = NULL;
	*set = NULL;
	if (flags & LX_CLONE_NEWUSER)
		err = new_user_ns(t, cred);
	if (err || !(flags & LX_CLONE_NS_MASK & ~LX_CLONE_NEWUSER))
		return err;
	if (*cred)
		owner = (*cred)->user_ns;
	if (ns_capable(t->cred, owner, LX_CAP_SYS_ADMIN))
		*set = ns_set_unshare(t, flags, owner, &err);
	else
		err = -EPERM;
	if (err) {
		cred_put(*cred);
		*cred = NULL;
	} else if (flags & LX_CLONE_NEWNS) {
		mount_ns_move_fs(container_of((*set)->of[NS_MNT], struct mount_ns, ns), fs);
	}
	return err;
}

int task_unshare_ns(struct task *t, uint64_t flags)
{
	struct cred *cred;
	struct ns_set *set;
	int err = task_new_ns(t, flags, t->fs, &cred, &set);

	if (err)
		return err;
	if (cred)
		cred_commit(t, cred);
	if (set)
		task_set_ns(t, set);
	return 0;
}

/* --- setns ------------------------------------------------------------------------------------------------------------------ */

/* What is being put together; nothing of it is the task's until all is permitted. */
struct entering {
	struct task *t;
	struct cred *cred;   /* private */
	struct ns_set *set;  /* private */
	struct path root;    /* of the mount namespace; referenced; mount NULL: unchanged */
	bool user_changed;
};

static bool fs_is_shared(const struct task *t)
{
	return atomic_load(&t->fs->ref.count) > 1;
}

static int enter_user(struct entering *e, struct ns *ns)
{
	struct user_ns *u = container_of(ns, struct user_ns, ns);

	if (u == e->t->cred->user_ns || e->t->proc->live_tasks > 1 || fs_is_shared(e->t))
		return -EINVAL;
	if (!ns_capable(e->t->cred, u, LX_CAP_SYS_ADMIN))
		return -EPERM;
	cred_enter_user_ns(e->cred, u);
	e->user_changed = true;
	return 0;
}

static bool may_enter(const struct entering *e, const struct ns *ns)
{
	return ns_capable(e->cred, ns->owner, LX_CAP_SYS_ADMIN) && cred_own_capable(e->cred, LX_CAP_SYS_ADMIN);
}

static int enter_mnt(struct entering *e, struct ns *ns)
{
	struct mount_ns *m = container_of(ns, struct mount_ns, ns);

	if (!may_enter(e, ns) || !cred_own_capable(e->cred, LX_CAP_SYS_CHROOT))
		return -EPERM;
	if (m->anonymous || fs_is_shared(e->t))
		return -EINVAL;
	path_put(&e->root);
	mount_ns_root(m, &e->root);
	return 0;
}

static int enter_time(struct entering *e, struct ns *ns)
{
	if (!may_enter(e, ns))
		return -EPERM;
	if (e->t->proc->live_tasks > 1)
		return -EUSERS;
	ns_put(e->set->time_for_children);
	e->set->time_for_children = ns_get(ns);
	return 0;
}

static int enter_one(struct entering *e, struct ns *ns)
{
	int err = 0;

	switch (ns->kind) {
	case NS_USER:
		return enter_user(e, ns);
	case NS_MNT:
		err = enter_mnt(e, ns);
		break;
	case NS_TIME:
		err = enter_time(e, ns);
		break;
	default:
		err = may_enter(e, ns) ? 0 : -EPERM;
	}
	if (err)
		return err;
	ns_put(e->set->of[ns->kind]);
	e->set->of[ns->kind] = ns_get(ns);
	return 0;
}

static int entering_init(struct entering *e, struct task *t)
{
	*e = (struct entering){ .t = t, .cred = cred_prepare(t), .set = ns_set_copy(t->ns) };
	return e->cred && e->set ? 0 : -ENOMEM;
}

static void move_root(struct fsctx *fs, struct path *root)
{
	struct path old[2];

	lock_take(&fs->lock);
	old[0] = fs->root;
	old[1] = fs->cwd;
	path_get(root);
	fs->root = fs->cwd = *root;
	lock_drop(&fs->lock);
	path_put(&old[0]);
	path_put(&old[1]);
	*root = (struct path){ 0 };
}

/* All or nothing: err as it stands. */
static int entering_end(struct entering *e, int err)
{
	if (!err && e->user_changed) {
		cred_commit(e->t, e->cred);
		e->cred = NULL;
	}
	if (!err) {
		task_set_ns(e->t, e->set);
		e->set = NULL;
	}
	if (!err && e->root.mount)
		move_root(e->t->fs, &e->root);
	path_put(&e->root);
	cred_put(e->cred);
	ns_set_put(e->set);
	return err;
}

int task_enter_ns(struct task *t, struct ns *ns)
{
	struct entering e;
	int err = entering_init(&e, t);

	if (!err)
		err = enter_one(&e, ns);
	return entering_end(&e, err);
}

int task_enter_ns_of(struct task *t, struct task *of, uint64_t flags)
{
	/* The user namespace first: it decides what is permitted of the others. */
	static const enum ns_kind order[] = { NS_USER, NS_MNT, NS_UTS, NS_IPC, NS_PID, NS_CGROUP, NS_NET, NS_TIME };
	struct entering e;
	int err = entering_init(&e, t);

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !err; i++) {
		struct ns *ns;

		if (!(flags & ns_types[order[i]].flag))
			continue;
		ns = task_ns_of(of, order[i]);
		err = ns ? enter_one(&e, ns) : -ESRCH;
		ns_put(ns);
	}
	return entering_end(&e, err);
}
