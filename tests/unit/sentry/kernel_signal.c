/* Sending: who gets it, what is queued, what cancels what; masks; stop and continue. */
#include <criterion/criterion.h>
#include <errno.h>

#include "abi/wait.h"
#include "kernel_fixture.h"
#include "sentry/kernel/sigqueue.h"

static struct kernel_fixture f;
static struct task *t, *second;

static void setup(void)
{
	fixture_setup(&f);
	t = fixture_fork(f.init);
	second = fixture_thread(t);
}

TestSuite(kernel_signal, .init = setup);

static int send(int signo)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, signo, NULL);
	return signal_send_process(t->proc, &info);
}

static int queue(int signo, uint64_t value)
{
	struct lx_siginfo info = { .si_signo = signo, .si_code = LX_SI_QUEUE, .u.rt.value = value };

	return signal_send_process(t->proc, &info);
}

static void handle(int signo)
{
	t->proc->actions[signo - 1].handler = 0x1000;
}

static bool has_work(struct task *of, uint32_t bit)
{
	return atomic_load(&of->work) & bit;
}

Test(kernel_signal, default_ignored_is_not_queued)
{
	send(LX_SIGCHLD);
	send(LX_SIGWINCH);
	cr_assert_eq(t->proc->shared_pending.set, 0);
	cr_assert_not(has_work(t, WORK_SIGNAL));
}

Test(kernel_signal, standard_signals_are_pending_once_and_real_time_ones_in_order)
{
	struct lx_siginfo info;

	signal_set_mask(t, ~0ull);
	signal_set_mask(second, ~0ull);
	send(LX_SIGUSR1);
	send(LX_SIGUSR1);
	queue(40, 1);
	queue(40, 2);
	queue(39, 3);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), LX_SIGUSR1);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), 39);
	cr_assert_eq(info.u.rt.value, 3);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), 40);
	cr_assert_eq(info.u.rt.value, 1);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), 40);
	cr_assert_eq(info.u.rt.value, 2);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), 0);
	cr_assert_eq(t->proc->pending_count, 0);
}

Test(kernel_signal, faults_come_first)
{
	struct lx_siginfo info;

	signal_set_mask(t, ~0ull);
	signal_set_mask(second, ~0ull);
	send(LX_SIGHUP);
	send(LX_SIGSEGV);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), LX_SIGSEGV);
	cr_assert_eq(signal_dequeue(t, ~0ull, &info), LX_SIGHUP);
}

Test(kernel_signal, queue_limit)
{
	t->proc->limits[LX_RLIMIT_SIGPENDING].rlim_cur = 2;
	signal_set_mask(t, ~0ull);
	signal_set_mask(second, ~0ull);
	cr_assert_eq(queue(40, 1), 0);
	cr_assert_eq(queue(40, 2), 0);
	cr_assert_eq(queue(40, 3), -EAGAIN);
	cr_assert_eq(send(LX_SIGUSR1), 0, "what only the bit can tell is never refused");
}

Test(kernel_signal, goes_to_a_thread_that_does_not_block_it)
{
	handle(LX_SIGUSR1);
	signal_set_mask(t, SIGBIT(LX_SIGUSR1));
	send(LX_SIGUSR1);
	cr_assert_not(has_work(t, WORK_SIGNAL));
	cr_assert(has_work(second, WORK_SIGNAL));
	/* Blocked there too: whoever unblocks it first takes it. */
	signal_set_mask(second, SIGBIT(LX_SIGUSR1));
	cr_assert_not(has_work(second, WORK_SIGNAL));
	signal_set_mask(t, 0);
	cr_assert(has_work(t, WORK_SIGNAL));
	cr_assert(signal_pending(t));
}

Test(kernel_signal, blocking_hands_it_on)
{
	handle(LX_SIGUSR1);
	send(LX_SIGUSR1);
	cr_assert(has_work(t, WORK_SIGNAL));
	signal_set_mask(t, SIGBIT(LX_SIGUSR1));
	cr_assert_not(has_work(t, WORK_SIGNAL));
	cr_assert(has_work(second, WORK_SIGNAL));
}

