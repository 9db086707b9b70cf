/* SPDX-License-Identifier: MIT */
#include "master/keeper.h"

#include <sys/mman.h>

#include "proto/keep.h"
#include "proto/status.h"
#include "sys/channel.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/parcel.h"
#include "sys_fixture.h"

/*
 * The keeper starts its own program: this one. With a keeper's socket it is a
 * master, which is a script; argv is {program, part, directory}.
 */

#define SECOND UINT64_C(1000000000)
#define WORDS 4
#define TALK 1000 /* more than a channel holds */

/* ------------------------------------------------------------ as a master */

static int keeper_socket;
static uint64_t deadline_ns;

/* It says good-bye: else its keeper would start another, again and again. */
static void must(bool good, const char *what)
{
	char line[KEEP_MESSAGE_BYTES];
	struct text_builder text;

	if (good)
		return;
	(void)fprintf(stderr, "# the master: %s\n", what);
	text_builder_init(&text, line, sizeof(line));
	keep_put(&text,
		&(struct keep_message){.kind = KEEP_BYE, .name = text_of("")});
	(void)sys_parcel_send(keeper_socket, line, text.n, -1);
	_exit(99);
}

static void say(enum keep_kind kind, const char *name, int fd, uint64_t ns)
{
	char line[KEEP_MESSAGE_BYTES];
	struct text_builder text;

	text_builder_init(&text, line, sizeof(line));
	keep_put(&text, &(struct keep_message){
				.kind = kind, .name = text_of(name), .ns = ns});
	must(sys_parcel_send(keeper_socket, line, text.n, fd) == 0, "say");
}

/* The next message; its texts are good until the next call. */
static struct keep_message hear(int *out_gift)
{
	static char values[KEEP_MESSAGE_BYTES];
	char line[KEEP_MESSAGE_BYTES];
	struct text_builder store;
	struct keep_message message = {0};
	int n = -EAGAIN;

	text_builder_init(&store, values, sizeof(values));
	while (n == -EAGAIN) {
		must(sys_parcel_wait(keeper_socket, false, deadline_ns) == 1,
			"nothing comes");
		n = sys_parcel_receive(
			keeper_socket, line, sizeof(line), out_gift);
	}
	must(n > 0 && keep_parse(
			      (struct text){line, (size_t)n}, &store, &message),
		"hear");
	return message;
}

struct given {
	unsigned n;
	int listener, channel, pidfd, words, state;
	bool ended;
	uint64_t code;
	uint64_t restarts;
	char cause[64];
};

static struct given take(void)
{
	struct given given = {.listener = -1,
		.channel = -1,
		.pidfd = -1,
		.words = -1,
		.state = -1};

	say(KEEP_TAKE, "", -1, 0);
	for (;;) {
		int gift = -1;
		struct keep_message message = hear(&gift);

		if (message.kind == KEEP_GIVEN) {
			given.restarts = message.restarts;
			(void)snprintf(given.cause, sizeof(given.cause), "%.*s",
				(int)message.cause.n, message.cause.bytes);
			return given;
		}
		if (message.kind == KEEP_ENDED) {
			given.ended = true;
			given.code = message.code;
			continue;
		}
		given.n++;
		if (text_starts_with(message.name, "listener."))
			given.listener = gift;
		else if (text_starts_with(message.name, "worker."))
			given.channel = gift;
		else if (text_starts_with(message.name, "pidfd."))
			given.pidfd = gift;
		else if (text_starts_with(message.name, "words"))
			given.words = gift;
		else if (text_starts_with(message.name, "state."))
			given.state = gift;
	}
}

/* How often it was started before. */
static int count_start(const char *directory)
{
	char path[256];
	FILE *file;
	long n;

	(void)snprintf(path, sizeof(path), "%s/starts", directory);
	file = fopen(path, "ae");
	must(file != NULL, "starts");
	n = ftell(file);
	(void)fputc('x', file);
	(void)fclose(file);
	return (int)n;
}

static void put_file(const char *directory, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	write_text(path, "x");
}

static void await_file(const char *directory, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	while (access(path, F_OK) < 0) {
		must(clock_now_ns() < deadline_ns, "no file");
		(void)usleep(1000);
	}
}

