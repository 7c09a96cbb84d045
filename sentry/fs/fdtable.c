/* Fd tables: the lowest free number, as POSIX wants it, by a bitmap and a hint. */
#include "sentry/fs/fdtable.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/task.h"

#define FD_FIRST_CAPACITY 64u
#define FD_MAX_CAPACITY (1u << 20) /* fs.nr_open */
#define O_PATH_BIT 010000000u

static bool bit_test(const uint64_t *map, uint32_t i)
{
	return map[i / 64] >> (i % 64) & 1;
}

static void bit_put(uint64_t *map, uint32_t i, bool on)
{
	if (on)
		map[i / 64] |= 1ull << (i % 64);
	else
		map[i / 64] &= ~(1ull << (i % 64));
}

static struct fdtable *table_alloc(uint32_t capacity)
{
	struct fdtable *ft = mem_zalloc(sizeof(*ft));

	if (!ft)
		return NULL;
	ref_init(&ft->ref);
	lock_init(&ft->lock, RANK_FDTABLE, "fdtable.lock");
	ft->capacity = capacity;
	ft->files = mem_calloc(capacity, sizeof(*ft->files));
	ft->used = mem_calloc(capacity / 64, sizeof(*ft->used));
	ft->cloexec = mem_calloc(capacity / 64, sizeof(*ft->cloexec));
	if (ft->files && ft->used && ft->cloexec)
		return ft;
	mem_free(ft->files);
	mem_free(ft->used);
	mem_free(ft->cloexec);
	mem_free(ft);
	return NULL;
}

struct fdtable *fdtable_new(void)
{
	return table_alloc(FD_FIRST_CAPACITY);
}

/* Room for fd `n`; the lock is held. */
static int grow(struct fdtable *ft, uint32_t n)
{
	uint32_t capacity = ft->capacity;
	struct file **files;
	uint64_t *used, *cloexec;

	if (n < capacity)
		return 0;
	if (n >= FD_MAX_CAPACITY)
		return -EMFILE;
	while (capacity <= n)
		capacity *= 2;
	files = mem_calloc(capacity, sizeof(*files));
	used = mem_calloc(capacity / 64, sizeof(*used));
	cloexec = mem_calloc(capacity / 64, sizeof(*cloexec));
	if (!files || !used || !cloexec) {
		mem_free(files);
		mem_free(used);
		mem_free(cloexec);
		return -ENOMEM;
	}
	memcpy(files, ft->files, ft->capacity * sizeof(*files));
	memcpy(used, ft->used, ft->capacity / 8);
	memcpy(cloexec, ft->cloexec, ft->capacity / 8);
	mem_free(ft->files);
	mem_free(ft->used);
	mem_free(ft->cloexec);
	ft->files = files;
	ft->used = used;
	ft->cloexec = cloexec;
	ft->capacity = capacity;
	return 0;
}

struct fdtable *fdtable_copy(struct fdtable *from)
{
	struct fdtable *ft;
	uint32_t capacity;

	for (;;) {
		lock_take(&from->lock);
		capacity = from->capacity;
		lock_drop(&from->lock);
		ft = table_alloc(capacity);
		if (!ft)
			return NULL;
		lock_take(&from->lock);
		if (from->capacity == capacity)
			break;
		lock_drop(&from->lock);
		fdtable_put(ft, NULL);
	}
	/* Numbers that another thread has merely reserved are free in the copy. */
	for (uint32_t i = 0; i < capacity; i++) {
		if (!from->files[i])
			continue;
		ft->files[i] = file_get(from->files[i]);
		bit_put(ft->used, i, true);
		bit_put(ft->cloexec, i, bit_test(from->cloexec, i));
	}
	lock_drop(&from->lock);
	return ft;
}

struct fdtable *fdtable_get(struct fdtable *ft)
{
	ref_get(&ft->ref);
	return ft;
}

void fdtable_put(struct fdtable *ft, struct task *t)
{
	if (!ft || !ref_put(&ft->ref))
		return;
	for (uint32_t i = 0; i < ft->capacity; i++) {
		if (ft->files[i])
			file_close(ft->files[i], ft, t);
	}
	mem_free(ft->files);
	mem_free(ft->used);
	mem_free(ft->cloexec);
	mem_free(ft);
}

struct file *fdtable_file(struct fdtable *ft, int fd)
{
	struct file *f;

	LOCK_GUARD(&ft->lock);
	f = fd >= 0 && (uint32_t)fd < ft->capacity ? ft->files[fd] : NULL;
	return f ? file_get(f) : NULL;
}

struct file *fd_get(struct task *t, int fd)
{
	return fdtable_file(t->files, fd);
}

struct file *fd_get_io(struct task *t, int fd)
{
	struct file *f = fdtable_file(t->files, fd);

	if (f && atomic_load_explicit(&f->flags, memory_order_relaxed) & O_PATH_BIT) {
		file_put(f);
		return NULL;
	}
	return f;
}

/* The lowest clear bit at or after `from`; capacity when there is none below it. The lock is held. */
static uint32_t lowest_free(const struct fdtable *ft, uint32_t from)
{
	for (uint32_t w = from / 64; w < ft->capacity / 64; w++) {
		uint64_t free = ~ft->used[w];

		if (w == from / 64)
			free &= ~0ull << (from % 64);
		if (free)
			return w * 64 + (uint32_t)__builtin_ctzll(free);
	}
	return from > ft->capacity ? from : ft->capacity;
}

