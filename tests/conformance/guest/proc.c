/* /proc as libc and programs read it. */
#include "../tap.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* The value after "Name:" in a status-like file, or NULL. */
static const char *field(const char *path, const char *name)
{
	static char value[256];
	const char *text = tap_text(path), *at = text;
	size_t len = strlen(name);

	while (at && *at) {
		if (!strncmp(at, name, len) && at[len] == ':') {
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 1, "\n"), at + len + 1);
			return value + strspn(value, " \t");
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return NULL;
}

static long number(const char *path, const char *name)
{
	const char *value = field(path, name);

	return value ? strtol(value, NULL, 10) : -1;
}

static void links(void)
{
	char buf[600], path[64];
	int fd = open("file", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY), p[2], again;
	struct stat a, b;
	ssize_t n;

	memset(buf, 0, sizeof(buf));
	CHECK((n = readlink("/proc/self", buf, sizeof(buf) - 1)) > 0 && atoi(buf) == getpid(), "/proc/self is the own pid");
	memset(buf, 0, sizeof(buf));
	snprintf(path, sizeof(path), "%d/task/%d", getpid(), gettid());
	CHECK(readlink("/proc/thread-self", buf, sizeof(buf) - 1) > 0 && !strcmp(buf, path), "/proc/thread-self is the own thread");
	memset(buf, 0, sizeof(buf));
	CHECK(readlink("/proc/self/cwd", buf, sizeof(buf) - 1) > 0 && !strcmp(buf, tap_dir), "/proc/self/cwd");
	memset(buf, 0, sizeof(buf));
	CHECK(readlink("/proc/self/root", buf, sizeof(buf) - 1) == 1 && buf[0] == '/', "/proc/self/root");
	memset(buf, 0, sizeof(buf));
	CHECK(readlink("/proc/self/exe", buf, sizeof(buf) - 1) > 0 && strstr(buf, "/proc") && buf[0] == '/', "/proc/self/exe");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(buf, 0, sizeof(buf));
	CHECK(readlink(path, buf, sizeof(buf) - 1) > 0 && !strcmp(strrchr(buf, '/'), "/file"), "/proc/self/fd/N names a file");
	again = open(path, O_RDONLY);
	CHECK(again >= 0 && fstat(fd, &a) == 0 && fstat(again, &b) == 0 && a.st_ino == b.st_ino, "and opens it again");
	close(again);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/file", dir);
	CHECK_OK(access(path, F_OK));
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	CHECK_OK(access(path, F_OK));
	CHECK_OK(pipe(p));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	memset(buf, 0, sizeof(buf));
	CHECK(readlink(path, buf, sizeof(buf) - 1) > 0 && !strncmp(buf, "pipe:[", 6), "a pipe's name");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[1]);
	again = open(path, O_WRONLY);
	CHECK(again >= 0 && write(again, "x", 1) == 1 && read(p[0], buf, 1) == 1, "a pipe opened through /proc");
	close(again);
	CHECK_OK(unlink("file"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(buf, 0, sizeof(buf));
	CHECK(readlink(path, buf, sizeof(buf) - 1) > 0 && strstr(buf, " (deleted)"), "a deleted file is marked");
	CHECK(stat(path, &b) == 0 && b.st_ino == a.st_ino, "and still reached");
	CHECK_ERRNO(readlink("/proc/self/fd/999", buf, 10), ENOENT);
	CHECK_ERRNO(open("/proc/999999999/status", O_RDONLY), ENOENT);
	close(fd);
	close(dir);
	close(p[0]);
	close(p[1]);
}

static void listing(void)
{
	bool self = false, seen_fd[64] = {false};
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int count = 0, n;

	while ((entry = readdir(dir)))
		self |= atoi(entry->d_name) == getpid();
	CHECK(self, "/proc lists the own pid");
	closedir(dir);
	dir = opendir("/proc/self/fd");
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && (n = atoi(entry->d_name)) < 64)
			seen_fd[n] = true;
	CHECK(seen_fd[1] && seen_fd[dirfd(dir)] && !seen_fd[50], "/proc/self/fd lists what is open");
	closedir(dir);
	dir = opendir("/proc/self/task");
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	CHECK_EQ(count, 1, "/proc/self/task lists the one thread");
	closedir(dir);
	CHECK_CHILD("a child is listed", pid_t parent = getppid(); char path[64]; snprintf(path, sizeof(path), "/proc/%d/status", parent);
		    MUST(number(path, "Pid") == parent));
}

