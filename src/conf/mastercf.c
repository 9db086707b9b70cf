/* SPDX-License-Identifier: MIT */
#include "conf/mastercf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "conf/maincf.h"
#include "conf/mastercf_disable.h"
#include "conf/mastercf_field.h"
#include "conf/postfix_compare.h"
#include "conf/postfix_index.h"
#include "conf/postfix_inet.h"
#include "conf/postfix_line.h"
#include "conf/postfix_network.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"
#include "conf/value.h"
#include "table/service.h"

enum {
	SOCKET_PATH_BYTES = 108, /* with a NUL: struct sockaddr_un */
	PROBLEM_BYTES = 1024,
};

const char *const postfix_type_names[POSTFIX_TYPES_N] = {
	[POSTFIX_INET] = "inet",
	[POSTFIX_UNIX] = "unix",
	[POSTFIX_FIFO] = "fifo",
	[POSTFIX_PASS] = "pass",
	[POSTFIX_UNIX_DGRAM] = "unix-dgram",
};

/* A service in the list; a later entry of the same identity replaces it. */
struct found {
	struct postfix_service service;
	struct found *next;
};

struct reading {
	struct arena *arena;
	const struct mastercf_request *request;
	const struct postfix_report *report;
	bool chroot_default;
	const char *file;
	struct postfix_index *identities; /* "canonical type" to found */
	struct postfix_index *titles;
	struct found *first, *last;
	unsigned n;
};

static bool find_type(struct text word, enum postfix_type *out)
{
	for (enum postfix_type type = 0; type < POSTFIX_TYPES_N; type++)
		if (text_is(word, postfix_type_names[type])) {
			*out = type;
			return true;
		}
	return false;
}

/* Name and type; false if the entry is bad, or is not to be looked at. */
static bool read_identity(struct reading *reading,
	struct mastercf_fields *fields, struct postfix_service *out)
{
	const struct postfix_network *network = reading->request->network;
	const char *disabled = maincf_text(
		reading->request->maincf, POSTFIX_master_service_disable);
	struct text name, type;

	if (!mastercf_cut(fields, "service name", &name))
		return false;
	out->name = arena_copy(reading->arena, name);
	fields->service = out->name;
	if (!mastercf_cut_required(fields, "transport type", &type))
		return false;
	if (!find_type(type, &out->type)) {
		mastercf_refuse(fields,
			"write inet, unix, fifo, pass or unix-dgram",
			"bad transport type: %.*s", (int)type.n, type.bytes);
		return false;
	}
	if (out->type == POSTFIX_INET && !network->ipv4 && !network->ipv6)
		return false;
	return !mastercf_is_disabled(disabled, name, type);
}

static void read_private(
	struct mastercf_fields *fields, struct postfix_service *out)
{
	out->is_private = mastercf_cut_flag(fields, "private", true);
	if (out->type == POSTFIX_INET && out->is_private && !fields->is_over)
		mastercf_refuse(
			fields, "write n", "inet service cannot be private");
}

static void read_chroot(struct reading *reading, struct mastercf_fields *fields,
	struct postfix_service *out)
{
	struct text rest = fields->rest, word;

	out->is_chroot =
		mastercf_cut_flag(fields, "chroot", reading->chroot_default);
	if (!reading->chroot_default ||
		!postfix_cut_field(&rest, POSTFIX_BLANKS, &word) ||
		!text_is(word, "-"))
		return;
	postfix_say(reading->report,
		&(struct postfix_remark){.severity = POSTFIX_INFO,
			.form = POSTFIX_LINE,
			.line = fields->line,
			.service = fields->service,
			.remedy = "write y or n, or raise compatibility_level"},
		"using backwards-compatible default setting chroot=y");
}

static void read_wakeup(
	struct mastercf_fields *fields, struct postfix_service *out)
{
	struct text word;

	out->wakeup_s = mastercf_cut_number(fields, "wakeup_time", 0, &word);
	out->wakeup_is_conditional = out->wakeup_s > 0 && word.n > 0 &&
				     word.bytes[word.n - 1] == '?';
}

static void read_arguments(struct reading *reading,
	struct mastercf_fields *fields, struct postfix_service *out)
{
	/* No more words than every second byte. */
	const char **words = arena_array(
		reading->arena, fields->rest.n / 2 + 2, sizeof(*words));
	enum postfix_word_result result;
	struct text word;

	if (words == NULL)
		return;
	for (;;) {
		result = postfix_cut_word(&fields->rest, POSTFIX_BLANKS, &word);
		if (result == POSTFIX_WORD_END)
			break;
		if (result == POSTFIX_WORD)
			words[out->arguments_n++] =
				arena_copy(reading->arena, word);
		else
			mastercf_refuse(fields, "correct the braces",
				"%s '}' in \"%.*s\"",
				result == POSTFIX_WORD_UNCLOSED
					? "missing"
					: "syntax error after",
				(int)word.n, word.bytes);
	}
	out->arguments = words;
}

