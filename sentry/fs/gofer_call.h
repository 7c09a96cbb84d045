/*
 * One exchange with the gofer: taking a channel, putting a request together, sending it, judging the reply. What the
 * typed calls of gofer_client.c are made of; nobody else uses it.
 *
 *      gofer_call_begin (channel locked) ─▶ gofer_put_* and x.req's fields ─▶ gofer_exchange ─▶ x.reply, x.entry, x.data, x.fd
 *                                                                                        └▶ gofer_call_end (channel free)
 */
#ifndef SENTRY_FS_GOFER_CALL_H
#define SENTRY_FS_GOFER_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "sentry/fs/gofer_client.h"

#define GOFER_LANES_MAX 128
#define GOFER_CPUS_MAX 1024
#define GOFER_CLOSE_BATCH 64

struct gofer_lane {
	struct lock lock;
	/* Protected by lock. */
	int fd; /* -1: the channel has ended */
	uint32_t seq;
	_Alignas(16) uint8_t out[GOFER_REQUEST_MAX];
	_Alignas(16) uint8_t in[GOFER_REPLY_MAX];
};

struct gofer_client {
	/* Immutable. */
	struct gofer_lane *channel[GOFER_LANES_MAX];
	int channels;
	uint8_t channel_of[GOFER_CPUS_MAX];
	void (*stuck_begin)(void);
	void (*stuck_end)(void);
	void (*lost)(void *arg);
	void *lost_arg;
	/* Set once. */
	atomic_bool is_lost;
	/* Handles to give back; protected by close_lock, which is dropped before a channel is taken. */
	struct lock close_lock;
	uint32_t closing[GOFER_CLOSE_BATCH];
	uint32_t closing_count;
};

/*
 * A call under way: the channel is locked from gofer_call_begin() to gofer_call_end(), and the reply lies in its
 * buffer.
 */
struct gofer_exchange {
	struct gofer_client *client;
	struct gofer_lane *ch;
	struct gofer_request *req;
	size_t len;
	bool stuck;
	int fd;                          /* what came with the reply, or -1 */
	/* Of a reply that has been checked. */
	const struct gofer_reply *reply;
	const struct gofer_entry *entry; /* reply->count of them, except READDIR's */
	const uint8_t *data;
};

void gofer_call_begin(struct gofer_exchange *, struct gofer_client *, enum gofer_op);
/* Ends the call. What came with the reply and was not taken (x->fd) is closed. */
void gofer_call_end(struct gofer_exchange *);

/* What may be on the wire as a name, in either direction. */
bool gofer_name_valid(const char *s, size_t len);
/* 0, -ENAMETOOLONG, -EINVAL (the gofer would end the channel) or -E2BIG. */
int gofer_put_name(struct gofer_exchange *, struct gofer_name);
int gofer_put_data(struct gofer_exchange *, const void *, size_t);

/*
 * Sends what has been put together and takes the reply; `err` is what putting it together came to, and is returned if
 * it is an error. 0: x->reply stands, whatever its error field says.
 */
int gofer_exchange(struct gofer_exchange *, int err);
/* The same for calls that fail as a whole: the reply's error is the call's. */
int gofer_exchange_ok(struct gofer_exchange *, int err);
/* The gofer has lied: the channel is not used again. -EIO. */
int gofer_give_up(struct gofer_exchange *, const char *why);

#endif
