/* Credentials: what follows from changes of ids. */
#include <criterion/criterion.h>

#include "abi/cred.h"
#include "kernel_fixture.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/syscalls/handlers.h"

static struct kernel_fixture f;

static void setup(void)
{
	fixture_setup(&f);
}

TestSuite(kernel_cred, .init = setup);

static int64_t call(syscall_handler *fn, uint64_t a, uint64_t b, uint64_t c)
{
	const struct sysargs args = { .v = { a, b, c } };

	return fn(f.init, &args);
}

Test(kernel_cred, root_gives_all_up)
{
	cr_assert_eq(call(sys_setuid, 1000, 0, 0), 0);
	cr_assert_eq(f.init->cred->suid, 1000);
	cr_assert_eq(f.init->cred->cap_permitted, 0);
	cr_assert_eq(call(sys_setuid, 0, 0, 0), -1 /* EPERM */);
}

Test(kernel_cred, effective_only_comes_back)
{
	cr_assert_eq(call(sys_setresuid, -1ull, 1000, -1ull), 0);
	cr_assert_eq(f.init->cred->cap_effective, 0);
	cr_assert_eq(f.init->cred->cap_permitted, LX_CAP_ALL);
	cr_assert_eq(call(sys_setresuid, -1ull, 0, -1ull), 0);
	cr_assert_eq(f.init->cred->cap_effective, LX_CAP_ALL);
}

Test(kernel_cred, upper_halves_of_ids_do_not_count)
{
	cr_assert_eq(call(sys_setresgid, 0xabc000003e8, -1ull, 0xffffffffull), 0);
	cr_assert_eq(f.init->cred->gid, 1000);
	cr_assert_eq(f.init->cred->egid, 0);
}

Test(kernel_cred, keep_caps_keeps_permitted)
{
	struct cred *c = cred_prepare(f.init);

	c->keep_caps = true;
	cred_commit(f.init, c);
	call(sys_setuid, 1000, 0, 0);
	cr_assert_eq(f.init->cred->cap_permitted, LX_CAP_ALL);
	cr_assert_eq(f.init->cred->cap_effective, 0);
}

Test(kernel_cred, setreuid_saves)
{
	call(sys_setreuid, 1, 2, 0);
	cr_assert_eq(f.init->cred->uid, 1);
	cr_assert_eq(f.init->cred->euid, 2);
	cr_assert_eq(f.init->cred->suid, 2);
	cr_assert_eq(f.init->cred->fsuid, 2);
}

Test(kernel_cred, setfsuid_answers_the_old_one)
{
	cr_assert_eq(call(sys_setfsuid, 5, 0, 0), 0);
	cr_assert_eq(call(sys_setfsuid, -1ull, 0, 0), 5);
	cr_assert_eq(f.init->cred->cap_effective & LX_CAP_MASK(LX_CAP_DAC_OVERRIDE), 0);
}
