/* Cgroups of both versions, made best-effort: see cgroup.h. */
#include "tools/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"

/* The sentry, its zygotes and the gofer live in the cgroup too; the guest's limit is kept by the sentry, to the byte. */
#define OVERHEAD_MEMORY (96ull << 20)
#define OVERHEAD_PIDS 64
#define PREFIX "picket-"

static int write_value(const struct cgroup_dir *d, const char *name, uint64_t value)
{
	char path[600], text[24];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	AUTO_CLOSE int fd = (int)host_ret(open(path, O_WRONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return (int)host_write_full(fd, text, strlen(text));
}

static int read_text(const struct cgroup_dir *d, const char *name, char *text, size_t len)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	AUTO_CLOSE int fd = (int)host_ret(open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	int64_t n = HOST_RETRY(read(fd, text, len - 1));
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? (int)n : 0;
}

/* The caller's own group in the hierarchy whose line in /proc/self/cgroup has this list of controllers ("" is version 2). */
static bool own_group(const char *controller, char *path, size_t len)
{
	char line[600];
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':');
		char *group = names ? strchr(names + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		found = !strcmp(names + 1, controller);
		if (found)
			snprintf(path, len, "%s", !strcmp(group, "/") ? "" : group);
	}
	if (f)
		fclose(f);
	return found;
}

/* Where a new group may be made: the caller's own below the mount, or the mount itself where a container hides that. */
static bool parent_dir(const char *controller, char *path, size_t len)
{
	char group[300];
	const char *mount = "/sys/fs/cgroup";

	if (!own_group(controller, group, sizeof(group)))
		return false;
	if (!*controller && access("/sys/fs/cgroup/cgroup.controllers", F_OK))
		mount = "/sys/fs/cgroup/unified";
	snprintf(path, len, "%s%s%.16s%s", mount, *controller ? "/" : "", controller, group);
	if (!access(path, W_OK))
		return true;
	snprintf(path, len, "%s%s%s", mount, *controller ? "/" : "", controller);
	return !access(path, W_OK);
}

static bool has_file(const struct cgroup_dir *d, const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	return !access(path, W_OK);
}

/* Groups of runtimes that were killed before they could remove them: their names say whose they were. */
static void remove_stale(const char *parent)
{
	DIR *dir = opendir(parent);

	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
		int pid = strncmp(e->d_name, PREFIX, strlen(PREFIX)) ? 0 : atoi(e->d_name + strlen(PREFIX));

		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

static bool make_dir(struct cgroup_dir *d, const char *controller, const char *name)
{
	char parent[400];

	memset(d, 0, sizeof(*d));
	if (!parent_dir(controller, parent, sizeof(parent)))
		return false;
	remove_stale(parent);
	snprintf(d->path, sizeof(d->path), "%s/" PREFIX "%d-%s", parent, (int)getpid(), name);
	if (mkdir(d->path, 0755) && errno != EEXIST)
		return false;
	d->v2 = !*controller;
	d->memory = has_file(d, d->v2 ? "memory.max" : "memory.limit_in_bytes");
	d->pids = has_file(d, "pids.max");
	if (d->memory || d->pids)
		return true;
	rmdir(d->path);
	return false;
}

static void apply_limits(const struct cgroup_dir *d, const struct cgroup_limits *limits)
{
	int err = 0;

	if (d->memory && limits->memory)
		err = write_value(d, d->v2 ? "memory.max" : "memory.limit_in_bytes", limits->memory + OVERHEAD_MEMORY);
	if (d->pids && limits->pids && err >= 0)
		err = write_value(d, "pids.max", limits->pids + OVERHEAD_PIDS);
	if (err < 0)
		log_info("cgroup %s: cannot set its limits: %s; the sentry's own accounting stands alone", d->path, strerror(-err));
}

void cgroup_create(struct cgroup *c, const char *name, const struct cgroup_limits *limits)
{
	c->count = 0;
	if (make_dir(&c->dir[0], "", name)) {
		c->count = 1;
	} else {
		if (limits->memory && make_dir(&c->dir[c->count], "memory", name))
			c->count++;
		if (limits->pids && make_dir(&c->dir[c->count], "pids", name))
			c->count++;
	}
	for (int i = 0; i < c->count; i++)
		apply_limits(&c->dir[i], limits);
	if (!c->count)
		log_info("no cgroup can be made here: limits are kept by the sentry's own accounting alone");
}

int cgroup_add(const struct cgroup *c, pid_t pid)
{
	for (int i = 0; i < c->count; i++) {
		int err = write_value(&c->dir[i], "cgroup.procs", (uint64_t)pid);

		if (err < 0)
			return err;
	}
	return 0;
}

uint64_t cgroup_memory_peak(const struct cgroup *c)
{
	char text[32];

	for (int i = 0; i < c->count; i++) {
		const struct cgroup_dir *d = &c->dir[i];

		if (d->memory && !read_text(d, d->v2 ? "memory.peak" : "memory.max_usage_in_bytes", text, sizeof(text)))
			return strtoull(text, NULL, 10);
	}
	return 0;
}

bool cgroup_oom(const struct cgroup *c)
{
	char text[512];

	for (int i = 0; i < c->count; i++) {
		const struct cgroup_dir *d = &c->dir[i];

		if (!d->memory || read_text(d, d->v2 ? "memory.events" : "memory.oom_control", text, sizeof(text)))
			continue;
		const char *kills = strstr(text, "oom_kill ");
		if (kills && strtoull(kills + 9, NULL, 10))
			return true;
	}
	return false;
}

void cgroup_remove(struct cgroup *c)
{
	for (int i = 0; i < c->count; i++) {
		/* A process that was reaped a moment ago may still be leaving. */
		for (int try = 0; try < 50 && rmdir(c->dir[i].path) && errno == EBUSY; try++)
			usleep(2000);
	}
	c->count = 0;
}

int cgroup_probe(char *where, unsigned long len)
{
	static const char *const controllers[] = { "memory", "pids", "" };
	int found = 0;

	where[0] = '\0';
	for (int i = 0; i < 3; i++) {
		struct cgroup_dir d;

		if (!make_dir(&d, controllers[i], "probe"))
			continue;
		found |= 1 << i;
		rmdir(d.path);
		*strrchr(d.path, '/') = '\0';
		snprintf(where + strlen(where), len - strlen(where), "%s%s", *where ? ", " : "", d.path);
	}
	return found;
}
