/* Connections of unix sockets: connect, listen, accept, pair. See unix.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/poll.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/kernel/task.h"
#include "sentry/net/unix.h"

/* --- listening --------------------------------------------------------------------------------------------------------- */

int unix_listen(struct socket *s, struct task *t, uint32_t backlog)
{
	struct unix_sock *u = unix_of(s);
	bool more;

	if (!atomic_load(&u->name))
		return -EINVAL;
	lock_take(&s->lock);
	if (atomic_load(&u->state) == UNIX_CONNECTED) {
		lock_drop(&s->lock);
		return -EINVAL;
	}
	more = backlog > u->backlog;
	u->backlog = backlog;
	u->peer_cred = scm_peer_cred(t);
	atomic_store(&u->state, UNIX_LISTENING);
	lock_drop(&s->lock);
	if (more)
		waitq_wake(&s->space, SOCK_WRITABLE);
	return 0;
}

int unix_accept(struct socket *s, struct socket **out)
{
	struct unix_sock *u = unix_of(s), *embryo;

	lock_take(&s->lock);
	if (atomic_load(&u->state) != UNIX_LISTENING || list_empty(&u->pending)) {
		int ret = atomic_load(&u->state) != UNIX_LISTENING || atomic_load(&s->shut) & SOCK_SHUT_RD ? -EINVAL : -EAGAIN;

		lock_drop(&s->lock);
		return ret;
	}
	embryo = list_first(&u->pending, struct unix_sock, accept_link);
	list_remove(&embryo->accept_link);
	u->pending_count--;
	lock_drop(&s->lock);
	unix_rights_accepted(embryo);
	waitq_wake(&s->space, SOCK_WRITABLE);
	*out = &embryo->s;
	return 0;
}

/* --- connecting --------------------------------------------------------------------------------------------------------- */

/* Can the connection be made now? Both locks held. -ECONNREFUSED, -EISCONN, -EINVAL, or -EAGAIN when the backlog is full. */
static int may_connect(const struct unix_sock *u, const struct unix_sock *server)
{
	if (atomic_load(&server->state) != UNIX_LISTENING || atomic_load(&server->s.shut) & SOCK_SHUT_RD)
		return -ECONNREFUSED;
	if (server->pending_count > server->backlog)
		return -EAGAIN;
	switch (atomic_load(&u->state)) {
	case UNIX_CONNECTED:
		return -EISCONN;
	case UNIX_LISTENING:
		return -EINVAL;
	default:
		return 0;
	}
}

/* Both locks held: from here on both ends are there, and the listener has one more to accept. */
static void establish(struct unix_sock *u, struct unix_sock *server, struct unix_sock *embryo, struct task *t)
{
	embryo->listener = server;
	embryo->peer_cred = scm_peer_cred(t);
	embryo->s.opt.on = server->s.opt.on & (1ull << LX_SO_PASSCRED);
	u->peer_cred = server->peer_cred;
	atomic_store(&embryo->peer, unix_get(u));
	atomic_store(&embryo->state, UNIX_CONNECTED);
	atomic_store(&u->peer, unix_get(embryo));
	atomic_store(&u->state, UNIX_CONNECTED);
	list_push_back(&server->pending, &embryo->accept_link);
	server->pending_count++;
}

/* One try. -EAGAIN leaves the task registered for room in the backlog when it may block. */
static int64_t try_connect(struct unix_sock *u, struct task *t, struct unix_sock *server, struct unix_sock *embryo, bool nonblock)
{
	int64_t ret = unix_copy_name(embryo, server);

	if (ret < 0)
		return ret;
	lock_two(&u->s.lock, &server->s.lock);
	ret = may_connect(u, server);
	if (ret == 0)
		establish(u, server, embryo, t);
	/* Registered under the lock: room that comes later wakes. */
	if (ret == -EAGAIN && !nonblock)
		ret = task_wait_on(t, &server->s.space, SOCK_CHANGED) < 0 ? -ENOMEM : -EAGAIN;
	unlock_two(&u->s.lock, &server->s.lock);
	return ret;
}

