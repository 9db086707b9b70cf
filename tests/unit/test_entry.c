/* SPDX-License-Identifier: MIT */
#include "sys/entry.h"

#include <sys/file.h>

#include "sys/fd.h"
#include "sys/run.h"
#include "sys_fixture.h"

static const char *in(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", scratch, name);
	return path;
}

static void write_file(const char *name, mode_t mode)
{
	AUTO_CLOSE int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	assert_int_equal(fchmod(fd, mode), 0);
}

static unsigned count(void)
{
	struct stat st;
	unsigned n = 0;
	static const char *const names[] = {
		"a", "b", "c", "a.ostler-new", "b.ostler-new", "c.ostler-new"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		n += lstat(in(names[i]), &st) == 0;
	return n;
}

static void an_entry_is_what_it_is_and_not_where_it_leads(void **state)
{
	struct entry entry;

	(void)state;
	assert_int_equal(sys_entry(in("a"), &entry), 0);
	assert_int_equal(entry.kind, ENTRY_NONE);
	assert_int_equal(sys_entry("/dev/null/x", &entry), 0);
	assert_int_equal(entry.kind, ENTRY_NONE);
	write_file("a", 0644);
	assert_int_equal(sys_entry(in("a"), &entry), 0);
	assert_int_equal(entry.kind, ENTRY_FILE);
	assert_int_equal(symlink("nowhere", in("b")), 0);
	assert_int_equal(sys_entry(in("b"), &entry), 0);
	assert_int_equal(entry.kind, ENTRY_LINK);
	assert_string_equal(entry.target, "nowhere");
	assert_int_equal(sys_entry("/dev/null", &entry), 0);
	assert_int_equal(entry.kind, ENTRY_OTHER);
}

static void a_name_gets_another_file_and_keeps_no_leftover(void **state)
{
	struct entry a, b;

	(void)state;
	write_file("a", 0644);
	write_file("b", 0644);
	assert_int_equal(sys_replace_by_file(in("b"), in("a")), 0);
	assert_int_equal(sys_entry(in("a"), &a), 0);
	assert_int_equal(sys_entry(in("b"), &b), 0);
	assert_true(entry_is_same(&a, &b));
	assert_int_equal(count(), 2);
	/* rename() does nothing with two names of one file. */
	assert_int_equal(sys_replace_by_file(in("b"), in("a")), 0);
	assert_int_equal(count(), 2);
	assert_int_equal(sys_replace_by_link(in("b"), "target"), 0);
	assert_int_equal(sys_entry(in("b"), &b), 0);
	assert_string_equal(b.target, "target");
	assert_false(entry_is_same(&a, &b));
	assert_int_equal(sys_replace_by_file(in("c"), in("none")), -ENOENT);
	assert_int_equal(count(), 2);
}

static void a_name_gets_a_copy_that_can_be_run(void **state)
{
	struct stat st;

	(void)state;
	write_file("a", 0600);
	write_file("b", 0600);
	assert_int_equal(sys_files_equal(in("a"), in("b")), 0);
	assert_int_equal(sys_file_has(in("b"), "b"), 1);
	assert_int_equal(sys_file_has(in("b"), "a"), 0);
	assert_int_equal(sys_file_has(in("c"), "a"), -ENOENT);
	assert_int_equal(sys_replace_by_copy(in("b"), in("a")), 0);
	assert_int_equal(sys_files_equal(in("a"), in("b")), 1);
	assert_int_equal(sys_files_equal(in("a"), in("c")), -ENOENT);
	assert_int_equal(stat(in("b"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(sys_replace_by_copy(in("b"), in("c")), -ENOENT);
	assert_int_equal(sys_files_equal(in("a"), in("b")), 1);
	assert_int_equal(count(), 2);
}

static void what_was_interrupted_is_swept(void **state)
{
	(void)state;
	write_file("a", 0644);
	write_file("a.ostler-new", 0644);
	assert_int_equal(sys_sweep_entry(in("a")), 0);
	assert_int_equal(count(), 1);
	assert_int_equal(sys_sweep_entry(in("a")), 0);
	write_file("a.ostler-new", 0644);
	assert_int_equal(sys_replace_by_link(in("a"), "target"), 0);
	assert_int_equal(count(), 1);
}

static void a_scratch_directory_is_new_and_ours(void **state)
{
	char first[PATH_MAX], second[PATH_MAX], small[8];
	struct stat st;

	(void)state;
	assert_int_equal(setenv("TMPDIR", scratch, 1), 0);
	assert_int_equal(sys_make_scratch(first, sizeof(first)), 0);
	assert_int_equal(sys_make_scratch(second, sizeof(second)), 0);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_string_not_equal(first, second);
	assert_memory_equal(first, scratch, strlen(scratch));
	assert_int_equal(stat(first, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(sys_remove_directory(first), 0);
	assert_int_equal(sys_remove_directory(second), 0);
	assert_int_equal(sys_remove_directory(second), -ENOENT);
	assert_int_equal(sys_make_scratch(small, sizeof(small)), -ENAMETOOLONG);
}

static void a_program_that_others_can_change_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_file("a", 0755);
	assert_int_equal(sys_check_program(in("a")), 0);
	assert_int_equal(chmod(in("a"), 0775), 0);
	assert_int_equal(sys_check_program(in("a")), -EPERM);
	assert_int_equal(chmod(in("a"), 0755), 0);
	assert_int_equal(chown(in("a"), 65534, 0), 0);
	assert_int_equal(sys_check_program(in("a")), -EPERM);
	assert_int_equal(chown(in("a"), 0, 0), 0);
	assert_int_equal(chmod(scratch, 0777), 0);
	assert_int_equal(sys_check_program(in("a")), -EPERM);
	assert_int_equal(chmod(scratch, 0700), 0);
	assert_int_equal(symlink(in("a"), in("b")), 0);
	assert_int_equal(sys_check_program(in("b")), 0);
	assert_int_equal(sys_check_program(in("c")), -ENOENT);
	assert_int_equal(sys_check_program(scratch), -EISDIR);
}

static void locks_of_others_are_seen(void **state)
{
	AUTO_CLOSE int fd = -1;

	(void)state;
	assert_int_equal(sys_is_flocked(in("a")), 0);
	write_file("a", 0600);
	fd = open(in("a"), O_RDWR | O_CLOEXEC);
	assert_int_equal(sys_is_flocked(in("a")), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(sys_is_flocked(in("a")), 1);
}

static int run(
	const char *const *argv, const char *setting, char *out, size_t size)
{
	const struct run run = {.argv = argv,
		.setting = setting,
		.stderr_to = RUN_STDERR_TOO,
		.out = out,
		.size = size};

	return sys_run(&run);
}

static void a_program_is_run_and_its_words_and_end_are_told(void **state)
{
	const char *const say[] = {"sh", "-c",
		"echo $LC_ALL $X; echo two >&2; read a || exit 7", NULL};
	const char *const die[] = {"sh", "-c", "kill -9 $$", NULL};
	const char *const much[] = {
		"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x", NULL};
	const char *const none[] = {"ostler-no-such-program", NULL};
	char out[64];

	(void)state;
	assert_int_equal(setenv("X", "old", 1), 0);
	assert_int_equal(run(say, "X=new", out, sizeof(out)), 7);
	assert_string_equal(out, "C new\ntwo\n");
	assert_int_equal(run(die, NULL, out, sizeof(out)), 128 + 9);
	assert_int_equal(run(much, NULL, out, sizeof(out)), 0);
	assert_int_equal(strlen(out), sizeof(out) - 1);
	assert_int_equal(run(none, NULL, out, sizeof(out)), -ENOENT);
}

static void processes_are_found_by_what_they_were_called(void **state)
{
	int from = 0;
	int pid = fork();

	(void)state;
	if (pid == 0) {
		execl("/bin/sleep", "ostler-sleeper", "60", (char *)NULL);
		_exit(1);
	}
	while (from == 0)
		(void)sys_find_process(&from, "ostler-sleeper");
	assert_int_equal(from, pid);
	assert_int_equal(sys_find_process(&from, "ostler-sleeper"), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_entry_is_what_it_is_and_not_where_it_leads,
			make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(
			a_name_gets_another_file_and_keeps_no_leftover,
			make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(
			a_name_gets_a_copy_that_can_be_run, make_scratch,
			remove_scratch),
		cmocka_unit_test_setup_teardown(what_was_interrupted_is_swept,
			make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(
			a_scratch_directory_is_new_and_ours, make_scratch,
			remove_scratch),
		cmocka_unit_test_setup_teardown(
			a_program_that_others_can_change_is_refused,
			make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(
			locks_of_others_are_seen, make_scratch, remove_scratch),
		cmocka_unit_test(
			a_program_is_run_and_its_words_and_end_are_told),
		cmocka_unit_test(processes_are_found_by_what_they_were_called),
	};

	(void)umask(022);
	(void)alarm(30);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
