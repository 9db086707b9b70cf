/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/settings.h"

static char page[128 * 1024];

static int read_page(void **state)
{
	FILE *file = fopen(MAN_PAGE, "r");
	size_t n;

	(void)state;
	if (file == NULL)
		return -1;
	n = fread(page, 1, sizeof(page) - 1, file);
	page[n] = '\0';
	return fclose(file);
}

/* The entry of NAME in the page, heading and all. */
static const char *entry_of(const char *name)
{
	static char entry[4096];
	char heading[80];
	const char *begin, *end, *section;

	(void)snprintf(heading, sizeof(heading), "\n.It Ic %s No = ", name);
	begin = strstr(page, heading);
	if (begin == NULL)
		fail_msg("%s is not in the page", name);
	if (strstr(begin + 1, heading) != NULL)
		fail_msg("%s is in the page twice", name);
	end = strstr(begin + 1, "\n.It Ic ");
	section = strstr(begin, "\n.Ss ");
	if (end == NULL || (section != NULL && section < end))
		end = strstr(begin, "\n.El\n.");
	assert_non_null(end);
	assert_true((size_t)(end - begin) + 2 < sizeof(entry));
	memcpy(entry, begin, (size_t)(end - begin) + 1);
	entry[end - begin + 1] = '\0';
	return entry;
}

static bool is_before(const char *text, const char *one, const char *other)
{
	return strstr(text, one) < strstr(text, other);
}

static void every_setting_is_in_its_section_of_the_page(void **state)
{
	static const char section[] = "\n.Ss Settings of a service\n";

	(void)state;
	for (enum setting_id id = 0; id < SETTINGS_N; id++) {
		char heading[80];

		(void)entry_of(settings[id].name);
		(void)snprintf(heading, sizeof(heading),
			"\n.It Ic %s No = ", settings[id].name);
		if (is_before(page, heading, section) !=
			(settings[id].scope == SCOPE_GLOBAL))
			fail_msg("%s is in the wrong section",
				settings[id].name);
	}
}

static void every_default_and_limit_is_that_of_the_page(void **state)
{
	(void)state;
	for (enum setting_id id = 0; id < SETTINGS_N; id++) {
		const struct setting *setting = &settings[id];
		const char *entry = entry_of(setting->name);
		char expected[200];
		struct text_builder builder;

		text_builder_init(&builder, expected, sizeof(expected));
		if (setting->default_text == NULL &&
			strstr(entry, "; required.") != NULL)
			continue;
		text_put(&builder, "\n");
		if (setting->default_text != NULL)
			text_put_format(
				&builder, "Default: %s", setting->default_text);
		else
			text_put(&builder, "No default");
		if (setting->limits.max > 0) {
			text_put(&builder, "; ");
			setting_put_limits(&builder, setting);
		}
		text_put(&builder, ".\n");
		if (strstr(entry, expected) == NULL)
			fail_msg("%s: no line %s", setting->name, expected);
	}
}

static void every_choice_has_its_words_in_the_page(void **state)
{
	(void)state;
	for (enum setting_id id = 0; id < SETTINGS_N; id++) {
		const struct setting *setting = &settings[id];
		struct text words = text_of(setting->unit), word;
		char expected[200];
		struct text_builder builder;

		if (setting->kind != KIND_CHOICE &&
			setting->kind != KIND_SWITCH)
			continue;
		text_builder_init(&builder, expected, sizeof(expected));
		text_put_format(&builder, ".It Ic %s No = Cm ", setting->name);
		for (unsigned i = 0; text_cut(&words, '|', &word); i++) {
			text_put(&builder, i == 0 ? "" : " | ");
			text_put_text(&builder, word);
		}
		if (strstr(entry_of(setting->name), expected) == NULL)
			fail_msg("no %s", expected);
	}
}

static void nothing_is_in_the_page_that_is_no_setting(void **state)
{
	static const char begin[] = "\n.It Ic ";
	const char *at = strstr(page, "\n.Ss Settings of the master\n");

	(void)state;
	assert_non_null(at);
	while ((at = strstr(at, begin)) != NULL) {
		struct text name;

		at += strlen(begin);
		name = (struct text){at, strcspn(at, " \n")};
		if (setting_find(SCOPE_GLOBAL, name) == SETTINGS_N &&
			setting_find(SCOPE_SERVICE, name) == SETTINGS_N)
			fail_msg("%.*s is no setting", (int)name.n, name.bytes);
	}
}

