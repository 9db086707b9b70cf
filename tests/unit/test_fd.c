/* SPDX-License-Identifier: MIT */
#include "sys/fd.h"

#include <sys/resource.h>
#include <sys/un.h>

#include "sys/limits.h"
#include "sys/notify.h"
#include "sys_fixture.h"

/* ---- descriptors -------------------------------------------------------------------- */

static void a_scope_closes_what_was_not_taken(void **state)
{
	int kept = -1, lost = -1, wrong = 999;

	(void)state;
	{
		AUTO_CLOSE int taken = sys_open_null();
		AUTO_CLOSE int left = sys_open_null();
		AUTO_CLOSE int none = -1;

		(void)none;
		lost = left;
		kept = fd_take(&taken);
		assert_int_equal(taken, -1);
	}
	assert_int_equal(fcntl(lost, F_GETFD), -1);
	assert_true(fcntl(kept, F_GETFD) >= 0);
	errno = ENOTTY;
	fd_close(&kept);
	fd_close(&kept);
	fd_close(&wrong);
	assert_int_equal(kept, -1);
	assert_int_equal(errno, ENOTTY);
}

static void a_copy_is_above_and_is_not_inherited(void **state)
{
	AUTO_CLOSE int fd = sys_open_null();
	AUTO_CLOSE int copy = fd_above(fd, 77);
	int closed = 999;

	(void)state;
	assert_true(is_cloexec(fd));
	assert_true(copy >= 77);
	assert_true(is_cloexec(copy));
	assert_int_equal(fd_above(closed, 3), -EBADF);
}

static void flags_go_on_and_off(void **state)
{
	AUTO_CLOSE int fd = sys_open_null();

	(void)state;
	assert_int_equal(fd_nonblocking(fd, true), 0);
	assert_true(is_nonblocking(fd));
	assert_int_equal(fd_nonblocking(fd, true), 0);
	assert_int_equal(fd_nonblocking(fd, false), 0);
	assert_false(is_nonblocking(fd));
	assert_int_equal(fd_inherit(fd, true), 0);
	assert_false(is_cloexec(fd));
	assert_int_equal(fd_inherit(fd, false), 0);
	assert_true(is_cloexec(fd));
	assert_int_equal(fd_nonblocking(999, true), -EBADF);
}

