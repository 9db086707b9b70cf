/* SPDX-License-Identifier: MIT */
#include "sys/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys_fixture.h"

static const uint8_t loopback[16] = {127, 0, 0, 1};
static const uint8_t loopback6[16] = {[15] = 1};
static const struct net_owner as_is = {(uid_t)-1, (gid_t)-1, 0600};

/* ---- TCP -------------------------------------------------------------------------- */

static struct wake_target at_port(int family, int listener)
{
	return (struct wake_target){.kind = WAKE_INET,
		.family = family,
		.port = (uint16_t)sys_local_port(listener)};
}

/* A client reaches LISTENER at TARGET, and its word arrives. */
static void check_reached(int listener, const struct wake_target *target)
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

static void a_tcp_listener_has_its_address_and_is_reached(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10);
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
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 10);
	uint16_t port = (uint16_t)sys_local_port(fd);
	struct wake_target target = at_port(NET_IPV4, fd);
	int client = sys_wake_start(&target), served;

	assert_int_equal(
		sys_listen_inet(NET_IPV4, loopback, port, 10), -EADDRINUSE);
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
		fd = sys_listen_inet(NET_IPV4, loopback, use_a_port(), 10);
	assert_true(fd >= 0);
	fd_close(&fd);
}

/* Both at once on one port; false: it was refused. */
static bool share_a_port(void)
{
	static const uint8_t any[16] = {0};
	int fd = sys_listen_inet(NET_IPV6, any, 0, 10);
	int other;

	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		skip();
	other = sys_listen_inet(
		NET_IPV4, any, (uint16_t)sys_local_port(fd), 10);
	fd_close(&fd);
	if (other < 0)
		return false;
	fd_close(&other);
	return true;
}

static void an_ipv6_listener_is_reached(void **state)
{
	int fd = sys_listen_inet(NET_IPV6, loopback6, 0, 10);
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
	int fd = sys_listen_inet(NET_BOTH, NULL, 0, 10);
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
		sys_listen_inet(NET_IPV4, strange, 0, 5), -EADDRNOTAVAIL);
	assert_int_equal(sys_listen_inet(5, loopback, 0, 5), -EAFNOSUPPORT);
	assert_int_equal(sys_local_port(0), -ENOTSOCK);
	assert_int_equal(
		sys_wake_start(&(struct wake_target){.kind = WAKE_INET}),
		-EAFNOSUPPORT);
}

/* A filter on the listener would be for every worker: none may set one. */
static void a_locked_filter_stays_locked(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 5);
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
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 5);
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

