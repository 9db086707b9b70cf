/* SPDX-License-Identifier: MIT */
#include "worker_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/page.h"

/* A worker that reports by a page: when it is silent, and when it is not. */

#define SIBLINGS UINT64_C(6) /* who are idle, all the time */

static struct ostler__page mine(void)
{
	struct ostler__page page;

	assert_true(ostler__page_enter(
		&page, m.page_top, ostler__page_bytes(1), 0));
	return page;
}

static void set_siblings(uint64_t bits)
{
	struct ostler__page page = mine();

	(void)atomic_fetch_and(&page.word->ready, page.me);
	(void)atomic_fetch_or(&page.word->ready, bits);
}

static bool is_ready(void)
{
	return (atomic_load(&mine().word->ready) & 1) != 0;
}

/* The worker is idle a moment after its client has gone. */
static void await_ready(void)
{
	time_t end = time(NULL) + PATIENCE_MS / 1000;

	while (!is_ready()) {
		assert_true(time(NULL) < end);
		(void)usleep(100);
	}
}

static void be_clients(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		be_client();
		await_ready();
	}
}

/* With siblings idle, and its first words said. */
static void start_among_siblings(
	int (*skeleton)(int, char **, const struct ostler_options *))
{
	open_page();
	set_siblings(SIBLINGS);
	start(skeleton);
	expect_words("A");
	be_client();
}

static void among_idle_siblings_it_is_silent_after_its_first_client(
	void **state)
{
	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	be_clients(20);
	expect_silence();
	assert_int_equal(mine().slot->served, 21);
	assert_int_equal(mine().slot->clients, 0);
	assert_int_equal(mine().slot->since_ns, 0);
	assert_int_equal(mine().slot->generation, GENERATION);
	assert_int_equal(atomic_load(&mine().word->opened), 1);
	assert_int_equal(atomic_load(&mine().word->ready), SIBLINGS | 1);
}

static void the_last_idle_one_speaks_as_if_there_were_no_page(void **state)
{
	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	set_siblings(0);
	for (int i = 0; i < 3; i++) {
		be_client();
		expect_words("TA");
	}
}

static void it_is_taken_while_it_serves(void **state)
{
	int client;

	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	await_ready();
	client = connect_client();
	while (is_ready())
		(void)usleep(100);
	assert_int_equal(mine().slot->clients, 1);
	assert_int_equal(mine().slot->served, 2);
	assert_int_not_equal(mine().slot->since_ns, 0);
	ask(client);
	expect_answer(client);
	await_ready();
}

static void a_multi_worker_is_silent_too(void **state)
{
	(void)state;
	start_among_siblings(ostler_multi_main);
	expect_words("A"); /* a doorbell: it has had its first client */
	be_clients(20);
	expect_silence();
	assert_int_equal(mine().slot->served, 21);
}

static void a_multi_worker_is_taken_when_it_has_clients_per_worker(void **state)
{
	int clients[3];

	(void)state;
	m.per_worker = "2";
	m.options.clients_max = 100;
	open_page();
	start(ostler_multi_main);
	expect_words("A");
	for (int i = 0; i < 3; i++)
		clients[i] = connect_client();
	expect_words("T");
	for (int i = 0; i < 2; i++)
		ask(clients[i]);
	for (int i = 0; i < 2; i++) {
		await_input(clients[i]);
	}
	assert_false(is_ready());
	assert_int_equal(mine().slot->clients, 2);
	expect_silence();
	(void)close(clients[0]);
	/* There is room: the third one comes in without a word. */
	ask(clients[2]);
	await_input(clients[2]);
	assert_false(is_ready());
	(void)close(clients[1]);
	expect_words("A");
	(void)close(clients[2]);
}

static void without_a_page_clients_per_worker_counts_as_well(void **state)
{
	int clients[2];

	(void)state;
	m.per_worker = "1";
	m.options.clients_max = 100;
	start(ostler_multi_main);
	expect_words("A");
	clients[0] = connect_client();
	expect_words("T");
	clients[1] = connect_client();
	ask(clients[0]);
	await_input(clients[0]);
	expect_silence();
	(void)close(clients[0]);
	ask(clients[1]);
	await_input(clients[1]);
	(void)close(clients[1]);
	expect_words("A");
}

