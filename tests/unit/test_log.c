/* SPDX-License-Identifier: MIT */
#include "master/log.h"

#include <sys/un.h>

#include "base/number.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys_fixture.h"

#define HEAD_MAX 100

/* Time is ours: nobody here waits ten seconds for what takes them. */
static uint64_t now_ns = NS_PER_S;

uint64_t clock_now_ns(void)
{
	return now_ns;
}

struct fixture {
	int reader; /* who should take the lines; -1: nobody */
	char line[4096];
};

/* The reader of LINES: a socket that nobody reads but we. */
static int reader_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void open_postlog(bool postfix, bool utf8)
{
	log_open(&(struct log_setup){.target = LOG_POSTLOG,
		.tag = "lab/master",
		.postlog_socket = in_scratch("postlog"),
		.postlog_file = in_scratch("file"),
		.postlog_host = "here",
		.postfix = postfix,
		.utf8 = utf8});
}

static int set_up(void **state)
{
	static struct fixture f;

	if (make_scratch(state) < 0)
		return -1;
	*state = &f;
	f.reader = reader_open(in_scratch("postlog"));
	open_postlog(true, false);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	log_finish();
	log_open(&(struct log_setup){.target = LOG_STDERR});
	assert_false(log_is_waiting());
	fd_close(&f->reader);
	return remove_scratch(state);
}

/* What stands behind "tag[pid]: ". */
static const char *words_of(const char *line)
{
	const char *end = strstr(line, "]: ");

	assert_non_null(end);
	return end + 3;
}

/* The next line that the reader gets; NULL: none is there. */
static const char *next(struct fixture *f)
{
	ssize_t n = recv(f->reader, f->line, sizeof(f->line) - 1, 0);

	if (n < 0)
		return NULL;
	f->line[n] = '\0';
	return words_of(f->line);
}

static void check_next(struct fixture *f, const char *words)
{
	const char *got = next(f);

	assert_non_null(got);
	assert_string_equal(got, words);
}

/* Lines "N" of the file from FIRST on; how many. */
static unsigned check_numbers(const char *path, unsigned first)
{
	FILE *file = fopen(path, "re");
	char line[HEAD_MAX];
	unsigned n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		assert_int_equal(atoi(words_of(line)), (int)(first + n));
		n++;
	}
	(void)fclose(file);
	return n;
}

static unsigned lines_of(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned n = 0;

	if (file == NULL)
		return 0;
	for (int c = fgetc(file); c != EOF; c = fgetc(file))
		n += c == '\n';
	(void)fclose(file);
	return n;
}

/* Number lines until one has to wait; how many there are with it. */
static unsigned stop_up(void)
{
	unsigned n = 0;

	while (!log_is_waiting() && n < 100000)
		log_words(LOG_INFO, "%u", n++);
	assert_true(log_is_waiting());
	return n;
}

static void a_line_is_a_datagram_with_postfixs_head(void **state)
{
	struct fixture *f = *state;
	char month[4], rest[HEAD_MAX], expected[HEAD_MAX];
	int day, hour, minute, second;

	log_words(LOG_INFO, "reload -- version %s", "3.7.11");
	assert_non_null(next(f));
	assert_int_equal(sscanf(f->line, "%3s %2d %2d:%2d:%2d %99[^\n]", month,
				 &day, &hour, &minute, &second, rest),
		6);
	(void)snprintf(expected, sizeof(expected),
		"here lab/master[%d]: reload -- version 3.7.11", (int)getpid());
	assert_string_equal(rest, expected);
	assert_int_equal(f->line[6], ' ');
	assert_int_equal(f->line[15], ' ');
}

static void postfixs_severity_is_before_words(void **state)
{
	struct fixture *f = *state;

	log_words(LOG_INFO, "a");
	log_words(LOG_WARNING, "b");
	log_words(LOG_ERROR, "c");
	log_words(LOG_FATAL, "d");
	check_next(f, "a");
	check_next(f, "warning: b");
	check_next(f, "error: c");
	check_next(f, "fatal: d");
}

static void it_is_before_our_own_lines_too(void **state)
{
	struct fixture *f = *state;
	struct log_line line;

	log_say(MESSAGE_MASTER_FAILED, "x y");
	log_say(MESSAGE_AT_LIMIT, "z");
	log_say(MESSAGE_RECOVERED, "z");
	log_begin(&line, MESSAGE_AT_LIMIT);
	line.level = LOG_INFO;
	log_end(&line);
	check_next(f, "error: master-failed text=\"x y\"");
	check_next(f, "warning: at-limit text=z");
	check_next(f, "recovered text=z");
	check_next(f, "at-limit");
}

static void our_own_lines_are_bare_where_they_are_at_home(void **state)
{
	struct fixture *f = *state;

	open_postlog(false, false);
	log_say(MESSAGE_AT_LIMIT, "z");
	check_next(f, "at-limit text=z");
}

