/* The calls about mounts that take file descriptors: open_tree, move_mount, fsopen and its kin, mount_setattr, statmount, listmount. */
#include "../tap.h"

#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define open_tree_(dir, path, flags) ((int)syscall(428, dir, path, flags))
#define move_mount_(fd, from, td, to, flags) syscall(429, fd, from, td, to, flags)
#define fsopen_(name, flags) ((int)syscall(430, name, flags))
#define fsconfig_(fd, cmd, key, value, aux) syscall(431, fd, cmd, key, value, aux)
#define fsmount_(fd, flags, attr) ((int)syscall(432, fd, flags, attr))
#define fspick_(dir, path, flags) ((int)syscall(433, dir, path, flags))
#define setattr_(dir, path, flags, attr, size) syscall(442, dir, path, flags, attr, size)
#define RECURSIVE 0x8000
#define EMPTY 0x1000
#define ROOT_ID UINT64_MAX

struct attr {
	uint64_t set, clr, propagation, userns_fd;
};
struct request {
	uint32_t size, spare;
	uint64_t id, param, ns;
};
struct answer {
	uint32_t size, opts;
	uint64_t mask;
	uint32_t major, minor;
	uint64_t magic;
	uint32_t sb_flags, type;
	uint64_t id, parent;
	uint32_t old, parent_old;
	uint64_t attr, propagation, peers, master, from;
	uint32_t root, point;
	uint64_t ns;
	uint64_t spare[49];
	char str[4096];
};

static unsigned long flags_of(const char *path)
{
	struct statfs st;

	return statfs(path, &st) < 0 ? ~0ul : (unsigned long)st.f_flags & 0xf;
}

static bool there(const char *name)
{
	return access(name, F_OK) == 0;
}

static void touch(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0644));
}

static void trees(void)
{
	int fd;

	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	mount("none", "a", "tmpfs", 0, NULL);
	mkdir("a/sub", 0755);
	mount("none", "a/sub", "tmpfs", 0, NULL);
	touch("a/f");
	touch("a/sub/g");
	CHECK_ERRNO(open_tree_(AT_FDCWD, "a", 0x40), EINVAL);
	CHECK_ERRNO(open_tree_(AT_FDCWD, "a", RECURSIVE), EINVAL);
	CHECK_ERRNO(open_tree_(AT_FDCWD, "none", 1), ENOENT);
	CHECK_ERRNO(open_tree_(-1, "a", 1), EBADF);
	fd = open_tree_(AT_FDCWD, "a", O_CLOEXEC);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "without a copy");
	CHECK((fcntl(fd, F_GETFL) & O_PATH) != 0, "it is an O_PATH file");
	close(fd);
	fd = open_tree_(AT_FDCWD, "a", 1);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == 0, "a copy of one mount");
	CHECK(faccessat(fd, "f", F_OK, 0) == 0, "its file is there");
	CHECK(faccessat(fd, "sub/g", F_OK, 0) < 0, "what is mounted on it is not");
	CHECK_ERRNO(move_mount_(fd, "", AT_FDCWD, "b", 0), ENOENT);
	CHECK_ERRNO(move_mount_(fd, "", AT_FDCWD, "b", 0x1000), EINVAL);
	CHECK_ERRNO(move_mount_(fd, "", AT_FDCWD, "a/f", 4), EINVAL);
	CHECK_EQ(move_mount_(fd, "", AT_FDCWD, "b", 4), 0, "mounted");
	CHECK(there("b/f"), "there it is");
	CHECK_ERRNO(move_mount_(fd, "", fd, "", 0x44), ELOOP);
	CHECK_EQ(move_mount_(AT_FDCWD, "b", AT_FDCWD, "c", 0), 0, "moved by its name");
	CHECK(there("c/f") && !there("b/f"), "and is nowhere else");
	close(fd);
	CHECK(there("c/f"), "the end of the file is not its end");
	CHECK_EQ(umount("c"), 0, "umount");
	fd = open_tree_(AT_FDCWD, "a", 1 | RECURSIVE);
	CHECK(faccessat(fd, "sub/g", F_OK, 0) == 0, "a copy of all");
	CHECK_EQ(move_mount_(fd, "", AT_FDCWD, "b", 4), 0, "mounted");
	CHECK(there("b/sub/g"), "all of it");
	close(fd);
	CHECK_EQ(umount2("b", MNT_DETACH), 0, "and gone");
	CHECK_ERRNO(move_mount_(AT_FDCWD, "c", AT_FDCWD, "b", 0), EINVAL);
	fd = open_tree_(AT_FDCWD, "a/f", 1);
	CHECK_ERRNO(move_mount_(fd, "", AT_FDCWD, "b", 4), EINVAL);
	touch("file");
	CHECK_EQ(move_mount_(fd, "", AT_FDCWD, "file", 4), 0, "a file on a file");
	close(fd);
	umount("file");
}

