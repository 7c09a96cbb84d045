/* Mount namespaces, propagation, pivot_root, chroot; mountinfo's view and its poll. */
#include "../tap.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

static void put(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0644));
}

static bool there(const char *name)
{
	return access(name, F_OK) == 0;
}

/* The optional fields of what is mounted on a path of the working directory, "shared:N" without its number. */
static const char *propagation(const char *path)
{
	static char out[256];
	char line[4096], where[512], whole[1024], *at, *end;
	FILE *f = fopen("/proc/self/mountinfo", "r");

	snprintf(whole, sizeof(whole), "%s/%s", tap_dir, path);
	strcpy(out, "nothing");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d %*d %*s %*s %511s", where) != 1 || strcmp(where, whole) != 0)
			continue;
		at = line;
		for (int i = 0; i < 6; i++)
			at = strchr(at, ' ') + 1;
		end = strstr(at, "- ");
		*end = 0;
		out[0] = 0;
		for (char *word = strtok(at, " "); word; word = strtok(NULL, " "))
			snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%.*s", out[0] ? " " : "", (int)strcspn(word, ":"), word);
	}
	if (f)
		fclose(f);
	return out;
}

static void types(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	mount("none", "a", "tmpfs", 0, NULL);
	CHECK_STR(propagation("a"), "", "private is the beginning");
	CHECK_EQ(mount(NULL, "a", NULL, MS_SHARED, NULL), 0, "shared");
	CHECK_STR(propagation("a"), "shared", "says so");
	CHECK_EQ(mount(NULL, "a", NULL, MS_SLAVE, NULL), 0, "a slave of nobody");
	CHECK_STR(propagation("a"), "", "is private");
	mount(NULL, "a", NULL, MS_SHARED, NULL);
	mount("a", "b", NULL, MS_BIND, NULL);
	CHECK_STR(propagation("b"), "shared", "a bind of a shared mount is shared");
	CHECK_EQ(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0, "made a slave");
	CHECK_STR(propagation("b"), "master", "it has a master");
	CHECK_EQ(mount(NULL, "b", NULL, MS_SHARED, NULL), 0, "and shared");
	CHECK_STR(propagation("b"), "shared master", "both");
	CHECK_EQ(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL), 0, "unbindable");
	CHECK_STR(propagation("a"), "unbindable", "says so");
	CHECK_STR(propagation("b"), "shared", "its slave has no master any more");
	umount("b");
	CHECK_ERRNO(mount("a", "b", NULL, MS_BIND, NULL), EINVAL);
	umount("a");
}

static void events(void)
{
	mkdir("p", 0755);
	mkdir("q", 0755);
	mkdir("s", 0755);
	mount("none", "p", "tmpfs", 0, NULL);
	mount(NULL, "p", NULL, MS_SHARED, NULL);
	mkdir("p/x", 0755);
	mkdir("p/y", 0755);
	mount("p", "q", NULL, MS_BIND, NULL);
	mount("p", "s", NULL, MS_BIND, NULL);
	mount(NULL, "s", NULL, MS_SLAVE, NULL);
	CHECK_EQ(mount("none", "p/x", "tmpfs", 0, NULL), 0, "a mount on a shared one");
	put("p/x/f");
	CHECK(there("q/x/f"), "its peer has it");
	CHECK(there("s/x/f"), "its slave too");
	CHECK_STR(propagation("q/x"), "shared", "shared as what it is on");
	CHECK_STR(propagation("s/x"), "master", "the slave's is a slave");
	mount("none", "s/y", "tmpfs", 0, NULL);
	put("s/y/g");
	CHECK(!there("p/y/g") && !there("q/y/g"), "a slave sends nothing");
	mount("none", "q/y", "tmpfs", 0, NULL);
	put("q/y/h");
	CHECK(there("p/y/h"), "a peer sends");
	CHECK(there("s/y/g"), "what was there stays on top");
	CHECK_ERRNO(mount("p/x", "a", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_EQ(umount("q/x"), 0, "an umount");
	CHECK(!there("p/x/f") && !there("s/x/f"), "takes its like along");
	CHECK_EQ(umount("s/y"), 0, "of what is the slave's own");
	CHECK(there("s/y/h"), "shows what came meanwhile");
	CHECK_EQ(umount("p/y"), 0, "and the rest");
	CHECK(!there("q/y/h") && !there("s/y/h"), "goes everywhere");
	umount("p");
	umount("q");
	umount("s");
}

static void sync_with(int fd)
{
	char c = 0;

	write(fd, &c, 1);
	read(fd, &c, 1);
}

static void namespaces(void)
{
	int pair[2];
	char mine[64], theirs[64] = "";
	pid_t child;

	mkdir("shared", 0755);
	mkdir("private", 0755);
	mount("none", "shared", "tmpfs", 0, NULL);
	mount("none", "private", "tmpfs", 0, NULL);
	mount(NULL, "shared", NULL, MS_SHARED, NULL);
	mkdir("shared/d", 0755);
	mkdir("private/d", 0755);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	child = fork();
	if (!child) {
		char link[64] = "";

		alarm(10);
		if (unshare(CLONE_NEWNS) < 0)
			_exit(1);
		readlink("/proc/self/ns/mnt", link, sizeof(link) - 1);
		write(pair[1], link, sizeof(link));
		mount("none", "shared/d", "tmpfs", 0, NULL);
		mount("none", "private/d", "tmpfs", 0, NULL);
		put("shared/d/f");
		put("private/d/f");
		sync_with(pair[1]);
		_exit(there("shared/d/late") ? 0 : 2);
	}
	read(pair[0], theirs, sizeof(theirs));
	mine[readlink("/proc/self/ns/mnt", mine, sizeof(mine) - 1)] = 0;
	CHECK(!strncmp(theirs, "mnt:[", 5) && strcmp(mine, theirs) != 0, "another mount namespace");
	char c;
	read(pair[0], &c, 1);
	CHECK(there("shared/d/f"), "what is mounted on a shared mount is seen");
	CHECK(!there("private/d/f"), "on a private one not");
	put("shared/d/late");
	CHECK_EQ(rmdir("private/d"), 0, "a mount point of others can be removed");
	write(pair[0], &c, 1);
	int status;
	waitpid(child, &status, 0);
	CHECK_EQ(status, 0, "the other sees what is made here");
	CHECK(there("shared/d/f"), "a propagated mount outlives the namespace that it came from");
	CHECK_EQ(umount("shared/d"), 0, "it goes here");
	umount("shared");
	umount("private");
}

static void entering(void)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY), uts = open("/proc/self/ns/uts", O_RDONLY);
	struct stat st;
	char link[64] = "";
	unsigned long n;

	readlink("/proc/self/ns/mnt", link, sizeof(link) - 1);
	fstat(fd, &st);
	CHECK(sscanf(link, "mnt:[%lu]", &n) == 1 && n == st.st_ino, "the number is st_ino");
	CHECK_CHILD("setns goes back", {
		MUST(unshare(CLONE_NEWNS) == 0);
		MUST(mount("none", "a", "tmpfs", 0, NULL) == 0);
		put("a/inner");
		MUST(setns(fd, CLONE_NEWNS) == 0);
		MUST(chdir(tap_dir) == 0);
		MUST(!there("a/inner"));
	});
	CHECK_ERRNO(setns(fd, CLONE_NEWUTS), EINVAL);
	CHECK_ERRNO(setns(0x7fff, 0), EBADF);
	CHECK_ERRNO(setns(open("/dev/null", O_RDONLY), 0), EINVAL);
	CHECK_EQ(setns(uts, 0), 0, "into where it is");
	put("keep");
	CHECK_ERRNO(mount("/proc/self/ns/mnt", "keep", NULL, MS_BIND, NULL), EINVAL);
	CHECK_EQ(mount("/proc/self/ns/uts", "keep", NULL, MS_BIND, NULL), 0, "a namespace mounted on a file");
	int kept = open("keep", O_RDONLY);
	CHECK_EQ(setns(kept, CLONE_NEWUTS), 0, "can be entered from there");
	close(kept);
	CHECK_EQ(umount("keep"), 0, "umount of it");
	close(fd);
	close(uts);
}

