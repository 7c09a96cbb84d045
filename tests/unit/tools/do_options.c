/* `picket do`'s command line: what it makes of the plan, and what it refuses in one sentence. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tools/do_options.h"

#define ARGS_MAX 16

/* Volumes are cut up in place: the arguments must be writable. */
static int parse(const char *const *args, struct do_options *o, struct failure *f)
{
	char *argv[ARGS_MAX + 1] = { strdup("do") };
	int argc = 1;

	for (; args[argc - 1]; argc++)
		argv[argc] = strdup(args[argc - 1]);
	int err = do_options_parse(argc, argv, o, f);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return err;
}

Test(do_options, everything_lands_in_the_plan)
{
	static const char *const args[] = { "--volume", "/tmp:/data:rw:exec", "--env", "A=1", "--env=A=2", "--cwd", "/x", "--memory=256Mi", "--pids",
					    "5", "--timeout=1m", "--strace=read,write", "--", "ls", "--all", NULL };
	struct do_options o;
	struct failure f;

	cr_assert_eq(parse(args, &o, &f), 0, "%s", f.text);
	const struct boot_spec *spec = &o.plan.spec;
	const struct boot_mount *m = &spec->mounts[spec->mount_count - 1];
	cr_expect(!strcmp(spec->process.argv[0], "ls") && !strcmp(spec->process.argv[1], "--all") && !spec->process.argv[2]);
	cr_expect(!strcmp(m->target, "/data") && !strcmp(m->label, "volume /data") && !m->readonly && !m->noexec && m->nosuid && m->nodev);
	cr_expect(spec->memory_limit == 256ull << 20 && spec->pid_limit == 5 && o.timeout_ns == 60000000000u);
	cr_expect(!strcmp(spec->strace[0], "read") && !strcmp(spec->strace[1], "write") && !spec->strace[2]);
	cr_expect_str_eq(spec->process.cwd, "/x");
	int found = 0;
	for (char **e = spec->process.envp; *e; e++)
		found += !strcmp(*e, "A=2") - 10 * !strcmp(*e, "A=1");
	cr_expect_eq(found, 1, "the later value wins");
	do_options_free(&o);
	cr_expect_eq(mem_live(), 0);
}

Test(do_options, the_environment_is_not_the_callers)
{
	static const char *const args[] = { "--env", "PICKET_HANDED", "true", NULL };
	struct do_options o;
	struct failure f;

	setenv("PICKET_SECRET", "x", 1);
	setenv("PICKET_HANDED", "y", 1);
	cr_assert_eq(parse(args, &o, &f), 0, "%s", f.text);
	bool handed = false;
	for (char **e = o.plan.spec.process.envp; *e; e++) {
		cr_expect_null(strstr(*e, "PICKET_SECRET"));
		handed |= !strcmp(*e, "PICKET_HANDED=y");
	}
	cr_expect(handed);
	do_options_free(&o);
}

struct bad {
	const char *const args[6];
	const char *says;
};

static const struct bad bad_lines[] = {
	{ { NULL }, "which program" },
	{ { "--nonsense", "true" }, "unknown option '--nonsense'" },
	{ { "-x", "true" }, "unknown option '-x'" },
	{ { "--rootfs" }, "'--rootfs' needs a value" },
	{ { "--rootfs", "/no/such/dir", "true" }, "rootfs '/no/such/dir': No such file" },
	{ { "--rootfs", "/etc/passwd", "true" }, "not a directory" },
	{ { "--volume", "/no/such:/x", "true" }, "'/no/such': No such file" },
	{ { "--volume", "/tmp:x", "true" }, "absolute" },
	{ { "--volume", "/dev/null:/x", "true" }, "neither a directory nor a regular file" },
	{ { "--user", "no-such-user", "true" }, "user 'no-such-user'" },
	{ { "--user", "1:no-such-group", "true" }, "no-such-group" },
	{ { "--env", "=x", "true" }, "not NAME=VALUE" },
	{ { "--env", "PICKET_NOT_SET", "true" }, "no value here" },
	{ { "--cwd", "x", "true" }, "not an absolute path" },
	{ { "--hostname", "", "true" }, "host name" },
	{ { "--memory", "256MB", "true" }, "--memory '256MB'" },
	{ { "--memory", "0", "true" }, "--memory '0'" },
	{ { "--pids", "0", "true" }, "--pids '0'" },
	{ { "--timeout", "soon", "true" }, "--timeout 'soon'" },
	{ { "--platform", "kvm", "true" }, "platform 'kvm'" },
	{ { "--log-format", "xml", "true" }, "--log-format 'xml'" },
	{ { "--log", "/no/such/dir/log", "true" }, "cannot open the log" },
};

Test(do_options, bad_lines_are_refused_in_one_sentence)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_lines); i++) {
		struct failure f = { 0 };
		struct do_options o;

		cr_expect_lt(parse(bad_lines[i].args, &o, &f), 0, "%s", bad_lines[i].says);
		cr_expect(strstr(f.text, bad_lines[i].says), "'%s' wanted, got '%s'", bad_lines[i].says, f.text);
		cr_expect_eq(f.code, 125);
		cr_expect_null(strchr(f.text, '\n'));
		do_options_free(&o);
	}
	cr_expect_eq(mem_live(), 0);
}