static void contexts(void)
{
	int fs, fd;

	CHECK_ERRNO(fsopen_("nonsense", 0), ENODEV);
	CHECK_ERRNO(fsopen_("tmpfs", 2), EINVAL);
	CHECK_ERRNO(fsopen_((char *)8, 0), EFAULT);
	fs = fsopen_("tmpfs", 1);
	CHECK(fs >= 0 && fcntl(fs, F_GETFD) == FD_CLOEXEC, "fsopen");
	CHECK_ERRNO(fsconfig_(fs, 99, NULL, NULL, 0), EOPNOTSUPP);
	CHECK_ERRNO(fsconfig_(-1, 6, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(fsconfig_(1000, 6, NULL, NULL, 0), EBADF);
	CHECK_ERRNO(fsconfig_(fs, 0, "ro", "x", 0), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 1, "size", NULL, 0), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 1, "size", "1m", 1), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 6, "size", NULL, 0), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 1, "nonsense", "x", 0), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 1, "size", "lots", 0), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 5, "size", NULL, 1000), EBADF);
	CHECK_EQ(fsconfig_(fs, 1, "size", "1m", 0), 0, "a size");
	CHECK_EQ(fsconfig_(fs, 1, "mode", "0711", 0), 0, "a mode");
	CHECK_EQ(fsconfig_(fs, 1, "source", "here", 0), 0, "a source");
	CHECK_ERRNO(fsconfig_(fs, 1, "source", "again", 0), EINVAL);
	CHECK_ERRNO(fsconfig_(fs, 7, NULL, NULL, 0), EBUSY);
	CHECK_ERRNO(fsmount_(fs, 0, 0), EINVAL);
	CHECK_EQ(fsconfig_(fs, 6, NULL, NULL, 0), 0, "create");
	CHECK_ERRNO(fsconfig_(fs, 6, NULL, NULL, 0), EBUSY);
	CHECK_ERRNO(fsconfig_(fs, 1, "size", "2m", 0), EBUSY);
	CHECK_ERRNO(fsmount_(fs, 2, 0), EINVAL);
	CHECK_ERRNO(fsmount_(fs, 0, 0x70), EINVAL);
	CHECK_ERRNO(fsmount_(fs, 0, 0x100000), EINVAL);
	CHECK_ERRNO(fsmount_(1000, 0, 0), EBADF);
	CHECK_ERRNO(fsmount_(1, 0, 0), EINVAL);
	fd = fsmount_(fs, 1, 0x2 | 0x8);
	CHECK(fd >= 0, "fsmount");
	CHECK_ERRNO(fsmount_(fs, 0, 0), EBUSY);
	CHECK_EQ(move_mount_(fd, "", AT_FDCWD, "b", 4), 0, "mounted");
	close(fd);
	CHECK_EQ(flags_of("b"), 2 | 8, "with its flags");
	CHECK_EQ(fsconfig_(fs, 0, "ro", NULL, 0), 0, "to be read-only");
	CHECK_EQ(fsconfig_(fs, 7, NULL, NULL, 0), 0, "reconfigure");
	CHECK_ERRNO(open("b/new", O_CREAT | O_WRONLY, 0644), EROFS);
	close(fs);
	CHECK_ERRNO(fspick_(AT_FDCWD, "b", 0x40), EINVAL);
	CHECK_ERRNO(fspick_(AT_FDCWD, "a/f", 0), EINVAL);
	fs = fspick_(AT_FDCWD, "b", 1);
	CHECK(fs >= 0, "fspick");
	CHECK_ERRNO(fsconfig_(fs, 6, NULL, NULL, 0), EBUSY);
	CHECK_EQ(fsconfig_(fs, 0, "rw", NULL, 0), 0, "to be writable");
	CHECK_EQ(fsconfig_(fs, 7, NULL, NULL, 0), 0, "reconfigure");
	CHECK(close(open("b/new", O_CREAT | O_WRONLY, 0644)) == 0, "writable again");
	close(fs);
	umount("b");
}

