/*
 * Path resolution, step by step: for verbs that stop before the last name (create, unlink, rename) and go on from there (open with
 * O_CREAT follows a link to a name that may be missing). path_resolution(7).
 *
 *	walk_start(); walk_to_last();          at: the directory, last: the name in it
 *	walk_last() or dir_lookup()            …and then the thing itself
 *	walk_end()
 */
#ifndef SENTRY_FS_WALK_H
#define SENTRY_FS_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/fs/path.h"

struct cred;
struct dentry;
struct inode;
struct task;

enum last_kind { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT /* nothing is left: "/" */ };

struct walk {
	struct task *t;
	const struct cred *cred;
	uint32_t flags;      /* WALK_* */
	struct path root;    /* referenced; what "/" means and ".." does not leave */
	struct path at;      /* referenced; reached so far */
	const char *rest;    /* names still to be walked: in the caller's string or in `link` */
	char *link;          /* allocated: a link's target and what followed it */
	int links;           /* followed so far */
	/* set by walk_to_last() */
	enum last_kind kind;
	char last[256];
	uint32_t last_len;
	bool slash;          /* slashes follow it: it must be a directory */
	bool told;           /* the last step asked the filesystem: the attributes of what it reached are those of now */
};

/* name must live as long as the walk. On failure there is nothing to end. */
int walk_start(struct walk *, struct task *, const struct cred *, int at_fd, const char *name, uint32_t flags);
int walk_to_last(struct walk *);
/* Goes to what the last name leads to, following links as the flags say. -ENOENT leaves at and last at the directory where it is missing. */
int walk_last(struct walk *);
void walk_end(struct walk *);

/* One name in a directory, cached or asked for: referenced, never negative. -ENOENT, or what the filesystem says. Permission is the caller's to check. */
int dir_lookup(struct dentry *dir, const char *name, uint32_t len, struct dentry **out);
/* The same for the first of several names (`rest`, from `name` to its end), with a hint to the filesystem about the others. */
int dir_lookup_ahead(struct dentry *dir, const char *name, uint32_t len, const char *rest, bool open, struct dentry **out);
/* Only from the cache, without asking anybody: -EAGAIN where it does not know. */
int dir_lookup_cached(struct dentry *dir, const char *name, uint32_t len, struct dentry **out);
/* The same with dir_lock held. */
int dir_lookup_locked(struct dentry *dir, const char *name, uint32_t len, struct dentry **out);
/*
 * What the name led to when it was last asked about, referenced, in a directory whose names have to be asked about each time (shared
 * volumes); NULL in others, and where it is not known. For verbs that the filesystem judges itself: a guess that saves the question.
 */
struct dentry *dir_peek(struct dentry *dir, const char *name, uint32_t len);
/* Adds a name that was just made to the cache (where its filesystem allows); *out referenced, may be NULL. dir_lock held. 0 or -ENOMEM. */
int dir_added(struct dentry *dir, const char *name, uint32_t len, struct inode *, struct dentry **out);

#endif
