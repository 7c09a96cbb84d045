/* The overlay over a tmpfs that must stay as it was. */
#include "fs_world.h"

#include "sentry/fs/overlay_inode.h"

static struct world below, w;

static void setup(void)
{
	struct path top = { 0 };
	struct super *lower;

	world_init(&below, NULL);
	cr_assert_eq(make(&below, "/dir", DIR_MODE), 0);
	cr_assert_eq(make(&below, "/dir/sub", DIR_MODE), 0);
	write_text(&below, "/dir/file", "lower");
	write_text(&below, "/dir/sub/deep", "deep");
	write_text(&below, "/top", "top");
	mount_ns_root(below.k.mounts, &top);
	lower = top.mount->super;
	path_put(&top);
	world_init(&w, overlay_create(NULL, super_get(lower), 0));
}

static void teardown(void)
{
	world_done(&w);
	cr_assert_str_eq(text_at(&below, "/dir/file"), "lower");
	cr_assert_str_eq(names_in(&below, "/"), "dir top ");
	cr_assert_str_eq(names_in(&below, "/dir"), "sub file ");
	world_done(&below);
}

TestSuite(overlay, .init = setup, .fini = teardown);

Test(overlay, shows_both_and_copies_up_on_write)
{
	struct file *before = open_file(&w, "/dir/file", LX_O_RDONLY);
	uint64_t ino = attr_of(&w, "/dir/file").ino;
	struct file *f = open_file(&w, "/dir/file", LX_O_RDWR);

	cr_assert_eq(put_bytes(&w, f, "UP", 1), 2);
	file_put(f);
	cr_assert_str_eq(text_at(&w, "/dir/file"), "lUPer");
	cr_assert_str_eq(text_of(&w, before), "lUPer", "an fd from before follows");
	file_put(before);
	cr_assert_eq(attr_of(&w, "/dir/file").ino, ino);
	dcache_shrink();
	cr_assert_str_eq(text_at(&w, "/dir/file"), "lUPer", "what was changed stays though no name is cached");
}

Test(overlay, whiteouts)
{
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/dir/file"), 0);
	cr_assert_eq(look(&w, "/dir/file", 0), -ENOENT);
	cr_assert_str_eq(names_in(&w, "/dir"), "sub ");
	write_text(&w, "/dir/file", "new");
	cr_assert_str_eq(text_at(&w, "/dir/file"), "new");
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/dir/file"), 0);
	dcache_shrink();
	cr_assert_eq(look(&w, "/dir/file", 0), -ENOENT, "the lower one does not come back");
}

Test(overlay, a_removed_and_remade_directory_is_empty)
{
	cr_assert_eq(vfs_rmdir(&w.t, LX_AT_FDCWD, "/dir/sub"), -ENOTEMPTY);
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/dir/sub/deep"), 0);
	cr_assert_eq(vfs_rmdir(&w.t, LX_AT_FDCWD, "/dir/sub"), 0);
	cr_assert_eq(make(&w, "/dir/sub", DIR_MODE), 0);
	cr_assert_str_eq(names_in(&w, "/dir/sub"), "");
	dcache_shrink();
	cr_assert_eq(look(&w, "/dir/sub/deep", 0), -ENOENT);
}

Test(overlay, a_lower_directory_moves_with_its_contents)
{
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/dir", LX_AT_FDCWD, "/moved", 0), 0);
	dcache_shrink();
	cr_assert_str_eq(text_at(&w, "/moved/sub/deep"), "deep");
	cr_assert_eq(look(&w, "/dir", 0), -ENOENT);
	cr_assert_str_eq(names_in(&w, "/"), "top moved ");
	write_text(&w, "/moved/sub/more", "more");
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/moved/sub", LX_AT_FDCWD, "/sub", 0), 0);
	dcache_shrink();
	cr_assert_str_eq(names_in(&w, "/sub"), "deep more ");
}

Test(overlay, hard_links_of_a_lower_file_are_one_file)
{
	struct path p = { 0 };
	struct file *f;

	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, "/top", 0, &p), 0);
	cr_assert_eq(vfs_link(&w.t, &p, LX_AT_FDCWD, "/dir/hard"), 0);
	path_put(&p);
	dcache_shrink();
	f = open_file(&w, "/dir/hard", LX_O_WRONLY | LX_O_APPEND);
	cr_assert_eq(put_bytes(&w, f, "+", -1), 1);
	file_put(f);
	dcache_shrink();
	cr_assert_str_eq(text_at(&w, "/top"), "top+");
	cr_assert_eq(attr_of(&w, "/top").nlink, 2);
	cr_assert_eq(vfs_unlink(&w.t, LX_AT_FDCWD, "/top"), 0);
	cr_assert_str_eq(text_at(&w, "/dir/hard"), "top+");
}

