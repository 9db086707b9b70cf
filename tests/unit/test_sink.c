/* SPDX-License-Identifier: MIT */
#include "sys/sink.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/un.h>
#include <time.h>

#include "net_fixture.h"
#include "sys/fd.h"

#define INFO 6

static struct sink sink;

static void open_postlog(const char *socket_path, const char *file)
{
	sink_open_postlog(&sink, &(struct sink_postlog){.socket = socket_path,
					 .file = file,
					 .host = "lab",
					 .tag = "postfix/master"});
}

static int write_text_to(
	int (*how)(struct sink *, int, const char *, size_t), const char *text)
{
	return how(&sink, INFO, text, strlen(text));
}

static int say(const char *text)
{
	return write_text_to(sink_write, text);
}

/* One named socket for datagrams, as postlogd has. */
static int listen_at(const char *path)
{
	struct net_named named;

	assert_int_equal(sys_listen_unix(path, SOCK_DGRAM, 0, &as_is,
				 NET_REPLACE_SOCKET, &named),
		0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	return named.fd;
}

/* "Nov 22 15:03:53 lab postfix/master[30649]: " and TEXT, as of now; a clock may be set. */
static bool is_line(const char *line, const char *before, const char *text)
{
	time_t now = time(NULL);

	for (time_t at = now + 100; at > now - 100; at--) {
		char want[400], stamp[40];
		struct tm tm;

		(void)localtime_r(&at, &tm);
		(void)strftime(stamp, sizeof(stamp), "%b %d %H:%M:%S", &tm);
		(void)snprintf(want, sizeof(want),
			"%s%s lab postfix/master[%d]: %s", before, stamp,
			(int)getpid(), text);
		if (strcmp(line, want) == 0)
			return true;
	}
	return false;
}

static void check_received(int fd, const char *text)
{
	char line[600] = "";
	int n = sys_read(fd, line, sizeof(line) - 1);

	assert_true(n > 0);
	if (!is_line(line, "", text))
		fail_msg("'%s' is not a line of '%s'", line, text);
}

static char *content(const char *path)
{
	char *text = NULL;
	size_t n;

	assert_int_equal(sys_read_file(path, &text, &n, 100000), 0);
	return text;
}

static void check_content(const char *path, const char *text)
{
	char *now = content(path);

	if (!is_line(now, "", text))
		fail_msg("'%s' is not a line of '%s'", now, text);
	free(now);
	assert_int_equal(unlink(path), 0);
}

static void a_line_is_one_datagram_to_postlogd(void **state)
{
	const char *path = in_scratch("postlog"), *file = in_scratch("log");
	unsigned fds = count_fds();
	int fd = listen_at(path);

	(void)state;
	open_postlog(path, file);
	assert_int_equal(say("daemon started"), 0);
	check_received(fd, "daemon started");
	assert_int_equal(say("warning: two"), 0);
	assert_int_equal(say("three"), 0);
	check_received(fd, "warning: two");
	check_received(fd, "three");
	assert_int_equal(mode_of(file), 0);
	fd_close(&fd);
	sink_close(&sink);
	assert_int_equal(count_fds(), fds);
}

static void a_line_that_postlogd_cannot_have_is_appended(void **state)
{
	const char *path = in_scratch("gone"), *file = in_scratch("log");
	mode_t old = umask(077);
	int fd;

	(void)state;
	open_postlog(path, file);
	assert_int_equal(say("nobody"), 0); /* no socket */
	assert_int_equal(mode_of(file), S_IFREG | 0600);
	check_content(file, "nobody\n");
	fd = listen_at(path);
	assert_int_equal(say("there"), 0);
	check_received(fd, "there");
	fd_close(&fd);
	assert_int_equal(say("stale"), 0); /* a socket without anybody */
	check_content(file, "stale\n");
	fd = listen_at(path);
	assert_int_equal(say("again"), 0);
	check_received(fd, "again");
	(void)umask(022);
	assert_int_equal(
		write_text_to(sink_write_direct, "terminating on signal 15"),
		0);
	assert_int_equal(mode_of(file), S_IFREG | 0644);
	check_content(file, "terminating on signal 15\n");
	assert_int_equal(sys_readable(fd), 0);
	(void)umask(old);
	fd_close(&fd);
	sink_close(&sink);
}

static void the_socket_at_the_path_is_the_one_to_tell(void **state)
{
	const char *path = in_scratch("moved"), *file = in_scratch("log");
	int old = listen_at(path), fd;

	(void)state;
	open_postlog(path, file);
	assert_int_equal(say("one"), 0);
	fd = listen_at(path); /* while the old one is still held */
	assert_int_equal(say("two"), 0);
	check_received(old, "one");
	check_received(fd, "two");
	fd_close(&old);
	fd_close(&fd);
	sink_close(&sink);
}

static void a_line_that_has_to_wait_is_kept(void **state)
{
	const char *path = in_scratch("full"), *file = in_scratch("log");
	int fd = listen_at(path), n = 0, result;

	(void)state;
	open_postlog(path, file);
	while ((result = say("much")) == 0 && n < 100000)
		n++;
	assert_int_equal(result, -EAGAIN);
	assert_int_equal(mode_of(file), 0);
	assert_int_equal(write_text_to(sink_write_direct, "past it"), 0);
	check_content(file, "past it\n");
	check_received(fd, "much");
	assert_int_equal(say("more"), 0);
	fd_close(&fd);
	sink_close(&sink);
}

/* Nobody could read more than so much. */
static void what_is_too_long_for_a_datagram_is_appended(void **state)
{
	const char *path = in_scratch("long"), *file = in_scratch("log");
	size_t n = 4 << 20;
	char *text = calloc(1, n);
	int fd = listen_at(path);
	struct stat st;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	open_postlog(path, file);
	assert_int_equal(sink_write(&sink, INFO, text, n), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_true(st.st_size > (off_t)n);
	assert_int_equal(unlink(file), 0);
	free(text);
	fd_close(&fd);
	sink_close(&sink);
}

static int write_to_stdout(int theirs, int ours, bool full)
{
	char line[600] = "";
	int n = 0, result;

	if (dup2(theirs, STDOUT_FILENO) < 0)
		return 10;
	open_postlog(in_scratch("none"), "/dev/stdout");
	if (say("on stdout") != 0)
		return 11;
	if (sys_read(ours, line, sizeof(line) - 1) <= 0 ||
		!is_line(line, "", "on stdout\n"))
		return 12;
	while (full && (result = say("much")) == 0 && n < 100000)
		n++;
	/* And it has not made what others share non-blocking. */
	return full && (result != -EAGAIN || is_nonblocking(theirs)) ? 13 : 0;
}

static int stdout_is_a_pipe(void)
{
	int ends[2];

	(void)signal(SIGPIPE, SIG_IGN);
	return sys_pipe(ends, false) < 0
		       ? 1
		       : write_to_stdout(ends[1], ends[0], true);
}

static int stdout_is_a_socket(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0
		       ? 1
		       : write_to_stdout(ends[1], ends[0], true);
}

static int stdout_is_a_file(void)
{
	const char *path = in_scratch("stdout");
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	int ours = open(path, O_RDONLY);

	return write_to_stdout(fd, ours, false);
}

static void postlogd_s_file_may_be_stdout(void **state)
{
	(void)state;
	in_a_child(stdout_is_a_pipe);
	in_a_child(stdout_is_a_socket);
	in_a_child(stdout_is_a_file);
}

static void what_cannot_be_appended_is_said(void **state)
{
	(void)state;
	open_postlog(in_scratch("none"), in_scratch("none/log"));
	assert_int_equal(say("lost"), -ENOENT);
	open_postlog(in_scratch("none"), scratch);
	assert_int_equal(say("lost"), -EISDIR);
	open_postlog(in_scratch("none"), "/dev/full");
	assert_int_equal(say("lost"), -ENOSPC);
	sink_close(&sink);
	assert_int_equal(say("nowhere"), 0);
	assert_int_equal(write_text_to(sink_write_direct, "nowhere"), 0);
}

static void a_long_tag_is_whole(void **state)
{
	const char *path = in_scratch("tag"), *file = in_scratch("log");
	char tag[SINK_TAG_MAX + 50], line[600] = "";
	int fd = listen_at(path);

	(void)state;
	memset(tag, 't', sizeof(tag));
	tag[sizeof(tag) - 1] = '\0';
	sink_open_postlog(&sink, &(struct sink_postlog){.socket = path,
					 .file = file,
					 .host = "lab",
					 .tag = tag});
	assert_int_equal(say("text"), 0);
	assert_true(sys_read(fd, line, sizeof(line) - 1) > 0);
	tag[SINK_TAG_MAX] = '\0';
	assert_non_null(strstr(line, tag));
	assert_non_null(strstr(line, "]: text"));
	fd_close(&fd);
	sink_close(&sink);
}

/* A /dev of our own, with a logger. */
static int log_to_syslog(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), number = 0, at_text = 0;
	char line[300] = "";

	if (unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("ours", "/dev", "tmpfs", 0, NULL) < 0)
		return 77;
	sink_open_syslog(&sink, "postfix/master", 2);
	if (say("too early") != -EAGAIN)
		return 10;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return 11;
	if (say("hello") != 0 || write_text_to(sink_write_direct, "bye") != 0)
		return 12;
	if (sys_read(fd, line, sizeof(line) - 1) <= 0)
		return 13;
	if (sscanf(line, "<22>%*3s %*d %*d:%*d:%*d postfix/master[%d]: %n",
		    &number, &at_text) != 1 ||
		number != getpid() || strcmp(line + at_text, "hello") != 0)
		return 14;
	return 0;
}

static void syslog_is_told_the_facility_and_the_tag(void **state)
{
	int status = -1;
	int pid = fork();

	(void)state;
	if (pid == 0) {
		(void)alarm(20);
		_exit(log_to_syslog());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		return; /* no namespace of mounts for us */
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_datagram_to_postlogd),
		cmocka_unit_test(a_line_that_postlogd_cannot_have_is_appended),
		cmocka_unit_test(the_socket_at_the_path_is_the_one_to_tell),
		cmocka_unit_test(a_line_that_has_to_wait_is_kept),
		cmocka_unit_test(what_is_too_long_for_a_datagram_is_appended),
		cmocka_unit_test(postlogd_s_file_may_be_stdout),
		cmocka_unit_test(what_cannot_be_appended_is_said),
		cmocka_unit_test(a_long_tag_is_whole),
		cmocka_unit_test(syslog_is_told_the_facility_and_the_tag),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
