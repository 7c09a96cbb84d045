/* A transfer's memory side: see uio.h. */
#include "sentry/mm/uio.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/uio.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"

#define MAX_RW_COUNT 0x7ffff000ull
#define MAX_PARTS 64u
#define BOUNCE (128u * 1024)

void uio_init_guest(struct uio *u, struct task *t, uaddr_t base, uint64_t len)
{
	if (len > MAX_RW_COUNT)
		len = MAX_RW_COUNT;
	*u = (struct uio){ .t = t, .iov = u->inl, .count = 1, .left = len };
	u->inl[0] = (struct guest_iov){ base, len };
	u->iov = u->inl;
}

void uio_init_local(struct uio *u, void *buf, uint64_t len)
{
	*u = (struct uio){ .local = buf, .left = len };
}

int uio_init_iovec(struct uio *u, struct task *t, uaddr_t iov, uint64_t count)
{
	int ret = 0;

	if (count > LX_IOV_MAX)
		return -EINVAL;
	*u = (struct uio){ .t = t, .count = (uint32_t)count };
	u->iov = u->inl;
	if (count > UIO_INLINE) {
		u->iov = mem_calloc(count, sizeof(*u->iov));
		if (!u->iov)
			return -ENOMEM;
	}
	/* struct guest_iov has the layout of the guest's struct iovec. */
	_Static_assert(sizeof(struct guest_iov) == 16, "as struct iovec");
	if (copy_in(t, u->iov, iov, count * sizeof(*u->iov)) < 0) {
		ret = -EFAULT;
		goto out;
	}
	for (uint32_t i = 0; i < count; i++) {
		if ((int64_t)u->iov[i].len < 0) {
			ret = -EINVAL;
			goto out;
		}
		if (u->iov[i].len > MAX_RW_COUNT - u->left)
			u->iov[i].len = MAX_RW_COUNT - u->left;
		u->left += u->iov[i].len;
	}
out:
	if (ret < 0)
		uio_done(u);
	return ret;
}

void uio_done(struct uio *u)
{
	if (u->t && u->iov != u->inl)
		mem_free(u->iov);
	u->iov = u->inl;
}

static void advance(struct uio *u, uint64_t n)
{
	u->left -= n;
	if (!u->t) {
		u->local += n;
		return;
	}
	while (n) {
		uint64_t rest = u->iov[u->index].len - u->skip;

		if (n < rest) {
			u->skip += n;
			return;
		}
		n -= rest;
		u->index++;
		u->skip = 0;
	}
}

void uio_skip(struct uio *u, uint64_t n)
{
	advance(u, n < u->left ? n : u->left);
}

void uio_rewind(struct uio *u, uint64_t n)
{
	u->left += n;
	if (!u->t) {
		u->local -= n;
		return;
	}
	while (n) {
		if (n <= u->skip) {
			u->skip -= n;
			return;
		}
		n -= u->skip;
		u->index--;
		u->skip = u->iov[u->index].len;
	}
}

/* The next parts that hold up to n bytes; their number. */
static size_t gather(const struct uio *u, uint64_t n, struct guest_iov parts[MAX_PARTS])
{
	uint64_t skip = u->skip;
	size_t used = 0;

	for (uint32_t i = u->index; i < u->count && n && used < MAX_PARTS; i++, skip = 0) {
		uint64_t len = u->iov[i].len - skip;

		if (!len)
			continue;
		if (len > n)
			len = n;
		parts[used++] = (struct guest_iov){ uaddr_add(u->iov[i].addr, skip), len };
		n -= len;
	}
	return used;
}

