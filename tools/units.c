/* Sizes and durations as text: see units.h. */
#include "tools/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "Ki", 1ull << 10 }, { "Mi", 1ull << 20 }, { "Gi", 1ull << 30 }, { "Ti", 1ull << 40 },
	{ "k", 1000ull }, { "K", 1000ull }, { "M", 1000000ull }, { "G", 1000000000ull }, { "T", 1000000000000ull },
};

/* The longer suffix of two that begin alike comes first. */
static const struct unit duration_units[] = {
	{ "h", 3600000000000ull }, { "ms", 1000000ull }, { "us", 1000ull }, { "m", 60000000000ull }, { "s", 1000000000ull },
};

static int parse_digits(const char **text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno == ERANGE ? -ERANGE : 0;
}

int units_parse_size(const char *text, uint64_t *bytes)
{
	uint64_t n;
	int err = parse_digits(&text, &n);

	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
		if (strcmp(text, size_units[i].suffix) != 0)
			continue;
		return __builtin_mul_overflow(n, size_units[i].factor, bytes) || *bytes > INT64_MAX ? -ERANGE : 0;
	}
	return -EINVAL;
}

/* The digits after a point, in parts of the unit. */
static uint64_t parse_fraction(const char **text, uint64_t factor)
{
	uint64_t part = 0;

	if (**text != '.')
		return 0;
	for ((*text)++; isdigit((unsigned char)**text); (*text)++) {
		factor /= 10;
		part += (uint64_t)(**text - '0') * factor;
	}
	return part;
}

static const struct unit *duration_unit(const char *text)
{
	while (isdigit((unsigned char)*text) || *text == '.')
		text++;
	for (size_t i = 0; i < ARRAY_LEN(duration_units); i++)
		if (!strncmp(text, duration_units[i].suffix, strlen(duration_units[i].suffix)))
			return &duration_units[i];
	return *text ? NULL : &duration_units[4]; /* seconds */
}

int units_parse_duration(const char *text, uint64_t *ns)
{
	if (!*text)
		return -EINVAL;
	for (*ns = 0; *text;) {
		const struct unit *unit = duration_unit(text);
		uint64_t n;
		int err = parse_digits(&text, &n);

		if (err)
			return err;
		if (!unit)
			return -EINVAL;
		if (__builtin_mul_overflow(n, unit->factor, &n) || __builtin_add_overflow(*ns, n, ns) || *ns > INT64_MAX)
			return -ERANGE;
		*ns += parse_fraction(&text, unit->factor);
		if (*text)
			text += strlen(unit->suffix);
	}
	return *ns ? 0 : -EINVAL;
}

int units_parse_u32(const char *text, uint32_t *value)
{
	uint64_t n;
	int err = parse_digits(&text, &n);

	if (err)
		return err;
	if (*text)
		return -EINVAL;
	*value = (uint32_t)n;
	return n > UINT32_MAX ? -ERANGE : 0;
}

const char *units_format_size(uint64_t bytes, char *buf, size_t len)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1024 && i + 1 < ARRAY_LEN(names); i++)
		v /= 1024;
	snprintf(buf, len, i && v < 100 ? "%.1f %s" : "%.0f %s", v, names[i]);
	return buf;
}

const char *units_format_duration(uint64_t ns, char *buf, size_t len)
{
	if (ns < 10000000)
		snprintf(buf, len, "%.1f ms", (double)ns / 1e6);
	else if (ns < 1000000000)
		snprintf(buf, len, "%" PRIu64 " ms", ns / 1000000);
	else if (ns < 60000000000)
		snprintf(buf, len, "%.1f s", (double)ns / 1e9);
	else
		snprintf(buf, len, "%" PRIu64 "m%02" PRIu64 "s", ns / 60000000000, ns / 1000000000 % 60);
	return buf;
}
