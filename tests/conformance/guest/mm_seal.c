/* mseal(2), remap_file_pages(2), locking of memory, mincore(2), PR_SET_MDWE: what is refused, and what is counted. */
#include "../tap.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

static char *map(size_t pages)
{
	return mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long seal(void *addr, size_t len)
{
	return syscall(SYS_mseal, addr, len, 0UL);
}

static void seals(void)
{
	char *p = map(8), *ro;

	if (seal(p, 0) < 0 && errno == ENOSYS) {
		SKIP("mseal", "not offered");
		return;
	}
	CHECK_ERRNO(syscall(SYS_mseal, p, 4096, 1UL), EINVAL);
	CHECK_ERRNO(seal(p + 1, 4096), EINVAL);
	CHECK_ERRNO(seal(p, -1UL), EINVAL);
	CHECK_ERRNO(seal((void *)4096, 4096), ENOMEM);
	CHECK_OK(seal(p, 4096));
	CHECK_OK(seal(p, 4096));
	CHECK_ERRNO(munmap(p, 4096), EPERM);
	CHECK_ERRNO(munmap(p, 8192), EPERM);
	p[4096] = 1;
	CHECK_EQ(p[4096], 1, "a munmap that is refused unmaps nothing");
	CHECK_ERRNO(mprotect(p, 4096, PROT_READ), EPERM);
	CHECK_ERRNO(mprotect(p, 4096, PROT_READ | PROT_WRITE), EPERM);
	CHECK_ERRNO((long)mremap(p, 4096, 8192, MREMAP_MAYMOVE), EPERM);
	CHECK_ERRNO((long)mremap(p, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * 4096), EPERM);
	CHECK_ERRNO((long)mremap(p + 4 * 4096, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p), EPERM);
	CHECK_ERRNO((long)mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
	CHECK_ERRNO((long)mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_OK(madvise(p, 4096, MADV_DONTNEED));
	CHECK_OK(msync(p, 4096, MS_ASYNC));
	CHECK_OK(mprotect(p + 4096, 4096, PROT_READ));
	CHECK_CHILD("a child's copy is sealed as well", MUST(munmap(p, 4096) < 0 && errno == EPERM));
	ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_OK(seal(ro, 4096));
	CHECK_ERRNO(madvise(ro, 4096, MADV_DONTNEED), EPERM);
	CHECK_ERRNO(madvise(ro, 4096, MADV_FREE), EPERM);
	CHECK_OK(madvise(ro, 4096, MADV_WILLNEED));
}

static void remaps(void)
{
	int fd = open("pages", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *m, *p = map(1);

	for (char i = 0; i < 16; i++)
		pwrite(fd, &i, 1, i * 4096);
	ftruncate(fd, 16 * 4096);
	m = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_OK(remap_file_pages(m, 4096, 0, 5, 0));
	CHECK_EQ(m[0], 5, "remap_file_pages shows another page");
	CHECK_EQ(m[4096], 1, "and leaves the next");
	CHECK_OK(remap_file_pages(m + 4096, 2 * 4096, 0, 7, MAP_NONBLOCK));
	CHECK(m[4096] == 7 && m[8192] == 8, "two pages");
	m[4096] = 70;
	pread(fd, p, 1, 7 * 4096);
	CHECK_EQ(p[0], 70, "writes go to the page that is shown");
	CHECK_ERRNO(remap_file_pages(m, 4096, PROT_READ, 5, 0), EINVAL);
	CHECK_ERRNO(remap_file_pages(p, 4096, 0, 5, 0), EINVAL);
	CHECK_ERRNO(remap_file_pages(m, 0, 0, 5, 0), EINVAL);
	CHECK_ERRNO(remap_file_pages(m, 100 * 4096, 0, 5, 0), EINVAL);
	CHECK_ERRNO(remap_file_pages((void *)4096, 4096, 0, 5, 0), EINVAL);
	CHECK_ERRNO(remap_file_pages(m, 4096, 0, -1L, 0), EINVAL);
	close(fd);
}

/* kB of a line of /proc/self/status. */
static long status_kb(const char *name)
{
	const char *line = strstr(tap_text("/proc/self/status"), name);

	return line ? atol(line + strlen(name)) : -1;
}

static void locks(void)
{
	char *p = map(8);
	struct rlimit small = { 4 * 4096, 4 * 4096 }, none = { 0, 0 };

	CHECK_EQ(status_kb("VmLck:"), 0, "nothing is locked at first");
	CHECK_OK(mlock(p, 2 * 4096));
	CHECK_EQ(status_kb("VmLck:"), 8, "two pages are");
	CHECK_OK(mlock(p + 4096 + 5, 4096));
	CHECK_EQ(status_kb("VmLck:"), 12, "a range that begins within a page takes all of both");
	CHECK_OK(mlock2(p + 5 * 4096, 4096, MLOCK_ONFAULT));
	CHECK_EQ(status_kb("VmLck:"), 16, "on fault counts at once");
	CHECK_OK(munlock(p, 4096));
	CHECK_EQ(status_kb("VmLck:"), 12, "one less");
	CHECK_CHILD("locks are not inherited", MUST(status_kb("VmLck:") == 0));
	CHECK_OK(munmap(p, 2 * 4096));
	CHECK_EQ(status_kb("VmLck:"), 8, "unmapping unlocks");
	CHECK_OK(munlockall());
	CHECK_EQ(status_kb("VmLck:"), 0, "none");
	CHECK_ERRNO(mlock((void *)4096, 4096), ENOMEM);
	CHECK_ERRNO(munlock((void *)4096, 4096), ENOMEM);
	CHECK_ERRNO(munlock(p, -4096UL), EINVAL);
	CHECK_ERRNO(syscall(SYS_mlock2, p, 4096, 2), EINVAL);
	CHECK_ERRNO(mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
	CHECK_ERRNO(mlockall(0x100), EINVAL);
	CHECK_OK(mlock(p, 0));
	CHECK_CHILD("RLIMIT_MEMLOCK is kept", MUST(setrlimit(RLIMIT_MEMLOCK, &small) == 0); MUST(setuid(65534) == 0 || getuid());
		    p = map(8); MUST(mlock(p, 4 * 4096) == 0); MUST(mlock(p, 4 * 4096) == 0);
		    MUST(mlock(p + 4 * 4096, 4096) < 0 && errno == ENOMEM); MUST(mlockall(MCL_CURRENT) < 0 && errno == ENOMEM);
		    MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN);
		    MUST(munlock(p, 4096) == 0); MUST(mlock(p + 4 * 4096, 4096) == 0));
	CHECK_CHILD("and a limit of zero forbids it", MUST(setrlimit(RLIMIT_MEMLOCK, &none) == 0); MUST(setuid(65534) == 0 || getuid());
		    MUST(mlock(map(1), 4096) < 0 && errno == EPERM); MUST(mlockall(MCL_FUTURE) < 0 && errno == EPERM);
		    MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EPERM));
	CHECK_CHILD("mlockall(MCL_FUTURE) locks what is mapped later", long before; MUST(mlockall(MCL_FUTURE) == 0);
		    before = status_kb("VmLck:"); map(4); MUST(status_kb("VmLck:") == before + 16); MUST(munlockall() == 0);
		    map(4); MUST(status_kb("VmLck:") == 0));
}

static void residency(void)
{
	unsigned char vec[4] = { 9, 9, 9, 9 };
	char *p = map(4);

	p[4096] = 1;
	CHECK_OK(mincore(p, 4 * 4096, vec));
	CHECK(!(vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1) && !(vec[3] & 1), "mincore tells what has been touched");
	CHECK_OK(madvise(p, 4 * 4096, MADV_DONTNEED));
	CHECK_OK(mincore(p, 3 * 4096 + 1, vec));
	CHECK_EQ((vec[0] | vec[1] | vec[2] | vec[3]) & 1, 0, "nothing after MADV_DONTNEED");
	CHECK_OK(madvise(p, 2 * 4096, MADV_POPULATE_WRITE));
	CHECK_OK(mincore(p, 4 * 4096, vec));
	CHECK(vec[0] & 1 && vec[1] & 1 && !(vec[2] & 1), "MADV_POPULATE_WRITE touches");
	CHECK_ERRNO(mincore(p, 4096, (void *)8), EFAULT);
	CHECK_ERRNO(mincore(p + 1, 4096, vec), EINVAL);
	CHECK_ERRNO(mincore((void *)4096, 4096, vec), ENOMEM);
	CHECK_OK(mincore(p, 0, vec));
}

static void no_new_code(void)
{
	char *p = map(1);
	int status = IN_CHILD(if (prctl(PR_SET_MDWE, 1, 0, 0, 0)) _exit(77);
			      MUST(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 1);
			      MUST(prctl(PR_SET_MDWE, 0, 0, 0, 0) < 0 && errno == EPERM); MUST(prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0);
			      MUST(mmap(NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EACCES);
			      MUST(mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EACCES); MUST(mprotect(p, 4096, PROT_READ) == 0);
			      MUST(mmap(NULL, 4096, 5, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
			      MUST(IN_CHILD(MUST(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 1)) == 0));

	if (status == EXITED(77)) {
		SKIP("PR_SET_MDWE", "not offered");
		return;
	}
	CHECK_EQ(status, 0, "PR_SET_MDWE: no memory becomes code, here and in children");
	CHECK_CHILD("PR_MDWE_NO_INHERIT ends with the fork", MUST(prctl(PR_SET_MDWE, 3, 0, 0, 0) == 0);
		    MUST(IN_CHILD(MUST(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 0)) == 0));
	CHECK_ERRNO(prctl(PR_SET_MDWE, 2, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_MDWE, 4, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_MDWE, 1, 0, 0, 0), EINVAL);
}

int main(void)
{
	tap_begin();
	seals();
	remaps();
	locks();
	residency();
	no_new_code();
	return tap_end();
}
