/* The monitor at work: clients of its socket, signals to its pid, and the sandbox. One thread, one poll. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "tools/monitor.h"
#include "tools/report.h"

#define CLIENTS_MAX 32
#define EXITED_MAX 256

/* A request that is answered later: START, EXEC. */
struct client {
	int fd;
	uint32_t waiting;     /* the client's seq; 0: it waits for nothing */
	uint32_t sandbox_seq; /* EXEC: by which the sandbox knows it; 0: START */
	bool wants_stats;
};

static struct {
	struct client client[CLIENTS_MAX]; /* fd -1: free */
	/* What ended so far, for those who come later. The oldest is forgotten when there are too many. */
	struct control_exited exited[EXITED_MAX];
	unsigned int exited_count;
} serve; /* the monitor is a process of its own, and this is its state */

static void drop(struct client *c)
{
	host_close(&c->fd);
	c->waiting = 0;
	c->wants_stats = false;
}

void monitor_on_exited(void *arg, const struct control_exited *exited)
{
	(void)arg;
	serve.exited[serve.exited_count++ % EXITED_MAX] = *exited;
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (serve.client[i].fd >= 0 && control_send_exited(serve.client[i].fd, exited))
			drop(&serve.client[i]);
}

static void welcome(struct monitor *m)
{
	int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int slot = 0;

	while (slot < CLIENTS_MAX && serve.client[slot].fd >= 0)
		slot++;
	if (fd < 0 || slot == CLIENTS_MAX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    (peer.uid != geteuid() && peer.uid != 0)) {
		host_close(&fd);
		return;
	}
	serve.client[slot] = (struct client){ .fd = fd };
	unsigned int first = serve.exited_count > EXITED_MAX ? serve.exited_count - EXITED_MAX : 0;
	for (unsigned int i = first; i < serve.exited_count; i++)
		control_send_exited(fd, &serve.exited[i % EXITED_MAX]);
}

/* --- requests ---------------------------------------------------------------------------------------------------------- */

static void on_start(struct monitor *m, struct client *c, uint32_t seq)
{
	struct failure f;

	if (sandbox_start(m->sandbox, &f)) {
		control_send_failed(c->fd, seq, -EALREADY, CONTROL_STAGE_INTERNAL, "%.500s", f.text);
		return;
	}
	c->waiting = seq;
	c->sandbox_seq = 0;
}

static void on_exec(struct monitor *m, struct client *c, const struct control_msg *msg)
{
	struct failure f;

	if (sandbox_exec(m->sandbox, msg->process, msg->fds.stdio, &c->sandbox_seq, &f))
		control_send_failed(c->fd, msg->seq, -ESRCH, CONTROL_STAGE_INTERNAL, "%.500s", f.text);
	else
		c->waiting = msg->seq;
}

static void on_request(struct monitor *m, struct client *c, const struct control_msg *msg)
{
	switch (msg->type) {
	case CONTROL_START:
		on_start(m, c, msg->seq);
		break;
	case CONTROL_EXEC:
		on_exec(m, c, msg);
		break;
	case CONTROL_SIGNAL:
		control_send_done(c->fd, msg->seq, sandbox_signal(m->sandbox, msg->signal.pid, msg->signal.signo));
		break;
	case CONTROL_RESIZE:
		control_send_done(c->fd, msg->seq, sandbox_resize(m->sandbox, msg->resize.rows, msg->resize.columns));
		break;
	case CONTROL_STATS:
		c->waiting = msg->seq;
		c->wants_stats = !sandbox_ask_stats(m->sandbox);
		break;
	case CONTROL_KILL:
		sandbox_signal(m->sandbox, -1, SIGKILL);
		break;
	default:
		drop(c); /* BOOT, and what only a sentry says */
	}
}

static void take_requests(struct monitor *m, struct client *c)
{
	struct control_msg msg;
	char why[256];

	while (c->fd >= 0 && !c->waiting) {
		int err = control_recv(c->fd, MSG_DONTWAIT, &msg, why, sizeof(why));

		if (err == -EAGAIN)
			return;
		if (err) {
			drop(c);
			return;
		}
		on_request(m, c, &msg);
		control_msg_free(&msg);
	}
}

/* --- answers that had to wait ---------------------------------------------------------------------------------------------- */

