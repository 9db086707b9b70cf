/* SPDX-License-Identifier: MIT */
#include "conf/overload.h"

#include <string.h>

#include "base/arena.h"
#include "conf/complain.h"
#include "conf/native.h"
#include "conf/source.h"
#include "conf/value.h"
#include "table/service.h"

/* Of a whole reply: it must fit the buffer of any socket at once. */
#define REPLY_BYTES_MAX 512

#define WAITING_MAX 1000000 /* START and FULL, as ostler-bounce has it */

/*
 * One that leaves some waiting may outlast a moment with a ready worker: where
 * many wait, that one has its next client at once.
 */
#define STAY_NS (50 * NS_PER_MS)

#define WAYS                                                                   \
	"write queue, refuse, {reply, \"BYTES\"} or {drop-random, "            \
	"\"START:RATE:FULL\"}"

/* The bouncer's argv: the program, the way, and what else it has to know. */
static void start_bouncer(const struct values *values,
	const struct conf_request *request, const char *way, const char *more,
	struct service *out)
{
	struct place place = value_place(values, SETTING_on_full);
	const char **words = arena_array(values->arena, 4, sizeof(*words));
	const char *path = arena_format(
		values->arena, "%s/ostler-bounce", request->libexec_directory);
	const char *trouble = NULL;

	if (words == NULL || path == NULL)
		return;
	if (request->probe != NULL)
		trouble = request->probe(request->context, path);
	if (trouble != NULL)
		complain(values->diags, &place, "install it there",
			"on_full: %s: %s", path, trouble);
	words[0] = path;
	words[1] = arena_copy(values->arena, text_of(way));
	if (more != NULL)
		words[2] = arena_copy(values->arena, text_of(more));
	out->bounce = words;
	out->policy.bounces = true;
}

static void check_reply(const struct values *values, const char *bytes)
{
	struct place place = value_place(values, SETTING_on_full);

	if (bytes[0] == '\0')
		complain(values->diags, &place, "write refuse to say nothing",
			"on_full: an empty reply");
	else if (strlen(bytes) > REPLY_BYTES_MAX)
		complain(values->diags, &place, "make it shorter",
			"on_full: a reply of %zu bytes, and %d may be",
			strlen(bytes), REPLY_BYTES_MAX);
}

static bool cut_number(
	struct text *rest, char end, uint64_t min, uint64_t max, uint64_t *out)
{
	struct text word = *rest;

	return (end == '\0' || text_cut(rest, end, &word)) &&
	       number_parse(word, (struct number_limits){min, max}, out) ==
		       NUMBER_OK;
}

/* START:RATE:FULL, as the bouncer reads it again. */
static void check_chances(
	const struct values *values, const char *chances, struct service *out)
{
	struct place place = value_place(values, SETTING_on_full);
	struct text rest = text_of(chances);
	uint64_t start = 0, rate = 0, full = 0;

	if (!cut_number(&rest, ':', 0, WAITING_MAX, &start) ||
		!cut_number(&rest, ':', 1, 100, &rate) ||
		!cut_number(&rest, '\0', 1, WAITING_MAX, &full))
		complain(values->diags, &place,
			"write it as in 10:30:60: clients that wait, percent, "
			"clients that wait",
			"on_full: '%s' is not START:RATE:FULL", chances);
	else if (start >= full)
		complain(values->diags, &place, "make START the smaller one",
			"on_full: '%s': all are turned away before any is",
			chances);
	else if (full > out->backlog)
		complain(values->diags, &place, "raise backlog, or lower FULL",
			"on_full: '%s': no more than %u wait, for that is the "
			"backlog",
			chances, out->backlog);
	out->policy.bounce_over = (uint32_t)start;
	out->policy.bounce_stay_ns = STAY_NS;
}

/* Only who has been connected can be turned away. */
static bool has_streams(const struct service *row)
{
	for (unsigned i = 0; i < row->endpoints_n; i++)
		if (row->endpoints[i].kind != ENDPOINT_INET &&
			row->endpoints[i].kind != ENDPOINT_UNIX)
			return false;
	return true;
}

