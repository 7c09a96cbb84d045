/* What an exec keeps and what it resets; exec from a thread. */
#include "../tap.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static void handler(int sig)
{
	(void)sig;
}

static bool blocked(int sig)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, sig);
}

static bool pending(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

/* Run after the exec: each tells one thing by its exit status, 1 is "as expected". */
static int tell(const char *what, const char *arg)
{
	struct itimerspec spec;
	struct rlimit limit;
	char name[17] = "";
	stack_t stack;
	int value = -1;

	if (!strcmp(what, "open"))
		return fcntl(atoi(arg), F_GETFD) == 0;
	if (!strcmp(what, "closed"))
		return fcntl(atoi(arg), F_GETFD) == -1 && errno == EBADF;
	if (!strcmp(what, "offset"))
		return lseek(atoi(arg), 0, SEEK_CUR) == 3;
	if (!strcmp(what, "default"))
		return signal(SIGUSR1, SIG_DFL) == SIG_DFL;
	if (!strcmp(what, "ignored"))
		return signal(SIGUSR2, SIG_DFL) == SIG_IGN;
	if (!strcmp(what, "mask"))
		return blocked(SIGHUP);
	if (!strcmp(what, "pending"))
		return pending(SIGHUP);
	if (!strcmp(what, "altstack"))
		return sigaltstack(NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE;
	if (!strcmp(what, "alarm"))
		return alarm(0) > 10;
	if (!strcmp(what, "timer"))
		return syscall(SYS_timer_gettime, atoi(arg), &spec) == -1 && errno == EINVAL;
	if (!strcmp(what, "umask"))
		return umask(0) == 0123;
	if (!strcmp(what, "cwd"))
		return !strcmp(getcwd(NULL, 0), arg);
	if (!strcmp(what, "rlimit"))
		return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 77;
	if (!strcmp(what, "name"))
		return prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "exe");
	if (!strcmp(what, "pdeathsig"))
		return prctl(PR_GET_PDEATHSIG, &value) == 0 && value == SIGTERM;
	if (!strcmp(what, "dumpable"))
		return prctl(PR_GET_DUMPABLE) == 1;
	if (!strcmp(what, "nnp"))
		return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	if (!strcmp(what, "parent"))
		return getppid() == atoi(arg);
	if (!strcmp(what, "leader"))
		return getpid() == atoi(arg) && gettid() == getpid();
	if (!strcmp(what, "mapped"))
		return msync((void *)strtoul(arg, NULL, 0), 4096, MS_ASYNC) == -1 && errno == ENOMEM;
	return 0;
}

static void again(const char *what, const char *arg)
{
	execl("/proc/self/exe", "self", what, arg, NULL);
	_exit(98);
}

#define CHECK_AFTER(name, what, arg, ...) CHECK_EQ(IN_CHILD(__VA_ARGS__; again(what, arg)), EXITED(1), name)

static const char *number(long n)
{
	static char text[32];

	snprintf(text, sizeof(text), "%ld", n);
	return text;
}

static void files(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	CHECK_AFTER("an fd stays open", "open", number(fd));
	CHECK_AFTER("its offset stays", "offset", number(fd), MUST(write(fd, "abc", 3) == 3));
	CHECK_AFTER("FD_CLOEXEC closes it", "closed", number(fd), fcntl(fd, F_SETFD, FD_CLOEXEC));
	CHECK_AFTER("O_CLOEXEC closes it", "closed", number(open("file", O_RDONLY | O_CLOEXEC)));
	CHECK_AFTER("dup drops close-on-exec", "open", number(dup(fd)), fcntl(fd, F_SETFD, FD_CLOEXEC));
	CHECK_AFTER("dup3 with O_CLOEXEC is closed", "closed", "200", MUST(dup3(fd, 200, O_CLOEXEC) == 200));
	close(fd);
}

static void signals(void)
{
	sigset_t set;
	stack_t stack = {.ss_size = 65536};

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	stack.ss_sp = malloc(stack.ss_size);
	CHECK_AFTER("handlers are reset", "default", "", signal(SIGUSR1, handler));
	CHECK_AFTER("ignored signals stay ignored", "ignored", "", signal(SIGUSR2, SIG_IGN));
	CHECK_AFTER("the signal mask stays", "mask", "", sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_AFTER("pending signals stay", "pending", "", sigprocmask(SIG_BLOCK, &set, NULL); raise(SIGHUP));
	CHECK_AFTER("the alternate stack is dropped", "altstack", "", MUST(sigaltstack(&stack, NULL) == 0));
	CHECK_AFTER("an alarm stays", "alarm", "", alarm(TAP_SECONDS));
	free(stack.ss_sp);
}

static void attributes(void)
{
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	struct rlimit limit = {77, 77};
	const char *me = strdup(number(getpid()));
	int timer = -1;

	CHECK_AFTER("timers are deleted", "timer", number(timer), MUST(!syscall(SYS_timer_create, CLOCK_REALTIME, &none, &timer)));
	CHECK_AFTER("the umask stays", "umask", "", umask(0123));
	CHECK_AFTER("the working directory stays", "cwd", "/", MUST(chdir("/") == 0));
	CHECK_AFTER("resource limits stay", "rlimit", "", MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0));
	CHECK_AFTER("the thread's name is the file's", "name", "", prctl(PR_SET_NAME, "other"));
	CHECK_AFTER("the parent-death signal stays", "pdeathsig", "", prctl(PR_SET_PDEATHSIG, SIGTERM));
	CHECK_AFTER("dumpable is set again", "dumpable", "", prctl(PR_SET_DUMPABLE, 0));
	CHECK_AFTER("no_new_privs stays", "nnp", "", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_AFTER("the parent stays", "parent", me, (void)0);
	CHECK_AFTER("mappings are gone", "mapped", number(0x40000000), mmap((void *)0x40000000, 4096, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static void *exec_in_thread(void *arg)
{
	again("leader", arg);
	return NULL;
}

static void *wait_forever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void from_thread(void)
{
	pthread_t thread[5];
	int status, i;
	pid_t pid = tap_fork();

	if (pid == 0) {
		for (i = 0; i < 4; i++)
			pthread_create(&thread[i], NULL, wait_forever, NULL);
		pthread_create(&thread[4], NULL, exec_in_thread, (void *)number(getpid()));
		wait_forever(NULL);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid, "exec from a thread, beside five others");
	CHECK_EQ(status, EXITED(1), "takes the leader's pid and ends the others");
	pid = tap_fork();
	if (pid == 0) {
		for (i = 0; i < 4; i++)
			pthread_create(&thread[i], NULL, wait_forever, NULL);
		again("leader", number(getpid()));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid, "exec from the leader, beside four threads");
	CHECK_EQ(status, EXITED(1), "ends them");
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return tell(argv[1], argv[2]);
	tap_begin();
	files();
	signals();
	attributes();
	from_thread();
	return tap_end();
}