static void what_cannot_be_printed_becomes_a_question_mark(void **state)
{
	struct fixture *f = *state;

	log_words(LOG_INFO, "%s", "a\nb\tc\033[2Jd\177\303\251\377");
	check_next(f, "a?b?c?[2Jd????");
}

/* As Postfix has it with smtputf8_enable, but for controls among them. */
static void utf8_stays_where_that_is_wanted(void **state)
{
	struct fixture *f = *state;

	open_postlog(true, true);
	log_words(LOG_INFO, "%s",
		"\303\251\342\202\254\360\237\230\200\302\240.");
	check_next(f, "\303\251\342\202\254\360\237\230\200\302\240.");
	/* Cut short, controls, forms that are too long, surrogates, 0x110000. */
	log_words(LOG_INFO, "%s", "\303x\377\302\233.\300\257.\340\237\277");
	check_next(f, "?x???.??.???");
	log_words(LOG_INFO, "%s", "\355\240\200.\364\220\200\200.\342\202");
	check_next(f, "???.????.??");
}

static void two_thousand_bytes_of_a_line_are_kept(void **state)
{
	struct fixture *f = *state;
	static char text[3000];
	const char *got;

	memset(text, 'a', sizeof(text) - 1);
	log_words(LOG_WARNING, "%s", text);
	got = next(f);
	assert_non_null(got);
	assert_int_equal(strlen(got), strlen("warning: ") + 2000);
	memset(text, 'a', 2020);
	text[2020] = '\0';
	log_say(MESSAGE_AT_LIMIT, text);
	got = next(f);
	assert_non_null(got);
	assert_true(strlen(got) <= strlen("warning: ") + 2000);
}

static void without_a_reader_lines_go_into_the_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(in_scratch("postlog")), 0);
	log_words(LOG_INFO, "0");
	log_words(LOG_INFO, "1");
	assert_int_equal(check_numbers(in_scratch("file"), 0), 2);
	/* When there is one again it gets them. */
	fd_close(&f->reader);
	f->reader = reader_open(in_scratch("postlog"));
	log_words(LOG_INFO, "2");
	check_next(f, "2");
	assert_int_equal(lines_of(in_scratch("file")), 2);
}

static void what_a_slow_reader_leaves_waits_in_its_order(void **state)
{
	struct fixture *f = *state;
	unsigned n = stop_up() + 100;
	unsigned read = 0;

	for (unsigned i = n - 100; i < n; i++)
		log_words(LOG_INFO, "%u", i);
	while (read < n) {
		const char *got = next(f);

		if (got == NULL) {
			assert_true(log_is_waiting());
			log_flush();
			continue;
		}
		assert_int_equal(atoi(got), (int)read);
		read++;
	}
	assert_false(log_is_waiting());
	assert_null(next(f));
	assert_int_equal(mode_of(in_scratch("file")), 0);
}

static void at_the_end_what_waits_goes_into_the_file(void **state)
{
	unsigned n = stop_up();

	(void)state;
	log_words(LOG_INFO, "%u", n);
	assert_int_equal(mode_of(in_scratch("file")), 0);
	log_finish();
	assert_false(log_is_waiting());
	assert_int_equal(check_numbers(in_scratch("file"), n - 1), 2);
}

static void last_words_are_the_last_in_the_file(void **state)
{
	struct fixture *f = *state;
	unsigned n = stop_up();

	log_words_direct(LOG_INFO, "%u", n);
	assert_false(log_is_waiting());
	assert_int_equal(check_numbers(in_scratch("file"), n - 1), 2);
	/* Past a reader that is there and has room, too. */
	while (next(f) != NULL)
		;
	log_words_direct(LOG_INFO, "%u", n + 1);
	assert_null(next(f));
	assert_int_equal(check_numbers(in_scratch("file"), n - 1), 3);
}

