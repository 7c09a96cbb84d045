/* Mapped files, shared memory, fork's copies, advice, locking, memfd and its seals. */
#include "../tap.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)

static sigjmp_buf jump;
static volatile int caught;

static void on_fault(int sig)
{
	caught = sig;
	siglongjmp(jump, 1);
}

static int touches(volatile char *p)
{
	caught = 0;
	if (sigsetjmp(jump, 1) == 0)
		(void)*p;
	return caught;
}

static int file_of(const char *name, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t i;

	for (i = 0; i < size; i += 16)
		if (pwrite(fd, "0123456789abcde\n", 16, i) != 16)
			_exit(98);
	return fd;
}

static void private_maps(void)
{
	int fd = file_of("private", 2 * PAGE), ro = open("private", O_RDONLY | O_CLOEXEC);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0), *q = mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, PAGE), c;

	CHECK(p != MAP_FAILED && !memcmp(p, "0123456789", 10), "a private mapping shows the file");
	CHECK(q != MAP_FAILED && q[15] == '\n', "a writable private mapping of a read-only fd, from an offset");
	p[0] = 'X';
	CHECK(pread(fd, &c, 1, 0) == 1 && c == '0', "a write to it stays in memory");
	CHECK(pwrite(fd, "NEW", 3, PAGE + 1) == 3 && p[0] == 'X', "a page that was written keeps its own");
	CHECK(!memcmp(p + PAGE + 1, "NEW", 3), "a page that was not shows the file's change");
	CHECK_OK(close(fd));
	CHECK(p[2] == '2', "a mapping outlives its fd");
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0) != MAP_FAILED, "a read-only shared mapping of a read-only fd");
	fd = open("private", O_WRONLY | O_CLOEXEC);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
	close(fd);
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
	close(fd);
	munmap(p, 2 * PAGE);
	munmap(q, PAGE);
	close(ro);
}

static void shared_maps(void)
{
	int fd = file_of("shared", 3 * PAGE);
	char *p = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0), *q = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE), buf[8];
	struct iovec iov = {p + PAGE, 4};

	memcpy(p + PAGE, "MAPPED", 6);
	CHECK(pread(fd, buf, 6, PAGE) == 6 && !memcmp(buf, "MAPPED", 6), "a write to a shared mapping is read from the file");
	CHECK(!memcmp(q, "MAPPED", 6), "and seen in another mapping");
	CHECK(pwrite(fd, "WRITTEN", 7, PAGE) == 7 && !memcmp(q, "WRITTEN", 7), "a write to the file is seen in the mapping");
	CHECK_CHILD("a child's write to it", memcpy(q, "CHILD", 5));
	CHECK(!memcmp(p + PAGE, "CHILD", 5), "is the parent's");
	CHECK_OK(msync(p, 3 * PAGE, MS_SYNC));
	CHECK_OK(msync(p, PAGE, MS_ASYNC));
	CHECK_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_EQ(preadv(fd, &iov, 1, 2 * PAGE), 4, "reading a file into its own mapping");
	CHECK(!memcmp(p + PAGE, "0123", 4), "works");
	CHECK_EQ(pwrite(fd, p, 8, 100), 8, "and writing from it");
	CHECK_OK(ftruncate(fd, PAGE + 10));
	CHECK(p[PAGE + 10] == 0 && touches(p + PAGE + 100) == 0, "after truncation the last page's rest is zero");
	CHECK_EQ(touches(p + 2 * PAGE), SIGBUS, "and the page beyond is gone");
	CHECK_OK(ftruncate(fd, 3 * PAGE));
	CHECK(touches(p + 2 * PAGE) == 0 && p[2 * PAGE] == 0, "it comes back with zeros when the file grows");
	munmap(q, PAGE);
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_OK(mprotect(q, PAGE, RW));
	CHECK_OK(munmap(q, PAGE));
	CHECK_OK(munmap(p, 3 * PAGE));
	CHECK_ERRNO(msync(p, PAGE, MS_SYNC), ENOMEM);
	close(fd);
	fd = open("shared", O_RDONLY | O_CLOEXEC);
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_ERRNO(mprotect(q, PAGE, RW), EACCES);
	munmap(q, PAGE);
	close(fd);
}

