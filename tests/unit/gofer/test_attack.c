/* The gofer against a sentry that has been broken into, and against others who change the volume meanwhile. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

/* ---- read-only roots --------------------------------------------------------------------------------------------- */

struct target {
	struct gofer_client *c;
	uint32_t dir, file;
};

static int64_t try_create(struct target *t)
{
	struct gofer_entry e;
	return gofer_create(t->c, t->dir, name_of("new"), 0644, GOFER_OPEN_WRITE, &e);
}
static int64_t try_mkdir(struct target *t)
{
	struct gofer_entry e;
	return gofer_mkdir(t->c, t->dir, name_of("new"), 0755, &e);
}
static int64_t try_mknod(struct target *t)
{
	struct gofer_entry e;
	return gofer_mknod(t->c, t->dir, name_of("new"), S_IFIFO | 0644, &e);
}
static int64_t try_symlink(struct target *t)
{
	struct gofer_entry e;
	return gofer_symlink(t->c, t->dir, name_of("new"), "x", 1, &e);
}
static int64_t try_link(struct target *t)
{
	struct gofer_attr a;
	return gofer_link(t->c, t->file, t->dir, name_of("new"), &a);
}
static int64_t try_unlink(struct target *t)
{
	return gofer_unlink(t->c, t->dir, name_of("file"));
}
static int64_t try_rmdir(struct target *t)
{
	return gofer_rmdir(t->c, t->dir, name_of("sub"));
}
static int64_t try_rename(struct target *t)
{
	return gofer_rename(t->c, t->dir, name_of("file"), t->dir, name_of("g"), 0);
}
static int64_t try_write(struct target *t)
{
	return gofer_open(t->c, t->file, GOFER_OPEN_WRITE, NULL);
}
static int64_t try_read_write(struct target *t)
{
	return gofer_open(t->c, t->file, GOFER_OPEN_READ_WRITE, NULL);
}
static int64_t try_truncate(struct target *t)
{
	return gofer_open(t->c, t->file, GOFER_OPEN_WRITE | GOFER_OPEN_TRUNCATE, NULL);
}
static int64_t try_setxattr(struct target *t)
{
	return gofer_setxattr(t->c, t->file, name_of("user.a"), "v", 1, 0);
}
static int64_t try_removexattr(struct target *t)
{
	return gofer_removexattr(t->c, t->file, name_of("user.a"));
}

static int64_t try_setattr(struct target *t, uint32_t set)
{
	struct gofer_setattr s = { .set = set };
	struct gofer_attr a;

	return gofer_setattr(t->c, t->file, &s, &a);
}

static int64_t try_chmod(struct target *t)
{
	return try_setattr(t, GOFER_SET_MODE);
}
static int64_t try_chown(struct target *t)
{
	return try_setattr(t, GOFER_SET_UID | GOFER_SET_GID);
}
static int64_t try_size(struct target *t)
{
	return try_setattr(t, GOFER_SET_SIZE);
}
static int64_t try_utimes(struct target *t)
{
	return try_setattr(t, GOFER_SET_ATIME_NOW | GOFER_SET_MTIME_NOW);
}

static int64_t try_walk_open(struct target *t)
{
	struct gofer_name n = name_of("file");
	struct gofer_entry e;
	struct gofer_walked w;
	int err = gofer_walk_open(t->c, t->dir, &n, 1, GOFER_OPEN_WRITE, &e, NULL, 0, &w);

	cr_expect_eq(w.fd, -1);
	return err ? err : w.error;
}

static int64_t (*const writing_calls[])(struct target *) = {
	try_create,	 try_mkdir,  try_mknod, try_symlink,	try_link,     try_unlink,
	try_rmdir,	 try_rename, try_write, try_read_write, try_truncate, try_setxattr,
	try_removexattr, try_chmod,  try_chown, try_size,	try_utimes,   try_walk_open,
};

