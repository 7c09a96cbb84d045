/* Host wrappers and hashing: whole transfers, the end of a stream, fds that are closed once, waits that time out. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/host.h"

static void *write_in_parts(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 4; i++) {
		cr_expect_eq(host_write_full(fd, "abcd", 4), 4);
		usleep(1000);
	}
	close(fd);
	return NULL;
}

Test(host, reads_until_all_is_there_and_says_when_it_ends)
{
	char buf[32];
	pthread_t t;
	int p[2];

	cr_assert_eq(pipe(p), 0);
	pthread_create(&t, NULL, write_in_parts, &p[1]);
	cr_assert_eq(host_read_full(p[0], buf, 14), 14);
	cr_assert_eq(memcmp(buf, "abcdabcdabcdab", 14), 0);
	cr_assert_eq(host_read_full(p[0], buf, 14), -EPIPE);
	pthread_join(t, NULL);
	close(p[0]);
}

Test(host, errors_cross_as_negative_numbers)
{
	cr_assert_eq(host_read_full(-1, NULL, 1), -EBADF);
	cr_assert_eq(host_ret(open("/nonexistent", O_RDONLY)), -ENOENT);
}

Test(host, close_forgets_the_number_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY), none = -1;

	errno = 7;
	host_close(&fd);
	host_close(&fd);
	host_close(&none);
	cr_assert_eq(fd, -1);
	cr_assert_eq(errno, 7);
}

Test(host, a_word_that_differs_is_not_waited_for)
{
	uint32_t word = 1;

	cr_assert_eq(host_wait_word(&word, 2, -1), -EAGAIN);
	cr_assert_eq(host_wait_word(&word, 1, 1000000), -ETIMEDOUT);
	cr_assert_eq(host_wake_word(&word, 1), 0);
}

Test(hash, depends_on_the_seed_and_on_every_part)
{
	uint64_t before = hash_u64(1, 2);

	cr_assert_neq(hash_u64(1, 2), hash_u64(2, 1));
	hash_setup();
	cr_assert_neq(hash_u64(1, 2), before);
	cr_assert_eq(hash_bytes("abc", 3), hash_bytes("abc", 3));
}