static void check_service(
	const struct values *values, const struct service *row)
{
	struct place place = value_place(values, SETTING_on_full);

	if (!has_streams(row))
		complain(values->diags, &place, "remove it",
			"on_full: only clients of TCP and unix: listeners can "
			"be turned away");
	if (row->policy.process_limit == 0)
		complain(values->diags, &place, "set process_limit",
			"on_full: without process_limit it is never full");
	if (row->channel == CHANNEL_SHARED)
		complain(values->diags, &place,
			"write status_channel = private",
			"on_full: a shared channel cannot send a bouncer away");
	if (!row->nonblocking)
		complain(values->diags, &place, "write nonblocking = yes",
			"on_full: who turns clients away must not wait for "
			"them");
}

void fill_overload(const struct values *values,
	const struct conf_request *request, struct service *out)
{
	const struct assignment *given = &values->block->given[SETTING_on_full];
	struct place place = value_place(values, SETTING_on_full);
	const char *way = given->n > 0 ? given->first->text : "queue";
	bool replies = strcmp(way, "reply") == 0;
	bool by_chance = strcmp(way, "drop-random") == 0;
	bool takes = replies || by_chance;
	bool turns_away = takes || strcmp(way, "refuse") == 0;
	const char *more = NULL;

	if (!turns_away && strcmp(way, "queue") != 0) {
		complain(values->diags, &place, WAYS,
			"on_full: there is no '%s'", way);
		return;
	}
	if (given->n > 0 && given->n != (takes ? 2U : 1U)) {
		complain(values->diags, &place, WAYS,
			replies	    ? "on_full: %s takes the bytes to be sent"
			: by_chance ? "on_full: %s takes START:RATE:FULL"
				    : "on_full: %s takes nothing more",
			way);
		return;
	}
	if (!turns_away)
		return;
	check_service(values, out);
	if (takes)
		more = given->first->next->text;
	if (replies)
		check_reply(values, more);
	if (by_chance)
		check_chances(values, more, out);
	start_bouncer(values, request, way, more, out);
}

/* ------------------------------------------------- too many from one place */

static bool has_inet(const struct service *row)
{
	for (unsigned i = 0; i < row->endpoints_n; i++)
		if (row->endpoints[i].kind == ENDPOINT_INET)
			return true;
	return false;
}

static void check_limit(const struct values *values, enum setting_id id,
	const char *name, uint32_t limit, const struct service *row)
{
	struct place place = value_place(values, id);

	if (limit == 0)
		return;
	if (!has_inet(row))
		complain(values->diags, &place, "remove it",
			"%s: only clients of TCP have an address", name);
	else if (!row->page || row->channel == CHANNEL_SHARED)
		warn(values->diags, &place,
			"do without status_page = no, status_channel = "
			"shared and liveness",
			"%s: each worker counts its own clients alone", name);
}

static void check_bits(const struct values *values, enum setting_id id,
	const char *name, const struct service *row)
{
	struct place place = value_place(values, id);

	if (value_is_given(values, id) && row->prefix_limit == 0)
		warn(values->diags, &place, "add prefix_limit, or remove it",
			"%s has no effect: there is no prefix_limit", name);
}

void fill_sources(const struct values *values, struct service *out)
{
	out->source_limit = value_number32(values, SETTING_source_limit);
	out->prefix_limit = value_number32(values, SETTING_prefix_limit);
	out->prefix_ipv4 = value_number32(values, SETTING_prefix_ipv4);
	out->prefix_ipv6 = value_number32(values, SETTING_prefix_ipv6);
	check_limit(values, SETTING_source_limit, "source_limit",
		out->source_limit, out);
	check_limit(values, SETTING_prefix_limit, "prefix_limit",
		out->prefix_limit, out);
	check_bits(values, SETTING_prefix_ipv4, "prefix_ipv4", out);
	check_bits(values, SETTING_prefix_ipv6, "prefix_ipv6", out);
}
