/* Pseudo-terminals: line editing, echo, signals by key, window size, job control. */
#include "../tap.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

/* What the master sees within a moment; blocking until `want` bytes are there. */
static const char *seen(size_t want)
{
	static char buf[512];
	size_t used = 0;
	ssize_t n;

	while (used < want && (n = read(master, buf + used, sizeof(buf) - 1 - used)) > 0)
		used += n;
	buf[used] = 0;
	return buf;
}

static void type(const char *keys)
{
	if (write(master, keys, strlen(keys)) != (ssize_t)strlen(keys))
		_exit(98);
}

static bool quiet(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 0) == 0;
}

static void opening(void)
{
	struct termios t;
	struct stat st;
	char name[64];
	int n, lock = 0;

	CHECK(ptsname_r(master, name, sizeof(name)) == 0 && !strncmp(name, "/dev/pts/", 9), "the slave's name");
	CHECK(stat(name, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == getuid(), "is a device of the caller's");
	CHECK(isatty(master) && isatty(slave), "both are terminals");
	CHECK_STR(ttyname(slave), name, "ttyname");
	CHECK(ioctl(master, TIOCGPTN, &n) == 0 && n == atoi(name + 9), "TIOCGPTN");
	CHECK_OK(ioctl(master, TIOCSPTLCK, &lock));
	CHECK_OK(tcgetattr(slave, &t));
	CHECK((t.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG), "canonical mode with echo and signals");
	CHECK((t.c_iflag & ICRNL) && (t.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR), "CR and NL are translated");
	CHECK(t.c_cc[VINTR] == 3 && t.c_cc[VEOF] == 4 && t.c_cc[VERASE] == 0x7f && t.c_cc[VKILL] == 0x15, "the usual keys");
	CHECK_ERRNO(tcgetattr(open(".", O_RDONLY), &t), ENOTTY);
	CHECK_ERRNO(lseek(slave, 0, SEEK_SET), ESPIPE);
}

static void editing(void)
{
	char buf[64];

	type("abc");
	CHECK_STR(seen(3), "abc", "typing is echoed");
	CHECK(quiet(slave), "no line, nothing to read");
	type("\n");
	CHECK_STR(seen(2), "\r\n", "a newline's echo");
	CHECK(read(slave, buf, 64) == 4 && !memcmp(buf, "abc\n", 4), "the line is read");
	type("ab\x7f\x7fxy\r");
	seen(12);
	CHECK(read(slave, buf, 64) == 3 && !memcmp(buf, "xy\n", 3), "erase takes characters back; CR ends a line");
	type("gone\x15kept\n");
	CHECK(read(slave, buf, 64) == 5 && !memcmp(buf, "kept\n", 5), "kill takes the line back");
	type("part\x04");
	CHECK(read(slave, buf, 64) == 4 && !memcmp(buf, "part", 4), "^D gives what is there");
	type("\x04");
	CHECK_EQ(read(slave, buf, 64), 0, "and at the start of a line the end of file");
	type("one\ntwo\n");
	CHECK(read(slave, buf, 64) == 4 && !memcmp(buf, "one\n", 4), "a read gives one line");
	CHECK(read(slave, buf, 2) == 2 && read(slave, buf, 64) == 2, "or a part of it, then the rest");
	tcflush(master, TCIFLUSH);
	tcflush(slave, TCOFLUSH);
	CHECK_EQ(tcflush(slave, TCIOFLUSH), 0, "tcflush");
}

static void modes(void)
{
	struct termios t, saved;
	char buf[64];

	tcgetattr(slave, &saved);
	while (!quiet(master) && read(master, buf, 64) > 0)
		;	/* the echo */
	t = saved;
	t.c_lflag &= ~ECHO;
	CHECK_OK(tcsetattr(slave, TCSANOW, &t));
	type("secret\n");
	CHECK(read(slave, buf, 64) == 7 && quiet(master), "without ECHO nothing comes back");
	CHECK(write(slave, "a\nb", 3) == 3, "output");
	CHECK_STR(seen(4), "a\r\nb", "with NL as CR NL");
	cfmakeraw(&t);
	CHECK_OK(tcsetattr(slave, TCSADRAIN, &t));
	type("\x03\x04r");
	CHECK(read(slave, buf, 64) == 3 && !memcmp(buf, "\x03\x04r", 3), "raw: every byte as it is");
	CHECK(write(slave, "\n", 1) == 1 && !strcmp(seen(1), "\n"), "and out as it is");
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	CHECK_EQ(read(slave, buf, 64), 0, "VMIN 0: a read does not wait");
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	CHECK_EQ(read(slave, buf, 64), 0, "VTIME: a read waits a while");
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	type("xyz");
	CHECK_EQ(read(slave, buf, 64), 3, "VMIN 3: three bytes");
	tcsetattr(slave, TCSAFLUSH, &saved);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(read(slave, buf, 64), EAGAIN);
	fcntl(slave, F_SETFL, 0);
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled = sig;
}

/* stress-ng's pty: the older form of the modes, and modes that are locked. */
static void older_modes(void)
{
	struct termio old, again;
	struct termios t, saved;
	unsigned char raw[36];

	tcgetattr(slave, &saved);
	CHECK_OK(ioctl(slave, TCGETA, &old));
	CHECK(old.c_iflag == (saved.c_iflag & 0xffff) && old.c_lflag == (saved.c_lflag & 0xffff) && old.c_cc[VINTR] == saved.c_cc[VINTR],
	      "TCGETA gives the low halves");
	old.c_lflag ^= ECHO;
	old.c_cc[VQUIT] = 'q';
	CHECK_OK(ioctl(slave, TCSETA, &old));
	tcgetattr(slave, &t);
	CHECK(t.c_lflag == (saved.c_lflag ^ ECHO) && t.c_cc[VQUIT] == 'q' && t.c_cc[VSUSP] == saved.c_cc[VSUSP], "TCSETA sets them and no more");
	CHECK(ioctl(slave, TCSETAW, &old) == 0 && ioctl(slave, TCSETAF, &old) == 0, "TCSETAW, TCSETAF");
	CHECK(ioctl(master, TCGETA, &again) == 0 && !memcmp(&old, &again, sizeof(old)), "TCGETA of the master's side");
	CHECK_ERRNO(ioctl(slave, TCGETA, 8), EFAULT);
	CHECK_ERRNO(ioctl(slave, TCSETA, 8), EFAULT);
	CHECK(ioctl(slave, TIOCGLCKTRMIOS, raw) == 0 && raw[12] == 0 && raw[35] == 0, "no mode is locked");
	CHECK_ERRNO(ioctl(slave, TIOCGLCKTRMIOS, 8), EFAULT);
	if (geteuid() == 0) {
		raw[12] = ECHO;
		CHECK_OK(ioctl(slave, TIOCSLCKTRMIOS, raw));
		tcsetattr(slave, TCSANOW, &saved);
		tcgetattr(slave, &t);
		CHECK(t.c_lflag == (saved.c_lflag ^ ECHO) && t.c_cc[VQUIT] == saved.c_cc[VQUIT], "a locked mode stays");
		raw[12] = 0;
		ioctl(slave, TIOCSLCKTRMIOS, raw);
	} else {
		CHECK_ERRNO(ioctl(slave, TIOCSLCKTRMIOS, raw), EPERM);
	}
	CHECK_OK(tcsetattr(slave, TCSANOW, &saved));
}

static void window(void)
{
	struct winsize ws = {33, 99, 0, 0}, got;

	CHECK_OK(ioctl(master, TIOCSWINSZ, &ws));
	CHECK(ioctl(slave, TIOCGWINSZ, &got) == 0 && got.ws_row == 33 && got.ws_col == 99, "the window's size");
	CHECK(ioctl(master, TIOCGWINSZ, &got) == 0 && got.ws_col == 99, "at both ends");
}

/* In a session of its own with the slave as controlling terminal. */
static void session(void)
{
	MUST(setsid() > 0);
	MUST(ioctl(slave, TIOCSCTTY, 0) == 0);
}

static void job_control(void)
{
	int up[2];
	pid_t pid;
	int status;

	CHECK_OK(pipe(up));
	CHECK_CHILD("TIOCSCTTY makes a controlling terminal", session(); MUST(tcgetpgrp(slave) == getpid() && tcgetsid(slave) == getpid());
		    signal(SIGHUP, SIG_IGN); int fd = open("/dev/tty", O_RDWR); MUST(fd >= 0 && isatty(fd)));
	pid = tap_fork();
	if (pid == 0) {
		session();
		tap_signal_fd(up[1]);
		for (;;)
			pause();
	}
	tap_await_fd(up[0]);
	type("\x03");
	CHECK_EQ(tap_wait(pid), SIGINT, "^C kills the foreground group");
	pid = tap_fork();
	if (pid == 0) {
		session();
		signal(SIGQUIT, on_signal);
		tap_signal_fd(up[1]);
		sigset_t set, none;
		sigemptyset(&none);
		sigemptyset(&set);
		while (!handled)
			usleep(1000);
		_exit(handled);
	}
	tap_await_fd(up[0]);
	type("\x1c");
	CHECK_EQ(tap_wait(pid), EXITED(SIGQUIT), "^\\ sends SIGQUIT");
	pid = tap_fork();
	if (pid == 0) {
		session();
		signal(SIGTTOU, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		pid_t job = tap_fork();
		if (job == 0) {
			setpgid(0, 0);
			for (;;)
				pause();
		}
		setpgid(job, job);
		MUST(tcsetpgrp(slave, job) == 0 && tcgetpgrp(slave) == job);
		tap_signal_fd(up[1]);
		MUST(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
		MUST(tcsetpgrp(slave, getpid()) == 0);
		kill(job, SIGKILL);
		MUST(tap_wait(job) == SIGKILL);
		_exit(0);
	}
	tap_await_fd(up[0]); /* not before: a job that is stopped half way could not say that it is there */
	while (waitpid(pid, &status, WNOHANG) == 0) {
		type("\x1a");
		usleep(2000);
	}
	CHECK_EQ(status, 0, "^Z stops a foreground job, not its shell");
	CHECK_CHILD("a background read stops with SIGTTIN", session(); signal(SIGHUP, SIG_IGN); pid_t job = fork();
		    if (job == 0) { setpgid(0, 0); char c; if (read(slave, &c, 1) < 0) _exit(1); }
		    MUST(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN); kill(job, SIGKILL));
	CHECK_CHILD("a background tcsetpgrp stops with SIGTTOU", session(); signal(SIGHUP, SIG_IGN); pid_t job = fork();
		    if (job == 0) { setpgid(0, 0); tcsetpgrp(slave, getpid()); _exit(1); }
		    MUST(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU); kill(job, SIGKILL));
	CHECK_CHILD("SIGWINCH when the size changes", session(); signal(SIGHUP, SIG_IGN); signal(SIGWINCH, on_signal);
		    MUST(ioctl(master, TIOCSWINSZ, &(struct winsize){44, 55, 0, 0}) == 0); while (!handled) usleep(1000);
		    MUST(handled == SIGWINCH));
	close(up[0]);
	close(up[1]);
}

static void hangup(void)
{
	char buf[8];

	close(slave);
	CHECK_ERRNO((tcflush(master, TCIOFLUSH), read(master, buf, 8)), EIO);
	close(master);
	CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0, "another pair");
	close(master);
	CHECK_EQ(read(slave, buf, 8), 0, "without a master the slave reads the end");
	CHECK_ERRNO(write(slave, "x", 1), EIO);
	close(slave);
}

int main(void)
{
	tap_begin();
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0) {
		CHECK(false, "openpty");
		return tap_end();
	}
	opening();
	editing();
	modes();
	older_modes();
	window();
	job_control();
	hangup();
	return tap_end();
}
