/* Setting a failure: see failure.h. */
#include "tools/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/exit_codes.h"

int fail(struct failure *f, int err, int code, const char *fmt, ...)
{
	va_list args;

	f->code = code;
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
	return err;
}

int fail_no_memory(struct failure *f)
{
	return fail(f, -ENOMEM, EXIT_PICKET, "out of memory");
}
