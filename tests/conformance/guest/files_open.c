/* open, openat, creat: flags, modes, and every error. */
#include "../tap.h"

#include <sys/ioctl.h>

static char long_name[300], long_path[4200];

static int closed(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

#define OPENS(...) CHECK(closed(open(__VA_ARGS__)) >= 0, "open(" #__VA_ARGS__ ")")
#define FAILS(want, ...) CHECK_ERRNO(closed(open(__VA_ARGS__)), want)

static void setup(void)
{
	tap_file("file", "hello world");
	mkdir("dir", 0755);
	tap_file("dir/inner", "inner");
	if (symlink("file", "link") || symlink("missing", "dangling") || symlink("dir", "dirlink") || symlink("b", "a") || symlink("a", "b"))
		_exit(98);
	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_path, 'p', sizeof(long_path) - 1);
	for (size_t i = 0; i < sizeof(long_path) - 1; i += 2)
		long_path[i] = '/';
}

static void plain(void)
{
	OPENS("file", O_RDONLY);
	OPENS("file", O_WRONLY);
	OPENS("file", O_RDWR);
	OPENS("link", O_RDONLY);
	OPENS("./dir/../file", O_RDONLY);
	OPENS("dir/.//inner", O_RDONLY);
	OPENS("dir", O_RDONLY);
	OPENS("dir/", O_RDONLY | O_DIRECTORY);
	OPENS("dirlink", O_RDONLY | O_DIRECTORY);
	OPENS("dirlink/inner", O_RDONLY | O_NOFOLLOW);
	OPENS("/", O_RDONLY);
	OPENS("/..", O_RDONLY);
	FAILS(ENOENT, "missing", O_RDONLY);
	FAILS(ENOENT, "", O_RDONLY);
	FAILS(ENOENT, "dangling", O_RDONLY);
	FAILS(ENOENT, "missing/file", O_RDONLY);
	FAILS(ENOENT, "missing/file", O_WRONLY | O_CREAT, 0600);
	FAILS(ENOTDIR, "file/", O_RDONLY);
	FAILS(ENOTDIR, "file/x", O_RDONLY);
	FAILS(ENOTDIR, "file/.", O_RDONLY);
	FAILS(ENOTDIR, "file/..", O_RDONLY);
	FAILS(ENOTDIR, "file", O_RDONLY | O_DIRECTORY);
	FAILS(ENOTDIR, "link/x", O_RDONLY);
	FAILS(EISDIR, "dir", O_WRONLY);
	FAILS(EISDIR, "dir", O_RDWR);
	FAILS(EISDIR, "dir", O_RDONLY | O_CREAT, 0600);
	FAILS(EISDIR, "new/", O_WRONLY | O_CREAT, 0600);
	FAILS(EISDIR, ".", O_WRONLY);
	FAILS(ELOOP, "a", O_RDONLY);
	FAILS(ELOOP, "a/x", O_RDONLY);
	FAILS(ELOOP, "link", O_RDONLY | O_NOFOLLOW);
	FAILS(ENOTDIR, "link", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
	FAILS(ENOTDIR, "dirlink", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
	FAILS(ENAMETOOLONG, long_name, O_RDONLY);
	FAILS(ENAMETOOLONG, long_name, O_WRONLY | O_CREAT, 0600);
	FAILS(ENAMETOOLONG, long_path, O_RDONLY);
	FAILS(EFAULT, (char *)8, O_RDONLY);
	FAILS(EINVAL, "dir", O_RDONLY | O_DIRECTORY | O_CREAT, 0600);
}

static void creating(void)
{
	struct stat st;
	int fd;

	OPENS("made", O_WRONLY | O_CREAT, 0640);
	CHECK(stat("made", &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_size == 0, "a new file has the mode given");
	CHECK(st.st_uid == geteuid() && st.st_nlink == 1 && S_ISREG(st.st_mode), "and the caller as owner");
	umask(027);
	OPENS("masked", O_WRONLY | O_CREAT, 0777);
	umask(022);
	CHECK(stat("masked", &st) == 0 && (st.st_mode & 07777) == 0750, "the umask is applied");
	FAILS(EEXIST, "made", O_WRONLY | O_CREAT | O_EXCL, 0600);
	FAILS(EEXIST, "link", O_WRONLY | O_CREAT | O_EXCL, 0600);
	FAILS(EEXIST, "dangling", O_WRONLY | O_CREAT | O_EXCL, 0600);
	FAILS(EEXIST, "dir", O_RDONLY | O_CREAT | O_EXCL, 0600);
	OPENS("excl", O_WRONLY | O_CREAT | O_EXCL, 0600);
	OPENS("dangling", O_WRONLY | O_CREAT, 0600);
	CHECK(stat("missing", &st) == 0, "O_CREAT follows a dangling link");
	unlink("missing");
	fd = open("locked", O_RDWR | O_CREAT | O_EXCL, 0000);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1, "a file made with mode 0 is open for what was asked");
	close(fd);
	OPENS("file", O_WRONLY | O_TRUNC);
	CHECK(stat("file", &st) == 0 && st.st_size == 0, "O_TRUNC empties a file");
	tap_file("file", "hello world");
	CHECK(closed(creat("file", 0600)) >= 0 && stat("file", &st) == 0 && st.st_size == 0, "creat is O_CREAT|O_WRONLY|O_TRUNC");
	CHECK_EQ(st.st_mode & 0777, 0644, "creat of an existing file keeps its mode");
	tap_file("file", "hello world");
}

static void access_modes(void)
{
	char buf[4];
	int fd = open("file", O_RDONLY);

	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY, "F_GETFL gives O_RDONLY");
	close(fd);
	fd = open("file", O_WRONLY | O_APPEND | O_NONBLOCK);
	CHECK_ERRNO(read(fd, buf, 1), EBADF);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT), O_WRONLY | O_APPEND | O_NONBLOCK,
		 "F_GETFL gives the status flags");
	close(fd);
	fd = open("dir", O_RDONLY);
	CHECK_ERRNO(read(fd, buf, 1), EISDIR);
	CHECK_ERRNO(pread(fd, buf, 1, 0), EISDIR);
	close(fd);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, "O_CLOEXEC sets the fd flag");
	CHECK(!(fcntl(fd, F_GETFL) & O_CLOEXEC), "and no status flag");
	close(fd);
	CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
	CHECK_ERRNO(close(fd), EBADF);
	CHECK_ERRNO(close(-1), EBADF);
	fd = open("file", O_RDONLY);
	CHECK_EQ(open("file", O_RDONLY), fd + 1, "the lowest free number is taken");
	close(fd);
	CHECK_EQ(open("file", O_RDONLY), fd, "again after a close");
	close(fd);
	close(fd + 1);
}

