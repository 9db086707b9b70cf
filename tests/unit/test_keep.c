/* SPDX-License-Identifier: MIT */
#include "proto/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/prng.h"

static void round_trip(const struct keep_message *message)
{
	char line[KEEP_MESSAGE_BYTES];
	char values[KEEP_MESSAGE_BYTES];
	struct text_builder text, store;
	struct keep_message back;

	text_builder_init(&text, line, sizeof(line));
	text_builder_init(&store, values, sizeof(values));
	keep_put(&text, message);
	assert_false(text.overflow);
	assert_true(keep_parse(text_built(&text), &store, &back));
	assert_int_equal(back.kind, message->kind);
	assert_true(text_equal(back.name, message->name));
	assert_true(text_equal(back.cause, message->cause));
	assert_int_equal(back.restarts, message->restarts);
	assert_int_equal(back.ns, message->ns);
	assert_int_equal(back.slot, message->slot);
	assert_int_equal(back.serial, message->serial);
	assert_int_equal(back.code, message->code);
	assert_int_equal(back.signal, message->signal);
}

static void what_is_said_is_understood(void **state)
{
	static const enum keep_kind bare[] = {
		KEEP_TAKE, KEEP_RENEW, KEEP_HEALTHY, KEEP_BYE};
	static const enum keep_kind named[] = {KEEP_HOLD, KEEP_DROP, KEEP_GIVE};

	(void)state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		round_trip(&(struct keep_message){.kind = bare[i]});
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		round_trip(&(struct keep_message){
			.kind = named[i], .name = text_of("listener.0.1")});
	round_trip(&(struct keep_message){
		.kind = KEEP_TRIAL, .ns = UINT64_C(123456789012)});
	round_trip(&(struct keep_message){.kind = KEEP_GIVEN,
		.restarts = 7,
		.cause = text_of("killed by signal 9")});
	round_trip(&(struct keep_message){.kind = KEEP_ENDED,
		.slot = 3,
		.serial = UINT32_MAX,
		.code = 255,
		.signal = 0});
}

static bool is_understood(const char *line)
{
	char values[KEEP_MESSAGE_BYTES];
	struct text_builder store;
	struct keep_message message;

	text_builder_init(&store, values, sizeof(values));
	return keep_parse(text_of(line), &store, &message);
}

static void what_is_half_said_is_nothing(void **state)
{
	(void)state;
	assert_true(is_understood("drop name=lock"));
	assert_false(is_understood(""));
	assert_false(is_understood("drop"));
	assert_false(is_understood("drop name=lock name=lock"));
	assert_false(is_understood("drop name=lock ns=1"));
	assert_false(is_understood("dropped name=lock"));
	assert_false(is_understood("take name=lock"));
	assert_false(is_understood("trial ns=many"));
	assert_false(is_understood("ended slot=1 serial=2 code=3"));
	assert_false(is_understood("drop name=\"lock"));
}

static void any_bytes_are_read_without_harm(void **state)
{
	struct prng prng;

	(void)state;
	prng_seed(&prng, 5);
	for (unsigned i = 0; i < 20000; i++) {
		char line[64] = "ended slot=1 serial=2 code=3 signal=4";
		size_t at = (size_t)prng_below(&prng, strlen(line));

		line[at] = (char)(1 + prng_below(&prng, 255));
		(void)is_understood(line);
	}
}

static void names_of_workers_come_back(void **state)
{
	const struct keep_worker workers[] = {
		{.service = 1, .slot = 2, .serial = 3, .generation = 3},
		{.service = UINT32_MAX,
			.slot = UINT32_MAX,
			.serial = UINT32_MAX,
			.generation = UINT32_MAX,
			.kind = 2,
			.pid = INT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char name[KEEP_NAME_BYTES];
		struct text_builder text;
		struct keep_worker back;

		text_builder_init(&text, name, sizeof(name));
		keep_put_worker(&text, &workers[i]);
		assert_false(text.overflow);
		assert_true(keep_parse_worker(text_built(&text), &back));
		assert_memory_equal(&back, &workers[i], sizeof(back));
	}
}

static void other_names_are_no_workers(void **state)
{
	static const char *const names[] = {"", "worker", "worker.1.2.3.4",
		"worker.1.2.3.4.5.6", "worker.1.2.3.4.x", "worker.1.2.3.4.-5",
		"worker.1.2.3.4.4294967296", "pidfd.1.2.3.4.5",
		"pidfd.1.2.3.4.5.0", "pidfd.1.2.3.4.5.6.7", "listener.1.2"};
	struct keep_worker worker;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(keep_parse_worker(text_of(names[i]), &worker));
	assert_true(keep_is_many(text_of("shared.4.1.0")));
	assert_true(keep_is_many(text_of("leftover.4.1")));
	assert_false(keep_is_many(text_of("page.4.1")));
}

static void a_word_is_its_workers_alone(void **state)
{
	uint64_t word = keep_word(UINT32_MAX, KEEP_SAID_TAKEN);

	(void)state;
	assert_int_equal(keep_said(word, UINT32_MAX), KEEP_SAID_TAKEN);
	assert_int_equal(keep_said(word, UINT32_MAX - 1), KEEP_SAID_NOTHING);
	assert_int_equal(
		keep_said(keep_word(5, KEEP_SAID_AVAIL), 5), KEEP_SAID_AVAIL);
	assert_int_equal(keep_said(0, 5), KEEP_SAID_NOTHING);
	assert_int_equal(
		keep_said(UINT64_C(5) << 8 | 77, 5), KEEP_SAID_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_is_understood),
		cmocka_unit_test(what_is_half_said_is_nothing),
		cmocka_unit_test(any_bytes_are_read_without_harm),
		cmocka_unit_test(names_of_workers_come_back),
		cmocka_unit_test(other_names_are_no_workers),
		cmocka_unit_test(a_word_is_its_workers_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
