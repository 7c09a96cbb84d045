/* POSIX access control lists: see acl.h. Linux: fs/posix_acl.c for the rules. */
#include "sentry/fs/acl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/stat.h"
#include "base/lock.h"
#include "base/mem.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"

#define VERSION 2u
#define NO_ID UINT32_MAX
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

/* As it stands in the attribute's value, behind a version word. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id; /* of USER and GROUP */
};
_Static_assert(sizeof(struct acl_entry) == 8, "posix_acl_xattr_entry");

/* Immutable once it is an inode's. */
struct acl {
	uint32_t count;
	struct acl_entry e[];
};

/* What inode->acls leads to. */
struct acls {
	struct inode_part part;
	struct lock lock;     /* RANK_FILE_LOCKS */
	struct acl *list[2];  /* by kind; NULL: none; protected by lock */
};

static size_t size_of(uint32_t count)
{
	return sizeof(struct acl) + count * sizeof(struct acl_entry);
}

static void acl_free(struct acl *a)
{
	if (a)
		memory_charge(the_kernel, -(int64_t)size_of(a->count));
	mem_free(a);
}

static struct acl *acl_new(const struct acl_entry *e, uint32_t count)
{
	struct acl *a;

	if (memory_charge(the_kernel, (int64_t)size_of(count)) < 0)
		return NULL;
	a = mem_alloc(size_of(count));
	if (!a) {
		memory_charge(the_kernel, -(int64_t)size_of(count));
		return NULL;
	}
	a->count = count;
	memcpy(a->e, e, count * sizeof(*e));
	return a;
}

static void acls_free(struct inode_part *part)
{
	struct acls *as = container_of(part, struct acls, part);

	acl_free(as->list[ACL_ACCESS]);
	acl_free(as->list[ACL_DEFAULT]);
	mem_free(as);
}

static struct acls *acls_of(struct inode *i)
{
	void *seen = atomic_load(&i->acls);
	struct acls *as;

	if (seen)
		return seen;
	as = mem_zalloc(sizeof(*as));
	if (!as)
		return NULL;
	as->part.free = acls_free;
	lock_init(&as->lock, RANK_FILE_LOCKS, "acls");
	if (atomic_compare_exchange_strong(&i->acls, &seen, (void *)as))
		return as;
	mem_free(as);
	return seen;
}

/* Puts a list (taken over; NULL: none) in place. */
static int replace(struct inode *i, enum acl_kind kind, struct acl *a)
{
	struct acls *as = a ? acls_of(i) : atomic_load(&i->acls);
	struct acl *old;

	if (!as) {
		acl_free(a);
		return a ? -ENOSPC : 0;
	}
	lock_take(&as->lock);
	old = as->list[kind];
	as->list[kind] = a;
	lock_drop(&as->lock);
	acl_free(old);
	return 0;
}

/* --- form and rules --------------------------------------------------------------------------------------------------------- */

bool acl_name(const char *name, enum acl_kind *out)
{
	if (strcmp(name, ACL_ACCESS_NAME) == 0)
		*out = ACL_ACCESS;
	else if (strcmp(name, ACL_DEFAULT_NAME) == 0)
		*out = ACL_DEFAULT;
	else
		return false;
	return true;
}

/* The three that each list has, once each and in order; a mask where a user or group is named. posix_acl_valid() of Linux. */
static bool valid(const struct acl_entry *e, uint32_t count)
{
	uint32_t want = USER_OBJ;
	bool named = false;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t tag = e[i].tag;

		if (e[i].perm & ~7u)
			return false;
		if ((tag == USER || tag == GROUP) && e[i].id == NO_ID)
			return false;
		named |= tag == USER || tag == GROUP;
		if (tag == USER_OBJ && want == USER_OBJ)
			want = USER;
		else if (tag == USER && want == USER)
			continue;
		else if (tag == GROUP_OBJ && want == USER)
			want = GROUP;
		else if (tag == GROUP && want == GROUP)
			continue;
		else if (tag == MASK && want == GROUP)
			want = OTHER;
		else if (tag == OTHER && (want == OTHER || (want == GROUP && !named)))
			want = 0;
		else
			return false;
	}
	return want == 0;
}

