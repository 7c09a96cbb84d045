/* ptrace. One function a request, in a table; those for registers are in sys_ptrace_regs.c. ptrace(2). */
#include <errno.h>
#include <string.h>

#include "abi/bpf.h"
#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/debug.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/seccomp.h"
#include "sentry/kernel/sigqueue.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/ptrace_requests.h"

/* --- becoming a tracer --------------------------------------------------------------------------------------------------- */

/* SUSPEND_SECCOMP is for checkpoint tools: Linux wants a kernel that was built for them, and rights that sandboxes have not. */
static int check_options(uint64_t options)
{
	if (options & ~(uint64_t)LX_PTRACE_O_MASK)
		return -EINVAL;
	return options & LX_PTRACE_O_SUSPEND_SECCOMP ? -EPERM : 0;
}

static int64_t attach(struct task *t, struct task *child, const struct sysargs *a)
{
	(void)a;
	return ptrace_attach(t, child, false, 0);
}

static int64_t seize(struct task *t, struct task *child, const struct sysargs *a)
{
	uint64_t options = arg_u64(a, 3);
	int err;

	if (arg_u64(a, 2) || (options & ~(uint64_t)LX_PTRACE_O_MASK))
		return -EIO;
	err = check_options(options);
	return err ? err : ptrace_attach(t, child, true, (uint32_t)options);
}

/* --- memory ---------------------------------------------------------------------------------------------------------------- */

static int64_t peek(struct task *t, struct task *child, const struct sysargs *a)
{
	uint64_t word = 0;
	int64_t n = debug_read(t, child, arg_addr(a, 2), &word, sizeof(word));

	if (n < 0)
		return n;
	return n != sizeof(word) ? -EIO : copy_out(t, arg_addr(a, 3), &word, sizeof(word));
}

static int64_t poke(struct task *t, struct task *child, const struct sysargs *a)
{
	uint64_t word = arg_u64(a, 3);
	int64_t n = debug_write(t, child, arg_addr(a, 2), &word, sizeof(word));

	if (n < 0)
		return n;
	return n == sizeof(word) ? 0 : -EIO;
}

/* --- going on ---------------------------------------------------------------------------------------------------------------- */

static int64_t go_on(struct task *t, struct task *child, uint64_t signo, int mode)
{
	int err;

	if (signo > LX_NSIG)
		return -EIO;
	err = ptrace_hold(t, child, false);
	if (err)
		return err;
	ptrace_resume(child, mode, (int)signo);
	ptrace_drop(child);
	return 0;
}

static int64_t cont(struct task *t, struct task *child, const struct sysargs *a)
{
	return go_on(t, child, arg_u64(a, 3), 0);
}

static int64_t to_syscall(struct task *t, struct task *child, const struct sysargs *a)
{
	return go_on(t, child, arg_u64(a, 3), PTRACE_MODE_SYSCALL);
}

static int64_t step(struct task *t, struct task *child, const struct sysargs *a)
{
	return go_on(t, child, arg_u64(a, 3), PTRACE_MODE_STEP);
}

static int64_t sysemu(struct task *t, struct task *child, const struct sysargs *a)
{
	return go_on(t, child, arg_u64(a, 3), PTRACE_MODE_SYSEMU);
}

static int64_t sysemu_step(struct task *t, struct task *child, const struct sysargs *a)
{
	return go_on(t, child, arg_u64(a, 3), PTRACE_MODE_SYSEMU | PTRACE_MODE_STEP);
}

static int64_t detach(struct task *t, struct task *child, const struct sysargs *a)
{
	return arg_u64(a, 3) > LX_NSIG ? -EIO : ptrace_detach(t, child, (int)arg_u64(a, 3));
}

static int64_t kill_child(struct task *t, struct task *child, const struct sysargs *a)
{
	struct lx_siginfo info;

	(void)a;
	siginfo_init_kill(&info, LX_SIGKILL, t);
	signal_send_task(child, &info);
	return 0;
}

