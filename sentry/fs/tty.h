/*
 * Terminals: tty(4), pty(7), ioctl_tty(2), termios(3). Pairs of pseudo-terminals, and the host's terminal where the sandbox was started
 * from one.
 *
 * A pair is one struct tty: the slave's side is what programs see, with the line discipline between it and the master's. The host's
 * terminal is a struct tty too, whose line discipline is the host's: bytes and modes are passed on, sessions and groups are the sentry's own.
 *
 * Locks: which session a tty belongs to, and the reverse, is protected by k->lock; all else by tty->lock, which is never held when k->lock is
 * taken: signals that a key means are sent when it has been dropped.
 */
#ifndef SENTRY_FS_TTY_H
#define SENTRY_FS_TTY_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct inode;
struct kernel;
struct path;
struct session;
struct task;
struct tty;

#define TTY_MAJOR_PTS 136
#define TTY_MAJOR_AUX 5 /* tty 0, console 1, ptmx 2 */

/*
 * A donated host terminal as a file of the guest, known as /dev/pts/N; takes the fd over in any case. Fds of one terminal share one struct tty,
 * and then the first fd is used for all. `controlling`: it becomes the controlling terminal of t's session if that has none, with t's group in the
 * foreground. 0 or negative errno.
 */
int host_tty_open(struct task *, int fd, bool controlling, struct file **out);
/* Is it a terminal? Asks the host. */
bool host_fd_is_tty(int fd);

/* The device drivers behind /dev/tty, /dev/console, /dev/ptmx and /dev/pts/N. As device_open(). */
int tty_device_open(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);

/* As st_rdev has it. */
uint64_t tty_device(const struct tty *);

/* The leader exits: the foreground group gets SIGHUP, the session has no terminal any more. Without locks. */
void tty_session_leader_exit(struct session *);

/* --- for devpts: which terminals there are ------------------------------------------------------------------------------------- */

/* The terminal of a number: referenced, or NULL. */
struct tty *tty_find(struct kernel *, int index);
/* The lowest number in use ≥ from, or -1. */
int tty_next(struct kernel *, int from);
void tty_put(struct tty *);
/* Whose it is: of the node in devpts. */
void tty_owner(const struct tty *, uint32_t *uid, uint32_t *gid, uint32_t *mode);
/* The node of a terminal in devpts, once one has been made: referenced, or NULL; and its setting (takes a reference of its own, dropped with the terminal's number). */
struct inode *tty_node(struct tty *);
struct inode *tty_set_node(struct tty *, struct inode *);

#endif
