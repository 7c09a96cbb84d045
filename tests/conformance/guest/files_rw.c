/* Reading and writing: offsets, vectors, holes, truncation, allocation, copying between files. */
#include "../tap.h"

#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char buf[256];

static int fresh(const char *name, const char *text)
{
	tap_file(name, text);
	return open(name, O_RDWR | O_CLOEXEC);
}

static const char *content(int fd)
{
	memset(buf, 0, sizeof(buf));
	if (pread(fd, buf, sizeof(buf) - 1, 0) < 0)
		return "?";
	return buf;
}

static void offsets(void)
{
	int fd = fresh("offsets", "0123456789"), dup_fd;

	CHECK_EQ(read(fd, buf, 4), 4, "read moves the offset");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4, "SEEK_CUR tells it");
	CHECK_EQ(lseek(fd, 2, SEEK_CUR), 6, "SEEK_CUR moves it");
	CHECK_EQ(lseek(fd, -3, SEEK_END), 7, "SEEK_END");
	CHECK_EQ(read(fd, buf, 100), 3, "a read at the end is short");
	CHECK_EQ(read(fd, buf, 100), 0, "then 0");
	CHECK_EQ(lseek(fd, 1000, SEEK_SET), 1000, "a seek past the end");
	CHECK_EQ(read(fd, buf, 100), 0, "reads nothing there");
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, -2000, SEEK_CUR), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
	CHECK_ERRNO(lseek(999, 0, SEEK_SET), EBADF);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1000, "a failed seek moves nothing");
	CHECK_EQ(pread(fd, buf, 3, 5), 3, "pread");
	CHECK(!memcmp(buf, "567", 3), "reads where it is told");
	CHECK_EQ(pwrite(fd, "AB", 2, 1), 2, "pwrite");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1000, "neither moves the offset");
	CHECK_ERRNO(pread(fd, buf, 1, -1), EINVAL);
	CHECK_ERRNO(pwrite(fd, buf, 1, -1), EINVAL);
	CHECK_EQ(pread(fd, buf, 0, 0), 0, "a read of 0 bytes");
	CHECK_EQ(write(fd, buf, 0), 0, "a write of 0 bytes");
	CHECK_STR(content(fd), "0AB3456789", "the content is as written");
	dup_fd = dup(fd);
	lseek(dup_fd, 3, SEEK_SET);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3, "a dup shares the offset");
	close(dup_fd);
	dup_fd = open("offsets", O_RDONLY);
	CHECK_EQ(lseek(dup_fd, 0, SEEK_CUR), 0, "a second open does not");
	close(dup_fd);
	close(fd);
}

static void vectors(void)
{
	char a[3], b[4], c[10];
	struct iovec out[] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}}, in[] = {{a, 3}, {b, 0}, {c, 10}}, bad[] = {{a, 3}, {(void *)8, 3}};
	struct iovec huge[] = {{a, SIZE_MAX / 2 + 1}};
	int fd = fresh("vectors", "");

	CHECK_EQ(writev(fd, out, 3), 6, "writev");
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0, "rewind");
	CHECK_EQ(readv(fd, in, 3), 6, "readv");
	CHECK(!memcmp(a, "abc", 3) && !memcmp(c, "def", 3), "scatters in order");
	CHECK_EQ(preadv(fd, in, 1, 2), 3, "preadv");
	CHECK(!memcmp(a, "cde", 3), "reads where it is told");
	CHECK_EQ(pwritev(fd, out, 1, 4), 2, "pwritev");
	CHECK_STR(content(fd), "abcdab", "writes where it is told");
	CHECK_EQ(preadv2(fd, in, 1, 0, 0), 3, "preadv2 without flags");
	lseek(fd, 1, SEEK_SET);
	CHECK_EQ(preadv2(fd, in, 1, -1, 0), 3, "preadv2 with offset -1 uses the file's");
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4, "and moves it");
	CHECK_EQ(pwritev2(fd, out, 1, 0, RWF_APPEND), 2, "RWF_APPEND appends");
	CHECK_STR(content(fd), "abcdabab", "at the end");
	CHECK_EQ(pwritev2(fd, out, 1, 0, RWF_DSYNC), 2, "RWF_DSYNC");
	CHECK_ERRNO(preadv2(fd, in, 1, 0, 0x4000), EOPNOTSUPP);
	CHECK_ERRNO(readv(fd, in, -1), EINVAL);
	CHECK_ERRNO(readv(fd, in, 1025), EINVAL);
	CHECK_EQ(readv(fd, in, 0), 0, "readv of no vector");
	CHECK_ERRNO(readv(fd, (struct iovec *)8, 1), EFAULT);
	CHECK_ERRNO(readv(fd, huge, 1), EINVAL);
	CHECK_EQ(preadv(fd, bad, 2, 0), 3, "a bad second vector: what went before counts");
	CHECK_ERRNO(preadv(fd, bad + 1, 1, 0), EFAULT);
	CHECK_ERRNO(preadv(fd, in, 1, -2), EINVAL);
	close(fd);
}

