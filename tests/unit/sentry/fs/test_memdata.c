/* Data of files in memory: buffers, memfds, holes, limits, seals. */
#include "fs_world.h"

#include "sentry/fs/memdata.h"

static struct memquota quota;

static int64_t put_at(struct memdata *m, const void *p, uint64_t n, int64_t pos)
{
	struct uio u;

	uio_init_local(&u, (void *)(uintptr_t)p, n);
	return memdata_write(m, &u, &pos, false);
}

static int64_t get_at(struct memdata *m, void *p, uint64_t n, int64_t pos)
{
	struct uio u;

	uio_init_local(&u, p, n);
	return memdata_read(m, &u, &pos);
}

Test(memdata, small_stays_in_a_buffer_and_large_becomes_a_memfd)
{
	struct memdata m;
	char block[4096], back[4096];

	memdata_init(&m, &quota);
	memset(block, 7, sizeof(block));
	cr_assert_eq(put_at(&m, "abc", 3, 0), 3);
	cr_assert_eq(m.fd, -1);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(put_at(&m, block, sizeof(block), 100 + i * 4096), 4096);
	cr_assert_geq(m.fd, 0);
	cr_assert_eq(get_at(&m, back, 4, 0), 4);
	cr_assert_arr_eq(back, "abc\0", 4);
	cr_assert_eq(get_at(&m, back, 4096, 100 + 7 * 4096), 4096);
	cr_assert_eq(back[4095], 7);
	cr_assert_eq(get_at(&m, back, 10, 100 + 8 * 4096), 0);
	memdata_free(&m);
	cr_assert_eq(quota.used, 0);
}

Test(memdata, what_was_cut_off_comes_back_as_zeroes)
{
	for (int big = 0; big < 2; big++) {
		struct memdata m;
		char back[8];

		memdata_init(&m, &quota);
		cr_assert_eq(put_at(&m, "abcdef", 6, 0), 6);
		if (big)
			cr_assert_geq(memdata_fd(&m), 0);
		cr_assert_eq(memdata_resize(&m, 2), 0);
		cr_assert_eq(memdata_resize(&m, 6), 0);
		cr_assert_eq(get_at(&m, back, 8, 0), 6);
		cr_assert_arr_eq(back, "ab\0\0\0\0", 6);
		memdata_free(&m);
	}
}

Test(memdata, holes_cost_nothing)
{
	struct memdata m;
	char back[4];

	memdata_init(&m, &quota);
	cr_assert_eq(memdata_resize(&m, 1 << 30), 0);
	cr_assert_eq(get_at(&m, back, 4, 5000), 4);
	cr_assert_eq(put_at(&m, "x", 1, (1 << 30) - 1), 1);
	cr_assert_leq(quota.used, 65536);
	cr_assert_eq(memdata_seek(&m, 0, LX_SEEK_DATA), (1 << 30) - 4096);
	cr_assert_eq(memdata_seek(&m, 1 << 30, LX_SEEK_DATA), -ENXIO);
	memdata_free(&m);
	cr_assert_eq(quota.used, 0);
}

Test(memdata, the_limit_is_enospc_and_a_short_write_before_it)
{
	struct memquota small = { .limit = 64 << 10 };
	struct memdata m;
	static char block[256 << 10];
	int64_t n;

	memdata_init(&m, &small);
	n = put_at(&m, block, sizeof(block), 0);
	cr_assert_gt(n, 0);
	cr_assert_leq(n, 64 << 10);
	while ((n = put_at(&m, block, 8192, m.size)) > 0)
		;
	cr_assert_eq(n, -ENOSPC);
	cr_assert_leq(small.used, 64 << 10);
	cr_assert_eq(memdata_resize(&m, 0), 0);
	cr_assert_gt(put_at(&m, block, 8192, 0), 0);
	memdata_free(&m);
	cr_assert_eq(small.used, 0);
}

Test(memdata, seals)
{
	struct memdata m;

	memdata_init(&m, &quota);
	cr_assert_eq(put_at(&m, "abcd", 4, 0), 4);
	cr_assert_eq(memdata_add_seals(&m, LX_F_SEAL_GROW | LX_F_SEAL_SHRINK), 0);
	cr_assert_eq(memdata_resize(&m, 3), -EPERM);
	cr_assert_eq(memdata_resize(&m, 5), -EPERM);
	cr_assert_eq(put_at(&m, "xy", 2, 3), 1);
	cr_assert_eq(put_at(&m, "xy", 2, 4), -EPERM);
	cr_assert_eq(memdata_add_seals(&m, LX_F_SEAL_WRITE | LX_F_SEAL_SEAL), 0);
	cr_assert_eq(put_at(&m, "x", 1, 0), -EPERM);
	cr_assert_eq(memdata_add_seals(&m, LX_F_SEAL_SEAL), -EPERM);
	memdata_free(&m);
}
