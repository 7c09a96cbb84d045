/* A NUMA policy of a task or a mapping, as set_mempolicy(2) and mbind(2) leave it; kept and shown on a machine of one node. */
#ifndef SENTRY_MM_MEMPOLICY_H
#define SENTRY_MM_MEMPOLICY_H

#include <stdint.h>

struct mempolicy {
	uint16_t mode;  /* LX_MPOL_*, with its mode flags; 0: the default */
	uint16_t nodes; /* bit 0 or nothing */
};

#endif
