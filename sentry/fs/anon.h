/*
 * Files without a name: eventfd, epoll, timerfd, signalfd, pidfd share one inode, as in Linux's anon_inodefs; pipes, sockets and memfds
 * have one each.
 */
#ifndef SENTRY_FS_ANON_H
#define SENTRY_FS_ANON_H

#include <stdint.h>

struct file;
struct file_ops;
struct inode;
struct inode_ops;
struct mount;
struct task;

/* The shared inode (mode 0600, no type); referenced. Never fails. */
struct inode *anon_inode(void);
/* An inode of its own, owned by the task's fs ids: mode's type bits say what (LX_S_IFIFO, LX_S_IFSOCK). NULL when memory is out. */
struct inode *anon_inode_new(struct task *, uint32_t mode);
/* A file on the shared inode. flags: LX_O_* (access mode, O_NONBLOCK; O_CLOEXEC is the fd's). On failure priv stays the caller's. 0 or -ENOMEM. */
int anon_file(struct task *, const struct file_ops *, void *priv, uint32_t flags, struct file **out);
/* The same on an inode (borrowed: the file takes its own reference). */
int anon_file_on(struct task *, struct inode *, const struct file_ops *, void *priv, uint32_t flags, struct file **out);
/* The pseudo mount that nameless dentries belong to: no flags, "anon". Borrowed, never goes. */
struct mount *anon_mount(void);

#endif
