/* Classic BPF: the verifier refuses what Linux's refuses, and the interpreter computes what bpf(4) says. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/bpf.h"

#define INSN(c, jt_, jf_, k_) ((struct lx_sock_filter){ (uint16_t)(c), jt_, jf_, k_ })
#define STMT(c, k) INSN(c, 0, 0, k)
#define CHECK_PROGRAM(want, ...) do { \
	struct lx_sock_filter code_[] = { __VA_ARGS__ }; \
	cr_assert_eq(bpf_check(code_, ARRAY_LEN(code_)), want); \
} while (0)
#define RUN(want, ...) do { \
	struct lx_sock_filter code_[] = { __VA_ARGS__ }; \
	cr_assert_eq(bpf_check(code_, ARRAY_LEN(code_)), 0); \
	cr_assert_eq(bpf_run(code_, &words_input), (uint32_t)(want)); \
} while (0)

enum {
	LDW = LX_BPF_LD | LX_BPF_W | LX_BPF_ABS, LDI = LX_BPF_LD | LX_BPF_IMM, LDM = LX_BPF_LD | LX_BPF_MEM,
	LDXI = LX_BPF_LDX | LX_BPF_IMM, LDXM = LX_BPF_LDX | LX_BPF_MEM, RETK = LX_BPF_RET | LX_BPF_K, RETA = LX_BPF_RET | LX_BPF_A,
	JA = LX_BPF_JMP | LX_BPF_JA, JEQ = LX_BPF_JMP | LX_BPF_JEQ, TAX = LX_BPF_MISC | LX_BPF_TAX, TXA = LX_BPF_MISC | LX_BPF_TXA,
};

static const uint32_t words[4] = { 39, 0xc000003e, 7, 0xffffffff };
static const struct bpf_input words_input = { .words = words, .len = sizeof(words) };

Test(kernel_bpf, ends_in_a_return)
{
	CHECK_PROGRAM(0, STMT(RETK, 0));
	CHECK_PROGRAM(0, STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LDI, 0));
	CHECK_PROGRAM(-EINVAL, STMT(RETK, 0), STMT(LDI, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_RET | LX_BPF_X, 0));
	cr_assert_eq(bpf_check(NULL, 0), -EINVAL);
	cr_assert_eq(bpf_check(NULL, LX_BPF_MAXINSNS + 1), -EINVAL);
}

Test(kernel_bpf, only_known_instructions)
{
	static const uint16_t bad[] = { 0xffff, 0x100 | RETK, 0xf4, LX_BPF_ALU | 0xb0, LX_BPF_JMP | 0x50, LX_BPF_LDX | LX_BPF_ABS,
					LX_BPF_LD | LX_BPF_MSH, LX_BPF_MISC | 0x10, LX_BPF_ST | LX_BPF_X, LX_BPF_LD | 0x18 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_PROGRAM(-EINVAL, STMT(bad[i], 0), STMT(RETK, 0));
}

Test(kernel_bpf, jumps_stay_inside)
{
	CHECK_PROGRAM(0, STMT(JA, 0), STMT(RETK, 0));
	CHECK_PROGRAM(-EINVAL, STMT(JA, 1), STMT(RETK, 0));
	CHECK_PROGRAM(-EINVAL, STMT(JA, UINT32_MAX), STMT(RETK, 0));
	CHECK_PROGRAM(-EINVAL, STMT(JA, (uint32_t)-2), STMT(RETK, 0));
	CHECK_PROGRAM(0, INSN(JEQ, 1, 0, 1), STMT(RETK, 0), STMT(RETK, 1));
	CHECK_PROGRAM(-EINVAL, INSN(JEQ, 2, 0, 1), STMT(RETK, 0), STMT(RETK, 1));
	CHECK_PROGRAM(-EINVAL, INSN(JEQ, 0, 255, 1), STMT(RETK, 0), STMT(RETK, 1));
}

Test(kernel_bpf, constants_make_sense)
{
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_ALU | LX_BPF_DIV, 0), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_ALU | LX_BPF_MOD, 0), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_ALU | LX_BPF_LSH, 32), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_ALU | LX_BPF_RSH, 32), STMT(RETA, 0));
	CHECK_PROGRAM(0, STMT(LX_BPF_ALU | LX_BPF_LSH, 31), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LDW, LX_SKF_AD_OFF + 1), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LDW, LX_SKF_AD_OFF + LX_SKF_AD_MAX), STMT(RETA, 0));
	CHECK_PROGRAM(0, STMT(LDW, LX_SKF_AD_OFF), STMT(RETA, 0));
	CHECK_PROGRAM(0, STMT(LDW, LX_SKF_NET_OFF), STMT(RETA, 0));
}

Test(kernel_bpf, scratch_memory_is_written_first)
{
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_ST, 16), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LDM, 0), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(LX_BPF_ST, 0), STMT(LDM, 1), STMT(RETA, 0));
	CHECK_PROGRAM(0, STMT(LX_BPF_STX, 15), STMT(LDXM, 15), STMT(RETA, 0));
	/* one of two ways does not write it */
	CHECK_PROGRAM(-EINVAL, INSN(JEQ, 1, 0, 1), STMT(LX_BPF_ST, 0), STMT(LDM, 0), STMT(RETA, 0));
	CHECK_PROGRAM(0, STMT(LX_BPF_ST, 0), INSN(JEQ, 1, 0, 1), STMT(LX_BPF_ST, 1), STMT(LDM, 0), STMT(RETA, 0));
	CHECK_PROGRAM(-EINVAL, STMT(JA, 1), STMT(LX_BPF_ST, 0), STMT(LDM, 0), STMT(RETA, 0));
}

