/* SPDX-License-Identifier: MIT */
#include <sys/un.h>

#include "base/number.h"
#include "conf/mastercf.h"
#include "core/action.h"
#include "core/view.h"
#include "master/log.h"
#include "master/master.h"
#include "master/postfix_shell.h"
#include "master/services.h"
#include "master/workers.h"
#include "sys/fd.h"
#include "sys/spawn.h"
#include "sys_fixture.h"
#include "table/service.h"

/* ---- what the words are about -------------------------------------------- */

static struct endpoint endpoint;
static struct postfix_service entry;
static struct view_service view;
static struct last_death death;
static struct master master;
static char said[65536];

const struct postfix_service *postfix_entry(
	const struct master *of, uint32_t service)
{
	assert_ptr_equal(of, &master);
	return service == 3 ? &entry : NULL;
}

bool core_view_service(const struct core *core, uint32_t service,
	uint64_t now_ns, struct view_service *out)
{
	(void)core;
	assert_int_equal(service, 3);
	assert_int_equal(now_ns, master.now_ns);
	*out = view;
	return true;
}

const struct last_death *worker_death(uint32_t slot, uint32_t serial)
{
	return slot == 1 && serial == 2 ? &death : NULL;
}

const struct last_death *worker_failed_start(uint32_t service)
{
	return service == 3 && death.stage != 0 ? &death : NULL;
}

const char *service_name(const struct master *of, uint32_t id)
{
	(void)of;
	(void)id;
	return "smtp/inet";
}

/* All lines since the last time, without what is before "tag[pid]: ". */
static const char *lines(void)
{
	FILE *file;
	char line[4096];
	size_t n = 0;

	said[0] = '\0';
	log_flush();
	file = fopen(in_scratch("file"), "re");
	if (file == NULL)
		return said;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *words = strstr(line, "]: ");

		assert_non_null(words);
		n += (size_t)snprintf(
			said + n, sizeof(said) - n, "%s", words + 3);
		assert_true(n < sizeof(said));
	}
	(void)fclose(file);
	assert_int_equal(unlink(in_scratch("file")), 0);
	return said;
}

static int set_up(void **state)
{
	if (make_scratch(state) < 0)
		return -1;
	endpoint = (struct endpoint){.kind = ENDPOINT_INET};
	entry = (struct postfix_service){.name = "smtp",
		.canonical = "25",
		.title = "smtp/inet",
		.path = "/d/smtpd",
		.has_stress = true,
		.endpoints = &endpoint,
		.endpoints_n = 1};
	view = (struct view_service){.cause = CAUSE_NONE};
	death = (struct last_death){.pid = 77, .end = {.code = 3}};
	/* A second of its own for each: deaths are counted by the second. */
	master.now_ns += 2 * NS_PER_S;
	log_open(&(struct log_setup){.target = LOG_POSTLOG,
		.tag = "lab/master",
		.postlog_socket = in_scratch("postlog"),
		.postlog_file = in_scratch("file"),
		.postlog_host = "here",
		.postfix = true});
	return 0;
}

static int tear_down(void **state)
{
	log_open(&(struct log_setup){.target = LOG_STDERR});
	return remove_scratch(state);
}

static bool notice(enum notice what, uint64_t number)
{
	struct action action = {.kind = ACTION_NOTICE,
		.notice = what,
		.service = 3,
		.slot = 1,
		.serial = 2,
		.number = number};

	return postfix_say_notice(&master, &action);
}

/* ---- notices -------------------------------------------------------------- */

static void a_death_is_told_in_postfixs_words(void **state)
{
	(void)state;
	assert_true(notice(NOTICE_DIED, 0));
	assert_string_equal(
		lines(), "warning: process /d/smtpd pid 77 exit status 3\n");
	death.end = (struct child_end){.signal = 11};
	assert_true(notice(NOTICE_DIED, 0));
	assert_string_equal(lines(),
		"warning: process /d/smtpd pid 77 killed by signal 11\n");
}

/* Who reads the log counts them. */
static void of_many_deaths_every_one_is_told(void **state)
{
	const char *text;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 250; i++)
		assert_true(notice(NOTICE_DIED, 0));
	text = lines();
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	assert_int_equal(n, 250);
}