static void no_two_settings_have_one_name(void **state)
{
	(void)state;
	for (enum setting_id one = 0; one < SETTINGS_N; one++)
		for (enum setting_id other = 0; other < one; other++)
			assert_string_not_equal(
				settings[one].name, settings[other].name);
}

static void a_setting_is_found_in_its_scope_only(void **state)
{
	(void)state;
	assert_int_equal(setting_find(SCOPE_SERVICE, text_of("max_use")),
		SETTING_max_use);
	assert_int_equal(
		setting_find(SCOPE_GLOBAL, text_of("max_use")), SETTINGS_N);
	assert_int_equal(
		setting_find(SCOPE_GLOBAL, text_of("log")), SETTING_log);
	assert_int_equal(setting_find(SCOPE_SERVICE, text_of("")), SETTINGS_N);
}

static const char *nearest(enum setting_scope scope, const char *name)
{
	const char *near = setting_nearest(scope, text_of(name));

	return near == NULL ? "-" : near;
}

static void a_typo_is_near_to_what_was_meant(void **state)
{
	(void)state;
	CHECK_TEXT(nearest(SCOPE_SERVICE, "max_us"), "max_use");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "maxuse"), "max_use");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "max-use"), "max_use");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "lisen"), "listen");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "usr"), "user");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "proces_limits"), "process_limit");
	CHECK_TEXT(nearest(SCOPE_GLOBAL, "servcie"), "service");
	CHECK_TEXT(nearest(SCOPE_GLOBAL, "includ"), "include");
	CHECK_TEXT(nearest(SCOPE_GLOBAL, "lgo"), "-");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "servcie"), "-");
	CHECK_TEXT(nearest(SCOPE_SERVICE, "frobnicate"), "-");
	CHECK_TEXT(nearest(SCOPE_SERVICE, ""), "-");
	CHECK_TEXT(nearest(SCOPE_SERVICE,
			   "max_use_max_use_max_use_max_use_max_use"),
		"-");
}

static void the_listing_is_a_record_for_each(void **state)
{
	char line[500], values[500];

	(void)state;
	for (enum setting_id id = 0; id < SETTINGS_N; id++) {
		struct text_builder builder, store;
		struct text record, key, value;
		enum text_next next;
		unsigned pairs = 0;

		text_builder_init(&builder, line, sizeof(line));
		text_builder_init(&store, values, sizeof(values));
		setting_put(&builder, &settings[id]);
		assert_false(builder.overflow);
		record = text_built(&builder);
		assert_true(text_next_word(&record, &value));
		assert_true(text_is(value, "setting"));
		while ((next = text_next_pair(&record, &store, &key, &value)) ==
			TEXT_NEXT_PAIR)
			pairs++;
		assert_int_equal(next, TEXT_NEXT_END);
		assert_true(pairs >= 4);
	}
	CHECK_TEXT(line, "setting scope=service name=limit_stack "
			 "unit=\"size|unlimited\" range=\"64k or more\" "
			 "text=\"RLIMIT_STACK: the stack.\"");
}

static void limits_are_written_as_they_are_read(void **state)
{
	static const struct {
		enum setting_id id;
		const char *text;
	} samples[] = {
		{SETTING_max_use, "0 to 1000000000"},
		{SETTING_deaf_time, "10ms to 365d"},
		{SETTING_limit_as, "64k or more"},
		{SETTING_umask, "0000 to 0777"},
		{SETTING_user, ""},
		{SETTING_ready, ""},
		{SETTING_listen, ""},
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct text_builder builder;

		text_builder_init(&builder, text, sizeof(text));
		setting_put_limits(&builder, &settings[samples[i].id]);
		CHECK_TEXT(text, samples[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_is_in_its_section_of_the_page),
		cmocka_unit_test(every_default_and_limit_is_that_of_the_page),
		cmocka_unit_test(every_choice_has_its_words_in_the_page),
		cmocka_unit_test(nothing_is_in_the_page_that_is_no_setting),
		cmocka_unit_test(no_two_settings_have_one_name),
		cmocka_unit_test(a_setting_is_found_in_its_scope_only),
		cmocka_unit_test(a_typo_is_near_to_what_was_meant),
		cmocka_unit_test(the_listing_is_a_record_for_each),
		cmocka_unit_test(limits_are_written_as_they_are_read),
	};

	return cmocka_run_group_tests(tests, read_page, NULL);
}
