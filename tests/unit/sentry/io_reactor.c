/* The reactor with both of its backends: whole transfers, more of them than the host takes at once, errors, abandoned ones. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_fixture.h"
#include "sentry/io/io_impl.h"

#define FILE_SIZE (3u << 20)
#define MANY 500

static struct kernel_fixture world;

static void futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

struct reactor {
	enum io_backend backend;
	struct io *io;
	pthread_t thread;
	_Atomic uint32_t ready;
};

static void *reactor_main(void *arg)
{
	struct reactor *r = arg;
	char why[256];

	cr_assert_eq(io_create(&world.k, r->backend, &r->io, why, sizeof(why)), 0, "%s", why);
	world.k.io = r->io;
	r->ready = 1;
	futex(&r->ready, FUTEX_WAKE, 1);
	io_run(r->io);
	return NULL;
}

static void begin(struct reactor *r, enum io_backend backend)
{
	*r = (struct reactor){ .backend = backend };
	fixture_setup(&world);
	the_kernel = &world.k;
	cr_assert_eq(pthread_create(&r->thread, NULL, reactor_main, r), 0);
	while (!r->ready)
		futex(&r->ready, FUTEX_WAIT, 0);
}

static void end(struct reactor *r)
{
	io_stop(r->io);
	pthread_join(r->thread, NULL);
}

/* One result: waited for by a futex. */
struct wait {
	_Atomic uint32_t done;
	int64_t result;
	struct io_op *op;
};

static void on_done(void *arg, int64_t result)
{
	struct wait *w = arg;

	w->result = result;
	w->done = 1;
	futex(&w->done, FUTEX_WAKE, 1);
}

static void start(struct reactor *r, struct wait *w, enum io_op_kind kind, int fd, uint64_t len, int64_t offset)
{
	w->done = 0;
	cr_assert_eq(io_start(r->io, kind, fd, len, offset, on_done, w, &w->op), 0);
}

static int64_t await(struct wait *w)
{
	while (!w->done)
		futex(&w->done, FUTEX_WAIT, 0);
	return w->result;
}

static int test_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	uint32_t *words = malloc(FILE_SIZE);

	cr_assert(fd >= 0 && words);
	for (uint32_t i = 0; i < FILE_SIZE / 4; i++)
		words[i] = i;
	cr_assert_eq(pwrite(fd, words, FILE_SIZE, 0), FILE_SIZE);
	free(words);
	return fd;
}

static uint32_t word_at(const struct wait *w, uint64_t offset)
{
	uint32_t word;

	memcpy(&word, io_op_data(w->op) + offset, sizeof(word));
	return word;
}

static const enum io_backend backends[] = { IO_RING, IO_THREADS };

ParameterizedTestParameters(io, whole)
{
	return cr_make_param_array(enum io_backend, (void *)(uintptr_t)backends, 2);
}
ParameterizedTest(enum io_backend *backend, io, whole)
{
	struct reactor r;
	struct wait w;
	int fd = test_file();

	begin(&r, *backend);
	start(&r, &w, IO_OP_READ, fd, IO_OP_MAX, 4096);
	cr_assert_eq(await(&w), IO_OP_MAX);
	cr_assert_eq(word_at(&w, 0), 1024);
	cr_assert_eq(word_at(&w, IO_OP_MAX - 4), (4096 + IO_OP_MAX) / 4 - 1);
	io_op_free(w.op);
	start(&r, &w, IO_OP_READ, fd, 8192, FILE_SIZE - 100);
	cr_assert_eq(await(&w), 100, "short only at the end of the file");
	io_op_free(w.op);
	start(&r, &w, IO_OP_READ, fd, 8192, FILE_SIZE);
	cr_assert_eq(await(&w), 0);
	io_op_free(w.op);
	start(&r, &w, IO_OP_FSYNC, fd, 0, 0);
	cr_assert_eq(await(&w), 0);
	io_op_free(w.op);
	end(&r);
	close(fd);
}

ParameterizedTestParameters(io, more_than_there_are_slots)
{
	return cr_make_param_array(enum io_backend, (void *)(uintptr_t)backends, 2);
}
ParameterizedTest(enum io_backend *backend, io, more_than_there_are_slots)
{
	static struct wait w[MANY];
	struct reactor r;
	int fd = test_file();

	begin(&r, *backend);
	for (uint32_t i = 0; i < MANY; i++)
		start(&r, &w[i], IO_OP_READ, fd, 4096, (int64_t)i * 4096);
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert_eq(await(&w[i]), 4096, "none is lost: %u", i);
		cr_assert_eq(word_at(&w[i], 0), i * 1024);
		io_op_free(w[i].op);
	}
	end(&r);
	close(fd);
}

ParameterizedTestParameters(io, errors)
{
	return cr_make_param_array(enum io_backend, (void *)(uintptr_t)backends, 2);
}
ParameterizedTest(enum io_backend *backend, io, errors)
{
	struct reactor r;
	struct wait w;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	begin(&r, *backend);
	start(&r, &w, IO_OP_READ, 12345, 100, 0);
	cr_assert_eq(await(&w), -EBADF);
	io_op_free(w.op);
	start(&r, &w, IO_OP_FSYNC, p[1], 0, 0);
	cr_assert_eq(await(&w), -EINVAL);
	io_op_free(w.op);
	end(&r);
	close(p[0]);
	close(p[1]);
}

ParameterizedTestParameters(io, a_closed_file_is_let_go)
{
	return cr_make_param_array(enum io_backend, (void *)(uintptr_t)backends, 2);
}
ParameterizedTest(enum io_backend *backend, io, a_closed_file_is_let_go)
{
	struct reactor r;
	struct wait w;
	char c;
	int p[2], fd = test_file();

	cr_assert_eq(pipe(p), 0);
	begin(&r, *backend);
	/* An fsync of a pipe fails, but has had it in a slot. */
	start(&r, &w, IO_OP_FSYNC, p[1], 0, 0);
	await(&w);
	io_op_free(w.op);
	close(p[1]);
	/* Woken once more, the reactor has nothing to do and lets go. */
	start(&r, &w, IO_OP_READ, fd, 10, 0);
	await(&w);
	io_op_free(w.op);
	cr_assert_eq(read(p[0], &c, 1), 0, "the last writer is gone: end of file");
	end(&r);
	close(p[0]);
	close(fd);
}
