/* /proc/PID/mounts, mountinfo, mountstats. proc_pid_mountinfo(5). */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/mm/usermem.h"

/* The table as it is now: names cannot be made under its lock. */
struct table {
	struct mount **mounts; /* referenced */
	size_t count, cap;
	bool failed;
};

static bool add_mount(struct mount *m, void *arg)
{
	struct table *tab = arg;

	if (tab->count == tab->cap) {
		size_t cap = tab->cap ? tab->cap * 2 : 32;
		struct mount **grown = mem_realloc_array(tab->mounts, cap, sizeof(*grown));

		if (!grown) {
			tab->failed = true;
			return false;
		}
		tab->mounts = grown;
		tab->cap = cap;
	}
	tab->mounts[tab->count++] = mount_get(m);
	return true;
}

static const char *fstype_of(const struct mount *m)
{
	return m->super->fstype;
}

static const char *source_of(const struct mount *m)
{
	return m->source ? m->source : m->super->fstype;
}

static void show_flags(const struct mount *m, struct textbuf *b)
{
	text_puts(b, m->flags & MOUNT_READONLY ? "ro" : "rw");
	text_puts(b, m->flags & MOUNT_NOSUID ? ",nosuid" : "");
	text_puts(b, m->flags & MOUNT_NODEV ? ",nodev" : "");
	text_puts(b, m->flags & MOUNT_NOEXEC ? ",noexec" : "");
	text_puts(b, m->flags & MOUNT_NOATIME ? ",noatime" : ",relatime");
}

typedef void (*mount_line)(const struct mount *, const char *where, struct textbuf *);

static void mounts_line(const struct mount *m, const char *where, struct textbuf *b)
{
	text_escaped(b, source_of(m));
	text_puts(b, " ");
	text_escaped(b, where);
	text_printf(b, " %s ", fstype_of(m));
	show_flags(m, b);
	text_puts(b, " 0 0\n");
}

static void mountinfo_line(const struct mount *m, const char *where, struct textbuf *b)
{
	int parent = m->at.mount ? m->at.mount->id : 0;

	text_printf(b, "%d %d %u:%u / ", m->id, parent, dev_major(m->super->dev), dev_minor(m->super->dev));
	text_escaped(b, where);
	text_puts(b, " ");
	show_flags(m, b);
	text_printf(b, " - %s ", fstype_of(m));
	text_escaped(b, source_of(m));
	text_printf(b, " %s\n", m->flags & MOUNT_READONLY ? "ro" : "rw");
}

static void mountstats_line(const struct mount *m, const char *where, struct textbuf *b)
{
	text_puts(b, "device ");
	text_escaped(b, source_of(m));
	text_puts(b, " mounted on ");
	text_escaped(b, where);
	text_printf(b, " with fstype %s\n", fstype_of(m));
}

static int show_all(const struct pseudo_req *r, mount_line line, struct textbuf *b)
{
	AUTO_FREE char *where = mem_alloc(LX_PATH_MAX + 16);
	struct table tab = { 0 };

	if (!where)
		return -ENOMEM;
	mounts_for_each(r->t->k, add_mount, &tab);
	for (size_t i = 0; i < tab.count; i++) {
		struct mount *m = tab.mounts[i];
		struct path root = { .mount = m, .dentry = m->root };

		/* What the task's root hides is not shown. */
		if (path_name(r->t, &root, where, LX_PATH_MAX + 16) > 0)
			line(m, where, b);
		mount_put(m);
	}
	mem_free(tab.mounts);
	return tab.failed ? -ENOMEM : 0;
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