static void forks(void)
{
	char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *own = mmap(NULL, 256 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(own, 'o', 256 * PAGE);
	CHECK_CHILD("a child reads and writes its copy", for (long i = 0; i < 256; i++) { MUST(own[i * PAGE] == 'o'); own[i * PAGE] = 'c'; }
		    shared[1] = 's'; MUST(IN_CHILD(MUST(own[0] == 'c'); shared[2] = 't') == 0));
	CHECK(own[0] == 'o' && own[255 * PAGE] == 'o', "the parent's is unchanged");
	CHECK(shared[1] == 's' && shared[2] == 't', "shared anonymous memory is shared with child and grandchild");
	CHECK_OK(madvise(own, PAGE, MADV_DONTFORK));
	CHECK_EQ(IN_CHILD(signal(SIGSEGV, SIG_DFL); own[0] = 'x') & 0x7f, SIGSEGV, "MADV_DONTFORK keeps a page from children");
	CHECK_OK(madvise(own, PAGE, MADV_DOFORK));
	CHECK_OK(madvise(own, PAGE, MADV_WIPEONFORK));
	CHECK_CHILD("MADV_WIPEONFORK gives them zeros", MUST(own[0] == 0 && own[PAGE] == 'o'));
	munmap(own, 256 * PAGE);
	munmap(shared, PAGE);
}

static void advice(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
	int fd = file_of("advised", PAGE);
	unsigned char resident[4] = {0};

	memset(p, 'a', 4 * PAGE);
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	CHECK(p[0] == 'a' && p[PAGE] == 0 && p[2 * PAGE] == 'a', "MADV_DONTNEED zeroes private memory");
	CHECK_OK(madvise(p, 4 * PAGE, MADV_FREE));
	p[0] = 'b';
	CHECK(p[0] == 'b' && (p[3 * PAGE] == 'a' || p[3 * PAGE] == 0), "MADV_FREE keeps what is written after it");
	CHECK_OK(madvise(p, 4 * PAGE, MADV_WILLNEED));
	CHECK_OK(madvise(p, 4 * PAGE, MADV_SEQUENTIAL));
	CHECK_OK(madvise(p, 4 * PAGE, MADV_NORMAL));
	CHECK_ERRNO(madvise(p, PAGE, 9999), EINVAL);
	CHECK_ERRNO(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_OK(madvise(p, 0, MADV_NORMAL));
	q = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	q[0] = 'Z';
	CHECK(madvise(q, PAGE, MADV_DONTNEED) == 0 && q[0] == '0', "MADV_DONTNEED of a private file page shows the file again");
	p[0] = 1;
	CHECK_OK(mincore(p, 4 * PAGE, resident));
	CHECK(resident[0] & 1, "a page just written is resident");
	CHECK_ERRNO(mincore(p + 1, PAGE, resident), EINVAL);
	CHECK_ERRNO(mincore(p, PAGE, (void *)8), EFAULT);
	CHECK_OK(mlock(p, PAGE));
	CHECK_OK(munlock(p, PAGE));
	CHECK_OK(mlock2(p, PAGE, MLOCK_ONFAULT));
	CHECK_ERRNO(mlock2(p, PAGE, 0x80), EINVAL);
	CHECK_OK(munlockall());
	CHECK_ERRNO(mlockall(0), EINVAL);
	munmap(p, 4 * PAGE);
	CHECK_ERRNO(mincore(p, PAGE, resident), ENOMEM);
	CHECK_ERRNO(mlock(p, PAGE), ENOMEM);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), ENOMEM);
	munmap(q, PAGE);
	close(fd);
}

static void memfds(void)
{
	int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING), plain = memfd_create("plain", 0);
	char *p, link[64], path[32], longest[251];

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "memfd_create");
	CHECK_OK(ftruncate(fd, 2 * PAGE));
	CHECK_EQ(write(fd, "text", 4), 4, "a memfd is written");
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && !memcmp(p, "text", 4), "and mapped");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(link, 0, sizeof(link));
	CHECK(readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, "/memfd:name (deleted)"), "its name in /proc");
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0, "no seals at the start");
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CHECK_ERRNO(ftruncate(fd, PAGE), EPERM);
	CHECK_OK(ftruncate(fd, 3 * PAGE));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CHECK_ERRNO(ftruncate(fd, 4 * PAGE), EPERM);
	CHECK_ERRNO(pwrite(fd, "x", 1, 3 * PAGE), EPERM);
	munmap(p, PAGE);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK_ERRNO(write(fd, "x", 1), EPERM);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, "F_GET_SEALS");
	CHECK_EQ(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL, "without MFD_ALLOW_SEALING it is sealed against seals");
	CHECK_ERRNO(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK_ERRNO(memfd_create("x", 0x1000), EINVAL);
	memset(longest, 'm', 250);
	longest[250] = 0;
	CHECK_ERRNO(memfd_create(longest, 0), EINVAL);
	CHECK_ERRNO(memfd_create((char *)8, 0), EFAULT);
	close(fd);
	close(plain);
}

static void across(void)
{
	char text[] = "local", buf[8] = "";
	struct iovec local = {buf, 6}, remote = {text, 6}, wild = {(void *)8, 6};

	CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 6, "process_vm_readv of the own process");
	CHECK_STR(buf, "local", "reads");
	CHECK_EQ(process_vm_writev(getpid(), &remote, 1, &local, 1, 0), 6, "process_vm_writev");
	CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &wild, 1, 0), EFAULT);
	CHECK_ERRNO(process_vm_readv(0x3ffffff, &local, 1, &remote, 1, 0), ESRCH);
	CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1, 1), EINVAL);
}

int main(void)
{
	tap_begin();
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	private_maps();
	shared_maps();
	forks();
	advice();
	memfds();
	across();
	return tap_end();
}
