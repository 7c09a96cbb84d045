/* Maps what is at the top of every guest address space (see arch_control.h), in the zygote. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clockpage.h"
#include "layout.h"
#include "platform/arch_control.h"

extern const char arch_vdso_begin[], arch_vdso_end[];

const void *arch_vdso_image(size_t *len)
{
	*len = (uintptr_t)arch_vdso_end - (uintptr_t)arch_vdso_begin;
	return arch_vdso_begin;
}

uint64_t arch_vdso_address(void)
{
	return LAYOUT_VDSO;
}

static uint64_t page_up(uint64_t v)
{
	return (v + 4095) & ~4095ull;
}

/* A private copy, shared by all processes that come from this one. */
static int map_code(uint64_t at, const void *code, size_t len)
{
	void *p = mmap((void *)at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	memcpy(p, code, len);
	return mprotect(p, len, PROT_READ | PROT_EXEC) < 0 ? -errno : 0;
}

int arch_map_top(void)
{
	static char stub[ARCH_STUB_SIZE]; /* in the zygote alone: the copy of this process that makes the call */
	size_t len;
	const void *vdso = arch_vdso_image(&len);
	void *page = clockpage_address();

	arch_stub_write(stub);
	int err = map_code(LAYOUT_STUB, stub, sizeof(stub));

	if (!err && len <= LAYOUT_VDSO_MAX)
		err = map_code(LAYOUT_VDSO, vdso, len);
	if (err || !page)
		return err;
	page = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)LAYOUT_CLOCK);
	if (page == MAP_FAILED)
		return -errno;
	return mprotect(page, 4096, PROT_READ) < 0 ? -errno : 0;
}

int arch_top_holes(struct guest_iov holes[4])
{
	size_t len;

	arch_vdso_image(&len);
	uint64_t used[] = { LAYOUT_CLOCK, LAYOUT_VDSO + page_up(len), LAYOUT_STUB, LAYOUT_STUB + ARCH_STUB_SIZE, LAYOUT_END };

	holes[0] = (struct guest_iov){ { 0 }, used[0] };
	holes[1] = (struct guest_iov){ { used[1] }, used[2] - used[1] };
	holes[2] = (struct guest_iov){ { used[3] }, used[4] - used[3] };
	return 3;
}
