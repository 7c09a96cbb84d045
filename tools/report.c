/* Events and ends in words: see report.h. What a sentry sends is shown with control characters replaced: it may be broken into. */
#include "tools/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tools/units.h"

static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void report_denied(const struct control_denied *d, char *text, size_t len)
{
	static const char *const phrases[] = {
		[CONTROL_DENIED_EXEC] = "exec of",
		[CONTROL_DENIED_MMAP] = "mapping as code of",
		[CONTROL_DENIED_MPROTECT] = "making code of",
		[CONTROL_DENIED_PRELOAD] = "LD_PRELOAD of",
		[CONTROL_DENIED_WRITE] = "write to",
	};

	snprintf(text, len, "%s %s by %s (pid %d): it is on %s, which is %s", phrases[d->what], d->file, d->program, d->pid, d->mount,
		 d->rule);
	make_printable(text);
}

void report_limit(const struct control_limit *l, char *text, size_t len)
{
	char size[32], by[32] = "";

	if (l->pid > 0)
		snprintf(by, sizeof(by), " by pid %d", l->pid);
	if (l->what == CONTROL_LIMIT_MEMORY)
		snprintf(text, len, "the memory limit of %s was reached%s%s", units_format_size(l->limit, size, sizeof(size)), by,
			 l->killed ? ", which was killed" : "");
	else
		snprintf(text, len, "the limit of %" PRIu64 " processes was reached%s", l->limit, by);
}

void report_end(const struct sandbox_end *end, char *text, size_t len)
{
	int status = end->wait_status;

	if (end->timed_out)
		snprintf(text, len, "time limit");
	else if (end->failed)
		snprintf(text, len, "%s", end->failure.text);
	else if (WIFSIGNALED(status))
		snprintf(text, len, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, len, "exit %d", WEXITSTATUS(status));
	make_printable(text);
}
