/* Building up a boot spec and the gofer's roots: see plan.h. */
#include "tools/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/wire.h"
#include "tools/exit_codes.h"
#include "tools/passwd.h"
#include "tools/volume.h"

#define ALL_CAPS ((1ull << 41) - 1)
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int replace(char **field, const char *text, struct failure *f)
{
	char *copy = mem_strdup(text);
	if (!copy)
		return fail_no_memory(f);
	mem_free(*field);
	*field = copy;
	return 0;
}

/* --- process --------------------------------------------------------------------------------------------------------- */

static void set_ids(struct boot_process *p, uint32_t uid, uint32_t gid)
{
	uint64_t caps = uid == 0 ? ALL_CAPS : 0;

	p->uid = uid;
	p->gid = gid;
	p->caps = (struct boot_caps){ .effective = caps, .permitted = caps, .bounding = ALL_CAPS };
}

static uint32_t allowed_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (uint32_t)CPU_COUNT(&cpus);
}

int plan_init(struct plan *p, const char *id, struct failure *f)
{
	struct boot_spec *spec = &p->spec;

	memset(p, 0, sizeof(*p));
	spec->mounts = mem_calloc(PLAN_MOUNTS_MAX, sizeof(*spec->mounts));
	spec->process.envp = mem_calloc(1, sizeof(char *));
	if (!spec->mounts || !spec->process.envp)
		return fail_no_memory(f);
	spec->process.umask = 022;
	spec->lanes = allowed_cpus();
	set_ids(&spec->process, geteuid(), getegid());
	int err = replace(&spec->id, id, f);
	if (!err)
		err = replace(&spec->hostname, "picket", f);
	if (!err)
		err = replace(&spec->process.cwd, "/", f);
	return err ? err : plan_env(p, DEFAULT_PATH, f);
}

void plan_free(struct plan *p)
{
	boot_spec_clear(&p->spec);
	for (size_t i = 0; i < p->root_count; i++)
		mem_free(p->root[i].path);
	p->root_count = 0;
}

int plan_argv(struct plan *p, char *const *argv, struct failure *f)
{
	size_t n = 0;

	while (argv[n])
		n++;
	p->spec.process.argv = mem_calloc(n + 1, sizeof(char *));
	if (!p->spec.process.argv)
		return fail_no_memory(f);
	for (size_t i = 0; i < n; i++)
		if (replace(&p->spec.process.argv[i], argv[i], f))
			return -ENOMEM;
	return 0;
}

int plan_env(struct plan *p, const char *assignment, struct failure *f)
{
	char ***envp = &p->spec.process.envp;
	size_t name = strcspn(assignment, "=");
	size_t n = 0;

	if (!name || !assignment[name])
		return fail(f, -EINVAL, EXIT_PICKET, "environment '%s' is not NAME=VALUE", assignment);
	for (; (*envp)[n]; n++)
		if (!strncmp((*envp)[n], assignment, name + 1))
			return replace(&(*envp)[n], assignment, f);
	char **grown = mem_realloc_array(*envp, n + 2, sizeof(char *));
	if (!grown)
		return fail_no_memory(f);
	*envp = grown;
	grown[n] = grown[n + 1] = NULL;
	return replace(&grown[n], assignment, f);
}

int plan_user(struct plan *p, const char *user, struct failure *f)
{
	struct passwd_user found;
	char env[sizeof(found.home) + 8];
	int err = passwd_lookup(p->root_count ? p->root[0].path : "/", user, &found);

	if (err)
		return fail(f, err, EXIT_PICKET, "user '%s' is neither numbers (UID[:GID]) nor in /etc/passwd and /etc/group of %s", user,
			    p->root_count ? p->root[0].path : "/");
	set_ids(&p->spec.process, found.uid, found.gid);
	snprintf(env, sizeof(env), "HOME=%s", found.home);
	return plan_env(p, env, f);
}

int plan_cwd(struct plan *p, const char *cwd, struct failure *f)
{
	if (*cwd != '/')
		return fail(f, -EINVAL, EXIT_PICKET, "working directory '%s' is not an absolute path", cwd);
	return replace(&p->spec.process.cwd, cwd, f);
}

/* --- the sandbox ------------------------------------------------------------------------------------------------------ */

int plan_hostname(struct plan *p, const char *name, struct failure *f)
{
	size_t len = strlen(name);

	if (!len || len > 64)
		return fail(f, -EINVAL, EXIT_PICKET, "host name '%s' is empty or longer than 64 bytes", name);
	return replace(&p->spec.hostname, name, f);
}

int plan_platform(struct plan *p, const char *name, struct failure *f)
{
	for (int i = BOOT_PLATFORM_AUTO; i <= BOOT_PLATFORM_PTRACE; i++) {
		if (strcmp(name, boot_platform_name(i)) != 0)
			continue;
		p->spec.platform = i;
		return 0;
	}
	return fail(f, -EINVAL, EXIT_PICKET, "platform '%s' is none of auto, seccomp, ptrace", name);
}

int plan_quick_calls(struct plan *p, const char *name, struct failure *f)
{
	for (int i = BOOT_QUICK_AUTO; i <= BOOT_QUICK_FORCE; i++) {
		if (strcmp(name, boot_quick_name(i)) != 0)
			continue;
		p->spec.quick_calls = i;
		return 0;
	}
	return fail(f, -EINVAL, EXIT_PICKET, "--quick-calls '%s' is none of auto, off, force", name);
}

