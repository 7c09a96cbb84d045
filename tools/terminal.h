/* The caller's terminal and signals while a sandbox runs: modes put back at the end, signals and window size handed on. */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct sandbox;

struct terminal {
	bool is_tty;           /* standard input is a terminal */
	struct termios modes;  /* as they were */
	int signal_fd;         /* what came in; see terminal_forward() */
	sigset_t old_mask;
};

/* Blocks the signals that are to be handed on, from now on. Before the sandbox is made. 0 or a negative errno. */
int terminal_begin(struct terminal *t);
/* Tells the sandbox the window's size. */
void terminal_resize(const struct terminal *t, struct sandbox *s);
/* Hands on what has come in. The number of the last signal that asks us to end (INT, TERM, HUP, QUIT), or 0. */
int terminal_forward(struct terminal *t, struct sandbox *s);
void terminal_end(struct terminal *t);

#endif