static int64_t interrupt(struct task *t, struct task *child, const struct sysargs *a)
{
	int err = ptrace_hold(t, child, true);

	(void)a;
	if (err)
		return err;
	err = ptrace_interrupt(child);
	ptrace_drop(child);
	return err;
}

static int64_t listen(struct task *t, struct task *child, const struct sysargs *a)
{
	int err = ptrace_hold(t, child, false);

	(void)a;
	if (err)
		return err;
	err = ptrace_listen(child);
	ptrace_drop(child);
	return err;
}

/* --- what stops tell ----------------------------------------------------------------------------------------------------------- */

static int64_t set_options(struct task *t, struct task *child, const struct sysargs *a)
{
	int err = check_options(arg_u64(a, 3));

	if (!err)
		err = ptrace_hold(t, child, false);
	if (err)
		return err;
	child->pt->options = arg_u32(a, 3);
	ptrace_drop(child);
	return 0;
}

static int64_t get_message(struct task *t, struct task *child, const struct sysargs *a)
{
	uint64_t message;
	int err = ptrace_hold(t, child, false);

	if (err)
		return err;
	message = child->pt->message;
	ptrace_drop(child);
	return copy_out(t, arg_addr(a, 3), &message, sizeof(message));
}

static int64_t get_siginfo(struct task *t, struct task *child, const struct sysargs *a)
{
	struct lx_siginfo info;
	bool has;
	int err = ptrace_hold(t, child, false);

	if (err)
		return err;
	info = child->pt->info;
	has = child->pt->has_info;
	ptrace_drop(child);
	return has ? copy_out(t, arg_addr(a, 3), &info, sizeof(info)) : -EINVAL;
}

static int64_t set_siginfo(struct task *t, struct task *child, const struct sysargs *a)
{
	struct lx_siginfo info;
	int err = copy_in(t, &info, arg_addr(a, 3), sizeof(info));

	if (!err)
		err = ptrace_hold(t, child, false);
	if (err)
		return err;
	if (child->pt->has_info)
		child->pt->info = info;
	else
		err = -EINVAL;
	ptrace_drop(child);
	return err;
}

static int64_t get_mask(struct task *t, struct task *child, const struct sysargs *a)
{
	uint64_t mask;
	int err;

	if (arg_u64(a, 2) != sizeof(mask))
		return -EINVAL;
	err = ptrace_hold(t, child, false);
	if (err)
		return err;
	mask = child->restore_mask ? child->saved_mask : child->blocked;
	ptrace_drop(child);
	return copy_out(t, arg_addr(a, 3), &mask, sizeof(mask));
}

static int64_t set_mask(struct task *t, struct task *child, const struct sysargs *a)
{
	uint64_t mask;
	int err;

	if (arg_u64(a, 2) != sizeof(mask))
		return -EINVAL;
	err = copy_in(t, &mask, arg_addr(a, 3), sizeof(mask));
	if (!err)
		err = ptrace_hold(t, child, false);
	if (err)
		return err;
	child->restore_mask = false;
	child->blocked = mask & ~LX_SIG_UNMASKABLE;
	signal_recalc(child);
	ptrace_drop(child);
	return 0;
}

#define PEEK_AT_ONCE 16

/* Copies of what is queued from the `off`th on; their number. */
static int queued(struct task *child, const struct lx_peeksiginfo_args *args, uint64_t off, struct lx_siginfo *out, int max)
{
	struct sigpending *q = args->flags & LX_PTRACE_PEEKSIGINFO_SHARED ? &child->proc->shared_pending : &child->pending;
	struct sigqueue_entry *e;
	uint64_t at = 0;
	int n = 0;

	list_for_each(e, &q->queue, link) {
		if (n == max)
			break;
		if (at++ >= off)
			out[n++] = e->info;
	}
	return n;
}

