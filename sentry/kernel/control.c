/* What the runtime asks for over the control socket once the sandbox is made: sentry/boot/control.h. On the reactor thread. */
#include "sentry/kernel/control.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/signal.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/boot/control.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/hostfd.h"
#include "sentry/fs/vfs.h"
#include "sentry/io/io.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/program.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/exec.h"

static void kill_all(struct kernel *k)
{
	if (!atomic_exchange(&k->shutting_down, true))
		io_stop(k->io);
}

static void answer_start(struct kernel *k, const struct control_msg *msg)
{
	struct task *t = k->prepared;

	if (!t) {
		control_send_failed(k->control_fd, msg->seq, -EALREADY, CONTROL_STAGE_INTERNAL, "the sandbox has been started already");
		return;
	}
	k->prepared = NULL;
	load_start(k);
	control_send_started(k->control_fd, msg->seq, task_pid(t));
	exec_launch(t);
	task_put(t);
}

static void answer_exec(struct kernel *k, struct control_msg *msg)
{
	enum control_stage stage;
	char why[512];
	struct task *t;
	int ret = program_prepare(k, msg->process, msg->fds.stdio, false, &t, &stage, why, sizeof(why));

	for (int i = 0; i < 3; i++)
		msg->fds.stdio[i] = -1; /* taken over in any case */
	if (ret < 0) {
		control_send_failed(k->control_fd, msg->seq, ret, stage, "%s", why);
		return;
	}
	control_send_started(k->control_fd, msg->seq, task_pid(t));
	exec_launch(t);
	task_put(t);
}

static int signal_foreground(struct kernel *k, const struct lx_siginfo *info)
{
	struct pgrp *group;
	int ret;

	LOCK_GUARD(&k->lock);
	group = k->init ? k->init->session->foreground : NULL;
	if (group)
		return signal_send_pgrp(group, info);
	ret = k->init ? signal_send_process(k->init, info) : -ESRCH;
	return ret;
}

static int send_signal(struct kernel *k, int pid, int signo)
{
	struct lx_siginfo info;
	struct process *p;
	int ret;

	if (signo < 1 || signo > 64)
		return -EINVAL;
	siginfo_init_kill(&info, signo, NULL);
	if (pid == 0)
		return signal_foreground(k, &info);
	if (pid < 0) {
		for (int next = process_next(k, 0); next; next = process_next(k, next)) {
			p = process_find(k, next);
			if (p) {
				signal_send_process(p, &info);
				process_put(p);
			}
		}
		return 0;
	}
	p = process_find(k, pid);
	if (!p)
		return -ESRCH;
	ret = signal_send_process(p, &info);
	process_put(p);
	return ret;
}

static void handle(struct kernel *k, struct control_msg *msg)
{
	struct control_stats stats;

	switch (msg->type) {
	case CONTROL_START:
		answer_start(k, msg);
		break;
	case CONTROL_EXEC:
		answer_exec(k, msg);
		break;
	case CONTROL_SIGNAL:
		control_send_done(k->control_fd, msg->seq, send_signal(k, msg->signal.pid, msg->signal.signo));
		break;
	case CONTROL_RESIZE:
		control_send_done(k->control_fd, msg->seq, send_signal(k, 0, LX_SIGWINCH));
		break;
	case CONTROL_STATS:
		kernel_stats(k, &stats);
		control_send_stats_is(k->control_fd, msg->seq, &stats);
		break;
	case CONTROL_KILL:
		kill_all(k);
		break;
	default:
		log_warning("the runtime sent a control message of type %d, which is not for a sentry", (int)msg->type);
	}
}

void control_readable(struct kernel *k)
{
	struct control_msg msg;
	char why[256];

	for (;;) {
		int ret = control_recv(k->control_fd, MSG_DONTWAIT, &msg, why, sizeof(why));

		if (ret == -EAGAIN)
			return;
		if (ret == -EPIPE) { /* the runtime is gone */
			kill_all(k);
			return;
		}
		if (ret < 0) {
			log_warning("control message ignored: %s", ret == -EBADMSG ? why : strerrordesc_np(-ret));
			if (ret != -EBADMSG)
				return;
			continue;
		}
		handle(k, &msg);
		control_msg_free(&msg);
	}
}
