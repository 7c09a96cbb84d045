/* Signals about files: F_SETOWN, F_SETSIG, O_ASYNC, leases, F_NOTIFY. fcntl(2). */
#include "../tap.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <time.h>

static sigset_t watched;

/* The next of the blocked signals, or 0 after a while. */
static int next(siginfo_t *info, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	int signo;

	memset(info, 0, sizeof(*info));
	do
		signo = sigtimedwait(&watched, info, &ts);
	while (signo < 0 && errno == EINTR);
	return signo < 0 ? 0 : signo;
}

static void test_owner(void)
{
	struct f_owner_ex o = { 9, 9 };
	int p[2];

	MUST(pipe(p) == 0);
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0, "no owner at first");
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK(o.type == 0 && o.pid == 0, "nor in the longer form");
	CHECK_OK(fcntl(p[0], F_SETOWN, getpid()));
	CHECK_EQ(fcntl(p[0], F_GETOWN), getpid(), "the owner");
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK(o.type == F_OWNER_PID && o.pid == getpid(), "is a process");
	CHECK_OK(fcntl(p[0], F_SETOWN, -getpgrp()));
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK(o.type == F_OWNER_PGRP && o.pid == getpgrp(), "is a group");
	o = (struct f_owner_ex){ F_OWNER_TID, getpid() };
	CHECK_OK(fcntl(p[0], F_SETOWN_EX, &o));
	o.pid = 0;
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK(o.type == F_OWNER_TID && o.pid == getpid(), "is a thread");
	o = (struct f_owner_ex){ 3, getpid() };
	CHECK_ERRNO(fcntl(p[0], F_SETOWN_EX, &o), EINVAL);
	o = (struct f_owner_ex){ F_OWNER_PID, 0x3ffffff };
	CHECK_ERRNO(fcntl(p[0], F_SETOWN_EX, &o), ESRCH);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, 0x3ffffff), ESRCH);
	CHECK_ERRNO(syscall(SYS_fcntl, p[0], F_SETOWN, 0x80000000u), EINVAL);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN_EX, (void *)8), EFAULT);
	CHECK_ERRNO(fcntl(p[0], F_GETOWN_EX, (void *)8), EFAULT);
	CHECK_EQ(fcntl(p[0], F_GETSIG), 0, "no signal is chosen");
	CHECK_ERRNO(fcntl(p[0], F_SETSIG, 65), EINVAL);
	CHECK_ERRNO(fcntl(p[0], F_SETSIG, -1), EINVAL);
	CHECK_OK(fcntl(p[0], F_SETSIG, SIGRTMIN + 2));
	CHECK_EQ(fcntl(p[0], F_GETSIG), SIGRTMIN + 2, "one is");
	CHECK_OK(fcntl(p[0], F_SETOWN, 0));
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0, "the owner is taken back");
	close(p[0]);
	close(p[1]);
}

static void async_on(int fd, int signo)
{
	MUST(fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(fd, F_SETSIG, signo) == 0);
	MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC) == 0);
}

