/* Making a sandbox's two processes and telling each what it is: configuration, fds, cgroup. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/gofer.h"
#include "tools/exit_codes.h"
#include "tools/sandbox_impl.h"

/* The channels between sentry and gofer: one for each CPU that we may use, served there. */
struct channels {
	int count;
	int cpu[SANDBOX_CHANNELS_MAX];
	int sentry_end[SANDBOX_CHANNELS_MAX], gofer_end[SANDBOX_CHANNELS_MAX];
};

static void channels_close(struct channels *c)
{
	for (int i = 0; i < c->count; i++) {
		host_close(&c->sentry_end[i]);
		host_close(&c->gofer_end[i]);
	}
	c->count = 0;
}

static int socket_pair(int pair[2])
{
	return (int)host_ret(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
}

static int channels_open(struct channels *c, uint32_t lanes)
{
	int want = lanes && lanes < SANDBOX_CHANNELS_MAX ? (int)lanes : SANDBOX_CHANNELS_MAX;
	cpu_set_t cpus;

	c->count = 0;
	if (sched_getaffinity(0, sizeof(cpus), &cpus)) {
		CPU_ZERO(&cpus);
		CPU_SET(0, &cpus);
	}
	for (int cpu = 0; cpu < CPU_SETSIZE && c->count < want; cpu++) {
		int pair[2];

		if (!CPU_ISSET(cpu, &cpus))
			continue;
		int err = socket_pair(pair);
		if (err) {
			channels_close(c);
			return err;
		}
		c->cpu[c->count] = cpu;
		c->sentry_end[c->count] = pair[0];
		c->gofer_end[c->count++] = pair[1];
	}
	return 0;
}

/* --- gofer ----------------------------------------------------------------------------------------------------------- */

static int configure_gofer(const struct sandbox *s, const struct sandbox_config *config, const struct channels *channels)
{
	AUTO_FREE struct gofer_config *g = mem_alloc(sizeof(*g));
	if (!g)
		return -ENOMEM;
	gofer_config_init(g);
	for (size_t i = 0; i < config->root_count; i++) {
		snprintf(g->root[i].name, sizeof(g->root[i].name), "%zu", i);
		g->root[i].path = config->roots[i].path; /* borrowed: the config is not cleared */
		g->root[i].flags = config->roots[i].flags;
	}
	g->roots = (int)config->root_count;
	for (int i = 0; i < channels->count; i++) {
		g->channel[i].fd = channels->gofer_end[i];
		g->channel[i].cpu = channels->cpu[i];
	}
	g->channels = channels->count;
	g->log_fd = config->log_fd;
	g->log_level = config->spec->log_level;
	g->log_format = config->spec->log_format;
	return gofer_config_send(s->lifeline, g);
}

/*
 * The gofer has no capabilities, so it is the program's user as far as the caller may decide: what the program makes in a volume
 * belongs to that user on the host, and what that user may not read there it does not get.
 */
static int start_gofer(struct sandbox *s, const struct sandbox_config *config, const struct channels *channels, struct failure *f)
{
	int pair[2];

	if (config->root_count > GOFER_ROOTS_MAX)
		return fail(f, -E2BIG, EXIT_PICKET, "%zu volumes are too many: %d at most", config->root_count, GOFER_ROOTS_MAX);
	int err = socket_pair(pair);
	if (err)
		return fail(f, err, EXIT_PICKET, "cannot make a socket: %s", strerror(-err));
	AUTO_CLOSE int theirs = pair[1];
	struct spawn_config spawn_config = { .name = "picket-gofer", .control_fd = theirs, .stderr_fd = config->log_fd,
					     .ids = SPAWN_IDS_ALL, .uid = config->spec->process.uid, .gid = config->spec->process.gid };

	s->lifeline = pair[0];
	err = spawn(&spawn_config, s->lifeline, &s->gofer, f);
	if (err)
		return err;
	err = configure_gofer(s, config, channels);
	return err ? fail(f, err, EXIT_BROKEN, "the gofer did not take its configuration: %s", strerror(-err)) : 0;
}

/* --- sentry ---------------------------------------------------------------------------------------------------------- */

static int start_sentry(struct sandbox *s, const struct sandbox_config *config, struct failure *f)
{
	int pair[2];
	int err = socket_pair(pair);

	if (err)
		return fail(f, err, EXIT_PICKET, "cannot make a socket: %s", strerror(-err));
	AUTO_CLOSE int theirs = pair[1];
	struct spawn_config spawn_config = { .name = "picket-sentry", .control_fd = theirs, .stderr_fd = config->log_fd,
					     .ids = SPAWN_IDS_SINGLE };

	s->control = pair[0];
	return spawn(&spawn_config, s->control, &s->sentry, f);
}

static int boot_sentry(struct sandbox *s, const struct sandbox_config *config, const struct channels *channels, struct failure *f)
{
	struct control_boot_fds fds = { .stdio = { config->stdio[0], config->stdio[1], config->stdio[2] }, .log = config->log_fd };

	for (int i = 0; i < channels->count; i++)
		fds.gofer[i] = channels->sentry_end[i];
	fds.gofer_count = (size_t)channels->count;
	s->boot_seq = ++s->seq;
	int err = control_send_boot(s->control, s->boot_seq, config->spec, &fds);
	if (err == -E2BIG)
		return fail(f, err, EXIT_CANNOT_RUN, "the arguments and the environment are too long");
	return err ? fail(f, err, EXIT_BROKEN, "the sentry did not take its configuration: %s", strerror(-err)) : 0;
}

static void enter_cgroup(struct sandbox *s, const struct sandbox_config *config)
{
	const struct boot_spec *spec = config->spec;
	struct cgroup_limits limits = { .memory = spec->memory_limit, .pids = spec->pid_limit };

	if (!limits.memory && !limits.pids)
		return;
	cgroup_create(&s->cgroup, spec->id, &limits);
	if (s->cgroup.count && cgroup_add(&s->cgroup, s->sentry.pid) < 0)
		cgroup_remove(&s->cgroup);
}

/* The sentry first: it has the longer way to go. It and the gofer make their namespaces side by side. */
int sandbox_launch(struct sandbox *s, const struct sandbox_config *config, struct failure *f)
{
	__attribute__((cleanup(channels_close))) struct channels channels = { .count = 0 };
	int err = start_sentry(s, config, f);

	if (err)
		return err;
	enter_cgroup(s, config); /* before BOOT: guests are born into it */
	err = channels_open(&channels, config->spec->lanes);
	if (err)
		return fail(f, err, EXIT_PICKET, "cannot make sockets: %s", strerror(-err));
	err = boot_sentry(s, config, &channels, f);
	return err ? err : start_gofer(s, config, &channels, f);
}
