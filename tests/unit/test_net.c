/* SPDX-License-Identifier: MIT */
#include "sys/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "sys/clock.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/net_path.h"
#include "bomb.h"
#include "net_fixture.h"

static const uint8_t loopback[16] = {127, 0, 0, 1};
static const uint8_t loopback6[16] = {[15] = 1};

/* ---- TCP -------------------------------------------------------------------------- */

static struct wake_target at_port(int family, int listener)
{
	return (struct wake_target){.kind = WAKE_INET,
		.family = family,
		.port = (uint16_t)sys_local_port(listener)};
}

static void a_tcp_listener_has_its_address_and_is_reached(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10, NULL);
	struct wake_target target = at_port(NET_IPV4, fd);
	struct net_address at;
	struct sockaddr_in in;

	(void)state;
	assert_true(fd >= 0);
	assert_true(is_nonblocking(fd) && is_cloexec(fd));
	assert_int_equal(sys_local_address(fd, &at), 0);
	memcpy(&in, &at.storage, sizeof(in));
	assert_int_equal(in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(ntohs(in.sin_port), sys_local_port(fd));
	assert_int_equal(sys_accept(fd), -EAGAIN);
	check_reached(fd, &target);
	fd_close(&fd);
}

/* A port whose last connection was closed by us, so that it lingers. */
static uint16_t use_a_port(void)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10, NULL);
	uint16_t port = (uint16_t)sys_local_port(fd);
	struct wake_target target = at_port(NET_IPV4, fd);
	int client = sys_wake_start(&target), served;

	assert_int_equal(sys_listen_inet(NET_IPV4, loopback, port, 10, NULL),
		-EADDRINUSE);
	(void)wait_for(fd, POLLIN);
	served = sys_accept(fd);
	fd_close(&fd);
	fd_close(&served);
	fd_close(&client);
	return port;
}

/* Some other program may take it meanwhile, but not every time. */
static void a_taken_port_is_refused_and_a_used_one_is_not(void **state)
{
	int fd = -1;

	(void)state;
	for (int i = 0; i < 20 && fd < 0; i++)
		fd = sys_listen_inet(
			NET_IPV4, loopback, use_a_port(), 10, NULL);
	assert_true(fd >= 0);
	fd_close(&fd);
}

/* Both at once on one port; false: it was refused. */
static bool share_a_port(void)
{
	static const uint8_t any[16] = {0};
	int fd = sys_listen_inet(NET_IPV6, any, 0, 10, NULL);
	int other;

	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		skip();
	other = sys_listen_inet(
		NET_IPV4, any, (uint16_t)sys_local_port(fd), 10, NULL);
	fd_close(&fd);
	if (other < 0)
		return false;
	fd_close(&other);
	return true;
}

static void an_ipv6_listener_is_reached(void **state)
{
	int fd = sys_listen_inet(NET_IPV6, loopback6, 0, 10, NULL);
	struct wake_target target;

	(void)state;
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		skip();
	target = at_port(NET_IPV6, fd);
	check_reached(fd, &target);
	fd_close(&fd);
}

/* Each family's "every address" is its own. */
static void the_families_do_not_share_a_port(void **state)
{
	bool shared = false;

	(void)state;
	for (int i = 0; i < 20 && !shared; i++)
		shared = share_a_port();
	assert_true(shared);
}

static void one_listener_serves_both_families(void **state)
{
	int fd = sys_listen_inet(NET_BOTH, NULL, 0, 10, NULL);
	struct wake_target target = at_port(NET_BOTH, fd);
	struct net_address at;

	(void)state;
	check_reached(fd, &target);
	assert_int_equal(sys_local_address(fd, &at), 0);
	if (at.storage.ss_family == AF_INET6) {
		target.family = NET_IPV6;
		check_reached(fd, &target);
	}
	fd_close(&fd);
}

