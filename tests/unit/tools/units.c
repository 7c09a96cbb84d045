/* Quantities, durations and --volume, as people write them. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "tools/units.h"
#include "tools/volume.h"

struct quantity {
	const char *text;
	int err;
	uint64_t value;
};

static const struct quantity sizes[] = {
	{ "0", 0, 0 }, { "4096", 0, 4096 }, { "256Mi", 0, 256ull << 20 }, { "2G", 0, 2000000000 }, { "1Ki", 0, 1024 }, { "3k", 0, 3000 },
	{ "", -EINVAL, 0 }, { "Mi", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "256MB", -EINVAL, 0 }, { "1.5G", -EINVAL, 0 }, { "1 Mi", -EINVAL, 0 },
	{ "99999999999999999999", -ERANGE, 0 }, { "9999999999Ti", -ERANGE, 0 },
};

Test(units, sizes)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t v = 0;

		cr_expect_eq(units_parse_size(sizes[i].text, &v), sizes[i].err, "%s", sizes[i].text);
		if (!sizes[i].err)
			cr_expect_eq(v, sizes[i].value, "%s", sizes[i].text);
	}
}

static const struct quantity durations[] = {
	{ "60s", 0, 60000000000 }, { "1m30s", 0, 90000000000 }, { "500ms", 0, 500000000 }, { "2h", 0, 7200000000000 }, { "7", 0, 7000000000 },
	{ "1.5s", 0, 1500000000 }, { "0.25", 0, 250000000 }, { "10us", 0, 10000 },
	{ "", -EINVAL, 0 }, { "0s", -EINVAL, 0 }, { "s", -EINVAL, 0 }, { "5 s", -EINVAL, 0 }, { "5d", -EINVAL, 0 }, { "-3s", -EINVAL, 0 },
	{ "99999999999h", -ERANGE, 0 },
};

Test(units, durations)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		uint64_t v = 0;

		cr_expect_eq(units_parse_duration(durations[i].text, &v), durations[i].err, "%s", durations[i].text);
		if (!durations[i].err)
			cr_expect_eq(v, durations[i].value, "%s", durations[i].text);
	}
}

Test(units, formats)
{
	char buf[32];

	cr_expect_str_eq(units_format_size(500, buf, sizeof(buf)), "500 B");
	cr_expect_str_eq(units_format_size(3ull << 20, buf, sizeof(buf)), "3.0 MiB");
	cr_expect_str_eq(units_format_duration(1500000, buf, sizeof(buf)), "1.5 ms");
	cr_expect_str_eq(units_format_duration(90000000000, buf, sizeof(buf)), "1m30s");
}

Test(volume, what_is_not_said_is_read_only_and_noexec)
{
	struct plan_volume v;
	struct failure f;
	char text[] = "/src:/dst", full[] = "a b:/dst/x:rw:exec", ro[] = "s:/d:exec:ro";

	cr_assert_eq(volume_parse(text, &v, &f), 0);
	cr_expect(!v.writable && !v.exec && !strcmp(v.source, "/src") && !strcmp(v.target, "/dst"));
	cr_assert_eq(volume_parse(full, &v, &f), 0);
	cr_expect(v.writable && v.exec && !strcmp(v.source, "a b"));
	cr_assert_eq(volume_parse(ro, &v, &f), 0);
	cr_expect(!v.writable && v.exec);
}

Test(volume, bad_ones_are_named)
{
	static const char *const bad[] = { "", "/src", ":/dst", "/src:", "/src:dst", "/src:/", "/src:/a/../b", "/src:/a:rx", "/src:/a//b" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct plan_volume v;
		struct failure f = { 0 };
		char text[64];

		strcpy(text, bad[i]);
		cr_expect_eq(volume_parse(text, &v, &f), -EINVAL, "%s", bad[i]);
		cr_expect_eq(f.code, 125);
		cr_expect_neq(f.text[0], '\0');
	}
}
