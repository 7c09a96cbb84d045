/* Sealing: the walk over an output, the rules, the copy. */
#include "gofer/seal.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/copy.h"
#include "gofer/hostops.h"
#include "gofer/store.h"
#include "gofer/tree.h"

#define ENTRIES_DEFAULT (1u << 20)
#define BYTES_DEFAULT	(64ull << 30)
#define DEPTH_DEFAULT	128u
#define DEPTH_MAX	256u /* whatever is asked for: two fds and a stack frame a level */
#define RACES_MAX	1000 /* openat2 says EAGAIN where a rename anywhere on the machine met a `..` */

struct sealing {
	const char *name;
	struct seal_limits limits;
	struct seal_result *result;
	struct manifest *manifest;
	char *why;
	size_t why_size;
	int copy_root;	     /* the copy's root, or the source's where nothing is copied */
	char path[PATH_MAX]; /* of the entry at hand, relative; for the manifest and for messages */
	size_t path_len;
};

/* A directory of the output and its copy (-1: nothing is copied). */
struct pair {
	int src, dst;
};

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static int __attribute__((format(printf, 3, 4))) fail(struct sealing *s, int err, const char *fmt, ...)
{
	int n = snprintf(s->why, s->why_size, "output %s: ", s->name);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < s->why_size)
		vsnprintf(s->why + n, s->why_size - (size_t)n, fmt, ap);
	va_end(ap);
	return err;
}

/* What the host refused, about the entry at hand. */
static int host_failed(struct sealing *s, const char *what, int err)
{
	return fail(s, err, "%s cannot be %s: %s", s->path[0] ? s->path : "its directory", what, strerror(-err));
}

