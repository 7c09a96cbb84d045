/* mount, umount2, pivot_root, ustat, sysfs. mount(2). */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/mount.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/mountfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static const struct {
	uint32_t ms, mount;
} flag_names[] = {
	{ LX_MS_RDONLY, MOUNT_READONLY },     { LX_MS_NOSUID, MOUNT_NOSUID },	  { LX_MS_NODEV, MOUNT_NODEV },
	{ LX_MS_NOEXEC, MOUNT_NOEXEC },	      { LX_MS_NOATIME, MOUNT_NOATIME },	  { LX_MS_NODIRATIME, MOUNT_NODIRATIME },
	{ LX_MS_STRICTATIME, MOUNT_STRICTATIME }, { LX_MS_NOSYMFOLLOW, MOUNT_NOSYMFOLLOW },
};

#define ATIME_FLAGS (LX_MS_NOATIME | LX_MS_NODIRATIME | LX_MS_RELATIME | LX_MS_STRICTATIME)

/* MS_* as MOUNT_*; a remount that says nothing of access times leaves them as they are. */
static uint32_t mount_flags(uint32_t ms, const struct mount *remounted)
{
	uint32_t out = 0;

	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		out |= ms & flag_names[i].ms ? flag_names[i].mount : 0;
	if (out & MOUNT_STRICTATIME)
		out &= ~(uint32_t)(MOUNT_NOATIME);
	if (remounted && !(ms & ATIME_FLAGS))
		out |= remounted->flags & MOUNT_ATIME;
	return out;
}

/* The four strings of a mount(2). */
struct mount_args {
	char *source, *type; /* NULL: not given */
	char options[LX_PAGE_SIZE];
	uint32_t flags;
};

static int copy_name(struct task *t, uaddr_t from, char **out)
{
	char buf[LX_PATH_MAX];
	int64_t n;

	if (uaddr_null(from))
		return 0;
	n = copy_in_str(t, buf, from, sizeof(buf));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	*out = mem_strdup(buf);
	return *out ? 0 : -ENOMEM;
}

/* A page of options, or as much of it as there is. */
static int copy_options(struct task *t, uaddr_t from, char *out)
{
	size_t first = LX_PAGE_SIZE - (from.v & (LX_PAGE_SIZE - 1));

	memset(out, 0, LX_PAGE_SIZE);
	if (uaddr_null(from))
		return 0;
	if (copy_in(t, out, from, first) < 0)
		return -EFAULT;
	if (first < LX_PAGE_SIZE && copy_in(t, out + first, uaddr_add(from, first), LX_PAGE_SIZE - first) < 0)
		memset(out + first, 0, LX_PAGE_SIZE - first);
	out[LX_PAGE_SIZE - 1] = 0;
	return 0;
}

static int do_new(struct task *t, const struct path *at, const struct mount_args *m)
{
	uint32_t flags = mount_flags(m->flags, NULL), locked = 0;
	const struct mountfs *fs;
	struct super *s = NULL;
	int ret;

	if (!m->type)
		return -EINVAL;
	ret = mountfs_find(m->type, &fs);
	if (ret == 0)
		ret = mountfs_make(t, fs, m->options, &s);
	if (ret == 0 && fs->revealing && mount_reveals_too_much(t, s, flags, &locked))
		ret = -EPERM;
	if (ret == 0 && m->flags & LX_MS_RDONLY)
		atomic_store(&s->flags, MOUNT_READONLY);
	if (ret == 0)
		ret = mount_do_new(t, at, s, flags, locked, m->source);
	super_put(s);
	return ret;
}

static int do_bind_or_move(struct task *t, const struct path *at, const struct mount_args *m)
{
	AUTO_PATH struct path from = { 0 };
	int ret;

	if (!m->source || !*m->source)
		return -EINVAL;
	ret = vfs_walk(t, LX_AT_FDCWD, m->source, 0, &from);
	if (ret < 0)
		return ret;
	if (m->flags & LX_MS_BIND)
		return mount_do_bind(t, &from, at, m->flags & LX_MS_REC);
	return mount_do_move(t, &from, at);
}

static int do_propagation(struct task *t, const struct path *at, uint32_t flags)
{
	bool recursive = flags & LX_MS_REC;

	switch (flags & ~(LX_MS_REC | LX_MS_SILENT)) {
	case LX_MS_SHARED:
		return mount_do_propagation(t, at, PROPAGATE_SHARED, recursive);
	case LX_MS_SLAVE:
		return mount_do_propagation(t, at, PROPAGATE_SLAVE, recursive);
	case LX_MS_PRIVATE:
		return mount_do_propagation(t, at, PROPAGATE_PRIVATE, recursive);
	case LX_MS_UNBINDABLE:
		return mount_do_propagation(t, at, PROPAGATE_UNBINDABLE, recursive);
	default:
		return -EINVAL;
	}
}

