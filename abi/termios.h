/* Terminals: the kernel's struct termios (36 bytes, not libc's 60), mode bits, window size. */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H

#include <stdint.h>

#define LX_NCCS 19
struct lx_termios {
	uint32_t c_iflag;
	uint32_t c_oflag;
	uint32_t c_cflag;
	uint32_t c_lflag;
	uint8_t c_line;
	uint8_t c_cc[LX_NCCS];
};
_Static_assert(sizeof(struct lx_termios) == 36, "struct termios");
struct lx_termios2 {
	struct lx_termios t;
	uint32_t c_ispeed;
	uint32_t c_ospeed;
};
_Static_assert(sizeof(struct lx_termios2) == 44, "struct termios2");
#define LX_NCC 8
struct lx_termio {
	uint16_t c_iflag;
	uint16_t c_oflag;
	uint16_t c_cflag;
	uint16_t c_lflag;
	uint8_t c_line;
	uint8_t c_cc[LX_NCC];
};
_Static_assert(sizeof(struct lx_termio) == 18, "struct termio");
struct lx_winsize {
	uint16_t ws_row;
	uint16_t ws_col;
	uint16_t ws_xpixel;
	uint16_t ws_ypixel;
};
_Static_assert(sizeof(struct lx_winsize) == 8, "struct winsize");

/* c_cc */
#define LX_VINTR 0
#define LX_VQUIT 1
#define LX_VERASE 2
#define LX_VKILL 3
#define LX_VEOF 4
#define LX_VTIME 5
#define LX_VMIN 6
#define LX_VSWTC 7
#define LX_VSTART 8
#define LX_VSTOP 9
#define LX_VSUSP 10
#define LX_VEOL 11
#define LX_VREPRINT 12
#define LX_VDISCARD 13
#define LX_VWERASE 14
#define LX_VLNEXT 15
#define LX_VEOL2 16

/* c_iflag */
#define LX_IGNBRK 0x0001u
#define LX_BRKINT 0x0002u
#define LX_IGNPAR 0x0004u
#define LX_PARMRK 0x0008u
#define LX_INPCK 0x0010u
#define LX_ISTRIP 0x0020u
#define LX_INLCR 0x0040u
#define LX_IGNCR 0x0080u
#define LX_ICRNL 0x0100u
#define LX_IUCLC 0x0200u
#define LX_IXON 0x0400u
#define LX_IXANY 0x0800u
#define LX_IXOFF 0x1000u
#define LX_IMAXBEL 0x2000u
#define LX_IUTF8 0x4000u

/* c_oflag */
#define LX_OPOST 0x01u
#define LX_OLCUC 0x02u
#define LX_ONLCR 0x04u
#define LX_OCRNL 0x08u
#define LX_ONOCR 0x10u
#define LX_ONLRET 0x20u
#define LX_OFILL 0x40u
#define LX_OFDEL 0x80u
#define LX_TABDLY 0x1800u
#define LX_XTABS 0x1800u

/* c_cflag */
#define LX_B0 0x00u
#define LX_B9600 0x0du
#define LX_B38400 0x0fu
#define LX_B115200 0x1002u
#define LX_CSIZE 0x30u
#define LX_CS8 0x30u
#define LX_CSTOPB 0x40u
#define LX_CREAD 0x80u
#define LX_PARENB 0x100u
#define LX_HUPCL 0x400u
#define LX_CLOCAL 0x800u
#define LX_CBAUD 0x100fu

/* c_lflag */
#define LX_ISIG 0x0001u
#define LX_ICANON 0x0002u
#define LX_XCASE 0x0004u
#define LX_ECHO 0x0008u
#define LX_ECHOE 0x0010u
#define LX_ECHOK 0x0020u
#define LX_ECHONL 0x0040u
#define LX_NOFLSH 0x0080u
#define LX_TOSTOP 0x0100u
#define LX_ECHOCTL 0x0200u
#define LX_ECHOPRT 0x0400u
#define LX_ECHOKE 0x0800u
#define LX_FLUSHO 0x1000u
#define LX_PENDIN 0x4000u
#define LX_IEXTEN 0x8000u
#define LX_EXTPROC 0x10000u

/* TCFLSH, TCXONC */
#define LX_TCIFLUSH 0
#define LX_TCOFLUSH 1
#define LX_TCIOFLUSH 2
#define LX_TCOOFF 0
#define LX_TCOON 1
#define LX_TCIOFF 2
#define LX_TCION 3

#endif
