/* The directories (or single files) that a gofer serves, and the rules of each. */
#ifndef GOFER_ROOTS_H
#define GOFER_ROOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gofer/gofer.h"
#include "gofer/wire.h"

/* Immutable after roots_prepare(). */
struct root {
	const char *name;
	int fd;         /* O_PATH; closed with the config that it came from */
	int index;      /* of a sealed tree: its index, for the sentry; negative: none. The config's, as fd is */
	uint32_t flags; /* GOFER_ROOT_*, GOFER_ROOT_HOST_NOEXEC where it is so */
	mode_t type;    /* S_IFDIR or S_IFREG */
	uint64_t dev;
};

static inline bool root_readonly(const struct root *r)
{
	return r->flags & GOFER_ROOT_READONLY;
}

static inline bool root_nosuid(const struct root *r)
{
	return r->flags & GOFER_ROOT_NOSUID;
}

/*
 * Opens the roots that are paths, gives each a mount of its own with its flags where the host permits that, and fills
 * in `out`. The names and fds stay the config's. 0 or a negative errno, logged.
 */
int roots_prepare(struct gofer_config *, struct root out[GOFER_ROOTS_MAX]);

/*
 * A filesystem whose files stand for the machine or for processes, not for data: never entered below a root, never a
 * root.
 */
bool roots_fs_hidden(int fd);

#endif
