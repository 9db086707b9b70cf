/* SPDX-License-Identifier: MIT */
#include "conf/postfix.h"

#include "base/arena.h"
#include "base/diag.h"
#include "conf/postfix_report.h"
#include "table/table.h"

struct parsing {
	const struct postfix_request *request;
	struct table *table;
	struct postfix_conf conf;
	struct postfix_report report;
};

static bool read_main(struct parsing *parsing, struct postfix_network *out)
{
	const struct postfix_request *request = parsing->request;
	struct arena *arena = parsing->table->arena;
	struct maincf *maincf;

	parsing->report.file = request->main.file;
	(void)maincf_read(arena, &request->main, &parsing->report, &maincf);
	if (maincf == NULL)
		return false;
	parsing->conf.main = maincf;
	/* Errors are in the diags; what is there serves to find more. */
	(void)postfix_network_read(
		arena, maincf, &request->machine, &parsing->report, out);
	(void)postfix_import_read(
		arena, maincf, &parsing->report, &parsing->conf.import);
	return out->known_ports != NULL;
}

static bool read_master(
	struct parsing *parsing, const struct postfix_network *network)
{
	const struct postfix_request *request = parsing->request;
	struct mastercf_request master = {.file = request->master_file,
		.bytes = request->master_bytes,
		.maincf = parsing->conf.main,
		.network = network};

	parsing->report.file = request->master_file;
	(void)mastercf_read(parsing->table->arena, &master, &parsing->report,
		&parsing->conf.master);
	return !arena_is_exhausted(parsing->table->arena);
}

/* What the table says of rows that cannot live together, from FIRST on. */
static void log_errors(const struct parsing *parsing, size_t first)
{
	const struct diags *diags = parsing->report.diags;

	for (size_t i = first; i < diags->n; i++)
		if (diags->items[i].severity == DIAG_ERROR)
			postfix_say_log(&parsing->report,
				&(struct postfix_remark){
					.severity = POSTFIX_FATAL,
					.form = POSTFIX_LINE,
					.line = diags->items[i].line},
				"%s", diags->items[i].problem);
}

static bool fill_table(struct parsing *parsing)
{
	const struct postfix_request *request = parsing->request;
	struct table *table = parsing->table;
	size_t first = parsing->report.diags->n;
	bool good;

	table->runtime_directory =
		arena_copy(table->arena, text_of(request->runtime_directory));
	table->log = LOG_SYSLOG;
	table->shares_ports = true;
	table->listeners_max = TABLE_LISTENERS_MOST;
	good = postfix_rows(table, parsing->conf.main, &parsing->conf.master,
		&request->birth, parsing->report.diags);
	log_errors(parsing, first);
	return good;
}

/* False without an error: memory ran out. */
static bool parse(struct parsing *parsing)
{
	struct postfix_network network;

	if (!read_main(parsing, &network) || !read_master(parsing, &network))
		return false;
	return fill_table(parsing) &&
	       !arena_is_exhausted(parsing->table->arena);
}

bool conf_parse_postfix(const struct postfix_request *request,
	struct table **out, struct postfix_conf *out_conf, struct diags *diags,
	struct postfix_log *log)
{
	struct parsing parsing = {.request = request,
		.table = table_create(request->bytes_max),
		.report = {.file = request->main.file,
			.diags = diags,
			.log = log}};
	size_t before = diags->errors_n;
	bool good = parsing.table != NULL && parse(&parsing);

	parsing.report.file = request->main.file;
	if (!good && diags->errors_n == before)
		postfix_say(&parsing.report,
			&(struct postfix_remark){.severity = POSTFIX_FATAL,
				.form = POSTFIX_FILE},
			"not enough memory for the configuration");
	diags_sort(diags);
	if (diags->errors_n > before) {
		table_destroy(parsing.table);
		return false;
	}
	*out = parsing.table;
	*out_conf = parsing.conf;
	return true;
}
