/* seccomp and threads: who a filter binds, TSYNC, the death of one thread; vfork; and system-call user dispatch. */
#include "../tap.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

#define LD_NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)
#define RET(v) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(v))

static int filter(int nr, uint32_t action, unsigned flags)
{
	struct sock_filter code[] = { LD_NR, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1), RET(action), RET(SECCOMP_RET_ALLOW) };
	struct sock_fprog prog = { 4, code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void nnp(void)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

/* A thread that does `before`, says so, waits, and then tells what getppid and no_new_privs are like. */
struct other {
	pthread_t thread;
	int ready[2], go[2];
	void (*before)(void);
	long ppid;
	int err, mode, nnp, tid;
};

static void *other_main(void *arg)
{
	struct other *o = arg;

	o->tid = gettid();
	if (o->before)
		o->before();
	tap_signal_fd(o->ready[1]);
	tap_await_fd(o->go[0]);
	o->ppid = syscall(SYS_getppid);
	o->err = errno;
	o->mode = prctl(PR_GET_SECCOMP);
	o->nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	return NULL;
}

static void start(struct other *o, void (*before)(void))
{
	*o = (struct other){ .before = before };
	MUST(pipe(o->ready) == 0 && pipe(o->go) == 0);
	MUST(pthread_create(&o->thread, NULL, other_main, o) == 0);
	tap_await_fd(o->ready[0]);
}

static void finish(struct other *o)
{
	tap_signal_fd(o->go[1]);
	pthread_join(o->thread, NULL);
}

static void own_filter(void)
{
	nnp();
	MUST(filter(SYS_gettid, SECCOMP_RET_ERRNO | 1, 0) == 0);
}

static void strict(void)
{
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
}

static void sync_threads(void)
{
	struct other o;

	CHECK_CHILD("a filter binds its thread only", start(&o, NULL); nnp(); MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0) == 0);
		    finish(&o); MUST(o.ppid > 0 && o.mode == 0 && o.nnp == 0));
	CHECK_CHILD("a thread inherits its maker's", nnp(); MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0) == 0);
		    start(&o, NULL); finish(&o); MUST(o.ppid == -1 && o.err == 7 && o.mode == 2));
	CHECK_CHILD("TSYNC binds all, and gives no_new_privs", start(&o, NULL); nnp();
		    MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC) == 0); finish(&o);
		    MUST(o.ppid == -1 && o.err == 7 && o.mode == 2 && o.nnp == 1));
	CHECK_CHILD("TSYNC over an older common filter", nnp(); MUST(filter(SYS_getuid, SECCOMP_RET_ERRNO, 0) == 0); start(&o, NULL);
		    MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC) == 0); finish(&o);
		    MUST(o.ppid == -1 && o.err == 7 && o.mode == 2));
	CHECK_CHILD("TSYNC names the thread that has another filter", start(&o, own_filter); nnp();
		    MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC) == o.tid); MUST(prctl(PR_GET_SECCOMP) == 0);
		    MUST(syscall(SYS_getppid) > 0); finish(&o); MUST(o.ppid > 0));
	CHECK_CHILD("TSYNC_ESRCH", start(&o, own_filter); nnp();
		    MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH) == -1 && errno == ESRCH));
	CHECK_CHILD("TSYNC with a listener", start(&o, NULL); nnp();
		    MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
				SECCOMP_FILTER_FLAG_NEW_LISTENER) > 2); finish(&o); MUST(o.ppid == -1 && o.err == 7));
	CHECK_CHILD("a strict thread cannot follow", start(&o, strict); nnp();
		    MUST(filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, SECCOMP_FILTER_FLAG_TSYNC) == o.tid); _exit(0));
}

static void *doomed(void *arg)
{
	int *fds = arg;

	MUST(filter(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0) == 0);
	tap_signal_fd(fds[1]);
	syscall(SYS_getppid);
	_exit(98);
}

static void *doomed_mmap(void *arg)
{
	(void)arg;
	MUST(filter(SYS_mremap, SECCOMP_RET_KILL_THREAD, 0) == 0);
	syscall(SYS_mremap, 0, 0, 0, 0, 0);
	_exit(98);
}

static void *killer(void *arg)
{
	(void)arg;
	MUST(filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0) == 0);
	syscall(SYS_getppid);
	_exit(98);
}

