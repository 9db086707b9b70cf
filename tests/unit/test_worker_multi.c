/* SPDX-License-Identifier: MIT */
#include "worker_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* Several clients at once, layer 2, and the wake-ups that must not be lost. */

/* ------------------------------------------------- several at once */

static void a_multi_worker_is_taken_only_when_it_is_full(void **state)
{
	int a, b;

	(void)state;
	m.options.clients_max = 2;
	start(ostler_multi_main);
	expect_words("A");
	a = connect_client();
	ask(a);
	await_input(a);
	expect_silence();
	b = connect_client();
	expect_words("T");
	ask(b);
	expect_answer(b);
	/* The first that is done is told of, whatever happens later. */
	expect_words("A");
	expect_answer(a);
}

static void the_first_client_of_a_multi_worker_is_told_of(void **state)
{
	(void)state;
	start(ostler_multi_main);
	be_client();
	expect_words("ATA");
	be_client();
	retire();
	expect_exit(0);
	expect_words(".");
}

static void a_full_multi_worker_serves_on_without_a_word(void **state)
{
	int clients[10];

	(void)state;
	m.options.clients_max = 2;
	for (int i = 0; i < 10; i++)
		clients[i] = connect_client();
	start(ostler_multi_main);
	expect_words("AT");
	for (int i = 0; i < 10; i++) {
		ask(clients[i]);
		expect_answer(clients[i]);
	}
	expect_words("A");
	expect_silence();
}

static void a_retired_multi_worker_finishes_all_it_has(void **state)
{
	int clients[2];
	char byte;

	(void)state;
	start(ostler_multi_main);
	for (int i = 0; i < 2; i++) {
		ask(clients[i] = connect_client());
		await_input(clients[i]);
		assert_int_equal(recv(clients[i], &byte, 1, 0), 1);
	}
	retire();
	for (int i = 0; i < 2; i++) {
		ask(clients[i]);
		expect_answer(clients[i]);
	}
	expect_exit(0);
}

/* A program that was compiled when there was no closed(). */
static void members_that_a_program_does_not_know_are_not_used(void **state)
{
	(void)state;
	m.options.size = offsetof(struct ostler_options, closed);
	memset(&m.options.closed, 0xff, sizeof(m.options.closed));
	start(ostler_multi_main);
	be_client();
	expect_words("ATA");
	retire();
	expect_exit(0);
}

/* As when a child of the worker holds the connection. */
static int keep_a_copy(struct ostler_client *client, void *context)
{
	(void)context;
	return dup(client->fd) < 0;
}

static void a_copy_of_a_client_that_is_closed_is_not_heard(void **state)
{
	(void)state;
	m.options.opened = keep_a_copy;
	start(ostler_multi_main);
	be_client();
	expect_words("ATA");
	be_client();
	be_client();
	retire();
	expect_exit(0);
}

static int want_nothing(struct ostler_client *client, void *context)
{
	(void)context;
	return ostler_client_wants(client, 0);
}

static void a_client_that_goes_while_nothing_is_wanted_is_closed(void **state)
{
	const struct linger reset = {.l_onoff = 1};
	int client;

	(void)state;
	m.options.clients_max = 1;
	m.options.opened = want_nothing;
	start(ostler_multi_main);
	client = connect_client();
	expect_words("AT");
	assert_return_code(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset)),
		errno);
	(void)close(client);
	expect_words("A");
}

static int refuse(struct ostler_client *client, void *context)
{
	(void)client;
	(void)context;
	return 1;
}

static void a_client_that_is_refused_leaves_room(void **state)
{
	(void)state;
	m.options.clients_max = 1;
	m.options.opened = refuse;
	start(ostler_multi_main);
	for (int i = 0; i < 5; i++) {
		int client = connect_client();
		char byte;

		await_input(client);
		assert_true(recv(client, &byte, 1, 0) <= 0);
		(void)close(client);
	}
}