static void wrong_addresses_are_refused(void **state)
{
	static const uint8_t strange[16] = {203, 0, 113, 77};

	(void)state;
	assert_int_equal(
		sys_listen_inet(NET_IPV4, strange, 0, 5, NULL), -EADDRNOTAVAIL);
	assert_int_equal(
		sys_listen_inet(5, loopback, 0, 5, NULL), -EAFNOSUPPORT);
	assert_int_equal(sys_local_port(0), -ENOTSOCK);
	assert_int_equal(
		sys_wake_start(&(struct wake_target){.kind = WAKE_INET}),
		-EAFNOSUPPORT);
}

/* A filter on the listener would be for every worker: none may set one. */
static void a_locked_filter_stays_locked(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 5, NULL);
	int off = 0;

	(void)state;
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof(off)),
		-1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(sys_listen_again(fd, 1), 0);
	fd_close(&fd);
}

static void a_lost_listener_is_noticed(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 5, NULL);
	int null = sys_open_null();

	(void)state;
	assert_int_equal(sys_listener_alive(fd), 1);
	assert_int_equal(sys_shutdown(fd, SHUT_RDWR), 0);
	assert_int_equal(sys_listener_alive(fd), 0);
	assert_int_equal(sys_listen_again(fd, 5), 0);
	assert_int_equal(sys_listener_alive(fd), 1);
	assert_int_equal(sys_listener_alive(null), -ENOTSOCK);
	assert_int_equal(sys_shutdown(null, SHUT_WR), -ENOTSOCK);
	assert_int_equal(sys_listen_again(null, 5), -ENOTSOCK);
	fd_close(&null);
	fd_close(&fd);
}

static void a_socket_that_was_shut_for_reading_is_noticed(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
		struct sockaddr_un at = {.sun_family = AF_UNIX};

		/* Bound by the kernel, to a name of its choice. */
		assert_int_equal(bind(fd, (const struct sockaddr *)&at,
					 sizeof(at.sun_family)),
			0);
		if (types[i] == SOCK_STREAM)
			assert_int_equal(listen(fd, 5), 0);
		assert_int_equal(sys_is_shut(fd), 0);
		assert_int_equal(sys_shutdown(fd, SHUT_WR), 0);
		assert_int_equal(sys_is_shut(fd), 0);
		assert_int_equal(sys_shutdown(fd, SHUT_RD), 0);
		assert_int_equal(sys_is_shut(fd), 1);
		fd_close(&fd);
	}
}

static void nobody_there_is_told_when_sending(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 5, NULL);
	struct wake_target target = at_port(NET_IPV4, fd);
	int client;

	(void)state;
	fd_close(&fd);
	client = sys_wake_start(&target);
	if (client < 0) {
		assert_int_equal(client, -ECONNREFUSED);
		return;
	}
	(void)wait_for(client, POLLOUT);
	assert_int_equal(sys_wake_send(client, "W", 1), -ECONNREFUSED);
	fd_close(&client);
}

/* ---- waking pipes and datagram sockets ------------------------------------------------ */

static void a_pipe_and_a_datagram_socket_are_woken(void **state)
{
	const char *path = in_scratch("woken");
	struct wake_target target = {.kind = WAKE_FIFO, .path = path};
	struct net_named named;
	char text[4] = "";

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd;

		if (i == 0)
			assert_int_equal(sys_listen_fifo(path, &as_is,
						 NET_REPLACE_STALE, &named),
				0);
		else
			assert_int_equal(
				sys_listen_unix(path, SOCK_DGRAM, 0, &as_is,
					NET_REPLACE_STALE, &named),
				0);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		fd = sys_wake_start(&target);
		assert_true(fd >= 0);
		assert_int_equal(sys_wake_send(fd, "W", 1), 1);
		assert_int_equal(sys_read(named.fd, text, sizeof(text)), 1);
		assert_int_equal(text[0], 'W');
		fd_close(&fd);
		fd_close(&named.fd);
		assert_int_equal(unlink(path), 0);
		target.kind = WAKE_DGRAM;
	}
}

