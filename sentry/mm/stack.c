/*
 * A fresh program's stack, from high addresses to low: the file name, environment and argument strings, platform string and random
 * bytes, padding, the auxiliary vector, envp, argv, argc. The stack pointer is 16-byte aligned at argc. System V ABI, AMD64 supplement 3.4.1.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "abi/elf.h"
#include "base/mem.h"
#include "platform/arch.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/exec.h"
#include "sentry/mm/vma.h"

struct builder {
	char *bytes;       /* the image; its end is at `top` in the guest */
	uint64_t size, top;
	uint64_t at;       /* guest address of the lowest byte so far */
};

static char *local(const struct builder *b, uint64_t addr)
{
	return b->bytes + (b->size - (b->top - addr));
}

static uint64_t push(struct builder *b, const void *p, uint64_t n)
{
	b->at -= n;
	memcpy(local(b, b->at), p, n);
	return b->at;
}

/* The strings of a vector, in order at rising addresses; the first one's address. */
static uint64_t push_strings(struct builder *b, char *const *v, uint32_t n)
{
	for (uint32_t i = n; i-- > 0;)
		push(b, v[i], strlen(v[i]) + 1);
	return b->at;
}

static void write_pointers(const struct builder *b, uint64_t *slot, uint64_t strings, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		slot[i] = strings;
		strings += strlen(local(b, strings)) + 1;
	}
	slot[n] = 0;
}

struct aux {
	uint64_t *v;
	uint32_t n;
};

static void aux_put(struct aux *a, uint64_t type, uint64_t value)
{
	a->v[a->n++] = type;
	a->v[a->n++] = value;
}

static void fill_auxv(struct exec_plan *plan, uint64_t random, uint64_t platform, uint64_t filename)
{
	struct aux a = { plan->auxv, 0 };
	const struct cred *c = plan->cred;
	uint64_t vdso = arch_vdso_address();

	if (vdso)
		aux_put(&a, LX_AT_SYSINFO_EHDR, vdso);
	aux_put(&a, LX_AT_MINSIGSTKSZ, arch_min_sigstack());
	aux_put(&a, LX_AT_HWCAP, arch_hwcap());
	aux_put(&a, LX_AT_PAGESZ, PAGE_SIZE_LX);
	aux_put(&a, LX_AT_CLKTCK, 100);
	aux_put(&a, LX_AT_PHDR, plan->program_phdr);
	aux_put(&a, LX_AT_PHENT, sizeof(struct lx_elf64_phdr));
	aux_put(&a, LX_AT_PHNUM, plan->phnum);
	aux_put(&a, LX_AT_BASE, plan->interpreter_base);
	aux_put(&a, LX_AT_FLAGS, 0);
	aux_put(&a, LX_AT_ENTRY, plan->program_entry);
	aux_put(&a, LX_AT_UID, c->uid);
	aux_put(&a, LX_AT_EUID, c->euid);
	aux_put(&a, LX_AT_GID, c->gid);
	aux_put(&a, LX_AT_EGID, c->egid);
	aux_put(&a, LX_AT_SECURE, plan->secure);
	aux_put(&a, LX_AT_RANDOM, random);
	aux_put(&a, LX_AT_HWCAP2, arch_hwcap2());
	aux_put(&a, LX_AT_EXECFN, filename);
	aux_put(&a, LX_AT_PLATFORM, platform);
	aux_put(&a, LX_AT_NULL, 0);
}

static uint32_t auxv_words(const struct exec_plan *plan)
{
	uint32_t n = 0;

	while (plan->auxv[n] != LX_AT_NULL)
		n += 2;
	return n + 2;
}

int stack_plan(struct exec_plan *plan, const struct exec_args *args, const char *filename)
{
	uint64_t top = plan->mm->stack_start, vectors, words, filename_at, random_at, platform_at, argv_at, envp_at;
	struct builder b = { .top = top, .at = top };
	const char *platform = arch_platform_string();
	unsigned char random[16];
	uint64_t *slot;

	b.size = args->bytes + strlen(filename) + 1 + strlen(platform) + 1 + 8 * (args->argc + args->envc) + 1024;
	if (b.size > top - plan->mm->stack_low)
		return -E2BIG;
	b.bytes = mem_zalloc(b.size);
	if (!b.bytes)
		return -ENOMEM;
	plan->stack = b.bytes;
	b.at -= 8; /* Linux leaves a null word at the very top */
	filename_at = push(&b, filename, strlen(filename) + 1);
	plan->env_end = b.at;
	envp_at = push_strings(&b, args->envp, args->envc);
	plan->env_start = plan->arg_end = b.at;
	argv_at = push_strings(&b, args->argv, args->argc);
	plan->arg_start = b.at;
	platform_at = push(&b, platform, strlen(platform) + 1);
	b.at &= ~15ull;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	random_at = push(&b, random, sizeof(random));
	fill_auxv(plan, random_at, platform_at, filename_at);
	words = 1 + args->argc + 1 + args->envc + 1 + auxv_words(plan);
	vectors = (b.at - 8 * words) & ~15ull;
	b.at = vectors;
	slot = (uint64_t *)(void *)local(&b, vectors);
	/* The image's end is not aligned as the guest's top is: the words are moved in by memcpy from an aligned vector. */
	{
		AUTO_FREE uint64_t *v = mem_calloc(words, 8);

		if (!v)
			return -ENOMEM;
		v[0] = args->argc;
		write_pointers(&b, v + 1, argv_at, args->argc);
		write_pointers(&b, v + 1 + args->argc + 1, envp_at, args->envc);
		memcpy(v + words - auxv_words(plan), plan->auxv, 8ull * auxv_words(plan));
		memcpy(slot, v, 8 * words);
	}
	plan->sp = vectors;
	plan->stack_len = top - vectors;
	memmove(b.bytes, slot, plan->stack_len);
	return 0;
}
