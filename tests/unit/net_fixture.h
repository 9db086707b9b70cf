/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_NET_FIXTURE_H
#define OSTLER_TESTS_NET_FIXTURE_H

/* What the tests of sockets share. */
#include "sys/fd.h"
#include "sys/net.h"
#include "sys_fixture.h"

static const struct net_owner as_is = {
	.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0600};

/* A client reaches LISTENER at TARGET, and its word arrives. */
static inline void check_reached(int listener, const struct wake_target *target)
{
	int client = sys_wake_start(target);
	char text[8] = "";
	int served;

	assert_true(client >= 0);
	assert_true(is_nonblocking(client) && is_cloexec(client));
	(void)wait_for(listener, POLLIN);
	(void)wait_for(client, POLLOUT);
	assert_int_equal(sys_wake_send(client, "W", 1), 1);
	served = sys_accept(listener);
	assert_true(served >= 0);
	assert_true(is_nonblocking(served) && is_cloexec(served));
	(void)wait_for(served, POLLIN);
	assert_int_equal(sys_read(served, text, sizeof(text)), 1);
	assert_string_equal(text, "W");
	fd_close(&client);
	fd_close(&served);
}

static inline int open_stream(const char *path, struct net_named *out)
{
	return sys_listen_unix(
		path, SOCK_STREAM, 10, &as_is, NET_REPLACE_STALE, out);
}

#endif
