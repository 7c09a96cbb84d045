/* fsopen, fspick, fsconfig, fsmount. */
#include <errno.h>

#include "abi/fcntl.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/fscontext.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/mount_args.h"

#define PARAM_MAX 256 /* bytes of a key or a value, with the zero byte */

int64_t sys_fsopen(struct task *t, const struct sysargs *a)
{
	char name[LX_PAGE_SIZE];
	struct file *f;
	int64_t n = mount_may(t);

	if (n < 0)
		return n;
	if (arg_u32(a, 1) & ~LX_FSOPEN_CLOEXEC)
		return -EINVAL;
	n = copy_in_str(t, name, arg_addr(a, 0), sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	n = fscontext_open(t, name, &f);
	return n < 0 ? n : fd_add(t, f, arg_u32(a, 1) & LX_FSOPEN_CLOEXEC);
}

int64_t sys_fspick(struct task *t, const struct sysargs *a)
{
	const uint32_t known = LX_FSPICK_CLOEXEC | LX_FSPICK_SYMLINK_NOFOLLOW | LX_FSPICK_NO_AUTOMOUNT | LX_FSPICK_EMPTY_PATH;
	uint32_t flags = arg_u32(a, 2), walk = 0;
	AUTO_PATH struct path p = { 0 };
	struct file *f = NULL;
	int ret = mount_may(t);

	if (ret < 0)
		return ret;
	if (flags & ~known)
		return -EINVAL;
	walk |= flags & LX_FSPICK_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0;
	walk |= flags & LX_FSPICK_EMPTY_PATH ? WALK_EMPTY : 0;
	ret = vfs_walk_user(t, arg_int(a, 0), arg_addr(a, 1), walk, &p);
	if (ret == 0)
		ret = fscontext_pick(t, &p, &f);
	return ret < 0 ? ret : fd_add(t, f, flags & LX_FSPICK_CLOEXEC);
}

/* --- fsconfig ------------------------------------------------------------------------------------------------------------------- */

struct config {
	int cmd, aux;
	uaddr_t key, value;
};

/* Which arguments a command takes. */
static int judge(const struct config *c)
{
	bool key = !uaddr_null(c->key), value = !uaddr_null(c->value), ok;

	switch (c->cmd) {
	case LX_FSCONFIG_SET_FLAG:
		ok = key && !value && !c->aux;
		break;
	case LX_FSCONFIG_SET_STRING:
		ok = key && value && !c->aux;
		break;
	case LX_FSCONFIG_SET_BINARY:
		ok = key && value && c->aux > 0 && c->aux <= 1024 * 1024;
		break;
	case LX_FSCONFIG_SET_PATH:
	case LX_FSCONFIG_SET_PATH_EMPTY:
		ok = key && value && (c->aux == LX_AT_FDCWD || c->aux >= 0);
		break;
	case LX_FSCONFIG_SET_FD:
		ok = key && !value && c->aux >= 0;
		break;
	case LX_FSCONFIG_CMD_CREATE:
	case LX_FSCONFIG_CMD_CREATE_EXCL:
	case LX_FSCONFIG_CMD_RECONFIGURE:
		ok = !key && !value && !c->aux;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return ok ? 0 : -EINVAL;
}

static int copy_param(struct task *t, char out[PARAM_MAX], uaddr_t from)
{
	int64_t n = copy_in_str(t, out, from, PARAM_MAX);

	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	return 0;
}

static int set_param(struct task *t, struct file *f, const struct config *c)
{
	char key[PARAM_MAX], value[PARAM_MAX];
	int ret = copy_param(t, key, c->key);

	if (ret == 0 && c->cmd == LX_FSCONFIG_SET_STRING)
		ret = copy_param(t, value, c->value);
	if (ret < 0)
		return ret;
	if (c->cmd == LX_FSCONFIG_SET_FD) {
		AUTO_FILE struct file *given = fd_get(t, c->aux);

		return given ? fscontext_set_other(f) : -EBADF;
	}
	if (c->cmd > LX_FSCONFIG_SET_STRING)
		return fscontext_set_other(f);
	return fscontext_set(f, t, key, c->cmd == LX_FSCONFIG_SET_STRING ? value : NULL);
}

int64_t sys_fsconfig(struct task *t, const struct sysargs *a)
{
	const struct config c = { .cmd = arg_int(a, 1), .key = arg_addr(a, 2), .value = arg_addr(a, 3), .aux = arg_int(a, 4) };
	AUTO_FILE struct file *f = NULL;
	int ret = arg_int(a, 0) < 0 ? -EINVAL : judge(&c);

	if (ret < 0)
		return ret;
	f = fd_get_io(t, arg_int(a, 0));
	if (!f)
		return -EBADF;
	if (!fscontext_is(f))
		return -EINVAL;
	switch (c.cmd) {
	case LX_FSCONFIG_CMD_CREATE:
	case LX_FSCONFIG_CMD_CREATE_EXCL: /* each is new: nothing is ever shared */
		return fscontext_create(f, t);
	case LX_FSCONFIG_CMD_RECONFIGURE:
		return fscontext_reconfigure(f, t);
	default:
		return set_param(t, f, &c);
	}
}

/* --- fsmount -------------------------------------------------------------------------------------------------------------------- */

int64_t sys_fsmount(struct task *t, const struct sysargs *a)
{
	uint32_t attr = arg_u32(a, 2), flags = attr_to_mount(attr);
	AUTO_FILE struct file *context = NULL;
	AUTO_PATH struct path root = { 0 };
	struct mount_ns *ns;
	struct file *f;
	int ret = mount_may(t);

	if (ret < 0)
		return ret;
	if (arg_u32(a, 1) & ~LX_FSMOUNT_CLOEXEC || attr & ~MOUNT_ATTR_PLAIN || !attr_atime(attr, &flags))
		return -EINVAL;
	context = fd_get_io(t, arg_int(a, 0));
	if (!context)
		return -EBADF;
	if (!fscontext_is(context))
		return -EINVAL;
	ret = fscontext_mount(context, t, flags, &ns, &root);
	if (ret < 0)
		return ret;
	ret = mount_tree_file(t, &root, ns, &f);
	if (ret < 0) {
		mount_ns_free(ns);
		return ret;
	}
	return fd_add(t, f, arg_u32(a, 1) & LX_FSMOUNT_CLOEXEC);
}
