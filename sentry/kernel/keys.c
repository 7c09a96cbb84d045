/* Keys and keyrings: their life, links, rights and searches. See keys.h; a task's own keyrings are in keys_task.c. */
#include "sentry/kernel/keys.h"

#include <errno.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/kernel.h"

#define MAX_DEPTH 6      /* keyrings below keyrings */
#define MAX_LINKS 1024   /* of one keyring */
#define MAX_KEYS 4096    /* of the sandbox */
#define USER_KEYS 200    /* kernel.keys.maxkeys */
#define USER_BYTES 20000 /* kernel.keys.maxbytes */
#define KEY_COST 256     /* bytes that a key counts against the sandbox's memory beyond its own */

/* One sandbox is one sentry: its keys are the process's. */
struct lock keys_lock = LOCK_INIT(RANK_KEYS, "keys");
static struct {
	struct key *all; /* by key.next, newest first */
	int count, next_serial;
	uint32_t mark;
} keys = { .next_serial = 0x10000001 };

static const char *const type_names[KEY_TYPES] = { [KEY_USER] = "user", [KEY_LOGON] = "logon", [KEY_KEYRING] = "keyring" };

int key_type_find(const char *name)
{
	for (int i = 0; i < KEY_TYPES; i++)
		if (!strcmp(type_names[i], name))
			return i;
	return -ENODEV;
}

const char *key_type_name(enum key_type type)
{
	return type_names[type];
}

struct key *key_first(void)
{
	return keys.all;
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

static int64_t cost(const struct key *k)
{
	return KEY_COST + (int64_t)strlen(k->desc) + k->len;
}

static void unlist(struct key *k)
{
	struct key **at = &keys.all;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	keys.count--;
}

/* Keyrings let go of what they link; a list takes the place of recursion. */
void key_put(struct key *k)
{
	struct key *dead = NULL;

	if (!k || --k->refs > 0)
		return;
	unlist(k);
	k->next = NULL;
	dead = k;
	while (dead) {
		k = dead;
		dead = k->next;
		for (uint32_t i = 0; i < k->link_count; i++) {
			struct key *below = k->links[i];

			if (--below->refs > 0)
				continue;
			unlist(below);
			below->next = dead;
			dead = below;
		}
		memory_charge(the_kernel, -cost(k));
		mem_free(k->links);
		mem_free(k->data);
		mem_free(k->desc);
		mem_free(k);
	}
}

struct key *key_find(int serial)
{
	struct key *k = keys.all;

