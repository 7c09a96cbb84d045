/*
 * landlock(7): what a program forbids itself. Where the host has no Landlock the program skips; inside a sandbox what is written here is then
 * the judge: it follows the man page and the kernel's documentation (userspace-api/landlock.rst).
 */
#include "../tap.h"

#include <linux/landlock.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

/* Newer than the headers. */
struct attr {
	uint64_t fs, net, scoped;
};
struct port {
	uint64_t allowed, port;
};
#define EXECUTE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)
#define REMOVE_DIR (1ull << 4)
#define REMOVE_FILE (1ull << 5)
#define MAKE_DIR (1ull << 7)
#define MAKE_REG (1ull << 8)
#define MAKE_SOCK (1ull << 9)
#define MAKE_FIFO (1ull << 10)
#define MAKE_SYM (1ull << 12)
#define REFER (1ull << 13)
#define TRUNCATE (1ull << 14)
#define IOCTL_DEV (1ull << 15)
#define ALL ((1ull << 16) - 1)

static int create(uint64_t fs, uint64_t net, uint64_t scoped)
{
	struct attr a = { fs, net, scoped };

	return syscall(SYS_landlock_create_ruleset, &a, sizeof(a), 0);
}

static long add(int ruleset, const char *path, uint64_t rights)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr a = { .allowed_access = rights, .parent_fd = fd };
	long ret = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	int err = errno;

	close(fd);
	errno = err;
	return ret;
}

static long restrict_self(int ruleset)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_landlock_restrict_self, ruleset, 0);
}

/* Handles `fs`; gives `rights` beneath `path`. */
static void enforce(uint64_t fs, const char *path, uint64_t rights)
{
	int r = create(fs, 0, 0);

	MUST(r >= 0);
	if (path)
		MUST(add(r, path, rights) == 0);
	MUST(restrict_self(r) == 0);
	close(r);
}

#define FAILS(expr, err) MUST((long)(expr) == -1 && errno == (err))
#define FINE(expr) MUST((long)(expr) != -1)

static void calls(void)
{
	struct attr a = { .fs = READ_FILE };
	struct landlock_path_beneath_attr b = { .allowed_access = READ_FILE, .parent_fd = -1 };
	struct port p = { 1, 80 };
	int r, n, pipes[2];

	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, &a, 8, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, NULL, 0, 1u << 20), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, NULL, 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, &a, 7, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, &a, 5000, 0), E2BIG);
	CHECK_ERRNO(create(0, 0, 0), ENOMSG);
	CHECK_ERRNO(create(1ull << 40, 0, 0), EINVAL);
	CHECK_ERRNO(create(0, 1ull << 40, 0), EINVAL);
	CHECK_ERRNO(create(0, 0, 1ull << 40), EINVAL);
	r = syscall(SYS_landlock_create_ruleset, &a, 8, 0);
	CHECK(r >= 0, "the oldest size of the structure does");
	CHECK_EQ(fcntl(r, F_GETFD), FD_CLOEXEC, "a ruleset is close-on-exec");
	CHECK_ERRNO(read(r, &n, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 1, &b, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 0, &b, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 1, NULL, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 1, &b, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, -1, 1, &b, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, 0, 1, &b, 0), EBADFD);
	CHECK_ERRNO(add(r, "/", 0), ENOMSG);
	CHECK_ERRNO(add(r, "/", WRITE_FILE), EINVAL);
	CHECK_OK(add(r, "/", READ_FILE));
	pipe(pipes);
	b.parent_fd = pipes[0];
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 1, &b, 0), EBADFD);
	b.parent_fd = r;
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 1, &b, 0), EBADFD);
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 2, &p, 0), EINVAL);
	close(r);
	r = create(READ_DIR | READ_FILE, 3, 0);
	CHECK_ERRNO(add(r, "a/file", READ_DIR), EINVAL);
	CHECK_OK(add(r, "a/file", READ_FILE));
	CHECK_OK(syscall(SYS_landlock_add_rule, r, 2, &p, 0));
	p.port = 65536;
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 2, &p, 0), EINVAL);
	p = (struct port){ 4, 80 };
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 2, &p, 0), EINVAL);
	p.allowed = 0;
	CHECK_ERRNO(syscall(SYS_landlock_add_rule, r, 2, &p, 0), ENOMSG);
	CHECK_CHILD("restricting needs no_new_privs or CAP_SYS_ADMIN", MUST(!tap_is_root() || setuid(65534) == 0);
		    FAILS(syscall(SYS_landlock_restrict_self, r, 0), EPERM));
	CHECK_CHILD("restricting: errors", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); FAILS(syscall(SYS_landlock_restrict_self, r, 1ul << 31), EINVAL);
		    FAILS(syscall(SYS_landlock_restrict_self, -1, 0), EBADF); FAILS(syscall(SYS_landlock_restrict_self, 0, 0), EBADFD));
	CHECK_CHILD("sixteen layers, not more", for (int i = 0; i < 16; i++) FINE(restrict_self(r)); FAILS(restrict_self(r), E2BIG));
	close(r);
}

