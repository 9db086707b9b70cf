/* SPDX-License-Identifier: MIT */
/* One TCP listener after another at the same port, and their buffers. */
#include "sys/net.h"

#include "net_fixture.h"
#include "sys/fd.h"

static const uint8_t any[16] = {0};
static const uint8_t loopback[16] = {127, 0, 0, 1};
static const struct net_inet shared = {.shared = true};

static uint16_t port_of(int fd)
{
	int port = sys_local_port(fd);

	assert_in_range(port, 1, 65535);
	return (uint16_t)port;
}

static void every_address_gives_way_to_one_of_them(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, any, 0, 10, NULL), next;
	uint16_t port = port_of(fd);
	struct wake_target target = {
		.kind = WAKE_INET, .family = NET_IPV4, .port = port};

	(void)state;
	/* To be shared, both must want it. */
	assert_int_equal(sys_listen_inet(NET_IPV4, loopback, port, 10, &shared),
		-EADDRINUSE);
	assert_int_equal(sys_listener_share(fd, true), 0);
	assert_int_equal(sys_listen_inet(NET_IPV4, loopback, port, 10, NULL),
		-EADDRINUSE);
	next = sys_listen_inet(NET_IPV4, loopback, port, 10, &shared);
	assert_true(next >= 0);
	assert_int_equal(sys_listener_share(fd, false), 0);
	assert_int_equal(sys_listener_share(next, false), 0);
	assert_int_equal(sys_listen_inet(NET_IPV4, loopback, port, 10, NULL),
		-EADDRINUSE);
	assert_int_equal(
		sys_listen_inet(NET_IPV4, any, port, 10, NULL), -EADDRINUSE);
	check_reached(next, &target); /* the nearer one */
	fd_close(&fd);
	check_reached(next, &target);
	fd_close(&next);
}

static void one_address_gives_way_to_every_one(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10, NULL), next;
	uint16_t port = port_of(fd);
	struct wake_target target = {
		.kind = WAKE_INET, .family = NET_IPV4, .port = port};

	(void)state;
	assert_int_equal(sys_listener_share(fd, true), 0);
	next = sys_listen_inet(NET_IPV4, any, port, 10, &shared);
	if (next == -EADDRINUSE) /* a stranger may have it elsewhere */
		skip();
	assert_true(next >= 0);
	assert_int_equal(sys_listener_share(next, false), 0);
	check_reached(fd, &target);
	fd_close(&fd);
	check_reached(next, &target);
	assert_int_equal(sys_listen_inet(NET_IPV4, loopback, port, 10, NULL),
		-EADDRINUSE);
	fd_close(&next);
}

static void two_shared_ones_are_at_one_address(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10, &shared);
	int other =
		sys_listen_inet(NET_IPV4, loopback, port_of(fd), 10, &shared);

	(void)state;
	assert_true(other >= 0);
	fd_close(&fd);
	fd_close(&other);
	assert_int_equal(sys_listener_share(other, true), -EBADF);
}

static int buffer_of(int fd, int option)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, option, &bytes, &size), 0);
	return bytes;
}

/* The kernel doubles what it is told. */
static void clients_have_the_buffers_of_their_listener(void **state)
{
	static const struct net_inet small = {.buffer_bytes = 8192};
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10, &small), served;
	struct wake_target target = {
		.kind = WAKE_INET, .family = NET_IPV4, .port = port_of(fd)};
	int client = sys_wake_start(&target);

	(void)state;
	(void)wait_for(fd, POLLIN);
	served = sys_accept(fd);
	assert_true(served >= 0);
	assert_int_equal(buffer_of(fd, SO_SNDBUF), 16384);
	assert_int_equal(buffer_of(fd, SO_RCVBUF), 16384);
	assert_int_equal(buffer_of(served, SO_RCVBUF), 16384);
	fd_close(&served);
	fd_close(&client);
	fd_close(&fd);
	fd = sys_listen_inet(NET_IPV4, loopback, 0, 10, &shared);
	assert_true(buffer_of(fd, SO_RCVBUF) > 16384);
	fd_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_gives_way_to_one_of_them),
		cmocka_unit_test(one_address_gives_way_to_every_one),
		cmocka_unit_test(two_shared_ones_are_at_one_address),
		cmocka_unit_test(clients_have_the_buffers_of_their_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
