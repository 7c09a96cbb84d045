/*
 * Keys and keyrings: keyrings(7), keyctl(2). Linux: security/keys/.
 *
 * A key is a serial number with a type, a description, a payload, an owner and permissions; a keyring is a key whose payload is links to keys.
 * Keys live as long as something links to them or a task has them as one of its keyrings. All of it is protected by one lock, which callers
 * take: programs rarely do this. Each key is charged to the sandbox's memory and to its user's quota; there are at most 4096.
 */
#ifndef SENTRY_KERNEL_KEYS_H
#define SENTRY_KERNEL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

struct task;
struct process;
struct textbuf;

/* Special numbers of keyrings. */
enum { KEYRING_THREAD = -1, KEYRING_PROCESS = -2, KEYRING_SESSION = -3, KEYRING_USER = -4, KEYRING_USER_SESSION = -5 };
/* Rights: in key.perm shifted by 24 for who possesses the key, 16 for its user, 8 for its group, 0 for others. */
enum { KEY_NEED_VIEW = 1, KEY_NEED_READ = 2, KEY_NEED_WRITE = 4, KEY_NEED_SEARCH = 8, KEY_NEED_LINK = 16, KEY_NEED_SETATTR = 32 };
enum key_type { KEY_USER, KEY_LOGON, KEY_KEYRING, KEY_TYPES };

#define KEY_MAX_PAYLOAD 32767
#define KEY_MAX_DESC 4096
#define KEY_QUOTA_NOBODY UINT32_MAX

struct key {
	/* immutable after creation */
	int serial;
	enum key_type type;
	char *desc;                /* owned */
	/* protected by keys_lock */
	struct key *next;          /* on the list of all */
	int refs;
	uint32_t uid, gid, perm;
	uint32_t quota_uid;
	int64_t quota_bytes;
	int64_t expires;           /* CLOCK_REALTIME seconds; 0: never */
	bool revoked, invalid;
	uint8_t *data;             /* owned */
	uint32_t len;
	struct key **links;        /* of a keyring: owned array of references */
	uint32_t link_count, link_room;
	uint32_t mark;             /* of the last search that looked here */
};

/* What a call refers to: a key (borrowed), and whether it is reached from the caller's own keyrings. */
struct key_ref {
	struct key *key;
	bool possessed;
};

extern struct lock keys_lock; /* RANK_KEYS */

/* --- keys.c, with the lock held ------------------------------------------------------------------------------------------------ */

int key_type_find(const char *name); /* enum key_type, or -ENODEV */
const char *key_type_name(enum key_type);
struct key *key_first(void);
struct key *key_find(int serial);
/* With one reference, the caller's. -EDQUOT, -ENOMEM. */
int key_new(struct task *, enum key_type, const char *desc, uint32_t perm, struct key **out);
void key_put(struct key *); /* NULL allowed */
/* Makes a key in the keyring, or updates the one of that name. Serial, or -ENOTDIR -EINVAL -EACCES -EDQUOT -ENOMEM -ENFILE. */
int64_t key_add(struct task *, enum key_type, const char *desc, const void *data, size_t len, struct key *ring);
int key_update(struct key *, const void *data, size_t len); /* -EOPNOTSUPP, -EINVAL, -EDQUOT, -ENOMEM */
int key_link(struct key *ring, struct key *);               /* -ENOTDIR, -EDEADLK, -ELOOP, -ENFILE, -ENOMEM */
int key_unlink(struct key *ring, struct key *);             /* -ENOTDIR, -ENOENT */
void key_clear(struct key *ring);
void key_revoke(struct key *);
void key_invalidate(struct key *);
int key_valid(const struct key *);                          /* 0, -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED */
bool key_permits(const struct task *, const struct key *, bool possessed, uint32_t need);
bool key_is_below(struct key *ring, const struct key *);    /* itself included */
/* By name, in the keyring and those below. 0, or as key_valid(), -ENOTDIR. *out borrowed. */
int key_search(struct task *, struct key *ring, enum key_type, const char *desc, struct key **out);

/* --- keys_task.c: what a task has. With the lock held ---------------------------------------------------------------------------- */

/* The key of a number; special ones are made on demand with `create`. Valid and with these rights, unless need is 0. */
int key_lookup(struct task *, int id, bool create, uint32_t need, struct key_ref *out);
/* key_search() in the task's thread's, process's and session's keyrings. */
int key_search_own(struct task *, enum key_type, const char *desc, struct key **out);
/* keyctl(KEYCTL_JOIN_SESSION_KEYRING), name NULL for a new one without: serial or negative errno. */
int64_t key_join_session(struct task *, const char *name);

/* Without the lock; any thread. */
void keys_inherit(struct task *child, struct task *from);
void keys_exec(struct task *);
void keys_task_end(struct task *);
void keys_process_end(struct process *);
/* /proc/keys and /proc/key-users. */
void keys_show(struct task *, struct textbuf *);
void keys_show_users(struct task *, struct textbuf *);

#endif
