/* Native asynchronous I/O: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy. */
#include "../tap.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

static long setup(unsigned nr, aio_context_t *ctx) { return syscall(SYS_io_setup, nr, ctx); }
static long destroy(aio_context_t ctx) { return syscall(SYS_io_destroy, ctx); }
static long submit(aio_context_t ctx, long nr, struct iocb **list) { return syscall(SYS_io_submit, ctx, nr, list); }
static long getevents(aio_context_t ctx, long min, long nr, struct io_event *ev, struct timespec *ts)
{
	return syscall(SYS_io_getevents, ctx, min, nr, ev, ts);
}

static aio_context_t ctx;
static struct io_event ev[16];

static struct iocb make(int op, int fd, void *buf, size_t len, long long off)
{
	struct iocb c = { .aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = (uintptr_t)buf, .aio_nbytes = len, .aio_offset = off, .aio_data = 0xabcd };
	return c;
}

static long one(struct iocb *c)
{
	struct iocb *list[1] = { c };
	return submit(ctx, 1, list);
}

/* Submits and waits: the event's res, or -1 where the submission failed. */
static long long run(struct iocb *c)
{
	if (one(c) != 1)
		return -1;
	return getevents(ctx, 1, 1, ev, NULL) == 1 ? (long long)ev[0].res : -2;
}

static long number(const char *path)
{
	return strtol(tap_text(path), NULL, 10);
}

static void test_setup(void)
{
	aio_context_t c = 0, other = 1;
	long before = number("/proc/sys/fs/aio-nr");

	CHECK_ERRNO(setup(0, &c), EINVAL);
	CHECK_ERRNO(setup(1, &other), EINVAL);
	CHECK_ERRNO(setup(1, NULL), EFAULT);
	CHECK_ERRNO(setup(1, (void *)8), EFAULT);
	CHECK_ERRNO(setup(0x10000000, &c), EINVAL);
	CHECK_ERRNO(setup(0xfffffff0u, &c), EINVAL);
	CHECK_ERRNO(setup(0x3fffff, &c), EAGAIN);
	CHECK(number("/proc/sys/fs/aio-max-nr") >= 65536, "aio-max-nr is there");
	CHECK_OK(setup(16, &c));
	CHECK(c != 0, "the context has a name");
	CHECK(c % 4096 == 0, "that is the address of a page");
	CHECK(*(volatile unsigned *)(c + 4) < 0xffffffffu, "which can be read");
	CHECK(number("/proc/sys/fs/aio-nr") >= before + 16 || before > 0, "aio-nr counts it");
	CHECK_ERRNO(setup(16, &c), EINVAL);
	CHECK_OK(destroy(c));
	CHECK_ERRNO(destroy(c), EINVAL);
	CHECK_ERRNO(destroy(0), EINVAL);
	CHECK_ERRNO(destroy(12345), EINVAL);
	CHECK_ERRNO(getevents(c, 0, 1, ev, NULL), EINVAL);
	CHECK_ERRNO(submit(c, 0, NULL), EINVAL);
}

