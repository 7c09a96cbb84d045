/* What the files of the terminals share: struct tty and the parts that work on it. See fs/tty.h for the whole. */
#ifndef SENTRY_FS_TTY_IMPL_H
#define SENTRY_FS_TTY_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/termios.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/fs/tty.h"
#include "sentry/io/io.h"
#include "sentry/kernel/waitq.h"

#define TTY_IN_SIZE 4096u  /* as Linux's N_TTY: a line is not longer */
#define TTY_OUT_SIZE 16384u
#define TTY_OUT_ROOM 8192u /* what programs may fill; the rest is for echo */

/* What the slave's side reads: bytes, with marks where lines end. Positions only grow; modulo the size they are places. */
struct tty_input {
	char data[TTY_IN_SIZE];
	uint64_t ends[TTY_IN_SIZE / 64]; /* a line ends with this byte; a NUL that ends one is an end of file */
	uint32_t head, tail; /* the first byte, and past the last */
	uint32_t canon;      /* past the last complete line */
	bool literal;        /* the next byte is not special (^V) */
	uint32_t line_column; /* of the terminal where the present line began */
};
/* What the master's side reads. */
struct tty_output {
	char data[TTY_OUT_SIZE];
	uint32_t head, tail;
	uint32_t column; /* of the terminal's cursor */
};

struct tty {
	struct ref ref;
	/* immutable after creation */
	struct kernel *k;
	int index;           /* of /dev/pts/N */
	bool host;           /* the host's terminal: see host.c */
	uint32_t uid, gid;   /* whose node it is at first */
	uint64_t instance;   /* st_dev of the devpts that its ptmx was in, the only one that shows it; 0: the first */

	/* protected by k->lock */
	struct session *session; /* whose controlling terminal it is; no reference: it is forgotten when its leader goes */

	struct lock lock;    /* RANK_PIPE */
	/* protected by lock */
	struct lx_termios2 modes;
	struct lx_termios mode_locks; /* TIOCSLCKTRMIOS: bits and characters that stay as they are */
	struct lx_winsize size;
	struct inode *node;  /* referenced; in devpts, once looked up; NULL again when the number is free */
	bool exclusive;      /* TIOCEXCL */
	/* of pairs alone */
	struct tty_input *in;
	struct tty_output *out;
	bool locked;         /* TIOCSPTLCK */
	bool stopped;        /* output, by ^S or tcflow(3) */
	bool packet;         /* TIOCPKT */
	uint8_t packet_status;
	bool master_closed;
	bool slave_opened;   /* ever */
	int slaves;          /* open slave files */
	struct waitq slave_queue, master_queue; /* woken with the lock dropped */

	/* of the host's terminal alone */
	int in_fd, out_fd;   /* -1: not open so; set once, under lock */
	uint64_t host_dev, host_ino;
	struct io_watch watch;
};

/* --- table.c ------------------------------------------------------------------------------------------------------------------- */

/* With the lowest free number, the caller's reference and the table's. NULL when memory is out, or the numbers are. */
struct tty *tty_new(struct task *, bool host);
struct tty *tty_get(struct tty *);
/* The number is free again: drops the table's reference, and the node's. */
void tty_unlist(struct tty *);
/* The host's terminal that is this one: referenced, or NULL. */
struct tty *tty_find_host(struct kernel *, uint64_t dev, uint64_t ino);
extern const struct lx_termios2 tty_default_modes;

/* --- session.c --------------------------------------------------------------------------------------------------------------------- */

/*
 * May t's process do this to its controlling terminal (signo SIGTTIN: read; SIGTTOU: write or change)? 0; -ERESTARTSYS after the signal was
 * sent to its background group; -EIO where nobody could bring it to the foreground.
 */
int tty_job_check(struct task *, struct tty *, int signo);
/* To the foreground group, if there is one. Without locks. */
void tty_signal(struct tty *, int signo);
/* What open(2) without O_NOCTTY does for a session leader. */
void tty_acquire(struct task *, struct tty *);
/* TIOCSCTTY; steal: from another session, by who may. */
int tty_make_controlling(struct task *, struct tty *, bool steal);
/* TIOCNOTTY. */
int tty_disown(struct task *, struct tty *);
/* The line is gone: the session's leader is told, the session has no terminal any more. */
void tty_hangup_session(struct tty *);
/* TIOCGPGRP, TIOCGSID, TIOCSPGRP. */
int tty_get_foreground(struct task *, struct tty *, bool master);
int tty_get_sid(struct task *, struct tty *, bool master);
int tty_set_foreground(struct task *, struct tty *, int pgid);
/* t's controlling terminal: referenced, or NULL. */
struct tty *tty_of_task(struct task *);

/* --- ioctl.c -------------------------------------------------------------------------------------------------------------------------- */

int64_t tty_ioctl(struct file *, struct task *, struct tty *, bool master, uint32_t cmd, uint64_t arg);

/* --- termio.c ------------------------------------------------------------------------------------------------------------------------- */

void termio_give(const struct lx_termios *, struct lx_termio *out);
void termio_take(const struct lx_termio *, struct lx_termios *modes); /* into what holds the modes so far */
void termios_keep_locked(struct lx_termios *new, const struct lx_termios *old, const struct lx_termios *locked);

/* --- host.c --------------------------------------------------------------------------------------------------------------------------- */

int host_tty_file(struct tty *, struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
int host_get_modes(struct tty *, struct lx_termios2 *);
int host_set_modes(struct tty *, uint32_t cmd /* LX_TCSETS, W, F */, const struct lx_termios2 *);
int host_get_size(struct tty *, struct lx_winsize *);
int host_flush(struct tty *, int which);
int host_waiting(struct tty *); /* FIONREAD */

/* --- pty.c ------------------------------------------------------------------------------------------------------------------------------ */

int pty_open_master(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
int pty_open_slave(struct tty *, struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
/* The slave's side by number, for /dev/pts/N and /dev/tty; of pairs or the host's terminal. */
int tty_open(struct tty *, struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
/* Queues are woken as bits say, after the lock was dropped. */
enum { TTY_WAKE_SLAVE = 1, TTY_WAKE_MASTER = 2 };
void pty_wake(struct tty *, uint32_t who);
/* What a read without data answers, by VMIN and VTIME: 0, or -EAGAIN (with the call's deadline set where there is one). */
int64_t tty_read_nothing(struct task *, const struct lx_termios2 *, bool nonblock);

/* --- ldisc.c: all with tty->lock held ------------------------------------------------------------------------------------------------------ */

/* Bytes that were typed, or written by the master: how many were taken. Stops after a byte that means a signal (*signo), and where there is no room. */
uint32_t ldisc_input(struct tty *, const char *bytes, uint32_t n, int *signo);
/* Bytes that programs write: how many were taken. */
uint32_t ldisc_output(struct tty *, const char *bytes, uint32_t n);
/* What a read gets: bytes (0: the end of file was typed), or -EAGAIN. */
int64_t ldisc_read(struct tty *, char *buf, uint32_t n);
/* A read of n bytes would get something. */
bool ldisc_readable(const struct tty *, uint32_t n);
uint32_t ldisc_waiting(const struct tty *);
uint32_t ldisc_room(const struct tty *);
uint32_t tty_out_used(const struct tty *);
void ldisc_flush_input(struct tty *);
void ldisc_flush_output(struct tty *);
/* Raw bytes to the master (XON, XOFF). */
void ldisc_send(struct tty *, char c);
void ldisc_set_modes(struct tty *, const struct lx_termios2 *);

#endif
