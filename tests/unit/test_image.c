/* SPDX-License-Identifier: MIT */
#include "sys/image.h"

#include "sys/child.h"
#include "sys/fd.h"
#include "sys_fixture.h"

#define LONG_NS (UINT64_C(60) * 1000000000)

/* What comes after us: a shell that says which cause it was given. */
static char cause[] = "CAUSE=00";
static char shell[] = "/bin/sh";
static char option[] = "-c";
static char exit_with[] = "exit $(echo $CAUSE | sed s/^0//)";
static char say_it[] = "echo $CAUSE >&9";
static char path[] = "PATH=/usr/bin:/bin";
static char *envp[] = {cause, path, NULL};
static char *exits[] = {shell, option, exit_with, NULL};
static char *says[] = {shell, option, say_it, NULL};

static char *digits(void)
{
	return cause + strlen(cause) - IMAGE_CAUSE_DIGITS;
}

static int arm(uint64_t patience_ns)
{
	const struct image_call call = {
		.path = shell, .fd = -1, .argv = exits, .envp = envp};

	return sys_fallback_arm(&call, digits(), patience_ns);
}

static int status_of(int (*child)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		_exit(child());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void what_is_written_to_memory_is_read_and_never_changed(void **state)
{
	int fd = sys_memory_file("state\n", 6);
	char *bytes;
	size_t n;

	(void)state;
	assert_true(fd >= 0);
	assert_true(is_cloexec(fd));
	assert_int_equal(sys_memory_read(fd, &bytes, &n, 100), 0);
	assert_int_equal(n, 6);
	assert_string_equal(bytes, "state\n");
	free(bytes);
	assert_int_equal(sys_memory_read(fd, &bytes, &n, 5), -EFBIG);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	fd_close(&fd);
}

static void a_program_is_asked_for_by_its_whole_path(void **state)
{
	const char *problem;

	(void)state;
	assert_int_equal(sys_image_check("/bin/sh", false, &problem), 0);
	assert_int_equal(sys_image_check("bin/sh", false, &problem), -EINVAL);
	assert_int_equal(
		sys_image_check(in_scratch("none"), false, &problem), -ENOENT);
	assert_int_equal(sys_image_check("/tmp", false, &problem), -EISDIR);
	write_text(in_scratch("plain"), "");
	assert_int_equal(chmod(in_scratch("plain"), 0600), 0);
	assert_int_equal(
		sys_image_check(in_scratch("plain"), false, &problem), -EACCES);
	assert_true(strlen(problem) > 0);
}

static void root_runs_nothing_that_others_may_write(void **state)
{
	const char *problem;

	(void)state;
	if (geteuid() != 0) {
		skip();
		return;
	}
	write_text(in_scratch("program"), "");
	assert_int_equal(chmod(in_scratch("program"), 0755), 0);
	assert_int_equal(
		sys_image_check(in_scratch("program"), false, &problem), 0);
	assert_int_equal(chmod(in_scratch("program"), 0775), 0);
	assert_int_equal(
		sys_image_check(in_scratch("program"), false, &problem),
		-EPERM);
	assert_int_equal(
		sys_image_check(in_scratch("program"), true, &problem), 0);
	assert_int_equal(chmod(in_scratch("program"), 0755), 0);
	assert_int_equal(chown(in_scratch("program"), NOBODY, 0), 0);
	assert_int_equal(
		sys_image_check(in_scratch("program"), false, &problem),
		-EPERM);
	assert_int_equal(chown(in_scratch("program"), 0, 0), 0);
	assert_int_equal(chmod(scratch, 0777), 0);
	assert_int_equal(
		sys_image_check(in_scratch("program"), false, &problem),
		-EPERM);
	assert_int_equal(chmod(scratch, 0700), 0);
}

static int crash(void)
{
	if (arm(LONG_NS) < 0)
		return 1;
	(void)raise(SIGSEGV);
	return 2;
}

static int abort_it(void)
{
	if (arm(LONG_NS) < 0)
		return 1;
	abort();
}

static int be_silent(void)
{
	if (arm(1000000) < 0)
		return 1;
	for (;;)
		pause();
}

static int refuse(void)
{
	if (arm(LONG_NS) < 0)
		return 1;
	(void)sys_fallback_now(IMAGE_CAUSE_REFUSED);
	return 2;
}

static int be_well(void)
{
	static sigset_t before, after; /* all of their bytes are zero */

	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	if (arm(LONG_NS) < 0)
		return 1;
	sys_fallback_disarm();
	(void)sigprocmask(SIG_SETMASK, NULL, &after);
	return memcmp(&before, &after, sizeof(before)) == 0 ? 42 : 2;
}

static void who_crashes_or_hangs_is_who_was_before(void **state)
{
	(void)state;
	assert_int_equal(status_of(crash), SIGSEGV);
	assert_int_equal(status_of(abort_it), SIGABRT);
	assert_int_equal(status_of(be_silent), IMAGE_CAUSE_SILENCE);
	assert_int_equal(status_of(refuse), IMAGE_CAUSE_REFUSED);
	assert_int_equal(status_of(be_well), 42);
}

/* ---- the guardian ---- */

static uint64_t guard_ns;

static int start_guardian(struct guardian *guardian)
{
	const struct image_call call = {
		.path = shell, .fd = -1, .argv = says, .envp = envp};

	return sys_guardian_start(&call, digits(), guard_ns, guardian);
}

static int die(void)
{
	struct guardian guardian;

	return start_guardian(&guardian) < 0 ? 1 : 0;
}

static int release(void)
{
	struct guardian guardian;

	if (start_guardian(&guardian) < 0)
		return 1;
	sys_guardian_release(&guardian);
	return guardian.pid == 0 ? 42 : 2;
}

static int hang(void)
{
	struct guardian guardian;

	if (start_guardian(&guardian) < 0)
		return 1;
	for (;;)
		pause();
}

/* What is said on descriptor 9 when all who hold it are gone. */
static const char *hear(int (*child)(void), int *status)
{
	static char heard[64];
	size_t n = 0;
	ssize_t got;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		if (dup2(ends[1], 9) != 9)
			_exit(3);
		(void)close(ends[0]);
		(void)close(ends[1]);
		_exit(child());
	}
	(void)close(ends[1]);
	assert_int_equal(waitpid(pid, status, 0), pid);
	while ((got = read(ends[0], heard + n, sizeof(heard) - 1 - n)) > 0)
		n += (size_t)got;
	(void)close(ends[0]);
	heard[n] = '\0';
	return heard;
}