static void append(void)
{
	int fd = open("log", O_RDWR | O_CREAT | O_APPEND, 0600), other = open("log", O_WRONLY);
	char buf[16] = "";

	CHECK_EQ(write(fd, "one", 3), 3, "O_APPEND writes");
	CHECK_EQ(pwrite(other, "ONE___", 6, 0), 6, "somebody else makes the file longer");
	CHECK_EQ(write(fd, "two", 3), 3, "O_APPEND writes at the new end");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 9, "and moves the offset there");
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(write(fd, "!", 1), 1, "whatever the offset was");
	CHECK(pread(fd, buf, 16, 0) == 10 && !strcmp(buf, "ONE___two!"), "the result is in order");
	CHECK_EQ(pwrite(fd, "+", 1, 0), 1, "pwrite on O_APPEND");
	CHECK(pread(fd, buf, 16, 0) == 11 && buf[10] == '+', "appends on Linux");
	CHECK_OK(fcntl(fd, F_SETFL, 0));
	CHECK(pwrite(fd, "-", 1, 0) == 1 && pread(fd, buf, 1, 0) == 1 && buf[0] == '-', "F_SETFL takes O_APPEND away");
	close(fd);
	close(other);
}

static void path_only(void)
{
	struct stat st;
	char buf[16] = "";
	int fd = open("file", O_PATH | O_CLOEXEC), dir = open("dir", O_PATH | O_DIRECTORY), link = open("link", O_PATH | O_NOFOLLOW), inner;

	CHECK(fd >= 0 && dir >= 0 && link >= 0, "O_PATH of a file, a directory, a link");
	CHECK_ERRNO(read(fd, buf, 1), EBADF);
	CHECK_ERRNO(write(fd, buf, 1), EBADF);
	CHECK_ERRNO(fchmod(fd, 0600), EBADF);
	CHECK_ERRNO(ftruncate(fd, 0), EBADF);
	CHECK_ERRNO(lseek(fd, 0, SEEK_CUR), EBADF);
	CHECK_ERRNO(ioctl(fd, FIONREAD, buf), EBADF);
	CHECK_OK(fstat(fd, &st));
	CHECK(fcntl(fd, F_GETFL) & O_PATH, "F_GETFL gives O_PATH");
	CHECK(fstat(link, &st) == 0 && S_ISLNK(st.st_mode), "O_PATH|O_NOFOLLOW opens the link itself");
	CHECK(readlinkat(link, "", buf, sizeof(buf)) == 4 && !strcmp(buf, "file"), "readlinkat of it with an empty path");
	inner = openat(dir, "inner", O_RDONLY);
	CHECK(inner >= 0, "openat below an O_PATH directory");
	CHECK_OK(fchdir(dir));
	CHECK_EQ(chdir(".."), 0, "and back");
	CHECK_EQ(closed(open("none", O_PATH)), -1, "O_PATH of nothing");
	CHECK_OK(dup(fd));
	close(inner);
	close(link);
	close(dir);
	close(fd);
}

