/* The tracee's side of ptrace(2): its stops, and what happens when it is let go. See ptrace.h. Linux: ptrace_stop(), get_signal(). */
#include <errno.h>
#include <string.h>

#include "abi/wait.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/sigqueue.h"

#define CODE(signo, event) ((signo) | (event) << 8)

/* --- stopping ---------------------------------------------------------------------------------------------------------- */

/* What the registers look like to a tracer: those of a thread in the call while it is, with the result that it has so far. */
static void snapshot(struct task *t, enum ptrace_stop kind)
{
	struct arch_regs *r = &t->pt->regs;

	*r = *stop_regs(t->tracee);
	if (!t->in_call) {
		arch_leave_call(r);
		return;
	}
	arch_set_number(r, t->call.nr);
	if (kind == PTRACE_ENTRY || kind == PTRACE_EVENT)
		arch_set_result(r, -ENOSYS);
	else
		arch_set_result(r, t->ret);
}

static void tell_tracer(struct task *t, int chld_code, int status)
{
	struct lx_siginfo info = { .si_signo = LX_SIGCHLD, .si_code = chld_code };
	struct lx_sigaction action;
	struct process *tracer;

	LOCK_GUARD(&t->k->lock);
	if (!t->pt->tracer)
		return;
	tracer = t->pt->tracer->proc;
	info.u.chld.pid = t->tid;
	info.u.chld.uid = t->cred->uid;
	info.u.chld.status = status & 0x7f;
	action = signal_action(tracer, LX_SIGCHLD);
	if (action.handler != LX_SIG_IGN && !(action.flags & LX_SA_NOCLDSTOP))
		signal_send_process(tracer, &info);
	waitq_wake(&tracer->child_wait, ~0u);
}

/* The siginfo of a stop that no signal is behind. */
static struct lx_siginfo stop_info(const struct task *t, int code)
{
	struct lx_siginfo info = { .si_signo = LX_SIGTRAP, .si_code = code };

	info.u.rt.pid = t->tid;
	info.u.rt.uid = t->cred->uid;
	return info;
}

/* True when it stands; false when nobody is there any more to see it, or death has come first. */
static bool begin(struct task *t, enum ptrace_stop kind, int code, uint64_t message, const struct lx_siginfo *info)
{
	struct ptrace *pt = t->pt;
	bool dying_event = code >> 8 == LX_PTRACE_EVENT_EXIT;

	snapshot(t, kind);
	lock_take(&t->proc->sig_lock);
	if (!pt->traced || (!dying_event && (atomic_load(&t->work) & WORK_EXIT))) {
		lock_drop(&t->proc->sig_lock);
		return false;
	}
	pt->kind = kind;
	pt->code = code;
	pt->message = message;
	pt->has_info = info != NULL;
	if (info)
		pt->info = *info;
	pt->stopped = true;
	pt->resumed = pt->listening = pt->reported = false;
	pt->signo = 0;
	lock_drop(&t->proc->sig_lock);
	tell_tracer(t, kind == PTRACE_GROUP ? LX_CLD_STOPPED : LX_CLD_TRAPPED, code);
	return true;
}

static bool begin_plain(struct task *t, enum ptrace_stop kind, int code, uint64_t message)
{
	struct lx_siginfo info = stop_info(t, code);

	return begin(t, kind, code, message, &info);
}

static bool begin_call(struct task *t, enum ptrace_stop kind)
{
	int code = LX_SIGTRAP | (t->pt->options & LX_PTRACE_O_TRACESYSGOOD ? 0x80 : 0);

	return begin_plain(t, kind, code, kind == PTRACE_ENTRY ? LX_PTRACE_EVENTMSG_SYSCALL_ENTRY : LX_PTRACE_EVENTMSG_SYSCALL_EXIT);
}

/* The stop of an interrupt, an attach, a group stop: what it says depends on whether the process is stopped by then. */
static bool begin_trap(struct task *t)
{
	struct process *p = t->proc;
	int signo;
	bool seized;

	lock_take(&p->sig_lock);
	t->pt->trap = false;
	seized = t->pt->seized;
	signo = t->stopped ? p->stop_signal : LX_SIGTRAP;
	lock_drop(&p->sig_lock);
	if (!seized)
		return begin(t, PTRACE_GROUP, signo, 0, NULL);
	return begin_plain(t, PTRACE_TRAP, CODE(signo, LX_PTRACE_EVENT_STOP), 0);
}

