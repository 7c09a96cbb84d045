/* Names of unix sockets: abstract ones in a table, others in the file tree, where an inode leads to the socket. See unix.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/net/unix.h"

#define BUCKETS 256u
#define AUTOBIND_NAMES 0x100000u

/* One sandbox is one sentry: its abstract names are the process's. Lists that are all zero are empty: see bucket(). */
static struct {
	struct lock lock;
	struct list buckets[BUCKETS];
	uint32_t next_auto;
} names = { .lock = LOCK_INIT(RANK_SOCKET_NAMES, "unix names") };

/* What an inode's bound_socket is: part of the inode, so that it may outlive the socket. */
struct bound {
	struct inode_part part;
	struct unix_sock *sock; /* not referenced; NULL when closed; protected by names.lock */
};

/* --- addresses --------------------------------------------------------------------------------------------------------- */

int unix_check_addr(const struct sock_addr *a)
{
	if (a->len <= LX_SUN_PATH_OFFSET || a->len > sizeof(a->un) || a->family != LX_AF_UNIX)
		return -EINVAL;
	return 0;
}

static bool is_abstract(const struct sock_addr *a)
{
	return a->un.sun_path[0] == 0;
}

/* The path as a string; it may fill sun_path without a NUL. */
static void path_of(const struct sock_addr *a, char out[LX_UNIX_PATH_MAX + 1])
{
	uint32_t len = a->len - LX_SUN_PATH_OFFSET;

	memcpy(out, a->un.sun_path, len);
	out[len] = 0;
}

void unix_show_name(const struct unix_sock *u, struct sock_addr *out)
{
	const struct unix_name *n = atomic_load(&u->name);

	if (n) {
		out->len = n->len;
		out->un = n->un;
	} else {
		out->len = LX_SUN_PATH_OFFSET;
		out->family = LX_AF_UNIX;
	}
}

static struct unix_name *name_new(const struct lx_sockaddr_un *un, uint32_t len)
{
	struct unix_name *n = mem_zalloc(sizeof(*n));

	if (!n)
		return NULL;
	n->len = len;
	n->un = *un;
	list_init(&n->link);
	return n;
}

void unix_name_free(struct unix_name *n)
{
	mem_free(n);
}

int unix_copy_name(struct unix_sock *to, const struct unix_sock *from)
{
	const struct unix_name *have = atomic_load(&from->name);
	struct unix_name *n;

	if (!have)
		return 0;
	n = name_new(&have->un, have->len);
	if (!n)
		return -ENOMEM;
	atomic_store(&to->name, n);
	return 0;
}

/* --- abstract names ------------------------------------------------------------------------------------------------------ */

