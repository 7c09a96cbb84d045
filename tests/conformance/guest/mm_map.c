/* mmap, munmap, mprotect, mremap, brk: addresses, errors, contents. */
#include "../tap.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static sigjmp_buf jump;
static volatile int caught;

static void on_fault(int sig)
{
	caught = sig;
	siglongjmp(jump, 1);
}

/* Does touching fault? */
static int reads(volatile char *p)
{
	caught = 0;
	if (sigsetjmp(jump, 1) == 0)
		(void)*p;
	return caught;
}

static int writes(volatile char *p)
{
	caught = 0;
	if (sigsetjmp(jump, 1) == 0)
		*p = *p;
	return caught;
}

static char *map(long pages, int prot)
{
	return mmap(NULL, pages * PAGE, prot, ANON, -1, 0);
}

static void anonymous(void)
{
	char *p = map(4, RW), *q;
	long i, sum = 0;

	CHECK(p != MAP_FAILED && (uintptr_t)p % PAGE == 0, "an anonymous mapping is page-aligned");
	for (i = 0; i < 4 * PAGE; i++)
		sum += p[i];
	CHECK_EQ(sum, 0, "and zero");
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK(reads(p) == 0 && reads(p + PAGE) == SIGSEGV && reads(p + 2 * PAGE) == 0, "munmap of a middle page");
	CHECK_OK(munmap(p + PAGE, PAGE));
	q = mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK(q == p + PAGE && reads(q) == 0, "MAP_FIXED fills the hole");
	strcpy(p, "old");
	CHECK(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p && *p == 0, "MAP_FIXED replaces");
	CHECK_ERRNO(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	munmap(p, PAGE);
	CHECK(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p, "MAP_FIXED_NOREPLACE of a free page");
	munmap(p, 4 * PAGE);
	q = mmap(p, 4 * PAGE, RW, ANON, -1, 0);
	CHECK(q == p, "a free hint is taken");
	CHECK(mmap(p, PAGE, RW, ANON, -1, 0) != p, "a used one is not");
	CHECK((uintptr_t)mmap(p + 100 * PAGE + 123, PAGE, RW, ANON, -1, 0) % PAGE == 0, "an odd hint is rounded");
	munmap(p, 4 * PAGE);
	CHECK_ERRNO(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERRNO(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERRNO(mmap(NULL, SIZE_MAX, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERRNO(mmap(NULL, 1UL << 47, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
	CHECK_ERRNO(mmap((void *)-4096L, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, RW, ANON, -1, 5), EINVAL);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, 999, 0), EBADF);
	CHECK_ERRNO(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERRNO(munmap(p, 0), EINVAL);
	CHECK_ERRNO(munmap((void *)-4096L, PAGE), EINVAL);
	p = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
	CHECK((uintptr_t)p < 1UL << 31, "MAP_32BIT");
	munmap(p, PAGE);
	p = mmap(NULL, 64L << 30, RW, ANON | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED && writes(p + (63L << 30)) == 0, "64 GiB reserved, one page used");
	munmap(p, 64L << 30);
	p = mmap(NULL, 8 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
	CHECK(p != MAP_FAILED && p[7 * PAGE] == 0, "MAP_POPULATE");
	munmap(p, 8 * PAGE);
}

static void protections(void)
{
	char *p = map(5, RW);

	strcpy(p + 2 * PAGE, "kept");
	CHECK_OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	CHECK(writes(p + PAGE) == 0 && writes(p + 2 * PAGE) == SIGSEGV && writes(p + 3 * PAGE) == 0, "mprotect splits a mapping");
	CHECK_STR(p + 2 * PAGE, "kept", "read-only memory reads");
	CHECK_OK(mprotect(p + 2 * PAGE, PAGE, PROT_NONE));
	CHECK_EQ(reads(p + 2 * PAGE), SIGSEGV, "PROT_NONE does not");
	CHECK_OK(mprotect(p, 5 * PAGE, RW));
	CHECK(writes(p + 2 * PAGE) == 0 && !strcmp(p + 2 * PAGE, "kept"), "back to read-write with its content");
	CHECK_ERRNO(mprotect(p + 1, PAGE, RW), EINVAL);
	CHECK_ERRNO(mprotect(p, PAGE, 0x1000), EINVAL);
	CHECK_OK(mprotect(p, 0, RW));
	munmap(p + 3 * PAGE, PAGE);
	CHECK_ERRNO(mprotect(p, 5 * PAGE, PROT_READ), ENOMEM);
	CHECK(writes(p + 2 * PAGE) == SIGSEGV && writes(p + 4 * PAGE) == 0, "up to the hole it was done");
	mprotect(p, 3 * PAGE, RW);
	munmap(p, 5 * PAGE);
	p = map(1, PROT_NONE);
	CHECK_EQ(reads(p), SIGSEGV, "a mapping made with PROT_NONE");
	CHECK_OK(mprotect(p, PAGE, PROT_WRITE));
	CHECK_EQ(reads(p), 0, "PROT_WRITE alone reads on x86");
	munmap(p, PAGE);
}

static void code(void)
{
	static const unsigned char instructions[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};	/* mov $42, %eax; ret */
	unsigned char *p = mmap(NULL, PAGE, RW, ANON, -1, 0);
	int (*fn)(void) = (int (*)(void))(uintptr_t)p;

	memcpy(p, instructions, sizeof(instructions));
	CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	CHECK_EQ(fn(), 42, "code made at run time");
	mprotect(p, PAGE, RW | PROT_EXEC);
	p[1] = 43;
	CHECK_EQ(fn(), 43, "and changed");
	munmap(p, PAGE);
}

static void remaps(void)
{
	char *p = map(4, RW), *q, *wall;

	strcpy(p, "first");
	strcpy(p + 3 * PAGE, "last");
	q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && !strcmp(q, "first") && !strcmp(q + 3 * PAGE, "last") && q[7 * PAGE] == 0, "mremap grows");
	p = q;
	CHECK(mremap(p, 8 * PAGE, 2 * PAGE, 0) == p, "mremap shrinks in place");
	CHECK_EQ(reads(p + 3 * PAGE), SIGSEGV, "and unmaps the rest");
	CHECK(mremap(p, 2 * PAGE, 2 * PAGE, 0) == p, "the same size is nothing");
	wall = mmap(p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	mprotect(wall, PAGE, PROT_READ);
	CHECK_ERRNO(mremap(p, 2 * PAGE, 4 * PAGE, 0), ENOMEM);
	q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != p && q != MAP_FAILED && !strcmp(q, "first"), "mremap moves when it must");
	CHECK_EQ(reads(p), SIGSEGV, "and unmaps the old place");
	p = map(8, RW);
	CHECK(mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p && !strcmp(p, "first"), "MREMAP_FIXED");
	CHECK_EQ(reads(q), SIGSEGV, "leaves nothing behind");
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	CHECK(q != MAP_FAILED && q != p && !strcmp(q, "first"), "MREMAP_DONTUNMAP moves the pages");
	CHECK(reads(p) == 0 && *p == 0, "and leaves an empty mapping");
	CHECK_ERRNO(mremap(p, 4 * PAGE, 0, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERRNO(mremap(p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, PAGE, MREMAP_FIXED, q), EINVAL);
	CHECK_ERRNO(mremap(p, PAGE, 2 * PAGE, 0x80), EINVAL);
	CHECK_ERRNO(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL);
	munmap(q, 4 * PAGE);
	CHECK_ERRNO(mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	munmap(p, 8 * PAGE);
	munmap(wall, PAGE);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(p, "shared");
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p && !strcmp(q, "shared"), "an old size of 0 makes a second view of shared memory");
	munmap(p, 2 * PAGE);
	munmap(q, 2 * PAGE);
}

static void breaks(void)
{
	char *start = sbrk(0), *end;

	CHECK(start != (void *)-1, "sbrk(0)");
	CHECK(sbrk(3 * PAGE) == start, "the break grows");
	end = sbrk(0);
	CHECK_EQ(end - start, 3 * PAGE, "by what was asked");
	memset(start, 'b', 3 * PAGE);
	CHECK_OK(brk(start + PAGE));
	CHECK_OK(brk(start + 2 * PAGE));
	CHECK_EQ(*(char *)(((uintptr_t)start + PAGE + PAGE - 1) & -PAGE), 0, "what was given back comes back as zeros");
	CHECK_OK(brk(start));
	CHECK_EQ(syscall(SYS_brk, 0), (long)(uintptr_t)start, "brk(0) reads the break");
	CHECK_EQ(syscall(SYS_brk, 8), (long)(uintptr_t)start, "a break below the heap changes nothing");
	CHECK_EQ(syscall(SYS_brk, -1L), (long)(uintptr_t)start, "nor one past all memory");
	CHECK_CHILD("the break is a process' own", MUST(sbrk(PAGE) == start));
	CHECK(sbrk(0) == start, "a child's growth is not the parent's");
}

static int deep(int n)
{
	volatile char frame[1024];

	frame[0] = n;
	return n == 0 ? frame[0] : deep(n - 1) + (frame[0] == (char)n);
}

static void stacks(void)
{
	char *p;

	CHECK_EQ(deep(6000), 6000, "the stack grows by six MiB");
	p = mmap(NULL, 16 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_STACK, -1, 0);
	CHECK(p != MAP_FAILED && writes(p + 15 * PAGE) == 0 && writes(p) == 0, "MAP_GROWSDOWN");
	munmap(p, 16 * PAGE);
}

/* stress-ng's vm-segv: a program that unmaps all there is dies at its next instruction. */
static void everything(void)
{
	const unsigned long end = 0x7ffffffff000;
	int status = IN_CHILD(signal(SIGSEGV, SIG_DFL); syscall(SYS_munmap, 0, end));

	CHECK_EQ(status & 0x7f, SIGSEGV, "munmap of the whole address space");
	CHECK_ERRNO(syscall(SYS_munmap, 0, end + PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_munmap, end, PAGE), EINVAL);
	CHECK_ERRNO(syscall(SYS_munmap, PAGE, -PAGE), EINVAL);
	CHECK_OK(syscall(SYS_munmap, end - PAGE, PAGE));
}

int main(void)
{
	tap_begin();
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	anonymous();
	protections();
	code();
	remaps();
	breaks();
	stacks();
	everything();
	return tap_end();
}
