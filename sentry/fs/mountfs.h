/* The filesystems that a guest may mount: by name, with the options of mount(8). All of them are the sentry's own; none leads to the host. */
#ifndef SENTRY_FS_MOUNTFS_H
#define SENTRY_FS_MOUNTFS_H

#include <stdbool.h>
#include <stdint.h>

struct super;
struct task;

struct mountfs {
	const char *name;
	bool anybody;                                    /* whoever has CAP_SYS_ADMIN in a user namespace of their own may mount it */
	bool revealing;                                  /* see mount_reveals_too_much() */
	/* options: "key=value,key", or "". *out with one reference. -EINVAL for what it does not know. */
	int (*make)(struct task *, const char *options, struct super **out);
};
extern const struct mountfs mountfs_table[];
extern const int mountfs_count;

/* -ENODEV when there is no such filesystem. */
int mountfs_find(const char *name, const struct mountfs **out);
/* A filesystem for the task to mount, owned by its user namespace: -EPERM (not for it), -EINVAL, -ENOMEM. */
int mountfs_make(struct task *, const struct mountfs *, const char *options, struct super **out);

/* Parts of an option string: the next "key[=value]" of *at, in key and value (NULL: none), or false at the end. The string is cut up. */
bool option_next(char **at, char **key, char **value);
/* A decimal (or octal, by base) number that fills the whole value. */
bool option_number(const char *value, int base, uint64_t *out);

#endif