static void an_early_end_is_a_bad_startup(void **state)
{
	(void)state;
	view = (struct view_service){.cause = CAUSE_EARLY_EXIT, .code = 1};
	assert_true(notice(NOTICE_THROTTLED, NS_PER_S));
	assert_string_equal(lines(),
		"warning: /d/smtpd: bad command startup -- throttling\n");
	view = (struct view_service){.cause = CAUSE_EARLY_EXIT, .signal = 9};
	assert_true(notice(NOTICE_THROTTLED, NS_PER_S));
	assert_string_equal(lines(),
		"warning: /d/smtpd: bad command startup -- throttling\n");
}

/* And the usual line is written. */
static void what_postfix_does_not_know_it_has_no_words_for(void **state)
{
	const enum notice others[] = {NOTICE_RECOVERED, NOTICE_NO_SLOTS,
		NOTICE_SUSPECT, NOTICE_DEAF, NOTICE_START_TIMEOUT, NOTICE_STUCK,
		NOTICE_TERM};

	(void)state;
	view = (struct view_service){.cause = CAUSE_EARLY_EXIT, .code = 0};
	assert_false(notice(NOTICE_THROTTLED, NS_PER_S));
	view = (struct view_service){.cause = CAUSE_START_RATE};
	assert_false(notice(NOTICE_THROTTLED, NS_PER_S));
	view = (struct view_service){
		.cause = CAUSE_START_FAILED, .stage = STAGE_LISTENER};
	assert_false(notice(NOTICE_THROTTLED, NS_PER_S));
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(notice(others[i], 1));
	assert_string_equal(lines(), "");
}

static void a_failed_exec_is_told_as_child_and_master_would(void **state)
{
	(void)state;
	death.stage = SPAWN_STAGE_EXEC;
	view = (struct view_service){.cause = CAUSE_START_FAILED,
		.stage = SPAWN_STAGE_EXEC,
		.error = ENOENT};
	assert_true(notice(NOTICE_THROTTLED, NS_PER_S));
	assert_string_equal(lines(),
		"fatal: master_spawn: exec /d/smtpd: "
		"No such file or directory\n"
		"warning: process /d/smtpd pid 77 exit status 1\n"
		"warning: /d/smtpd: bad command startup -- throttling\n");
}

static void other_failed_starts_name_their_stage(void **state)
{
	(void)state;
	view = (struct view_service){.cause = CAUSE_START_FAILED,
		.stage = SPAWN_STAGE_FORK,
		.error = EAGAIN};
	assert_true(notice(NOTICE_THROTTLED, NS_PER_S));
	view.stage = SPAWN_STAGE_FDS;
	view.error = EMFILE;
	assert_true(notice(NOTICE_THROTTLED, NS_PER_S));
	view.stage = SPAWN_STAGE_DIRECTORY;
	view.error = EACCES;
	assert_true(notice(NOTICE_THROTTLED, NS_PER_S));
	assert_string_equal(lines(),
		"warning: master_spawn: fork: Resource temporarily "
		"unavailable -- throttling\n"
		"warning: master_spawn: fork: Too many open files "
		"-- throttling\n"
		"warning: master_spawn: directory: Permission denied "
		"-- throttling\n");
}

static void the_limit_is_three_lines_for_remote_clients(void **state)
{
	(void)state;
	assert_true(notice(NOTICE_AT_LIMIT, 2));
	assert_string_equal(lines(),
		"warning: service \"smtp\" (25) has reached its process limit "
		"\"2\": new clients may experience noticeable delays\n"
		"warning: to avoid this condition, increase the process count "
		"in master.cf or reduce the service time per client\n"
		"warning: see http://www.postfix.org/STRESS_README.html for "
		"examples of stress-adapting configuration settings\n");
	entry.has_stress = false;
	assert_true(notice(NOTICE_AT_LIMIT, 2));
	assert_string_equal(lines(), "at-limit service=smtp/inet limit=2\n");
}

/* ---- gossip and wake-ups ------------------------------------------------- */

static bool gossip(struct gossip_words words)
{
	words.pid = 77;
	return postfix_say_gossip(&master, 3, &words);
}

