/*
 * Removes what a guest has written, however deep: directories found below the first level are moved up to it instead of being descended
 * into, so that neither the stack nor the number of open files grows with the guest's imagination.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "tools/pipeline/state.h"

static DIR *open_for_removal(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && !fchmodat(dirfd, name, 0700, 0))
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	fchmod(fd, 0700);
	return fdopendir(fd);
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Moves a directory up into top under a name that nothing there has. */
static int move_up(int top, int from, const char *name, unsigned int *counter)
{
	char up[32];
	int64_t err;

	do {
		snprintf(up, sizeof(up), ".up-%u", (*counter)++);
		err = host_ret(renameat2(from, name, top, up, RENAME_NOREPLACE));
	} while (err == -EEXIST);
	return (int)err;
}

/* Empties `name` in top: files are unlinked, directories moved up. Then removes it. */
static int remove_shallow(int top, const char *name, unsigned int *counter)
{
	DIR *dir = open_for_removal(top, name);
	int err = 0;

	if (!dir)
		return -errno;
	for (struct dirent *e = readdir(dir); e && !err; e = readdir(dir)) {
		if (is_dot(e->d_name) || !unlinkat(dirfd(dir), e->d_name, 0))
			continue;
		err = errno == EISDIR || errno == EPERM ? move_up(top, dirfd(dir), e->d_name, counter) : -errno;
	}
	closedir(dir);
	if (!err && unlinkat(top, name, AT_REMOVEDIR))
		err = -errno;
	return err;
}

/* One pass over the top directory. The number of entries found, or a negative errno. */
static int remove_entries(DIR *top, unsigned int *counter)
{
	int found = 0, err = 0;

	rewinddir(top);
	for (struct dirent *e = readdir(top); e && !err; e = readdir(top)) {
		if (is_dot(e->d_name))
			continue;
		found = 1;
		if (unlinkat(dirfd(top), e->d_name, 0))
			err = errno == EISDIR || errno == EPERM ? remove_shallow(dirfd(top), e->d_name, counter) : -errno;
		if (err == -ENOTEMPTY || err == -ENOENT) /* the listing was older than the directory; the next pass sees it */
			err = 0;
	}
	return err ? err : found;
}

int remove_tree(int dirfd_at, const char *name)
{
	unsigned int counter = 0;
	DIR *top = open_for_removal(dirfd_at, name);
	if (!top)
		return errno == ENOENT ? 0 : -errno;
	int more;

	do
		more = remove_entries(top, &counter);
	while (more > 0);
	closedir(top);
	return more < 0 ? more : unlinkat(dirfd_at, name, AT_REMOVEDIR) ? -errno : 0;
}
