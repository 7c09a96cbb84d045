/*
 * Calls made so often that a kernel may find a quicker way for them: each result is still right, and so are registers,
 * signals, forks, threads and mappings that come in between.
 */
#include "../tap.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

#define OFTEN 240
#define ROUNDS 60 /* of what waits for another process or a timer */

/*
 * A call site of our own: `hot` makes call rdi with arguments rsi, rdx, rcx; `hot_getppid` has its number in it, and
 * `hot_syscall` is its `syscall` instruction, for jumps past the number.
 */
long hot(long nr, long a, long b, long c);
long hot_getppid(void);
long hot_any(long nr);
__asm__(".text\n"
	"hot:	mov %rdi, %rax\n	mov %rsi, %rdi\n	mov %rdx, %rsi\n	mov %rcx, %rdx\n"
	"	mov 8(%rsp), %r9\n	syscall\n	ret\n"
	"hot_getppid:	mov $110, %eax\n"
	"hot_syscall:	syscall\n	ret\n"
	"hot_any:	mov %rdi, %rax\n	jmp hot_syscall\n");

/* One getpid with every register known. Returns which ones changed, a bit each; bit 31: the data below the stack. */
unsigned hot_registers(long *pid);
__asm__("hot_registers:\n"
	"	push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n push %rdi\n"
	"	mov $0x11, %ebx\n mov $0x22, %ebp\n mov $0x33, %r12d\n mov $0x44, %r13d\n mov $0x55, %r14d\n mov $0x66, %r15d\n"
	"	mov $0x77, %edi\n mov $0x88, %esi\n mov $0x99, %edx\n mov $0xaa, %r8d\n mov $0xbb, %r9d\n mov $0xcc, %r10d\n"
	"	movq $0x1234, -8(%rsp)\n movq $0x5678, -128(%rsp)\n"
	"	stc\n"
	"	mov $39, %eax\n"
	"	syscall\n"
	"	mov $0, %r11d\n"
	"	jc 1f\n or $1, %r11d\n"
	"1:	cmp $0x11, %rbx\n je 1f\n or $2, %r11d\n"
	"1:	cmp $0x22, %rbp\n je 1f\n or $4, %r11d\n"
	"1:	cmp $0x33, %r12\n je 1f\n or $8, %r11d\n"
	"1:	cmp $0x44, %r13\n je 1f\n or $16, %r11d\n"
	"1:	cmp $0x55, %r14\n je 1f\n or $32, %r11d\n"
	"1:	cmp $0x66, %r15\n je 1f\n or $64, %r11d\n"
	"1:	cmp $0x77, %rdi\n je 1f\n or $128, %r11d\n"
	"1:	cmp $0x88, %rsi\n je 1f\n or $256, %r11d\n"
	"1:	cmp $0x99, %rdx\n je 1f\n or $512, %r11d\n"
	"1:	cmp $0xaa, %r8\n je 1f\n or $1024, %r11d\n"
	"1:	cmp $0xbb, %r9\n je 1f\n or $2048, %r11d\n"
	"1:	cmp $0xcc, %r10\n je 1f\n or $4096, %r11d\n"
	"1:	cmpq $0x1234, -8(%rsp)\n je 1f\n or $0x80000000, %r11d\n"
	"1:	cmpq $0x5678, -128(%rsp)\n je 1f\n or $0x80000000, %r11d\n"
	"1:	pop %rdi\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"	mov %rax, (%rdi)\n mov %r11d, %eax\n ret\n");

static void registers(void)
{
	unsigned changed = 0;
	int wrong = 0;
	long pid;

	for (int i = 0; i < OFTEN; i++) {
		changed |= hot_registers(&pid);
		wrong += pid != getpid();
	}
	CHECK_EQ(changed, 0, "a call leaves registers, flags and the red zone alone");
	CHECK_EQ(wrong, 0, "and has its result");
}

static void entries(void)
{
	int wrong = 0;

	for (int i = 0; i < OFTEN; i++)
		wrong += hot_getppid() != getppid();
	CHECK_EQ(wrong, 0, "a site with its number in it");
	for (int i = 0; i < OFTEN; i++)
		wrong += hot_any(SYS_getpid) != getpid() || hot_any(SYS_gettid) != gettid() || hot_any(-1) != -ENOSYS;
	CHECK_EQ(wrong, 0, "a jump to its syscall instruction makes another call");
	for (int i = 0; i < OFTEN; i++)
		wrong += hot(SYS_getpid, 0, 0, 0) != getpid() || hot(SYS_close, -1, 0, 0) != -EBADF || hot(9999, 1, 2, 3) != -ENOSYS;
	CHECK_EQ(wrong, 0, "a site with any number");
}

static void files(void)
{
	char name[] = "hot-file", out[4096], in[4096];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), wrong = 0, other;
	struct stat st;

	memset(out, 'x', sizeof(out));
	for (int i = 0; i < OFTEN; i++) {
		out[0] = (char)i;
		wrong += write(fd, out, 8) != 8 || pread(fd, in, 8, 8 * i) != 8 || memcmp(in, out, 8) != 0;
		wrong += lseek(fd, 0, SEEK_CUR) != 8 * (i + 1);
		wrong += fstat(fd, &st) != 0 || st.st_size != 8 * (i + 1);
	}
	CHECK_EQ(wrong, 0, "each write moves the position and the size once");
	for (int i = 0; i < OFTEN; i++) {
		wrong += stat(name, &st) != 0 || st.st_size != 8 * OFTEN || stat("hot-nothing", &st) != -1 || errno != ENOENT;
		other = open(name, O_RDONLY);
		wrong += other < 0 || read(other, in, 1024) != 1024 || close(other) != 0;
		wrong += read(fd, NULL, 8) != 0 || pread(fd, NULL, 8, 0) != -1 || errno != EFAULT;
		wrong += access(name, R_OK) != 0 || dup(-1) != -1 || errno != EBADF;
	}
	CHECK_EQ(wrong, 0, "stat, open, read, close, access, and errors");
	close(fd);
}

