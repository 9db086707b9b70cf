/* SPDX-License-Identifier: MIT */
#include "table/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "table/diff.h"

/* An endpoint, and whose it is. */
struct claim {
	const struct service *service;
	const struct endpoint *endpoint;
};

struct claims {
	struct claim *items; /* in the order of the file */
	size_t n;
	bool shares_ports;
};

static void complain(struct diags *diags, const struct endpoint *endpoint,
	const struct service *service, const char *problem, const char *remedy)
{
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = endpoint->file,
				 .line = endpoint->line,
				 .service = service->name,
				 .problem = problem,
				 .remedy = remedy});
}

static bool overlap(const struct claims *claims, const struct endpoint *a,
	const struct endpoint *b)
{
	if (a->kind != b->kind &&
		(a->kind == ENDPOINT_INET || b->kind == ENDPOINT_INET))
		return false;
	if (a->kind == ENDPOINT_INET)
		return claims->shares_ports ? endpoint_same(a, b)
					    : endpoint_overlap(a, b);
	assert(a->path != NULL);
	assert(b->path != NULL);
	return strcmp(a->path, b->path) == 0;
}

static void complain_overlap(struct diags *diags, const struct claim *first,
	const struct claim *second)
{
	char problem[512];
	struct text_builder text;
	bool same = endpoint_same(first->endpoint, second->endpoint);

	text_builder_init(&text, problem, sizeof(problem));
	text_put_value(&text, text_of(second->endpoint->text));
	if (!same) {
		text_put(&text, " overlaps ");
		text_put_value(&text, text_of(first->endpoint->text));
	}
	text_put_format(&text, "%s taken by service '%s' at %s:%u",
		same ? " is already" : ", which is", first->service->name,
		first->endpoint->file, first->endpoint->line);
	complain(diags, second->endpoint, second->service, problem,
		second->endpoint->kind == ENDPOINT_INET
			? "choose another address or port"
			: "choose another name");
}

/* Equal for endpoints that could be in each other's way. */
static int place_order(const struct endpoint *a, const struct endpoint *b)
{
	if ((a->path == NULL) != (b->path == NULL))
		return a->path == NULL ? -1 : 1;
	if (a->path != NULL)
		return strcmp(a->path, b->path);
	return (int)a->port - (int)b->port;
}

/* By place, and in one place in the order of the file. */
static int claim_order(const void *left, const void *right)
{
	const struct endpoint *a = ((const struct claim *)left)->endpoint;
	const struct endpoint *b = ((const struct claim *)right)->endpoint;
	int places = place_order(a, b);
	int files = strcmp(a->file, b->file);

	if (places != 0)
		return places;
	if (files != 0)
		return files;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* Each with the first before it that is in its way: one complaint is enough. */
static void check_claims(const struct claims *claims, struct diags *diags)
{
	const struct claim *items = claims->items;
	size_t first = 0; /* of those that share a port or a path */

	for (size_t i = 1; i < claims->n; i++) {
		size_t other = first;

		if (place_order(items[first].endpoint, items[i].endpoint) != 0)
			first = other = i;
		while (other < i && !overlap(claims, items[other].endpoint,
					    items[i].endpoint))
			other++;
		if (other < i)
			complain_overlap(diags, &items[other], &items[i]);
	}
}

/* Those beyond the limit were complained about already. */
static unsigned claims_of(const struct table *table, const struct service *row)
{
	return row->endpoints_n > table->listeners_max ? table->listeners_max
						       : row->endpoints_n;
}

static bool collect_claims(const struct table *table,
	const struct service *rows, unsigned n, struct claims *out)
{
	size_t total = 0;

	out->shares_ports = table->shares_ports;
	for (unsigned i = 0; i < n; i++)
		total += claims_of(table, &rows[i]);
	out->n = 0;
	out->items = arena_array(table->arena, total, sizeof(*out->items));
	if (out->items == NULL)
		return false;
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < claims_of(table, &rows[i]); j++)
			out->items[out->n++] =
				(struct claim){&rows[i], &rows[i].endpoints[j]};
	qsort(out->items, out->n, sizeof(*out->items), claim_order);
	return true;
}

static bool is_stream(const struct endpoint *endpoint)
{
	return endpoint->kind == ENDPOINT_INET ||
	       endpoint->kind == ENDPOINT_UNIX;
}

/* A worker is told one transport for all its listeners. */
static void check_kinds(const struct service *row, struct diags *diags)
{
	const struct endpoint *first = &row->endpoints[0];

	for (unsigned i = 1; i < row->endpoints_n; i++) {
		const struct endpoint *endpoint = &row->endpoints[i];

		if (is_stream(first) && is_stream(endpoint))
			continue;
		if (first->kind == endpoint->kind)
			continue;
		complain(diags, endpoint, row,
			"endpoints of different kinds in one service",
			"make two services of them; only TCP and unix: mix");
		return;
	}
}

