/* landlock_create_ruleset, landlock_add_rule, landlock_restrict_self. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* What a ruleset's fd leads to. */
struct ruleset {
	struct lock lock; /* RANK_LANDLOCK */
	struct landlock_rules rules;
};

static void ruleset_release(struct file *f)
{
	struct ruleset *r = f->priv;

	landlock_rules_drop(&r->rules);
	mem_free(r);
}

static const struct file_ops ruleset_ops = { .release = ruleset_release, .name = "[landlock-ruleset]" };

static int64_t create(struct task *t, const struct lx_landlock_ruleset_attr *attr)
{
	struct ruleset *r = mem_zalloc(sizeof(*r));
	struct file *f;

	if (!r)
		return -ENOMEM;
	lock_init(&r->lock, RANK_LANDLOCK, "landlock.ruleset");
	landlock_rules_init(&r->rules, t->k, attr);
	if (anon_file(t, &ruleset_ops, r, LX_O_RDWR, &f) < 0) {
		mem_free(r);
		return -ENOMEM;
	}
	return fd_add(t, f, true);
}

int64_t sys_landlock_create_ruleset(struct task *t, const struct sysargs *a)
{
	struct lx_landlock_ruleset_attr attr;
	size_t size = arg_size(a, 1);
	int ret;

	if (arg_u32(a, 2)) {
		bool version = arg_u32(a, 2) == LX_LANDLOCK_CREATE_RULESET_VERSION && uaddr_null(arg_addr(a, 0)) && !size;

		return version ? LX_LANDLOCK_ABI : -EINVAL;
	}
	if (uaddr_null(arg_addr(a, 0)))
		return -EFAULT;
	if (size < sizeof(attr.handled_access_fs))
		return -EINVAL;
	ret = size > LX_PAGE_SIZE ? -E2BIG : copy_in_struct(t, &attr, sizeof(attr), arg_addr(a, 0), size);
	if (ret < 0)
		return ret;
	if (attr.handled_access_fs & ~LX_LANDLOCK_FS_ALL || attr.handled_access_net & ~LX_LANDLOCK_NET_ALL || attr.scoped & ~LX_LANDLOCK_SCOPE_ALL)
		return -EINVAL;
	if (!attr.handled_access_fs && !attr.handled_access_net && !attr.scoped)
		return -ENOMSG;
	return create(t, &attr);
}

/* Referenced; else NULL and *err. */
static struct file *get_ruleset(struct task *t, int fd, int *err)
{
	struct file *f = fd_get_io(t, fd);

	*err = f ? 0 : -EBADF;
	if (f && f->ops != &ruleset_ops) {
		*err = -EBADFD;
		file_put(f);
		f = NULL;
	}
	return f;
}

static int64_t add_path(struct task *t, struct ruleset *r, uaddr_t arg)
{
	struct lx_landlock_path_beneath_attr attr;

	if (copy_in(t, &attr, arg, sizeof(attr)) < 0)
		return -EFAULT;
	if (!attr.allowed_access)
		return -ENOMSG;
	if (attr.allowed_access & ~r->rules.handled_fs)
		return -EINVAL;
	AUTO_FILE struct file *f = fd_get(t, attr.parent_fd);

	if (!f)
		return -EBADF;
	if (!f->path.dentry || f->path.mount == anon_mount())
		return -EBADFD;
	if (f->inode->type != LX_S_IFDIR && attr.allowed_access & ~LX_LANDLOCK_FS_FILE)
		return -EINVAL;
	LOCK_GUARD(&r->lock);
	return landlock_add_path(&r->rules, f->path.dentry, attr.allowed_access);
}

static int64_t add_port(struct task *t, struct ruleset *r, uaddr_t arg)
{
	struct lx_landlock_net_port_attr attr;

	if (copy_in(t, &attr, arg, sizeof(attr)) < 0)
		return -EFAULT;
	if (!attr.allowed_access)
		return -ENOMSG;
	if (attr.allowed_access & ~r->rules.handled_net || attr.port > UINT16_MAX)
		return -EINVAL;
	LOCK_GUARD(&r->lock);
	return landlock_add_port(&r->rules, attr.port, attr.allowed_access);
}

int64_t sys_landlock_add_rule(struct task *t, const struct sysargs *a)
{
	int err;

	if (arg_u32(a, 3))
		return -EINVAL;
	AUTO_FILE struct file *f = get_ruleset(t, arg_fd(a, 0), &err);

	if (!f)
		return err;
	switch (arg_u32(a, 1)) {
	case LX_LANDLOCK_RULE_PATH_BENEATH:
		return add_path(t, f->priv, arg_addr(a, 2));
	case LX_LANDLOCK_RULE_NET_PORT:
		return add_port(t, f->priv, arg_addr(a, 2));
	default:
		return -EINVAL;
	}
}

int64_t sys_landlock_restrict_self(struct task *t, const struct sysargs *a)
{
	struct landlock_domain *domain;
	struct ruleset *r;
	struct cred *new;
	int err;

	if (!task_no_new_privs(t) && !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -EPERM;
	if (arg_u32(a, 1))
		return -EINVAL;
	AUTO_FILE struct file *f = get_ruleset(t, arg_fd(a, 0), &err);

	if (!f)
		return err;
	r = f->priv;
	lock_take(&r->lock);
	err = landlock_domain_new(&r->rules, t->cred->landlock, &domain);
	lock_drop(&r->lock);
	if (err)
		return err;
	new = cred_prepare(t);
	if (!new) {
		landlock_domain_put(domain);
		return -ENOMEM;
	}
	landlock_domain_put(new->landlock);
	new->landlock = domain;
	cred_commit(t, new);
	return 0;
}
