/* dup, dup2, dup3, fcntl, flock. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/memfd.h"
#include "abi/signal.h"
#include "sentry/fs/async.h"
#include "sentry/fs/dnotify.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/file.h"
#include "sentry/fs/flock.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/lease.h"
#include "sentry/fs/memdata.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/pipefile.h"
#include "sentry/fs/tmpfs_file.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int64_t dup_from(struct task *t, struct file *f, int min, bool cloexec)
{
	int fd = fd_reserve(t, min);

	if (fd >= 0)
		fd_install(t, fd, file_get(f), cloexec);
	return fd;
}

int64_t sys_dup(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get(t, arg_fd(a, 0));

	return f ? dup_from(t, f, 0, false) : -EBADF;
}

int64_t sys_dup2(struct task *t, const struct sysargs *a)
{
	int from = arg_fd(a, 0), to = arg_fd(a, 1);
	struct file *f = fd_get(t, from);

	if (!f)
		return -EBADF;
	if (from == to) {
		file_put(f);
		return to;
	}
	return fd_replace(t, to, f, false);
}

int64_t sys_dup3(struct task *t, const struct sysargs *a)
{
	int from = arg_fd(a, 0), to = arg_fd(a, 1);
	struct file *f;

	if (arg_u32(a, 2) & ~(uint32_t)LX_O_CLOEXEC || from == to)
		return -EINVAL;
	f = fd_get(t, from);
	return f ? fd_replace(t, to, f, arg_u32(a, 2) & LX_O_CLOEXEC) : -EBADF;
}

static int64_t set_flags(struct task *t, struct file *f, int fd, uint32_t arg)
{
	uint32_t changes = LX_O_APPEND | LX_O_NONBLOCK | LX_O_ASYNC | LX_O_DIRECT | LX_O_NOATIME, old, now;
	int ret;

	old = atomic_load(&f->flags);
	if ((arg ^ old) & LX_O_APPEND && inode_append_only(f->inode))
		return -EPERM;
	if (arg & ~old & LX_O_NOATIME && !inode_owner_or_capable(t->cred, f->inode))
		return -EPERM;
	now = (old & ~changes) | (arg & changes);
	if (f->ops->set_flags && now != old) {
		ret = f->ops->set_flags(f, now);
		if (ret < 0)
			return ret;
	}
	if ((now ^ old) & LX_O_ASYNC && file_can_async(f)) {
		ret = async_turn(f, fd, now & LX_O_ASYNC);
		if (ret < 0)
			return ret;
	}
	atomic_store(&f->flags, now);
	return 0;
}

static int64_t record_lock(struct task *t, struct file *f, int cmd, uaddr_t arg)
{
	bool ofd = cmd == LX_F_OFD_GETLK || cmd == LX_F_OFD_SETLK || cmd == LX_F_OFD_SETLKW;
	bool get = cmd == LX_F_GETLK || cmd == LX_F_OFD_GETLK, wait = cmd == LX_F_SETLKW || cmd == LX_F_OFD_SETLKW;
	struct flock_range want;
	struct lx_flock l;
	int ret = copy_in(t, &l, arg, sizeof(l));

	if (ret < 0)
		return ret;
	if (ofd && l.l_pid != 0)
		return -EINVAL;
	ret = flock_range(f, &l, &want);
	if (ret < 0)
		return ret;
	if (get) {
		if (want.type == LX_F_UNLCK && !ofd)
			return -EINVAL;
		ret = flock_get(t, f, ofd, &want, &l);
		return ret < 0 ? ret : copy_out(t, arg, &l, sizeof(l));
	}
	if ((want.type == LX_F_RDLCK && !f->readable) || (want.type == LX_F_WRLCK && !f->writable))
		return -EBADF;
	return flock_set(t, f, ofd, &want, wait);
}

static int64_t set_owner(struct task *t, struct file *f, int type, int id)
{
	if (type < LX_F_OWNER_TID || type > LX_F_OWNER_PGRP)
		return -EINVAL;
	return async_set_owner(t, f, type, id, true);
}

/* The older form: a negative number is a process group's. */
static int64_t old_owner(struct task *t, struct file *f, int cmd, int id)
{
	int type, pid;

	if (cmd == LX_F_GETOWN) {
		async_owner(f, &type, &pid);
		return type == LX_F_OWNER_PGRP ? -pid : pid;
	}
	if (id == INT32_MIN)
		return -EINVAL;
	return id < 0 ? set_owner(t, f, LX_F_OWNER_PGRP, -id) : set_owner(t, f, LX_F_OWNER_PID, id);
}

static int64_t owner_ex(struct task *t, struct file *f, int cmd, uaddr_t arg)
{
	struct lx_f_owner_ex o;
	int ret, type, pid;

	if (cmd == LX_F_SETOWN_EX) {
		ret = copy_in(t, &o, arg, sizeof(o));
		return ret < 0 ? ret : set_owner(t, f, o.type, o.pid);
	}
	async_owner(f, &type, &pid);
	o = (struct lx_f_owner_ex){ .type = type, .pid = pid };
	return copy_out(t, arg, &o, sizeof(o));
}