static void attack_readonly(bool no_clone)
{
	struct served s = { 0 };
	struct gofer_config cfg;
	struct gofer_entry e;
	struct stat st;
	struct target t;
	uint32_t flags;

	scratch_make(s.dir);
	mkdir(join(s.dir, "sub"), 0755);
	put_file(join(s.dir, "file"), "data");
	gofer_config_init(&cfg);
	cfg.no_clone = no_clone;
	cfg.roots = 2;
	for (int i = 0; i < 2; i++) {
		snprintf(cfg.root[i].name, sizeof(cfg.root[i].name), "root%d", i);
		cfg.root[i].fd = open(s.dir, O_PATH);
		cfg.root[i].flags = i ? 0 : GOFER_ROOT_READONLY;
	}
	serve_config(&s, &cfg, true);
	t = (struct target){ .c = s.client, .dir = s.root, .file = (uint32_t)walk_to(&s, "file", NULL) };
	for (size_t i = 0; i < sizeof(writing_calls) / sizeof(writing_calls[0]); i++)
		cr_expect_eq(writing_calls[i](&t), -EROFS, "call %zu", i);
	/* The same directory is writable as root 1: still nothing may cross from one to the other. */
	cr_assert_eq(gofer_attach(s.client, 1, &e, &flags), 0);
	cr_expect_eq(gofer_link(s.client, t.file, e.handle, name_of("crossed"), NULL), -EROFS);
	cr_expect_eq(gofer_rename(s.client, e.handle, name_of("file"), s.root, name_of("crossed"), 0), -EROFS);
	cr_assert_eq(stat(join(s.dir, "file"), &st), 0);
	cr_expect(st.st_size == 4 && (st.st_mode & 07777) == 0644 && st.st_nlink == 1);
	serve_end(&s);
}

Test(gofer_attack, a_readonly_root_refuses_every_writing_call)
{
	attack_readonly(false);
	attack_readonly(true);
}

/* ---- what is in a volume ----------------------------------------------------------------------------------------- */

static int open_code(struct served *s, const char *name)
{
	struct gofer_name n = name_of(name);
	struct gofer_entry e;
	struct gofer_walked w;
	int err = gofer_walk_open(s->client, s->root, &n, 1, GOFER_OPEN_READ, &e, NULL, 0, &w);

	if (w.fd >= 0)
		close(w.fd);
	return err ? err : w.error ? w.error : w.fd >= 0 ? 1 : 0;
}

Test(gofer_attack, fifos_sockets_devices_and_directories_are_never_opened, .timeout = 10)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct served s = { 0 };
	struct gofer_entry e;
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	int64_t h;

	scratch_make(s.dir);
	cr_assert_eq(mkfifo(join(s.dir, "fifo"), 0666), 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", s.dir);
	cr_assert_eq(bind(sock, (struct sockaddr *)&a, sizeof(a)), 0);
	mkdir(join(s.dir, "dir"), 0755);
	put_file(join(s.dir, "file"), "");
	if (mknod(join(s.dir, "null"), S_IFCHR | 0666, makedev(1, 3)) == 0) {
		serve(&s, 0);
		cr_expect_eq(open_code(&s, "null"), -ENXIO);
	} else {
		serve(&s, 0);
	}
	cr_expect_eq(open_code(&s, "fifo"), -ENXIO);
	cr_expect_eq(open_code(&s, "sock"), -ENXIO);
	cr_expect_eq(open_code(&s, "dir"), -EISDIR);
	cr_expect_eq(open_code(&s, "file"), 1);
	h = walk_to(&s, "fifo", NULL);
	cr_expect_eq(gofer_open(s.client, (uint32_t)h, GOFER_OPEN_READ, NULL), -ENXIO);
	cr_expect_eq(gofer_mknod(s.client, s.root, name_of("d"), S_IFCHR | 0666, &e), -EPERM);
	cr_expect_eq(gofer_mknod(s.client, s.root, name_of("d"), S_IFBLK | 0666, &e), -EPERM);
	cr_expect_eq(gofer_mknod(s.client, s.root, name_of("p"), S_IFIFO | 0666, &e), 0);
	close(sock);
	serve_end(&s);
}