static void a_pipe_without_a_reader_is_told(void **state)
{
	const char *path = in_scratch("deaf-pipe");
	struct wake_target target = {.kind = WAKE_FIFO, .path = path};

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(sys_wake_start(&target), -ENXIO);
	target.kind = WAKE_DGRAM;
	assert_int_equal(sys_wake_start(&target), -ECONNREFUSED);
}

/* ---- the end of a listener --------------------------------------------------------------- */

static int queue_up(int type, const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int client = socket(AF_UNIX, type, 0);

	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(
		connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	return client;
}

static void wait_for_the_heir(void)
{
	struct child_end end;
	int pid = 0;

	for (unsigned i = 0; i < 1000 && pid == 0; i++) {
		pid = sys_stranger_next();
		if (pid == 0)
			(void)poll(NULL, 0, 10);
	}
	assert_true(pid > 0);
	assert_int_equal(sys_reap_stranger(pid, &end), 1);
	assert_int_equal(end.code, 0);
}

static void a_listener_is_closed_at_once_whoever_waits_there(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const char *path = in_scratch(i == 0 ? "close" : "close-d");
		struct net_named named;
		struct bomb bomb;
		uint64_t begin_ns;
		int client, other;

		assert_int_equal(sys_listen_unix(path, types[i], 10, &as_is,
					 NET_REPLACE_STALE, &named),
			0);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		other = queue_up(types[i], path);
		client = queue_up(types[i], path);
		bomb_make(&bomb);
		assert_int_equal(bomb_send(client, &bomb, 4), 0);
		begin_ns = clock_now_ns();
		sys_listener_close(&named.fd);
		assert_int_equal(named.fd, -1);
		assert_true(clock_now_ns() - begin_ns < AT_ONCE_NS);
		wait_for_the_heir();
		assert_true(send(other, "x", 1, MSG_NOSIGNAL) < 0);
		fd_close(&client);
		fd_close(&other);
		fd_close(&bomb.peer);
	}
}

