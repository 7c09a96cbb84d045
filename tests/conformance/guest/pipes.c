/* Pipes and fifos. */
#include "../tap.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static char big[1 << 20];

static void basics(void)
{
	int p[2];
	char buf[64];
	struct stat st;

	CHECK_OK(pipe(p));
	CHECK(fcntl(p[0], F_GETFL) == O_RDONLY && fcntl(p[1], F_GETFL) == O_WRONLY, "one end reads, one writes");
	CHECK(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode), "fstat says fifo");
	CHECK_EQ(write(p[1], "hello", 5), 5, "write");
	CHECK_EQ(write(p[1], " you", 4), 4, "write again");
	CHECK_EQ(ioctl(p[0], FIONREAD, buf) == 0 ? *(int *)buf : -1, 9, "FIONREAD counts");
	CHECK(read(p[0], buf, 3) == 3 && !memcmp(buf, "hel", 3), "a short read");
	CHECK(read(p[0], buf, 64) == 6 && !memcmp(buf, "lo you", 6), "gets what is there");
	CHECK_ERRNO(read(p[1], buf, 1), EBADF);
	CHECK_ERRNO(write(p[0], buf, 1), EBADF);
	CHECK_ERRNO(lseek(p[0], 0, SEEK_SET), ESPIPE);
	CHECK_EQ(write(p[1], "last", 4), 4, "some bytes before the end");
	close(p[1]);
	CHECK_EQ(read(p[0], buf, 64), 4, "are read after the writer has gone");
	CHECK_EQ(read(p[0], buf, 64), 0, "then the end");
	CHECK_EQ(read(p[0], buf, 64), 0, "again and again");
	close(p[0]);
	CHECK_OK(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	CHECK(fcntl(p[0], F_GETFD) == FD_CLOEXEC && fcntl(p[1], F_GETFD) == FD_CLOEXEC, "pipe2 O_CLOEXEC");
	CHECK_ERRNO(read(p[0], buf, 1), EAGAIN);
	CHECK_EQ(read(p[0], buf, 0), 0, "a read of nothing does not wait");
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	close(p[1]);
	CHECK_ERRNO(pipe2(p, O_APPEND), EINVAL);
	CHECK_ERRNO(syscall(SYS_pipe2, 8, 0), EFAULT);
}

static void capacity(void)
{
	int p[2], size;
	long total = 0;
	ssize_t n;

	CHECK_OK(pipe2(p, O_NONBLOCK));
	size = fcntl(p[1], F_GETPIPE_SZ);
	CHECK(size >= 4096, "F_GETPIPE_SZ");
	while ((n = write(p[1], big, 4096)) > 0)
		total += n;
	CHECK_EQ(total, size, "a full pipe holds its size");
	CHECK_ERRNO(write(p[1], big, 1), EAGAIN);
	CHECK_EQ(read(p[0], big, 100), 100, "with 100 bytes taken");
	CHECK_ERRNO(write(p[1], big, 4096), EAGAIN);
	CHECK(read(p[0], big, 8192) == 8192, "with two pages taken");
	n = write(p[1], big, sizeof(big));
	CHECK(n >= 4096 && n <= 8292, "a big nonblocking write is partial");
	while (read(p[0], big, sizeof(big)) > 0)
		;
	CHECK(fcntl(p[1], F_SETPIPE_SZ, 100000) >= 100000, "F_SETPIPE_SZ rounds up");
	CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 131072, "to a power of two");
	CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 1), 4096, "and at least to a page");
	CHECK_EQ(write(p[1], big, 4096), 4096, "a page fits");
	CHECK_ERRNO(write(p[1], big, 1), EAGAIN);
	CHECK_OK(fcntl(p[1], F_SETPIPE_SZ, 16384));
	CHECK_EQ(write(p[1], big, 4096), 4096, "another after growing");
	CHECK_ERRNO(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
	close(p[0]);
	close(p[1]);
}

/* Four writers, one reader: blocks of up to PIPE_BUF bytes never mix. */
static void atomicity(void)
{
	static char block[4096];
	int p[2], writers = 4, blocks = 0, mixed = 0, i;
	size_t got;
	ssize_t n;

	CHECK_OK(pipe(p));
	for (i = 0; i < writers; i++) {
		if (tap_fork() == 0) {
			memset(block, 'a' + i, sizeof(block));
			for (int j = 0; j < 50; j++)
				MUST(write(p[1], block, sizeof(block)) == sizeof(block));
			_exit(0);
		}
	}
	close(p[1]);
	for (;;) {
		for (got = 0; got < sizeof(block) && (n = read(p[0], block + got, sizeof(block) - got)) > 0; got += n)
			;
		if (got == 0)
			break;
		blocks++;
		for (size_t k = 1; k < got; k++)
			mixed += block[k] != block[0];
	}
	while (wait(NULL) > 0)
		;
	CHECK_EQ(blocks, 200, "every block arrives");
	CHECK_EQ(mixed, 0, "none is mixed with another");
	close(p[0]);
}

