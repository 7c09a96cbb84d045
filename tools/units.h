/* Quantities as people write them: sizes ("256Mi", "2G", "4096"), durations ("1h30m", "60s", "500ms"), numbers. */
#ifndef TOOLS_UNITS_H
#define TOOLS_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* All: 0, -EINVAL for what is no such quantity, -ERANGE for one that is too large. */

/* Bytes. Ki Mi Gi Ti are powers of 1024, k (K) M G T powers of 1000, as Kubernetes has them. */
int units_parse_size(const char *text, uint64_t *bytes);
/* Nanoseconds, more than 0. h m s ms us; a number alone is seconds; parts add up. Decimals are allowed ("1.5s"). */
int units_parse_duration(const char *text, uint64_t *ns);
int units_parse_u32(const char *text, uint32_t *value);
/* "1.4 GiB", "312 ms"; into buf, which is returned. */
const char *units_format_size(uint64_t bytes, char *buf, size_t len);
const char *units_format_duration(uint64_t ns, char *buf, size_t len);

#endif
