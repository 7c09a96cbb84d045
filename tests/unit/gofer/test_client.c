/*
 * The client library against a gofer that lies, hangs or dies: an error, told once, and never a byte outside of its
 * buffers.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "fixture.h"

/* What the fake gofer sends: a correct answer to a WALK of one name, then spoiled. */
struct lie {
	struct {
		struct gofer_reply r;
		struct gofer_entry e[3];
	} m;
	size_t len;
	int fds; /* attached */
};

static void honest(struct lie *l)
{
	(void)l;
}
static void other_seq(struct lie *l)
{
	l->m.r.seq++;
}
static void other_op(struct lie *l)
{
	l->m.r.op++;
}
static void too_short(struct lie *l)
{
	l->len = 10;
}
static void len_differs(struct lie *l)
{
	l->m.r.len++;
}
static void more_entries(struct lie *l)
{
	l->m.r.count = 500;
}
static void two_entries(struct lie *l)
{
	l->m.r.count = 2;
	l->m.r.len = (uint32_t)(l->len += sizeof(struct gofer_entry));
}
static void no_entry(struct lie *l)
{
	l->m.r.count = 0;
	l->m.r.len = (uint32_t)(l->len = sizeof(l->m.r));
}
static void much_data(struct lie *l)
{
	l->m.r.data_len = 0xfffffff0u;
}
static void positive_error(struct lie *l)
{
	l->m.r.error = 5;
}
static void odd_error(struct lie *l)
{
	l->m.r.error = -100000;
}
static void fd_unannounced(struct lie *l)
{
	l->fds = 1;
}
static void fd_missing(struct lie *l)
{
	l->m.r.has_fd = 1;
}
static void two_fds(struct lie *l)
{
	l->m.r.has_fd = 1;
	l->fds = 2;
}

static const struct {
	void (*spoil)(struct lie *);
	int result;
} lies[] = {
	{ honest, 0 },	       { other_seq, -EIO },	 { other_op, -EIO },	{ too_short, -EIO },
	{ len_differs, -EIO }, { more_entries, -EIO },	 { two_entries, -EIO }, { no_entry, -EIO },
	{ much_data, -EIO },   { positive_error, -EIO }, { odd_error, -EIO },	{ fd_missing, -EIO },
	{ two_fds, -EIO },     { fd_unannounced, -EIO },
};

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct fake {
	int fd;
	const struct lie *lie;
	unsigned int delay_us;
};

static void *fake_gofer(void *arg)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control = { .align = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct fake *f = arg;
	struct lie l = *f->lie;
	struct iovec iov = { &l.m, l.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct gofer_request req;
	int fds[2] = { 0, 0 };

	if (recv(f->fd, &req, sizeof(req), MSG_TRUNC) <= 0)
		return NULL;
	l.m.r.seq += req.seq;
	if (l.fds) {
		control.align.cmsg_len = CMSG_LEN((size_t)l.fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, (size_t)l.fds * sizeof(int));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE((size_t)l.fds * sizeof(int));
	}
	usleep(f->delay_us);
	sendmsg(f->fd, &msg, MSG_NOSIGNAL);
	return NULL;
}

static atomic_int begun, ended, lost;

static void on_begin(void)
{
	begun++;
}
static void on_end(void)
{
	ended++;
}
static void on_lost(void *arg)
{
	(void)arg;
	lost++;
}

static int walk_with(struct gofer_client *c)
{
	struct gofer_name n = name_of("a");
	struct gofer_entry e[1];
	struct gofer_walked w;
	int err = gofer_walk(c, 1, &n, 1, 0, e, NULL, 0, &w);

	cr_expect_eq(w.fd, -1);
	return err;
}

static void tell(const struct lie *l, unsigned int delay_us, int result)
{
	struct gofer_client_config cfg = {
		.channels = 1, .lost = on_lost, .stuck_begin = on_begin, .stuck_end = on_end
	};
	struct gofer_client *c;
	pthread_t thread;
	struct fake f = { .lie = l, .delay_us = delay_us };
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	f.fd = pair[1];
	cfg.fds = &pair[0];
	c = gofer_client_new(&cfg);
	pthread_create(&thread, NULL, fake_gofer, &f);
	cr_expect_eq(walk_with(c), result);
	if (result)
		cr_expect_eq(walk_with(c), -EIO, "a liar is not asked again");
	pthread_join(thread, NULL);
	gofer_client_free(c);
	close(pair[1]);
}

static struct lie truth(void)
{
	struct lie l = { .len = sizeof(struct gofer_reply) + sizeof(struct gofer_entry) };

	l.m.r = (struct gofer_reply){ .len = (uint32_t)l.len, .op = GOFER_WALK, .count = 1 };
	l.m.e[0].attr.mode = S_IFREG | 0644;
	return l;
}

Test(gofer_client, a_lying_gofer_is_cut_off, .timeout = 20)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct lie l = truth();
		int fds = open_fds();

		lost = 0;
		lies[i].spoil(&l);
		tell(&l, 0, lies[i].result);
		cr_expect_eq(lost, lies[i].result != 0, "row %zu: told %d times", i, lost);
		cr_expect_eq(open_fds(), fds, "row %zu leaves an fd open", i);
	}
}

