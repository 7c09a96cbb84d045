/* execve, execveat. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/resource.h"
#include "base/mem.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/exec.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define MAX_ARG_STRLEN (32u * 4096)
#define MAX_ARG_BYTES (6u << 20)
#define MAX_ARG_COUNT (1u << 20)
#define WINDOW 4096u

/* Strings of one vector mostly lie side by side: they are read by the page. */
struct reader {
	struct task *t;
	uint64_t start, len; /* guest range that is in bytes[] */
	char bytes[WINDOW];
	char *strings;       /* all copied strings, each with its NUL */
	uint64_t used, cap;
	uint64_t limit;
};

static int fill_window(struct reader *r, uint64_t addr)
{
	int64_t got = tracee_read(r->t->tracee, r->bytes, uaddr(addr), WINDOW - addr % WINDOW);

	if (got <= 0)
		return -EFAULT;
	r->start = addr;
	r->len = (uint64_t)got;
	return 0;
}

static int append(struct reader *r, const char *p, uint64_t n)
{
	if (r->used + n > r->limit)
		return -E2BIG;
	if (r->used + n > r->cap) {
		uint64_t cap = (r->used + n) * 2 + 4096;
		char *strings = mem_realloc(r->strings, cap);

		if (!strings)
			return -ENOMEM;
		r->strings = strings;
		r->cap = cap;
	}
	memcpy(r->strings + r->used, p, n);
	r->used += n;
	return 0;
}

/* Appends the string at `addr`; 0 or negative errno. */
static int read_string(struct reader *r, uint64_t addr)
{
	uint64_t begin = r->used;

	for (;;) {
		const char *from, *nul;
		uint64_t left;
		int ret;

		if ((addr < r->start || addr >= r->start + r->len) && fill_window(r, addr) < 0)
			return -EFAULT;
		from = r->bytes + (addr - r->start);
		left = r->start + r->len - addr;
		nul = memchr(from, 0, left);
		if (nul)
			left = (uint64_t)(nul - from) + 1;
		ret = append(r, from, left);
		if (ret < 0)
			return ret;
		if (r->used - begin > MAX_ARG_STRLEN)
			return -E2BIG;
		if (nul)
			return 0;
		addr += left;
	}
}

/* Appends all strings of the vector at `at`; their number or negative errno. A null vector is an empty one. */
static int64_t read_vector(struct reader *r, uaddr_t at)
{
	uint64_t pointers[64];
	uint32_t count = 0;

	if (uaddr_null(at))
		return 0;
	for (;;) {
		int64_t got = copy_in_some(r->t, pointers, at, sizeof(pointers));

		if (got < 8)
			return -EFAULT;
		for (int64_t i = 0; i < got / 8; i++) {
			int ret;

			if (!pointers[i])
				return count;
			if (++count > MAX_ARG_COUNT)
				return -E2BIG;
			ret = read_string(r, pointers[i]);
			if (ret < 0)
				return ret;
		}
		at = uaddr_add(at, (uint64_t)(got & ~7ll));
	}
}

static char **point(const char *strings, uint32_t n, char **v)
{
	for (uint32_t i = 0; i < n; i++) {
		v[i] = (char *)(uintptr_t)strings;
		strings += strlen(strings) + 1;
	}
	v[n] = NULL;
	return v + n + 1;
}

static uint64_t arg_limit(const struct task *t)
{
	uint64_t quarter = t->proc->limits[LX_RLIMIT_STACK].rlim_cur / 4;

	if (quarter > MAX_ARG_BYTES)
		return MAX_ARG_BYTES;
	return quarter < MAX_ARG_STRLEN ? MAX_ARG_STRLEN : quarter;
}

static int64_t exec(struct task *t, int at_fd, const char *name, uint32_t walk, uaddr_t argv, uaddr_t envp)
{
	struct reader r = { .t = t, .limit = arg_limit(t) };
	struct exec_args args = { 0 };
	char **pointers = NULL;
	uint64_t env_offset;
	int64_t argc, envc, ret;

	argc = ret = read_vector(&r, argv);
	if (ret < 0)
		goto out;
	if (argc == 0) { /* as Linux since 5.18: a program always has an argv[0] */
		ret = append(&r, "", 1);
		if (ret < 0)
			goto out;
		argc = 1;
	}
	env_offset = r.used;
	envc = ret = read_vector(&r, envp);
	if (ret < 0)
		goto out;
	ret = -E2BIG;
	if (r.used + 8 * (uint64_t)(argc + envc) > r.limit)
		goto out;
	ret = -ENOMEM;
	pointers = mem_calloc((size_t)(argc + envc + 2), sizeof(*pointers));
	if (!pointers)
		goto out;
	args = (struct exec_args){ .argv = pointers, .argc = (uint32_t)argc, .envc = (uint32_t)envc, .bytes = r.used };
	args.envp = point(r.strings, args.argc, pointers);
	point(r.strings + env_offset, args.envc, args.envp);
	ret = task_exec(t, at_fd, name, walk, &args);
out:
	mem_free(pointers);
	mem_free(r.strings);
	return ret;
}

int64_t sys_execve(struct task *t, const struct sysargs *a)
{
	char name[LX_PATH_MAX];
	int64_t ret = copy_in_str(t, name, arg_addr(a, 0), sizeof(name));

	return ret < 0 ? ret : exec(t, LX_AT_FDCWD, name, 0, arg_addr(a, 1), arg_addr(a, 2));
}

int64_t sys_execveat(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 4), walk = 0;
	char name[LX_PATH_MAX];
	int64_t ret;

	if (flags & ~(uint32_t)(LX_AT_EMPTY_PATH | LX_AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	ret = copy_in_str(t, name, arg_addr(a, 1), sizeof(name));
	if (ret < 0)
		return ret;
	if (flags & LX_AT_EMPTY_PATH)
		walk |= WALK_EMPTY;
	if (flags & LX_AT_SYMLINK_NOFOLLOW)
		walk |= WALK_NOFOLLOW;
	return exec(t, arg_fd(a, 0), name, walk, arg_addr(a, 2), arg_addr(a, 3));
}