Test(gofer_attack, set_id_bits_do_not_exist_on_a_nosuid_root)
{
	struct gofer_setattr set = { .set = GOFER_SET_MODE, .mode = 04755 };
	struct served s = { 0 };
	struct gofer_attr a;
	struct gofer_entry e;
	struct stat st;
	int64_t h;
	int fd;

	scratch_make(s.dir);
	put_file(join(s.dir, "su"), "");
	chmod(join(s.dir, "su"), 06755);
	serve(&s, GOFER_ROOT_NOSUID);
	h = walk_to(&s, "su", &a);
	cr_expect_eq(a.mode & 07777, 0755);
	cr_expect_eq(gofer_setattr(s.client, (uint32_t)h, &set, &a), -EPERM);
	fd = gofer_create(s.client, s.root, name_of("new"), 06755, GOFER_OPEN_WRITE, &e);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(stat(join(s.dir, "new"), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);
	serve_end(&s);
}

/*
 * A hard link to a file outside is a name like any other, and nothing tells it apart: what protects such a file is the
 * root's flags.
 */
Test(gofer_attack, hard_links_are_as_protected_as_their_root)
{
	struct served s = { 0 };
	struct stat st;
	char outside[SCRATCH_MAX];
	int64_t h;

	scratch_make(s.dir);
	scratch_make(outside);
	put_file(join(outside, "f"), "x");
	chmod(join(outside, "f"), 04755);
	cr_assert_eq(link(join(outside, "f"), join(s.dir, "f")), 0);
	serve(&s, GOFER_ROOT_READONLY | GOFER_ROOT_NOSUID);
	h = walk_to(&s, "f", NULL);
	cr_expect_eq(gofer_open(s.client, (uint32_t)h, GOFER_OPEN_WRITE, NULL), -EROFS);
	cr_assert_eq(stat(join(outside, "f"), &st), 0);
	cr_expect(st.st_size == 1 && (st.st_mode & 07777) == 04755);
	serve_end(&s);
	scratch_remove(outside);
}

/* Where the gofer can give the root a mount of its own the host itself refuses to map executable. */
Test(gofer_attack, noexec_reaches_the_host)
{
	struct served s = { 0 };
	int fd;

	scratch_make(s.dir);
	put_file(join(s.dir, "lib.so"), "x");
	serve(&s, GOFER_ROOT_NOEXEC | GOFER_ROOT_READONLY);
	if (!(s.root_flags & GOFER_ROOT_HOST_NOEXEC)) {
		serve_end(&s);
		cr_skip("no right to clone mounts here");
	}
	fd = gofer_open(s.client, (uint32_t)walk_to(&s, "lib.so", NULL), GOFER_OPEN_READ, NULL);
	cr_assert_geq(fd, 0);
	cr_expect_eq(mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), MAP_FAILED);
	cr_expect_eq(errno, EPERM);
	cr_expect_neq(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0), MAP_FAILED);
	close(fd);
	serve_end(&s);
}

Test(gofer_attack, the_kernels_own_filesystems_are_empty_directories)
{
	struct served s = { 0 };
	struct gofer_config cfg;
	struct gofer_page page;
	struct gofer_attr a;
	int64_t h;

	gofer_config_init(&cfg);
	cfg.roots = 1;
	strcpy(cfg.root[0].name, "rootfs");
	cfg.root[0].fd = open("/", O_PATH);
	cfg.root[0].flags = GOFER_ROOT_READONLY;
	serve_config(&s, &cfg, true);
	cr_expect_gt(walk_to(&s, "etc/passwd", &a), 0);
	h = walk_to(&s, "proc", &a);
	cr_assert_gt(h, 0);
	cr_expect(S_ISDIR(a.mode));
	cr_assert_eq(gofer_readdir(s.client, (uint32_t)h, 0, &page), 0);
	cr_expect_eq(page.count, 0);
	gofer_page_free(&page);
	cr_expect_eq(walk_to(&s, "proc/self/status", NULL), -ENOENT);
	cr_expect_eq(walk_to(&s, "proc/1/root/etc/passwd", NULL), -ENOENT);
	cr_expect_eq(walk_to(&s, "sys/kernel", NULL), -ENOENT);
	serve_end(&s);
}

/* ---- races against others ---------------------------------------------------------------------------------------- */

struct swapper {
	char dir[SCRATCH_MAX];
	atomic_bool stop;
};

/* dir/x is a directory and a symlink to / in turn; dir/y a file and a symlink to /etc/passwd. */
static void *swap(void *arg)
{
	struct swapper *sw = arg;
	int fd = open(sw->dir, O_PATH | O_DIRECTORY);

	while (!sw->stop) {
		renameat2(fd, "x", fd, "x-link", RENAME_EXCHANGE);
		renameat2(fd, "y", fd, "y-link", RENAME_EXCHANGE);
	}
	close(fd);
	return NULL;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_ino;
}