static int64_t move(struct uio *u, char *buf, uint64_t n, bool put)
{
	uint64_t done = 0;

	if (n > u->left)
		n = u->left;
	if (!u->t) {
		if (put)
			memcpy(u->local, buf, n);
		else
			memcpy(buf, u->local, n);
		advance(u, n);
		return (int64_t)n;
	}
	while (done < n) {
		struct guest_iov parts[MAX_PARTS];
		size_t count = gather(u, n - done, parts);
		struct iovec local = { buf + done, 0 };
		int64_t got;

		for (size_t i = 0; i < count; i++)
			local.iov_len += parts[i].len;
		got = put ? tracee_writev(u->t->tracee, parts, count, &local, 1) :
			    tracee_readv(u->t->tracee, &local, 1, parts, count);
		if (got <= 0)
			return done ? (int64_t)done : -EFAULT;
		advance(u, (uint64_t)got);
		done += (uint64_t)got;
		if ((size_t)got < local.iov_len)
			break;
	}
	return (int64_t)done;
}

int64_t uio_put(struct uio *u, const void *src, uint64_t n)
{
	return move(u, (char *)(uintptr_t)src, n, true);
}

int64_t uio_get(struct uio *u, void *dst, uint64_t n)
{
	return move(u, dst, n, false);
}

int64_t uio_zero(struct uio *u, uint64_t n)
{
	static const char zeros[16384];
	uint64_t done = 0;

	if (n > u->left)
		n = u->left;
	while (done < n) {
		uint64_t part = n - done < sizeof(zeros) ? n - done : sizeof(zeros);
		int64_t put = uio_put(u, zeros, part);

		if (put < 0)
			return done ? (int64_t)done : put;
		done += (uint64_t)put;
		if ((uint64_t)put < part)
			break;
	}
	return (int64_t)done;
}

/* Where bytes rest between the host's file and the guest: on the stack when they are few. */
struct bounce {
	char small[8192];
	char *big, *buf;
	uint64_t size;
};

static int bounce_init(struct bounce *b, uint64_t n)
{
	b->buf = b->small;
	b->size = sizeof(b->small);
	b->big = NULL;
	if (n <= b->size)
		return 0;
	b->size = n < BOUNCE ? n : BOUNCE;
	b->buf = b->big = mem_alloc(b->size);
	return b->buf ? 0 : -ENOMEM;
}

static void bounce_done(struct bounce *b)
{
	mem_free(b->big);
}
#define AUTO_BOUNCE __attribute__((cleanup(bounce_done)))

int64_t uio_put_host(struct uio *u, int fd, int64_t offset, uint64_t n)
{
	AUTO_BOUNCE struct bounce b;
	uint64_t done = 0;

	if (n > u->left)
		n = u->left;
	if (bounce_init(&b, n) < 0)
		return -ENOMEM;
	while (done < n) {
		uint64_t part = n - done < b.size ? n - done : b.size;
		int64_t got = offset < 0 ? HOST_RETRY(read(fd, b.buf, part)) :
					   HOST_RETRY(pread(fd, b.buf, part, offset + (int64_t)done));
		int64_t put = got > 0 ? uio_put(u, b.buf, (uint64_t)got) : got;

		if (put <= 0)
			return done ? (int64_t)done : put;
		done += (uint64_t)put;
		if ((uint64_t)put < part || offset < 0)
			break;
	}
	return (int64_t)done;
}

int64_t uio_get_host(struct uio *u, int fd, int64_t offset, uint64_t n)
{
	AUTO_BOUNCE struct bounce b;
	uint64_t done = 0;

	if (n > u->left)
		n = u->left;
	if (bounce_init(&b, n) < 0)
		return -ENOMEM;
	while (done < n) {
		uint64_t part = n - done < b.size ? n - done : b.size;
		int64_t got = uio_get(u, b.buf, part), put;

		if (got < 0)
			return done ? (int64_t)done : got;
		put = offset < 0 ? HOST_RETRY(write(fd, b.buf, (size_t)got)) :
				   HOST_RETRY(pwrite(fd, b.buf, (size_t)got, offset + (int64_t)done));
		/* What the host did not take has not been moved. */
		uio_rewind(u, (uint64_t)(put < 0 ? got : got - put));
		if (put < 0)
			return done ? (int64_t)done : put;
		done += (uint64_t)put;
		if ((uint64_t)put < part || offset < 0)
			break;
	}
	return (int64_t)done;
}
