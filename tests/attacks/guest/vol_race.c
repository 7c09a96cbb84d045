/*
 * Races from outside against the gofer. Section 8, line 3.
 * `vol_race flip DIR`, on the host: DIR/d is exchanged with a symlink, and renamed away and back, for ever, to make the gofer follow
 * it out of its root. `vol_race walk DIR`, in the sandbox: reads and writes below DIR/d all the while.
 * What is expected: no read gives the secret that lies outside; the script looks whether a write arrived there.
 */
#include "tap.h"

#include <linux/fs.h>

#define ROUNDS 4000

static void flip(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	for (;;) {
		/* Each pair undoes itself: where `d` is a link, nothing is moved through it from here. */
		syscall(SYS_renameat2, fd, "d", fd, "out", RENAME_EXCHANGE);
		syscall(SYS_renameat2, fd, "d", fd, "out", RENAME_EXCHANGE);
		syscall(SYS_renameat2, fd, "d/sub", fd, "moved", RENAME_NOREPLACE);
		syscall(SYS_renameat2, fd, "moved", fd, "d/sub", RENAME_NOREPLACE);
		syscall(SYS_renameat2, fd, "d", fd, "up", RENAME_EXCHANGE);
		syscall(SYS_renameat2, fd, "d", fd, "up", RENAME_EXCHANGE);
	}
}

static bool secret(const char *path)
{
	char buf[16] = "";
	int fd = open(path, O_RDONLY);
	bool found = fd >= 0 && read(fd, buf, 15) > 0 && strstr(buf, "SECRET");

	if (fd >= 0)
		close(fd);
	return found;
}

static void walk(const char *dir)
{
	int i, leaks = 0, reads = 0, up, climbs = 0;
	struct stat st, top;
	char buf[512];
	DIR *list;

	if (chdir(dir) < 0 || stat(".", &top) < 0)
		_exit(98);
	for (i = 0; i < ROUNDS; i++) {
		leaks += secret("d/file");
		leaks += secret("d/sub/file");
		leaks += secret("d/sub/../file");
		leaks += secret("d/sub/../../../secret/file");
		reads += access("d/file", R_OK) == 0;
		close(open("d/planted", O_WRONLY | O_CREAT, 0600));
		mkdir("d/planted-dir", 0700);
		rename("mine", "d/planted-too");
		unlink("d/file-outside-only");
		chmod("d/file", 0644);
		up = open("d/sub/..", O_RDONLY | O_DIRECTORY);
		if (up >= 0) {
			if (faccessat(up, "file-outside-only", F_OK, 0) == 0)
				climbs++;
			close(up);
		}
		if (readlink("d", buf, sizeof(buf)) < 0 && (list = opendir("d"))) {
			struct dirent *entry;

			while ((entry = readdir(list)))
				climbs += !strcmp(entry->d_name, "file-outside-only");
			closedir(list);
		}
		stat("d/../..", &st);
	}
	CHECK_EQ(leaks, 0, "no read gives what lies outside");
	CHECK_EQ(climbs, 0, "no directory outside is seen");
	CHECK(reads > 0, "the volume itself was read");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "flip"))
		flip(argv[2]);
	tap_begin();
	alarm(100);
	walk(argv[2]);
	return tap_end();
}
