/* User and UTS namespaces: maps, who one is, what root of a namespace may do and may not; unshare's and setns' errors. */
#include "../tap.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/utsname.h>

static int put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY), ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return ret;
}

static const char *get(const char *name)
{
	static char text[256];
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	close(fd);
	return text;
}

static void maps(void)
{
	CHECK_STR(get("/proc/self/setgroups"), "allow\n", "setgroups is allowed at first");
	CHECK_CHILD("before a map everybody is nobody", {
		MUST(unshare(CLONE_NEWUSER) == 0);
		MUST(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
		MUST(!*get("/proc/self/uid_map"));
		MUST(setuid(0) < 0 && errno == EINVAL);
		MUST(setgroups(0, NULL) < 0 && errno == EPERM);
	});
	CHECK_CHILD("a map of one id", {
		struct stat st;
		MUST(unshare(CLONE_NEWUSER) == 0);
		MUST(put("/proc/self/uid_map", "0 0 1\n") == 0);
		MUST(put("/proc/self/gid_map", "0 0 1\n") < 0 && errno == EPERM);
		MUST(put("/proc/self/setgroups", "deny") == 0);
		MUST(put("/proc/self/gid_map", "0 0 1\n") == 0);
		MUST(getuid() == 0 && getgid() == 0);
		MUST(!strcmp(get("/proc/self/uid_map"), "         0          0          1\n"));
		MUST(put("/proc/self/uid_map", "0 0 1\n") < 0 && errno == EPERM);
		MUST(put("/proc/self/setgroups", "allow") < 0 && errno == EPERM);
		MUST(stat("/", &st) == 0 && st.st_uid == 0);
		MUST(setuid(1) < 0 && errno == EINVAL);
		MUST(setgroups(0, NULL) < 0 && errno == EPERM);
	});
	CHECK_CHILD("another name for oneself", {
		struct stat st;
		MUST(unshare(CLONE_NEWUSER) == 0);
		MUST(put("/proc/self/uid_map", "77 0 1\n") == 0);
		MUST(getuid() == 77);
		MUST(stat("/", &st) == 0 && st.st_uid == 77 && st.st_gid == 65534);
	});
	CHECK_CHILD("what is no map", {
		MUST(unshare(CLONE_NEWUSER) == 0);
		MUST(put("/proc/self/uid_map", "0 0\n") < 0 && errno == EINVAL);
		MUST(put("/proc/self/uid_map", "0 0 0\n") < 0 && errno == EINVAL);
		MUST(put("/proc/self/uid_map", "x 0 1\n") < 0 && errno == EINVAL);
		MUST(put("/proc/self/uid_map", "0 0 2\n") < 0 && errno == EPERM);
		MUST(put("/proc/self/uid_map", "0 5 1\n") < 0 && errno == EPERM);
		MUST(put("/proc/self/uid_map", "0 0 1\n0 1 1\n") < 0 && errno == EINVAL);
		MUST(put("/proc/self/setgroups", "perhaps") < 0 && errno == EINVAL);
	});
}

static void powers(void)
{
	mkdir("d", 0755);
	CHECK_CHILD("root of a namespace may mount in one of its own", {
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
		MUST(mount("none", "d", "tmpfs", 0, NULL) == 0);
		MUST(umount("d") == 0);
	});
	CHECK_CHILD("but not in the one that it came from", {
		MUST(unshare(CLONE_NEWUSER) == 0);
		MUST(mount("none", "d", "tmpfs", 0, NULL) < 0 && errno == EPERM);
		MUST(sethostname("x", 1) < 0 && errno == EPERM);
	});
	CHECK_CHILD("what was mounted before is locked", {
		MUST(unshare(CLONE_NEWNS) == 0);
		MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
		MUST(mount("none", "d", "tmpfs", MS_RDONLY, NULL) == 0);
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
		MUST(umount("d") < 0 && errno == EINVAL);
		MUST(umount2("d", MNT_DETACH) < 0 && errno == EINVAL);
		MUST(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL) < 0 && errno == EPERM);
		MUST(mount("/", "d", NULL, MS_BIND, NULL) < 0 && errno == EINVAL);
		MUST(mount("d", "/tmp", NULL, MS_MOVE, NULL) < 0 && errno == EINVAL);
	});
	CHECK_CHILD("no devices", {
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
		MUST(mknod("d/null", S_IFCHR | 0666, 0x103) < 0 && errno == EPERM);
	});
	CHECK_CHILD("an unmapped owner's files are out of reach", {
		close(open("theirs", O_CREAT | O_WRONLY, 0600));
		MUST(chown("theirs", 5, 5) == 0);
		MUST(unshare(CLONE_NEWUSER) == 0);
		MUST(put("/proc/self/uid_map", "0 0 1\n") == 0);
		MUST(open("theirs", O_RDONLY) < 0 && errno == EACCES);
		MUST(chown("theirs", 0, -1) < 0 && errno == EPERM);
		MUST(chown("theirs", 3, -1) < 0 && errno == EINVAL);
		MUST(chmod("theirs", 0666) < 0 && errno == EPERM);
	});
}