static void test_files(void)
{
	char buf[64] = "", a[4] = "", b[8] = "";
	struct iovec v[2] = { { a, 3 }, { b, 5 } };
	int fd = open("f", O_RDWR | O_CREAT, 0644), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY);
	struct iocb c = make(IOCB_CMD_PWRITE, fd, "hello, world", 12, 0);

	CHECK_EQ(run(&c), 12, "PWRITE writes");
	CHECK_EQ(ev[0].data, 0xabcd, "the event has the data");
	CHECK_EQ(ev[0].obj, (uintptr_t)&c, "and the iocb's address");
	CHECK_EQ(ev[0].res2, 0, "and res2 is 0");
	c = make(IOCB_CMD_PREAD, ro, buf, 5, 7);
	CHECK_EQ(run(&c), 5, "PREAD reads");
	CHECK_STR(buf, "world", "what was written, at the offset");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0, "the position stays");
	c = make(IOCB_CMD_PREAD, ro, buf, 5, 100);
	CHECK_EQ(run(&c), 0, "past the end nothing is read");
	c = make(IOCB_CMD_PREAD, ro, buf, 60, 0);
	CHECK_EQ(run(&c), 12, "a read is cut at the end");
	c = make(IOCB_CMD_PREADV, ro, v, 2, 0);
	CHECK_EQ(run(&c), 8, "PREADV reads into a vector");
	CHECK(!memcmp(a, "hel", 3) && !memcmp(b, "lo, w", 5), "both parts");
	c = make(IOCB_CMD_PWRITEV, fd, v, 2, 20);
	CHECK_EQ(run(&c), 8, "PWRITEV writes");
	struct stat st;
	CHECK(fstat(fd, &st) == 0 && st.st_size == 28, "at its offset");
	c = make(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
	CHECK_EQ(run(&c), 0, "FSYNC");
	c = make(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
	CHECK_EQ(run(&c), 0, "FDSYNC");
	c = make(IOCB_CMD_FSYNC, fd, buf, 0, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_FSYNC, fd, NULL, 1, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_NOOP, fd, NULL, 0, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(4, fd, buf, 1, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(99, fd, buf, 1, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_PREAD, wo, buf, 1, 0);
	CHECK_ERRNO(one(&c), EBADF);
	c = make(IOCB_CMD_PWRITE, ro, buf, 1, 0);
	CHECK_ERRNO(one(&c), EBADF);
	c = make(IOCB_CMD_PREAD, 999, buf, 1, 0);
	CHECK_ERRNO(one(&c), EBADF);
	c = make(IOCB_CMD_PREAD, ro, buf, 1, -1);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_PREAD, ro, buf, -1, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_PREADV, ro, v, 2000, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_PREADV, ro, (void *)8, 2, 0);
	CHECK_ERRNO(one(&c), EFAULT);
	c = make(IOCB_CMD_PREAD, ro, (void *)8, 4, 0);
	CHECK_EQ(run(&c), -EFAULT, "a bad buffer is the event's error");
	c = make(IOCB_CMD_PREAD, ro, buf, 1, 0);
	c.aio_reserved2 = 1;
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_PREAD, ro, buf, 1, 0);
	c.aio_rw_flags = 0x40000000;
	CHECK_ERRNO(one(&c), EOPNOTSUPP);
	c = make(IOCB_CMD_PWRITE, fd, "!", 1, 0);
	c.aio_rw_flags = RWF_APPEND;
	CHECK_EQ(run(&c), 1, "RWF_APPEND");
	CHECK(fstat(fd, &st) == 0 && st.st_size == 29, "appends");
	c = make(IOCB_CMD_PWRITE, fd, "sync", 4, 0);
	c.aio_rw_flags = RWF_DSYNC;
	CHECK_EQ(run(&c), 4, "RWF_DSYNC counts what was written");
	c = make(IOCB_CMD_PREAD, ro, buf, 1, 0);
	c.aio_key = 77;
	CHECK_EQ(run(&c), 1, "whatever the key says");
	CHECK_EQ(c.aio_key, 0, "it is set to 0");
	int opath = open("f", O_PATH);
	c = make(IOCB_CMD_PREAD, opath, buf, 1, 0);
	CHECK_ERRNO(one(&c), EBADF);
	close(opath);
	int dir = open(".", O_RDONLY);
	c = make(IOCB_CMD_PREAD, dir, buf, 1, 0);
	long got = one(&c);
	CHECK(got == -1 && (errno == EINVAL || errno == EISDIR), "a directory cannot be read");
	close(dir);
	c = make(IOCB_CMD_PREAD, ro, buf, 12, 0);
	one(&c);
	close(ro);
	CHECK(getevents(ctx, 1, 1, ev, NULL) == 1 && ev[0].res == 12, "a closed fd's request is done");
	close(fd);
	close(wo);
}

static void test_many(void)
{
	static struct iocb c[8];
	static char buf[8][512];
	struct iocb *list[9];
	struct timespec zero = { 0 }, soon = { 0, 20000000 };
	int fd = open("many", O_RDWR | O_CREAT, 0644), seen = 0;

	for (int i = 0; i < 8; i++) {
		memset(buf[i], 'a' + i, 512);
		c[i] = make(IOCB_CMD_PWRITE, fd, buf[i], 512, i * 512);
		c[i].aio_data = i;
		list[i] = &c[i];
	}
	CHECK_EQ(submit(ctx, 8, list), 8, "eight at once");
	CHECK_EQ(getevents(ctx, 8, 16, ev, NULL), 8, "and their events");
	for (int i = 0; i < 8; i++)
		seen |= ev[i].res == 512 ? 1 << ev[i].data : 0;
	CHECK_EQ(seen, 255, "each its own");
	CHECK_EQ(getevents(ctx, 0, 8, ev, NULL), 0, "none asked for, none there");
	CHECK_EQ(getevents(ctx, 1, 8, ev, &zero), 0, "a zero time-out looks");
	CHECK_EQ(getevents(ctx, 1, 8, ev, &soon), 0, "a time-out passes");
	CHECK_ERRNO(getevents(ctx, 2, 1, ev, &zero), EINVAL);
	CHECK_ERRNO(getevents(ctx, -1, 1, ev, &zero), EINVAL);
	CHECK_ERRNO(getevents(ctx, 0, -1, ev, &zero), EINVAL);
	CHECK_ERRNO(getevents(ctx, 0, 1, ev, (void *)8), EFAULT);
	CHECK_ERRNO(submit(ctx, -1, list), EINVAL);
	CHECK_EQ(submit(ctx, 0, list), 0, "none is none");
	CHECK_ERRNO(submit(ctx, 1, NULL), EFAULT);
	list[0] = (void *)8;
	CHECK_ERRNO(submit(ctx, 1, list), EFAULT);
	for (int i = 0; i < 8; i++)
		list[i] = &c[i];
	c[2].aio_lio_opcode = 99;
	CHECK_EQ(submit(ctx, 8, list), 2, "a bad one ends the submission");
	CHECK_EQ(getevents(ctx, 2, 8, ev, NULL), 2, "what came before is done");
	c[0] = make(IOCB_CMD_PREAD, fd, buf[0], 512, 512 * 3);
	one(&c[0]);
	CHECK_ERRNO(getevents(ctx, 1, 1, (void *)8, NULL), EFAULT);
	CHECK_EQ(getevents(ctx, 1, 1, ev, NULL), 1, "an event that could not be told is told later");
	CHECK(buf[0][0] == 'd', "with its bytes");
	close(fd);
}

static void test_resfd(void)
{
	int fd = open("r", O_RDWR | O_CREAT, 0644), efd = eventfd(0, EFD_NONBLOCK), p[2];
	struct iocb c = make(IOCB_CMD_PWRITE, fd, "x", 1, 0);
	struct pollfd pfd = { .fd = efd, .events = POLLIN };
	uint64_t n = 0;

	c.aio_flags = IOCB_FLAG_RESFD;
	c.aio_resfd = efd;
	CHECK_OK(one(&c));
	CHECK_OK(one(&c));
	CHECK_EQ(getevents(ctx, 2, 2, ev, NULL), 2, "both are done");
	CHECK_EQ(poll(&pfd, 1, 1000), 1, "the eventfd is readable");
	CHECK(read(efd, &n, 8) == 8 && n == 2, "and has counted them");
	c.aio_resfd = fd;
	CHECK_ERRNO(one(&c), EINVAL);
	c.aio_resfd = 999;
	CHECK_ERRNO(one(&c), EBADF);
	if (pipe(p) == 0) {
		c = make(IOCB_CMD_PWRITE, p[1], "pipe", 4, 0);
		CHECK_EQ(run(&c), 4, "a pipe is written to");
		char buf[8] = "";
		c = make(IOCB_CMD_PREAD, p[0], buf, 8, 0);
		CHECK_EQ(run(&c), 4, "and read");
		CHECK_STR(buf, "pipe", "what was in it");
	}
	close(p[0]);
	close(p[1]);
	close(efd);
	close(fd);
}

static void test_poll(void)
{
	struct timespec zero = { 0 };
	struct io_event res;
	int p[2];

	if (pipe(p) < 0)
		return;
	struct iocb c = make(IOCB_CMD_POLL, p[1], (void *)(uintptr_t)POLLOUT, 0, 0);
	CHECK_EQ(run(&c), POLLOUT, "POLL of what is ready");
	c = make(IOCB_CMD_POLL, p[0], (void *)(uintptr_t)POLLIN, 0, 0);
	CHECK_OK(one(&c));
	CHECK_EQ(getevents(ctx, 1, 1, ev, &zero), 0, "POLL waits");
	MUST(write(p[1], "x", 1) == 1);
	CHECK_EQ(getevents(ctx, 1, 1, ev, NULL), 1, "until there is something");
	CHECK(ev[0].res & POLLIN, "and says what");
	char byte;
	MUST(read(p[0], &byte, 1) == 1);
	CHECK_OK(one(&c));
	CHECK_EQ(syscall(SYS_io_cancel, ctx, &c, &res), -1, "a POLL can be cancelled");
	CHECK_EQ(errno, EINPROGRESS, "which takes a moment");
	CHECK_EQ(getevents(ctx, 1, 1, ev, NULL), 1, "its event comes");
	CHECK_EQ(ev[0].res, 0, "with nothing");
	CHECK_ERRNO(syscall(SYS_io_cancel, ctx, &c, &res), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_cancel, ctx, (void *)8, &res), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_cancel, 4096, &c, &res), EINVAL);
	c.aio_key = 1;
	CHECK_ERRNO(syscall(SYS_io_cancel, ctx, &c, &res), EINVAL);
	c = make(IOCB_CMD_POLL, p[0], (void *)(uintptr_t)0x10000, 0, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_POLL, p[0], (void *)(uintptr_t)POLLIN, 1, 0);
	CHECK_ERRNO(one(&c), EINVAL);
	c = make(IOCB_CMD_POLL, p[0], (void *)(uintptr_t)POLLIN, 0, 0);
	CHECK_OK(one(&c));
	close(p[1]);
	CHECK(getevents(ctx, 1, 1, ev, NULL) == 1 && ev[0].res & POLLHUP, "a hang-up is told");
	close(p[0]);
}