/* Sockets of different types may have the same abstract name. names.lock held. */
static struct list *bucket(const struct lx_sockaddr_un *un, uint32_t len)
{
	struct list *b = &names.buckets[hash_bytes(un->sun_path, len - LX_SUN_PATH_OFFSET) % BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

static struct unix_sock *find_abstract(const struct lx_sockaddr_un *un, uint32_t len, int type)
{
	struct unix_name *n;

	list_for_each(n, bucket(un, len), link)
		if (n->len == len && n->owner->s.type == type && memcmp(n->un.sun_path, un->sun_path, len - LX_SUN_PATH_OFFSET) == 0)
			return n->owner;
	return NULL;
}

/* names.lock held. */
static int take_abstract(struct unix_sock *u, struct unix_name *n)
{
	if (atomic_load(&u->name))
		return -EINVAL;
	if (find_abstract(&n->un, n->len, u->s.type))
		return -EADDRINUSE;
	n->owner = u;
	list_push_back(bucket(&n->un, n->len), &n->link);
	atomic_store(&u->name, n);
	return 0;
}

static int bind_abstract(struct unix_sock *u, const struct sock_addr *a)
{
	struct unix_name *n = name_new(&a->un, a->len);
	int ret;

	if (!n)
		return -ENOMEM;
	lock_take(&names.lock);
	ret = take_abstract(u, n);
	lock_drop(&names.lock);
	if (ret < 0)
		mem_free(n);
	return ret;
}

int unix_autobind(struct unix_sock *u)
{
	struct lx_sockaddr_un un = { .sun_family = LX_AF_UNIX };
	struct unix_name *n;
	int ret = -EADDRINUSE;

	if (atomic_load(&u->name))
		return 0;
	n = name_new(&un, LX_SUN_PATH_OFFSET + 6);
	if (!n)
		return -ENOMEM;
	lock_take(&names.lock);
	for (uint32_t i = 0; i < AUTOBIND_NAMES && ret == -EADDRINUSE; i++) {
		snprintf(n->un.sun_path + 1, 6, "%05x", names.next_auto++ % AUTOBIND_NAMES);
		ret = take_abstract(u, n);
	}
	lock_drop(&names.lock);
	if (ret < 0)
		mem_free(n);
	if (ret == -EADDRINUSE)
		return -ENOSPC;
	return ret == -EINVAL ? 0 : ret; /* another thread has named it */
}

/* --- names in the file tree ------------------------------------------------------------------------------------------------ */

static void bound_free(struct inode_part *part)
{
	mem_free(container_of(part, struct bound, part));
}

static int bind_inode(struct unix_sock *u, struct inode *inode, struct unix_name *n)
{
	struct bound *b = mem_zalloc(sizeof(*b));
	void *none = NULL;

	if (!b)
		return -ENOMEM;
	b->part.free = bound_free;
	b->sock = u;
	LOCK_GUARD(&names.lock);
	if (atomic_load(&u->name) || !atomic_compare_exchange_strong(&inode->bound_socket, &none, (void *)b)) {
		mem_free(b);
		return -EINVAL;
	}
	n->owner = u;
	atomic_store(&u->name, n);
	return 0;
}

static int bind_path(struct unix_sock *u, struct task *t, const struct sock_addr *a)
{
	struct create_how how = { .mode = LX_S_IFSOCK | 0777 };
	char path[LX_UNIX_PATH_MAX + 1];
	struct unix_name *n;
	int ret;

	path_of(a, path);
	if (atomic_load(&u->name))
		return -EINVAL;
	n = name_new(&a->un, LX_SUN_PATH_OFFSET + (uint32_t)strlen(path) + 1);
	if (!n)
		return -ENOMEM;
	ret = vfs_mknod(t, LX_AT_FDCWD, path, &how, &n->path);
	if (ret == 0) {
		ret = bind_inode(u, path_inode(&n->path), n);
		if (ret < 0)
			vfs_unlink(t, LX_AT_FDCWD, path);
	}
	if (ret < 0) {
		path_put(&n->path);
		mem_free(n);
	}
	return ret == -EEXIST ? -EADDRINUSE : ret;
}

int unix_bind(struct socket *s, struct task *t, const struct sock_addr *a)
{
	struct unix_sock *u = unix_of(s);
	int ret;

	if (a->len == LX_SUN_PATH_OFFSET && a->family == LX_AF_UNIX)
		return unix_autobind(u);
	ret = unix_check_addr(a);
	if (ret < 0)
		return ret;
	return is_abstract(a) ? bind_abstract(u, a) : bind_path(u, t, a);
}

void unix_unname(struct unix_sock *u)
{
	struct unix_name *n = atomic_load(&u->name);
	struct path path = { 0 };

	if (!n || n->owner != u)
		return;
	lock_take(&names.lock);
	list_remove(&n->link);
	if (n->path.dentry) {
		struct bound *b = atomic_load(&path_inode(&n->path)->bound_socket);

		b->sock = NULL;
		path = n->path;
		n->path = (struct path){ 0 };
	}
	lock_drop(&names.lock);
	path_put(&path);
}

/* --- finding --------------------------------------------------------------------------------------------------------------- */

static int find_path(struct task *t, const struct sock_addr *a, int type, struct unix_sock **out)
{
	char name[LX_UNIX_PATH_MAX + 1];
	AUTO_PATH struct path p = { 0 };
	struct inode *inode;
	struct bound *b;
	int ret;

	path_of(a, name);
	ret = vfs_walk(t, LX_AT_FDCWD, name, 0, &p);
	if (ret < 0)
		return ret;
	inode = path_inode(&p);
	ret = inode_permission(t->cred, inode, MAY_WRITE);
	if (ret < 0)
		return ret;
	if (inode->type != LX_S_IFSOCK)
		return -ECONNREFUSED;
	LOCK_GUARD(&names.lock);
	b = atomic_load(&inode->bound_socket);
	if (!b || !b->sock)
		return -ECONNREFUSED;
	if (b->sock->s.type != type)
		return -EPROTOTYPE;
	*out = unix_get(b->sock);
	return 0;
}

int unix_find(struct task *t, const struct sock_addr *a, int type, struct unix_sock **out)
{
	struct unix_sock *u;

	if (!is_abstract(a))
		return find_path(t, a, type, out);
	LOCK_GUARD(&names.lock);
	u = find_abstract(&a->un, a->len, type);
	if (!u)
		return -ECONNREFUSED;
	if (landlock_scoped(t->cred->landlock, u->landlock, LX_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET))
		return -EPERM;
	*out = unix_get(u);
	return 0;
}
