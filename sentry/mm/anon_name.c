/* Names of anonymous mappings: see anon_name.h. */
#include "sentry/mm/anon_name.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct anon_name *anon_name_new(const char *text)
{
	struct anon_name *n = mem_zalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->ref);
	snprintf(n->text, sizeof(n->text), "%s", text);
	return n;
}

struct anon_name *anon_name_get(struct anon_name *n)
{
	if (n)
		ref_get(&n->ref);
	return n;
}

void anon_name_put(struct anon_name *n)
{
	if (n && ref_put(&n->ref))
		mem_free(n);
}

bool anon_name_equal(const struct anon_name *a, const struct anon_name *b)
{
	return a == b || (a && b && !strcmp(a->text, b->text));
}