/* The worker talks when its master is dead, as END tells. */
static void be_worker(const char *directory, int channel, int end)
{
	struct ostler__status status = {.pid = getpid(), .generation = 8};
	unsigned char bytes[OSTLER__STATUS_BYTES];
	char byte;

	(void)alarm(30);
	while (read(end, &byte, 1) > 0)
		continue;
	for (int i = 0; i < TALK; i++) {
		status.word = i % 2 == 0 ? STATUS_AVAIL : STATUS_TAKEN;
		ostler__status_encode(&status, bytes);
		must(write(channel, bytes, sizeof(bytes)) ==
				(ssize_t)sizeof(bytes),
			"talk");
	}
	put_file(directory, "talked");
	_exit(7);
}

static void name_worker(char out[KEEP_NAME_BYTES], int pid)
{
	struct text_builder text;

	text_builder_init(&text, out, KEEP_NAME_BYTES);
	keep_put_worker(&text, &(struct keep_worker){.service = 1,
				       .slot = 2,
				       .serial = 8,
				       .generation = 8,
				       .pid = (uint32_t)pid});
}

static void give_worker(const char *directory)
{
	char name[KEEP_NAME_BYTES];
	int channel[2];
	int end[2];
	int words = sys_sealed(WORDS * sizeof(uint64_t));
	int pid;

	must(words >= 0 && sys_channel_pair(channel, false) == 0, "channel");
	must(sys_pipe(end, false) == 0, "pipe");
	say(KEEP_HOLD, "words", words, 0);
	name_worker(name, 0);
	say(KEEP_HOLD, name, channel[0], 0);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		(void)close(end[1]);
		(void)close(keeper_socket);
		be_worker(directory, channel[1], end[0]);
	}
	(void)close(channel[1]);
	name_worker(name, pid);
	say(KEEP_HOLD, name, sys_child_open(pid), 0);
}

static void give_listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && listen(fd, 5) == 0, "listen");
	say(KEEP_HOLD, "listener.1.0", fd, 0);
}

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
	_exit(98);
}

static void go(int code)
{
	say(KEEP_BYE, "", -1, 0);
	_exit(code);
}

/* What its keeper has not read is the next master's. */
static enum keep_said rest_of(int channel)
{
	enum keep_said said = KEEP_SAID_NOTHING;
	struct channel_message message;
	char bytes[CHANNEL_BYTES];

	/* The end is a message of no size, again and again. */
	while (sys_channel_read(channel, bytes, sizeof(bytes), &message) > 0 &&
		message.size > 0) {
		struct ostler__status status;

		if (ostler__status_decode(bytes, message.size, &status) ==
			STATUS_OK)
			said = status.word == STATUS_TAKEN ? KEEP_SAID_TAKEN
							   : KEEP_SAID_AVAIL;
	}
	return said;
}

static void part_worker(const char *directory, int before)
{
	struct given given;
	enum keep_said rest;

	if (before == 0) {
		given = take();
		must(given.n == 0 && given.restarts == 0, "nothing yet");
		give_listener();
		give_worker(directory);
		say(KEEP_HEALTHY, "", -1, 0);
		die();
	}
	await_file(directory, "talked");
	given = take();
	must(given.n == 4, "all four");
	must(given.listener >= 0 && given.channel >= 0 && given.pidfd >= 0,
		"each");
	must(given.restarts == 1 &&
			strcmp(given.cause, "killed by signal 9") == 0,
		"cause");
	rest = rest_of(given.channel);
	if (!given.ended) {
		int gift;
		struct keep_message message = hear(&gift);

		must(message.kind == KEEP_ENDED && message.slot == 2 &&
				message.serial == 8,
			"its end");
		given.code = message.code;
	}
	must(given.code == 7, "code");
	{
		uint64_t *words =
			sys_map_shared(given.words, WORDS * sizeof(*words));

		must(words != NULL, "words");
		if (rest == KEEP_SAID_NOTHING)
			rest = keep_said(words[2], 8);
		must(rest == KEEP_SAID_TAKEN, "last word");
		must(keep_said(words[1], 8) == KEEP_SAID_NOTHING, "others'");
	}
	go(3);
}

