/* The line discipline on a pair without files: what is typed, what is read, what is echoed. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "abi/signal.h"
#include "base/mem.h"
#include "sentry/fs/tty/impl.h"

static struct tty tty;
static char shown[TTY_OUT_SIZE + 1];

static void setup(void)
{
	memset(&tty, 0, sizeof(tty));
	lock_init(&tty.lock, RANK_PIPE, "tty");
	tty.in = mem_zalloc(sizeof(*tty.in));
	tty.out = mem_zalloc(sizeof(*tty.out));
	tty.modes = tty_default_modes;
}

static void teardown(void)
{
	mem_free(tty.in);
	mem_free(tty.out);
}

TestSuite(ldisc, .init = setup, .fini = teardown);

static int type(const char *keys)
{
	int signo;

	cr_expect_eq(ldisc_input(&tty, keys, (uint32_t)strlen(keys), &signo), strlen(keys));
	return signo;
}

/* What the master would read now. */
static const char *echoed(void)
{
	size_t n = 0;

	while (tty.out->head != tty.out->tail)
		shown[n++] = tty.out->data[tty.out->head++ % TTY_OUT_SIZE];
	shown[n] = 0;
	return shown;
}

static void expect_line(const char *want)
{
	char buf[TTY_IN_SIZE];
	int64_t n = ldisc_read(&tty, buf, sizeof(buf));

	cr_assert_eq(n, (int64_t)strlen(want), "read %lld", (long long)n);
	cr_expect_eq(memcmp(buf, want, strlen(want)), 0);
}

static void expect_nothing(void)
{
	char c;

	cr_expect_eq(ldisc_read(&tty, &c, 1), -EAGAIN);
}

static void set_bits(uint32_t clear_l, uint32_t set_i)
{
	struct lx_termios2 modes = tty.modes;

	modes.t.c_lflag &= ~clear_l;
	modes.t.c_iflag |= set_i;
	ldisc_set_modes(&tty, &modes);
}

Test(ldisc, a_line_is_read_when_it_ends)
{
	type("abc");
	expect_nothing();
	type("\r");
	cr_expect_str_eq(echoed(), "abc\r\n");
	expect_line("abc\n");
	expect_nothing();
}

Test(ldisc, erase_takes_back_what_the_screen_shows)
{
	type("a\x01\x7f");
	cr_expect_str_eq(echoed(), "a^A\b \b\b \b", "a control character takes two columns");
	type("\tb\x7f\x7f");
	cr_expect_str_eq(echoed(), "\tb\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \b", "a tab as many as it took");
	type("\n");
	expect_line("a\n");
}

Test(ldisc, erase_takes_whole_utf8_characters)
{
	set_bits(0, LX_IUTF8);
	type("x\xc3\xa4\x7f\n");
	expect_line("x\n");
	cr_expect_str_eq(echoed(), "x\xc3\xa4\b \b\r\n");
}

Test(ldisc, words_and_lines_go)
{
	type("one two  \x17\n");
	expect_line("one \n");
	type("all of it\x15kept\n");
	expect_line("kept\n");
	type("\x7f\x15\x17\n");
	expect_line("\n");
}

Test(ldisc, literal_next)
{
	cr_expect_eq(type("\x16\x03\x16\x04\n"), 0, "quoted keys mean nothing");
	expect_line("\x03\x04\n");
}

Test(ldisc, end_of_file)
{
	char c[8];

	type("ab\x04");
	expect_line("ab");
	type("\x04");
	cr_expect_eq(ldisc_read(&tty, c, 8), 0);
	type("xy\x04");
	cr_expect_eq(ldisc_read(&tty, c, 2), 2, "exactly full");
	expect_nothing();
}

Test(ldisc, signal_keys_flush_what_was_typed)
{
	int signo;

	cr_expect_eq(ldisc_input(&tty, "ab\x03" "cd\n", 6, &signo), 3, "stops after the key");
	cr_expect_eq(signo, LX_SIGINT);
	type("cd\n");
	expect_line("cd\n");
	cr_expect_eq(type("\x1c"), LX_SIGQUIT);
	cr_expect_eq(type("\x1a"), LX_SIGTSTP);
	set_bits(LX_ISIG, 0);
	cr_expect_eq(type("\x03\n"), 0);
	expect_line("\x03\n");
}

Test(ldisc, flow_control)
{
	type("\x13");
	cr_expect_eq(ldisc_output(&tty, "x", 1), 0, "stopped");
	type("\x11");
	cr_expect_eq(ldisc_output(&tty, "x", 1), 1);
	cr_expect_str_eq(echoed(), "x");
}

Test(ldisc, raw_wants_vmin_bytes)
{
	struct lx_termios2 modes = tty.modes;

	modes.t.c_lflag &= ~(LX_ICANON | LX_ECHO | LX_ISIG);
	modes.t.c_cc[LX_VMIN] = 3;
	ldisc_set_modes(&tty, &modes);
	type("ab");
	cr_expect_not(ldisc_readable(&tty, 8));
	cr_expect(ldisc_readable(&tty, 2), "a short read gets what it asks for");
	type("\x03");
	expect_line("ab\x03");
}

Test(ldisc, modes_change_under_a_line)
{
	type("part");
	set_bits(LX_ICANON, 0);
	expect_line("part");
	type("more");
	tty.modes.t.c_lflag &= ~LX_ICANON;
	ldisc_set_modes(&tty, &tty_default_modes);
	expect_line("more");
	type("x\n");
	expect_line("x\n");
}

Test(ldisc, a_line_that_is_too_long_keeps_its_end)
{
	char buf[TTY_IN_SIZE];
	int64_t n;

	for (int i = 0; i < 5000; i++) {
		type("a");
		echoed();
	}
	type("\n");
	n = ldisc_read(&tty, buf, sizeof(buf));
	cr_expect_eq(n, TTY_IN_SIZE);
	cr_expect_eq(buf[n - 1], '\n');
	expect_nothing();
	type("next\n");
	expect_line("next\n");
}

Test(ldisc, a_full_queue_of_lines_takes_no_more)
{
	int signo;
	char line[64];
	uint32_t took = 64, total = 0;

	memset(line, 'l', 63);
	line[63] = '\n';
	while (took == 64) {
		took = ldisc_input(&tty, line, 64, &signo);
		total += took;
		echoed();
	}
	cr_expect(total < TTY_IN_SIZE);
	cr_expect_eq(ldisc_room(&tty), 0);
	expect_line("lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll\n");
	cr_expect_gt(ldisc_room(&tty), 0);
}

Test(ldisc, output_waits_for_room)
{
	static char text[TTY_OUT_SIZE];

	memset(text, '\n', sizeof(text));
	cr_expect_lt(ldisc_output(&tty, text, sizeof(text)), sizeof(text));
	cr_expect_leq(tty_out_used(&tty), TTY_OUT_ROOM);
	type("e");
	cr_expect(strchr(echoed(), 'e'), "there is room for echo still");
}