static void read_command(struct reading *reading,
	struct mastercf_fields *fields, struct postfix_service *out)
{
	const char *directory =
		maincf_text(reading->request->maincf, POSTFIX_daemon_directory);
	struct text word;

	if (!mastercf_cut_required(fields, "command", &word))
		return;
	out->command = arena_copy(reading->arena, word);
	out->path = arena_format(
		reading->arena, "%s/%.*s", directory, (int)word.n, word.bytes);
	read_arguments(reading, fields, out);
}

static void find_inet(struct reading *reading, struct mastercf_fields *fields,
	struct postfix_service *out)
{
	struct postfix_inet_fault fault = {.is_bare = false};
	struct postfix_inet inet;
	char problem[PROBLEM_BYTES];

	text_builder_init(&fault.problem, problem, sizeof(problem));
	if (!postfix_inet_parse(reading->arena, reading->request->network,
		    out->name, &inet, &fault)) {
		fields->is_bad = true;
		postfix_say(reading->report,
			&(struct postfix_remark){.severity = POSTFIX_FATAL,
				.form = fault.is_bare ? POSTFIX_BARE
						      : POSTFIX_LINE,
				.line = fields->line,
				.service = fields->service,
				.remedy = fault.remedy},
			"%s", problem);
		return;
	}
	for (unsigned i = 0; i < inet.endpoints_n; i++) {
		inet.endpoints[i].file = reading->file;
		inet.endpoints[i].line = fields->line;
	}
	out->canonical = inet.canonical;
	out->endpoints = inet.endpoints;
	out->endpoints_n = inet.endpoints_n;
	out->has_stress = !inet.is_local;
}

static enum endpoint_kind kind_of(enum postfix_type type)
{
	if (type == POSTFIX_FIFO)
		return ENDPOINT_FIFO;
	return type == POSTFIX_UNIX_DGRAM ? ENDPOINT_DGRAM : ENDPOINT_UNIX;
}

static const char *const kind_prefixes[] = {
	[ENDPOINT_UNIX] = "unix:",
	[ENDPOINT_FIFO] = "fifo:",
	[ENDPOINT_DGRAM] = "dgram:",
};

static void refuse_path(struct reading *reading, struct mastercf_fields *fields,
	const struct postfix_service *service)
{
	bool is_socket = service->type != POSTFIX_FIFO;

	if (path_climbs(service->name))
		mastercf_refuse(fields, "write a name without ..",
			"bad service name: %s", service->name);
	if (!is_socket || strlen(service->canonical) < SOCKET_PATH_BYTES)
		return;
	fields->is_bad = true;
	postfix_say(reading->report,
		&(struct postfix_remark){.severity = POSTFIX_FATAL,
			.form = POSTFIX_BARE,
			.line = fields->line,
			.service = fields->service,
			.remedy = "choose a shorter name"},
		"unix-domain name too long: %s", service->canonical);
}

static void find_path(struct reading *reading, struct mastercf_fields *fields,
	struct postfix_service *out)
{
	struct arena *arena = reading->arena;
	struct endpoint *endpoint = arena_alloc(arena, sizeof(*endpoint));
	enum endpoint_kind kind = kind_of(out->type);

	out->canonical = arena_format(arena, "%s/%s",
		out->is_private ? "private" : "public", out->name);
	if (endpoint == NULL || out->canonical == NULL)
		return;
	refuse_path(reading, fields, out);
	endpoint->kind = kind;
	/* The master works in queue_directory, and the limit is of this. */
	endpoint->path = out->canonical;
	/* As Postfix's own settings name it. */
	endpoint->text = arena_format(
		arena, "%s%s", kind_prefixes[kind], out->canonical);
	endpoint->file = reading->file;
	endpoint->line = fields->line;
	out->endpoints = endpoint;
	out->endpoints_n = 1;
	out->has_stress = out->type == POSTFIX_PASS;
}

/* False if the entry is not one, or nothing is to come of it. */
static bool read_entry(struct reading *reading, struct mastercf_fields *fields,
	struct postfix_service *out)
{
	int32_t limit_default = maincf_number(
		reading->request->maincf, POSTFIX_default_process_limit);
	struct text word;

