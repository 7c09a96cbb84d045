/* /proc/PID/stat, statm, status. proc_pid_stat(5), proc_pid_status(5). */
#include "abi/cred.h"
#include "abi/sched.h"
#include "abi/wait.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma.h"

#define NS_PER_TICK (1000000000 / CLOCK_TICKS)

static uint64_t ticks(uint64_t ns)
{
	return ns / NS_PER_TICK;
}

static void stat_memory(const struct proc_facts *f, struct textbuf *b, uint64_t *code_end)
{
	struct proc_sizes s = { 0 };
	struct mm *mm = f->mm;

	if (!mm) {
		text_puts(b, " 0 0 18446744073709551615 0 0 0");
		*code_end = 0;
		return;
	}
	proc_sizes(mm, &s);
	text_printf(b, " %lu %lu 18446744073709551615 %lu %lu %lu", s.total * (uint64_t)PAGE_SIZE_LX, s.resident, mm->code_start, mm->code_end,
		    mm->stack_start);
	*code_end = mm->code_end;
}

int proc_show_stat(const struct pseudo_req *r, struct textbuf *b)
{
	struct process *p = r->obj->proc;
	struct proc_facts f;
	uint64_t code_end;
	int ret = proc_facts_get(r->obj, &f), priority;

	if (ret < 0)
		return ret;
	priority = f.policy == LX_SCHED_FIFO || f.policy == LX_SCHED_RR ? -1 - f.priority : 20 + f.nice;
	text_printf(b, "%d (%s) %c %d %d %d %d %d 4194304 0 0 0 0", f.tid, f.comm, f.state, f.ppid, f.pgrp, f.session, f.tty_nr, f.tpgid);
	text_printf(b, " %lu %lu %lu %lu %d %d %d 0 %lu", ticks(f.used.cpu.user), ticks(f.used.cpu.system), ticks(f.children.cpu.user),
		    ticks(f.children.cpu.system), priority, f.nice, f.threads, ticks((uint64_t)f.start_ns));
	stat_memory(&f, b, &code_end);
	text_printf(b, " 0 0 %lu %lu %lu %lu 0 0 0 %d 0 %d %d 0 0 0", f.sig_thread & 0x7fffffff, f.sig_blocked & 0x7fffffff,
		    f.sig_ignored & 0x7fffffff, f.sig_caught & 0x7fffffff, f.exit_signal, f.priority, f.policy);
	/* Where things lie is for those who may look into the memory anyway. */
	if (f.mm && proc_check_private(r) == 0)
		text_printf(b, " %lu %lu %lu %lu %lu %lu %lu %d\n", f.mm->data_start, f.mm->data_end, f.mm->brk_start, p->arg_start,
			    p->arg_end, p->env_start, p->env_end, f.exit_status);
	else
		text_puts(b, " 0 0 0 0 0 0 0 0\n");
	proc_facts_put(&f);
	return 0;
}

int proc_show_statm(const struct pseudo_req *r, struct textbuf *b)
{
	struct mm *mm = proc_obj_mm(r->obj);
	struct proc_sizes s = { 0 };

	if (mm) {
		proc_sizes(mm, &s);
		mm_put(mm);
	}
	text_printf(b, "%lu %lu 0 %lu 0 %lu 0\n", s.total, s.resident, s.code, s.data + s.stack);
	return proc_obj_alive(r->obj);
}

/* --- status ------------------------------------------------------------------------------------------------------------- */

static const char *state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "X (dead)";
	}
}

static void show_ids(const struct proc_facts *f, struct textbuf *b)
{
	const struct cred *c = f->cred;

	text_printf(b, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", f->pid, f->tid, f->ppid, f->tracer);
	if (!c) {
		text_printf(b, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t0\nGroups:\t \n");
		return;
	}
	text_printf(b, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid, c->euid, c->suid, c->fsuid, c->gid,
		    c->egid, c->sgid, c->fsgid, f->fd_size);
	for (uint32_t i = 0; i < c->group_count; i++)
		text_printf(b, "%u ", c->groups[i]);
	text_puts(b, "\n");
}

static void show_memory(struct mm *mm, struct textbuf *b)
{
	struct proc_sizes s;

	proc_sizes(mm, &s);
#define KB(pages) ((pages) * (uint64_t)(PAGE_SIZE_LX / 1024))
	text_printf(b, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\n", KB(s.total), KB(s.total), KB(s.locked));
	text_printf(b, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\n",
		    KB(s.resident), KB(s.resident), KB(s.resident));
	text_printf(b, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t       0 kB\nVmPTE:\t%8lu kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n",
		    KB(s.data), KB(s.stack), KB(s.code), KB(s.total / 512 + 1));
#undef KB
}

static void show_caps(const struct proc_facts *f, struct textbuf *b)
{
	const struct cred *c = f->cred;

	text_printf(b, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n", c->cap_inheritable,
		    c->cap_permitted, c->cap_effective, c->cap_bounding, c->cap_ambient);
	text_printf(b, "NoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%d\nSpeculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\tconditional enabled\n", f->no_new_privs,
		    f->seccomp_mode, f->seccomp_filters);
}

static void show_cpus(const struct kernel *k, const struct proc_facts *f, struct textbuf *b)
{
	uint64_t all = k->cpus >= 64 ? ~0ull : (1ull << k->cpus) - 1, mask = f->cpus & all;
	const char *comma = "";

	text_printf(b, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", mask);
	for (int i = 0; i < 64; i++) {
		int from = i;

		if (!(mask >> i & 1))
			continue;
		while (i < 63 && mask >> (i + 1) & 1)
			i++;
		text_printf(b, i > from ? "%s%d-%d" : "%s%d", comma, from, i);
		comma = ",";
	}
	text_printf(b, "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t0\n", f->used.waits);
}

int proc_show_status(const struct pseudo_req *r, struct textbuf *b)
{
	struct proc_facts f;
	int ret = proc_facts_get(r->obj, &f);

	if (ret < 0)
		return ret;
	text_printf(b, "Name:\t%s\n", f.comm);
	if (f.cred)
		text_printf(b, "Umask:\t%04o\n", f.umask);
	text_printf(b, "State:\t%s\n", state_name(f.state));
	show_ids(&f, b);
	text_printf(b, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", f.pid, f.tid, f.pgrp, f.session);
	if (f.mm)
		show_memory(f.mm, b);
	text_printf(b, "%sThreads:\t%d\nSigQ:\t%lu/%lu\n", f.mm ? "CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n" : "", f.threads, f.sig_queued,
		    f.sig_limit);
	text_printf(b, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", f.sig_thread, f.sig_shared,
		    f.sig_blocked, f.sig_ignored, f.sig_caught);
	if (f.cred)
		show_caps(&f, b);
	show_cpus(r->t->k, &f, b);
	proc_facts_put(&f);
	return 0;
}
