/*
 * The line discipline, N_TTY: line editing, echo, keys that are signals, output processing. termios(3); Linux: drivers/tty/n_tty.c.
 * Works on the two byte queues of a pair; all under tty->lock.
 */
#include <errno.h>
#include <string.h>

#include "abi/signal.h"
#include "sentry/fs/tty/impl.h"

#define I(tty, bit) ((tty)->modes.t.c_iflag & (bit))
#define O(tty, bit) ((tty)->modes.t.c_oflag & (bit))
#define L(tty, bit) ((tty)->modes.t.c_lflag & (bit))

/* A key is off when its character is NUL. */
static bool is_key(const struct tty *tty, unsigned char c, int key)
{
	return c && c == tty->modes.t.c_cc[key];
}

/* --- output ------------------------------------------------------------------------------------------------------------- */

uint32_t tty_out_used(const struct tty *tty)
{
	return tty->out->tail - tty->out->head;
}

void ldisc_send(struct tty *tty, char c)
{
	struct tty_output *o = tty->out;

	if (tty_out_used(tty) < TTY_OUT_SIZE)
		o->data[o->tail++ % TTY_OUT_SIZE] = c;
}

static void out_tab(struct tty *tty)
{
	uint32_t spaces = 8 - tty->out->column % 8;

	tty->out->column += spaces;
	if (!O(tty, LX_XTABS)) {
		ldisc_send(tty, '\t');
		return;
	}
	while (spaces--)
		ldisc_send(tty, ' ');
}

static void out_newline(struct tty *tty)
{
	if (O(tty, LX_ONLRET))
		tty->out->column = 0;
	if (O(tty, LX_ONLCR)) {
		tty->out->column = 0;
		ldisc_send(tty, '\r');
	}
	ldisc_send(tty, '\n');
}

static void out_return(struct tty *tty)
{
	if (O(tty, LX_ONOCR) && tty->out->column == 0)
		return;
	if (O(tty, LX_OCRNL)) {
		out_newline(tty);
		return;
	}
	tty->out->column = 0;
	ldisc_send(tty, '\r');
}

