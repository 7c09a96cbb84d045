/* Tables as directories, functions as files: see pseudo.h. */
#include "sentry/fs/pseudo.h"

#include <errno.h>
#include <string.h>

#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/types.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/task.h"

#define STORE_MAX 4096

struct pseudo_inode {
	struct inode inode;
	const struct pseudo_entry *entry;
	struct pseudo_obj obj;
};

struct open_text {
	struct lock lock; /* RANK_PIPE */
	/* protected by lock */
	struct textbuf text;
	bool filled;
	/* its own */
	struct pseudo_watch watch; /* queue NULL: none */
};

static const struct inode_ops pseudo_dir_ops, pseudo_file_ops, pseudo_link_ops, pseudo_magic_ops;

static struct pseudo_inode *of(struct inode *i)
{
	return container_of(i, struct pseudo_inode, inode);
}

const struct pseudo_obj *pseudo_dir_object(struct inode *i, const struct pseudo_entry *e)
{
	return i->ops == &pseudo_dir_ops && of(i)->entry == e ? &of(i)->obj : NULL;
}

static struct pseudo_req request(struct inode *i, struct task *t)
{
	return (struct pseudo_req){ .t = t, .obj = &of(i)->obj, .entry = of(i)->entry };
}

static int check(const struct pseudo_req *r)
{
	return r->entry->check ? r->entry->check(r) : 0;
}

static int show(const struct pseudo_req *r, struct textbuf *b)
{
	int ret = 0;

	if (r->entry->text)
		text_puts(b, r->entry->text);
	else if (r->entry->show)
		ret = r->entry->show(r, b);
	return ret < 0 ? ret : b->failed ? -ENOMEM : 0;
}

/* --- inodes ---------------------------------------------------------------------------------------------------------- */

uint64_t pseudo_ino(const struct pseudo_entry *e, const struct pseudo_obj *o)
{
	uint64_t about = hash_u64((uint64_t)(uintptr_t)o->proc, (uint64_t)(uintptr_t)o->task);

	return hash_u64(hash_u64((uint64_t)(uintptr_t)e, about), (uint64_t)(uint32_t)o->nr) >> 20;
}

static const struct inode_ops *ops_for(const struct pseudo_entry *e)
{
	switch (e->mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		return &pseudo_dir_ops;
	case LX_S_IFLNK:
		return e->follow ? &pseudo_magic_ops : &pseudo_link_ops;
	default:
		return &pseudo_file_ops;
	}
}

/* Takes over the references in found->obj. */
static struct inode *inode_make(struct super *s, const struct pseudo_found *found)
{
	struct pseudo_super *ps = container_of(s, struct pseudo_super, super);
	struct pseudo_inode *i = mem_zalloc(sizeof(*i));
	uint32_t uid = 0, gid = 0;

	if (!i) {
		process_put(found->obj.proc);
		task_put(found->obj.task);
		return NULL;
	}
	if (ps->owner)
		ps->owner(&found->obj, &uid, &gid);
	inode_init(&i->inode, ops_for(found->entry), s, found->mode ? found->mode : found->entry->mode, uid, gid);
	/* What is in such a directory is found out under the kernel's locks. */
	lock_init(&i->inode.dir_lock, RANK_PSEUDO_DIR, "pseudo dir");
	i->entry = found->entry;
	i->obj = found->obj;
	i->inode.attr.ino = pseudo_ino(found->entry, &found->obj);
	return &i->inode;
}

static void pseudo_destroy(struct inode *inode)
{
	struct pseudo_inode *i = of(inode);

	process_put(i->obj.proc);
	task_put(i->obj.task);
	mem_free(i);
}

/* --- directories ------------------------------------------------------------------------------------------------------ */

static int find(struct pseudo_inode *d, const char *name, struct pseudo_found *out)
{
	const struct pseudo_dir *dir = d->entry->dir;

	for (uint32_t n = 0; n < dir->count; n++) {
		if (strcmp(dir->entries[n].name, name) != 0)
			continue;
		*out = (struct pseudo_found){ .entry = &dir->entries[n], .obj = d->obj };
		if (out->obj.proc)
			process_get(out->obj.proc);
		if (out->obj.task)
			task_get(out->obj.task);
		return 0;
	}
	return dir->lookup ? dir->lookup(&d->obj, name, out) : -ENOENT;
}

