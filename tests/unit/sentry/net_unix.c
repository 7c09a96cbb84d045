/* Unix sockets without guests: pieces of streams, borders of messages, buffers, names, the collector. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/net/unix.h"

#include "kernel_fixture.h"

static void no_reactor(void)
{
}

static struct kernel_fixture fixture;
static struct task *task;

static void begin(void)
{
	sched_init(no_reactor);
	fixture_setup(&fixture);
	the_kernel = &fixture.k;
	task = fixture.init;
}

TestSuite(net_unix, .init = begin);

static void make_pair(int type, struct socket *s[2])
{
	cr_assert_eq(socket_create(task, LX_AF_UNIX, type, 0, &s[0]), 0);
	cr_assert_eq(socket_create(task, LX_AF_UNIX, type, 0, &s[1]), 0);
	cr_assert_eq(s[0]->ops->pair(s[0], s[1], task), 0);
}

static int64_t put(struct socket *s, const char *text, struct scm_files *files)
{
	struct uio u;
	struct sock_msg m = { .uio = &u, .flags = LX_MSG_DONTWAIT, .scm = { .files = files, .cred = scm_own_cred(task) } };
	int64_t ret;

	uio_init_local(&u, (char *)(uintptr_t)text, strlen(text));
	ret = s->ops->send(s, task, &m);
	socket_put(m.wait_for);
	scm_drop(&m.scm);
	return ret;
}

static int64_t get(struct socket *s, char *buf, uint64_t room, uint32_t flags)
{
	struct uio u;
	struct sock_msg m = { .uio = &u, .flags = LX_MSG_DONTWAIT | flags };
	int64_t ret;

	memset(buf, 0, room);
	uio_init_local(&u, buf, room);
	ret = s->ops->recv(s, task, &m);
	scm_drop(&m.scm);
	return ret;
}

Test(net_unix, small_pieces_of_a_stream_are_one_packet)
{
	struct socket *s[2];
	char buf[64];

	make_pair(LX_SOCK_STREAM, s);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(put(s[0], "abc", NULL), 3);
	cr_assert_eq(unix_of(s[1])->queued, 1);
	cr_assert_eq(s[1]->ops->pending(s[1], false), 30);
	cr_assert_eq(get(s[1], buf, 4, LX_MSG_PEEK), 4);
	cr_assert_eq(get(s[1], buf, 31, 0), 30);
	cr_assert_eq(strncmp(buf, "abcabc", 6), 0);
	cr_assert_eq(get(s[1], buf, 4, 0), -EAGAIN);
	cr_assert_eq(atomic_load(&unix_of(s[0])->in_flight_bytes), 0);
	socket_discard(s[0]);
	cr_assert_eq(get(s[1], buf, 4, 0), 0);
	cr_assert_eq(put(s[1], "x", NULL), -EPIPE);
	socket_discard(s[1]);
}

Test(net_unix, messages_keep_their_borders)
{
	struct socket *s[2];
	char buf[64];

	make_pair(LX_SOCK_SEQPACKET, s);
	cr_assert_eq(put(s[0], "one", NULL), 3);
	cr_assert_eq(put(s[0], "", NULL), 0);
	cr_assert_eq(put(s[0], "three", NULL), 5);
	cr_assert_eq(get(s[1], buf, 64, 0), 3);
	cr_assert_eq(get(s[1], buf, 64, 0), 0);
	cr_assert_eq(get(s[1], buf, 2, LX_MSG_TRUNC), 5);
	cr_assert_eq(get(s[1], buf, 64, 0), -EAGAIN);
	socket_discard(s[0]);
	cr_assert_eq(get(s[1], buf, 64, 0), 0);
	socket_discard(s[1]);
}

Test(net_unix, a_full_buffer_waits_and_a_read_makes_room)
{
	static char chunk[65536];
	struct socket *s[2];
	int64_t n, sent = 0;

	make_pair(LX_SOCK_STREAM, s);
	memset(chunk, 'x', sizeof(chunk) - 1);
	while ((n = put(s[0], chunk, NULL)) > 0)
		sent += n;
	cr_assert_eq(n, -EAGAIN);
	cr_assert_gt(sent, 65536);
	cr_assert_eq(s[0]->ops->poll(s[0], NULL) & SOCK_WRITABLE, 0);
	while ((n = get(s[1], chunk, sizeof(chunk), 0)) > 0)
		sent -= n;
	cr_assert_eq(sent, 0);
	cr_assert_eq(s[0]->ops->poll(s[0], NULL) & SOCK_WRITABLE, SOCK_WRITABLE);
	socket_discard(s[0]);
	socket_discard(s[1]);
}

static struct sock_addr named(const char *name)
{
	struct sock_addr a = { .len = LX_SUN_PATH_OFFSET + 1 + (uint32_t)strlen(name) };

	a.un.sun_family = LX_AF_UNIX;
	memcpy(a.un.sun_path + 1, name, strlen(name));
	return a;
}

Test(net_unix, an_abstract_name_belongs_to_one_socket_of_a_type)
{
	struct sock_addr a = named("picket");
	struct socket *s[3];

	for (int i = 0; i < 3; i++)
		cr_assert_eq(socket_create(task, LX_AF_UNIX, i == 2 ? LX_SOCK_DGRAM : LX_SOCK_STREAM, 0, &s[i]), 0);
	cr_assert_eq(s[0]->ops->bind(s[0], task, &a), 0);
	cr_assert_eq(s[1]->ops->bind(s[1], task, &a), -EADDRINUSE);
	cr_assert_eq(s[2]->ops->bind(s[2], task, &a), 0);
	socket_discard(s[0]);
	cr_assert_eq(s[1]->ops->bind(s[1], task, &a), 0);
	cr_assert_eq(s[1]->ops->bind(s[1], task, &a), -EINVAL);
	socket_discard(s[1]);
	socket_discard(s[2]);
}

static struct scm_files *holding(struct file *f)
{
	struct scm_files *files = mem_zalloc(sizeof(*files) + sizeof(struct file *));

	list_init(&files->link);
	files->count = 1;
	files->file[0] = file_get(f);
	return files;
}

Test(net_unix, the_collector_frees_a_socket_in_its_own_queue_and_no_other)
{
	struct socket *s[2];
	struct file *f[2];
	uint64_t before;
	char buf[8];

	make_pair(LX_SOCK_STREAM, s);
	cr_assert_eq(socket_file(task, s[0], 0, &f[0]), 0);
	cr_assert_eq(socket_file(task, s[1], 0, &f[1]), 0);
	cr_assert_eq(put(s[0], "x", holding(f[1])), 1);
	unix_rights_collect();
	sched_run_deferred();
	cr_assert_eq(get(s[1], buf, 8, LX_MSG_PEEK), 1, "a socket that somebody holds keeps its messages");
	before = mem_live();
	file_put(f[1]);
	unix_rights_collect();
	sched_run_deferred();
	sched_run_deferred(); /* its file's own end */
	cr_assert_lt(mem_live(), before, "one that only its own queue holds does not");
	cr_assert_eq(get(s[0], buf, 8, 0), 0);
	file_put(f[0]);
	sched_run_deferred();
}

