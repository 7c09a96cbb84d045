/* A task's view of the tree of names: working directory, root, umask. clone(2) with CLONE_FS shares it. */
#include "base/mem.h"
#include "sentry/fs/vfs.h"

struct fsctx *fsctx_new(const struct path *root)
{
	struct fsctx *fs = mem_zalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	ref_init(&fs->ref);
	lock_init(&fs->lock, RANK_FS_CTX, "fsctx.lock");
	fs->root = fs->cwd = *root;
	path_get(root);
	path_get(root);
	fs->umask = 022;
	return fs;
}

struct fsctx *fsctx_copy(struct fsctx *from)
{
	struct fsctx *fs = mem_zalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	ref_init(&fs->ref);
	lock_init(&fs->lock, RANK_FS_CTX, "fsctx.lock");
	LOCK_GUARD(&from->lock);
	fs->root = from->root;
	fs->cwd = from->cwd;
	fs->umask = from->umask;
	path_get(&fs->root);
	path_get(&fs->cwd);
	return fs;
}

struct fsctx *fsctx_get(struct fsctx *fs)
{
	ref_get(&fs->ref);
	return fs;
}

void fsctx_put(struct fsctx *fs)
{
	if (!fs || !ref_put(&fs->ref))
		return;
	path_put(&fs->cwd);
	path_put(&fs->root);
	mem_free(fs);
}

void fsctx_root(struct fsctx *fs, struct path *out)
{
	LOCK_GUARD(&fs->lock);
	*out = fs->root;
	path_get(out);
}

void fsctx_cwd(struct fsctx *fs, struct path *out)
{
	LOCK_GUARD(&fs->lock);
	*out = fs->cwd;
	path_get(out);
}

uint32_t fsctx_umask(struct fsctx *fs)
{
	return atomic_load(&fs->umask);
}