static void reading(void)
{
	CHECK_CHILD("nothing is given", enforce(READ_FILE, NULL, 0); FAILS(open("a/file", O_RDONLY), EACCES); FINE(open("a/file", O_WRONLY));
		    FINE(open("a", O_RDONLY)); FINE(open("a/file", O_PATH)); struct stat st; FINE(stat("a/file", &st)));
	CHECK_CHILD("beneath a directory", enforce(READ_FILE, "a", READ_FILE); FINE(open("a/file", O_RDONLY)); FINE(open("a/sub/file", O_RDONLY));
		    FAILS(open("b/file", O_RDONLY), EACCES); FAILS(open("a/../b/file", O_RDONLY), EACCES); FAILS(open("a/link", O_RDONLY), EACCES));
	CHECK_CHILD("one file", enforce(READ_FILE, "a/file", READ_FILE); FINE(open("a/file", O_RDONLY)); FAILS(open("a/other", O_RDONLY), EACCES));
	CHECK_CHILD("writing", enforce(READ_FILE | WRITE_FILE, "a", READ_FILE); FINE(open("a/file", O_RDONLY));
		    FAILS(open("a/file", O_WRONLY), EACCES); FAILS(open("a/file", O_RDWR), EACCES));
	CHECK_CHILD("directories", enforce(READ_DIR, "a", READ_DIR); FINE(open("a/sub", O_RDONLY)); FAILS(open("b", O_RDONLY), EACCES);
		    FAILS(open("/", O_RDONLY | O_DIRECTORY), EACCES); FINE(open("b/file", O_RDONLY)); FINE(chdir("b")));
	CHECK_CHILD("what is open stays open", int fd = open("b/file", O_RDONLY); char c; enforce(ALL, NULL, 0); MUST(read(fd, &c, 1) == 1);
		    FAILS(open("b/file", O_RDONLY), EACCES));
	CHECK_CHILD("by /proc/self/fd", int fd = open("b/file", O_PATH); char p[32]; snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
		    enforce(READ_FILE, "a", READ_FILE); FAILS(open(p, O_RDONLY), EACCES));
	CHECK_CHILD("pipes and memfds are not restricted", int fd = memfd_create("m", 0); char p[32]; snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
		    enforce(ALL, "/proc", READ_FILE | READ_DIR); FINE(open(p, O_RDWR)));
	CHECK_CHILD("layers add up", enforce(READ_FILE, "a", READ_FILE); enforce(READ_FILE, "a/sub", READ_FILE); FINE(open("a/sub/file", O_RDONLY));
		    FAILS(open("a/file", O_RDONLY), EACCES));
	CHECK_CHILD("a later layer gives nothing back", enforce(READ_FILE, "a", READ_FILE); enforce(READ_FILE, "b", READ_FILE);
		    FAILS(open("a/file", O_RDONLY), EACCES); FAILS(open("b/file", O_RDONLY), EACCES));
	CHECK_CHILD("rules added later do not count", int r = create(READ_FILE, 0, 0); FINE(restrict_self(r)); FINE(add(r, "a", READ_FILE));
		    FAILS(open("a/file", O_RDONLY), EACCES));
	CHECK_CHILD("children are restricted", enforce(READ_FILE, "a", READ_FILE); MUST(IN_CHILD(FAILS(open("b/file", O_RDONLY), EACCES)) == 0));
	CHECK_CHILD("a rename takes the rights along the place", enforce(READ_FILE | REFER, "a", READ_FILE | REFER);
		    FINE(rename("a/file", "a/renamed")); FINE(open("a/renamed", O_RDONLY)); FINE(rename("a/renamed", "a/file")));
}

