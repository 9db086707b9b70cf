/* SPDX-License-Identifier: MIT */
/* What is observed of Postfix's master (3.7.11) is to be so here. */
#include "sys/lockfile.h"

#include <sys/file.h>

#include "sys/fd.h"
#include "sys/locks.h"
#include "sys_fixture.h"

static const char *problem;

static int lock(const char *path)
{
	problem = "none";
	return sys_lock_exclusive(path, 0644, &problem);
}

static void check_refused(const char *path, int error, const char *why)
{
	unsigned fds = count_fds();

	assert_int_equal(lock(path), -error);
	assert_string_equal(problem, why);
	assert_int_equal(count_fds(), fds);
}

static void a_lock_is_for_one(void **state)
{
	const char *path = in_scratch("one");
	mode_t old = umask(077);
	int pid = 0, fd;

	(void)state;
	fd = lock(path);
	(void)umask(old);
	assert_true(fd >= 0 && is_cloexec(fd));
	assert_int_equal(mode_of(path), S_IFREG | 0600);
	check_refused(path, EWOULDBLOCK, "unable to set exclusive lock");
	assert_int_equal(sys_lock_holders(path, &pid, 1), 1);
	assert_int_equal(pid, getpid());
	fd_close(&fd);
	assert_int_equal(sys_lock_holders(path, &pid, 1), 0);
	fd = lock(path); /* an existing one */
	assert_true(fd >= 0 && is_cloexec(fd));
	fd_close(&fd);
}

static void what_is_no_file_of_ours_alone_is_refused(void **state)
{
	const char *path = in_scratch("strange");

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	check_refused(path, EISDIR, "cannot open file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_refused(path, EINVAL, "file is no regular file");
	assert_int_equal(unlink(path), 0);
	write_text(path, "x");
	assert_int_equal(link(path, in_scratch("second")), 0);
	check_refused(path, EMLINK, "file has 2 hard links");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nothing", path), 0);
	check_refused(path, ENOENT, "cannot open file");
	assert_int_equal(mode_of(in_scratch("nothing")), 0);
	assert_int_equal(unlink(path), 0);
	check_refused(
		in_scratch("no/x"), ENOENT, "cannot create file exclusively");
}

static void a_link_is_followed_where_only_root_can_make_one(void **state)
{
	const char *path = in_scratch("dir/link");
	const char *directory = in_scratch("dir");
	int fd;

	(void)state;
	if (getuid() != 0)
		skip();
	write_text(in_scratch("behind"), "x");
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(symlink("../behind", path), 0);
	fd = lock(path);
	assert_true(fd >= 0);
	fd_close(&fd);
	assert_int_equal(chmod(directory, 01777), 0);
	check_refused(path, ELOOP, "file is a symbolic link");
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chown(directory, NOBODY, 0), 0);
	check_refused(path, ELOOP, "file is a symbolic link");
	assert_int_equal(chown(directory, 0, 0), 0);
	assert_int_equal(lchown(path, NOBODY, NOBODY), 0);
	check_refused(path, ELOOP, "file is a symbolic link");
}

static int from_inside(void)
{
	int fd;

	if (chdir(in_scratch("cwd")) < 0)
		return 10;
	fd = lock("here");
	if (fd < 0)
		return 11;
	fd = lock("below/here");
	if (fd < 0)
		return 12;
	return lock("here") == -EWOULDBLOCK ? 0 : 13;
}

static void a_path_may_be_relative(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_scratch("cwd"), 0755), 0);
	assert_int_equal(mkdir(in_scratch("cwd/below"), 0755), 0);
	in_a_child(from_inside);
}

static void a_pid_is_the_whole_content_in_33_bytes(void **state)
{
	const char *path = in_scratch("pid");
	int fd;
	char text[100] = "";

	(void)state;
	write_text(path, "a line that is longer than the one that will follow\n"
			 "and another\n");
	fd = lock(path);
	assert_int_equal(sys_write_pid_padded(fd, 4103), 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 33);
	assert_string_equal(text, "                            4103\n");
	assert_int_equal(sys_write_pid_padded(fd, 4194304), 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 33);
	assert_string_equal(text, "                         4194304\n");
	fd_close(&fd);
	assert_int_equal(sys_write_pid_padded(fd, 1), -EBADF);
	fd = open("/dev/full", O_RDWR);
	assert_int_equal(sys_write_pid_padded(fd, 1), -ENOSPC);
	fd_close(&fd);
}

static int act(void)
{
	gid_t groups[4];
	struct stat st;
	const char *path = in_scratch("acted/lock");

	if (chmod(scratch, 0711) < 0 || mkdir(in_scratch("acted"), 0700) < 0 ||
		chown(in_scratch("acted"), NOBODY, NOBODY) < 0)
		return 10;
	if (sys_act_as(NOBODY, 1234) != 0 || geteuid() != NOBODY ||
		getegid() != 1234 || getuid() != 0 || getgid() != 0)
		return 11;
	if (getgroups(4, groups) != 1 || groups[0] != 1234)
		return 12;
	if (open("/etc/shadow", O_RDONLY) >= 0 || lock(path) < 0)
		return 13;
	if (stat(path, &st) < 0 || st.st_uid != NOBODY || st.st_gid != 1234)
		return 14;
	/* Whoever has no way to be another stays what he was. */
	if (sys_act_as(0, 0) != -EPERM || geteuid() != 0)
		return 15;
	if (sys_act_as(NOBODY, NOBODY) != 0 || sys_act_as_root() != 0)
		return 16;
	if (geteuid() != 0 || getegid() != 0 || getgroups(4, groups) != 1 ||
		groups[0] != 0)
		return 17;
	return become_nobody() != 0 || sys_act_as(0, 0) != -EPERM ||
	       sys_act_as_root() != -EPERM;
}

static void root_acts_as_another_and_comes_back(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	in_a_child(act);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_is_for_one),
		cmocka_unit_test(what_is_no_file_of_ours_alone_is_refused),
		cmocka_unit_test(
			a_link_is_followed_where_only_root_can_make_one),
		cmocka_unit_test(a_path_may_be_relative),
		cmocka_unit_test(a_pid_is_the_whole_content_in_33_bytes),
		cmocka_unit_test(root_acts_as_another_and_comes_back),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