static void deaths(void)
{
	pthread_t thread;
	int fds[2], status;

	CHECK_CHILD("KILL_THREAD ends one thread", nnp(); MUST(pipe(fds) == 0); MUST(pthread_create(&thread, NULL, doomed, fds) == 0);
		    tap_await_fd(fds[0]); pthread_join(thread, NULL); MUST(getppid() > 0));
	CHECK_CHILD("KILL_THREAD for mremap", nnp(); MUST(pthread_create(&thread, NULL, doomed_mmap, NULL) == 0); pthread_join(thread, NULL));
	status = IN_CHILD(nnp(); MUST(pthread_create(&thread, NULL, killer, NULL) == 0); for (;;) pause());
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "KILL_PROCESS ends all");
	status = IN_CHILD(nnp(); pid_t pid = vfork(); if (pid == 0) {
		filter(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0);
		execl("/proc/self/exe", "x", "getppid", (char *)NULL);
		_exit(99);
	} MUST(prctl(PR_GET_SECCOMP) == 0); MUST(tap_wait(pid) == EXITED(7)); MUST(syscall(SYS_getppid) > 0));
	CHECK_EQ(status, 0, "a vfork child's filter is its own, and goes through exec");
}

/* --- system-call user dispatch ---------------------------------------------------------------------------------------- */

static volatile char selector;
static siginfo_t seen;

static void on_sys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	selector = 0; /* for the handler's own calls, and what follows */
	seen = *info;
	uc->uc_mcontext.gregs[REG_RAX] += 1000000;
}

#define DISPATCH(mode, offset, len, sel) prctl(PR_SET_SYSCALL_USER_DISPATCH, (long)(mode), (long)(offset), (long)(len), sel)

static void dispatch_on(void)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &sa, NULL);
	MUST(DISPATCH(1, 0, 0, &selector) == 0);
}

static void user_dispatch(void)
{
	int status;

	CHECK_ERRNO(DISPATCH(2, 0, 0, 0), EINVAL);
	CHECK_ERRNO(DISPATCH(0, 1, 0, 0), EINVAL);
	CHECK_ERRNO(DISPATCH(0, 0, 1, 0), EINVAL);
	CHECK_ERRNO(DISPATCH(0, 0, 0, &selector), EINVAL);
	CHECK_ERRNO(DISPATCH(1, 4096, 0, 0), EINVAL);
	CHECK_ERRNO(DISPATCH(1, 4096, -4096, 0), EINVAL);
	CHECK_ERRNO(DISPATCH(1, 0, 0, -1L), EFAULT);
	CHECK_OK(DISPATCH(0, 0, 0, 0));
	CHECK_CHILD("dispatch: the selector allows", dispatch_on(); MUST(syscall(SYS_getppid) > 0); MUST(seen.si_signo == 0));
	CHECK_CHILD("dispatch: the selector blocks", dispatch_on(); selector = 1; MUST(syscall(SYS_getppid) == 1000000 + SYS_getppid);
		    MUST(seen.si_code == 2 && seen.si_syscall == SYS_getppid && seen.si_errno == 0));
	CHECK_CHILD("dispatch: of mmap", dispatch_on(); selector = 1; MUST(syscall(SYS_mmap, 0, 0, 0, 0, 0, 0) == 1000000 + SYS_mmap));
	CHECK_CHILD("dispatch: of a call of another system", dispatch_on(); selector = 1; MUST(syscall(4711) == 1000000 + 4711));
	CHECK_CHILD("dispatch: calls from the range are let", struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
		    sigaction(SIGSYS, &sa, NULL); MUST(DISPATCH(1, 0, 1L << 47, &selector) == 0 || errno == EINVAL);
		    MUST(DISPATCH(1, 1, 1L << 47, &selector) == 0); selector = 1; MUST(syscall(SYS_getppid) > 0 && syscall(SYS_getppid) < 1000000));
	CHECK_CHILD("dispatch: off again", dispatch_on(); MUST(DISPATCH(0, 0, 0, 0) == 0); selector = 1; MUST(syscall(SYS_getppid) < 1000000));
	CHECK_CHILD("dispatch: a fork does not inherit", dispatch_on(); pid_t pid = fork();
		    if (pid == 0) { selector = 1; _exit(syscall(SYS_getppid) < 1000000 ? 0 : 1); } MUST(tap_wait(pid) == 0));
	status = IN_CHILD(dispatch_on(); selector = 2; syscall(SYS_getppid));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "dispatch: a selector of 2 kills with SIGSYS");
	status = IN_CHILD(char *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			  MUST(DISPATCH(1, 0, 0, gone) == 0); munmap(gone, 4096); syscall(SYS_getppid));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "dispatch: a selector that is gone kills with SIGSEGV");
	status = IN_CHILD(nnp(); dispatch_on(); MUST(filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0) == 0); selector = 1;
			  MUST(syscall(SYS_getppid) == 1000000 + SYS_getppid));
	CHECK_EQ(status, 0, "dispatch comes before seccomp");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "getppid"))
		return syscall(SYS_getppid) == -1 ? errno : 0;
	tap_begin();
	sync_threads();
	deaths();
	user_dispatch();
	return tap_end();
}