static int refuse_type(struct sealing *s, mode_t mode)
{
	const char *what = S_ISFIFO(mode)   ? "a fifo"
			   : S_ISSOCK(mode) ? "a socket"
			   : S_ISBLK(mode)  ? "a block device"
					    : "a character device";

	return fail(s, -EPERM, "%s is %s; outputs hold regular files, directories and symlinks only", s->path, what);
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

/* Copies a name for a message, what cannot be printed as '?'. */
static void printable(const char *s, char *out, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && s[i]; i++)
		out[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
	out[i] = 0;
}

/* Appends a name to the path at hand; the length to go back to, or a negative errno. */
static int64_t push_name(struct sealing *s, const char *name)
{
	size_t before = s->path_len, n = strlen(name);
	char shown[NAME_MAX + 1];

	if (has_control(name)) {
		printable(name, shown, sizeof(shown));
		return fail(s, -EPERM, "the name %s%s%s has control characters in it", s->path, before ? "/" : "",
			    shown);
	}
	if (before + 1 + n >= sizeof(s->path))
		return fail(s, -EPERM, "a path below %.200s... is too long", s->path);
	s->path_len += (size_t)snprintf(s->path + before, sizeof(s->path) - before, "%s%s", before ? "/" : "", name);
	return (int64_t)before;
}

static void pop_name(struct sealing *s, size_t before)
{
	s->path_len = before;
	s->path[before] = 0;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Opens what was looked at: nothing that has side effects, and the same inode. */
static int open_source(struct sealing *s, int dirfd, const char *name, const struct stat *seen)
{
	int fd = (int)HOST_RETRY(openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	struct stat st;

	if (fd < 0)
		return host_failed(s, "read", fd);
	if (fstat(fd, &st) == 0 && st.st_ino == seen->st_ino && st.st_dev == seen->st_dev &&
	    st.st_mode == seen->st_mode)
		return fd;
	host_close(&fd);
	return fail(s, -EPERM, "%s changed while it was sealed", s->path);
}

static int copy_file(struct sealing *s, int src, int dst, bool exec)
{
	uint8_t hash[HASH_SIZE];
	uint64_t size;
	int err = copy_and_hash(src, dst, s->limits.bytes - s->result->bytes, hash, &size);

	if (err == -EFBIG)
		return fail(s, -EPERM, "with %s it has more than the %llu bytes that it may have", s->path,
			    (unsigned long long)s->limits.bytes);
	if (!err && dst >= 0)
		err = hostop_chmod(dst, exec ? 0555 : 0444);
	if (err)
		return host_failed(s, "copied", err);
	s->result->files++;
	s->result->bytes += size;
	return manifest_add_file(s->manifest, s->path, exec, size, hash);
}

static int seal_file(struct sealing *s, struct pair dir, const char *name, const struct stat *st)
{
	AUTO_CLOSE int src = -1;
	AUTO_CLOSE int dst = -1;

	if (st->st_mode & (S_ISUID | S_ISGID))
		return fail(s, -EPERM, "%s has a set-id bit (mode %04o); outputs may not", s->path,
			    st->st_mode & 07777u);
	src = open_source(s, dir.src, name, st);
	if (src < 0)
		return src;
	if (dir.dst >= 0) {
		dst = hostop_create(dir.dst, name, 0600);
		if (dst < 0)
			return host_failed(s, "copied", dst);
	}
	return copy_file(s, src, dst, st->st_mode & 0111);
}

/* ---- symlinks ---------------------------------------------------------------------------------------------------- */

/* Does the target, as text, stay at or below the root, seen from `depth` directories below it? */
static bool stays_inside(const char *target, int depth)
{
	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && target[0] == '.' && target[1] == '.')
			depth--;
		else if (n && !(n == 1 && target[0] == '.'))
			depth++;
		if (depth < 0)
			return false;
		target += n + (target[n] == '/');
	}
	return true;
}

static int path_depth(const char *path)
{
	int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static int seal_link(struct sealing *s, struct pair dir, const char *name)
{
	char target[PATH_MAX];
	int64_t n = host_ret(readlinkat(dir.src, name, target, sizeof(target) - 1));
	int err;

	if (n < 0)
		return host_failed(s, "read", (int)n);
	target[n] = 0;
	if (has_control(target))
		return fail(s, -EPERM, "the symlink %s has control characters in its target", s->path);
	if (target[0] == '/')
		return fail(
			s, -EPERM,
			"%s is a symlink to the absolute path %s; symlinks in outputs must be relative and stay inside",
			s->path, target);
	if (!stays_inside(target, path_depth(s->path)))
		return fail(s, -EPERM, "%s is a symlink to %s, which is outside of the output", s->path, target);
	err = dir.dst < 0 ? 0 : hostop_symlink(target, dir.dst, name);
	if (err)
		return host_failed(s, "copied", err);
	s->result->links++;
	return manifest_add_link(s->manifest, s->path, target);
}

/* A link whose text stays inside can still lead out through another one: resolved in the finished copy it may not. */
static int check_resolved(struct sealing *s)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd = -EAGAIN;

	for (int i = 0; fd == -EAGAIN && i < RACES_MAX; i++)
		fd = (int)HOST_RETRY(syscall(SYS_openat2, s->copy_root, s->path, &how, sizeof(how)));
	if (fd == -EXDEV || fd == -EAGAIN)
		return fail(s, -EPERM, "the symlink %s leads outside of the output, through other symlinks", s->path);
	host_close(&fd);
	return 0;
}

/* Checks each link of the manifest: its lines are "l LENGTH TARGET PATH". */
static int check_links(struct sealing *s)
{
	const char *line = s->manifest->text, *end = line + s->manifest->len, *newline;

	for (; line && line < end; line = newline + 1) {
		const char *path;
		char *target;
		int err;

		newline = memchr(line, '\n', (size_t)(end - line));
		if (line[0] != 'l')
			continue;
		path = line + 2;
		path += strtoul(path, &target, 10) + (size_t)(target - path) + 2;
		memcpy(s->path, path, (size_t)(newline - path));
		s->path[newline - path] = 0;
		err = check_resolved(s);
		if (err)
			return err;
	}
	return 0;
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

static int seal_dir(struct sealing *s, struct pair dir, uint32_t depth);

static int seal_subdir(struct sealing *s, struct pair dir, const char *name, uint32_t depth)
{
	AUTO_CLOSE int src = tree_open_dir(dir.src, name);
	AUTO_CLOSE int dst = -1;
	int err = 0;

	if (src < 0)
		return host_failed(s, "read", src);
	if (depth >= s->limits.depth)
		return fail(s, -EPERM, "%.200s... is more than %u directories deep", s->path, s->limits.depth);
	if (dir.dst >= 0) {
		err = hostop_mkdir(dir.dst, name, 0700);
		dst = err ? -1 : tree_open_dir(dir.dst, name);
		if (!err && dst < 0)
			err = dst;
	}
	if (err)
		return host_failed(s, "copied", err);
	s->result->dirs++;
	err = manifest_add_dir(s->manifest, s->path);
	return err ? err : seal_dir(s, (struct pair){ src, dst }, depth + 1);
}

static int seal_entry(struct sealing *s, struct pair dir, const char *name, uint32_t depth)
{
	struct seal_result *r = s->result;
	struct stat st;

	if (r->files + r->dirs + r->links >= s->limits.entries)
		return fail(s, -EPERM, "it has more than the %llu files, directories and symlinks that it may have",
			    (unsigned long long)s->limits.entries);
	if (fstatat(dir.src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return host_failed(s, "looked at", -errno);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return seal_file(s, dir, name, &st);
	case S_IFDIR:
		return seal_subdir(s, dir, name, depth);
	case S_IFLNK:
		return seal_link(s, dir, name);
	default:
		return refuse_type(s, st.st_mode);
	}
}

static int seal_dir(struct sealing *s, struct pair dir, uint32_t depth)
{
	struct name_list l;
	int err = name_list_read(dir.src, s->limits.entries, &l);

	if (err == -E2BIG)
		return fail(s, -EPERM, "it has more than the %llu files, directories and symlinks that it may have",
			    (unsigned long long)s->limits.entries);
	if (err)
		return host_failed(s, "listed", err);
	for (size_t i = 0; !err && i < l.count; i++) {
		int64_t before = push_name(s, l.name[i]);

		err = before < 0 ? (int)before : seal_entry(s, dir, l.name[i], depth);
		if (!err)
			pop_name(s, (size_t)before);
	}
	name_list_free(&l);
	return err;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static struct seal_limits with_defaults(const struct seal_limits *l)
{
	struct seal_limits out = l ? *l : (struct seal_limits){ 0 };

	out.entries = out.entries ? out.entries : ENTRIES_DEFAULT;
	out.bytes = out.bytes ? out.bytes : BYTES_DEFAULT;
	out.depth = out.depth ? out.depth : DEPTH_DEFAULT;
	if (out.depth > DEPTH_MAX)
		out.depth = DEPTH_MAX;
	return out;
}

/* Judges, copies to `to` (or not: -1) and describes. */
static int run(struct sealing *s, int from, int to)
{
	int err;

	s->copy_root = to < 0 ? from : to;
	err = seal_dir(s, (struct pair){ from, to }, 0);
	if (!err)
		err = check_links(s);
	if (err == -ENOMEM)
		return fail(s, err, "out of memory");
	return err;
}

static int commit(struct sealing *s, const struct store *store, struct store_temp *temp)
{
	int err = manifest_root(s->manifest, s->result->root);

	if (!err)
		err = store_temp_commit(store, temp, s->manifest, s->result->root);
	if (err < 0)
		return fail(s, err, "it cannot be written to the store: %s", strerror(-err));
	s->result->reused = err == 1;
	return 0;
}

int seal_tree(int dirfd, const char *name, const struct seal_limits *limits, const struct store *store,
	      struct seal_result *result)
{
	AUTO_FREE struct sealing *s = mem_zalloc(sizeof(*s));
	struct manifest m = { 0 };
	struct store_temp temp;
	int err;

	*result = (struct seal_result){ 0 };
	if (!s) {
		snprintf(result->why, sizeof(result->why), "output %s: out of memory", name);
		return -ENOMEM;
	}
	*s = (struct sealing){ .name = name,
			       .limits = with_defaults(limits),
			       .result = result,
			       .manifest = &m,
			       .why = result->why,
			       .why_size = sizeof(result->why) };
	err = store_temp_make(store, &temp);
	if (err)
		return fail(s, err, "no directory can be made in the store: %s", strerror(-err));
	err = run(s, dirfd, temp.tree);
	if (!err)
		err = commit(s, store, &temp);
	store_temp_drop(store, &temp);
	manifest_free(&m);
	if (err)
		result->root[0] = 0;
	return err;
}

int seal_describe(int dirfd, const char *name, struct manifest *m, char *why, size_t why_size)
{
	AUTO_FREE struct sealing *s = mem_zalloc(sizeof(*s));
	struct seal_result result = { 0 };

	if (!s)
		return -ENOMEM;
	*s = (struct sealing){ .name = name,
			       .limits = { .entries = UINT64_MAX, .bytes = UINT64_MAX, .depth = DEPTH_MAX },
			       .result = &result,
			       .manifest = m,
			       .why = why,
			       .why_size = why_size };
	return run(s, dirfd, -1);
}