/* A named stream server, a client, a message with a file, its reading: as far as memory goes. */
static void whole_life(void)
{
	struct sock_addr a = named("life");
	struct socket *server = NULL, *client = NULL, *peer = NULL;
	struct file *f = NULL;
	char buf[8];

	if (socket_create(task, LX_AF_UNIX, LX_SOCK_STREAM, 0, &server) < 0)
		return;
	if (server->ops->bind(server, task, &a) == 0 && server->ops->listen(server, task, 1) == 0 &&
	    socket_create(task, LX_AF_UNIX, LX_SOCK_STREAM, 0, &client) == 0 && socket_file(task, client, 0, &f) == 0 &&
	    client->ops->connect(client, task, &a, true) == 0) {
		struct scm_files *files = mem_zalloc(sizeof(*files) + sizeof(struct file *));

		if (files) {
			list_init(&files->link);
			files->count = 1;
			files->file[0] = file_get(f);
		}
		put(client, "x", files);
		if (server->ops->accept(server, &peer) == 0) {
			get(peer, buf, 8, LX_MSG_PEEK);
			get(peer, buf, 8, 0);
			socket_discard(peer);
		}
	}
	file_put(f);
	socket_discard(server);
	/* A call's end, as the dispatcher does it. */
	if (task->blk.data)
		task->blk.data_free(task->blk.data);
	task->blk.data = NULL;
	sched_run_deferred();
	sched_run_deferred();
}

Test(net_unix, nothing_leaks_whichever_allocation_fails)
{
	whole_life(); /* what is made once for ever */
	for (uint64_t n = 1; n < 40; n++) {
		uint64_t before = mem_live();

		mem_fail_after(n);
		whole_life();
		mem_fail_after(0);
		cr_assert_eq(mem_live(), before, "allocation %lu", (unsigned long)n);
	}
}
