/* The JSON form of a boot spec: one row a field. The rows are the whole truth; bind.c does the work. */
#include "sentry/boot/spec.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/boot/bind.h"

static const char *const mount_types[] = { "goferfs", "overlay", "tmpfs", "proc", "sysfs", "devtmpfs", "devpts", "mqueue", NULL };
static const char *const caches[] = { "immutable", "exclusive", "shared", NULL };
static const char *const platforms[] = { "auto", "seccomp", "ptrace", NULL };
static const char *const quick_modes[] = { "auto", "off", "force", NULL };
static const char *const io_backends[] = { "auto", "uring", "threads", NULL };
static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const log_formats[] = { "text", "json", NULL };

#define F(type, member, knd, ...) { .key = #member, .kind = (knd), .offset = offsetof(struct type, member), __VA_ARGS__ }
#define REQUIRED .required = true
#define COUNT(type, member) .count_offset = offsetof(struct type, member)

static const struct bind_field mount_fields[] = {
	F(boot_mount, target, BIND_STR, REQUIRED),
	F(boot_mount, type, BIND_ENUM, REQUIRED, .names = mount_types),
	F(boot_mount, gofer_root, BIND_I32, REQUIRED),
	F(boot_mount, readonly, BIND_BOOL),
	F(boot_mount, noexec, BIND_BOOL),
	F(boot_mount, nosuid, BIND_BOOL),
	F(boot_mount, nodev, BIND_BOOL),
	F(boot_mount, cache, BIND_ENUM, .names = caches),
	F(boot_mount, label, BIND_STR, REQUIRED),
	F(boot_mount, source, BIND_STR),
	F(boot_mount, size, BIND_U64),
	F(boot_mount, mode, BIND_U32),
	F(boot_mount, file, BIND_BOOL),
	{ .key = NULL },
};

static const struct bind_field rlimit_fields[] = {
	F(boot_rlimit, resource, BIND_U32, REQUIRED),
	F(boot_rlimit, soft, BIND_U64, REQUIRED),
	F(boot_rlimit, hard, BIND_U64, REQUIRED),
	{ .key = NULL },
};

static const struct bind_field caps_fields[] = {
	F(boot_caps, effective, BIND_U64),
	F(boot_caps, permitted, BIND_U64),
	F(boot_caps, inheritable, BIND_U64),
	F(boot_caps, bounding, BIND_U64),
	F(boot_caps, ambient, BIND_U64),
	{ .key = NULL },
};

static const struct bind_field process_fields[] = {
	F(boot_process, argv, BIND_STRV, REQUIRED),
	F(boot_process, envp, BIND_STRV, REQUIRED),
	F(boot_process, cwd, BIND_STR, REQUIRED),
	F(boot_process, uid, BIND_U32),
	F(boot_process, gid, BIND_U32),
	F(boot_process, groups, BIND_U32V, COUNT(boot_process, group_count)),
	F(boot_process, caps, BIND_OBJECT, .sub = caps_fields),
	F(boot_process, no_new_privs, BIND_BOOL),
	F(boot_process, umask, BIND_U32),
	F(boot_process, terminal, BIND_BOOL),
	F(boot_process, rlimits, BIND_ARRAY, COUNT(boot_process, rlimit_count), .size = sizeof(struct boot_rlimit),
	  .sub = rlimit_fields),
	{ .key = NULL },
};

static const struct bind_field spec_fields[] = {
	F(boot_spec, process, BIND_OBJECT, REQUIRED, .sub = process_fields),
	F(boot_spec, id, BIND_STR, REQUIRED),
	F(boot_spec, hostname, BIND_STR, REQUIRED),
	F(boot_spec, domainname, BIND_STR),
	F(boot_spec, mounts, BIND_ARRAY, REQUIRED, COUNT(boot_spec, mount_count), .size = sizeof(struct boot_mount),
	  .sub = mount_fields),
	F(boot_spec, memory_limit, BIND_U64),
	F(boot_spec, pid_limit, BIND_U64),
	F(boot_spec, strace, BIND_STRV),
	F(boot_spec, platform, BIND_ENUM, .names = platforms),
	F(boot_spec, quick_calls, BIND_ENUM, .names = quick_modes),
	F(boot_spec, io, BIND_ENUM, .names = io_backends),
	F(boot_spec, lanes, BIND_U32),
	F(boot_spec, log_level, BIND_ENUM, .names = log_levels),
	F(boot_spec, log_format, BIND_ENUM, .names = log_formats),
	F(boot_spec, profile, BIND_BOOL),
	F(boot_spec, report_syscalls, BIND_BOOL),
	{ .key = NULL },
};

