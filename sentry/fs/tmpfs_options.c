/* tmpfs as mount(2) makes it: tmpfs(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/mountfs.h"
#include "sentry/fs/textbuf.h"
#include "sentry/fs/tmpfs.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

struct tmpfs_options {
	uint64_t size, inodes;   /* 0: not said, or no limit */
	uint32_t mode, uid, gid; /* uid and gid in kernel ids */
	bool has_size, has_inodes, has_mode, has_uid, has_gid;
};

/* "64m", "1g", "50%" (of the sandbox's memory), as memparse() takes it. */
static bool parse_size(const struct kernel *k, const char *value, uint64_t unit, uint64_t *out)
{
	static const char units[] = "kmgtpe";
	char *end;
	const char *u;

	if (!value || *value < '0' || *value > '9')
		return false;
	*out = strtoull(value, &end, 0);
	if (*end == '%') {
		uint64_t memory = k->spec && k->spec->memory_limit ? k->spec->memory_limit : 8ull << 30;

		*out = memory / 100 * *out;
		return !end[1];
	}
	if (*end && (u = strchr(units, *end | 0x20))) {
		*out <<= 10 * (u - units + 1);
		end++;
	}
	*out *= unit;
	return !*end;
}

static int parse_id(const struct task *t, enum id_kind kind, const char *value, uint32_t *out)
{
	uint64_t n;

	if (!option_number(value, 10, &n) || n >= NO_ID)
		return -EINVAL;
	*out = id_to_kernel(t->cred->user_ns, kind, (uint32_t)n);
	return *out == NO_ID ? -EINVAL : 0;
}

static int parse_one(struct task *t, const char *key, const char *value, struct tmpfs_options *o)
{
	uint64_t n;

	if (!strcmp(key, "size"))
		return (o->has_size = parse_size(t->k, value, 1, &o->size)) ? 0 : -EINVAL;
	if (!strcmp(key, "nr_blocks"))
		return (o->has_size = parse_size(t->k, value, 4096, &o->size)) ? 0 : -EINVAL;
	if (!strcmp(key, "nr_inodes"))
		return (o->has_inodes = parse_size(t->k, value, 1, &o->inodes)) ? 0 : -EINVAL;
	if (!strcmp(key, "mode")) {
		o->has_mode = option_number(value, 8, &n);
		o->mode = (uint32_t)n & 07777;
		return o->has_mode ? 0 : -EINVAL;
	}
	if (!strcmp(key, "uid"))
		return (o->has_uid = parse_id(t, ID_USER, value, &o->uid) == 0) ? 0 : -EINVAL;
	if (!strcmp(key, "gid"))
		return (o->has_gid = parse_id(t, ID_GROUP, value, &o->gid) == 0) ? 0 : -EINVAL;
	/* How the memory behind it is found is the host's matter. */
	if (!strcmp(key, "huge") || !strcmp(key, "mpol") || !strcmp(key, "inode64") || !strcmp(key, "inode32") || !strcmp(key, "noswap"))
		return 0;
	return -EINVAL;
}

static int parse(struct task *t, const char *options, struct tmpfs_options *o)
{
	AUTO_FREE char *copy = mem_strdup(options);
	char *at = copy, *key, *value;
	int ret = copy ? 0 : -ENOMEM;

	while (ret == 0 && option_next(&at, &key, &value))
		ret = parse_one(t, key, value, o);
	return ret;
}

/* As /proc/mounts shows them. Made once: a mount's text is read without a lock. */
static char *text_of(const struct tmpfs_options *o, const struct attr *root)
{
	struct textbuf b = { 0 };

	if (o->size)
		text_printf(&b, ",size=%luk", o->size / 1024);
	if (o->inodes)
		text_printf(&b, ",nr_inodes=%lu", o->inodes);
	if (o->has_mode && o->mode != 01777)
		text_printf(&b, ",mode=%o", o->mode);
	if (root->uid)
		text_printf(&b, ",uid=%u", root->uid);
	if (root->gid)
		text_printf(&b, ",gid=%u", root->gid);
	text_put(&b, "", 1);
	return b.failed ? NULL : b.data;
}

static void apply(struct tmpfs_super *s, const struct tmpfs_options *o)
{
	s->quota.limit = o->has_size ? (o->size + 4095) & ~4095ull : s->quota.limit;
	s->inodes_max = o->has_inodes ? o->inodes : s->inodes_max;
}

int tmpfs_make_with(struct task *t, const char *options, struct super *s, struct super **out)
{
	struct tmpfs_options o = { 0 };
	struct setattr set = { 0 };
	int ret = s ? parse(t, options, &o) : -ENOMEM;

	if (ret < 0) {
		super_put(s);
		return ret;
	}
	apply(container_of(s, struct tmpfs_super, super), &o);
	set.valid = (o.has_mode ? ATTR_MODE : 0u) | (o.has_uid ? ATTR_UID : 0u) | (o.has_gid ? ATTR_GID : 0u);
	set.mode = o.mode;
	set.uid = o.uid;
	set.gid = o.gid;
	inode_apply(s->root, &set);
	s->options = text_of(&o, &s->root->attr);
	*out = s;
	return s->options ? 0 : -ENOMEM;
}

int tmpfs_make(struct task *t, const char *options, struct super **out)
{
	struct super *s = tmpfs_create(t->k, 0, 01777);

	if (s) {
		s->root->attr.uid = t->cred->fsuid;
		s->root->attr.gid = t->cred->fsgid;
	}
	return tmpfs_make_with(t, options, s, out);
}

int tmpfs_reconfigure(struct super *s, struct task *t, const char *options)
{
	struct tmpfs_super *ts = container_of(s, struct tmpfs_super, super);
	struct tmpfs_options o = { 0 };
	int ret = options ? parse(t, options, &o) : 0;

	if (ret < 0)
		return ret;
	if (o.has_size && o.size && (int64_t)o.size < atomic_load(&ts->quota.used))
		return -EINVAL;
	if (o.has_inodes && o.inodes && (int64_t)o.inodes < atomic_load(&ts->inodes))
		return -EINVAL;
	apply(ts, &o);
	return 0;
}
