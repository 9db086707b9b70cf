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
#include "table/diff.h"
#include "table/table.h"

/*
 * Any bytes as master.cf. Whatever they are, there is a table and no error, or
 * no table and at least one; a complaint is one line of printable ASCII; lines
 * that are named exist; every row keeps the promises of rows; and every
 * command line is what Postfix's workers understand.
 */
static const char main_cf[] = "compatibility_level = 3.6\n"
			      "master_service_disable = off/unix !inet\n";

static unsigned resolve(void *context, const char *host,
	struct postfix_address *out, unsigned max)
{
	(void)context;
	assert(max > 0 && strchr(host, ' ') == NULL);
	memset(out, 0, sizeof(*out));
	out->family = host[0] == 'a' ? FAMILY_IPV4 : FAMILY_IPV6;
	out->bytes[0] = (uint8_t)host[strlen(host) - 1];
	return host[0] != 'z';
}

static unsigned port(void *context, const char *name)
{
	(void)context;
	return strlen(name) > 3 ? 0 : (unsigned)(uint8_t)name[0];
}

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

static void check_service(const struct postfix_service *service, unsigned lines)
{
	assert(service->line >= 1 && service->line <= lines);
	assert(service->name[0] != '\0' && service->command[0] != '\0');
	assert(service->path[0] == '/');
	assert(service->arguments[service->arguments_n] == NULL);
	assert(service->endpoints_n > 0);
	assert(!service->wakeup_is_conditional || service->wakeup_s > 0);
	assert(!service->has_stress || service->limit > 1);
	assert(!service->is_private || service->type != POSTFIX_INET);
}

/* Behind the options come the arguments, and nothing else. */
static void check_command(
	const struct postfix_service *service, const struct service *row)
{
	unsigned stress = postfix_stress_word(service, row->command);
	unsigned own_n = row->command_n - service->arguments_n;

	assert(row->command[row->command_n] == NULL);
	assert(own_n >= 3 && own_n <= 14);
	assert(stress < own_n);
	assert((stress > 0) == service->has_stress);
	for (unsigned i = 0; i < service->arguments_n; i++)
		assert(strcmp(row->command[own_n + i], service->arguments[i]) ==
			0);
}

static void check_table(const struct table *table,
	const struct postfix_conf *conf, unsigned lines)
{
	assert(table->services_n == conf->master.services_n);
	for (unsigned i = 0; i < conf->master.services_n; i++) {
		const struct postfix_service *service =
			&conf->master.services[i];
		const struct service *row = table_find(table, service->title);

		check_service(service, lines);
		assert(row != NULL);
		check_command(service, row);
		assert(row_compare(row, row) == ROW_SAME);
		assert(row->environment[row->environment_n] == NULL);
		assert(mastercf_find(&conf->master, row->name) == service);
	}
}

static void parse(struct text bytes, size_t bytes_max)
{
	struct arena *arena = arena_create(0);
	struct postfix_request request = {.main = {.file = "main.cf",
						  .bytes = text_of(main_cf),
						  .hostname = "host"},
		.master_file = "master.cf",
		.master_bytes = bytes,
		.machine = {.resolve = resolve, .port = port},
		.birth = {.verbose = bytes.n % 2 == 0},
		.runtime_directory = "/run/ostler",
		.bytes_max = bytes_max};
	struct table *table = NULL;
	struct postfix_conf conf;
	struct diags diags;
	bool good;

	diags_init(&diags, arena);
	good = conf_parse_postfix(&request, &table, &conf, &diags, NULL);
	assert(good == (table != NULL));
	assert(good == (diags.errors_n == 0));
	check_diags(&diags, count_lines(bytes));
	if (good)
		check_table(table, &conf, count_lines(bytes));
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
