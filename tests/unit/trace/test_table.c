/* The call table holds together: numbers, selectors, notes, look-ups. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "sentry/syscalls/table.h"
#include "sentry/trace/names.h"

#define EACH_ROW(row) \
	for (int nr_ = 0; nr_ < LX_NR_COUNT; nr_++) \
		for (const struct syscall_row *row = syscall_row(nr_); row && row->level != SYSCALL_ABSENT; row = NULL)

Test(table, numbers_are_the_hosts)
{
#ifdef __x86_64__
	cr_expect_eq(syscall_by_name("read")->nr, SYS_read);
	cr_expect_eq(syscall_by_name("openat")->nr, SYS_openat);
	cr_expect_eq(syscall_by_name("rseq")->nr, SYS_rseq);
	cr_expect_eq(syscall_by_name("clone3")->nr, SYS_clone3);
	cr_expect_eq(syscall_by_name("futex_waitv")->nr, SYS_futex_waitv);
#endif
	cr_expect_eq(LX_NR_COUNT, 467);
	EACH_ROW(row) {
		cr_expect_eq(row->nr, nr_, "%s", row->name);
		cr_expect_eq(syscall_by_name(row->name), row, "%s", row->name);
	}
}

Test(table, rows_are_well_formed)
{
	EACH_ROW(row) {
		cr_expect(row->nargs <= 6, "%s", row->name);
		cr_expect(syscall_class_name(row), "%s has no class", row->name);
		for (int i = 0; i < row->nargs; i++) {
			cr_expect(row->args[i].kind > ARG_NONE && row->args[i].kind < ARG_KIND_COUNT, "%s", row->name);
			cr_expect(row->args[i].aux < row->nargs && row->args[i].aux != i, "%s: selector of %s", row->name,
				  row->args[i].name);
		}
	}
}

Test(table, a_refusal_has_an_errno_and_a_reason)
{
	EACH_ROW(row) {
		cr_expect_null(strpbrk(row->note, "\"\n"), "%s: the note would break the CSV", row->name);
		if (row->level == SYSCALL_FULL) {
			cr_expect(!strstr(row->note, "not there yet"), "%s is full, and its note says otherwise", row->name);
		} else {
			cr_expect(*row->note, "%s: why is it not full?", row->name);
		}
		if (row->level == SYSCALL_REFUSED) {
			cr_expect(errno_name(row->err), "%s", row->name);
			cr_expect_null(row->handler, "%s", row->name);
		} else {
			cr_expect(row->handler, "%s", row->name);
		}
	}
}

Test(table, every_number_has_a_row)
{
	static const int64_t absent[] = { -1, 336, 400, 423, LX_NR_COUNT, INT64_MAX, INT64_MIN, 0x40000000 };

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		const struct syscall_row *row = syscall_row(absent[i]);

		cr_assert_not_null(row);
		cr_expect_eq(row->level, SYSCALL_ABSENT);
		cr_expect_eq(row->err, ENOSYS);
		cr_expect_null(row->handler);
	}
	cr_expect_null(syscall_by_name("no_such_call"));
}

Test(table, stop_list_is_ascending)
{
	uint16_t list[64];
	size_t n = syscall_stop_list(list, 64);

	for (size_t i = 0; i < n; i++) {
		cr_expect(syscall_row(list[i])->flags & SYSCALL_STOP);
		cr_expect(i == 0 || list[i - 1] < list[i]);
	}
}
