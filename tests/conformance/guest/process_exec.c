/* execve: arguments, environment, auxiliary vector, scripts, and every error. */
#include "../tap.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

static char *const no_env[] = {NULL};

/* Copy this program's own binary to `path`. */
static void copy_self(const char *path, mode_t mode)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			_exit(98);
	fchmod(out, mode);
	close(in);
	close(out);
}

/* The parts that run after an exec of this program; argv[1] selects. */
static int after_exec(int argc, char **argv, char **envp)
{
	const char *what = argv[1];

	if (!strcmp(what, "args"))
		return argc == 5 && !strcmp(argv[0], "zero") && !strcmp(argv[2], "") && !strcmp(argv[3], "a b") &&
		       !strcmp(argv[4], "\xff\n") && !argv[5] ? 0 : 1;
	if (!strcmp(what, "env"))
		return envp[0] && !strcmp(envp[0], "A=1") && !strcmp(envp[1], "B=") && !strcmp(envp[2], "odd") && !envp[3] ? 0 : 1;
	if (!strcmp(what, "noenv"))
		return envp[0] ? 1 : 0;
	if (!strcmp(what, "count"))
		return argc == 3002 && strlen(argv[3001]) == 100 ? 0 : 1;
	if (!strcmp(what, "long"))
		return strlen(argv[2]) == 100000 ? 0 : 1;
	if (!strcmp(what, "pid"))
		return getpid() == atoi(argv[2]) ? 0 : 1;
	if (!strcmp(what, "auxv"))
		return getauxval(AT_PAGESZ) == 4096 && getauxval(AT_PHDR) && getauxval(AT_PHNUM) && getauxval(AT_ENTRY) &&
		       getauxval(AT_RANDOM) && getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid() &&
		       getauxval(AT_CLKTCK) == 100 && getauxval(AT_SECURE) == 0 && getauxval(AT_HWCAP) ? 0 : 1;
	if (!strcmp(what, "execfn"))
		return strcmp((char *)getauxval(AT_EXECFN), argv[2]) ? 1 : 0;
	if (!strcmp(what, "fdpath"))
		return strncmp((char *)getauxval(AT_EXECFN), "/dev/fd/", 8) ? 1 : 0;
	if (!strcmp(what, "align"))
		return ((uintptr_t)argv - 8) % 16 ? 1 : 0;
	if (!strcmp(what, "leave"))
		return 7;
	/* As an interpreter: ours was named by a script as "#!.../copy interp", so the script's path is argv[2]. */
	if (!strcmp(what, "interp"))
		return argc == 4 && !strcmp(argv[2], "./script") && !strcmp(argv[3], "tail") ? 21 : 22;
	if (!strcmp(what, "interp two words"))
		return 23;
	return 99;
}

#define EXEC(path, ...) IN_CHILD(char *argv_[] = {__VA_ARGS__, NULL}; execve(path, argv_, environ); _exit(98))

static void passing(void)
{
	static char *many[3003];
	static char filler[101], longest[100001];
	char *env[] = {"A=1", "B=", "odd", NULL};
	char pid[16];
	int i;

	CHECK_EQ(EXEC("./copy", "zero", "args", "", "a b", "\xff\n"), 0, "arguments arrive byte for byte");
	CHECK_EQ(IN_CHILD(execle("./copy", "c", "env", NULL, env)), 0, "so does the environment");
	CHECK_EQ(IN_CHILD(execle("./copy", "c", "noenv", NULL, no_env)), 0, "an empty environment");
	CHECK_EQ(IN_CHILD(char *av[] = {"c", "noenv", NULL}; syscall(SYS_execve, "./copy", av, NULL)), 0, "a null environment");
	memset(filler, 'x', 100);
	for (i = 0; i < 3002; i++)
		many[i] = filler;
	many[1] = "count";
	CHECK_EQ(IN_CHILD(execv("./copy", many)), 0, "3000 arguments of 100 bytes");
	memset(longest, 'y', 100000);
	CHECK_EQ(EXEC("./copy", "c", "long", longest), 0, "one argument of 100,000 bytes");
	CHECK_EQ(IN_CHILD(snprintf(pid, sizeof(pid), "%d", getpid()); execl("./copy", "c", "pid", pid, NULL)), 0, "the pid stays");
	CHECK_EQ(EXEC("./copy", "c", "auxv"), 0, "the auxiliary vector is complete");
	CHECK_EQ(EXEC("./copy", "c", "execfn", "./copy"), 0, "AT_EXECFN is the path as given");
	CHECK_EQ(EXEC("./copy", "c", "align"), 0, "the stack is aligned");
	CHECK_EQ(EXEC("/proc/self/exe", "c", "leave"), EXITED(7), "/proc/self/exe can be executed");
}

