/* SPDX-License-Identifier: MIT */
#include "worker_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* One client at a time: when it speaks, and when it leaves. */

/* ------------------------------------------------- what is promised */

static void the_first_word_is_avail(void **state)
{
	(void)state;
	start(ostler_single_main);
	expect_words("A");
	be_client();
	expect_words("TA");
	expect_silence();
}

/* A word of the program's own, to see what comes after it. */
static int speak(struct ostler_worker *worker, void *context)
{
	(void)worker;
	(void)context;
	return master_notify((int)getpid(), GENERATION, MASTER_STAT_TAKEN);
}

static int fail_to_start(struct ostler_worker *worker, void *context)
{
	(void)worker;
	(void)context;
	return 1;
}

static void a_failed_init_is_a_failed_start_without_a_word(void **state)
{
	(void)state;
	m.options.init = fail_to_start;
	start(ostler_single_main);
	expect_exit(1);
	expect_words(".");
}

static void init_comes_before_the_first_word(void **state)
{
	(void)state;
	m.options.init = speak;
	start(ostler_single_main);
	expect_words("TA");
}

/* B4: a queue is served without a word in between. */
static void clients_that_wait_are_served_without_a_word(void **state)
{
	int clients[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		ask(clients[i] = connect_client());
	start(ostler_single_main);
	for (int i = 0; i < 10; i++)
		expect_answer(clients[i]);
	expect_words("ATA");
	expect_silence();
}

static void an_idle_worker_leaves_when_it_is_retired(void **state)
{
	(void)state;
	start(ostler_single_main);
	expect_words("A");
	retire();
	expect_exit(0);
	expect_words(".");
}

static void a_client_accepted_before_retirement_is_served(void **state)
{
	int client = connect_client();

	(void)state;
	start(ostler_single_main);
	expect_words("AT");
	retire();
	ask(client);
	expect_answer(client);
	expect_exit(0);
}

/* B4: between clients it looks at descriptor 5 every 16 clients. */
static void retirement_is_noticed_in_the_middle_of_a_long_queue(void **state)
{
	int clients[60], served = 0;

	(void)state;
	for (int i = 0; i < 60; i++)
		clients[i] = connect_client();
	start(ostler_single_main);
	expect_words("AT");
	retire();
	for (int i = 0; i < 60; i++)
		ask(clients[i]);
	expect_exit(0);
	for (int i = 0; i < 60; i++) {
		char byte;

		served += recv(clients[i], &byte, 1, MSG_DONTWAIT) == 1;
		(void)close(clients[i]);
	}
	assert_in_range(served, 1, 17);
}

static void avail_that_nobody_hears_means_leave(void **state)
{
	int client = connect_client();

	(void)state;
	start(ostler_single_main);
	expect_words("AT");
	hang_up();
	ask(client);
	expect_answer(client);
	expect_exit(0);
}

/* The same where only the failure tells: descriptor 5 is not readable. */
static void an_avail_that_fails_is_enough_to_leave(void **state)
{
	int client = connect_client();

	(void)state;
	start(ostler_single_main);
	expect_words("AT");
	assert_return_code(shutdown(m.channel, SHUT_RD), errno);
	ask(client);
	expect_answer(client);
	expect_exit(0);
}

/* Both come at once: the client has woken us, so it is ours. */
static void a_client_is_served_though_taken_cannot_be_said(void **state)
{
	int client, how;

	(void)state;
	start(ostler_single_main);
	expect_words("A");
	(void)kill(m.pid, SIGSTOP);
	assert_int_equal(waitpid(m.pid, &how, WUNTRACED), m.pid);
	client = connect_client();
	ask(client);
	hang_up();
	(void)kill(m.pid, SIGCONT);
	expect_answer(client);
	expect_exit(0);
}

static void max_use_is_the_last_client_and_no_avail_follows(void **state)
{
	(void)state;
	m.options.max_use = 3;
	start(ostler_single_main);
	expect_words("A");
	for (int i = 0; i < 2; i++) {
		be_client();
		expect_words("TA");
	}
	be_client();
	expect_words("T");
	expect_exit(0);
	expect_words(".");
}

static void max_use_ends_a_run_in_a_queue(void **state)
{
	int clients[5];

	(void)state;
	m.options.max_use = 3;
	for (int i = 0; i < 5; i++)
		ask(clients[i] = connect_client());
	start(ostler_single_main);
	for (int i = 0; i < 3; i++)
		expect_answer(clients[i]);
	expect_exit(0);
	expect_words("AT.");
	(void)close(clients[3]);
	(void)close(clients[4]);
}

static void an_idle_worker_leaves_after_max_idle(void **state)
{
	(void)state;
	m.options.max_idle_ms = 30;
	start(ostler_single_main);
	be_client();
	expect_exit(0);
	expect_words("ATA.");
}

static void options_lift_the_masters_limits(void **state)
{
	(void)state;
	assert_return_code(setenv("OSTLER_MAX_USE", "1", 1), errno);
	m.options.max_use = OSTLER_NO_LIMIT;
	start(ostler_single_main);
	assert_return_code(unsetenv("OSTLER_MAX_USE"), errno);
	expect_words("A");
	be_client();
	expect_words("TA");
	be_client();
	expect_words("TA");
}

/* Catalogue 5: 278 messages fill the channel; clients must not wait for it. */
static void a_master_that_does_not_read_stops_nobody(void **state)
{
	char last = 'T';

	(void)state;
	start(ostler_single_main);
	for (int i = 0; i < 600; i++)
		be_client();
	while (last != '.') { /* now it reads: the newest word comes at last */
		struct pollfd p = {.fd = m.channel, .events = POLLIN};

		if (poll(&p, 1, last == 'A' ? 300 : PATIENCE_MS) == 0)
			break;
		last = next_word();
	}
	assert_int_equal(last, 'A');
}

/* Catalogue 47. Eight descriptors: 0 to 6 and the epoll set. */
static void without_descriptors_it_says_taken_and_tries_again(void **state)
{
	struct rlimit more = {64, 4096};
	int client = connect_client();

	(void)state;
	m.nofile = 8;
	start(ostler_single_main);
	expect_words("AT");
	ask(client);
	assert_return_code(prlimit(m.pid, RLIMIT_NOFILE, &more, NULL), errno);
	expect_answer(client);
	expect_words("A");
	retire();
	expect_exit(0);
}

static void a_busy_listener_does_not_starve_the_other(void **state)
{
	int busy[10], other;

	(void)state;
	open_second();
	m.options.max_use = 2;
	for (int i = 0; i < 10; i++)
		ask(busy[i] = connect_client());
	ask(other = connect_second());
	start(ostler_single_main);
	expect_answer(other);
	expect_exit(0);
	for (int i = 0; i < 10; i++)
		(void)close(busy[i]);
}

/* ------------------------------------------------- layer 1 */

static int notify_alone(
	int argc, char **argv, const struct ostler_options *options)
{
	(void)argc;
	(void)argv;
	(void)options;
	(void)signal(SIGPIPE, SIG_DFL);
	if (master_notify((int)getpid(), GENERATION, MASTER_STAT_TAKEN) != 0)
		return 3;
	if (master_notify((int)getpid(), GENERATION, 7) != -1 ||
		errno != EINVAL)
		return 4;
	pass_gate(); /* now nobody listens */
	if (master_notify((int)getpid(), GENERATION, MASTER_STAT_AVAIL) != -1 ||
		errno != EPIPE)
		return 5;
	return 0; /* and no SIGPIPE */
}

static void master_notify_tells_when_nobody_listens(void **state)
{
	(void)state;
	m.type = SOCK_STREAM; /* a packet socket raises no SIGPIPE anyway */
	open_gate();
	start(notify_alone);
	expect_words("T");
	await_input(m.gate[0]);
	hang_up();
	let_pass();
	expect_exit(0);
}

/* ------------------------------------------------- under Postfix */

/* B4: a cycle for the first client, and one per 100 of a run. */
static void postfixs_master_hears_a_word_now_and_then(void **state)
{
	int clients[250];

	(void)state;
	m.type = SOCK_STREAM;
	m.options.max_use = OSTLER_NO_LIMIT;
	for (int i = 0; i < 250; i++)
		ask(clients[i] = connect_client());
	start(ostler_single_main);
	for (int i = 0; i < 250; i++)
		expect_answer(clients[i]);
	/* First, the first; then 100, 100, and the end of the queue. */
	expect_words("ATATATATA");
	expect_silence();
	retire();
	expect_exit(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_word_is_avail),
		TEST(a_failed_init_is_a_failed_start_without_a_word),
		TEST(init_comes_before_the_first_word),
		TEST(clients_that_wait_are_served_without_a_word),
		TEST(an_idle_worker_leaves_when_it_is_retired),
		TEST(a_client_accepted_before_retirement_is_served),
		TEST(retirement_is_noticed_in_the_middle_of_a_long_queue),
		TEST(avail_that_nobody_hears_means_leave),
		TEST(an_avail_that_fails_is_enough_to_leave),
		TEST(a_client_is_served_though_taken_cannot_be_said),
		TEST(max_use_is_the_last_client_and_no_avail_follows),
		TEST(max_use_ends_a_run_in_a_queue),
		TEST(an_idle_worker_leaves_after_max_idle),
		TEST(options_lift_the_masters_limits),
		TEST(a_master_that_does_not_read_stops_nobody),
		TEST(without_descriptors_it_says_taken_and_tries_again),
		TEST(a_busy_listener_does_not_starve_the_other),
		TEST(master_notify_tells_when_nobody_listens),
		TEST(postfixs_master_hears_a_word_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