static void pipes(void)
{
	static char big[100000];
	char c = 0;
	int p[2], wrong = 0, q[2];
	pid_t pid;

	MUST(pipe(p) == 0 && pipe(q) == 0);
	for (int i = 0; i < OFTEN; i++)
		wrong += write(p[1], &(char){ (char)i }, 1) != 1 || read(p[0], &c, 1) != 1 || c != (char)i;
	CHECK_EQ(wrong, 0, "a pipe within one process");
	pid = tap_fork();
	if (pid == 0) {
		for (int i = 0; i < ROUNDS && read(p[0], &c, 1) == 1; i++)
			write(q[1], &(char){ (char)(c + 1) }, 1);
		close(q[1]);
		for (long n = 0, got; n < (long)sizeof(big); n += got)
			MUST((got = read(p[0], big, sizeof(big) - (size_t)n)) > 0);
		_exit(read(p[0], &c, 1) == 1 && c == 'e' ? 0 : 1);
	}
	for (int i = 0; i < ROUNDS; i++)
		wrong += write(p[1], &(char){ (char)i }, 1) != 1 || read(q[0], &c, 1) != 1 || c != (char)(i + 1);
	CHECK_EQ(wrong, 0, "a pipe to another process and one back, with waiting");
	CHECK_EQ(write(p[1], big, sizeof(big)), sizeof(big), "a write that has to wait in the middle is whole");
	CHECK_EQ(write(p[1], "e", 1), 1, "and not made twice");
	CHECK_EQ(tap_wait(pid), 0, "as the reader says");
}

static volatile sig_atomic_t handled;
static volatile int bad_in_handler;

static void on_signal(int sig)
{
	int saved = errno;

	handled++;
	if (getppid() < 0 || hot_getppid() != getppid() || close(-1) != -1 || errno != EBADF)
		bad_in_handler++;
	errno = saved;
	(void)sig;
}

static void signals(void)
{
	struct itimerval fast = { { 0, 700 }, { 0, 700 } }, off = { { 0, 0 }, { 0, 0 } };
	int wrong = 0, before;
	sigset_t set, old;
	char c = 'a';
	int fd = open("hot-file", O_RDWR);

	signal(SIGUSR1, on_signal);
	for (int i = 0; i < OFTEN; i++) {
		before = handled;
		wrong += kill(getpid(), SIGUSR1) != 0 || handled != before + 1;
	}
	CHECK_EQ(wrong, 0, "a signal to oneself has been handled when kill returns");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int i = 0; i < OFTEN; i++) {
		wrong += sigprocmask(SIG_BLOCK, &set, &old) != 0 || kill(getpid(), SIGUSR1) != 0;
		before = handled;
		wrong += getpid() <= 0 || handled != before || sigprocmask(SIG_SETMASK, &old, NULL) != 0 || handled != before + 1;
	}
	CHECK_EQ(wrong, 0, "a pending one has been handled when the mask lets it");
	signal(SIGALRM, on_signal);
	before = handled;
	setitimer(ITIMER_REAL, &fast, NULL);
	for (int i = 0; handled < before + ROUNDS; i++)
		wrong += hot_getppid() != getppid() || pread(fd, &c, 1, 8 * (i % OFTEN)) != 1 || c != (char)(i % OFTEN) ||
			 lseek(fd, i, SEEK_SET) != i || hot(SYS_close, -1, 0, 0) != -EBADF;
	setitimer(ITIMER_REAL, &off, NULL);
	CHECK_EQ(wrong, 0, "calls between the signals of a timer have their results");
	CHECK_EQ(bad_in_handler, 0, "and so have those in its handler");
	alarm(TAP_SECONDS);
	signal(SIGALRM, SIG_DFL);
	close(fd);
}

static sigjmp_buf out;

static void jump(int sig)
{
	siglongjmp(out, sig);
}

