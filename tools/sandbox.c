/* The life of a sandbox, from creation to destruction, and the requests to it. See sandbox.h for the states. */
#include "tools/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "tools/exit_codes.h"
#include "tools/sandbox_impl.h"

static struct sandbox_process *add_process(struct sandbox *s, uint32_t seq)
{
	struct sandbox_process *p = mem_zalloc(sizeof(*p));

	if (p) {
		p->seq = seq;
		list_push_back(&s->processes, &p->link);
	}
	return p;
}

struct sandbox_process *sandbox_find(const struct sandbox *s, uint32_t seq, int32_t pid)
{
	struct sandbox_process *p;

	list_for_each(p, &s->processes, link)
		if (seq ? p->seq == seq : p->pid == pid)
			return p;
	return NULL;
}

static int watch(struct sandbox *s, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return (int)host_ret(epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event));
}

static int watch_all(struct sandbox *s, struct failure *f)
{
	s->epoll = (int)host_ret(epoll_create1(EPOLL_CLOEXEC));
	if (s->epoll < 0 || watch(s, s->control) || watch(s, s->sentry.pidfd) || watch(s, s->gofer.pidfd))
		return fail(f, -EMFILE, EXIT_PICKET, "cannot watch the sandbox's processes: %s", strerror(errno));
	return 0;
}

int sandbox_create(const struct sandbox_config *config, struct sandbox **out, struct failure *f)
{
	struct sandbox *s = mem_zalloc(sizeof(*s));
	if (!s)
		return fail_no_memory(f);
	s->control = s->lifeline = s->epoll = -1;
	s->hooks = config->hooks;
	s->hook_arg = config->hook_arg;
	list_init(&s->processes);

	int err = sandbox_launch(s, config, f);
	if (!err)
		err = watch_all(s, f);
	if (err) {
		sandbox_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

/* What a failed send means to the caller: the reason comes as an event, and is better than EPIPE. */
static int sent(struct sandbox *s, int err, struct failure *f)
{
	if (!err)
		return 0;
	sandbox_dispatch(s);
	if (s->state == SANDBOX_STOPPED && s->end.failed)
		*f = s->end.failure;
	else
		fail(f, err, EXIT_BROKEN, "the sandbox does not answer: %s", strerror(-err));
	return err;
}

int sandbox_start(struct sandbox *s, struct failure *f)
{
	if (s->state > SANDBOX_CREATED || s->start_seq)
		return fail(f, -EALREADY, EXIT_PICKET, "the sandbox has been started before");
	s->start_seq = ++s->seq;
	if (!add_process(s, s->start_seq))
		return fail_no_memory(f);
	return sent(s, control_send_start(s->control, s->start_seq), f);
}

int sandbox_exec(struct sandbox *s, const struct boot_process *process, const int stdio[3], uint32_t *seq, struct failure *f)
{
	if (s->state == SANDBOX_STOPPED)
		return fail(f, -ESRCH, EXIT_PICKET, "the sandbox is not running");
	*seq = ++s->seq;
	if (!add_process(s, *seq))
		return fail_no_memory(f);
	return sent(s, control_send_exec(s->control, *seq, process, stdio), f);
}

int sandbox_exec_pid(struct sandbox *s, uint32_t seq, struct failure *f)
{
	const struct sandbox_process *p = sandbox_find(s, seq, 0);

	if (!p)
		return fail(f, -ENOENT, EXIT_PICKET, "no such request");
	if (p->pid < 0)
		*f = p->failure;
	else if (!p->pid && s->state == SANDBOX_STOPPED)
		return fail(f, -ESRCH, EXIT_BROKEN, "the sandbox ended before the program was started");
	return p->pid;
}

int sandbox_signal(struct sandbox *s, int pid, int signo)
{
	return s->control < 0 ? -ESRCH : control_send_signal(s->control, ++s->seq, pid, signo);
}

int sandbox_resize(struct sandbox *s, unsigned int rows, unsigned int columns)
{
	return s->control < 0 ? -ESRCH : control_send_resize(s->control, ++s->seq, rows, columns);
}

int sandbox_ask_stats(struct sandbox *s)
{
	if (s->control < 0)
		return -ESRCH;
	s->end.has_stats = false;
	return control_send_stats(s->control, ++s->seq);
}

bool sandbox_exited(const struct sandbox *s, int pid, int *wait_status)
{
	const struct sandbox_process *p = pid > 0 ? sandbox_find(s, 0, pid) : NULL;

	if (p && p->exited)
		*wait_status = p->wait_status;
	return p && p->exited;
}

enum sandbox_state sandbox_state(const struct sandbox *s)
{
	return s->state;
}

const struct sandbox_end *sandbox_end(const struct sandbox *s)
{
	return &s->end;
}

void sandbox_timed_out(struct sandbox *s)
{
	s->end.timed_out = true;
}

int sandbox_first_pid(const struct sandbox *s)
{
	return s->first_pid;
}

pid_t sandbox_sentry_pid(const struct sandbox *s)
{
	return s->sentry.pid;
}

pid_t sandbox_gofer_pid(const struct sandbox *s)
{
	return s->gofer.pid;
}

const char *sandbox_cgroup(const struct sandbox *s)
{
	return s->cgroup.count ? s->cgroup.dir[0].path : NULL;
}

int sandbox_fd(const struct sandbox *s)
{
	return s->epoll;
}

int sandbox_wait(struct sandbox *s, enum sandbox_state state, int timeout_ms)
{
	int64_t deadline = host_monotonic_ns() + (int64_t)timeout_ms * 1000000;

	for (sandbox_dispatch(s); s->state < state; sandbox_dispatch(s)) {
		struct pollfd p = { .fd = s->epoll, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1 : (deadline - host_monotonic_ns()) / 1000000;

		if (timeout_ms >= 0 && left < 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

void sandbox_fail(struct sandbox *s, int code, const char *fmt, ...)
{
	va_list args;

	if (s->state == SANDBOX_STOPPED)
		return;
	s->state = SANDBOX_STOPPED;
	s->end.failed = true;
	s->end.failure.code = code;
	va_start(args, fmt);
	vsnprintf(s->end.failure.text, sizeof(s->end.failure.text), fmt, args);
	va_end(args);
}

/* The sentry is the init of its pid namespace: with it every guest dies. The gofer follows its channels; we don't wait for that. */
void sandbox_destroy(struct sandbox *s)
{
	struct sandbox_process *p, *next;

	if (!s)
		return;
	spawn_kill(&s->sentry); /* both die at once, then both are waited for */
	spawn_kill(&s->gofer);
	spawn_end(&s->sentry);
	spawn_end(&s->gofer);
	host_close(&s->control);
	host_close(&s->lifeline);
	host_close(&s->epoll);
	cgroup_remove(&s->cgroup);
	list_for_each_safe(p, next, &s->processes, link)
		mem_free(p);
	mem_free(s);
}

int sandbox_exit_code(const struct sandbox_end *end)
{
	if (end->timed_out)
		return EXIT_TIMEOUT;
	if (end->failed)
		return end->failure.code;
	if (WIFSIGNALED(end->wait_status))
		return EXIT_SIGNAL_BASE + WTERMSIG(end->wait_status);
	return WEXITSTATUS(end->wait_status);
}