static void part_names(int before)
{
	struct given given = take();
	int null = sys_open_null();

	if (before == 0) {
		say(KEEP_HOLD, "state.0", null, 0);
		say(KEEP_HOLD, "state.0", null, 0);
		say(KEEP_HOLD, "lock", null, 0);
		say(KEEP_HOLD, "control", null, 0);
		say(KEEP_DROP, "control", -1, 0);
		say(KEEP_DROP, "nothing", -1, 0);
		say(KEEP_HEALTHY, "", -1, 0);
		die();
	}
	if (before == 1) {
		must(given.n == 2 && given.state >= 0, "two");
		say(KEEP_RENEW, "", -1, 0);
		say(KEEP_HOLD, "listener.0.0", null, 0);
		say(KEEP_HOLD, "lock", null, 0);
		say(KEEP_HEALTHY, "", -1, 0);
		die();
	}
	must(given.n == 2 && given.state < 0 && given.listener >= 0, "renewed");
	go(0);
}

static void part_hopeless(int before)
{
	struct given given = take();

	if (before == 0) {
		give_listener();
		say(KEEP_HOLD, "state.0", sys_open_null(), 0);
		say(KEEP_HEALTHY, "", -1, 0);
		die();
	}
	must(given.listener >= 0, "the listener stays");
	must((given.state >= 0) == (before <= 3), "the state goes");
	if (before <= 3)
		die();
	go(0);
}

static void part_stuck(int before)
{
	(void)take();
	say(KEEP_HEALTHY, "", -1, 0);
	if (before > 0)
		go(0);
	say(KEEP_TRIAL, "", -1, SECOND / 20);
	for (;;)
		(void)pause();
}

static int be_master(char **argv)
{
	const char *part = argv[1];
	const char *directory = argv[2];
	int before = count_start(directory);

	(void)alarm(30);
	deadline_ns = clock_now_ns() + 20 * SECOND;
	keeper_socket = sys_parcel_inherited(KEEP_ENVIRONMENT);
	must(keeper_socket >= 0 && getenv(KEEP_ENVIRONMENT) == NULL, "socket");
	if (strcmp(part, "refuse") == 0)
		_exit(78);
	if (strcmp(part, "worker") == 0)
		part_worker(directory, before);
	if (strcmp(part, "names") == 0)
		part_names(before);
	if (strcmp(part, "hopeless") == 0)
		part_hopeless(before);
	if (strcmp(part, "stuck") == 0)
		part_stuck(before);
	if (strcmp(part, "crash") == 0)
		die();
	if (strcmp(part, "serve") == 0) {
		(void)take();
		say(KEEP_HEALTHY, "", -1, 0);
		put_file(directory, "serving");
		for (;;)
			(void)pause();
	}
	return 97;
}

/* ------------------------------------------------------------- as the test */

static int keeper_pid; /* not reaped; 0: none */

/* One whose test has failed would start masters, and hold our output, for ever. */
static int end_keeper(void **state)
{
	(void)state;
	if (keeper_pid > 0) {
		(void)kill(keeper_pid, SIGKILL);
		(void)waitpid(keeper_pid, NULL, 0);
	}
	keeper_pid = 0;
	return 0;
}

static int start_keeper(const char *part)
{
	char program[] = "test_keeper";
	char keep[] = "--keep";
	char words[16];
	char directory[sizeof(scratch)];
	char *argv[] = {program, keep, words, directory, NULL};
	int pid;

	(void)snprintf(words, sizeof(words), "%s", part);
	(void)snprintf(directory, sizeof(directory), "%s", scratch);
	(void)unlink(in_scratch("starts"));
	(void)unlink(in_scratch("talked"));
	(void)unlink(in_scratch("serving"));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(keeper_run(4, argv));
	keeper_pid = pid;
	return pid;
}

static int exit_of(int pid)
{
	uint64_t until_ns = clock_now_ns() + 60 * SECOND;
	int status;
	int ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		assert_true(clock_now_ns() < until_ns);
		(void)usleep(1000);
	}
	assert_int_equal(ended, pid);
	keeper_pid = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static long starts(void)
{
	struct stat st;

	return stat(in_scratch("starts"), &st) < 0 ? 0 : (long)st.st_size;
}