static void a_worker_that_is_asked_by_the_flag_alone_leaves_after_its_client(
	void **state)
{
	struct ostler__page page;

	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	page = mine();
	await_sleep();
	(void)atomic_fetch_or(&page.word->retire, 1);
	(void)atomic_fetch_and(&page.word->ready, SIBLINGS);
	/* It sleeps, and knows of nothing: it serves one more, and says so. */
	be_client();
	expect_words("T");
	expect_exit(0);
	assert_false(is_ready());
}

static void an_idle_worker_leaves_when_it_is_asked(void **state)
{
	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	retire();
	expect_exit(0);
	expect_words(".");
}

/* Without a look at descriptor 5: the flag alone, and at once. */
static void the_flag_is_seen_in_the_middle_of_a_long_queue(void **state)
{
	int clients[60], served = 0;

	(void)state;
	open_page();
	set_siblings(SIBLINGS);
	for (int i = 0; i < 60; i++)
		clients[i] = connect_client();
	start(ostler_single_main);
	expect_words("AT");
	(void)atomic_fetch_or(&mine().word->retire, 1);
	for (int i = 0; i < 60; i++)
		ask(clients[i]);
	expect_exit(0);
	for (int i = 0; i < 60; i++) {
		char byte;

		served += recv(clients[i], &byte, 1, MSG_DONTWAIT) == 1;
		(void)close(clients[i]);
	}
	assert_in_range(served, 1, 2);
}

static void one_whose_master_died_leaves(void **state)
{
	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	hang_up();
	expect_exit(0);
}

static void listeners_are_registered_anew_when_the_epoch_moves(void **state)
{
	(void)state;
	start_among_siblings(ostler_single_main);
	expect_words("TA");
	atomic_store(&mine().head->listen_epoch, 1);
	be_clients(3);
	atomic_store(&mine().head->listen_epoch, 7);
	be_clients(3);
	expect_silence();
}

/* What cannot be used is not, and everything goes by messages. */
static void expect_messages(void)
{
	start(ostler_single_main);
	expect_words("A");
	for (int i = 0; i < 3; i++) {
		be_client();
		expect_words("TA");
	}
	assert_int_equal(atomic_load(&mine().word->opened), 0);
}

static void a_page_that_is_not_good_is_not_used(void **state)
{
	static const char *const bad[] = {"", "9", ":", "9:", ":0", "9:64",
		"9:x", "x:0", "6:0", "5:0", "8:0", "77:0", "4294967295:0",
		"99999999999999999999999:0", "-1:0"};

	(void)state;
	open_page();
	set_siblings(SIBLINGS);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m.page_says = bad[i];
		expect_messages();
		retire();
		expect_exit(0);
		(void)close(m.channel);
	}
}

static void a_page_that_could_shrink_is_not_used(void **state)
{
	(void)state;
	open_page();
	set_siblings(SIBLINGS);
	(void)close(m.page);
	m.page = memfd_create("page", MFD_ALLOW_SEALING);
	assert_return_code(m.page, errno);
	assert_int_equal(
		write(m.page, m.page_top, ostler__page_bytes(1)) > 0, 1);
	expect_messages();
}

static void a_page_of_another_kind_is_not_used(void **state)
{
	(void)state;
	open_page();
	set_siblings(SIBLINGS);
	((struct ostler__page_head *)m.page_top)->version++;
	start(ostler_single_main);
	expect_words("A");
	be_client();
	expect_words("TA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(among_idle_siblings_it_is_silent_after_its_first_client),
		TEST(the_last_idle_one_speaks_as_if_there_were_no_page),
		TEST(it_is_taken_while_it_serves),
		TEST(a_multi_worker_is_silent_too),
		TEST(a_multi_worker_is_taken_when_it_has_clients_per_worker),
		TEST(without_a_page_clients_per_worker_counts_as_well),
		TEST(a_worker_that_is_asked_by_the_flag_alone_leaves_after_its_client),
		TEST(an_idle_worker_leaves_when_it_is_asked),
		TEST(the_flag_is_seen_in_the_middle_of_a_long_queue),
		TEST(one_whose_master_died_leaves),
		TEST(listeners_are_registered_anew_when_the_epoch_moves),
		TEST(a_page_that_is_not_good_is_not_used),
		TEST(a_page_that_could_shrink_is_not_used),
		TEST(a_page_of_another_kind_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