static void status(void)
{
	char comm[64], state;
	int pid, ppid, pgrp, session;

	CHECK_EQ(number("/proc/self/status", "Pid"), getpid(), "status Pid");
	CHECK_EQ(number("/proc/self/status", "Tgid"), getpid(), "status Tgid");
	CHECK_EQ(number("/proc/self/status", "PPid"), getppid(), "status PPid");
	CHECK_EQ(number("/proc/self/status", "Uid"), getuid(), "status Uid");
	CHECK_EQ(number("/proc/self/status", "Gid"), getgid(), "status Gid");
	CHECK_EQ(number("/proc/self/status", "Threads"), 1, "status Threads");
	CHECK_STR(field("/proc/self/status", "Name"), "proc", "status Name");
	CHECK(number("/proc/self/status", "VmRSS") > 0, "status VmRSS");
	CHECK(field("/proc/self/status", "State")[0] == 'R', "status State");
	CHECK(field("/proc/self/status", "SigBlk") && field("/proc/self/status", "CapEff") && field("/proc/self/status", "NoNewPrivs"),
	      "status signals, capabilities, no_new_privs");
	CHECK_EQ(sscanf(tap_text("/proc/self/stat"), "%d (%63[^)]) %c %d %d %d", &pid, comm, &state, &ppid, &pgrp, &session), 6, "stat parses");
	CHECK(pid == getpid() && !strcmp(comm, "proc") && state == 'R' && ppid == getppid() && pgrp == getpgrp() && session == getsid(0),
	      "stat: pid, name, state, parent, group, session");
	long size, resident;
	CHECK(sscanf(tap_text("/proc/self/statm"), "%ld %ld", &size, &resident) == 2 && size >= resident && resident > 0, "statm");
	CHECK_STR(tap_text("/proc/self/comm"), "proc\n", "comm");
	CHECK(strchr(tap_text("/proc/self/limits"), '\n') && strstr(tap_text("/proc/self/limits"), "Max open files"), "limits");
	CHECK_CHILD("a zombie's state is Z", pid_t child = fork(); if (child == 0) _exit(0); waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
		    char path[64]; snprintf(path, sizeof(path), "/proc/%d/status", child); MUST(field(path, "State")[0] == 'Z'));
	CHECK_CHILD("a stopped process' state is T", pid_t child = fork(); if (child == 0) { raise(SIGSTOP); _exit(0); }
		    waitpid(child, NULL, WUNTRACED); char path[64]; snprintf(path, sizeof(path), "/proc/%d/status", child);
		    MUST(field(path, "State")[0] == 'T'); kill(child, SIGKILL); tap_wait(child));
}

static char *const self_env[] = {"ONE=1", "TWO=two", NULL};

static void arguments(char **argv)
{
	char line[600];
	const char *text;
	int fd = open("/proc/self/cmdline", O_RDONLY), n = read(fd, line, sizeof(line));

	CHECK(n == (int)strlen(argv[0]) + 1 && !strcmp(line, argv[0]), "cmdline is argv with zeros");
	close(fd);
	CHECK_EQ(IN_CHILD(char *av[] = {"named", "check-environ", "", "last", NULL}; execve("/proc/self/exe", av, self_env)), 0,
		 "cmdline and environ after exec");
	text = tap_text("/proc/self/maps");
	CHECK(strstr(text, "[stack]") && strstr(text, "r-xp") && strstr(text, "/proc"), "maps has stack, code and this program");
}

static int check_environ(void)
{
	char buf[64];
	int fd = open("/proc/self/environ", O_RDONLY), n = read(fd, buf, sizeof(buf));

	MUST(n == 14 && !memcmp(buf, "ONE=1\0TWO=two\0", 14));
	fd = open("/proc/self/cmdline", O_RDONLY);
	n = read(fd, buf, sizeof(buf));
	MUST(n == 26 && !memcmp(buf, "named\0check-environ\0\0last\0", 26));
	return 0;
}

