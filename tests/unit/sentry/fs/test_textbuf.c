/* Growing text: what it holds, and that a lack of memory is remembered. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/textbuf.h"

Test(textbuf, grows)
{
	struct textbuf b = { 0 };

	for (int i = 0; i < 1000; i++)
		text_printf(&b, "%d,", i % 10);
	cr_expect_eq(b.len, 2000);
	cr_expect_not(b.failed);
	cr_expect_eq(memcmp(b.data + 1996, "8,9,", 4), 0);
	text_free(&b);
}

Test(textbuf, pads_and_escapes)
{
	struct textbuf b = { 0 };

	text_puts(&b, "ab");
	text_pad(&b, 0, 5);
	text_pad(&b, 0, 2);
	text_escaped(&b, "a b\\");
	cr_expect_eq(b.len, 6 + 10);
	cr_expect_eq(memcmp(b.data, "ab    a\\040b\\134", b.len), 0);
	text_free(&b);
}

Test(textbuf, failure_stays)
{
	struct textbuf b = { 0 };

	mem_fail_after(1);
	text_puts(&b, "lost");
	mem_fail_after(0);
	text_puts(&b, "more");
	cr_expect(b.failed);
	cr_expect_eq(b.len, 0);
	text_free(&b);
}
