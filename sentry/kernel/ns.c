/* Namespaces: see ns.h. Linux: kernel/nsproxy.c. */
#include "sentry/kernel/ns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/sched.h"
#include "base/mem.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/sysv.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/net/netns.h"

struct lock uts_lock = LOCK_INIT(RANK_FS_CTX, "uts");

/* Numbers of those that come after the first ones, as Linux gives them; never used twice. */
static _Atomic uint32_t next_inum = 4026532200u;

void ns_init(struct ns *ns, enum ns_kind kind, struct user_ns *owner)
{
	ref_init(&ns->ref);
	ns->kind = kind;
	ns->inum = atomic_fetch_add(&next_inum, 1);
	ns->owner = owner ? user_ns_get(owner) : NULL;
}

void ns_init_first(struct ns *ns, enum ns_kind kind, struct user_ns *owner)
{
	ns_init(ns, kind, owner);
	ns->inum = ns_types[kind].first_inum;
}

struct ns *ns_get(struct ns *ns)
{
	ref_get(&ns->ref);
	return ns;
}

void ns_put(struct ns *ns)
{
	/* A loop, not recursion: the owner of the last namespace of a deep nest goes with it, and the next. */
	while (ns && ref_put(&ns->ref)) {
		struct user_ns *owner = ns->owner;

		if (owner)
			user_ns_uncharge(owner, ns->kind);
		ns_types[ns->kind].destroy(ns);
		ns = owner ? &owner->ns : NULL;
	}
}

/* --- kinds that are little more than an identity ------------------------------------------------------------------------------- */

static void plain_destroy(struct ns *ns)
{
	mem_free(ns);
}

static struct ns *plain_copy(struct task *t, struct ns *from, struct user_ns *owner, int *err)
{
	struct ns *ns = mem_zalloc(sizeof(*ns));

	(void)t;
	*err = -ENOMEM;
	if (ns)
		ns_init(ns, from->kind, owner);
	return ns;
}

/* Its queues, semaphores and segments are found by its number; POSIX message queues are one world still. */
static void ipc_destroy(struct ns *ns)
{
	msg_end_ns(ns->inum);
	sem_end_ns(ns->inum);
	shm_end_ns(ns->inum);
	mem_free(ns);
}

static struct ns *pid_copy(struct task *t, struct ns *from, struct user_ns *owner, int *err)
{
	(void)t, (void)from, (void)owner;
	*err = -EPERM;
	return NULL;
}

static struct ns *net_new(struct netns *net, struct user_ns *owner, bool first)
{
	struct net_ns *n = net ? mem_zalloc(sizeof(*n)) : NULL;

	if (!n) {
		netns_put(net);
		return NULL;
	}
	if (first)
		ns_init_first(&n->ns, NS_NET, owner);
	else
		ns_init(&n->ns, NS_NET, owner);
	n->net = net;
	return &n->ns;
}

static struct ns *net_copy(struct task *t, struct ns *from, struct user_ns *owner, int *err)
{
	(void)t;
	(void)from;
	*err = -ENOMEM;
	return net_new(netns_create(), owner, false);
}

static void net_destroy(struct ns *ns)
{
	netns_put(container_of(ns, struct net_ns, ns)->net);
	mem_free(container_of(ns, struct net_ns, ns));
}

static void user_destroy(struct ns *ns)
{
	struct user_ns *u = container_of(ns, struct user_ns, ns);

	mem_free(atomic_load(&u->map[ID_USER]));
	mem_free(atomic_load(&u->map[ID_GROUP]));
	mem_free(u);
}

static struct uts_ns *uts_of(struct ns *ns)
{
	return container_of(ns, struct uts_ns, ns);
}

static struct ns *uts_copy(struct task *t, struct ns *from, struct user_ns *owner, int *err)
{
	struct uts_ns *u = mem_zalloc(sizeof(*u));

	(void)t;
	*err = -ENOMEM;
	if (!u)
		return NULL;
	ns_init(&u->ns, NS_UTS, owner);
	LOCK_GUARD(&uts_lock);
	memcpy(u->hostname, uts_of(from)->hostname, sizeof(u->hostname));
	memcpy(u->domainname, uts_of(from)->domainname, sizeof(u->domainname));
	return &u->ns;
}

static void uts_destroy(struct ns *ns)
{
	mem_free(uts_of(ns));
}

struct uts_ns *task_uts(struct task *t)
{
	return uts_of(t->ns->of[NS_UTS]);
}

