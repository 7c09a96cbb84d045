/* The store: see store.h for its layout and states. */
#include "gofer/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "gofer/hostops.h"
#include "gofer/index_file.h"
#include "gofer/seal.h"
#include "gofer/tree.h"

#define DEPTH_MAX 1024 /* of a tree that sealing has let pass; sealing's own limit is lower */

/* Opens a subdirectory, made (and its name made durable) where it is missing. */
static int open_or_make(int dirfd, const char *name)
{
	int err = hostop_mkdir(dirfd, name, 0755);

	if (err && err != -EEXIST)
		return err;
	/* Also when it was there: whoever made it may have died before this. */
	err = hostop_sync(dirfd);
	return err ? err : tree_open_dir(dirfd, name);
}

int store_open(int state_dirfd, struct store *s)
{
	int base = open_or_make(state_dirfd, "store");
	int err;

	s->fd = base < 0 ? base : open_or_make(base, "sha256");
	host_close(&base);
	if (s->fd < 0)
		return s->fd;
	err = atomic_clean(s->fd);
	if (err)
		store_close(s);
	return err;
}

void store_close(struct store *s)
{
	host_close(&s->fd);
}

static int open_root(const struct store *s, const char *root)
{
	return hash_hex_valid(root) ? tree_open_dir(s->fd, root) : -EINVAL;
}

int store_mount(const struct store *s, const char *root)
{
	AUTO_CLOSE int fd = open_root(s, root);

	return fd < 0 ? fd : (int)HOST_RETRY(openat(fd, "tree", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

int store_verify(const struct store *s, const char *root, char *why, size_t why_size)
{
	struct manifest m = { 0 };
	char found[HASH_HEX_SIZE];
	AUTO_CLOSE int tree = store_mount(s, root);
	int err;

	if (tree < 0) {
		snprintf(why, why_size, "%s is not in the store: %s", root, strerror(-tree));
		return tree;
	}
	err = seal_describe(tree, root, &m, why, why_size);
	if (!err)
		err = manifest_root(&m, found);
	manifest_free(&m);
	if (err == -EPERM || (!err && strcmp(found, root) != 0)) {
		if (!err)
			snprintf(why, why_size, "%s in the store is damaged: what is there now is %s", root, found);
		return -EBADMSG;
	}
	return err;
}

int store_remove(const struct store *s, const char *root)
{
	char temp[ATOMIC_NAME_MAX];
	int err;

	if (!hash_hex_valid(root))
		return -EINVAL;
	/* First it loses its name, whole, then its parts go. */
	atomic_temp_name(temp);
	err = hostop_rename_new(s->fd, root, temp);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = hostop_sync(s->fd);
	return err ? err : tree_remove(s->fd, temp);
}

/* ---- a tree in the making ---------------------------------------------------------------------------------------- */

int store_temp_make(const struct store *s, struct store_temp *t)
{
	int err;

	*t = (struct store_temp){ .tree = -1 };
	t->fd = atomic_temp_dir(s->fd, t->name);
	if (t->fd < 0)
		return t->fd;
	err = hostop_mkdir(t->fd, "tree", 0700);
	t->tree = err ? err : tree_open_dir(t->fd, "tree");
	if (t->tree >= 0)
		return 0;
	err = t->tree;
	store_temp_drop(s, t);
	return err;
}

/* Fills the index, whose name is on disk already: the directory is read-only by now. */
static int write_index(int *file, int tree, const char *root)
{
	int err = sealed_index_write(*file, tree, root);

	host_close(file);
	return err;
}

static int write_manifest(int dirfd, const struct manifest *m)
{
	int fd = hostop_create(dirfd, "manifest", 0444);
	int err;

	if (fd < 0)
		return fd;
	err = hostop_write(fd, m->text, m->len);
	host_close(&fd);
	return err;
}

/*
 * An equal one is there. Whole, since it has its name; that the name is on disk is made sure of: its maker may have
 * died before.
 */
static int reuse(const struct store *s)
{
	int err = hostop_sync(s->fd);

	return err ? err : 1;
}

int store_temp_commit(const struct store *s, struct store_temp *t, const struct manifest *m, const char *root)
{
	int index, err;

	if (faccessat(s->fd, root, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return reuse(s);
	index = hostop_create(t->fd, SEALED_INDEX_NAME, 0444);
	err = index < 0 ? index : write_manifest(t->fd, m);
	if (!err)
		err = tree_make_durable(t->fd, DEPTH_MAX);
	/* Only now are modes and change times what they will be for ever. */
	if (!err)
		err = write_index(&index, t->tree, root);
	host_close(&index);
	if (!err)
		err = hostop_rename_new(s->fd, t->name, root);
	if (err)
		return err == -EEXIST ? reuse(s) : err;
	t->name[0] = 0;
	return hostop_sync(s->fd);
}

void store_temp_drop(const struct store *s, struct store_temp *t)
{
	int err = t->fd >= 0 && t->name[0] ? tree_remove(s->fd, t->name) : 0;

	if (err)
		log_warning("%s stays in the store until it is next opened: %s", t->name, strerror(-err));
	host_close(&t->tree);
	host_close(&t->fd);
}
