/*
 * The seccomp platform. Calls that the sentry answers are notified to the lane's listener (USER_NOTIF), those that
 * it makes the host perform stop at the tracer (RET_TRACE), and so does every call from the stub's loop.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "filter.h"
#include "platform/fast/fast.h"

/* Newer than the headers. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define NOTIF_FD_SYNC_WAKE_UP 1UL

static int seccomp_confine(const struct platform_config *cfg)
{
	struct sock_filter code[FILTER_MAX];
	struct seccomp_notif_sizes sizes;
	int n = filter_build(code, cfg->stop_calls, cfg->stop_call_count);

	if (n < 0)
		return n;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	if (sizes.seccomp_notif > NOTIF_MAX || sizes.seccomp_notif_resp > NOTIF_MAX)
		return -E2BIG;
	struct sock_fprog prog = { .len = (unsigned short)n, .filter = code };

	return (int)host_ret(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog));
}

/* Without the flag (before Linux 6.6) wakes may cross CPUs; threads and guests of a lane are on one CPU anyway. */
static int seccomp_adopt(struct lane *l)
{
	ioctl(l->listener, NOTIF_SET_FLAGS, NOTIF_FD_SYNC_WAKE_UP);
	return 0;
}

/*
 * A call of the guest's own, at its entry. One that it made by a jump into the stub's loop was routed here by its
 * address; unless it is to be stopped at anyway, it goes on as if made at the loop's twin, and the filter, which looks
 * again, gives it the ordinary route.
 */
static void seccomp_call_stop(struct tracee *t, bool seccomp_event)
{
	(void)seccomp_event;
	stop_fetch(t);
	t->stop = (struct stop){ 0 };
	arch_call(&t->regs, &t->stop.call);
	if (!platform_stops_at(t->platform, t->stop.call.nr)) {
		arch_disown_stub(&t->regs);
		arch_store(t->tid, &t->regs);
		t->fetched = false;
		t->where = AT_RUN;
		host_ptrace(PTRACE_CONT, t->tid, 0, 0);
		return;
	}
	t->before = t->regs;
	t->remaking = false;
	stop_deliver(t, STOP_CALL);
}

union notif {
	struct seccomp_notif n;
	char room[NOTIF_MAX];
};

/* Answers that were given on tracer threads. */
static void give_deferred(struct lane *l)
{
	for (;;) {
		lock_take(&l->lock);
		if (list_empty(&l->calls)) {
			lock_drop(&l->lock);
			return;
		}
		struct tracee *t = list_first(&l->calls, struct tracee, call_link);
		struct seccomp_notif_resp r = {
			.id = t->call_id,
			.val = t->pass || t->answer < 0 ? 0 : t->answer,
			.error = t->pass || t->answer >= 0 ? 0 : (int)t->answer,
			.flags = t->pass ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
		};

		list_remove(&t->call_link);
		lock_drop(&l->lock);
		HOST_RETRY(ioctl(l->listener, SECCOMP_IOCTL_NOTIF_SEND, &r));
	}
}

static struct tracee *seccomp_receive(struct worker *w)
{
	struct lane *l = w->lane;
	union notif u;

	memset(&u, 0, sizeof(u)); /* the kernel refuses anything else */
	int64_t err = arch_waitcall(&w->wake, SYS_ioctl, (uint64_t)l->listener, SECCOMP_IOCTL_NOTIF_RECV, (uintptr_t)&u, 0);

	if (err == -EINTR) {
		__atomic_store_n(&w->wake, 0, __ATOMIC_SEQ_CST);
		give_deferred(l);
		return NULL;
	}
	if (err < 0) {
		if (err != -ENOENT) /* killed or interrupted before it was read: normal */
			l->platform->handler->broken("receiving calls", (int)err);
		return NULL;
	}
	struct tracee *t = call_begin(l, (pid_t)u.n.pid);

	if (!t)
		return NULL; /* killed and reaped already */
	t->call_id = u.n.id;
	t->call.nr = u.n.data.nr;
	memcpy(t->call.arg, u.n.data.args, sizeof(t->call.arg));
	t->call.ip = u.n.data.instruction_pointer;
	fast_trap(t);
	return t;
}

/* ENOENT: the thread was killed, or was interrupted before the call had been received. Neither is an error. */
static void send_answer(struct tracee *t, int64_t val, int error, uint32_t flags)
{
	struct seccomp_notif_resp r = { .id = t->call_id, .val = val, .error = error, .flags = flags };
	struct platform *p = t->platform;

	balance_set_busy(t, true); /* before: it may run, and end, at once */
	int64_t err = HOST_RETRY(ioctl(t->lane->listener, SECCOMP_IOCTL_NOTIF_SEND, &r));

	if (err < 0 && err != -ENOENT)
		p->handler->broken("answering a call", (int)err);
}

/*
 * Errors are returned as such, so that a value that happens to look like one of the host's restart codes does no harm.
 */
static void seccomp_answer(struct tracee *t, int64_t ret)
{
	if (ret < 0 && ret >= -4095)
		send_answer(t, 0, (int)ret, 0);
	else
		send_answer(t, ret, 0, 0);
}

static void seccomp_pass(struct tracee *t)
{
	send_answer(t, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

const struct platform_ops platform_seccomp = {
	.name = "seccomp",
	.at_entry = true,
	.resume = PTRACE_CONT,
	.step = PTRACE_SINGLESTEP,
	.trace_options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL,
	.confine = seccomp_confine,
	.adopt = seccomp_adopt,
	.on_call_stop = seccomp_call_stop,
	.receive = seccomp_receive,
	.answer = seccomp_answer,
	.pass = seccomp_pass,
};
