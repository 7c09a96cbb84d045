/* Names: link, symlink, rename, unlink, mkdir, rmdir, readlink, mknod. */
#include "../tap.h"

#include <linux/fs.h>
#include <sys/sysmacros.h>

static char long_name[300];

static ino_t inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static nlink_t links(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_nlink : 0;
}

static bool exists(const char *path)
{
	return inode(path) != 0;
}

static void hard_links(void)
{
	int fd;

	tap_file("h1", "text");
	CHECK_OK(link("h1", "h2"));
	CHECK(inode("h1") == inode("h2") && links("h1") == 2, "two names of one inode");
	CHECK_ERRNO(link("h1", "h2"), EEXIST);
	CHECK_ERRNO(link("none", "h3"), ENOENT);
	CHECK_ERRNO(link("h1", "none/h3"), ENOENT);
	CHECK_ERRNO(link("h1", "h1/h3"), ENOTDIR);
	CHECK_ERRNO(link(".", "h3"), EPERM);
	CHECK_ERRNO(link("h1", ""), ENOENT);
	CHECK_ERRNO(link("h1", long_name), ENAMETOOLONG);
	CHECK_ERRNO(linkat(AT_FDCWD, "h1", AT_FDCWD, "h3", 0x8000), EINVAL);
	CHECK_OK(symlink("h1", "s1"));
	CHECK_OK(link("s1", "s2"));
	CHECK_EQ(inode("s1"), inode("s2"), "link does not follow a symlink");
	CHECK_OK(linkat(AT_FDCWD, "s1", AT_FDCWD, "h3", AT_SYMLINK_FOLLOW));
	CHECK(inode("h3") == inode("h1") && links("h1") == 3, "AT_SYMLINK_FOLLOW does");
	fd = open("h1", O_RDWR);
	CHECK_OK(unlink("h1"));
	CHECK_STR(tap_text("h2"), "text", "the other name keeps the text");
	CHECK_OK(unlink("h2"));
	CHECK_OK(unlink("h3"));
	struct stat st;
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0, "a deleted file has no links");
	CHECK(pwrite(fd, "T", 1, 0) == 1 && lseek(fd, 0, SEEK_END) == 4, "but can be written and read");
	close(fd);
}

static void symlinks(void)
{
	char buf[64], *big = malloc(4097);

	CHECK_OK(symlink("anything at all", "any"));
	memset(buf, '#', sizeof(buf));
	CHECK_EQ(readlink("any", buf, sizeof(buf)), 15, "readlink gives the length");
	CHECK(!memcmp(buf, "anything at all#", 16), "and no terminator");
	CHECK_EQ(readlink("any", buf, 3), 3, "a short buffer cuts it");
	CHECK_ERRNO(readlink("any", buf, 0), EINVAL);
	CHECK_ERRNO(readlink(".", buf, 10), EINVAL);
	CHECK_ERRNO(readlink("none", buf, 10), ENOENT);
	CHECK_ERRNO(symlink("x", "any"), EEXIST);
	CHECK_ERRNO(symlink("x", "none/x"), ENOENT);
	CHECK_ERRNO(symlink("", "empty"), ENOENT);
	CHECK_ERRNO(symlink("x", ""), ENOENT);
	memset(big, 'y', 4096);
	big[4096] = 0;
	CHECK_ERRNO(symlink(big, "toolong"), ENAMETOOLONG);
	CHECK_OK(unlink("any"));
	CHECK(!exists("any"), "unlink removes the link itself");
	free(big);
}