static int parse(const void *buf, size_t len, struct acl **out)
{
	const char *bytes = buf;
	uint32_t version, count;
	struct acl *a;

	*out = NULL;
	if (len < sizeof(version) || (len - sizeof(version)) % sizeof(struct acl_entry))
		return -EINVAL;
	memcpy(&version, bytes, sizeof(version));
	if (version != VERSION)
		return -EOPNOTSUPP;
	count = (uint32_t)((len - sizeof(version)) / sizeof(struct acl_entry));
	if (count == 0)
		return 0;
	a = acl_new((const struct acl_entry *)(const void *)(bytes + sizeof(version)), count);
	if (!a)
		return -ENOSPC;
	for (uint32_t i = 0; i < count; i++) {
		if (a->e[i].tag != USER && a->e[i].tag != GROUP)
			a->e[i].id = NO_ID;
	}
	if (!valid(a->e, count)) {
		acl_free(a);
		return -EINVAL;
	}
	*out = a;
	return 0;
}

/* The entry that the mode's group bits stand for. */
static struct acl_entry *group_class(struct acl *a)
{
	struct acl_entry *found = NULL;

	for (uint32_t i = 0; i < a->count; i++) {
		if (a->e[i].tag == MASK || (a->e[i].tag == GROUP_OBJ && !found))
			found = &a->e[i];
	}
	return found;
}

/* The mode's nine bits of it; true when that says all. */
static bool to_mode(struct acl *a, uint32_t *mode)
{
	*mode = (uint32_t)group_class(a)->perm << 3;
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->e[i].tag == USER_OBJ)
			*mode |= (uint32_t)a->e[i].perm << 6;
		else if (a->e[i].tag == OTHER)
			*mode |= a->e[i].perm;
	}
	return a->count == 3;
}

static void from_mode(struct acl *a, uint32_t mode)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->e[i].tag == USER_OBJ)
			a->e[i].perm = mode >> 6 & 7;
		else if (a->e[i].tag == OTHER)
			a->e[i].perm = mode & 7;
	}
	group_class(a)->perm = mode >> 3 & 7;
}

/* --- the attributes ------------------------------------------------------------------------------------------------------------ */

int64_t acl_get(struct inode *i, enum acl_kind kind, void *buf, size_t len)
{
	struct acls *as = atomic_load(&i->acls);
	uint32_t version = VERSION;
	const struct acl *a;
	size_t size;

	if (!i->super->acls || i->type == LX_S_IFLNK)
		return -EOPNOTSUPP;
	if (!as)
		return -ENODATA;
	LOCK_GUARD(&as->lock);
	a = as->list[kind];
	if (!a)
		return -ENODATA;
	size = sizeof(version) + a->count * sizeof(struct acl_entry);
	if (len == 0)
		return (int64_t)size;
	if (len < size)
		return -ERANGE;
	memcpy(buf, &version, sizeof(version));
	memcpy((char *)buf + sizeof(version), a->e, size - sizeof(version));
	return (int64_t)size;
}

/* The mode follows the list; the set-group-id bit goes where it would with chmod. */
static int set_mode(struct task *t, struct inode *i, uint32_t bits)
{
	struct setattr s = { .valid = ATTR_MODE, .mode = (i->attr.mode & LX_S_IALLUGO & ~0777u) | bits };

	if (!cred_has_group(t->cred, i->attr.gid) && !cred_capable(t->cred, LX_CAP_FSETID))
		s.mode &= ~LX_S_ISGID;
	/* Also without a change: an overlay keeps an inode that was set. */
	return i->ops->setattr ? i->ops->setattr(i, &s) : -EPERM;
}

int acl_set(struct task *t, const struct path *p, enum acl_kind kind, const void *buf, size_t len)
{
	struct inode *i = path_inode(p);
	struct acl *a = NULL;
	uint32_t bits = i->attr.mode & 0777;
	int ret = len ? parse(buf, len, &a) : 0;

	if (ret == 0)
		ret = path_may_change(p);
	if (ret == 0 && (!i->super->acls || i->type == LX_S_IFLNK))
		ret = -EOPNOTSUPP;
	if (ret == 0 && kind == ACL_DEFAULT && i->type != LX_S_IFDIR && a)
		ret = -EACCES;
	if (ret == 0 && !inode_owner_or_capable(t->cred, i))
		ret = -EPERM;
	/* A list that says no more than the mode is the mode. */
	if (ret == 0 && a && kind == ACL_ACCESS && to_mode(a, &bits)) {
		acl_free(a);
		a = NULL;
	}
	if (ret == 0)
		ret = set_mode(t, i, bits);
	if (ret == 0)
		return replace(i, kind, a);
	acl_free(a);
	return ret;
}

