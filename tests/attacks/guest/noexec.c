/*
 * A volume from which nothing may be executed. Section 7 and section 8. Usage: noexec DIR, in which there is `prog` (a copy of this
 * program), `script` (#!/bin/noexec) and `text`. What is expected: EACCES from execve, EPERM or EACCES from mmap and mprotect.
 * A copy into memory or /tmp is another file, and may be executed: the rule is the mount's, as on Linux.
 */
#include "tap.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>

static char *const args[] = {"prog", "--ran", NULL};

static int try_exec(const char *path)
{
	return IN_CHILD(execve(path, args, environ); _exit(errno == EACCES ? 1 : errno == EPERM ? 2 : 3));
}

/* Refused, and by the right error. */
#define CHECK_REFUSED(status, name) do { \
	int st_ = (status); \
	CHECK(st_ == EXITED(1) || st_ == EXITED(2), name " (status %#x)", st_ == EXITED(1) || st_ == EXITED(2) ? 0 : st_); \
} while (0)

static void executing(const char *dir)
{
	char path[300];
	int fd = open("prog", O_RDONLY), path_fd = open("prog", O_PATH), dir_fd = open(".", O_RDONLY | O_DIRECTORY);

	CHECK_REFUSED(try_exec("prog"), "execve");
	CHECK_REFUSED(try_exec("./../vol/prog"), "execve by another way");
	snprintf(path, sizeof(path), "%s/link", dir);
	CHECK_REFUSED(try_exec(path), "execve of a symlink to it");
	CHECK(symlink("/vol/prog", "/tmp/outside-link") == 0, "a symlink from outside");
	CHECK_REFUSED(try_exec("/tmp/outside-link"), "execve of that");
	CHECK_REFUSED(try_exec("script"), "execve of a script");
	CHECK_REFUSED(IN_CHILD(fexecve(fd, args, environ); _exit(errno == EACCES ? 1 : 3)), "fexecve");
	CHECK_REFUSED(IN_CHILD(fexecve(path_fd, args, environ); _exit(errno == EACCES ? 1 : 3)), "fexecve of an O_PATH descriptor");
	CHECK_REFUSED(IN_CHILD(execveat(dir_fd, "prog", args, environ, 0); _exit(errno == EACCES ? 1 : 3)), "execveat");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_REFUSED(try_exec(path), "execve through /proc/self/fd");
	snprintf(path, sizeof(path), "/proc/self/cwd/prog");
	CHECK_REFUSED(try_exec(path), "execve through /proc/self/cwd");
	CHECK_REFUSED(try_exec("/proc/self/root/vol/prog"), "execve through /proc/self/root");
	CHECK(access("prog", X_OK) == -1 && errno == EACCES, "access(X_OK) says so");
	if (tap_is_root())
		CHECK(link("prog", "/tmp/hard") == -1, "no hard link leads out of the mount");
	CHECK(rename("prog", "/tmp/moved") == -1, "nor a rename");
	/* An interpreter named by a script elsewhere that lies on the mount. */
	tap_file("/tmp/script", "#!/vol/prog --ran\n");
	chmod("/tmp/script", 0755);
	CHECK_REFUSED(try_exec("/tmp/script"), "a script whose interpreter lies there");
}

static void mapping(void)
{
	int fd = open("prog", O_RDONLY);
	char *map;

	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EPERM, "mmap PROT_EXEC, private");
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM, "mmap PROT_EXEC, shared");
	CHECK(mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, fd, 4096) == MAP_FAILED, "mmap PROT_EXEC alone");
	CHECK(mmap((void *)0x50000000, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED, "mmap MAP_FIXED");
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED, "a mapping without it is allowed");
	CHECK(mprotect(map, 4096, PROT_READ | PROT_EXEC) == -1 && (errno == EACCES || errno == EPERM), "mprotect PROT_EXEC afterwards");
	map[0] = 1;
	CHECK(mprotect(map, 4096, PROT_READ | PROT_EXEC) == -1, "nor of a page that was written");
	CHECK(mremap(map, 8192, 4096, MREMAP_MAYMOVE) == map && mprotect(map, 4096, PROT_EXEC) == -1, "nor after mremap");
	CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == -1, "nor all three");
	CHECK_CHILD("nor under READ_IMPLIES_EXEC", static const unsigned char ret = 0xc3; personality(READ_IMPLIES_EXEC);
		    unsigned char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0); FILE *f; char line[400]; unsigned long at; char perms[8];
		    MUST(p != MAP_FAILED); MUST(f = fopen("/proc/self/maps", "r")); (void)ret;
		    while (fgets(line, sizeof(line), f))
			    if (sscanf(line, "%lx-%*x %7s", &at, perms) == 2 && at == (unsigned long)p) MUST(perms[2] != 'x'));
	close(fd);
}

static void copies(void)
{
	int in = open("prog", O_RDONLY), out = open("/tmp/copy", O_WRONLY | O_CREAT, 0755), memory = memfd_create("copy", MFD_CLOEXEC);
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n || write(memory, buf, n) != n)
			_exit(98);
	close(out);
	CHECK(IN_CHILD(fexecve(memory, args, environ)) == EXITED(55), "a copy in memory is another file: it runs");
	CHECK(IN_CHILD(execve("/tmp/copy", args, environ)) == EXITED(55), "so is a copy in /tmp");
	close(in);
	close(memory);
}

