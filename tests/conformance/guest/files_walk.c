/* Path walks, working directories, directory reading, openat2, chroot. */
#include "../tap.h"

#include <limits.h>
#include <linux/openat2.h>

static void working_directory(void)
{
	char path[600], small[4];
	int fd, file;

	mkdir("d", 0755);
	mkdir("d/e", 0755);
	tap_file("file", "");
	if (symlink("d/e", "link"))
		_exit(98);
	CHECK_OK(chdir("d"));
	snprintf(path, sizeof(path), "%s/d", tap_dir);
	CHECK_STR(getcwd(NULL, 0), path, "getcwd after chdir");
	CHECK_OK(chdir("../link"));
	snprintf(path, sizeof(path), "%s/d/e", tap_dir);
	CHECK_STR(getcwd(NULL, 0), path, "getcwd knows no links");
	CHECK_OK(chdir("../.."));
	CHECK_STR(getcwd(NULL, 0), tap_dir, ".. goes up");
	CHECK_ERRNO(chdir("none"), ENOENT);
	CHECK_ERRNO(chdir("file"), ENOTDIR);
	CHECK_ERRNO(chdir(""), ENOENT);
	CHECK_EQ(syscall(SYS_getcwd, path, sizeof(path)), (long)strlen(tap_dir) + 1, "getcwd gives its length with the zero");
	CHECK_ERRNO(syscall(SYS_getcwd, small, 4), ERANGE);
	CHECK_ERRNO(syscall(SYS_getcwd, 8, 4096), EFAULT);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_OK(fchdir(fd));
	CHECK_OK(access("e", F_OK));
	CHECK_OK(chdir(tap_dir));
	file = open("file", O_RDONLY);
	CHECK_ERRNO(fchdir(file), ENOTDIR);
	CHECK_ERRNO(fchdir(999), EBADF);
	close(fd);
	close(file);
	CHECK_CHILD("a removed working directory", MUST(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
		    MUST(syscall(SYS_getcwd, path, sizeof(path)) == -1 && errno == ENOENT);
		    MUST(open("new", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOENT); MUST(access(".", F_OK) == 0));
	CHECK_CHILD("a renamed working directory", MUST(mkdir("old", 0755) == 0 && chdir("old") == 0 && rename("../old", "../new") == 0);
		    MUST(strstr(getcwd(path, sizeof(path)), "/new")); MUST(chdir("..") == 0));
	rmdir("new");
}

static void long_walks(void)
{
	char path[PATH_MAX + 100], link[32];
	int i;

	memset(path, 0, sizeof(path));
	for (i = 0; i < PATH_MAX / 2 - 4; i++)
		strcat(path + 2 * i, "./");
	strcat(path, "file");
	CHECK_OK(access(path, F_OK));
	strcat(path, "/////////");
	CHECK_ERRNO(access(path, F_OK), ENAMETOOLONG);
	for (i = 1; i <= 41; i++) {
		char target[32];

		snprintf(target, sizeof(target), i == 1 ? "file" : "chain%d", i - 1);
		snprintf(link, sizeof(link), "chain%d", i);
		if (symlink(target, link))
			_exit(98);
	}
	CHECK_OK(access("chain40", F_OK));
	CHECK_ERRNO(access("chain41", F_OK), ELOOP);
	CHECK_OK(access("//..//.././..", F_OK));
	CHECK_OK(access("d//e///", F_OK));
	CHECK_ERRNO(access("file/", F_OK), ENOTDIR);
	CHECK_ERRNO(access("chain1/", F_OK), ENOTDIR);
	CHECK_ERRNO(access("file/.", F_OK), ENOTDIR);
	CHECK_ERRNO(access("none/..", F_OK), ENOENT);
	CHECK_OK(access("link/../e", F_OK));
	CHECK_OK(access("link/", F_OK));
	CHECK_OK(symlink("/", "root"));
	CHECK_OK(access("root/proc", F_OK));
	CHECK_OK(symlink("..", "up"));
	CHECK_OK(access("up/up", F_OK) == 0 ? 0 : errno == ENOENT ? 0 : -1);
	CHECK_ERRNO(open("chain1", O_RDONLY | O_NOFOLLOW), ELOOP);
	memset(path, 0, sizeof(path));
	memset(path, 'q', 255);
	CHECK_OK(mkdir(path, 0755));
	CHECK_OK(rmdir(path));
	path[255] = 'q';
	CHECK_ERRNO(mkdir(path, 0755), ENAMETOOLONG);
}

static void reading_directories(void)
{
	char name[32], buf[64];
	bool seen[1000] = {false}, dots[2] = {false, false};
	int i, count = 0, fd, extra = 0;
	struct dirent *entry;
	long middle = 0;
	DIR *dir;

	mkdir("big", 0755);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "big/entry-%d", i);
		tap_file(name, "");
	}
	dir = opendir("big");
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "entry-%d", &i) == 1 && i >= 0 && i < 1000 && !seen[i])
			seen[i] = true;
		else if (!strcmp(entry->d_name, "."))
			dots[0] = true;
		else if (!strcmp(entry->d_name, ".."))
			dots[1] = true;
		else
			extra++;
		if (++count == 500)
			middle = telldir(dir);
	}
	CHECK(count == 1002 && extra == 0, "a thousand entries, each once");
	CHECK(dots[0] && dots[1], "with . and ..");
	seekdir(dir, middle);
	for (count = 0; readdir(dir); count++)
		;
	CHECK_EQ(count, 502, "seekdir to the middle");
	rewinddir(dir);
	for (count = 0; (entry = readdir(dir)); count++)
		unlinkat(dirfd(dir), entry->d_name, 0);
	CHECK_EQ(count, 1002, "removing entries while reading misses none");
	closedir(dir);
	CHECK_OK(rmdir("big"));
	dir = opendir("d");
	for (count = 0; (entry = readdir(dir)); count++)
		if (!strcmp(entry->d_name, "e"))
			CHECK(entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN, "d_type of a directory");
	CHECK_EQ(count, 3, "three entries in a small directory");
	closedir(dir);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, buf, 10), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, 8, 4096), EFAULT);
	CHECK_ERRNO(syscall(SYS_getdents64, 999, buf, 64), EBADF);
	close(fd);
	fd = open("file", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, buf, 64), ENOTDIR);
	close(fd);
	CHECK_OK(mkdir("dead", 0755));
	fd = open("dead", O_RDONLY | O_DIRECTORY);
	rmdir("dead");
	CHECK_ERRNO(syscall(SYS_getdents64, fd, buf, 64), ENOENT);
	close(fd);
}