static int do_mount(struct task *t, const struct path *at, const struct mount_args *m)
{
	uint32_t flags = m->flags;
	int ret = mount_may(t);

	if (flags & LX_MS_NOUSER)
		return -EINVAL;
	if (ret < 0)
		return ret;
	if ((flags & (LX_MS_REMOUNT | LX_MS_BIND)) == (LX_MS_REMOUNT | LX_MS_BIND))
		return mount_do_flags(t, at, mount_flags(flags, at->mount));
	if (flags & LX_MS_REMOUNT)
		return mount_do_remount(t, at, mount_flags(flags, at->mount), flags & LX_MS_RDONLY, m->options);
	if (flags & LX_MS_BIND)
		return do_bind_or_move(t, at, m);
	if (flags & (LX_MS_SHARED | LX_MS_PRIVATE | LX_MS_SLAVE | LX_MS_UNBINDABLE))
		return do_propagation(t, at, flags);
	return flags & LX_MS_MOVE ? do_bind_or_move(t, at, m) : do_new(t, at, m);
}

int64_t sys_mount(struct task *t, const struct sysargs *a)
{
	AUTO_PATH struct path at = { 0 };
	struct mount_args *m = mem_zalloc(sizeof(*m));
	int ret = m ? copy_name(t, arg_addr(a, 2), &m->type) : -ENOMEM;

	if (ret == 0)
		ret = copy_name(t, arg_addr(a, 0), &m->source);
	if (ret == 0)
		ret = copy_options(t, arg_addr(a, 4), m->options);
	if (ret == 0)
		ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 1), 0, &at);
	if (ret == 0) {
		m->flags = arg_u32(a, 3);
		if ((m->flags & LX_MS_MGC_MSK) == LX_MS_MGC_VAL)
			m->flags &= ~LX_MS_MGC_MSK;
		ret = do_mount(t, &at, m);
	}
	if (m) {
		mem_free(m->source);
		mem_free(m->type);
		mem_free(m);
	}
	return ret;
}

int64_t sys_umount2(struct task *t, const struct sysargs *a)
{
	const uint32_t known = LX_MNT_FORCE | LX_MNT_DETACH | LX_MNT_EXPIRE | LX_UMOUNT_NOFOLLOW;
	uint32_t flags = arg_u32(a, 1);
	AUTO_PATH struct path at = { 0 };
	int ret;

	if (flags & ~known)
		return -EINVAL;
	ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 0), flags & LX_UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, &at);
	if (ret == 0)
		ret = mount_may(t);
	if (ret < 0)
		return ret;
	if (flags & LX_MNT_EXPIRE && flags & (LX_MNT_FORCE | LX_MNT_DETACH))
		return -EINVAL;
	/* Forcing is the first mount namespace's owner's matter. */
	if (flags & LX_MNT_FORCE && !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -EPERM;
	return mount_do_umount(t, &at, flags);
}

int64_t sys_pivot_root(struct task *t, const struct sysargs *a)
{
	AUTO_PATH struct path new_root = { 0 }, put_old = { 0 };
	int ret = mount_may(t);

	if (ret == 0)
		ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 0), WALK_DIRECTORY, &new_root);
	if (ret == 0)
		ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 1), WALK_DIRECTORY, &put_old);
	return ret < 0 ? ret : mount_do_pivot(t, &new_root, &put_old);
}

/* --- what came before statfs and /proc ------------------------------------------------------------------------------------ */

/* Any mount of the filesystem with this device number; referenced. */
static struct mount *mount_of_device(struct task *t, uint64_t dev)
{
	struct mount **all, *found = NULL;
	int n = mounts_snapshot(task_mount_ns(t), &all);

	for (int i = 0; i < n && !found; i++)
		if (all[i]->super->dev == dev)
			found = mount_get(all[i]);
	if (n >= 0)
		mounts_release(all, n);
	return found;
}

int64_t sys_ustat(struct task *t, const struct sysargs *a)
{
	struct mount *m = mount_of_device(t, arg_u32(a, 0));
	struct {
		int32_t tfree;
		uint64_t tinode;
		char fname[6], fpack[6];
	} out = { 0 };
	struct lx_statfs st;
	int ret;

	if (!m)
		return -EINVAL;
	ret = vfs_statfs(&(struct path){ .mount = m, .dentry = m->root }, &st);
	mount_put(m);
	if (ret < 0)
		return ret;
	out.tfree = (int32_t)st.f_bfree;
	out.tinode = (uint64_t)st.f_ffree;
	return copy_out(t, arg_addr(a, 1), &out, sizeof(out));
}

int64_t sys_sysfs(struct task *t, const struct sysargs *a)
{
	char name[LX_PATH_MAX];
	uint64_t index = arg_u64(a, 1);
	int64_t n;

	switch (arg_int(a, 0)) {
	case 1:
		n = copy_in_str(t, name, arg_addr(a, 1), sizeof(name));
		if (n < 0)
			return n;
		for (int i = 0; i < mountfs_count; i++)
			if (!strcmp(mountfs_table[i].name, name))
				return i;
		return -EINVAL;
	case 2:
		if (index >= (uint64_t)mountfs_count)
			return -EINVAL;
		return copy_out(t, arg_addr(a, 2), mountfs_table[index].name, strlen(mountfs_table[index].name) + 1);
	case 3:
		return mountfs_count;
	default:
		return -EINVAL;
	}
}