static void a_pipe_carries_bytes_and_says_when_it_is_empty(void **state)
{
	int ends[2];
	char text[8] = "";

	(void)state;
	assert_int_equal(sys_pipe(ends, true), 0);
	assert_true(is_cloexec(ends[0]) && is_cloexec(ends[1]));
	assert_int_equal(sys_read(ends[0], text, sizeof(text)), -EAGAIN);
	assert_int_equal(sys_write(ends[1], "abc", 3), 3);
	assert_int_equal(sys_read(ends[0], text, sizeof(text)), 3);
	assert_string_equal(text, "abc");
	fd_close(&ends[1]);
	assert_int_equal(sys_read(ends[0], text, sizeof(text)), 0);
	fd_close(&ends[0]);
	assert_int_equal(sys_pipe(ends, false), 0);
	assert_false(is_nonblocking(ends[0]));
	fd_close(&ends[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sys_write(ends[1], "abc", 3), -EPIPE);
	(void)signal(SIGPIPE, SIG_DFL);
	fd_close(&ends[1]);
}

/* ---- files ---------------------------------------------------------------------------- */

static void a_file_is_read_whole(void **state)
{
	AUTO_FREE char *text = NULL;
	size_t n = 99;
	const char *path = in_scratch("whole");

	(void)state;
	write_text(path, "one\ntwo\n");
	assert_int_equal(sys_read_file(path, &text, &n, 8), 0);
	assert_int_equal(n, 8);
	assert_string_equal(text, "one\ntwo\n");
}

static void an_empty_file_is_an_empty_text(void **state)
{
	AUTO_FREE char *text = NULL;
	size_t n = 99;
	const char *path = in_scratch("empty");

	(void)state;
	write_text(path, "");
	assert_int_equal(sys_read_file(path, &text, &n, 10), 0);
	assert_int_equal(n, 0);
	assert_string_equal(text, "");
}

static void a_file_that_hides_its_size_is_read_whole(void **state)
{
	AUTO_FREE char *text = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(
		sys_read_file("/proc/self/status", &text, &n, 1 << 16), 0);
	assert_true(n > 500);
	assert_int_equal(text[n], '\0');
	assert_int_equal(text[n - 1], '\n');
	assert_non_null(strstr(text, "\nSigCgt:"));
	assert_int_equal(
		sys_read_file("/proc/self/status", &text, &n, 100), -EFBIG);
}

static void what_is_no_plain_file_is_not_read(void **state)
{
	char *text = NULL;
	size_t n = 0;
	const char *fifo = in_scratch("fifo");
	const char *large = in_scratch("large");

	(void)state;
	write_text(large, "123456789");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(sys_read_file(large, &text, &n, 8), -EFBIG);
	assert_int_equal(sys_read_file(fifo, &text, &n, 8), -EINVAL);
	assert_int_equal(sys_read_file(scratch, &text, &n, 8), -EISDIR);
	assert_int_equal(
		sys_read_file(in_scratch("none"), &text, &n, 8), -ENOENT);
	assert_null(text);
}

static void a_lock_is_held_by_one(void **state)
{
	const char *path = in_scratch("lock");
	int first = sys_lock_file(path, 0644);
	int again;

	(void)state;
	assert_true(first >= 0);
	assert_true(is_cloexec(first));
	assert_int_equal(mode_of(path) & 07777, 0644);
	assert_int_equal(sys_lock_file(path, 0644), -EWOULDBLOCK);
	fd_close(&first);
	again = sys_lock_file(path, 0644);
	assert_true(again >= 0);
	fd_close(&again);
}

static void a_lock_is_a_plain_file_with_one_name(void **state)
{
	const char *real = in_scratch("real"), *soft = in_scratch("soft");
	const char *hard = in_scratch("hard"), *fifo = in_scratch("lock-fifo");

	(void)state;
	write_text(real, "");
	assert_int_equal(symlink(real, soft), 0);
	assert_int_equal(sys_lock_file(soft, 0600), -ELOOP);
	assert_int_equal(link(real, hard), 0);
	assert_int_equal(sys_lock_file(hard, 0600), -EINVAL);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(sys_lock_file(fifo, 0600), -EINVAL);
	assert_int_equal(sys_lock_file(scratch, 0600), -EISDIR);
}

static void a_pid_file_has_the_newest_pid_alone(void **state)
{
	const char *path = in_scratch("pid");
	AUTO_CLOSE int fd = sys_lock_file(path, 0644);
	AUTO_FREE char *text = NULL;
	size_t n;
	int null = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(sys_write_pid(fd, 1234567), 0);
	assert_int_equal(sys_write_pid(fd, 42), 0);
	assert_int_equal(sys_read_file(path, &text, &n, 100), 0);
	assert_string_equal(text, "42\n");
	assert_int_equal(sys_write_pid(null, 42), -ENOSPC);
	fd_close(&null);
}

static void a_directory_is_made_once(void **state)
{
	const char *path = in_scratch("directory");
	const char *file = in_scratch("no-directory");
	const char *soft = in_scratch("soft-directory");

	(void)state;
	write_text(file, "");
	assert_int_equal(sys_make_directory(path, 0700), 0);
	assert_int_equal(sys_make_directory(path, 0755), 0);
	assert_int_equal(mode_of(path) & 07777, 0700);
	assert_int_equal(sys_make_directory(file, 0700), -ENOTDIR);
	assert_int_equal(symlink(path, soft), 0);
	assert_int_equal(sys_make_directory(soft, 0700), -ELOOP);
	assert_int_equal(sys_make_directory(in_scratch("a/b"), 0700), -ENOENT);
}

static void a_directory_of_others_is_refused(void **state)
{
	const char *path = in_scratch("checked");
	const char *soft = in_scratch("soft-checked");

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(sys_check_directory(path), 0);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(sys_check_directory(path), -EPERM);
	assert_int_equal(chmod(path, 0757), 0);
	assert_int_equal(sys_check_directory(path), -EPERM);
	assert_int_equal(chmod(path, 01777), 0);
	assert_int_equal(sys_check_directory(path), 0);
	assert_int_equal(symlink(path, soft), 0);
	assert_int_equal(sys_check_directory(soft), -ELOOP);
	assert_int_equal(sys_check_directory("/dev/null"), -ENOTDIR);
	assert_int_equal(sys_check_directory(in_scratch("gone")), -ENOENT);
	if (getuid() != 0)
		return;
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(sys_check_directory(path), -EPERM);
}

/* ---- limits, and a word to the manager -------------------------------------------------- */

static int raise_limit(void)
{
	struct rlimit limit = {64, 256};
	uint64_t now = 0, before = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1;
	if (sys_nofile(&now, &before) != 0 || now != 256 || before != 64)
		return 2;
	return getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != 256;
}

static void the_soft_limit_becomes_the_hard_one(void **state)
{
	(void)state;
	in_a_child(raise_limit);
}

static int listen_for_notes(const char *path, socklen_t size)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, size);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&at,
			(socklen_t)offsetof(struct sockaddr_un, sun_path) +
				size),
		0);
	return fd;
}

