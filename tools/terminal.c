/* Terminal modes, signals, window size: see terminal.h. */
#include "tools/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "tools/sandbox.h"

static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

int terminal_begin(struct terminal *t)
{
	sigset_t set;

	t->is_tty = !tcgetattr(STDIN_FILENO, &t->modes);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, &t->old_mask);
	signal(SIGPIPE, SIG_IGN);
	t->signal_fd = (int)host_ret(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	return t->signal_fd < 0 ? t->signal_fd : 0;
}

void terminal_resize(const struct terminal *t, struct sandbox *s)
{
	struct winsize size;

	if (t->is_tty && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		sandbox_resize(s, size.ws_row, size.ws_col);
}

int terminal_forward(struct terminal *t, struct sandbox *s)
{
	struct signalfd_siginfo info;
	int asked = 0;

	while (HOST_RETRY(read(t->signal_fd, &info, sizeof(info))) == sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo == SIGWINCH) {
			terminal_resize(t, s);
			continue;
		}
		/* SIGTSTP too is the guest's alone, whose shell goes on: we stay, as docker and podman do with a terminal. */
		sandbox_signal(s, 0, signo);
		if (signo == SIGINT || signo == SIGTERM || signo == SIGHUP || signo == SIGQUIT)
			asked = signo;
	}
	return asked;
}

void terminal_end(struct terminal *t)
{
	signal(SIGTTOU, SIG_IGN); /* a shell may have put us into the background meanwhile */
	if (t->is_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t->modes);
	host_close(&t->signal_fd);
	sigprocmask(SIG_SETMASK, &t->old_mask, NULL);
}