static void test_pipe(void)
{
	siginfo_t i;
	char buf[8];
	int p[2], on = 0;

	MUST(pipe(p) == 0);
	async_on(p[0], 0);
	CHECK(fcntl(p[0], F_GETFL) & O_ASYNC, "F_GETFL shows O_ASYNC");
	MUST(write(p[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGIO, "SIGIO when a pipe becomes readable");
	CHECK_EQ(i.si_code, SI_KERNEL, "from the kernel");
	MUST(read(p[0], buf, 8) == 1);
	MUST(fcntl(p[0], F_SETSIG, SIGRTMIN + 1) == 0);
	MUST(write(p[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "the signal that was chosen");
	CHECK_EQ(i.si_fd, p[0], "says the fd");
	CHECK_EQ(i.si_code, POLL_IN, "and why");
	CHECK(i.si_band & POLLIN, "in poll's words as well");
	MUST(read(p[0], buf, 8) == 1);
	MUST(fcntl(p[0], F_SETSIG, SIGSEGV) == 0);
	sigaddset(&watched, SIGSEGV);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	MUST(write(p[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGSEGV, "a signal with codes of its own");
	CHECK_EQ(i.si_code, SI_SIGIO, "is told by SI_SIGIO");
	MUST(fcntl(p[0], F_SETSIG, SIGRTMIN + 1) == 0 && read(p[0], buf, 8) == 1);
	MUST(ioctl(p[0], FIOASYNC, &on) == 0);
	CHECK(!(fcntl(p[0], F_GETFL) & O_ASYNC), "FIOASYNC clears it");
	MUST(write(p[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 50), 0, "nothing is told then");
	on = 1;
	MUST(ioctl(p[0], FIOASYNC, &on) == 0 && read(p[0], buf, 8) == 1);
	close(p[1]);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "the end of a pipe is told");
	close(p[0]);
	MUST(pipe2(p, O_NONBLOCK) == 0);
	async_on(p[1], SIGRTMIN + 1);
	char full[65536] = "";
	MUST(write(p[1], full, sizeof(full)) == 65536);
	while (next(&i, 10))
		;
	MUST(read(p[0], full, sizeof(full)) == 65536);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "room in a pipe is told to its writer");
	CHECK_EQ(i.si_code, POLL_OUT, "as POLL_OUT");
	CHECK_EQ(i.si_fd, p[1], "of its fd");
	close(p[0]);
	close(p[1]);
}

static void test_others(void)
{
	struct f_owner_ex tid = { F_OWNER_TID, getpid() };
	siginfo_t i;
	int s[2], e = eventfd(0, EFD_NONBLOCK), on = 1, in = inotify_init1(IN_NONBLOCK);
	uint64_t one = 1;

	while (next(&i, 10))
		;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	async_on(s[0], SIGRTMIN + 1);
	MUST(write(s[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "a socket tells");
	CHECK(i.si_fd == s[0] && i.si_code == POLL_IN, "of the socket");
	CHECK_OK(fcntl(s[0], F_SETOWN_EX, &tid));
	MUST(write(s[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "a thread is told");
	close(s[1]);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "the other end's close is told");
	while (next(&i, 10))
		;
	close(s[0]);
	CHECK_ERRNO(ioctl(e, FIOASYNC, &on), ENOTTY);
	CHECK_OK(fcntl(e, F_SETFL, O_ASYNC));
	CHECK_OK(fcntl(e, F_SETOWN, getpid()));
	MUST(write(e, &one, 8) == 8);
	CHECK_EQ(next(&i, 50), 0, "an eventfd never tells");
	close(e);
	mkdir("seen", 0755);
	MUST(inotify_add_watch(in, "seen", IN_CREATE) > 0);
	async_on(in, SIGRTMIN + 1);
	close(open("seen/x", O_CREAT | O_WRONLY, 0644));
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "an inotify instance tells");
	close(in);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	MUST(fcntl(s[0], F_SETSIG, SIGRTMIN + 1) == 0 && fcntl(s[0], F_SETFL, O_ASYNC) == 0);
	MUST(write(s[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 50), 0, "without an owner nobody is told");
	MUST(fcntl(s[0], F_SETOWN, -getpgrp()) == 0);
	MUST(write(s[1], "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "a group is told");
	close(s[0]);
	close(s[1]);
}

static void test_lease_rules(void)
{
	int fd, other, p[2];

	tap_file("leased", "text");
	fd = open("leased", O_RDONLY);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK, "no lease at first");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK, "a read lease");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK, "becomes a write lease");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK, "and is given back");
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, 7), EINVAL);
	other = open("leased", O_RDONLY);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK_OK(fcntl(other, F_SETLEASE, F_RDLCK));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK_EQ(fcntl(other, F_GETLEASE), F_RDLCK, "each its own");
	close(other);
	other = open("leased", O_RDWR);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK_ERRNO(fcntl(other, F_SETLEASE, F_RDLCK), EAGAIN);
	close(fd);
	CHECK_OK(fcntl(other, F_SETLEASE, F_WRLCK));
	close(other);
	fd = open("leased", O_RDONLY);
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK, "a close gives it back");
	close(fd);
	fd = open(".", O_RDONLY);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EINVAL);
	close(fd);
	MUST(pipe(p) == 0);
	CHECK_ERRNO(fcntl(p[0], F_SETLEASE, F_RDLCK), EINVAL);
	close(p[0]);
	close(p[1]);
}

static void test_lease_break(void)
{
	siginfo_t i;
	int fd = open("leased", O_RDONLY), p[2], got;
	char byte;
	pid_t child;

	MUST(fcntl(fd, F_SETSIG, SIGRTMIN + 1) == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
	CHECK_EQ(got = open("leased", O_RDONLY), got, "reading does not break a read lease");
	close(got);
	CHECK_EQ(next(&i, 20), 0, "nobody is told");
	CHECK_ERRNO(open("leased", O_WRONLY | O_NONBLOCK), EAGAIN);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "writing breaks it");
	CHECK(i.si_fd == fd, "the holder is told");
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK, "what it is being broken to");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK_OK(got = open("leased", O_WRONLY | O_NONBLOCK));
	close(got);
	CHECK_EQ(fcntl(fd, F_GETSIG), 0, "giving a lease back takes the signal's number back");
	CHECK_EQ(fcntl(fd, F_GETOWN), 0, "and the owner");
	MUST(pipe(p) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0 && fcntl(fd, F_SETSIG, SIGRTMIN + 1) == 0);
	child = tap_fork();
	if (child == 0) {
		close(fd);
		MUST(open("leased", O_RDONLY) >= 0);
		tap_signal_fd(p[1]);
		_exit(0);
	}
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "a reader breaks a write lease");
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK, "to a read lease");
	CHECK(poll(&(struct pollfd){ .fd = p[0], .events = POLLIN }, 1, 50) == 0, "and waits");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK(read(p[0], &byte, 1) == 1, "until it is one");
	CHECK_EQ(tap_wait(child), 0, "the reader has opened it");
	child = tap_fork();
	if (child == 0) {
		close(fd);
		MUST(truncate("leased", 2) == 0);
		_exit(0);
	}
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "a truncation breaks it");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK_EQ(tap_wait(child), 0, "and goes on");
	close(fd);
	close(p[0]);
	close(p[1]);
}

