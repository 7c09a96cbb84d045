/* /proc/self/maps and smaps as gcore and garbage collectors read them: where the heap ends, and what must be dumped. */
#include "../tap.h"

#include <sys/mman.h>

#define PAGE 4096UL

/* The mapping that holds addr: its end (0: none), its permissions, and what smaps says of it in kB. */
struct found {
	unsigned long start, end, anonymous;
	char perms[8], name[128];
};

static struct found look(const void *addr)
{
	struct found f = { 0 }, at = { 0 };
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end, want = (unsigned long)addr;
	char line[512], perms[8], name[128];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		name[0] = 0;
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %127s", &start, &end, perms, name) >= 3) {
			at = (struct found){ .start = start, .end = end };
			strcpy(at.perms, perms);
			strcpy(at.name, name);
			if (start <= want && want < end)
				f = at;
		} else if (at.start == f.start && f.end) {
			sscanf(line, "Anonymous: %lu kB", &f.anonymous);
		}
	}
	if (smaps)
		fclose(smaps);
	return f;
}

static void heap(void)
{
	char *start;
	struct found f;

	free(malloc(100000)); /* stdio's own buffers come first */
	look(NULL);
	start = sbrk(3 * PAGE + 100);
	f = look(start);
	CHECK_STR(f.name, "[heap]", "sbrk's memory is the heap");
	CHECK_EQ(f.end, ((unsigned long)sbrk(0) + PAGE - 1) & ~(PAGE - 1), "which ends where sbrk(2) says, to a page");
	CHECK_STR(f.perms, "rw-p", "readable and writable");
	sbrk(-(long)(3 * PAGE + 100));
	CHECK(look(sbrk(0)).end == 0 || ((unsigned long)sbrk(0) & (PAGE - 1)), "given back it is gone");
}

/* What the dynamic linker does to its tables: written first, then protected. gcore leaves out what is not Anonymous. */
static void written_then_protected(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	char *p;

	ftruncate(fd, 4 * PAGE);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED, "a private mapping of a file");
	memset(p, 1, 4 * PAGE);
	CHECK_OK(mprotect(p, 4 * PAGE, PROT_READ));
	CHECK_EQ(look(p).anonymous, 16, "what was written is Anonymous when it cannot be written any more");
	munmap(p, 4 * PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(*p == 0 && look(p).anonymous == 0, "what never could be is not");
	munmap(p, PAGE);
	close(fd);
}

int main(void)
{
	tap_begin();
	heap();
	written_then_protected();
	return tap_end();
}
