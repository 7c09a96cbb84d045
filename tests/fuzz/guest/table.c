/* The rows of the call table and the kinds of their arguments, as this guest uses them. */
#include "fuzz.h"

const struct kind_info kinds[] = {
	[KIND_END] = { "none", DIRECTION_VALUE, &names_none },
#define KIND(name, direction, formatter, names) [KIND_##name] = { #name, DIRECTION_##direction, &names_##names },
#include "sentry/syscalls/kinds.def"
#undef KIND
};

#define FULL 0
#define PARTIAL 0
#define REFUSED(errno) 1
#define A(kind, name) { KIND_##kind, -1 }
#define N(kind, name, selector) { KIND_##kind, selector }
const struct row rows[] = {
#define SYSCALL(nr, name, level, class, note, ...) { nr, #name, level, { __VA_ARGS__ } },
#include "abi/x86_64/syscalls.def"
#undef SYSCALL
};
const size_t row_count = LENGTH(rows);
