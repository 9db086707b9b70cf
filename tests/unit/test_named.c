/* SPDX-License-Identifier: MIT */
#include "sys/net.h"

#include <sys/un.h>

#include "net_fixture.h"
#include "sys/fd.h"

/* ---- sockets with a name ------------------------------------------------------------ */

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
	assert_int_equal(
		sys_listen_fifo(path, &as_is, NET_REPLACE_STALE, &named), 0);
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
				 NET_REPLACE_SOCKET, &new),
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

		assert_int_equal(sys_listen_unix(path, type, 1, &as_is,
					 NET_REPLACE_STALE, &first),
			0);
		assert_int_equal(sys_listen_unix_commit(&first), 0);
		assert_int_equal(sys_listen_unix(path, other, 1, &as_is,
					 NET_REPLACE_STALE, &second),
			-EADDRINUSE);
		fd_close(&first.fd); /* the name stays: it is stale now */
		assert_int_equal(mode_of(path), S_IFSOCK | 0600);
		assert_int_equal(sys_listen_unix(path, other, 1, &as_is,
					 NET_REPLACE_STALE, &second),
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
	assert_int_equal(sys_listen_unix(path, SOCK_STREAM, 0, &as_is,
				 NET_REPLACE_STALE, &first),
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
	assert_int_equal(sys_listen_fifo(in_scratch("crash2"), &as_is,
				 NET_REPLACE_STALE, &dead),
		0);
	assert_int_equal(sys_listen_fifo(in_scratch("crash2"), &as_is,
				 NET_REPLACE_STALE, &third),
		0);
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
		assert_int_equal(sys_listen_fifo(wanted[i], &as_is,
					 NET_REPLACE_STALE, &named),
			-EEXIST);
	}
	assert_int_equal(open_stream(fifo, &named), -EEXIST);
	assert_int_equal(
		sys_listen_fifo(socket_path, &as_is, NET_REPLACE_STALE, &named),
		-EEXIST);
	/* Nor what appears between the two steps. */
	assert_int_equal(open_stream(in_scratch("late"), &named), 0);
	write_text(in_scratch("late"), "precious");
	assert_int_equal(sys_listen_unix_commit(&named), -EEXIST);
	sys_listen_unix_abort(&named);
	assert_int_equal(mode_of(in_scratch("late")) & S_IFMT, S_IFREG);
	fd_close(&kept.fd);
}

static int open_over(const char *path, bool pipe, enum net_replace how,
	struct net_named *out)
{
	return pipe ? sys_listen_fifo(path, &as_is, how, out)
		    : sys_listen_unix(path, SOCK_STREAM, 10, &as_is, how, out);
}

/* Make what number I stands for at PATH; a descriptor of a live socket. */
static int be_in_the_way(unsigned i, const char *path)
{
	struct net_named named;

	if (i == 0)
		write_text(path, "old");
	else if (i == 1)
		assert_int_equal(mkfifo(path, 0600), 0);
	else if (i == 2)
		assert_int_equal(symlink("/etc/passwd", path), 0);
	else
		assert_int_equal(open_stream(path, &named), 0);
	if (i < 3)
		return -1;
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	if (i == 3)
		fd_close(&named.fd);
	return named.fd;
}

static void anything_but_a_directory_gives_way_if_asked(void **state)
{
	const char *path = in_scratch("any");
	struct net_named named;
	struct stat before;

	(void)state;
	assert_int_equal(stat("/etc/passwd", &before), 0);
	for (unsigned i = 0; i < 10; i++) {
		bool pipe = i % 2;
		int live = be_in_the_way(i / 2, path);
		mode_t mode = mode_of(path);

		assert_int_equal(
			open_over(path, pipe, NET_REPLACE_ANY, &named), 0);
		assert_int_equal(mode_of(path), mode);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		assert_int_equal(
			mode_of(path), (pipe ? S_IFIFO : S_IFSOCK) | 0600);
		fd_close(&named.fd);
		fd_close(&live);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(mode_of("/etc/passwd"), before.st_mode);
	assert_int_equal(mkdir(path, 0700), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			open_over(path, i == 1, NET_REPLACE_ANY, &named),
			-EISDIR);
	assert_int_equal(rmdir(path), 0);
	/* Nor one that is made between the two steps. */
	assert_int_equal(open_over(path, false, NET_REPLACE_ANY, &named), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(sys_listen_unix_commit(&named), -EISDIR);
	sys_listen_unix_abort(&named);
	assert_int_equal(rmdir(path), 0);
}

/* A crash left the temporary name of another kind. */
static void what_a_crash_left_gives_way_to_another_kind(void **state)
{
	const char *path = in_scratch("kind");
	struct net_named dead, named;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			open_over(path, i == 0, NET_REPLACE_ANY, &dead), 0);
		fd_close(&dead.fd);
		fd_close(&dead.directory);
		assert_int_equal(
			open_over(path, i == 1, NET_REPLACE_STALE, &named),
			-EEXIST);
		assert_int_equal(
			open_over(path, i == 1, NET_REPLACE_ANY, &named), 0);
		sys_listen_unix_abort(&named);
		assert_int_equal(mode_of(path), 0);
	}
}