static void nobody_there_is_told_when_sending(void **state)
{
	int fd = sys_listen_inet(NET_IPV4, loopback, 0, 5);
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

/* ---- sockets with a name ------------------------------------------------------------ */

static int open_stream(const char *path, struct net_named *out)
{
	return sys_listen_unix(path, SOCK_STREAM, 10, &as_is, false, out);
}

static unsigned count_entries(const char *directory)
{
	char command[300];
	unsigned n = 0;
	FILE *list;

	(void)snprintf(
		command, sizeof(command), "ls -A '%s' | wc -l", directory);
	list = popen(command, "r");
	assert_non_null(list);
	assert_int_equal(fscanf(list, "%u", &n), 1);
	assert_int_equal(pclose(list), 0);
	return n;
}

static void a_socket_appears_when_committed(void **state)
{
	struct net_named named = NET_NAMED_NONE;
	struct wake_target target = {
		.kind = WAKE_UNIX, .path = in_scratch("appears")};
	struct stat st;

	(void)state;
	assert_int_equal(open_stream(target.path, &named), 0);
	assert_int_equal(mode_of(target.path), 0);
	assert_int_equal(sys_wake_start(&target), -ENOENT);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	assert_int_equal(mode_of(target.path), S_IFSOCK | 0600);
	assert_int_equal(stat(target.path, &st), 0);
	assert_true(st.st_dev == named.dev && st.st_ino == named.ino);
	assert_true(is_nonblocking(named.fd) && is_cloexec(named.fd));
	check_reached(named.fd, &target);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	sys_listen_unix_abort(&named);
	assert_int_equal(named.fd, -1);
	assert_int_equal(mode_of(target.path), S_IFSOCK | 0600);
}

static void an_aborted_socket_leaves_no_trace(void **state)
{
	char directory[200];
	struct net_named named;
	char path[300];
	unsigned fds = count_fds();

	(void)state;
	(void)snprintf(directory, sizeof(directory), "%s", in_scratch("abort"));
	(void)snprintf(path, sizeof(path), "%s/x", directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(open_stream(path, &named), 0);
	assert_int_equal(count_entries(directory), 1);
	sys_listen_unix_abort(&named);
	sys_listen_unix_abort(&named);
	assert_int_equal(sys_listen_fifo(path, &as_is, &named), 0);
	assert_int_equal(count_entries(directory), 1);
	sys_listen_unix_abort(&named);
	assert_int_equal(count_entries(directory), 0);
	assert_int_equal(count_fds(), fds);
}

static void an_old_socket_serves_until_the_new_one_is_there(void **state)
{
	struct net_named old, new;
	struct wake_target target = {
		.kind = WAKE_UNIX, .path = in_scratch("serves")};

	(void)state;
	assert_int_equal(open_stream(target.path, &old), 0);
	assert_int_equal(sys_listen_unix_commit(&old), 0);
	assert_int_equal(sys_listen_unix(target.path, SOCK_STREAM, 10, &as_is,
				 true, &new),
		0);
	check_reached(old.fd, &target);
	assert_int_equal(sys_listen_unix_commit(&new), 0);
	check_reached(new.fd, &target);
	fd_close(&old.fd);
	fd_close(&new.fd);
}

static void a_live_socket_is_refused_and_a_stale_one_replaced(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	const char *path = in_scratch("stale");
	struct net_named first, second;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		int type = types[i / 2], other = types[i % 2];

		assert_int_equal(
			sys_listen_unix(path, type, 1, &as_is, false, &first),
			0);
		assert_int_equal(sys_listen_unix_commit(&first), 0);
		assert_int_equal(
			sys_listen_unix(path, other, 1, &as_is, false, &second),
			-EADDRINUSE);
		fd_close(&first.fd); /* the name stays: it is stale now */
		assert_int_equal(mode_of(path), S_IFSOCK | 0600);
		assert_int_equal(
			sys_listen_unix(path, other, 1, &as_is, false, &second),
			0);
		sys_listen_unix_abort(&second);
	}
}

static void a_live_socket_with_a_full_queue_is_live(void **state)
{
	const char *path = in_scratch("full");
	struct wake_target target = {.kind = WAKE_UNIX, .path = path};
	struct net_named first, second;
	int clients[3] = {-1, -1, -1}, n = 0;

	(void)state;
	assert_int_equal(
		sys_listen_unix(path, SOCK_STREAM, 0, &as_is, false, &first),
		0);
	assert_int_equal(sys_listen_unix_commit(&first), 0);
	while (n < 3 && (clients[n] = sys_wake_start(&target)) >= 0)
		n++;
	assert_true(n < 3);
	assert_int_equal(clients[n], -EAGAIN);
	assert_int_equal(open_stream(path, &second), -EADDRINUSE);
	for (int i = 0; i < n; i++)
		fd_close(&clients[i]);
	fd_close(&first.fd);
}

static void what_a_crash_left_does_not_stop_the_next_start(void **state)
{
	const char *path = in_scratch("crash");
	struct net_named dead, next, third;

	(void)state;
	assert_int_equal(open_stream(path, &dead), 0);
	/* While it lives somebody else is preparing the same path. */
	assert_int_equal(open_stream(path, &next), -EADDRINUSE);
	fd_close(&dead.fd);
	fd_close(&dead.directory);
	assert_int_equal(open_stream(path, &next), 0);
	assert_int_equal(sys_listen_unix_commit(&next), 0);
	assert_int_equal(
		sys_listen_fifo(in_scratch("crash2"), &as_is, &dead), 0);
	assert_int_equal(
		sys_listen_fifo(in_scratch("crash2"), &as_is, &third), 0);
	assert_int_equal(sys_listen_unix_commit(&third), 0);
	fd_close(&dead.fd);
	fd_close(&dead.directory);
	fd_close(&third.fd);
	fd_close(&next.fd);
}

static void nothing_but_its_own_kind_is_replaced(void **state)
{
	const char *file = in_scratch("file"), *link = in_scratch("link");
	const char *fifo = in_scratch("is-fifo"), *dir = in_scratch("is-dir");
	const char *wanted[] = {file, link, dir};
	const char *socket_path = in_scratch("is-socket");
	struct net_named named, kept;

	(void)state;
	write_text(file, "precious");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(open_stream(socket_path, &kept), 0);
	assert_int_equal(sys_listen_unix_commit(&kept), 0);
	assert_int_equal(symlink(socket_path, link), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(open_stream(wanted[i], &named), -EEXIST);
		assert_int_equal(
			sys_listen_fifo(wanted[i], &as_is, &named), -EEXIST);
	}
	assert_int_equal(open_stream(fifo, &named), -EEXIST);
	assert_int_equal(sys_listen_fifo(socket_path, &as_is, &named), -EEXIST);
	/* Nor what appears between the two steps. */
	assert_int_equal(open_stream(in_scratch("late"), &named), 0);
	write_text(in_scratch("late"), "precious");
	assert_int_equal(sys_listen_unix_commit(&named), -EEXIST);
	sys_listen_unix_abort(&named);
	assert_int_equal(mode_of(in_scratch("late")) & S_IFMT, S_IFREG);
	fd_close(&kept.fd);
}

static void wrong_paths_are_refused(void **state)
{
	struct net_named named;

	(void)state;
	assert_int_equal(open_stream(in_scratch("no/x"), &named), -ENOENT);
	assert_int_equal(open_stream("/dev/null/x", &named), -ENOTDIR);
	assert_int_equal(open_stream("/tmp/", &named), -EISDIR);
	assert_int_equal(open_stream("/tmp/..", &named), -EISDIR);
	assert_int_equal(open_stream("", &named), -EISDIR);
}

static void owner_and_mode_are_set_before_the_first_client(void **state)
{
	static const struct net_owner owner = {NOBODY, NOBODY, 0620};
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, -1};
	const char *path = in_scratch("owned");
	struct net_named named;
	struct stat st;

	(void)state;
	if (getuid() != 0)
		skip();
	for (unsigned i = 0; i < 3; i++) {
		if (types[i] < 0)
			assert_int_equal(
				sys_listen_fifo(path, &owner, &named), 0);
		else
			assert_int_equal(sys_listen_unix(path, types[i], 9,
						 &owner, false, &named),
				0);
		assert_int_equal(fstatat(named.directory, named.temporary, &st,
					 AT_SYMLINK_NOFOLLOW),
			0);
		assert_int_equal(st.st_uid, NOBODY);
		assert_int_equal(st.st_gid, NOBODY);
		assert_int_equal(st.st_mode & 07777, 0620);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		assert_int_equal(mode_of(path) & 07777, 0620);
		fd_close(&named.fd);
		assert_int_equal(unlink(path), 0);
	}
}