static void sizes(void)
{
	struct stat st;
	int fd = fresh("sizes", "0123456789"), p[2];

	CHECK_OK(ftruncate(fd, 4));
	CHECK_STR(content(fd), "0123", "ftruncate shortens");
	CHECK_OK(ftruncate(fd, 8));
	CHECK(fstat(fd, &st) == 0 && st.st_size == 8 && pread(fd, buf, 8, 0) == 8 && !memcmp(buf, "0123\0\0\0\0", 8),
	      "and lengthens with zeros, not with what was there");
	CHECK_OK(truncate("sizes", 2));
	CHECK_EQ(lseek(fd, 0, SEEK_END), 2, "truncate by path");
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	CHECK_ERRNO(truncate("sizes", -1), EINVAL);
	CHECK_ERRNO(truncate("none", 0), ENOENT);
	CHECK_ERRNO(truncate(".", 0), EISDIR);
	CHECK_ERRNO(truncate("sizes/x", 0), ENOTDIR);
	CHECK_OK(pipe(p));
	CHECK_ERRNO(ftruncate(p[1], 0), EINVAL);
	CHECK_ERRNO(pread(p[0], buf, 1, 0), ESPIPE);
	CHECK_ERRNO(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	CHECK_OK(pwrite(fd, "end", 3, 1 << 20));
	CHECK(fstat(fd, &st) == 0 && st.st_size == (1 << 20) + 3, "a write past the end lengthens");
	CHECK(pread(fd, buf, 4, 5000) == 4 && !memcmp(buf, "\0\0\0\0", 4), "the gap reads as zeros");
	CHECK(st.st_blocks < 2000, "and takes no room");
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void holes(void)
{
	int fd = fresh("holes", "");

	CHECK_OK(ftruncate(fd, 1 << 20));
	CHECK_OK(pwrite(fd, "data", 4, 512 << 10));
	CHECK_ERRNO(lseek(fd, 1 << 20, SEEK_DATA), ENXIO);
	CHECK_ERRNO(lseek(fd, 2 << 20, SEEK_HOLE), ENXIO);
	CHECK(lseek(fd, 0, SEEK_HOLE) <= 512 << 10 || lseek(fd, 0, SEEK_HOLE) == 1 << 20, "SEEK_HOLE from the start");
	CHECK(lseek(fd, 0, SEEK_DATA) <= 512 << 10, "SEEK_DATA finds the data");
	CHECK_EQ(lseek(fd, 512 << 10, SEEK_DATA), 512 << 10, "SEEK_DATA inside data stays");
	CHECK(lseek(fd, 512 << 10, SEEK_HOLE) > 512 << 10, "SEEK_HOLE finds an end, be it the file's");
	close(fd);
}

static void allocation(void)
{
	struct stat st;
	int fd = fresh("allocation", "abcdef");

	if (fallocate(fd, 0, 0, 100) < 0 && errno == EOPNOTSUPP) {
		SKIP("fallocate", "the file system has none");
		close(fd);
		return;
	}
	CHECK(fstat(fd, &st) == 0 && st.st_size == 100, "fallocate lengthens");
	CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192));
	CHECK(fstat(fd, &st) == 0 && st.st_size == 100, "FALLOC_FL_KEEP_SIZE does not");
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 3));
	CHECK(pread(fd, buf, 6, 0) == 6 && !memcmp(buf, "a\0\0\0ef", 6), "FALLOC_FL_PUNCH_HOLE zeroes");
	CHECK_ERRNO(fallocate(fd, 0, -1, 10), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(999, 0, 0, 1), EBADF);
	CHECK_OK(posix_fallocate(fd, 0, 200) == 0 ? 0 : -1);
	CHECK_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0 ? 0 : -1);
	CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL, "posix_fadvise with unknown advice");
	CHECK_OK(readahead(fd, 0, 100));
	close(fd);
}

static void copying(void)
{
	int in = fresh("in", "0123456789"), out = fresh("out", ""), p[2];
	loff_t from = 2, to = 1;
	off_t offset = 3;

	CHECK_EQ(copy_file_range(in, &from, out, &to, 4, 0), 4, "copy_file_range with offsets");
	CHECK(from == 6 && to == 5, "moves them");
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 0, "not the files'");
	CHECK(pread(out, buf, 5, 0) == 5 && !memcmp(buf, "\0" "2345", 5), "the bytes are there");
	CHECK_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 10, "copy_file_range to the end");
	CHECK_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 0, "then 0");
	CHECK_ERRNO(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	CHECK_EQ(ftruncate(out, 0) + lseek(out, 0, SEEK_SET), 0, "empty the target");
	CHECK_EQ(sendfile(out, in, &offset, 4), 4, "sendfile with an offset");
	CHECK_EQ(offset, 7, "moves it");
	CHECK_STR(content(out), "3456", "the bytes are there");
	lseek(in, 8, SEEK_SET);
	CHECK_EQ(sendfile(out, in, NULL, 100), 2, "sendfile from the file's offset");
	CHECK_STR(content(out), "345689", "appends at the target's offset");
	CHECK_OK(pipe(p));
	offset = 0;
	CHECK_EQ(sendfile(p[1], in, &offset, 5), 5, "sendfile to a pipe");
	CHECK(read(p[0], buf, 100) == 5 && !memcmp(buf, "01234", 5), "arrives");
	CHECK_ERRNO(sendfile(out, p[0], NULL, 5), EINVAL);
	from = 1;
	CHECK_EQ(splice(in, &from, p[1], NULL, 4, 0), 4, "splice from a file into a pipe");
	to = 0;
	CHECK_EQ(splice(p[0], NULL, out, &to, 4, 0), 4, "and from the pipe into a file");
	CHECK_STR(content(out), "123489", "the bytes are there");
	CHECK_ERRNO(splice(in, NULL, out, NULL, 4, 0), EINVAL);
	CHECK_OK(fsync(out));
	CHECK_OK(fdatasync(out));
	CHECK_OK(syncfs(out));
	CHECK_OK(sync_file_range(out, 0, 0, SYNC_FILE_RANGE_WRITE));
	CHECK_ERRNO(fsync(p[0]), EINVAL);
	CHECK_ERRNO(fsync(999), EBADF);
	close(p[0]);
	close(p[1]);
	close(in);
	close(out);
}

int main(void)
{
	tap_begin();
	offsets();
	vectors();
	sizes();
	holes();
	allocation();
	copying();
	return tap_end();
}
