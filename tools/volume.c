/* --volume, taken apart: see volume.h. */
#include "tools/volume.h"

#include <errno.h>
#include <string.h>

#include "tools/exit_codes.h"

bool volume_target_ok(const char *target)
{
	if (*target != '/')
		return false;
	while (*target) {
		const char *part = target + 1;
		size_t len = strcspn(part, "/");

		if ((len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.') || (!len && *part))
			return false;
		target = part + len;
	}
	return true;
}

static int parse_flag(const char *flag, struct plan_volume *out)
{
	if (!strcmp(flag, "rw"))
		out->writable = true;
	else if (!strcmp(flag, "exec"))
		out->exec = true;
	else if (strcmp(flag, "ro") != 0)
		return -EINVAL;
	return 0;
}

int volume_parse(char *text, struct plan_volume *out, struct failure *f)
{
	char *source = strsep(&text, ":");
	char *target = strsep(&text, ":");

	*out = (struct plan_volume){ .source = source, .target = target, .cache = BOOT_CACHE_SHARED };
	if (!*source || !target || !*target)
		return fail(f, -EINVAL, EXIT_PICKET, "--volume '%s' is not SRC:DST[:ro|rw][:exec]", source);
	if (!volume_target_ok(target) || !target[1])
		return fail(f, -EINVAL, EXIT_PICKET, "--volume '%s:%s': the destination must be an absolute path below / without '.' and '..'",
			    source, target);
	for (char *flag = strsep(&text, ":"); flag; flag = strsep(&text, ":"))
		if (parse_flag(flag, out))
			return fail(f, -EINVAL, EXIT_PICKET, "--volume '%s:%s': '%s' is none of ro, rw, exec", source, target, flag);
	return 0;
}
