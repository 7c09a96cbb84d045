/*
 * Sealing: what is refused and how it is said, what a seal is worth, what is left after a full disk or a kill at any
 * point.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "gofer/atomic.h"
#include "gofer/hostops.h"
#include "gofer/seal.h"
#include "gofer/store.h"

/* An output directory and a state directory. */
struct bench {
	char out[SCRATCH_MAX], state[SCRATCH_MAX];
	int out_fd, state_fd;
	struct store store;
};

static void set_up(struct bench *b)
{
	scratch_make(b->out);
	scratch_make(b->state);
	b->out_fd = open(b->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->state_fd = open(b->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(store_open(b->state_fd, &b->store), 0);
}

static void tear_down(struct bench *b)
{
	store_close(&b->store);
	close(b->out_fd);
	close(b->state_fd);
	scratch_remove(b->out);
	scratch_remove(b->state);
}

/* A small tree with everything that is allowed. */
static void fill(struct bench *b)
{
	mkdir(join(b->out, "bin"), 0755);
	mkdir(join(b->out, "empty"), 0700);
	put_file(join(b->out, "bin/tool"), "#!/bin/sh\n");
	chmod(join(b->out, "bin/tool"), 0755);
	put_file(join(b->out, "data"), "hello\n");
	cr_assert_eq(symlink("../data", join(b->out, "bin/link")), 0);
	cr_assert_eq(symlink(" nowhere", join(b->out, "dangling link")), 0);
}

static int count_entries(struct bench *b, const char *prefix)
{
	char cmd[256];
	FILE *p;
	int n = -1;

	snprintf(cmd, sizeof(cmd), "find %s/store/sha256 -mindepth 1 -maxdepth 1 -name '%s*' | wc -l", b->state,
		 prefix);
	p = popen(cmd, "r");
	cr_assert(p && fscanf(p, "%d", &n) == 1);
	pclose(p);
	return n;
}

Test(gofer_seal, seals_verifies_mounts_and_reuses)
{
	struct bench b;
	struct seal_result r, again;
	struct stat st;
	char why[256], text[64] = "";
	int tree, fd;

	set_up(&b);
	fill(&b);
	cr_assert_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), 0, "%s", r.why);
	/* Sealing is deterministic: a change of this hash is a change of the format, and needs a new heading in it. */
	cr_expect_str_eq(r.root, "c6aef2c0c1cebf248b034b9708aa8bf619b6bb48694b7acc1c0f5b80c08bc0b8");
	cr_expect(r.files == 2 && r.dirs == 2 && r.links == 2 && r.bytes == 16 && !r.reused);
	cr_expect_eq(store_verify(&b.store, r.root, why, sizeof(why)), 0);

	tree = store_mount(&b.store, r.root);
	cr_assert_geq(tree, 0);
	cr_expect(fstatat(tree, "bin/tool", &st, 0) == 0 && (st.st_mode & 07777) == 0555);
	cr_expect(fstatat(tree, "data", &st, 0) == 0 && (st.st_mode & 07777) == 0444);
	cr_expect(fstatat(tree, "empty", &st, 0) == 0 && (st.st_mode & 07777) == 0555);
	fd = openat(tree, "bin/link", O_RDONLY);
	cr_expect_eq(read(fd, text, sizeof(text)), 6);
	close(fd);
	close(tree);

	put_file(join(b.out, "data"), "hello\n");
	cr_assert_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &again), 0);
	cr_expect(again.reused);
	cr_expect_str_eq(again.root, r.root);
	put_file(join(b.out, "data"), "other\n");
	cr_assert_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &again), 0);
	cr_expect_str_neq(again.root, r.root);
	cr_expect_eq(count_entries(&b, "."), 0);
	cr_expect_eq(count_entries(&b, ""), 2);
	cr_expect_eq(store_remove(&b.store, r.root), 0);
	cr_expect_eq(store_mount(&b.store, r.root), -ENOENT);
	cr_expect_eq(store_mount(&b.store, "../../.."), -EINVAL);
	tear_down(&b);
}

