/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/text.h"
#include "proto/control.h"

#define READ(line, store, record)                                              \
	control_read((line), strlen(line), (store), (record))

static enum control_parse parse(const char *bytes, struct control_request *out)
{
	return control_parse_request(bytes, strlen(bytes), out);
}

static void every_request_of_the_list_is_read_as_it_was_written(void **state)
{
	static const enum control_verb verbs[] = {
#define VERB(verb, words, takes_service, needs_owner, takes_path) verb,
		CONTROL_VERBS(VERB)
#undef VERB
	};
	char line[CONTROL_REQUEST_MAX + 1];
	struct text_builder out;

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct control_request asked = {.verb = verbs[i]};
		struct control_request got;

		if (asked.verb == CONTROL_VERB_SCALE)
			continue; /* below: it takes more */
		text_builder_init(&out, line, sizeof(line));
		control_put_request(&out, &asked);
		assert_false(out.overflow);
		assert_int_equal(parse(line, &got), CONTROL_PARSE_OK);
		assert_int_equal(got.verb, asked.verb);
		assert_string_equal(got.service, "");
	}
}

static void status_may_name_a_service(void **state)
{
	struct control_request request;
	char line[CONTROL_REQUEST_MAX + 1];
	struct text_builder out;

	(void)state;
	assert_int_equal(parse("status web\n", &request), CONTROL_PARSE_OK);
	assert_int_equal(request.verb, CONTROL_VERB_STATUS);
	assert_string_equal(request.service, "web");
	text_builder_init(&out, line, sizeof(line));
	control_put_request(&out, &request);
	assert_string_equal(line, "status web\n");
	assert_int_equal(parse("status 127.0.0.1:smtp/inet\n", &request),
		CONTROL_PARSE_OK);
	assert_string_equal(request.service, "127.0.0.1:smtp/inet");
}

static void scale_names_a_service_and_numbers(void **state)
{
	static const char *const bad[] = {
		"scale\n",
		"scale web\n",
		"scale web limit\n",
		"scale web limit=\n",
		"scale web limit=-1\n",
		"scale web limit=100001\n",
		"scale web limit=1 limit=1\n",
		"scale web limit=1 \n",
		"scale web  limit=1\n",
		"scale  limit=1\n",
		"scale web most=1\n",
		"status web limit=1\n",
	};
	struct control_request request;
	char line[CONTROL_REQUEST_MAX + 1];
	struct text_builder out;

	(void)state;
	assert_int_equal(parse("scale web spare_max=0 limit=12\n", &request),
		CONTROL_PARSE_OK);
	assert_int_equal(request.verb, CONTROL_VERB_SCALE);
	assert_string_equal(request.service, "web");
	assert_int_equal(request.scales,
		1u << CONTROL_SCALE_LIMIT | 1u << CONTROL_SCALE_SPARE_MAX);
	assert_int_equal(request.scale[CONTROL_SCALE_LIMIT], 12);
	text_builder_init(&out, line, sizeof(line));
	control_put_request(&out, &request);
	assert_string_equal(line, "scale web limit=12 spare_max=0\n");
	assert_true(control_needs_owner(CONTROL_VERB_SCALE));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			parse(bad[i], &request), CONTROL_PARSE_UNKNOWN);
}

static void a_plan_may_name_a_file(void **state)
{
	struct control_request request;
	char line[CONTROL_REQUEST_MAX + 1];
	char path[CONTROL_PATH_MAX + 1];
	struct text_builder out;

	(void)state;
	assert_int_equal(parse("plan /a file\n", &request), CONTROL_PARSE_OK);
	assert_int_equal(request.verb, CONTROL_VERB_PLAN);
	assert_string_equal(request.path, "/a file");
	text_builder_init(&out, line, sizeof(line));
	control_put_request(&out, &request);
	assert_string_equal(line, "plan /a file\n");
	assert_true(control_needs_owner(CONTROL_VERB_PLAN));
	assert_int_equal(parse("plan \n", &request), CONTROL_PARSE_UNKNOWN);
	assert_int_equal(
		parse("plan /a\tb\n", &request), CONTROL_PARSE_UNKNOWN);
	assert_int_equal(parse("reload /a\n", &request), CONTROL_PARSE_UNKNOWN);
	assert_false(control_can_name("/a\nb"));
	memset(path, 'x', sizeof(path));
	path[CONTROL_PATH_MAX] = '\0';
	assert_false(control_can_name(path));
	path[CONTROL_PATH_MAX - 1] = '\0';
	assert_true(control_can_name(path));
}

