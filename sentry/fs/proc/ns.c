/* /proc/PID/ns: the namespaces that a thread is in, as links to files that can be opened, compared (st_ino) and given to setns(2). */
#include <errno.h>
#include <string.h>

#include "sentry/fs/nsfs.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/task_ns.h"

/* Entries that are not simply the set's member of that kind. */
enum { TIME_FOR_CHILDREN = NS_KINDS, PID_FOR_CHILDREN };

/* Referenced. NULL for the dead. */
static struct ns *ns_of(const struct pseudo_req *r)
{
	struct task *t = proc_obj_task(r->obj);
	struct ns *ns = NULL;
	struct ns_set *s;

	if (!t)
		return NULL;
	if (r->entry->arg == NS_USER || r->entry->arg == NS_PID) {
		ns = task_ns_of(t, (enum ns_kind)r->entry->arg);
		task_put(t);
		return ns;
	}
	s = task_ns_set(t);
	task_put(t);
	if (!s)
		return NULL;
	if (r->entry->arg == TIME_FOR_CHILDREN)
		ns = ns_get(s->time_for_children);
	else
		ns = ns_get(s->of[r->entry->arg == PID_FOR_CHILDREN ? NS_PID : r->entry->arg]);
	ns_set_put(s);
	return ns;
}

static int ns_show(const struct pseudo_req *r, struct textbuf *b)
{
	struct ns *ns = ns_of(r);

	if (!ns)
		return -ENOENT;
	text_printf(b, "%s:[%u]", ns_types[ns->kind].name, ns->inum);
	ns_put(ns);
	return 0;
}

static int ns_follow(const struct pseudo_req *r, struct path *out)
{
	struct ns *ns = ns_of(r);
	int ret = ns ? nsfs_path(ns, out) : -ENOENT;

	ns_put(ns);
	return ret;
}

#define NS(n, kind) { .name = n, .mode = LX_S_IFLNK | 0777, .show = ns_show, .follow = ns_follow, .check = proc_check_private, .arg = kind }

static const struct pseudo_entry namespaces[] = {
	NS("cgroup", NS_CGROUP), NS("ipc", NS_IPC),		     NS("mnt", NS_MNT),	  NS("net", NS_NET),
	NS("pid", NS_PID),	 NS("pid_for_children", PID_FOR_CHILDREN), NS("time", NS_TIME), NS("time_for_children", TIME_FOR_CHILDREN),
	NS("user", NS_USER),	 NS("uts", NS_UTS),
};

const struct pseudo_dir proc_ns_dir = PSEUDO_DIR(namespaces);