static void directories(void)
{
	struct stat st;

	CHECK_OK(mkdir("d", 0751));
	CHECK(stat("d", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0751, "mkdir has the mode");
	umask(077);
	CHECK(mkdir("masked", 0777) == 0 && stat("masked", &st) == 0 && (st.st_mode & 0777) == 0700, "without the umask's bits");
	umask(022);
	CHECK_OK(mkdir("d/sub/", 0755));
	CHECK_ERRNO(mkdir("d", 0755), EEXIST);
	CHECK_ERRNO(mkdir("d/", 0755), EEXIST);
	CHECK_ERRNO(mkdir("none/d", 0755), ENOENT);
	CHECK_ERRNO(mkdir("", 0755), ENOENT);
	CHECK_ERRNO(mkdir("/", 0755), EEXIST);
	CHECK_ERRNO(mkdir(".", 0755), EEXIST);
	CHECK_ERRNO(mkdir(long_name, 0755), ENAMETOOLONG);
	tap_file("d/file", "");
	CHECK_ERRNO(mkdir("d/file/x", 0755), ENOTDIR);
	CHECK_ERRNO(mkdir("d/file", 0755), EEXIST);
	CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("d/file"), ENOTDIR);
	CHECK_ERRNO(rmdir("none"), ENOENT);
	CHECK_ERRNO(rmdir("d/."), EINVAL);
	CHECK_ERRNO(rmdir("d/sub/.."), ENOTEMPTY);
	CHECK_ERRNO(rmdir("/"), EBUSY);
	CHECK_ERRNO(unlink("d"), EISDIR);
	CHECK_ERRNO(unlink("d/file/"), ENOTDIR);
	CHECK_ERRNO(unlink("none"), ENOENT);
	CHECK_ERRNO(unlink(""), ENOENT);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "d", 0x8000), EINVAL);
	CHECK_OK(unlinkat(AT_FDCWD, "d/sub", AT_REMOVEDIR));
	CHECK_OK(unlink("d/file"));
	CHECK_OK(rmdir("d/"));
	CHECK(!exists("d"), "it is gone");
}

static void renames(void)
{
	ino_t ino;

	tap_file("r1", "one");
	tap_file("r2", "two");
	mkdir("rd", 0755);
	mkdir("rd2", 0755);
	ino = inode("r1");
	CHECK_OK(rename("r1", "r3"));
	CHECK(!exists("r1") && inode("r3") == ino, "rename moves the inode");
	CHECK_OK(rename("r3", "r2"));
	CHECK_STR(tap_text("r2"), "one", "rename replaces a file");
	CHECK_OK(rename("r2", "r2"));
	CHECK_OK(link("r2", "r4"));
	CHECK_OK(rename("r2", "r4"));
	CHECK(exists("r2") && exists("r4"), "two names of one file: rename does nothing");
	CHECK_OK(rename("r2", "rd/r2"));
	CHECK_STR(tap_text("rd/r2"), "one", "into a directory");
	CHECK_ERRNO(rename("none", "x"), ENOENT);
	CHECK_ERRNO(rename("r4", "none/x"), ENOENT);
	CHECK_ERRNO(rename("r4", "rd"), EISDIR);
	CHECK_ERRNO(rename("rd", "r4"), ENOTDIR);
	CHECK_ERRNO(rename("rd2", "rd"), ENOTEMPTY);
	CHECK_ERRNO(rename("rd", "rd/inside"), EINVAL);
	CHECK_ERRNO(rename("rd/.", "x"), EBUSY);
	CHECK_ERRNO(rename("rd", "rd2/.."), EBUSY);
	CHECK_ERRNO(rename("r4/", "x"), ENOTDIR);
	CHECK_ERRNO(rename("r4", "x/"), ENOTDIR);
	CHECK_ERRNO(rename("r4", long_name), ENAMETOOLONG);
	CHECK_ERRNO(rename("", "x"), ENOENT);
	CHECK_OK(rename("rd", "rd2"));
	CHECK(!exists("rd") && exists("rd2/r2"), "a directory replaces an empty one");
	CHECK_OK(rename("rd2", "rd3/"));
	CHECK_OK(symlink("rd3", "ln"));
	CHECK_OK(rename("ln", "ln2"));
	CHECK(exists("ln2") && exists("rd3"), "a symlink itself is renamed");
	CHECK_OK(syscall(SYS_renameat2, AT_FDCWD, "r4", AT_FDCWD, "r5", RENAME_NOREPLACE));
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "r5", AT_FDCWD, "ln2", RENAME_NOREPLACE), EEXIST);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "r5", AT_FDCWD, "rd3", 1 << 10), EINVAL);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "r5", AT_FDCWD, "x", RENAME_EXCHANGE), ENOENT);
	ino = inode("r5");
	CHECK_OK(syscall(SYS_renameat2, AT_FDCWD, "r5", AT_FDCWD, "rd3", RENAME_EXCHANGE));
	CHECK(inode("rd3") == ino && exists("r5/r2"), "RENAME_EXCHANGE swaps a file and a directory");
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "r5", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
}

