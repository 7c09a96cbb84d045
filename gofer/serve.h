/*
 * Inside the gofer: the server, one call on it, and the table of operations.
 *
 * A call goes decode (serve.c; everything about its shape is checked against its row) -> handles looked up and the
 * root's rules applied (serve.c) -> the row's function (op_*.c) -> reply. Each channel's thread has one struct call,
 * reused; nothing is allocated in it.
 */
#ifndef GOFER_SERVE_H
#define GOFER_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gofer/handles.h"
#include "gofer/roots.h"
#include "gofer/wire.h"

struct server {
	/* Immutable once threads run. */
	struct root root[GOFER_ROOTS_MAX];
	int roots;
	int proc_fd; /* /proc/self/fd, O_PATH: the way from an O_PATH handle to an fd with access, without a name */
	/* Has a lock of its own. */
	struct handles handles;
};

struct call {
	struct server *server;
	const struct gofer_request *req;
	const char *name[GOFER_WALK_MAX]; /* NUL-terminated, checked */
	int names;
	const uint8_t *data;              /* req->data_len bytes */
	struct handle *h, *h2;            /* req->handle and handle2 where the row has them */
	/* The reply as it grows. */
	struct gofer_reply *reply;
	size_t reply_len;
	int fd;                           /* to be donated; -1 */
	_Alignas(16) uint8_t in[GOFER_REQUEST_MAX];
	_Alignas(16) uint8_t out[GOFER_REPLY_MAX];
};

/* Which fields of a request an op has; all others must be zero. */
enum {
	HAS_HANDLE = 1 << 0,
	HAS_HANDLE2 = 1 << 1,
	HAS_VALUE = 1 << 2,
	HAS_MODE = 1 << 3,
	HAS_OWNER = 1 << 4,
	HAS_TIMES = 1 << 5,
	HAS_DATA = 1 << 6,
};

struct op_row {
	const char *name;
	int (*run)(struct call *); /* 0 or a negative errno for the reply */
	uint32_t has;
	uint32_t flags;            /* those that it knows */
	uint32_t data_max;
	uint8_t names_min, names_max;
	bool writes;               /* -EROFS on a read-only root */
};
extern const struct op_row op_rows[GOFER_OP_COUNT];

/* Serves one channel until it ends or says something malformed (logged). Closes fd. */
void serve_channel(struct server *, int fd, struct call *scratch);

/* Room for one more entry or n bytes of data; zeroed; NULL when the reply is full. Entries come before data. */
struct gofer_entry *reply_entry(struct call *);
void *reply_data(struct call *, size_t n);
size_t reply_room(const struct call *);

int op_attach(struct call *);
int op_walk(struct call *);
int op_open(struct call *);
int op_walk_open(struct call *);
int op_readdir(struct call *);
int op_readlink(struct call *);
int op_stat(struct call *);
int op_setattr(struct call *);
int op_create(struct call *);
int op_mkdir(struct call *);
int op_symlink(struct call *);
int op_mknod(struct call *);
int op_link(struct call *);
int op_unlink(struct call *);
int op_rmdir(struct call *);
int op_rename(struct call *);
int op_statfs(struct call *);
int op_getxattr(struct call *);
int op_setxattr(struct call *);
int op_listxattr(struct call *);
int op_removexattr(struct call *);
int op_fsync(struct call *);
int op_close(struct call *);

#endif
