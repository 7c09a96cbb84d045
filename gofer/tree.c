/* Walking directory trees, depth first, one fd a level. */
#include "gofer/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/hostops.h"

#define REMOVE_DEPTH_MAX 1024

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int append(struct name_list *l, size_t *room, const char *name)
{
	if (l->count == *room) {
		size_t more = *room ? *room * 2 : 32;
		char **p = mem_realloc_array(l->name, more, sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->name = p;
		*room = more;
	}
	l->name[l->count] = mem_strdup(name);
	return l->name[l->count++] ? 0 : -ENOMEM;
}

static int read_names(DIR *d, size_t max, struct name_list *l)
{
	size_t room = 0;

	for (;;) {
		struct dirent *e;
		int err;

		errno = 0;
		e = readdir(d);
		if (!e)
			return -errno;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		err = l->count == max ? -E2BIG : append(l, &room, e->d_name);
		if (err)
			return err;
	}
}

int name_list_read(int dirfd, size_t max, struct name_list *l)
{
	int fd = (int)HOST_RETRY(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int err;

	*l = (struct name_list){ 0 };
	if (!d) {
		err = fd < 0 ? fd : -ENOMEM;
		host_close(&fd);
		return err;
	}
	err = read_names(d, max, l);
	closedir(d);
	if (err)
		name_list_free(l);
	else if (l->count)
		qsort(l->name, l->count, sizeof(l->name[0]), compare_names);
	return err;
}

void name_list_free(struct name_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		mem_free(l->name[i]);
	mem_free(l->name);
	*l = (struct name_list){ 0 };
}

int tree_open_dir(int dirfd, const char *name)
{
	return (int)HOST_RETRY(openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* ---- durable ----------------------------------------------------------------------------------------------------- */

static int sync_one(int dirfd, const char *name, unsigned int depth_max)
{
	struct stat st;
	int fd, err;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return 0; /* on disk with its directory */
	fd = (int)HOST_RETRY(openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
	if (fd < 0)
		return fd;
	if (S_ISDIR(st.st_mode))
		err = depth_max ? tree_make_durable(fd, depth_max - 1) : -ELOOP;
	else
		err = hostop_sync(fd);
	host_close(&fd);
	return err;
}

int tree_make_durable(int dirfd, unsigned int depth_max)
{
	struct name_list l;
	int err = name_list_read(dirfd, SIZE_MAX, &l);

	for (size_t i = 0; !err && i < l.count; i++)
		err = sync_one(dirfd, l.name[i], depth_max);
	name_list_free(&l);
	if (!err)
		err = hostop_chmod(dirfd, 0555);
	return err ? err : hostop_sync(dirfd);
}

/* ---- removal ----------------------------------------------------------------------------------------------------- */

static int remove_below(int dirfd, const char *name, unsigned int depth);

static int empty_dir(int fd, unsigned int depth)
{
	struct name_list l;
	int err;

	fchmod(fd, 0700); /* sealed directories are read-only; a failure shows in what follows */
	err = name_list_read(fd, SIZE_MAX, &l);
	for (size_t i = 0; !err && i < l.count; i++)
		err = remove_below(fd, l.name[i], depth + 1);
	name_list_free(&l);
	return err;
}

static int remove_below(int dirfd, const char *name, unsigned int depth)
{
	int err = hostop_remove(dirfd, name, 0);
	int fd;

	if (err == -ENOENT)
		return 0;
	if (err != -EISDIR && err != -EPERM)
		return err;
	fd = depth < REMOVE_DEPTH_MAX ? tree_open_dir(dirfd, name) : -ELOOP;
	err = fd < 0 ? fd : empty_dir(fd, depth);
	host_close(&fd);
	if (!err)
		err = hostop_remove(dirfd, name, AT_REMOVEDIR);
	return err == -ENOENT ? 0 : err; /* another process removes the same */
}

int tree_remove(int dirfd, const char *name)
{
	return remove_below(dirfd, name, 0);
}