static int open_as_others(void)
{
	static const struct net_owner owner = {0, 0, 0600};
	struct net_named named;

	if (become_nobody() != 0)
		return 1;
	if (sys_listen_unix(in_scratch("chown"), SOCK_STREAM, 5, &owner, false,
		    &named) != -EPERM)
		return 2;
	return sys_listen_fifo(in_scratch("chown"), &owner, &named) != -EPERM;
}

static void what_we_may_not_own_leaves_no_trace(void **state)
{
	unsigned before;

	(void)state;
	assert_int_equal(chmod(scratch, 0777), 0);
	before = count_entries(scratch);
	in_a_child(open_as_others);
	assert_int_equal(count_entries(scratch), before);
	assert_int_equal(chmod(scratch, 0700), 0);
}

/* The first moment of a datagram socket: bound is open for all. */
static void a_bound_socket_is_closed_to_all_at_first(void **state)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	mode_t old = umask(0);

	(void)state;
	(void)snprintf(
		at.sun_path, sizeof(at.sun_path), "%s", in_scratch("first"));
	assert_int_equal(fchmod(fd, 0), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(mode_of(at.sun_path), S_IFSOCK);
	(void)umask(old);
	fd_close(&fd);
}

static void a_path_longer_than_an_address_works(void **state)
{
	char directory[400], path[700], name[220];
	struct net_named named, second;
	struct wake_target target = {.kind = WAKE_UNIX, .path = path};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(directory, sizeof(directory), "%s",
		in_scratch("a-directory-with-a-name-that-is-rather-long-but-"
			   "not-more-than-may-be-and-still-longer-than-107"));
	assert_int_equal(mkdir(directory, 0700), 0);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory,
			i == 0 ? "short" : name);
		assert_int_equal(open_stream(path, &named), 0);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		check_reached(named.fd, &target);
		assert_int_equal(open_stream(path, &second), -EADDRINUSE);
		assert_int_equal(
			sys_unix_unlink(path, named.dev, named.ino), 0);
		fd_close(&named.fd);
	}
}

