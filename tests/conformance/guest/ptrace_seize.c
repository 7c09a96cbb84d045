/* ptrace: PTRACE_SEIZE, interrupts, group stops, PTRACE_LISTEN, threads, exec by a thread, kcmp. */
#include "ptrace.h"

#include <linux/kcmp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define STOP_EVENT(sig) STOPPED((sig) | PTRACE_EVENT_STOP << 8)

/* A child that has begun its body, seized. */
#define SEIZED(options, ...) ({ \
	int ready_[2]; \
	MUST(pipe(ready_) == 0); \
	pid_t pid_ = tap_fork(); \
	if (pid_ == 0) { \
		tap_signal_fd(ready_[1]); \
		__VA_ARGS__; \
		_exit(0); \
	} \
	MUST(tap_await_fd(ready_[0])); \
	CHECK_OK(request(PTRACE_SEIZE, pid_, 0, options)); \
	close(ready_[0]); \
	close(ready_[1]); \
	pid_; \
})

static void interrupts(void)
{
	pid_t pid = SEIZED(PTRACE_O_TRACESYSGOOD, for (;;) pause());
	siginfo_t info;

	CHECK_EQ(waitpid(pid, NULL, WNOHANG | __WALL), 0, "seizing stops nothing");
	CHECK_ERRNO(request(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&info), ESRCH);
	CHECK_OK(request(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(next(pid), STOP_EVENT(SIGTRAP), "an interrupt does");
	CHECK_OK(request(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info));
	CHECK_EQ(info.si_code >> 8, PTRACE_EVENT_STOP, "its siginfo says so");
	CHECK_OK(request(PTRACE_LISTEN, pid, 0, 0));
	CHECK_OK(request(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(next(pid), STOP_EVENT(SIGTRAP), "a listening one is interrupted as well");
	CHECK_OK(request(PTRACE_CONT, pid, 0, 0));
	CHECK_OK(request(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(next(pid), STOP_EVENT(SIGTRAP), "again");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "the pause that it was in comes again");
	CHECK_EQ(regs(pid).orig_rax, SYS_pause, "with its entry");
	CHECK_OK(request(PTRACE_DETACH, pid, 0, SIGTERM));
	CHECK_EQ(next(pid), SIGTERM, "detached with a signal");
}

static void group_stops(void)
{
	pid_t pid = SEIZED(0, for (;;) pause());

	kill(pid, SIGSTOP);
	CHECK_EQ(next(pid), STOPPED(SIGSTOP), "SIGSTOP is to be delivered");
	CHECK_EQ(go(PTRACE_CONT, pid, SIGSTOP), STOP_EVENT(SIGSTOP), "and stops the group");
	CHECK_OK(request(PTRACE_LISTEN, pid, 0, 0));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG | __WALL), 0, "it stays so");
	CHECK_ERRNO(request(PTRACE_CONT, pid, 0, 0), ESRCH);
	kill(pid, SIGCONT);
	CHECK_EQ(next(pid), STOP_EVENT(SIGTRAP), "SIGCONT is told");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGCONT), "and then comes itself");
	CHECK_OK(request(PTRACE_CONT, pid, 0, SIGCONT));
	kill(pid, SIGTSTP);
	CHECK_EQ(next(pid), STOPPED(SIGTSTP), "another stop");
	CHECK_OK(request(PTRACE_CONT, pid, 0, 0));
	kill(pid, SIGTERM);
	CHECK_EQ(next(pid), STOPPED(SIGTERM), "which is not to be");
	CHECK_EQ(go(PTRACE_CONT, pid, SIGTERM), SIGTERM, "the end");

	pid = TRACED(0, raise(SIGTSTP); _exit(3));
	setpgid(pid, 0);
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGTSTP), "the old way");
	kill(pid, SIGKILL);
	CHECK_EQ(next(pid), SIGKILL, "killed");
}

static void *idle(void *arg)
{
	tap_signal_fd(*(int *)arg);
	for (;;)
		pause();
	return NULL;
}

static void two_threads(int fd)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, idle, &fd) == 0);
	for (;;)
		pause();
}

/* The tid of the thread that is not the leader. */
static pid_t other_thread(pid_t pid)
{
	char path[64];
	struct dirent *e;
	pid_t tid = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (atoi(e->d_name) > 0 && atoi(e->d_name) != pid)
			tid = atoi(e->d_name);
	if (dir)
		closedir(dir);
	return tid;
}

