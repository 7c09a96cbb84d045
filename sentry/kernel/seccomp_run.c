/* What seccomp decides about a call, and what becomes of it then. See seccomp.h; Linux: __seccomp_filter(). */
#include <errno.h>

#include "abi/arch.h"
#include "abi/prctl.h"
#include "abi/wait.h"
#include "base/log.h"
#include "sentry/kernel/entry.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/seccomp_impl.h"
#include "sentry/kernel/signal.h"

#define LD_WORD (LX_BPF_LD | LX_BPF_W | LX_BPF_ABS)
#define MAX_ERRNO 4095

/* --- rules for programs ---------------------------------------------------------------------------------------------- */

static bool check_one(struct lx_sock_filter *f)
{
	switch (f->code) {
	case LD_WORD:
		return f->k < sizeof(struct lx_seccomp_data) && f->k % 4 == 0;
	case LX_BPF_LD | LX_BPF_W | LX_BPF_LEN:
	case LX_BPF_LDX | LX_BPF_W | LX_BPF_LEN:
		f->code = (uint16_t)((f->code & LX_BPF_CLASS_MASK) | LX_BPF_IMM);
		f->k = sizeof(struct lx_seccomp_data);
		return true;
	case LX_BPF_LDX | LX_BPF_B | LX_BPF_MSH:
	case LX_BPF_ALU | LX_BPF_MOD | LX_BPF_K:
	case LX_BPF_ALU | LX_BPF_MOD | LX_BPF_X:
		return false;
	default: /* loads of packets but for words, and relative ones */
		return (f->code & LX_BPF_CLASS_MASK) != LX_BPF_LD || (f->code & 0xe0) == LX_BPF_IMM || (f->code & 0xe0) == LX_BPF_MEM;
	}
}

int seccomp_check_code(struct lx_sock_filter *code, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (!check_one(&code[i]))
			return -EINVAL;
	return 0;
}

/* --- what is known beforehand --------------------------------------------------------------------------------------- */

/* Follows the program for a call as long as it looks at nothing but number and architecture. Does it allow then? */
static bool always_allows(const struct lx_sock_filter *f, uint32_t nr)
{
	uint32_t a = 0;

	for (;; f++) {
		switch (f->code) {
		case LD_WORD:
			if (f->k > offsetof(struct lx_seccomp_data, arch))
				return false;
			a = f->k ? LX_AUDIT_ARCH : nr;
			break;
		case LX_BPF_ALU | LX_BPF_AND | LX_BPF_K:
			a &= f->k;
			break;
		case LX_BPF_JMP | LX_BPF_JA:
			f += f->k;
			break;
		case LX_BPF_JMP | LX_BPF_JEQ | LX_BPF_K:
			f += a == f->k ? f->jt : f->jf;
			break;
		case LX_BPF_JMP | LX_BPF_JGT | LX_BPF_K:
			f += a > f->k ? f->jt : f->jf;
			break;
		case LX_BPF_JMP | LX_BPF_JGE | LX_BPF_K:
			f += a >= f->k ? f->jt : f->jf;
			break;
		case LX_BPF_JMP | LX_BPF_JSET | LX_BPF_K:
			f += a & f->k ? f->jt : f->jf;
			break;
		case LX_BPF_RET | LX_BPF_K:
			return f->k == LX_SECCOMP_RET_ALLOW;
		default:
			return false;
		}
	}
}

void seccomp_cache(struct seccomp_filter *f)
{
	for (uint32_t nr = 0; nr < SECCOMP_CACHED_CALLS; nr++) {
		uint64_t bit = 1ull << nr % 64;

		if ((!f->prev || f->prev->allowed[nr / 64] & bit) && always_allows(f->code, nr))
			f->allowed[nr / 64] |= bit;
	}
}

/* --- deciding --------------------------------------------------------------------------------------------------------- */

