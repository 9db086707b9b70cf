/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * Flow tokens are bytes in a pipe that all workers of a master share: whoever
 * feeds others puts some in, whoever feeds takes one out first, and one that
 * finds none slows down a little. The pipe never blocks.
 */

#define CHUNK 512

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many went through at last, or why none did. */
static int outcome(unsigned done, ssize_t last)
{
	if (done > 0 || last >= 0 || errno == EAGAIN)
		return (int)done;
	return -errno;
}

int ostler_flow_get(unsigned tokens)
{
	char bytes[CHUNK];
	unsigned done = 0;
	ssize_t n = 0;

	while (done < tokens) {
		n = read(
			MASTER_FLOW_READ, bytes, smaller(tokens - done, CHUNK));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (unsigned)n;
	}
	return outcome(done, n);
}

int ostler_flow_put(unsigned tokens)
{
	static const char bytes[CHUNK];
	unsigned done = 0;
	ssize_t n = 0;

	while (done < tokens) {
		n = write(MASTER_FLOW_WRITE, bytes,
			smaller(tokens - done, CHUNK));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (unsigned)n;
	}
	return outcome(done, n);
}

int ostler_flow_count(void)
{
	int n;

	if (ioctl(MASTER_FLOW_READ, FIONREAD, &n) < 0)
		return -errno;
	return n;
}
