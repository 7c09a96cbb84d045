/*
 * The ptrace platform: PTRACE_SYSEMU stops a guest at each of its calls and the host makes none of them. It works where
 * the host has no seccomp listener to give (inside another one, or before Linux 5.19), and costs two switches of
 * threads more a call: the tracer hands it to a worker, since handlers need the main fd table, and the worker's answer
 * comes back as a request.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "platform/platform_impl.h"

/*
 * A host may emulate the three calls of the old vsyscall page, in the page fault that jumping there makes, and SYSEMU
 * does not see them. Seccomp does: this filter has no listener, so that it can be installed inside another. Nothing
 * else in user space has an address with these upper bits. Where the host has no seccomp filters at all, the guest sees
 * the host's own clock there.
 */
static int ptrace_confine(const struct platform_config *cfg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffffu, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };
	int64_t err = host_ret(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));

	(void)cfg;
	return err < 0 && err != -ENOSYS && err != -EINVAL ? (int)err : 0;
}

static void hand_to_worker(struct tracee *t)
{
	struct lane *l = t->lane;

	balance_set_busy(t, false);
	lock_take(&l->lock);
	list_push_back(&l->calls, &t->call_link);
	lock_drop(&l->lock);
	__atomic_fetch_add(&l->call_gate, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&l->call_gate, 1);
}

static void ptrace_call_stop(struct tracee *t, bool vsyscall)
{
	t->vsyscall = vsyscall;
	if (!arch_fetch_call(t->tid, &t->call)) {
		stop_resume_run(t); /* another architecture's entry: the call is not made, its result is -ENOSYS */
		return;
	}
	if (vsyscall || !platform_stops_at(t->platform, t->call.nr)) {
		hand_to_worker(t);
		return;
	}
	t->stop = (struct stop){ .call = t->call };
	stop_deliver(t, STOP_CALL);
}

static struct tracee *ptrace_receive(struct worker *w)
{
	struct lane *l = w->lane;
	uint32_t seen = __atomic_load_n(&l->call_gate, __ATOMIC_ACQUIRE);
	struct tracee *t = NULL;

	lock_take(&l->lock);
	if (!list_empty(&l->calls)) {
		t = list_first(&l->calls, struct tracee, call_link);
		list_remove(&t->call_link);
		t->delivering++;
	}
	lock_drop(&l->lock);
	if (!t && !atomic_load(&l->platform->workers_ending))
		host_futex_wait(&l->call_gate, seen);
	return t;
}

static void ptrace_answer(struct tracee *t, int64_t ret)
{
	request_answer(t, REQUEST_ANSWER, ret);
}

static void ptrace_pass(struct tracee *t)
{
	request_answer(t, REQUEST_PASS, 0);
}

/*
 * The host insists on the instruction pointer that it has found: such a call is answered in its place, and never made.
 */
static void complete_vsyscall(struct tracee *t, int64_t ret)
{
	struct arch_regs *r = stop_regs(t);

	arch_set_result(r, ret);
	arch_leave_call(r);
}

static void ptrace_complete(struct tracee *t, bool pass, int64_t ret)
{
	t->completing = true;
	balance_set_busy(t, true);
	if (t->vsyscall) {
		complete_vsyscall(t, pass ? -ENOSYS : ret);
	} else if (pass) {
		ret = inject_call(t, t->call.nr, t->call.arg, NULL);
		arch_set_result(stop_regs(t), ret);
	} else {
		arch_store_result(t->tid, ret);
	}
	stop_settle(t, RESUME_RUN);
}

const struct platform_ops platform_ptrace = {
	.name = "ptrace",
	.at_entry = false,
	.resume = PTRACE_SYSEMU,
	.step = PTRACE_SYSEMU_SINGLESTEP,
	.trace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			 PTRACE_O_EXITKILL,
	.confine = ptrace_confine,
	.on_call_stop = ptrace_call_stop,
	.receive = ptrace_receive,
	.answer = ptrace_answer,
	.pass = ptrace_pass,
	.complete = ptrace_complete,
};