Test(overlay, replacing_a_lower_file_and_exchange)
{
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/dir/file", LX_AT_FDCWD, "/top", 0), 0);
	dcache_shrink();
	cr_assert_str_eq(text_at(&w, "/top"), "lower");
	cr_assert_eq(vfs_rename(&w.t, LX_AT_FDCWD, "/top", LX_AT_FDCWD, "/dir/sub", LX_RENAME_EXCHANGE), 0);
	dcache_shrink();
	cr_assert_str_eq(text_at(&w, "/dir/sub"), "lower");
	cr_assert_str_eq(text_at(&w, "/top/deep"), "deep");
}

Test(overlay, attributes_stay_and_the_limit_holds)
{
	struct setattr s = { .valid = ATTR_MODE, .mode = 0600 };
	struct path p = { 0 };

	cr_assert_eq(vfs_walk(&w.t, LX_AT_FDCWD, "/top", 0, &p), 0);
	cr_assert_eq(vfs_setattr(&w.t, &p, &s), 0);
	path_put(&p);
	dcache_shrink();
	cr_assert_eq(attr_of(&w, "/top").mode, LX_S_IFREG | 0600);
	cr_assert_str_eq(text_at(&w, "/top"), "top");
}

/* ---- large files: overlay_lazy.h ---- */

#define BIG (1 << 20)

static void make_big(void)
{
	static char text[4097];
	struct file *f = open_file(&below, "/big", LX_O_CREAT | LX_O_RDWR);

	memset(text, 'l', 4096);
	for (int64_t at = 0; at < BIG; at += 4096)
		cr_assert_eq(put_bytes(&below, f, text, at), 4096);
	file_put(f);
}

/* n bytes at `at` of an open file are exactly this. */
static bool holds(struct file *f, int64_t at, const char *text)
{
	char buf[64] = { 0 };
	struct uio u;

	uio_init_local(&u, buf, strlen(text));
	return file_read(f, &w.t, &u, &at) == (int64_t)strlen(text) && strcmp(buf, text) == 0;
}

static int64_t used(void)
{
	struct path root = { 0 };
	int64_t bytes;

	mount_ns_root(w.k.mounts, &root);
	bytes = container_of(root.mount->super, struct ovl_super, super)->quota.used;
	path_put(&root);
	return bytes;
}

Test(overlay, a_large_file_goes_up_by_pieces)
{
	struct file *f, *before;

	make_big();
	before = open_file(&w, "/big", LX_O_RDONLY);
	f = open_file(&w, "/big", LX_O_RDWR);
	cr_assert_eq(put_bytes(&w, f, "end", BIG), 3);
	cr_assert_lt(used(), 64 << 10, "an append copies nothing: %lld", (long long)used());
	cr_assert(holds(f, BIG - 2, "llend"), "across the end of the lower file");
	cr_assert_eq(put_bytes(&w, f, "XY", (128 << 10) - 1), 2);
	cr_assert_lt(used(), 512 << 10, "two pieces: %lld", (long long)used());
	cr_assert(holds(f, (128 << 10) - 3, "llXYll"));
	cr_assert(holds(before, (128 << 10) - 3, "llXYll"), "an fd from before follows");
	cr_assert(holds(f, (64 << 10) - 2, "llll"), "from the lower file into a piece that was taken");
	cr_assert(holds(f, (192 << 10) - 2, "llll"), "and out of one");
	cr_assert_eq(attr_of(&w, "/big").size, BIG + 3);
	cr_assert_geq(attr_of(&w, "/big").blocks, (uint64_t)BIG / 512);
	file_put(before);
	file_put(f);
	cr_assert_eq(vfs_unlink(&below.t, LX_AT_FDCWD, "/big"), 0);
}

Test(overlay, a_large_file_truncated_and_grown_is_zero_there)
{
	struct file *f;

	make_big();
	f = open_file(&w, "/big", LX_O_RDWR);
	cr_assert_eq(put_bytes(&w, f, "1", 0), 1);
	cr_assert_eq(f->ops->truncate(f, &w.t, 300001), 0);
	cr_assert_eq(f->ops->truncate(f, &w.t, BIG), 0);
	cr_assert(holds(f, 0, "1l"));
	cr_assert(holds(f, 299999, "ll"));
	cr_assert(!holds(f, 300001, "l"), "not the lower file's byte");
	cr_assert_eq(put_bytes(&w, f, "Z", 300003), 1);
	cr_assert(!holds(f, 300002, "l"));
	cr_assert(holds(f, 300000, "l"));
	cr_assert_eq(f->ops->seek(f, 299000, LX_SEEK_DATA), 299000);
	cr_assert_eq(f->ops->fallocate(f, &w.t, 0, 0, 16), 0, "takes what is left");
	cr_assert(holds(f, 299999, "ll"));
	cr_assert(holds(f, 65536, "ll"));
	file_put(f);
	cr_assert_eq(vfs_unlink(&below.t, LX_AT_FDCWD, "/big"), 0);
}

Test(overlay, truncating_at_open_copies_nothing)
{
	make_big();
	write_text(&w, "/big", "short");
	cr_assert_str_eq(text_at(&w, "/big"), "short");
	cr_assert_lt(used(), 4096);
	cr_assert_eq(vfs_unlink(&below.t, LX_AT_FDCWD, "/big"), 0);
}
