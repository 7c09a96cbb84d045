/* getuid and its kin, setuid, setgid, setreuid, setregid, setresuid, setresgid, setfsuid, setfsgid, getgroups, setgroups. credentials(7). */
#include <errno.h>
#include <stdlib.h>

#include "abi/cred.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define UNCHANGED UINT32_MAX

int64_t sys_getuid(struct task *t, const struct sysargs *a)
{
	(void)a;
	return id_shown(t->cred->user_ns, ID_USER, t->cred->uid);
}

int64_t sys_geteuid(struct task *t, const struct sysargs *a)
{
	(void)a;
	return id_shown(t->cred->user_ns, ID_USER, t->cred->euid);
}

int64_t sys_getgid(struct task *t, const struct sysargs *a)
{
	(void)a;
	return id_shown(t->cred->user_ns, ID_GROUP, t->cred->gid);
}

int64_t sys_getegid(struct task *t, const struct sysargs *a)
{
	(void)a;
	return id_shown(t->cred->user_ns, ID_GROUP, t->cred->egid);
}

static int64_t copy_out_three(struct task *t, const struct sysargs *a, enum id_kind kind, uint32_t real, uint32_t effective, uint32_t saved)
{
	const struct user_ns *ns = t->cred->user_ns;

	real = id_shown(ns, kind, real);
	effective = id_shown(ns, kind, effective);
	saved = id_shown(ns, kind, saved);
	if (copy_out(t, arg_addr(a, 0), &real, 4) < 0 || copy_out(t, arg_addr(a, 1), &effective, 4) < 0)
		return -EFAULT;
	return copy_out(t, arg_addr(a, 2), &saved, 4);
}

int64_t sys_getresuid(struct task *t, const struct sysargs *a)
{
	return copy_out_three(t, a, ID_USER, t->cred->uid, t->cred->euid, t->cred->suid);
}

int64_t sys_getresgid(struct task *t, const struct sysargs *a)
{
	return copy_out_three(t, a, ID_GROUP, t->cred->gid, t->cred->egid, t->cred->sgid);
}

/* --- user and group ids alike ---------------------------------------------------------------------------------------- */

/* Real, effective, saved and filesystem id of one kind, in and out of a struct cred. */
struct ids {
	uint32_t real, effective, saved, fs;
	bool privileged;
};

static struct ids user_ids(const struct cred *c)
{
	return (struct ids){ c->uid, c->euid, c->suid, c->fsuid, cred_own_capable(c, LX_CAP_SETUID) };
}

static struct ids group_ids(const struct cred *c)
{
	return (struct ids){ c->gid, c->egid, c->sgid, c->fsgid, cred_own_capable(c, LX_CAP_SETGID) };
}

static int64_t commit_users(struct task *t, const struct ids *ids)
{
	struct cred *new = cred_prepare(t);

	if (!new)
		return -ENOMEM;
	new->uid = ids->real;
	new->euid = ids->effective;
	new->suid = ids->saved;
	new->fsuid = ids->fs;
	cred_fix_user_change(t->cred, new);
	cred_commit(t, new);
	return 0;
}

static int64_t commit_groups(struct task *t, const struct ids *ids)
{
	struct cred *new = cred_prepare(t);

	if (!new)
		return -ENOMEM;
	new->gid = ids->real;
	new->egid = ids->effective;
	new->sgid = ids->saved;
	new->fsgid = ids->fs;
	cred_commit(t, new);
	return 0;
}

/* An id of the caller's namespace, as the kernel has it; -1 stays what it is. False when nobody has it. */
static bool map_id(const struct task *t, enum id_kind kind, uint32_t *id)
{
	if (*id == UNCHANGED)
		return true;
	*id = id_to_kernel(t->cred->user_ns, kind, *id);
	return *id != NO_ID;
}

static int set_one(struct ids *ids, uint32_t id)
{
	if (id == UNCHANGED)
		return -EINVAL;
	if (ids->privileged)
		ids->real = ids->saved = id;
	else if (id != ids->real && id != ids->saved)
		return -EPERM;
	ids->effective = ids->fs = id;
	return 0;
}

static int set_real_effective(struct ids *ids, uint32_t real, uint32_t effective)
{
	const struct ids old = *ids;

	if (real != UNCHANGED) {
		if (!old.privileged && real != old.real && real != old.effective)
			return -EPERM;
		ids->real = real;
	}
	if (effective != UNCHANGED) {
		if (!old.privileged && effective != old.real && effective != old.effective && effective != old.saved)
			return -EPERM;
		ids->effective = effective;
	}
	if (real != UNCHANGED || (effective != UNCHANGED && effective != old.real))
		ids->saved = ids->effective;
	ids->fs = ids->effective;
	return 0;
}

static bool is_one_of(const struct ids *ids, uint32_t id)
{
	return id == UNCHANGED || id == ids->real || id == ids->effective || id == ids->saved;
}

static int set_three(struct ids *ids, uint32_t real, uint32_t effective, uint32_t saved)
{
	if (!ids->privileged && (!is_one_of(ids, real) || !is_one_of(ids, effective) || !is_one_of(ids, saved)))
		return -EPERM;
	if (real != UNCHANGED)
		ids->real = real;
	if (effective != UNCHANGED)
		ids->effective = effective;
	if (saved != UNCHANGED)
		ids->saved = saved;
	ids->fs = ids->effective;
	return 0;
}

int64_t sys_setuid(struct task *t, const struct sysargs *a)
{
	struct ids ids = user_ids(t->cred);
	uint32_t id = arg_uid(a, 0);
	int err = map_id(t, ID_USER, &id) ? set_one(&ids, id) : -EINVAL;

	return err ? err : commit_users(t, &ids);
}