Test(kernel_signal, a_deadly_one_kills_all_at_once)
{
	send(LX_SIGTERM);
	cr_assert(t->proc->group_exiting);
	cr_assert_eq(t->proc->group_exit_status, LX_WSTATUS_SIGNALED(LX_SIGTERM));
	cr_assert(has_work(t, WORK_EXIT));
	cr_assert(has_work(second, WORK_EXIT));
}

Test(kernel_signal, blocked_deadly_one_waits)
{
	signal_set_mask(t, ~0ull);
	signal_set_mask(second, ~0ull);
	send(LX_SIGTERM);
	cr_assert_not(t->proc->group_exiting);
	send(LX_SIGKILL);
	cr_assert(t->proc->group_exiting, "KILL cannot be blocked");
}

Test(kernel_signal, kill_and_stop_stay_out_of_masks)
{
	signal_set_mask(t, ~0ull);
	cr_assert_eq(t->blocked, ~LX_SIG_UNMASKABLE);
}

Test(kernel_signal, temporary_mask)
{
	signal_set_mask(t, SIGBIT(LX_SIGUSR1));
	signal_temp_mask(t, SIGBIT(LX_SIGUSR2));
	signal_temp_mask(t, SIGBIT(LX_SIGUSR2));
	cr_assert_eq(t->blocked, SIGBIT(LX_SIGUSR2));
	signal_restore_mask(t);
	cr_assert_eq(t->blocked, SIGBIT(LX_SIGUSR1));
	signal_restore_mask(t);
	cr_assert_eq(t->blocked, SIGBIT(LX_SIGUSR1));
}

Test(kernel_signal, forced_is_neither_blocked_nor_ignored)
{
	const struct fault_info fault = { .signo = LX_SIGSEGV, .code = LX_SEGV_MAPERR, .addr = 42 };

	signal_set_mask(t, ~0ull);
	handle(LX_SIGSEGV);
	signal_fault(t, &fault);
	cr_assert_eq(t->proc->actions[LX_SIGSEGV - 1].handler, LX_SIG_DFL);
	cr_assert(t->proc->group_exiting);
}

Test(kernel_signal, stop_and_continue)
{
	struct process *p = t->proc;

	process_stop(p, LX_SIGTSTP, p->cont_count);
	cr_assert(has_work(t, WORK_STOP) && has_work(second, WORK_STOP));
	task_stop_here(t);
	cr_assert_eq(p->state, PROC_ALIVE, "one still runs");
	task_stop_here(second);
	cr_assert_eq(p->state, PROC_STOPPED);
	send(LX_SIGCONT);
	cr_assert_eq(p->state, PROC_ALIVE);
	cr_assert_not(has_work(t, WORK_STOP));
	cr_assert(p->continued_pending);
}

Test(kernel_signal, a_continue_that_came_first_cancels_the_stop)
{
	struct process *p = t->proc;
	uint32_t conts = p->cont_count;

	send(LX_SIGCONT);
	process_stop(p, LX_SIGTSTP, conts);
	cr_assert_not(has_work(t, WORK_STOP));
}

Test(kernel_signal, stop_and_cont_cancel_each_other_in_the_queue)
{
	signal_set_mask(t, ~0ull);
	signal_set_mask(second, ~0ull);
	send(LX_SIGTSTP);
	send(LX_SIGCONT);
	cr_assert_eq(t->proc->shared_pending.set, SIGBIT(LX_SIGCONT));
	send(LX_SIGTTIN);
	cr_assert_eq(t->proc->shared_pending.set, SIGBIT(LX_SIGTTIN));
}

Test(kernel_signal, the_stopped_are_not_stirred_but_by_kill)
{
	struct process *p = t->proc;

	process_stop(p, LX_SIGSTOP, p->cont_count);
	task_stop_here(t);
	task_stop_here(second);
	send(LX_SIGTERM);
	cr_assert_not(p->group_exiting);
	send(LX_SIGKILL);
	cr_assert(p->group_exiting);
}
