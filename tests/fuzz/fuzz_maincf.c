/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "conf/postfix.h"
#include "conf/postfix_report.h"
#include "fuzz.h"
#include "table/table.h"

/*
 * Any bytes as main.cf, and as a value in one. Whatever they are, there is a
 * table and no error, or no table and at least one; every setting of a good
 * file is within its limits; a text is expanded, or it is said why not; and
 * nothing takes for ever.
 */
static const char master_cf[] =
	"smtp inet n - y - - smtpd\nqmgr unix n - n 300 1 qmgr\n";

static const struct maincf_preset presets[] = {
	{"config_directory", "/etc/postfix"}};

static unsigned count_lines(struct text bytes)
{
	unsigned lines = 1;

	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.bytes[i] == '\n')
			lines++;
	return lines;
}

static void check_diags(const struct diags *diags, unsigned lines)
{
	char line[8192];
	struct text_builder builder;

	for (size_t i = 0; i < diags->n; i++) {
		text_builder_init(&builder, line, sizeof(line));
		diag_put(&builder, &diags->items[i]);
		for (size_t j = 0; j < builder.n; j++)
			assert(text_char_is_printable(line[j]));
		assert(diags->items[i].line <= lines);
	}
}

static void check_log(const struct postfix_log *log, size_t errors)
{
	size_t fatals = 0;

	for (const struct postfix_said *said = log->first; said != NULL;
		said = said->next) {
		bool is_fatal = strncmp(said->text, "fatal: ", 7) == 0;

		assert(is_fatal == (said->severity == POSTFIX_FATAL));
		assert(strlen(said->text) <= 2000);
		fatals += is_fatal;
	}
	assert((fatals > 0) == (errors > 0));
}

static void check_settings(const struct maincf *maincf)
{
	for (enum postfix_setting_id id = 0; id < POSTFIX_SETTINGS_N; id++) {
		const struct postfix_setting *setting = &postfix_settings[id];
		const char *text = maincf_text(maincf, id);

		assert(text != NULL);
		if (setting->kind == POSTFIX_TEXT)
			assert(strlen(text) >= (size_t)setting->min);
		if (setting->kind == POSTFIX_NUMBER)
			assert(maincf_number(maincf, id) >= setting->min);
	}
}

/* The bytes as a value, by themselves. */
static void expand(struct maincf *maincf, struct text bytes)
{
	char why[256];
	struct text_builder trouble;
	const char *value;

	text_builder_init(&trouble, why, sizeof(why));
	value = maincf_expand(maincf, bytes, &trouble);
	assert((value == NULL) == (trouble.n > 0));
}

static void parse(struct text bytes, size_t bytes_max)
{
	struct arena *arena = arena_create(0);
	struct postfix_request request = {.main = {.file = "main.cf",
						  .bytes = bytes,
						  .presets = presets,
						  .presets_n = 1,
						  .hostname = "host"},
		.master_file = "master.cf",
		.master_bytes = text_of(master_cf),
		.runtime_directory = "/run/ostler",
		.bytes_max = bytes_max};
	struct postfix_log log = {.arena = arena};
	struct table *table = NULL;
	struct postfix_conf conf;
	struct diags diags;
	bool good;

	diags_init(&diags, arena);
	good = conf_parse_postfix(&request, &table, &conf, &diags, &log);
	assert(good == (table != NULL));
	assert(good == (diags.errors_n == 0));
	check_diags(&diags, count_lines(bytes) + 2);
	check_log(&log, diags.errors_n);
	if (good) {
		check_settings(conf.main);
		if (bytes_max == 0)
			expand(conf.main, bytes);
	}
	table_destroy(table);
	arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text bytes = {(const char *)data, size};

	parse(bytes, 0);
	if (size > 0 && data[0] % 8 == 0)
		parse(bytes, (size_t)data[0] * 1000);
	return 0;
}
