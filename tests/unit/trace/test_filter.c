/* What --strace=LIST selects, and the names of errnos and signals. */
#include <criterion/criterion.h>
#include <errno.h>

#include "sentry/trace/filter.h"
#include "sentry/trace/names.h"

static bool selects(const char *list, int nr)
{
	struct trace_filter f;
	char why[100];

	cr_assert_eq(trace_filter_parse(&f, list, why, sizeof(why)), 0, "%s", list);
	return trace_filter_has(&f, nr);
}

Test(filter, names_and_classes)
{
	cr_expect(selects("", LX_NR_read) && selects("", 999));
	cr_expect(selects("all", LX_NR_read));
	cr_expect(selects("read,write", LX_NR_write));
	cr_expect(!selects("read,write", LX_NR_open) && !selects("read", 999));
	cr_expect(selects("%file", LX_NR_openat) && selects("%file", LX_NR_execve) && !selects("%file", LX_NR_read));
	cr_expect(selects("%desc", LX_NR_read) && selects("%desc", LX_NR_openat) && selects("%desc", LX_NR_mmap));
	cr_expect(selects("%process", LX_NR_wait4) && selects("%network", LX_NR_socket) && selects("%signal", LX_NR_kill));
	cr_expect(selects("%memory", LX_NR_mmap) && !selects("%memory", LX_NR_kill));
}

Test(filter, negation)
{
	cr_expect(!selects("!futex", LX_NR_futex) && selects("!futex", LX_NR_read));
	cr_expect(selects("%desc,!read", LX_NR_write) && !selects("%desc,!read", LX_NR_read));
	cr_expect(!selects("!%memory", LX_NR_mmap));
}

Test(filter, says_what_is_wrong)
{
	struct trace_filter f;
	char why[100];

	cr_expect_eq(trace_filter_parse(&f, "read,nonsense", why, sizeof(why)), -EINVAL);
	cr_expect_str_eq(why, "--strace: there is no system call nonsense");
	cr_expect_eq(trace_filter_parse(&f, "%nonsense", why, sizeof(why)), -EINVAL);
	cr_expect_str_eq(why, "--strace: %nonsense is no class of system calls");
}

Test(names, errnos_and_signals)
{
	cr_expect_str_eq(errno_name(ENOENT), "ENOENT");
	cr_expect_str_eq(errno_name(EAGAIN), "EAGAIN");
	cr_expect_str_eq(errno_name(EOPNOTSUPP), "EOPNOTSUPP");
	cr_expect_str_eq(errno_name(512), "ERESTARTSYS");
	cr_expect_null(errno_name(0));
	cr_expect_null(errno_name(4095));
	cr_expect_str_eq(signal_name(9), "SIGKILL");
	cr_expect_str_eq(signal_name(64), "SIGRT_32");
	cr_expect_null(signal_name(0));
	cr_expect_null(signal_name(65));
	cr_expect_eq(signal_by_name("SIGTERM"), 15);
	cr_expect_eq(signal_by_name("term"), 15);
	cr_expect_eq(signal_by_name("9"), 9);
	cr_expect_eq(signal_by_name("SIGNONE"), 0);
	cr_expect_eq(signal_by_name("65"), 0);
}