static void the_manager_hears_what_is_said(void **state)
{
	const char *path = in_scratch("notify");
	char text[64] = "", name[32] = "";
	int fd = listen_for_notes(path, (socklen_t)strlen(path) + 1);
	int abstract;

	(void)state;
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	assert_int_equal(sys_notify("READY=1\nSTATUS=all is well"), 1);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 26);
	assert_string_equal(text, "READY=1\nSTATUS=all is well");
	fd_close(&fd);
	(void)snprintf(name, sizeof(name), "@ostler-test-%d", (int)getpid());
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	name[0] = '\0';
	abstract = listen_for_notes(name, (socklen_t)strlen(name + 1) + 1);
	assert_int_equal(sys_notify("STOPPING=1"), 1);
	assert_int_equal(recv(abstract, text, sizeof(text), MSG_DONTWAIT), 10);
	fd_close(&abstract);
}

static void without_a_manager_nothing_is_said(void **state)
{
	char path[200];

	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(sys_notify("READY=1"), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
	assert_int_equal(sys_notify("READY=1"), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	assert_int_equal(sys_notify("READY=1"), -EINVAL);
	assert_int_equal(setenv("NOTIFY_SOCKET", in_scratch("deaf"), 1), 0);
	assert_int_equal(sys_notify("READY=1"), -ENOENT);
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	assert_int_equal(sys_notify("READY=1"), -ENAMETOOLONG);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_closes_what_was_not_taken),
		cmocka_unit_test(a_copy_is_above_and_is_not_inherited),
		cmocka_unit_test(flags_go_on_and_off),
		cmocka_unit_test(
			a_pipe_carries_bytes_and_says_when_it_is_empty),
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(an_empty_file_is_an_empty_text),
		cmocka_unit_test(a_file_that_hides_its_size_is_read_whole),
		cmocka_unit_test(what_is_no_plain_file_is_not_read),
		cmocka_unit_test(a_lock_is_held_by_one),
		cmocka_unit_test(a_lock_is_a_plain_file_with_one_name),
		cmocka_unit_test(a_pid_file_has_the_newest_pid_alone),
		cmocka_unit_test(a_directory_is_made_once),
		cmocka_unit_test(a_directory_of_others_is_refused),
		cmocka_unit_test(the_soft_limit_becomes_the_hard_one),
		cmocka_unit_test(the_manager_hears_what_is_said),
		cmocka_unit_test(without_a_manager_nothing_is_said),
	};

	(void)umask(022);
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
