/* /proc/PID/ns: a sandbox has one namespace of each kind, with the numbers that Linux gives to its first ones. */
#include <errno.h>
#include <stddef.h>

#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/file.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/fs/vfs.h"

/* What the links lead to: a file that can be opened and compared (st_ino), and given to setns(2). */
static const struct file_ops ns_file_ops = { .name = "nsfs" };

static int ns_open(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	*out = file_new(&ns_file_ops, i, p, flags, t->cred, NULL);
	return *out ? 0 : -ENOMEM;
}

static void ns_destroy(struct inode *i)
{
	mem_free(i);
}

static const struct inode_ops ns_inode_ops = { .open = ns_open, .destroy = ns_destroy };

static int ns_show(const struct pseudo_req *r, struct textbuf *b)
{
	static const char children[] = "_for_children";
	size_t len = __builtin_strlen(r->entry->name);
	const char *at = __builtin_strstr(r->entry->name, children);

	text_put(b, r->entry->name, at ? (size_t)(at - r->entry->name) : len);
	text_printf(b, ":[%lu]", r->entry->arg);
	return 0;
}

static int ns_follow(const struct pseudo_req *r, struct path *out)
{
	struct inode *i = mem_zalloc(sizeof(*i));
	struct textbuf name = { 0 };

	if (!i)
		return -ENOMEM;
	inode_init(i, &ns_inode_ops, anon_mount()->super, LX_S_IFREG | 0444, 0, 0);
	i->attr.ino = r->entry->arg;
	ns_show(r, &name);
	out->dentry = name.failed ? NULL : dentry_new(NULL, name.data, (uint32_t)name.len, i);
	text_free(&name);
	inode_put(i);
	if (!out->dentry)
		return -ENOMEM;
	out->mount = anon_mount();
	ref_get(&out->mount->ref);
	return 0;
}

#define NS(n, number) \
	{ .name = n, .mode = LX_S_IFLNK | 0777, .show = ns_show, .follow = ns_follow, .check = proc_check_private, .arg = number }

static const struct pseudo_entry namespaces[] = {
	NS("cgroup", 4026531835), NS("ipc", 4026531839),		  NS("mnt", 4026531841),  NS("net", 4026531840),
	NS("pid", 4026531836),	  NS("pid_for_children", 4026531836),	  NS("time", 4026531834), NS("time_for_children", 4026531834),
	NS("user", 4026531837),	  NS("uts", 4026531838),
};

const struct pseudo_dir proc_ns_dir = PSEUDO_DIR(namespaces);
