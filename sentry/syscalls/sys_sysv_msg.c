/* msgget, msgsnd, msgrcv, msgctl. */
#include <errno.h>
#include <stddef.h>

#include "sentry/kernel/sysv_msg.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* A try that has registered waits now; signals end it, and it is never restarted: signal(7). */
static int64_t wait_or(struct task *t, int64_t ret, uint32_t flags)
{
	if (ret != -EAGAIN || flags & LX_IPC_NOWAIT)
		return ret;
	ret = task_block(t);
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

int64_t sys_msgget(struct task *t, const struct sysargs *a)
{
	return msg_get(t, arg_int(a, 0), arg_u32(a, 1));
}

int64_t sys_msgsnd(struct task *t, const struct sysargs *a)
{
	uint64_t len = arg_size(a, 2);
	uint32_t flags = arg_u32(a, 3);
	struct message *m;
	int64_t type, ret;

	if (copy_in(t, &type, arg_addr(a, 1), sizeof(type)) < 0)
		return -EFAULT;
	if (len > MSG_MAX || arg_int(a, 0) < 0 || type < 1)
		return -EINVAL;
	m = message_new(len);
	if (!m)
		return -ENOMEM;
	m->type = type;
	ret = copy_in(t, m->text, uaddr_add(arg_addr(a, 1), sizeof(type)), len);
	if (ret == 0)
		ret = msg_send(t, arg_int(a, 0), m, flags);
	if (ret < 0)
		message_free(m);
	return wait_or(t, ret, flags);
}

int64_t sys_msgrcv(struct task *t, const struct sysargs *a)
{
	uint64_t room = arg_size(a, 2);
	uint32_t flags = arg_u32(a, 4);
	struct message *m = NULL;
	int64_t ret;

	if (arg_int(a, 0) < 0 || (int64_t)room < 0)
		return -EINVAL;
	if (flags & LX_MSG_COPY && (flags & LX_MSG_EXCEPT || !(flags & LX_IPC_NOWAIT)))
		return -EINVAL;
	if (flags & LX_MSG_COPY)
		ret = msg_copy(t, arg_int(a, 0), arg_long(a, 3), room, flags, &m);
	else
		ret = msg_receive(t, arg_int(a, 0), arg_long(a, 3), room, flags, &m);
	if (ret < 0)
		return wait_or(t, ret, flags);
	if (room > m->len)
		room = m->len;
	ret = (int64_t)room;
	if (copy_out(t, arg_addr(a, 1), &m->type, sizeof(m->type)) < 0 ||
	    copy_out(t, uaddr_add(arg_addr(a, 1), sizeof(m->type)), m->text, room) < 0)
		ret = -EFAULT;
	message_free(m);
	return ret;
}

static int64_t stat_out(struct task *t, const struct sysargs *a, bool by_index, bool any)
{
	struct lx_msqid_ds ds;
	int64_t ret = msg_stat(t, arg_int(a, 0), by_index, any, &ds);

	return ret >= 0 && copy_out(t, arg_addr(a, 2), &ds, sizeof(ds)) < 0 ? -EFAULT : ret;
}

static int64_t info_out(struct task *t, const struct sysargs *a, bool used)
{
	struct lx_msginfo info;
	int64_t ret = msg_info(t, used, &info);

	return copy_out(t, arg_addr(a, 2), &info, sizeof(info)) < 0 ? -EFAULT : ret;
}

int64_t sys_msgctl(struct task *t, const struct sysargs *a)
{
	struct lx_msqid_ds ds;

	if (arg_int(a, 0) < 0 || arg_int(a, 1) < 0)
		return -EINVAL;
	switch (arg_int(a, 1)) {
	case LX_IPC_INFO:
	case LX_MSG_INFO:
		return info_out(t, a, arg_int(a, 1) == LX_MSG_INFO);
	case LX_IPC_STAT:
		return stat_out(t, a, false, false);
	case LX_MSG_STAT:
	case LX_MSG_STAT_ANY:
		return stat_out(t, a, true, arg_int(a, 1) == LX_MSG_STAT_ANY);
	case LX_IPC_SET:
		if (copy_in(t, &ds, arg_addr(a, 2), sizeof(ds)) < 0)
			return -EFAULT;
		return msg_set(t, arg_int(a, 0), &ds);
	case LX_IPC_RMID:
		return msg_remove(t, arg_int(a, 0));
	default:
		return -EINVAL;
	}
}