Test(gofer_attack, a_symlink_swapped_in_during_the_walk_is_not_followed, .timeout = 60)
{
	static struct swapper sw;
	struct served s = { 0 };
	struct gofer_name deep[2] = { name_of("x"), name_of("etc") }, file = name_of("y");
	pthread_t thread;
	ino_t inside, outside = inode_of("/etc/passwd");
	int reached = 0, links = 0;

	scratch_make(s.dir);
	strcpy(sw.dir, s.dir);
	mkdir(join(s.dir, "x"), 0755);
	mkdir(join(s.dir, "x/etc"), 0755);
	inside = inode_of(join(s.dir, "x/etc"));
	cr_assert_eq(symlink("/", join(s.dir, "x-link")), 0);
	put_file(join(s.dir, "y"), "inside");
	cr_assert_eq(symlink("/etc/passwd", join(s.dir, "y-link")), 0);
	serve(&s, 0);
	pthread_create(&thread, NULL, swap, &sw);
	for (int i = 0; i < 5000; i++) {
		struct gofer_entry e[2];
		struct gofer_walked w;

		cr_assert_eq(gofer_walk(s.client, s.root, deep, 2, GOFER_WALK_HANDLE_LAST, e, NULL, 0, &w), 0);
		if (w.count == 2)
			cr_assert_eq(e[1].attr.ino, inside);
		reached += w.count == 2;
		links += w.count == 1 && S_ISLNK(e[0].attr.mode);
		gofer_close(s.client, w.count ? e[w.count - 1].handle : 0);
		cr_assert_eq(gofer_walk_open(s.client, s.root, &file, 1, GOFER_OPEN_READ_WRITE, e, NULL, 0, &w), 0);
		if (w.fd >= 0) {
			struct stat st;

			cr_assert_eq(fstat(w.fd, &st), 0);
			cr_assert(st.st_ino != outside && st.st_size == 6);
			close(w.fd);
		}
	}
	sw.stop = true;
	pthread_join(thread, NULL);
	cr_expect(reached > 0 && links > 0, "the race was run: %d walks went through, %d met a link", reached, links);
	serve_end(&s);
}

/*
 * Directories moved out of the root while the sentry holds them: the handle stays that inode, `..` does not exist on
 * the wire.
 */
Test(gofer_attack, a_directory_moved_outside_leads_nowhere_else)
{
	struct served s = { 0 };
	char outside[SCRATCH_MAX];
	struct gofer_attr a;
	int64_t h;

	scratch_make(s.dir);
	scratch_make(outside);
	mkdir(join(s.dir, "d"), 0755);
	put_file(join(s.dir, "d/f"), "x");
	put_file(join(outside, "secret"), "x");
	serve(&s, 0);
	h = walk_to(&s, "d", NULL);
	cr_assert_eq(rename(join(s.dir, "d"), join(outside, "d")), 0);
	cr_expect_eq(gofer_stat(s.client, (uint32_t)h, &a), 0);
	cr_expect_eq(gofer_unlink(s.client, (uint32_t)h, name_of("..")), -EINVAL,
		     "the client library refuses it before the gofer would");
	cr_expect_eq(gofer_unlink(s.client, (uint32_t)h, name_of("secret")), -ENOENT);
	serve_end(&s);
	scratch_remove(outside);
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

Test(gofer_attack, the_process_has_nothing_left_to_give)
{
	struct served s = { 0 };
	char path[64], line[256];
	int checked = 0;
	FILE *f;

#ifdef __SANITIZE_ADDRESS__
	cr_skip("sanitizers need more calls than the lock-down leaves");
#endif
	serve(&s, 0);
	snprintf(path, sizeof(path), "/proc/%d/status", s.pid);
	f = fopen(path, "r");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long long v;

		if (sscanf(line, "CapEff: %llx", &v) == 1 || sscanf(line, "CapPrm: %llx", &v) == 1 ||
		    sscanf(line, "CapInh: %llx", &v) == 1 || sscanf(line, "CapAmb: %llx", &v) == 1) {
			cr_expect_eq(v, 0, "%s", line);
			checked++;
		} else if (sscanf(line, "Seccomp: %llu", &v) == 1) {
			cr_expect_eq(v, 2, "%s", line);
			checked++;
		} else if (sscanf(line, "NoNewPrivs: %llu", &v) == 1) {
			cr_expect_eq(v, 1, "%s", line);
			checked++;
		}
	}
	fclose(f);
	cr_expect_eq(checked, 6);
	serve_end(&s);
}