bool ptrace_signal_stop(struct task *t, const struct lx_siginfo *info)
{
	if (!ptrace_is_traced(t) || info->si_signo == LX_SIGKILL)
		return false;
	return begin(t, PTRACE_SIGNAL, info->si_signo, 0, info);
}

void ptrace_group_stop(struct task *t)
{
	if (!ptrace_is_traced(t) || t->pt->stopped)
		return;
	t->pt->trap = true;
	atomic_fetch_or(&t->work, WORK_PTRACE);
}

void ptrace_stop_again(struct task *t, int signo)
{
	if (!ptrace_is_traced(t) || !(SIGBIT(signo) & SIGNALS_STOP))
		return;
	LOCK_GUARD(&t->proc->sig_lock);
	if (t->proc->state != PROC_STOPPED || t->stopped)
		return;
	t->stopped = true;
	atomic_fetch_or(&t->work, WORK_STOP);
}

void ptrace_handler_entered(struct task *t)
{
	if (!t->pt || !(t->pt->mode & PTRACE_MODE_STEP))
		return;
	t->pt->frame_due = true;
	atomic_fetch_or(&t->work, WORK_PTRACE);
}

/* --- going on ---------------------------------------------------------------------------------------------------------- */

/* The tracer may have taken the number away, or put another: the call is made again from before its instruction, or never. */
static void after_entry(struct task *t)
{
	struct arch_regs *r = stop_regs(t->tracee);
	struct call_info call;

	arch_call(r, &call);
	if ((int32_t)call.nr != -1 && !t->pt->sysemu_entry) {
		arch_restart_call(r, call.nr);
		t->pt->entry_done = true;
		t->in_call = false;
		return;
	}
	t->pt->seccomp_done = false;
	t->ret = arch_result(r);
	t->pt->exit_due = t->pt->mode & (PTRACE_MODE_SYSCALL | PTRACE_MODE_STEP);
	t->in_call = t->pt->exit_due;
}

/* Results that the tracer has changed count, and a call that it has taken the number of is not made again. */
static void after_result(struct task *t)
{
	struct arch_regs *r = stop_regs(t->tracee);

	if (!t->in_call)
		return;
	t->in_call = arch_number(r) >= 0;
	t->ret = arch_result(r);
}

static void after_signal(struct task *t, int signo)
{
	struct ptrace *pt = t->pt;
	struct task *tracer;

	after_result(t);
	pt->inject = signo != 0;
	if (!signo)
		return;
	atomic_fetch_or(&t->work, WORK_SIGNAL);
	if (signo == pt->info.si_signo)
		return;
	memset(&pt->info, 0, sizeof(pt->info));
	pt->info.si_signo = signo;
	LOCK_GUARD(&t->k->lock);
	tracer = pt->tracer;
	if (tracer) {
		pt->info.u.rt.pid = task_pid(tracer);
		pt->info.u.rt.uid = tracer->cred->uid;
	}
}

static void send_to_self(struct task *t, int signo)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, signo, NULL);
	signal_send_task(t, &info);
}

/* The last stop is over: the registers go back, and the stop's kind says what else. */
static void adopt(struct task *t)
{
	struct ptrace *pt = t->pt;
	enum ptrace_stop kind;
	int signo;

	lock_take(&t->proc->sig_lock);
	pt->resumed = false;
	kind = pt->kind;
	signo = pt->signo;
	if (kind != PTRACE_NONE)
		*stop_regs(t->tracee) = pt->regs;
	pt->kind = PTRACE_NONE;
	lock_drop(&t->proc->sig_lock);
	switch (kind) {
	case PTRACE_ENTRY:
		after_entry(t);
		break;
	case PTRACE_EXIT:
		after_result(t);
		break;
	case PTRACE_SIGNAL:
		after_signal(t, signo);
		return;
	case PTRACE_EVENT:
		if (t->in_call)
			arch_set_result(stop_regs(t->tracee), t->ret);
		return;
	default:
		after_result(t);
		return;
	}
	if (signo)
		send_to_self(t, signo);
}

/* --- what is due --------------------------------------------------------------------------------------------------------- */

