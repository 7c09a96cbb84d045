/* Sentences about what a sandbox refused and how it ended, for people. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <stddef.h>

#include "sentry/boot/control.h"
#include "tools/sandbox.h"

/* "exec of /data/input/evil by python3: it is on input collect.raw, which is noexec" */
void report_denied(const struct control_denied *denied, char *text, size_t len);
/* "the memory limit of 256 MiB was reached by pid 4, which was killed" */
void report_limit(const struct control_limit *limit, char *text, size_t len);
/* "exit 3", "killed by signal 11 (Segmentation fault)", "time limit", or the failure's sentence */
void report_end(const struct sandbox_end *end, char *text, size_t len);

#endif
