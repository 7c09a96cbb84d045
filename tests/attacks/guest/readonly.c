/*
 * Every writing call against a read-only volume. Section 8, line 3. Usage: readonly DIR, in which the files `file` (text),
 * `dir/inner` and `link` -> file exist. What is expected: EROFS (or EACCES, EPERM where Linux looks at permissions first), nothing else.
 */
#include "tap.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <utime.h>

/* Refused as a read-only file system refuses. */
#define REFUSED(expr) do { \
	errno = 0; \
	long got_ = (long)(expr); \
	int err_ = errno; \
	tap_check(got_ == -1 && (err_ == EROFS || err_ == EACCES || err_ == EPERM), err_, "refused", #expr " is refused"); \
} while (0)

static int rename2(const char *from, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void by_path(void)
{
	struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	REFUSED(open("file", O_WRONLY));
	REFUSED(open("file", O_RDWR));
	REFUSED(open("link", O_RDWR));
	REFUSED(open("file", O_RDONLY | O_TRUNC));
	REFUSED(open("file", O_WRONLY | O_APPEND));
	REFUSED(open("new", O_WRONLY | O_CREAT, 0600));
	REFUSED(open("dir/new", O_RDONLY | O_CREAT, 0600));
	REFUSED(open(".", O_RDWR | O_TMPFILE, 0600));
	REFUSED(creat("file", 0600));
	REFUSED(creat("new", 0600));
	REFUSED(truncate("file", 0));
	REFUSED(truncate("file", 100));
	REFUSED(mkdir("newdir", 0700));
	REFUSED(rmdir("empty"));
	REFUSED(unlink("file"));
	REFUSED(unlink("link"));
	REFUSED(unlinkat(AT_FDCWD, "empty", AT_REMOVEDIR));
	REFUSED(rename("file", "other"));
	REFUSED(rename("dir/inner", "inner"));
	REFUSED(rename2("file", "link", RENAME_EXCHANGE));
	REFUSED(rename2("file", "new", RENAME_NOREPLACE));
	REFUSED(link("file", "hard"));
	REFUSED(symlink("file", "soft"));
	REFUSED(mknod("node", S_IFREG | 0600, 0));
	REFUSED(mkfifo("fifo", 0600));
	REFUSED(chmod("file", 0777));
	REFUSED(fchmodat(AT_FDCWD, "dir", 0777, 0));
	REFUSED(chown("file", getuid(), getgid()));
	REFUSED(lchown("link", getuid(), getgid()));
	REFUSED(utimensat(AT_FDCWD, "file", now, 0));
	REFUSED(utimensat(AT_FDCWD, "link", now, AT_SYMLINK_NOFOLLOW));
	REFUSED(utime("file", NULL));
	REFUSED(access("file", W_OK));
	REFUSED(bind(sock, (struct sockaddr *)&sun, sizeof(sun)));
	CHECK(setxattr("file", "user.x", "y", 1, 0) == -1, "setxattr is refused");
	CHECK(removexattr("file", "user.x") == -1, "removexattr is refused");
	close(sock);
}

static void by_fd(const char *dir)
{
	char path[64], *map;
	int fd = open("file", O_RDONLY), other = open("/proc/self/exe", O_RDONLY), path_fd = open("file", O_PATH), p[2];
	int here = open(".", O_RDONLY | O_DIRECTORY), flags = 0;
	struct stat before, after;

	CHECK_OK(fstat(fd, &before));
	CHECK(write(fd, "x", 1) == -1 && errno == EBADF, "write to a descriptor for reading");
	CHECK(ftruncate(fd, 0) == -1, "ftruncate of it");
	CHECK(fallocate(fd, 0, 0, 100) == -1, "fallocate of it");
	REFUSED(fchmod(fd, 0777));
	REFUSED(fchown(fd, getuid(), getgid()));
	REFUSED(futimens(fd, NULL));
	CHECK(fsetxattr(fd, "user.x", "y", 1, 0) == -1, "fsetxattr");
	CHECK(sendfile(fd, other, NULL, 10) == -1, "sendfile into it");
	CHECK(copy_file_range(other, NULL, fd, NULL, 10, 0) == -1, "copy_file_range into it");
	CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1 && splice(p[0], NULL, fd, NULL, 1, 0) == -1, "splice into it");
	CHECK(ioctl(fd, FICLONE, other) == -1, "FICLONE into it");
	CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1 || ioctl(fd, FS_IOC_SETFLAGS, &flags) == -1, "FS_IOC_SETFLAGS");
	REFUSED(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "a shared mapping for reading");
	REFUSED(mprotect(map, 4096, PROT_READ | PROT_WRITE));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	map[0] = '#';
	CHECK(pread(fd, path, 1, 0) == 1 && path[0] != '#', "a private mapping is the guest's own");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	REFUSED(open(path, O_RDWR));
	REFUSED(truncate(path, 0));
	REFUSED(chmod(path, 0777));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	REFUSED(open(path, O_WRONLY));
	CHECK(fcntl(fd, F_SETFL, O_RDWR) == 0 ? write(fd, "x", 1) == -1 : true, "F_SETFL does not make it writable");
	REFUSED(openat(here, "file", O_RDWR));
	REFUSED(mkdirat(here, "newdir", 0700));
	/* ENOENT: an ordinary user may not link by descriptor at all. */
	CHECK(linkat(path_fd, "", here, "hard", AT_EMPTY_PATH) == -1 && (errno == EROFS || errno == ENOENT), "linkat of a descriptor");
	snprintf(path, sizeof(path), "%s/../%s/file", dir, strrchr(dir, '/') + 1);
	REFUSED(open(path, O_RDWR));
	snprintf(path, sizeof(path), "/proc/self/cwd/file");
	REFUSED(open(path, O_RDWR));
	CHECK(fstat(fd, &after) == 0 && before.st_size == after.st_size && before.st_mode == after.st_mode &&
	      before.st_mtim.tv_sec == after.st_mtim.tv_sec, "the file is as it was");
}

static void by_mounting(const char *dir)
{
	/* Even root in the sandbox: a remount or a bind elsewhere must not make it writable. */
	syscall(SYS_mount, "none", dir, "none", 32 /* MS_REMOUNT */, "");
	syscall(SYS_mount, dir, "/tmp", "none", 4096 /* MS_BIND */, "");
	REFUSED(open("file", O_RDWR));
	CHECK(open("/tmp/file", O_RDWR) == -1, "not by a bind mount");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	tap_begin();
	if (chdir(argv[1]) < 0)
		return 2;
	by_path();
	by_fd(argv[1]);
	by_mounting(argv[1]);
	return tap_end();
}
