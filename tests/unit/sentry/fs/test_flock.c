/* Record locks: splitting, merging, conflicts, and who owns what. fcntl(2). */
#include "fs_world.h"

#include "sentry/fs/flock.h"

static struct world w;
static struct process proc;
static struct file *f;

static void setup(void)
{
	world_init(&w, NULL);
	w.t.proc = &proc;
	for (int i = 0; i < LX_RLIM_NLIMITS; i++)
		proc.limits[i].rlim_cur = LX_RLIM_INFINITY;
	f = open_file(&w, "/f", LX_O_CREAT | LX_O_RDWR);
}

static void teardown(void)
{
	file_put(f);
	world_done(&w);
}

TestSuite(flock, .init = setup, .fini = teardown);

static int64_t set(bool ofd, int type, int64_t from, int64_t to)
{
	struct flock_range r = { .start = from, .end = to, .type = type };

	return flock_set(&w.t, f, ofd, &r, false);
}

Test(flock, an_unlock_in_the_middle_splits_and_relocking_merges)
{
	cr_assert_eq(set(false, LX_F_WRLCK, 0, 99), 0);
	cr_assert_eq(flock_count(f), 1);
	cr_assert_eq(set(false, LX_F_UNLCK, 40, 59), 0);
	cr_assert_eq(flock_count(f), 2);
	cr_assert_eq(set(true, LX_F_WRLCK, 45, 50), 0, "another owner takes the hole");
	cr_assert_eq(set(false, LX_F_WRLCK, 40, 59), -EAGAIN);
	cr_assert_eq(set(true, LX_F_UNLCK, 0, INT64_MAX), 0);
	cr_assert_eq(set(false, LX_F_WRLCK, 40, 59), 0);
	cr_assert_eq(flock_count(f), 1);
	cr_assert_eq(set(false, LX_F_RDLCK, 10, 19), 0);
	cr_assert_eq(flock_count(f), 3);
	cr_assert_eq(set(true, LX_F_RDLCK, 10, 19), 0, "readers share");
	cr_assert_eq(set(true, LX_F_RDLCK, 10, 20), -EAGAIN);
}

Test(flock, get_tells_who_is_in_the_way)
{
	struct flock_range want = { .start = 0, .end = INT64_MAX, .type = LX_F_WRLCK };
	struct lx_flock l = { 0 };

	proc.pid = 77;
	cr_assert_eq(set(false, LX_F_RDLCK, 5, 9), 0);
	cr_assert_eq(flock_get(&w.t, f, true, &want, &l), 0);
	cr_assert_eq(l.l_type, LX_F_RDLCK);
	cr_assert_eq(l.l_start, 5);
	cr_assert_eq(l.l_len, 5);
	cr_assert_eq(l.l_pid, 77);
	cr_assert_eq(flock_get(&w.t, f, false, &want, &l), 0);
	cr_assert_eq(l.l_type, LX_F_UNLCK);
}

Test(flock, closing_any_fd_of_the_file_drops_the_tables_locks)
{
	struct file *other = open_file(&w, "/f", LX_O_RDONLY);

	cr_assert_eq(set(false, LX_F_WRLCK, 0, 9), 0);
	cr_assert_eq(set(true, LX_F_WRLCK, 20, 29), 0);
	file_close(other, w.t.files, &w.t);
	cr_assert_eq(flock_count(f), 1);
}

Test(flock, ranges_relative_to_the_end_and_backwards)
{
	struct lx_flock l = { .l_type = LX_F_WRLCK, .l_whence = LX_SEEK_END, .l_start = -2, .l_len = 0 };
	struct flock_range r;

	cr_assert_eq(put_bytes(&w, f, "0123456789", 0), 10);
	cr_assert_eq(flock_range(f, &l, &r), 0);
	cr_assert_eq(r.start, 8);
	cr_assert_eq(r.end, INT64_MAX);
	l.l_len = -3;
	cr_assert_eq(flock_range(f, &l, &r), 0);
	cr_assert_eq(r.start, 5);
	cr_assert_eq(r.end, 7);
	l.l_start = -20;
	cr_assert_eq(flock_range(f, &l, &r), -EINVAL);
}