int64_t acl_list(struct inode *i, char *buf, size_t len)
{
	static const char *const names[2] = { [ACL_ACCESS] = ACL_ACCESS_NAME, [ACL_DEFAULT] = ACL_DEFAULT_NAME };
	struct acls *as = atomic_load(&i->acls);
	size_t n = 0;

	if (!as)
		return 0;
	LOCK_GUARD(&as->lock);
	for (int kind = ACL_ACCESS; kind <= ACL_DEFAULT; kind++) {
		size_t want = strlen(names[kind]) + 1;

		if (!as->list[kind])
			continue;
		if (buf && n + want > len)
			return -ERANGE;
		if (buf)
			memcpy(buf + n, names[kind], want);
		n += want;
	}
	return (int64_t)n;
}

/* --- deciding --------------------------------------------------------------------------------------------------------------------- */

static uint32_t mask_of(const struct acl *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->e[i].tag == MASK)
			return a->e[i].perm;
	}
	return 7;
}

static int decide(const struct cred *c, const struct acl *a, uint32_t gid, uint32_t may)
{
	bool in_group = false;

	for (uint32_t i = 0; i < a->count; i++) {
		const struct acl_entry *e = &a->e[i];

		if (e->tag == USER && e->id == c->fsuid)
			return (e->perm & mask_of(a) & may) == may ? 0 : -EACCES;
		if ((e->tag == GROUP_OBJ && cred_has_group(c, gid)) || (e->tag == GROUP && cred_has_group(c, e->id))) {
			in_group = true;
			if ((e->perm & may) == may)
				return (mask_of(a) & may) == may ? 0 : -EACCES;
		}
		if (e->tag == OTHER)
			return !in_group && (e->perm & may) == may ? 0 : -EACCES;
	}
	return -EACCES;
}

int acl_permission(const struct cred *c, struct inode *i, uint32_t may)
{
	struct acls *as = atomic_load(&i->acls);

	if (!as)
		return 1;
	LOCK_GUARD(&as->lock);
	/* As Linux: where the group class may nothing, the list is not asked. */
	if (!as->list[ACL_ACCESS] || !(i->attr.mode & 070))
		return 1;
	return decide(c, as->list[ACL_ACCESS], i->attr.gid, may);
}

void acl_chmod(struct inode *i, uint32_t mode)
{
	struct acls *as = atomic_load(&i->acls);

	if (!as)
		return;
	LOCK_GUARD(&as->lock);
	if (as->list[ACL_ACCESS])
		from_mode(as->list[ACL_ACCESS], mode);
}

/* --- inheriting ---------------------------------------------------------------------------------------------------------------------- */

static struct acl *copy_default(struct inode *dir)
{
	struct acls *as = atomic_load(&dir->acls);
	struct acl *a;

	if (!as)
		return NULL;
	LOCK_GUARD(&as->lock);
	a = as->list[ACL_DEFAULT];
	return a ? acl_new(a->e, a->count) : NULL;
}

bool acl_inherit(struct inode *dir, uint32_t *mode, struct acl_gift *out)
{
	uint32_t bits;

	*out = (struct acl_gift){ 0 };
	if ((*mode & LX_S_IFMT) == LX_S_IFLNK)
		return false;
	out->access = copy_default(dir);
	if (!out->access)
		return false;
	if ((*mode & LX_S_IFMT) == LX_S_IFDIR)
		out->deflt = copy_default(dir);
	/* What both allow. */
	to_mode(out->access, &bits);
	*mode &= ~0777u | bits;
	from_mode(out->access, *mode);
	if (out->access->count == 3) {
		acl_free(out->access);
		out->access = NULL;
	}
	return true;
}

void acl_give(struct inode *i, struct acl_gift *g)
{
	struct setattr s = { .valid = ATTR_MODE };

	if (!i) {
		acl_free(g->access);
		acl_free(g->deflt);
		return;
	}
	/* Without its list a file's group class would be let in by what was meant as a mask. */
	s.mode = i->attr.mode & ~070u;
	if (g->access && replace(i, ACL_ACCESS, g->access) < 0)
		inode_apply(i, &s);
	if (g->deflt)
		replace(i, ACL_DEFAULT, g->deflt);
}
