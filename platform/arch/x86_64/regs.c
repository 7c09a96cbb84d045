/* The general registers of x86-64: what struct arch_regs means. */
#include <string.h>

#include "platform/arch_control.h"
#include "regs.h"

_Static_assert(R_COUNT <= 32, "struct arch_regs holds them all");

/* The host's restart codes: seen by tracers alone. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

void arch_call(const struct arch_regs *r, struct call_info *out)
{
	*out = (struct call_info){
		.nr = (int64_t)r->slot[R_ORIG_AX],
		.arg = { r->slot[R_DI], r->slot[R_SI], r->slot[R_DX], r->slot[R_R10], r->slot[R_R8], r->slot[R_R9] },
		.ip = r->slot[R_IP],
		.sp = r->slot[R_SP],
	};
}

void arch_set_call(struct arch_regs *r, int64_t nr, const uint64_t arg[6])
{
	static const uint8_t where[6] = { R_DI, R_SI, R_DX, R_R10, R_R8, R_R9 };

	r->slot[R_ORIG_AX] = (uint64_t)nr;
	for (int i = 0; i < 6; i++)
		r->slot[where[i]] = arg[i];
}

int64_t arch_result(const struct arch_regs *r)
{
	return (int64_t)r->slot[R_AX];
}

void arch_set_result(struct arch_regs *r, int64_t ret)
{
	r->slot[R_AX] = (uint64_t)ret;
}

void arch_restart_call(struct arch_regs *r, int64_t nr)
{
	r->slot[R_IP] -= 2;
	r->slot[R_AX] = (uint64_t)nr;
	arch_leave_call(r);
}

uint64_t arch_ip(const struct arch_regs *r)
{
	return r->slot[R_IP];
}

uint64_t arch_sp(const struct arch_regs *r)
{
	return r->slot[R_SP];
}

void arch_set_ip(struct arch_regs *r, uint64_t ip)
{
	r->slot[R_IP] = ip;
}

void arch_set_sp(struct arch_regs *r, uint64_t sp)
{
	r->slot[R_SP] = sp;
}

void arch_set_tls(struct arch_regs *r, uint64_t tls)
{
	r->slot[R_FS_BASE] = tls;
}

uint64_t arch_base(const struct arch_regs *r, int which)
{
	return r->slot[which == 0 ? R_FS_BASE : R_GS_BASE];
}

void arch_set_base(struct arch_regs *r, int which, uint64_t v)
{
	r->slot[which == 0 ? R_FS_BASE : R_GS_BASE] = v;
}

void arch_clear(struct arch_regs *r)
{
	memset(r, 0, sizeof(*r));
	r->slot[R_ORIG_AX] = UINT64_MAX;
	r->slot[R_CS] = USER_CS;
	r->slot[R_SS] = USER_SS;
	r->slot[R_FLAGS] = FLAGS_PLAIN;
}

void arch_start(struct arch_regs *r, uint64_t entry, uint64_t sp)
{
	arch_clear(r);
	r->slot[R_IP] = entry;
	r->slot[R_SP] = sp;
}

void arch_leave_call(struct arch_regs *r)
{
	r->slot[R_ORIG_AX] = UINT64_MAX;
}

bool arch_in_call(const struct arch_regs *r)
{
	return (int64_t)r->slot[R_ORIG_AX] >= 0;
}

bool arch_wants_restart(const struct arch_regs *r)
{
	if (!arch_in_call(r))
		return false;
	switch (-(int64_t)r->slot[R_AX]) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		return true;
	default:
		return false;
	}
}

void arch_rewind_call(struct arch_regs *r)
{
	arch_restart_call(r, (int64_t)r->slot[R_ORIG_AX]);
}

void arch_clone_args(uint64_t arg[6], uint64_t flags, uint64_t stack)
{
	memset(arg, 0, 6 * sizeof(arg[0]));
	arg[0] = flags;
	arg[1] = stack;
}

/*
 * The host does not tell a tracer the trap's number, error code and cr2; they follow from si_code, but for what a page
 * fault was about: arch_fault_access().
 */
void arch_fault_details(struct fault_info *f)
{
	enum { TRAP_DIVIDE = 0, TRAP_DEBUG = 1, TRAP_INT3 = 3, TRAP_INVALID = 6, TRAP_PROTECTION = 13, TRAP_PAGE = 14,
	       TRAP_ALIGN = 17, TRAP_SIMD = 19 };
	enum { SEGV = 11, BUS = 7, FPE = 8, ILL = 4, TRAP = 5 };
	const int maperr = 1, accerr = 2, pkuerr = 4, from_kernel = 0x80, bus_align = 1, fpe_intdiv = 1, trap_trace = 2;

	f->error = f->cr2 = 0;
	switch (f->signo) {
	case SEGV:
		if (f->code == from_kernel) {
			f->trapno = TRAP_PROTECTION;
			break;
		}
		f->trapno = TRAP_PAGE;
		f->cr2 = f->addr;
		f->error = 4 | (f->code != maperr && f->code >= accerr ? 1 : 0) | (f->code == pkuerr ? 0x20 : 0);
		break;
	case BUS:
		f->trapno = f->code == bus_align ? TRAP_ALIGN : TRAP_PAGE;
		f->cr2 = f->addr;
		f->error = f->code == bus_align ? 0 : 4;
		break;
	case FPE:
		f->trapno = f->code == fpe_intdiv ? TRAP_DIVIDE : TRAP_SIMD;
		break;
	case ILL:
		f->trapno = TRAP_INVALID;
		break;
	case TRAP:
		f->trapno = f->code == trap_trace ? TRAP_DEBUG : TRAP_INT3;
		break;
	default:
		f->trapno = 0;
	}
}