static uint64_t fd_limit(struct task *t)
{
	return t->proc ? t->proc->limits[LX_RLIMIT_NOFILE].rlim_cur : FD_MAX_CAPACITY;
}

static int reserve(struct fdtable *ft, struct task *t, int min)
{
	uint32_t fd, from;
	int ret;

	LOCK_GUARD(&ft->lock);
	from = (uint32_t)min > ft->first_free ? (uint32_t)min : ft->first_free;
	fd = lowest_free(ft, from);
	if (fd >= fd_limit(t))
		return -EMFILE;
	ret = grow(ft, fd);
	if (ret < 0)
		return ret;
	bit_put(ft->used, fd, true);
	bit_put(ft->cloexec, fd, false);
	if (fd == ft->first_free)
		ft->first_free = fd + 1;
	return (int)fd;
}

int fd_reserve(struct task *t, int min)
{
	return reserve(t->files, t, min);
}

/* The lock is held. */
static void number_free(struct fdtable *ft, uint32_t fd)
{
	ft->files[fd] = NULL;
	bit_put(ft->used, fd, false);
	bit_put(ft->cloexec, fd, false);
	if (fd < ft->first_free)
		ft->first_free = fd;
}

void fd_unreserve(struct task *t, int fd)
{
	LOCK_GUARD(&t->files->lock);
	number_free(t->files, (uint32_t)fd);
}

static void install(struct fdtable *ft, int fd, struct file *f, bool cloexec)
{
	LOCK_GUARD(&ft->lock);
	ft->files[fd] = f;
	bit_put(ft->cloexec, (uint32_t)fd, cloexec);
}

void fd_install(struct task *t, int fd, struct file *f, bool cloexec)
{
	install(t->files, fd, f, cloexec);
}

int fd_add(struct task *t, struct file *f, bool cloexec)
{
	int fd = fd_reserve(t, 0);

	if (fd < 0) {
		file_put(f);
		return fd;
	}
	fd_install(t, fd, f, cloexec);
	return fd;
}

static int replace(struct fdtable *ft, struct task *t, int fd, struct file *f, bool cloexec)
{
	struct file *old = NULL;
	int ret = fd;

	if (fd < 0 || (uint64_t)fd >= fd_limit(t)) {
		file_put(f);
		return -EBADF;
	}
	lock_take(&ft->lock);
	ret = grow(ft, (uint32_t)fd);
	if (ret == 0 && bit_test(ft->used, (uint32_t)fd) && !ft->files[fd])
		ret = -EBUSY; /* reserved by an open under way in another thread */
	if (ret == 0) {
		old = ft->files[fd];
		ft->files[fd] = f;
		bit_put(ft->used, (uint32_t)fd, true);
		bit_put(ft->cloexec, (uint32_t)fd, cloexec);
		ret = fd;
	}
	lock_drop(&ft->lock);
	if (ret < 0)
		file_put(f);
	if (old)
		file_close(old, ft, t);
	return ret;
}

int fd_replace(struct task *t, int fd, struct file *f, bool cloexec)
{
	return replace(t->files, t, fd, f, cloexec);
}

int fdtable_receive(struct fdtable *ft, struct task *owner, int fd, struct file *f, bool cloexec)
{
	if (fd >= 0)
		return replace(ft, owner, fd, file_get(f), cloexec);
	fd = reserve(ft, owner, 0);
	if (fd >= 0)
		install(ft, fd, file_get(f), cloexec);
	return fd;
}

struct file *fd_detach(struct task *t, int fd)
{
	struct fdtable *ft = t->files;
	struct file *f;

	LOCK_GUARD(&ft->lock);
	f = fd >= 0 && (uint32_t)fd < ft->capacity ? ft->files[fd] : NULL;
	if (f)
		number_free(ft, (uint32_t)fd);
	return f;
}

int fd_set_cloexec(struct task *t, int fd, bool on)
{
	struct fdtable *ft = t->files;

	LOCK_GUARD(&ft->lock);
	if (fd < 0 || (uint32_t)fd >= ft->capacity || !ft->files[fd])
		return -EBADF;
	bit_put(ft->cloexec, (uint32_t)fd, on);
	return 0;
}

int fd_get_cloexec(struct task *t, int fd)
{
	struct fdtable *ft = t->files;

	LOCK_GUARD(&ft->lock);
	if (fd < 0 || (uint32_t)fd >= ft->capacity || !ft->files[fd])
		return -EBADF;
	return bit_test(ft->cloexec, (uint32_t)fd);
}

void fdtable_close_on_exec(struct task *t)
{
	struct fdtable *ft = t->files;

	for (uint32_t i = 0; i < ft->capacity; i++) {
		struct file *f = NULL;

		if (i % 64 == 0 && ft->cloexec[i / 64] == 0) {
			i += 63;
			continue;
		}
		lock_take(&ft->lock);
		if (bit_test(ft->cloexec, i) && ft->files[i]) {
			f = ft->files[i];
			number_free(ft, i);
		}
		lock_drop(&ft->lock);
		if (f)
			file_close(f, ft, t);
	}
}

int fdtable_next(struct fdtable *ft, int fd)
{
	LOCK_GUARD(&ft->lock);
	for (uint32_t i = fd < 0 ? 0 : (uint32_t)fd; i < ft->capacity; i++) {
		if (ft->files[i])
			return (int)i;
	}
	return -1;
}