static void answer_start(struct monitor *m, struct client *c)
{
	const struct sandbox_end *end = sandbox_end(m->sandbox);

	if (sandbox_state(m->sandbox) == SANDBOX_STOPPED && end->failed)
		control_send_failed(c->fd, c->waiting, -ECHILD, CONTROL_STAGE_INTERNAL, "%.500s", end->failure.text);
	else if (sandbox_state(m->sandbox) >= SANDBOX_RUNNING)
		control_send_started(c->fd, c->waiting, sandbox_first_pid(m->sandbox));
	else
		return;
	c->waiting = 0;
}

static void answer_exec(struct monitor *m, struct client *c)
{
	struct failure f;
	int pid = sandbox_exec_pid(m->sandbox, c->sandbox_seq, &f);

	if (!pid)
		return;
	if (pid > 0)
		control_send_started(c->fd, c->waiting, pid);
	else
		control_send_failed(c->fd, c->waiting, pid, CONTROL_STAGE_EXEC, "%.500s", f.text);
	c->waiting = 0;
}

static void answer(struct monitor *m, struct client *c)
{
	if (!c->waiting)
		return;
	if (c->wants_stats) {
		if (!sandbox_end(m->sandbox)->has_stats)
			return;
		control_send_stats_is(c->fd, c->waiting, &sandbox_end(m->sandbox)->stats);
		c->wants_stats = false;
		c->waiting = 0;
	} else if (c->sandbox_seq) {
		answer_exec(m, c);
	} else {
		answer_start(m, c);
	}
}

/* --- the loop ---------------------------------------------------------------------------------------------------------- */

static int catch_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGABRT);
	sigdelset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Who signals the monitor means the program: its pid is all that a shim knows of it. */
static void forward_signals(struct monitor *m, int signal_fd)
{
	struct signalfd_siginfo info;

	while (HOST_RETRY(read(signal_fd, &info, sizeof(info))) == sizeof(info))
		if (info.ssi_signo != SIGPIPE)
			sandbox_signal(m->sandbox, 0, (int)info.ssi_signo);
}

static void update_state(struct monitor *m)
{
	enum sandbox_state now = sandbox_state(m->sandbox);
	int status = now == SANDBOX_STOPPED ? MONITOR_STOPPED : now == SANDBOX_RUNNING ? MONITOR_RUNNING : MONITOR_CREATED;
	char text[700];

	if (status == m->state.status)
		return;
	m->state.status = status;
	if (status == MONITOR_STOPPED) {
		report_end(sandbox_end(m->sandbox), text, sizeof(text));
		m->state.exit_code = sandbox_exit_code(sandbox_end(m->sandbox));
		m->state.reason = mem_strdup(text);
	}
	monitor_write_state(m);
}

static void round_of_clients(struct monitor *m, const struct pollfd *fds)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &serve.client[i];

		if (c->fd < 0)
			continue;
		answer(m, c);
		if (fds[i].fd != c->fd || !fds[i].revents)
			continue;
		if (c->waiting && fds[i].revents & (POLLHUP | POLLERR))
			drop(c);
		else
			take_requests(m, c);
	}
}

int monitor_serve(struct monitor *m)
{
	struct pollfd fds[CLIENTS_MAX + 3];
	int signal_fd = catch_signals();

	for (int i = 0; i < CLIENTS_MAX; i++)
		serve.client[i].fd = -1;
	while (sandbox_state(m->sandbox) != SANDBOX_STOPPED) {
		for (int i = 0; i < CLIENTS_MAX; i++) /* a client that waits is not listened to, but for its going away */
			fds[i] = (struct pollfd){ .fd = serve.client[i].fd, .events = serve.client[i].waiting ? 0 : POLLIN };
		fds[CLIENTS_MAX] = (struct pollfd){ .fd = m->listener, .events = POLLIN };
		fds[CLIENTS_MAX + 1] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		fds[CLIENTS_MAX + 2] = (struct pollfd){ .fd = sandbox_fd(m->sandbox), .events = POLLIN };
		if (poll(fds, CLIENTS_MAX + 3, -1) < 0 && errno != EINTR)
			break;
		forward_signals(m, signal_fd);
		sandbox_dispatch(m->sandbox);
		update_state(m);
		round_of_clients(m, fds);
		if (fds[CLIENTS_MAX].revents)
			welcome(m);
	}
	update_state(m);
	round_of_clients(m, fds);
	return sandbox_exit_code(sandbox_end(m->sandbox));
}