static void await_starts(long n)
{
	uint64_t until_ns = clock_now_ns() + 30 * SECOND;

	while (starts() < n) {
		assert_true(clock_now_ns() < until_ns);
		(void)usleep(1000);
	}
}

static void a_master_that_cannot_start_ends_its_keeper(void **state)
{
	(void)state;
	assert_int_equal(exit_of(start_keeper("refuse")), 78);
	assert_int_equal(starts(), 1);
}

static void the_next_master_gets_all_and_what_happened(void **state)
{
	(void)state;
	assert_int_equal(exit_of(start_keeper("worker")), 3);
	assert_int_equal(starts(), 2);
}

static void what_was_dropped_or_not_renewed_is_gone(void **state)
{
	(void)state;
	assert_int_equal(exit_of(start_keeper("names")), 0);
	assert_int_equal(starts(), 3);
}

static void what_ends_every_master_is_given_to_none(void **state)
{
	(void)state;
	assert_int_equal(exit_of(start_keeper("hopeless")), 0);
	assert_int_equal(starts(), 5);
}

static void a_master_that_is_stuck_is_ended(void **state)
{
	(void)state;
	assert_int_equal(exit_of(start_keeper("stuck")), 0);
	assert_int_equal(starts(), 2);
}

static void masters_that_crash_are_started_ever_later(void **state)
{
	uint64_t begun_ns = clock_now_ns();
	int pid = start_keeper("crash");

	(void)state;
	await_starts(4);
	/* 100, 200 and 400 ms between them, however fast the machine is. */
	assert_true(clock_now_ns() - begun_ns >= 7 * SECOND / 10);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(exit_of(pid), 1);
}

static void a_keeper_passes_signals_on(void **state)
{
	uint64_t until_ns = clock_now_ns() + 30 * SECOND;
	int pid = start_keeper("serve");

	(void)state;
	while (access(in_scratch("serving"), F_OK) < 0) {
		assert_true(clock_now_ns() < until_ns);
		(void)usleep(1000);
	}
	/* It dies of that, and whoever comes is to stop as well. */
	assert_int_equal(kill(pid, SIGTERM), 0);
	(void)exit_of(pid);
	assert_int_equal(starts(), 2);
}

/* Or it would be read until there is a master again. */
static void the_end_of_a_worker_is_heard_once(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
	const struct keep_worker worker = {.serial = 1, .generation = 1};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct keeper keeper = {.pidfd = -1};
		struct loop_event event;
		char name[KEEP_NAME_BYTES];
		struct text_builder text;
		int ends[2];
		uint32_t place;

		assert_int_equal(socketpair(AF_UNIX, types[i], 0, ends), 0);
		text_builder_init(&text, name, sizeof(name));
		keep_put_worker(&text, &worker);
		assert_true(kept_create(&keeper.kept));
		assert_int_equal(loop_create(&keeper.loop), 0);
		place = kept_add(&keeper.kept, text_of(name), ends[0]);
		assert_true(keeper.kept.holdings[place].channel);
		keeper_read_begin(&keeper);
		assert_int_equal(loop_wait(keeper.loop, 0, 0, &event, 1), 0);
		fd_close(&ends[1]);
		assert_int_equal(loop_wait(keeper.loop, 0, 0, &event, 1), 1);
		keeper_read(&keeper, place, keeper.kept.holdings[place].serial,
			event.ready);
		assert_int_equal(loop_wait(keeper.loop, 0, 0, &event, 1), 0);
		keeper_read_stop(&keeper);
		kept_destroy(&keeper.kept);
		loop_destroy(keeper.loop);
	}
}

#define EACH(test) cmocka_unit_test_teardown(test, end_keeper)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		EACH(a_master_that_cannot_start_ends_its_keeper),
		EACH(the_next_master_gets_all_and_what_happened),
		EACH(what_was_dropped_or_not_renewed_is_gone),
		EACH(what_ends_every_master_is_given_to_none),
		EACH(a_master_that_is_stuck_is_ended),
		EACH(masters_that_crash_are_started_ever_later),
		EACH(a_keeper_passes_signals_on),
		EACH(the_end_of_a_worker_is_heard_once),
	};

	if (argc == 3 && getenv(KEEP_ENVIRONMENT) != NULL)
		return be_master(argv);
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