/* --- what types alone can't say ---------------------------------------------------------------------------------------- */

static int check_process(const struct boot_process *p, char *why, size_t why_len)
{
	if (!p->argv[0]) {
		snprintf(why, why_len, "process.argv is empty");
		return -EINVAL;
	}
	if (p->cwd[0] != '/') {
		snprintf(why, why_len, "process.cwd '%s' is not absolute", p->cwd);
		return -EINVAL;
	}
	return 0;
}

static int check_mount(const struct boot_mount *m, size_t index, char *why, size_t why_len)
{
	bool gofer = m->type == BOOT_MOUNT_GOFERFS || m->type == BOOT_MOUNT_OVERLAY;

	if (m->target[0] != '/')
		snprintf(why, why_len, "mounts[%zu].target '%s' is not absolute", index, m->target);
	else if (!index != !m->target[1])
		snprintf(why, why_len, "mounts[%zu].target '%s': the first mount, and no other, is '/'", index, m->target);
	else if (gofer != (m->gofer_root >= 0))
		snprintf(why, why_len, "mounts[%zu]: type %s %s a gofer root", index, mount_types[m->type],
			 gofer ? "needs" : "has no use for");
	else
		return 0;
	return -EINVAL;
}

static int check_spec(const struct boot_spec *spec, char *why, size_t why_len)
{
	int err = check_process(&spec->process, why, why_len);

	if (err)
		return err;
	if (!spec->mount_count) {
		snprintf(why, why_len, "mounts is empty");
		return -EINVAL;
	}
	for (size_t i = 0; !err && i < spec->mount_count; i++)
		err = check_mount(&spec->mounts[i], i, why, why_len);
	return err;
}

/* --- public ---------------------------------------------------------------------------------------------------------- */

char *boot_spec_encode(const struct boot_spec *spec)
{
	return bind_encode(spec_fields, spec, false);
}

int boot_spec_decode(const char *text, size_t len, struct boot_spec **out, char *why, size_t why_len)
{
	struct boot_spec *spec = mem_zalloc(sizeof(*spec));
	if (!spec)
		return -ENOMEM;
	int err = bind_decode(spec_fields, spec, sizeof(*spec), text, len, why, why_len);

	if (!err)
		err = check_spec(spec, why, why_len);
	if (err) {
		boot_spec_free(spec);
		return err;
	}
	*out = spec;
	return 0;
}

void boot_spec_free(struct boot_spec *spec)
{
	if (!spec)
		return;
	bind_free(spec_fields, spec);
	mem_free(spec);
}

void boot_spec_clear(struct boot_spec *spec)
{
	bind_free(spec_fields, spec);
	memset(spec, 0, sizeof(*spec));
}

char *boot_process_encode(const struct boot_process *process)
{
	return bind_encode(process_fields, process, false);
}

int boot_process_decode(const char *text, size_t len, struct boot_process **out, char *why, size_t why_len)
{
	struct boot_process *process = mem_zalloc(sizeof(*process));
	if (!process)
		return -ENOMEM;
	int err = bind_decode(process_fields, process, sizeof(*process), text, len, why, why_len);

	if (!err)
		err = check_process(process, why, why_len);
	if (err) {
		boot_process_free(process);
		return err;
	}
	*out = process;
	return 0;
}

void boot_process_free(struct boot_process *process)
{
	if (!process)
		return;
	bind_free(process_fields, process);
	mem_free(process);
}

const char *boot_mount_type_name(int type)
{
	return mount_types[type];
}

const char *boot_platform_name(int platform)
{
	return platforms[platform];
}

const char *boot_quick_name(int quick)
{
	return quick_modes[quick];
}

const char *boot_io_name(int io)
{
	return io_backends[io];
}
