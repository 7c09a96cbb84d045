/* POSIX access control lists by their extended attributes: form, rights, chmod, inheritance. acl(5). On tmpfs, which has them on any host. */
#include "../tap.h"

#include <sys/xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
enum { UO = 1, U = 2, GO = 4, G = 8, M = 16, O = 32 };

struct entry { uint16_t tag, perm; uint32_t id; };
struct acl { uint32_t version; struct entry e[12]; };
#define BYTES(n) (4 + 8 * (size_t)(n))
#define NONE 0xffffffffu

static const struct acl full = { 2, { { UO, 6, NONE }, { U, 4, 1000 }, { GO, 4, NONE }, { G, 6, 2000 }, { M, 6, NONE }, { O, 0, NONE } } };

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static int perm_of(const char *path, const char *name, int tag, unsigned id)
{
	struct acl a = { 0 };
	ssize_t n = getxattr(path, name, &a, sizeof(a));

	for (int i = 0; n > 0 && i < (n - 4) / 8; i++)
		if (a.e[i].tag == tag && (id == NONE || a.e[i].id == id))
			return a.e[i].perm;
	return -1;
}

static bool may(unsigned uid, unsigned gid, const char *path, int flags)
{
	pid_t pid = tap_fork();

	if (pid == 0) {
		if (syscall(SYS_setgroups, 0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
			_exit(9);
		_exit(open(path, flags) >= 0 ? 0 : errno == EACCES ? 1 : 2);
	}
	return tap_wait(pid) == 0;
}

static void test_form(void)
{
	struct acl a = full, got;
	char names[256];
	ssize_t n;

	CHECK_ERRNO(getxattr("f", ACCESS, &got, sizeof(got)), ENODATA);
	CHECK_ERRNO(getxattr("f", DEFAULT, &got, sizeof(got)), ENODATA);
	CHECK_OK(setxattr("f", ACCESS, &a, BYTES(6), 0));
	CHECK_EQ(getxattr("f", ACCESS, NULL, 0), BYTES(6), "it is so long");
	memset(&got, 0, sizeof(got));
	CHECK_EQ(getxattr("f", ACCESS, &got, sizeof(got)), BYTES(6), "and is had back");
	CHECK(!memcmp(&got, &a, BYTES(6)), "as it was");
	CHECK_ERRNO(getxattr("f", ACCESS, &got, 8), ERANGE);
	n = listxattr("f", names, sizeof(names));
	CHECK(n >= (ssize_t)sizeof(ACCESS) && memmem(names, n, ACCESS, sizeof(ACCESS)), "its name is listed");
	CHECK_EQ(listxattr("f", NULL, 0), n, "and counted");
	CHECK_ERRNO(listxattr("f", names, 5), ERANGE);
	CHECK_EQ(mode_of("f"), 0660, "the mode's group bits are the mask");
	a.version = 1;
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(6), 0), EOPNOTSUPP);
	a = full;
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(6) - 1, 0), EINVAL);
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(5), 0), EINVAL);
	CHECK_ERRNO(setxattr("f", ACCESS, &a, 2, 0), EINVAL);
	a.e[0].perm = 8;
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(6), 0), EINVAL);
	a = full;
	a.e[1].tag = UO;
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(6), 0), EINVAL);
	a = full;
	a.e[1].tag = 3;
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(6), 0), EINVAL);
	a = full;
	a.e[1] = full.e[2], a.e[2] = full.e[1];
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(6), 0), EINVAL);
	a = (struct acl){ 2, { { UO, 6, NONE }, { U, 4, 1000 }, { GO, 4, NONE }, { O, 0, NONE } } };
	CHECK_ERRNO(setxattr("f", ACCESS, &a, BYTES(4), 0), EINVAL);
	CHECK(perm_of("f", ACCESS, U, 1000) == 4, "a refused list changes nothing");
	a = (struct acl){ 2, { { UO, 7, NONE }, { GO, 5, NONE }, { O, 1, NONE } } };
	CHECK_OK(setxattr("f", ACCESS, &a, BYTES(3), 0));
	CHECK_EQ(mode_of("f"), 0751, "a list of three is the mode");
	CHECK_ERRNO(getxattr("f", ACCESS, &got, sizeof(got)), ENODATA);
	CHECK_ERRNO(setxattr("f", DEFAULT, &full, BYTES(6), 0), EACCES);
	CHECK_OK(removexattr("f", DEFAULT));
	CHECK_OK(setxattr("f", ACCESS, &full, BYTES(6), 0));
	CHECK_OK(removexattr("f", ACCESS));
	CHECK_ERRNO(getxattr("f", ACCESS, &got, sizeof(got)), ENODATA);
	CHECK_EQ(mode_of("f"), 0660, "the mode stays when the list goes");
	CHECK_OK(removexattr("f", ACCESS));
	symlink("f", "link");
	CHECK_ERRNO(lsetxattr("link", ACCESS, &full, BYTES(6), 0), EOPNOTSUPP);
	CHECK_ERRNO(lgetxattr("link", ACCESS, &got, sizeof(got)), EOPNOTSUPP);
	CHECK_ERRNO(setxattr("f", "system.other", "x", 1, 0), EOPNOTSUPP);
	int fd = open("f", O_RDWR);
	CHECK_OK(fsetxattr(fd, ACCESS, &full, BYTES(6), 0));
	CHECK_EQ(fgetxattr(fd, ACCESS, NULL, 0), BYTES(6), "by an fd as well");
	close(fd);
	CHECK_CHILD("only the owner sets it", MUST(setuid(1000) == 0);
		MUST(setxattr("f", ACCESS, &full, BYTES(6), 0) == -1 && errno == EPERM);
		MUST(removexattr("f", ACCESS) == -1 && errno == EPERM));
}