static int64_t add_seals(struct file *f, uint32_t seals)
{
	uint32_t known = LX_F_SEAL_SEAL | LX_F_SEAL_SHRINK | LX_F_SEAL_GROW | LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE | LX_F_SEAL_EXEC;
	struct memdata *m = tmpfs_file_data(f);

	if (!m)
		return -EINVAL;
	if (!f->writable)
		return -EPERM;
	if (seals & ~known)
		return -EINVAL;
	/* What is sealed as executable is sealed as it is. */
	if (seals & LX_F_SEAL_EXEC && f->inode->attr.mode & 0111)
		seals |= LX_F_SEAL_SHRINK | LX_F_SEAL_GROW | LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE;
	return memdata_add_seals(m, seals);
}

/* How long what is written will live: kept with the inode, of no use to memory. */
static int64_t rw_hint(struct task *t, struct file *f, int cmd, uaddr_t arg)
{
	uint64_t hint;

	if (cmd == LX_F_GET_RW_HINT) {
		hint = atomic_load(&f->inode->rw_hint);
		return copy_out(t, arg, &hint, sizeof(hint));
	}
	if (!inode_owner_or_capable(t->cred, f->inode))
		return -EPERM;
	if (copy_in(t, &hint, arg, sizeof(hint)) < 0)
		return -EFAULT;
	if (hint > LX_RWH_WRITE_LIFE_EXTREME)
		return -EINVAL;
	atomic_store(&f->inode->rw_hint, (uint8_t)hint);
	return 0;
}

/* The commands that only look at or change the file itself. */
static int64_t file_fcntl(struct task *t, struct file *f, int fd, int cmd, uint64_t arg)
{
	struct memdata *m;

	switch (cmd) {
	case LX_F_SETFL:
		return set_flags(t, f, fd, (uint32_t)arg);
	case LX_F_GETLK:
	case LX_F_SETLK:
	case LX_F_SETLKW:
	case LX_F_OFD_GETLK:
	case LX_F_OFD_SETLK:
	case LX_F_OFD_SETLKW:
		return record_lock(t, f, cmd, uaddr(arg));
	case LX_F_SETOWN:
	case LX_F_GETOWN:
		return old_owner(t, f, cmd, (int)arg);
	case LX_F_SETOWN_EX:
	case LX_F_GETOWN_EX:
		return owner_ex(t, f, cmd, uaddr(arg));
	case LX_F_SETSIG:
		if (arg > LX_NSIG)
			return -EINVAL;
		return async_set_signal(f, (int)arg);
	case LX_F_GETSIG:
		return async_signal(f);
	case LX_F_SETPIPE_SZ:
	case LX_F_GETPIPE_SZ:
		return pipe_fcntl(f, (uint32_t)cmd, arg);
	case LX_F_GET_RW_HINT:
	case LX_F_SET_RW_HINT:
		return rw_hint(t, f, cmd, uaddr(arg));
	case LX_F_ADD_SEALS:
		return add_seals(f, (uint32_t)arg);
	case LX_F_GET_SEALS:
		m = tmpfs_file_data(f);
		return m ? (int64_t)m->seals : -EINVAL;
	case LX_F_NOTIFY:
		return dnotify_set(t, f, fd, (uint32_t)arg);
	case LX_F_SETLEASE:
		return lease_set(t, f, fd, (int)arg);
	case LX_F_GETLEASE:
		return lease_get(f);
	default:
		return -EINVAL;
	}
}

int64_t sys_fcntl(struct task *t, const struct sysargs *a)
{
	int fd = arg_fd(a, 0), cmd = arg_int(a, 1);
	AUTO_FILE struct file *f = fd_get(t, fd);
	uint64_t arg = arg_u64(a, 2), limit;

	if (!f)
		return -EBADF;
	switch (cmd) { /* what an O_PATH fd can do as well */
	case LX_F_DUPFD:
	case LX_F_DUPFD_CLOEXEC:
		limit = t->proc ? t->proc->limits[LX_RLIMIT_NOFILE].rlim_cur : UINT32_MAX;
		if ((int)arg < 0 || (uint32_t)arg >= limit)
			return -EINVAL;
		return dup_from(t, f, (int)arg, cmd == LX_F_DUPFD_CLOEXEC);
	case LX_F_DUPFD_QUERY: {
		AUTO_FILE struct file *other = fd_get(t, (int)arg);

		return other ? other == f : -EBADF;
	}
	case LX_F_CREATED_QUERY:
		return f->created;
	case LX_F_GETFD:
		return fd_get_cloexec(t, fd);
	case LX_F_SETFD:
		return fd_set_cloexec(t, fd, arg & LX_FD_CLOEXEC);
	case LX_F_GETFL:
		return atomic_load(&f->flags);
	default:
		if (atomic_load(&f->flags) & LX_O_PATH)
			return -EBADF;
		return file_fcntl(t, f, fd, cmd, arg);
	}
}

int64_t sys_flock(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	int op = arg_int(a, 1), what = op & ~LX_LOCK_NB;

	if (what != LX_LOCK_SH && what != LX_LOCK_EX && what != LX_LOCK_UN)
		return -EINVAL;
	f = fd_get_io(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	if (what != LX_LOCK_UN && !f->readable && !f->writable)
		return -EBADF;
	return flock_whole(t, f, op);
}
