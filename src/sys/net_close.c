/* SPDX-License-Identifier: MIT */
#include "sys/net.h"

#include <errno.h>
#include <unistd.h>

#include "sys/fd.h"

/*
 * The clients in the queue of an AF_UNIX listener are closed with it, and so
 * is what they sent. Among that may be descriptors of sockets that were told
 * to linger: a close of the last of these sleeps, but in a process that exits.
 */

/*
 * LISTENER is shut down: nobody comes any more, and asking does not wait.
 * Whoever was first in the queue is in *OUT_CLIENT, if it is a stream.
 */
static bool is_empty(int listener, int *out_client)
{
	char byte;
	int client = sys_accept(listener);

	if (client >= 0)
		*out_client = client;
	if (client == -EOPNOTSUPP)
		return recv(listener, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
		       errno == EAGAIN;
	return client == -EAGAIN || client == -EINVAL;
}

/*
 * A child that has LISTENER and CLIENT until we have closed ENDS[1], and
 * nothing else of ours: neither our lock nor our channels.
 */
static int start_heir(int listener, int client, const int ends[2])
{
	char byte;
	int pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : 0;
	if (client >= 0)
		(void)dup2(client, 1);
	(void)dup2(listener, 0);
	(void)dup2(ends[0], 2);
	(void)close_range(3, ~0U, 0);
	(void)sys_read(2, &byte, 1);
	_exit(0);
}

void sys_listener_close(int *fd)
{
	AUTO_CLOSE int client = -1;
	int ends[2] = {-1, -1};

	if (*fd < 0)
		return;
	(void)shutdown(*fd, SHUT_RDWR);
	/* Without memory or descriptors we do it ourselves, and may sleep. */
	if (!is_empty(*fd, &client) && sys_pipe(ends, false) == 0)
		(void)start_heir(*fd, client, ends);
	fd_close(&client);
	fd_close(fd);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}