/* The end of a call: its exit stop, or the trap of a step over it. */
static bool begin_exit(struct task *t)
{
	struct lx_siginfo info = { .si_signo = LX_SIGTRAP, .si_code = LX_TRAP_BRKPT };
	struct ptrace *pt = t->pt;

	pt->exit_due = false;
	if (!t->in_call) { /* the host has made it, or it has set all registers itself */
		t->ret = arch_result(stop_regs(t->tracee));
		t->in_call = true;
	}
	if (pt->mode & PTRACE_MODE_SYSCALL)
		return begin_call(t, PTRACE_EXIT);
	if (pt->mode & PTRACE_MODE_STEP) {
		info.u.fault.addr = arch_ip(stop_regs(t->tracee));
		signal_force(t, &info);
	}
	return false;
}

static bool begin_death(struct task *t)
{
	struct ptrace *pt = t->pt;

	if (pt->exit_shown || !(pt->options & LX_PTRACE_O_TRACEEXIT) || LX_WTERMSIG(t->exit_status) == LX_SIGKILL)
		return false;
	pt->exit_shown = true;
	return begin_plain(t, PTRACE_EVENT, CODE(LX_SIGTRAP, LX_PTRACE_EVENT_EXIT), (uint32_t)t->exit_status);
}

static bool begin_event(struct task *t)
{
	struct ptrace *pt = t->pt;
	int event = pt->event;

	pt->event = 0;
	return begin_plain(t, PTRACE_EVENT, CODE(LX_SIGTRAP, event), pt->event_message);
}

static bool begin_vfork_done(struct task *t)
{
	struct ptrace *pt = t->pt;
	uint64_t child = pt->vfork_child;

	pt->vfork_child = 0;
	return begin_plain(t, PTRACE_EVENT, CODE(LX_SIGTRAP, LX_PTRACE_EVENT_VFORK_DONE), child);
}

static bool begin_entry(struct task *t)
{
	t->pt->entry_due = false;
	t->ret = 0; /* was a restart code, to come here */
	if (begin_call(t, PTRACE_ENTRY))
		return true;
	arch_restart_call(stop_regs(t->tracee), t->call.nr);
	t->in_call = false;
	return false;
}

static bool begin_seccomp(struct task *t)
{
	struct ptrace *pt = t->pt;

	pt->seccomp_due = pt->exit_due = pt->sysemu_entry = false;
	pt->seccomp_done = true;
	t->ret = 0;
	if (begin_plain(t, PTRACE_ENTRY, CODE(LX_SIGTRAP, LX_PTRACE_EVENT_SECCOMP), pt->event_message))
		return true;
	t->ret = -ENOSYS;
	arch_set_result(stop_regs(t->tracee), t->ret);
	return false;
}

static bool begin_frame(struct task *t)
{
	t->pt->frame_due = false;
	return begin_plain(t, PTRACE_EVENT, LX_SIGTRAP, 0);
}

static bool forget_all(struct task *t)
{
	struct ptrace *pt = t->pt;
	bool was_entry = pt->entry_due;

	pt->event = 0;
	pt->vfork_child = 0;
	pt->entry_due = pt->seccomp_due = pt->exit_due = pt->frame_due = pt->trap = false;
	if (was_entry) { /* nobody is there to see it: the call is made */
		arch_restart_call(stop_regs(t->tracee), t->call.nr);
		t->in_call = false;
	}
	return false;
}

/* In the order in which Linux comes by them on its way out of the kernel. */
static bool begin_due(struct task *t)
{
	struct ptrace *pt = t->pt;

	if (!atomic_load(&pt->traced))
		return forget_all(t);
	if (atomic_load(&t->work) & WORK_EXIT)
		return begin_death(t);
	if (pt->event && begin_event(t))
		return true;
	if (pt->entry_due && begin_entry(t))
		return true;
	if (pt->seccomp_due && begin_seccomp(t))
		return true;
	if (atomic_load(&t->vfork_wait))
		return false;
	if (pt->vfork_child && begin_vfork_done(t))
		return true;
	if (pt->exit_due && begin_exit(t))
		return true;
	if (pt->frame_due && begin_frame(t))
		return true;
	return pt->trap && !pt->entry_done && !pt->inject && begin_trap(t);
}

bool ptrace_look(struct task *t)
{
	struct ptrace *pt = t->pt;

	if (atomic_load(&t->work) & WORK_PTRACE) {
		atomic_fetch_and(&t->work, ~(uint32_t)WORK_PTRACE);
		stop_jobs_do(t);
	}
	if (!pt)
		return false;
	if (ptrace_is_traced(t))
		stop_show_code(t->tracee);
	if (pt->stopped)
		return true;
	if (pt->resumed)
		adopt(t);
	return begin_due(t);
}

