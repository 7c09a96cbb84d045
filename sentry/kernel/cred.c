/* Credentials: see cred.h. */
#include "sentry/kernel/cred.h"

#include <string.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/fs/landlock.h"
#include "sentry/kernel/user_ns.h"

static struct cred *cred_alloc(uint32_t groups)
{
	struct cred *c;

	c = mem_zalloc(sizeof(*c) + groups * sizeof(c->groups[0]));
	if (c)
		ref_init(&c->ref);
	return c;
}

struct cred *cred_new(uint32_t uid, uint32_t gid, const uint32_t *groups, uint32_t count)
{
	struct cred *c;

	c = cred_alloc(count);
	if (!c)
		return NULL;
	c->user_ns = user_ns_get(&first_user_ns);
	c->uid = c->euid = c->suid = c->fsuid = uid;
	c->gid = c->egid = c->sgid = c->fsgid = gid;
	c->cap_bounding = LX_CAP_ALL;
	if (uid == 0)
		c->cap_permitted = c->cap_effective = LX_CAP_ALL;
	c->group_count = count;
	if (count)
		memcpy(c->groups, groups, count * sizeof(c->groups[0]));
	return c;
}

struct cred *cred_copy(const struct cred *from, uint32_t groups)
{
	uint32_t count = from->group_count < groups ? from->group_count : groups;
	struct cred *c;

	c = cred_alloc(groups);
	if (!c)
		return NULL;
	memcpy(c, from, sizeof(*c));
	ref_init(&c->ref);
	landlock_domain_get(c->landlock);
	user_ns_get(c->user_ns);
	c->group_count = count;
	memcpy(c->groups, from->groups, count * sizeof(c->groups[0]));
	return c;
}

struct cred *cred_get(struct cred *c)
{
	ref_get(&c->ref);
	return c;
}

void cred_put(struct cred *c)
{
	if (!c || !ref_put(&c->ref))
		return;
	landlock_domain_put(c->landlock);
	user_ns_put(c->user_ns);
	mem_free(c);
}

bool cred_has_group(const struct cred *c, uint32_t gid)
{
	if (c->fsgid == gid)
		return true;
	for (uint32_t i = 0; i < c->group_count; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool cred_capable(const struct cred *c, int cap)
{
	return c->user_ns == &first_user_ns && c->cap_effective & LX_CAP_MASK(cap);
}

bool cred_own_capable(const struct cred *c, int cap)
{
	return c->cap_effective & LX_CAP_MASK(cap);
}
