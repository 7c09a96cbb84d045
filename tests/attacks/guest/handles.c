/*
 * Forged file handles. Section 8, lines 3 and 5. Usage: handles SECRET-PATH, a path that exists on the host only, whose file says SECRET.
 * What is expected: a handle that the sentry did not give leads to nothing, one that it gave to what it was made of, on that mount alone.
 */
#include "tap.h"

#include <sys/mman.h>

#define ROUNDS 20000

struct handle {
	unsigned int bytes;
	int type;
	unsigned char data[128];
};

static const char *const mounts[] = { "/", "/vol", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm" };
static const char *secret_path;
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int open_handle(int mount, const struct handle *h)
{
	return (int)syscall(SYS_open_by_handle_at, mount, h, O_RDONLY | O_NONBLOCK);
}

static int make_handle(const char *path, struct handle *h)
{
	int id;

	h->bytes = sizeof(h->data);
	return (int)syscall(SYS_name_to_handle_at, AT_FDCWD, path, h, &id, 0);
}

/* Does the file that was opened say SECRET, or is it a directory from which the secret is reached? */
static bool leaks(int fd)
{
	char buf[16] = "";
	bool found = false;
	int up;

	if (fd < 0)
		return false;
	if (read(fd, buf, 15) > 0 && strstr(buf, "SECRET"))
		found = true;
	up = openat(fd, secret_path + 1, O_RDONLY);
	found |= up >= 0;
	close(up);
	up = openat(fd, "../../../../../../..", O_RDONLY | O_DIRECTORY);
	found |= up >= 0 && faccessat(up, secret_path + 1, F_OK, 0) == 0;
	close(up);
	close(fd);
	return found;
}

/* As the host's own file systems write them: ext4, xfs and btrfs, with and without a parent; inode 2 is ext4's root. */
static void of_the_host(int mount, const char *name)
{
	static const int types[] = { 0, 1, 2, 0x4d, 0x4e, 0x4f, 0x81, 0x82, 0xf1, 0xfb, 0xfe, 0xff, -1, 0x10001 };
	int found = 0, opened = 0;
	struct handle h;

	for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++) {
		for (uint32_t ino = 0; ino < 64; ino++) {
			for (unsigned int bytes = 4; bytes <= 40; bytes += 4) {
				int fd;

				memset(&h, 0, sizeof(h));
				h.bytes = bytes;
				h.type = types[t];
				memcpy(h.data + (ino & 1 ? 4 : 0), &ino, 4);
				fd = open_handle(mount, &h);
				opened += fd >= 0;
				found += leaks(fd);
			}
		}
	}
	CHECK_EQ(opened, 0, "%s: handles of the host's kind open nothing", name);
	CHECK_EQ(found, 0, "%s: and lead nowhere", name);
}

/* A true handle with its bits turned, one or many: nothing, or the file itself where the bits did not count. */
static void turned(int mount, const char *name, const struct handle *real, ino_t ino)
{
	int found = 0, others = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct handle h = *real;
		struct stat st;
		int fd;

		for (int n = 1 + (int)(rnd() % 3); n > 0; n--)
			h.data[rnd() % (h.bytes ? h.bytes : 1)] ^= (unsigned char)(1u << rnd() % 8);
		if (!memcmp(&h, real, sizeof(h)))
			continue;
		fd = open_handle(mount, &h);
		others += fd >= 0 && fstat(fd, &st) == 0 && st.st_ino != ino;
		found += leaks(fd);
	}
	CHECK_EQ(others, 0, "%s: a handle with its bits turned opens no other file", name);
	CHECK_EQ(found, 0, "%s: and leads nowhere", name);
}

static void random_bytes(int mount, const char *name)
{
	int opened = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct handle h = { .bytes = (unsigned int)(rnd() % 129), .type = (int)(rnd() % 260) - 2 };
		int fd;

		for (size_t b = 0; b < sizeof(h.data); b++)
			h.data[b] = (unsigned char)rnd();
		fd = open_handle(mount, &h);
		opened += fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	CHECK_EQ(opened, 0, "%s: random handles open nothing", name);
}

/* What was given for one mount says nothing to another. */
static void elsewhere(const struct handle *real)
{
	for (size_t i = 1; i < sizeof(mounts) / sizeof(*mounts); i++) {
		int mount = open(mounts[i], O_RDONLY | O_DIRECTORY), fd;

		if (mount < 0)
			continue;
		fd = open_handle(mount, real);
		CHECK(fd < 0, "a handle of / is nothing to %s", mounts[i]);
		close(fd);
		close(mount);
	}
}

/* The structure ends where the page does, its length lies, or it is changed while it is read. */
static void shapes(int mount, const struct handle *real)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct handle h = *real;

	munmap(page + 4096, 4096);
	memcpy(page + 4096 - 8, &h, 8);
	CHECK_ERRNO(open_handle(mount, (void *)(page + 4096 - 8)), EFAULT);
	CHECK_ERRNO(open_handle(mount, (void *)(page + 4096 - 4)), EFAULT);
	CHECK_ERRNO(open_handle(mount, NULL), EFAULT);
	h.bytes = 129;
	CHECK_ERRNO(open_handle(mount, &h), EINVAL);
	h.bytes = UINT32_MAX;
	CHECK_ERRNO(open_handle(mount, &h), EINVAL);
	h.bytes = 0;
	CHECK_ERRNO(open_handle(mount, &h), EINVAL);
	for (unsigned int n = 1; n < real->bytes; n++) {
		h = *real;
		h.bytes = n;
		CHECK(open_handle(mount, &h) < 0, "a handle cut to %u bytes opens nothing", n);
	}
	CHECK_ERRNO(open_handle(-1, real), EBADF);
}

int main(int argc, char **argv)
{
	struct handle real = { 0 };
	struct stat st;
	int root, fd;

	tap_begin();
	alarm(120);
	secret_path = argc > 1 ? argv[1] : "/none";
	tap_file("/known", "known");
	stat("/known", &st);
	root = open("/", O_RDONLY | O_DIRECTORY);
	CHECK_OK(make_handle("/known", &real));
	if (getuid() != 0) {
		CHECK_ERRNO(open_handle(root, &real), EPERM);
		return tap_end();
	}
	fd = open_handle(root, &real);
	CHECK_OK(fd);
	close(fd);
	turned(root, "/", &real, st.st_ino);
	shapes(root, &real);
	elsewhere(&real);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		int mount = open(mounts[i], O_RDONLY | O_DIRECTORY);

		if (mount < 0)
			continue;
		of_the_host(mount, mounts[i]);
		random_bytes(mount, mounts[i]);
		close(mount);
	}
	unlink("/known");
	CHECK_ERRNO(open_handle(root, &real), ESTALE);
	return tap_end();
}