Test(gofer_seal, damage_is_found)
{
	struct bench b;
	struct seal_result r;
	char path[512], why[256] = "";

	set_up(&b);
	fill(&b);
	cr_assert_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), 0);
	snprintf(path, sizeof(path), "%s/store/sha256/%s/tree/data", b.state, r.root);
	chmod(path, 0644);
	put_file(path, "hellO\n");
	cr_expect_eq(store_verify(&b.store, r.root, why, sizeof(why)), -EBADMSG);
	cr_expect(strstr(why, "is damaged"), "%s", why);
	tear_down(&b);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void make_fifo(const char *d)
{
	mkdir(join(d, "lib"), 0755);
	cr_assert_eq(mkfifo(join(d, "lib/evil"), 0644), 0);
}
static void make_setuid(const char *d)
{
	put_file(join(d, "su"), "x");
	chmod(join(d, "su"), 04755);
}
static void make_setgid(const char *d)
{
	put_file(join(d, "sg"), "x");
	chmod(join(d, "sg"), 02755);
}
static void make_absolute(const char *d)
{
	cr_assert_eq(symlink("/etc/passwd", join(d, "l")), 0);
}
static void make_dotdot(const char *d)
{
	mkdir(join(d, "a"), 0755);
	cr_assert_eq(symlink("../../etc", join(d, "a/l")), 0);
}
static void make_control(const char *d)
{
	put_file(join(d, "a\nb"), "x");
}
static void make_large(const char *d)
{
	put_file(join(d, "one"), "12345");
	put_file(join(d, "two"), "678901");
}
static void make_unreadable(const char *d)
{
	put_file(join(d, "secret"), "x");
	chmod(join(d, "secret"), 0);
}

static void make_many(const char *d)
{
	for (char c = 'a'; c <= 'k'; c++)
		put_file(join(d, (char[]){ c, 0 }), "");
}

static void make_deep(const char *d)
{
	mkdir(join(d, "1"), 0755);
	mkdir(join(d, "1/2"), 0755);
	mkdir(join(d, "1/2/3"), 0755);
	mkdir(join(d, "1/2/3/4"), 0755);
}

static void make_device(const char *d)
{
	cr_assert_eq(mknod(join(d, "dev"), S_IFCHR | 0666, makedev(1, 3)), 0);
}

static void make_socket(const char *d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", d);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
}

/* Each link's text stays inside; through `up`, which leads from two levels down to the top, `out` does not. */
static void make_indirect(const char *d)
{
	mkdir(join(d, "a"), 0755);
	mkdir(join(d, "a/b"), 0755);
	cr_assert_eq(symlink("../..", join(d, "a/b/up")), 0);
	cr_assert_eq(symlink("a/b/up/../x", join(d, "out")), 0);
}

static const struct refusal {
	void (*make)(const char *dir);
	const char *why;
} refusals[] = {
	{ make_fifo, "output raw: lib/evil is a fifo; outputs hold regular files, directories and symlinks only" },
	{ make_device, "output raw: dev is a character device; outputs hold" },
	{ make_socket, "output raw: sock is a socket; outputs hold" },
	{ make_setuid, "output raw: su has a set-id bit (mode 4755)" },
	{ make_setgid, "output raw: sg has a set-id bit (mode 2755)" },
	{ make_absolute, "output raw: l is a symlink to the absolute path /etc/passwd;" },
	{ make_dotdot, "output raw: a/l is a symlink to ../../etc, which is outside of the output" },
	{ make_indirect, "output raw: the symlink out leads outside of the output, through other symlinks" },
	{ make_control, "output raw: the name a?b has control characters in it" },
	{ make_large, "output raw: with two it has more than the 10 bytes that it may have" },
	{ make_many, "output raw: it has more than the 10 files, directories and symlinks" },
	{ make_deep, "output raw: 1/2/3/4... is more than 3 directories deep" },
};

