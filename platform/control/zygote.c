/*
 * The zygote: a process of guests' kind with nothing mapped but the stub (and the clock page and vDSO), cloned for
 * every fresh address space. It starts as a copy of this process, so it first gives up what a guest must not have: its
 * registration for restartable sequences (the kernel writes there at every preemption), capabilities, signal mask, fds
 * (it shares the pocket), and, from the stub, by injected calls, all of its memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/platform_impl.h"

/*
 * In the child. An error is its exit status; the last call is the first that stops, with its number for a result. Not
 * instrumented: a sanitizer makes calls of its own before a jump that does not return, and nobody would answer them
 * behind the filter.
 */
static _Noreturn __attribute__((no_sanitize("address"))) void zygote_main(const struct platform_ops *ops, const struct platform_config *cfg)
{
	sigset_t none;

	arch_forget_rseq();
	sigemptyset(&none);
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(errno);
	prctl(PR_SET_NAME, "picket-guest");
	int err = arch_map_top();

	if (err)
		_exit(-err);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
	int64_t ret = ops->confine(cfg);

	if (ret < 0)
		_exit((int)-ret);
	arch_stub_enter(ops->at_entry ? STUB_LOOP : STUB_ONCE, ops->at_entry ? ret : SYS_getppid);
}

/* Seizes the child while it waits in SIGSTOP: the options must be in place before the filter is. */
static int seize(const struct platform *p, pid_t pid)
{
	int status;
	int64_t err = HOST_RETRY(waitpid(pid, &status, __WALL | WUNTRACED));

	if (err < 0)
		return (int)err;
	if (!WIFSTOPPED(status))
		return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
	err = host_ptrace(PTRACE_SEIZE, pid, 0, (uint64_t)p->ops->trace_options);
	if (err < 0)
		return (int)err;
	return (int)host_ret(kill(pid, SIGCONT));
}

static int empty_memory(struct tracee *z)
{
	struct guest_iov holes[4];
	int n = arch_top_holes(holes);

	for (int i = 0; i < n; i++) {
		const uint64_t arg[6] = { holes[i].addr.v, holes[i].len };
		int64_t err = inject_call(z, SYS_munmap, arg, NULL);

		if (err)
			return (int)err;
	}
	return arch_reset_xstate(z->tid);
}

/* At its first stop in the stub: for a call of the loop, or at the trap after the one call. */
static bool has_arrived(const struct platform *p, int status)
{
	if (p->ops->at_entry)
		return status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
	return status >> 8 == SIGTRAP;
}

static int confine_and_empty(struct lane *l, pid_t pid, int64_t *value)
{
	struct platform *p = l->platform;
	struct tracee *z = l->zygote;
	int status;

	p->step = "tracing a process";
	int err = seize(p, pid);

	if (err)
		return err;
	p->step = "installing the guests' filter";
	for (;;) {
		int64_t got = HOST_RETRY(waitpid(pid, &status, __WALL));

		if (got < 0 || !WIFSTOPPED(status))
			return got < 0 ? (int)got : -(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD);
		if (has_arrived(p, status))
			break;
		host_ptrace(PTRACE_CONT, pid, 0, 0);
	}
	p->step = "emptying a process";
	z->where = p->ops->at_entry ? AT_ENTRY : AT_USER;
	err = p->ops->at_entry ? arch_fetch_nr(pid, value) : 0;
	if (err)
		return err;
	stop_fetch(z);
	arch_clear(&z->regs);
	return empty_memory(z);
}

int zygote_create(struct lane *l, const struct platform_config *cfg)
{
	struct platform *p = l->platform;
	int64_t listener = -1;

	l->zygote = tracee_alloc(l, NULL);
	if (!l->zygote)
		return -ENOMEM;
	/* Exit signal 0: clones of it inherit that, and no SIGCHLD is made for any guest. */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES, 0, 0, 0, 0);

	if (pid < 0)
		return -errno;
	if (pid == 0)
		zygote_main(p->ops, cfg);
	l->zygote->tid = pid;
	int err = confine_and_empty(l, pid, &listener);

	if (err) {
		kill(pid, SIGKILL);
		return err;
	}
	p->step = "handing the listener over";
	err = host_send_fd(p->setup_socket[1], p->ops->at_entry ? (int)listener : -1, l->index);
	if (p->ops->at_entry)
		close((int)listener);
	return err;
}
