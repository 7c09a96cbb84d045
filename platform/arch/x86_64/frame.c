/*
 * Signal frames, byte for byte as Linux lays them out on x86-64 (arch/x86/kernel/signal_64.c, fpu/signal.c): programs,
 * libc, Go and Java read and rewrite them.
 *
 *     lower  pretcode | ucontext | siginfo      at sp, 8 below a multiple of 16, as after a call instruction
 *            ... XSAVE area, 64-byte aligned, then its end mark
 *     upper  128 bytes of red zone below the interrupted stack pointer
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "platform/arch.h"
#include "platform/arch_control.h"
#include "regs.h"
#include "xstate.h"

enum {
	RED_ZONE = 128,
	UC_FP_XSTATE = 1,
	UC_SIGCONTEXT_SS = 2,
	UC_STRICT_RESTORE_SS = 4,
};
#define FP_MAGIC1 0x46505853u
#define FP_MAGIC2 0x46505845u

struct frame_context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};

struct frame {
	uint64_t pretcode;
	uint64_t uc_flags, uc_link;
	uint64_t stack_base;
	int32_t stack_flags, pad;
	uint64_t stack_size;
	struct frame_context context;
	uint64_t mask;
	uint8_t siginfo[128];
};
_Static_assert(sizeof(struct frame_context) == 256, "struct sigcontext");
_Static_assert(sizeof(struct frame) == 440, "struct rt_sigframe");

/* At XSTATE_SW_BYTES of the area, in a frame. */
struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t xstate_size, pad[7];
};
_Static_assert(sizeof(struct sw_bytes) == XSTATE_LEGACY - XSTATE_SW_BYTES, "to the end of the legacy part");

static const struct {
	uint16_t slot, at;
} context_map[] = {
#define MAP(reg, field) { R_##reg, offsetof(struct frame_context, field) }
	MAP(R8, r8), MAP(R9, r9), MAP(R10, r10), MAP(R11, r11), MAP(R12, r12), MAP(R13, r13), MAP(R14, r14), MAP(R15, r15),
	MAP(DI, di), MAP(SI, si), MAP(BP, bp), MAP(BX, bx), MAP(DX, dx), MAP(AX, ax), MAP(CX, cx), MAP(SP, sp), MAP(IP, ip),
#undef MAP
};

static void context_from_regs(struct frame_context *c, const struct arch_regs *r)
{
	for (size_t i = 0; i < ARRAY_LEN(context_map); i++)
		memcpy((char *)c + context_map[i].at, &r->slot[context_map[i].slot], 8);
	c->flags = r->slot[R_FLAGS];
	c->cs = (uint16_t)r->slot[R_CS];
	c->ss = (uint16_t)r->slot[R_SS];
}

/* The XSAVE area as a frame has it, end mark included: its length, or a negative errno. */
static int64_t fetch_state(struct tracee *t, uint8_t *area)
{
	size_t size = xstate_frame_size();
	int64_t n = stop_xstate_get(t, area, XSTATE_REGSET_MAX);

	if (n < 0)
		return n;
	if ((size_t)n < size)
		size = (size_t)n;
	struct sw_bytes sw = {
		.magic1 = FP_MAGIC1,
		.extended_size = (uint32_t)(size + sizeof(uint32_t)),
		.features = xstate_features(),
		.xstate_size = (uint32_t)size,
	};

	memcpy(area + XSTATE_SW_BYTES, &sw, sizeof(sw));
	memcpy(area + size, &(uint32_t){ FP_MAGIC2 }, sizeof(uint32_t));
	return (int64_t)(size + sizeof(uint32_t));
}

/* The handler's rights by protection keys are a fresh program's; the interrupted code's are in the frame. */
static int refresh_pkru(struct tracee *t, uint8_t *area, size_t len)
{
	int64_t pkru = xstate_pkru(area, len);

	if (pkru < 0 || pkru == XSTATE_PKRU_FRESH)
		return 0;
	int64_t n = stop_xstate_get(t, area, XSTATE_REGSET_MAX);

	if (n < 0)
		return -EFAULT;
	xstate_set_pkru(area, (size_t)n, XSTATE_PKRU_FRESH);
	return stop_xstate_set(t, area, (size_t)n) < 0 ? -EFAULT : 0;
}

static void fill_frame(struct frame *f, const struct sigframe *s, const struct arch_regs *r, uint64_t fpstate)
{
	*f = (struct frame){
		.pretcode = s->restorer,
		.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		.stack_base = s->alt_base,
		.stack_flags = s->alt_flags,
		.stack_size = s->alt_size,
		.mask = s->mask,
	};
	context_from_regs(&f->context, r);
	f->context.fpstate = fpstate;
	f->context.oldmask = s->mask;
	f->context.err = s->fault.error;
	f->context.trapno = s->fault.trapno;
	f->context.cr2 = s->fault.cr2;
	memcpy(f->siginfo, s->siginfo, sizeof(f->siginfo));
}

static void enter_handler(struct arch_regs *r, const struct sigframe *s, uint64_t at)
{
	r->slot[R_DI] = (uint64_t)s->signo;
	r->slot[R_SI] = at + offsetof(struct frame, siginfo);
	r->slot[R_DX] = at + offsetof(struct frame, uc_flags);
	r->slot[R_AX] = 0;
	r->slot[R_IP] = s->handler;
	r->slot[R_SP] = at;
	r->slot[R_CS] = USER_CS;
	r->slot[R_SS] = USER_SS;
	r->slot[R_FLAGS] &= ~(uint64_t)FLAGS_OFF_IN_HANDLER;
	arch_leave_call(r);
}

