/* The syntax of --volume: SRC:DST[:ro|rw][:exec]. */
#ifndef TOOLS_VOLUME_H
#define TOOLS_VOLUME_H

#include "tools/plan.h"

/* Cuts `text` up in place. What is not said is read-only and noexec. 0 or -EINVAL with the failure set. */
int volume_parse(char *text, struct plan_volume *out, struct failure *f);
/* "/a/b": absolute, and without ".", "..", and empty parts. A trailing slash is fine. */
bool volume_target_ok(const char *target);

#endif
