/* /proc/PID/uid_map, gid_map, setgroups. user_namespaces(7). */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/user_ns.h"

/* How ids are shown depends on the reader: in its own namespace's numbers, or in those of the parent where it is in the same. */
static uint32_t lower_id(const struct user_ns *ns, const struct user_ns *reader, enum id_kind kind, uint32_t kernel)
{
	if (ns == reader && ns->ns.owner)
		reader = ns->ns.owner;
	return id_from_kernel(reader, kind, kernel);
}

int proc_show_id_map(const struct pseudo_req *r, struct textbuf *b)
{
	enum id_kind kind = (enum id_kind)r->entry->arg;
	struct cred *c = proc_obj_cred(r->obj);
	const struct id_map *m;

	if (!c)
		return -EINVAL;
	m = atomic_load(&c->user_ns->map[kind]);
	if (c->user_ns == &first_user_ns)
		text_printf(b, "%10u %10u %10u\n", 0u, id_shown(r->t->cred->user_ns, kind, 0), UINT32_MAX);
	for (uint32_t i = 0; m && i < m->count; i++) {
		const struct id_extent *e = &m->extent[i];

		text_printf(b, "%10u %10u %10u\n", e->first, lower_id(c->user_ns, r->t->cred->user_ns, kind, e->kernel), e->count);
	}
	cred_put(c);
	return 0;
}

int proc_store_id_map(const struct pseudo_req *r, char *text, size_t len)
{
	struct cred *c = proc_obj_cred(r->obj);
	int ret;

	if (!c)
		return -EINVAL;
	ret = strlen(text) != len ? -EINVAL : user_ns_set_map(c->user_ns, (enum id_kind)r->entry->arg, r->opener, r->t->cred, text);
	cred_put(c);
	return ret;
}

int proc_show_setgroups(const struct pseudo_req *r, struct textbuf *b)
{
	struct cred *c = proc_obj_cred(r->obj);

	if (!c)
		return -EINVAL;
	text_puts(b, atomic_load(&c->user_ns->setgroups) ? "allow\n" : "deny\n");
	cred_put(c);
	return 0;
}

int proc_store_setgroups(const struct pseudo_req *r, char *text, size_t len)
{
	struct cred *c = proc_obj_cred(r->obj);
	int ret;

	if (!c)
		return -EINVAL;
	(void)len;
	text[strcspn(text, " \t\n")] = 0;
	ret = ns_capable(r->opener, c->user_ns, LX_CAP_SYS_ADMIN) ? user_ns_set_setgroups(c->user_ns, text) : -EPERM;
	cred_put(c);
	return ret;
}