static int pseudo_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct pseudo_found found = { 0 };
	int ret = find(of(dir), name, &found);

	if (ret < 0)
		return ret;
	*out = inode_make(dir->super, &found);
	return *out ? 0 : -ENOMEM;
}

static uint8_t dirent_type(uint32_t mode)
{
	return (uint8_t)((mode & LX_S_IFMT) >> 12);
}

static int pseudo_list(struct inode *dir, struct task *t, struct dirlist *l)
{
	struct pseudo_req r = request(dir, t);
	const struct pseudo_dir *d = r.entry->dir;
	int ret = check(&r);

	if (ret == 0 && d->list)
		ret = d->list(&r, l);
	for (uint32_t n = 0; n < d->count && ret == 0; n++) {
		const struct pseudo_entry *e = &d->entries[n];

		ret = dirlist_add(l, e->name, (uint32_t)strlen(e->name), pseudo_ino(e, r.obj), dirent_type(e->mode));
	}
	return ret;
}

static int pseudo_open_dir(struct inode *dir, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct pseudo_req r = request(dir, t);
	int ret = check(&r);

	if (ret == 0)
		ret = dirfile_open(dir, p, flags, t, out);
	if (ret == 0)
		lock_init(&(*out)->pos_lock, RANK_PSEUDO_POS, "pseudo pos");
	return ret;
}

/* Nothing can be made here, and Linux says it so. */
static int pseudo_no_create(struct inode *dir, const char *name, const struct create_how *how, struct task *t, struct inode **out)
{
	(void)dir, (void)name, (void)how, (void)t, (void)out;
	return -ENOENT;
}

/* --- links ------------------------------------------------------------------------------------------------------------- */

static int64_t pseudo_readlink(struct inode *i, struct task *t, char *buf, size_t len)
{
	struct pseudo_req r = request(i, t);
	struct textbuf b = { 0 };
	int64_t ret = check(&r);

	if (ret == 0)
		ret = show(&r, &b);
	if (ret == 0) {
		ret = (int64_t)(b.len < len ? b.len : len);
		memcpy(buf, b.data, (size_t)ret);
	}
	text_free(&b);
	return ret;
}

static int pseudo_follow(struct inode *i, struct task *t, struct path *out)
{
	struct pseudo_req r = request(i, t);
	int ret = check(&r);

	return ret < 0 ? ret : r.entry->follow(&r, out);
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

static int fill(struct file *f, struct task *t)
{
	struct open_text *o = f->priv;
	struct pseudo_req r = request(f->inode, t);
	struct textbuf fresh = { 0 }, old;
	int ret = check(&r);

	if (ret == 0)
		ret = show(&r, &fresh);
	if (ret < 0) {
		text_free(&fresh);
		return ret;
	}
	lock_take(&o->lock);
	old = o->text;
	o->text = fresh;
	o->filled = true;
	lock_drop(&o->lock);
	text_free(&old);
	return 0;
}

static int64_t text_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct open_text *o = f->priv;
	int64_t ret = 0;

	if (*pos == 0 || !o->filled)
		ret = fill(f, t);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&o->lock);
	if (*pos >= (int64_t)o->text.len)
		return 0;
	ret = uio_put(u, o->text.data + *pos, o->text.len - (size_t)*pos);
	if (ret > 0)
		*pos += ret;
	return ret;
}

static int64_t text_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct pseudo_req r = request(f->inode, t);
	char text[STORE_MAX + 1];
	int64_t n, ret = check(&r);
	size_t len;

	if (ret < 0)
		return ret;
	if (!r.entry->store)
		return -EPERM;
	n = uio_get(u, text, u->left < STORE_MAX ? u->left : STORE_MAX);
	if (n < 0)
		return n;
	text[n] = 0;
	len = r.entry->whole ? (size_t)n : strcspn(text, "\n");
	text[len] = 0;
	r.opener = f->cred ? f->cred : t->cred;
	ret = r.entry->store(&r, text, len);
	if (ret < 0)
		return ret;
	*pos += n;
	return n;
}

static int64_t text_seek(struct file *f, int64_t offset, int whence)
{
	return file_seek_plain(f, offset, whence, whence == LX_SEEK_END ? 0 : -1);
}

