/* Bytes of files in memory: see memdata.h. */
#include "sentry/fs/memdata.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/mm/uio.h"

#define LOAD_CHUNK (256u << 10)
#define SHORT_TARGET 128u
#define PAGE_UP(n) (((n) + 4095) & ~(int64_t)4095)

/* Would that much more fit? For files whose charge is known only afterwards. */
static int probe(struct memquota *q, int64_t bytes)
{
	int ret = memquota_charge(q, bytes);

	if (ret == 0)
		memquota_charge(q, -bytes);
	return ret;
}

void memdata_init(struct memdata *m, struct memquota *quota)
{
	memset(m, 0, sizeof(*m));
	m->quota = quota;
	lock_init(&m->lock, RANK_LOWER, "memdata");
	atomic_init(&m->fd, -1);
}

static void recharge(struct memdata *m, int64_t bytes)
{
	if (memquota_charge(m->quota, bytes - m->charged) == 0)
		m->charged = bytes;
}

int memdata_count_inode(struct memdata *m)
{
	int ret = memquota_charge_names(m->quota, 1);

	m->counted = ret == 0;
	return ret;
}

int memdata_count_target(struct memdata *m, size_t len)
{
	int ret = len < SHORT_TARGET ? 0 : memquota_charge(m->quota, 4096);

	m->charged = ret == 0 && len >= SHORT_TARGET ? 4096 : 0;
	return ret;
}

int memdata_count_link(struct memdata *m, bool more)
{
	int ret = 0;

	LOCK_GUARD(&m->lock);
	if (more)
		ret = memquota_charge_names(m->quota, 1);
	else if (!m->links)
		return 0; /* of a lower file's links, which are not ours */
	else
		memquota_charge_names(m->quota, -1);
	m->links += ret < 0 ? 0 : more ? 1u : -1u;
	return ret;
}

void memdata_free(struct memdata *m)
{
	recharge(m, 0);
	memquota_charge_names(m->quota, -(int64_t)(m->links + m->counted));
	filemap_drop(&m->map);
	mem_free(m->buf);
	if (m->fd >= 0)
		close(m->fd);
}

/* What the host has really stored, for files with holes and mapped ones. Never refuses: the bytes are there already. */
static void resync(struct memdata *m)
{
	int64_t least = m->mapped ? PAGE_UP(m->size) : 0, bytes;
	struct stat st;

	if (m->fd < 0 || host_fstat(m->fd, &st) < 0)
		return;
	bytes = (int64_t)st.st_blocks * 512;
	recharge(m, bytes > least ? bytes : least);
}

/* Faults through mappings may store every page below size. */
static int charge_mapped(struct memdata *m, int64_t size)
{
	int64_t more = size > INT64_MAX - 4095 ? INT64_MAX : PAGE_UP(size) - m->charged;
	int ret = more > INT64_MAX / 2 ? -ENOSPC : more > 0 ? memquota_charge(m->quota, more) : 0;

	if (ret == 0 && more > 0)
		m->charged += more;
	return ret;
}

/* Moves the bytes into a memfd; the lock is held. */
static int become_memfd(struct memdata *m)
{
	int fd = (int)host_ret(memfd_create("picket", MFD_CLOEXEC | MFD_ALLOW_SEALING)), ret = 0;

	if (fd < 0)
		return fd == -EMFILE || fd == -ENFILE ? -ENOSPC : fd;
	if (m->size > 0)
		ret = (int)host_ret(ftruncate(fd, m->size));
	if (ret == 0 && m->cap > 0 && m->size > 0) {
		int64_t n = host_write_full(fd, m->buf, m->size < m->cap ? (size_t)m->size : m->cap);

		ret = n < 0 ? (int)n : 0;
	}
	if (ret < 0) {
		close(fd);
		return ret == -ENOMEM ? -ENOSPC : ret;
	}
	mem_free(m->buf);
	m->buf = NULL;
	m->cap = 0;
	m->dense = m->charged;
	atomic_store(&m->fd, fd);
	if (m->mapped)
		resync(m);
	return 0;
}

int memdata_fd(struct memdata *m)
{
	int ret = 0;

	LOCK_GUARD(&m->lock);
	if (!m->mapped && charge_mapped(m, m->size) < 0)
		return -ENOMEM;
	m->mapped = m->sparse = true;
	/* An fd made on a tracer thread would land in the guests' table: the reactor is to ask again. */
	if (m->fd < 0 && sched_on_tracer())
		return -EAGAIN;
	if (m->fd < 0)
		ret = become_memfd(m);
	return ret < 0 ? ret : m->fd;
}