int64_t sys_setgid(struct task *t, const struct sysargs *a)
{
	struct ids ids = group_ids(t->cred);
	uint32_t id = arg_uid(a, 0);
	int err = map_id(t, ID_GROUP, &id) ? set_one(&ids, id) : -EINVAL;

	return err ? err : commit_groups(t, &ids);
}

int64_t sys_setreuid(struct task *t, const struct sysargs *a)
{
	struct ids ids = user_ids(t->cred);
	uint32_t id[2] = { arg_uid(a, 0), arg_uid(a, 1) };
	int err = map_id(t, ID_USER, &id[0]) && map_id(t, ID_USER, &id[1]) ? set_real_effective(&ids, id[0], id[1]) : -EINVAL;

	return err ? err : commit_users(t, &ids);
}

int64_t sys_setregid(struct task *t, const struct sysargs *a)
{
	struct ids ids = group_ids(t->cred);
	uint32_t id[2] = { arg_uid(a, 0), arg_uid(a, 1) };
	int err = map_id(t, ID_GROUP, &id[0]) && map_id(t, ID_GROUP, &id[1]) ? set_real_effective(&ids, id[0], id[1]) : -EINVAL;

	return err ? err : commit_groups(t, &ids);
}

int64_t sys_setresuid(struct task *t, const struct sysargs *a)
{
	struct ids ids = user_ids(t->cred);
	uint32_t id[3] = { arg_uid(a, 0), arg_uid(a, 1), arg_uid(a, 2) };
	int err = -EINVAL;

	if (map_id(t, ID_USER, &id[0]) && map_id(t, ID_USER, &id[1]) && map_id(t, ID_USER, &id[2]))
		err = set_three(&ids, id[0], id[1], id[2]);
	return err ? err : commit_users(t, &ids);
}

int64_t sys_setresgid(struct task *t, const struct sysargs *a)
{
	struct ids ids = group_ids(t->cred);
	uint32_t id[3] = { arg_uid(a, 0), arg_uid(a, 1), arg_uid(a, 2) };
	int err = -EINVAL;

	if (map_id(t, ID_GROUP, &id[0]) && map_id(t, ID_GROUP, &id[1]) && map_id(t, ID_GROUP, &id[2]))
		err = set_three(&ids, id[0], id[1], id[2]);
	return err ? err : commit_groups(t, &ids);
}

/* --- filesystem ids: the old one is the answer, whether or not it was changed ---------------------------------------- */

int64_t sys_setfsuid(struct task *t, const struct sysargs *a)
{
	const struct ids ids = user_ids(t->cred);
	uint32_t id = arg_uid(a, 0);
	const uint32_t old = id_shown(t->cred->user_ns, ID_USER, ids.fs);
	struct cred *new;

	if (!map_id(t, ID_USER, &id) || id == UNCHANGED || id == ids.fs || (!ids.privileged && !is_one_of(&ids, id)) || !(new = cred_prepare(t)))
		return old;
	new->fsuid = id;
	cred_fix_fsuid_change(t->cred, new);
	cred_commit(t, new);
	return old;
}

int64_t sys_setfsgid(struct task *t, const struct sysargs *a)
{
	const struct ids ids = group_ids(t->cred);
	uint32_t id = arg_uid(a, 0);
	const uint32_t old = id_shown(t->cred->user_ns, ID_GROUP, ids.fs);
	struct cred *new;

	if (!map_id(t, ID_GROUP, &id) || id == UNCHANGED || id == ids.fs || (!ids.privileged && !is_one_of(&ids, id)) || !(new = cred_prepare(t)))
		return old;
	new->fsgid = id;
	cred_commit(t, new);
	return old;
}

/* --- supplementary groups -------------------------------------------------------------------------------------------- */

static int64_t put_groups(struct task *t, const struct cred *c, uaddr_t to)
{
	for (uint32_t i = 0; i < c->group_count; i++) {
		uint32_t id = id_shown(c->user_ns, ID_GROUP, c->groups[i]);

		if (copy_out(t, uaddr_add(to, i * sizeof(id)), &id, sizeof(id)) < 0)
			return -EFAULT;
	}
	return c->group_count;
}

int64_t sys_getgroups(struct task *t, const struct sysargs *a)
{
	const struct cred *c = t->cred;
	int size = arg_int(a, 0);

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return c->group_count;
	if ((uint32_t)size < c->group_count)
		return -EINVAL;
	if (c->user_ns != &first_user_ns)
		return put_groups(t, c, arg_addr(a, 1));
	if (copy_out(t, arg_addr(a, 1), c->groups, c->group_count * sizeof(c->groups[0])) < 0)
		return -EFAULT;
	return c->group_count;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int64_t sys_setgroups(struct task *t, const struct sysargs *a)
{
	uint32_t count = arg_u32(a, 0);
	struct cred *new;

	if (!cred_own_capable(t->cred, LX_CAP_SETGID) || !user_ns_may_setgroups(t->cred->user_ns))
		return -EPERM;
	if (count > LX_NGROUPS_MAX)
		return -EINVAL;
	new = cred_copy(t->cred, count);
	if (!new)
		return -ENOMEM;
	if (count && copy_in(t, new->groups, arg_addr(a, 1), count * sizeof(new->groups[0])) < 0) {
		cred_put(new);
		return -EFAULT;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (new->groups[i] != NO_ID && map_id(t, ID_GROUP, &new->groups[i]))
			continue;
		cred_put(new);
		return -EINVAL;
	}
	new->group_count = count;
	qsort(new->groups, count, sizeof(new->groups[0]), by_number);
	cred_commit(t, new);
	return 0;
}