static void link_counts(void)
{
	struct stat st;
	nlink_t before;

	mkdir("n", 0755);
	before = links("n");
	CHECK(before == 2 || before == 1, "an empty directory has two links (or a file system that does not count)");
	mkdir("n/a", 0755);
	mkdir("n/b", 0755);
	CHECK(links("n") == before + 2 || links("n") == 1, "a subdirectory adds one");
	rmdir("n/a");
	CHECK(links("n") == before + 1 || links("n") == 1, "and takes it away");
	CHECK(stat("n/b/..", &st) == 0 && st.st_ino == inode("n"), ".. is the parent");
	CHECK_OK(rename("n/b", "b"));
	CHECK(stat("b/..", &st) == 0 && st.st_ino == inode("."), "and follows a rename");
}

static void nodes(void)
{
	struct stat st;

	CHECK_OK(mknod("regular", S_IFREG | 0640, 0));
	CHECK(stat("regular", &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0640, "mknod makes a file");
	CHECK_OK(mknod("plain", 0600, 0));
	CHECK_OK(mknod("pipe", S_IFIFO | 0600, 0));
	CHECK(stat("pipe", &st) == 0 && S_ISFIFO(st.st_mode), "and a fifo");
	CHECK_OK(mknod("sock", S_IFSOCK | 0600, 0));
	CHECK_ERRNO(open("sock", O_RDONLY), ENXIO);
	CHECK_ERRNO(mknod("regular", S_IFREG, 0), EEXIST);
	CHECK_ERRNO(mknod("dir", S_IFDIR | 0700, 0), EPERM);
	CHECK_ERRNO(mknod("odd", 0170000, 0), EINVAL);
	CHECK_ERRNO(mknod("none/x", S_IFREG, 0), ENOENT);
	if (!tap_is_root())
		CHECK_ERRNO(mknod("null", S_IFCHR | 0600, makedev(1, 3)), EPERM);
}

static bool owner_rules(uid_t owner, uid_t other)
{
	bool sticky, plain;

	mkdir("st", 0777);
	chmod("st", 01777);
	tap_file("st/a", "");
	if (chown("st/a", owner, -1) < 0)
		return false;
	sticky = IN_CHILD(syscall(SYS_setuid, other); MUST(unlink("st/a") == -1 && errno == EPERM);
			  MUST(rename("st/a", "st/b") == -1 && errno == EPERM)) == 0;
	chmod("st", 0777);
	plain = IN_CHILD(syscall(SYS_setuid, other); MUST(unlink("st/a") == 0)) == 0;
	return sticky && plain;
}

static void special_bits(void)
{
	struct stat st;

	if (!tap_is_root()) {
		SKIP("the sticky bit and set-gid directories", "needs root");
		return;
	}
	chmod(".", 0755);
	CHECK(owner_rules(1000, 1001), "the sticky bit keeps others from removing");
	mkdir("sg", 0777);
	CHECK(chown("sg", -1, 4321) == 0 && chmod("sg", 02777) == 0, "a set-gid directory");
	tap_file("sg/file", "");
	CHECK(stat("sg/file", &st) == 0 && st.st_gid == 4321, "gives its group to files");
	CHECK(mkdir("sg/dir", 0755) == 0 && stat("sg/dir", &st) == 0 && st.st_gid == 4321 && (st.st_mode & S_ISGID),
	      "and its group and bit to directories");
}

int main(void)
{
	tap_begin();
	memset(long_name, 'n', sizeof(long_name) - 1);
	hard_links();
	symlinks();
	directories();
	renames();
	link_counts();
	nodes();
	special_bits();
	return tap_end();
}
