/*
 * Locks with ranks. A thread may only take a lock whose rank is greater than that of every lock it holds; debug
 * builds (PICKET_DEBUG, on in `make asan` and the unit tests) abort on a violation and name both locks.
 * Two locks of one rank may be held together only when taken by lock_two(), which orders them by address.
 *
 * An uncontended lock is one atomic operation; a contended one waits on a futex.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The order of locks in the whole project: outermost first. A new lock gets its place here, with a word on what it protects. */
enum lock_rank {
	RANK_NONE = 0,
	RANK_SANDBOX,      /* tools: one sandbox's record */
	RANK_PSEUDO_DIR,   /* inode of proc and sys: directory contents; finding them out takes the kernel's locks */
	RANK_PSEUDO_POS,   /* open file of proc and sys: position, for the same reason */
	RANK_USER_NS,      /* user namespaces: the writing of maps */
	RANK_KERNEL,       /* kernel: pid tables, sessions, process groups, the process tree */
	RANK_PROCESS,      /* process: threads, children, exit and stop state */
	RANK_EXEC,         /* process: one exec at a time */
	RANK_FS_CTX,       /* fsctx: cwd, root, umask */
	RANK_RENAME,       /* one rename of a directory into another at a time, so that none becomes its own ancestor */
	RANK_INODE_DIR,    /* inode: directory contents (create, unlink, rename); parent before child */
	RANK_FILE_POS,     /* file: position */
	RANK_COPY_UP,      /* overlay inode: being copied into memory */
	RANK_INODE,        /* inode: attributes and data */
	RANK_MOUNTS,       /* the trees of mounts, and propagation between them */
	RANK_DENTRY,       /* dentry: children */
	RANK_DCACHE,       /* dentry hash and LRU */
	RANK_LANDLOCK,     /* landlock ruleset: its rules; lets dentries go */
	RANK_LOWER,        /* goferfs inode: handle, listing, host fds */
	RANK_LOWER_TABLE,  /* goferfs: inodes by host identity */
	RANK_MM,           /* mm: the vma tree */
	RANK_EPOLL_ITEMS,  /* which epolls watch a file */
	RANK_EPOLL,        /* epoll: interest list; of nested epolls the outer first: four ranks more */
	RANK_EPOLL_LAST = RANK_EPOLL + 4,
	RANK_SOCKET_NAMES, /* names of unix sockets, which of them travel in messages; a network namespace's ports; inotify and SysV objects by number */
	RANK_SOCKET,       /* socket: state and queues; peer by lock_two */
	RANK_SOCKET_DATA,  /* TCP: one reader, one writer a direction; guest memory is copied under it */
	RANK_CONNECTION,   /* TCP: what both ends of a connection share */
	RANK_PIPE,         /* pipe, eventfd, tty and other byte queues */
	RANK_FDTABLE,      /* fdtable */
	RANK_FILE_LOCK_LIST, /* every file that has or had locks */
	RANK_FILE_LOCKS,   /* POSIX, OFD and flock locks */
	RANK_FUTEX_PI,     /* priority-inheriting futexes: who waits for whom */
	RANK_KEYS,         /* keys and keyrings, all of them */
	RANK_FUTEX,        /* futex bucket; two by lock_two */
	RANK_WAITQ,        /* waitq: its waiters */
	RANK_EPOLL_QUEUE,  /* epoll: its own waitq, woken from others; of nested epolls the inner first: four ranks more */
	RANK_EPOLL_QUEUE_LAST = RANK_EPOLL_QUEUE + 4,
	RANK_EPOLL_READY,  /* epoll: ready list, taken from wake callbacks */
	RANK_SIGNAL,       /* process: actions, pending signals, masks */
	RANK_TIMER_SET,    /* process: interval and POSIX timers; taken under sig_lock when an expiry is delivered */
	RANK_TIMER,        /* kernel: the timer heap */
	RANK_SCHED,        /* task: run state; ready lists */
	RANK_IO,           /* ring submission, thread-pool queue */
	RANK_GOFER,        /* gofer channel */
	RANK_TRACEE,       /* task: which tracee it is */
	RANK_PLATFORM,     /* platform: lanes, tracees */
	RANK_FILEMAP,      /* sentry: mappings of files, made and ended under it */
	RANK_LOG,          /* log: one line at a time; innermost */
	RANK_COUNT
};

struct lock {
	uint32_t word;     /* 0 free, 1 held, 2 held and somebody waits */
	uint16_t rank;
	const char *name;  /* static string, for the abort message */
#ifdef PICKET_DEBUG
	int owner;         /* host tid of the holder, 0 when free */
#endif
};

#define LOCK_INIT(r, n) { .word = 0, .rank = (r), .name = (n) }

void lock_init(struct lock *l, enum lock_rank rank, const char *name);
void lock_take(struct lock *l);
bool lock_try(struct lock *l);
void lock_drop(struct lock *l);
/* Takes two locks of one rank in address order; a == b takes one. */
void lock_two(struct lock *a, struct lock *b);
void unlock_two(struct lock *a, struct lock *b);

/* Every "must hold" is also an assert. Free in release builds. */
#ifdef PICKET_DEBUG
void lock_assert_held(const struct lock *l);
#else
static inline void lock_assert_held(const struct lock *l)
{
	(void)l;
}
#endif

static inline void lock_guard_end(struct lock **l)
{
	if (*l)
		lock_drop(*l);
}
/* Holds the lock until the end of the enclosing block. */
#define LOCK_GUARD_CAT2(a, b) a##b
#define LOCK_GUARD_CAT(a, b) LOCK_GUARD_CAT2(a, b)
#define LOCK_GUARD(l)                                                                                        \
	__attribute__((cleanup(lock_guard_end), unused)) struct lock *LOCK_GUARD_CAT(guard_, __LINE__) = (l); \
	lock_take(LOCK_GUARD_CAT(guard_, __LINE__))

#endif