static void blocking(void)
{
	int p[2], back[2];
	char buf[16];
	long total = 0;
	ssize_t n;
	pid_t pid;

	CHECK_OK(pipe(p));
	CHECK_OK(pipe(back));
	pid = tap_fork();
	if (pid == 0) {
		MUST(read(p[0], buf, 16) == 4);
		tap_signal_fd(back[1]);
		close(p[1]);
		MUST(read(p[0], buf, 16) == 0);
		_exit(0);
	}
	CHECK_EQ(write(p[1], "wake", 4), 4, "a write wakes a reader");
	CHECK(tap_await_fd(back[0]), "who answers");
	close(p[1]);
	CHECK_EQ(tap_wait(pid), 0, "closing the last writer wakes it, too");
	close(p[0]);
	CHECK_OK(pipe(p));
	pid = tap_fork();
	if (pid == 0) {
		close(p[0]);
		_exit(write(p[1], big, sizeof(big)) == sizeof(big) ? 0 : 1);
	}
	close(p[1]);
	while ((n = read(p[0], big, 10000)) > 0)
		total += n;
	CHECK_EQ(total, sizeof(big), "a megabyte passes through");
	CHECK_EQ(tap_wait(pid), 0, "in one write");
	close(p[0]);
	close(back[0]);
	close(back[1]);
}

static void fifos(void)
{
	char buf[16];
	int r, w;
	pid_t pid;

	CHECK_OK(mkfifo("fifo", 0600));
	CHECK_ERRNO(mkfifo("fifo", 0600), EEXIST);
	CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(r >= 0, "a nonblocking reader opens at once");
	CHECK_EQ(read(r, buf, 16), 0, "and reads the end while there is no writer");
	w = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(w >= 0, "now a writer opens");
	CHECK_ERRNO(read(r, buf, 16), EAGAIN);
	CHECK_EQ(write(w, "fifo", 4), 4, "write");
	CHECK_EQ(read(r, buf, 16), 4, "read");
	close(w);
	CHECK_EQ(read(r, buf, 16), 0, "the end again");
	close(r);
	pid = tap_fork();
	if (pid == 0) {
		w = open("fifo", O_WRONLY);
		_exit(w >= 0 && write(w, "met", 3) == 3 ? 0 : 1);
	}
	r = open("fifo", O_RDONLY);
	CHECK(read(r, buf, 16) == 3 && !memcmp(buf, "met", 3), "a reader and a writer wait for each other in open");
	CHECK_EQ(tap_wait(pid), 0, "the writer ends");
	close(r);
	r = open("fifo", O_RDWR);
	CHECK(r >= 0 && write(r, "self", 4) == 4 && read(r, buf, 16) == 4, "O_RDWR is both ends");
	close(r);
}

static void splices(void)
{
	int a[2], b[2];
	char buf[16] = "";
	struct iovec iov = {"vm", 2};

	CHECK_OK(pipe2(a, O_NONBLOCK));
	CHECK_OK(pipe2(b, O_NONBLOCK));
	CHECK_EQ(write(a[1], "abcdef", 6), 6, "fill one pipe");
	CHECK_EQ(tee(a[0], b[1], 4, 0), 4, "tee copies");
	CHECK(read(b[0], buf, 16) == 4 && !memcmp(buf, "abcd", 4), "to the other");
	CHECK_EQ(splice(a[0], NULL, b[1], NULL, 16, 0), 6, "splice moves what tee left");
	CHECK(read(b[0], buf, 16) == 6 && !memcmp(buf, "abcdef", 6), "all of it");
	CHECK_ERRNO(read(a[0], buf, 1), EAGAIN);
	CHECK_ERRNO(splice(a[0], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(vmsplice(a[1], &iov, 1, 0), 2, "vmsplice");
	CHECK(read(a[0], buf, 16) == 2 && !memcmp(buf, "vm", 2), "arrives");
	CHECK_ERRNO(splice(a[0], &(loff_t){0}, b[1], NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(tee(a[0], 0, 1, 0x100), EINVAL);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static short events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void polls(void)
{
	int p[2];

	CHECK_OK(pipe2(p, O_NONBLOCK));
	CHECK(events(p[0]) == 0 && events(p[1]) == POLLOUT, "an empty pipe: only the writer is ready");
	CHECK_EQ(write(p[1], "x", 1), 1, "with a byte");
	CHECK_EQ(events(p[0]), POLLIN, "the reader is");
	while (write(p[1], big, 4096) > 0)
		;
	CHECK_EQ(events(p[1]), 0, "a full pipe: the writer is not");
	close(p[1]);
	CHECK_EQ(events(p[0]), POLLIN | POLLHUP, "no writer, with data: POLLIN and POLLHUP");
	while (read(p[0], big, sizeof(big)) > 0)
		;
	CHECK_EQ(events(p[0]), POLLHUP, "without data: POLLHUP");
	close(p[0]);
	CHECK_OK(pipe(p));
	close(p[0]);
	CHECK_EQ(events(p[1]), POLLOUT | POLLERR, "no reader: POLLERR");
	close(p[1]);
}

int main(void)
{
	tap_begin();
	basics();
	capacity();
	atomicity();
	blocking();
	fifos();
	splices();
	polls();
	return tap_end();
}
