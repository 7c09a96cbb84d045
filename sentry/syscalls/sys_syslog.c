/* syslog(2): the kernel's log, which is empty and may be read by those who have CAP_SYSLOG (as with kernel.dmesg_restrict). */
#include <errno.h>

#include "abi/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

enum { CLOSE, OPEN, READ, READ_ALL, READ_CLEAR, CLEAR, CONSOLE_OFF, CONSOLE_ON, CONSOLE_LEVEL, SIZE_UNREAD, SIZE_BUFFER };

#define LOG_BUFFER_SIZE 262144
#define CAP_SYSLOG 34

int64_t sys_syslog(struct task *t, const struct sysargs *a)
{
	int type = arg_int(a, 0), len = arg_int(a, 2);

	if (!cred_capable(t->cred, CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case CLOSE: case OPEN: case CLEAR: case CONSOLE_OFF: case CONSOLE_ON: case SIZE_UNREAD:
		return 0;
	case READ: case READ_ALL: case READ_CLEAR:
		if (uaddr_null(arg_addr(a, 1)) || len < 0)
			return -EINVAL;
		/* Nothing will ever be logged: who waits for it waits for a signal. */
		return len && type == READ ? task_block(t) : 0;
	case CONSOLE_LEVEL:
		return len < 1 || len > 8 ? -EINVAL : 0;
	case SIZE_BUFFER:
		return LOG_BUFFER_SIZE;
	default:
		return -EINVAL;
	}
}
