/* Memory protection keys: allocation, mappings, faults, threads, forks, signal handlers. pkeys(7). */
#include "../tap.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/uio.h>

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif
#define DENY_ACCESS 1L
#define DENY_WRITE 2L

static sigjmp_buf back;
static volatile int fault_code, fault_key, rights_in_handler;
static void *volatile fault_addr;

static unsigned int rdpkru(void)
{
	unsigned int a, d;

	__asm__ volatile(".byte 0x0f,0x01,0xee" : "=a"(a), "=d"(d) : "c"(0));
	return a;
}

static void wrpkru(unsigned int a)
{
	__asm__ volatile(".byte 0x0f,0x01,0xef" : : "a"(a), "c"(0), "d"(0) : "memory");
}

static unsigned int rights(long key)
{
	return rdpkru() >> (2 * key) & 3;
}

static void set_rights(long key, unsigned int r)
{
	wrpkru((rdpkru() & ~(3u << (2 * key))) | r << (2 * key));
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	fault_code = info->si_code;
	fault_addr = info->si_addr;
	fault_key = info->si_code == SEGV_PKUERR ? (int)info->si_pkey : -1;
	rights_in_handler = rdpkru();
	siglongjmp(back, 1);
}

/* The si_code of reading or writing there; 0 for none. */
static int touch(volatile char *p, bool write)
{
	fault_code = 0;
	if (sigsetjmp(back, 1) == 0) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return fault_code;
}

static long pkey_alloc_(unsigned long flags, unsigned long r) { return syscall(SYS_pkey_alloc, flags, r); }
static long pkey_free_(long key) { return syscall(SYS_pkey_free, key); }
static long pkey_mprotect_(void *p, size_t len, long prot, long key) { return syscall(SYS_pkey_mprotect, p, len, prot, key); }

static void errors(char *p)
{
	CHECK_ERRNO(pkey_alloc_(1, 0), EINVAL);
	CHECK_ERRNO(pkey_alloc_(0, 4), EINVAL);
	CHECK_ERRNO(pkey_free_(5), EINVAL);
	CHECK_ERRNO(pkey_free_(-1), EINVAL);
	CHECK_ERRNO(pkey_free_(16), EINVAL);
	CHECK_ERRNO(pkey_free_(4096), EINVAL);
	CHECK_ERRNO(pkey_mprotect_(p, 4096, PROT_READ, 5), EINVAL);
	CHECK_ERRNO(pkey_mprotect_(p, 4096, PROT_READ, 99), EINVAL);
	CHECK_ERRNO(pkey_mprotect_(p, 4096, PROT_READ, -2), EINVAL);
	CHECK_ERRNO(pkey_mprotect_(p + 1, 4096, PROT_READ, -1), EINVAL);
	CHECK_ERRNO(pkey_mprotect_(p, 4096, 0x100, -1), EINVAL);
	CHECK_ERRNO(pkey_mprotect_((void *)4096, 4096, PROT_READ, -1), ENOMEM);
	CHECK_OK(pkey_mprotect_(p, 0, PROT_READ, 5));
	CHECK_OK(pkey_mprotect_(p, 4096, PROT_READ, -1));
	CHECK_EQ(touch(p, true), SEGV_ACCERR, "key -1 is plain mprotect");
	CHECK_OK(pkey_mprotect_(p, 4096, PROT_READ | PROT_WRITE, 0));
	CHECK_EQ(touch(p, true), 0, "key 0 is everybody's");
}

static void allocation(void)
{
	long key[20], n = 0;

	while (n < 20 && (key[n] = pkey_alloc_(0, 0)) > 0)
		n++;
	CHECK(n >= 14 && errno == ENOSPC, "keys run out with ENOSPC");
	CHECK_OK(pkey_free_(key[2]));
	CHECK_ERRNO(pkey_free_(key[2]), EINVAL);
	CHECK_EQ(pkey_alloc_(0, DENY_WRITE), key[2], "a key that was freed comes again");
	CHECK_EQ(rights(key[2]), DENY_WRITE, "with the rights asked for");
	CHECK_CHILD("a child has its parent's keys", MUST(pkey_alloc_(0, 0) < 0 && errno == ENOSPC); MUST(pkey_free_(key[3]) == 0));
	CHECK_OK(pkey_free_(key[3]));
	key[3] = pkey_alloc_(0, 0);
	while (n > 0)
		pkey_free_(key[--n]);
}

