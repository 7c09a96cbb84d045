/* poll, ppoll, select, pselect6. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/resource.h"
#include "abi/time.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define ALWAYS (LX_POLLERR | LX_POLLHUP)
#define SELECT_IN (LX_POLLIN | LX_POLLRDNORM | LX_POLLRDBAND | LX_POLLHUP | LX_POLLERR)
#define SELECT_OUT (LX_POLLOUT | LX_POLLWRNORM | LX_POLLWRBAND | LX_POLLERR)
#define SELECT_EX LX_POLLPRI

/* Registers the task with what it looks at, until something is ready. */
struct watcher {
	struct poll_table table;
	struct task *t;
	struct file *f;
};

static int watch_queue(struct poll_table *table, struct waitq *q, uint32_t events)
{
	struct watcher *w = container_of(table, struct watcher, table);

	return task_wait_on_file(w->t, q, events | ALWAYS, w->f);
}

/* The events of `wanted` that hold on the fd; registers unless `found`. POLLNVAL for no fd. */
static uint32_t look(struct task *t, int fd, uint32_t wanted, bool found)
{
	AUTO_FILE struct file *f = fd_get_io(t, fd);
	struct watcher w = { .table = { .add = watch_queue, .events = wanted | ALWAYS }, .t = t, .f = f };

	if (!f)
		return LX_POLLNVAL;
	return file_poll(f, found ? NULL : &w.table) & (wanted | ALWAYS);
}

/* --- time-outs and masks ------------------------------------------------------------------------------------------- */

static int64_t deadline_after(int64_t sec, int64_t nsec)
{
	int64_t now = host_monotonic_ns();

	if (sec > (INT64_MAX - now) / 1000000000 - 1)
		return KTIMER_NEVER;
	return now + sec * 1000000000 + nsec;
}

/* The call's deadline at its first run; a null pointer means none. */
static int set_timeout(struct task *t, uaddr_t at, bool microseconds)
{
	struct lx_timespec ts;
	int64_t unit = microseconds ? 1000 : 1;

	if (uaddr_null(at) || t->blk.rerun)
		return 0;
	if (copy_in(t, &ts, at, sizeof(ts)) < 0)
		return -EFAULT;
	if (microseconds && ts.tv_nsec >= 1000000) { /* select(2) carries over what poll's kin refuse */
		if (__builtin_add_overflow(ts.tv_sec, ts.tv_nsec / 1000000, &ts.tv_sec))
			return -EINVAL;
		ts.tv_nsec %= 1000000;
	}
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec * unit >= 1000000000)
		return -EINVAL;
	task_set_deadline(t, deadline_after(ts.tv_sec, ts.tv_nsec * unit));
	return 0;
}

static void write_remaining(struct task *t, uaddr_t at, bool microseconds)
{
	int64_t left;
	struct lx_timespec ts;

	if (uaddr_null(at))
		return;
	left = t->blk.deadline == KTIMER_NEVER ? 0 : t->blk.deadline - host_monotonic_ns();
	if (left < 0 || !t->blk.has_deadline)
		left = 0;
	ts = (struct lx_timespec){ left / 1000000000, left % 1000000000 / (microseconds ? 1000 : 1) };
	copy_out(t, at, &ts, sizeof(ts)); /* a read-only time-out is no error */
}

static int set_mask(struct task *t, uaddr_t at, uint64_t size)
{
	uint64_t mask;

	if (uaddr_null(at) || t->blk.rerun)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_in(t, &mask, at, sizeof(mask)) < 0)
		return -EFAULT;
	signal_temp_mask(t, mask);
	return 0;
}

/* Ends a wait: time-outs are no error; the mask goes back unless a signal is to be delivered under it. */
static int64_t finish(struct task *t, int64_t ret)
{
	if (ret == -ETIMEDOUT)
		ret = 0;
	if (ret == -ERESTARTSYS)
		ret = -ERESTARTNOHAND;
	if (ret != SYS_BLOCKED && ret != -ERESTARTNOHAND)
		signal_restore_mask(t);
	return ret;
}

/* --- poll ----------------------------------------------------------------------------------------------------------- */

static int64_t poll_once(struct task *t, struct lx_pollfd *fds, uint32_t n)
{
	int64_t ready = 0;

	for (uint32_t i = 0; i < n; i++) {
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		fds[i].revents = (int16_t)look(t, fds[i].fd, (uint16_t)fds[i].events, ready > 0);
		if (fds[i].revents)
			ready++;
	}
	return ready;
}

static int64_t do_poll(struct task *t, uaddr_t at, uint32_t n)
{
	struct lx_pollfd few[16];
	AUTO_FREE struct lx_pollfd *many = NULL;
	struct lx_pollfd *fds = few;
	int64_t ret;

	if (n > t->proc->limits[LX_RLIMIT_NOFILE].rlim_cur)
		return -EINVAL;
	if (n > ARRAY_LEN(few)) {
		fds = many = mem_alloc(n * sizeof(*fds));
		if (!fds)
			return -ENOMEM;
	}
	if (copy_in(t, fds, at, n * sizeof(*fds)) < 0)
		return -EFAULT;
	ret = poll_once(t, fds, n);
	if (ret == 0) {
		ret = task_block(t);
		if (ret != -ETIMEDOUT)
			return ret;
		ret = 0;
	}
	return copy_out(t, at, fds, n * sizeof(*fds)) < 0 ? -EFAULT : ret;
}