static void uts(void)
{
	struct utsname before, after;

	uname(&before);
	CHECK_CHILD("a name of one's own", {
		struct utsname u;
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0);
		uname(&u);
		MUST(!strcmp(u.nodename, before.nodename));
		MUST(sethostname("inner", 5) == 0);
		uname(&u);
		MUST(!strcmp(u.nodename, "inner"));
		MUST(!strcmp(get("/proc/sys/kernel/hostname"), "inner\n"));
	});
	uname(&after);
	CHECK_STR(after.nodename, before.nodename, "is nobody else's");
}

static void links(void)
{
	char user[64] = "", child[64] = "";
	int fd = open("/proc/self/ns/user", O_RDONLY), net = open("/proc/self/ns/net", O_RDONLY);

	readlink("/proc/self/ns/user", user, sizeof(user) - 1);
	CHECK(!strncmp(user, "user:[", 6), "the link names its kind");
	CHECK_EQ(ioctl(net, 0xb703), CLONE_NEWNET, "NS_GET_NSTYPE");
	CHECK_EQ(ioctl(fd, 0xb703), CLONE_NEWUSER, "of a user namespace");
	int owner = ioctl(net, 0xb701);
	struct stat a, b;
	fstat(owner, &a);
	fstat(fd, &b);
	CHECK(owner >= 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev, "NS_GET_USERNS leads to the owner");
	CHECK_ERRNO(ioctl(net, 0xb702), EINVAL);
	CHECK_ERRNO(ioctl(net, 0xb7ff), ENOTTY);
	CHECK_ERRNO(setns(fd, 0), EINVAL);
	CHECK_CHILD("every kind is new where it is asked for", {
		static const struct { const char *name; int flag; } kinds[] = {
			{"ipc", CLONE_NEWIPC}, {"net", CLONE_NEWNET}, {"uts", CLONE_NEWUTS}, {"cgroup", 0x02000000}, {"mnt", CLONE_NEWNS},
			{"user", CLONE_NEWUSER},
		};
		for (int i = 0; i < 6; i++) {
			char path[64];
			char before[64] = "";
			char after[64] = "";
			snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].name);
			readlink(path, before, sizeof(before) - 1);
			MUST(unshare(kinds[i].flag) == 0);
			readlink(path, after, sizeof(after) - 1);
			MUST(strcmp(before, after) != 0);
		}
	});
	pid_t pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		readlink("/proc/self/ns/user", child, sizeof(child) - 1);
		_exit(strcmp(user, child) != 0 && getuid() == 65534 ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0, "clone makes one too");
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(unshare(0x1), EINVAL);
	CHECK_CHILD("not from within a chroot", {
		MUST(chroot("d") == 0);
		MUST(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	});
	close(fd);
	close(net);
}

int main(void)
{
	tap_begin();
	maps();
	powers();
	uts();
	links();
	return tap_end();
}
