/* The subcommands of picket: one file each (cmd_NAME.c), one row each in main.c's table. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit status */
	const char *summary;               /* one line, for `picket help` */
	const char *help;                  /* for `picket help NAME` and `picket NAME --help` */
};

extern const struct command command_do;
extern const struct command command_pipeline;
extern const struct command command_doctor;
extern const struct command command_syscalls;
extern const struct command command_profile;

struct failure;
/* Prints "picket: SENTENCE" to standard error and returns the failure's code. */
int command_fail(const struct failure *f);

/* Hidden: what the runtime re-executes itself as (argv[0] "picket-sentry", "picket-gofer"). */
int child_sentry(void);
int child_gofer(void);

#endif