static void what_is_not_of_the_list_is_refused(void **state)
{
	static const char *const lines[] = {
		"\n",
		" status\n",
		"status \n",
		"status  web\n",
		"status web now\n",
		"status\tweb\n",
		"status web\r\n",
		"status \x1b[2J\n",
		"Status\n",
		"stop  now\n",
		"stop now now\n",
		"stop web\n",
		"reload web\n",
		"statusweb\n",
		"stat\n",
		"GET / HTTP/1.1\n",
		"{\"verb\":\"stop\"}\n",
	};
	struct control_request request = {
		.verb = CONTROL_VERB_PING, .service = "x"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(
			parse(lines[i], &request), CONTROL_PARSE_UNKNOWN);
	assert_int_equal(control_parse_request("stop\0now\n", 9, &request),
		CONTROL_PARSE_UNKNOWN);
	assert_int_equal(request.verb, CONTROL_VERB_PING);
	assert_string_equal(request.service, "x");
}

static void a_request_in_pieces_asks_for_more(void **state)
{
	const char *line = "status web\nstop\n";
	struct control_request request;

	(void)state;
	for (size_t n = 0; n < strlen("status web\n"); n++)
		assert_int_equal(control_parse_request(line, n, &request),
			CONTROL_PARSE_MORE);
	assert_int_equal(control_parse_request(line, strlen(line), &request),
		CONTROL_PARSE_OK);
	assert_int_equal(request.verb, CONTROL_VERB_STATUS);
}

/* catalogue 87, 88: who talks for ever is not listened to for ever */
static void a_request_over_256_bytes_is_refused(void **state)
{
	char bytes[CONTROL_REQUEST_MAX + 50];
	struct control_request request;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(
		control_parse_request(bytes, CONTROL_REQUEST_MAX - 1, &request),
		CONTROL_PARSE_MORE);
	assert_int_equal(
		control_parse_request(bytes, CONTROL_REQUEST_MAX, &request),
		CONTROL_PARSE_TOO_LONG);
	bytes[CONTROL_REQUEST_MAX] = '\n';
	assert_int_equal(control_parse_request(bytes, sizeof(bytes), &request),
		CONTROL_PARSE_TOO_LONG);
	bytes[CONTROL_REQUEST_MAX - 1] = '\n';
	assert_int_equal(control_parse_request(bytes, sizeof(bytes), &request),
		CONTROL_PARSE_UNKNOWN);
}

static void a_name_of_127_bytes_fits_and_one_of_128_does_not(void **state)
{
	char line[CONTROL_REQUEST_MAX];
	char name[CONTROL_NAME_MAX + 1];
	struct control_request request;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[CONTROL_NAME_MAX] = '\0';
	snprintf(line, sizeof(line), "status %s\n", name);
	assert_int_equal(parse(line, &request), CONTROL_PARSE_UNKNOWN);
	name[CONTROL_NAME_MAX - 1] = '\0';
	snprintf(line, sizeof(line), "status %s\n", name);
	assert_int_equal(parse(line, &request), CONTROL_PARSE_OK);
	assert_string_equal(request.service, name);
}

/* catalogue 87 */
static void only_reading_is_for_the_group(void **state)
{
	(void)state;
	assert_false(control_needs_owner(CONTROL_VERB_STATUS));
	assert_false(control_needs_owner(CONTROL_VERB_VERSION));
	assert_false(control_needs_owner(CONTROL_VERB_PING));
	assert_true(control_needs_owner(CONTROL_VERB_RELOAD));
	assert_true(control_needs_owner(CONTROL_VERB_STOP));
	assert_true(control_needs_owner(CONTROL_VERB_STOP_NOW));
}

static void a_record_leaves_out_what_is_unknown(void **state)
{
	char line[CONTROL_LINE_MAX];
	struct text_builder out;
	struct control_record record;

	(void)state;
	text_builder_init(&out, line, sizeof(line));
	control_record_init(&record, CONTROL_ENDPOINT);
	record.endpoint.service = "web";
	record.endpoint.text = "[::1]:80";
	record.endpoint.backlog = 511;
	control_put(&out, &record);
	assert_string_equal(
		line, "endpoint service=web text=[::1]:80 backlog=511\n");
}

static void an_answer_ends_with_its_result(void **state)
{
	char line[CONTROL_LINE_MAX];
	struct text_builder out;

	(void)state;
	text_builder_init(&out, line, sizeof(line));
	control_put_ok(&out);
	control_put_failed(&out, CONTROL_CODE_NOT_ALLOWED, "only for \"root\"");
	assert_string_equal(line, "end result=ok\n"
				  "end result=failed code=4 "
				  "text=\"only for \\\"root\\\"\"\n");
}

static void a_record_that_does_not_fit_is_left_out_whole(void **state)
{
	char line[40];
	struct text_builder out;
	struct control_record record;

	(void)state;
	text_builder_init(&out, line, sizeof(line));
	control_put_ok(&out);
	control_record_init(&record, CONTROL_DIAG);
	record.diag.text = "this one is too long for what is left";
	control_put(&out, &record);
	assert_true(out.overflow);
	assert_string_equal(line, "end result=ok\n");
}

static void a_missing_key_reads_as_unknown(void **state)
{
	char store[CONTROL_LINE_MAX];
	struct control_record record;

	(void)state;
	assert_int_equal(READ("service name=web ready=3", store, &record),
		CONTROL_READ_OK);
	assert_int_equal(record.kind, CONTROL_SERVICE);
	assert_string_equal(record.service.name, "web");
	assert_int_equal(record.service.ready, 3);
	assert_true(record.service.depth == CONTROL_UNKNOWN);
	assert_null(record.service.cause);
}

static void keys_and_kinds_of_a_later_version_are_passed_over(void **state)
{
	char store[CONTROL_LINE_MAX];
	struct control_record record;

	(void)state;
	assert_int_equal(READ("service mood=\"quite \\x01 good\" name=web",
				 store, &record),
		CONTROL_READ_OK);
	assert_string_equal(record.service.name, "web");
	assert_int_equal(READ("horse name=bucephalus", store, &record),
		CONTROL_READ_UNKNOWN);
}

static void what_is_not_a_record_is_garbage(void **state)
{
	static const char *const lines[] = {
		"",
		"service ",
		"service name",
		"service =web",
		"service name=",
		"service name=\"web",
		"service name=\"w\\eb\"",
		"service name=web  ready=1",
		"service name=web\r",
		"service name=\"a\\x00b\"",
		"service ready=many",
		"service ready=-1",
		"service ready=18446744073709551616",
		"service ready=\"\"",
		"HTTP/1.1 400 Bad Request",
	};
	char store[CONTROL_LINE_MAX];
	struct control_record record = {.kind = CONTROL_END};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(
			READ(lines[i], store, &record), CONTROL_READ_GARBAGE);
	assert_int_equal(record.kind, CONTROL_END);
}

/* Fill every field of RECORD with something that differs by field and seed. */
static void fill(struct control_record *record, enum control_kind kind,
	struct prng *prng, char texts[][16])
{
	unsigned n;
	const struct control_field *fields = control_fields(kind, &n);

	control_record_init(record, kind);
	for (unsigned i = 0; i < n; i++) {
		char *to = (char *)&record->master + fields[i].offset;
		uint64_t number = prng_next(prng);
		const char *text = texts[i];

		for (unsigned j = 0; j < 15; j++)
			texts[i][j] = (char)(1 + prng_below(prng, 255));
		texts[i][prng_below(prng, 16)] = '\0';
		texts[i][15] = '\0';
		if (prng_below(prng, 4) == 0)
			continue; /* stays unknown */
		if (fields[i].kind == CONTROL_FIELD_NUMBER)
			memcpy(to, &number, sizeof(number));
		else
			memcpy(to, &text, sizeof(text));
	}
}

static void assert_same(
	const struct control_record *a, const struct control_record *b)
{
	unsigned n;
	const struct control_field *fields = control_fields(a->kind, &n);

	assert_int_equal(a->kind, b->kind);
	for (unsigned i = 0; i < n; i++) {
		const char *text;

		if (fields[i].kind == CONTROL_FIELD_NUMBER) {
			assert_true(control_number(a, &fields[i]) ==
				    control_number(b, &fields[i]));
			continue;
		}
		text = control_text(a, &fields[i]);
		if (text == NULL)
			assert_null(control_text(b, &fields[i]));
		else
			assert_string_equal(text, control_text(b, &fields[i]));
	}
}

static void every_record_is_read_as_it_was_written(void **state)
{
	static const enum control_kind kinds[] = {
#define KIND(kind, word, fields) kind,
		CONTROL_KINDS(KIND)
#undef KIND
	};
	static char line[CONTROL_LINE_MAX];
	static char store[CONTROL_LINE_MAX];
	char texts[64][16];
	struct prng prng;

	(void)state;
	prng_seed(&prng, 20);
	for (unsigned round = 0; round < 700; round++) {
		struct control_record written;
		struct control_record got;
		struct text_builder out;
		size_t n;

		fill(&written, kinds[round % 7], &prng, texts);
		text_builder_init(&out, line, sizeof(line));
		control_put(&out, &written);
		assert_false(out.overflow);
		n = out.n - 1;
		assert_ptr_equal(memchr(line, '\n', out.n), line + n);
		/* Exactly as much room as the header asks for. */
		memset(store, '#', sizeof(store));
		assert_int_equal(
			control_read(line, n, store, &got), CONTROL_READ_OK);
		assert_same(&written, &got);
		assert_int_equal(store[n + 1], '#');
	}
}

/* catalogue 86, 87: whatever comes, it is read within its bounds */
static void a_garbled_line_is_read_as_a_record_or_not_at_all(void **state)
{
	static const char good[] =
		"service name=web state=up ready=2 depth=0 "
		"cause=\"exec: \\\"x\\\" \\x1b\\n\" bad_size=0 total=3";
	char *line = malloc(sizeof(good));
	char *store = malloc(sizeof(good));
	char again[CONTROL_LINE_MAX];
	struct prng prng;
	unsigned ok = 0;

	(void)state;
	prng_seed(&prng, 86);
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = prng_below(&prng, sizeof(good));
		struct control_record got;
		struct text_builder out;

		memcpy(line, good, sizeof(good));
		for (uint64_t i = prng_below(&prng, 3); i > 0 && n > 0; i--)
			line[prng_below(&prng, n)] =
				(char)prng_below(&prng, 256);
		if (control_read(line, n, store, &got) != CONTROL_READ_OK)
			continue;
		ok++;
		text_builder_init(&out, again, sizeof(again));
		control_put(&out, &got);
		assert_false(out.overflow);
	}
	assert_in_range(ok, 100, 19000);
	free(line);
	free(store);
}