static void a_link_of_ours_to_the_directory_is_followed(void **state)
{
	char path[600];
	struct net_named named;

	(void)state;
	assert_int_equal(mkdir(in_scratch("run"), 0700), 0);
	assert_int_equal(symlink("run", in_scratch("var-run")), 0);
	(void)snprintf(path, sizeof(path), "%s//x", in_scratch("var-run"));
	assert_int_equal(open_stream(path, &named), 0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	assert_int_equal(mode_of(in_scratch("run/x")), S_IFSOCK | 0600);
	fd_close(&named.fd);
	if (getuid() != 0)
		return;
	assert_int_equal(lchown(in_scratch("var-run"), NOBODY, NOBODY), 0);
	assert_int_equal(open_stream(path, &named), -ENOTDIR);
}

static void only_our_own_file_is_removed(void **state)
{
	const char *path = in_scratch("own");
	struct net_named named;

	(void)state;
	assert_int_equal(open_stream(path, &named), 0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	assert_int_equal(
		sys_unix_unlink(path, named.dev, named.ino + 1), -ESTALE);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
	assert_int_equal(sys_unix_unlink(path, named.dev, named.ino), 0);
	assert_int_equal(mode_of(path), 0);
	assert_int_equal(sys_unix_unlink(path, named.dev, named.ino), -ENOENT);
	fd_close(&named.fd);
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
			assert_int_equal(
				sys_listen_fifo(path, &as_is, &named), 0);
		else
			assert_int_equal(sys_listen_unix(path, SOCK_DGRAM, 0,
						 &as_is, false, &named),
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
		cmocka_unit_test(nobody_there_is_told_when_sending),
		cmocka_unit_test(a_socket_appears_when_committed),
		cmocka_unit_test(an_aborted_socket_leaves_no_trace),
		cmocka_unit_test(
			an_old_socket_serves_until_the_new_one_is_there),
		cmocka_unit_test(
			a_live_socket_is_refused_and_a_stale_one_replaced),
		cmocka_unit_test(a_live_socket_with_a_full_queue_is_live),
		cmocka_unit_test(
			what_a_crash_left_does_not_stop_the_next_start),
		cmocka_unit_test(nothing_but_its_own_kind_is_replaced),
		cmocka_unit_test(wrong_paths_are_refused),
		cmocka_unit_test(
			owner_and_mode_are_set_before_the_first_client),
		cmocka_unit_test(what_we_may_not_own_leaves_no_trace),
		cmocka_unit_test(a_bound_socket_is_closed_to_all_at_first),
		cmocka_unit_test(a_path_longer_than_an_address_works),
		cmocka_unit_test(a_link_of_ours_to_the_directory_is_followed),
		cmocka_unit_test(only_our_own_file_is_removed),
		cmocka_unit_test(a_pipe_and_a_datagram_socket_are_woken),
		cmocka_unit_test(a_pipe_without_a_reader_is_told),
		cmocka_unit_test(a_peer_is_known),
		cmocka_unit_test(a_peers_other_groups_count_however_many),
		cmocka_unit_test(
			a_deaf_server_costs_the_command_line_its_timeout),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
