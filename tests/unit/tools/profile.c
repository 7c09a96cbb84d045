/* The verdict of `picket profile`. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/profile_report.h"

static char *argv[] = { "prog", NULL };

static struct control_gap gap(uint32_t kind, uint64_t call, const char *text)
{
	struct control_gap g = { .kind = kind, .err = -38, .nr = 135, .count = 2, .call = call, .program = "prog" };

	snprintf(g.text, sizeof(g.text), "%s", text);
	snprintf(g.next[0], sizeof(g.next[0]), "exit_group(1)");
	return g;
}

static struct profile_report report(int wait_status)
{
	return (struct profile_report){ .argv = argv, .end = { .wait_status = wait_status } };
}

static char *text_of(const struct profile_report *r, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(json ? profile_report_json : profile_report_text)(r, out);
	fclose(out);
	return text;
}

Test(profile, nothing_lacks)
{
	struct profile_report r = report(0);
	char *text = text_of(&r, false);

	cr_assert_eq(profile_report_verdict(&r), PROFILE_WORKS);
	cr_assert_null(profile_report_suspect(&r));
	cr_assert(strstr(text, "verdict: works\n"), "%s", text);
	free(text);
	profile_report_free(&r);
}

Test(profile, a_gap_of_a_program_that_works)
{
	struct profile_report r = report(0);
	struct control_gap g = gap(CONTROL_GAP_REFUSED, 7, "uselib(\"x\") = -1 ENOSYS");
	char *text;

	profile_report_add_gap(&r, &g);
	cr_assert_eq(profile_report_verdict(&r), PROFILE_GAPS);
	text = text_of(&r, false);
	cr_assert(strstr(text, "refused call: uselib(\"x\") = -1 ENOSYS"), "%s", text);
	cr_assert(strstr(text, "then: exit_group(1)"), "%s", text);
	cr_assert(strstr(text, "verdict: works with the gaps above"), "%s", text);
	free(text);
	profile_report_free(&r);
}

Test(profile, files_that_the_host_lacks_too_are_no_gaps)
{
	struct profile_report r = report(0);
	struct control_gap absent = gap(CONTROL_GAP_FILE, 3, "open(\"/proc/there/is/none\", O_RDONLY) = -1 ENOENT");
	struct control_gap there = gap(CONTROL_GAP_FILE, 4, "open(\"/proc/12345/maps\", O_RDONLY) = -1 ENOENT");

	profile_report_add_gap(&r, &absent);
	cr_assert_eq(profile_report_verdict(&r), PROFILE_WORKS);
	profile_report_add_gap(&r, &there);
	cr_assert_eq(profile_report_verdict(&r), PROFILE_GAPS, "/proc/PID is looked for as /proc/self");
	profile_report_free(&r);
}

Test(profile, the_last_gap_is_the_suspect)
{
	struct profile_report r = report(1 << 8);
	struct control_gap late = gap(CONTROL_GAP_ARGUMENT, 90, "unshare(CLONE_NEWNET) = -1 EPERM");
	struct control_gap early = gap(CONTROL_GAP_REFUSED, 7, "uselib(\"x\") = -1 ENOSYS");
	char *text;

	profile_report_add_gap(&r, &late);
	profile_report_add_gap(&r, &early);
	cr_assert_eq(profile_report_verdict(&r), PROFILE_FAILS);
	cr_assert_eq(profile_report_suspect(&r)->gap.call, 90);
	text = text_of(&r, true);
	cr_assert(strstr(text, "\"failsAtCall\": 90"), "%s", text);
	cr_assert(strstr(text, "\"verdict\": \"fails\""), "%s", text);
	free(text);
	profile_report_free(&r);
}

Test(profile, rows_are_joined)
{
	struct profile_report r = report(0);
	struct control_syscalls *calls = calloc(1, sizeof(*calls));
	char *text;

	calls->count = 2;
	calls->row[0] = (struct control_syscall_row){ "read", 5, 0 };
	calls->row[1] = (struct control_syscall_row){ "uselib", 1, 1 };
	profile_report_add_calls(&r, calls);
	profile_report_add_calls(&r, calls);
	cr_assert_eq(r.rows, 4);
	text = text_of(&r, false);
	cr_assert(strstr(text, "12 calls of 4 kinds"), "%s", text);
	free(text);
	free(calls);
	profile_report_free(&r);
}