	while (k && k->serial != serial)
		k = k->next;
	return k;
}

static bool within_quota(uint32_t uid, int64_t more_keys, int64_t more_bytes)
{
	int64_t count = more_keys, bytes = more_bytes;

	if (uid == 0 || uid == KEY_QUOTA_NOBODY)
		return true;
	for (const struct key *k = keys.all; k; k = k->next) {
		if (k->quota_uid != uid)
			continue;
		count++;
		bytes += k->quota_bytes;
	}
	return count <= USER_KEYS && bytes <= USER_BYTES;
}

int key_new(struct task *t, enum key_type type, const char *desc, uint32_t perm, struct key **out)
{
	int64_t bytes = (int64_t)strlen(desc) + 1;
	struct key *k;

	if (keys.count >= MAX_KEYS || !within_quota(t->cred->fsuid, 1, bytes))
		return -EDQUOT;
	k = mem_zalloc(sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->desc = mem_strdup(desc);
	if (!k->desc || memory_charge(the_kernel, cost(k)) < 0) {
		mem_free(k->desc);
		mem_free(k);
		return -ENOMEM;
	}
	k->type = type;
	k->perm = perm;
	k->uid = k->quota_uid = t->cred->fsuid;
	k->gid = t->cred->fsgid;
	k->quota_bytes = bytes;
	k->refs = 1;
	do
		keys.next_serial = keys.next_serial >= 0x7ffffff0 ? 0x10000001 : keys.next_serial + 1;
	while (key_find(keys.next_serial));
	k->serial = keys.next_serial;
	k->next = keys.all;
	keys.all = k;
	keys.count++;
	*out = k;
	return 0;
}

static int set_payload(struct key *k, const void *data, size_t len)
{
	int64_t more = (int64_t)len - k->len;
	uint8_t *copy;

	if (!within_quota(k->quota_uid, 0, more))
		return -EDQUOT;
	copy = mem_dup(data, len);
	if (!copy || memory_charge(the_kernel, more) < 0) {
		mem_free(copy);
		return -ENOMEM;
	}
	mem_free(k->data);
	k->data = copy;
	k->len = (uint32_t)len;
	k->quota_bytes += more;
	return 0;
}

/* --- links ------------------------------------------------------------------------------------------------------------------ */

/* Is `what` the keyring or below it? Each is looked at once. -ELOOP where it goes too deep. */
static int reaches(struct key *ring, const struct key *what, int depth)
{
	if (ring == what)
		return 1;
	if (ring->type != KEY_KEYRING || ring->mark == keys.mark)
		return 0;
	ring->mark = keys.mark;
	if (depth > MAX_DEPTH)
		return -ELOOP;
	for (uint32_t i = 0; i < ring->link_count; i++) {
		int found = reaches(ring->links[i], what, depth + 1);

		if (found)
			return found;
	}
	return 0;
}

bool key_is_below(struct key *ring, const struct key *k)
{
	keys.mark++;
	return reaches(ring, k, 0) > 0;
}

static int same_name(const struct key *ring, enum key_type type, const char *desc)
{
	for (uint32_t i = 0; i < ring->link_count; i++)
		if (ring->links[i]->type == type && !strcmp(ring->links[i]->desc, desc))
			return (int)i;
	return -1;
}

static int link_room(struct key *ring)
{
	uint32_t room = ring->link_room ? ring->link_room * 2 : 4;
	struct key **links;

	if (ring->link_count < ring->link_room)
		return 0;
	if (ring->link_count >= MAX_LINKS)
		return -ENFILE;
	links = mem_realloc_array(ring->links, room, sizeof(*links));
	if (!links)
		return -ENOMEM;
	ring->links = links;
	ring->link_room = room;
	return 0;
}

int key_link(struct key *ring, struct key *k)
{
	int err, at;

	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	keys.mark++;
	err = k->type == KEY_KEYRING ? reaches(k, ring, 0) : 0;
	if (err)
		return err > 0 ? -EDEADLK : err;
	at = same_name(ring, k->type, k->desc);
	if (at < 0) {
		err = link_room(ring);
		if (err)
			return err;
		k->refs++;
		ring->links[ring->link_count++] = k;
	} else if (ring->links[at] != k) { /* what had the name is displaced */
		struct key *old = ring->links[at];

		k->refs++;
		ring->links[at] = k;
		key_put(old);
	}
	return 0;
}

int key_unlink(struct key *ring, struct key *k)
{
	if (ring->type != KEY_KEYRING)
		return -ENOTDIR;
	for (uint32_t i = 0; i < ring->link_count; i++) {
		if (ring->links[i] != k)
			continue;
		memmove(&ring->links[i], &ring->links[i + 1], (ring->link_count - i - 1) * sizeof(struct key *));
		ring->link_count--;
		key_put(k);
		return 0;
	}
	return -ENOENT;
}

void key_clear(struct key *ring)
{
	while (ring->link_count)
		key_unlink(ring, ring->links[ring->link_count - 1]);
}

void key_revoke(struct key *k)
{
	k->revoked = true;
	if (k->type == KEY_KEYRING)
		key_clear(k);
}

/* Only a keyring's own removal takes keyrings off the list, and `k`, which is held, is none that this could remove. */
void key_invalidate(struct key *k)
{
	k->refs++;
	k->invalid = true;
	for (struct key *ring = keys.all; ring; ring = ring->next)
		if (ring->type == KEY_KEYRING)
			key_unlink(ring, k);
	key_put(k);
}

/* --- rights and searches ---------------------------------------------------------------------------------------------------- */

int key_valid(const struct key *k)
{
	if (k->invalid)
		return -ENOKEY;
	if (k->revoked)
		return -EKEYREVOKED;
	return k->expires && host_realtime_ns() / 1000000000 >= k->expires ? -EKEYEXPIRED : 0;
}

bool key_permits(const struct task *t, const struct key *k, bool possessed, uint32_t need)
{
	uint32_t perm = k->perm;

	if (k->uid == t->cred->fsuid)
		perm >>= 16;
	else if ((k->perm & 0x3f00) && cred_has_group(t->cred, k->gid))
		perm >>= 8;
	if (possessed)
		perm |= k->perm >> 24;
	return (perm & need) == need;
}

static int search_below(struct task *t, struct key *ring, enum key_type type, const char *desc, int depth, struct key **out)
{
	int at, err = -ENOKEY;

	if (ring->mark == keys.mark || depth > MAX_DEPTH || !key_permits(t, ring, true, KEY_NEED_SEARCH) || key_valid(ring))
		return -ENOKEY;
	ring->mark = keys.mark;
	at = same_name(ring, type, desc);
	if (at >= 0 && key_permits(t, ring->links[at], true, KEY_NEED_SEARCH)) {
		*out = ring->links[at];
		return key_valid(*out);
	}
	for (uint32_t i = 0; i < ring->link_count && err == -ENOKEY; i++)
		if (ring->links[i]->type == KEY_KEYRING)
			err = search_below(t, ring->links[i], type, desc, depth + 1, out);
	return err;
}

int key_search(struct task *t, struct key *ring, enum key_type type, const char *desc, struct key **out)
{
	keys.mark++;
	return ring->type == KEY_KEYRING ? search_below(t, ring, type, desc, 0, out) : -ENOTDIR;
}

/* --- adding ------------------------------------------------------------------------------------------------------------------- */

static int check_new(enum key_type type, const char *desc, size_t len)
{
	if (type == KEY_KEYRING)
		return len ? -EINVAL : 0;
	if (type == KEY_LOGON && (*desc == ':' || !strchr(desc, ':')))
		return -EINVAL;
	return len == 0 || len > KEY_MAX_PAYLOAD ? -EINVAL : 0;
}

int key_update(struct key *k, const void *data, size_t len)
{
	if (k->type == KEY_KEYRING)
		return -EOPNOTSUPP;
	return len == 0 || len > KEY_MAX_PAYLOAD ? -EINVAL : set_payload(k, data, len);
}

int64_t key_add(struct task *t, enum key_type type, const char *desc, const void *data, size_t len, struct key *ring)
{
	uint32_t perm = type == KEY_LOGON ? 0x3d010000u : 0x3f010000u;
	int err = ring->type == KEY_KEYRING ? check_new(type, desc, len) : -ENOTDIR, at, serial;
	struct key *k;

	if (err)
		return err;
	at = type == KEY_KEYRING ? -1 : same_name(ring, type, desc);
	if (at >= 0 && !key_valid(ring->links[at])) {
		k = ring->links[at];
		err = key_permits(t, k, true, KEY_NEED_WRITE) ? set_payload(k, data, len) : -EACCES;
		return err ? err : k->serial;
	}
	err = key_new(t, type, desc, perm, &k);
	if (err)
		return err;
	if (len)
		err = set_payload(k, data, len);
	if (!err)
		err = key_link(ring, k);
	serial = k->serial;
	key_put(k); /* the link's reference remains */
	return err ? err : serial;
}
