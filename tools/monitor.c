/* Making, asking after and removing sandboxes that stand by themselves: see monitor.h. */
#include "tools/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/atomic.h"
#include "sentry/boot/bind.h"
#include "tools/exit_codes.h"

#define STATE_MAX (1u << 20)

static const char *const statuses[] = { "created", "running", "stopped", NULL };

#define F(member, knd, ...) { .key = #member, .kind = (knd), .offset = offsetof(struct monitor_state, member), __VA_ARGS__ }
static const struct bind_field state_fields[] = {
	F(id, BIND_STR, .required = true),
	F(status, BIND_ENUM, .required = true, .names = statuses),
	F(pid, BIND_I32, .required = true),
	F(pid_started, BIND_U64),
	F(created_ms, BIND_U64),
	F(exit_code, BIND_I32),
	F(reason, BIND_STR),
	F(annotation, BIND_STR),
	{ .key = NULL },
};

/* --- places ------------------------------------------------------------------------------------------------------------ */

static bool id_ok(const char *id)
{
	size_t len = strlen(id);

	return len && len <= 200 && id[0] != '.' &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.") == len;
}

static int open_dir(const char *dir, const char *id, struct failure *f)
{
	AUTO_CLOSE int parent = (int)host_ret(open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	int fd = parent < 0 || !id_ok(id) ? -ENOENT : (int)host_ret(openat(parent, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));

	return fd < 0 ? fail(f, fd, EXIT_PICKET, "sandbox '%s' does not exist in %s", id, dir) : fd;
}

static int make_dir(const char *dir, const char *id, struct failure *f)
{
	if (!id_ok(id))
		return fail(f, -EINVAL, EXIT_PICKET, "'%s' is no name for a sandbox: letters, digits and _ + - . only", id);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail(f, -errno, EXIT_PICKET, "cannot make the state directory '%s': %s", dir, strerror(errno));
	AUTO_FREE char *path = mem_printf("%s/%s", dir, id);
	if (!path)
		return fail_no_memory(f);
	if (mkdir(path, 0700))
		return fail(f, -errno, EXIT_PICKET, errno == EEXIST ? "sandbox '%s' exists already in %s" : "cannot make sandbox '%s' in %s", id,
			    dir);
	return open_dir(dir, id, f);
}

static void remove_dir(const char *dir, const char *id, int dirfd)
{
	AUTO_FREE char *path = mem_printf("%s/%s", dir, id);

	unlinkat(dirfd, "state.json", 0);
	unlinkat(dirfd, "control", 0);
	atomic_clean(dirfd);
	if (path)
		rmdir(path);
}

/* A socket's name is short: it is reached through the directory's fd. */
static void socket_address(int dirfd, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/control", dirfd);
}

/* --- state.json --------------------------------------------------------------------------------------------------------- */

int monitor_write_state(const struct monitor *m)
{
	AUTO_FREE char *text = bind_encode(state_fields, &m->state, true);

	return text ? atomic_write_file(m->dirfd, "state.json", text, strlen(text), 0600) : -ENOMEM;
}

/* When the process began, in clock ticks since boot; 0: there is none. A number alone may be somebody else's by now. */
static uint64_t process_start(pid_t pid)
{
	char path[40], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t n = fd < 0 ? -1 : HOST_RETRY(read(fd, text, sizeof(text) - 1));
	if (n <= 0)
		return 0;
	text[n] = '\0';
	char *p = strrchr(text, ')'); /* the name before it may hold anything */
	if (!p || p[2] == 'Z')
		return 0;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

static bool monitor_lives(const struct monitor_state *state)
{
	uint64_t started = process_start(state->pid);

	return started && started == state->pid_started;
}

static int read_state(int dirfd, struct monitor_state *out, struct failure *f)
{
	char why[256];
	AUTO_CLOSE int fd = (int)host_ret(openat(dirfd, "state.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (fd < 0 || fstat(fd, &st) || st.st_size > STATE_MAX)
		return fail(f, -ENOENT, EXIT_PICKET, "the sandbox has no state: it does not exist any more, or not yet");
	AUTO_FREE char *text = mem_alloc((size_t)st.st_size + 1);
	if (!text)
		return fail_no_memory(f);
	int err = (int)host_read_full(fd, text, (size_t)st.st_size);
	if (err >= 0)
		err = bind_decode(state_fields, out, sizeof(*out), text, (size_t)st.st_size, why, sizeof(why));
	return err < 0 ? fail(f, err, EXIT_PICKET, "the sandbox's state.json is damaged: %s", err == -EINVAL ? why : strerror(-err)) : 0;
}

int monitor_state(const char *dir, const char *id, struct monitor_state *out, struct failure *f)
{
	AUTO_CLOSE int dirfd = open_dir(dir, id, f);
	int err = dirfd < 0 ? dirfd : read_state(dirfd, out, f);

	if (err)
		return err;
	if (out->status != MONITOR_STOPPED && !monitor_lives(out)) {
		out->status = MONITOR_STOPPED;
		out->exit_code = EXIT_SIGNAL_BASE + SIGKILL;
	}
	return 0;
}

void monitor_state_clear(struct monitor_state *state)
{
	bind_free(state_fields, state);
	memset(state, 0, sizeof(*state));
}

int monitor_connect(const char *dir, const char *id, struct failure *f)
{
	AUTO_CLOSE int dirfd = open_dir(dir, id, f);
	struct sockaddr_un address;

	if (dirfd < 0)
		return dirfd;
	socket_address(dirfd, &address);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	host_close(&fd);
	return fail(f, -ESRCH, EXIT_PICKET, "sandbox '%s': container not running", id); /* the words that a shim looks for */
}

int monitor_delete(const char *dir, const char *id, bool force, struct failure *f)
{
	AUTO_CLOSE int dirfd = open_dir(dir, id, f);
	struct monitor_state state = { 0 };

	if (dirfd < 0)
		return dirfd;
	int err = monitor_state(dir, id, &state, f);
	if (!err && state.status != MONITOR_STOPPED && !force) {
		monitor_state_clear(&state);
		return fail(f, -EBUSY, EXIT_PICKET, "sandbox '%s' is still there: stop it first, or use force", id);
	}
	if (!err && state.status != MONITOR_STOPPED && monitor_lives(&state)) {
		kill(state.pid, SIGKILL); /* sentry and gofer are tied to it */
		while (monitor_lives(&state))
			usleep(1000);
	}
	monitor_state_clear(&state);
	remove_dir(dir, id, dirfd);
	return 0;
}

/* --- creation ---------------------------------------------------------------------------------------------------------- */

static int listen_on(int dirfd)
{
	struct sockaddr_un address;
	int fd = (int)host_ret(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	if (fd < 0)
		return fd;
	socket_address(dirfd, &address);
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 16))
		return fd;
	int err = -errno;
	close(fd);
	return err;
}

static int prepare(struct monitor *m, const struct sandbox_config *config, struct failure *f)
{
	struct sandbox_hooks hooks = { .exited = monitor_on_exited };
	struct sandbox_config mine = *config;
	static struct sandbox_hooks kept; /* the sandbox borrows it, and there is one in this process */

	kept = hooks;
	mine.hooks = &kept;
	mine.hook_arg = m;
	m->listener = listen_on(m->dirfd);
	if (m->listener < 0)
		return fail(f, m->listener, EXIT_PICKET, "cannot make the control socket: %s", strerror(-m->listener));
	int err = sandbox_create(&mine, &m->sandbox, f);
	if (!err)
		err = sandbox_wait(m->sandbox, SANDBOX_CREATED, -1);
	if (!err && sandbox_state(m->sandbox) == SANDBOX_STOPPED) {
		*f = sandbox_end(m->sandbox)->failure;
		return -ECHILD;
	}
	if (err)
		return err;
	m->state.pid = getpid();
	m->state.pid_started = process_start(m->state.pid);
	m->state.created_ms = (uint64_t)host_realtime_ns() / 1000000;
	err = monitor_write_state(m);
	return err ? fail(f, err, EXIT_PICKET, "cannot write state.json: %s", strerror(-err)) : 0;
}

/* In the new process: until the sandbox has stopped. The maker is told through `answer` when all is ready, or why not. */
static _Noreturn void be_monitor(struct monitor *m, const struct sandbox_config *config, int answer)
{
	struct failure f = { 0 };

	setsid();
	prctl(PR_SET_NAME, "picket-monitor");
	int err = prepare(m, config, &f);
	f.code = err ? f.code : 0;
	(void)!write(answer, &f, sizeof(f));
	close(answer);
	if (!err)
		f.code = monitor_serve(m);
	sandbox_destroy(m->sandbox);
	_exit(f.code);
}

static int await_answer(int answer, pid_t pid, struct failure *f)
{
	struct failure told;

	if (host_read_full(answer, &told, sizeof(told)) < 0)
		return fail(f, -ECHILD, EXIT_BROKEN, "the sandbox's monitor died at its start");
	if (!told.code)
		return 0;
	*f = told;
	HOST_RETRY(waitpid(pid, NULL, 0));
	return -ECHILD;
}

int monitor_create(const char *dir, const char *id, const struct sandbox_config *config, const char *annotation, pid_t *pid,
		   struct failure *f)
{
	AUTO_CLOSE int dirfd = make_dir(dir, id, f);
	struct monitor m = { .dirfd = dirfd, .listener = -1 };
	int answer[2];

	if (dirfd < 0)
		return dirfd;
	m.state.id = mem_strdup(id);
	m.state.annotation = annotation ? mem_strdup(annotation) : NULL;
	int err = pipe2(answer, O_CLOEXEC) ? fail(f, -errno, EXIT_PICKET, "cannot make a pipe: %s", strerror(errno)) : 0;
	if (!err) {
		*pid = fork();
		if (!*pid) {
			close(answer[0]);
			be_monitor(&m, config, answer[1]);
		}
		close(answer[1]);
		err = *pid < 0 ? fail(f, -errno, EXIT_PICKET, "cannot fork: %s", strerror(errno)) : await_answer(answer[0], *pid, f);
		close(answer[0]);
	}
	monitor_state_clear(&m.state);
	if (err)
		remove_dir(dir, id, dirfd);
	return err;
}