static void check_environment(const struct service *row, struct diags *diags)
{
	char problem[80];
	struct text_builder text;

	if (row->environment_n <= TABLE_ENVIRONMENT_MAX)
		return;
	text_builder_init(&text, problem, sizeof(problem));
	text_put_format(&text, "environment has %u variables, and %u may be",
		row->environment_n, TABLE_ENVIRONMENT_MAX);
	diags_add(diags,
		&(struct diag){.severity = DIAG_ERROR,
			.file = row->file,
			.line = row->line,
			.service = row->name,
			.problem = problem,
			.remedy = "put the rest into a file that the command "
				  "reads"});
}

static void check_row(
	const struct service *row, unsigned most, struct diags *diags)
{
	char problem[80];
	struct text_builder text;

	assert(row->endpoints_n > 0);
	assert(row->path != NULL && row->command_n > 0);
	check_kinds(row, diags);
	check_environment(row, diags);
	if (row->endpoints_n <= most)
		return;
	text_builder_init(&text, problem, sizeof(problem));
	text_put_format(&text,
		"%u endpoints, and a worker takes no more than %u",
		row->endpoints_n, most);
	complain(diags, &row->endpoints[most], row, problem,
		"make two services of them");
}

/*
 * By name, and the rows of one name in the order of the file, so that it is
 * the later one that is complained about.
 */
static int row_order(const void *left, const void *right)
{
	const struct service *a = left, *b = right;
	int names = strcmp(a->name, b->name);
	int files = strcmp(a->file, b->file);

	if (names != 0)
		return names;
	if (files != 0)
		return files;
	return a->line < b->line ? -1 : a->line > b->line;
}

static void check_names(
	const struct service *rows, unsigned n, struct diags *diags)
{
	char problem[512];
	struct text_builder text;

	for (unsigned i = 1; i < n; i++) {
		if (strcmp(rows[i - 1].name, rows[i].name) != 0)
			continue;
		text_builder_init(&text, problem, sizeof(problem));
		text_put_format(&text,
			"there is already one of this name at %s:%u",
			rows[i - 1].file, rows[i - 1].line);
		diags_add(diags,
			&(struct diag){.severity = DIAG_ERROR,
				.file = rows[i].file,
				.line = rows[i].line,
				.service = rows[i].name,
				.problem = problem,
				.remedy = "rename or remove one of them"});
	}
}

static int by_user(const void *a, const void *b)
{
	const struct service *x = *(const struct service *const *)a;
	const struct service *y = *(const struct service *const *)b;
	int order = strcmp(x->user, y->user);

	return order != 0 ? order : strcmp(x->name, y->name);
}

/* One complaint for a user, at its second service. */
static void complain_user(
	const struct service *const *same, unsigned n, struct diags *diags)
{
	char problem[256];
	struct text_builder text;

	text_builder_init(&text, problem, sizeof(problem));
	text_put_format(&text, "user '%s' is also that of service '%s'",
		same[0]->user, same[0]->name);
	if (n > 2)
		text_put_format(&text, " and of %u more", n - 2);
	text_put(&text, ": their workers can kill and trace each other");
	diags_add(diags,
		&(struct diag){.severity = DIAG_WARNING,
			.file = same[1]->file,
			.line = same[1]->line,
			.service = same[1]->name,
			.problem = problem,
			.remedy = "give each service a user of its own"});
}

/* B12: one user's processes can kill and trace each other. */
static void check_users(struct arena *arena, const struct service *rows,
	unsigned n, struct diags *diags)
{
	const struct service **users =
		arena_array(arena, (size_t)n + 1, sizeof(*users));
	unsigned users_n = 0;

	if (users == NULL)
		return; /* a warning is not worth more; seal finds out */
	for (unsigned i = 0; i < n; i++)
		if (rows[i].user != NULL)
			users[users_n++] = &rows[i];
	if (users_n == 0)
		return;
	qsort(users, users_n, sizeof(*users), by_user);
	for (unsigned i = 0, same = 1; i < users_n; i += same, same = 1) {
		while (i + same < users_n &&
			strcmp(users[i]->user, users[i + same]->user) == 0)
			same++;
		if (same > 1 && strcmp(users[i]->name, users[i + 1]->name) != 0)
			complain_user(&users[i], same, diags);
	}
}

bool table_seal(struct table *table, struct service *rows, unsigned n,
	struct diags *diags)
{
	size_t errors_before = diags->errors_n;
	struct claims claims;

	assert(table->services == NULL);
	if (n > 0)
		qsort(rows, n, sizeof(*rows), row_order);
	check_names(rows, n, diags);
	for (unsigned i = 0; i < n; i++)
		check_row(&rows[i], table->listeners_max, diags);
	if (!collect_claims(table, rows, n, &claims))
		return false;
	check_claims(&claims, diags);
	check_users(table->arena, rows, n, diags);
	if (diags->errors_n > errors_before)
		return false;
	table->services = rows;
	table->services_n = n;
	return true;
}
