/* Landlock's rules and domains: see landlock.h. What they mean for files is in landlock_fs.c, the calls in syscalls/sys_landlock.c. */
#include "sentry/fs/landlock.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/landlock_rights.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"

#define RULE_COST 512 /* bytes that a rule for a place counts against the sandbox's memory: it keeps a name and its inode */

static int charge(struct kernel *k, int64_t bytes)
{
	return k ? memory_charge(k, bytes) : 0;
}

/* --- rules --------------------------------------------------------------------------------------------------------------- */

void landlock_rules_init(struct landlock_rules *r, struct kernel *k, const struct lx_landlock_ruleset_attr *attr)
{
	memset(r, 0, sizeof(*r));
	r->k = k;
	r->handled_fs = attr->handled_access_fs;
	r->handled_net = attr->handled_access_net;
	r->scoped = attr->scoped;
}

void landlock_rules_drop(struct landlock_rules *r)
{
	for (uint32_t i = 0; i < r->path_count; i++)
		dentry_put(r->paths[i].dentry);
	charge(r->k, -(int64_t)(r->path_count + r->port_count) * RULE_COST);
	mem_free(r->paths);
	mem_free(r->ports);
	r->paths = NULL;
	r->ports = NULL;
	r->path_count = r->port_count = 0;
}

/* Room for one more of `size` bytes, in steps that double. */
static int make_room(struct landlock_rules *r, void **array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t wanted = *room ? *room * 2 : 4;
	void *bigger;

	if (charge(r->k, RULE_COST) < 0)
		return -ENOMEM;
	if (count < *room)
		return 0;
	bigger = mem_realloc_array(*array, wanted, size);
	if (!bigger) {
		charge(r->k, -RULE_COST);
		return -ENOMEM;
	}
	*array = bigger;
	*room = wanted;
	return 0;
}

/* Where the rule for the inode is, or would be. */
static uint32_t path_slot(const struct landlock_rules *r, const struct inode *i)
{
	uint32_t low = 0, high = r->path_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if ((uintptr_t)r->paths[mid].dentry->inode < (uintptr_t)i)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t landlock_path_rights(const struct landlock_rules *r, const struct inode *i)
{
	uint32_t at = path_slot(r, i);

	return at < r->path_count && r->paths[at].dentry->inode == i ? r->paths[at].allowed : 0;
}

int landlock_add_path(struct landlock_rules *r, struct dentry *d, uint64_t allowed)
{
	uint32_t at = path_slot(r, d->inode);
	void *array = r->paths;
	int err;

	if (at < r->path_count && r->paths[at].dentry->inode == d->inode) {
		r->paths[at].allowed |= allowed;
		return 0;
	}
	err = make_room(r, &array, r->path_count, &r->path_room, sizeof(*r->paths));
	r->paths = array;
	if (err)
		return err;
	memmove(&r->paths[at + 1], &r->paths[at], (r->path_count - at) * sizeof(*r->paths));
	r->paths[at] = (struct landlock_path_rule){ .dentry = dentry_get(d), .allowed = allowed };
	r->path_count++;
	return 0;
}

static uint32_t port_slot(const struct landlock_rules *r, uint64_t port)
{
	uint32_t at = 0;

	while (at < r->port_count && r->ports[at].port < port)
		at++;
	return at;
}

int landlock_add_port(struct landlock_rules *r, uint64_t port, uint64_t allowed)
{
	uint32_t at = port_slot(r, port);
	void *array = r->ports;
	int err;

	if (at < r->port_count && r->ports[at].port == port) {
		r->ports[at].allowed |= allowed;
		return 0;
	}
	err = make_room(r, &array, r->port_count, &r->port_room, sizeof(*r->ports));
	r->ports = array;
	if (err)
		return err;
	memmove(&r->ports[at + 1], &r->ports[at], (r->port_count - at) * sizeof(*r->ports));
	r->ports[at] = (struct landlock_port_rule){ .port = port, .allowed = allowed };
	r->port_count++;
	return 0;
}

/* --- domains --------------------------------------------------------------------------------------------------------------- */

static int copy_rules(struct landlock_rules *to, const struct landlock_rules *from)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < from->path_count; i++)
		err = landlock_add_path(to, from->paths[i].dentry, from->paths[i].allowed);
	for (uint32_t i = 0; !err && i < from->port_count; i++)
		err = landlock_add_port(to, from->ports[i].port, from->ports[i].allowed);
	return err;
}

int landlock_domain_new(const struct landlock_rules *rules, struct landlock_domain *parent, struct landlock_domain **out)
{
	const struct lx_landlock_ruleset_attr attr = { rules->handled_fs, rules->handled_net, rules->scoped };
	struct landlock_domain *d;

	if (parent && parent->layers >= LX_LANDLOCK_MAX_LAYERS)
		return -E2BIG;
	d = mem_zalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	ref_init(&d->ref);
	d->parent = landlock_domain_get(parent);
	d->layers = parent ? parent->layers + 1 : 1;
	d->any_fs = rules->handled_fs || (parent && parent->any_fs);
	landlock_rules_init(&d->rules, rules->k, &attr);
	if (copy_rules(&d->rules, rules) < 0) {
		landlock_domain_put(d);
		return -ENOMEM;
	}
	*out = d;
	return 0;
}

struct landlock_domain *landlock_domain_get(struct landlock_domain *d)
{
	if (d)
		ref_get(&d->ref);
	return d;
}

static void domain_free(struct work *w)
{
	struct landlock_domain *d = container_of(w, struct landlock_domain, dropped), *parent = d->parent;

	landlock_rules_drop(&d->rules);
	mem_free(d);
	landlock_domain_put(parent); /* at most LX_LANDLOCK_MAX_LAYERS deep */
}

void landlock_domain_put(struct landlock_domain *d)
{
	if (!d || !ref_put(&d->ref))
		return;
	d->dropped.fn = domain_free;
	/* A last name may take a host fd with it, which is another one in the tracers' table. */
	if (sched_on_tracer())
		sched_defer(&d->dropped);
	else
		domain_free(&d->dropped);
}

/* --- checks that are not about files --------------------------------------------------------------------------------------- */

int landlock_may_port(const struct cred *c, uint16_t port, uint64_t right)
{
	for (const struct landlock_domain *d = c->landlock; d; d = d->parent) {
		uint32_t at = port_slot(&d->rules, port);
		bool given = at < d->rules.port_count && d->rules.ports[at].port == port && (d->rules.ports[at].allowed & right);

		if ((d->rules.handled_net & right) && !given)
			return -EACCES;
	}
	return 0;
}

bool landlock_scoped(const struct landlock_domain *client, const struct landlock_domain *server, uint64_t scope)
{
	/* Layers that the server cannot have. */
	for (; client && client->layers > (server ? server->layers : 0); client = client->parent)
		if (client->rules.scoped & scope)
			return true;
	while (server && server->layers > (client ? client->layers : 0))
		server = server->parent;
	/* As many layers on both sides from here on. */
	for (; client; client = client->parent, server = server ? server->parent : NULL)
		if (client->rules.scoped & scope)
			return client != server;
	return false;
}

bool landlock_may_trace(const struct cred *tracer, const struct cred *tracee)
{
	const struct landlock_domain *d = tracee->landlock;

	if (!tracer->landlock)
		return true;
	while (d && d != tracer->landlock)
		d = d->parent;
	return d != NULL;
}