Test(gofer_seal, refuses_by_name_and_rule)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct seal_limits limits = { .entries = 10, .bytes = 10, .depth = 3 };
		struct seal_result r;
		struct bench b;

		if (refusals[i].make == make_device && geteuid() != 0)
			continue;
		set_up(&b);
		refusals[i].make(b.out);
		cr_expect_eq(seal_tree(b.out_fd, "raw", &limits, &b.store, &r), -EPERM, "row %zu", i);
		cr_expect(strncmp(r.why, refusals[i].why, strlen(refusals[i].why)) == 0, "row %zu says: %s", i, r.why);
		cr_expect_eq(count_entries(&b, ""), 0, "row %zu left something in the store", i);
		tear_down(&b);
	}
}

Test(gofer_seal, an_unreadable_file_is_named)
{
	struct seal_result r;
	struct bench b;

	if (geteuid() == 0)
		cr_skip("root reads everything");
	set_up(&b);
	make_unreadable(b.out);
	cr_expect_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), -EACCES);
	cr_expect_str_eq(r.why, "output raw: secret cannot be read: Permission denied");
	tear_down(&b);
}

Test(gofer_seal, hard_links_are_copied_apart)
{
	struct seal_result r;
	struct stat st;
	struct bench b;
	int tree;

	set_up(&b);
	put_file(join(b.state, "outside"), "x");
	cr_assert_eq(link(join(b.state, "outside"), join(b.out, "inside")), 0);
	cr_assert_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), 0, "%s", r.why);
	tree = store_mount(&b.store, r.root);
	cr_expect(fstatat(tree, "inside", &st, 0) == 0 && st.st_nlink == 1);
	close(tree);
	tear_down(&b);
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

struct trouble {
	int left;  /* operations until it comes */
	int error; /* 0: SIGKILL */
};

static int make_trouble(enum hostop op, void *arg)
{
	struct trouble *t = arg;

	/* A file that cannot be removed is another story: nothing visible depends on it. */
	if ((op == HOSTOP_REMOVE && t->error) || --t->left)
		return 0;
	if (t->error == 0)
		kill(getpid(), SIGKILL);
	return t->error;
}

/* After anything: what has a root's name is whole, and opening the store removes the rest. */
static void check_store(struct bench *b, const char *root, int n)
{
	char why[256] = "";
	int visible = count_entries(b, "[0-9a-f]");

	cr_expect_leq(visible, 1);
	if (visible)
		cr_expect_eq(store_verify(&b->store, root, why, sizeof(why)), 0, "point %d: %s", n, why);
	store_close(&b->store);
	cr_assert_eq(store_open(b->state_fd, &b->store), 0);
	cr_expect_eq(count_entries(b, "."), 0, "point %d: temporaries are left", n);
}

static char golden[HASH_HEX_SIZE];

static void learn_golden(void)
{
	struct seal_result r;
	struct bench b;

	set_up(&b);
	fill(&b);
	cr_assert_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), 0);
	strcpy(golden, r.root);
	tear_down(&b);
}

static int fail_at_every_point(int error)
{
	for (int n = 1; n < 1000; n++) {
		struct trouble t = { .left = n, .error = error };
		struct seal_result r;
		struct bench b;
		int err;

		set_up(&b);
		fill(&b);
		hostops_set_hook(make_trouble, &t);
		err = seal_tree(b.out_fd, "raw", NULL, &b.store, &r);
		hostops_set_hook(NULL, NULL);
		cr_expect(err == error || err == 0, "point %d: %d", n, err);
		if (err) {
			cr_expect_eq(r.root[0], 0);
			cr_expect(strstr(r.why, "output raw: ") == r.why && strstr(r.why, strerror(-error)),
				  "point %d: %s", n, r.why);
			cr_expect_eq(count_entries(&b, "."), 0, "point %d: a failed seal cleans up after itself", n);
		}
		check_store(&b, golden, n);
		/* And the next attempt succeeds. */
		cr_expect_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), 0, "point %d: %s", n, r.why);
		cr_expect_str_eq(r.root, golden);
		tear_down(&b);
		if (t.left > 0)
			return n;
	}
	return 0;
}

Test(gofer_seal, disk_full_at_every_point, .timeout = 60)
{
	int points;

	learn_golden();
	points = fail_at_every_point(-ENOSPC);
	cr_expect_gt(points, 20);
	points = fail_at_every_point(-EIO);
	cr_expect_gt(points, 20);
}

