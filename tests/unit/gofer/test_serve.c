/* The gofer and the client library together: what an honest sentry does. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

Test(gofer_serve, walk_and_open)
{
	struct served s = { 0 };
	struct gofer_entry e[4];
	struct gofer_walked w;
	struct gofer_name names[] = { name_of("a"), name_of("b"), name_of("file") };
	char buf[16], link[32];
	int fd;

	scratch_make(s.dir);
	mkdir(join(s.dir, "a"), 0755);
	mkdir(join(s.dir, "a/b"), 0700);
	put_file(join(s.dir, "a/b/file"), "hello");
	cr_assert_eq(symlink("b/file", join(s.dir, "a/link")), 0);
	serve(&s, 0);

	cr_assert_eq(gofer_walk(s.client, s.root, names, 3, GOFER_WALK_HANDLE_ALL, e, NULL, 0, &w), 0);
	cr_expect_eq(w.count, 3);
	cr_expect_eq(w.error, 0);
	cr_expect_eq(e[2].attr.size, 5);
	cr_expect(S_ISDIR(e[1].attr.mode) && (e[1].attr.mode & 07777) == 0700);
	cr_expect(e[0].handle && e[1].handle && e[2].handle);

	fd = gofer_open(s.client, e[2].handle, GOFER_OPEN_READ, NULL);
	cr_assert_geq(fd, 0);
	cr_expect_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(read(fd, buf, sizeof(buf)), 5);
	cr_expect_eq(write(fd, "x", 1), -1);
	close(fd);

	cr_assert_eq(gofer_walk_open(s.client, s.root, names, 3, GOFER_OPEN_READ_WRITE, e, NULL, 0, &w), 0);
	cr_assert_geq(w.fd, 0);
	cr_expect_eq(e[2].handle, 0);
	cr_expect_eq(write(w.fd, "HELLO", 5), 5);
	close(w.fd);

	names[1] = name_of("link");
	cr_assert_eq(gofer_walk(s.client, s.root, names, 3, GOFER_WALK_HANDLE_LAST, e, link, sizeof(link), &w), 0);
	cr_expect_eq(w.count, 2);
	cr_expect_eq(w.link_len, 6);
	cr_expect(memcmp(link, "b/file", 6) == 0);
	cr_expect_eq(gofer_readlink(s.client, e[1].handle, link, 3), 3);

	names[1] = name_of("nothing");
	cr_assert_eq(gofer_walk(s.client, s.root, names, 3, GOFER_WALK_HANDLE_LAST, e, NULL, 0, &w), 0);
	cr_expect_eq(w.count, 1);
	cr_expect_eq(w.error, -ENOENT);
	cr_expect(e[0].handle);
	serve_end(&s);
}

Test(gofer_serve, an_answer_without_handle_follows_nothing)
{
	struct served s = { 0 };
	struct gofer_entry e;
	struct gofer_walked w;
	struct gofer_name n = name_of("link");
	char link[16];

	scratch_make(s.dir);
	cr_assert_eq(symlink("/etc", join(s.dir, "link")), 0);
	serve(&s, 0);
	cr_assert_eq(gofer_walk(s.client, s.root, &n, 1, 0, &e, link, sizeof(link), &w), 0);
	cr_expect(S_ISLNK(e.attr.mode) && e.handle == 0);
	cr_expect_eq(w.link_len, 4);
	serve_end(&s);
}

Test(gofer_serve, make_change_remove)
{
	struct served s = { 0 };
	struct gofer_entry dir, file, e;
	struct gofer_attr a;
	struct gofer_setattr set = { .set = GOFER_SET_MODE | GOFER_SET_SIZE | GOFER_SET_MTIME,
				     .mode = 0600,
				     .size = 3,
				     .mtime = { .sec = 1000000000, .nsec = 7 } };
	struct gofer_statfs fs;
	struct stat st;
	char buf[64];
	int fd;

	serve(&s, 0);
	cr_assert_eq(gofer_mkdir(s.client, s.root, name_of("d"), 0750, &dir), 0);
	cr_expect_eq(dir.attr.mode, S_IFDIR | 0750);
	fd = gofer_create(s.client, dir.handle, name_of("f"), 0644, GOFER_OPEN_WRITE, &file);
	cr_assert_geq(fd, 0);
	cr_expect_eq(write(fd, "hello", 5), 5);
	cr_expect_eq(read(fd, buf, 1), -1);
	close(fd);
	cr_expect_eq(gofer_create(s.client, dir.handle, name_of("f"), 0644, GOFER_OPEN_WRITE, &e), -EEXIST);
	cr_assert_eq(gofer_setattr(s.client, file.handle, &set, &a), 0);
	cr_expect_eq(a.mode, S_IFREG | 0600);
	cr_expect_eq(a.size, 3);
	cr_expect_eq(a.mtime_sec, 1000000000);
	cr_expect_eq(a.mtime_nsec, 7);
	cr_assert_eq(gofer_link(s.client, file.handle, s.root, name_of("hard"), &a), 0);
	cr_expect_eq(a.nlink, 2);
	cr_assert_eq(gofer_symlink(s.client, s.root, name_of("sym"), "d/f", 3, &e), 0);
	cr_expect(S_ISLNK(e.attr.mode));
	cr_expect_eq(gofer_rename(s.client, s.root, name_of("hard"), dir.handle, name_of("f"), GOFER_RENAME_NOREPLACE),
		     -EEXIST);
	cr_expect_eq(gofer_rename(s.client, s.root, name_of("hard"), dir.handle, name_of("g"), 0), 0);
	cr_expect_eq(gofer_rename(s.client, s.root, name_of("sym"), dir.handle, name_of("g"), GOFER_RENAME_EXCHANGE),
		     0);
	cr_assert_eq(lstat(join(s.dir, "d/g"), &st), 0);
	cr_expect(S_ISLNK(st.st_mode));
	cr_expect_eq(gofer_rmdir(s.client, s.root, name_of("d")), -ENOTEMPTY);
	cr_expect_eq(gofer_unlink(s.client, dir.handle, name_of("f")), 0);
	cr_expect_eq(gofer_unlink(s.client, dir.handle, name_of("f")), -ENOENT);
	cr_expect_eq(gofer_stat(s.client, file.handle, &a), 0, "a handle outlives its name");
	cr_expect_eq(gofer_unlink(s.client, dir.handle, name_of("g")), 0);
	cr_expect_eq(gofer_fsync_dir(s.client, dir.handle), 0);
	cr_expect_eq(gofer_rmdir(s.client, s.root, name_of("d")), 0);
	cr_expect_eq(gofer_statfs(s.client, s.root, &fs), 0);
	cr_expect(fs.bsize > 0 && fs.blocks > 0);
	serve_end(&s);
}

Test(gofer_serve, xattr)
{
	struct served s = { 0 };
	char buf[64];
	int64_t f, n;

	scratch_make(s.dir);
	put_file(join(s.dir, "f"), "");
	serve(&s, 0);
	f = walk_to(&s, "f", NULL);
	cr_assert_gt(f, 0);
	n = gofer_setxattr(s.client, (uint32_t)f, name_of("user.k"), "value", 5, GOFER_XATTR_CREATE);
	if (n == -EOPNOTSUPP)
		cr_skip("no user xattrs on this filesystem");
	cr_assert_eq(n, 0);
	cr_expect_eq(gofer_setxattr(s.client, (uint32_t)f, name_of("user.k"), "value", 5, GOFER_XATTR_CREATE), -EEXIST);
	cr_expect_eq(gofer_getxattr(s.client, (uint32_t)f, name_of("user.k"), buf, sizeof(buf)), 5);
	cr_expect_eq(gofer_getxattr(s.client, (uint32_t)f, name_of("user.k"), buf, 0), 5);
	cr_expect_eq(gofer_getxattr(s.client, (uint32_t)f, name_of("user.k"), buf, 2), -ERANGE);
	cr_expect_eq(gofer_listxattr(s.client, (uint32_t)f, buf, sizeof(buf)), 7);
	cr_expect_str_eq(buf, "user.k");
	cr_expect_eq(gofer_getxattr(s.client, (uint32_t)f, name_of("security.capability"), buf, sizeof(buf)),
		     -EOPNOTSUPP);
	cr_expect_eq(gofer_setxattr(s.client, (uint32_t)f, name_of("trusted.k"), "v", 1, 0), -EOPNOTSUPP);
	cr_expect_eq(gofer_removexattr(s.client, (uint32_t)f, name_of("user.k")), 0);
	cr_expect_eq(gofer_removexattr(s.client, (uint32_t)f, name_of("user.k")), -ENODATA);
	serve_end(&s);
}

Test(gofer_serve, readdir_pages_bring_every_entry_once)
{
	enum { FILES = 1500 };
	static char seen[FILES];
	struct served s = { 0 };
	struct gofer_page page;
	uint64_t cookie = 0;
	int pages = 0, others = 0;

	scratch_make(s.dir);
	for (int i = 0; i < FILES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file-%04d", i);
		put_file(join(s.dir, name), "x");
	}
	serve(&s, 0);
	do {
		const struct gofer_dirent *d;
		uint32_t pos = 0, n = 0;

		cr_assert_eq(gofer_readdir(s.client, s.root, cookie, &page), 0);
		while ((d = gofer_page_next(&page, &pos))) {
			char name[256] = "";
			int i;

			memcpy(name, d->name, d->name_len);
			n++;
			if (sscanf(name, "file-%d", &i) == 1 && i < FILES) {
				seen[i]++;
				cr_expect(S_ISREG(d->attr.mode) && d->attr.size == 1);
			} else {
				others++;
			}
		}
		cr_expect_eq(n, page.count);
		cookie = page.cookie;
		pages += page.count > 0;
		n = page.count;
		gofer_page_free(&page);
		if (n == 0)
			break;
	} while (pages < 100);
	cr_expect_gt(pages, 1);
	cr_expect_eq(others, 0);
	for (int i = 0; i < FILES; i++)
		cr_expect_eq(seen[i], 1, "file-%04d was seen %d times", i, seen[i]);
	serve_end(&s);
}

Test(gofer_serve, handles_are_limited_and_stale_ones_are_noticed)
{
	struct served s = { 0 };
	struct gofer_config cfg;
	struct gofer_entry e;
	struct gofer_walked w;
	uint32_t first;

	gofer_config_init(&cfg);
	cfg.max_handles = 10;
	serve_config(&s, &cfg, true);
	cr_assert_eq(gofer_walk(s.client, s.root, NULL, 0, GOFER_WALK_HANDLE_LAST, &e, NULL, 0, &w), 0);
	first = e.handle;
	for (int i = 0; i < 8; i++)
		cr_assert(gofer_walk(s.client, s.root, NULL, 0, GOFER_WALK_HANDLE_LAST, &e, NULL, 0, &w) == 0 &&
			  e.handle);
	cr_assert_eq(gofer_walk(s.client, s.root, NULL, 0, GOFER_WALK_HANDLE_LAST, &e, NULL, 0, &w), 0);
	cr_expect_eq(w.error, -ENFILE);
	cr_expect_eq(e.handle, 0);
	gofer_close(s.client, first);
	gofer_close_flush(s.client);
	cr_expect_eq(gofer_stat(s.client, first, &e.attr), -EBADF);
	cr_assert_eq(gofer_walk(s.client, s.root, NULL, 0, GOFER_WALK_HANDLE_LAST, &e, NULL, 0, &w), 0);
	cr_expect(e.handle && e.handle != first);
	cr_expect_eq(gofer_stat(s.client, first, &e.attr), -EBADF);
	serve_end(&s);
}

static int lost_calls;

static void on_lost(void *arg)
{
	(void)arg;
	lost_calls++;
}

Test(gofer_serve, a_killed_gofer_is_EIO_and_told_once)
{
	struct served s = { 0 };
	struct gofer_config cfg;
	struct gofer_client_config cc = { .fds = s.channel, .channels = 1, .lost = on_lost };
	struct gofer_entry e;
	uint32_t flags;

	gofer_config_init(&cfg);
	serve_config(&s, &cfg, false);
	s.client = gofer_client_new(&cc);
	cr_assert_eq(gofer_attach(s.client, 0, &e, &flags), 0);
	kill(s.pid, SIGKILL);
	waitpid(s.pid, NULL, 0);
	cr_expect_eq(gofer_stat(s.client, e.handle, &e.attr), -EIO);
	cr_expect_eq(gofer_stat(s.client, e.handle, &e.attr), -EIO);
	cr_expect_eq(lost_calls, 1);
	gofer_client_free(s.client);
	scratch_remove(s.dir);
}

Test(gofer_serve, ends_when_the_runtime_does, .timeout = 10)
{
	struct served s = { 0 };
	struct gofer_config cfg;
	int status;

	gofer_config_init(&cfg);
	serve_config(&s, &cfg, false);
	close(s.lifeline);
	cr_assert_eq(waitpid(s.pid, &status, 0), s.pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	scratch_remove(s.dir);
}