static void changing(void)
{
	const uint64_t make = MAKE_REG | MAKE_DIR | MAKE_SYM | MAKE_FIFO | MAKE_SOCK;
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "b/socket" };

	CHECK_CHILD("making", enforce(make, "a", MAKE_REG | MAKE_DIR); FINE(open("a/new", O_CREAT | O_WRONLY, 0600)); FINE(mkdir("a/dir", 0700));
		    FAILS(symlink("x", "a/sym"), EACCES); FAILS(mkfifo("a/fifo", 0600), EACCES); FAILS(open("b/new", O_CREAT | O_WRONLY, 0600), EACCES);
		    FAILS(mkdir("b/dir", 0700), EACCES); FAILS(mknod("b/reg", S_IFREG | 0600, 0), EACCES); FINE(open("b/file", O_CREAT | O_RDONLY, 0600));
		    FAILS(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&un, sizeof(un)), EACCES); FAILS(mkdir("a/dir", 0700), EEXIST);
		    FINE(unlink("a/new")); FINE(rmdir("a/dir")));
	CHECK_CHILD("removing", enforce(REMOVE_DIR | REMOVE_FILE, "a", REMOVE_FILE); FINE(mkdir("a/dir", 0700)); FAILS(rmdir("a/dir"), EACCES);
		    tap_file("a/gone", ""); FINE(unlink("a/gone")); FAILS(unlink("b/file"), EACCES); FAILS(unlink("b/none"), ENOENT));
	rmdir("a/dir");
	CHECK_CHILD("truncating", int fd = open("b/file", O_RDWR); enforce(TRUNCATE, "a", TRUNCATE); FINE(truncate("a/file", 1));
		    FAILS(truncate("b/file", 1), EACCES); FAILS(open("b/file", O_WRONLY | O_TRUNC), EACCES); FINE(open("b/file", O_WRONLY));
		    FAILS(ftruncate(open("b/file", O_WRONLY), 1), EACCES); FINE(ftruncate(fd, 2)); FINE(ftruncate(open("a/file", O_WRONLY), 2)));
	CHECK_CHILD("devices", struct termios tio; int fd = open("/dev/null", O_RDWR); enforce(IOCTL_DEV, NULL, 0);
		    FAILS(ioctl(open("/dev/null", O_RDWR), TCGETS, &tio), EACCES); FAILS(ioctl(fd, TCGETS, &tio), ENOTTY); int n = 1;
		    FINE(ioctl(open("/dev/null", O_RDWR), FIONBIO, &n)); FAILS(ioctl(open("a/file", O_RDONLY), TCGETS, &tio), ENOTTY));
	CHECK_CHILD("executing", enforce(EXECUTE | READ_FILE, "/proc", EXECUTE | READ_FILE); execl("/proc/self/exe", "x", "exit", (char *)NULL);
		    MUST(errno == EACCES));
}

static void moving(void)
{
	CHECK_CHILD("within one directory", enforce(READ_FILE, "a", READ_FILE); FINE(rename("b/file", "b/moved")); FINE(rename("b/moved", "b/file")));
	CHECK_CHILD("between directories: EXDEV even where REFER is not handled", enforce(READ_FILE, "a", READ_FILE);
		    FAILS(rename("b/file", "a/moved"), EXDEV); FAILS(link("b/file", "a/linked"), EXDEV));
	CHECK_CHILD("with REFER above both", enforce(REFER | READ_FILE, ".", REFER | READ_FILE); FINE(rename("b/file", "a/moved")); FINE(rename("a/moved", "b/file"));
		    FINE(link("b/file", "a/linked")); FINE(unlink("a/linked")));
	CHECK_CHILD("REFER on one side only", enforce(REFER, "a", REFER); FAILS(rename("b/file", "a/moved"), EXDEV); FAILS(rename("a/file", "b/moved"), EXDEV);
		    FINE(rename("a/file", "a/sub/moved")); FINE(rename("a/sub/moved", "a/file")));
	CHECK_CHILD("no right may be won", int r = create(REFER | READ_FILE, 0, 0); FINE(add(r, ".", REFER)); FINE(add(r, "a", READ_FILE));
		    FINE(restrict_self(r)); FAILS(rename("b/file", "a/moved"), EXDEV); FAILS(link("b/file", "a/linked"), EXDEV);
		    FINE(rename("a/file", "b/moved")); FAILS(rename("b/moved", "a/file"), EXDEV));
	rename("b/moved", "a/file");
	CHECK_CHILD("making and removing count first", enforce(REFER | MAKE_REG | REMOVE_FILE, ".", REFER | MAKE_REG);
		    FAILS(rename("b/file", "a/moved"), EACCES); FINE(link("b/file", "a/linked")); FAILS(unlink("a/linked"), EACCES));
	unlink("a/linked");
	CHECK_CHILD("exchange", int r = create(REFER | READ_FILE, 0, 0); FINE(add(r, ".", REFER)); FINE(add(r, "a", READ_FILE)); FINE(restrict_self(r));
		    FAILS(renameat2(AT_FDCWD, "a/file", AT_FDCWD, "b/file", RENAME_EXCHANGE), EXDEV); FAILS(rename("a/none", "b/x"), ENOENT));
}

