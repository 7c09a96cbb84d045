/* How Landlock's rules are evaluated: layers, places, ports, scopes. landlock(7). */
#include "abi/landlock.h"
#include "fs_world.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/landlock_rights.h"

#define READ LX_LANDLOCK_FS_READ_FILE
#define WRITE LX_LANDLOCK_FS_WRITE_FILE

static struct world w;

static void setup(void)
{
	world_init(&w, NULL);
	cr_assert_eq(make(&w, "/d", DIR_MODE), 0);
	cr_assert_eq(make(&w, "/d/e", DIR_MODE), 0);
	cr_assert_eq(make(&w, "/d/e/f", FILE_MODE), 0);
	cr_assert_eq(make(&w, "/x", FILE_MODE), 0);
}

static void teardown(void)
{
	world_done(&w);
}

TestSuite(landlock, .init = setup, .fini = teardown);

static struct path at(const char *name)
{
	struct path p = { 0 };

	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, name, 0, &p), 0, "%s", name);
	return p;
}

static int may(const char *name, uint64_t rights)
{
	struct path p = at(name);
	int ret = landlock_may(w.t.cred, &p, rights);

	path_put(&p);
	return ret;
}

static struct landlock_rules handling(uint64_t fs, uint64_t net, uint64_t scoped)
{
	const struct lx_landlock_ruleset_attr attr = { fs, net, scoped };
	struct landlock_rules r;

	landlock_rules_init(&r, NULL, &attr);
	return r;
}

static void allow(struct landlock_rules *r, const char *name, uint64_t rights)
{
	struct path p = at(name);

	cr_assert_eq(landlock_add_path(r, p.dentry, rights), 0);
	path_put(&p);
}

/* Rules become the newest layer of the task's credentials. */
static void enforce(struct landlock_rules *r)
{
	struct landlock_domain *d;

	cr_assert_eq(landlock_domain_new(r, w.t.cred->landlock, &d), 0);
	landlock_domain_put(w.t.cred->landlock);
	w.t.cred->landlock = d;
	landlock_rules_drop(r);
}

Test(landlock, nothing_is_forbidden_without_a_domain)
{
	cr_assert_eq(may("/d/e/f", LX_LANDLOCK_FS_ALL), 0);
	cr_assert_eq(landlock_may_port(w.t.cred, 80, LX_LANDLOCK_NET_ALL), 0);
}

Test(landlock, rights_come_from_the_place_and_from_above)
{
	struct landlock_rules r = handling(READ | WRITE, 0, 0);

	allow(&r, "/d", READ);
	allow(&r, "/d/e/f", WRITE);
	enforce(&r);
	cr_assert_eq(may("/d/e/f", READ | WRITE), 0);
	cr_assert_eq(may("/d/e", READ), 0);
	cr_assert_eq(may("/d/e", WRITE), -EACCES);
	cr_assert_eq(may("/x", READ), -EACCES);
	cr_assert_eq(may("/x", LX_LANDLOCK_FS_EXECUTE), 0, "what no layer handles is free");
}

Test(landlock, each_layer_must_give_the_right)
{
	struct landlock_rules first = handling(READ, 0, 0), second = handling(READ | WRITE, 0, 0);

	allow(&first, "/d", READ);
	allow(&second, "/", READ);
	allow(&second, "/x", WRITE);
	enforce(&first);
	enforce(&second);
	cr_assert_eq(may("/d/e/f", READ), 0);
	cr_assert_eq(may("/x", READ), -EACCES, "the first layer");
	cr_assert_eq(may("/x", WRITE), 0, "the first layer does not handle it");
	cr_assert_eq(may("/d/e/f", WRITE), -EACCES, "the second does");
}

Test(landlock, rules_for_one_place_add_up)
{
	struct landlock_rules r = handling(READ | WRITE, 0, 0);
	struct path x = at("/x"), d = at("/d");

	allow(&r, "/x", READ);
	allow(&r, "/d", READ);
	allow(&r, "/x", WRITE);
	cr_assert_eq(r.path_count, 2);
	cr_assert_eq(landlock_path_rights(&r, x.dentry->inode), READ | WRITE);
	cr_assert_eq(landlock_path_rights(&r, d.dentry->inode), READ);
	path_put(&x);
	path_put(&d);
	landlock_rules_drop(&r);
}