Test(kernel_bpf, loads)
{
	RUN(39, STMT(LDW, 0), STMT(RETA, 0));
	RUN(0xc000003e, STMT(LDW, 4), STMT(RETA, 0));
	RUN(sizeof(words), STMT(LX_BPF_LD | LX_BPF_LEN, 0), STMT(RETA, 0));
	RUN(sizeof(words), STMT(LX_BPF_LDX | LX_BPF_LEN, 0), STMT(TXA, 0), STMT(RETA, 0));
	RUN(5, STMT(LDI, 5), STMT(LX_BPF_ST, 3), STMT(LDI, 6), STMT(LDXM, 3), STMT(TXA, 0), STMT(RETA, 0));
	RUN(0, STMT(RETA, 0));
}

static uint32_t compute(uint16_t op, uint32_t a, uint32_t by, bool x)
{
	struct lx_sock_filter code[] = { STMT(LDI, a), STMT(LDXI, x ? by : 0), STMT(LX_BPF_ALU | op | (x ? LX_BPF_X : 0), x ? 0 : by), STMT(RETA, 0) };

	cr_assert_eq(bpf_check(code, ARRAY_LEN(code)), 0);
	return bpf_run(code, &words_input);
}

Test(kernel_bpf, arithmetic)
{
	for (int x = 0; x < 2; x++) {
		cr_assert_eq(compute(LX_BPF_ADD, UINT32_MAX, 2, x), 1);
		cr_assert_eq(compute(LX_BPF_SUB, 1, 2, x), UINT32_MAX);
		cr_assert_eq(compute(LX_BPF_MUL, 0x10000, 0x10001, x), 0x10000);
		cr_assert_eq(compute(LX_BPF_DIV, 0x80000000, 3, x), 0x2aaaaaaa);
		cr_assert_eq(compute(LX_BPF_MOD, 0x80000000, 3, x), 2);
		cr_assert_eq(compute(LX_BPF_AND, 0xf0f0, 0xff00, x), 0xf000);
		cr_assert_eq(compute(LX_BPF_OR, 0xf0f0, 0xff00, x), 0xfff0);
		cr_assert_eq(compute(LX_BPF_XOR, 0xf0f0, 0xff00, x), 0x0ff0);
		cr_assert_eq(compute(LX_BPF_LSH, 1, 31, x), 0x80000000);
		cr_assert_eq(compute(LX_BPF_RSH, 0x80000000, 31, x), 1);
	}
	cr_assert_eq(compute(LX_BPF_NEG, 1, 0, false), UINT32_MAX);
	/* by a register: Linux masks the shift, and a division by zero ends the program with 0 */
	cr_assert_eq(compute(LX_BPF_LSH, 1, 33, true), 2);
	cr_assert_eq(compute(LX_BPF_DIV, 9, 0, true), 0);
	cr_assert_eq(compute(LX_BPF_MOD, 9, 0, true), 0);
}

