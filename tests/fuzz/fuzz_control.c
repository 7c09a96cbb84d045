/* Control messages: any packet is a message, or refused with one sentence; no fd stays open. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sentry/boot/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_msg msg;
	char why[200] = "";
	int pair[2], err;

	if (size == 0 || size > 60000 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	if (send(pair[0], data, size, MSG_DONTWAIT) != (ssize_t)size)
		abort();
	err = control_recv(pair[1], MSG_DONTWAIT, &msg, why, sizeof(why));
	if (err == 0)
		control_msg_free(&msg);
	else if (!*why)
		abort();
	close(pair[0]);
	close(pair[1]);
	return 0;
}