Test(landlock, many_rules_stay_sorted)
{
	struct landlock_rules r = handling(READ, LX_LANDLOCK_NET_ALL, 0);

	for (int i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/n%d", i * 7 % 50);
		cr_assert_eq(make(&w, name, FILE_MODE), 0);
		allow(&r, name, READ);
		cr_assert_eq(landlock_add_port(&r, (uint64_t)(i * 7 % 50), LX_LANDLOCK_NET_BIND_TCP), 0);
	}
	for (uint32_t i = 1; i < 50; i++) {
		cr_assert_lt((uintptr_t)r.paths[i - 1].dentry->inode, (uintptr_t)r.paths[i].dentry->inode);
		cr_assert_lt(r.ports[i - 1].port, r.ports[i].port);
	}
	landlock_rules_drop(&r);
}

Test(landlock, ports)
{
	struct landlock_rules r = handling(0, LX_LANDLOCK_NET_BIND_TCP, 0);

	cr_assert_eq(landlock_add_port(&r, 80, LX_LANDLOCK_NET_BIND_TCP), 0);
	cr_assert_eq(landlock_add_port(&r, 0, LX_LANDLOCK_NET_BIND_TCP), 0);
	enforce(&r);
	cr_assert_eq(landlock_may_port(w.t.cred, 80, LX_LANDLOCK_NET_BIND_TCP), 0);
	cr_assert_eq(landlock_may_port(w.t.cred, 0, LX_LANDLOCK_NET_BIND_TCP), 0);
	cr_assert_eq(landlock_may_port(w.t.cred, 81, LX_LANDLOCK_NET_BIND_TCP), -EACCES);
	cr_assert_eq(landlock_may_port(w.t.cred, 81, LX_LANDLOCK_NET_CONNECT_TCP), 0);
	cr_assert_eq(may("/x", READ), 0);
}

Test(landlock, sixteen_layers_and_no_more)
{
	struct landlock_rules r = handling(READ, 0, 0);
	struct landlock_domain *d = NULL, *next;

	for (uint32_t i = 1; i <= LX_LANDLOCK_MAX_LAYERS; i++) {
		cr_assert_eq(landlock_domain_new(&r, d, &next), 0);
		landlock_domain_put(d);
		d = next;
		cr_assert_eq(d->layers, i);
	}
	cr_assert_eq(landlock_domain_new(&r, d, &next), -E2BIG);
	landlock_domain_put(d);
	landlock_rules_drop(&r);
}

Test(landlock, scopes_reach_inwards_only)
{
	struct landlock_rules scoped = handling(0, 0, LX_LANDLOCK_SCOPE_SIGNAL), plain = handling(READ, 0, 0);
	struct landlock_domain *outer, *inner, *other;

	cr_assert_eq(landlock_domain_new(&scoped, NULL, &outer), 0);
	cr_assert_eq(landlock_domain_new(&plain, outer, &inner), 0);
	cr_assert_eq(landlock_domain_new(&plain, NULL, &other), 0);
	cr_assert(landlock_scoped(outer, NULL, LX_LANDLOCK_SCOPE_SIGNAL), "out of the domain");
	cr_assert(landlock_scoped(outer, other, LX_LANDLOCK_SCOPE_SIGNAL), "into another");
	cr_assert(!landlock_scoped(outer, outer, LX_LANDLOCK_SCOPE_SIGNAL));
	cr_assert(!landlock_scoped(outer, inner, LX_LANDLOCK_SCOPE_SIGNAL));
	cr_assert(!landlock_scoped(inner, outer, LX_LANDLOCK_SCOPE_SIGNAL), "its own layer scopes nothing, and both share the outer one");
	cr_assert(landlock_scoped(inner, NULL, LX_LANDLOCK_SCOPE_SIGNAL), "the outer layer holds for it too");
	cr_assert(!landlock_scoped(NULL, outer, LX_LANDLOCK_SCOPE_SIGNAL), "from outside");
	cr_assert(!landlock_scoped(outer, NULL, LX_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET), "another scope");
	landlock_domain_put(other);
	landlock_domain_put(inner);
	landlock_domain_put(outer);
}

Test(landlock, tracing_goes_inwards_only)
{
	struct landlock_rules r = handling(READ, 0, 0);
	struct cred free = { 0 }, outer = { 0 }, inner = { 0 };

	cr_assert_eq(landlock_domain_new(&r, NULL, &outer.landlock), 0);
	cr_assert_eq(landlock_domain_new(&r, outer.landlock, &inner.landlock), 0);
	cr_assert(landlock_may_trace(&free, &inner));
	cr_assert(landlock_may_trace(&outer, &inner));
	cr_assert(landlock_may_trace(&outer, &outer));
	cr_assert(!landlock_may_trace(&inner, &outer));
	cr_assert(!landlock_may_trace(&outer, &free));
	landlock_domain_put(inner.landlock);
	landlock_domain_put(outer.landlock);
}