static void threads(void)
{
	int ready[2];
	pid_t pid, tid;

	MUST(pipe(ready) == 0);
	pid = tap_fork();
	if (pid == 0)
		two_threads(ready[1]);
	MUST(tap_await_fd(ready[0]));
	tid = other_thread(pid);
	CHECK(tid > 0, "a thread");
	CHECK_OK(request(PTRACE_SEIZE, tid, 0, 0));
	CHECK_OK(request(PTRACE_INTERRUPT, tid, 0, 0));
	CHECK_EQ(next(tid), STOP_EVENT(SIGTRAP), "stops alone");
	CHECK_ERRNO(request(PTRACE_INTERRUPT, pid, 0, 0), ESRCH);
	CHECK_OK(request(PTRACE_SEIZE, pid, 0, 0));
	CHECK_OK(request(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(next(pid), STOP_EVENT(SIGTRAP), "the leader, too");
	CHECK_EQ(regs(tid).orig_rax, SYS_pause, "the thread's registers");
	CHECK(regs(tid).rsp != regs(pid).rsp, "are its own");
	CHECK_OK(request(PTRACE_CONT, tid, 0, 0));
	kill(pid, SIGKILL);
	CHECK_EQ(next(tid), SIGKILL, "a traced thread's end is waited for");
	CHECK_EQ(next(pid), SIGKILL, "and its process's");
	close(ready[0]);
	close(ready[1]);
}

/* From its second thread: the leader's number becomes that thread's, and the event tells the old one. */
static void *exec_self(void *arg)
{
	char *argv[] = { arg, "0", NULL };

	execv(arg, argv);
	return NULL;
}

static void exec_by_thread(char *self)
{
	pthread_t thread;
	pid_t pid = TRACED(PTRACE_O_TRACEEXEC, pthread_create(&thread, NULL, exec_self, self); for (;;) pause());

	CHECK_EQ(go(PTRACE_CONT, pid, 0), EXITED(42), "a thread that is not traced takes the tracee's place");
	pid = TRACED(PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE, pthread_create(&thread, NULL, exec_self, self); for (;;) pause());
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EVENT(PTRACE_EVENT_CLONE), "a traced one");
	pid_t tid = (pid_t)message(pid);
	CHECK_EQ(next(tid), STOPPED(SIGSTOP), "stops");
	CHECK_OK(request(PTRACE_CONT, pid, 0, 0));
	CHECK_OK(request(PTRACE_CONT, tid, 0, 0));
	CHECK_EQ(next(pid), EVENT(PTRACE_EVENT_EXEC), "execs as the leader");
	CHECK_EQ(message(pid), tid, "having been the thread");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EXITED(42), "the new program");
	CHECK_ERRNO(waitpid(tid, NULL, __WALL), ECHILD);
}

static long kcmp(pid_t a, pid_t b, int type, long x, long y)
{
	return syscall(SYS_kcmp, a, b, type, x, y);
}

static void comparing(void)
{
	pid_t me = getpid(), child = tap_fork();
	int fd = dup(1);

	if (child == 0) {
		for (;;)
			pause();
	}
	CHECK_EQ(kcmp(me, me, KCMP_FILE, 1, fd), 0, "a dup is the same file");
	CHECK(kcmp(me, me, KCMP_FILE, 1, open("/dev/null", O_RDONLY)) > 0, "another is not");
	CHECK_EQ(kcmp(me, child, KCMP_FILE, 1, 1), 0, "a child has its parent's");
	CHECK_EQ(kcmp(me, me, KCMP_VM, 0, 0), 0, "one address space");
	for (int type = KCMP_VM; type <= KCMP_SIGHAND; type++)
		CHECK(kcmp(me, child, type, 0, 0) > 0, "a child has its own part %d", type);
	CHECK_EQ(kcmp(me, child, KCMP_VM, 0, 0) + kcmp(child, me, KCMP_VM, 0, 0), 3, "one comes before the other");
	CHECK_ERRNO(kcmp(me, me, KCMP_FILE, 1, 777), EBADF);
	CHECK_ERRNO(kcmp(me, me, 77, 0, 0), EINVAL);
	CHECK_ERRNO(kcmp(me, 999999, KCMP_VM, 0, 0), ESRCH);
	kill(child, SIGKILL);
	tap_wait(child);
}

int main(int argc, char **argv)
{
	char self[256] = "";

	(void)argv;
	if (argc > 1)
		return 42;
	MUST(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	tap_begin();
	interrupts();
	group_stops();
	threads();
	exec_by_thread(self);
	comparing();
	return tap_end();
}