static long openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {flags, mode, resolve};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static void resolving(void)
{
	struct {
		struct open_how how;
		uint64_t more;
	} longer = {{O_RDONLY, 0, 0}, 0};
	int dir = open("d", O_RDONLY | O_DIRECTORY);

	CHECK_OK(openat2(AT_FDCWD, "file", O_RDONLY, 0, 0));
	CHECK_OK(openat2(dir, "e/..", O_RDONLY, 0, RESOLVE_BENEATH));
	CHECK_ERRNO(openat2(dir, "..", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(openat2(dir, "/", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	CHECK_OK(openat2(dir, "/e/../../..", O_RDONLY, 0, RESOLVE_IN_ROOT));
	CHECK_ERRNO(openat2(dir, "../file", O_RDONLY, 0, RESOLVE_IN_ROOT), ENOENT);
	CHECK_ERRNO(openat2(AT_FDCWD, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERRNO(openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS), ELOOP);
	CHECK_ERRNO(openat2(AT_FDCWD, "/proc", O_RDONLY, 0, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERRNO(openat2(AT_FDCWD, "file", O_RDONLY, 0600, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "file", 1ULL << 40, 0, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "file", O_RDONLY, 0, 1 << 20), EINVAL);
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "file", &longer, 4), EINVAL);
	CHECK_OK(close(syscall(SYS_openat2, AT_FDCWD, "file", &longer, sizeof(longer))));
	longer.more = 1;
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "file", &longer, sizeof(longer)), E2BIG);
	close(dir);
}

static void change_root(void)
{
	if (!tap_is_root()) {
		CHECK_ERRNO(chroot("d"), EPERM);
		return;
	}
	tap_file("d/inside", "i");
	CHECK_CHILD("chroot", MUST(chroot("d") == 0 && chdir("/") == 0); MUST(access("/inside", F_OK) == 0 && access("/proc", F_OK) == -1);
		    MUST(access("/../../inside", F_OK) == 0); MUST(!strcmp(getcwd(NULL, 0), "/")));
	CHECK_CHILD("a working directory outside the root", char buf[4096]; MUST(chroot("d") == 0);
		    MUST(access("file", F_OK) == 0); MUST(syscall(SYS_getcwd, buf, sizeof(buf)) > 0 && !strncmp(buf, "(unreachable)", 13)));
	CHECK_CHILD("absolute links are inside the new root", MUST(symlink("/inside", "d/abs") == 0); MUST(chroot("d") == 0);
		    MUST(access("/abs", F_OK) == 0));
	CHECK_ERRNO(chroot("file"), ENOTDIR);
	CHECK_ERRNO(chroot("none"), ENOENT);
	CHECK_OK(access("file", F_OK));
}

int main(void)
{
	tap_begin();
	working_directory();
	long_walks();
	reading_directories();
	resolving();
	change_root();
	return tap_end();
}