static void attributes(void)
{
	struct attr a = { .set = 1 }, zero = { 0 };

	CHECK_EQ(setattr_(AT_FDCWD, "none", 0, &zero, 32), 0, "nothing to do is done");
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 31), EINVAL);
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 4097), E2BIG);
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 1, &a, 32), EINVAL);
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, (void *)8, 32), EFAULT);
	CHECK_ERRNO(setattr_(AT_FDCWD, "none", 0, &a, 32), ENOENT);
	CHECK_EQ(setattr_(AT_FDCWD, "a", 0, &a, 32), 0, "read-only");
	CHECK(flags_of("a") == 1 && flags_of("a/sub") == 0, "that one mount");
	a = (struct attr){ .set = 2 | 8, .clr = 1 };
	CHECK_EQ(setattr_(AT_FDCWD, "a", RECURSIVE, &a, 32), 0, "all of them");
	CHECK(flags_of("a") == 10 && flags_of("a/sub") == 10, "have it");
	a = (struct attr){ .set = 0x10 };
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 32), EINVAL);
	a.clr = 0x70;
	CHECK_EQ(setattr_(AT_FDCWD, "a", 0, &a, 32), 0, "access times as a whole");
	a = (struct attr){ .clr = 0x10 };
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 32), EINVAL);
	a = (struct attr){ .propagation = MS_SHARED | MS_PRIVATE };
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 32), EINVAL);
	a = (struct attr){ .set = 1u << 30 };
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 32), EINVAL);
	a = (struct attr){ .set = 0x100000, .userns_fd = 1000 };
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 32), EBADF);
	a.userns_fd = 1;
	CHECK_ERRNO(setattr_(AT_FDCWD, "a", 0, &a, 32), EINVAL);
	a = (struct attr){ .set = 1 };
	CHECK_ERRNO(setattr_(AT_FDCWD, "a/f", 0, &a, 32), EINVAL);
}

static long ask(uint64_t id, uint64_t mask, struct answer *a, size_t room)
{
	struct request r = { .size = 24, .id = id, .param = mask };

	memset(a, 0, sizeof(*a));
	return syscall(457, &r, a, room, 0);
}

static uint64_t id_of(const char *path)
{
	struct statx x;

	return statx(AT_FDCWD, path, 0, 0x4000, &x) < 0 ? 0 : x.stx_mnt_id;
}

static long list(uint64_t id, uint64_t after, uint64_t *out, size_t max, unsigned flags)
{
	struct request r = { .size = 24, .id = id, .param = after };

	return syscall(458, &r, out, max, flags);
}

