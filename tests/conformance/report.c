/* What picket-conformance prints: text for people, TAP and JUnit for machines. */
#include <string.h>

#include "driver.h"

#define ERR_LINES 12

static void print_failure(const char *platform, const struct check *c)
{
	printf("    %s: %s%s%s%s%s\n", platform, c->name, *c->detail ? "  (" : "", c->detail, *c->detail ? ")" : "",
	       c->known ? "  [known gap]" : "");
}

/* The last lines of standard error, indented. */
static void print_err(const char *err)
{
	const char *from = err + strlen(err);
	int lines = 0;

	while (from > err && lines <= ERR_LINES)
		if (*--from == '\n')
			lines++;
	if (*from == '\n' && from[1])
		from++;
	while (*from) {
		size_t n = strcspn(from, "\n");

		if (n)
			printf("    | %.*s\n", (int)n, from);
		from += n + (from[n] == '\n');
	}
}

static size_t count_unknown(const struct checks *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += c->at[i].verdict == CHECK_FAILED && !c->at[i].known;
	return n;
}

void report_program(const struct program *p, const char *const platform[], size_t platforms)
{
	size_t bad = 0;

	for (size_t k = 0; k < platforms; k++)
		bad += p->run[k].made ? count_unknown(&p->run[k].checks) : 0;
	printf("%-7s%-34s", bad ? "FAILED" : "ok", p->name);
	for (size_t k = 0; k < platforms; k++)
		if (p->run[k].made)
			printf("  %s %zu/%zu %.2fs", platform[k], p->run[k].checks.count - checks_failed(&p->run[k].checks),
			       p->run[k].checks.count, p->run[k].seconds);
	printf("\n");
	for (size_t k = 0; k < platforms; k++) {
		const struct run *r = &p->run[k];

		for (size_t i = 0; r->made && i < r->checks.count; i++)
			if (r->checks.at[i].verdict == CHECK_FAILED)
				print_failure(platform[k], &r->checks.at[i]);
		if (r->made && count_unknown(&r->checks))
			print_err(r->err);
	}
	fflush(stdout);
}

/* Everything is counted but the host's good checks: those only say that the test is right. */
struct totals totals_of(const struct program *p, size_t count, size_t platforms)
{
	struct totals t = { 0 };

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < platforms; k++) {
			const struct checks *c = &p[i].run[k].checks;

			for (size_t n = 0; n < c->count; n++) {
				if (c->at[n].verdict == CHECK_FAILED)
					(*(c->at[n].known ? &t.known : &t.failed))++;
				else if (k != HOST || platforms == 1)
					(*(c->at[n].verdict == CHECK_SKIPPED ? &t.skipped : &t.passed))++;
			}
		}
	}
	return t;
}

static void tap_check_line(size_t number, const char *platform, const struct program *p, const struct check *c)
{
	printf("%sok %zu - %s/%s [%s]", c->verdict == CHECK_FAILED ? "not " : "", number, p->name, c->name, platform);
	if (c->known)
		printf(" # TODO known gap");
	else if (c->verdict == CHECK_SKIPPED)
		printf(" # SKIP %s", c->detail);
	printf("\n");
	if (c->verdict == CHECK_FAILED && *c->detail)
		printf("# %s\n", c->detail);
}

static void print_xml(const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<': fputs("&lt;", stdout); break;
		case '>': fputs("&gt;", stdout); break;
		case '&': fputs("&amp;", stdout); break;
		case '"': fputs("&quot;", stdout); break;
		default: putchar((unsigned char)*s < 0x20 ? '?' : *s);
		}
	}
}

static void junit_check(const struct program *p, const struct check *c)
{
	printf("    <testcase classname=\"");
	print_xml(p->name);
	printf("\" name=\"");
	print_xml(c->name);
	printf("\">");
	if (c->verdict == CHECK_SKIPPED || c->known) {
		printf("<skipped message=\"");
		print_xml(c->known ? "known gap" : c->detail);
		printf("\"/>");
	} else if (c->verdict == CHECK_FAILED) {
		printf("<failure message=\"");
		print_xml(*c->detail ? c->detail : "failed");
		printf("\"/>");
	}
	printf("</testcase>\n");
}

static void junit_platform(const struct program *p, size_t count, const char *platform, size_t k)
{
	printf("  <testsuite name=\"%s\">\n", platform);
	for (size_t i = 0; i < count; i++)
		for (size_t n = 0; n < p[i].run[k].checks.count; n++)
			junit_check(&p[i], &p[i].run[k].checks.at[n]);
	printf("  </testsuite>\n");
}

void report_all(enum format format, const struct program *p, size_t count, const char *const platform[], size_t platforms)
{
	size_t number = 0;

	if (format == FORMAT_JUNIT)
		printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (size_t k = 0; k < platforms; k++) {
		if (format == FORMAT_JUNIT) {
			junit_platform(p, count, platform[k], k);
			continue;
		}
		for (size_t i = 0; i < count; i++)
			for (size_t n = 0; n < p[i].run[k].checks.count; n++)
				tap_check_line(++number, platform[k], &p[i], &p[i].run[k].checks.at[n]);
	}
	if (format == FORMAT_JUNIT)
		printf("</testsuites>\n");
	else
		printf("1..%zu\n", number);
}
