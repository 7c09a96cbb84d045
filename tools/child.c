/* The hidden subcommands: a re-executed picket confines itself and becomes a sentry or a gofer. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gofer/gofer.h"
#include "sentry/boot/control.h"
#include "sentry/sentry.h"
#include "tools/command.h"
#include "tools/confine.h"
#include "tools/exit_codes.h"
#include "tools/spawn.h"

int child_sentry(void)
{
	const char *what;
	int err = confine_sentry(SPAWN_CONTROL_FD, &what);

	if (!err)
		return sentry_main(SPAWN_CONTROL_FD);
	control_send_failed(SPAWN_CONTROL_FD, 0, err, CONTROL_STAGE_LOCKDOWN, "the sentry cannot confine itself: %s: %s; see `picket doctor`",
			    what, strerror(-err));
	return EXIT_PICKET;
}

int child_gofer(void)
{
	struct gofer_config config;
	const char *what;
	int err = confine_gofer(SPAWN_CONTROL_FD, &what);

	if (!err) {
		what = "receiving the configuration";
		err = gofer_config_recv(SPAWN_CONTROL_FD, &config);
	}
	if (!err)
		return gofer_main(&config);
	dprintf(STDERR_FILENO, "picket: the gofer cannot start: %s: %s\n", what, strerror(-err));
	return EXIT_PICKET;
}
