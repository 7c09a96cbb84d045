/*
 * Ways out of the sandbox by name. Section 8, lines 2, 3 and 5. Usage: escape SECRET-PATH, a path that exists on the host only, whose
 * file says SECRET. What is expected: no way leads there.
 */
#include "tap.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const char *secret_path;

static bool secret_fd(int fd)
{
	char buf[16] = "";
	bool found = fd >= 0 && read(fd, buf, 15) > 0 && strstr(buf, "SECRET");

	if (fd >= 0)
		close(fd);
	return found;
}

static bool secret(const char *prefix)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s%s", prefix, secret_path);
	return secret_fd(open(path, O_RDONLY | O_NONBLOCK));
}

static void prefixes(void)
{
	static const char *const list[] = {
		"", "/..", "/../../..", "/proc/self/root", "/proc/self/root/..", "/proc/self/cwd/..", "/proc/1/root", "/proc/1/root/..",
		"/proc/1/cwd", "/proc/self/task/1/root", "/proc/thread-self/root", "/proc/self/exe/..", "/proc/self/fd/0/..",
		"/proc/2/root", "/proc/self/map_files/..", "/dev/fd/0/..", "/dev/..", "/proc/..", "/sys/..", "/tmp/..", "/vol/..",
		"/vol/../..", "/proc/sys/..", "/dev/shm/../..",
	};
	char path[64];
	int leaks, pid, fd;
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(*list); i++)
		CHECK(!secret(list[i]), "'%s' leads nowhere outside", list[i]);
	for (pid = 1, leaks = 0; pid < 300; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/root", pid);
		leaks += secret(path);
		snprintf(path, sizeof(path), "/proc/%d/cwd/../../../..", pid);
		leaks += secret(path);
	}
	CHECK_EQ(leaks, 0, "no process' root is outside");
	for (fd = 0, leaks = 0; fd < 100; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		leaks += secret(path);
		leaks += secret_fd(openat(fd, secret_path + 1, O_RDONLY));
		leaks += secret_fd(openat(fd, "../../../../..", O_RDONLY | O_DIRECTORY));
	}
	CHECK_EQ(leaks, 0, "no descriptor leads outside");
}

/* The known way out of a chroot: a directory held open above the new root. */
static void chroots(void)
{
	int status = IN_CHILD(int i; int up = open("/", O_RDONLY | O_DIRECTORY); mkdir("/tmp/jail", 0755);
			      if (chroot("/tmp/jail") == 0) { fchdir(up); for (i = 0; i < 50; i++) { if (chdir("..")) break; } chroot("."); }
			      _exit(secret("") ? 77 : 0));

	CHECK(status != EXITED(77), "a directory above a chroot leads to the sandbox' root at most");
	status = IN_CHILD(unshare(CLONE_NEWUSER); unshare(CLONE_NEWNS); _exit(secret("/proc/1/root") ? 77 : 0));
	CHECK(status != EXITED(77), "new namespaces lead nowhere");
}

static void through_sockets(void)
{
	int sv[2], fd = open("/", O_RDONLY | O_DIRECTORY), got = -1;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char c = 'x';
	struct iovec iov = {&c, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	int wild;

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	CHECK(sendmsg(sv[0], &msg, 0) == 1 && recvmsg(sv[1], &msg, 0) == 1, "a directory is passed over a socket");
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	CHECK(!secret_fd(openat(got, secret_path + 1, O_RDONLY)), "and leads to the sandbox' root");
	for (wild = 3; wild < 200; wild++) {
		if (fcntl(wild, F_GETFD) >= 0)
			continue;
		memcpy(CMSG_DATA(header), &wild, sizeof(wild));
		msg.msg_controllen = sizeof(control);
		header->cmsg_len = CMSG_LEN(sizeof(int));
		if (sendmsg(sv[0], &msg, MSG_DONTWAIT) >= 0)
			break;
	}
	CHECK_EQ(wild, 200, "a number that is no descriptor of ours can't be passed");
}

static void files_of_power(void)
{
	static const char *const list[] = {
		"/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/loop-control",
		"/proc/kcore", "/proc/sysrq-trigger", "/proc/kallsyms", "/sys/kernel/security", "/sys/fs/cgroup/cgroup.procs",
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper",
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(*list); i++) {
		int fd = open(list[i], O_WRONLY);

		/* A sandbox may have settings of its own; the script looks at the machine's from outside. */
		if (fd >= 0 && !strncmp(list[i], "/proc/sys/", 10) && write(fd, "|/tmp/escaped", 13) > 0)
			close(fd);
		else
			CHECK(fd == -1 || !strncmp(list[i], "/proc/sys/", 10) || write(fd, "x", 1) < 0, "%s can't be written", list[i]);
	}
	CHECK(open("/dev/mem", O_RDONLY) == -1 && open("/proc/kcore", O_RDONLY) == -1, "memory of the machine can't be read");
}

static void exe(void)
{
	int fd = open("/proc/self/exe", O_RDONLY), wr, written = 0;
	char path[64];

	/* CVE-2019-5736: the runtime's own binary. The script looks whether a binary outside has changed. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < 3; i++) {
		wr = open(((const char *[]){"/proc/self/exe", path, "/proc/1/exe"})[i], O_RDWR);
		if (wr >= 0 && write(wr, "#!/bin/escaped\n", 15) > 0)
			written++;
		close(wr);
	}
	CHECK(written == 0, "a running program cannot be written to");
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED, "no mapping of one can be written");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	secret_path = argv[1];
	tap_begin();
	prefixes();
	chroots();
	through_sockets();
	files_of_power();
	exe();
	return tap_end();
}
