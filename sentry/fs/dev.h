/* Device numbers, as stat's st_rdev encodes them. makedev(3). */
#ifndef SENTRY_FS_DEV_H
#define SENTRY_FS_DEV_H

#include <stdint.h>

static inline uint32_t dev_major(uint64_t dev)
{
	return (uint32_t)((dev >> 8 & 0xfff) | (dev >> 32 & 0xfffff000));
}

static inline uint32_t dev_minor(uint64_t dev)
{
	return (uint32_t)((dev & 0xff) | (dev >> 12 & 0xffffff00));
}

static inline uint64_t dev_make(uint32_t major, uint32_t minor)
{
	return (uint64_t)(major & 0xfff) << 8 | (uint64_t)(major & 0xfffff000) << 32 | (minor & 0xff) | (uint64_t)(minor & 0xffffff00) << 12;
}

#endif
