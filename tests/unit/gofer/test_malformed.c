/*
 * The wire under attack: every malformed message ends its channel with a log line that names what was wrong, and
 * nothing else.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

/* A message in the making. */
struct message {
	struct gofer_request req;
	uint8_t body[GOFER_REQUEST_MAX * 2];
	size_t body_len;
};

static void add_raw_name(struct message *m, const char *s, uint16_t claimed, size_t actual)
{
	memcpy(m->body + m->body_len, &claimed, 2);
	memcpy(m->body + m->body_len + 2, s, actual);
	m->body_len += 2 + actual;
	m->req.name_count++;
}

static void add_name(struct message *m, const char *s)
{
	add_raw_name(m, s, (uint16_t)strlen(s), strlen(s));
}

static void walk_of(struct message *m, const char *name)
{
	m->req.op = GOFER_WALK;
	add_name(m, name);
}

static void dot(struct message *m)
{
	walk_of(m, ".");
}
static void dotdot(struct message *m)
{
	walk_of(m, "..");
}
static void slash(struct message *m)
{
	walk_of(m, "a/b");
}
static void empty(struct message *m)
{
	walk_of(m, "");
}

static void nul(struct message *m)
{
	m->req.op = GOFER_WALK;
	add_raw_name(m, "a\0b", 3, 3);
}

static void too_long(struct message *m)
{
	char s[257];

	memset(s, 'a', sizeof(s));
	m->req.op = GOFER_WALK;
	add_raw_name(m, s, 256, 256);
}

static void name_past_end(struct message *m)
{
	m->req.op = GOFER_WALK;
	add_raw_name(m, "abc", 200, 3);
}

static void missing_name(struct message *m)
{
	m->req.op = GOFER_WALK;
	m->req.name_count = 1;
}

static void half_length(struct message *m)
{
	m->req.op = GOFER_WALK;
	m->req.name_count = 1;
	m->body_len = 1;
}

static void many_names(struct message *m)
{
	m->req.op = GOFER_WALK;
	for (unsigned int i = 0; i <= GOFER_WALK_MAX; i++)
		add_name(m, "a");
}

static void op_zero(struct message *m)
{
	m->req.op = 0;
}
static void op_large(struct message *m)
{
	m->req.op = 0xffff;
}
static void op_next(struct message *m)
{
	m->req.op = GOFER_OP_COUNT;
}
static void wrong_len(struct message *m)
{
	m->req.op = GOFER_STAT;
	m->req.len = 17;
}
static void short_message(struct message *m)
{
	m->req.op = GOFER_STAT;
	m->req.len = 8;
}
static void huge_message(struct message *m)
{
	m->req.op = GOFER_WALK;
	m->body_len = GOFER_REQUEST_MAX;
}
static void flags(struct message *m)
{
	walk_of(m, "a");
	m->req.flags = 0x80000000u;
}
static void second_handle(struct message *m)
{
	m->req.op = GOFER_STAT;
	m->req.handle2 = 1;
}
static void value(struct message *m)
{
	walk_of(m, "a");
	m->req.value = 1;
}
static void mode(struct message *m)
{
	walk_of(m, "a");
	m->req.mode = 1;
}
static void owner(struct message *m)
{
	walk_of(m, "a");
	m->req.gid = 1;
}
static void times(struct message *m)
{
	walk_of(m, "a");
	m->req.mtime.sec = 1;
}
static void nsec(struct message *m)
{
	m->req.op = GOFER_SETATTR;
	m->req.atime.nsec = 1000000000;
}
static void data_short(struct message *m)
{
	m->req.op = GOFER_CLOSE;
	m->req.data_len = 8;
	m->body_len = 4;
}
static void data_long(struct message *m)
{
	m->req.op = GOFER_CLOSE;
	m->req.data_len = 4;
	m->body_len = 8;
}
static void data_absent(struct message *m)
{
	m->req.op = GOFER_STAT;
	m->body_len = 4;
}
static void data_much(struct message *m)
{
	m->req.op = GOFER_CLOSE;
	m->req.data_len = 4 * GOFER_CLOSE_MAX + 4;
	m->body_len = m->req.data_len;
}
static void data_giant(struct message *m)
{
	m->req.op = GOFER_SYMLINK;
	add_name(m, "a");
	m->req.data_len = 0xffffffffu;
}
static void rename_one(struct message *m)
{
	m->req.op = GOFER_RENAME;
	add_name(m, "a");
}

