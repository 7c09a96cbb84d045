/* Allocation: failure on demand, overflow, the count of what is alive. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

Test(mem, the_nth_allocation_fails_and_only_that)
{
	void *a, *b, *c;

	mem_fail_after(2);
	a = mem_alloc(8);
	b = mem_calloc(1, 8);
	c = mem_strdup("x");
	cr_assert(a != NULL);
	cr_assert_null(b);
	cr_assert(c != NULL);
	mem_free(a);
	mem_free(b);
	mem_free(c);
}

Test(mem, a_failed_realloc_leaves_the_block)
{
	char *p = mem_strdup("kept");

	mem_fail_after(1);
	cr_assert_null(mem_realloc(p, 100));
	cr_assert_str_eq(p, "kept");
	mem_free(p);
}

Test(mem, overflow_is_null)
{
	cr_assert_null(mem_calloc(SIZE_MAX / 2, 3));
	cr_assert_null(mem_realloc_array(NULL, SIZE_MAX / 2, 3));
}

Test(mem, live_comes_back_to_the_baseline)
{
	uint64_t before = mem_live();
	char *p = mem_printf("%d-%s", 42, "x"), *q = mem_strndup("abcdef", 3);
	void *r = mem_realloc(NULL, 10);

	cr_assert_str_eq(p, "42-x");
	cr_assert_str_eq(q, "abc");
	cr_assert_eq(mem_live(), before + 3);
	r = mem_realloc(r, 1000);
	cr_assert_eq(mem_live(), before + 3);
	mem_free(p);
	mem_free(q);
	mem_free(r);
	cr_assert_eq(mem_live(), before);
}

Test(mem, zero_bytes_are_not_a_failure)
{
	AUTO_FREE void *p = mem_alloc(0);

	cr_assert(p != NULL);
}