/* Whatever mounts the guest makes: the rule goes with the files. */
static void remount_tricks(void)
{
	static const char *const shown[] = {"/tmp/b/prog", "/tmp/r/prog", "/tmp/f", "/vol/prog"};

	mkdir("/tmp/b", 0755);
	mkdir("/tmp/r", 0755);
	close(open("/tmp/f", O_CREAT | O_WRONLY, 0755));
	CHECK(mount("/vol", "/tmp/b", NULL, MS_BIND, NULL) == 0, "a bind of the volume");
	CHECK(mount("/vol", "/tmp/r", NULL, MS_BIND | MS_REC, NULL) == 0, "a recursive one");
	CHECK(mount("/vol/prog", "/tmp/f", NULL, MS_BIND, NULL) == 0, "one of the file");
	for (int i = 0; i < 4; i++)
		CHECK_REFUSED(try_exec(shown[i]), "execve there");
	for (int i = 0; i < 3; i++) {
		CHECK(mount(NULL, i == 2 ? "/tmp/f" : i ? "/tmp/r" : "/tmp/b", NULL, MS_REMOUNT | MS_BIND, NULL) == -1, "no remount without it");
		CHECK(mount(NULL, i == 2 ? "/tmp/f" : i ? "/tmp/r" : "/tmp/b", NULL, MS_REMOUNT, NULL) == -1, "nor of the whole");
		CHECK_REFUSED(try_exec(shown[i]), "execve after that");
	}
	CHECK(mount(NULL, "/vol", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == -1, "no remount of the volume itself");
	CHECK(mount("overlay", "/tmp/r", "overlay", 0, "lowerdir=/vol:/tmp") == -1 || IN_CHILD(execve("/tmp/r/prog", args, environ)) != EXITED(55),
	      "no overlay over it is without the rule");
}

/* The same by the calls that take file descriptors. */
static void tree_tricks(void)
{
	struct {
		uint64_t set, clear, propagation, userns_fd;
	} clear = {.clear = 8}, move = {.propagation = MS_PRIVATE};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/vol", 1 | 0x8000), fs, file;

	CHECK(fd >= 0, "a copy of the volume's mount");
	CHECK(syscall(SYS_mount_setattr, fd, "", 0x1000, &clear, sizeof(clear)) == -1, "its copy keeps the rule");
	CHECK(syscall(SYS_mount_setattr, fd, "", 0x9000, &clear, sizeof(clear)) == -1, "as a tree too");
	CHECK_REFUSED(IN_CHILD(fexecve(openat(fd, "prog", O_RDONLY), args, environ); _exit(errno == EACCES ? 1 : 3)), "fexecve in it");
	mkdir("/tmp/t", 0755);
	CHECK(syscall(SYS_move_mount, fd, "", AT_FDCWD, "/tmp/t", 4) == 0, "mounted");
	CHECK_REFUSED(try_exec("/tmp/t/prog"), "execve there");
	CHECK(syscall(SYS_mount_setattr, AT_FDCWD, "/tmp/t", 0, &clear, sizeof(clear)) == -1, "the rule stays");
	CHECK(syscall(SYS_mount_setattr, AT_FDCWD, "/vol", 0, &clear, sizeof(clear)) == -1, "on the volume as well");
	syscall(SYS_mount_setattr, AT_FDCWD, "/vol", 0x8000, &move, sizeof(move));
	fs = (int)syscall(SYS_fspick, AT_FDCWD, "/vol", 0);
	syscall(SYS_fsconfig, fs, 0, "rw", NULL, 0);
	syscall(SYS_fsconfig, fs, 7, NULL, NULL, 0);
	CHECK(syscall(SYS_fsmount, fs, 0, 0) == -1, "what was picked makes no mount");
	file = (int)syscall(SYS_open_tree, AT_FDCWD, "/vol/prog", 1);
	close(open("/tmp/g", O_CREAT | O_WRONLY, 0755));
	CHECK(syscall(SYS_move_mount, file, "", AT_FDCWD, "/tmp/g", 4) == 0, "one of the file");
	CHECK_REFUSED(try_exec("/tmp/g"), "execve of it");
	CHECK_REFUSED(try_exec("/vol/prog"), "execve on the volume after all that");
}

static void mounting(void)
{
	if (tap_is_root())
		CHECK_CHILD("mounts of a root", MUST(unshare(CLONE_NEWNS) == 0); remount_tricks(); tree_tricks(); MUST(tap_failures == 0));
	CHECK_CHILD("mounts in a user namespace", MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0); remount_tricks(); tree_tricks(); MUST(tap_failures == 0));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--ran"))
		return 55;
	if (argc != 2)
		return 2;
	tap_begin();
	if (chdir(argv[1]) < 0)
		return 2;
	executing(argv[1]);
	mapping();
	mounting();
	copies();
	return tap_end();
}