static void test_rights(void)
{
	struct acl a = full;

	MUST(setxattr("f", ACCESS, &full, BYTES(6), 0) == 0);
	CHECK(may(1000, 99, "f", O_RDONLY), "a named user may read");
	CHECK(!may(1000, 99, "f", O_WRONLY), "and not write");
	CHECK(!may(1000, 2000, "f", O_WRONLY), "whatever its groups may");
	CHECK(may(1001, 2000, "f", O_RDWR), "a named group may both");
	CHECK(!may(1001, 2001, "f", O_RDONLY), "others may nothing");
	CHECK(may(1001, 0, "f", O_RDONLY), "the file's group may read");
	CHECK(!may(1001, 0, "f", O_WRONLY), "and not write");
	a.e[4].perm = 4;
	MUST(setxattr("f", ACCESS, &a, BYTES(6), 0) == 0);
	CHECK(!may(1001, 2000, "f", O_RDWR), "the mask takes away");
	CHECK(may(1001, 2000, "f", O_RDONLY), "what it does not give");
	a.e[4].perm = 0;
	a.e[5].perm = 4;
	MUST(setxattr("f", ACCESS, &a, BYTES(6), 0) == 0);
	CHECK_EQ(mode_of("f"), 0604, "an empty mask");
	CHECK(may(1003, 99, "f", O_RDONLY), "others may read now");
	a.e[1].perm = 0;
	a.e[4].perm = 7;
	MUST(setxattr("f", ACCESS, &a, BYTES(6), 0) == 0);
	CHECK(!may(1000, 99, "f", O_RDONLY), "a named user who may nothing");
	CHECK(may(0, 0, "f", O_RDWR), "root may all");
	chown("f", 1005, 0);
	CHECK(may(1005, 99, "f", O_RDWR), "the owner by the owner's bits");
	chown("f", 0, 0);
}

static void test_chmod(void)
{
	MUST(setxattr("f", ACCESS, &full, BYTES(6), 0) == 0);
	CHECK_OK(chmod("f", 0741));
	CHECK_EQ(mode_of("f"), 0741, "chmod says what it says");
	CHECK_EQ(perm_of("f", ACCESS, UO, NONE), 7, "the list's owner follows");
	CHECK_EQ(perm_of("f", ACCESS, M, NONE), 4, "and its mask");
	CHECK_EQ(perm_of("f", ACCESS, O, NONE), 1, "and the others");
	CHECK_EQ(perm_of("f", ACCESS, GO, NONE), 4, "the group's entry stays");
	CHECK_EQ(perm_of("f", ACCESS, G, 2000), 6, "as do those named");
	chown("f", 0, 2000);
	CHECK_OK(chmod("f", 02770));
	CHECK_OK(setxattr("f", ACCESS, &full, BYTES(6), 0));
	CHECK_EQ(mode_of("f"), 02660, "root's set-group-id bit stays");
	chown("f", 0, 0);
}

