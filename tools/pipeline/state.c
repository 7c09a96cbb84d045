/* The state directory: places, lock, atomic files. See state.h. */
#include "tools/pipeline/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/atomic.h"
#include "tools/exit_codes.h"

/* --- where it is ------------------------------------------------------------------------------------------------------ */

static char *default_path(void)
{
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return mem_printf("%s/picket", xdg);
	if (geteuid() == 0 || !home || *home != '/')
		return mem_strdup("/var/lib/picket");
	return mem_printf("%s/.local/state/picket", home);
}

static int make_dirs(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		int err = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (err)
			return err;
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int open_path(struct state *s, const char *path, struct failure *f)
{
	char full[PATH_MAX];

	s->path = path ? mem_strdup(path) : default_path();
	if (!s->path)
		return fail_no_memory(f);
	int err = make_dirs(s->path);
	if (!err && !realpath(s->path, full))
		err = -errno;
	if (err)
		return fail(f, err, EXIT_PICKET, "state directory '%s': %s; name another with --state DIR", s->path, strerror(-err));
	mem_free(s->path);
	s->path = mem_strdup(full);
	return s->path ? 0 : fail_no_memory(f);
}

static int open_dir(int at, const char *name, int *out)
{
	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return -errno;
	*out = (int)host_ret(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	return *out < 0 ? *out : 0;
}

/* --- the lock --------------------------------------------------------------------------------------------------------- */

static int take_lock(struct state *s, int dir, struct failure *f)
{
	char holder[64] = "";

	s->lock_fd = (int)host_ret(openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (s->lock_fd < 0)
		return fail(f, s->lock_fd, EXIT_PICKET, "state directory '%s': cannot make its lock: %s", s->path, strerror(-s->lock_fd));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
		int64_t n = host_ret(read(s->lock_fd, holder, sizeof(holder) - 1));

		holder[n > 0 ? n : 0] = '\0';
		return fail(f, -EBUSY, EXIT_PICKET,
			    "state directory '%s' is in use by another run (pid %s); wait for it, or name another with --state DIR", s->path,
			    *holder ? holder : "unknown");
	}
	snprintf(holder, sizeof(holder), "%d", (int)getpid());
	(void)!ftruncate(s->lock_fd, 0);
	(void)!write(s->lock_fd, holder, strlen(holder)); /* for people only */
	return 0;
}

/* --- opening ----------------------------------------------------------------------------------------------------------- */

static void name_run(struct state *s)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t n = strftime(s->run_id, sizeof(s->run_id), "%Y%m%d-%H%M%S", &tm);
	snprintf(s->run_id + n, sizeof(s->run_id) - n, "-%03ld-%d", now.tv_nsec / 1000000, (int)getpid());
}

static int open_dirs(struct state *s, struct failure *f)
{
	AUTO_CLOSE int dir = (int)host_ret(open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int err = dir < 0 ? dir : take_lock(s, dir, f);
	if (err)
		return dir < 0 ? fail(f, err, EXIT_PICKET, "state directory '%s': %s", s->path, strerror(-err)) : err;
	name_run(s);
	remove_tree(dir, "work"); /* nobody else works here: we hold the lock */
	err = store_open(dir, &s->store);
	if (!err)
		err = open_dir(dir, "work", &s->work_fd);
	if (!err)
		err = open_dir(dir, "runs", &s->runs_fd);
	if (!err)
		err = atomic_clean(s->runs_fd); /* records that a killed run had not finished writing */
	if (!err)
		err = open_dir(s->runs_fd, s->run_id, &s->log_fd);
	return err ? fail(f, err, EXIT_PICKET, "state directory '%s': %s", s->path, strerror(-err)) : 0;
}

int state_open(struct state *s, const char *path, struct failure *f)
{
	memset(s, 0, sizeof(*s));
	s->lock_fd = s->runs_fd = s->work_fd = s->store.fd = s->log_fd = -1;
	int err = open_path(s, path, f);
	if (!err)
		err = open_dirs(s, f);
	if (err)
		state_close(s);
	return err;
}

void state_close(struct state *s)
{
	host_close(&s->log_fd);
	host_close(&s->runs_fd);
	host_close(&s->work_fd);
	if (s->store.fd >= 0)
		store_close(&s->store);
	host_close(&s->lock_fd);
	mem_free(s->path);
	s->path = NULL;
}

/* --- work directories and records ---------------------------------------------------------------------------------------- */

int state_work_dir(struct state *s, const char *name, uint32_t uid, uint32_t gid, char **out, struct failure *f)
{
	AUTO_CLOSE int fd = -1;
	int err = mkdirat(s->work_fd, name, 0755) ? -errno : 0;

	if (!err) {
		fd = openat(s->work_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	}
	/* An ordinary caller can't give files away: then the guest's user is let in by the mode. Only we can get this far. */
	if (!err && fchown(fd, uid, gid) && fchmod(fd, 0777))
		err = -errno;
	if (err)
		return fail(f, err, EXIT_PICKET, "cannot make the output directory '%s/work/%s': %s", s->path, name, strerror(-err));
	*out = mem_printf("%s/work/%s", s->path, name);
	return *out ? 0 : fail_no_memory(f);
}

void state_work_remove(struct state *s, const char *name)
{
	remove_tree(s->work_fd, name);
}

int state_write_record(struct state *s, const char *text, struct failure *f)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.json", s->run_id);
	int err = atomic_write_file(s->runs_fd, name, text, strlen(text), 0600);
	return err ? fail(f, err, EXIT_PICKET, "cannot write the run record '%s/runs/%s': %s", s->path, name, strerror(-err)) : 0;
}
