/* statmount, listmount. */
#include <errno.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/statmount.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int copy_request(struct task *t, uaddr_t from, struct lx_mnt_id_req *r)
{
	uint32_t size;
	int ret = copy_in(t, &size, from, sizeof(size));

	if (ret < 0)
		return ret;
	if (size > LX_PAGE_SIZE)
		return -E2BIG;
	if (size < LX_MNT_ID_REQ_SIZE_VER0)
		return -EINVAL;
	ret = copy_in_struct(t, r, sizeof(*r), from, size);
	if (ret < 0)
		return ret;
	return r->spare || r->mnt_id <= LX_MNT_UNIQUE_ID_OFFSET ? -EINVAL : 0;
}

/* The namespace that is asked about, referenced. Another's than the task's is told to who has power over it. */
static int asked_ns(struct task *t, uint64_t id, struct mount_ns **out)
{
	struct mount_ns *own = task_mount_ns(t);

	if (!id || id == own->id) {
		ns_get(&own->ns);
		*out = own;
		return 0;
	}
	*out = mount_ns_find(t, id);
	if (!*out)
		return -ENOENT;
	if (ns_capable(t->cred, (*out)->ns.owner, LX_CAP_SYS_ADMIN))
		return 0;
	mount_ns_free(*out);
	return -ENOENT;
}

/* --- statmount ------------------------------------------------------------------------------------------------------------------ */

static int answer(struct task *t, uaddr_t buf, uint64_t room, struct lx_statmount *s, const struct textbuf *strings)
{
	size_t fixed = room < sizeof(*s) ? room : sizeof(*s);

	if (strings->len && sizeof(*s) + strings->len > room)
		return -EOVERFLOW;
	s->size = (uint32_t)(fixed + strings->len);
	if (strings->len && copy_out(t, uaddr_add(buf, sizeof(*s)), strings->data, strings->len) < 0)
		return -EFAULT;
	return copy_out(t, buf, s, fixed);
}

static int stat_one(struct task *t, struct mount_ns *ns, const struct lx_mnt_id_req *r, uaddr_t buf, uint64_t room)
{
	struct mount *m = statmount_find(ns, r->mnt_id);
	AUTO_PATH struct path root = { 0 };
	struct textbuf strings = { 0 };
	struct lx_statmount s;
	int ret;

	if (!m)
		return -ENOENT;
	statmount_root(t, ns, &root);
	ret = statmount_may(t, ns, m, &root);
	if (ret == 0)
		ret = statmount_fill(m, ns, &root, r->param, &s, &strings);
	if (ret == 0)
		ret = answer(t, buf, room, &s, &strings);
	text_free(&strings);
	mount_put(m);
	return ret;
}

int64_t sys_statmount(struct task *t, const struct sysargs *a)
{
	struct lx_mnt_id_req r;
	struct mount_ns *ns;
	int ret;

	if (arg_u32(a, 3))
		return -EINVAL;
	ret = copy_request(t, arg_addr(a, 0), &r);
	if (ret == 0)
		ret = asked_ns(t, r.mnt_ns_id, &ns);
	if (ret < 0)
		return ret;
	ret = stat_one(t, ns, &r, arg_addr(a, 1), arg_u64(a, 2));
	mount_ns_free(ns);
	return ret;
}

/* --- listmount ------------------------------------------------------------------------------------------------------------------ */

/* What the list begins below: *out referenced. */
static int list_top(struct task *t, struct mount_ns *ns, uint64_t id, struct path *out)
{
	AUTO_PATH struct path root = { 0 };
	struct mount *m;
	int ret;

	statmount_root(t, ns, &root);
	if (id == LX_LSMT_ROOT) {
		*out = root;
		path_get(out);
		return 0;
	}
	m = statmount_find(ns, id);
	if (!m)
		return -ENOENT;
	ret = statmount_may(t, ns, m, &root);
	if (ret == 0) {
		*out = (struct path){ .mount = m, .dentry = m->root };
		path_get(out);
	}
	mount_put(m);
	return ret;
}

int64_t sys_listmount(struct task *t, const struct sysargs *a)
{
	bool reverse = arg_u32(a, 3) & LX_LISTMOUNT_REVERSE;
	AUTO_PATH struct path top = { 0 };
	AUTO_FREE uint64_t *ids = NULL;
	struct lx_mnt_id_req r;
	struct mount_ns *ns;
	int64_t n;

	if (arg_u32(a, 3) & ~LX_LISTMOUNT_REVERSE)
		return -EINVAL;
	if (arg_u64(a, 2) > 1000000)
		return -EOVERFLOW;
	n = copy_request(t, arg_addr(a, 0), &r);
	if (n == 0 && r.param && r.param <= LX_MNT_UNIQUE_ID_OFFSET)
		n = -EINVAL;
	if (n == 0)
		n = asked_ns(t, r.mnt_ns_id, &ns);
	if (n < 0)
		return n;
	n = list_top(t, ns, r.mnt_id, &top);
	if (n == 0)
		n = listmount_ids(ns, &top, r.mnt_id, r.param, reverse, arg_u64(a, 2), &ids);
	mount_ns_free(ns);
	if (n > 0 && copy_out(t, arg_addr(a, 1), ids, (size_t)n * sizeof(*ids)) < 0)
		return -EFAULT;
	return n;
}