static const struct malformed {
	void (*make)(struct message *);
	const char *log;
} table[] = {
	{ dot, "a name is . or .." },
	{ dotdot, "a name is . or .." },
	{ slash, "a name has a slash or a NUL in it" },
	{ nul, "a name has a slash or a NUL in it" },
	{ empty, "a name is empty or too long" },
	{ too_long, "a name is empty or too long" },
	{ name_past_end, "the names are cut short" },
	{ missing_name, "the names are cut short" },
	{ half_length, "the names are cut short" },
	{ many_names, "a wrong number of names" },
	{ rename_one, "a wrong number of names" },
	{ op_zero, "an unknown operation" },
	{ op_large, "an unknown operation" },
	{ op_next, "an unknown operation" },
	{ wrong_len, "a length that is not the packet's" },
	{ short_message, "a message of an impossible size" },
	{ huge_message, "a message of an impossible size" },
	{ flags, "unknown flags" },
	{ second_handle, "a second handle where none belongs" },
	{ value, "a value where none belongs" },
	{ mode, "a mode where none belongs" },
	{ owner, "an owner where none belongs" },
	{ times, "times where none belong" },
	{ nsec, "a time that is none" },
	{ data_short, "a data length that is not what is left" },
	{ data_long, "a data length that is not what is left" },
	{ data_absent, "a data length that is not what is left" },
	{ data_much, "too much data" },
	{ data_giant, "too much data" },
};

static void send_message(int fd, struct message *m)
{
	struct iovec iov[2] = { { &m->req, sizeof(m->req) }, { m->body, m->body_len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (m->req.len == 0)
		m->req.len = (uint32_t)(sizeof(m->req) + m->body_len);
	if (m->req.len == 8)
		iov[0].iov_len = 8, iov[1].iov_len = 0;
	cr_assert_geq(sendmsg(fd, &msg, MSG_NOSIGNAL), 0);
}

Test(gofer_malformed, every_row_ends_the_channel_and_says_why, .timeout = 60)
{
	static struct message m;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct served s = { 0 };
		struct gofer_config cfg;
		char buf[64], log[2048];

		gofer_config_init(&cfg);
		serve_config(&s, &cfg, false);
		memset(&m, 0, sizeof(m));
		table[i].make(&m);
		send_message(s.channel[0], &m);
		cr_expect_eq(recv(s.channel[0], buf, sizeof(buf), 0), 0, "row %zu was answered", i);
		read_log(&s, log, sizeof(log));
		cr_expect(strstr(log, "channel closed: the sentry sent ") && strstr(log, table[i].log),
			  "row %zu logs: %s", i, log);
		serve_end(&s); /* the gofer ends by itself, with status 0 */
	}
}

/*
 * Everything that looks like a request, with random bits in it: answers or an end, never a crash, never anything
 * outside.
 */
Test(gofer_malformed, random_requests_do_no_harm, .timeout = 60)
{
	static struct message m;
	struct stat before, after;
	unsigned int seed = 12345;

	cr_assert_eq(stat("/etc/passwd", &before), 0);
	for (int round = 0; round < 30; round++) {
		struct served s = { 0 };
		struct gofer_config cfg;
		static char reply[GOFER_REPLY_MAX];

		gofer_config_init(&cfg);
		serve_config(&s, &cfg, false);
		for (int i = 0; i < 200; i++) {
			memset(&m, 0, sizeof(m));
			m.req.op = (uint16_t)(rand_r(&seed) % (GOFER_OP_COUNT + 1));
			m.req.handle = rand_r(&seed) % 4;
			m.req.handle2 = rand_r(&seed) % 8 == 0;
			m.req.flags = rand_r(&seed) % 8 == 0 ? (uint32_t)rand_r(&seed) : (uint32_t)rand_r(&seed) % 4;
			m.req.mode = rand_r(&seed) % 4 == 0 ? (uint32_t)rand_r(&seed) % 0xffff : 0;
			m.req.value = rand_r(&seed) % 8 == 0 ? (uint64_t)rand_r(&seed) : 0;
			for (int n = rand_r(&seed) % 3; n > 0; n--)
				add_name(&m, rand_r(&seed) % 2 ? "a" : "etc");
			send_message(s.channel[0], &m);
			if (recv(s.channel[0], reply, sizeof(reply), 0) <= 0)
				break;
		}
		serve_end(&s);
	}
	cr_assert_eq(stat("/etc/passwd", &after), 0);
	cr_expect(before.st_ino == after.st_ino && before.st_ctime == after.st_ctime);
}

/* A client that hands fds over gains nothing and takes nothing: they are dropped, the request is served. */
Test(gofer_malformed, fds_from_the_client_are_dropped, .timeout = 10)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .align = {
			      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct gofer_request req = { .len = sizeof(req), .op = GOFER_ATTACH };
	struct iovec iov = { &req, sizeof(req) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control)
	};
	struct served s = { 0 };
	struct gofer_config cfg;
	int p[2];
	char reply[1024], c;

	gofer_config_init(&cfg);
	serve_config(&s, &cfg, false);
	cr_assert_eq(pipe(p), 0);
	memcpy(CMSG_DATA(&control.align), &p[1], sizeof(int));
	cr_assert_geq(sendmsg(s.channel[0], &msg, 0), 0);
	close(p[1]);
	cr_expect_eq(recv(s.channel[0], reply, sizeof(reply), 0),
		     sizeof(struct gofer_reply) + sizeof(struct gofer_entry));
	cr_expect_eq(read(p[0], &c, 1), 0, "nobody else holds the pipe open");
	close(p[0]);
	serve_end(&s);
}

