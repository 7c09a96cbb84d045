/* rt_sigaction, rt_sigprocmask, rt_sigpending, sigaltstack, rt_sigreturn. */
#include <errno.h>

#include "platform/arch.h"
#include "sentry/kernel/sigqueue.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* Sets an action; what is pending and now ignored is dropped, as POSIX has it. */
static void install_action(struct process *p, int signo, const struct lx_sigaction *new)
{
	struct lx_sigaction *action = &p->actions[signo - 1];

	*action = *new;
	action->flags &= LX_SA_VALID;
	action->mask &= ~LX_SIG_UNMASKABLE;
	if (signal_is_ignored(p, signo))
		sigqueue_flush_all(p, SIGBIT(signo));
}

int64_t sys_rt_sigaction(struct task *t, const struct sysargs *a)
{
	int signo = arg_int(a, 0);
	uaddr_t new_addr = arg_addr(a, 1), old_addr = arg_addr(a, 2);
	struct process *p = t->proc;
	struct lx_sigaction new, old;

	if (arg_size(a, 3) != LX_SIGSET_SIZE)
		return -EINVAL;
	if (!uaddr_null(new_addr) && copy_in(t, &new, new_addr, sizeof(new)) < 0)
		return -EFAULT;
	if (signo < 1 || signo > LX_NSIG)
		return -EINVAL;
	if (!uaddr_null(new_addr) && (SIGBIT(signo) & LX_SIG_UNMASKABLE))
		return -EINVAL;
	lock_take(&p->sig_lock);
	old = p->actions[signo - 1];
	if (!uaddr_null(new_addr))
		install_action(p, signo, &new);
	lock_drop(&p->sig_lock);
	return uaddr_null(old_addr) ? 0 : copy_out(t, old_addr, &old, sizeof(old));
}

static int new_mask(int how, uint64_t old, uint64_t set, uint64_t *out)
{
	switch (how) {
	case LX_SIG_BLOCK:
		*out = old | set;
		return 0;
	case LX_SIG_UNBLOCK:
		*out = old & ~set;
		return 0;
	case LX_SIG_SETMASK:
		*out = set;
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t sys_rt_sigprocmask(struct task *t, const struct sysargs *a)
{
	uaddr_t set_addr = arg_addr(a, 1), old_addr = arg_addr(a, 2);
	uint64_t old = t->blocked, set, mask;
	int err;

	if (arg_size(a, 3) != LX_SIGSET_SIZE)
		return -EINVAL;
	if (!uaddr_null(set_addr)) {
		if (copy_in(t, &set, set_addr, sizeof(set)) < 0)
			return -EFAULT;
		err = new_mask(arg_int(a, 0), old, set, &mask);
		if (err)
			return err;
		mask &= ~LX_SIG_UNMASKABLE;
		if (mask != old)
			signal_set_mask(t, mask);
	}
	return uaddr_null(old_addr) ? 0 : copy_out(t, old_addr, &old, sizeof(old));
}

int64_t sys_rt_sigpending(struct task *t, const struct sysargs *a)
{
	size_t size = arg_size(a, 1);
	uint64_t set;

	if (size > LX_SIGSET_SIZE)
		return -EINVAL;
	lock_take(&t->proc->sig_lock);
	set = (t->pending.set | t->proc->shared_pending.set) & t->blocked;
	lock_drop(&t->proc->sig_lock);
	return copy_out(t, arg_addr(a, 0), &set, size);
}

/* --- the alternate stack ------------------------------------------------------------------------------------------ */

static bool on_alt_stack(const struct task *t, uint64_t sp)
{
	if ((uint32_t)t->altstack.flags & LX_SS_AUTODISARM)
		return false;
	return t->altstack.size && sp > t->altstack.base && sp - t->altstack.base <= t->altstack.size;
}

static void show_altstack(const struct task *t, uint64_t sp, struct lx_stack *out)
{
	uint32_t state = !t->altstack.size ? LX_SS_DISABLE : on_alt_stack(t, sp) ? LX_SS_ONSTACK : 0;

	*out = (struct lx_stack){
		.ss_sp = t->altstack.base,
		.ss_flags = (int32_t)(state | ((uint32_t)t->altstack.flags & LX_SS_FLAG_BITS)),
		.ss_size = t->altstack.size,
	};
}

static int set_altstack(struct task *t, const struct lx_stack *ss, uint64_t sp, uint64_t min_size)
{
	uint32_t mode = (uint32_t)ss->ss_flags & ~LX_SS_FLAG_BITS;

	if (on_alt_stack(t, sp))
		return -EPERM;
	if (mode != LX_SS_DISABLE && mode != LX_SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == LX_SS_DISABLE) {
		t->altstack.base = t->altstack.size = 0;
	} else {
		if (ss->ss_size < min_size)
			return -ENOMEM;
		t->altstack.base = ss->ss_sp;
		t->altstack.size = ss->ss_size;
	}
	t->altstack.flags = ss->ss_flags;
	return 0;
}

#define MINSIGSTKSZ 2048

/* Where the trap does not tell the stack pointer the registers do, at a stop; sigaltstack(2) is a STOP row for that. */
int64_t sys_sigaltstack(struct task *t, const struct sysargs *a)
{
	uaddr_t new_addr = arg_addr(a, 0), old_addr = arg_addr(a, 1);
	uint64_t sp = t->in_stop ? arch_sp(stop_regs(t->tracee)) : a->sp;
	struct lx_stack new, old;
	int err = 0;

	if (!uaddr_null(new_addr) && copy_in(t, &new, new_addr, sizeof(new)) < 0)
		return -EFAULT;
	lock_take(&t->proc->sig_lock);
	show_altstack(t, sp, &old);
	if (!uaddr_null(new_addr))
		err = set_altstack(t, &new, sp, MINSIGSTKSZ);
	lock_drop(&t->proc->sig_lock);
	if (err || uaddr_null(old_addr))
		return err;
	return copy_out(t, old_addr, &old, sizeof(old));
}

/* --- the way back from a handler -------------------------------------------------------------------------------------- */

int64_t sys_rt_sigreturn(struct task *t, const struct sysargs *a)
{
	struct sigreturn frame;
	struct lx_stack ss;
	struct lx_siginfo info;

	(void)a;
	if (arch_pop_frame(t->tracee, &frame) < 0) {
		siginfo_init_kill(&info, LX_SIGSEGV, NULL);
		signal_force(t, &info);
		return SYS_NO_RESULT;
	}
	signal_set_mask(t, frame.mask);
	ss = (struct lx_stack){ .ss_sp = frame.alt_base, .ss_flags = frame.alt_flags, .ss_size = frame.alt_size };
	/* A frame that says nothing sensible about the stack leaves it as it is, as on Linux. */
	lock_take(&t->proc->sig_lock);
	set_altstack(t, &ss, arch_sp(stop_regs(t->tracee)), MINSIGSTKSZ);
	lock_drop(&t->proc->sig_lock);
	return SYS_NO_RESULT;
}