static void on_alarm(int signo) { (void)signo; }

static void test_signals(void)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	struct timespec ts = { 5, 0 };
	sigset_t none;
	struct { const sigset_t *mask; size_t size; } arg = { &none, 8 };

	sigemptyset(&none);
	sigaction(SIGALRM, &sa, &old);
	alarm(1);
	CHECK_ERRNO(getevents(ctx, 1, 1, ev, &ts), EINTR);
	alarm(1);
	CHECK_ERRNO(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &ts, &arg), EINTR);
	ts.tv_sec = 0;
	CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &ts, &arg), 0, "io_pgetevents looks");
	arg.size = 4;
	CHECK_ERRNO(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &ts, &arg), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &ts, (void *)8), EFAULT);
	sigaction(SIGALRM, &old, NULL);
	alarm(TAP_SECONDS);
}

static void test_lives(void)
{
	aio_context_t c = 0;
	int p[2];

	CHECK_CHILD("a child has no contexts", MUST(destroy(ctx) == -1 && errno == EINVAL));
	MUST(pipe(p) == 0 && setup(4, &c) == 0);
	struct iocb poll_in = make(IOCB_CMD_POLL, p[0], (void *)(uintptr_t)POLLIN, 0, 0), *list[1] = { &poll_in };
	CHECK_EQ(submit(c, 1, list), 1, "a poll that nobody will answer");
	CHECK_OK(destroy(c));
	close(p[0]);
	close(p[1]);
	CHECK_CHILD("a process can end with contexts and requests",
		aio_context_t d = 0; int q[2]; MUST(setup(4, &d) == 0 && pipe(q) == 0);
		struct iocb w = make(IOCB_CMD_POLL, q[0], (void *)(uintptr_t)POLLIN, 0, 0); struct iocb *l[1] = { &w };
		MUST(submit(d, 1, l) == 1));
	int n = 0;
	c = 0;
	MUST(setup(1, &c) == 0 && pipe(p) == 0);
	for (; n < 100000 && submit(c, 1, list) == 1; n++)
		poll_in = make(IOCB_CMD_POLL, p[0], (void *)(uintptr_t)POLLIN, 0, 0);
	CHECK(n >= 2 && n < 10000, "a context has room for so many (%s)", "some");
	CHECK_EQ(errno, EAGAIN, "and no more");
	CHECK_OK(destroy(c));
}

int main(void)
{
	tap_begin();
	test_setup();
	CHECK_OK(setup(32, &ctx));
	test_files();
	test_many();
	test_resfd();
	test_poll();
	test_signals();
	test_lives();
	CHECK_OK(destroy(ctx));
	return tap_end();
}
