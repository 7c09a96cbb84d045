/* What comes back from a sandbox: answers and events of the sentry, and the deaths of its two processes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "tools/exit_codes.h"
#include "tools/sandbox_impl.h"

#define EVENTS_AT_ONCE 64

/* From the errno of a failed exec to the shell's codes. */
static int exec_code(int err)
{
	return err == -ENOENT || err == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static int failed_code(const struct control_failed *failed)
{
	switch (failed->stage) {
	case CONTROL_STAGE_EXEC:
		return exec_code(failed->err);
	case CONTROL_STAGE_INTERNAL:
		return EXIT_BROKEN;
	default:
		return EXIT_PICKET;
	}
}

static void on_failed(struct sandbox *s, const struct control_msg *msg)
{
	struct sandbox_process *p = sandbox_find(s, msg->seq, 0);

	if (msg->seq == s->boot_seq || msg->seq == s->start_seq) {
		sandbox_fail(s, failed_code(&msg->failed), "%s", msg->failed.text);
		return;
	}
	if (!p)
		return;
	p->pid = msg->failed.err < 0 ? msg->failed.err : -EIO;
	p->failure.code = failed_code(&msg->failed);
	memcpy(p->failure.text, msg->failed.text, sizeof(msg->failed.text));
}

static void on_started(struct sandbox *s, const struct control_msg *msg)
{
	struct sandbox_process *p = sandbox_find(s, msg->seq, 0);

	if (!p || p->pid || msg->started.pid <= 0) {
		log_warning("the sentry says that a process was started that nobody asked for");
		return;
	}
	p->pid = msg->started.pid;
	if (msg->seq == s->start_seq) {
		s->first_pid = p->pid;
		s->state = SANDBOX_RUNNING;
	}
}

static void on_exited(struct sandbox *s, const struct control_exited *exited)
{
	struct sandbox_process *p = exited->pid > 0 ? sandbox_find(s, 0, exited->pid) : NULL;

	if (!p)
		return;
	p->exited = true;
	p->wait_status = exited->wait_status;
	p->usage = exited->usage;
	if (p->pid == s->first_pid) {
		s->end.wait_status = exited->wait_status;
		s->end.usage = exited->usage;
	}
	if (s->hooks && s->hooks->exited)
		s->hooks->exited(s->hook_arg, exited);
}

static void on_stats(struct sandbox *s, const struct control_stats *stats)
{
	s->end.stats = *stats;
	s->end.has_stats = true;
}

static void on_end(struct sandbox *s, const struct control_stats *stats)
{
	int status;

	on_stats(s, stats);
	s->sentry_ended = true;
	if (s->state == SANDBOX_RUNNING && !sandbox_exited(s, s->first_pid, &status))
		sandbox_fail(s, EXIT_BROKEN, "the sentry ended without saying how its program did");
	else if (s->state != SANDBOX_STOPPED)
		s->state = SANDBOX_STOPPED;
}

static void on_message(struct sandbox *s, const struct control_msg *msg)
{
	const struct sandbox_hooks *hooks = s->hooks;

	switch (msg->type) {
	case CONTROL_READY:
		if (s->state == SANDBOX_CREATING)
			s->state = SANDBOX_CREATED;
		break;
	case CONTROL_FAILED:
		on_failed(s, msg);
		break;
	case CONTROL_STARTED:
		on_started(s, msg);
		break;
	case CONTROL_EXITED:
		on_exited(s, &msg->exited);
		break;
	case CONTROL_STATS_IS:
		on_stats(s, &msg->stats);
		break;
	case CONTROL_DENIED:
		if (hooks && hooks->denied)
			hooks->denied(s->hook_arg, &msg->denied);
		break;
	case CONTROL_LIMIT:
		if (hooks && hooks->limit)
			hooks->limit(s->hook_arg, &msg->limit);
		break;
	case CONTROL_SYSCALLS:
		if (hooks && hooks->syscalls)
			hooks->syscalls(s->hook_arg, &msg->syscalls);
		break;
	case CONTROL_GAP:
		if (hooks && hooks->gap)
			hooks->gap(s->hook_arg, &msg->gap);
		break;
	case CONTROL_END:
		on_end(s, &msg->stats);
		break;
	default: /* DONE: that a signal was late is no news */
		break;
	}
}

/* Takes messages until none is left; at the end of the stream the socket is closed. */
static void take_messages(struct sandbox *s)
{
	struct control_msg msg;
	char why[256];

	while (s->control >= 0) {
		int err = control_recv(s->control, MSG_DONTWAIT, &msg, why, sizeof(why));

		if (err == -EAGAIN)
			return;
		if (!err) {
			on_message(s, &msg);
			control_msg_free(&msg);
			continue;
		}
		host_close(&s->control);
		if (err == -EBADMSG)
			sandbox_fail(s, EXIT_BROKEN, "the sentry sent %s: it is broken, or broken into", why);
	}
}

static bool died(const struct spawned *child, int *status)
{
	siginfo_t info = { .si_pid = 0 };

	if (child->pid <= 0 || waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return false;
	*status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
	return true;
}

static void explain_sentry(struct sandbox *s)
{
	int status = s->sentry_status;

	s->end.cgroup_memory_peak = cgroup_memory_peak(&s->cgroup);
	if (s->sentry_ended)
		return;
	if (cgroup_oom(&s->cgroup))
		sandbox_fail(s, EXIT_SIGNAL_BASE + SIGKILL, "the host killed the sandbox for its memory limit");
	else if (s->gofer_gone)
		sandbox_fail(s, EXIT_BROKEN, "the gofer died (%s %d); the sandbox was ended",
			     WIFSIGNALED(s->gofer_status) ? "signal" : "exit",
			     WIFSIGNALED(s->gofer_status) ? WTERMSIG(s->gofer_status) : WEXITSTATUS(s->gofer_status));
	else if (WIFSIGNALED(status))
		sandbox_fail(s, EXIT_BROKEN, "the sentry was killed by signal %d (%s); the log may say more", WTERMSIG(status),
			     strsignal(WTERMSIG(status)));
	else
		sandbox_fail(s, EXIT_BROKEN, "the sentry ended by itself with %d; the log may say more", WEXITSTATUS(status));
}

/* A pidfd stays readable once its process is dead: it is looked at once, then no more. */
static void look_at_processes(struct sandbox *s)
{
	if (!s->gofer_gone && died(&s->gofer, &s->gofer_status)) {
		s->gofer_gone = true;
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->gofer.pidfd, NULL);
		/* A sentry without files can't go on; it sees the same and ends. It is given no time to think about it. */
		if (!s->sentry_ended && s->state != SANDBOX_STOPPED && s->sentry.pid > 0)
			kill(s->sentry.pid, SIGKILL);
	}
	if (!s->sentry_reaped && died(&s->sentry, &s->sentry_status)) {
		s->sentry_reaped = true;
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->sentry.pidfd, NULL);
		take_messages(s); /* what it said before it died comes first */
		explain_sentry(s);
	}
}

void sandbox_dispatch(struct sandbox *s)
{
	take_messages(s);
	look_at_processes(s);
}
