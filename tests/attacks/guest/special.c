/*
 * What a volume may hold beside files: fifos, sockets, devices, links out. Section 8, lines 2 and 3. Usage: special DIR.
 * What is expected: a device can't be opened (nodev), a fifo and a socket lead to nobody outside and hang nobody, a link out ends
 * in the sandbox' own tree. The script that made them looks from outside whether anything arrived.
 */
#include "tap.h"

#include <sys/socket.h>
#include <sys/un.h>

static bool reads(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		return false;
	close(fd);
	return strstr(buf, text) != NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int fd, type;

	if (argc != 2)
		return 2;
	tap_begin();
	if (chdir(argv[1]) < 0)
		return 2;
	for (type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		fd = socket(AF_UNIX, type, 0);
		CHECK(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1, "a socket in a volume connects to nobody, type %d", type);
		close(fd);
	}
	/* Opening must not wait for a host process, and what is written must not reach one. */
	fd = open("fifo", O_WRONLY | O_NONBLOCK);
	if (fd >= 0) {
		ssize_t sent = write(fd, "from the guest", 14);

		(void)sent;
		close(fd);
	}
	fd = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(fd < 0 || read(fd, (char[8]){0}, 8) <= 0, "a fifo in a volume reads nothing of the host's");
	CHECK(IN_CHILD(signal(SIGALRM, SIG_DFL); ualarm(200000, 200000); open("fifo", O_RDONLY)) != -1,
	      "a blocking open of it waits or fails, and can be killed");
	CHECK(!reads("null", "") && errno != 0, "a character device can't be opened");
	fd = open("zero", O_RDONLY);
	CHECK(fd < 0, "nor /dev/zero's numbers");
	fd = open("disk", O_RDONLY | O_NONBLOCK);
	CHECK(fd < 0, "nor a block device");
	fd = open("disk", O_RDWR | O_NONBLOCK);
	CHECK(fd < 0, "nor for writing");
	CHECK(!reads("absolute", "SECRET"), "an absolute link out leads elsewhere");
	CHECK(!reads("relative", "SECRET"), "a relative link out leads elsewhere");
	CHECK(!reads("chain/secret/file", "SECRET"), "a link to .. leads elsewhere");
	CHECK(!reads("../../secret/file", "SECRET") && !reads("../secret/file", "SECRET"), ".. ends at the sandbox' root");
	CHECK(reads("hard", "SHARED"), "a hard link is the volume's own file");
	struct stat st;
	CHECK(stat("setuid", &st) == 0 && IN_CHILD(execl("setuid", "x", (char *)NULL); _exit(9)) != 0, "a set-id file gives nothing");
	return tap_end();
}