int64_t unix_connect_stream(struct socket *s, struct task *t, const struct sock_addr *a, bool nonblock)
{
	struct unix_sock *u = unix_of(s), *server = NULL, *embryo;
	struct sock_call *call;
	int64_t ret = unix_check_addr(a);

	if (ret == 0 && socket_opt(s, LX_SO_PASSCRED))
		ret = unix_autobind(u);
	if (ret == 0)
		ret = unix_find(t, a, s->type, &server);
	if (ret < 0)
		return ret;
	assert_that(server != NULL);
	/* The call keeps what it may wait for, before it waits. */
	call = sock_call(t, s->file);
	embryo = call ? unix_new(s->type) : NULL;
	if (!embryo) {
		unix_put(server);
		return -ENOMEM;
	}
	socket_put(call->hold);
	call->hold = &server->s;
	ret = try_connect(u, t, server, embryo, nonblock);
	if (ret < 0) {
		unix_put(embryo);
		return ret == -EAGAIN && !nonblock ? sock_block(t, s->opt.snd_timeout) : ret;
	}
	waitq_wake(&server->s.queue, SOCK_READABLE);
	waitq_wake(&s->queue, SOCK_CHANGED);
	return 0;
}

int unix_pair(struct socket *a, struct socket *b, struct task *t)
{
	struct unix_sock *ua = unix_of(a), *ub = unix_of(b);

	ua->peer_cred = ub->peer_cred = scm_peer_cred(t);
	atomic_store(&ua->peer, unix_get(ub));
	atomic_store(&ub->peer, unix_get(ua));
	if (!unix_has_connections(ua)) {
		list_push_back(&ub->clients, &ua->client_link);
		list_push_back(&ua->clients, &ub->client_link);
	}
	atomic_store(&ua->state, UNIX_CONNECTED);
	atomic_store(&ub->state, UNIX_CONNECTED);
	return 0;
}

/* --- datagrams ------------------------------------------------------------------------------------------------------------ */

void unix_disconnect(struct unix_sock *u, struct unix_sock *peer)
{
	bool was;

	lock_two(&u->s.lock, &peer->s.lock);
	was = atomic_load(&u->peer) == peer;
	if (was) {
		atomic_store(&u->peer, NULL);
		if (atomic_load(&u->state) == UNIX_CONNECTED)
			atomic_store(&u->state, UNIX_CLOSED);
		list_remove(&u->client_link);
	}
	unlock_two(&u->s.lock, &peer->s.lock);
	if (was) {
		waitq_wake(&u->s.queue, SOCK_WRITABLE);
		unix_put(peer);
	}
}

/* A datagram socket that is connected elsewhere takes messages from there only. */
static bool accepts_from(const struct unix_sock *peer, const struct unix_sock *u)
{
	const struct unix_sock *theirs = atomic_load(&peer->peer);

	return !theirs || theirs == u;
}

static int set_peer(struct unix_sock *u, struct unix_sock *peer)
{
	int ret = 0;

	lock_two(&u->s.lock, &peer->s.lock);
	if (peer->dead)
		ret = -ECONNREFUSED;
	else if (!accepts_from(peer, u))
		ret = -EPERM;
	else if (atomic_load(&u->peer))
		ret = -EALREADY; /* another thread was first; the caller disconnects and tries again */
	if (ret == 0) {
		atomic_store(&u->peer, unix_get(peer));
		atomic_store(&u->state, UNIX_CONNECTED);
		list_push_back(&peer->clients, &u->client_link);
	}
	unlock_two(&u->s.lock, &peer->s.lock);
	return ret;
}

static void drop_peer(struct unix_sock *u)
{
	struct unix_sock *old = unix_peer(u);

	if (!old)
		return;
	unix_disconnect(u, old);
	unix_put(old);
}

int64_t unix_connect_dgram(struct socket *s, struct task *t, const struct sock_addr *a, bool nonblock)
{
	struct unix_sock *u = unix_of(s), *peer = NULL;
	int ret;

	(void)nonblock;
	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == LX_AF_UNSPEC) {
		drop_peer(u);
		return 0;
	}
	ret = unix_check_addr(a);
	if (ret == 0 && socket_opt(s, LX_SO_PASSCRED))
		ret = unix_autobind(u);
	if (ret == 0)
		ret = unix_find(t, a, s->type, &peer);
	if (ret < 0)
		return ret;
	assert_that(peer != NULL);
	if (!accepts_from(peer, u)) { /* refused before the old peer is let go */
		unix_put(peer);
		return -EPERM;
	}
	do {
		drop_peer(u);
		ret = set_peer(u, peer);
	} while (ret == -EALREADY);
	unix_put(peer);
	return ret;
}
