/* Temporaries, and the rename that makes them real. */
#include "gofer/atomic.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "gofer/hostops.h"
#include "gofer/tree.h"

#define TRIES 16

void atomic_temp_name(char name[ATOMIC_NAME_MAX])
{
	uint64_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint64_t)host_monotonic_ns() ^ (uint64_t)getpid() << 32;
	snprintf(name, ATOMIC_NAME_MAX, ATOMIC_PREFIX "%016llx", (unsigned long long)r);
}

/* Between making and locking it a cleaner may have taken it for garbage: then it is locked, or gone. */
static bool lock_new(int fd)
{
	struct stat st;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int temp_file(int dirfd, char name[ATOMIC_NAME_MAX], mode_t mode)
{
	for (int i = 0; i < TRIES; i++) {
		int fd;

		atomic_temp_name(name);
		fd = hostop_create(dirfd, name, mode);
		if (fd < 0 && fd != -EEXIST)
			return fd;
		if (fd >= 0 && lock_new(fd))
			return fd;
		host_close(&fd);
	}
	return -EBUSY;
}

int atomic_temp_dir(int dirfd, char name[ATOMIC_NAME_MAX])
{
	for (int i = 0; i < TRIES; i++) {
		int fd, err;

		atomic_temp_name(name);
		err = hostop_mkdir(dirfd, name, 0700);
		if (err && err != -EEXIST)
			return err;
		fd = err ? -1 : tree_open_dir(dirfd, name);
		if (fd >= 0 && lock_new(fd))
			return fd;
		host_close(&fd);
	}
	return -EBUSY;
}

static int write_temp(int fd, const void *data, size_t len, mode_t mode)
{
	int err = hostop_write(fd, data, len);

	if (!err)
		err = hostop_chmod(fd, mode);
	return err ? err : hostop_sync(fd);
}

int atomic_write_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode)
{
	char temp[ATOMIC_NAME_MAX];
	int fd = temp_file(dirfd, temp, 0600);
	int err;

	if (fd < 0)
		return fd;
	err = write_temp(fd, data, len, mode);
	if (!err)
		err = hostop_rename_over(dirfd, temp, name);
	if (err)
		unlinkat(dirfd, temp, 0);
	host_close(&fd);
	return err ? err : hostop_sync(dirfd);
}

static int clean_one(int dirfd, const char *name)
{
	int fd = (int)HOST_RETRY(openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	int err = 0;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		err = tree_remove(dirfd, name);
	host_close(&fd);
	return err;
}

int atomic_clean(int dirfd)
{
	struct name_list l;
	int err = name_list_read(dirfd, SIZE_MAX, &l);

	for (size_t i = 0; !err && i < l.count; i++) {
		if (strncmp(l.name[i], ATOMIC_PREFIX, strlen(ATOMIC_PREFIX)) == 0)
			err = clean_one(dirfd, l.name[i]);
	}
	name_list_free(&l);
	return err;
}
