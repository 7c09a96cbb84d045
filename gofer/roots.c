/* Preparing the roots, while the gofer still has the authority for it. */
#include "gofer/roots.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "gofer/index_file.h"

#ifndef MOUNT_ATTR_RDONLY
#error "linux/mount.h is older than mount_setattr(2)"
#endif

/* What <linux/magic.h> lacks. */
#define MAGIC_MQUEUE	 0x19800202
#define MAGIC_CONFIGFS	 0x62656570
#define MAGIC_FUSECTL	 0x65735543
#define MAGIC_RPC_PIPEFS 0x67596969
#define MAGIC_NFSD	 0x6e667364

/* Opening some of these files reaches into processes of the same user (/proc/PID/mem) or reconfigures the machine. */
static const uint32_t hidden_fs[] = {
	PROC_SUPER_MAGIC, SYSFS_MAGIC,	  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC,
	DEBUGFS_MAGIC,	  TRACEFS_MAGIC,  SECURITYFS_MAGIC,   BPF_FS_MAGIC,	   SELINUX_MAGIC,
	SMACK_MAGIC,	  EFIVARFS_MAGIC, PSTOREFS_MAGIC,     BINFMTFS_MAGIC,	   NSFS_MAGIC,
	MAGIC_MQUEUE,	  MAGIC_CONFIGFS, MAGIC_FUSECTL,      MAGIC_RPC_PIPEFS,	   MAGIC_NFSD,
};

bool roots_fs_hidden(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(hidden_fs); i++) {
		if ((uint32_t)fs.f_type == hidden_fs[i])
			return true;
	}
	return false;
}

static uint64_t mount_flags(uint32_t flags)
{
	return (flags & GOFER_ROOT_READONLY ? MOUNT_ATTR_RDONLY : 0) |
	       (flags & GOFER_ROOT_NOEXEC ? MOUNT_ATTR_NOEXEC : 0) |
	       (flags & GOFER_ROOT_NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & GOFER_ROOT_NODEV ? MOUNT_ATTR_NODEV : 0);
}

/*
 * A detached copy of the mount with the root's flags: the host then refuses what we refuse, and `..` ends there. Fails
 * with EPERM without CAP_SYS_ADMIN, with EINVAL for an fd of another mount namespace.
 */
static int clone_mount(int fd, uint32_t flags)
{
	struct mount_attr attr = { .attr_set = mount_flags(flags) };
	int64_t tree, r;
	int tree_fd;

	tree = host_ret(
		syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE));
	if (tree < 0)
		return (int)tree;
	r = host_ret(syscall(SYS_mount_setattr, (int)tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)));
	if (r == 0)
		return (int)tree;
	tree_fd = (int)tree;
	host_close(&tree_fd);
	return (int)r;
}

static void harden(struct gofer_root *conf, struct root *r, bool no_clone)
{
	int tree;

	if (no_clone || !mount_flags(r->flags))
		return;
	tree = clone_mount(conf->fd, r->flags);
	if (tree < 0) {
		log_debug("root %s: no mount of its own (%s): its rules are the gofer's alone", r->name,
			  strerror(-tree));
		return;
	}
	host_close(&conf->fd);
	conf->fd = tree;
	if (r->flags & GOFER_ROOT_NOEXEC)
		r->flags |= GOFER_ROOT_HOST_NOEXEC;
}

static int open_by_path(struct gofer_root *conf)
{
	if (conf->fd >= 0)
		return 0;
	conf->fd = (int)HOST_RETRY(open(conf->path, O_PATH | O_CLOEXEC));
	return conf->fd < 0 ? conf->fd : 0;
}

static int prepare(struct gofer_root *conf, struct root *r, bool no_clone)
{
	struct stat st;
	int err = open_by_path(conf);

	if (err)
		return err;
	*r = (struct root){ .name = conf->name, .flags = conf->flags, .index = -1 };
	if (conf->path && conf->flags & GOFER_ROOT_IMMUTABLE)
		r->index = conf->index = sealed_index_open(conf->path);
	harden(conf, r, no_clone);
	if (fstat(conf->fd, &st) < 0)
		return -errno;
	if (roots_fs_hidden(conf->fd))
		return -EPERM;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return -ENOTSUP;
	r->fd = conf->fd;
	r->type = st.st_mode & S_IFMT;
	r->dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
	return 0;
}

int roots_prepare(struct gofer_config *cfg, struct root out[GOFER_ROOTS_MAX])
{
	for (int i = 0; i < cfg->roots; i++) {
		int err = prepare(&cfg->root[i], &out[i], cfg->no_clone);

		if (err == 0)
			continue;
		log_error("root %s%s%s cannot be served: %s", cfg->root[i].name, cfg->root[i].path ? ", " : "",
			  cfg->root[i].path ? cfg->root[i].path : "",
			  err == -EPERM	    ? "it is on a filesystem of the kernel's own (proc, sysfs...)"
			  : err == -ENOTSUP ? "it is neither a directory nor a regular file"
					    : strerror(-err));
		return err;
	}
	return 0;
}