static void questions(void)
{
	struct attr shared = { .propagation = MS_SHARED };
	uint64_t ids[512], id = id_of("a"), sub = id_of("a/sub");
	static struct answer a;
	char whole[600];
	long n;

	CHECK_EQ(setattr_(AT_FDCWD, "a", 0, &shared, 32), 0, "shared");
	CHECK_EQ(ask(id, 3, &a, sizeof(a)), 0, "statmount");
	CHECK(a.size == 512 && a.mask == 3 && a.magic == 0x01021994, "of a tmpfs");
	CHECK(a.id == id && a.parent == id_of("."), "its id and its parent's");
	CHECK(a.attr == (2 | 8 | 0x10), "its flags");
	CHECK(a.propagation == MS_SHARED && a.peers > 0 && a.master == 0, "its group");
	CHECK_EQ(ask(id, 0x38, &a, sizeof(a)), 0, "strings");
	snprintf(whole, sizeof(whole), "%s/a", tap_dir);
	CHECK_STR(a.str + a.type, "tmpfs", "its type");
	CHECK_STR(a.str + a.root, "/", "its root");
	CHECK_STR(a.str + a.point, whole, "its place");
	/* Linux 6.13 and later begin with an empty string. */
	n = (long)(512 + strlen("tmpfs") + 1 + 2 + strlen(whole) + 1);
	CHECK(a.size == n || a.size == n + 1, "the size of all");
	CHECK_ERRNO(ask(id, 0x38, &a, 512), EOVERFLOW);
	CHECK_ERRNO(ask(id, 0x38, &a, 516), EOVERFLOW);
	CHECK_ERRNO(ask(id, 0x20, &a, 512 + 5), EOVERFLOW);
	CHECK_EQ(ask(id, 0x20, &a, 512 + 7), 0, "just enough");
	CHECK_EQ(ask(id, 2, &a, 48), 0, "a small buffer for what is not a string");
	CHECK(a.size == 48 && a.id == id && a.parent == 0, "is filled as far as it goes");
	CHECK_ERRNO(ask(1, 1, &a, sizeof(a)), EINVAL);
	CHECK_ERRNO(ask(1ull << 50, 1, &a, sizeof(a)), ENOENT);
	CHECK_EQ(list(id, 0, ids, 512, 0), 1, "one is mounted on it");
	CHECK_EQ(ids[0], sub, "the other");
	n = list(ROOT_ID, 0, ids, 512, 0);
	CHECK(n > 2 && ids[n - 1] > ids[0], "all of them, in order");
	CHECK_EQ(list(ROOT_ID, ids[1], ids + 200, 1, 0), 1, "a part");
	CHECK_EQ(ids[200], ids[2], "after what was last");
	CHECK_EQ(list(ROOT_ID, 0, ids + 200, 300, 1), n, "backwards");
	CHECK_EQ(ids[200], ids[n - 1], "begins with the end");
	CHECK_ERRNO(list(ROOT_ID, 0, ids, 512, 2), EINVAL);
	CHECK_ERRNO(list(ROOT_ID, 0, ids, 1000001, 0), EOVERFLOW);
	CHECK_ERRNO(list(ROOT_ID, 5, ids, 512, 0), EINVAL);
}

static void nobody(void)
{
	CHECK_CHILD("without capabilities nothing can be changed", {
		struct attr a = { .set = 1 };
		MUST(setresuid(1000, 1000, 1000) == 0);
		MUST(open_tree_(AT_FDCWD, "a", 1) < 0 && errno == EPERM);
		MUST(open_tree_(AT_FDCWD, "/", 0) >= 0);
		MUST(move_mount_(-1, "a", -1, "b", 0) < 0 && errno == EPERM);
		MUST(fsopen_("tmpfs", 0) < 0 && errno == EPERM);
		MUST(fspick_(AT_FDCWD, "a", 0) < 0 && errno == EPERM);
		MUST(fsmount_(-1, 0, 0) < 0 && errno == EPERM);
		MUST(setattr_(AT_FDCWD, "a", 0, &a, 32) < 0 && errno == EPERM);
	});
}

int main(void)
{
	tap_begin();
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		CHECK_EQ(errno, 0, "a mount namespace of its own");
		return tap_end();
	}
	trees();
	contexts();
	attributes();
	questions();
	nobody();
	umount2("a", MNT_DETACH);
	return tap_end();
}