static void enforcement(char *p)
{
	long key = pkey_alloc_(0, 0);
	struct iovec v = { p, 8 };
	int fd[2];

	CHECK(key > 0, "a key");
	CHECK_OK(pkey_mprotect_(p, 4096, PROT_READ | PROT_WRITE, key));
	CHECK_EQ(touch(p, true), 0, "its memory is writable while nothing is denied");
	set_rights(key, DENY_WRITE);
	CHECK_EQ(touch(p, false), 0, "denied writing, it can be read");
	CHECK_EQ(touch(p, true), SEGV_PKUERR, "and not written");
	CHECK_EQ(fault_key, key, "si_pkey names the key");
	CHECK(fault_addr == p, "si_addr the address");
	CHECK_EQ(rights_in_handler >> (2 * key) & 3, DENY_ACCESS, "the handler has a fresh program's rights");
	CHECK_EQ(touch(p + 4096, true), 0, "the next page has no key");
	wrpkru(rdpkru() & ~(3u << (2 * key)));
	set_rights(key, DENY_ACCESS);
	CHECK_EQ(touch(p, false), SEGV_PKUERR, "denied access, it cannot be read");
	wrpkru(rdpkru() & ~(3u << (2 * key)));
	CHECK_CHILD("a fork inherits keys of memory and rights", set_rights(key, DENY_WRITE);
		    MUST(IN_CHILD(MUST(rights(key) == DENY_WRITE); MUST(touch(p, true) == SEGV_PKUERR)) == 0));
	CHECK_OK(mprotect(p, 4096, PROT_READ));
	CHECK_EQ(touch(p, true), SEGV_ACCERR, "mprotect leaves the key and changes the rest");
	CHECK_OK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	set_rights(key, DENY_WRITE);
	CHECK_EQ(touch(p, true), SEGV_PKUERR, "which is still there");
	wrpkru(rdpkru() & ~(3u << (2 * key)));
	CHECK_OK(pipe(fd));
	CHECK_EQ(writev(fd[1], &v, 1), 8, "a system call reads such memory");
	CHECK_EQ(read(fd[0], p, 8), 8, "and writes it");
	CHECK_OK(pkey_mprotect_(p, 4096, PROT_READ | PROT_WRITE, 0));
	CHECK_OK(pkey_free_(key));
}

static long thread_key;

static void *looks(void *arg)
{
	(void)arg;
	return (void *)(long)rights(thread_key);
}

static void threads(void)
{
	pthread_t t;
	void *seen;

	thread_key = pkey_alloc_(0, DENY_ACCESS);
	CHECK_EQ(rights(thread_key), DENY_ACCESS, "pkey_alloc sets the caller's rights");
	set_rights(thread_key, DENY_WRITE);
	pthread_create(&t, NULL, looks, NULL);
	pthread_join(t, &seen);
	CHECK_EQ((long)seen, DENY_WRITE, "a thread starts with its maker's rights");
	pkey_free_(thread_key);
}

static volatile unsigned int seen_in_handler;

static void on_usr1(int signo)
{
	(void)signo;
	seen_in_handler = rdpkru();
	wrpkru(0);
}

static void handlers(void)
{
	long key = pkey_alloc_(0, 0);
	unsigned int before;

	signal(SIGUSR1, on_usr1);
	set_rights(key, DENY_WRITE);
	before = rdpkru();
	raise(SIGUSR1);
	CHECK_EQ(seen_in_handler, 0x55555554, "a handler starts with the rights of a fresh program");
	CHECK_EQ(rdpkru(), before, "and what it does to them ends with it");
	for (int i = 0; i < 100; i++)
		getppid();
	CHECK_EQ(rdpkru(), before, "calls leave them alone");
	CHECK_OK(munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096));
	CHECK_EQ(rdpkru(), before, "those that the kernel makes elsewhere too");
	pkey_free_(key);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	char *p;
	long key;

	tap_begin();
	p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	key = pkey_alloc_(0, 0);
	if (key < 0) {
		SKIP("protection keys", "the CPU has none");
		return tap_end();
	}
	pkey_free_(key);
	sigaction(SIGSEGV, &sa, NULL);
	errors(p);
	allocation();
	enforcement(p);
	threads();
	handlers();
	return tap_end();
}
