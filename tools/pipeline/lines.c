/* Output of steps, line by line: see lines.h. Control characters are not handed to the caller's terminal. */
#include "tools/pipeline/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"

int lines_open(struct lines *l, const char *prefix, int *write_end)
{
	int pair[2];

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	l->prefix = prefix;
	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	fcntl(pair[0], F_SETFL, O_NONBLOCK); /* of this end alone: the step's end blocks as programs expect */
	l->fd = pair[0];
	*write_end = pair[1];
	return 0;
}

static void end_line(struct lines *l)
{
	char *kept = l->kept[l->total++ % LINES_KEPT];

	memcpy(kept, l->part, l->part_len);
	kept[l->part_len] = '\0';
	l->part_len = 0;
	printf("%s | %s\n", l->prefix, kept);
}

static void add(struct lines *l, char c)
{
	if (c == '\n') {
		end_line(l);
		return;
	}
	if (l->part_len == LINES_LENGTH - 1)
		end_line(l);
	l->part[l->part_len++] = ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f ? '?' : c;
}

void lines_take(struct lines *l)
{
	char buf[4096];
	int64_t n = 0;

	while (l->fd >= 0 && (n = HOST_RETRY(read(l->fd, buf, sizeof(buf)))) > 0)
		for (int64_t i = 0; i < n; i++)
			add(l, buf[i]);
	if (n != -EAGAIN)
		host_close(&l->fd);
	fflush(stdout);
}

void lines_close(struct lines *l)
{
	lines_take(l);
	if (l->part_len)
		end_line(l);
	host_close(&l->fd);
}

const char *lines_kept(const struct lines *l, unsigned int n)
{
	unsigned int have = l->total < LINES_KEPT ? l->total : LINES_KEPT;

	return n < have ? l->kept[(l->total - have + n) % LINES_KEPT] : NULL;
}