static void roots(void)
{
	char cwd[512];

	mkdir("new", 0755);
	CHECK_CHILD("pivot_root", {
		MUST(unshare(CLONE_NEWNS) == 0);
		MUST(mount("none", "new", "tmpfs", 0, NULL) == 0);
		MUST(mkdir("new/old", 0755) == 0);
		MUST(mkdir("new/proc", 0755) == 0);
		MUST(syscall(SYS_pivot_root, "a", "new/old") < 0 && errno == EBUSY);
		MUST(syscall(SYS_pivot_root, "new", "b") < 0 && errno == EBUSY);
		MUST(syscall(SYS_pivot_root, "/", "/") < 0 && errno == EBUSY);
		MUST(syscall(SYS_pivot_root, "new", "new/old") == 0);
		MUST(chdir("/") == 0);
		MUST(there("/old/proc/self") && !there("/etc/passwd"));
		MUST(mount("none", "/proc", "proc", 0, NULL) == 0);
		MUST(umount2("/old", MNT_DETACH) == 0);
		MUST(!there("/old/proc"));
		FILE *f = fopen("/proc/self/mountinfo", "r");
		char line[512];
		int lines = 0;
		while (fgets(line, sizeof(line), f))
			lines++;
		MUST(lines == 2);
	});
	CHECK_CHILD("pivot_root onto itself", {
		MUST(unshare(CLONE_NEWNS) == 0);
		MUST(mount("none", "new", "tmpfs", 0, NULL) == 0);
		put("new/mark");
		MUST(chdir("new") == 0);
		MUST(syscall(SYS_pivot_root, ".", ".") == 0);
		MUST(umount2(".", MNT_DETACH) == 0);
		MUST(chdir("/") == 0 && there("/mark") && !there("/etc"));
	});
	CHECK_CHILD("chroot, and mountinfo below it", {
		FILE *f = fopen("/proc/self/mountinfo", "r");
		char line[512];
		MUST(chroot("/proc") == 0);
		f = freopen("/self/mountinfo", "r", f);
		MUST(f && fgets(line, sizeof(line), f));
		MUST(strstr(line, " / / "));
	});
	CHECK_EQ(getcwd(cwd, sizeof(cwd)) != NULL, 1, "here nothing has changed");
}

static void polling(void)
{
	struct pollfd p = { .fd = open("/proc/self/mounts", O_RDONLY), .events = POLLPRI };

	CHECK_EQ(poll(&p, 1, 0), 0, "nothing urgent at first");
	mount("none", "a", "tmpfs", 0, NULL);
	CHECK(poll(&p, 1, 1000) == 1 && p.revents == (POLLPRI | POLLERR), "a mount is urgent");
	CHECK_EQ(poll(&p, 1, 0), 0, "once");
	umount("a");
	CHECK_EQ(poll(&p, 1, 1000), 1, "an umount too");
	close(p.fd);
}

int main(void)
{
	tap_begin();
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		CHECK_EQ(errno, 0, "a mount namespace of its own");
		return tap_end();
	}
	types();
	events();
	namespaces();
	entering();
	roots();
	polling();
	return tap_end();
}
