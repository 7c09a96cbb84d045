/* References: last put says so; a wrong count aborts. */
#include <criterion/criterion.h>
#include <signal.h>

#include "base/ref.h"

Test(ref, the_last_put_says_so)
{
	struct ref r;

	ref_init(&r);
	ref_get(&r);
	cr_assert(ref_get_unless_zero(&r));
	cr_assert_not(ref_put(&r));
	cr_assert_not(ref_put(&r));
	cr_assert(ref_put(&r));
	cr_assert_not(ref_get_unless_zero(&r));
}

Test(ref, underflow_aborts, .signal = SIGABRT)
{
	struct ref r;

	ref_init(&r);
	ref_put(&r);
	ref_put(&r);
}

Test(ref, get_on_zero_aborts, .signal = SIGABRT)
{
	struct ref r;

	ref_init(&r);
	ref_put(&r);
	ref_get(&r);
}
