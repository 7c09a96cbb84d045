/* Making the index of a sealed tree, and finding it again: see index_file.h. */
#include "gofer/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/host.h"
#include "base/mem.h"
#include "gofer/beneath.h"
#include "gofer/hostops.h"
#include "gofer/manifest.h"
#include "gofer/roots.h"
#include "gofer/sealed_index.h"
#include "gofer/tree.h"

/* Bytes that grow at their end. */
struct bytes {
	char *p;
	size_t len, room;
};

struct making {
	int tree;
	char **path;         /* of each directory, below the tree; those from `done` on are still to be listed */
	uint32_t dirs, room;
	struct bytes table, records, targets;
};

static int append(struct bytes *b, const void *p, size_t n)
{
	if (b->len + n > b->room) {
		size_t room = (b->len + n) * 2;
		char *grown = room > SEALED_INDEX_MAX ? NULL : mem_realloc(b->p, room);

		if (!grown)
			return -ENOMEM;
		b->p = grown;
		b->room = room;
	}
	memcpy(b->p + b->len, p, n);
	b->len += n;
	return 0;
}

/* Takes the path over, also on failure. */
static int add_dir(struct making *m, char *path)
{
	if (path && m->dirs == m->room) {
		uint32_t room = m->room ? m->room * 2 : 64;
		char **grown = mem_realloc_array(m->path, room, sizeof(*grown));

		if (!grown) {
			mem_free(path);
			return -ENOMEM;
		}
		m->path = grown;
		m->room = room;
	}
	if (!path)
		return -ENOMEM;
	m->path[m->dirs++] = path;
	return 0;
}

static int add_target(struct making *m, int dirfd, const char *name, struct gofer_dirent *e)
{
	char target[GOFER_LINK_MAX + 1];
	int64_t n = host_ret(readlinkat(dirfd, name, target, sizeof(target)));

	if (n < 0 || (uint64_t)n != e->attr.size || n > (int64_t)GOFER_LINK_MAX)
		return n < 0 ? (int)n : -EIO;
	e->cookie = m->targets.len; /* from the start of the targets, until their place is known */
	return append(&m->targets, target, (size_t)n);
}

static int add_entry(struct making *m, int dirfd, const char *dir, const char *name)
{
	static const struct root no_rules;
	struct gofer_dirent e = { .name_len = (uint16_t)strlen(name) };
	uint64_t pad = 0;
	int err = beneath_attr(&no_rules, dirfd, name, &e.attr);

	if (err)
		return err;
	e.attr.dev = e.attr.uid = e.attr.gid = 0;
	if (S_ISLNK(e.attr.mode))
		err = add_target(m, dirfd, name, &e);
	if (!err && S_ISDIR(e.attr.mode)) {
		e.cookie = m->dirs;
		err = add_dir(m, mem_printf("%s/%s", dir, name));
	}
	if (!err)
		err = append(&m->records, &e, sizeof(e));
	if (!err)
		err = append(&m->records, name, e.name_len);
	return err ? err : append(&m->records, &pad, GOFER_DIRENT_SIZE(e.name_len) - sizeof(e) - e.name_len);
}

static int add_listing(struct making *m, uint32_t number)
{
	AUTO_CLOSE int fd = tree_open_dir(m->tree, m->path[number]);
	struct sealed_dir d = { .first = m->records.len };
	struct name_list l;
	int err = fd < 0 ? fd : name_list_read(fd, SEALED_INDEX_MAX / sizeof(struct gofer_dirent), &l);

	if (err)
		return err;
	d.count = (uint32_t)l.count;
	for (size_t i = 0; !err && i < l.count; i++)
		err = add_entry(m, fd, m->path[number], l.name[i]);
	name_list_free(&l);
	d.bytes = (uint32_t)(m->records.len - d.first);
	return err ? err : append(&m->table, &d, sizeof(d));
}

/* From places within their parts to places within the file. */
static void settle(struct making *m, uint64_t records_at)
{
	struct sealed_dir *d = (struct sealed_dir *)m->table.p;
	uint64_t targets_at = records_at + m->records.len;

	for (uint32_t i = 0; i < m->dirs; i++)
		d[i].first += records_at;
	for (size_t at = 0; at < m->records.len;) {
		struct gofer_dirent *e = (struct gofer_dirent *)(m->records.p + at);

		if (S_ISLNK(e->attr.mode))
			e->cookie += targets_at;
		at += GOFER_DIRENT_SIZE(e->name_len);
	}
}

static int write_all(struct making *m, int file, const char *root_hex)
{
	struct sealed_index h = { .magic = SEALED_INDEX_MAGIC, .dirs = m->dirs };
	static const struct root no_rules;
	struct gofer_attr a;
	uint64_t records_at = sizeof(h) + m->table.len;
	int err = beneath_attr(&no_rules, m->tree, "", &a);

	if (err)
		return err;
	settle(m, records_at);
	err = append(&m->table, m->records.p ? m->records.p : "", m->records.len);
	if (!err)
		err = append(&m->table, m->targets.p ? m->targets.p : "", m->targets.len);
	if (err)
		return err;
	h.size = sizeof(h) + m->table.len;
	h.targets = h.size - m->targets.len;
	h.hash = hash_stable(m->table.p, m->table.len);
	h.root_ino = a.ino;
	h.root_ctime_sec = a.ctime_sec;
	h.root_ctime_nsec = a.ctime_nsec;
	memcpy(h.root, root_hex, sizeof(h.root));
	err = hostop_write(file, &h, sizeof(h));
	if (!err)
		err = hostop_write(file, m->table.p, m->table.len);
	return err ? err : hostop_sync(file);
}

int sealed_index_write(int file, int tree, const char *root_hex)
{
	struct making m = { .tree = tree };
	int err = add_dir(&m, mem_strdup("."));

	for (uint32_t i = 0; !err && i < m.dirs; i++)
		err = add_listing(&m, i);
	if (!err)
		err = write_all(&m, file, root_hex);
	for (uint32_t i = 0; i < m.dirs; i++)
		mem_free(m.path[i]);
	mem_free(m.path);
	mem_free(m.table.p);
	mem_free(m.records.p);
	mem_free(m.targets.p);
	return err;
}

int sealed_index_open(const char *tree_path)
{
	static const char tree[] = "/tree";
	size_t n = strlen(tree_path), dir = n - (sizeof(tree) - 1);
	AUTO_FREE char *path = NULL;
	struct sealed_index h;
	int fd;

	/* "/", the hash, "/tree" at the least. */
	if (n < sizeof(tree) + HASH_HEX_SIZE - 1 || strcmp(tree_path + dir, tree) != 0)
		return -ENOENT;
	path = mem_printf("%.*s/" SEALED_INDEX_NAME, (int)dir, tree_path);
	if (!path)
		return -ENOMEM;
	fd = (int)HOST_RETRY(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	if (fd < 0)
		return fd;
	/* The directory is named by the hash; an index that was made for another tree does not belong here. */
	if (HOST_RETRY(pread(fd, &h, sizeof(h), 0)) == (int64_t)sizeof(h) && h.magic == SEALED_INDEX_MAGIC &&
	    memcmp(h.root, tree_path + dir - sizeof(h.root), sizeof(h.root)) == 0)
		return fd;
	host_close(&fd);
	return -ENOENT;
}
