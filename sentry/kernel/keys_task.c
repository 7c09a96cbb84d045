/* A task's keyrings, what it possesses by them, and what /proc shows of keys. See keys.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/fs/textbuf.h"
#include "sentry/kernel/keys.h"
#include "sentry/kernel/task.h"

#define PERM_POS_ALL 0x3f000000u
#define PERM_POS_SETATTR 0x20000000u
#define PERM_USR_ALL 0x003f0000u
#define PERM_USR_VIEW 0x00010000u
#define PERM_USR_READ 0x00020000u
#define PERM_USR_LINK 0x00100000u

static int make_ring(struct task *t, const char *name, uint32_t perm, struct key **slot)
{
	return *slot ? 0 : key_new(t, KEY_KEYRING, name, perm, slot);
}

/* _uid.N and _uid_ses.N, found by their names; a reference of nobody's keeps them, as the user's record does in Linux. */
static int user_ring(struct task *t, const char *format, struct key **out)
{
	char name[32];
	int err;

	snprintf(name, sizeof(name), format, t->cred->uid);
	for (struct key *k = key_first(); k; k = k->next)
		if (k->quota_uid == KEY_QUOTA_NOBODY && !strcmp(k->desc, name)) {
			*out = k;
			return 0;
		}
	err = key_new(t, KEY_KEYRING, name, (PERM_POS_ALL & ~PERM_POS_SETATTR) | PERM_USR_ALL, out);
	if (!err) {
		(*out)->uid = t->cred->uid;
		(*out)->gid = UINT32_MAX;
		(*out)->quota_uid = KEY_QUOTA_NOBODY;
	}
	return err;
}

static int user_session(struct task *t, struct key **out)
{
	struct key *user;
	int err = user_ring(t, "_uid.%u", &user);

	if (!err)
		err = user_ring(t, "_uid_ses.%u", out);
	return err ? err : key_link(*out, user);
}

static int special(struct task *t, int id, bool create, struct key **out)
{
	int err = 0;

	switch (id) {
	case KEYRING_THREAD:
		err = create ? make_ring(t, "_tid", PERM_POS_ALL | PERM_USR_VIEW, &t->thread_keyring) : 0;
		*out = t->thread_keyring;
		break;
	case KEYRING_PROCESS:
		err = create ? make_ring(t, "_pid", PERM_POS_ALL | PERM_USR_VIEW, &t->proc->process_keyring) : 0;
		*out = t->proc->process_keyring;
		break;
	case KEYRING_SESSION:
		err = create ? make_ring(t, "_ses", PERM_POS_ALL | PERM_USR_VIEW | PERM_USR_READ, &t->session_keyring) : 0;
		*out = t->session_keyring;
		if (!*out && !err)
			return user_session(t, out);
		break;
	case KEYRING_USER:
		return user_ring(t, "_uid.%u", out);
	case KEYRING_USER_SESSION:
		return user_session(t, out);
	default: /* -7 and -8 are for who answers a request_key(2): nobody is asked here */
		return id == -7 || id == -8 ? -ENOKEY : -EINVAL;
	}
	return err ? err : *out ? 0 : -ENOKEY;
}

/* The task's own keyrings, in the order in which they are searched; the user's stands in for a session's. NULL where there is none. */
static struct key *own_ring(struct task *t, int i)
{
	struct key *ring = NULL;

	switch (i) {
	case 0:
		return t->thread_keyring;
	case 1:
		return t->proc->process_keyring;
	default:
		if (t->session_keyring)
			return t->session_keyring;
		return user_session(t, &ring) ? NULL : ring;
	}
}

/* By a search, which the key itself must permit. */
static bool possesses(struct task *t, const struct key *k)
{
	if (!key_permits(t, k, true, KEY_NEED_SEARCH))
		return false;
	for (int i = 0; i < 3; i++) {
		struct key *ring = own_ring(t, i);

		if (ring && key_is_below(ring, k))
			return true;
	}
	return false;
}