int64_t sys_poll(struct task *t, const struct sysargs *a)
{
	int32_t ms = arg_int(a, 2);

	if (ms >= 0)
		task_set_deadline(t, deadline_after(ms / 1000, ms % 1000 * 1000000ll));
	return finish(t, do_poll(t, arg_addr(a, 0), arg_u32(a, 1)));
}

int64_t sys_ppoll(struct task *t, const struct sysargs *a)
{
	int64_t ret = set_timeout(t, arg_addr(a, 2), false);

	if (!ret)
		ret = set_mask(t, arg_addr(a, 3), arg_size(a, 4));
	if (!ret)
		ret = do_poll(t, arg_addr(a, 0), arg_u32(a, 1));
	if (ret >= 0 || ret == -ERESTARTSYS || ret == -ETIMEDOUT)
		write_remaining(t, arg_addr(a, 2), false);
	return finish(t, ret);
}

/* --- select ---------------------------------------------------------------------------------------------------------- */

struct fd_sets {
	uint64_t *in[3], *out[3]; /* read, write, except; NULL: not asked for */
	uint64_t words;
};

static const uint32_t set_events[3] = { SELECT_IN, SELECT_OUT, SELECT_EX };

static bool has(const uint64_t *set, uint64_t fd)
{
	return set && (set[fd / 64] >> fd % 64 & 1);
}

static int64_t select_fd(struct task *t, struct fd_sets *s, uint64_t fd, bool found)
{
	uint32_t wanted = 0, events;
	int64_t ready = 0;

	for (int i = 0; i < 3; i++)
		if (has(s->in[i], fd))
			wanted |= set_events[i];
	if (!wanted)
		return 0;
	events = look(t, (int)fd, wanted, found);
	if (events & LX_POLLNVAL)
		return -EBADF;
	for (int i = 0; i < 3; i++)
		if (s->out[i] && has(s->in[i], fd) && (events & set_events[i])) {
			s->out[i][fd / 64] |= 1ull << fd % 64;
			ready++;
		}
	return ready;
}

static int64_t select_once(struct task *t, struct fd_sets *s, uint32_t n)
{
	int64_t ready = 0;

	for (uint64_t fd = 0; fd < n; fd++) {
		int64_t got = select_fd(t, s, fd, ready > 0);

		if (got < 0)
			return got;
		ready += got;
	}
	return ready;
}

/* The highest fd that can be in use bounds the work, as in Linux: sets beyond it are not looked at. */
static uint32_t clamp_fds(struct task *t, uint32_t n)
{
	uint32_t capacity;

	LOCK_GUARD(&t->files->lock);
	capacity = t->files->capacity;
	return n > capacity ? capacity : n;
}

static int64_t do_select(struct task *t, int32_t n, const uaddr_t at[3])
{
	struct fd_sets s = { 0 };
	AUTO_FREE uint64_t *bits = NULL;
	uint32_t fds;
	int64_t ret;

	if (n < 0)
		return -EINVAL;
	fds = clamp_fds(t, (uint32_t)n);
	s.words = (fds + 63) / 64;
	bits = mem_calloc(6 * s.words + 1, sizeof(*bits));
	if (!bits)
		return -ENOMEM;
	for (int i = 0; i < 3; i++) {
		if (uaddr_null(at[i]))
			continue;
		s.in[i] = bits + (uint64_t)i * s.words;
		s.out[i] = bits + (uint64_t)(i + 3) * s.words;
		if (copy_in(t, s.in[i], at[i], s.words * 8) < 0)
			return -EFAULT;
	}
	ret = select_once(t, &s, fds);
	if (ret == 0) {
		ret = task_block(t);
		if (ret != -ETIMEDOUT)
			return ret;
		ret = 0;
	}
	for (int i = 0; i < 3 && ret >= 0; i++)
		if (s.out[i] && copy_out(t, at[i], s.out[i], s.words * 8) < 0)
			ret = -EFAULT;
	return ret;
}

static int64_t select_call(struct task *t, const struct sysargs *a, bool microseconds)
{
	const uaddr_t sets[3] = { arg_addr(a, 1), arg_addr(a, 2), arg_addr(a, 3) };
	int64_t ret = do_select(t, arg_int(a, 0), sets);

	if (ret >= 0 || ret == -ERESTARTSYS)
		write_remaining(t, arg_addr(a, 4), microseconds);
	return finish(t, ret);
}

int64_t sys_select(struct task *t, const struct sysargs *a)
{
	int ret = set_timeout(t, arg_addr(a, 4), true);

	return ret < 0 ? ret : select_call(t, a, true);
}

int64_t sys_pselect6(struct task *t, const struct sysargs *a)
{
	struct lx_sigset_argpack pack = { 0 };
	int ret = set_timeout(t, arg_addr(a, 4), false);

	if (!ret && arg_u64(a, 5) && !t->blk.rerun) {
		if (copy_in(t, &pack, arg_addr(a, 5), sizeof(pack)) < 0)
			return -EFAULT;
		ret = set_mask(t, uaddr(pack.p), pack.size);
	}
	return ret < 0 ? ret : select_call(t, a, false);
}
