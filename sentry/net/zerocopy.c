/* MSG_ZEROCOPY: see zerocopy.h. */
#include "sentry/net/zerocopy.h"

#include "abi/inet.h"
#include "abi/poll.h"
#include "sentry/net/socket.h"

#define EE_ORIGIN_ZEROCOPY 5
#define EE_CODE_COPIED 1

void zerocopy_sent(struct socket *s, uint32_t flags)
{
	if (!(flags & LX_MSG_ZEROCOPY) || !s->opt.kept[SOCK_KEPT_ZEROCOPY])
		return;
	lock_take(&s->lock);
	s->zerocopy.sent++;
	lock_drop(&s->lock);
	waitq_wake(&s->queue, LX_POLLERR);
}

bool zerocopy_waits(const struct socket *s)
{
	return s->zerocopy.sent != s->zerocopy.told;
}

bool zerocopy_tell(struct socket *s, struct sock_msg *m)
{
	bool v4 = s->domain == LX_AF_INET;
	struct {
		struct lx_sock_extended_err ee;
		uint8_t offender[sizeof(struct lx_sockaddr_in6)]; /* nobody */
	} told = { .ee = { .ee_origin = EE_ORIGIN_ZEROCOPY, .ee_code = EE_CODE_COPIED } };
	uint32_t size = sizeof(told.ee) + (uint32_t)(v4 ? sizeof(struct lx_sockaddr_in) : sizeof(told.offender));

	lock_take(&s->lock);
	told.ee.ee_info = s->zerocopy.told;
	told.ee.ee_data = s->zerocopy.sent - 1;
	s->zerocopy.told = s->zerocopy.sent;
	lock_drop(&s->lock);
	if (told.ee.ee_data + 1 == told.ee.ee_info)
		return false;
	scm_extra_add(&m->scm, v4 ? LX_SOL_IP : LX_SOL_IPV6, v4 ? LX_IP_RECVERR : LX_IPV6_RECVERR, &told, size);
	m->out_flags |= LX_MSG_ERRQUEUE;
	m->whole = true;
	return true;
}
