/* Files: data and names. Files that are written lie in ARGUMENT 0, a directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "micro.h"

static void do_stat(long n)
{
	const char *path = argument(0, "/usr/bin/env");
	struct stat st;

	while (n--)
		if (stat(path, &st) < 0)
			die(path);
}

static void do_fstat(long n)
{
	int fd = open(argument(0, "/usr/bin/env"), O_RDONLY | O_CLOEXEC);
	struct stat st;

	while (n--)
		if (fstat(fd, &st) < 0)
			die("fstat");
	close(fd);
}

static void do_open(long n)
{
	const char *path = argument(0, "/usr/bin/env");

	while (n--) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			die(path);
		close(fd);
	}
}

static void do_access(long n)
{
	const char *path = argument(0, "/usr/bin/env");

	while (n--)
		if (access(path, R_OK) < 0)
			die(path);
}

static void do_missing(long n)
{
	struct stat st;

	while (n--)
		if (stat("/usr/lib/there-is-no-such-file", &st) == 0 || errno != ENOENT)
			die("a file that should not be there");
}

static void do_readlink(long n)
{
	const char *path = argument(0, "/proc/self");
	char to[256];

	while (n--)
		if (readlink(path, to, sizeof(to)) < 0)
			die(path);
}

static const char *scratch(void)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/micro-%d", argument(0, "/tmp"), (int)getpid());
	return path;
}

static void do_create(long n)
{
	const char *path = scratch();

	while (n--) {
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0)
			die(path);
		close(fd);
		if (unlink(path) < 0)
			die(path);
	}
}

static void do_rename(long n)
{
	char one[600], two[600];
	int fd;

	snprintf(one, sizeof(one), "%s.1", scratch());
	snprintf(two, sizeof(two), "%s.2", scratch());
	fd = open(one, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(one);
	close(fd);
	for (long i = 0; i < n; i++)
		if (rename(i % 2 ? two : one, i % 2 ? one : two) < 0)
			die("rename");
	unlink(one);
	unlink(two);
}

/* ARGUMENT: a file, bytes a read. */
static void do_pread(long n)
{
	size_t size = (size_t)number(1, 4096);
	int fd = open(argument(0, "/usr/bin/env"), O_RDONLY | O_CLOEXEC);
	char *buf = malloc(size);

	if (fd < 0 || !buf)
		die(argument(0, "/usr/bin/env"));
	while (n--)
		if (pread(fd, buf, size, 0) <= 0)
			die("pread");
	free(buf);
	close(fd);
}

/* ARGUMENT: a directory, bytes a write. */
static void do_pwrite(long n)
{
	size_t size = (size_t)number(1, 4096);
	const char *path = scratch();
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *buf = calloc(1, size);

	if (fd < 0 || !buf)
		die(path);
	unlink(path);
	while (n--)
		if (pwrite(fd, buf, size, 0) != (ssize_t)size)
			die("pwrite");
	free(buf);
	close(fd);
}

static void do_fsync(long n)
{
	const char *path = scratch();
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		die(path);
	unlink(path);
	while (n--)
		if (pwrite(fd, "x", 1, 0) != 1 || fsync(fd) < 0)
			die("fsync");
	close(fd);
}

const struct work file_works[] = {
	{ "stat", do_stat, "stat of a file seen before" },
	{ "missing", do_missing, "stat of a name that is not there, asked before" },
	{ "fstat", do_fstat, "fstat" },
	{ "open", do_open, "open and close of a file seen before" },
	{ "access", do_access, "access of a file seen before" },
	{ "readlink", do_readlink, "readlink of ARGUMENT" },
	{ "create", do_create, "create, close and unlink in ARGUMENT" },
	{ "rename", do_rename, "rename within ARGUMENT" },
	{ "pread", do_pread, "pread of a cached file: FILE BYTES" },
	{ "pwrite", do_pwrite, "pwrite over the same bytes: DIRECTORY BYTES" },
	{ "fsync", do_fsync, "pwrite of a byte and fsync, in ARGUMENT" },
	{ NULL, NULL, NULL },
};
