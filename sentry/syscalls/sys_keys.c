/* add_key, request_key, keyctl. One function an operation, in a table; keys_lock is held where the table's functions run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/cred.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/keys.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define TYPE_MAX 32
#define PERM_MASK 0x3f3f3f3fu

/* What a call brings from the guest, and takes back to it: copied while no lock is held. */
struct keycall {
	enum key_type type;
	char desc[KEY_MAX_DESC + 1];
	uint8_t *data; /* owned */
	size_t len;
};

static int copy_type(struct task *t, uaddr_t addr, enum key_type *out)
{
	char name[TYPE_MAX];
	int64_t len = copy_in_str(t, name, addr, sizeof(name));
	int type;

	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : (int)len;
	if (len == 0)
		return -EINVAL;
	if (name[0] == '.')
		return -EPERM;
	type = key_type_find(name);
	if (type < 0)
		return type;
	*out = (enum key_type)type;
	return 0;
}

static int copy_desc(struct task *t, uaddr_t addr, char *out)
{
	int64_t len = copy_in_str(t, out, addr, KEY_MAX_DESC);

	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : (int)len;
	return len ? 0 : -EINVAL;
}

static int copy_payload(struct task *t, uaddr_t addr, size_t len, struct keycall *c)
{
	if (len > (1u << 20) - 1)
		return -EINVAL;
	c->len = len;
	if (!len)
		return 0;
	/* What no type takes is not copied, but its address is looked at. */
	c->data = mem_alloc(len <= KEY_MAX_PAYLOAD ? len : 1);
	if (!c->data)
		return -ENOMEM;
	return copy_in(t, c->data, addr, len <= KEY_MAX_PAYLOAD ? len : 1);
}

static struct keycall *keycall_new(void)
{
	return mem_zalloc(sizeof(struct keycall));
}

static void keycall_free(struct keycall **c)
{
	if (*c)
		mem_free((*c)->data);
	mem_free(*c);
}
#define AUTO_KEYCALL __attribute__((cleanup(keycall_free)))

int64_t sys_add_key(struct task *t, const struct sysargs *a)
{
	AUTO_KEYCALL struct keycall *c = keycall_new();
	struct key_ref ring;
	int64_t ret;

	if (!c)
		return -ENOMEM;
	if (arg_size(a, 3) > (1u << 20) - 1)
		return -EINVAL;
	ret = copy_type(t, arg_addr(a, 0), &c->type);
	if (ret == 0)
		ret = copy_desc(t, arg_addr(a, 1), c->desc);
	if (ret == 0 && c->type == KEY_KEYRING && c->desc[0] == '.')
		ret = -EPERM;
	if (ret == 0)
		ret = copy_payload(t, arg_addr(a, 2), arg_size(a, 3), c);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&keys_lock);
	ret = key_lookup(t, arg_int(a, 4), true, KEY_NEED_WRITE, &ring);
	return ret < 0 ? ret : key_add(t, c->type, c->desc, c->data, c->len, ring.key);
}

/* 0: nowhere. */
static int link_to(struct task *t, int id, struct key *k)
{
	struct key_ref ring;
	int ret = id ? key_lookup(t, id, true, KEY_NEED_WRITE, &ring) : 0;

	return ret < 0 || !id ? ret : key_link(ring.key, k);
}

/* Nobody is asked for a key that is not there: callout_info changes nothing. */
int64_t sys_request_key(struct task *t, const struct sysargs *a)
{
	AUTO_KEYCALL struct keycall *c = keycall_new();
	struct key *k;
	int64_t ret;

	if (!c)
		return -ENOMEM;
	ret = copy_type(t, arg_addr(a, 0), &c->type);
	if (ret == 0)
		ret = copy_desc(t, arg_addr(a, 1), c->desc);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&keys_lock);
	ret = key_search_own(t, c->type, c->desc, &k);
	if (ret == 0)
		ret = link_to(t, arg_int(a, 3), k);
	return ret < 0 ? ret : k->serial;
}

/* --- keyctl: what needs no more than the lock --------------------------------------------------------------------------------- */

static int64_t get_keyring_id(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret = key_lookup(t, arg_int(a, 1), arg_int(a, 2) != 0, KEY_NEED_SEARCH, &r);

	return ret < 0 ? ret : r.key->serial;
}

static int64_t revoke(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_WRITE, &r);

	if (ret == -EACCES)
		ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_SETATTR, &r);
	if (ret == 0)
		key_revoke(r.key);
	return ret;
}

static int64_t invalidate(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_SEARCH, &r);

	if (ret == 0)
		key_invalidate(r.key);
	return ret;
}

