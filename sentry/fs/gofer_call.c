/* The exchange with the gofer. It is trusted with files, not with the sentry's memory: every reply is judged. */
#include "sentry/fs/gofer_call.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/host.h"
#include "base/log.h"

static void stuck(struct gofer_exchange *x)
{
	if (!x->stuck && x->client->stuck_begin)
		x->client->stuck_begin();
	x->stuck = true;
}

static struct gofer_lane *take_channel(struct gofer_exchange *x)
{
	struct gofer_client *c = x->client;
	int cpu = sched_getcpu();
	int first = cpu >= 0 && cpu < GOFER_CPUS_MAX ? c->channel_of[cpu] : 0;

	for (int i = 0; i < c->channels; i++) {
		struct gofer_lane *ch = c->channel[(first + i) % c->channels];

		if (lock_try(&ch->lock))
			return ch;
	}
	stuck(x);
	lock_take(&c->channel[first]->lock);
	return c->channel[first];
}

void gofer_call_begin(struct gofer_exchange *x, struct gofer_client *c, enum gofer_op op)
{
	*x = (struct gofer_exchange){ .client = c, .fd = -1 };
	x->ch = take_channel(x);
	x->req = (struct gofer_request *)x->ch->out;
	*x->req = (struct gofer_request){ .op = (uint16_t)op, .seq = ++x->ch->seq };
	x->len = sizeof(*x->req);
}

static int put_bytes(struct gofer_exchange *x, const void *p, size_t n)
{
	if (n > sizeof(x->ch->out) - x->len)
		return -E2BIG;
	if (n)
		memcpy(x->ch->out + x->len, p, n);
	x->len += n;
	return 0;
}

bool gofer_name_valid(const char *s, size_t len)
{
	if (len == 0 || len > GOFER_NAME_MAX || memchr(s, '/', len) || memchr(s, 0, len))
		return false;
	return !(s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')));
}

int gofer_put_name(struct gofer_exchange *x, struct gofer_name name)
{
	int err;

	if (name.len > GOFER_NAME_MAX)
		return -ENAMETOOLONG;
	if (!gofer_name_valid(name.s, name.len))
		return -EINVAL;
	err = put_bytes(x, &name.len, sizeof(name.len));
	if (!err)
		err = put_bytes(x, name.s, name.len);
	x->req->name_count++;
	return err;
}

int gofer_put_data(struct gofer_exchange *x, const void *p, size_t n)
{
	x->req->data_len = (uint32_t)n;
	return put_bytes(x, p, n);
}

/* The gofer is gone, or not to be believed any more: no channel is used again. */
int gofer_give_up(struct gofer_exchange *x, const char *why)
{
	if (x->ch->fd >= 0)
		log_error("the gofer %s", why);
	host_close(&x->ch->fd);
	return -EIO;
}

/*
 * Waits for the reply and takes it. The socket has a receive time-out of about a timer tick (gofer_client_new): the
 * scheduler's coarse timers cost nothing measurable, ppoll(2) with a fine one doubled the price of a call on a virtual
 * machine.
 */
static int64_t wait_for_reply(struct gofer_exchange *x, struct msghdr *msg)
{
	struct pollfd pfd = { .fd = x->ch->fd, .events = POLLIN };
	int64_t n = HOST_RETRY(recvmsg(x->ch->fd, msg, MSG_CMSG_CLOEXEC));

	while (n == -EAGAIN) {
		stuck(x);
		HOST_RETRY(poll(&pfd, 1, -1));
		n = HOST_RETRY(recvmsg(x->ch->fd, msg, MSG_CMSG_CLOEXEC));
	}
	return n;
}

static int take_fd(const struct msghdr *msg)
{
	struct cmsghdr *c = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* NULL, or what is wrong with a reply of len bytes. */
static const char *check_reply(struct gofer_exchange *x, size_t len, bool cut)
{
	const struct gofer_reply *r = (const struct gofer_reply *)x->ch->in;
	size_t entries;

	if (cut || len < sizeof(*r) || r->len != len)
		return "sent a reply of a wrong size";
	if (r->op != x->req->op || r->seq != x->req->seq)
		return "answered what was not asked";
	if (r->error > 0 || r->error < -4095 || r->has_fd != (uint32_t)(x->fd >= 0))
		return "sent an impossible reply";
	entries = r->op == GOFER_READDIR ? 0 : r->count * sizeof(struct gofer_entry);
	if (sizeof(*r) + entries + r->data_len != len)
		return "sent a reply whose parts do not add up";
	x->reply = r;
	x->entry = (const struct gofer_entry *)(r + 1);
	x->data = x->ch->in + sizeof(*r) + entries;
	return NULL;
}

static int receive(struct gofer_exchange *x)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = x->ch->in, .iov_len = sizeof(x->ch->in) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = CMSG_LEN(sizeof(int))
	};
	const char *wrong;
	int64_t n;

	n = wait_for_reply(x, &msg);
	if (n <= 0)
		return gofer_give_up(x, "has gone");
	x->fd = take_fd(&msg);
	wrong = check_reply(x, (size_t)n, msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	return wrong ? gofer_give_up(x, wrong) : 0;
}

/*
 * Sends what has been put together and takes the reply; `err` is what putting it together came to. 0: x->reply stands.
 */
int gofer_exchange(struct gofer_exchange *x, int err)
{
	int64_t n;

	if (err)
		return err;
	if (x->ch->fd < 0)
		return -EIO;
	x->req->len = (uint32_t)x->len;
	n = HOST_RETRY(send(x->ch->fd, x->ch->out, x->len, MSG_NOSIGNAL));
	if (n < 0)
		return gofer_give_up(x, "has gone");
	return receive(x);
}

/* As gofer_exchange(), for calls that fail as a whole: the reply's error is the call's. */
int gofer_exchange_ok(struct gofer_exchange *x, int err)
{
	err = gofer_exchange(x, err);
	return err ? err : x->reply->error;
}

/* Ends the call. What came with the reply and was not taken (x->fd) is closed. */
void gofer_call_end(struct gofer_exchange *x)
{
	struct gofer_client *c = x->client;
	bool dead = x->ch->fd < 0;

	lock_drop(&x->ch->lock);
	host_close(&x->fd);
	if (x->stuck && c->stuck_end)
		c->stuck_end();
	if (dead && c->lost && !atomic_exchange(&c->is_lost, true))
		c->lost(c->lost_arg);
}
