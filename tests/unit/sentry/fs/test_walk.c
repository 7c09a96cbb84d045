/* Path resolution over tmpfs. path_resolution(7), openat2(2). */
#include "fs_world.h"

static struct world w;

static void setup(void)
{
	world_init(&w, NULL);
	cr_assert_eq(make(&w, "/d", DIR_MODE), 0);
	cr_assert_eq(make(&w, "/d/e", DIR_MODE), 0);
	cr_assert_eq(make(&w, "/d/e/f", FILE_MODE), 0);
}

static void teardown(void)
{
	world_done(&w);
}

TestSuite(walk, .init = setup, .fini = teardown);

Test(walk, names_and_what_is_wrong_with_them)
{
	char longest[300];

	cr_assert_eq(look(&w, "/d/e/f", 0), 0);
	cr_assert_eq(look(&w, "//d/./e/../e//f", 0), 0);
	cr_assert_eq(look(&w, "/../../d", 0), 0);
	cr_assert_eq(look(&w, "", 0), -ENOENT);
	cr_assert_eq(look(&w, "/d/x", 0), -ENOENT);
	cr_assert_eq(look(&w, "/d/x/y", 0), -ENOENT);
	cr_assert_eq(look(&w, "/d/e/f/", 0), -ENOTDIR);
	cr_assert_eq(look(&w, "/d/e/f/g", 0), -ENOTDIR);
	cr_assert_eq(look(&w, "/d/e/f/..", 0), -ENOTDIR);
	cr_assert_eq(look(&w, "/d/e/f", WALK_DIRECTORY), -ENOTDIR);
	memset(longest, 'a', sizeof(longest));
	longest[256] = 0;
	cr_assert_eq(look(&w, longest, 0), -ENAMETOOLONG);
	longest[255] = 0;
	cr_assert_eq(look(&w, longest, 0), -ENOENT);
}

Test(walk, links)
{
	cr_assert_eq(make_link(&w, "/d/up", "../d/e"), 0);
	cr_assert_eq(make_link(&w, "/abs", "/d/up/f"), 0);
	cr_assert_eq(make_link(&w, "/loop", "loop"), 0);
	cr_assert_eq(make_link(&w, "/gone", "nothing"), 0);
	cr_assert_eq(look(&w, "/d/up/f", 0), 0);
	cr_assert_eq(look(&w, "/d/up/", WALK_NOFOLLOW), 0, "a slash follows");
	cr_assert_eq(look(&w, "/abs", 0), 0);
	cr_assert_eq(look(&w, "/abs/", 0), -ENOTDIR);
	cr_assert_eq(look(&w, "/loop", 0), -ELOOP);
	cr_assert_eq(look(&w, "/loop", WALK_NOFOLLOW), 0);
	cr_assert_eq(look(&w, "/gone", 0), -ENOENT);
	cr_assert_eq(look(&w, "/d/up/f", WALK_NO_SYMLINKS), -ELOOP);
}

Test(walk, forty_links_and_no_more)
{
	char name[16], target[16];

	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "/l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		cr_assert_eq(make_link(&w, name, i == 1 ? "d" : target), 0);
	}
	cr_assert_eq(look(&w, "/l40", 0), 0);
	cr_assert_eq(look(&w, "/l41", 0), -ELOOP);
}

Test(walk, confined)
{
	struct file *dir = open_file(&w, "/d", LX_O_RDONLY | LX_O_DIRECTORY);
	int fd = fd_add(&w.t, dir, false);
	struct path p = { 0 };

	cr_assert_eq(make_link(&w, "/d/out", "/d/e"), 0);
	cr_assert_eq(vfs_walk(&w.t, fd, "e/..", WALK_BENEATH, &p), 0);
	path_put(&p);
	cr_assert_eq(vfs_walk(&w.t, fd, "..", WALK_BENEATH, &p), -EXDEV);
	cr_assert_eq(vfs_walk(&w.t, fd, "/d", WALK_BENEATH, &p), -EXDEV);
	cr_assert_eq(vfs_walk(&w.t, fd, "out", WALK_BENEATH, &p), -EXDEV);
	cr_assert_eq(vfs_walk(&w.t, fd, "out", WALK_IN_ROOT, &p), -ENOENT);
	cr_assert_eq(vfs_walk(&w.t, fd, "/../../e/f", WALK_IN_ROOT, &p), 0);
	path_put(&p);
}

Test(walk, mounts_are_crossed_both_ways)
{
	struct path p = { 0 };
	char buf[64];

	world_add_mount(&w, tmpfs_create(NULL, 0, 0755), "/d/e");
	cr_assert_eq(look(&w, "/d/e/f", 0), -ENOENT, "covered");
	cr_assert_eq(make(&w, "/d/e/g", DIR_MODE), 0);
	cr_assert_eq(look(&w, "/d/e/g/../../e/g", 0), 0);
	cr_assert_eq(look(&w, "/d/e", WALK_NO_XDEV), -EXDEV);
	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, "/d/e/g", 0, &p), 0);
	cr_assert_gt(path_name(&w.t, &p, buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "/d/e/g");
	path_put(&p);
	cr_assert_eq(vfs_rmdir(&w.t, LX_AT_FDCWD, "/d/e"), -EBUSY);
}

Test(walk, search_permission)
{
	struct cred *root = w.t.cred;

	w.t.cred = cred_new(1000, 1000, NULL, 0);
	cr_assert_eq(look(&w, "/d/e/f", 0), 0);
	w.t.cred->fsuid = 1000;
	struct path p = { 0 };
	struct setattr s = { .valid = ATTR_MODE, .mode = 0700 };

	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, "/d", 0, &p), 0);
	cr_assert_eq(vfs_setattr(&w.t, &p, &s), -EPERM);
	cr_assert_eq(path_inode(&p)->ops->setattr(path_inode(&p), &s), 0);
	cr_assert_eq(look(&w, "/d/e/f", 0), -EACCES);
	cr_assert_eq(look(&w, "/d", 0), 0);
	path_put(&p);
	cred_put(w.t.cred);
	w.t.cred = root;
}

Test(walk, names_follow_renames_and_say_when_they_are_gone)
{
	struct path p = { 0 };
	char buf[64];

	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, "/d/e/f", 0, &p), 0);
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/d/e", LX_AT_FDCWD, "/moved", 0), 0);
	cr_assert_gt(path_name(&w.t, &p, buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "/moved/f");
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/moved/f"), 0);
	cr_assert_gt(path_name(&w.t, &p, buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "/moved/f (deleted)");
	path_put(&p);
}

Test(walk, a_directory_does_not_go_below_itself)
{
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/d", LX_AT_FDCWD, "/d/e/x", 0), -EINVAL);
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/d/e", LX_AT_FDCWD, "/d", 0), -ENOTEMPTY);
	cr_assert_eq(make(&w, "/other", DIR_MODE), 0);
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/d/e", LX_AT_FDCWD, "/other", LX_RENAME_EXCHANGE), 0);
	cr_assert_eq(look(&w, "/other/f", 0), 0);
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/other", LX_AT_FDCWD, "/d/e", LX_RENAME_NOREPLACE), -EEXIST);
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/other", LX_AT_FDCWD, "/d/e", 0), 0);
	cr_assert_str_eq(names_in(&w, "/"), "d ");
}

Test(walk, many_names_are_evicted_and_found_again)
{
	char name[32];

	for (int i = 0; i < 40000; i++) {
		snprintf(name, sizeof(name), "/d/none%d", i);
		cr_assert_eq(look(&w, name, 0), -ENOENT);
	}
	cr_assert_eq(look(&w, "/d/e/f", 0), 0);
}