static int64_t chown_key(struct task *t, const struct sysargs *a)
{
	uint32_t uid = arg_u32(a, 2), gid = arg_u32(a, 3);
	bool root = cred_capable(t->cred, LX_CAP_SYS_ADMIN);
	struct key_ref r;
	int ret = uid == UINT32_MAX && gid == UINT32_MAX ? 0 : key_lookup(t, arg_int(a, 1), true, KEY_NEED_SETATTR, &r);

	if (ret < 0 || (uid == UINT32_MAX && gid == UINT32_MAX))
		return ret;
	if (uid != UINT32_MAX && uid != r.key->uid && !root)
		return -EACCES;
	if (gid != UINT32_MAX && gid != r.key->gid && !cred_has_group(t->cred, gid) && !root)
		return -EACCES;
	r.key->uid = uid != UINT32_MAX ? uid : r.key->uid;
	r.key->gid = gid != UINT32_MAX ? gid : r.key->gid;
	return 0;
}

static int64_t setperm(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret = arg_u32(a, 2) & ~PERM_MASK ? -EINVAL : key_lookup(t, arg_int(a, 1), true, KEY_NEED_SETATTR, &r);

	if (ret < 0)
		return ret;
	if (r.key->uid != t->cred->fsuid && !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -EACCES;
	r.key->perm = arg_u32(a, 2);
	return 0;
}

static int64_t set_timeout(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret = key_lookup(t, arg_int(a, 1), true, KEY_NEED_SETATTR, &r);

	if (ret == 0)
		r.key->expires = arg_u32(a, 2) ? host_realtime_ns() / 1000000000 + arg_u32(a, 2) : 0;
	return ret;
}

static int64_t clear(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret = key_lookup(t, arg_int(a, 1), true, KEY_NEED_WRITE, &r);

	if (ret < 0)
		return ret;
	if (r.key->type != KEY_KEYRING)
		return -ENOTDIR;
	key_clear(r.key);
	return 0;
}

static int64_t link_key(struct task *t, const struct sysargs *a)
{
	struct key_ref ring, r = { 0 };
	int ret = key_lookup(t, arg_int(a, 2), true, KEY_NEED_WRITE, &ring);

	if (ret == 0)
		ret = key_lookup(t, arg_int(a, 1), true, KEY_NEED_LINK, &r);
	return ret < 0 ? ret : key_link(ring.key, r.key);
}

static int64_t unlink_key(struct task *t, const struct sysargs *a)
{
	struct key_ref ring, r = { 0 };
	int ret = key_lookup(t, arg_int(a, 2), false, KEY_NEED_WRITE, &ring);

	if (ret == 0)
		ret = key_lookup(t, arg_int(a, 1), false, 0, &r);
	return ret < 0 ? ret : key_unlink(ring.key, r.key);
}

static int64_t set_reqkey_keyring(struct task *t, const struct sysargs *a)
{
	int32_t old = t->reqkey_keyring;

	if (arg_int(a, 1) < -1 || arg_int(a, 1) > 7 || arg_int(a, 1) == 6)
		return -EINVAL;
	if (arg_int(a, 1) >= 0)
		t->reqkey_keyring = arg_int(a, 1);
	return old;
}

/* Only who was asked for a key may give it: nobody is. */
static int64_t not_asked(struct task *t, const struct sysargs *a)
{
	(void)t;
	(void)a;
	return -EPERM;
}

/* --- keyctl: what copies, and takes the lock itself ---------------------------------------------------------------------------- */

static int64_t give(struct task *t, const struct sysargs *a, const void *data, size_t len)
{
	if (!uaddr_null(arg_addr(a, 2)) && arg_size(a, 3) >= len && copy_out(t, arg_addr(a, 2), data, len) < 0)
		return -EFAULT;
	return (int64_t)len;
}

static int64_t describe(struct task *t, const struct sysargs *a)
{
	AUTO_FREE char *text = NULL;
	struct key_ref r;
	int ret;

	lock_take(&keys_lock);
	ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_VIEW, &r);
	if (ret == 0)
		text = mem_printf("%s;%d;%d;%08x;%s", key_type_name(r.key->type), (int)r.key->uid, (int)r.key->gid, r.key->perm, r.key->desc);
	lock_drop(&keys_lock);
	if (ret < 0)
		return ret;
	return text ? give(t, a, text, strlen(text) + 1) : -ENOMEM;
}

/* The payload, or a keyring's serial numbers. */
static int snapshot(const struct key *k, uint8_t **out, size_t *len)
{
	*len = k->type == KEY_KEYRING ? k->link_count * sizeof(int32_t) : k->len;
	*out = mem_alloc(*len ? *len : 1);
	if (!*out)
		return -ENOMEM;
	if (k->type != KEY_KEYRING)
		memcpy(*out, k->data, *len);
	for (uint32_t i = 0; k->type == KEY_KEYRING && i < k->link_count; i++)
		memcpy(*out + i * sizeof(int32_t), &k->links[i]->serial, sizeof(int32_t));
	return 0;
}

