/* SPDX-License-Identifier: MIT */
#include <sys/un.h>

#include "net_fixture.h"
#include "sys/fd.h"
#include "sys/net.h"

/* A start's sockets: in place before the commit, in half the calls. */

static struct net_nearby nearby = {.directory = -1};

static int open_now(const char *path, int type, const struct net_owner *owner,
	struct net_named *out)
{
	return sys_listen_unix_at_once(&nearby, path, type, 10, owner, out);
}

static void it_is_reached_before_the_commit(void **state)
{
	struct wake_target target = {
		.kind = WAKE_UNIX, .path = in_scratch("reached")};
	struct net_named named;
	struct stat st;

	(void)state;
	assert_int_equal(open_now(target.path, SOCK_STREAM, &as_is, &named), 0);
	assert_int_equal(lstat(target.path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	assert_true(st.st_dev == named.dev && st.st_ino == named.ino);
	assert_true(is_nonblocking(named.fd) && is_cloexec(named.fd));
	check_reached(named.fd, &target);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	sys_listen_unix_abort(&named);
	assert_int_equal(named.fd, -1);
	assert_int_equal(mode_of(target.path), S_IFSOCK | 0600);
}

static void an_abort_takes_it_away(void **state)
{
	const char *path = in_scratch("abort");
	struct net_named named;
	unsigned fds;

	(void)state;
	net_nearby_finish(&nearby);
	fds = count_fds();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			open_now(path, i == 0 ? SOCK_STREAM : SOCK_DGRAM,
				&as_is, &named),
			0);
		sys_listen_unix_abort(&named);
		sys_listen_unix_abort(&named);
		assert_int_equal(mode_of(path), 0);
	}
	net_nearby_finish(&nearby);
	net_nearby_finish(&nearby);
	assert_int_equal(count_fds(), fds);
}

static void another_file_of_its_name_stays(void **state)
{
	const char *path = in_scratch("exchanged");
	struct net_named named;

	(void)state;
	assert_int_equal(open_now(path, SOCK_STREAM, &as_is, &named), 0);
	assert_int_equal(rename(path, in_scratch("aside")), 0);
	write_text(path, "precious");
	sys_listen_unix_abort(&named);
	assert_int_equal(mode_of(path) & S_IFMT, S_IFREG);
}

static void what_is_there_is_left_to_the_careful_way(void **state)
{
	const char *path = in_scratch("there");
	struct net_named first, second;

	(void)state;
	assert_int_equal(open_now(path, SOCK_DGRAM, &as_is, &first), 0);
	assert_int_equal(sys_listen_unix_commit(&first), 0);
	fd_close(&first.fd);
	assert_int_equal(
		open_now(path, SOCK_DGRAM, &as_is, &second), -EADDRINUSE);
	assert_int_equal(mode_of(path), S_IFSOCK | 0600);
}

static void each_has_its_own_directory(void **state)
{
	const char *paths[] = {
		in_scratch("a/x"), in_scratch("a/y"), in_scratch("b/x")};
	struct net_named named;

	(void)state;
	assert_int_equal(mkdir(in_scratch("a"), 0700), 0);
	assert_int_equal(mkdir(in_scratch("b"), 0700), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			open_now(paths[i], SOCK_STREAM, &as_is, &named), 0);
		assert_int_equal(mode_of(paths[i]), S_IFSOCK | 0600);
		assert_int_equal(sys_listen_unix_commit(&named), 0);
		fd_close(&named.fd);
	}
	assert_int_equal(
		open_now(in_scratch("no/x"), SOCK_STREAM, &as_is, &named),
		-ENOENT);
	assert_int_equal(
		open_now(in_scratch("a/"), SOCK_STREAM, &as_is, &named),
		-EISDIR);
}

static void a_strangers_link_to_the_directory_is_not_followed(void **state)
{
	struct net_named named;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(mkdir(in_scratch("far"), 0700), 0);
	assert_int_equal(symlink("far", in_scratch("link")), 0);
	assert_int_equal(lchown(in_scratch("link"), NOBODY, NOBODY), 0);
	assert_int_equal(
		open_now(in_scratch("link/x"), SOCK_STREAM, &as_is, &named),
		-ENOTDIR);
	assert_int_equal(mode_of(in_scratch("far/x")), 0);
}

/* Whatever the mask is, whoever makes it, and whatever the directory gives. */
static void owner_and_mode_are_as_wanted(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	const char *directory = in_scratch("owned");
	const char *path = in_scratch("owned/x");
	mode_t mask = umask(077);
	struct net_named named;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(directory, 0700), 0);
	for (unsigned i = 0; getuid() == 0 && i < 16; i++) {
		struct net_owner owner = {.uid = i & 1 ? NOBODY : 0,
			.gid = i & 2 ? NOBODY : 0,
			.mode = 0666,
			.directory_group = (i & 4) != 0};
		bool set_gid = i >= 8;

		net_nearby_finish(&nearby);
		assert_int_equal(chown(directory, 0, 1234), 0);
		assert_int_equal(chmod(directory, set_gid ? 02710 : 0710), 0);
		assert_int_equal(
			open_now(path, types[i % 2], &owner, &named), 0);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFSOCK | 0666);
		assert_int_equal(st.st_uid, owner.uid);
		assert_int_equal(st.st_gid,
			set_gid && owner.directory_group ? 1234 : owner.gid);
		sys_listen_unix_abort(&named);
	}
	assert_int_equal(umask(mask), 077);
}

static void a_path_longer_than_an_address_works(void **state)
{
	char path[700];
	struct wake_target target = {.kind = WAKE_UNIX, .path = path};
	struct net_named named;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s",
		in_scratch("a-directory-with-a-name-that-is-rather-long-but-"
			   "not-more-than-may-be-and-still-longer-than-107"));
	assert_int_equal(mkdir(path, 0700), 0);
	(void)strcat(path, "/x");
	assert_int_equal(open_now(path, SOCK_STREAM, &as_is, &named), 0);
	check_reached(named.fd, &target);
	sys_listen_unix_abort(&named);
	assert_int_equal(mode_of(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_reached_before_the_commit),
		cmocka_unit_test(an_abort_takes_it_away),
		cmocka_unit_test(another_file_of_its_name_stays),
		cmocka_unit_test(what_is_there_is_left_to_the_careful_way),
		cmocka_unit_test(each_has_its_own_directory),
		cmocka_unit_test(
			a_strangers_link_to_the_directory_is_not_followed),
		cmocka_unit_test(owner_and_mode_are_as_wanted),
		cmocka_unit_test(a_path_longer_than_an_address_works),
	};
	int failed =
		cmocka_run_group_tests(tests, make_scratch, remove_scratch);

	net_nearby_finish(&nearby);
	return failed;
}
