/* A file whose extended attributes fill what there is for them (stress-ng's xattr): what is replaced makes room for its successor. */
#include "../tap.h"

#include <sys/xattr.h>

int main(void)
{
	char name[64], value[256], got[256];
	int fd, n = 0;

	tap_begin();
	memset(value, 'v', sizeof(value));
	fd = open("f", O_RDWR | O_CREAT, 0600);
	if (fsetxattr(fd, "user.first", value, 100, XATTR_CREATE) < 0) {
		SKIP("attributes until they are full", "none on this file system");
		return tap_end();
	}
	do
		snprintf(name, sizeof(name), "user.n%d", n++);
	while (n < 5000 && fsetxattr(fd, name, value, 100, XATTR_CREATE) == 0);
	CHECK(n > 5 && n < 5000 && errno == ENOSPC, "there is an end to them");
	while (fsetxattr(fd, name, value, 1, XATTR_CREATE) == 0)
		snprintf(name, sizeof(name), "user.n%d", n++);
	CHECK_OK(fsetxattr(fd, "user.first", "short", 5, XATTR_REPLACE));
	CHECK(fgetxattr(fd, "user.first", got, sizeof(got)) == 5 && !memcmp(got, "short", 5), "a shorter value takes the place of a longer");
	CHECK_OK(fremovexattr(fd, "user.n0"));
	CHECK_OK(fsetxattr(fd, "user.n0", value, 10, XATTR_CREATE));
	close(fd);
	return tap_end();
}
