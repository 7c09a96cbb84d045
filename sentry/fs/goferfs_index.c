/* goferfs: reading a sealed tree's index: see goferfs_index.h. */
#include "sentry/fs/goferfs_index.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "abi/stat.h"
#include "base/hash.h"
#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "gofer/sealed_index.h"
#include "sentry/fs/gofer_call.h"
#include "sentry/fs/gofer_client.h"
#include "sentry/fs/inode.h"

struct gindex {
	const char *base;    /* mapped; nobody writes to a sealed tree's files */
	uint64_t size;
	const struct sealed_index *head;
	const struct sealed_dir *dir;
	uint64_t dev;        /* the root's, which all of it shares */
	uint32_t uid, gid;
};

static const struct gofer_dirent *record_at(const struct gindex *x, uint64_t at)
{
	return (const struct gofer_dirent *)(x->base + at);
}

/* Is what the record refers to there? *next_dir: the number that the next directory must have. */
static bool reference_valid(const struct gindex *x, const struct gofer_dirent *e, uint32_t *next_dir)
{
	switch (e->attr.mode & LX_S_IFMT) {
	case LX_S_IFREG:
		return e->cookie == 0;
	case LX_S_IFDIR:
		return e->cookie == (*next_dir)++ && e->cookie < x->head->dirs;
	case LX_S_IFLNK:
		return e->attr.size > 0 && e->attr.size <= GOFER_LINK_MAX && e->cookie >= x->head->targets && e->cookie < x->size &&
		       x->size - e->cookie >= e->attr.size && !memchr(x->base + e->cookie, 0, e->attr.size);
	default:
		return false;
	}
}

static bool name_follows(const struct gofer_dirent *before, const struct gofer_dirent *e)
{
	uint16_t len = before->name_len < e->name_len ? before->name_len : e->name_len;
	int order = memcmp(before->name, e->name, len);

	return order < 0 || (order == 0 && before->name_len < e->name_len);
}

static bool dir_valid(const struct gindex *x, const struct sealed_dir *d, uint64_t expected, uint32_t *next_dir)
{
	uint64_t at = d->first, end = d->first + d->bytes;
	const struct gofer_dirent *before = NULL;
	uint32_t count = 0;

	if (d->first != expected || end > x->head->targets)
		return false;
	while (at < end) {
		const struct gofer_dirent *e = record_at(x, at);

		if (end - at < sizeof(*e) || e->name_len > GOFER_NAME_MAX || end - at < GOFER_DIRENT_SIZE(e->name_len) ||
		    !gofer_name_valid(e->name, e->name_len) || (before && !name_follows(before, e)) || e->attr.size > INT64_MAX ||
		    !reference_valid(x, e, next_dir))
			return false;
		before = e;
		at += GOFER_DIRENT_SIZE(e->name_len);
		count++;
	}
	return count == d->count;
}

static const char *whats_wrong(const struct gindex *x, const struct gofer_attr *root)
{
	const struct sealed_index *h = x->head;
	uint64_t at = sizeof(*h) + (uint64_t)h->dirs * sizeof(struct sealed_dir);
	uint32_t next_dir = 1;

	if (h->magic != SEALED_INDEX_MAGIC || h->size != x->size || h->zero)
		return "it is no index, or not whole";
	if (h->dirs == 0 || at > h->targets || h->targets > x->size)
		return "its parts do not fit";
	if (h->root_ino != root->ino || h->root_ctime_sec != root->ctime_sec || h->root_ctime_nsec != root->ctime_nsec)
		return "it is of a tree in another place";
	if (h->hash != hash_stable(x->base + sizeof(*h), x->size - sizeof(*h)))
		return "it is damaged";
	for (uint32_t i = 0; i < h->dirs; i++) {
		if (!dir_valid(x, &x->dir[i], at, &next_dir))
			return "a directory in it is impossible";
		at += x->dir[i].bytes;
	}
	return next_dir == h->dirs && at == h->targets ? NULL : "its directories do not add up";
}

/* Maps it: 0 or negative errno. */
static int map(struct gindex *x, int fd)
{
	struct stat st;
	int ret = host_fstat(fd, &st);
	void *base;

	if (ret < 0)
		return ret;
	if (st.st_size < (int64_t)sizeof(struct sealed_index) || st.st_size > (int64_t)SEALED_INDEX_MAX)
		return -EINVAL;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	x->base = base;
	x->size = (uint64_t)st.st_size;
	x->head = base;
	x->dir = (const struct sealed_dir *)(x->head + 1);
	return 0;
}

struct gindex *gindex_open(int fd, const struct gofer_attr *root)
{
	struct gindex *x = mem_zalloc(sizeof(*x));
	const char *wrong;
	int ret = x ? map(x, fd) : -ENOMEM;

	if (ret < 0) {
		log_warning("the index of a sealed tree is not used: %s", strerror(-ret));
		gindex_free(x);
		return NULL;
	}
	wrong = whats_wrong(x, root);
	if (wrong) {
		log_warning("the index of a sealed tree is not used: %s", wrong);
		gindex_free(x);
		return NULL;
	}
	x->dev = root->dev;
	x->uid = root->uid;
	x->gid = root->gid;
	return x;
}

void gindex_free(struct gindex *x)
{
	if (!x)
		return;
	if (x->base)
		munmap((void *)(uintptr_t)x->base, x->size);
	mem_free(x);
}

int gindex_list(const struct gindex *x, uint32_t number, struct gofer_page *out)
{
	const struct sealed_dir *d = &x->dir[number];
	char *copy = mem_alloc(d->bytes ? d->bytes : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, x->base + d->first, d->bytes);
	for (uint64_t at = 0; at < d->bytes;) {
		struct gofer_dirent *e = (struct gofer_dirent *)(copy + at);

		e->attr.dev = x->dev;
		e->attr.uid = x->uid;
		e->attr.gid = x->gid;
		at += GOFER_DIRENT_SIZE(e->name_len);
	}
	*out = (struct gofer_page){ .data = copy, .len = d->bytes, .count = d->count, .cookie = GOFER_COOKIE_END };
	return 0;
}

const char *gindex_target(const struct gindex *x, const struct gofer_dirent *e)
{
	return x->base + e->cookie;
}
