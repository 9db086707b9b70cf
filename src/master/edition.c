/* SPDX-License-Identifier: MIT */
#include "master/edition.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "sys/path.h"
#include "table/table.h"

struct edition *edition_create(struct table *table)
{
	struct edition *edition = calloc(1, sizeof(*edition));
	unsigned n = table->services_n;

	if (edition != NULL) {
		edition->table = table;
		edition->users = 1;
		edition->control_group = edition->hook = UINT32_MAX;
		edition->as = calloc(n + 1, sizeof(uint32_t));
		edition->sockets = calloc(n + 1, sizeof(uint32_t));
		if (edition->as != NULL && edition->sockets != NULL)
			return edition;
		edition_drop(edition);
		return NULL;
	}
	table_destroy(table);
	return NULL;
}

void edition_use(struct edition *edition)
{
	edition->users++;
}

void edition_drop(struct edition *edition)
{
	if (edition == NULL)
		return;
	assert(edition->users > 0);
	if (--edition->users > 0)
		return;
	table_destroy(edition->table);
	free(edition->identities);
	free(edition->as);
	free(edition->sockets);
	free(edition);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Few users serve many services: a scan of what is there is enough. */
static uint32_t request_index(struct lookup_request *requests, uint32_t *n,
	const char *user, const char *group)
{
	for (uint32_t i = 0; i < *n; i++)
		if (same(requests[i].user, user) &&
			same(requests[i].group, group))
			return i;
	requests[*n] = (struct lookup_request){.user = user, .group = group};
	return (*n)++;
}

struct lookup_request *edition_requests(struct edition *edition)
{
	const struct table *table = edition->table;
	struct lookup_request *requests =
		calloc(2 * (size_t)table->services_n + 2, sizeof(*requests));
	uint32_t n = 0;

	if (requests == NULL)
		return NULL;
	for (unsigned i = 0; i < table->services_n; i++) {
		const struct service *row = &table->services[i];

		edition->as[i] =
			request_index(requests, &n, row->user, row->group);
		edition->sockets[i] = request_index(
			requests, &n, row->socket_owner, row->socket_group);
	}
	if (table->control_group != NULL)
		edition->control_group =
			request_index(requests, &n, NULL, table->control_group);
	if (table->hook != NULL)
		edition->hook =
			request_index(requests, &n, table->hook_user, NULL);
	edition->identities_n = n;
	edition->identities = calloc(n + 1, sizeof(*edition->identities));
	if (edition->identities == NULL) {
		free(requests);
		return NULL;
	}
	return requests;
}

const struct identity *edition_as(
	const struct edition *edition, const struct service *row)
{
	return &edition->identities[edition->as[row -
						edition->table->services]];
}

const struct identity *edition_sockets(
	const struct edition *edition, const struct service *row)
{
	return &edition->identities[edition->sockets[row -
						     edition->table->services]];
}

static void complain(struct diags *diags, const struct service *row,
	const char *problem, const char *remedy)
{
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = row->file,
				 .line = row->line,
				 .service = row->name,
				 .problem = problem,
				 .remedy = remedy});
}

/* Without root a worker can only be us. */
static const char *identity_problem(
	const struct service *row, const struct identity *identity, bool is_as)
{
	if (!identity->valid)
		return identity->error;
	if (!is_as || sys_is_root())
		return NULL;
	if (row->user != NULL && identity->uid != sys_uid())
		return "user: only root can run workers as somebody else";
	if (row->group != NULL && identity->gid != sys_gid())
		return "group: only root can run workers in another group";
	return NULL;
}

/* One complaint is enough about one who owns the sockets of many. */
static bool is_first_of_sockets(
	const struct edition *edition, const struct service *row)
{
	const struct service *first = edition->table->services;

	while (first != row && edition_sockets(edition, first) !=
				       edition_sockets(edition, row))
		first++;
	return first == row;
}

static bool check_row(const struct edition *edition, const struct service *row,
	struct diags *diags)
{
	const char *as = identity_problem(row, edition_as(edition, row), true);
	const char *sockets =
		identity_problem(row, edition_sockets(edition, row), false);

	if (as != NULL)
		complain(diags, row, as,
			edition_as(edition, row)->valid
				? "leave it out, or start ostlerd as root"
				: "name a user and group that exist");
	if (sockets != NULL && is_first_of_sockets(edition, row))
		complain(diags, row, sockets,
			"name who is to own the sockets, and exists");
	return as == NULL && sockets == NULL;
}

/* INDEX in the identities; UINT32_MAX: none. */
static bool check_global(const struct edition *edition, uint32_t index,
	const char *file, const char *remedy, struct diags *diags)
{
	if (index == UINT32_MAX || edition->identities[index].valid)
		return true;
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = file,
				 .problem = edition->identities[index].error,
				 .remedy = remedy});
	return false;
}

bool edition_check(
	const struct edition *edition, const char *file, struct diags *diags)
{
	const struct table *table = edition->table;
	uint32_t group = edition->control_group;
	bool good = true;

	for (unsigned i = 0; i < table->services_n; i++)
		if (!check_row(edition, &table->services[i], diags))
			good = false;
	return check_global(edition, group, file, "see control_group", diags) &&
	       check_global(
		       edition, edition->hook, file, "see hook_user", diags) &&
	       good;
}
