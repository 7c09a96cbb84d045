/* Guest memory from outside: the one place of the platform that copies it. And CPU time, which is as unobtrusive. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>

#include "base/host.h"
#include "platform/fast/fast.h"

enum { PARTS_MAX = 64 };

static int64_t copy(struct tracee *t, bool write, const struct iovec *local, size_t nlocal, const struct iovec *remote, size_t nremote)
{
	if (atomic_load(&t->reaped))
		return -ESRCH;
	int64_t n = write ? host_ret(process_vm_writev(t->tid, local, nlocal, remote, nremote, 0)) :
			    host_ret(process_vm_readv(t->tid, local, nlocal, remote, nremote, 0));

	/* The tid may have become another's between test and copy; what was read is not shown to anybody then. */
	return atomic_load(&t->reaped) ? -ESRCH : n;
}

static int64_t copy_plain(struct tracee *t, bool write, void *local, uaddr_t remote, size_t n)
{
	struct iovec l = { local, n }, r = { (void *)(uintptr_t)remote.v, n };

	if (n == 0)
		return 0;
	return fast_copy(t, write, local, remote.v, n) ? (int64_t)n : copy(t, write, &l, 1, &r, 1);
}

int64_t tracee_read(struct tracee *t, void *dst, uaddr_t src, size_t n)
{
	return copy_plain(t, false, dst, src, n);
}

int64_t tracee_write(struct tracee *t, uaddr_t dst, const void *src, size_t n)
{
	return copy_plain(t, true, (void *)(uintptr_t)src, dst, n);
}

static int64_t copy_parts(struct tracee *t, bool write, const struct iovec *local, size_t nlocal, const struct guest_iov *guest, size_t nguest)
{
	struct iovec remote[PARTS_MAX];

	if (nlocal > PARTS_MAX || nguest > PARTS_MAX)
		return -EINVAL;
	if (nlocal == 1 && nguest == 1 && local->iov_len == guest->len)
		return copy_plain(t, write, local->iov_base, guest->addr, guest->len);
	for (size_t i = 0; i < nguest; i++)
		remote[i] = (struct iovec){ (void *)(uintptr_t)guest[i].addr.v, guest[i].len };
	return copy(t, write, local, nlocal, remote, nguest);
}

int64_t tracee_readv(struct tracee *t, const struct iovec *dst, size_t ndst, const struct guest_iov *src, size_t nsrc)
{
	return copy_parts(t, false, dst, ndst, src, nsrc);
}

int64_t tracee_writev(struct tracee *t, const struct guest_iov *dst, size_t ndst, const struct iovec *src, size_t nsrc)
{
	return copy_parts(t, true, src, nsrc, dst, ndst);
}

/* The host's clock ids for others' CPU time: the process' complement, shifted, and the kind. */
enum cpu_clock_kind { CPU_TICKS, CPU_TICKS_USER, CPU_SCHEDULED };

static int64_t cpu_clock_ns(pid_t tgid, enum cpu_clock_kind kind)
{
	struct timespec ts;

	if (clock_gettime((clockid_t)((~(unsigned)tgid << 3) | kind), &ts) < 0)
		return -ESRCH;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/*
 * The host tells a process' time to anybody, a single thread's only to its own process. The one thread of a process has
 * the process' time; one of many is not known: -EOPNOTSUPP.
 */
int64_t tracee_cpu_ns(struct tracee *t, bool whole_process)
{
	if (atomic_load(&t->reaped))
		return -ESRCH;
	if (!whole_process && atomic_load(&t->proc->threads) > 1)
		return -EOPNOTSUPP;
	return cpu_clock_ns(t->proc->tgid, CPU_SCHEDULED);
}

int tracee_cpu_sample(struct tracee *t, struct cpu_sample *out)
{
	int64_t user, ticks, total;

	if (atomic_load(&t->reaped))
		return -ESRCH;
	/* In this order: what is part of another may have grown less than it. */
	user = cpu_clock_ns(t->proc->tgid, CPU_TICKS_USER);
	ticks = cpu_clock_ns(t->proc->tgid, CPU_TICKS);
	total = cpu_clock_ns(t->proc->tgid, CPU_SCHEDULED);
	if (user < 0 || ticks < 0 || total < 0)
		return -ESRCH;
	*out = (struct cpu_sample){ .total = (uint64_t)total, .ticks_user = (uint64_t)user, .ticks = (uint64_t)ticks };
	return 0;
}

/* --- as a debugger reaches it ------------------------------------------------------------------------------------- */

enum { WORD = sizeof(uint64_t) };

static int io_error(int64_t ret)
{
	return ret == -ESRCH ? -ESRCH : ret < 0 ? -EIO : 0;
}

int stop_peek(struct tracee *t, uaddr_t src, void *dst, size_t n)
{
	for (size_t at = 0; at < n; at += WORD) {
		uint64_t word;
		int err = io_error(host_ptrace(PTRACE_PEEKDATA, t->tid, src.v + at, (uintptr_t)&word));

		if (err)
			return err;
		memcpy((char *)dst + at, &word, n - at < WORD ? n - at : WORD);
	}
	return 0;
}

/* The stub and what lies beside it is the one memory of a guest process that is not the guest's. */
int stop_poke(struct tracee *t, uaddr_t dst, const void *src, size_t n)
{
	if (dst.v + n + WORD < dst.v || dst.v + n + WORD > arch_address_limit())
		return -EIO;
	for (size_t at = 0; at < n; at += WORD) {
		uint64_t word;
		int err = n - at < WORD ? stop_peek(t, (uaddr_t){ dst.v + at }, &word, WORD) : 0;

		if (err)
			return err;
		memcpy(&word, (const char *)src + at, n - at < WORD ? n - at : WORD);
		err = io_error(host_ptrace(PTRACE_POKEDATA, t->tid, dst.v + at, word));
		if (err)
			return err;
	}
	return 0;
}

int stop_debug_get(struct tracee *t, int which, uint64_t *out)
{
	return (int)host_ptrace(PTRACE_PEEKUSER, t->tid, arch_debug_offset(which), (uintptr_t)out);
}

int stop_debug_set(struct tracee *t, int which, uint64_t v)
{
	if (arch_debug_is_address(which) && v >= arch_address_limit() - WORD)
		return -EINVAL;
	return (int)host_ptrace(PTRACE_POKEUSER, t->tid, arch_debug_offset(which), v);
}