static void a_listener_without_clients_is_closed_without_a_child(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const char *path = in_scratch(i == 0 ? "empty" : "empty-d");
		struct net_named named;

		assert_int_equal(sys_listen_unix(path, types[i], 10, &as_is,
					 NET_REPLACE_STALE, &named),
			0);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		/* As workers may have left it. */
		assert_int_equal(fd_nonblocking(named.fd, false), 0);
		sys_listener_close(&named.fd);
		assert_int_equal(named.fd, -1);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void a_broken_datagram_listener_is_seen(void **state)
{
	const char *path = in_scratch("peers");
	const char *far = in_scratch("far");
	const char *third = in_scratch("third");
	struct net_named named, other, another;

	(void)state;
	assert_int_equal(sys_listen_unix(path, SOCK_DGRAM, 0, &as_is,
				 NET_REPLACE_STALE, &named),
		0);
	assert_int_equal(sys_listen_unix(far, SOCK_DGRAM, 0, &as_is,
				 NET_REPLACE_STALE, &other),
		0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	assert_int_equal(sys_listen_unix_commit(&other), 0);
	assert_int_equal(sys_listen_unix(third, SOCK_DGRAM, 0, &as_is,
				 NET_REPLACE_STALE, &another),
		0);
	assert_int_equal(sys_listen_unix_commit(&another), 0);
	assert_int_equal(sys_has_peer(named.fd), 0);
	assert_int_equal(sys_take_error(named.fd), 0);
	assert_int_equal(net_connect_path(other.fd, path), 0);
	assert_int_equal(net_connect_path(named.fd, far), 0);
	assert_int_equal(sys_has_peer(named.fd), 1);
	assert_int_equal(sys_write(named.fd, "x", 1), 1);
	/* Who turns away from unread messages leaves an error behind. */
	assert_int_equal(net_connect_path(other.fd, third), 0);
	assert_int_equal(sys_take_error(named.fd), ECONNRESET);
	assert_int_equal(sys_take_error(named.fd), 0);
	fd_close(&other.fd);
	fd_close(&another.fd);
	fd_close(&named.fd);
}

/* ---- the control socket ------------------------------------------------------------------ */

static void a_peer_is_known(void **state)
{
	const char *path = in_scratch("control");
	struct net_named named;
	struct peer peer;
	int client, served, null = sys_open_null();

	(void)state;
	assert_int_equal(open_stream(path, &named), 0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	client = sys_connect_unix(path, 0);
	assert_true(client >= 0);
	assert_false(is_nonblocking(client));
	assert_true(is_cloexec(client));
	served = sys_accept(named.fd);
	assert_int_equal(sys_peer(served, &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.gid, getgid());
	assert_int_equal(sys_peer_in_group(served, getgid()), 1);
	assert_int_equal(sys_peer_in_group(served, 54321), 0);
	assert_int_equal(sys_peer(null, &peer), -ENOTSOCK);
	assert_int_equal(sys_peer_in_group(null, 1), -ENOTSOCK);
	fd_close(&null);
	fd_close(&client);
	fd_close(&served);
	fd_close(&named.fd);
}

static int peer_with_groups(void)
{
	gid_t groups[200];
	int ends[2];

	for (unsigned i = 0; i < 200; i++)
		groups[i] = 70000 + i;
	for (size_t n = 3; n <= 200; n += 197) {
		if (setgroups(n, groups) != 0 ||
			socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
			return 1;
		if (sys_peer_in_group(ends[0], 70000 + (gid_t)n - 1) != 1)
			return 2;
		if (sys_peer_in_group(ends[0], 70000 + (gid_t)n) != 0)
			return 3;
	}
	return 0;
}

static void a_peers_other_groups_count_however_many(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	in_a_child(peer_with_groups);
}

static void a_deaf_server_costs_the_command_line_its_timeout(void **state)
{
	const char *path = in_scratch("deaf");
	struct net_named named;
	uint64_t start = clock_now_ns();
	char byte;
	int client;

	(void)state;
	assert_int_equal(open_stream(path, &named), 0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	client = sys_connect_unix(path, 20000000);
	assert_int_equal(sys_read(client, &byte, 1), -EAGAIN);
	assert_true(clock_now_ns() - start >= 19000000);
	fd_close(&client);
	fd_close(&named.fd);
	assert_int_equal(sys_connect_unix(path, 0), -ECONNREFUSED);
	assert_int_equal(sys_connect_unix(in_scratch("none"), 0), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tcp_listener_has_its_address_and_is_reached),
		cmocka_unit_test(a_taken_port_is_refused_and_a_used_one_is_not),
		cmocka_unit_test(an_ipv6_listener_is_reached),
		cmocka_unit_test(the_families_do_not_share_a_port),
		cmocka_unit_test(one_listener_serves_both_families),
		cmocka_unit_test(wrong_addresses_are_refused),
		cmocka_unit_test(a_locked_filter_stays_locked),
		cmocka_unit_test(a_lost_listener_is_noticed),
		cmocka_unit_test(a_socket_that_was_shut_for_reading_is_noticed),
		cmocka_unit_test(nobody_there_is_told_when_sending),
		cmocka_unit_test(a_pipe_and_a_datagram_socket_are_woken),
		cmocka_unit_test(a_pipe_without_a_reader_is_told),
		cmocka_unit_test(
			a_listener_is_closed_at_once_whoever_waits_there),
		cmocka_unit_test(
			a_listener_without_clients_is_closed_without_a_child),
		cmocka_unit_test(a_broken_datagram_listener_is_seen),
		cmocka_unit_test(a_peer_is_known),
		cmocka_unit_test(a_peers_other_groups_count_however_many),
		cmocka_unit_test(
			a_deaf_server_costs_the_command_line_its_timeout),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
