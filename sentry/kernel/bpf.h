/*
 * Classic BPF: the verifier and the interpreter, for seccomp and for socket filters. Linux: net/core/filter.c.
 *
 * A program that bpf_check() let pass ends: it only jumps forward, and its last instruction returns. It reads no scratch memory that it has not
 * written. Whoever runs it says what its loads find.
 */
#ifndef SENTRY_KERNEL_BPF_H
#define SENTRY_KERNEL_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/bpf.h"
#include "sentry/mm/usermem.h"

/* What a program looks at. Either `words`, in the CPU's byte order (seccomp; only aligned loads of words below len were let pass), or `load`. */
struct bpf_input {
	const uint32_t *words;
	uint32_t len;          /* bytes, what BPF_LEN gives */
	/*
	 * `size` (1, 2, 4) bytes at `offset`, in host order; offsets from LX_SKF_LL_OFF on are Linux's for headers and what is beside the packet
	 * (LX_SKF_AD_ALU_XOR_X is never asked for). `a` and `x` are the registers, for LX_SKF_AD_NLATTR. False ends the program with 0.
	 */
	bool (*load)(const void *ctx, uint32_t offset, int size, uint32_t a, uint32_t x, uint32_t *value);
	const void *ctx;
};

/* As bpf_check_classic(): 0 or -EINVAL. */
int bpf_check(const struct lx_sock_filter *code, uint32_t len);
/* Runs a checked program. What it returns. */
uint32_t bpf_run(const struct lx_sock_filter *code, const struct bpf_input *in);
/* How long the program is in Linux's own instructions, by which seccomp's limit counts. */
uint32_t bpf_kernel_length(const struct lx_sock_filter *code, uint32_t len);
/*
 * A struct sock_fprog of the guest's: copied and checked. *out is the caller's to mem_free(). -EFAULT, -EINVAL (length or program), -ENOMEM.
 * bpf_copy_header() and bpf_copy_code() are its two halves, for who has to judge in between.
 */
int bpf_copy(struct task *, uaddr_t fprog, struct lx_sock_filter **out, uint32_t *len);
int bpf_copy_header(struct task *, uaddr_t fprog, struct lx_sock_fprog *out);
int bpf_copy_code(struct task *, const struct lx_sock_fprog *, struct lx_sock_filter **out);

#endif