	*out = (struct postfix_service){.line = fields->line};
	if (!read_identity(reading, fields, out))
		return false;
	read_private(fields, out);
	out->is_unprivileged = mastercf_cut_flag(fields, "unprivileged", true);
	read_chroot(reading, fields, out);
	read_wakeup(fields, out);
	out->limit = mastercf_cut_number(
		fields, "max_proc", (uint32_t)limit_default, &word);
	read_command(reading, fields, out);
	if (fields->is_over || out->name == NULL)
		return false;
	if (out->type == POSTFIX_INET)
		find_inet(reading, fields, out);
	else
		find_path(reading, fields, out);
	out->has_stress = out->has_stress && out->limit > 1;
	return !fields->is_bad && !arena_is_exhausted(reading->arena);
}

static void warn_duplicate(const struct postfix_report *report,
	const struct postfix_service *earlier,
	const struct postfix_service *later)
{
	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_WARNING,
			.form = POSTFIX_BARE,
			.line = later->line,
			.service = later->name,
			.remedy = "remove one of them"},
		"duplicate master.cf entry for service \"%s\" (%s) -- using "
		"the last entry",
		earlier->name, earlier->canonical);
}

/* The place of SERVICE in the list: that of its earlier entry, or the last. */
static struct found *place_for(
	struct reading *reading, const struct postfix_service *service)
{
	const char *identity = arena_format(reading->arena, "%s %s",
		service->canonical, postfix_type_names[service->type]);
	struct found *found =
		postfix_index_find(reading->identities, text_of(identity));

	if (found != NULL) {
		warn_duplicate(reading->report, &found->service, service);
		return found;
	}
	found = arena_alloc(reading->arena, sizeof(*found));
	if (found == NULL || identity == NULL)
		return NULL;
	postfix_index_put(reading->identities, identity, found);
	if (reading->last == NULL)
		reading->first = found;
	else
		reading->last->next = found;
	reading->last = found;
	reading->n++;
	return found;
}

static void read_lines(struct reading *reading)
{
	struct postfix_lines lines;
	struct postfix_line line;

	postfix_lines_init(&lines, reading->arena, reading->request->bytes);
	while (postfix_lines_next(&lines, &line)) {
		struct mastercf_fields fields = {.report = reading->report,
			.rest = line.text,
			.line = line.line};
		struct postfix_service service;
		struct found *found;

		if (postfix_line_is_skipped(reading->report, &line) ||
			!read_entry(reading, &fields, &service))
			continue;
		found = place_for(reading, &service);
		if (found != NULL)
			found->service = service;
	}
}

/* The name and type, as master_service_disable has them, if they are unique. */
static const char *make_title(
	struct reading *reading, const struct postfix_service *service)
{
	const char *type = postfix_type_names[service->type];
	const char *title =
		arena_format(reading->arena, "%s/%s", service->name, type);

	if (title != NULL &&
		postfix_index_find(reading->titles, text_of(title)) != NULL)
		title = arena_format(
			reading->arena, "%s/%s", service->canonical, type);
	return title;
}

static void finish(struct reading *reading, struct mastercf *out)
{
	struct postfix_service *services = arena_array(
		reading->arena, (size_t)reading->n + 1, sizeof(*services));
	unsigned n = 0;

	if (services == NULL)
		return;
	for (struct found *found = reading->first; found != NULL;
		found = found->next) {
		struct postfix_service *service = &services[n++];

		*service = found->service;
		service->title = make_title(reading, service);
		if (service->title != NULL)
			postfix_index_put(
				reading->titles, service->title, service);
	}
	assert(n == reading->n);
	*out = (struct mastercf){services, n};
}

static bool begin(struct reading *reading, struct arena *arena,
	const struct mastercf_request *request,
	const struct postfix_report *report)
{
	uint64_t level, one;

	*reading = (struct reading){
		.arena = arena, .request = request, .report = report};
	reading->file = arena_copy(arena, text_of(request->file));
	reading->identities = postfix_index_create(arena);
	reading->titles = postfix_index_create(arena);
	reading->chroot_default =
		postfix_level_parse(text_of("1"), &one) &&
		postfix_level_parse(text_of(maincf_text(request->maincf,
					    POSTFIX_compatibility_level)),
			&level) &&
		level < one;
	return !arena_is_exhausted(arena);
}

bool mastercf_read(struct arena *arena, const struct mastercf_request *request,
	const struct postfix_report *report, struct mastercf *out)
{
	size_t before = postfix_report_errors(report);
	struct reading reading;

	*out = (struct mastercf){0};
	if (!begin(&reading, arena, request, report))
		return false;
	read_lines(&reading);
	finish(&reading, out);
	return !arena_is_exhausted(arena) &&
	       postfix_report_errors(report) == before;
}

const struct postfix_service *mastercf_find(
	const struct mastercf *mastercf, const char *title)
{
	for (unsigned i = 0; i < mastercf->services_n; i++)
		if (strcmp(mastercf->services[i].title, title) == 0)
			return &mastercf->services[i];
	return NULL;
}
