/* inotify: which events come, in which order, with which names. */
#include "../tap.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>

static int in;
static unsigned first_cookie;

/* All events that are there, as "wd:mask:name" separated by blanks; a cookie shows as its distance from the first. */
static const char *events(void)
{
	static char text[4096];
	char buf[8192] __attribute__((aligned(8)));
	ssize_t n = read(in, buf, sizeof(buf));
	size_t at = 0;

	text[0] = 0;
	for (ssize_t i = 0; i < n;) {
		struct inotify_event *e = (void *)(buf + i);

		if (e->cookie && !first_cookie)
			first_cookie = e->cookie;
		at += snprintf(text + at, sizeof(text) - at, "%s%d:%x:%s", at ? " " : "", e->wd, e->mask, e->len ? e->name : "");
		if (e->cookie)
			at += snprintf(text + at, sizeof(text) - at, ":%u", e->cookie - first_cookie);
		i += sizeof(*e) + e->len;
	}
	return text;
}

static void files(int wd)
{
	int f = open("d/a", O_CREAT | O_RDWR, 0644);
	char c[4];

	CHECK_EQ(wd, 1, "the first watch");
	CHECK_STR(events(), "1:100:a 1:20:a", "create: CREATE, OPEN");
	write(f, "x", 1);
	write(f, "y", 1);
	CHECK_STR(events(), "1:2:a", "two writes are one MODIFY");
	lseek(f, 0, SEEK_SET);
	read(f, c, 4);
	CHECK_STR(events(), "1:1:a", "read: ACCESS");
	ftruncate(f, 0);
	CHECK_STR(events(), "1:2:a", "ftruncate: MODIFY");
	fchmod(f, 0600);
	CHECK_STR(events(), "1:4:a", "fchmod: ATTRIB");
	close(f);
	CHECK_STR(events(), "1:8:a", "CLOSE_WRITE");
	close(open("d/a", O_RDONLY));
	CHECK_STR(events(), "1:20:a 1:10:a", "OPEN, CLOSE_NOWRITE");
}

static void names(void)
{
	CHECK_EQ(inotify_add_watch(in, "d/a", IN_ALL_EVENTS), 2, "a watch of a file");
	rename("d/a", "d/b");
	CHECK_STR(events(), "1:40:a:0 1:80:b:0 2:800:", "rename: MOVED_FROM, MOVED_TO with one cookie, MOVE_SELF");
	link("d/b", "d/c");
	CHECK_STR(events(), "2:4: 1:100:c", "link: ATTRIB, CREATE");
	unlink("d/c");
	CHECK_STR(events(), "2:4: 1:200:c", "unlink of one name: ATTRIB, DELETE");
	truncate("d/b", 10);
	CHECK_STR(events(), "1:2:b 2:2:", "truncate: MODIFY, for the directory first");
	mkdir("d/s", 0755);
	CHECK_STR(events(), "1:40000100:s", "mkdir: CREATE of a directory");
	rmdir("d/s");
	CHECK_STR(events(), "1:40000200:s", "rmdir: DELETE");
	rename("d/b", "b");
	CHECK_STR(events(), "1:40:b:1 2:800:", "moved out");
	rename("b", "d/b");
	CHECK_STR(events(), "1:80:b:2 2:800:", "moved in");
	close(open("d/n", O_CREAT | O_WRONLY, 0600));
	events();
	rename("d/n", "d/b");
	CHECK_STR(events(), "1:40:n:3 1:80:b:3 2:4: 2:400: 2:8000:", "overwritten: DELETE_SELF and the watch ends");
	CHECK_ERRNO(inotify_rm_watch(in, 2), EINVAL);
}

static void options(void)
{
	int wd = inotify_add_watch(in, "d/b", IN_OPEN | IN_ONESHOT);

	close(open("d/b", O_RDONLY));
	CHECK_STR(events(), "1:20:b 3:20: 3:8000: 1:10:b", "IN_ONESHOT: one event");
	CHECK_ERRNO(inotify_rm_watch(in, wd), EINVAL);
	CHECK_EQ(inotify_add_watch(in, "d", IN_CREATE), 1, "the same file is the same watch");
	CHECK_EQ(inotify_add_watch(in, "d", IN_DELETE | IN_MASK_ADD), 1, "IN_MASK_ADD");
	CHECK_ERRNO(inotify_add_watch(in, "d", IN_DELETE | IN_MASK_CREATE), EEXIST);
	close(open("d/b", O_RDONLY));
	close(open("d/m", O_CREAT, 0600));
	unlink("d/m");
	CHECK_STR(events(), "1:100:m 1:200:m", "a mask that was replaced and added to");
	CHECK_OK(inotify_rm_watch(in, 1));
	CHECK_STR(events(), "1:8000:", "a removed watch: IGNORED");
	CHECK_EQ(inotify_add_watch(in, "d", IN_ALL_EVENTS), 4, "numbers are not used again");
	unlink("d/b");
	rmdir("d");
	CHECK_STR(events(), "4:200:b 4:400: 4:8000:", "the directory itself goes");
}

static void errors(void)
{
	char one[8];
	int n = -1, plain = open(".", O_RDONLY);

	CHECK_ERRNO(inotify_init1(1), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, ".", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, "none", IN_OPEN), ENOENT);
	CHECK_ERRNO(inotify_add_watch(in, (char *)8, IN_OPEN), EFAULT);
	CHECK_ERRNO(inotify_add_watch(plain, ".", IN_OPEN), EINVAL);
	CHECK_ERRNO(inotify_add_watch(999, ".", IN_OPEN), EBADF);
	tap_file("f", "");
	CHECK_ERRNO(inotify_add_watch(in, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_ERRNO(read(in, one, sizeof(one)), EAGAIN);
	inotify_add_watch(in, ".", IN_CREATE);
	tap_file("a name of twenty-five char", "");
	CHECK(ioctl(in, FIONREAD, &n) == 0 && n == 48, "FIONREAD: names are padded to 16 bytes");
	CHECK_ERRNO(read(in, one, sizeof(one)), EINVAL);
	close(plain);
}

int main(void)
{
	tap_begin();
	mkdir("d", 0755);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	files(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	names();
	options();
	errors();
	return tap_end();
}
