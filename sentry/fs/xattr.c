/* Extended attributes in memory: see xattr.h. */
#include "sentry/fs/xattr.h"

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/memquota.h"

#define TOTAL_MAX 65536u

struct xattr {
	struct list link;
	size_t len;
	char *value; /* behind the name */
	char name[];
};

static struct xattr *find(const struct xattrs *x, const char *name)
{
	struct xattr *a;

	if (!x->all.next)
		return NULL;
	list_for_each(a, &x->all, link) {
		if (strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

int64_t xattrs_get(const struct xattrs *x, const char *name, void *buf, size_t len)
{
	const struct xattr *a = find(x, name);

	if (!a)
		return -ENODATA;
	if (len == 0)
		return (int64_t)a->len;
	if (len < a->len)
		return -ERANGE;
	memcpy(buf, a->value, a->len);
	return (int64_t)a->len;
}

static int64_t cost(const struct xattr *a)
{
	return (int64_t)(sizeof(*a) + strlen(a->name) + 1 + a->len);
}

static void forget(struct xattrs *x, struct xattr *a)
{
	list_remove(&a->link);
	if (x->quota)
		memquota_charge(x->quota, -cost(a));
	mem_free(a);
}

static size_t total(const struct xattrs *x)
{
	const struct xattr *a;
	size_t n = 0;

	list_for_each(a, &x->all, link)
		n += a->len + strlen(a->name) + 1;
	return n;
}

int xattrs_set(struct xattrs *x, const char *name, const void *value, size_t len, int flags)
{
	struct xattr *old = find(x, name), *a;
	size_t name_len = strlen(name);

	if (old && flags & LX_XATTR_CREATE)
		return -EEXIST;
	if (!old && flags & LX_XATTR_REPLACE)
		return -ENODATA;
	if (!x->all.next)
		list_init(&x->all);
	if (total(x) - (old ? old->len + name_len + 1 : 0) + len + name_len + 1 > TOTAL_MAX)
		return -ENOSPC;
	a = mem_alloc(sizeof(*a) + name_len + 1 + len);
	if (!a)
		return -ENOMEM;
	memcpy(a->name, name, name_len + 1);
	a->value = a->name + name_len + 1;
	a->len = len;
	memcpy(a->value, value, len);
	if (x->quota && memquota_charge(x->quota, cost(a)) < 0) {
		mem_free(a);
		return -ENOSPC;
	}
	list_push_back(&x->all, &a->link);
	if (old)
		forget(x, old);
	return 0;
}

int64_t xattrs_list(const struct xattrs *x, char *buf, size_t len)
{
	const struct xattr *a;
	size_t n = 0;

	if (!x->all.next)
		return 0;
	list_for_each(a, &x->all, link) {
		size_t want = strlen(a->name) + 1;

		if (len && n + want > len)
			return -ERANGE;
		if (len)
			memcpy(buf + n, a->name, want);
		n += want;
	}
	return (int64_t)n;
}

int xattrs_remove(struct xattrs *x, const char *name)
{
	struct xattr *a = find(x, name);

	if (!a)
		return -ENODATA;
	forget(x, a);
	return 0;
}

void xattrs_free(struct xattrs *x)
{
	struct xattr *a, *tmp;

	if (!x->all.next)
		return;
	list_for_each_safe(a, tmp, &x->all, link)
		forget(x, a);
	list_init(&x->all);
}