static void a_multi_worker_leaves_after_max_use_and_its_last_client(
	void **state)
{
	int a = connect_client(), b = connect_client();

	(void)state;
	m.options.max_use = 2;
	start(ostler_multi_main);
	expect_words("AT");
	ask(a);
	expect_answer(a);
	ask(b);
	expect_answer(b);
	expect_exit(0);
}

/* ------------------------------------------------- no wake-up is lost */

/*
 * Layer 2, with a halt where a skeleton has none: between the wake-up, which
 * is the only one there is for that client, and the try.
 */
static int wake_and_halt(
	int argc, char **argv, const struct ostler_options *options)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	struct ostler_worker *w;
	int epoll = epoll_create1(0), client;

	if (ostler_worker_open(&w, argc, argv, options) < 0)
		return 3;
	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, ostler_worker_listener(w, 0), &e);
	if (ostler_worker_ready(w) < 0)
		return 3;
	if (epoll_wait(epoll, &e, 1, -1) != 1)
		return 4;
	pass_gate();
	client = ostler_worker_accept(w, -1);
	if (client < 0)
		return 5;
	(void)serve_byte(client, NULL);
	(void)close(client);
	return ostler_worker_done(w) == -ESHUTDOWN ? 0 : 6;
}

/*
 * The first worker has taken the wake-up, the second sleeps on. If the first
 * left now because it is asked to, the client would wait for ever.
 */
static void a_woken_worker_tries_before_it_leaves(void **state)
{
	int client, channel;
	pid_t first;

	(void)state;
	open_gate();
	start(wake_and_halt);
	expect_words("A");
	await_sleep();
	first = m.pid;
	channel = m.channel;
	start(ostler_single_main);
	expect_words("A");
	await_sleep();
	client = connect_client();
	await_input(m.gate[0]);
	assert_return_code(shutdown(channel, SHUT_WR), errno);
	ask(client);
	let_pass();
	expect_answer(client);
	(void)close(channel);
	retire();
	expect_exit(0);
	m.pid = first;
	expect_exit(0);
}

static bool inherited_descriptors_are_closed_on_exec(void)
{
	for (int fd = MASTER_FLOW_READ; fd <= MASTER_LISTEN_FD; fd++)
		if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
			return false;
	return true;
}

