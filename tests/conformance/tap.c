/* Reads the Test Anything Protocol, and judges a run inside by the one on the host. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "driver.h"

#define WHOLE "(whole program)"

int checks_add(struct checks *c, const char *name, enum verdict verdict, const char *detail)
{
	struct check *grown = mem_realloc_array(c->at, c->count + 1, sizeof(*grown));
	char *own_name = mem_strdup(name), *own_detail = mem_strdup(detail ? detail : "");

	if (grown)
		c->at = grown;
	if (!grown || !own_name || !own_detail) {
		mem_free(own_name);
		mem_free(own_detail);
		return -ENOMEM;
	}
	c->at[c->count++] = (struct check){ .name = own_name, .detail = own_detail, .verdict = verdict };
	return 0;
}

size_t checks_failed(const struct checks *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += c->at[i].verdict == CHECK_FAILED;
	return n;
}

static const struct check *find(const struct checks *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->at[i].name, name))
			return &c->at[i];
	return NULL;
}

/* A name that was used before gets a number, so that each check can be named: "x", "x (2)". */
static int add_numbered(struct checks *c, const char *name, enum verdict verdict, const char *detail)
{
	char numbered[600];

	if (!find(c, name))
		return checks_add(c, name, verdict, detail);
	for (int k = 2;; k++) {
		snprintf(numbered, sizeof(numbered), "%s (%d)", name, k);
		if (!find(c, numbered))
			return checks_add(c, numbered, verdict, detail);
	}
}

/* "ok 3 - name # SKIP why": `p` is after "ok". */
static int parse_check(struct checks *c, char *p, bool ok)
{
	enum verdict verdict = ok ? CHECK_OK : CHECK_FAILED;
	char *mark;

	p += strspn(p, " ");
	p += strspn(p, "0123456789");
	p += strspn(p, " ");
	if (!strncmp(p, "- ", 2))
		p += 2;
	mark = strstr(p, " # ");
	if (mark) {
		*mark = '\0';
		mark += 3;
		if (ok && !strncasecmp(mark, "skip", 4))
			verdict = CHECK_SKIPPED;
	}
	return add_numbered(c, *p ? p : "(no name)", verdict, mark);
}

/* What the whole run did wrong, in `why`; false when nothing. */
static bool whole_failure(const struct child_result *r, const struct checks *c, long plan, const char *bail, char *why, size_t len)
{
	size_t failed = checks_failed(c);

	if (r->timed_out)
		snprintf(why, len, "time limit reached after %zu checks", c->count);
	else if (bail)
		snprintf(why, len, "bailed out:%s", bail);
	else if (WIFSIGNALED(r->wait_status))
		snprintf(why, len, "killed by signal %d after %zu checks", WTERMSIG(r->wait_status), c->count);
	else if (WEXITSTATUS(r->wait_status) > 1 || (WEXITSTATUS(r->wait_status) != 0 && failed == 0))
		snprintf(why, len, "exit status %d after %zu checks", WEXITSTATUS(r->wait_status), c->count);
	else if (plan < 0)
		snprintf(why, len, "no plan was printed");
	else if ((size_t)plan != c->count)
		snprintf(why, len, "%ld checks planned, %zu made", plan, c->count);
	else if (r->left_behind)
		snprintf(why, len, "%d processes were left behind", r->left_behind);
	else
		return false;
	return true;
}

int tap_parse(const struct child_result *r, struct checks *out)
{
	AUTO_FREE char *text = mem_strdup(r->out);
	char *save = NULL, *bail = NULL, why[300];
	long plan = -1;
	int err = text ? 0 : -ENOMEM;

	*out = (struct checks){ 0 };
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line && !err; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "ok", 2) && (isspace((unsigned char)line[2]) || !line[2]))
			err = parse_check(out, line + 2, true);
		else if (!strncmp(line, "not ok", 6))
			err = parse_check(out, line + 6, false);
		else if (!strncmp(line, "1..", 3))
			plan = strtol(line + 3, NULL, 10);
		else if (!strncmp(line, "Bail out!", 9))
			bail = line + 9;
	}
	if (!err && whole_failure(r, out, plan, bail, why, sizeof(why)))
		err = checks_add(out, WHOLE, CHECK_FAILED, why);
	return err;
}

static void fail_here(struct check *c, const char *why)
{
	char *detail = mem_strdup(why);

	if (!detail)
		return;
	mem_free(c->detail);
	c->detail = detail;
	c->verdict = CHECK_FAILED;
}

int checks_compare(const struct checks *host, struct checks *inside)
{
	for (size_t i = 0; i < inside->count; i++) {
		struct check *c = &inside->at[i];
		const struct check *native = find(host, c->name);

		if (c->verdict == CHECK_SKIPPED && native && native->verdict == CHECK_OK)
			fail_here(c, "skipped inside, passed on the host");
		/* The host does not do it either: what happens inside proves nothing. */
		else if (native && native->verdict == CHECK_SKIPPED && c->verdict == CHECK_FAILED)
			c->verdict = CHECK_SKIPPED;
	}
	for (size_t i = 0; i < host->count; i++) {
		if (host->at[i].verdict == CHECK_OK && !find(inside, host->at[i].name)) {
			int err = checks_add(inside, host->at[i].name, CHECK_FAILED, "not reached");

			if (err < 0)
				return err;
		}
	}
	return 0;
}
