/* Classic BPF's verifier: see bpf.h. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/bpf.h"

#define LD(mode, size) [LX_BPF_LD | LX_BPF_##mode | LX_BPF_##size] = true
#define LOADS(mode) LD(mode, W), LD(mode, H), LD(mode, B)
#define BOTH(class, op) [LX_BPF_##class | LX_BPF_##op | LX_BPF_K] = true, [LX_BPF_##class | LX_BPF_##op | LX_BPF_X] = true

/* The instructions that there are. */
static const bool known[256] = {
	LOADS(ABS), LOADS(IND), LD(LEN, W), LD(IMM, W), LD(MEM, W),
	[LX_BPF_LDX | LX_BPF_W | LX_BPF_LEN] = true,
	[LX_BPF_LDX | LX_BPF_B | LX_BPF_MSH] = true,
	[LX_BPF_LDX | LX_BPF_IMM] = true,
	[LX_BPF_LDX | LX_BPF_MEM] = true,
	[LX_BPF_ST] = true,
	[LX_BPF_STX] = true,
	BOTH(ALU, ADD), BOTH(ALU, SUB), BOTH(ALU, MUL), BOTH(ALU, DIV), BOTH(ALU, MOD), BOTH(ALU, AND), BOTH(ALU, OR), BOTH(ALU, XOR),
	BOTH(ALU, LSH), BOTH(ALU, RSH),
	[LX_BPF_ALU | LX_BPF_NEG] = true,
	[LX_BPF_JMP | LX_BPF_JA] = true,
	BOTH(JMP, JEQ), BOTH(JMP, JGT), BOTH(JMP, JGE), BOTH(JMP, JSET),
	[LX_BPF_RET | LX_BPF_K] = true,
	[LX_BPF_RET | LX_BPF_A] = true,
	[LX_BPF_MISC | LX_BPF_TAX] = true,
	[LX_BPF_MISC | LX_BPF_TXA] = true,
};

/* What is beside a packet, or a place in it. */
static bool loadable(uint32_t k)
{
	return k < LX_SKF_AD_OFF || (k - LX_SKF_AD_OFF < LX_SKF_AD_MAX && k % 4 == 0);
}

static bool conditional(const struct lx_sock_filter *f)
{
	return (f->code & LX_BPF_CLASS_MASK) == LX_BPF_JMP && (f->code & LX_BPF_OP_MASK) != LX_BPF_JA;
}

static bool check_jump(const struct lx_sock_filter *f, uint32_t left)
{
	if (conditional(f))
		return (uint32_t)f->jt + 1 < left && (uint32_t)f->jf + 1 < left;
	return f->k < left - 1;
}

static bool check_one(const struct lx_sock_filter *f, uint32_t left)
{
	if (f->code >= ARRAY_LEN(known) || !known[f->code])
		return false;
	switch (f->code) {
	case LX_BPF_ALU | LX_BPF_DIV | LX_BPF_K:
	case LX_BPF_ALU | LX_BPF_MOD | LX_BPF_K:
		return f->k != 0;
	case LX_BPF_ALU | LX_BPF_LSH | LX_BPF_K:
	case LX_BPF_ALU | LX_BPF_RSH | LX_BPF_K:
		return f->k < 32;
	case LX_BPF_LD | LX_BPF_MEM:
	case LX_BPF_LDX | LX_BPF_MEM:
	case LX_BPF_ST:
	case LX_BPF_STX:
		return f->k < LX_BPF_MEMWORDS;
	case LX_BPF_LD | LX_BPF_W | LX_BPF_ABS:
	case LX_BPF_LD | LX_BPF_H | LX_BPF_ABS:
	case LX_BPF_LD | LX_BPF_B | LX_BPF_ABS:
		return loadable(f->k);
	default:
		return (f->code & LX_BPF_CLASS_MASK) != LX_BPF_JMP || check_jump(f, left);
	}
}

/* Scratch words are read only where every way there has written them. masks[i]: those that are written for certain at i. */
static bool check_memory(const struct lx_sock_filter *code, uint32_t len, uint16_t *masks)
{
	uint16_t valid = 0;

	memset(masks, 0xff, len * sizeof(*masks));
	for (uint32_t i = 0; i < len; i++) {
		const struct lx_sock_filter *f = &code[i];

		valid &= masks[i];
		if (f->code == LX_BPF_ST || f->code == LX_BPF_STX) {
			valid |= (uint16_t)(1u << f->k);
		} else if (f->code == (LX_BPF_LD | LX_BPF_MEM) || f->code == (LX_BPF_LDX | LX_BPF_MEM)) {
			if (!(valid & (1u << f->k)))
				return false;
		} else if (conditional(f)) {
			masks[i + 1 + f->jt] &= valid;
			masks[i + 1 + f->jf] &= valid;
			valid = UINT16_MAX;
		} else if (f->code == (LX_BPF_JMP | LX_BPF_JA)) {
			masks[i + 1 + f->k] &= valid;
			valid = UINT16_MAX;
		}
	}
	return true;
}

int bpf_check(const struct lx_sock_filter *code, uint32_t len)
{
	uint16_t masks[LX_BPF_MAXINSNS];

	if (len == 0 || len > LX_BPF_MAXINSNS)
		return -EINVAL;
	for (uint32_t i = 0; i < len; i++)
		if (!check_one(&code[i], len - i))
			return -EINVAL;
	if (code[len - 1].code != (LX_BPF_RET | LX_BPF_K) && code[len - 1].code != (LX_BPF_RET | LX_BPF_A))
		return -EINVAL;
	return check_memory(code, len, masks) ? 0 : -EINVAL;
}

/* Linux turns each instruction into one or more of its own: bpf_convert_filter(). */
static uint32_t kernel_instructions(const struct lx_sock_filter *f)
{
	uint32_t n = 1, op = f->code & LX_BPF_OP_MASK;

	if (f->code == (LX_BPF_RET | LX_BPF_K))
		return 2;
	if (f->code == (LX_BPF_ALU | LX_BPF_DIV | LX_BPF_X) || f->code == (LX_BPF_ALU | LX_BPF_MOD | LX_BPF_X))
		return 5;
	if (!conditional(f))
		return 1;
	if (!(f->code & LX_BPF_X) && f->k > INT32_MAX)
		n++;
	if (f->jf && (f->jt || op == LX_BPF_JSET))
		n++;
	return n;
}

uint32_t bpf_kernel_length(const struct lx_sock_filter *code, uint32_t len)
{
	uint32_t n = 3;

	for (uint32_t i = 0; i < len; i++)
		n += kernel_instructions(&code[i]);
	return n;
}