/* Makes the buffer hold `end` bytes, or changes to a memfd where that is too much; the lock is held. */
static int inline_room(struct memdata *m, int64_t end)
{
	uint32_t cap = m->cap ? m->cap : 256;
	char *buf;
	int ret;

	if (end > MEMDATA_INLINE_MAX)
		return become_memfd(m);
	if (end <= m->cap)
		return 0;
	while (cap < end)
		cap *= 2;
	ret = memquota_charge(m->quota, (int64_t)cap - m->charged);
	if (ret < 0)
		return ret;
	buf = mem_realloc(m->buf, cap);
	if (!buf) {
		memquota_charge(m->quota, m->charged - (int64_t)cap);
		return -ENOMEM;
	}
	memset(buf + m->cap, 0, cap - m->cap);
	m->buf = buf;
	m->cap = cap;
	m->charged = cap;
	return 0;
}

static int64_t read_inline(struct memdata *m, struct uio *u, int64_t pos, uint64_t n)
{
	/* A copy, so that no lock is held while the guest's memory is touched. */
	char copy[MEMDATA_INLINE_MAX];
	uint64_t have;

	lock_take(&m->lock);
	if (m->fd >= 0 || pos >= m->size) {
		int fd = m->fd;

		lock_drop(&m->lock);
		return fd >= 0 ? uio_put_host(u, fd, pos, n) : 0;
	}
	/* A truncate upwards leaves bytes that the buffer does not reach: a hole. */
	if (n > (uint64_t)(m->size - pos))
		n = (uint64_t)(m->size - pos);
	if (n > sizeof(copy))
		n = sizeof(copy);
	have = pos < m->cap ? (uint64_t)m->cap - (uint64_t)pos : 0;
	if (have > n)
		have = n;
	memcpy(copy, have ? m->buf + pos : copy, have);
	memset(copy + have, 0, n - have);
	lock_drop(&m->lock);
	return uio_put(u, copy, n);
}

/* Not through a mapping where there may be holes: reading one by a fault would store a page that nobody is charged for. */
static int64_t read_memfd(struct memdata *m, struct uio *u, int64_t pos, uint64_t n, int64_t size)
{
	bool dense = !m->sparse && (int64_t)(pos + (int64_t)n) <= m->dense;
	int64_t mapped = dense ? filemap_read(&m->map, pos, n, u) : 0, rest;

	if ((uint64_t)mapped == n)
		return mapped;
	rest = uio_put_host(u, m->fd, pos + mapped, n - (uint64_t)mapped);
	if (dense && !mapped && rest > 0)
		filemap_seen(&m->map, m->fd, size, pos, (uint64_t)rest);
	return mapped ? mapped + (rest > 0 ? rest : 0) : rest;
}

int64_t memdata_read(struct memdata *m, struct uio *u, int64_t *pos)
{
	int64_t size = m->size, n;
	uint64_t want = u->left;

	if (*pos >= size || want == 0)
		return 0;
	if (want > (uint64_t)(size - *pos))
		want = (uint64_t)(size - *pos);
	n = m->fd < 0 ? read_inline(m, u, *pos, want) : read_memfd(m, u, *pos, want, size);
	if (n > 0)
		*pos += n;
	return n;
}

/* Charges for a write to a memfd before it is made; the lock is held. */
static int charge_write(struct memdata *m, int64_t start, int64_t end)
{
	int64_t bytes = PAGE_UP(end) - m->dense;
	int ret;

	if (end <= m->dense)
		return 0;
	if (start > m->dense)
		m->sparse = true;
	if (m->sparse)
		return probe(m->quota, end - start);
	ret = memquota_charge(m->quota, bytes);
	if (ret == 0) {
		m->charged += bytes;
		m->dense += bytes;
	}
	return ret;
}

/* The largest part of [start, end) that there is room for: bytes, or -ENOSPC. */
static int64_t chargeable(struct memdata *m, int64_t start, int64_t end)
{
	int64_t n = end - start;

	/* Linux stores what fits, page by page, and reports the short count; halving finds nearly all of it. */
	for (; n > 0; n = n > 4096 ? n / 2 : 0) {
		if (charge_write(m, start, start + n) == 0)
			return n;
	}
	return -ENOSPC;
}

