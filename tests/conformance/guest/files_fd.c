/* File descriptors: dup, fcntl, close_range, F_DUPFD, flags; locks of all three kinds. */
#include "../tap.h"

#include <linux/close_range.h>
#include <sys/file.h>
#include <sys/ioctl.h>

static void dups(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600), other;

	CHECK_EQ(other = dup(fd), fd + 1, "dup takes the lowest number");
	CHECK_EQ(fcntl(other, F_GETFD), 0, "and drops close-on-exec");
	CHECK_EQ(dup2(fd, 100), 100, "dup2");
	CHECK_EQ(dup2(fd, fd), fd, "dup2 onto itself does nothing");
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, "and keeps the flag");
	CHECK_ERRNO(dup2(999, 101), EBADF);
	CHECK_ERRNO(dup2(999, 999), EBADF);
	CHECK_ERRNO(dup2(fd, -1), EBADF);
	CHECK_EQ(dup2(0, 100), 100, "dup2 onto an open number closes it");
	CHECK_EQ(dup3(fd, 100, O_CLOEXEC), 100, "dup3");
	CHECK_EQ(fcntl(100, F_GETFD), FD_CLOEXEC, "sets close-on-exec");
	CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
	CHECK_ERRNO(dup3(fd, 100, 1), EINVAL);
	CHECK_EQ(fcntl(fd, F_DUPFD, 50), 50, "F_DUPFD from 50");
	CHECK_EQ(fcntl(fd, F_DUPFD, 50), 51, "the next one");
	CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 60, "F_DUPFD_CLOEXEC");
	CHECK_EQ(fcntl(60, F_GETFD), FD_CLOEXEC, "sets the flag");
	CHECK_ERRNO(fcntl(fd, F_DUPFD, -1), EINVAL);
	CHECK_ERRNO(dup(-1), EBADF);
	CHECK_ERRNO(fcntl(999, F_GETFL), EBADF);
	CHECK_ERRNO(fcntl(fd, 12345, 0), EINVAL);
	CHECK_OK(fcntl(other, F_SETFL, O_NONBLOCK));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK, "status flags are shared by dups");
	CHECK_OK(fcntl(other, F_SETFL, O_RDONLY));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR, "F_SETFL can't change the access mode");
	CHECK_OK(fcntl(fd, F_SETFD, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), 0, "F_SETFD clears");
	CHECK_OK(ioctl(fd, FIOCLEX));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, "FIOCLEX sets");
	CHECK_OK(ioctl(fd, FIONCLEX));
	CHECK_OK(ioctl(fd, FIONBIO, &(int){1}));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK, "FIONBIO sets O_NONBLOCK");
	CHECK_ERRNO(ioctl(fd, 0x12345, 0), ENOTTY);
	CHECK_ERRNO(ioctl(999, FIONREAD, 0), EBADF);
	CHECK_OK(close(fd));
	CHECK_OK(lseek(other, 0, SEEK_SET));
	CHECK_OK(close(other));
	CHECK_OK(close_range(50, 100, 0));
	CHECK_ERRNO(fcntl(51, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(100, F_GETFD), EBADF);
}

static void ranges(void)
{
	CHECK_CHILD("close_range closes a range", MUST(dup2(0, 20) == 20 && dup2(0, 22) == 22 && dup2(0, 25) == 25);
		    MUST(close_range(20, 23, 0) == 0); MUST(fcntl(20, F_GETFD) < 0 && fcntl(22, F_GETFD) < 0 && fcntl(25, F_GETFD) == 0));
	CHECK_CHILD("close_range to the end", MUST(dup2(0, 20) == 20 && close_range(3, ~0U, 0) == 0 && fcntl(20, F_GETFD) < 0));
	CHECK_CHILD("CLOSE_RANGE_CLOEXEC", MUST(dup2(0, 20) == 20 && close_range(20, 30, CLOSE_RANGE_CLOEXEC) == 0);
		    MUST(fcntl(20, F_GETFD) == FD_CLOEXEC));
	CHECK_CHILD("CLOSE_RANGE_UNSHARE", MUST(dup2(0, 20) == 20 && close_range(20, 30, CLOSE_RANGE_UNSHARE) == 0);
		    MUST(fcntl(20, F_GETFD) < 0));
	CHECK_ERRNO(close_range(10, 5, 0), EINVAL);
	CHECK_ERRNO(close_range(10, 20, 0x100), EINVAL);
}

static int lock(int fd, int cmd, int type, off_t start, off_t length)
{
	struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

	return fcntl(fd, cmd, &fl);
}

/* Who holds a conflicting lock: its pid, 0 for nobody, -1 for an OFD lock. */
static pid_t holder(int fd, int cmd, int type, off_t start, off_t length, struct flock *out)
{
	struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

	if (fcntl(fd, cmd, &fl) < 0)
		return -2;
	if (out)
		*out = fl;
	return fl.l_type == F_UNLCK ? 0 : fl.l_pid;
}