/* ---- the configuration's own wire -------------------------------------------------------------------------------- */

Test(gofer_malformed, configurations_are_checked_on_both_sides)
{
	struct gofer_config cfg, got;
	int sock[2], channel[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
	gofer_config_init(&cfg);
	cr_expect_eq(gofer_config_send(sock[0], &cfg), -EINVAL, "no channel");
	cfg.channels = 1;
	cfg.channel[0] = (struct gofer_channel){ .fd = channel[0], .cpu = 1 };
	cfg.roots = 2;
	strcpy(cfg.root[0].name, "rootfs");
	cfg.root[0].fd = open("/", O_PATH);
	strcpy(cfg.root[1].name, "vol0");
	cr_expect_eq(gofer_config_send(sock[0], &cfg), -EINVAL, "neither fd nor path");
	cfg.root[1].path = strdup("relative");
	cr_expect_eq(gofer_config_send(sock[0], &cfg), -EINVAL, "not absolute");
	cfg.root[1].path = strdup("/tmp");
	cfg.root[1].flags = GOFER_ROOT_IMMUTABLE | GOFER_ROOT_EXCLUSIVE;
	cr_expect_eq(gofer_config_send(sock[0], &cfg), -EINVAL, "two cache modes");
	cfg.root[1].flags = GOFER_ROOT_READONLY | GOFER_ROOT_IMMUTABLE;
	cfg.max_handles = 77;
	cr_assert_eq(gofer_config_send(sock[0], &cfg), 0);
	cr_assert_eq(gofer_config_recv(sock[1], &got), 0);
	cr_expect(got.roots == 2 && got.channels == 1 && got.channel[0].cpu == 1 && got.max_handles == 77 &&
		  got.log_fd == -1);
	cr_expect(got.root[0].fd >= 0 && got.root[1].fd == -1);
	cr_expect_str_eq(got.root[1].path, "/tmp");
	cr_expect_str_eq(got.root[0].name, "rootfs");
	cr_expect_eq(got.root[1].flags, cfg.root[1].flags);
	cr_expect_eq(got.lifeline, sock[1]);

	cr_assert_eq(send(sock[0], "rubbish", 7, 0), 7);
	cr_expect_eq(gofer_config_recv(sock[1], &got), -EINVAL);
	close(sock[0]);
	cr_expect_eq(gofer_config_recv(sock[1], &got), -EPIPE);
}
