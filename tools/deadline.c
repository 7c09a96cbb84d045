/* Time limits: see deadline.h. */
#include "tools/deadline.h"

#include <signal.h>

#include "base/host.h"
#include "tools/sandbox.h"

void deadline_set(struct deadline *d, uint64_t timeout_ns)
{
	d->asked = false;
	d->at = timeout_ns ? host_monotonic_ns() + (int64_t)timeout_ns : 0;
}

int deadline_wait_ms(const struct deadline *d)
{
	if (!d->at)
		return -1;
	int64_t left = d->at - host_monotonic_ns();
	if (left <= 0)
		return 0;
	int64_t ms = (left + 999999) / 1000000;
	return ms > 3600000 ? 3600000 : (int)ms;
}

bool deadline_check(struct deadline *d, struct sandbox *s)
{
	if (!d->at || host_monotonic_ns() < d->at)
		return false;
	sandbox_timed_out(s);
	if (d->asked)
		return true;
	d->asked = true;
	d->at = host_monotonic_ns() + DEADLINE_GRACE_NS;
	sandbox_ask_stats(s); /* for the record: a sandbox that is killed does not say what it used */
	sandbox_signal(s, -1, SIGTERM);
	sandbox_signal(s, -1, SIGCONT); /* a stopped process sees SIGTERM only when it goes on, as timeout(1) does */
	return false;
}