static void states_have_the_words_of_the_manual(void **state)
{
	(void)state;
	assert_string_equal(
		control_state_word(CONTROL_STATE_AT_LIMIT), "at-limit");
	assert_string_equal(control_state_word(CONTROL_STATE_UP), "up");
	assert_string_equal(
		control_verb_words(CONTROL_VERB_STOP_NOW), "stop now");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_request_of_the_list_is_read_as_it_was_written),
		cmocka_unit_test(status_may_name_a_service),
		cmocka_unit_test(scale_names_a_service_and_numbers),
		cmocka_unit_test(a_plan_may_name_a_file),
		cmocka_unit_test(what_is_not_of_the_list_is_refused),
		cmocka_unit_test(a_request_in_pieces_asks_for_more),
		cmocka_unit_test(a_request_over_256_bytes_is_refused),
		cmocka_unit_test(
			a_name_of_127_bytes_fits_and_one_of_128_does_not),
		cmocka_unit_test(only_reading_is_for_the_group),
		cmocka_unit_test(a_record_leaves_out_what_is_unknown),
		cmocka_unit_test(an_answer_ends_with_its_result),
		cmocka_unit_test(a_record_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(a_missing_key_reads_as_unknown),
		cmocka_unit_test(
			keys_and_kinds_of_a_later_version_are_passed_over),
		cmocka_unit_test(what_is_not_a_record_is_garbage),
		cmocka_unit_test(every_record_is_read_as_it_was_written),
		cmocka_unit_test(
			a_garbled_line_is_read_as_a_record_or_not_at_all),
		cmocka_unit_test(states_have_the_words_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
