/* /etc/passwd and /etc/group of a rootfs: see passwd.h. The files are the sandbox's, so nothing in them is believed to be well-formed. */
#include "tools/passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "tools/units.h"

#define FIELDS 7

/* Links in the rootfs must not lead to the host's files. */
static FILE *open_below(const char *rootfs, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	AUTO_CLOSE int root = (int)host_ret(open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (root < 0)
		return NULL;
	int fd = (int)host_ret(syscall(SYS_openat2, root, path, &how, sizeof(how)));
	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* The line whose field `index` is `key`, cut into fields. */
static int find_line(const char *rootfs, const char *path, int index, const char *key, char *line, size_t len, char *field[FIELDS])
{
	FILE *f = open_below(rootfs, path);
	int found = -ENOENT;

	while (f && found && fgets(line, (int)len, f)) {
		char *rest = line;
		int n = 0;

		line[strcspn(line, "\n")] = '\0';
		while (n < FIELDS && rest)
			field[n++] = strsep(&rest, ":");
		while (n < FIELDS)
			field[n++] = line + strlen(line);
		if (!strcmp(field[index], key))
			found = 0;
	}
	if (f)
		fclose(f);
	return found;
}

static int lookup_group(const char *rootfs, const char *group, uint32_t *gid)
{
	char line[1024], *field[FIELDS];

	if (!units_parse_u32(group, gid))
		return 0;
	int err = find_line(rootfs, "etc/group", 0, group, line, sizeof(line), field);
	return err ? err : units_parse_u32(field[2], gid);
}

int passwd_lookup(const char *rootfs, const char *user, struct passwd_user *out)
{
	char text[256], line[1024], *field[FIELDS];
	char *group = text;

	snprintf(text, sizeof(text), "%s", user);
	const char *name = strsep(&group, ":");
	bool number = !units_parse_u32(name, &out->uid);

	snprintf(out->home, sizeof(out->home), "%s", number && !out->uid ? "/root" : "/");
	int err = find_line(rootfs, "etc/passwd", number ? 2 : 0, name, line, sizeof(line), field);
	if (!err) {
		if (units_parse_u32(field[2], &out->uid) || units_parse_u32(field[3], &out->gid))
			return -EINVAL;
		snprintf(out->home, sizeof(out->home), "%s", field[5][0] == '/' ? field[5] : "/");
	} else if (number) {
		out->gid = out->uid;
	} else {
		return err;
	}
	return group ? lookup_group(rootfs, group, &out->gid) : 0;
}
