/* Names that a program gives to its anonymous mappings, shown as [anon:NAME]: prctl(PR_SET_VMA_ANON_NAME). Immutable, shared by reference. */
#ifndef SENTRY_MM_ANON_NAME_H
#define SENTRY_MM_ANON_NAME_H

#include <stdbool.h>

#include "base/ref.h"

#define ANON_NAME_MAX 80 /* with its NUL */

struct anon_name {
	struct ref ref;
	char text[ANON_NAME_MAX];
};

/* NULL when memory is out. */
struct anon_name *anon_name_new(const char *text);
/* Of NULL: nothing. */
struct anon_name *anon_name_get(struct anon_name *);
void anon_name_put(struct anon_name *);
bool anon_name_equal(const struct anon_name *, const struct anon_name *);

#endif