static bool sigpipe_is_ignored(void)
{
	struct sigaction action;

	return sigaction(SIGPIPE, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

/* B4, layer 2: what the others return when there is nothing to do. */
static int ask_everything(
	int argc, char **argv, const struct ostler_options *options)
{
	struct ostler_worker *w, *again;

	if (ostler_worker_open(&w, argc, argv, options) < 0)
		return 3;
	if (ostler_worker_open(&again, argc, argv, options) != -EBUSY)
		return 4;
	if (!inherited_descriptors_are_closed_on_exec() ||
		!sigpipe_is_ignored())
		return 2;
	if (ostler_worker_done(w) != -EINVAL)
		return 5;
	if (ostler_worker_ready(w) < 0 ||
		ostler_worker_accept(w, -1) != -EAGAIN)
		return 6;
	if (ostler_worker_listeners(w) != 1 ||
		ostler_worker_listener(w, 0) != MASTER_LISTEN_FD ||
		ostler_worker_listener(w, 1) >= 0 ||
		ostler_worker_status_fd(w) != MASTER_STATUS_FD)
		return 7;
	if (ostler_worker_leaving(w) || ostler_worker_timeout(w) != -1)
		return 8;
	pass_gate(); /* now a client is in the queue */
	if (ostler_worker_accept(w, -1) < 0 ||
		ostler_worker_accept(w, -1) != -EBUSY)
		return 9;
	pass_gate(); /* now the master has asked us to leave */
	if (ostler_worker_accept(w, -1) != -ESHUTDOWN ||
		!ostler_worker_leaving(w) || ostler_worker_timeout(w) != -1)
		return 10;
	if (ostler_worker_done(w) != -ESHUTDOWN ||
		ostler_worker_served(w) != 1 || ostler_worker_timeout(w) != 0)
		return 11;
	ostler_worker_close(w);
	return 0;
}

/* Serve the first from the second listener, the next from any. */
static int hear_the_second(
	int argc, char **argv, const struct ostler_options *options)
{
	struct ostler_worker *w;
	int client;

	if (ostler_worker_open(&w, argc, argv, options) < 0 ||
		ostler_worker_ready(w) < 0)
		return 3;
	pass_gate(); /* both have a client now */
	client = ostler_worker_accept(w, ostler_worker_listener(w, 1));
	while (client >= 0) {
		(void)serve_byte(client, NULL);
		(void)close(client);
		client = ostler_worker_done(w);
	}
	return client == -EAGAIN ? 0 : 4;
}

/*
 * The wake-up was for that listener. For the other one a sibling was woken,
 * which will find nothing there and sleep on if we take it.
 */
static void the_listener_that_was_heard_is_tried_first(void **state)
{
	int one, two;

	(void)state;
	open_gate();
	open_second();
	start(hear_the_second);
	await_input(m.gate[0]);
	one = connect_client();
	two = connect_second();
	let_pass();
	ask(two);
	expect_answer(two);
	ask(one);
	expect_answer(one);
	expect_exit(0);
}

static void layer_2_says_what_it_does(void **state)
{
	int client;

	(void)state;
	open_gate();
	start(ask_everything);
	await_input(m.gate[0]);
	client = connect_client();
	let_pass();
	await_input(m.gate[0]);
	retire();
	let_pass();
	expect_exit(0);
	expect_words("AT.");
	(void)close(client);
}

/* 'h' halts the worker until the test lets it pass. */
static int answer_or_halt(struct ostler_client *client, void *context)
{
	char byte = 0;

	if (recv(client->fd, &byte, 1, MSG_PEEK) == 1 && byte == 'h')
		pass_gate();
	return answer(client, context);
}

/*
 * One batch of events: clients that leave, of which the sixteenth makes the
 * worker look and learn that it is to leave, and one that has just come.
 */
static void who_comes_is_taken_before_who_leaves_is_parted_with(void **state)
{
	int halting, leaving[20], coming;
	char byte;

	(void)state;
	open_gate();
	m.options.readable = answer_or_halt;
	start(ostler_multi_main);
	expect_words("A");
	halting = connect_client();
	for (int i = 0; i < 20; i++) {
		ask(leaving[i] = connect_client());
		await_input(leaving[i]);
		assert_int_equal(recv(leaving[i], &byte, 1, 0), 1);
	}
	assert_int_equal(send(halting, "h", 1, 0), 1);
	await_input(m.gate[0]);
	for (int i = 0; i < 20; i++)
		(void)close(leaving[i]);
	coming = connect_client();
	ask(coming);
	retire();
	let_pass();
	expect_answer(coming);
	(void)close(halting);
	expect_exit(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_multi_worker_is_taken_only_when_it_is_full),
		TEST(the_first_client_of_a_multi_worker_is_told_of),
		TEST(a_full_multi_worker_serves_on_without_a_word),
		TEST(a_retired_multi_worker_finishes_all_it_has),
		TEST(members_that_a_program_does_not_know_are_not_used),
		TEST(a_copy_of_a_client_that_is_closed_is_not_heard),
		TEST(a_client_that_goes_while_nothing_is_wanted_is_closed),
		TEST(a_client_that_is_refused_leaves_room),
		TEST(a_multi_worker_leaves_after_max_use_and_its_last_client),
		TEST(a_woken_worker_tries_before_it_leaves),
		TEST(the_listener_that_was_heard_is_tried_first),
		TEST(layer_2_says_what_it_does),
		TEST(who_comes_is_taken_before_who_leaves_is_parted_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
