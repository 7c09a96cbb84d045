/* clone and clone3: flags, stacks, the tid words, pidfds. */
#include "../tap.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

#define STACK_SIZE (64 * 1024)

static char *stack_top;
static volatile int touched;
static int shared_fd;

static long clone3(struct clone_args *args, size_t size)
{
	return syscall(SYS_clone3, args, size);
}

static int touch(void *arg)
{
	touched = *(int *)arg;
	return 5;
}

static int open_and_leave(void *arg)
{
	(void)arg;
	shared_fd = open("/", O_RDONLY);
	return 0;
}

static int change_place(void *arg)
{
	(void)arg;
	umask(077);
	return chdir("/") == 0 ? 0 : 1;
}

static int empty_handler_seen(void *arg)
{
	struct sigaction now;

	sigaction(SIGUSR1, NULL, &now);
	if (now.sa_handler == (void (*)(int))arg)
		signal(SIGUSR1, SIG_IGN);
	return 0;
}

static void handler(int sig)
{
	(void)sig;
}

static void sharing(void)
{
	int value = 17;
	pid_t pid;

	pid = clone(touch, stack_top, SIGCHLD, &value);
	CHECK_EQ(tap_wait(pid), EXITED(5), "clone with SIGCHLD is fork on a new stack");
	CHECK_EQ(touched, 0, "without CLONE_VM memory is copied");
	pid = clone(touch, stack_top, CLONE_VM | SIGCHLD, &value);
	CHECK_EQ(tap_wait(pid), EXITED(5), "clone with CLONE_VM, without THREAD");
	CHECK_EQ(touched, 17, "CLONE_VM shares memory");
	value = 18;
	pid = clone(touch, stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
	CHECK_EQ(touched, 18, "CLONE_VFORK: the child has run when clone returns");
	CHECK_EQ(tap_wait(pid), EXITED(5), "and can be waited for");

	shared_fd = -1;
	pid = clone(open_and_leave, stack_top, CLONE_VM | SIGCHLD, NULL);
	tap_wait(pid);
	CHECK_ERRNO(fcntl(shared_fd, F_GETFD), EBADF);
	pid = clone(open_and_leave, stack_top, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	tap_wait(pid);
	CHECK(shared_fd >= 0 && fcntl(shared_fd, F_GETFD) == 0, "CLONE_FILES shares the fd table");
	close(shared_fd);

	pid = clone(change_place, stack_top, CLONE_FS | SIGCHLD, NULL);
	CHECK_EQ(tap_wait(pid), 0, "CLONE_FS child");
	CHECK_EQ(umask(022), 077, "CLONE_FS shares the umask");
	CHECK_STR(getcwd(NULL, 0), "/", "CLONE_FS shares the working directory");
	if (chdir(tap_dir) < 0)
		_exit(98);

	signal(SIGUSR1, handler);
	pid = clone(empty_handler_seen, stack_top, CLONE_VM | CLONE_SIGHAND | SIGCHLD, handler);
	tap_wait(pid);
	CHECK(signal(SIGUSR1, handler) == SIG_IGN, "CLONE_SIGHAND shares the handlers");
	pid = clone(empty_handler_seen, stack_top, CLONE_VM | SIGCHLD, handler);
	tap_wait(pid);
	CHECK(signal(SIGUSR1, SIG_DFL) == handler, "without it they are copied");
}

static void errors(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	char big[256] = "";

	CHECK_ERRNO(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(clone3(&args, 8), EINVAL);
	CHECK_ERRNO(clone3(&args, 1 << 20), E2BIG);
	CHECK_ERRNO(clone3(NULL, sizeof(args)), EFAULT);
	memcpy(big, &args, sizeof(args));
	big[200] = 1;
	CHECK_ERRNO(clone3((struct clone_args *)big, sizeof(big)), E2BIG);
	args.exit_signal = 65;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.exit_signal = SIGCHLD;
	args.stack_size = 4096;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.stack_size = 0;
	args.stack = 4096;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.stack = 0;
	args.flags = 1ULL << 62;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.flags = CLONE_DETACHED;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.flags = CLONE_SIGHAND;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
	args.flags = 0;
	args.set_tid_size = 1;
	CHECK_ERRNO(clone3(&args, sizeof(args)), EINVAL);
}

static void clone3_basics(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	char big[256] = "";
	long pid;

	pid = clone3(&args, CLONE_ARGS_SIZE_VER0);
	if (pid == 0)
		_exit(3);
	CHECK_EQ(tap_wait(pid), EXITED(3), "clone3 with the first size of its struct");
	memcpy(big, &args, sizeof(args));
	pid = clone3((struct clone_args *)big, sizeof(big));
	if (pid == 0)
		_exit(4);
	CHECK_EQ(tap_wait(pid), EXITED(4), "clone3 with a longer struct of zeros");
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	args.flags = CLONE_CLEAR_SIGHAND;
	pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(signal(SIGUSR1, SIG_DFL) == SIG_DFL && signal(SIGUSR2, SIG_DFL) == SIG_IGN ? 0 : 1);
	CHECK_EQ(tap_wait(pid), 0, "CLONE_CLEAR_SIGHAND resets handlers, keeps ignored signals");
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

static void tid_words(void)
{
	int *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct clone_args args = {.exit_signal = SIGCHLD};
	int parent_word = 0, private_word = 0;
	long pid;

	args.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID;
	args.parent_tid = (uintptr_t)&parent_word;
	args.child_tid = (uintptr_t)&private_word;
	pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(private_word == getpid() ? 0 : 1);
	CHECK_EQ(tap_wait(pid), 0, "CLONE_CHILD_SETTID is written in the child's memory");
	CHECK_EQ(parent_word, pid, "CLONE_PARENT_SETTID is written in the parent's memory");
	CHECK_EQ(private_word, 0, "CLONE_CHILD_SETTID is not");

	words[1] = 55;
	args.flags = CLONE_CHILD_CLEARTID;
	args.child_tid = (uintptr_t)&words[1];
	pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(0);
	tap_wait(pid);
	CHECK_EQ(words[1], 55, "CLONE_CHILD_CLEARTID is not done where the memory is not shared with a live process");
	words[1] = 56;
	pid = clone(open_and_leave, stack_top, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL, &words[1]);
	while (*(volatile int *)&words[1] == 56)
		syscall(SYS_futex, &words[1], FUTEX_WAIT, 56, NULL, NULL, 0);
	CHECK_EQ(words[1], 0, "CLONE_CHILD_CLEARTID clears the word and wakes its futex");
	tap_wait(pid);
	munmap(words, 4096);
}

static void exit_signals(void)
{
	sigset_t set, old;
	siginfo_t info;
	pid_t pid;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (pid == 0)
		_exit(2);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1, "another exit signal than SIGCHLD");
	CHECK_EQ(info.si_pid, pid, "carries the child's pid");
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
	CHECK_EQ(waitpid(pid, &status, __WCLONE), pid, "such a child is waited for with __WCLONE");
	pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		_exit(6);
	CHECK_EQ(waitpid(pid, &status, __WALL), pid, "a child without exit signal, with __WALL");
	CHECK_EQ(status, EXITED(6), "has a status");
	sigemptyset(&set);
	sigpending(&set);
	CHECK(!sigismember(&set, SIGCHLD) && !sigismember(&set, SIGUSR1), "and sends no signal");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int stay_for_parent(void *arg)
{
	(void)arg;
	return getppid();
}

static void parents(void)
{
	int me = getpid(), pipefd[2];
	pid_t pid, sibling = 0;

	CHECK_OK(pipe(pipefd));
	pid = tap_fork();
	if (pid == 0) {
		pid_t made = clone(stay_for_parent, stack_top, CLONE_PARENT | SIGCHLD, &me);

		_exit(write(pipefd[1], &made, sizeof(made)) == sizeof(made) ? 0 : 1);
	}
	CHECK_EQ(read(pipefd[0], &sibling, sizeof(sibling)), (int)sizeof(sibling), "a child clones with CLONE_PARENT");
	CHECK_EQ(tap_wait(pid), 0, "the child ends");
	CHECK_EQ(tap_wait(sibling), EXITED(me & 0xff), "its sibling is the caller's child, and sees it as its parent");
	close(pipefd[0]);
	close(pipefd[1]);
}

static void pidfds(void)
{
	struct clone_args args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	struct pollfd waiting = {.events = POLLIN};
	int fd = -1, hold[2];
	long pid;

	CHECK_OK(pipe(hold));
	args.pidfd = (uintptr_t)&fd;
	pid = clone3(&args, sizeof(args));
	if (pid == 0) {
		close(hold[1]);
		tap_await_fd(hold[0]);
		_exit(0);
	}
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC), "CLONE_PIDFD gives a close-on-exec fd");
	waiting.fd = fd;
	CHECK_EQ(poll(&waiting, 1, 0), 0, "a live process' pidfd is not readable");
	close(hold[1]);
	CHECK_EQ(poll(&waiting, 1, -1), 1, "it becomes readable at exit");
	CHECK_EQ(waiting.revents & POLLIN, POLLIN, "with POLLIN");
	tap_wait(pid);
	close(fd);
	close(hold[0]);
}

int main(void)
{
	char *stack;

	tap_begin();
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	stack_top = stack + STACK_SIZE;
	sharing();
	errors();
	clone3_basics();
	tid_words();
	exit_signals();
	parents();
	pidfds();
	return tap_end();
}