static void test_notify(void)
{
	siginfo_t i;
	int fd, f;

	mkdir("dir", 0755);
	fd = open("dir", O_RDONLY);
	tap_file("plain", "x");
	f = open("plain", O_RDONLY);
	CHECK_ERRNO(fcntl(f, F_NOTIFY, DN_CREATE), ENOTDIR);
	close(f);
	MUST(fcntl(fd, F_SETSIG, SIGRTMIN + 1) == 0);
	CHECK_OK(fcntl(fd, F_NOTIFY, DN_CREATE));
	close(open("dir/a", O_CREAT | O_WRONLY, 0644));
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "F_NOTIFY tells of a new name");
	CHECK_EQ(i.si_fd, fd, "by the directory's fd");
	close(open("dir/b", O_CREAT | O_WRONLY, 0644));
	CHECK_EQ(next(&i, 50), 0, "once");
	CHECK_OK(fcntl(fd, F_NOTIFY, DN_DELETE | DN_RENAME | DN_ATTRIB | DN_MODIFY | DN_MULTISHOT));
	unlink("dir/b");
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "DN_DELETE");
	rename("dir/a", "dir/c");
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "DN_RENAME");
	while (next(&i, 20))
		;
	chmod("dir/c", 0600);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "DN_ATTRIB");
	f = open("dir/c", O_WRONLY);
	MUST(write(f, "x", 1) == 1);
	CHECK_EQ(next(&i, 2000), SIGRTMIN + 1, "DN_MODIFY");
	CHECK_OK(fcntl(fd, F_NOTIFY, 0));
	MUST(write(f, "x", 1) == 1);
	CHECK_EQ(next(&i, 50), 0, "taken back");
	close(f);
	CHECK_OK(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	close(fd);
	close(open("dir/d", O_CREAT | O_WRONLY, 0644));
	CHECK_EQ(next(&i, 50), 0, "a close ends it");
}

int main(void)
{
	tap_begin();
	sigemptyset(&watched);
	sigaddset(&watched, SIGIO);
	sigaddset(&watched, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	setpgid(0, 0);
	test_owner();
	test_pipe();
	test_others();
	test_lease_rules();
	test_lease_break();
	test_notify();
	return tap_end();
}
