/*
 * goferfs: a directory's listing, fetched in batches and kept as the gofer sent it, with an index by name. While it holds, every look-up
 * in the directory, hit or miss, is the sentry's own.
 */
#include <errno.h>
#include <string.h>

#include "abi/dirent.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/goferfs_index.h"
#include "sentry/fs/goferfs_inode.h"

struct glisting {
	struct ref ref;
	/* immutable after it was built */
	struct gofer_page *pages;
	uint32_t page_count;
	const struct gofer_dirent **index; /* open addressing */
	uint32_t index_size, count;        /* index_size is a power of two */
	uint64_t changes;                  /* the super's counter when it was begun */
};

void glisting_put(struct glisting *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	for (uint32_t i = 0; i < l->page_count; i++)
		gofer_page_free(&l->pages[i]);
	mem_free(l->pages);
	mem_free(l->index);
	mem_free(l);
}

static int add_page(struct glisting *l, struct gofer_page *page)
{
	struct gofer_page *grown = mem_realloc_array(l->pages, l->page_count + 1, sizeof(*l->pages));

	if (!grown) {
		gofer_page_free(page);
		return -ENOMEM;
	}
	l->pages = grown;
	l->pages[l->page_count++] = *page;
	l->count += page->count;
	return 0;
}

static int page_of_index(struct glisting *l, struct ginode *dir)
{
	struct gofer_page page;
	uint32_t number;
	int ret;

	lock_take(&dir->lock);
	number = dir->number;
	lock_drop(&dir->lock);
	ret = gindex_list(dir->gs->index, number, &page);
	return ret < 0 ? ret : add_page(l, &page);
}

static int fetch_pages(struct glisting *l, struct gofer_client *client, uint32_t handle)
{
	uint64_t cookie = 0;

	for (;;) {
		struct gofer_page page;
		int ret = gofer_readdir(client, handle, cookie, &page);

		if (ret < 0)
			return ret;
		if (page.count == 0) {
			gofer_page_free(&page);
			return 0;
		}
		ret = add_page(l, &page);
		if (ret < 0)
			return ret;
		cookie = page.cookie;
		if (cookie == GOFER_COOKIE_END)
			return 0;
	}
}

static const struct gofer_dirent **slot(const struct glisting *l, const char *name, uint32_t len)
{
	uint32_t at = (uint32_t)hash_bytes(name, len) & (l->index_size - 1);

	while (l->index[at] && !(l->index[at]->name_len == len && memcmp(l->index[at]->name, name, len) == 0))
		at = (at + 1) & (l->index_size - 1);
	return &l->index[at];
}

static int build_index(struct glisting *l)
{
	const struct gofer_dirent *e;

	l->index_size = 16;
	while (l->index_size < l->count * 2)
		l->index_size *= 2;
	l->index = mem_calloc(l->index_size, sizeof(*l->index));
	if (!l->index)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->page_count; i++) {
		uint32_t pos = 0;

		while ((e = gofer_page_next(&l->pages[i], &pos)))
			*slot(l, e->name, e->name_len) = e;
	}
	return 0;
}

static struct glisting *fetch(struct ginode *dir, int *err)
{
	struct glisting *l = mem_zalloc(sizeof(*l));
	uint32_t handle = GOFER_NO_HANDLE;

	*err = -ENOMEM;
	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->changes = atomic_load(&dir->gs->changes);
	*err = dir->gs->index ? page_of_index(l, dir) : ginode_handle(dir, &handle);
	if (*err == 0 && !dir->gs->index)
		*err = fetch_pages(l, dir->gs->client, handle);
	if (*err == 0)
		*err = build_index(l);
	if (*err == 0)
		return l;
	glisting_put(l);
	return NULL;
}

struct glisting *glisting_get(struct ginode *dir, bool want, int *err)
{
	struct glisting *l;

	*err = 0;
	lock_take(&dir->lock);
	l = dir->listing;
	if (l)
		ref_get(&l->ref);
	lock_drop(&dir->lock);
	if (l || !want)
		return l;
	l = fetch(dir, err);
	if (!l || !dir->gs->caching)
		return l;
	lock_take(&dir->lock);
	if (!dir->listing) {
		ref_get(&l->ref);
		dir->listing = l;
	}
	lock_drop(&dir->lock);
	return l;
}

void glisting_drop(struct ginode *dir)
{
	struct glisting *l;

	lock_take(&dir->lock);
	l = dir->listing;
	dir->listing = NULL;
	lock_drop(&dir->lock);
	glisting_put(l);
}

const struct gofer_dirent *glisting_find(const struct glisting *l, const char *name, uint32_t len)
{
	return *slot(l, name, len);
}

bool glisting_fresh(const struct glisting *l, const struct gofer_super *gs)
{
	return l->changes == atomic_load_explicit(&gs->changes, memory_order_relaxed);
}

int goferfs_list(struct inode *dir, struct task *t, struct dirlist *list)
{
	struct ginode *g = ginode_of(dir);
	int ret;
	struct glisting *l = glisting_get(g, true, &ret);

	(void)t;
	for (uint32_t i = 0; l && i < l->page_count && ret == 0; i++) {
		const struct gofer_dirent *e;
		uint32_t pos = 0;

		while (ret == 0 && (e = gofer_page_next(&l->pages[i], &pos)))
			ret = dirlist_add(list, e->name, e->name_len, goferfs_ino(g->gs, e->attr.dev, e->attr.ino),
					  (uint8_t)LX_DT_FROM_MODE(e->attr.mode));
	}
	glisting_put(l);
	return ret;
}
