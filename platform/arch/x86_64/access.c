/*
 * Whether a page fault was a read, a write or a fetch. The host tells a tracer a fault's address but not its error code,
 * which signal handlers look at (garbage collectors, user-level paging); the instruction that faulted tells the rest.
 */
#include <capstone/capstone.h>
#include <string.h>

#include "platform/arch.h"
#include "regs.h"

enum {
	INSN_MAX = 15,
	ERROR_WRITE = 2,
	ERROR_FETCH = 16,
	TRAP_PAGE = 14,
};

/* Where an instruction keeps registers that its addresses are made from. */
static const struct {
	uint16_t reg, slot;
} reg_map[] = {
	{ X86_REG_RAX, R_AX }, { X86_REG_RBX, R_BX }, { X86_REG_RCX, R_CX }, { X86_REG_RDX, R_DX }, { X86_REG_RSI, R_SI },
	{ X86_REG_RDI, R_DI }, { X86_REG_RBP, R_BP }, { X86_REG_RSP, R_SP }, { X86_REG_RIP, R_IP }, { X86_REG_R8, R_R8 },
	{ X86_REG_R9, R_R9 }, { X86_REG_R10, R_R10 }, { X86_REG_R11, R_R11 }, { X86_REG_R12, R_R12 }, { X86_REG_R13, R_R13 },
	{ X86_REG_R14, R_R14 }, { X86_REG_R15, R_R15 }, { X86_REG_EAX, R_AX }, { X86_REG_EBX, R_BX }, { X86_REG_ECX, R_CX },
	{ X86_REG_EDX, R_DX }, { X86_REG_ESI, R_SI }, { X86_REG_EDI, R_DI }, { X86_REG_EBP, R_BP }, { X86_REG_ESP, R_SP },
};

static uint64_t reg_value(const struct arch_regs *r, x86_reg reg)
{
	for (size_t i = 0; i < sizeof(reg_map) / sizeof(reg_map[0]); i++)
		if (reg_map[i].reg == reg)
			return r->slot[reg_map[i].slot];
	return 0;
}

static uint64_t operand_address(const struct arch_regs *r, const cs_insn *insn, const cs_x86_op *op)
{
	uint64_t at = reg_value(r, op->mem.base) + reg_value(r, op->mem.index) * (uint64_t)op->mem.scale + (uint64_t)op->mem.disp;

	if (op->mem.base == X86_REG_RIP)
		at += insn->size;
	if (op->mem.segment == X86_REG_FS)
		at += r->slot[R_FS_BASE];
	else if (op->mem.segment == X86_REG_GS)
		at += r->slot[R_GS_BASE];
	return at;
}

/* Calls, pushes and the like store below the stack pointer without an operand that says so. */
static bool stores_on_stack(const cs_insn *insn)
{
	switch (insn->id) {
	case X86_INS_CALL:
	case X86_INS_LCALL:
	case X86_INS_PUSH:
	case X86_INS_PUSHF:
	case X86_INS_PUSHFQ:
	case X86_INS_ENTER:
		return true;
	default:
		return false;
	}
}

static bool near(uint64_t fault, uint64_t at, uint64_t span)
{
	return fault - at < span;
}

static bool insn_writes(const struct arch_regs *r, const cs_insn *insn, uint64_t fault)
{
	const cs_x86 *x = &insn->detail->x86;
	bool writes = false;

	if (stores_on_stack(insn) && near(fault, r->slot[R_SP] - 64, 64))
		return true;
	for (uint8_t i = 0; i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];

		/* Of movs and the like, which has two places in memory, the one that the fault is in. */
		if (op->type != X86_OP_MEM || !(op->access & CS_AC_WRITE))
			continue;
		if (near(fault, operand_address(r, insn, op), op->size ? op->size : 64))
			return true;
		writes = true;
	}
	for (uint8_t i = 0; writes && i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];

		if (op->type == X86_OP_MEM && !(op->access & CS_AC_WRITE) && near(fault, operand_address(r, insn, op), op->size))
			return false;
	}
	return writes;
}

void arch_fault_access(struct tracee *t, struct fault_info *f)
{
	uint64_t ip = stop_regs(t)->slot[R_IP];
	uint8_t code[INSN_MAX];
	cs_insn *insn;
	int64_t n;
	csh cs;

	if (f->trapno != TRAP_PAGE)
		return;
	n = tracee_read(t, code, (uaddr_t){ ip }, sizeof(code));
	/* A fetch faults where the instruction lies, or on the page that its end lies in. */
	if (n <= 0 || f->addr == ip) {
		f->error |= ERROR_FETCH;
		return;
	}
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
		return;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	if (cs_disasm(cs, code, (size_t)n, ip, 1, &insn) == 1) {
		if (insn_writes(stop_regs(t), insn, f->addr))
			f->error |= ERROR_WRITE;
		cs_free(insn, 1);
	} else if (near(f->addr, ip, sizeof(code))) {
		f->error |= ERROR_FETCH;
	}
	cs_close(&cs);
}
