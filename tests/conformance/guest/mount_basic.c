/* mount(2) and umount2(2): tmpfs and its options, binds, remounts, moves, flags, errors. */
#include "../tap.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

static void put(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

/* The options of what is mounted last on a path, as mountinfo has them (field 6). */
static const char *flags_of(const char *path)
{
	static char flags[256];
	char line[4096], root[512], where[512], opts[256], whole[1024];
	FILE *f = fopen("/proc/self/mountinfo", "r");

	snprintf(whole, sizeof(whole), "%s/%s", tap_dir, path);
	flags[0] = 0;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %511s %511s %255s", root, where, opts) == 3 && !strcmp(where, whole))
			snprintf(flags, sizeof(flags), "%s", opts);
	if (f)
		fclose(f);
	return flags;
}

static long statfs_flags(const char *path)
{
	struct statfs st;

	return statfs(path, &st) < 0 ? -1 : (long)st.f_flags & ~0x20L;
}

static void tmpfs(void)
{
	struct statfs st;
	struct stat s;

	mkdir("t", 0755);
	CHECK_EQ(mount("none", "t", "tmpfs", 0, "size=1m,mode=0710,uid=5,gid=6,nr_inodes=10"), 0, "tmpfs with options");
	CHECK(statfs("t", &st) == 0 && st.f_type == 0x01021994, "it is a tmpfs");
	CHECK_EQ(st.f_blocks * st.f_bsize, 1 << 20, "of the size asked for");
	CHECK_EQ(st.f_files, 10, "with so many inodes");
	stat("t", &s);
	CHECK(s.st_uid == 5 && s.st_gid == 6 && (s.st_mode & 07777) == 0710, "owner and mode of its root");
	put("t/a", "x");
	CHECK_EQ(access("t/a", F_OK), 0, "a file in it");
	CHECK_EQ(umount("t"), 0, "umount");
	CHECK_ERRNO(access("t/a", F_OK), ENOENT);
	CHECK_ERRNO(umount("t"), EINVAL);
	CHECK_ERRNO(mount("none", "t", "tmpfs", 0, "size=lots"), EINVAL);
	CHECK_ERRNO(mount("none", "t", "tmpfs", 0, "nonsense"), EINVAL);
	CHECK_ERRNO(mount("none", "t", "tmpfs", 0, "uid=-1"), EINVAL);
	CHECK_EQ(mount("none", "t", "tmpfs", 0, NULL), 0, "tmpfs without options");
	stat("t", &s);
	CHECK_EQ(s.st_mode & 07777, 01777, "its root is everybody's");
	CHECK_EQ(mount("none", "t", "tmpfs", 0, "size=2m"), 0, "one on the other");
	CHECK_EQ(umount("t") | umount("t"), 0, "taken away one by one");
	CHECK_ERRNO(umount("t"), EINVAL);
}

static void inodes(void)
{
	int made = 0;
	char name[32];

	mount("none", "t", "tmpfs", 0, "nr_inodes=5");
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "t/%d", i);
		made += mknod(name, S_IFREG | 0644, 0) == 0;
	}
	CHECK(made == 4 && errno == ENOSPC, "no more inodes than allowed");
	unlink("t/0");
	CHECK_EQ(mknod("t/x", S_IFREG | 0644, 0), 0, "one goes, another may come");
	umount("t");
	mount("none", "t", "tmpfs", 0, "size=64k");
	int fd = open("t/f", O_CREAT | O_RDWR, 0644);
	char block[4096] = { 0 };
	int n = 0;

	while (n < 100 && write(fd, block, sizeof(block)) == sizeof(block))
		n++;
	CHECK(n == 16 && errno == ENOSPC, "no more bytes than allowed");
	close(fd);
	CHECK_EQ(mount(NULL, "t", NULL, MS_REMOUNT, "size=128k"), 0, "a remount gives it more");
	fd = open("t/f", O_WRONLY | O_APPEND);
	CHECK_EQ(write(fd, block, sizeof(block)), 4096, "which can be written");
	CHECK_ERRNO(mount(NULL, "t", NULL, MS_REMOUNT, "size=4k"), EINVAL);
	close(fd);
	umount("t");
}