static int64_t read_key(struct task *t, const struct sysargs *a)
{
	AUTO_FREE uint8_t *data = NULL;
	struct key_ref r;
	size_t len = 0;
	int ret;

	lock_take(&keys_lock);
	ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_READ, &r);
	/* What can be found can be read. */
	if (ret == -EACCES && r.possessed && key_permits(t, r.key, true, KEY_NEED_SEARCH))
		ret = 0;
	if (ret == 0)
		ret = r.key->type == KEY_LOGON ? -EOPNOTSUPP : snapshot(r.key, &data, &len);
	lock_drop(&keys_lock);
	return ret < 0 ? ret : give(t, a, data, len);
}

static int64_t get_security(struct task *t, const struct sysargs *a)
{
	struct key_ref r;
	int ret;

	lock_take(&keys_lock);
	ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_VIEW, &r);
	lock_drop(&keys_lock);
	return ret < 0 ? ret : give(t, a, "", 1);
}

static int64_t update(struct task *t, const struct sysargs *a)
{
	AUTO_KEYCALL struct keycall *c = keycall_new();
	struct key_ref r;
	int ret = !c ? -ENOMEM : arg_size(a, 3) > LX_PAGE_SIZE ? -EINVAL : copy_payload(t, arg_addr(a, 2), arg_size(a, 3), c);

	if (ret < 0)
		return ret;
	LOCK_GUARD(&keys_lock);
	ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_WRITE, &r);
	return ret < 0 ? ret : key_update(r.key, c->data, c->len);
}

static int64_t search(struct task *t, const struct sysargs *a)
{
	AUTO_KEYCALL struct keycall *c = keycall_new();
	struct key_ref ring = { 0 };
	struct key *k = NULL;
	int ret = c ? copy_type(t, arg_addr(a, 2), &c->type) : -ENOMEM;

	if (ret == 0)
		ret = copy_desc(t, arg_addr(a, 3), c->desc);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&keys_lock);
	ret = key_lookup(t, arg_int(a, 1), false, KEY_NEED_SEARCH, &ring);
	if (ret == 0)
		ret = key_search(t, ring.key, c->type, c->desc, &k);
	if (ret == 0)
		ret = link_to(t, arg_int(a, 4), k);
	return ret < 0 || !k ? ret : k->serial;
}

static int64_t join_session(struct task *t, const struct sysargs *a)
{
	AUTO_KEYCALL struct keycall *c = keycall_new();
	bool named = !uaddr_null(arg_addr(a, 1));
	int ret = !c ? -ENOMEM : named ? copy_desc(t, arg_addr(a, 1), c->desc) : 0;

	if (ret == 0 && named && c->desc[0] == '.')
		ret = -EPERM;
	if (ret < 0)
		return ret;
	LOCK_GUARD(&keys_lock);
	return key_join_session(t, named ? c->desc : NULL);
}

static int64_t capabilities(struct task *t, const struct sysargs *a)
{
	static const uint8_t ours[2] = { 0x01 | 0x20, 0 }; /* this operation, KEYCTL_INVALIDATE */
	size_t room = arg_size(a, 2), n = room < sizeof(ours) ? room : sizeof(ours);

	if (copy_out(t, arg_addr(a, 1), ours, n) < 0 || (room > n && clear_out(t, uaddr_add(arg_addr(a, 1), n), room - n) < 0))
		return -EFAULT;
	return sizeof(ours);
}

static const struct {
	int64_t (*fn)(struct task *, const struct sysargs *);
	bool locks; /* itself */
} operations[] = {
	[0] = { get_keyring_id, false }, [1] = { join_session, true }, [2] = { update, true }, [3] = { revoke, false },
	[4] = { chown_key, false }, [5] = { setperm, false }, [6] = { describe, true }, [7] = { clear, false },
	[8] = { link_key, false }, [9] = { unlink_key, false }, [10] = { search, true }, [11] = { read_key, true },
	[12] = { not_asked, false }, [13] = { not_asked, false }, [14] = { set_reqkey_keyring, false }, [15] = { set_timeout, false },
	[17] = { get_security, true }, [19] = { not_asked, false }, [20] = { not_asked, false }, [21] = { invalidate, false },
	[31] = { capabilities, true },
};

int64_t sys_keyctl(struct task *t, const struct sysargs *a)
{
	uint32_t op = arg_u32(a, 0);
	int64_t ret;

	if (op >= ARRAY_LEN(operations) || !operations[op].fn)
		return -EOPNOTSUPP;
	if (operations[op].locks)
		return operations[op].fn(t, a);
	lock_take(&keys_lock);
	ret = operations[op].fn(t, a);
	lock_drop(&keys_lock);
	return ret;
}
