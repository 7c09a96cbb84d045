/* The rows of abi/x86_64/syscalls.def as data, and the prototypes of the handlers that they name. */
#include "sentry/syscalls/table.h"

#include <errno.h>
#include <string.h>

#include "sentry/syscalls/handlers.h"

/* The flag words as the rows write them. */
enum {
	FILES = CLASS_FILES, DESC = CLASS_DESC, PROCESS = CLASS_PROCESS, MEMORY = CLASS_MEMORY, SIGNAL = CLASS_SIGNAL,
	NETWORK = CLASS_NETWORK, TIME = CLASS_TIME, IPC = CLASS_IPC, CRED = CLASS_CRED, SYSTEM = CLASS_SYSTEM,
	STOP = SYSCALL_STOP, HEX = SYSCALL_HEX, NORETURN = SYSCALL_NORETURN, QUICK = SYSCALL_QUICK,
};

#define A(kind, name) { ARG_##kind, #name, -1 }
#define N(kind, name, aux) { ARG_##kind, #name, aux }

/* level column to level, errno, handler */
#define LEVEL_FULL SYSCALL_FULL
#define LEVEL_PARTIAL SYSCALL_PARTIAL
#define LEVEL_REFUSED(err) SYSCALL_REFUSED
#define ERRNO_FULL 0
#define ERRNO_PARTIAL 0
#define ERRNO_REFUSED(err) (err)
#define HANDLER_FULL(name) sys_##name
#define HANDLER_PARTIAL(name) sys_##name
#define HANDLER_REFUSED(err) HANDLER_NONE
#define HANDLER_NONE(name) NULL

#define SYSCALL(num, call, lvl, class_flags, text, ...)                                         \
	[num] = {                                                                               \
		.name = #call,                                                                  \
		.note = (text),                                                                 \
		.handler = HANDLER_##lvl(call),                                                 \
		.args = { __VA_ARGS__ },                                                        \
		.nr = (num),                                                                    \
		.err = ERRNO_##lvl,                                                             \
		.level = LEVEL_##lvl,                                                           \
		.flags = (class_flags),                                                         \
		.nargs = sizeof((struct syscall_arg[]){ __VA_ARGS__ }) / sizeof(struct syscall_arg), \
	},
static const struct syscall_row rows[LX_NR_COUNT] = {
#include "abi/x86_64/syscalls.def"
};
#undef SYSCALL

static const struct syscall_row absent = {
	.name = "unknown", .note = "no such call", .nr = -1, .err = ENOSYS, .level = SYSCALL_ABSENT, .flags = CLASS_SYSTEM,
};

const struct syscall_row *syscall_row(int64_t nr)
{
	if (nr < 0 || nr >= LX_NR_COUNT || !rows[nr].name)
		return &absent;
	return &rows[nr];
}

const struct syscall_row *syscall_by_name(const char *name)
{
	for (size_t nr = 0; nr < LX_NR_COUNT; nr++)
		if (rows[nr].name && strcmp(rows[nr].name, name) == 0)
			return &rows[nr];
	return NULL;
}

static size_t list_flagged(uint8_t flag, uint16_t *out, size_t max)
{
	size_t n = 0;

	for (size_t nr = 0; nr < LX_NR_COUNT && n < max; nr++)
		if (rows[nr].handler && (rows[nr].flags & flag))
			out[n++] = (uint16_t)nr;
	return n;
}

size_t syscall_stop_list(uint16_t *out, size_t max)
{
	return list_flagged(SYSCALL_STOP, out, max);
}

size_t syscall_quick_list(uint16_t *out, size_t max)
{
	return list_flagged(SYSCALL_QUICK, out, max);
}

const char *syscall_class_name(const struct syscall_row *row)
{
	static const char *const names[CLASS_COUNT] = {
		[CLASS_FILES] = "files", [CLASS_DESC] = "desc", [CLASS_PROCESS] = "process", [CLASS_MEMORY] = "memory",
		[CLASS_SIGNAL] = "signal", [CLASS_NETWORK] = "network", [CLASS_TIME] = "time", [CLASS_IPC] = "ipc",
		[CLASS_CRED] = "cred", [CLASS_SYSTEM] = "system",
	};

	return names[row->flags & SYSCALL_CLASS_MASK];
}

const char *syscall_level_name(const struct syscall_row *row)
{
	static const char *const names[] = { "absent", "refused", "partial", "full" };

	return names[row->level];
}

static const struct {
	const char *name;
	enum arg_dir dir;
} kinds[ARG_KIND_COUNT] = {
	[ARG_NONE] = { "NONE", DIR_VALUE },
#define KIND(kind, direction, formatter, names) [ARG_##kind] = { #kind, DIR_##direction },
#include "sentry/syscalls/kinds.def"
#undef KIND
};

const char *arg_kind_name(enum arg_kind kind)
{
	return kinds[kind].name;
}

enum arg_dir arg_kind_dir(enum arg_kind kind)
{
	return kinds[kind].dir;
}
