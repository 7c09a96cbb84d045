/*
 * The table of system calls: one row a call, made from abi/x86_64/syscalls.def, which says what the columns mean. The
 * dispatcher runs row->handler, or answers -row->err where there is none.
 */
#ifndef SENTRY_SYSCALLS_TABLE_H
#define SENTRY_SYSCALLS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/arch.h"
#include "sentry/syscalls/sysargs.h"

enum syscall_level {
	SYSCALL_ABSENT, /* no such call: a gap in the numbers */
	SYSCALL_REFUSED,
	SYSCALL_PARTIAL,
	SYSCALL_FULL,
};

/* Of syscall_row.flags. A call has one class. */
#define SYSCALL_CLASS_MASK 0xfu
#define SYSCALL_STOP 0x10u     /* delivered at a control stop */
#define SYSCALL_HEX 0x20u      /* returns an address */
#define SYSCALL_NORETURN 0x40u
#define SYSCALL_QUICK 0x80u    /* may be made without a trap: kernel/quick.h */
enum syscall_class {
	CLASS_FILES = 1, CLASS_DESC, CLASS_PROCESS, CLASS_MEMORY, CLASS_SIGNAL, CLASS_NETWORK, CLASS_TIME, CLASS_IPC,
	CLASS_CRED, CLASS_SYSTEM,
	CLASS_COUNT
};

enum arg_kind {
	ARG_NONE,
#define KIND(name, dir, formatter, names) ARG_##name,
#include "sentry/syscalls/kinds.def"
#undef KIND
	ARG_KIND_COUNT
};

/* Where an argument of a kind is: in the register, or in guest memory read, written, or both, by the call. */
enum arg_dir { DIR_VALUE, DIR_IN, DIR_OUT, DIR_INOUT };

struct syscall_arg {
	enum arg_kind kind;
	const char *name;
	int8_t aux; /* the argument that holds its length, count or selector; -1 for none */
};

struct syscall_row {
	const char *name;
	const char *note;
	syscall_handler *handler; /* NULL where refused */
	struct syscall_arg args[6];
	int16_t nr;
	int16_t err; /* of a refused call, positive */
	uint8_t level;
	uint8_t flags;
	uint8_t nargs;
};

/* The row of a call. Never NULL: a number without a call gives one common row, absent and refused with ENOSYS. */
const struct syscall_row *syscall_row(int64_t nr);
/* The row of a name, or NULL. */
const struct syscall_row *syscall_by_name(const char *name);

/* The numbers of the calls to be delivered at a control stop, ascending, into out[max]; returns how many. */
size_t syscall_stop_list(uint16_t *out, size_t max);
/* The same for those that are QUICK. */
size_t syscall_quick_list(uint16_t *out, size_t max);

const char *syscall_class_name(const struct syscall_row *);  /* "files", "desc", ... */
const char *syscall_level_name(const struct syscall_row *);  /* "full", "partial", "refused", "absent" */
const char *arg_kind_name(enum arg_kind);                    /* "OPEN_FLAGS" */
enum arg_dir arg_kind_dir(enum arg_kind);

#endif