static int64_t peek_siginfo(struct task *t, struct task *child, const struct sysargs *a)
{
	struct lx_siginfo info[PEEK_AT_ONCE];
	struct lx_peeksiginfo_args args;
	int64_t done = 0;

	if (copy_in(t, &args, arg_addr(a, 2), sizeof(args)) < 0)
		return -EFAULT;
	if ((args.flags & ~(uint32_t)LX_PTRACE_PEEKSIGINFO_SHARED) || args.nr < 0)
		return -EINVAL;
	while (done < args.nr) {
		int want = args.nr - done < PEEK_AT_ONCE ? (int)(args.nr - done) : PEEK_AT_ONCE, n;
		int err = ptrace_hold(t, child, false);

		if (err)
			return done ? done : err;
		n = queued(child, &args, args.off + (uint64_t)done, info, want);
		ptrace_drop(child);
		if (copy_out(t, uaddr_add(arg_addr(a, 3), (uint64_t)done * sizeof(info[0])), info, (size_t)n * sizeof(info[0])) < 0)
			return done ? done : -EFAULT;
		done += n;
		if (n < want)
			break;
	}
	return done;
}

static size_t fill_syscall_info(const struct ptrace *pt, struct lx_syscall_info *info)
{
	struct call_info call;
	int64_t ret = arch_result(&pt->regs);

	memset(info, 0, sizeof(*info));
	info->arch = arch_audit();
	info->ip = arch_ip(&pt->regs);
	info->sp = arch_sp(&pt->regs);
	if (pt->kind == PTRACE_EXIT) {
		info->op = LX_SYSCALL_INFO_EXIT;
		info->u.exit.rval = ret;
		info->u.exit.is_error = ret < 0 && ret >= -4095;
		return offsetof(struct lx_syscall_info, u) + 9;
	}
	if (pt->kind != PTRACE_ENTRY)
		return offsetof(struct lx_syscall_info, u);
	arch_call(&pt->regs, &call);
	info->op = LX_SYSCALL_INFO_ENTRY;
	info->u.entry.nr = (uint64_t)call.nr;
	memcpy(info->u.entry.args, call.arg, sizeof(call.arg));
	if (pt->code >> 8 != LX_PTRACE_EVENT_SECCOMP)
		return offsetof(struct lx_syscall_info, u) + 56;
	info->op = LX_SYSCALL_INFO_SECCOMP;
	info->u.entry.ret_data = (uint32_t)pt->message;
	return offsetof(struct lx_syscall_info, u) + 60;
}

static int64_t get_syscall_info(struct task *t, struct task *child, const struct sysargs *a)
{
	struct lx_syscall_info info;
	size_t n;
	int err = ptrace_hold(t, child, false);

	if (err)
		return err;
	n = fill_syscall_info(child->pt, &info);
	ptrace_drop(child);
	err = copy_out(t, arg_addr(a, 3), &info, arg_u64(a, 2) < n ? arg_u64(a, 2) : n);
	return err ? err : (int64_t)n;
}

static bool may_see_filters(const struct task *t)
{
	return cred_capable(t->cred, LX_CAP_SYS_ADMIN) && !atomic_load(&t->entry.seccomp.mode);
}

static int64_t get_filter(struct task *t, struct task *child, const struct sysargs *a)
{
	AUTO_FREE struct lx_sock_filter *code = NULL;
	int64_t n;

	if (!may_see_filters(t))
		return -EACCES;
	code = mem_alloc(LX_BPF_MAXINSNS * sizeof(*code));
	if (!code)
		return -ENOMEM;
	n = seccomp_filter_code(child, arg_u64(a, 2), code);
	if (n < 0 || arg_u64(a, 3) == 0)
		return n;
	return copy_out(t, arg_addr(a, 3), code, (size_t)n * sizeof(*code)) < 0 ? -EFAULT : n;
}

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

enum { ANY_TASK = 1, ANY_STATE = 2 }; /* need not be a tracee; need not be stopped */

