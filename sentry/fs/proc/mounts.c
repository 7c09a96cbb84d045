/* /proc/PID/mounts, mountinfo, mountstats: the mounts of the process's namespace below its root. proc_pid_mountinfo(5). */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/nsfs.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/mm/usermem.h"

static void show_flags(const struct mount *m, uint32_t flags, struct textbuf *b)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ MOUNT_NOSUID, ",nosuid" }, { MOUNT_NODEV, ",nodev" }, { MOUNT_NOEXEC, ",noexec" }, { MOUNT_NOATIME, ",noatime" },
		{ MOUNT_NODIRATIME, ",nodiratime" },
	};

	(void)m;
	text_puts(b, flags & MOUNT_READONLY ? "ro" : "rw");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		text_puts(b, flags & names[i].flag ? names[i].name : "");
	text_puts(b, flags & (MOUNT_NOATIME | MOUNT_STRICTATIME) ? "" : ",relatime");
	text_puts(b, flags & MOUNT_NOSYMFOLLOW ? ",nosymfollow" : "");
}

static const char *options_of(const struct mount *m)
{
	return m->super->options ? m->super->options : "";
}

typedef void (*mount_line)(struct mount *, const char *where, struct textbuf *);

static void mounts_line(struct mount *m, const char *where, struct textbuf *b)
{
	text_escaped(b, m->source);
	text_puts(b, " ");
	text_escaped(b, where);
	text_printf(b, " %s ", m->super->fstype);
	show_flags(m, m->flags | m->super->flags, b);
	text_printf(b, "%s 0 0\n", options_of(m));
}

/* The directory of its filesystem that is mounted, or the namespace that it is. */
static void show_root(struct mount *m, struct textbuf *b)
{
	AUTO_FREE char *buf = mem_alloc(LX_PATH_MAX);
	char *start;

	if (nsfs_is_path(&(struct path){ .mount = m, .dentry = m->root })) {
		text_put(b, m->root->name, m->root->name_len);
		return;
	}
	start = buf ? dentry_names(m->root, NULL, buf, LX_PATH_MAX - 1) : NULL;
	if (!start) {
		text_puts(b, "/");
		return;
	}
	buf[LX_PATH_MAX - 1] = 0;
	text_escaped(b, *start ? start : "/");
	text_puts(b, atomic_load(&m->root->unlinked) ? "//deleted" : "");
}

static void mountinfo_line(struct mount *m, const char *where, struct textbuf *b)
{
	const struct mount_facts f = mount_facts(m);

	text_printf(b, "%d %d %u:%u ", m->id, f.parent, dev_major(m->super->dev), dev_minor(m->super->dev));
	show_root(m, b);
	text_puts(b, " ");
	text_escaped(b, where);
	text_puts(b, " ");
	show_flags(m, m->flags, b);
	if (f.shared)
		text_printf(b, " shared:%d", f.shared);
	if (f.master)
		text_printf(b, " master:%d", f.master);
	if (f.from && f.from != f.master)
		text_printf(b, " propagate_from:%d", f.from);
	text_puts(b, f.unbindable ? " unbindable" : "");
	text_printf(b, " - %s ", m->super->fstype);
	text_escaped(b, m->source);
	text_printf(b, " %s%s\n", (m->super->forced | m->super->flags) & MOUNT_READONLY ? "ro" : "rw", options_of(m));
}

static void mountstats_line(struct mount *m, const char *where, struct textbuf *b)
{
	text_puts(b, "device ");
	text_escaped(b, m->source);
	text_puts(b, " mounted on ");
	text_escaped(b, where);
	text_printf(b, " with fstype %s\n", m->super->fstype);
}

/* The process's mount namespace, referenced; NULL when it is dead. */
static struct ns_set *set_of(const struct pseudo_req *r)
{
	struct task *t = proc_obj_task(r->obj);
	struct ns_set *s = t ? task_ns_set(t) : NULL;

	task_put(t);
	return s;
}

static int show_all(const struct pseudo_req *r, mount_line line, struct textbuf *b)
{
	AUTO_FREE char *where = mem_alloc(LX_PATH_MAX + 16);
	struct ns_set *s = set_of(r);
	struct fsctx *fs = proc_obj_fs(r->obj);
	AUTO_PATH struct path top = { 0 };
	struct mount **all = NULL;
	int n = -EINVAL;

	if (s && fs && where) {
		fsctx_root(fs, &top);
		n = mounts_snapshot(container_of(s->of[NS_MNT], struct mount_ns, ns), &all);
	}
	for (int i = 0; i < n; i++) {
		struct path root = { .mount = all[i], .dentry = all[i]->root };

		/* What the task's root hides is not shown. */
		if (path_name_from(&top, &root, where, LX_PATH_MAX + 16) > 0)
			line(all[i], where, b);
	}
	if (n >= 0)
		mounts_release(all, n);
	fsctx_put(fs);
	ns_set_put(s);
	return n < 0 ? n : 0;
}

int proc_show_mounts(const struct pseudo_req *r, struct textbuf *b)
{
	return show_all(r, mounts_line, b);
}

int proc_show_mountinfo(const struct pseudo_req *r, struct textbuf *b)
{
	return show_all(r, mountinfo_line, b);
}

int proc_show_mountstats(const struct pseudo_req *r, struct textbuf *b)
{
	return show_all(r, mountstats_line, b);
}

int proc_watch_mounts(const struct pseudo_req *r, struct pseudo_watch *w)
{
	struct ns_set *s = set_of(r);
	struct mount_ns *ns;

	if (!s)
		return -EINVAL;
	ns = container_of(s->of[NS_MNT], struct mount_ns, ns);
	w->keep = ns_get(&ns->ns);
	w->queue = &ns->changed;
	w->event = &ns->event;
	w->seen = atomic_load(&ns->event);
	ns_set_put(s);
	return 0;
}