static int64_t write_locked(struct memdata *m, struct uio *u, int64_t pos, int64_t end)
{
	int64_t n = end - pos, ret;

	if (m->seals & (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (m->seals & LX_F_SEAL_GROW && end > m->size) {
		if (pos >= m->size)
			return -EPERM;
		end = m->size;
		n = end - pos;
	}
	if (m->fd < 0) {
		ret = inline_room(m, end);
		if (ret < 0)
			return ret;
	}
	if (m->fd < 0)
		return uio_get(u, m->buf + pos, (uint64_t)n);
	n = chargeable(m, pos, end);
	if (n < 0)
		return n;
	n = uio_get_host(u, m->fd, pos, (uint64_t)n);
	if (m->sparse)
		resync(m);
	return n;
}

int64_t memdata_write(struct memdata *m, struct uio *u, int64_t *pos, bool append)
{
	int64_t n, end;

	LOCK_GUARD(&m->lock);
	if (append)
		*pos = m->size;
	if (u->left == 0)
		return 0;
	if (__builtin_add_overflow(*pos, (int64_t)u->left, &end))
		return -EFBIG;
	n = write_locked(m, u, *pos, end);
	if (n <= 0)
		return n;
	*pos += n;
	if (*pos > m->size)
		atomic_store(&m->size, *pos);
	return n;
}

int memdata_resize(struct memdata *m, int64_t size)
{
	int ret = 0;

	LOCK_GUARD(&m->lock);
	if ((size < m->size && m->seals & LX_F_SEAL_SHRINK) || (size > m->size && m->seals & LX_F_SEAL_GROW))
		return -EPERM;
	if (m->mapped && size > m->size && charge_mapped(m, size) < 0)
		return -ENOSPC;
	if (m->fd >= 0)
		ret = (int)host_ret(ftruncate(m->fd, size));
	else if (size < m->cap)
		memset(m->buf + size, 0, m->cap - (uint64_t)size); /* what grows back must be zeroes */
	if (ret < 0)
		return ret == -EINVAL ? -EFBIG : ret;
	atomic_store(&m->size, size);
	if (m->fd >= 0 && m->sparse) {
		resync(m);
	} else if (m->fd >= 0 && PAGE_UP(size) < m->dense) {
		m->dense = PAGE_UP(size);
		recharge(m, m->dense);
	} else if (m->fd < 0 && size == 0) {
		mem_free(m->buf);
		m->buf = NULL;
		m->cap = 0;
		recharge(m, 0);
	}
	return 0;
}

/* Copies the bytes from `from` on to `to`, up to the size; backwards where they move up. The lock is held. */
static int move_bytes(struct memdata *m, int64_t from, int64_t to)
{
	AUTO_FREE char *chunk = mem_alloc(LOAD_CHUNK);
	int64_t left = m->size - from, at, n;

	if (!chunk)
		return -ENOMEM;
	for (int64_t done = 0; done < left; done += n) {
		n = left - done < (int64_t)LOAD_CHUNK ? left - done : (int64_t)LOAD_CHUNK;
		at = to < from ? done : left - done - n;
		n = HOST_RETRY(pread(m->fd, chunk, (size_t)n, from + at));
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		if (HOST_RETRY(pwrite(m->fd, chunk, (size_t)n, to + at)) != n)
			return -ENOSPC;
	}
	return 0;
}

/* The bytes behind a range that is taken out move down: as ext4 does it, whole blocks and not the end. */
static int collapse(struct memdata *m, int64_t offset, int64_t len)
{
	int ret = move_bytes(m, offset + len, offset);

	return ret < 0 ? ret : (int)host_ret(ftruncate(m->fd, m->size - len));
}

static int insert(struct memdata *m, int64_t offset, int64_t len)
{
	int ret = (int)host_ret(ftruncate(m->fd, m->size + len));

	if (ret == 0)
		ret = move_bytes(m, offset, offset + len);
	return ret < 0 ? ret : (int)host_ret(fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len));
}

/* COLLAPSE_RANGE and INSERT_RANGE; the lock is held and there is a memfd. */
static int shift(struct memdata *m, int mode, int64_t offset, int64_t len)
{
	bool more = mode & LX_FALLOC_FL_INSERT_RANGE;
	int64_t size = m->size, after;
	int ret;

	if (offset % 4096 || len % 4096 || (more ? offset >= size : offset + len >= size))
		return -EINVAL;
	if (__builtin_add_overflow(size, more ? len : -len, &after))
		return -EFBIG;
	/* What is moved may have been a hole and is not any more. */
	ret = m->mapped && more ? charge_mapped(m, after) : probe(m->quota, size - offset);
	if (ret < 0)
		return ret;
	ret = more ? insert(m, offset, len) : collapse(m, offset, len);
	if (ret == 0)
		atomic_store(&m->size, after);
	return ret;
}

/* Zeroes the range and has it stored: no holes. */
static int zero(struct memdata *m, int mode, int64_t offset, int64_t len)
{
	int ret = (int)host_ret(fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len));

	return ret < 0 ? ret : (int)host_ret(fallocate(m->fd, mode & LX_FALLOC_FL_KEEP_SIZE, offset, len));
}

