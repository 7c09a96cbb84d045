/* Classic BPF, as socket filters and seccomp take it: bpf(4), linux/filter.h. */
#ifndef ABI_BPF_H
#define ABI_BPF_H

#include <stdint.h>

struct lx_sock_filter {
	uint16_t code;
	uint8_t jt, jf; /* instructions skipped when the comparison holds, and when not */
	uint32_t k;
};
_Static_assert(sizeof(struct lx_sock_filter) == 8, "struct sock_filter");

struct lx_sock_fprog {
	uint16_t len;
	uint16_t pad[3];
	uint64_t filter;
};
_Static_assert(sizeof(struct lx_sock_fprog) == 16, "struct sock_fprog");

#define LX_BPF_MAXINSNS 4096
#define LX_BPF_MEMWORDS 16

/* Classes, sizes, modes, operations: added up they are an instruction's code. */
enum {
	LX_BPF_LD = 0x00, LX_BPF_LDX = 0x01, LX_BPF_ST = 0x02, LX_BPF_STX = 0x03,
	LX_BPF_ALU = 0x04, LX_BPF_JMP = 0x05, LX_BPF_RET = 0x06, LX_BPF_MISC = 0x07,
	LX_BPF_CLASS_MASK = 0x07,
	LX_BPF_W = 0x00, LX_BPF_H = 0x08, LX_BPF_B = 0x10, LX_BPF_SIZE_MASK = 0x18,
	LX_BPF_IMM = 0x00, LX_BPF_ABS = 0x20, LX_BPF_IND = 0x40, LX_BPF_MEM = 0x60, LX_BPF_LEN = 0x80, LX_BPF_MSH = 0xa0,
	LX_BPF_ADD = 0x00, LX_BPF_SUB = 0x10, LX_BPF_MUL = 0x20, LX_BPF_DIV = 0x30, LX_BPF_OR = 0x40, LX_BPF_AND = 0x50,
	LX_BPF_LSH = 0x60, LX_BPF_RSH = 0x70, LX_BPF_NEG = 0x80, LX_BPF_MOD = 0x90, LX_BPF_XOR = 0xa0,
	LX_BPF_JA = 0x00, LX_BPF_JEQ = 0x10, LX_BPF_JGT = 0x20, LX_BPF_JGE = 0x30, LX_BPF_JSET = 0x40,
	LX_BPF_OP_MASK = 0xf0,
	LX_BPF_K = 0x00, LX_BPF_X = 0x08, LX_BPF_A = 0x10,
	LX_BPF_TAX = 0x00, LX_BPF_TXA = 0x80,
};

/* Loads from here on are of what is beside the packet. */
#define LX_SKF_AD_OFF 0xfffff000u
#define LX_SKF_AD_ALU_XOR_X 40
#define LX_SKF_AD_MAX 64
#define LX_SKF_NET_OFF 0xfff00000u
#define LX_SKF_LL_OFF 0xffe00000u

#endif