const struct ns_type ns_types[NS_KINDS] = {
	[NS_USER] = { "user", LX_CLONE_NEWUSER, 4026531837u, NULL, user_destroy },
	[NS_MNT] = { "mnt", LX_CLONE_NEWNS, 4026531841u, mount_ns_copy, mount_ns_destroy },
	[NS_PID] = { "pid", LX_CLONE_NEWPID, 4026531836u, pid_copy, plain_destroy },
	[NS_UTS] = { "uts", LX_CLONE_NEWUTS, 4026531838u, uts_copy, uts_destroy },
	[NS_IPC] = { "ipc", LX_CLONE_NEWIPC, 4026531839u, plain_copy, ipc_destroy },
	[NS_NET] = { "net", LX_CLONE_NEWNET, 4026531840u, net_copy, net_destroy },
	[NS_CGROUP] = { "cgroup", LX_CLONE_NEWCGROUP, 4026531835u, plain_copy, plain_destroy },
	[NS_TIME] = { "time", LX_CLONE_NEWTIME, 4026531834u, plain_copy, plain_destroy },
};

/* --- sets --------------------------------------------------------------------------------------------------------------------- */

struct ns_set *ns_set_get(struct ns_set *s)
{
	if (s)
		ref_get(&s->ref);
	return s;
}

void ns_set_put(struct ns_set *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	for (int i = 0; i < NS_KINDS; i++)
		ns_put(s->of[i]);
	ns_put(s->time_for_children);
	mem_free(s);
}

struct ns_set *ns_set_copy(const struct ns_set *from)
{
	struct ns_set *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->ref);
	for (int i = 0; i < NS_KINDS; i++)
		s->of[i] = from->of[i] ? ns_get(from->of[i]) : NULL;
	s->time_for_children = from->time_for_children ? ns_get(from->time_for_children) : NULL;
	return s;
}

static struct ns *unshare_one(struct task *t, enum ns_kind kind, struct ns *from, struct user_ns *owner, int *err)
{
	struct ns *ns;

	*err = user_ns_charge(owner, kind);
	if (*err)
		return NULL;
	ns = ns_types[kind].copy(t, from, owner, err);
	if (ns)
		*err = 0;
	else
		user_ns_uncharge(owner, kind);
	return ns;
}

static int unshare_kinds(struct task *t, struct ns_set *s, uint64_t flags, struct user_ns *owner)
{
	for (int i = NS_USER + 1; i < NS_KINDS; i++) {
		struct ns **slot = i == NS_TIME ? &s->time_for_children : &s->of[i], *ns;
		int err;

		if (!(flags & ns_types[i].flag))
			continue;
		ns = unshare_one(t, (enum ns_kind)i, *slot, owner, &err);
		if (!ns)
			return err;
		ns_put(*slot);
		*slot = ns;
	}
	return 0;
}

struct ns_set *ns_set_unshare(struct task *t, uint64_t flags, struct user_ns *owner, int *err)
{
	struct ns_set *s;

	*err = -ENOMEM;
	s = ns_set_copy(t->ns);
	if (!s)
		return NULL;
	*err = unshare_kinds(t, s, flags, owner);
	if (!*err)
		return s;
	ns_set_put(s);
	return NULL;
}

struct ns_set *task_ns_set(struct task *t)
{
	LOCK_GUARD(&t->proc->lock);
	return ns_set_get(t->ns);
}

void task_set_ns(struct task *t, struct ns_set *s)
{
	struct ns_set *old;

	lock_take(&t->proc->lock);
	old = t->ns;
	t->ns = s;
	lock_drop(&t->proc->lock);
	ns_set_put(old);
}

/* --- the first ones -------------------------------------------------------------------------------------------------------------- */

int ns_boot(struct kernel *k)
{
	static const enum ns_kind plain[] = { NS_PID, NS_IPC, NS_CGROUP, NS_TIME };
	struct ns_set *s = mem_zalloc(sizeof(*s));
	struct uts_ns *uts = mem_zalloc(sizeof(*uts));

	if (!s || !uts) {
		mem_free(s);
		mem_free(uts);
		return -ENOMEM;
	}
	ref_init(&s->ref);
	ns_init_first(&uts->ns, NS_UTS, &first_user_ns);
	snprintf(uts->hostname, sizeof(uts->hostname), "%s", k->spec && k->spec->hostname ? k->spec->hostname : "picket");
	snprintf(uts->domainname, sizeof(uts->domainname), "%s", k->spec && k->spec->domainname ? k->spec->domainname : "(none)");
	s->of[NS_UTS] = &uts->ns;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		struct ns *ns = mem_zalloc(sizeof(*ns));

		if (!ns)
			return -ENOMEM; /* the sandbox does not start: nothing is taken back */
		ns_init_first(ns, plain[i], &first_user_ns);
		s->of[plain[i]] = ns;
	}
	s->of[NS_NET] = net_new(netns_get(k->netns), &first_user_ns, true);
	if (!s->of[NS_NET])
		return -ENOMEM;
	s->time_for_children = ns_get(s->of[NS_TIME]);
	s->of[NS_MNT] = ns_get(&k->mounts->ns);
	k->ns = s;
	return 0;
}