/* The most severe answer of all filters, and which of them gave it: the newest where several did. */
static uint32_t ask(struct seccomp_filter *f, const struct lx_seccomp_data *data, struct seccomp_filter **who)
{
	const struct bpf_input in = { .words = (const uint32_t *)data, .len = sizeof(*data) };
	uint32_t answer = LX_SECCOMP_RET_ALLOW;

	for (; f; f = f->prev) {
		uint32_t one = bpf_run(f->code, &in);

		/* As signed numbers actions are in order of severity. */
		if ((int32_t)(one & LX_SECCOMP_RET_ACTION_FULL) < (int32_t)(answer & LX_SECCOMP_RET_ACTION_FULL)) {
			answer = one;
			*who = f;
		}
	}
	return answer;
}

static int64_t kill_thread(struct task *t, int signo)
{
	LOCK_GUARD(&t->proc->sig_lock);
	if (!t->proc->group_exiting)
		t->exit_status = LX_WSTATUS_SIGNALED(signo);
	atomic_fetch_or(&t->work, WORK_EXIT);
	return entry_result(t, -ENOSYS);
}

static int64_t kill_process(struct task *t)
{
	process_exit(t->proc, LX_WSTATUS_SIGNALED(LX_SIGSYS));
	return entry_result(t, -ENOSYS);
}

static bool act(struct task *t, uint32_t answer, struct seccomp_filter *who, const struct lx_seccomp_data *data, int64_t *ret)
{
	uint32_t value = answer & LX_SECCOMP_RET_DATA;

	switch (answer & LX_SECCOMP_RET_ACTION_FULL) {
	case LX_SECCOMP_RET_ALLOW:
		return true;
	case LX_SECCOMP_RET_LOG:
		log_debug("seccomp: pid %d (%.16s) makes call %d", task_pid(t), t->comm, data->nr);
		return true;
	case LX_SECCOMP_RET_ERRNO:
		*ret = entry_result(t, -(int64_t)(value > MAX_ERRNO ? MAX_ERRNO : value));
		return false;
	case LX_SECCOMP_RET_TRAP:
		*ret = entry_trap(t, LX_SYS_SECCOMP, (int)value);
		return false;
	case LX_SECCOMP_RET_TRACE:
		return ptrace_seccomp(t, value, ret);
	case LX_SECCOMP_RET_USER_NOTIF:
		return seccomp_notify(t, who, data, ret);
	case LX_SECCOMP_RET_KILL_THREAD:
		if (t->proc->live_tasks > 1) {
			*ret = kill_thread(t, LX_SIGSYS);
			return false;
		}
		break;
	default:
		break;
	}
	log_debug("seccomp: pid %d (%.16s) is killed for call %d", task_pid(t), t->comm, data->nr);
	*ret = kill_process(t);
	return false;
}

static bool pass_strict(struct task *t, int64_t *ret)
{
	switch (t->call.nr) {
	case LX_NR_read:
	case LX_NR_write:
	case LX_NR_exit:
	case LX_NR_rt_sigreturn:
		return true;
	default:
		*ret = kill_thread(t, LX_SIGKILL);
		return false;
	}
}

bool seccomp_pass(struct task *t, int64_t *ret)
{
	struct seccomp_filter *f = atomic_load(&t->entry.seccomp.filter), *who = NULL;
	uint32_t nr = (uint32_t)t->call.nr, answer;
	struct lx_seccomp_data data;

	if (atomic_load(&t->entry.seccomp.mode) == LX_SECCOMP_MODE_STRICT)
		return pass_strict(t, ret);
	if (!f || (nr < SECCOMP_CACHED_CALLS && f->allowed[nr / 64] >> nr % 64 & 1))
		return true;
	data = (struct lx_seccomp_data){ .nr = t->call.nr, .arch = LX_AUDIT_ARCH, .instruction_pointer = t->call.ip };
	for (int i = 0; i < 6; i++)
		data.args[i] = t->call.v[i];
	if (seccomp_waits(t))
		return seccomp_notify(t, NULL, &data, ret);
	answer = ask(f, &data, &who);
	return act(t, answer, who, &data, ret);
}