Test(kernel_bpf, jumps)
{
	static const struct { uint16_t op; uint32_t a, k; bool yes; } cases[] = {
		{ LX_BPF_JEQ, 5, 5, true }, { LX_BPF_JEQ, 5, 6, false }, { LX_BPF_JGT, UINT32_MAX, 1, true }, { LX_BPF_JGT, 5, 5, false },
		{ LX_BPF_JGE, 5, 5, true }, { LX_BPF_JGE, 4, 5, false }, { LX_BPF_JSET, 6, 4, true }, { LX_BPF_JSET, 3, 4, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RUN(cases[i].yes, STMT(LDI, cases[i].a), INSN(LX_BPF_JMP | cases[i].op, 0, 1, cases[i].k), STMT(RETK, 1), STMT(RETK, 0));
		RUN(cases[i].yes, STMT(LDI, cases[i].a), STMT(LDXI, cases[i].k), INSN(LX_BPF_JMP | cases[i].op | LX_BPF_X, 0, 1, 0),
		    STMT(RETK, 1), STMT(RETK, 0));
	}
	RUN(2, STMT(JA, 1), STMT(RETK, 1), STMT(RETK, 2));
}

static bool load_byte(const void *ctx, uint32_t offset, int size, uint32_t a, uint32_t x, uint32_t *value)
{
	(void)a;
	(void)x;
	if (offset + (uint32_t)size > 4)
		return false;
	*value = 0;
	for (int i = 0; i < size; i++)
		*value = *value << 8 | ((const uint8_t *)ctx)[offset + (uint32_t)i];
	return true;
}

Test(kernel_bpf, packets)
{
	static const uint8_t packet[4] = { 0x45, 2, 3, 4 };
	const struct bpf_input in = { .len = 4, .load = load_byte, .ctx = packet };
	struct lx_sock_filter half[] = { STMT(LX_BPF_LD | LX_BPF_H | LX_BPF_ABS, 2), STMT(RETA, 0) };
	struct lx_sock_filter outside[] = { STMT(LDI, 9), STMT(LDW, 1), STMT(RETK, 7) };
	struct lx_sock_filter header[] = { STMT(LX_BPF_LDX | LX_BPF_B | LX_BPF_MSH, 0), STMT(TXA, 0), STMT(RETA, 0) };
	struct lx_sock_filter relative[] = { STMT(LDXI, 1), STMT(LX_BPF_LD | LX_BPF_B | LX_BPF_IND, 2), STMT(RETA, 0) };
	struct lx_sock_filter xor[] = { STMT(LDXI, 5), STMT(LDI, 6), STMT(LDW, LX_SKF_AD_OFF + LX_SKF_AD_ALU_XOR_X), STMT(RETA, 0) };

	cr_assert_eq(bpf_run(half, &in), 0x304);
	cr_assert_eq(bpf_run(outside, &in), 0);
	cr_assert_eq(bpf_run(header, &in), 20);
	cr_assert_eq(bpf_run(relative, &in), 4);
	cr_assert_eq(bpf_run(xor, &in), 3);
}

/* The longest program there may be, made of jumps as far as they go: ends, and in one pass. */
Test(kernel_bpf, longest)
{
	static struct lx_sock_filter code[LX_BPF_MAXINSNS];

	for (int i = 0; i < LX_BPF_MAXINSNS; i++)
		code[i] = i < LX_BPF_MAXINSNS - 300 ? INSN(JEQ, 255, 255, 0) : STMT(RETK, (uint32_t)i);
	cr_assert_eq(bpf_check(code, LX_BPF_MAXINSNS), 0);
	cr_assert_geq(bpf_run(code, &words_input), LX_BPF_MAXINSNS - 300);
}

/* Random instructions, most of them known: programs that are let pass end, and touch nothing that they may not (sanitizers look on). */
Test(kernel_bpf, random_programs)
{
	static const uint16_t codes[] = { LDI, LDM, LDXI, LDXM, LX_BPF_ST, LX_BPF_STX, JA, JEQ, JEQ | LX_BPF_X, TAX, TXA, RETK, RETA,
					  LX_BPF_ALU | LX_BPF_DIV | LX_BPF_X, LX_BPF_ALU | LX_BPF_RSH | LX_BPF_X, LX_BPF_ALU | LX_BPF_SUB, 0xff };
	uint64_t seed = 1;
	int passed = 0;

	for (int round = 0; round < 100000; round++) {
		struct lx_sock_filter code[8];

		for (size_t i = 0; i < ARRAY_LEN(code); i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			code[i] = INSN(codes[(seed >> 33) % ARRAY_LEN(codes)], seed >> 41 & 3, seed >> 44 & 3, seed >> 47 & 7);
		}
		code[7] = STMT(RETA, 0);
		if (bpf_check(code, ARRAY_LEN(code)))
			continue;
		passed++;
		bpf_run(code, &words_input);
	}
	cr_assert_gt(passed, 1000);
}

Test(kernel_bpf, length_in_linux_s_instructions)
{
	struct lx_sock_filter code[] = {
		STMT(LDW, 0), INSN(JEQ, 0, 1, 5), INSN(JEQ, 1, 0, 5), INSN(JEQ, 1, 1, 5), INSN(LX_BPF_JMP | LX_BPF_JSET, 0, 1, 5),
		INSN(JEQ, 0, 1, 0xc000003e), STMT(LX_BPF_ALU | LX_BPF_DIV | LX_BPF_X, 0), STMT(RETK, 0), STMT(RETA, 0),
	};

	cr_assert_eq(bpf_kernel_length(code, ARRAY_LEN(code)), 3 + 1 + 1 + 1 + 2 + 2 + 2 + 5 + 2 + 1);
}
