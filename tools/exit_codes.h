/* What `picket` exits with when it is not the guest program's own status. Printed by `picket help`; part of the interface. */
#ifndef TOOLS_EXIT_CODES_H
#define TOOLS_EXIT_CODES_H

enum exit_code {
	EXIT_STEP_FAILED = 1,   /* pipeline run: a step failed */
	EXIT_BAD_PIPELINE = 2,  /* pipeline: the file is wrong; nothing was started */
	EXIT_GAPS = 3,          /* profile: the program works, with gaps */
	EXIT_FAILS = 4,         /* profile: the program failed */
	EXIT_BROKEN = 123,      /* the sandbox broke: its sentry crashed or its gofer died */
	EXIT_TIMEOUT = 124,     /* --timeout was reached, as timeout(1) */
	EXIT_PICKET = 125,      /* picket itself failed: bad usage, no such volume, a host that forbids what is needed */
	EXIT_CANNOT_RUN = 126,  /* the program is there but cannot be run */
	EXIT_NOT_FOUND = 127,   /* there is no such program */
	EXIT_SIGNAL_BASE = 128, /* + n: the program was killed by signal n */
};

#endif