/* The line of maps that holds an address: permissions in `perms`. */
static bool mapped(const void *addr, char *perms, unsigned long *size)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[700];
	bool found = false;

	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 && start <= (unsigned long)addr && (unsigned long)addr < end)
			found = true;
	*size = end - start;
	fclose(f);
	return found;
}

static void maps(void)
{
	unsigned long size;
	char perms[8], *p = mmap(NULL, 5 * 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *text;

	CHECK(mapped(p, perms, &size) && size == 5 * 4096 && !strcmp(perms, "r--s"), "a shared mapping's line");
	mprotect(p + 4096, 4096, PROT_NONE);
	CHECK(mapped(p + 4096, perms, &size) && size == 4096 && !strcmp(perms, "---s"), "split by mprotect");
	munmap(p, 5 * 4096);
	CHECK(!mapped(p, perms, &size), "gone after munmap");
	CHECK(mapped((void *)(uintptr_t)maps, perms, &size) && perms[2] == 'x', "code is executable");
	CHECK(mapped(&size, perms, &size) && !strncmp(perms, "rw-p", 4), "the stack is writable");
	text = tap_text("/proc/self/smaps");
	CHECK(strstr(text, "Rss:") && strstr(text, "Size:"), "smaps");
}

static void system_files(void)
{
	struct sysinfo info;
	const char *text;
	double up, idle;
	long total;

	total = number("/proc/meminfo", "MemTotal");
	CHECK(total > 0 && number("/proc/meminfo", "MemFree") >= 0 && number("/proc/meminfo", "MemAvailable") >= 0, "meminfo");
	CHECK_OK(sysinfo(&info));
	CHECK(info.mem_unit > 0 && info.totalram > 0 && info.procs > 0, "sysinfo");
	CHECK(labs((long)(info.totalram * info.mem_unit / 1024) - total) < 1024, "sysinfo and meminfo agree");
	text = tap_text("/proc/cpuinfo");
	CHECK(strstr(text, "processor\t: 0") && strstr(text, "flags"), "cpuinfo");
	CHECK(!strncmp(tap_text("/proc/stat"), "cpu ", 4) && strstr(tap_text("/proc/stat"), "btime "), "stat");
	CHECK(!strncmp(tap_text("/proc/version"), "Linux version ", 14), "version");
	CHECK(sscanf(tap_text("/proc/uptime"), "%lf %lf", &up, &idle) == 2 && up >= 0, "uptime");
	CHECK(sscanf(tap_text("/proc/loadavg"), "%lf", &up) == 1, "loadavg");
	CHECK(strstr(tap_text("/proc/filesystems"), "proc"), "filesystems");
	CHECK(strstr(tap_text("/proc/mounts"), " / "), "mounts");
	CHECK(strstr(tap_text("/proc/self/mountinfo"), " / "), "mountinfo");
	CHECK(strstr(tap_text("/proc/self/mountinfo"), " /proc "), "mountinfo has /proc");
	CHECK(tap_text("/proc/self/cgroup")[0], "cgroup");
	CHECK(atoi(tap_text("/proc/sys/kernel/pid_max")) > 0, "sys/kernel/pid_max");
	CHECK(tap_text("/proc/sys/kernel/osrelease")[0], "sys/kernel/osrelease");
	CHECK(strlen(tap_text("/proc/sys/kernel/random/boot_id")) == 37, "sys/kernel/random/boot_id");
	char first[40];
	snprintf(first, sizeof(first), "%s", tap_text("/proc/sys/kernel/random/uuid"));
	CHECK(strlen(first) == 37 && strcmp(first, tap_text("/proc/sys/kernel/random/uuid")), "sys/kernel/random/uuid changes");
	CHECK(tap_text("/proc/sys/vm/overcommit_memory")[0], "sys/vm/overcommit_memory");
	CHECK(atoi(tap_text("/proc/sys/fs/pipe-max-size")) > 0, "sys/fs/pipe-max-size");
	CHECK_ERRNO(open("/proc/self/status", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERRNO(mkdir("/proc/new", 0755), ENOENT);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return check_environ();
	tap_begin();
	links();
	listing();
	status();
	arguments(argv);
	maps();
	system_files();
	return tap_end();
}
