/*
 * tap.h: the whole test library of a guest program.
 *
 * A guest program is static C with system headers only; it runs on the host first, then inside a sandbox, and prints
 * the Test Anything Protocol: `ok K - name` or `not ok K - name # got ...`, the plan `1..N` last, exit 0 when all are ok.
 * Lines are written with one write(2) each: nothing is buffered, so that a fork or a crash neither repeats nor loses any.
 *
 * Include it first (it defines _GNU_SOURCE). Checks belong to the process that called tap_begin(); a child reports by
 * its exit status, with MUST() inside CHECK_CHILD().
 */
#ifndef PICKET_TAP_H
#define PICKET_TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Bad arguments are what these programs are for. */
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wnonnull"

#define TAP_FN static __attribute__((unused))
#define TAP_SECONDS 20

static int tap_count, tap_failures;
static char tap_dir[256];

/* A watchdog, and a fresh directory that becomes the working directory. */
TAP_FN void tap_begin(void)
{
	const char *tmp = getenv("TMPDIR");

	alarm(TAP_SECONDS);
	umask(022);
	snprintf(tap_dir, sizeof(tap_dir), "%s/picket-guest-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(tap_dir) || chdir(tap_dir) < 0) {
		dprintf(1, "Bail out! no temporary directory %s: %s\n", tap_dir, strerror(errno));
		_exit(2);
	}
}

/* Remove a tree below dirfd. Directories are made accessible first: tests leave odd modes behind. */
TAP_FN void tap_remove(int dirfd, const char *name)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	if (unlinkat(dirfd, name, 0) == 0)
		return;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		fchmodat(dirfd, name, 0700, 0);
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return;
	fchmod(fd, 0700);
	dir = fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			tap_remove(fd, entry->d_name);
	if (dir)
		closedir(dir);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* The plan; the exit status of main. */
TAP_FN int tap_end(void)
{
	if (chdir("/") == 0)
		tap_remove(AT_FDCWD, tap_dir);
	dprintf(1, "1..%d\n", tap_count);
	return tap_failures ? 1 : 0;
}

TAP_FN void tap_print(bool ok, const char *name, const char *after)
{
	if (!ok)
		tap_failures++;
	dprintf(1, "%sok %d - %s%s\n", ok ? "" : "not ", ++tap_count, name, after);
}

__attribute__((format(printf, 1, 2)))
TAP_FN const char *tap_name(const char *format, ...)
{
	static char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	return name;
}

TAP_FN void tap_check(bool ok, int err, const char *text, const char *name)
{
	char why[200] = "";

	if (!ok)
		snprintf(why, sizeof(why), " # got false: %s (errno %d %s)", text, err, strerror(err));
	tap_print(ok, name, why);
}

TAP_FN void tap_check_eq(long long got, long long want, const char *name)
{
	char why[100] = "";

	if (got != want)
		snprintf(why, sizeof(why), " # got %lld (%#llx), expected %lld", got, got, want);
	tap_print(got == want, name, why);
}

TAP_FN void tap_check_str(const char *got, const char *want, const char *name)
{
	bool ok = got && !strcmp(got, want);
	char why[400] = "";

	if (!ok)
		snprintf(why, sizeof(why), " # got '%s', expected '%s'", got ? got : "(null)", want);
	tap_print(ok, name, why);
}

TAP_FN void tap_check_errno(long got, int err, int want, const char *name)
{
	bool ok = got == -1 && err == want;
	char why[160] = "";

	if (!ok && got == -1)
		snprintf(why, sizeof(why), " # got errno %d (%s)", err, strerror(err));
	else if (!ok)
		snprintf(why, sizeof(why), " # got %ld, expected failure", got);
	tap_print(ok, name, why);
}

TAP_FN void tap_check_ok(long got, int err, const char *name)
{
	char why[160] = "";

	if (got == -1)
		snprintf(why, sizeof(why), " # got errno %d (%s)", err, strerror(err));
	tap_print(got != -1, name, why);
}

TAP_FN void tap_check_status(int status, const char *name)
{
	char why[100] = "";

	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), " # got death by signal %d", WTERMSIG(status));
	else if (status)
		snprintf(why, sizeof(why), " # got wait status %#x", status);
	tap_print(status == 0, name, why);
}

/* CHECK(condition, "name"): the name is a printf format. The others alike; CHECK_ERRNO and CHECK_OK name themselves. */
#define CHECK(cond, ...) do { \
	bool ok_ = (cond); \
	int err_ = errno; \
	tap_check(ok_, err_, #cond, tap_name(__VA_ARGS__)); \
} while (0)
#define CHECK_EQ(got, want, ...) do { \
	long long got_ = (long long)(got), want_ = (long long)(want); \
	tap_check_eq(got_, want_, tap_name(__VA_ARGS__)); \
} while (0)
#define CHECK_STR(got, want, ...) tap_check_str((got), (want), tap_name(__VA_ARGS__))
#define CHECK_ERRNO(expr, want) do { \
	errno = 0; \
	long got_ = (long)(expr); \
	int err_ = errno; \
	tap_check_errno(got_, err_, (want), #expr " fails with " #want); \
} while (0)
#define CHECK_OK(expr) do { \
	errno = 0; \
	long got_ = (long)(expr); \
	int err_ = errno; \
	tap_check_ok(got_, err_, #expr " succeeds"); \
} while (0)
#define SKIP(name, reason) tap_print(true, name, " # SKIP " reason)

/* In a child: leave with 99, and say on stderr which condition did not hold. */
#define MUST(cond) do { \
	if (!(cond)) { \
		dprintf(2, "# %s:%d: not true: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
		_exit(99); \
	} \
} while (0)

/* fork with a watchdog of its own: alarms are not inherited. */
TAP_FN pid_t tap_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		alarm(TAP_SECONDS);
	return pid;
}

TAP_FN int tap_wait(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* Run statements in a child; the value is the child's wait status. A child that reaches the end exits with 0. */
#define IN_CHILD(...) ({ \
	pid_t pid_ = tap_fork(); \
	if (pid_ == 0) { \
		__VA_ARGS__; \
		_exit(0); \
	} \
	tap_wait(pid_); \
})
#define CHECK_CHILD(name, ...) do { \
	int status_ = IN_CHILD(__VA_ARGS__); \
	tap_check_status(status_, name); \
} while (0)
#define EXITED(code) ((code) << 8)

/* Wait for, and give, one byte through a pipe: the only way in which processes here wait for each other. */
TAP_FN void tap_signal_fd(int fd)
{
	if (write(fd, "x", 1) != 1)
		_exit(98);
}

TAP_FN bool tap_await_fd(int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* A file with the given text, mode 0644; aborts the test when it can't be made. */
TAP_FN void tap_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		dprintf(1, "Bail out! can't write %s: %s\n", path, strerror(errno));
		_exit(2);
	}
	close(fd);
}

/* The text of a small file in a static buffer ("" where it can't be read). */
TAP_FN const char *tap_text(const char *path)
{
	static char text[65536];
	size_t used = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && used < sizeof(text) - 1 && (n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += n;
	text[used] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

TAP_FN bool tap_is_root(void)
{
	return geteuid() == 0;
}

#endif