static void a_guardian_follows_who_dies_or_hangs_and_nobody_else(void **state)
{
	int status;

	(void)state;
	guard_ns = LONG_NS;
	assert_string_equal(hear(die, &status), "99\n");
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(hear(release, &status), "");
	assert_int_equal(WEXITSTATUS(status), 42);
	guard_ns = 1000000;
	assert_string_equal(hear(hang, &status), "99\n");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* ---- a rehearsal ---- */

static char *rehearse(const char *script, int *status)
{
	char command[256];
	char *argv[] = {shell, option, command, NULL};
	int input = sys_memory_file("words", 5);
	struct rehearsal rehearsal;
	char *said;
	size_t n;

	(void)snprintf(command, sizeof(command), "%s", script);
	assert_true(input >= 0);
	assert_int_equal(sys_rehearse(shell, argv, envp, input, &rehearsal), 0);
	assert_int_equal(waitpid(rehearsal.pid, status, 0), rehearsal.pid);
	assert_int_equal(sys_memory_read(rehearsal.said, &said, &n, 1000), 0);
	fd_close(&rehearsal.pidfd);
	fd_close(&rehearsal.said);
	fd_close(&input);
	return said;
}

static void who_rehearses_reads_three_and_has_nothing_else(void **state)
{
	int open_here = open("/dev/null", O_RDONLY);
	int status;
	char *said;

	(void)state;
	said = rehearse("cat <&3; echo; echo bad >&2; exit 7", &status);
	assert_string_equal(said, "words\nbad\n");
	assert_int_equal(WEXITSTATUS(status), 7);
	free(said);
	said = rehearse("for i in /proc/self/fd/*; do echo ${i##*/}; done | "
			"sort -n | tail -n +5 | wc -l",
		&status);
	/* The shell itself may have one or two open to look. */
	assert_true(atoi(said) <= 2);
	free(said);
	fd_close(&open_here);
}

static void who_rehearses_says_no_more_than_a_bit(void **state)
{
	char flood[] = "while echo 0123456789012345678901234567890123456789; "
		       "do :; done; exit 1";
	char *argv[] = {shell, option, flood, NULL};
	int input = sys_memory_file("words", 5);
	struct rehearsal rehearsal;
	struct stat st;
	int status;

	(void)state;
	assert_int_equal(sys_rehearse(shell, argv, envp, input, &rehearsal), 0);
	assert_int_equal(waitpid(rehearsal.pid, &status, 0), rehearsal.pid);
	assert_int_not_equal(status, 0);
	assert_int_equal(fstat(rehearsal.said, &st), 0);
	assert_int_equal(st.st_size, 5 + (1 << 20));
	fd_close(&rehearsal.pidfd);
	fd_close(&rehearsal.said);
	fd_close(&input);
}

static void who_rehearses_leaves_nobody_behind(void **state)
{
	char command[] = "sleep 1000 & echo $!";
	char *argv[] = {shell, option, command, NULL};
	int input = sys_memory_file("words", 5);
	struct rehearsal rehearsal;
	struct pollfd end = {.events = POLLIN};
	char *said;
	size_t n;

	(void)state;
	assert_int_equal(sys_rehearse(shell, argv, envp, input, &rehearsal), 0);
	end.fd = rehearsal.pidfd;
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	assert_int_equal(sys_memory_read(rehearsal.said, &said, &n, 1000), 0);
	end.fd = sys_child_open(atoi(said));
	assert_true(end.fd >= 0);
	assert_int_equal(poll(&end, 1, 0), 0);
	sys_rehearsal_kill(&rehearsal);
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	assert_int_equal(waitpid(rehearsal.pid, NULL, 0), rehearsal.pid);
	free(said);
	fd_close(&end.fd);
	fd_close(&rehearsal.pidfd);
	fd_close(&rehearsal.said);
	fd_close(&input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_written_to_memory_is_read_and_never_changed),
		cmocka_unit_test_setup_teardown(
			a_program_is_asked_for_by_its_whole_path, make_scratch,
			remove_scratch),
		cmocka_unit_test_setup_teardown(
			root_runs_nothing_that_others_may_write, make_scratch,
			remove_scratch),
		cmocka_unit_test(who_crashes_or_hangs_is_who_was_before),
		cmocka_unit_test(
			a_guardian_follows_who_dies_or_hangs_and_nobody_else),
		cmocka_unit_test(
			who_rehearses_reads_three_and_has_nothing_else),
		cmocka_unit_test(who_rehearses_says_no_more_than_a_bit),
		cmocka_unit_test(who_rehearses_leaves_nobody_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