static void test_inherit(void)
{
	struct acl d = { 2, { { UO, 7, NONE }, { U, 6, 1000 }, { GO, 5, NONE }, { M, 7, NONE }, { O, 5, NONE } } };
	struct acl small = { 2, { { UO, 7, NONE }, { GO, 5, NONE }, { O, 0, NONE } } };

	MUST(mkdir("dir", 0755) == 0);
	CHECK_OK(setxattr("dir", DEFAULT, &d, BYTES(5), 0));
	CHECK_EQ(mode_of("dir"), 0755, "a default list changes no mode");
	CHECK_ERRNO(getxattr("dir", ACCESS, NULL, 0), ENODATA);
	umask(077);
	close(open("dir/f", O_CREAT | O_WRONLY, 0666));
	CHECK_EQ(mode_of("dir/f"), 0664, "a default list stands in for the umask");
	CHECK_EQ(perm_of("dir/f", ACCESS, U, 1000), 6, "a file gets it as its own");
	CHECK_EQ(perm_of("dir/f", ACCESS, M, NONE), 6, "its mask cut by the mode");
	CHECK_EQ(perm_of("dir/f", ACCESS, O, NONE), 4, "others as well");
	CHECK_EQ(perm_of("dir/f", ACCESS, GO, NONE), 5, "the group's entry is not");
	CHECK_ERRNO(getxattr("dir/f", DEFAULT, NULL, 0), ENODATA);
	mkdir("dir/sub", 0700);
	CHECK_EQ(mode_of("dir/sub"), 0700, "a directory's mode cuts it");
	CHECK_EQ(getxattr("dir/sub", DEFAULT, NULL, 0), BYTES(5), "a directory hands it on");
	CHECK_EQ(perm_of("dir/sub", DEFAULT, M, NONE), 7, "uncut");
	CHECK_EQ(perm_of("dir/sub", ACCESS, M, NONE), 0, "its own is cut");
	symlink("f", "dir/link");
	CHECK_ERRNO(lgetxattr("dir/link", ACCESS, NULL, 0), EOPNOTSUPP);
	mkfifo("dir/fifo", 0666);
	CHECK_EQ(perm_of("dir/fifo", ACCESS, U, 1000), 6, "a fifo gets one");
	CHECK_OK(setxattr("dir", DEFAULT, &small, BYTES(3), 0));
	close(open("dir/g", O_CREAT | O_WRONLY, 0666));
	CHECK_EQ(mode_of("dir/g"), 0640, "a default of three is a mode");
	CHECK_ERRNO(getxattr("dir/g", ACCESS, NULL, 0), ENODATA);
	int fd = open("dir", O_TMPFILE | O_RDWR, 0666);
	struct stat st;
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0640, "O_TMPFILE inherits too");
	close(fd);
	CHECK_OK(removexattr("dir", DEFAULT));
	close(open("dir/h", O_CREAT | O_WRONLY, 0666));
	CHECK_EQ(mode_of("dir/h"), 0600, "then the umask counts again");
	umask(022);
}

int main(void)
{
	char path[64], none[4096];

	tap_begin();
	snprintf(path, sizeof(path), "/dev/shm/acl-%d", getpid());
	mkdir(path, 0755);
	MUST(chdir(path) == 0);
	tap_file("f", "text");
	chmod("f", 0644);
	if (getxattr("f", ACCESS, none, sizeof(none)) < 0 && errno == EOPNOTSUPP) {
		SKIP("access control lists", "not on this tmpfs");
	} else {
		test_form();
		test_rights();
		test_chmod();
		test_inherit();
	}
	MUST(chdir("/") == 0);
	tap_remove(AT_FDCWD, path);
	return tap_end();
}