static void posix_locks(void)
{
	int fd = open("locked", O_RDWR | O_CREAT, 0600), second;
	pid_t me = getpid();
	struct flock fl;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 10, 10));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 15, 10));
	CHECK_EQ(holder(fd, F_GETLK, F_WRLCK, 0, 0, NULL), 0, "a process does not conflict with itself");
	CHECK_CHILD("another process does", MUST(lock(fd, F_SETLK, F_WRLCK, 12, 1) == -1 && (errno == EAGAIN || errno == EACCES));
		    MUST(lock(fd, F_SETLK, F_RDLCK, 12, 1) == -1); MUST(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
		    MUST(lock(fd, F_SETLK, F_WRLCK, 25, 1) == 0));
	CHECK_CHILD("F_GETLK names holder and range", MUST(holder(fd, F_GETLK, F_RDLCK, 0, 0, &fl) == me);
		    MUST(fl.l_type == F_WRLCK && fl.l_start == 10 && fl.l_len == 15 && fl.l_whence == SEEK_SET));
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 12, 2));
	CHECK_CHILD("a hole in a lock", MUST(lock(fd, F_SETLK, F_WRLCK, 12, 2) == 0); MUST(lock(fd, F_SETLK, F_WRLCK, 12, 3) == -1));
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 10, 15));
	CHECK_CHILD("read locks are shared", MUST(lock(fd, F_SETLK, F_RDLCK, 10, 15) == 0); MUST(lock(fd, F_SETLK, F_WRLCK, 10, 15) == -1));
	CHECK_CHILD("locks are not inherited", MUST(holder(fd, F_GETLK, F_WRLCK, 10, 15, NULL) == me));
	second = open("locked", O_RDWR);
	close(second);
	CHECK_CHILD("closing any fd of the file drops the locks", MUST(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	CHECK_CHILD("length 0 means to the end", MUST(lock(fd, F_SETLK, F_WRLCK, 1L << 40, 1) == -1));
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, -5, 1), EINVAL);
	CHECK_ERRNO(lock(fd, F_SETLK, 77, 0, 1), EINVAL);
	CHECK_ERRNO(lock(999, F_SETLK, F_WRLCK, 0, 1), EBADF);
	second = open("locked", O_RDONLY);
	CHECK_ERRNO(lock(second, F_SETLK, F_WRLCK, 0, 1), EBADF);
	close(second);
	second = open("locked", O_WRONLY);
	CHECK_ERRNO(lock(second, F_SETLK, F_RDLCK, 0, 1), EBADF);
	close(second);
	close(fd);
}

static void waiting_locks(void)
{
	int fd = open("waited", O_RDWR | O_CREAT, 0600), up[2], down[2];
	pid_t pid;

	CHECK_OK(pipe(up));
	CHECK_OK(pipe(down));
	pid = tap_fork();
	if (pid == 0) {
		MUST(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0);
		tap_signal_fd(up[1]);
		tap_await_fd(down[0]);
		_exit(0);
	}
	tap_await_fd(up[0]);
	CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 0, 1), EAGAIN);
	tap_signal_fd(down[1]);
	CHECK_OK(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
	CHECK_EQ(tap_wait(pid), 0, "F_SETLKW waits for the holder's end");
	/* A deadlock of two: each holds one byte and wants the other's. */
	pid = tap_fork();
	if (pid == 0) {
		MUST(lock(fd, F_SETLKW, F_WRLCK, 1, 1) == 0);
		tap_signal_fd(up[1]);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : errno == EDEADLK ? 1 : 2);
	}
	tap_await_fd(up[0]);
	int mine = lock(fd, F_SETLKW, F_WRLCK, 1, 1) == 0 ? 0 : errno == EDEADLK ? 1 : 2;
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	int theirs = WEXITSTATUS(tap_wait(pid));
	CHECK(mine + theirs == 1, "a deadlock is found: one of the two gets EDEADLK");
	close(fd);
}

static void ofd_locks(void)
{
	int a = open("ofd", O_RDWR | O_CREAT, 0600), b = open("ofd", O_RDWR), c = dup(a);
	struct flock with_pid = {.l_type = F_WRLCK, .l_pid = 1};

	CHECK_OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	CHECK_ERRNO(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
	CHECK_OK(lock(c, F_OFD_SETLK, F_WRLCK, 5, 1));
	CHECK_EQ(holder(b, F_OFD_GETLK, F_WRLCK, 0, 1, NULL), -1, "F_OFD_GETLK names no process");
	CHECK_ERRNO(lock(b, F_SETLK, F_WRLCK, 5, 1), EAGAIN);
	CHECK_CHILD("an OFD lock is inherited with its fd", MUST(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10) == 0));
	CHECK_ERRNO(fcntl(a, F_OFD_SETLK, &with_pid), EINVAL);
	close(c);
	CHECK_ERRNO(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
	close(a);
	CHECK_OK(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
	close(b);
}

static void flocks(void)
{
	int a = open("flock", O_RDWR | O_CREAT, 0600), b = open("flock", O_RDONLY), c = dup(a), up[2], down[2];
	pid_t pid;

	CHECK_OK(flock(a, LOCK_EX));
	CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_OK(flock(c, LOCK_SH));
	CHECK_OK(flock(b, LOCK_SH | LOCK_NB));
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_OK(flock(b, LOCK_UN));
	CHECK_OK(flock(c, LOCK_UN));
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	CHECK_OK(lock(a, F_SETLK, F_WRLCK, 0, 0));
	CHECK_ERRNO(flock(a, LOCK_NB), EINVAL);
	CHECK_ERRNO(flock(999, LOCK_EX), EBADF);
	flock(b, LOCK_UN);
	CHECK_OK(pipe(up));
	CHECK_OK(pipe(down));
	pid = tap_fork();
	if (pid == 0) {
		int own = open("flock", O_RDWR);

		MUST(flock(own, LOCK_EX) == 0);
		tap_signal_fd(up[1]);
		tap_await_fd(down[0]);
		_exit(0);
	}
	tap_await_fd(up[0]);
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	tap_signal_fd(down[1]);
	CHECK_OK(flock(a, LOCK_EX));
	CHECK_EQ(tap_wait(pid), 0, "flock waits for another process' end");
	close(a);
	close(b);
	close(c);
}

int main(void)
{
	tap_begin();
	dups();
	ranges();
	posix_locks();
	waiting_locks();
	ofd_locks();
	flocks();
	return tap_end();
}
