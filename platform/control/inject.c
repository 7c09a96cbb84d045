/*
 * Host calls in a stopped tracee: the announcement is that the tracer is inside run_to_trap() for this very thread,
 * with registers that it has just set; whatever else comes from the stub is the guest's own doing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/fast/fast.h"

/* What ended a run of the stub, where it was not the trap. */
enum { RAN_INTO_FAULT = -EFAULT };

/* A signal on the way back from an injected call. True when the stub cannot go on. */
static bool signal_in_stub(struct tracee *t, int sig)
{
	struct arch_regs r;

	if (sig == PLATFORM_SIGNAL)
		t->kicked = true;
	if (sig == SIGSEGV || sig == SIGBUS)
		return true;
	/*
	 * A call that was interrupted is made again: its second entry must not be taken for the trap that follows it.
	 */
	if (arch_fetch(t->tid, &r) == 0 && arch_wants_restart(&r))
		t->again = true;
	return false;
}

static bool is_trap(const struct tracee *t, int status)
{
	if (t->platform->ops->at_entry)
		return status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
	return status >> 8 == SIGTRAP;
}

/* Lets the tracee run in the stub until it traps there. 0, -ESRCH, or RAN_INTO_FAULT. */
static int run_to_trap(struct tracee *t, pid_t *child)
{
	int status;

	t->again = false;
	for (;;) {
		host_ptrace(PTRACE_CONT, t->tid, 0, 0);
		int err = tracer_wait(t, &status);

		if (err)
			return err;
		int event = status >> 16;

		if (is_trap(t, status)) {
			if (!t->again || !t->platform->ops->at_entry)
				return 0;
			t->again = false;
		} else if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
			unsigned long tid = 0;

			host_ptrace(PTRACE_GETEVENTMSG, t->tid, 0, (uintptr_t)&tid);
			if (child)
				*child = (pid_t)tid;
		} else if (event == 0 && signal_in_stub(t, WSTOPSIG(status))) {
			t->where = AT_USER;
			return RAN_INTO_FAULT;
		}
	}
}

/* The result of what the stub did last: the number of its next call, or the result register at the trap. */
static int64_t stub_result(struct tracee *t)
{
	bool entry = t->platform->ops->at_entry;
	int64_t ret;
	int err = entry ? arch_fetch_nr(t->tid, &ret) : arch_fetch_result(t->tid, &ret);

	t->where = entry ? AT_ENTRY : AT_USER;
	return err ? -ESRCH : ret;
}

/* Only a seccomp stop at a call's entry can have the call exchanged; elsewhere the stub is entered from its start. */
static int64_t run_call(struct tracee *t, int64_t nr, const uint64_t arg[6], pid_t *child)
{
	bool loop = t->platform->ops->at_entry;
	bool entry = t->where == AT_ENTRY;
	struct arch_regs r = t->regs;

	arch_stub_call(&r, loop ? STUB_LOOP : STUB_ONCE, entry, nr, arg);
	int err = arch_store(t->tid, &r);

	if (!err && loop && !entry)
		err = run_to_trap(t, NULL); /* at the entry of the call itself */
	if (!err)
		err = run_to_trap(t, child);
	return err ? err : stub_result(t);
}

static int64_t start_exit(struct tracee *t, int64_t nr, const uint64_t arg[6])
{
	struct arch_regs r = t->regs;

	arch_stub_call(&r, t->platform->ops->at_entry ? STUB_LOOP : STUB_ONCE, t->where == AT_ENTRY, nr, arg);
	arch_store(t->tid, &r);
	t->leaving = true;
	host_ptrace(PTRACE_CONT, t->tid, 0, 0);
	return -ESRCH;
}

int64_t inject_call(struct tracee *t, int64_t nr, const uint64_t arg[6], pid_t *child)
{
	if (t->dead || t->leaving)
		return -ESRCH;
	stop_fetch(t);
	t->dirty = true;
	if (nr == SYS_exit || nr == SYS_exit_group)
		return start_exit(t, nr, arg);
	int64_t ret = run_call(t, nr, arg, child);

	return t->dead ? -ESRCH : ret;
}