Test(gofer_seal, killed_at_every_point, .timeout = 60)
{
	bool finished = false;
	int n;

	learn_golden();
	for (n = 1; n < 1000 && !finished; n++) {
		struct trouble t = { .left = n };
		struct seal_result r;
		struct bench b;
		int status;
		pid_t pid;

		set_up(&b);
		fill(&b);
		pid = fork();
		if (pid == 0) {
			hostops_set_hook(make_trouble, &t);
			_exit(seal_tree(b.out_fd, "raw", NULL, &b.store, &r) != 0);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		finished = WIFEXITED(status);
		cr_expect(finished ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
		check_store(&b, golden, n);
		cr_expect_eq(seal_tree(b.out_fd, "raw", NULL, &b.store, &r), 0, "point %d: %s", n, r.why);
		cr_expect_str_eq(r.root, golden);
		tear_down(&b);
	}
	cr_expect(finished && n > 20, "%d", n);
}

/* ---- state files ------------------------------------------------------------------------------------------------- */

static void read_back(const char *dir, char *buf, size_t size)
{
	int fd = open(join(dir, "record"), O_RDONLY);
	ssize_t n = read(fd, buf, size - 1);

	buf[n < 0 ? 0 : n] = 0;
	close(fd);
}

Test(gofer_seal, state_files_are_old_or_new_at_every_point, .timeout = 30)
{
	bool finished = false;
	int n;

	for (n = 1; n < 100 && !finished; n++) {
		for (int error = -ENOSPC; error <= 0; error += ENOSPC) {
			struct trouble t = { .left = n, .error = error };
			char buf[32];
			struct bench b;
			int status;
			pid_t pid;

			set_up(&b);
			cr_assert_eq(atomic_write_file(b.state_fd, "record", "old", 3, 0644), 0);
			pid = fork();
			if (pid == 0) {
				hostops_set_hook(make_trouble, &t);
				_exit(atomic_write_file(b.state_fd, "record", "newer", 5, 0644) != 0);
			}
			cr_assert_eq(waitpid(pid, &status, 0), pid);
			read_back(b.state, buf, sizeof(buf));
			cr_expect(strcmp(buf, "old") == 0 || strcmp(buf, "newer") == 0, "point %d: \"%s\"", n, buf);
			finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
			if (finished)
				cr_expect_str_eq(buf, "newer");
			cr_expect_eq(atomic_clean(b.state_fd), 0);
			tear_down(&b);
		}
	}
	cr_expect(finished && n > 5);
}

Test(gofer_seal, cleaning_spares_what_is_being_written)
{
	char name[ATOMIC_NAME_MAX];
	struct bench b;
	int fd;

	set_up(&b);
	fd = atomic_temp_dir(b.store.fd, name);
	cr_assert_geq(fd, 0);
	cr_expect_eq(atomic_clean(b.store.fd), 0);
	cr_expect_eq(faccessat(b.store.fd, name, F_OK, 0), 0);
	close(fd);
	cr_expect_eq(atomic_clean(b.store.fd), 0);
	cr_expect_eq(faccessat(b.store.fd, name, F_OK, 0), -1);
	tear_down(&b);
}

/*
 * Several runs on one state directory, each opening (and so cleaning) the store and sealing the same: one result,
 * nothing lost.
 */
Test(gofer_seal, several_processes_share_a_store, .timeout = 30)
{
	struct bench b;
	int failed = 0;

	learn_golden();
	set_up(&b);
	fill(&b);
	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			for (int round = 0; round < 20; round++) {
				struct store own;
				struct seal_result r;

				if (store_open(b.state_fd, &own) || seal_tree(b.out_fd, "raw", NULL, &own, &r) ||
				    strcmp(r.root, golden) != 0)
					_exit(1);
				if (round % 4 == 3 && store_remove(&own, r.root))
					_exit(2);
				store_close(&own);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		wait(&status);
		failed += status != 0;
	}
	cr_expect_eq(failed, 0);
	check_store(&b, golden, 0);
	tear_down(&b);
}