/* The path made absolute, so that the gofer finds it from wherever it stands. */
static int absolute_path(const char *path, char **out, struct failure *f)
{
	char cwd[PATH_MAX];

	if (*path == '/') {
		*out = mem_strdup(path);
	} else {
		if (!getcwd(cwd, sizeof(cwd)))
			return fail(f, -errno, EXIT_PICKET, "cannot tell the working directory: %s", strerror(errno));
		*out = mem_printf("%s/%s", cwd, path);
	}
	return *out ? 0 : fail_no_memory(f);
}

/* Adds a root after looking at it with the caller's own eyes. Its index, or a negative errno. */
static int add_root(struct plan *p, const char *path, uint32_t flags, const char *what, struct stat *st, struct failure *f)
{
	if (p->root_count == PLAN_ROOTS_MAX)
		return fail(f, -E2BIG, EXIT_PICKET, "%s '%s': more than %d volumes", what, path, PLAN_ROOTS_MAX);
	if (stat(path, st))
		return fail(f, -errno, EXIT_PICKET, "%s '%s': %s", what, path, strerror(errno));
	if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
		return fail(f, -EINVAL, EXIT_PICKET, "%s '%s' is neither a directory nor a regular file", what, path);
	int err = absolute_path(path, &p->root[p->root_count].path, f);
	if (err)
		return err;
	p->root[p->root_count].flags = flags;
	return (int)p->root_count++;
}

static int add_mount(struct plan *p, const struct boot_mount *m, const char *target, const char *label, struct failure *f)
{
	struct boot_spec *spec = &p->spec;

	if (spec->mount_count == PLAN_MOUNTS_MAX)
		return fail(f, -E2BIG, EXIT_PICKET, "mount '%s': more than %d mounts", target, PLAN_MOUNTS_MAX);
	struct boot_mount *to = &spec->mounts[spec->mount_count++];
	*to = *m;
	to->target = NULL;
	int err = replace(&to->target, target, f);
	return err ? err : replace(&to->label, label, f);
}

struct standard_mount {
	const char *target;
	struct boot_mount mount;
};

/* What programs expect to be there; none of it is the host's. */
static const struct standard_mount standard_mounts[] = {
	{ "/proc", { .type = BOOT_MOUNT_PROC, .gofer_root = -1, .noexec = true, .nosuid = true, .nodev = true } },
	{ "/sys", { .type = BOOT_MOUNT_SYSFS, .gofer_root = -1, .readonly = true, .noexec = true, .nosuid = true, .nodev = true } },
	{ "/dev", { .type = BOOT_MOUNT_DEVTMPFS, .gofer_root = -1, .noexec = true, .nosuid = true } },
	{ "/dev/pts", { .type = BOOT_MOUNT_DEVPTS, .gofer_root = -1, .noexec = true, .nosuid = true } },
	{ "/dev/shm", { .type = BOOT_MOUNT_TMPFS, .gofer_root = -1, .nosuid = true, .nodev = true, .mode = 01777 } },
};

int plan_rootfs(struct plan *p, const char *dir, struct failure *f)
{
	struct boot_mount m = { .type = BOOT_MOUNT_OVERLAY, .nodev = true, .cache = BOOT_CACHE_EXCLUSIVE };
	struct stat st;
	int root = add_root(p, dir, GOFER_ROOT_READONLY | GOFER_ROOT_NODEV | GOFER_ROOT_EXCLUSIVE, "rootfs", &st, f);

	if (root < 0)
		return root;
	if (!S_ISDIR(st.st_mode))
		return fail(f, -ENOTDIR, EXIT_PICKET, "rootfs '%s' is not a directory", dir);
	m.gofer_root = root;
	int err = add_mount(p, &m, "/", "rootfs", f);
	for (size_t i = 0; !err && i < ARRAY_LEN(standard_mounts); i++)
		err = add_mount(p, &standard_mounts[i].mount, standard_mounts[i].target, standard_mounts[i].target, f);
	return err;
}

static uint32_t volume_flags(const struct plan_volume *v)
{
	uint32_t flags = GOFER_ROOT_NODEV | GOFER_ROOT_NOSUID;

	flags |= v->writable ? 0 : GOFER_ROOT_READONLY;
	flags |= v->exec ? 0 : GOFER_ROOT_NOEXEC;
	flags |= v->cache == BOOT_CACHE_IMMUTABLE ? GOFER_ROOT_IMMUTABLE : 0;
	return flags | (v->cache == BOOT_CACHE_EXCLUSIVE ? GOFER_ROOT_EXCLUSIVE : 0);
}

int plan_volume(struct plan *p, const struct plan_volume *v, struct failure *f)
{
	AUTO_FREE char *own_label = mem_printf("volume %s", v->target);
	struct boot_mount m = { .type = BOOT_MOUNT_GOFERFS, .readonly = !v->writable, .noexec = !v->exec, .nosuid = true,
				.nodev = true, .cache = v->cache };
	struct stat st;

	if (!volume_target_ok(v->target) || !v->target[1])
		return fail(f, -EINVAL, EXIT_PICKET, "mount path '%s' is not an absolute path below / without '.' and '..'", v->target);
	int root = add_root(p, v->source, volume_flags(v), v->label ? v->label : "volume", &st, f);
	if (root < 0)
		return root;
	m.gofer_root = root;
	m.file = S_ISREG(st.st_mode);
	if (!own_label)
		return fail_no_memory(f);
	return add_mount(p, &m, v->target, v->label ? v->label : own_label, f);
}