static int write_frame(struct tracee *t, uint64_t at, struct frame *f, uint64_t fpstate, uint8_t *area, size_t area_len)
{
	const struct iovec local[2] = { { f, sizeof(*f) }, { area, area_len } };
	const struct guest_iov guest[2] = { { { at }, sizeof(*f) }, { { fpstate }, area_len } };
	int64_t n = tracee_writev(t, guest, 2, local, 2);

	return n == (int64_t)(sizeof(*f) + area_len) ? 0 : -EFAULT;
}

int arch_push_frame(struct tracee *t, const struct sigframe *s)
{
	AUTO_FREE uint8_t *area = mem_alloc(XSTATE_REGSET_MAX + sizeof(uint32_t));
	struct arch_regs *r = stop_regs(t);
	struct frame f;

	/* Linux on x86-64 knows no other way back than SA_RESTORER. */
	if (!area || !s->restorer)
		return -EFAULT;
	int64_t len = fetch_state(t, area);

	if (len < 0)
		return -EFAULT;
	uint64_t sp = s->on_alt ? s->alt_base + s->alt_size : r->slot[R_SP] - RED_ZONE;
	uint64_t fpstate = (sp - (uint64_t)len) & ~63ull;
	uint64_t at = ((fpstate - sizeof(f)) & ~15ull) - 8;

	if (s->on_alt && (at < s->alt_base || at >= sp))
		return -EFAULT; /* the frame does not fit the alternate stack */
	fill_frame(&f, s, r, fpstate);
	if (write_frame(t, at, &f, fpstate, area, (size_t)len) < 0 || refresh_pkru(t, area, (size_t)len) < 0)
		return -EFAULT;
	enter_handler(r, s, at);
	return 0;
}

/*
 * The length of the frame's XSAVE area: all of it where both marks are right, else the legacy part, as the host does.
 * The guest may have written anything there; `held` has `n` bytes of it.
 */
static size_t state_length(const uint8_t *held, size_t n)
{
	struct sw_bytes sw;
	uint32_t magic2;

	memcpy(&sw, held + XSTATE_SW_BYTES, sizeof(sw));
	if (sw.magic1 != FP_MAGIC1 || sw.xstate_size < XSTATE_LEGACY + XSTATE_HEADER || sw.xstate_size > xstate_frame_size() ||
	    sw.xstate_size + sizeof(uint32_t) > sw.extended_size || sw.xstate_size + sizeof(magic2) > n)
		return XSTATE_LEGACY;
	memcpy(&magic2, held + sw.xstate_size, sizeof(magic2));
	return magic2 == FP_MAGIC2 ? sw.xstate_size : XSTATE_LEGACY;
}

static int restore_state(struct tracee *t, uint64_t fpstate)
{
	AUTO_FREE uint8_t *area = mem_alloc(XSTATE_REGSET_MAX);
	AUTO_FREE uint8_t *held = mem_alloc(XSTATE_REGSET_MAX + sizeof(uint32_t));

	if (!area || !held)
		return -EFAULT;
	int64_t n = stop_xstate_get(t, area, XSTATE_REGSET_MAX);

	if (n < 0)
		return -EFAULT;
	if (!fpstate) {
		xstate_clear(area, (size_t)n);
	} else {
		/* In one piece: what lies behind a shorter area may be anything, or nothing. */
		int64_t got = fpstate & 63 ? -EFAULT : tracee_read(t, held, (uaddr_t){ fpstate }, xstate_frame_size() + sizeof(uint32_t));

		if (got < XSTATE_LEGACY)
			return -EFAULT;
		xstate_from_frame(area, (size_t)n, held, state_length(held, (size_t)got));
	}
	/* The host refuses what no processor state can hold. */
	return stop_xstate_set(t, area, (size_t)n) < 0 ? -EFAULT : 0;
}

/*
 * Nothing of what the guest wrote is believed but what a user program may set: flags are masked, segments are the fixed
 * ones.
 */
static int regs_from_context(struct arch_regs *r, const struct frame_context *c)
{
	if ((c->cs | 3) != USER_CS)
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_LEN(context_map); i++)
		memcpy(&r->slot[context_map[i].slot], (const char *)c + context_map[i].at, 8);
	r->slot[R_FLAGS] = (r->slot[R_FLAGS] & ~(uint64_t)FLAGS_USER) | (c->flags & FLAGS_USER);
	r->slot[R_CS] = USER_CS;
	r->slot[R_SS] = USER_SS;
	arch_leave_call(r);
	return 0;
}

int arch_pop_frame(struct tracee *t, struct sigreturn *out)
{
	struct arch_regs *r = stop_regs(t);
	struct frame f;

	/* The handler's return has taken pretcode off the stack. */
	if (tracee_read(t, &f, (uaddr_t){ r->slot[R_SP] - sizeof(f.pretcode) }, sizeof(f)) != (int64_t)sizeof(f))
		return -EFAULT;
	if (regs_from_context(r, &f.context) < 0 || restore_state(t, f.context.fpstate) < 0)
		return -EFAULT;
	*out = (struct sigreturn){
		.mask = f.mask,
		.alt_base = f.stack_base,
		.alt_size = f.stack_size,
		.alt_flags = f.stack_flags,
	};
	return 0;
}
