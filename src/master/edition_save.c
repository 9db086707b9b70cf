/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "master/edition.h"
#include "master/handover_lines.h"
#include "table/rows.h"
#include "table/table.h"

/*
 * A table that came from files some time ago, with the users as they were
 * looked up then: who follows asks neither files nor anybody again.
 */
#define GROUPS_ROOM (CREDS_GROUPS_MAX * 11 + 1)

static void save_identity(
	const struct identity *identity, struct text_builder *out)
{
	char groups[GROUPS_ROOM];
	struct text_builder text;
	struct identity_line line = {
		.uid = identity->uid, .gid = identity->gid, .groups = groups};

	text_builder_init(&text, groups, sizeof(groups));
	for (unsigned i = 0; i < identity->n; i++)
		text_put_format(
			&text, "%s%u", i > 0 ? " " : "", identity->groups[i]);
	saved_put(out, &identity_kind, &line);
}

void edition_save(const struct edition *edition, struct text_builder *out)
{
	struct edition_line line = {.identities = edition->identities_n,
		.control_group = edition->control_group == UINT32_MAX
					 ? 0
					 : edition->control_group + 1,
		.hook = edition->hook == UINT32_MAX ? 0 : edition->hook + 1};

	saved_put(out, &edition_kind, &line);
	table_save(edition->table, out);
	for (unsigned i = 0; i < edition->table->services_n; i++)
		saved_put(out, &owner_kind,
			&(struct owner_line){
				edition->as[i], edition->sockets[i]});
	for (uint32_t i = 0; i < edition->identities_n; i++)
		save_identity(&edition->identities[i], out);
}

static bool load_groups(struct identity *out, const char *words)
{
	struct text rest = text_of(words);
	struct text word;
	uint64_t number;

	while (rest.n > 0 && text_cut(&rest, ' ', &word)) {
		if (out->n == CREDS_GROUPS_MAX ||
			number_parse(word,
				(struct number_limits){0, UINT32_MAX - 1},
				&number) != NUMBER_OK)
			return false;
		out->groups[out->n++] = (gid_t)number;
	}
	return true;
}

static bool load_identity(struct saved_reader *reader, struct identity *out)
{
	struct identity_line line = {.groups = NULL};

	if (!saved_take(reader, &identity_kind, &line))
		return false;
	*out = (struct identity){
		.uid = line.uid, .gid = line.gid, .valid = true};
	return load_groups(out, line.groups) ||
	       saved_refuse(reader, "groups are numbers");
}

static bool load_owners(struct saved_reader *reader, struct edition *edition)
{
	for (unsigned i = 0; i < edition->table->services_n; i++) {
		struct owner_line line = {.as = 0};

		if (!saved_take(reader, &owner_kind, &line))
			return false;
		if (line.as >= edition->identities_n ||
			line.sockets >= edition->identities_n)
			return saved_refuse(reader, "there is no such owner");
		edition->as[i] = line.as;
		edition->sockets[i] = line.sockets;
	}
	return true;
}

static bool load_rest(struct saved_reader *reader, struct edition *edition,
	const struct edition_line *line)
{
	edition->identities_n = line->identities;
	edition->control_group = line->control_group - 1;
	edition->hook = line->hook - 1;
	edition->identities =
		calloc(line->identities + 1, sizeof(*edition->identities));
	if (edition->identities == NULL)
		return saved_refuse(reader, "no memory");
	if (line->control_group > line->identities)
		return saved_refuse(reader, "there is no such group");
	if (line->hook > line->identities ||
		(line->hook != 0) != (edition->table->hook != NULL))
		return saved_refuse(reader, "there is no such hook");
	if (!load_owners(reader, edition))
		return false;
	for (uint32_t i = 0; i < line->identities; i++)
		if (!load_identity(reader, &edition->identities[i]))
			return false;
	return true;
}

struct edition *edition_load(struct saved_reader *reader)
{
	struct edition_line line = {.identities = 0};
	struct edition *edition;
	struct table *table;

	if (!saved_take(reader, &edition_kind, &line))
		return NULL;
	table = table_load(reader);
	edition = table == NULL ? NULL : edition_create(table);
	if (edition == NULL) {
		(void)saved_refuse(reader, "no memory");
		return NULL;
	}
	if (load_rest(reader, edition, &line))
		return edition;
	edition_drop(edition);
	return NULL;
}
