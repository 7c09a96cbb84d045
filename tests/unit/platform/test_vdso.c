/* The vDSO: an ELF image that libcs can read, and clocks that agree with the host's. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The offset of a symbol, found as a libc does: by the dynamic section. */
static uint64_t symbol(const char *name)
{
	size_t len;
	const char *image = arch_vdso_image(&len);
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(image + eh->e_phoff);
	const Elf64_Sym *syms = NULL;
	const char *strings = NULL;
	const uint32_t *hash = NULL;

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_DYNAMIC)
			continue;
		for (const Elf64_Dyn *d = (const Elf64_Dyn *)(image + ph[i].p_offset); d->d_tag; d++) {
			if (d->d_tag == DT_SYMTAB)
				syms = (const Elf64_Sym *)(image + d->d_un.d_ptr);
			if (d->d_tag == DT_STRTAB)
				strings = image + d->d_un.d_ptr;
			if (d->d_tag == DT_HASH)
				hash = (const uint32_t *)(image + d->d_un.d_ptr);
		}
	}
	cr_assert(syms && strings && hash);
	for (uint32_t i = 0; i < hash[1]; i++)
		if (!strcmp(strings + syms[i].st_name, name))
			return syms[i].st_value;
	cr_assert_fail("no symbol %s", name);
	return 0;
}

GUEST static void guest_clocks(uint64_t gettime)
{
	int64_t (*get)(int64_t, int64_t *) = (int64_t (*)(int64_t, int64_t *))gettime;
	int64_t ts[2], last = 0, back = 0;

	guest_report(0, get(CLOCK_REALTIME, ts));
	guest_report(1, ts[0]);
	for (int i = 0; i < 200000; i++) {
		get(CLOCK_MONOTONIC, ts);
		int64_t now = ts[0] * 1000000000 + ts[1];

		back += now < last;
		last = now;
	}
	guest_report(2, back);
	guest_report(3, last);
	guest_exit();
}

static int64_t mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* While the page is rewritten all the time, no clock steps back and no call is made for it. */
TINY_TEST(vdso_clocks, 1)
{
	usleep(2000);
	arch_clock_update();
	int64_t before = mono();

	tiny_run(guest_clocks, arch_vdso_address() + symbol("__vdso_clock_gettime"));
	while (!(__atomic_load_n(&tiny.reported, __ATOMIC_SEQ_CST) & 8)) {
		arch_clock_update();
		usleep(200);
	}
	int64_t after = mono();

	cr_assert_eq(tiny_await_report(0), 0);
	cr_assert_leq(labs(tiny_await_report(1) - time(NULL)), 1);
	cr_assert_eq(tiny_await_report(2), 0);
	cr_assert(tiny.report[3] > before - 1000000 && tiny.report[3] < after + 1000000, "%ld not in %ld..%ld", (long)tiny.report[3],
		  (long)before, (long)after);
	tiny_await_gone(1);
}

/* Before the first update the vDSO makes the call, which the sentry sees. */
TINY_TEST(vdso_falls_back, 1)
{
	tiny_run(guest_clocks, arch_vdso_address() + symbol("__vdso_clock_gettime"));
	cr_assert_eq(tiny_await_report(0), -38, "this kernel has no clock_gettime");
	pthread_mutex_lock(&tiny.lock);
	platform_kill(tiny.first->tracee);
	pthread_mutex_unlock(&tiny.lock);
	tiny_await_gone(1);
}
