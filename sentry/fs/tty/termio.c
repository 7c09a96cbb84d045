/* Modes in System V's older form, which has the low halves of the flags and eight characters, and modes that are locked. ioctl_tty(2). */
#include <string.h>

#include "sentry/fs/tty/impl.h"

void termio_give(const struct lx_termios *modes, struct lx_termio *out)
{
	memset(out, 0, sizeof(*out)); /* the padding is seen */
	out->c_iflag = (uint16_t)modes->c_iflag;
	out->c_oflag = (uint16_t)modes->c_oflag;
	out->c_cflag = (uint16_t)modes->c_cflag;
	out->c_lflag = (uint16_t)modes->c_lflag;
	out->c_line = modes->c_line;
	memcpy(out->c_cc, modes->c_cc, sizeof(out->c_cc));
}

static uint32_t low(uint32_t old, uint16_t new)
{
	return (old & 0xffff0000u) | new;
}

void termio_take(const struct lx_termio *in, struct lx_termios *modes)
{
	modes->c_iflag = low(modes->c_iflag, in->c_iflag);
	modes->c_oflag = low(modes->c_oflag, in->c_oflag);
	modes->c_cflag = low(modes->c_cflag, in->c_cflag);
	modes->c_lflag = low(modes->c_lflag, in->c_lflag);
	modes->c_line = in->c_line;
	memcpy(modes->c_cc, in->c_cc, sizeof(in->c_cc));
}

static uint32_t kept(uint32_t new, uint32_t old, uint32_t locked)
{
	return (new & ~locked) | (old & locked);
}

void termios_keep_locked(struct lx_termios *new, const struct lx_termios *old, const struct lx_termios *locked)
{
	new->c_iflag = kept(new->c_iflag, old->c_iflag, locked->c_iflag);
	new->c_oflag = kept(new->c_oflag, old->c_oflag, locked->c_oflag);
	new->c_cflag = kept(new->c_cflag, old->c_cflag, locked->c_cflag);
	new->c_lflag = kept(new->c_lflag, old->c_lflag, locked->c_lflag);
	if (locked->c_line)
		new->c_line = old->c_line;
	for (int i = 0; i < LX_NCCS; i++) {
		if (locked->c_cc[i])
			new->c_cc[i] = old->c_cc[i];
	}
}
