/*
 * The guests' filter: where a call goes, never whether it is allowed. Handwritten, since libseccomp cannot test the
 * instruction pointer, and every instruction costs at each start and each call: a binary tree over ranges of numbers.
 *
 * That a call comes from the stub is a matter of routing alone: all those go to the tracer, which knows what it has
 * announced.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#include "platform/arch_control.h"

#define FIELD(f) ((uint32_t)offsetof(struct seccomp_data, f))
#define LOAD(f) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (f)))
#define RETURN(v) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (v)))

struct range {
	uint32_t first, last;
};

struct builder {
	struct sock_filter *code;
	int len;
	bool full;
};

static void emit(struct builder *b, struct sock_filter insn)
{
	if (b->len < FILTER_MAX)
		b->code[b->len++] = insn;
	else
		b->full = true;
}

static void emit_jump(struct builder *b, uint16_t op, uint32_t k, uint8_t yes, uint8_t no)
{
	emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, yes, no));
}

/* The number is in the accumulator; each path ends in a verdict of its own. */
static void emit_tree(struct builder *b, const struct range *r, int count)
{
	if (count == 0) {
		emit(b, RETURN(SECCOMP_RET_USER_NOTIF));
	} else if (count == 1 && r->first == r->last) {
		emit_jump(b, BPF_JEQ, r->first, 0, 1);
		emit(b, RETURN(SECCOMP_RET_TRACE));
		emit(b, RETURN(SECCOMP_RET_USER_NOTIF));
	} else if (count == 1) {
		emit_jump(b, BPF_JGE, r->first, 0, 2);
		emit_jump(b, BPF_JGT, r->last, 1, 0);
		emit(b, RETURN(SECCOMP_RET_TRACE));
		emit(b, RETURN(SECCOMP_RET_USER_NOTIF));
	} else {
		int half = count / 2, at = b->len;

		emit_jump(b, BPF_JGE, r[half].first, 0, 0);
		emit_tree(b, r, half);
		b->code[at].jt = (uint8_t)(b->len - at - 1);
		emit_tree(b, r + half, count - half);
	}
}

static int make_ranges(struct range *out, int max, const uint16_t *nrs, size_t count)
{
	int n = 0;

	for (size_t i = 0; i < count; i++) {
		if (n > 0 && nrs[i] == out[n - 1].last + 1) {
			out[n - 1].last = nrs[i];
			continue;
		}
		if (n == max)
			return -E2BIG;
		out[n++] = (struct range){ nrs[i], nrs[i] };
	}
	return n;
}

int filter_build(struct sock_filter *out, const uint16_t *stops, size_t count)
{
	struct builder b = { .code = out };
	struct range ranges[64];
	int n = make_ranges(ranges, 64, stops, count);
	uint64_t loop = arch_stub_loop_ip();

	if (n < 0)
		return n;
	emit(&b, LOAD(FIELD(arch)));
	emit_jump(&b, BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	emit(&b, RETURN(SECCOMP_RET_ERRNO | ENOSYS));
	emit(&b, LOAD(FIELD(instruction_pointer)));
	emit_jump(&b, BPF_JEQ, (uint32_t)loop, 0, 3);
	emit(&b, LOAD(FIELD(instruction_pointer) + 4));
	emit_jump(&b, BPF_JEQ, (uint32_t)(loop >> 32), 0, 1);
	emit(&b, RETURN(SECCOMP_RET_TRACE));
	emit(&b, LOAD(FIELD(nr)));
	emit_tree(&b, ranges, n);
	return b.full ? -E2BIG : b.len;
}
