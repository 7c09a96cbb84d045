/* fork, vfork, exit statuses, and what a child inherits. */
#include "../tap.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>

static int global = 1;

static void statuses(void)
{
	static const int codes[] = {0, 1, 2, 42, 127, 128, 254, 255};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		CHECK_EQ(IN_CHILD(_exit(codes[i])), EXITED(codes[i]), "exit status %d", codes[i]);
	CHECK_EQ(IN_CHILD(_exit(256 + 3)), EXITED(3), "only the low byte of an exit status arrives");
	CHECK_EQ(IN_CHILD(_exit(-1)), EXITED(255), "exit(-1) is 255");
	CHECK_EQ(IN_CHILD(syscall(SYS_exit, 5)), EXITED(5), "exit of the only thread");
	CHECK_EQ(IN_CHILD(syscall(SYS_exit_group, 6)), EXITED(6), "exit_group");
	CHECK_EQ(WTERMSIG(IN_CHILD(raise(SIGKILL))), SIGKILL, "death by SIGKILL");
	CHECK_EQ(WTERMSIG(IN_CHILD(raise(SIGTERM))), SIGTERM, "death by SIGTERM");
	CHECK_EQ(IN_CHILD(signal(SIGUSR1, SIG_IGN); raise(SIGUSR1); _exit(9)), EXITED(9), "an ignored signal kills nobody");
	CHECK_EQ(WTERMSIG(IN_CHILD(struct rlimit none = {0, 0}; setrlimit(RLIMIT_CORE, &none); abort())), SIGABRT, "abort");
}

static void identity(void)
{
	pid_t parent = getpid();

	CHECK_CHILD("a child sees its parent with getppid", MUST(getppid() == parent));
	CHECK_CHILD("a child has a pid of its own", MUST(getpid() != parent && getpid() > 0));
	CHECK_CHILD("pid and tid of a new process are equal", MUST(getpid() == gettid()));
	CHECK_CHILD("the process group is inherited", MUST(getpgrp() == getpgid(parent)));
	CHECK_CHILD("the session is inherited", MUST(getsid(0) == getsid(parent)));
}

static void memory(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *priv = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int local = 3;

	*priv = 5;
	CHECK_CHILD("a child sees the parent's data", MUST(global == 1 && local == 3 && *priv == 5));
	CHECK_CHILD("a child writes its copies", global = 2; local = 4; *priv = 6; *shared = 7; MUST(global == 2 && *priv == 6));
	CHECK(global == 1 && local == 3 && *priv == 5, "the parent's private memory is untouched");
	CHECK_EQ(*shared, 7, "shared memory carries the child's write");
	munmap(shared, 4096);
	munmap(priv, 4096);
}

static volatile sig_atomic_t handled;

static void on_usr1(int sig)
{
	handled = sig;
}

static void inherited(void)
{
	sigset_t set, old, seen;
	int fd = open("offset", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	pid_t pid;

	CHECK_CHILD("an fd's offset is shared with the child", MUST(write(fd, "abc", 3) == 3));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3, "the parent's offset moved with the child's write");
	CHECK_CHILD("closing in the child", close(fd));
	CHECK_OK(lseek(fd, 0, SEEK_CUR));
	close(fd);
	signal(SIGUSR1, on_usr1);
	CHECK_CHILD("handlers are inherited", raise(SIGUSR1); MUST(handled == SIGUSR1));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	CHECK_CHILD("the signal mask is inherited", sigprocmask(SIG_BLOCK, NULL, &seen); MUST(sigismember(&seen, SIGUSR2)));
	raise(SIGUSR2);
	CHECK_CHILD("pending signals are not inherited", sigpending(&seen); MUST(!sigismember(&seen, SIGUSR2)));
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGUSR2, SIG_DFL);
	pid = fork();
	if (pid == 0)
		_exit(alarm(0));
	CHECK_EQ(tap_wait(pid), 0, "alarms are not inherited");
	CHECK_CHILD("umask is inherited", MUST(umask(0) == 022));
	CHECK_CHILD("umask of the child is its own", umask(077));
	CHECK_EQ(umask(022), 022, "umask of the parent is unchanged");
	CHECK_CHILD("the working directory is the child's own", MUST(chdir("/") == 0));
	CHECK_STR(getcwd(NULL, 0), tap_dir, "the parent's working directory is unchanged");
}

static void vforks(void)
{
	volatile int seen = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		seen = 1;
		_exit(11);
	}
	CHECK_EQ(seen, 1, "a vfork child shares memory and runs first");
	CHECK_EQ(tap_wait(pid), EXITED(11), "status of a vfork child");
	pid = vfork();
	if (pid == 0) {
		execl("/proc/self/exe", "self", "exit-12", (char *)NULL);
		_exit(99);
	}
	CHECK_EQ(tap_wait(pid), EXITED(12), "vfork and exec");
	pid = vfork();
	if (pid == 0) {
		execl("/nonexistent", "x", (char *)NULL);
		seen = errno;
		_exit(13);
	}
	CHECK_EQ(seen, ENOENT, "errno of a failed exec in a vfork child");
	CHECK_EQ(tap_wait(pid), EXITED(13), "a vfork child goes on after a failed exec");
}

static void many(void)
{
	int left = 200, sum = 0, status, i;

	for (i = 0; i < left; i++) {
		pid_t pid = tap_fork();

		if (pid == 0)
			_exit(i % 100);
		if (pid < 0)
			break;
	}
	CHECK_EQ(i, left, "200 children at once");
	while (left > 0 && wait(&status) > 0) {
		sum += WEXITSTATUS(status);
		left--;
	}
	CHECK_EQ(sum, 2 * 4950, "each child's status arrives once");
	CHECK_ERRNO(wait(&status), ECHILD);
}

static int nest(int depth)
{
	if (depth == 0)
		return 1;
	return 1 + (IN_CHILD(_exit(nest(depth - 1))) >> 8);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "exit-12"))
		return 12;
	tap_begin();
	statuses();
	identity();
	memory();
	inherited();
	vforks();
	many();
	CHECK_EQ(nest(20), 21, "a chain of 20 generations");
	return tap_end();
}
