/* The contract between runtime and sentry: what is sent arrives, what is malformed does not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sentry/boot/control.h"
#include "tools/plan.h"

static void make_plan(struct plan *p)
{
	char *argv[] = { "/bin/prog", "a b", "\xff\xfe", "", NULL };
	struct plan_volume v = { .source = "/tmp", .target = "/data", .exec = true, .label = "input collect.raw" };
	struct failure f;

	cr_assert(!plan_init(p, "unit", &f) && !plan_rootfs(p, "/", &f) && !plan_volume(p, &v, &f) && !plan_argv(p, argv, &f) &&
		  !plan_env(p, "X=\x01y", &f) && !plan_user(p, "1002:77", &f));
	p->spec.memory_limit = UINT64_MAX - 5;
	p->spec.process.groups = mem_calloc(2, sizeof(uint32_t));
	p->spec.process.groups[1] = UINT32_MAX;
	p->spec.process.group_count = 2;
}

static void expect_plan(const struct boot_spec *spec)
{
	const struct boot_process *process = &spec->process;
	const struct boot_mount *m = &spec->mounts[spec->mount_count - 1];

	cr_expect(!strcmp(process->argv[1], "a b") && !strcmp(process->argv[2], "\xff\xfe") && !*process->argv[3] && !process->argv[4]);
	cr_expect_str_eq(process->envp[1], "X=\x01y");
	cr_expect(process->uid == 1002 && process->gid == 77 && process->groups[1] == UINT32_MAX && process->group_count == 2);
	cr_expect_eq(spec->memory_limit, UINT64_MAX - 5);
	cr_expect(!strcmp(m->target, "/data") && !strcmp(m->label, "input collect.raw") && m->readonly && !m->noexec && m->gofer_root == 1);
	cr_expect(spec->mounts[0].type == BOOT_MOUNT_OVERLAY && spec->mounts[0].cache == BOOT_CACHE_EXCLUSIVE && !spec->strace);
}

Test(boot, a_spec_goes_round)
{
	struct boot_spec *back = NULL;
	struct plan p;
	char why[256];

	make_plan(&p);
	char *text = boot_spec_encode(&p.spec);
	cr_assert_eq(boot_spec_decode(text, strlen(text), &back, why, sizeof(why)), 0, "%s", why);
	expect_plan(back);
	char *again = boot_spec_encode(back);
	cr_expect_str_eq(text, again);
	mem_free(text);
	mem_free(again);
	boot_spec_free(back);
	plan_free(&p);
	cr_expect_eq(mem_live(), 0);
}

static const char *const bad_specs[][2] = {
	{ "{", "line" },
	{ "[]", "an object is needed" },
	{ "{\"id\":\"x\",\"nonsense\":1}", "unknown key 'nonsense'" },
	{ "{\"id\":1}", "id: a string" },
	{ "{\"id\":\"x\",\"id\":\"y\"}", "duplicate" },
	{ "{\"platform\":\"kvm\"}", "platform: 'kvm'" },
	{ "{\"lanes\":-1}", "lanes" },
	{ "{\"lanes\":4294967296}", "too large" },
	{ "{\"mounts\":[{\"target\":\"/\",\"type\":\"tmpfs\",\"gofer_root\":-1,\"label\":\"x\",\"cache\":\"never\"}]}", "mounts[0].cache" },
	{ "{\"id\":\"x\"}", "'process' is missing" },
	{ "{\"id\":\"x\",\"hostname\":\"h\",\"process\":{\"argv\":[],\"envp\":[],\"cwd\":\"/\"},\"mounts\":[]}", "argv is empty" },
};

Test(boot, a_bad_spec_is_refused_with_its_place)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_specs); i++) {
		struct boot_spec *spec = NULL;
		char why[256] = "";

		cr_expect_eq(boot_spec_decode(bad_specs[i][0], strlen(bad_specs[i][0]), &spec, why, sizeof(why)), -EINVAL, "%s", bad_specs[i][0]);
		cr_expect(strstr(why, bad_specs[i][1]), "'%s' wanted, got '%s'", bad_specs[i][1], why);
	}
	cr_expect_eq(mem_live(), 0);
}

static void pair(int fds[2])
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

Test(boot, a_boot_message_carries_spec_and_fds)
{
	struct control_boot_fds fds = { .stdio = { 0, 1, -1 }, .log = 2, .gofer = { 0, 1, 2 }, .gofer_count = 3 };
	struct control_msg msg;
	struct plan p;
	char why[256];
	int s[2];

	pair(s);
	make_plan(&p);
	cr_assert_eq(control_send_boot(s[0], 7, &p.spec, &fds), 0);
	cr_assert_eq(control_recv(s[1], 0, &msg, why, sizeof(why)), 0, "%s", why);
	cr_expect(msg.type == CONTROL_BOOT && msg.seq == 7);
	expect_plan(msg.spec);
	cr_expect(msg.fds.stdio[0] > 2 && msg.fds.stdio[1] > 2 && msg.fds.stdio[2] == -1 && msg.fds.log > 2 && msg.fds.gofer_count == 3);
	cr_expect(fcntl(msg.fds.gofer[2], F_GETFD) & FD_CLOEXEC);
	control_msg_free(&msg);
	plan_free(&p);
	cr_expect_eq(mem_live(), 0);
}

Test(boot, a_large_spec_travels_in_a_memfd)
{
	struct control_boot_fds fds = { .stdio = { 0, 1, 2 }, .log = -1 };
	struct control_msg msg;
	struct failure f;
	struct plan p;
	char why[256];
	int s[2];

	pair(s);
	make_plan(&p);
	char *env = mem_alloc(300000);
	memset(env, 'v', 299999);
	env[1] = '=';
	env[299999] = '\0';
	cr_assert_eq(plan_env(&p, env, &f), 0);
	cr_assert_eq(control_send_boot(s[0], 1, &p.spec, &fds), 0);
	cr_assert_eq(control_recv(s[1], 0, &msg, why, sizeof(why)), 0, "%s", why);
	cr_expect_str_eq(msg.spec->process.envp[3], env);
	control_msg_free(&msg);
	mem_free(env);
	plan_free(&p);
}

Test(boot, what_is_no_message_is_refused)
{
	struct control_denied denied = { .what = 99 };
	struct control_msg msg;
	char why[256];
	int s[2];

	pair(s);
	cr_assert(write(s[0], "x", 1) == 1);
	cr_expect_eq(control_recv(s[1], 0, &msg, why, sizeof(why)), -EBADMSG);
	cr_assert_eq(control_send_denied(s[0], &denied), 0);
	cr_expect_eq(control_recv(s[1], 0, &msg, why, sizeof(why)), -EBADMSG, "an enum out of range");
	denied.what = CONTROL_DENIED_EXEC;
	memset(denied.file, 'x', sizeof(denied.file));
	cr_assert_eq(control_send_denied(s[0], &denied), 0);
	cr_expect_eq(control_recv(s[1], 0, &msg, why, sizeof(why)), -EBADMSG, "a string without end");
	cr_expect_eq(control_recv(s[1], MSG_DONTWAIT, &msg, why, sizeof(why)), -EAGAIN);
	close(s[0]);
	cr_expect_eq(control_recv(s[1], 0, &msg, why, sizeof(why)), -EPIPE);
	cr_expect_eq(mem_live(), 0);
}