int key_lookup(struct task *t, int id, bool create, uint32_t need, struct key_ref *out)
{
	int err;

	lock_assert_held(&keys_lock);
	out->possessed = id < 0;
	if (id < 0) {
		err = special(t, id, create, &out->key);
	} else {
		out->key = id ? key_find(id) : NULL;
		err = out->key ? 0 : id ? -ENOKEY : -EINVAL;
		out->possessed = !err && possesses(t, out->key);
	}
	if (!err && need)
		err = key_valid(out->key);
	if (err)
		return err;
	return key_permits(t, out->key, out->possessed, need) ? 0 : -EACCES;
}

int key_search_own(struct task *t, enum key_type type, const char *desc, struct key **out)
{
	int err = -ENOKEY;

	for (int i = 0; i < 3 && err == -ENOKEY; i++) {
		struct key *ring = own_ring(t, i);

		if (ring)
			err = key_search(t, ring, type, desc, out);
	}
	return err;
}

int64_t key_join_session(struct task *t, const char *name)
{
	uint32_t perm = PERM_POS_ALL | PERM_USR_VIEW | PERM_USR_READ | (name ? PERM_USR_LINK : 0);
	struct key *found = NULL;
	int err = 0;

	for (struct key *k = name ? key_first() : NULL; k && !found; k = k->next)
		if (k->type == KEY_KEYRING && !strcmp(k->desc, name) && !key_valid(k) && key_permits(t, k, false, KEY_NEED_SEARCH))
			found = k;
	if (found)
		found->refs++;
	else
		err = key_new(t, KEY_KEYRING, name ? name : "_ses", perm, &found);
	if (err)
		return err;
	key_put(t->session_keyring);
	t->session_keyring = found;
	return found->serial;
}

/* --- life of tasks ---------------------------------------------------------------------------------------------------------- */

static void drop(struct key **slot)
{
	if (!*slot)
		return;
	LOCK_GUARD(&keys_lock);
	key_put(*slot);
	*slot = NULL;
}

void keys_inherit(struct task *child, struct task *from)
{
	if (!from->session_keyring)
		return;
	LOCK_GUARD(&keys_lock);
	child->session_keyring = from->session_keyring;
	child->session_keyring->refs++;
}

void keys_exec(struct task *t)
{
	drop(&t->thread_keyring);
	drop(&t->proc->process_keyring);
}

void keys_task_end(struct task *t)
{
	drop(&t->thread_keyring);
	drop(&t->session_keyring);
}

void keys_process_end(struct process *p)
{
	drop(&p->process_keyring);
}

/* --- /proc -------------------------------------------------------------------------------------------------------------------- */

static void show_one(const struct key *k, struct textbuf *b)
{
	text_printf(b, "%08x I%c-%c%c%c %5d perm %08x %5d %5d %-9.9s ", k->serial, k->revoked ? 'R' : '-', k->quota_uid != KEY_QUOTA_NOBODY ? 'Q' : '-',
		    '-', k->invalid ? 'i' : '-', k->refs, k->perm, (int)k->uid, (int)k->gid, key_type_name(k->type));
	if (k->type == KEY_KEYRING && k->link_count)
		text_printf(b, "%s: %u\n", k->desc, k->link_count);
	else if (k->type == KEY_KEYRING)
		text_printf(b, "%s: empty\n", k->desc);
	else
		text_printf(b, "%s: %u\n", k->desc, k->len);
}

void keys_show(struct task *t, struct textbuf *b)
{
	LOCK_GUARD(&keys_lock);
	for (const struct key *k = key_first(); k; k = k->next)
		if (key_permits(t, k, possesses(t, k), KEY_NEED_VIEW))
			show_one(k, b);
}

void keys_show_users(struct task *t, struct textbuf *b)
{
	uint32_t uid = t->cred->uid;
	int64_t bytes = 0;
	int count = 0;

	LOCK_GUARD(&keys_lock);
	for (const struct key *k = key_first(); k; k = k->next)
		if (k->quota_uid == uid) {
			count++;
			bytes += k->quota_bytes;
		}
	text_printf(b, "%5u: %5d %d/%d %d/%d %ld/%d\n", uid, count, count, count, count, uid ? 200 : 1000000, bytes, uid ? 20000 : 25000000);
}