static const struct {
	uint32_t request;
	uint32_t flags;
	ptrace_fn *fn;
} requests[] = {
	{ LX_PTRACE_PEEKTEXT, 0, peek },
	{ LX_PTRACE_PEEKDATA, 0, peek },
	{ LX_PTRACE_PEEKUSER, 0, ptrace_peek_user },
	{ LX_PTRACE_POKETEXT, 0, poke },
	{ LX_PTRACE_POKEDATA, 0, poke },
	{ LX_PTRACE_POKEUSER, 0, ptrace_poke_user },
	{ LX_PTRACE_CONT, 0, cont },
	{ LX_PTRACE_KILL, ANY_STATE, kill_child },
	{ LX_PTRACE_SINGLESTEP, 0, step },
	{ LX_PTRACE_GETREGS, 0, ptrace_get_regs },
	{ LX_PTRACE_SETREGS, 0, ptrace_set_regs },
	{ LX_PTRACE_GETFPREGS, 0, ptrace_get_fpregs },
	{ LX_PTRACE_SETFPREGS, 0, ptrace_set_fpregs },
	{ LX_PTRACE_ATTACH, ANY_TASK, attach },
	{ LX_PTRACE_DETACH, 0, detach },
	{ LX_PTRACE_OLDSETOPTIONS, 0, set_options },
	{ LX_PTRACE_SYSCALL, 0, to_syscall },
	{ LX_PTRACE_ARCH_PRCTL, 0, ptrace_arch_prctl },
	{ LX_PTRACE_SYSEMU, 0, sysemu },
	{ LX_PTRACE_SYSEMU_SINGLESTEP, 0, sysemu_step },
	{ LX_PTRACE_SETOPTIONS, 0, set_options },
	{ LX_PTRACE_GETEVENTMSG, 0, get_message },
	{ LX_PTRACE_GETSIGINFO, 0, get_siginfo },
	{ LX_PTRACE_SETSIGINFO, 0, set_siginfo },
	{ LX_PTRACE_GETREGSET, 0, ptrace_get_regset },
	{ LX_PTRACE_SETREGSET, 0, ptrace_set_regset },
	{ LX_PTRACE_SEIZE, ANY_TASK, seize },
	{ LX_PTRACE_INTERRUPT, ANY_STATE, interrupt },
	{ LX_PTRACE_LISTEN, 0, listen },
	{ LX_PTRACE_PEEKSIGINFO, 0, peek_siginfo },
	{ LX_PTRACE_GETSIGMASK, 0, get_mask },
	{ LX_PTRACE_SETSIGMASK, 0, set_mask },
	{ LX_PTRACE_GET_SYSCALL_INFO, 0, get_syscall_info },
	{ LX_PTRACE_SECCOMP_GET_FILTER, 0, get_filter },
};

static int64_t dispatch(struct task *t, struct task *child, const struct sysargs *a)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int err;

		if (requests[i].request != arg_u64(a, 0))
			continue;
		err = requests[i].flags & ANY_TASK ? 0 : ptrace_hold(t, child, requests[i].flags & ANY_STATE);
		if (err)
			return err;
		if (!(requests[i].flags & ANY_TASK))
			ptrace_drop(child);
		return requests[i].fn(t, child, a);
	}
	/* What there is not is told after whose it is and whether it is stopped. */
	int err = ptrace_hold(t, child, false);

	if (err)
		return err;
	ptrace_drop(child);
	return -EIO;
}

int64_t sys_ptrace(struct task *t, const struct sysargs *a)
{
	struct task *child;
	int64_t ret;

	if (arg_u64(a, 0) == LX_PTRACE_TRACEME)
		return ptrace_traceme(t);
	child = task_find(t->k, arg_pid(a, 1));
	if (!child)
		return -ESRCH;
	ret = dispatch(t, child, a);
	task_put(child);
	return ret;
}
