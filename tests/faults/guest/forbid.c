/*
 * Runs on the host, not in a sandbox: forbids something by a seccomp filter, as another sandbox or an administrator would, and runs
 * a command below it. Usage: forbid WHAT COMMAND ARGS... WHAT: listener (a filter with a listener gives EBUSY), ptrace, io_uring,
 * userns, nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAIL(err) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (err))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define HAS(bits, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, then, otherwise)

static struct sock_filter no_listener[] = {
	LOAD(nr), IS(SYS_seccomp, 0, 3), LOAD(args[1]), HAS(SECCOMP_FILTER_FLAG_NEW_LISTENER, 0, 1), FAIL(EBUSY), ALLOW,
};
static struct sock_filter no_ptrace[] = {LOAD(nr), IS(SYS_ptrace, 0, 1), FAIL(EPERM), ALLOW};
static struct sock_filter no_ring[] = {LOAD(nr), IS(SYS_io_uring_setup, 0, 1), FAIL(EPERM), ALLOW};
static struct sock_filter no_userns[] = {
	LOAD(nr), IS(SYS_clone3, 6, 0), IS(SYS_clone, 1, 0), IS(SYS_unshare, 0, 3), LOAD(args[0]), HAS(CLONE_NEWUSER, 0, 1), FAIL(EPERM),
	ALLOW, FAIL(ENOSYS),
};
static struct sock_filter nothing[] = {ALLOW};

static const struct {
	const char *name;
	struct sock_fprog program;
} kinds[] = {
#define KIND(name, array) {name, {sizeof(array) / sizeof(*array), array}}
	KIND("listener", no_listener), KIND("ptrace", no_ptrace), KIND("io_uring", no_ring), KIND("userns", no_userns), KIND("nothing", nothing),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, argv[1]))
			continue;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &kinds[i].program)) {
			perror("forbid");
			return 98;
		}
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		return 98;
	}
	return 98;
}