Test(gofer_client, a_slow_answer_is_bracketed, .timeout = 10)
{
	struct lie l = truth();

	tell(&l, 50000, 0);
	cr_expect(begun == 1 && ended == 1);
}

Test(gofer_client, a_gofer_that_hangs_and_is_killed_ends_the_call, .timeout = 10)
{
	struct gofer_client_config cfg = {
		.channels = 1, .lost = on_lost, .stuck_begin = on_begin, .stuck_end = on_end
	};
	struct lie nothing = { .len = 0 };
	struct fake f = { .lie = &nothing, .delay_us = 20000 };
	struct gofer_client *c;
	pthread_t thread;
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	f.fd = pair[1];
	cfg.fds = &pair[0];
	c = gofer_client_new(&cfg);
	pthread_create(&thread, NULL, fake_gofer,
		       &f); /* sends an empty packet in the end, which is what end of file looks like */
	cr_expect_eq(walk_with(c), -EIO);
	cr_expect_eq(lost, 1);
	pthread_join(thread, NULL);
	gofer_client_free(c);
	close(pair[1]);
}

/* ---- several threads --------------------------------------------------------------------------------------------- */

static void *hammer(void *arg)
{
	struct served *s = arg;

	for (int i = 0; i < 2000; i++) {
		struct gofer_attr a;
		int64_t h = walk_to(s, i % 2 ? "a" : "b", &a);

		if (h <= 0 || a.size != (i % 2 ? 1 : 2))
			return (void *)1;
		gofer_close(s->client, (uint32_t)h);
	}
	return NULL;
}

Test(gofer_client, threads_share_channels, .timeout = 30)
{
	struct served s = { 0 };
	pthread_t t[4];

	scratch_make(s.dir);
	put_file(join(s.dir, "a"), "1");
	put_file(join(s.dir, "b"), "22");
	serve(&s, 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, hammer, &s);
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(t[i], &failed);
		cr_expect_null(failed);
	}
	serve_end(&s);
}

/* Every allocation of a client's making fails in turn: nothing is left behind. */
Test(gofer_client, out_of_memory)
{
	struct gofer_client_config cfg = { .channels = 2 };
	struct gofer_client *c = NULL;
	int before = open_fds();
	int n;

	for (n = 1; !c; n++) {
		int a[2], b[2];

		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, a), 0);
		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b), 0);
		cfg.fds = (int[]){ a[0], b[0] };
		mem_fail_after((uint64_t)n);
		c = gofer_client_new(&cfg);
		mem_fail_after(0);
		close(a[1]);
		close(b[1]);
	}
	cr_expect_gt(n, 2);
	gofer_client_free(c);
	cr_expect_eq(open_fds(), before);
}