enum resume ptrace_resume_how(const struct task *t)
{
	const struct ptrace *pt = t->pt;

	/* A call that comes again is stepped over as a whole: its end is told. */
	return pt && pt->mode & PTRACE_MODE_STEP && !pt->entry_done ? RESUME_STEP : RESUME_RUN;
}

bool ptrace_holds_signals(const struct task *t)
{
	return t->pt && t->pt->entry_done;
}

int ptrace_take_injected(struct task *t, struct lx_siginfo *info)
{
	struct ptrace *pt = t->pt;

	if (!pt || !pt->inject)
		return 0;
	pt->inject = false;
	*info = pt->info;
	return info->si_signo;
}

/* --- calls and events -------------------------------------------------------------------------------------------------- */

/* A call of the old vsyscall page cannot be made again from its instruction: as in Linux, it has no stops. */
static bool has_stops(const struct call_info *call)
{
	return (int64_t)call->ip >= 0;
}

bool ptrace_call_enters(struct task *t, const struct call_info *call)
{
	struct ptrace *pt = t->pt;

	if (!pt || pt->entry_done || !(pt->mode & (PTRACE_MODE_SYSCALL | PTRACE_MODE_SYSEMU)) || !has_stops(call))
		return false;
	pt->entry_due = true;
	pt->sysemu_entry = pt->mode & PTRACE_MODE_SYSEMU;
	t->in_call = true;
	t->call.nr = (int32_t)call->nr;
	atomic_fetch_or(&t->work, WORK_PTRACE);
	return true;
}

void ptrace_call_begins(struct task *t)
{
	struct ptrace *pt = t->pt;

	if (!pt)
		return;
	pt->exit_due = pt->entry_done ? pt->mode & (PTRACE_MODE_SYSCALL | PTRACE_MODE_STEP) : pt->mode & PTRACE_MODE_STEP;
	pt->seccomp_seen = pt->entry_done && pt->seccomp_done;
	pt->entry_done = pt->seccomp_done = false;
	if (!pt->mode && !pt->seccomp_seen)
		atomic_fetch_and(&t->work, ~(uint32_t)WORK_TRACE_CALLS);
}

bool ptrace_is_step_over_call(const struct task *t, const struct fault_info *fault)
{
	return t->pt && t->pt->exit_due && fault->signo == LX_SIGTRAP && fault->code == LX_TRAP_BRKPT;
}

bool ptrace_event(struct task *t, int event, uint64_t message)
{
	struct ptrace *pt = t->pt;

	if (!ptrace_is_traced(t))
		return false;
	if (!(pt->options & 1u << event)) {
		if (event == LX_PTRACE_EVENT_EXEC && !pt->seized)
			send_to_self(t, LX_SIGTRAP);
		return false;
	}
	pt->event = event;
	pt->event_message = message;
	atomic_fetch_or(&t->work, WORK_PTRACE);
	return true;
}

int64_t ptrace_exit_first(struct task *t, int status)
{
	struct ptrace *pt = t->pt;

	if (!ptrace_is_traced(t) || pt->exit_shown || !(pt->options & LX_PTRACE_O_TRACEEXIT) || LX_WTERMSIG(status) == LX_SIGKILL)
		return 0;
	lock_take(&t->proc->sig_lock);
	if (!(atomic_load(&t->work) & WORK_EXIT)) {
		t->exit_status = status;
		atomic_fetch_or(&t->work, WORK_EXIT);
	}
	lock_drop(&t->proc->sig_lock);
	return -ERESTARTNOINTR; /* to a stop, where the death is found */
}

bool ptrace_seccomp(struct task *t, uint32_t data, int64_t *ret)
{
	struct ptrace *pt = t->pt;

	if (!ptrace_is_traced(t) || !(pt->options & LX_PTRACE_O_TRACESECCOMP)) {
		*ret = -ENOSYS;
		return false;
	}
	if (pt->seccomp_seen)
		return true;
	pt->seccomp_due = true;
	pt->event_message = data;
	atomic_fetch_or(&t->work, WORK_PTRACE);
	*ret = -ERESTARTNOINTR;
	return false;
}
