/* Filters: how they come in, are inherited, synchronized between threads, and let go. See seccomp.h. */
#include "sentry/kernel/seccomp.h"

#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/poll.h"
#include "abi/prctl.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/seccomp_impl.h"

#define MAX_CHAIN_LENGTH 32768 /* of all filters of a task, in Linux's instructions */
#define CHAIN_PENALTY 4        /* which counts each but the newest as so much longer */

/* --- references ---------------------------------------------------------------------------------------------------- */

struct seccomp_filter *seccomp_filter_get(struct seccomp_filter *f)
{
	ref_get(&f->ref);
	return f;
}

void seccomp_filter_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->ref)) { /* not by recursion: chains are long */
		struct seccomp_filter *prev = f->prev;

		memory_charge(f->k, -f->charged);
		mem_free(f->listener);
		mem_free(f->code);
		mem_free(f);
		f = prev;
	}
}

/* One user less; supervisors of filters that nobody is under any more hear of it. */
static void leave(struct seccomp_filter *f)
{
	while (f && atomic_fetch_sub(&f->users, 1) == 1) {
		if (f->listener)
			waitq_wake(&f->listener->queue, LX_POLLHUP);
		f = f->prev;
	}
}

/* --- making ---------------------------------------------------------------------------------------------------------- */

static struct seccomp_filter *filter_new(struct kernel *k, struct lx_sock_filter *code, uint32_t len)
{
	struct seccomp_filter *f = mem_zalloc(sizeof(*f));

	if (!f)
		return NULL;
	ref_init(&f->ref);
	f->k = k;
	f->len = len;
	f->kernel_len = bpf_kernel_length(code, len);
	f->charged = (int64_t)(sizeof(*f) + len * sizeof(*code));
	if (memory_charge(k, f->charged) < 0) {
		mem_free(f);
		return NULL;
	}
	f->code = code;
	return f;
}

