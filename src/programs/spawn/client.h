/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SPAWN_CLIENT_H
#define OSTLER_SPAWN_CLIENT_H

#include <stdbool.h>
#include <sys/un.h>

/*
 * client - who is at the other end of a connection
 *
 * Knows:   both addresses as text, or the peer's credentials.
 * Decides: nothing.
 * Never:   asks a name server. What is not known is an empty string.
 */

struct peer_name {
	char ip[64]; /* IPv4 also where the kernel says ::ffff:a.b.c.d */
	char port[8];
};

struct client {
	bool is_unix;
	struct peer_name local; /* not is_unix */
	struct peer_name remote;
	char local_path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char remote_path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char pid[16]; /* is_unix; of the peer, when it connected */
	char uid[16];
	char gid[16];
	char text
		[96]; /* for people: 192.0.2.1:25, [::1]:25, unix:uid=0,pid=9 */
};

/* What of it cannot be found out, because the peer has gone, is empty. */
void client_identify(struct client *out, int fd);

#endif
