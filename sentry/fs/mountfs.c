/* Filesystems that a guest may mount: see mountfs.h. */
#include "sentry/fs/mountfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/tmpfs.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

bool option_next(char **at, char **key, char **value)
{
	char *part;

	do {
		part = strsep(at, ",");
	} while (part && !*part);
	if (!part)
		return false;
	*key = strsep(&part, "=");
	*value = part;
	return true;
}

bool option_number(const char *value, int base, uint64_t *out)
{
	char *end;

	if (!value || *value < '0' || *value > '9')
		return false;
	errno = 0;
	*out = strtoull(value, &end, base);
	return !*end && !errno;
}

static int no_options(const char *options)
{
	return *options ? -EINVAL : 0;
}

static int made(struct super *s, struct super **out)
{
	*out = s;
	return s ? 0 : -ENOMEM;
}

/* What proc(5) can be told; all processes of the pid namespace are shown to everybody whatever it says, but hidepid is only taken where it asks for that. */
static int make_proc(struct task *t, const char *options, struct super **out)
{
	AUTO_FREE char *copy = mem_strdup(options);
	char *at = copy, *key, *value;

	if (!copy)
		return -ENOMEM;
	while (option_next(&at, &key, &value)) {
		uint64_t n;

		if (!strcmp(key, "gid") && option_number(value, 10, &n))
			continue;
		if (strcmp(key, "hidepid") != 0 || !value || (strcmp(value, "0") != 0 && strcmp(value, "off") != 0))
			return -EINVAL;
	}
	return made(procfs_create(t->k), out);
}

static int make_sysfs(struct task *t, const char *options, struct super **out)
{
	(void)options; /* as Linux: what it does not know it does not mind */
	return made(sysfs_create(t->k), out);
}

static int make_mqueue(struct task *t, const char *options, struct super **out)
{
	int ret = no_options(options);

	return ret < 0 ? ret : made(mqueue_create(t->k), out);
}

static int make_devtmpfs(struct task *t, const char *options, struct super **out)
{
	return tmpfs_make_with(t, options, devfs_create(t->k), out);
}

static int make_devpts(struct task *t, const char *options, struct super **out)
{
	return devpts_make(t, options, out);
}

const struct mountfs mountfs_table[] = {
	{ .name = "sysfs", .anybody = true, .revealing = true, .make = make_sysfs },
	{ .name = "tmpfs", .anybody = true, .make = tmpfs_make },
	{ .name = "proc", .anybody = true, .revealing = true, .make = make_proc },
	{ .name = "devtmpfs", .make = make_devtmpfs },
	{ .name = "ramfs", .anybody = true, .make = tmpfs_make },
	{ .name = "devpts", .anybody = true, .make = make_devpts },
	{ .name = "mqueue", .anybody = true, .make = make_mqueue },
};
const int mountfs_count = ARRAY_LEN(mountfs_table);

int mountfs_find(const char *name, const struct mountfs **out)
{
	for (int i = 0; i < mountfs_count; i++) {
		*out = &mountfs_table[i];
		if (!strcmp(name, (*out)->name))
			return 0;
	}
	return -ENODEV;
}

int mountfs_make(struct task *t, const struct mountfs *fs, const char *options, struct super **out)
{
	struct user_ns *owner = t->cred->user_ns;
	int ret;

	if (!fs->anybody && owner != &first_user_ns)
		return -EPERM;
	ret = fs->make(t, options, out);
	if (ret == 0 && owner != &first_user_ns && !(*out)->owner)
		(*out)->owner = user_ns_get(owner);
	return ret;
}
