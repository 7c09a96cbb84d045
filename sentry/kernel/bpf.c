/* Classic BPF's interpreter, and how programs come in: see bpf.h. The verifier is in bpf_check.c. */
#include "sentry/kernel/bpf.h"

#include <errno.h>

#include "base/mem.h"

/* --- loads ------------------------------------------------------------------------------------------------------- */

struct regs {
	uint32_t a, x;
	uint32_t mem[LX_BPF_MEMWORDS];
};

static bool fetch(const struct bpf_input *in, const struct regs *r, uint32_t offset, int size, uint32_t *value)
{
	if (in->words) {
		*value = in->words[offset / 4];
		return true;
	}
	return in->load(in->ctx, offset, size, r->a, r->x, value);
}

static int load_size(uint16_t code)
{
	switch (code & LX_BPF_SIZE_MASK) {
	case LX_BPF_H: return 2;
	case LX_BPF_B: return 1;
	default: return 4;
	}
}

static bool load_a(const struct lx_sock_filter *f, const struct bpf_input *in, struct regs *r)
{
	switch (f->code & 0xe0) {
	case LX_BPF_IMM:
		r->a = f->k;
		return true;
	case LX_BPF_MEM:
		r->a = r->mem[f->k];
		return true;
	case LX_BPF_LEN:
		r->a = in->len;
		return true;
	case LX_BPF_IND:
		return fetch(in, r, r->x + f->k, load_size(f->code), &r->a);
	default: /* ABS */
		if (!in->words && f->k == LX_SKF_AD_OFF + LX_SKF_AD_ALU_XOR_X) {
			r->a ^= r->x;
			return true;
		}
		return fetch(in, r, f->k, load_size(f->code), &r->a);
	}
}

static bool load_x(const struct lx_sock_filter *f, const struct bpf_input *in, struct regs *r)
{
	switch (f->code & 0xe0) {
	case LX_BPF_IMM:
		r->x = f->k;
		return true;
	case LX_BPF_MEM:
		r->x = r->mem[f->k];
		return true;
	case LX_BPF_LEN:
		r->x = in->len;
		return true;
	default: /* MSH: the length of an IP header */
		if (!fetch(in, r, f->k, 1, &r->x))
			return false;
		r->x = (r->x & 0xf) << 2;
		return true;
	}
}

/* --- arithmetic and jumps ------------------------------------------------------------------------------------------ */

/* False: a division by zero, which ends the program. */
static bool alu(const struct lx_sock_filter *f, struct regs *r)
{
	uint32_t by = f->code & LX_BPF_X ? r->x : f->k;

	switch (f->code & LX_BPF_OP_MASK) {
	case LX_BPF_ADD: r->a += by; break;
	case LX_BPF_SUB: r->a -= by; break;
	case LX_BPF_MUL: r->a *= by; break;
	case LX_BPF_OR: r->a |= by; break;
	case LX_BPF_AND: r->a &= by; break;
	case LX_BPF_XOR: r->a ^= by; break;
	case LX_BPF_LSH: r->a <<= by & 31; break;
	case LX_BPF_RSH: r->a >>= by & 31; break;
	case LX_BPF_NEG: r->a = -r->a; break;
	case LX_BPF_DIV:
		if (!by)
			return false;
		r->a /= by;
		break;
	default: /* MOD */
		if (!by)
			return false;
		r->a %= by;
	}
	return true;
}

/* How many instructions are skipped. */
static uint32_t jump(const struct lx_sock_filter *f, const struct regs *r)
{
	uint32_t with = f->code & LX_BPF_X ? r->x : f->k;

	switch (f->code & LX_BPF_OP_MASK) {
	case LX_BPF_JEQ: return r->a == with ? f->jt : f->jf;
	case LX_BPF_JGT: return r->a > with ? f->jt : f->jf;
	case LX_BPF_JGE: return r->a >= with ? f->jt : f->jf;
	case LX_BPF_JSET: return r->a & with ? f->jt : f->jf;
	default: return f->k; /* JA */
	}
}

uint32_t bpf_run(const struct lx_sock_filter *f, const struct bpf_input *in)
{
	struct regs r;

	r.a = r.x = 0; /* the scratch words were checked to be written first */
	for (;; f++) {
		switch (f->code & LX_BPF_CLASS_MASK) {
		case LX_BPF_LD:
			if (!load_a(f, in, &r))
				return 0;
			break;
		case LX_BPF_LDX:
			if (!load_x(f, in, &r))
				return 0;
			break;
		case LX_BPF_ST:
			r.mem[f->k] = r.a;
			break;
		case LX_BPF_STX:
			r.mem[f->k] = r.x;
			break;
		case LX_BPF_ALU:
			if (!alu(f, &r))
				return 0;
			break;
		case LX_BPF_JMP:
			f += jump(f, &r);
			break;
		case LX_BPF_RET:
			return f->code & LX_BPF_A ? r.a : f->k;
		default: /* MISC */
			if (f->code & LX_BPF_TXA)
				r.a = r.x;
			else
				r.x = r.a;
		}
	}
}

/* --- coming in ----------------------------------------------------------------------------------------------------- */

int bpf_copy_header(struct task *t, uaddr_t fprog, struct lx_sock_fprog *out)
{
	if (copy_in(t, out, fprog, sizeof(*out)) < 0)
		return -EFAULT;
	return out->len == 0 || out->len > LX_BPF_MAXINSNS ? -EINVAL : 0;
}

int bpf_copy_code(struct task *t, const struct lx_sock_fprog *prog, struct lx_sock_filter **out)
{
	struct lx_sock_filter *code;
	int err;

	if (!prog->filter)
		return -EINVAL;
	code = mem_calloc(prog->len, sizeof(*code));
	if (!code)
		return -ENOMEM;
	err = copy_in(t, code, uaddr(prog->filter), prog->len * sizeof(*code));
	if (!err)
		err = bpf_check(code, prog->len);
	if (err) {
		mem_free(code);
		return err;
	}
	*out = code;
	return 0;
}

int bpf_copy(struct task *t, uaddr_t fprog, struct lx_sock_filter **out, uint32_t *len)
{
	struct lx_sock_fprog prog;
	int err = bpf_copy_header(t, fprog, &prog);

	*len = prog.len;
	return err ? err : bpf_copy_code(t, &prog, out);
}