static int copy_filter(struct task *t, uaddr_t fprog, struct seccomp_filter **out)
{
	struct lx_sock_filter *code;
	struct lx_sock_fprog prog;
	int err = bpf_copy_header(t, fprog, &prog);

	if (!err && !task_no_new_privs(t) && !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		err = -EACCES;
	if (!err)
		err = bpf_copy_code(t, &prog, &code);
	if (err)
		return err;
	err = seccomp_check_code(code, prog.len);
	*out = err ? NULL : filter_new(t->k, code, prog.len);
	if (!*out)
		mem_free(code);
	return err ? err : *out ? 0 : -ENOMEM;
}

/* --- attaching ------------------------------------------------------------------------------------------------------- */

bool task_no_new_privs(const struct task *t)
{
	return t->cred->no_new_privs || atomic_load(&t->entry.seccomp.no_new_privs);
}

static bool may_assign(const struct task *t, int mode)
{
	int now = atomic_load(&t->entry.seccomp.mode);

	return now == LX_SECCOMP_MODE_DISABLED || now == mode;
}

static void assign(struct task *t, int mode)
{
	atomic_store(&t->entry.seccomp.mode, mode);
	atomic_fetch_or(&t->entry.work, ENTRY_SECCOMP);
}

static bool is_ancestor(const struct seccomp_filter *f, const struct seccomp_filter *of)
{
	if (!f)
		return true;
	for (; of; of = of->prev)
		if (of == f)
			return true;
	return false;
}

/* The first thread that cannot take over the caller's filters, since it has others; 0 when all can. sig_lock held. */
static int find_unsyncable(struct task *t)
{
	struct task *other;

	list_for_each(other, &t->proc->tasks, proc_link) {
		int mode = atomic_load(&other->entry.seccomp.mode);

		if (other == t || mode == LX_SECCOMP_MODE_DISABLED)
			continue;
		if (mode != LX_SECCOMP_MODE_FILTER || !is_ancestor(other->entry.seccomp.filter, t->entry.seccomp.filter))
			return other->tid;
	}
	return 0;
}

/* What a task has is an ancestor of what it gets, which keeps it: the runner may be reading it. sig_lock held. */
static void give(struct task *t, struct seccomp_filter *f)
{
	struct seccomp_filter *old = atomic_load(&t->entry.seccomp.filter);

	atomic_fetch_add(&f->users, 1);
	atomic_store(&t->entry.seccomp.filter, seccomp_filter_get(f));
	leave(old);
	seccomp_filter_put(old);
	assign(t, LX_SECCOMP_MODE_FILTER);
}

static void sync_threads(struct task *t, struct seccomp_filter *f)
{
	struct task *other;

	list_for_each(other, &t->proc->tasks, proc_link) {
		if (other == t)
			continue;
		give(other, f);
		if (task_no_new_privs(t))
			atomic_store(&other->entry.seccomp.no_new_privs, true);
	}
}

static bool chain_too_long(const struct seccomp_filter *f)
{
	uint32_t total = f->kernel_len;

	for (f = f->prev; f && total <= MAX_CHAIN_LENGTH; f = f->prev)
		total += f->kernel_len + CHAIN_PENALTY;
	return total > MAX_CHAIN_LENGTH;
}

static bool second_listener(struct seccomp_filter *f)
{
	if (!f->listener)
		return false;
	for (f = f->prev; f; f = f->prev)
		if (seccomp_listener_open(f))
			return true;
	return false;
}

/* 0, a thread's number, or negative errno. */
static int attach(struct task *t, struct seccomp_filter *f, uint32_t flags)
{
	struct seccomp_filter *newest;
	int tid;

	LOCK_GUARD(&t->proc->sig_lock);
	if (!may_assign(t, LX_SECCOMP_MODE_FILTER))
		return -EINVAL;
	newest = atomic_load(&t->entry.seccomp.filter);
	if (newest) {
		f->prev = seccomp_filter_get(newest);
		atomic_fetch_add(&newest->users, 1);
	}
	if (second_listener(f))
		return -EBUSY;
	if (chain_too_long(f))
		return -ENOMEM;
	tid = flags & LX_SECCOMP_FILTER_FLAG_TSYNC ? find_unsyncable(t) : 0;
	if (tid)
		return flags & LX_SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : tid;
	seccomp_cache(f);
	give(t, f);
	if (flags & LX_SECCOMP_FILTER_FLAG_TSYNC)
		sync_threads(t, f);
	return 0;
}

static int64_t attach_with_listener(struct task *t, struct seccomp_filter *f, uint32_t flags)
{
	struct file *file = NULL;
	int err, fd = fd_reserve(t, 0);

	if (fd < 0)
		return fd;
	err = seccomp_listener_new(f);
	if (!err)
		err = seccomp_listener_file(t, f, &file);
	if (!err)
		err = attach(t, f, flags);
	if (!err) {
		fd_install(t, fd, file, true);
		return fd;
	}
	if (file)
		file_put(file);
	fd_unreserve(t, fd);
	return err;
}

static bool flags_agree(uint32_t flags)
{
	bool sync = flags & LX_SECCOMP_FILTER_FLAG_TSYNC, listener = flags & LX_SECCOMP_FILTER_FLAG_NEW_LISTENER;

	if (flags & ~LX_SECCOMP_FILTER_FLAGS)
		return false;
	/* Both have a positive number to return. */
	if (sync && listener && !(flags & LX_SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return false;
	return listener || !(flags & LX_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

int64_t seccomp_set_filter(struct task *t, uint32_t flags, uaddr_t fprog)
{
	struct seccomp_filter *f;
	int64_t ret;

	if (!flags_agree(flags))
		return -EINVAL;
	ret = copy_filter(t, fprog, &f);
	if (ret)
		return ret;
	f->wait_killable = flags & LX_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	ret = flags & LX_SECCOMP_FILTER_FLAG_NEW_LISTENER ? attach_with_listener(t, f, flags) : attach(t, f, flags);
	if (!atomic_load(&f->users))
		leave(f->prev);
	seccomp_filter_put(f);
	return ret;
}

int seccomp_set_strict(struct task *t)
{
	LOCK_GUARD(&t->proc->sig_lock);
	if (!may_assign(t, LX_SECCOMP_MODE_STRICT))
		return -EINVAL;
	assign(t, LX_SECCOMP_MODE_STRICT);
	return 0;
}

/* --- tasks ------------------------------------------------------------------------------------------------------------ */

void seccomp_inherit(struct task *child, struct task *from)
{
	struct seccomp_filter *f;

	LOCK_GUARD(&from->proc->sig_lock); /* a TSYNC that has missed the child has not seen `from` either */
	atomic_store(&child->entry.seccomp.no_new_privs, atomic_load(&from->entry.seccomp.no_new_privs));
	f = atomic_load(&from->entry.seccomp.filter);
	if (f)
		give(child, f);
	else if (atomic_load(&from->entry.seccomp.mode))
		assign(child, LX_SECCOMP_MODE_STRICT);
}

void seccomp_leave(struct task *t)
{
	struct seccomp_filter *f;

	lock_take(&t->proc->sig_lock);
	f = atomic_exchange(&t->entry.seccomp.filter, NULL);
	lock_drop(&t->proc->sig_lock);
	leave(f);
	seccomp_filter_put(f);
}

int64_t seccomp_filter_code(struct task *t, uint64_t index, struct lx_sock_filter *out)
{
	struct seccomp_filter *f;
	uint64_t n = 0;

	LOCK_GUARD(&t->proc->sig_lock);
	f = atomic_load(&t->entry.seccomp.filter);
	for (const struct seccomp_filter *i = f; i; i = i->prev)
		n++;
	if (n == 0)
		return -EINVAL;
	if (index >= n)
		return -ENOENT;
	while (--n > index)
		f = f->prev;
	memcpy(out, f->code, f->len * sizeof(*out));
	return f->len;
}

int seccomp_filter_count(struct task *t)
{
	int n = 0;

	LOCK_GUARD(&t->proc->sig_lock);
	for (const struct seccomp_filter *f = atomic_load(&t->entry.seccomp.filter); f; f = f->prev)
		n++;
	return n;
}
