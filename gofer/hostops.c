/* The wrappers: ask the hook, make the call. */
#include "gofer/hostops.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"

/* Global because it stands in for the host, which is global too. Written by tests alone, before they do anything. */
static int (*the_hook)(enum hostop, void *);
static void *the_hook_arg;

void hostops_set_hook(int (*hook)(enum hostop, void *), void *arg)
{
	the_hook = hook;
	the_hook_arg = arg;
}

#ifdef PICKET_DEBUG

/* PICKET_FAIL_HOST: counts down in a static because operations have no common object that could hold the count. */
static int fail_by_env(void)
{
	static long left = -1;
	static const char *how;

	if (left < 0) {
		const char *env = getenv("PICKET_FAIL_HOST");
		char *end = NULL;

		left = env ? strtol(env, &end, 10) : 0;
		how = end && *end == ':' ? end + 1 : "EIO";
	}
	if (left == 0 || --left > 0)
		return 0;
	if (strcmp(how, "KILL") == 0)
		kill(getpid(), SIGKILL);
	return strcmp(how, "ENOSPC") == 0 ? -ENOSPC : -EIO;
}

#else

static int fail_by_env(void)
{
	return 0;
}

#endif

static int ask(enum hostop op)
{
	int err = the_hook ? the_hook(op, the_hook_arg) : 0;

	return err ? err : fail_by_env();
}

int hostop_create(int dirfd, const char *name, mode_t mode)
{
	int err = ask(HOSTOP_OPEN);

	return err ? err
		   : (int)HOST_RETRY(openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}

int hostop_mkdir(int dirfd, const char *name, mode_t mode)
{
	int err = ask(HOSTOP_MKDIR);

	return err ? err : (int)host_ret(mkdirat(dirfd, name, mode));
}

int hostop_symlink(const char *target, int dirfd, const char *name)
{
	int err = ask(HOSTOP_SYMLINK);

	return err ? err : (int)host_ret(symlinkat(target, dirfd, name));
}

int hostop_write(int fd, const void *buf, size_t n)
{
	int err = ask(HOSTOP_WRITE);
	int64_t r;

	if (err)
		return err;
	r = host_write_full(fd, buf, n);
	return r < 0 ? (int)r : 0;
}

int hostop_clone(int dst, int src)
{
	int err = ask(HOSTOP_CLONE);

	return err ? err : (int)host_ret(ioctl(dst, FICLONE, src));
}

int hostop_chmod(int fd, mode_t mode)
{
	int err = ask(HOSTOP_CHMOD);

	return err ? err : (int)host_ret(fchmod(fd, mode));
}

int hostop_sync(int fd)
{
	int err = ask(HOSTOP_SYNC);

	return err ? err : (int)HOST_RETRY(fsync(fd));
}

int hostop_rename_new(int dirfd, const char *from, const char *to)
{
	int err = ask(HOSTOP_RENAME);

	if (err)
		return err;
	err = (int)host_ret(syscall(SYS_renameat2, dirfd, from, dirfd, to, RENAME_NOREPLACE));
	/* A filesystem without the flag: a directory never replaces one with something in it. */
	if (err == -EINVAL)
		err = (int)host_ret(renameat(dirfd, from, dirfd, to));
	return err == -ENOTEMPTY ? -EEXIST : err;
}

int hostop_rename_over(int dirfd, const char *from, const char *to)
{
	int err = ask(HOSTOP_RENAME);

	return err ? err : (int)host_ret(renameat(dirfd, from, dirfd, to));
}

int hostop_remove(int dirfd, const char *name, int flags)
{
	int err = ask(HOSTOP_REMOVE);

	return err ? err : (int)host_ret(unlinkat(dirfd, name, flags));
}
