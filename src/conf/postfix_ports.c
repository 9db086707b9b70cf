/* SPDX-License-Identifier: MIT */
#include "conf/postfix_ports.h"

#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "conf/maincf.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

/* Cut the port off the end of ITEM: what is behind the last '='. */
static bool cut_port(struct text *item, struct text *out_port)
{
	for (size_t i = item->n; i > 0; i--) {
		if (item->bytes[i - 1] != '=')
			continue;
		*out_port = postfix_trim(postfix_behind(*item, i));
		item->n = i - 1;
		return true;
	}
	return false;
}

static const char *name_fault(const char *before, struct text name)
{
	if (name.n == 0)
		return "missing service name before \"=\"";
	if (postfix_is_digits(name))
		return "numerical service name";
	for (size_t i = 0; i < name.n; i++)
		if (postfix_is_space(name.bytes[i]))
			return "whitespace in service name";
	return postfix_ports_find(before, name) != 0 ? "duplicate service name"
						     : NULL;
}

/* BEFORE: the items that count so far. */
static const char *item_fault(const char *before, struct text item)
{
	const struct number_limits limits = {1, UINT16_MAX};
	struct text port, name;
	uint64_t number;

	if (!cut_port(&item, &port))
		return "is not in \"name = value\" form";
	if (port.n == 0)
		return "missing port value after \"=\"";
	if (number_parse(port, limits, &number) != NUMBER_OK)
		return postfix_is_digits(port) ? "no such port"
					       : "non-numerical service port";
	while (text_cut(&item, '=', &name)) {
		const char *fault = name_fault(before, postfix_trim(name));

		if (fault != NULL)
			return fault;
	}
	return NULL;
}

static void complain(const struct postfix_report *report,
	const struct maincf *maincf, struct text item, const char *fault)
{
	bool is_sentence = strncmp(fault, "is ", 3) == 0;

	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_WARNING,
			.form = POSTFIX_BARE,
			.line = maincf_line(maincf, "known_tcp_ports"),
			.remedy = "write NAME=PORT, with commas between them"},
		"known_tcp_ports: in \"%.*s\"%s %s", (int)item.n, item.bytes,
		is_sentence ? "" : ":", fault);
}

const char *postfix_ports_check(struct arena *arena,
	const struct maincf *maincf, const struct postfix_report *report)
{
	const char *text = maincf_text(maincf, POSTFIX_known_tcp_ports);
	struct text rest = text_of(text), item;
	char *good = arena_alloc(arena, strlen(text) + 2);
	struct text_builder builder;

	if (good == NULL)
		return NULL;
	text_builder_init(&builder, good, strlen(text) + 2);
	while (text_cut(&rest, ',', &item)) {
		const char *fault = item_fault(good, item);

		if (postfix_trim(item).n == 0)
			continue;
		if (fault != NULL) {
			complain(report, maincf, item, fault);
			continue;
		}
		text_put_text(&builder, item);
		text_put_char(&builder, ',');
	}
	return good;
}

unsigned postfix_ports_find(const char *ports, struct text name)
{
	const struct number_limits limits = {1, UINT16_MAX};
	struct text rest = text_of(ports), item;

	while (text_cut(&rest, ',', &item)) {
		struct text port, candidate;
		uint64_t number;

		if (!cut_port(&item, &port) ||
			number_parse(port, limits, &number) != NUMBER_OK)
			continue;
		while (text_cut(&item, '=', &candidate))
			if (text_equal(postfix_trim(candidate), name))
				return (unsigned)number;
	}
	return 0;
}