static void a_stale_name_that_gives_way_is_what_a_socket_shows(void **state)
{
	const char *path = in_scratch("shown");
	struct net_named named;
	struct sockaddr_un at;
	socklen_t size = sizeof(at);

	(void)state;
	assert_int_equal(be_in_the_way(3, path), -1);
	assert_int_equal(open_over(path, false, NET_REPLACE_ANY, &named), 0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	assert_int_equal(
		getsockname(named.fd, (struct sockaddr *)&at, &size), 0);
	assert_string_equal(at.sun_path, path);
	fd_close(&named.fd);
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
	static const struct net_owner owner = {
		.uid = NOBODY, .gid = NOBODY, .mode = 0620};
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, -1};
	const char *path = in_scratch("owned");
	struct net_named named;
	struct stat st;

	(void)state;
	if (getuid() != 0)
		skip();
	for (unsigned i = 0; i < 3; i++) {
		if (types[i] < 0)
			assert_int_equal(sys_listen_fifo(path, &owner,
						 NET_REPLACE_STALE, &named),
				0);
		else
			assert_int_equal(
				sys_listen_unix(path, types[i], 9, &owner,
					NET_REPLACE_STALE, &named),
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

static gid_t group_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_gid;
}

static void a_set_gid_directory_gives_its_group_if_asked(void **state)
{
	struct net_owner owner = {.uid = NOBODY,
		.gid = NOBODY,
		.mode = 0666,
		.directory_group = true};
	const char *directory = in_scratch("set-gid");
	const char *path = in_scratch("set-gid/x");
	struct net_named named;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(mkdir(directory, 0700), 0);
	for (unsigned i = 0; i < 4; i++) {
		bool of_directory = i == 3;

		assert_int_equal(chown(directory, NOBODY, 1234), 0);
		assert_int_equal(chmod(directory, i < 2 ? 0710 : 02710), 0);
		owner.directory_group = i % 2 == 1;
		assert_int_equal(sys_listen_unix(path, SOCK_DGRAM, 0, &owner,
					 NET_REPLACE_ANY, &named),
			0);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		assert_int_equal(group_of(path), of_directory ? 1234 : NOBODY);
		assert_int_equal(chown(path, 0, 0), 0);
		assert_int_equal(
			sys_unix_protect(path, named.dev, named.ino, &owner),
			0);
		assert_int_equal(group_of(path), of_directory ? 1234 : NOBODY);
		assert_int_equal(mode_of(path), S_IFSOCK | 0666);
		fd_close(&named.fd);
	}
}

static int open_as_others(void)
{
	static const struct net_owner owner = {
		.uid = 0, .gid = 0, .mode = 0600};
	struct net_named named;

	if (become_nobody() != 0)
		return 1;
	if (sys_listen_unix(in_scratch("chown"), SOCK_STREAM, 5, &owner,
		    NET_REPLACE_STALE, &named) != -EPERM)
		return 2;
	return sys_listen_fifo(in_scratch("chown"), &owner, NET_REPLACE_STALE,
		       &named) != -EPERM;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(anything_but_a_directory_gives_way_if_asked),
		cmocka_unit_test(what_a_crash_left_gives_way_to_another_kind),
		cmocka_unit_test(
			a_stale_name_that_gives_way_is_what_a_socket_shows),
		cmocka_unit_test(a_set_gid_directory_gives_its_group_if_asked),
		cmocka_unit_test(wrong_paths_are_refused),
		cmocka_unit_test(
			owner_and_mode_are_set_before_the_first_client),
		cmocka_unit_test(what_we_may_not_own_leaves_no_trace),
		cmocka_unit_test(a_bound_socket_is_closed_to_all_at_first),
		cmocka_unit_test(a_path_longer_than_an_address_works),
		cmocka_unit_test(a_link_of_ours_to_the_directory_is_followed),
		cmocka_unit_test(only_our_own_file_is_removed),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
