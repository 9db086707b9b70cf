/* SPDX-License-Identifier: MIT */
#include "lib/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <master_proto.h>

/* Postfix's channel is a stream, ours a packet socket, a test's may be a pipe. */
static ssize_t put(const unsigned char *bytes, size_t n, int flags)
{
	ssize_t sent = send(MASTER_STATUS_FD, bytes, n, MSG_NOSIGNAL | flags);

	if (sent < 0 && errno == ENOTSOCK)
		sent = write(MASTER_STATUS_FD, bytes, n);
	return sent;
}

int ostler__tell(const struct ostler__status *status, int flags)
{
	unsigned char bytes[OSTLER__STATUS_BYTES];
	ssize_t sent;

	ostler__status_encode(status, bytes);
	do
		sent = put(bytes, sizeof(bytes), flags);
	while (sent < 0 && errno == EINTR);
	if (sent == (ssize_t)sizeof(bytes))
		return 0;
	if (sent >= 0)
		return -EPIPE; /* a short message cannot be mended */
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return -EAGAIN;
	return -errno;
}

int master_notify(int pid, unsigned generation, int status)
{
	struct ostler__status message = {
		.pid = pid,
		.generation = generation,
		.word = status == MASTER_STAT_AVAIL ? STATUS_AVAIL
						    : STATUS_TAKEN,
	};
	int result;

	if (status != MASTER_STAT_AVAIL && status != MASTER_STAT_TAKEN) {
		errno = EINVAL;
		return -1;
	}
	result = ostler__tell(&message, 0);
	if (result == 0 || result == -EAGAIN)
		return 0; /* what did not fit was gossip */
	errno = -result;
	return -1;
}
