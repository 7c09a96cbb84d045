/* A file that has been read often reads as it is now: after writes, truncation, growth, holes and renames over it. */
#include "tap.h"

#include <sys/mman.h>

#define SIZE (256 * 1024)

static char buf[2 * SIZE];

static int fresh(const char *name, char fill)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(buf, fill, SIZE);
	if (fd < 0 || pwrite(fd, buf, SIZE, 0) != SIZE)
		return -1;
	return fd;
}

/* More often than any cache needs to notice. */
static bool warm(int fd, char fill)
{
	for (int round = 0; round < 4; round++)
		for (int at = 0; at < SIZE; at += 16384)
			if (pread(fd, buf, 16384, at) != 16384 || buf[0] != fill || buf[16383] != fill)
				return false;
	return true;
}

static bool all(const char *p, size_t n, char c)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != c)
			return false;
	return true;
}

static void writes(void)
{
	int fd = fresh("w", 'a');

	CHECK(fd >= 0 && warm(fd, 'a'), "a file read four times");
	CHECK(pwrite(fd, "bcd", 3, 70000) == 3 && pread(fd, buf, 5, 69999) == 5 && !memcmp(buf, "abcda", 5), "a write is seen by the next read");
	CHECK(pread(fd, buf, SIZE, 0) == SIZE && buf[70001] == 'c' && buf[0] == 'a' && buf[SIZE - 1] == 'a', "also by one of the whole file");
	CHECK(pread(fd, buf, sizeof(buf), SIZE - 10) == 10, "a read across the end is short");
	CHECK(pread(fd, buf, 10, SIZE) == 0, "one at the end has nothing");
	CHECK(pwrite(fd, "end", 3, SIZE) == 3 && pread(fd, buf, 100, SIZE - 1) == 4 && !memcmp(buf, "aend", 4), "what was appended is there");
	close(fd);
}

static void truncation(void)
{
	int fd = fresh("t", 'a');

	CHECK(fd >= 0 && warm(fd, 'a'), "read four times, then cut");
	CHECK(ftruncate(fd, 5000) == 0 && pread(fd, buf, SIZE, 0) == 5000, "a cut file has what is left");
	CHECK(pread(fd, buf, 100, 100000) == 0, "and nothing behind");
	CHECK(ftruncate(fd, SIZE) == 0 && pread(fd, buf, SIZE, 0) == SIZE, "grown again it has its size");
	CHECK(all(buf, 5000, 'a') && all(buf + 5000, SIZE - 5000, 0), "and zeroes where it was cut");
	CHECK(pwrite(fd, "x", 1, SIZE - 1) == 1 && pread(fd, buf, 2, SIZE - 2) == 2 && buf[0] == 0 && buf[1] == 'x', "a byte at its end");
	close(fd);
}

static void growth(void)
{
	int fd = fresh("g", 'a');
	bool good = fd >= 0 && warm(fd, 'a');

	memset(buf, 'b', SIZE);
	for (int i = 1; i <= 8 && good; i++)
		good = pwrite(fd, buf, SIZE, (off_t)i * SIZE) == SIZE;
	CHECK(good, "a file that grows to nine times its size");
	for (int round = 0; round < 3 && good; round++)
		for (int i = 0; i <= 8 && good; i++)
			good = pread(fd, buf, SIZE, (off_t)i * SIZE) == SIZE && all(buf, SIZE, i ? 'b' : 'a');
	CHECK(good, "reads right everywhere, again and again");
	close(fd);
}

static void holes(void)
{
	int fd = fresh("h", 'a');

	CHECK(fd >= 0 && warm(fd, 'a'), "read four times, then punched");
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 65536, 65536) < 0) {
		SKIP("holes", "this file system has none");
	} else {
		CHECK(pread(fd, buf, SIZE, 0) == SIZE && all(buf + 65536, 65536, 0), "the hole reads as zeroes");
		CHECK(all(buf, 65536, 'a') && all(buf + 131072, SIZE - 131072, 'a'), "what is around it is as before");
	}
	close(fd);
}

static void replaced(void)
{
	int old = fresh("r", 'a'), fd;

	CHECK(old >= 0 && warm(old, 'a'), "read four times, then renamed over");
	fd = fresh("r2", 'z');
	CHECK(fd >= 0 && warm(fd, 'z') && rename("r2", "r") == 0, "its successor");
	CHECK(pread(old, buf, 100, 66000) == 100 && all(buf, 100, 'a'), "the old fd has the old bytes");
	close(fd);
	fd = open("r", O_RDONLY);
	CHECK(fd >= 0 && pread(fd, buf, 100, 66000) == 100 && all(buf, 100, 'z'), "the name has the new ones");
	close(fd);
	close(old);
}

static void mapped(void)
{
	int fd = fresh("m", 'a');
	char *p;

	CHECK(fd >= 0 && warm(fd, 'a'), "read four times, then mapped");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "a shared mapping");
	p[100000] = 'q';
	CHECK(pread(fd, buf, 3, 99999) == 3 && !memcmp(buf, "aqa", 3), "a store through it is read");
	CHECK(pwrite(fd, "rst", 3, 200000) == 3 && p[200001] == 's', "a write is seen in it");
	munmap(p, SIZE);
	close(fd);
}

static void seals(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

	memset(buf, 'a', SIZE);
	CHECK(fd >= 0 && pwrite(fd, buf, SIZE, 0) == SIZE && warm(fd, 'a'), "a memfd read four times");
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK) == 0, "can still be sealed");
	CHECK(warm(fd, 'a'), "and read");
	CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
	close(fd);
}

static void bad_buffers(void)
{
	int fd = fresh("b", 'a');
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(fd >= 0 && warm(fd, 'a'), "read four times, then to where nothing can be written");
	munmap(p + 4096, 4096);
	CHECK_ERRNO(pread(fd, p + 4096, 4096, 0), EFAULT);
	CHECK(pread(fd, p, 8192, 0) == 4096 && all(p, 4096, 'a'), "a buffer half of which is there takes half");
	close(fd);
}

int main(void)
{
	tap_begin();
	writes();
	truncation();
	growth();
	holes();
	replaced();
	mapped();
	seals();
	bad_buffers();
	return tap_end();
}
