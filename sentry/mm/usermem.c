/* Guest memory for handlers: see usermem.h. Everything goes through the platform by the task's tracee. */
#include "sentry/mm/usermem.h"

#include <errno.h>
#include <string.h>

#include "sentry/kernel/task.h"

#define PAGE 4096u

int copy_in(struct task *t, void *dst, uaddr_t src, size_t n)
{
	return n == 0 || tracee_read(t->tracee, dst, src, n) == (int64_t)n ? 0 : -EFAULT;
}

int copy_out(struct task *t, uaddr_t dst, const void *src, size_t n)
{
	return n == 0 || tracee_write(t->tracee, dst, src, n) == (int64_t)n ? 0 : -EFAULT;
}

int64_t copy_in_some(struct task *t, void *dst, uaddr_t src, size_t n)
{
	int64_t got = n ? tracee_read(t->tracee, dst, src, n) : 0;

	return got < 0 ? -EFAULT : got;
}

int64_t copy_out_some(struct task *t, uaddr_t dst, const void *src, size_t n)
{
	int64_t done = n ? tracee_write(t->tracee, dst, src, n) : 0;

	return done < 0 ? -EFAULT : done;
}

int clear_out(struct task *t, uaddr_t dst, size_t n)
{
	static const char zeros[PAGE];

	while (n) {
		size_t part = n < sizeof(zeros) ? n : sizeof(zeros);

		if (copy_out(t, dst, zeros, part) < 0)
			return -EFAULT;
		dst = uaddr_add(dst, part);
		n -= part;
	}
	return 0;
}

int64_t copy_in_str(struct task *t, char *dst, uaddr_t src, size_t cap)
{
	size_t done = 0;

	/* Most strings are short and end before their page does: a small first read, then page by page. */
	while (done < cap) {
		size_t to_page_end = PAGE - (src.v + done) % PAGE;
		size_t part = done == 0 && to_page_end > 128 ? 128 : to_page_end;
		int64_t got;
		char *nul;

		if (part > cap - done)
			part = cap - done;
		got = tracee_read(t->tracee, dst + done, uaddr_add(src, done), part);
		if (got <= 0)
			return -EFAULT;
		nul = memchr(dst + done, 0, (size_t)got);
		if (nul)
			return nul - dst;
		if ((size_t)got < part)
			return -EFAULT;
		done += part;
	}
	return -ENAMETOOLONG;
}

int copy_in_struct(struct task *t, void *dst, size_t ours, uaddr_t src, size_t theirs)
{
	size_t common = ours < theirs ? ours : theirs;
	unsigned char rest[256];

	memset(dst, 0, ours);
	if (copy_in(t, dst, src, common) < 0)
		return -EFAULT;
	for (size_t at = common; at < theirs; at += sizeof(rest)) {
		size_t part = theirs - at < sizeof(rest) ? theirs - at : sizeof(rest);

		if (copy_in(t, rest, uaddr_add(src, at), part) < 0)
			return -EFAULT;
		for (size_t i = 0; i < part; i++)
			if (rest[i])
				return -E2BIG;
	}
	return 0;
}
