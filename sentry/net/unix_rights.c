/*
 * Sockets that travel in messages. A socket may sit in its own queue, or two in each other's: then references hold them that nobody can
 * ever use. The collector finds these by mark and sweep, soon after each close while sockets travel:
 *
 *  1. Candidates are sockets whose file is held by messages only (as many references as flights).
 *  2. A flight into a candidate's own queue explains one reference; who has others left is reachable.
 *  3. What travels to a reachable candidate is reachable too.
 *  4. The rest is garbage: its queues' messages are dropped, the files close, and the cycle is gone.
 *
 * It looks at the flights, which rights.lock holds still, and never at queues: a message that is just being received has left its queue, but
 * its flight lasts until unix_rights_taken(). See unix.h.
 */
#include <stddef.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/unix.h"

/* One sandbox is one sentry: what travels in it is the process's. */
static struct {
	struct lock lock;
	struct list flying;          /* of unix_sock.flying: sockets in messages; protected by lock */
	struct list cargo;           /* of scm_files.link: messages with sockets; protected by lock */
	_Atomic uint32_t sockets;    /* on `flying` */
	_Atomic uint64_t files;      /* in messages, sockets or not */
} rights = {
	.lock = LOCK_INIT(RANK_SOCKET_NAMES, "unix rights"),
	.flying = LIST_INIT(rights.flying),
	.cargo = LIST_INIT(rights.cargo),
};

static struct unix_sock *file_unix(const struct file *f)
{
	struct socket *s = file_socket(f);

	return s && s->domain == LX_AF_UNIX ? unix_of(s) : NULL;
}

static bool has_sockets(const struct scm_files *files)
{
	for (uint32_t i = 0; i < files->count; i++)
		if (file_unix(files->file[i]))
			return true;
	return false;
}

static void for_each_socket(const struct scm_files *files, void (*fn)(struct unix_sock *))
{
	for (uint32_t i = 0; i < files->count; i++) {
		struct unix_sock *u = file_unix(files->file[i]);

		if (u)
			fn(u);
	}
}

/* --- flights --------------------------------------------------------------------------------------------------------------- */

static void take_off(struct unix_sock *u)
{
	if (u->flights++ == 0) {
		list_push_back(&rights.flying, &u->flying);
		atomic_fetch_add(&rights.sockets, 1);
	}
}

static void land(struct unix_sock *u)
{
	if (--u->flights == 0) {
		list_remove(&u->flying);
		atomic_fetch_sub(&rights.sockets, 1);
	}
}

void unix_rights_queued(struct scm_files *files, struct unix_sock *receiver)
{
	if (!files)
		return;
	atomic_fetch_add(&rights.files, files->count);
	if (!has_sockets(files))
		return;
	LOCK_GUARD(&rights.lock);
	files->receiver = receiver;
	list_push_back(&rights.cargo, &files->link);
	for_each_socket(files, take_off);
}

void unix_rights_taken(struct scm_files *files)
{
	if (!files)
		return;
	atomic_fetch_sub(&rights.files, files->count);
	if (!has_sockets(files))
		return;
	LOCK_GUARD(&rights.lock);
	files->receiver = NULL;
	list_remove(&files->link);
	for_each_socket(files, land);
}

void unix_rights_accepted(struct unix_sock *u)
{
	LOCK_GUARD(&rights.lock);
	u->listener = NULL;
}

bool unix_rights_too_many(struct task *t)
{
	return atomic_load(&rights.files) > t->proc->limits[LX_RLIMIT_NOFILE].rlim_cur && !cred_capable(t->cred, LX_CAP_SYS_RESOURCE) &&
	       !cred_capable(t->cred, LX_CAP_SYS_ADMIN);
}

/* --- the collector: all under rights.lock ------------------------------------------------------------------------------------ */

/* Who must be reachable for the message to be: the receiver, or the listener that its end of the connection waits at. */
static struct unix_sock *holder(const struct scm_files *files)
{
	return files->receiver->listener ? files->receiver->listener : files->receiver;
}

static bool is_candidate(const struct unix_sock *u)
{
	return u->flights && u->mark == RIGHTS_CANDIDATE;
}

static void find_candidates(void)
{
	struct unix_sock *u;

	list_for_each(u, &rights.flying, flying) {
		int refs = atomic_load(&u->s.file->ref.count);

		u->mark = refs == (int)u->flights ? RIGHTS_CANDIDATE : RIGHTS_LIVE;
		u->unexplained = u->flights;
	}
}

static void explain(struct unix_sock *u)
{
	u->unexplained--;
}

static void explain_references(void)
{
	struct scm_files *files;

	list_for_each(files, &rights.cargo, link)
		if (is_candidate(holder(files)))
			for_each_socket(files, explain);
}

static void make_live(struct unix_sock *u)
{
	u->mark = RIGHTS_LIVE;
}

/* One pass over everything; true when it found something more. Cycles are rare and chains short: no worklist. */
static bool spread_life(void)
{
	struct scm_files *files;
	bool more = false;

	list_for_each(files, &rights.cargo, link) {
		if (is_candidate(holder(files)) || files->seen_live)
			continue;
		files->seen_live = true;
		for_each_socket(files, make_live);
		more = true;
	}
	return more;
}

static struct unix_sock *find_garbage(void)
{
	struct unix_sock *u, *garbage = NULL;
	struct scm_files *files;

	find_candidates();
	explain_references();
	list_for_each(u, &rights.flying, flying)
		if (u->unexplained > 0)
			make_live(u);
	list_for_each(files, &rights.cargo, link)
		files->seen_live = false;
	while (spread_life())
		;
	list_for_each(u, &rights.flying, flying) {
		if (u->mark != RIGHTS_CANDIDATE || u->collected)
			continue;
		u->collected = true;
		u->next_garbage = garbage;
		garbage = unix_get(u);
	}
	return garbage;
}

static atomic_bool collecting; /* asked for, and not begun */

static void collect(struct work *w)
{
	struct unix_sock *garbage, *next;

	(void)w;
	atomic_store(&collecting, false);
	lock_take(&rights.lock);
	garbage = find_garbage();
	lock_drop(&rights.lock);
	for (; garbage; garbage = next) {
		next = garbage->next_garbage;
		unix_empty(garbage);
		unix_put(garbage);
	}
}

void unix_rights_collect(void)
{
	static struct work work = { .fn = collect }; /* queued at most once: `collecting` */

	if (atomic_load(&rights.sockets) && !atomic_exchange(&collecting, true))
		sched_defer(&work);
}
