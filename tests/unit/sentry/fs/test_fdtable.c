/* Fd tables: the lowest number, reservation, growth, close-on-exec. */
#include "fs_world.h"

static struct world w;

static void setup(void)
{
	world_init(&w, NULL);
}

static void teardown(void)
{
	world_done(&w);
}

TestSuite(fdtable, .init = setup, .fini = teardown);

Test(fdtable, lowest_free_number)
{
	struct file *f = open_file(&w, "/", LX_O_RDONLY);

	for (int i = 0; i < 200; i++)
		cr_assert_eq(fd_add(&w.t, file_get(f), i % 2), i);
	file_put(fd_detach(&w.t, 7));
	file_put(fd_detach(&w.t, 3));
	cr_assert_eq(fd_reserve(&w.t, 0), 3);
	cr_assert_null(fd_get(&w.t, 3), "reserved is not open");
	cr_assert_eq(fd_reserve(&w.t, 4), 7);
	cr_assert_eq(fd_reserve(&w.t, 0), 200);
	fd_unreserve(&w.t, 7);
	cr_assert_eq(fd_add(&w.t, file_get(f), false), 7);
	cr_assert_eq(fd_replace(&w.t, 3, file_get(f), false), -EBUSY);
	cr_assert_eq(fd_replace(&w.t, 1000, file_get(f), true), 1000);
	cr_assert_eq(fd_get_cloexec(&w.t, 1000), 1);
	cr_assert_eq(fd_get_cloexec(&w.t, 1001), -EBADF);
	fdtable_close_on_exec(&w.t);
	cr_assert_null(fd_get(&w.t, 1000));
	cr_assert_null(fd_get(&w.t, 1));
	cr_assert_eq(fdtable_next(w.t.files, 3), 4);
	file_put(f);
}

Test(fdtable, a_copy_shares_files_but_not_reservations)
{
	struct file *f = open_file(&w, "/", LX_O_RDONLY);
	struct fdtable *copy;

	cr_assert_eq(fd_add(&w.t, f, true), 0);
	cr_assert_eq(fd_reserve(&w.t, 0), 1);
	copy = fdtable_copy(w.t.files);
	cr_assert_eq(fdtable_next(copy, 0), 0);
	cr_assert_eq(fdtable_next(copy, 1), -1);
	fdtable_put(copy, &w.t);
	f = fd_get(&w.t, 0);
	cr_assert_not_null(f);
	file_put(f);
}