static void jumps(void)
{
	struct itimerval once = { { 0, 0 }, { 0, 900 } };
	volatile int wrong = 0, jumped = 0;

	signal(SIGALRM, jump);
	for (volatile int i = 0; i < ROUNDS; i++) {
		if (sigsetjmp(out, 1)) {
			jumped++;
			continue;
		}
		setitimer(ITIMER_REAL, &once, NULL);
		for (;;)
			wrong += hot_getppid() != getppid();
	}
	CHECK_EQ(wrong, 0, "calls before a jump out of a handler have their results");
	CHECK_EQ(jumped, ROUNDS, "and every jump arrives");
	signal(SIGALRM, SIG_DFL);
	alarm(TAP_SECONDS);
}

/* Own pid and parent, OFTEN; 0 when right. */
static int who(pid_t parent)
{
	int wrong = 0;

	for (int i = 0; i < OFTEN / 4; i++)
		wrong += hot_getppid() != parent || hot(SYS_getpid, 0, 0, 0) != hot_any(SYS_gettid);
	return wrong;
}

static void forks(void)
{
	pid_t self = getpid(), parent = getppid(), pid;
	volatile int failed = 0, wrong = 0, pids = 0;

	for (int i = 0; i < 12; i++) {
		pid = tap_fork();
		if (pid == 0)
			_exit(who(self) ? 1 : 0);
		wrong += who(parent);
		failed += tap_wait(pid) != 0;
		pids += hot_any(SYS_getpid) != self;
	}
	CHECK_EQ(wrong + pids, 0, "a process that forks keeps its identity");
	CHECK_EQ(failed, 0, "and its children have theirs");
	for (int i = 0; i < 12; i++) {
		pid = vfork();
		if (pid == 0)
			_exit(hot_getppid() == self && hot_any(SYS_getpid) != self ? 0 : 1);
		failed += tap_wait(pid) != 0;
		wrong += who(parent);
	}
	CHECK_EQ(wrong + failed, 0, "the same with vfork");
	pid = tap_fork();
	if (pid == 0) {
		pid_t inner = tap_fork();

		if (inner == 0)
			_exit(who(getppid()) ? 1 : 0);
		failed = tap_wait(inner);
		_exit(failed || who(self) ? 1 : 0);
	}
	CHECK_EQ(tap_wait(pid), 0, "and a child's child");
}

static void *thread(void *arg)
{
	int *wrong = arg;
	pid_t tid = gettid();

	for (int i = 0; i < OFTEN; i++)
		*wrong += hot_any(SYS_gettid) != tid || hot_getppid() != getppid();
	return NULL;
}

static void threads(void)
{
	int wrong[4] = { 0 };
	pthread_t t[3];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			MUST(pthread_create(&t[i], NULL, thread, &wrong[i]) == 0);
		thread(&wrong[3]);
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		wrong[3] += who(getppid());
	}
	CHECK_EQ(wrong[0] + wrong[1] + wrong[2] + wrong[3], 0, "threads have their own tids, and so has the one that is left");
}

/* Mappings at places that a kernel might want for itself. What went wrong, as a number. */
static int places(void)
{
	static const unsigned long place[] = { 0x050f0000, 0x050f6000, 0x05100000, 0x10000000 };
	int wrong = 0;

	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		char *p = mmap((void *)place[i], 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		if (p != (char *)place[i] || p[0] || p[65535])
			return -1;
		memset(p, 0x5a, 65536);
		wrong += who(getppid());
		wrong += p[0] != 0x5a || p[40000] != 0x5a || p[65535] != 0x5a;
		wrong += who(getppid()) + munmap(p, 65536) + who(getppid());
	}
	return wrong;
}

/* Code that has made many calls is moved elsewhere, and something else comes to its old place. 0 when right. */
static int moved(void)
{
	int fd = open("/proc/self/exe", O_RDONLY), wrong = 0;
	unsigned long at = (unsigned long)hot_getppid, page = at & ~4095ul;
	unsigned long start = 0;
	char line[300];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to, off;

		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &off) == 3 && from <= at && at < to)
			start = page - from + off;
	}
	MUST(fd >= 0 && maps && fclose(maps) == 0);
	char *code = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)start);
	long (*call)(void) = (long (*)(void))(code + at % 4096);

	MUST(code != MAP_FAILED);
	for (int i = 0; i < OFTEN; i++)
		wrong += call() != getppid();
	char *to = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(mremap(code, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	call = (long (*)(void))(to + at % 4096);
	for (int i = 0; i < OFTEN; i++)
		wrong += call() != getppid();
	return wrong;
}

int main(void)
{
	tap_begin();
	registers();
	entries();
	files();
	pipes();
	signals();
	jumps();
	forks();
	threads();
	CHECK_CHILD("mappings at places that a kernel might want, in a child", MUST(places() == 0));
	registers();
	entries();
	CHECK_EQ(moved(), 0, "code that is moved");
	CHECK_EQ(places(), 0, "the same mappings in the process itself");
	forks();
	return tap_end();
}