static void binds(void)
{
	struct stat a, b;
	int fd;

	mkdir("src", 0755);
	mkdir("dst", 0755);
	mkdir("src/sub", 0755);
	put("src/f", "one");
	CHECK_EQ(mount("src", "dst", NULL, MS_BIND, NULL), 0, "a bind");
	stat("src/f", &a);
	stat("dst/f", &b);
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "shows the same files");
	put("dst/g", "two");
	CHECK_EQ(access("src/g", F_OK), 0, "both ways");
	mount("none", "src/sub", "tmpfs", 0, NULL);
	put("src/sub/deep", "x");
	CHECK_ERRNO(access("dst/sub/deep", F_OK), ENOENT);
	umount("dst");
	CHECK_EQ(mount("src", "dst", NULL, MS_BIND | MS_REC, NULL), 0, "a recursive bind");
	CHECK_EQ(access("dst/sub/deep", F_OK), 0, "brings what is mounted below");
	CHECK_ERRNO(umount("dst"), EBUSY);
	CHECK_EQ(umount("dst/sub"), 0, "the lower one first");
	CHECK_EQ(umount("dst"), 0, "then the upper one");
	umount("src/sub");
	put("file", "target");
	CHECK_EQ(mount("src/f", "file", NULL, MS_BIND, NULL), 0, "a file on a file");
	fd = open("file", O_RDONLY);
	char buf[8] = "";
	read(fd, buf, 7);
	CHECK_STR(buf, "one", "is what is read");
	CHECK_ERRNO(umount("file"), EBUSY);
	close(fd);
	CHECK_ERRNO(unlink("file"), EBUSY);
	CHECK_ERRNO(rename("file", "file2"), EBUSY);
	CHECK_EQ(umount("file"), 0, "umount of a file");
	CHECK_ERRNO(mount("src", "file", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount("file", "src", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount("absent", "dst", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERRNO(mount(NULL, "dst", NULL, MS_BIND, NULL), EINVAL);
}

static void flags(void)
{
	mount("src", "dst", NULL, MS_BIND, NULL);
	CHECK_EQ(mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0, "a bind made read-only");
	CHECK_ERRNO(open("dst/new", O_CREAT | O_WRONLY, 0644), EROFS);
	CHECK_ERRNO(unlink("dst/f"), EROFS);
	CHECK_EQ(access("src/f", W_OK), 0, "its source is not");
	CHECK_ERRNO(access("dst/f", W_OK), EROFS);
	CHECK_EQ(statfs_flags("dst") & 1, 1, "statfs says so");
	CHECK_EQ(mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, NULL), 0, "other flags");
	CHECK_EQ(statfs_flags("dst"), ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME, "replace the ones before");
	CHECK_STR(flags_of("dst"), "rw,nosuid,nodev,noexec,noatime", "mountinfo shows them");
	put("dst/run", "#!/bin/sh\n");
	chmod("src/run", 0755);
	CHECK_ERRNO(execl("dst/run", "run", NULL), EACCES);
	CHECK_EQ(mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL), 0, "without access times");
	CHECK_STR(flags_of("dst"), "rw,nosuid,noatime", "those stay");
	mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL);
	CHECK_STR(flags_of("dst"), "rw", "strict access times have no word");
	mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL);
	CHECK_STR(flags_of("dst"), "rw,relatime", "relative ones have");
	mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_NOSYMFOLLOW, NULL);
	symlink("f", "src/link");
	CHECK_ERRNO(open("dst/link", O_RDONLY), ELOOP);
	CHECK_EQ(access("src/link", F_OK), 0, "elsewhere it is followed");
	CHECK_ERRNO(mount(NULL, "dst/sub", NULL, MS_REMOUNT | MS_BIND, NULL), EINVAL);
	umount("dst");
	mount("none", "t", "tmpfs", MS_RDONLY, NULL);
	CHECK_ERRNO(mkdir("t/x", 0755), EROFS);
	CHECK_EQ(mount(NULL, "t", NULL, MS_REMOUNT, NULL), 0, "a remount makes it writable");
	CHECK_EQ(mkdir("t/x", 0755), 0, "so it is");
	umount("t");
}

