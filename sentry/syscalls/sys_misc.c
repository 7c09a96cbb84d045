/* uname, sysinfo, sethostname, setdomainname, getrandom, membarrier, personality, arch_prctl. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>

#include "abi/arch.h"
#include "abi/cred.h"
#include "abi/utsname.h"
#include "base/host.h"
#include "platform/arch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/kernel/version.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static void put_text(char field[LX_UTS_LEN], const char *text)
{
	snprintf(field, LX_UTS_LEN, "%s", text);
}

int64_t sys_uname(struct task *t, const struct sysargs *a)
{
	struct lx_utsname u;

	memset(&u, 0, sizeof(u));
	put_text(u.sysname, "Linux");
	put_text(u.release, GUEST_RELEASE);
	put_text(u.version, GUEST_VERSION);
	put_text(u.machine, arch_platform_string());
	lock_take(&uts_lock);
	memcpy(u.nodename, task_uts(t)->hostname, sizeof(u.nodename));
	memcpy(u.domainname, task_uts(t)->domainname, sizeof(u.domainname));
	lock_drop(&uts_lock);
	return copy_out(t, arg_addr(a, 0), &u, sizeof(u));
}

static int64_t set_name(struct task *t, const struct sysargs *a, char *name)
{
	char new[LX_UTS_LEN] = "";
	int len = arg_int(a, 1);

	if (!ns_capable(t->cred, task_uts(t)->ns.owner, LX_CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len >= LX_UTS_LEN)
		return -EINVAL;
	if (copy_in(t, new, arg_addr(a, 0), (size_t)len) < 0)
		return -EFAULT;
	LOCK_GUARD(&uts_lock);
	memcpy(name, new, sizeof(new));
	return 0;
}

int64_t sys_sethostname(struct task *t, const struct sysargs *a)
{
	return set_name(t, a, task_uts(t)->hostname);
}

int64_t sys_setdomainname(struct task *t, const struct sysargs *a)
{
	return set_name(t, a, task_uts(t)->domainname);
}

/* The sandbox's memory limit is its machine; without one it sees the host's size. */
int64_t sys_sysinfo(struct task *t, const struct sysargs *a)
{
	uint64_t limit = t->k->spec ? t->k->spec->memory_limit : 0, used = (uint64_t)atomic_load(&t->k->memory_used);
	struct lx_sysinfo out = { .mem_unit = 1, .procs = (uint16_t)t->k->task_count };
	struct sysinfo host;

	for (int i = 0; i < LOAD_SPANS; i++)
		out.loads[i] = load_get(t->k, i);
	out.uptime = (host_monotonic_ns() - t->k->boot_monotonic_ns) / LX_NSEC_PER_SEC;
	if (sysinfo(&host) == 0) {
		out.totalram = (uint64_t)host.totalram * host.mem_unit;
		out.freeram = (uint64_t)host.freeram * host.mem_unit;
	}
	if (limit && (!out.totalram || limit < out.totalram)) {
		out.totalram = limit;
		out.freeram = used < limit ? limit - used : 0;
	}
	return copy_out(t, arg_addr(a, 0), &out, sizeof(out));
}

#define RANDOM_MAX 0x7fffffff
#define RANDOM_CHUNK 1024

int64_t sys_getrandom(struct task *t, const struct sysargs *a)
{
	uint64_t len = arg_size(a, 1), done = 0;
	uint32_t flags = arg_u32(a, 2);
	char buf[RANDOM_CHUNK];

	if (flags & ~(uint32_t)(LX_GRND_NONBLOCK | LX_GRND_RANDOM | LX_GRND_INSECURE))
		return -EINVAL;
	if ((flags & (LX_GRND_INSECURE | LX_GRND_RANDOM)) == (LX_GRND_INSECURE | LX_GRND_RANDOM))
		return -EINVAL;
	if (len > RANDOM_MAX)
		len = RANDOM_MAX;
	while (done < len) {
		size_t part = len - done < sizeof(buf) ? len - done : sizeof(buf);

		if (HOST_RETRY(getrandom(buf, part, 0)) != (int64_t)part)
			return -EIO;
		if (copy_out(t, uaddr_add(arg_addr(a, 0), done), buf, part) < 0)
			return done ? (int64_t)done : -EFAULT;
		done += part;
		if (signal_pending(t) && done < len)
			break;
	}
	return (int64_t)done;
}

/* Scalars, and about the host process's own threads: the host does it. */
int64_t sys_membarrier(struct task *t, const struct sysargs *a)
{
	(void)t;
	(void)a;
	return SYS_PASS;
}

int64_t sys_personality(struct task *t, const struct sysargs *a)
{
	uint32_t new = arg_u32(a, 0), old;

	LOCK_GUARD(&t->proc->lock);
	old = t->proc->personality;
	if (new != UINT32_MAX)
		t->proc->personality = new;
	return old;
}

/* At a stop, through the registers: a base that the host is asked to set there is lost when they are written back. */
static int64_t set_base(struct task *t, int which, uint64_t value)
{
	if (value >= platform_address_limit(t->k->platform))
		return -EPERM;
	arch_set_base(stop_regs(t->tracee), which, value);
	return 0;
}

static int64_t get_base(struct task *t, int which, uaddr_t to)
{
	uint64_t base = arch_base(stop_regs(t->tracee), which);

	return copy_out(t, to, &base, sizeof(base));
}

/* Extended states: all that the CPU has is there from the start, but for what would need a larger signal frame. */
static int64_t put_xcomp(struct task *t, uaddr_t to)
{
	uint64_t features = arch_xstate_features();

	return copy_out(t, to, &features, sizeof(features));
}

static int64_t request_xcomp(uint64_t feature)
{
	return feature >= LX_XFEATURE_MAX ? -EINVAL : -EOPNOTSUPP;
}

int64_t sys_arch_prctl(struct task *t, const struct sysargs *a)
{
	switch (arg_u32(a, 0)) {
	case LX_ARCH_SET_FS:
		return set_base(t, 0, arg_u64(a, 1));
	case LX_ARCH_SET_GS:
		return set_base(t, 1, arg_u64(a, 1));
	case LX_ARCH_GET_FS:
		return get_base(t, 0, arg_addr(a, 1));
	case LX_ARCH_GET_GS:
		return get_base(t, 1, arg_addr(a, 1));
	case LX_ARCH_GET_CPUID:
		return 1;
	case LX_ARCH_SET_CPUID:
		return -ENODEV; /* as on a CPU without CPUID faulting */
	case LX_ARCH_GET_XCOMP_SUPP:
	case LX_ARCH_GET_XCOMP_PERM:
	case LX_ARCH_GET_XCOMP_GUEST_PERM:
		return put_xcomp(t, arg_addr(a, 1));
	case LX_ARCH_REQ_XCOMP_PERM:
	case LX_ARCH_REQ_XCOMP_GUEST_PERM:
		return request_xcomp(arg_u64(a, 1));
	default:
		return -EINVAL;
	}
}