int64_t stop_inject(struct tracee *t, int64_t nr, const uint64_t arg[6])
{
	return inject_call(t, nr, arg, NULL);
}

int64_t stop_map_file(struct tracee *t, uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
	/* From the main table into the pocket, for as long as the call lasts. */
	AUTO_CLOSE int copy = (int)host_ret(syscall(SYS_pidfd_getfd, t->platform->self_pidfd, fd, 0));

	if (copy < 0)
		return copy;
	const uint64_t arg[6] = { addr, len, (uint64_t)prot, (uint64_t)flags, (uint64_t)copy, offset };

	return inject_call(t, SYS_mmap, arg, NULL);
}

int stop_cmpxchg32(struct tracee *t, uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *seen)
{
	if (t->dead || t->leaving)
		return -ESRCH;
	stop_fetch(t);
	t->dirty = true;
	struct arch_regs r = t->regs;

	arch_stub_cmpxchg(&r, t->platform->ops->at_entry ? STUB_LOOP : STUB_ONCE, addr.v, expected, desired);
	int err = arch_store(t->tid, &r);

	if (!err)
		err = run_to_trap(t, NULL);
	if (err)
		return err;
	int64_t ret = stub_result(t);

	if (t->dead)
		return -ESRCH;
	*seen = (uint32_t)ret;
	return *seen == expected;
}

static uint64_t clone_flags(const struct clone_how *how)
{
	/*
	 * The pocket and the empty root are kept; the tracer is the parent of all; options that the sentry emulates are
	 * left out.
	 */
	uint64_t flags = CLONE_FILES | CLONE_FS | CLONE_PARENT;

	if (how->share_vm || how->thread)
		flags |= CLONE_VM;
	if (how->thread)
		flags |= CLONE_THREAD | CLONE_SIGHAND | CLONE_SYSVSEM;
	return flags;
}

/* The child as the host has just made it: a copy of the parent's registers, in the stub. It gets the guest's. */
static void prepare_child(struct tracee *parent, struct tracee *child, const struct clone_how *how)
{
	child->regs = parent->regs;
	arch_leave_call(&child->regs);
	arch_set_result(&child->regs, 0);
	if (how->set_stack)
		arch_set_sp(&child->regs, how->stack);
	if (how->set_tls)
		arch_set_tls(&child->regs, how->tls);
	child->fetched = child->dirty = true;
}

int inject_clone(struct tracee *t, const struct clone_how *how, struct tracee *child)
{
	struct hproc *proc = how->thread ? t->proc : mem_zalloc(sizeof(*proc));
	uint64_t arg[6];
	pid_t tid = 0;

	if (!proc)
		return -ENOMEM;
	arch_clone_args(arg, clone_flags(how), 0);
	tracer_drop_strangers(t->lane);
	t->cloning = how->thread;
	int64_t ret = inject_call(t, SYS_clone, arg, &tid);

	t->cloning = false;
	if (tid <= 0) {
		if (!how->thread)
			mem_free(proc);
		return ret < 0 ? (int)ret : -EIO;
	}
	/* The clone exists even where its parent was killed before it returned. */
	if (!how->thread)
		proc->tgid = tid;
	prepare_child(t, child, how);
	child->parent_tid = t->tid;
	fast_cloned(t, child, how->share_vm || how->thread);
	tracee_adopt(child, tid, proc);
	tracer_welcome(child);
	return 0;
}

int stop_clone(struct tracee *t, const struct clone_how *how, void *cookie, struct tracee **child)
{
	struct tracee *c = tracee_alloc(t->lane, cookie);

	if (!c)
		return -ENOMEM;
	int err = inject_clone(t, how, c);

	if (err) {
		tracee_put(c);
		return err;
	}
	*child = c;
	return 0;
}

int64_t stop_xstate_get(struct tracee *t, void *buf, size_t len)
{
	return arch_xstate_fetch(t->tid, buf, len);
}

int64_t stop_xstate_set(struct tracee *t, const void *buf, size_t len)
{
	return arch_xstate_store(t->tid, buf, len);
}