static void moves(void)
{
	mkdir("m1", 0755);
	mkdir("m2", 0755);
	mount("none", "m1", "tmpfs", 0, NULL);
	put("m1/f", "x");
	mkdir("m1/in", 0755);
	mount("none", "m1/in", "tmpfs", 0, NULL);
	put("m1/in/g", "x");
	CHECK_EQ(mount("m1", "m2", NULL, MS_MOVE, NULL), 0, "a move");
	CHECK(access("m2/f", F_OK) == 0 && access("m1/f", F_OK) < 0, "from here to there");
	CHECK_EQ(access("m2/in/g", F_OK), 0, "with what is on it");
	CHECK_ERRNO(mount("m2", "m2/in", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_ERRNO(mount("m1", "m2", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERRNO(umount2("m2", 0), EBUSY);
	int fd = open("m2/f", O_RDONLY);
	CHECK_EQ(umount2("m2", MNT_DETACH), 0, "lazily");
	char c;
	CHECK_EQ(read(fd, &c, 1), 1, "what is open stays");
	CHECK_ERRNO(access("m2/f", F_OK), ENOENT);
	close(fd);
}

static void umounts(void)
{
	mount("none", "t", "tmpfs", 0, NULL);
	CHECK_ERRNO(umount2("t", MNT_EXPIRE | MNT_DETACH), EINVAL);
	CHECK_ERRNO(umount2("t", MNT_EXPIRE), EAGAIN);
	CHECK_EQ(umount2("t", MNT_EXPIRE), 0, "the second time it goes");
	mount("none", "t", "tmpfs", 0, NULL);
	umount2("t", MNT_EXPIRE);
	access("t/x", F_OK);
	CHECK_ERRNO(umount2("t", MNT_EXPIRE), EAGAIN);
	symlink("t", "to-t");
	CHECK_ERRNO(umount2("to-t", UMOUNT_NOFOLLOW), EINVAL);
	CHECK_ERRNO(umount2("t", 0x100), EINVAL);
	CHECK_EQ(umount2("to-t", 0), 0, "a link is followed");
	CHECK_ERRNO(umount2("absent", 0), ENOENT);
	CHECK_ERRNO(umount2((char *)1, 0), EFAULT);
	chdir("t");
	mount("none", "../t", "tmpfs", 0, NULL);
	CHECK_ERRNO(access("x", F_OK), ENOENT);
	chdir("..");
	chdir("t");
	CHECK_ERRNO(umount2("../t", 0), EBUSY);
	chdir("..");
	CHECK_EQ(umount2("t", 0), 0, "nobody is there any more");
}

static void errors(void)
{
	CHECK_ERRNO(mount("none", "t", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "t", NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(mount("none", "absent", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", "file", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERRNO(mount("none", (char *)1, "tmpfs", 0, NULL), EFAULT);
	CHECK_ERRNO(mount("none", "t", (char *)1, 0, NULL), EFAULT);
	CHECK_ERRNO(mount("none", "t", "tmpfs", 0, (char *)1), EFAULT);
	CHECK_ERRNO(mount(NULL, "t", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "t", NULL, MS_SHARED | MS_RDONLY, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "t", NULL, MS_SHARED, NULL), EINVAL);
	CHECK_ERRNO(mount("none", "t", "tmpfs", 1u << 31, NULL), EINVAL);
	CHECK_EQ(mount("none", "t", "tmpfs", 0xc0ed0000, NULL), 0, "the magic number of old is no flag");
	umount("t");
	CHECK_EQ(mount("none", "t", "proc", 0, NULL), 0, "proc");
	CHECK_EQ(access("t/self/status", F_OK), 0, "shows processes");
	CHECK_EQ(mount("none", "t/sys", "tmpfs", 0, NULL), 0, "a mount on a directory of proc");
	CHECK_ERRNO(access("t/sys/kernel", F_OK), ENOENT);
	CHECK(umount("t/sys") == 0 && access("t/sys/kernel", F_OK) == 0, "and away again");
	CHECK_EQ(umount("t"), 0, "umount of proc");
	if (seteuid(1000) == 0) {
		CHECK_ERRNO(mount("none", "/", "tmpfs", 0, NULL), EPERM);
		CHECK_ERRNO(umount2("/proc", 0), EPERM);
		seteuid(0);
	}
}

int main(void)
{
	tap_begin();
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		CHECK_EQ(errno, 0, "a mount namespace of its own");
		return tap_end();
	}
	tmpfs();
	inodes();
	binds();
	flags();
	moves();
	umounts();
	errors();
	return tap_end();
}