static void at_forms(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = open("copy", O_RDONLY | O_CLOEXEC), path;
	char *av[] = {"c", "leave", NULL}, *named[] = {"c", "fdpath", NULL};

	CHECK_EQ(IN_CHILD(execveat(dir, "copy", av, environ, 0)), EXITED(7), "execveat relative to a directory");
	CHECK_EQ(IN_CHILD(execveat(fd, "", av, environ, AT_EMPTY_PATH)), EXITED(7), "execveat of an fd");
	CHECK_EQ(IN_CHILD(execveat(fd, "", named, environ, AT_EMPTY_PATH)), 0, "its AT_EXECFN is /dev/fd/N");
	CHECK_EQ(IN_CHILD(fexecve(fd, av, environ)), EXITED(7), "fexecve");
	path = open("copy", O_PATH | O_CLOEXEC);
	CHECK_EQ(IN_CHILD(fexecve(path, av, environ)), EXITED(7), "fexecve of an O_PATH fd");
	CHECK_ERRNO(execveat(fd, "", av, environ, 0), ENOENT);
	CHECK_ERRNO(execveat(fd, "x", av, environ, 0), ENOTDIR);
	CHECK_ERRNO(execveat(-1, "copy", av, environ, 0), EBADF);
	CHECK_ERRNO(execveat(dir, "copy", av, environ, 0x4), EINVAL);
	CHECK_ERRNO(execveat(dir, "link", av, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
	CHECK_EQ(IN_CHILD(execveat(dir, "link", av, environ, 0)), EXITED(7), "a symlink is followed");
	close(dir);
	close(fd);
	close(path);
}

static void script(const char *path, const char *text)
{
	tap_file(path, text);
	chmod(path, 0755);
}

static void scripts(void)
{
	char text[400];

	snprintf(text, sizeof(text), "#!%s/copy interp\nrest\n", tap_dir);
	script("script", text);
	CHECK_EQ(EXEC("./script", "ignored", "tail"), EXITED(21), "#! with one argument; path replaces argv[0]");
	snprintf(text, sizeof(text), "#! \t%s/copy   interp two words \t\n", tap_dir);
	script("spaces", text);
	CHECK_EQ(EXEC("./spaces", "c"), EXITED(23), "#! keeps inner blanks in one argument, trims the ends");
	snprintf(text, sizeof(text), "#!%s/spaces\n", tap_dir);
	script("twice", text);
	CHECK_EQ(EXEC("./twice", "c"), EXITED(23), "a script may be a script's interpreter");
	script("gone", "#!/nonexistent/interpreter\n");
	CHECK_ERRNO(execl("./gone", "c", NULL), ENOENT);
	script("selfish", "#!./selfish\n");
	CHECK_ERRNO(execl("./selfish", "c", NULL), ELOOP);
	script("nothing", "#!\n");
	CHECK_ERRNO(execl("./nothing", "c", NULL), ENOEXEC);
	script("directory", "#!/\n");
	CHECK_ERRNO(execl("./directory", "c", NULL), EACCES);
	script("plain", "exit 3\n");
	CHECK_ERRNO(execl("./plain", "c", NULL), ENOEXEC);
	script("empty", "");
	CHECK_ERRNO(execl("./empty", "c", NULL), ENOEXEC);
}

static void bad_elf(const char *path, void (*damage)(Elf64_Ehdr *))
{
	Elf64_Ehdr header;
	int fd;

	copy_self(path, 0755);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		_exit(98);
	damage(&header);
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		_exit(98);
	close(fd);
}

static void other_machine(Elf64_Ehdr *header)
{
	header->e_machine = EM_AARCH64;
}

static void no_headers(Elf64_Ehdr *header)
{
	header->e_phnum = 0;
}

static void wrong_size(Elf64_Ehdr *header)
{
	header->e_phentsize = 12;
}

static void object_file(Elf64_Ehdr *header)
{
	header->e_type = ET_REL;
}

static void errors(void)
{
	static char name[300], path[4200];
	int fd;

	CHECK_ERRNO(execl("./missing", "c", NULL), ENOENT);
	CHECK_ERRNO(execl("", "c", NULL), ENOENT);
	CHECK_ERRNO(execl(".", "c", NULL), EACCES);
	CHECK_ERRNO(execl("./copy/x", "c", NULL), ENOTDIR);
	copy_self("noexec", 0644);
	CHECK_ERRNO(execl("./noexec", "c", NULL), EACCES);
	CHECK_OK(symlink("loop", "loop"));
	CHECK_ERRNO(execl("./loop", "c", NULL), ELOOP);
	memset(name, 'n', sizeof(name) - 1);
	CHECK_ERRNO(execl(name, "c", NULL), ENAMETOOLONG);
	memset(path, '/', sizeof(path) - 1);
	CHECK_ERRNO(execl(path, "c", NULL), ENAMETOOLONG);
	fd = open("copy2", O_WRONLY | O_CLOEXEC);
	CHECK_ERRNO(execl("./copy2", "c", NULL), ETXTBSY);
	close(fd);
	CHECK_EQ(EXEC("./copy2", "c", "leave"), EXITED(7), "once the writer has closed it, it runs");
	bad_elf("machine", other_machine);
	CHECK_ERRNO(execl("./machine", "c", NULL), ENOEXEC);
	bad_elf("phnum", no_headers);
	CHECK_ERRNO(execl("./phnum", "c", NULL), ENOEXEC);
	bad_elf("phentsize", wrong_size);
	CHECK_ERRNO(execl("./phentsize", "c", NULL), ENOEXEC);
	bad_elf("object", object_file);
	CHECK_ERRNO(execl("./object", "c", NULL), ENOEXEC);
	CHECK_OK(mkfifo("fifo", 0755));
	CHECK_ERRNO(execl("./fifo", "c", NULL), EACCES);
	CHECK_ERRNO(syscall(SYS_execve, (void *)8, NULL, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, "./copy", (void *)8, NULL), EFAULT);
}

static void too_big(void)
{
	size_t limit = 128 * 1024;
	char *huge = malloc(limit + 1), **many = calloc(70002, sizeof(char *));
	char *args[] = {"c", "leave", huge, NULL};
	size_t i;

	memset(huge, 'h', limit);
	huge[limit] = 0;
	CHECK_ERRNO(execv("./copy", args), E2BIG);
	huge[100] = 0;
	for (i = 0; i < 70000; i++)
		many[i] = huge;
	CHECK_ERRNO(execv("./copy", many), E2BIG);
	free(huge);
	free(many);
}

int main(int argc, char **argv, char **envp)
{
	char self[512] = "";

	if (argc > 1)
		return after_exec(argc, argv, envp);
	/* One of the copies that should not have been executed at all. */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 && strstr(self, "picket-guest-"))
		return 97;
	tap_begin();
	copy_self("copy", 0755);
	copy_self("copy2", 0755);
	CHECK_OK(symlink("copy", "link"));
	passing();
	at_forms();
	scripts();
	errors();
	too_big();
	return tap_end();
}
