/* SPDX-License-Identifier: MIT */
#include "sys/depth.h"

#include <linux/netlink.h>

#include "sys/fd.h"
#include "sys/net.h"
#include "sys_fixture.h"

static const uint8_t loopback[16] = {127, 0, 0, 1};

/* N clients that wait; their sockets in CLIENTS. */
static void knock(const struct wake_target *at, int *clients, int n)
{
	for (int i = 0; i < n; i++) {
		clients[i] = sys_wake_start(at);
		assert_true(clients[i] >= 0);
		(void)wait_for(clients[i], POLLOUT);
	}
}

static void close_all(int *fds, int n)
{
	for (int i = 0; i < n; i++)
		fd_close(&fds[i]);
}

static void waiting_tcp_clients_are_counted(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 17, NULL);
	struct wake_target at = {.kind = WAKE_INET,
		.family = NET_IPV4,
		.port = (uint16_t)sys_local_port(fd)};
	int clients[5], one;

	(void)state;
	assert_int_equal(sys_depth_tcp(fd), 0);
	assert_int_equal(sys_depth_tcp_max(fd), 17);
	knock(&at, clients, 5);
	assert_int_equal(sys_depth_tcp(fd), 5);
	one = sys_accept(fd);
	assert_true(one >= 0);
	assert_int_equal(sys_depth_tcp(fd), 4);
	/* A connection's own figures are something else. */
	assert_int_equal(sys_depth_tcp(one), -EINVAL);
	fd_close(&one);
	close_all(clients, 5);
	fd_close(&fd);
}

static void clients_of_both_families_are_counted_together(void **state)
{
	int fd = sys_listen_inet(NET_BOTH, NULL, 0, 10, NULL);
	struct wake_target at = {.kind = WAKE_INET,
		.family = NET_BOTH,
		.port = (uint16_t)sys_local_port(fd)};
	int clients[2], more[3];

	(void)state;
	knock(&at, clients, 2);
	at.family = NET_IPV6;
	if (sys_wake_start(&(struct wake_target){
		    .kind = WAKE_INET, .family = NET_IPV6, .port = 9}) ==
		-EADDRNOTAVAIL)
		skip();
	knock(&at, more, 3);
	assert_int_equal(sys_depth_tcp(fd), 5);
	close_all(clients, 2);
	close_all(more, 3);
	fd_close(&fd);
}

static void waiting_unix_clients_are_counted(void **state)
{
	struct net_owner owner = {
		.uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0600};
	struct net_named named;
	struct depth_unix depth = DEPTH_UNIX_NONE;
	struct wake_target at = {
		.kind = WAKE_UNIX, .path = in_scratch("socket")};
	int clients[3], one;

	(void)state;
	assert_int_equal(sys_listen_unix(at.path, SOCK_STREAM, 8, &owner,
				 NET_REPLACE_STALE, &named),
		0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	assert_int_equal(sys_depth_unix(&depth, named.fd), -EBADF);
	assert_int_equal(sys_depth_unix_open(&depth), 0);
	assert_true(is_cloexec(depth.fd) && is_nonblocking(depth.fd));
	assert_int_equal(sys_depth_unix(&depth, named.fd), 0);
	knock(&at, clients, 3);
	for (int i = 0; i < 100; i++)
		assert_int_equal(sys_depth_unix(&depth, named.fd), 3);
	one = sys_accept(named.fd);
	assert_int_equal(sys_depth_unix(&depth, named.fd), 2);
	fd_close(&one);
	close_all(clients, 3);
	fd_close(&named.fd);
	sys_depth_unix_close(&depth);
	sys_depth_unix_close(&depth);
}

static void what_has_no_queue_is_told(void **state)
{
	struct depth_unix depth = DEPTH_UNIX_NONE;
	int ends[2], null = sys_open_null();
	int tcp = sys_listen_inet(NET_IPV4, loopback, 0, 5, NULL);

	(void)state;
	assert_int_equal(sys_depth_unix_open(&depth), 0);
	assert_int_equal(sys_depth_unix(&depth, null), -ENOTSOCK);
	assert_int_equal(sys_depth_unix(&depth, tcp), -ENOENT);
	assert_int_equal(sys_depth_unix(&depth, 999), -EBADF);
	assert_int_equal(sys_depth_tcp(null), -ENOTSOCK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_true(sys_depth_tcp(ends[0]) < 0);
	close_all(ends, 2);
	fd_close(&null);
	fd_close(&tcp);
	sys_depth_unix_close(&depth);
}

/* An answer to a question given up must not be taken for the next one's. */
static void an_old_answer_is_skipped(void **state)
{
	struct nlmsghdr old = {
		.nlmsg_len = sizeof(old),
		.nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nlmsg_seq = 7777,
	};
	struct depth_unix depth = DEPTH_UNIX_NONE;
	int tcp = sys_listen_inet(NET_IPV4, loopback, 0, 5, NULL);

	(void)state;
	assert_int_equal(sys_depth_unix_open(&depth), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			send(depth.fd, &old, sizeof(old), 0), sizeof(old));
	(void)wait_for(depth.fd, POLLIN);
	assert_int_equal(sys_depth_unix(&depth, tcp), -ENOENT);
	fd_close(&tcp);
	sys_depth_unix_close(&depth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_tcp_clients_are_counted),
		cmocka_unit_test(clients_of_both_families_are_counted_together),
		cmocka_unit_test(waiting_unix_clients_are_counted),
		cmocka_unit_test(what_has_no_queue_is_told),
		cmocka_unit_test(an_old_answer_is_skipped),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