static int sealed_against(const struct memdata *m, int mode, int64_t end)
{
	uint32_t seals = m->seals;

	if (seals & (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE) && mode & ~LX_FALLOC_FL_KEEP_SIZE)
		return -EPERM;
	return seals & LX_F_SEAL_GROW && !(mode & LX_FALLOC_FL_KEEP_SIZE) && end > m->size ? -EPERM : 0;
}

static int fallocate_locked(struct memdata *m, int mode, int64_t offset, int64_t len)
{
	bool stores = !(mode & LX_FALLOC_FL_PUNCH_HOLE);
	int ret;

	if (mode & (LX_FALLOC_FL_COLLAPSE_RANGE | LX_FALLOC_FL_INSERT_RANGE))
		return shift(m, mode, offset, len);
	/* The limit is asked first: the host would give what the sandbox may not have. */
	ret = stores ? probe(m->quota, len) : 0;
	if (ret < 0)
		return ret;
	if (mode & LX_FALLOC_FL_ZERO_RANGE)
		ret = zero(m, mode, offset, len);
	else
		ret = (int)host_ret(fallocate(m->fd, mode, offset, len));
	if (ret == 0 && !(mode & LX_FALLOC_FL_KEEP_SIZE) && offset + len > m->size)
		atomic_store(&m->size, offset + len);
	return ret;
}

int memdata_fallocate(struct memdata *m, int mode, int64_t offset, int64_t len)
{
	int64_t end;
	int ret;

	if (mode & LX_FALLOC_FL_UNSHARE_RANGE)
		return -EOPNOTSUPP;
	if (__builtin_add_overflow(offset, len, &end))
		return -EFBIG;
	LOCK_GUARD(&m->lock);
	ret = sealed_against(m, mode, end);
	if (ret == 0 && m->fd < 0)
		ret = become_memfd(m);
	if (ret < 0)
		return ret;
	m->sparse = true;
	ret = fallocate_locked(m, mode, offset, len);
	resync(m);
	return ret;
}

int64_t memdata_seek(struct memdata *m, int64_t offset, int whence)
{
	int64_t size = m->size;

	if (offset < 0 || offset >= size)
		return -ENXIO;
	if (m->fd >= 0)
		return host_ret(lseek(m->fd, offset, whence == LX_SEEK_DATA ? SEEK_DATA : SEEK_HOLE));
	return whence == LX_SEEK_DATA ? offset : size;
}

uint64_t memdata_blocks(struct memdata *m)
{
	struct stat st;

	if (m->fd >= 0 && host_fstat(m->fd, &st) == 0)
		return (uint64_t)st.st_blocks;
	return (uint64_t)PAGE_UP(m->size) / 512;
}

int memdata_add_seals(struct memdata *m, uint32_t seals)
{
	int ret = 0;

	LOCK_GUARD(&m->lock);
	if (m->seals & LX_F_SEAL_SEAL)
		return -EPERM;
	filemap_drop(&m->map); /* only read, but to the host it might be written through */
	/* The host knows who has a writable mapping: it is asked to seal its memfd against that as well. */
	if (seals & LX_F_SEAL_WRITE && !(m->seals & LX_F_SEAL_WRITE) && m->fd >= 0)
		ret = (int)host_ret(fcntl(m->fd, F_ADD_SEALS, F_SEAL_WRITE));
	if (ret == -EBUSY)
		return ret;
	atomic_fetch_or(&m->seals, seals);
	return 0;
}

int memdata_load(struct memdata *m, int fd, int64_t pos, int64_t end)
{
	size_t size = end - pos < LOAD_CHUNK ? (size_t)(end > pos ? end - pos : 1) : LOAD_CHUNK;
	AUTO_FREE char *chunk = mem_alloc(size);

	if (!chunk)
		return -ENOMEM;
	while (pos < end) {
		int64_t n = HOST_RETRY(pread(fd, chunk, end - pos < (int64_t)size ? (size_t)(end - pos) : size, pos)), put;
		struct uio u;

		if (n <= 0)
			return (int)n; /* shorter than it was said to be: so is the copy */
		uio_init_local(&u, chunk, (uint64_t)n);
		put = memdata_write(m, &u, &pos, false);
		uio_done(&u);
		if (put != n)
			return put < 0 ? (int)put : -ENOSPC;
	}
	return 0;
}