static void text_release(struct file *f)
{
	struct open_text *o = f->priv;

	text_free(&o->text);
	ns_put(o->watch.keep);
	mem_free(o);
}

/* Always readable; what was not looked at since the last time is an error and urgent, as Linux has it for mounts. */
static uint32_t text_poll(struct file *f, struct poll_table *table)
{
	struct open_text *o = f->priv;
	uint32_t ready = LX_POLLIN | LX_POLLRDNORM;
	uint64_t now;

	if (!o->watch.queue)
		return ready | LX_POLLOUT | LX_POLLWRNORM;
	if (table)
		table->add(table, o->watch.queue, LX_POLLPRI | LX_POLLERR);
	now = atomic_load(o->watch.event);
	return atomic_exchange(&o->watch.seen, now) == now ? ready : ready | LX_POLLERR | LX_POLLPRI;
}

static const struct file_ops text_ops = {
	.read = text_read,
	.write = text_write,
	.seek = text_seek,
	.poll = text_poll,
	.release = text_release,
	.name = "pseudo",
};

static int pseudo_open_file(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct pseudo_req r = request(i, t);
	int ret = check(&r);
	struct open_text *o;

	if (ret < 0)
		return ret;
	if (r.entry->open) {
		ret = r.entry->open(&r, i, p, flags, out);
		if (!ret)
			lock_init(&(*out)->pos_lock, RANK_PSEUDO_POS, "pseudo pos");
		return ret;
	}
	o = mem_zalloc(sizeof(*o));
	if (!o)
		return -ENOMEM;
	lock_init(&o->lock, RANK_PIPE, "pseudo text");
	if (r.entry->watch)
		ret = r.entry->watch(&r, &o->watch);
	if (ret < 0) {
		mem_free(o);
		return ret;
	}
	*out = file_new(&text_ops, i, p, flags, t->cred, o);
	if (!*out) {
		ns_put(o->watch.keep);
		mem_free(o);
		return -ENOMEM;
	}
	lock_init(&(*out)->pos_lock, RANK_PSEUDO_POS, "pseudo pos");
	return 0;
}

/* O_TRUNC is taken for nothing, owners and modes stay. */
static int pseudo_setattr(struct inode *i, const struct setattr *s)
{
	(void)i;
	return s->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

/* --- supers --------------------------------------------------------------------------------------------------------------- */

static int pseudo_statfs(struct super *s, struct lx_statfs *out)
{
	int32_t magic = container_of(s, struct pseudo_super, super)->magic;

	*out = (struct lx_statfs){ .f_type = magic, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	return 0;
}

static void pseudo_super_destroy(struct super *s)
{
	mem_free(container_of(s, struct pseudo_super, super));
}

static const struct super_ops pseudo_super_ops = { .statfs = pseudo_statfs, .destroy = pseudo_super_destroy };

struct super *pseudo_create(const char *fstype, int32_t magic, const struct pseudo_entry *root,
			    void (*owner)(const struct pseudo_obj *, uint32_t *uid, uint32_t *gid))
{
	struct pseudo_super *s = mem_zalloc(sizeof(*s));
	struct pseudo_found found = { .entry = root };

	if (!s)
		return NULL;
	super_init(&s->super, &pseudo_super_ops, fstype);
	s->super.nodentries = true;
	s->magic = magic;
	s->owner = owner;
	s->super.root = inode_make(&s->super, &found);
	if (!s->super.root) {
		mem_free(s);
		return NULL;
	}
	s->super.root->attr.ino = 1;
	return &s->super;
}

static const struct inode_ops pseudo_dir_ops = {
	.lookup = pseudo_lookup,
	.create = pseudo_no_create,
	.list = pseudo_list,
	.setattr = pseudo_setattr,
	.open = pseudo_open_dir,
	.destroy = pseudo_destroy,
};
static const struct inode_ops pseudo_file_ops = {
	.setattr = pseudo_setattr,
	.open = pseudo_open_file,
	.destroy = pseudo_destroy,
};
static const struct inode_ops pseudo_link_ops = {
	.readlink = pseudo_readlink,
	.setattr = pseudo_setattr,
	.destroy = pseudo_destroy,
};
static const struct inode_ops pseudo_magic_ops = {
	.readlink = pseudo_readlink,
	.follow = pseudo_follow,
	.setattr = pseudo_setattr,
	.destroy = pseudo_destroy,
};