/* A child of the restricted process, or one from before. */
static void scopes(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "\0picket-landlock" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), r = create(0, 0, 3), fds[2];
	pid_t outside;
	char c, d;
	struct iovec local = { &c, 1 }, remote = { &d, 1 };

	bind(server, (void *)&un, sizeof(un));
	listen(server, 8);
	pipe(fds);
	outside = fork();
	if (outside == 0) {
		tap_await_fd(fds[0]);
		_exit(0);
	}
	CHECK_CHILD("signals to the outside: EPERM", FINE(restrict_self(r)); FAILS(kill(outside, 0), EPERM); FINE(kill(getpid(), 0)); FINE(raise(0)));
	CHECK_CHILD("signals within the domain", FINE(restrict_self(r)); pid_t pid = fork(); if (pid == 0) for (;;) pause();
		    FINE(kill(pid, SIGKILL)); MUST(tap_wait(pid) == SIGKILL));
	CHECK_CHILD("from the outside in", pid_t pid = fork(); if (pid == 0) { restrict_self(r); for (;;) pause(); }
		    FINE(kill(pid, SIGKILL)); tap_wait(pid));
	CHECK_CHILD("a child's own layer keeps it from its parent", FINE(restrict_self(r)); pid_t parent = getpid();
		    MUST(IN_CHILD(FINE(restrict_self(r)); FAILS(kill(parent, 0), EPERM)) == 0));
	CHECK_CHILD("abstract sockets outside: EPERM", int s = socket(AF_UNIX, SOCK_STREAM, 0); FINE(restrict_self(r));
		    FAILS(connect(s, (void *)&un, sizeof(un)), EPERM));
	CHECK_CHILD("abstract sockets within", FINE(restrict_self(r)); struct sockaddr_un in = { .sun_family = AF_UNIX, .sun_path = "\0picket-landlock-in" };
		    int l = socket(AF_UNIX, SOCK_STREAM, 0); FINE(bind(l, (void *)&in, sizeof(in))); FINE(listen(l, 8));
		    FINE(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&in, sizeof(in))));
	CHECK_CHILD("memory of the outside: EPERM", enforce(READ_FILE, "/", READ_FILE); FAILS(process_vm_readv(outside, &local, 1, &remote, 1, 0), EPERM));
	tap_signal_fd(fds[1]);
	tap_wait(outside);
	close(server);
}

/* TCP ports. */
static void ports(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int r = create(0, 3, 0), s = socket(AF_INET, SOCK_STREAM, 0);
	struct port p = { 2, 0 };

	bind(s, (void *)&in, len);
	listen(s, 8);
	getsockname(s, (void *)&in, &len);
	p.port = ntohs(in.sin_port);
	syscall(SYS_landlock_add_rule, r, 2, &p, 0);
	CHECK_CHILD("connecting to the port given", FINE(restrict_self(r)); FINE(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&in, len)));
	CHECK_CHILD("connecting to another: EACCES", FINE(restrict_self(r)); in.sin_port ^= htons(1);
		    FAILS(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&in, len), EACCES));
	CHECK_CHILD("binding: EACCES", FINE(restrict_self(r)); FAILS(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&in, len), EACCES);
		    in.sin_port = 0; FAILS(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&in, len), EACCES));
	CHECK_CHILD("UDP is not restricted", FINE(restrict_self(r)); in.sin_port = 0; FINE(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&in, len)));
	close(s);
	close(r);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	tap_begin();
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 6) {
		SKIP("landlock", "no Landlock here");
		return tap_end();
	}
	CHECK(abi >= 6, "the ABI is 6 or newer");
	mkdir("a", 0755);
	mkdir("a/sub", 0755);
	mkdir("b", 0755);
	tap_file("a/file", "in a");
	tap_file("a/other", "other");
	tap_file("a/sub/file", "in a/sub");
	tap_file("b/file", "in b");
	symlink("../b/file", "a/link");
	calls();
	reading();
	changing();
	moving();
	scopes();
	ports();
	return tap_end();
}
