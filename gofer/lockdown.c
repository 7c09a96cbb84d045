/* The first half of the lock-down: everything but the seccomp filter (allowlist.c). */
#include "gofer/lockdown.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"

#define FDS_MAX (2 * GOFER_ROOTS_MAX + GOFER_CHANNELS_MAX + 3)

static int compare_fds(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Closes every fd but the config's and proc_fd. */
static int close_others(const struct gofer_config *cfg, int proc_fd)
{
	int keep[FDS_MAX], n = 0;
	unsigned int from = 0;

	for (int i = 0; i < cfg->roots; i++)
		keep[n++] = cfg->root[i].fd;
	for (int i = 0; i < cfg->roots; i++)
		keep[n++] = cfg->root[i].index;
	for (int i = 0; i < cfg->channels; i++)
		keep[n++] = cfg->channel[i].fd;
	keep[n++] = cfg->lifeline;
	keep[n++] = cfg->log_fd;
	keep[n++] = proc_fd;
	qsort(keep, (size_t)n, sizeof(keep[0]), compare_fds);
	for (int i = 0; i < n; i++) {
		if (keep[i] < 0 || (unsigned int)keep[i] < from)
			continue;
		if ((unsigned int)keep[i] > from && syscall(SYS_close_range, from, keep[i] - 1, 0) < 0)
			return -errno;
		from = (unsigned int)keep[i] + 1;
	}
	return (int)host_ret(syscall(SYS_close_range, from, ~0u, 0));
}

/*
 * /proc/self/fdinfo as root: nothing is in it but text about our own fds, it needs no mount (making and unmaking one
 * costs more than all else here), and it goes when we go. Not permitted without CAP_SYS_CHROOT: then no path is used
 * all the same, and the host's permissions and the filter stand.
 */
static void take_empty_root(void)
{
	int fd = (int)host_ret(open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC));

	if (fd < 0 || fchdir(fd) < 0 || chroot(".") < 0)
		log_debug("no empty root: %s", strerror(errno));
	host_close(&fd);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0,
		      0); /* EPERM without CAP_SETPCAP: then no_new_privs keeps them from coming back */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)host_ret(syscall(SYS_capset, &head, none));
}

static void raise_fd_limit(void)
{
	struct rlimit rl, core = { 0, 0 };

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	setrlimit(RLIMIT_CORE, &core);
}

/* A terminal's keys are for the program inside: the runtime decides what they mean for us. */
static void ignore_terminal(void)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE };

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_IGN);
}

static int finish(const struct gofer_config *cfg, int proc_fd)
{
	int err = close_others(cfg, proc_fd);

	if (err)
		return err;
	take_empty_root();
	umask(0); /* the sentry applies the guest's */
	err = drop_capabilities();
	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int lockdown_process(const struct gofer_config *cfg, int *proc_fd)
{
	int err;

	*proc_fd = (int)host_ret(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (*proc_fd < 0) {
		log_error("/proc/self/fd cannot be opened: %s; /proc must be mounted where the gofer starts",
			  strerror(-*proc_fd));
		return *proc_fd;
	}
	raise_fd_limit();
	ignore_terminal();
	if (cfg->unlocked) {
		umask(0);
		log_error("running without lock-down, as configured");
		return 0;
	}
	err = finish(cfg, *proc_fd);
	if (err) {
		log_error("lock-down failed: %s", strerror(-err));
		host_close(proc_fd);
	}
	return err;
}