static void a_message_of_less_than_twelve_bytes_is_partial(void **state)
{
	(void)state;
	assert_true(gossip((struct gossip_words){.what = "size", .bytes = 1}));
	assert_true(gossip((struct gossip_words){.what = "size", .bytes = 11}));
	assert_string_equal(lines(),
		"warning: service smtp(25): child (pid 77) sent partial status "
		"update (1 bytes)\n"
		"warning: service smtp(25): child (pid 77) sent partial status "
		"update (11 bytes)\n");
	assert_false(gossip((struct gossip_words){.what = "size", .bytes = 0}));
	assert_false(
		gossip((struct gossip_words){.what = "size", .bytes = 13}));
	assert_string_equal(lines(), "");
}

/* Observed: Postfix writes it as GENERATION has it. */
static void a_wrong_generation_is_told_in_octal(void **state)
{
	(void)state;
	assert_true(gossip((struct gossip_words){
		.what = "generation", .bytes = 12, .generation = 12}));
	assert_string_equal(lines(),
		"ignoring status update from child pid 77 generation 14\n");
}

static void a_wrong_status_is_told_with_the_numbers_in_place(void **state)
{
	(void)state;
	assert_true(gossip((struct gossip_words){
		.what = "status", .bytes = 12, .status = -9}));
	assert_string_equal(lines(),
		"warning: master_status_event: ignoring unknown status: -9 "
		"allegedly from pid: 77\n");
}

static void a_wrong_pid_has_no_words_there(void **state)
{
	(void)state;
	assert_false(gossip((struct gossip_words){.what = "pid", .bytes = 12}));
	assert_false(gossip((struct gossip_words){.what = "sender"}));
	assert_string_equal(lines(), "");
}

static void a_failed_wake_up_is_told_in_postfixs_words(void **state)
{
	(void)state;
	assert_true(postfix_say_wake(&master, 3, ECONNREFUSED));
	assert_string_equal(lines(),
		"warning: master_wakeup_timer_event: service smtp(25): "
		"Connection refused\n");
}

/* ---- for both ------------------------------------------------------------ */

static void what_is_no_entry_has_the_usual_words(void **state)
{
	struct action action = {
		.kind = ACTION_NOTICE, .notice = NOTICE_AT_LIMIT, .service = 4};
	struct gossip_words words = {.what = "status"};

	(void)state;
	assert_false(postfix_say_notice(&master, &action));
	assert_false(postfix_say_gossip(&master, 4, &words));
	assert_false(postfix_say_wake(&master, 4, ECONNREFUSED));
	assert_string_equal(lines(), "");
}

/* Who does not read what is wrong with himself. */
static void words_about_who_writes_the_log_go_past_him(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int reader =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char line[512];

	(void)state;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		in_scratch("postlog"));
	assert_int_equal(
		bind(reader, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(notice(NOTICE_DIED, 0));
	assert_string_equal(lines(), "");
	assert_true(recv(reader, line, sizeof(line), 0) > 0);
	endpoint = (struct endpoint){
		.kind = ENDPOINT_DGRAM, .path = address.sun_path};
	assert_true(notice(NOTICE_DIED, 0));
	assert_string_equal(
		lines(), "warning: process /d/smtpd pid 77 exit status 3\n");
	assert_int_equal(recv(reader, line, sizeof(line), 0), -1);
	fd_close(&reader);
}

#define WORDS_TEST(name)                                                       \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORDS_TEST(a_death_is_told_in_postfixs_words),
		WORDS_TEST(of_many_deaths_every_one_is_told),
		WORDS_TEST(an_early_end_is_a_bad_startup),
		WORDS_TEST(what_postfix_does_not_know_it_has_no_words_for),
		WORDS_TEST(a_failed_exec_is_told_as_child_and_master_would),
		WORDS_TEST(other_failed_starts_name_their_stage),
		WORDS_TEST(the_limit_is_three_lines_for_remote_clients),
		WORDS_TEST(a_message_of_less_than_twelve_bytes_is_partial),
		WORDS_TEST(a_wrong_generation_is_told_in_octal),
		WORDS_TEST(a_wrong_status_is_told_with_the_numbers_in_place),
		WORDS_TEST(a_wrong_pid_has_no_words_there),
		WORDS_TEST(a_failed_wake_up_is_told_in_postfixs_words),
		WORDS_TEST(what_is_no_entry_has_the_usual_words),
		WORDS_TEST(words_about_who_writes_the_log_go_past_him),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