/* One character with output processing. Bytes that continue a UTF-8 character take no column. */
static void out_char(struct tty *tty, char ch)
{
	unsigned char c = (unsigned char)ch;

	if (!O(tty, LX_OPOST)) {
		ldisc_send(tty, ch);
		return;
	}
	switch (c) {
	case '\n':
		out_newline(tty);
		return;
	case '\r':
		out_return(tty);
		return;
	case '\t':
		out_tab(tty);
		return;
	case '\b':
		tty->out->column -= tty->out->column > 0;
		break;
	default:
		if (c >= ' ' && c != 0x7f && !(I(tty, LX_IUTF8) && (c & 0xc0) == 0x80))
			tty->out->column++;
		if (O(tty, LX_OLCUC) && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
	}
	ldisc_send(tty, (char)c);
}

/* Room for a character that becomes a tab's eight. */
static bool out_has_room(const struct tty *tty)
{
	return tty_out_used(tty) + 8 <= TTY_OUT_ROOM;
}

uint32_t ldisc_output(struct tty *tty, const char *bytes, uint32_t n)
{
	uint32_t done = 0;

	if (tty->stopped)
		return 0;
	while (done < n && out_has_room(tty))
		out_char(tty, bytes[done++]);
	return done;
}

/* --- echo ------------------------------------------------------------------------------------------------------------------- */

static bool shown_as_control(const struct tty *tty, unsigned char c)
{
	return L(tty, LX_ECHOCTL) && (c < ' ' || c == 0x7f) && c != '\t' && c != '\n';
}

static void echo(struct tty *tty, unsigned char c)
{
	if (!shown_as_control(tty, c)) {
		out_char(tty, (char)c);
		return;
	}
	out_char(tty, '^');
	out_char(tty, (char)(c ^ 0x40));
}

static void erase_columns(struct tty *tty, uint32_t n)
{
	while (n--) {
		out_char(tty, '\b');
		out_char(tty, ' ');
		out_char(tty, '\b');
	}
}

/* --- the line being typed --------------------------------------------------------------------------------------------------------- */

static unsigned char byte_at(const struct tty_input *in, uint32_t pos)
{
	return (unsigned char)in->data[pos % TTY_IN_SIZE];
}

static bool ends_at(const struct tty_input *in, uint32_t pos)
{
	return in->ends[pos % TTY_IN_SIZE / 64] >> (pos % 64) & 1;
}

static void mark_end(struct tty_input *in, uint32_t pos, bool on)
{
	uint64_t bit = 1ull << (pos % 64);

	if (on)
		in->ends[pos % TTY_IN_SIZE / 64] |= bit;
	else
		in->ends[pos % TTY_IN_SIZE / 64] &= ~bit;
}

static void put(struct tty_input *in, unsigned char c, bool end)
{
	if (in->tail - in->head >= TTY_IN_SIZE)
		return;
	in->data[in->tail % TTY_IN_SIZE] = (char)c;
	mark_end(in, in->tail, end);
	in->tail++;
	if (end)
		in->canon = in->tail;
}

/* The terminal's column after the line's characters up to `end`. */
static uint32_t column_at(const struct tty *tty, uint32_t end)
{
	uint32_t column = tty->in->line_column;

	for (uint32_t i = tty->in->canon; i != end; i++) {
		unsigned char c = byte_at(tty->in, i);

		if (c == '\t')
			column += 8 - column % 8;
		else if (shown_as_control(tty, c))
			column += 2;
		else if (c >= ' ' && c != 0x7f && !(I(tty, LX_IUTF8) && (c & 0xc0) == 0x80))
			column++;
	}
	return column;
}

/* Takes the last character (all of its bytes) off the line. */
static void erase_one(struct tty *tty, bool show)
{
	struct tty_input *in = tty->in;
	uint32_t before = column_at(tty, in->tail);
	unsigned char c;

	do
		c = byte_at(in, --in->tail);
	while (in->tail != in->canon && I(tty, LX_IUTF8) && (c & 0xc0) == 0x80);
	if (!show)
		return;
	if (L(tty, LX_ECHOE))
		erase_columns(tty, before - column_at(tty, in->tail));
	else
		echo(tty, tty->modes.t.c_cc[LX_VERASE]);
}

static bool is_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static void erase_word(struct tty *tty)
{
	struct tty_input *in = tty->in;
	bool show = L(tty, LX_ECHO);

	while (in->tail != in->canon && !is_word(byte_at(in, in->tail - 1)))
		erase_one(tty, show);
	while (in->tail != in->canon && is_word(byte_at(in, in->tail - 1)))
		erase_one(tty, show);
}

static void erase_line(struct tty *tty)
{
	struct tty_input *in = tty->in;
	bool visibly = L(tty, LX_ECHO) && L(tty, LX_ECHOK) && L(tty, LX_ECHOKE) && L(tty, LX_ECHOE);

	if (L(tty, LX_ECHO) && !visibly) {
		echo(tty, tty->modes.t.c_cc[LX_VKILL]);
		if (L(tty, LX_ECHOK))
			out_char(tty, '\n');
	}
	while (in->tail != in->canon)
		erase_one(tty, visibly);
}

static void reprint(struct tty *tty)
{
	echo(tty, tty->modes.t.c_cc[LX_VREPRINT]);
	out_char(tty, '\n');
	for (uint32_t i = tty->in->canon; i != tty->in->tail; i++)
		echo(tty, byte_at(tty->in, i));
}

/* --- input ------------------------------------------------------------------------------------------------------------------- */

static int signal_of(const struct tty *tty, unsigned char c)
{
	if (!L(tty, LX_ISIG))
		return 0;
	if (is_key(tty, c, LX_VINTR))
		return LX_SIGINT;
	if (is_key(tty, c, LX_VQUIT))
		return LX_SIGQUIT;
	return is_key(tty, c, LX_VSUSP) ? LX_SIGTSTP : 0;
}

static void signal_key(struct tty *tty, unsigned char c)
{
	if (!L(tty, LX_NOFLSH)) {
		ldisc_flush_input(tty);
		ldisc_flush_output(tty);
	}
	if (I(tty, LX_IXON))
		tty->stopped = false;
	if (L(tty, LX_ECHO))
		echo(tty, c);
}

/* ^S and ^Q. True when that is all that the byte means. */
static bool flow_key(struct tty *tty, unsigned char c)
{
	if (!I(tty, LX_IXON))
		return false;
	if (is_key(tty, c, LX_VSTART)) {
		tty->stopped = false;
		return true;
	}
	if (is_key(tty, c, LX_VSTOP)) {
		tty->stopped = true;
		return true;
	}
	if (tty->stopped && I(tty, LX_IXANY))
		tty->stopped = false;
	return false;
}

/* Editing keys. True when that is all that the byte means. */
static bool edit_key(struct tty *tty, unsigned char c)
{
	struct tty_input *in = tty->in;
	bool extended = L(tty, LX_IEXTEN);

	if (is_key(tty, c, LX_VERASE)) {
		if (in->tail != in->canon)
			erase_one(tty, L(tty, LX_ECHO));
	} else if (is_key(tty, c, LX_VKILL)) {
		erase_line(tty);
	} else if (extended && is_key(tty, c, LX_VWERASE)) {
		erase_word(tty);
	} else if (extended && is_key(tty, c, LX_VLNEXT)) {
		in->literal = true;
		if (L(tty, LX_ECHO) && L(tty, LX_ECHOCTL)) {
			out_char(tty, '^');
			out_char(tty, '\b');
		}
	} else if (extended && L(tty, LX_ECHO) && is_key(tty, c, LX_VREPRINT)) {
		reprint(tty);
	} else {
		return false;
	}
	return true;
}

/* Ends of lines. True when the byte was one. */
static bool end_key(struct tty *tty, unsigned char c)
{
	bool eol = is_key(tty, c, LX_VEOL) || (L(tty, LX_IEXTEN) && is_key(tty, c, LX_VEOL2));

	if (is_key(tty, c, LX_VEOF)) {
		put(tty->in, 0, true);
		return true;
	}
	if (c != '\n' && !eol)
		return false;
	if (L(tty, LX_ECHO))
		echo(tty, c);
	else if (c == '\n' && L(tty, LX_ECHONL))
		out_char(tty, '\n');
	put(tty->in, c, true);
	return true;
}

static void plain(struct tty *tty, unsigned char c)
{
	struct tty_input *in = tty->in;

	/* The last place is kept for the line's end. */
	if (L(tty, LX_ICANON) && in->tail - in->head >= TTY_IN_SIZE - 1)
		return;
	if (L(tty, LX_ECHO)) {
		if (in->tail == in->canon)
			in->line_column = tty->out->column;
		echo(tty, c);
	}
	put(in, c, false);
}

/* Bits and case of what comes in. */
static void translate(const struct tty *tty, unsigned char *c)
{
	if (I(tty, LX_ISTRIP))
		*c &= 0x7f;
	if (I(tty, LX_IUCLC) && L(tty, LX_IEXTEN) && *c >= 'A' && *c <= 'Z')
		*c += 'a' - 'A';
}

/* False: nothing is left of it. */
static bool newlines(const struct tty *tty, unsigned char *c)
{
	if (*c == '\r') {
		if (I(tty, LX_IGNCR))
			return false;
		if (I(tty, LX_ICRNL))
			*c = '\n';
	} else if (*c == '\n' && I(tty, LX_INLCR)) {
		*c = '\r';
	}
	return true;
}

static void input_char(struct tty *tty, unsigned char c)
{
	if (tty->in->literal) {
		tty->in->literal = false;
		plain(tty, c);
		return;
	}
	if (flow_key(tty, c) || !newlines(tty, &c))
		return;
	if (L(tty, LX_ICANON) && (edit_key(tty, c) || end_key(tty, c)))
		return;
	plain(tty, c);
}

/* A line that is too long goes on to be edited; what is complete has to be read before more is taken. */
uint32_t ldisc_room(const struct tty *tty)
{
	const struct tty_input *in = tty->in;
	uint32_t left = TTY_IN_SIZE - (in->tail - in->head);

	if (L(tty, LX_ICANON) && in->canon == in->head)
		return left > 1 ? left : 1;
	return left > 1 ? left - 1 : 0;
}

uint32_t ldisc_input(struct tty *tty, const char *bytes, uint32_t n, int *signo)
{
	uint32_t done = 0;

	*signo = 0;
	while (done < n && ldisc_room(tty)) {
		unsigned char c = (unsigned char)bytes[done++];

		translate(tty, &c);
		*signo = tty->in->literal ? 0 : signal_of(tty, c);
		if (*signo) {
			signal_key(tty, c);
			break;
		}
		input_char(tty, c);
	}
	return done;
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

uint32_t ldisc_waiting(const struct tty *tty)
{
	const struct tty_input *in = tty->in;

	return (L(tty, LX_ICANON) ? in->canon : in->tail) - in->head;
}

bool ldisc_readable(const struct tty *tty, uint32_t n)
{
	const uint8_t *cc = tty->modes.t.c_cc;
	uint32_t want = 1;

	if (!L(tty, LX_ICANON) && cc[LX_VTIME] == 0 && cc[LX_VMIN] > 1)
		want = cc[LX_VMIN] < n ? cc[LX_VMIN] : n;
	return ldisc_waiting(tty) >= want;
}

static int64_t read_line(struct tty_input *in, char *buf, uint32_t n)
{
	uint32_t done = 0;

	while (done < n && in->head != in->canon) {
		bool end = ends_at(in, in->head);
		unsigned char c = byte_at(in, in->head);

		mark_end(in, in->head, false);
		in->head++;
		if (end && c == 0)
			return done;
		buf[done++] = (char)c;
		if (end)
			return done;
	}
	/* An end of file right after what fills the buffer belongs to this read. */
	if (in->head != in->canon && ends_at(in, in->head) && byte_at(in, in->head) == 0) {
		mark_end(in, in->head, false);
		in->head++;
	}
	return done;
}

int64_t ldisc_read(struct tty *tty, char *buf, uint32_t n)
{
	struct tty_input *in = tty->in;
	uint32_t done = 0;

	if (!ldisc_readable(tty, n))
		return -EAGAIN;
	if (L(tty, LX_ICANON))
		return read_line(in, buf, n);
	while (done < n && in->head != in->tail) {
		mark_end(in, in->head, false);
		buf[done++] = in->data[in->head++ % TTY_IN_SIZE];
	}
	if (in->canon - in->head > TTY_IN_SIZE)
		in->canon = in->head;
	return done;
}

/* --- changes ---------------------------------------------------------------------------------------------------------------------- */

void ldisc_flush_input(struct tty *tty)
{
	struct tty_input *in = tty->in;

	memset(in->ends, 0, sizeof(in->ends));
	in->head = in->canon = in->tail;
	in->literal = false;
	if (tty->packet)
		tty->packet_status |= 1; /* TIOCPKT_FLUSHREAD */
}

void ldisc_flush_output(struct tty *tty)
{
	tty->out->head = tty->out->tail;
	if (tty->packet)
		tty->packet_status |= 2; /* TIOCPKT_FLUSHWRITE */
}

void ldisc_set_modes(struct tty *tty, const struct lx_termios2 *modes)
{
	struct tty_input *in = tty->in;
	uint32_t changed = (tty->modes.t.c_lflag ^ modes->t.c_lflag) & LX_ICANON;

	tty->modes = *modes;
	if (!changed)
		return;
	/* What was typed under the other rules can be read at once: as a line without an end, or as bytes. */
	memset(in->ends, 0, sizeof(in->ends));
	in->canon = in->tail;
	in->literal = false;
	if (!(modes->t.c_lflag & LX_ICANON))
		in->canon = in->head;
}
