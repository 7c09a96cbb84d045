/* open_tree, move_mount, mount_setattr. */
#include <errno.h>
#include <limits.h>

#include "abi/fcntl.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/nsfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/fs_args.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/mount_args.h"

#define TREE_AT_FLAGS (LX_AT_EMPTY_PATH | LX_AT_NO_AUTOMOUNT | LX_AT_RECURSIVE | LX_AT_SYMLINK_NOFOLLOW)

static int open_clone(struct task *t, const struct path *from, bool recursive, struct file **out)
{
	AUTO_PATH struct path top = { 0 };
	struct mount_ns *ns;
	int ret = mount_do_clone(t, from, recursive, &ns);

	if (ret < 0)
		return ret;
	lock_take(&mount_lock);
	top = (struct path){ .mount = ns->base, .dentry = ns->base->root };
	path_get(&top);
	lock_drop(&mount_lock);
	ret = mount_tree_file(t, &top, ns, out);
	if (ret < 0)
		mount_ns_free(ns);
	return ret;
}

int64_t sys_open_tree(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 2), walk;
	bool clone = flags & LX_OPEN_TREE_CLONE, recursive = flags & LX_AT_RECURSIVE;
	AUTO_PATH struct path p = { 0 };
	struct file *f = NULL;
	int ret = at_to_walk(flags & ~(LX_OPEN_TREE_CLONE | LX_OPEN_TREE_CLOEXEC), TREE_AT_FLAGS, &walk);

	if (ret < 0 || (recursive && !clone))
		return -EINVAL;
	if (clone)
		ret = mount_may(t);
	if (ret == 0)
		ret = vfs_walk_user(t, arg_int(a, 0), arg_addr(a, 1), walk, &p);
	if (ret == 0)
		ret = clone ? open_clone(t, &p, recursive, &f) : vfs_open_path(t, &p, LX_O_PATH, &f);
	return ret < 0 ? ret : fd_add(t, f, flags & LX_OPEN_TREE_CLOEXEC);
}

int64_t sys_move_mount(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 4), walk;
	AUTO_PATH struct path from = { 0 }, to = { 0 };
	int ret = mount_may(t);

	if (ret < 0)
		return ret;
	/* Mounting beneath what is there already is not known here, nor was it before Linux 6.5. */
	if (flags & ~(LX_MOVE_MOUNT__MASK & ~LX_MOVE_MOUNT_BENEATH))
		return -EINVAL;
	walk = (flags & LX_MOVE_MOUNT_F_SYMLINKS ? 0u : WALK_NOFOLLOW) | (flags & LX_MOVE_MOUNT_F_EMPTY_PATH ? WALK_EMPTY : 0u);
	ret = vfs_walk_user(t, arg_int(a, 0), arg_addr(a, 1), walk, &from);
	walk = (flags & LX_MOVE_MOUNT_T_SYMLINKS ? 0u : WALK_NOFOLLOW) | (flags & LX_MOVE_MOUNT_T_EMPTY_PATH ? WALK_EMPTY : 0u);
	if (ret == 0)
		ret = vfs_walk_user(t, arg_int(a, 2), arg_addr(a, 3), walk, &to);
	if (ret < 0)
		return ret;
	return flags & LX_MOVE_MOUNT_SET_GROUP ? mount_do_set_group(t, &from, &to) : mount_do_move(t, &from, &to);
}

/* --- mount_setattr -------------------------------------------------------------------------------------------------------------- */

/* No filesystem here can be shown with other owners: after the checks of the namespace that they would come from. */
static int judge_idmap(struct task *t, const struct lx_mount_attr *attr)
{
	AUTO_FILE struct file *f = NULL;
	struct ns *ns;

	if (attr->attr_clr & LX_MOUNT_ATTR_IDMAP || attr->userns_fd > INT_MAX)
		return -EINVAL;
	f = fd_get_io(t, (int)attr->userns_fd);
	if (!f)
		return -EBADF;
	ns = nsfs_file_ns(f);
	if (!ns || ns->kind != NS_USER)
		return -EINVAL;
	return container_of(ns, struct user_ns, ns) == &first_user_ns ? -EPERM : -EINVAL;
}

static int decode(struct task *t, const struct lx_mount_attr *attr, struct mount_change *c)
{
	const uint64_t propagations = LX_MS_SHARED | LX_MS_SLAVE | LX_MS_PRIVATE | LX_MS_UNBINDABLE;
	uint64_t both = attr->attr_set | attr->attr_clr;

	if (attr->propagation & ~propagations || attr->propagation & (attr->propagation - 1))
		return -EINVAL;
	if (both & ~(uint64_t)(MOUNT_ATTR_PLAIN | LX_MOUNT_ATTR_IDMAP))
		return -EINVAL;
	c->propagation = (uint32_t)attr->propagation;
	c->set = attr_to_mount(attr->attr_set);
	c->clear = attr_to_mount(attr->attr_clr);
	/* Access times are one field: what is set replaces what was cleared as a whole. */
	if (attr->attr_clr & LX_MOUNT_ATTR__ATIME) {
		if ((attr->attr_clr & LX_MOUNT_ATTR__ATIME) != LX_MOUNT_ATTR__ATIME || !attr_atime(attr->attr_set, &c->set))
			return -EINVAL;
		c->clear |= MOUNT_NOATIME | MOUNT_STRICTATIME;
	} else if (attr->attr_set & LX_MOUNT_ATTR__ATIME) {
		return -EINVAL;
	}
	return both & LX_MOUNT_ATTR_IDMAP ? judge_idmap(t, attr) : 0;
}

int64_t sys_mount_setattr(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 2), walk;
	struct mount_change c = { .recursive = flags & LX_AT_RECURSIVE };
	AUTO_PATH struct path p = { 0 };
	uint64_t size = arg_u64(a, 4);
	struct lx_mount_attr attr;
	int ret;

	if (at_to_walk(flags, TREE_AT_FLAGS, &walk) < 0)
		return -EINVAL;
	if (size > LX_PAGE_SIZE)
		return -E2BIG;
	if (size < LX_MOUNT_ATTR_SIZE_VER0)
		return -EINVAL;
	ret = mount_may(t);
	if (ret == 0)
		ret = copy_in_struct(t, &attr, sizeof(attr), arg_addr(a, 3), size);
	if (ret < 0 || !(attr.attr_set | attr.attr_clr | attr.propagation))
		return ret;
	ret = decode(t, &attr, &c);
	if (ret == 0)
		ret = vfs_walk_user(t, arg_int(a, 0), arg_addr(a, 1), walk, &p);
	return ret < 0 ? ret : mount_do_setattr(t, &p, &c);
}