static void what_nobody_will_read_is_taken_from_the_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned n = stop_up();

	/* All that the socket took, and what waits for room in it. */
	log_rescue(f->reader);
	assert_false(log_is_waiting());
	assert_int_equal(check_numbers(in_scratch("file"), 0), n);
	assert_null(next(f));
	/* Whoever sends may send anything. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		in_scratch("postlog"));
	assert_int_equal(
		connect(other, (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_int_equal(send(other, "", 0, 0), 0);
	assert_int_equal(send(other, "x[1]: 7\nx[1]: 9", 15, 0), 15);
	assert_int_equal(unlink(in_scratch("file")), 0);
	log_rescue(f->reader);
	assert_int_equal(lines_of(in_scratch("file")), 1);
	assert_int_equal(check_numbers(in_scratch("file"), 7), 1);
	fd_close(&other);
}

static void a_reader_that_never_reads_loses_no_line(void **state)
{
	unsigned n = stop_up();
	unsigned first = n - 1;
	uint64_t before = log_dropped();

	(void)state;
	while (mode_of(in_scratch("file")) == 0 && n < 200000)
		log_words(LOG_INFO, "%u", n++);
	log_finish();
	assert_int_equal(check_numbers(in_scratch("file"), first), n - first);
	assert_int_equal(log_dropped(), before);
}

static void lines_wait_ten_seconds_and_no_longer(void **state)
{
	unsigned n = stop_up();

	(void)state;
	now_ns += 9 * NS_PER_S;
	log_flush();
	assert_true(log_is_waiting());
	now_ns += 2 * NS_PER_S;
	log_flush();
	assert_false(log_is_waiting());
	assert_int_equal(check_numbers(in_scratch("file"), n - 1), 1);
}

static void what_was_lost_is_told(void **state)
{
	struct fixture *f = *state;
	uint64_t before = log_dropped();

	/* Nobody reads and the file cannot be had. */
	assert_int_equal(unlink(in_scratch("postlog")), 0);
	assert_int_equal(mkdir(in_scratch("file"), 0700), 0);
	log_words(LOG_INFO, "gone");
	assert_int_equal(log_dropped(), before + 1);
	fd_close(&f->reader);
	f->reader = reader_open(in_scratch("postlog"));
	log_words(LOG_INFO, "here");
	log_flush();
	check_next(f, "warning: log-lost lines=1");
	check_next(f, "here");
}

static void at_the_end_what_was_lost_is_told_too(void **state)
{
	char line[HEAD_MAX];
	FILE *file;

	(void)state;
	assert_int_equal(unlink(in_scratch("postlog")), 0);
	assert_int_equal(mkdir(in_scratch("file"), 0700), 0);
	log_words(LOG_INFO, "gone");
	assert_int_equal(rmdir(in_scratch("file")), 0);
	log_finish();
	file = fopen(in_scratch("file"), "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_string_equal(words_of(line), "warning: log-lost lines=1\n");
	(void)fclose(file);
}

static void what_waits_goes_the_new_way(void **state)
{
	unsigned n = stop_up();

	(void)state;
	log_open(&(struct log_setup){.target = LOG_POSTLOG,
		.tag = "lab/master",
		.postlog_socket = in_scratch("nobody"),
		.postlog_file = in_scratch("other"),
		.postlog_host = "here",
		.postfix = true});
	log_words(LOG_INFO, "%u", n);
	assert_false(log_is_waiting());
	assert_int_equal(check_numbers(in_scratch("other"), n - 1), 2);
}

static void facilities_have_the_numbers_of_syslog(void **state)
{
	(void)state;
	assert_int_equal(log_facility("mail"), 2);
	assert_int_equal(log_facility("daemon"), 3);
	assert_int_equal(log_facility("authpriv"), 10);
	assert_int_equal(log_facility("ftp"), 11);
	assert_int_equal(log_facility("local0"), 16);
	assert_int_equal(log_facility("local7"), 23);
	assert_int_equal(log_facility("local8"), -1);
	assert_int_equal(log_facility("Mail"), -1);
	assert_int_equal(log_facility(""), -1);
}

static void it_is_known_whose_socket_the_lines_go_through(void **state)
{
	(void)state;
	assert_true(log_goes_through(in_scratch("postlog")));
	assert_false(log_goes_through(in_scratch("other")));
	log_open(&(struct log_setup){.target = LOG_STDERR});
	assert_false(log_goes_through(in_scratch("postlog")));
	assert_false(log_goes_through(""));
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(a_line_is_a_datagram_with_postfixs_head),
		LOG_TEST(postfixs_severity_is_before_words),
		LOG_TEST(it_is_before_our_own_lines_too),
		LOG_TEST(our_own_lines_are_bare_where_they_are_at_home),
		LOG_TEST(what_cannot_be_printed_becomes_a_question_mark),
		LOG_TEST(utf8_stays_where_that_is_wanted),
		LOG_TEST(two_thousand_bytes_of_a_line_are_kept),
		LOG_TEST(without_a_reader_lines_go_into_the_file),
		LOG_TEST(what_a_slow_reader_leaves_waits_in_its_order),
		LOG_TEST(at_the_end_what_waits_goes_into_the_file),
		LOG_TEST(last_words_are_the_last_in_the_file),
		LOG_TEST(what_nobody_will_read_is_taken_from_the_socket),
		LOG_TEST(a_reader_that_never_reads_loses_no_line),
		LOG_TEST(lines_wait_ten_seconds_and_no_longer),
		LOG_TEST(what_was_lost_is_told),
		LOG_TEST(at_the_end_what_was_lost_is_told_too),
		LOG_TEST(what_waits_goes_the_new_way),
		LOG_TEST(facilities_have_the_numbers_of_syslog),
		LOG_TEST(it_is_known_whose_socket_the_lines_go_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