static void temporary(void)
{
	char path[64], buf[8] = "";
	struct stat st;
	int fd = open(".", O_RDWR | O_TMPFILE, 0600);

	CHECK(fd >= 0, "O_TMPFILE");
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && S_ISREG(st.st_mode), "makes a file without a name");
	CHECK(write(fd, "tmp", 3) == 3 && pread(fd, buf, 8, 0) == 3, "that is written and read");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	CHECK_STR(tap_text("named"), "tmp", "and can be named");
	close(fd);
	FAILS(EINVAL, ".", O_RDONLY | O_TMPFILE, 0600);
	FAILS(ENOTDIR, "file", O_RDWR | O_TMPFILE, 0600);
	FAILS(ENOENT, "none", O_RDWR | O_TMPFILE, 0600);
	fd = open(".", O_RDWR | O_TMPFILE | O_EXCL, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
}

static void relative(void)
{
	int dir = open("dir", O_RDONLY | O_DIRECTORY), file = open("file", O_RDONLY);
	char path[512];

	CHECK(closed(openat(dir, "inner", O_RDONLY)) >= 0, "openat relative to a directory");
	CHECK(closed(openat(dir, "../file", O_RDONLY)) >= 0, "openat above it");
	snprintf(path, sizeof(path), "%s/file", tap_dir);
	CHECK(closed(openat(-5, path, O_RDONLY)) >= 0, "an absolute path needs no directory");
	CHECK_ERRNO(openat(-5, "file", O_RDONLY), EBADF);
	CHECK_ERRNO(openat(file, "x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(openat(999, "x", O_RDONLY), EBADF);
	CHECK_ERRNO(openat(dir, "", O_RDONLY), ENOENT);
	close(dir);
	close(file);
}

static void permissions(void)
{
	if (tap_is_root()) {
		SKIP("permission checks", "runs as root");
		return;
	}
	chmod("file", 0200);
	FAILS(EACCES, "file", O_RDONLY);
	OPENS("file", O_WRONLY);
	chmod("file", 0400);
	FAILS(EACCES, "file", O_WRONLY);
	FAILS(EACCES, "file", O_RDONLY | O_TRUNC);
	chmod("dir", 0600);
	FAILS(EACCES, "dir/inner", O_RDONLY);
	FAILS(EACCES, "dir/missing", O_RDONLY);
	chmod("dir", 0500);
	FAILS(EACCES, "dir/new", O_WRONLY | O_CREAT, 0600);
	OPENS("dir/inner", O_WRONLY | O_CREAT, 0600);
	chmod("dir", 0300);
	FAILS(EACCES, "dir", O_RDONLY);
	OPENS("dir/inner", O_RDONLY);
	chmod("dir", 0755);
}

int main(void)
{
	tap_begin();
	setup();
	plain();
	creating();
	access_modes();
	append();
	path_only();
	temporary();
	relative();
	permissions();
	return tap_end();
}
