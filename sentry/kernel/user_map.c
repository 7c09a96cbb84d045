/* Writing a user namespace's maps: /proc/PID/uid_map, gid_map, setgroups. user_namespaces(7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/cred.h"
#include "base/lock.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/user_ns.h"

/* A map is written once, and setgroups is decided before: both under this, whatever the namespace. */
static struct lock map_lock = LOCK_INIT(RANK_USER_NS, "user namespace maps");

/* A decimal number and the blanks around it; false where there is none. */
static bool number(const char **at, uint32_t *out)
{
	char *end;
	unsigned long n;

	while (**at == ' ' || **at == '\t')
		(*at)++;
	if (**at < '0' || **at > '9')
		return false;
	n = strtoul(*at, &end, 10);
	*at = end;
	*out = (uint32_t)n;
	return n <= UINT32_MAX && (*end == ' ' || *end == '\t' || *end == '\n' || *end == 0);
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a <= b + (b_count - 1) && b <= a + (a_count - 1);
}

/* One line into the map; `kernel` holds the parent's numbers until the whole map has been judged. */
static int add_line(struct id_map *m, const char **at)
{
	struct id_extent e;

	if (m->count == ID_EXTENTS_MAX)
		return -EINVAL;
	if (!number(at, &e.first) || !number(at, &e.kernel) || !number(at, &e.count))
		return -EINVAL;
	while (**at == ' ' || **at == '\t')
		(*at)++;
	if (**at && **at != '\n')
		return -EINVAL;
	if (**at)
		(*at)++;
	if (!e.count || e.first == NO_ID || e.kernel == NO_ID || e.first + e.count <= e.first || e.kernel + e.count <= e.kernel)
		return -EINVAL;
	for (uint32_t i = 0; i < m->count; i++)
		if (overlaps(e.first, e.count, m->extent[i].first, m->extent[i].count) ||
		    overlaps(e.kernel, e.count, m->extent[i].kernel, m->extent[i].count))
			return -EINVAL;
	m->extent[m->count++] = e;
	return 0;
}

/* Without capabilities: one line of one id, the writer's own, and group ids only after setgroups was given up. */
static bool own_id_only(const struct user_ns *ns, enum id_kind kind, const struct cred *writer, const struct id_map *m)
{
	if (m->count != 1 || m->extent[0].count != 1 || ns->uid != writer->euid)
		return false;
	if (kind == ID_USER)
		return id_to_kernel(ns->ns.owner, kind, m->extent[0].kernel) == writer->euid;
	return !atomic_load(&ns->setgroups) && id_to_kernel(ns->ns.owner, kind, m->extent[0].kernel) == writer->egid;
}

/* Who maps the parent's root could write file capabilities that count there. */
static bool may_map_root(const struct user_ns *ns, enum id_kind kind, const struct cred *writer, const struct id_map *m)
{
	for (uint32_t i = 0; kind == ID_USER && i < m->count; i++) {
		if (m->extent[i].kernel != 0)
			continue;
		return writer->user_ns == ns ? ns->parent_may_setfcap : ns_capable(writer, ns->ns.owner, LX_CAP_SETFCAP);
	}
	return true;
}

static bool permitted(const struct user_ns *ns, enum id_kind kind, const struct cred *writer, const struct id_map *m)
{
	int cap = kind == ID_USER ? LX_CAP_SETUID : LX_CAP_SETGID;

	if (!may_map_root(ns, kind, writer, m))
		return false;
	return own_id_only(ns, kind, writer, m) || ns_capable(writer, ns->ns.owner, cap);
}

static int to_kernel(const struct user_ns *parent, enum id_kind kind, struct id_map *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct id_extent *e = &m->extent[i];
		uint32_t first = id_to_kernel(parent, kind, e->kernel), last = id_to_kernel(parent, kind, e->kernel + e->count - 1);

		if (first == NO_ID || last == NO_ID || last - first != e->count - 1)
			return -EPERM;
		e->kernel = first;
	}
	return 0;
}

static int parse(struct id_map *m, const char *text)
{
	int ret = 0;

	while (*text && ret == 0)
		ret = add_line(m, &text);
	return ret < 0 ? ret : m->count ? 0 : -EINVAL;
}

int user_ns_set_map(struct user_ns *ns, enum id_kind kind, const struct cred *writer, const struct cred *of, const char *text)
{
	struct id_map *m;
	int ret;

	/* From within, or from the namespace above. */
	if (!ns->ns.owner || (of->user_ns != ns && of->user_ns != ns->ns.owner))
		return -EPERM;
	m = mem_zalloc(sizeof(*m) + ID_EXTENTS_MAX * sizeof(m->extent[0]));
	if (!m)
		return -ENOMEM;
	LOCK_GUARD(&map_lock);
	if (atomic_load(&ns->map[kind]) || !ns_capable(writer, ns, LX_CAP_SYS_ADMIN))
		ret = -EPERM;
	else
		ret = parse(m, text);
	if (ret == 0 && !permitted(ns, kind, writer, m))
		ret = -EPERM;
	if (ret == 0)
		ret = to_kernel(ns->ns.owner, kind, m);
	if (ret == 0)
		atomic_store_explicit(&ns->map[kind], m, memory_order_release);
	else
		mem_free(m);
	return ret;
}

int user_ns_set_setgroups(struct user_ns *ns, const char *text)
{
	bool allow = !strcmp(text, "allow");

	if (!allow && strcmp(text, "deny") != 0)
		return -EINVAL;
	LOCK_GUARD(&map_lock);
	if (allow)
		return atomic_load(&ns->setgroups) ? 0 : -EPERM;
	if (atomic_load(&ns->map[ID_GROUP]))
		return -EPERM;
	atomic_store(&ns->setgroups, 0);
	return 0;
}
