/* SPDX-License-Identifier: MIT */
#include "conf/maincf.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "conf/maincf_check.h"
#include "conf/postfix_expand.h"
#include "conf/postfix_index.h"
#include "conf/postfix_line.h"
#include "conf/postfix_report.h"
#include "conf/postfix_value.h"
#include "conf/postfix_word.h"

enum {
	VALUE_BYTES = 64 * 1024, /* of one value, expanded */
	TROUBLE_BYTES = 512,
};

const struct postfix_setting postfix_settings[POSTFIX_SETTINGS_N] = {
#define POSTFIX_SETTING(name_, kind_, default_, min_, max_, sentence_)         \
	{.name = #name_,                                                       \
		.kind = POSTFIX_##kind_,                                       \
		.default_text = default_,                                      \
		.min = min_,                                                   \
		.max = max_,                                                   \
		.sentence = sentence_},
#include "conf/postfix_settings.def"
};

/* A parameter of the file, whether it is a setting or not. */
struct parameter {
	const char *name;
	const char *value; /* as it is written */
	unsigned line;	   /* 0: a preset */
};

struct value {
	const char *text;    /* NULL: not yet known */
	const char *ignored; /* the one that a pin took the place of */
	int32_t number;
};

struct maincf {
	struct arena *arena; /* borrowed */
	const char *file;
	struct postfix_index *parameters;
	struct value values[POSTFIX_SETTINGS_N];
	char *scratch; /* VALUE_BYTES */
};

const char *maincf_file(const struct maincf *maincf)
{
	return maincf->file;
}

static const struct parameter *find(
	const struct maincf *maincf, struct text name)
{
	return postfix_index_find(maincf->parameters, name);
}

const char *maincf_raw(const struct maincf *maincf, const char *name)
{
	const struct parameter *parameter = find(maincf, text_of(name));

	return parameter == NULL ? NULL : parameter->value;
}

unsigned maincf_line(const struct maincf *maincf, const char *name)
{
	const struct parameter *parameter = find(maincf, text_of(name));

	return parameter == NULL ? 0 : parameter->line;
}

static void set(struct maincf *maincf, struct text name, struct text value,
	unsigned line)
{
	struct parameter *parameter =
		arena_alloc(maincf->arena, sizeof(*parameter));

	if (parameter == NULL)
		return;
	parameter->name = arena_copy(maincf->arena, name);
	parameter->value = arena_copy(maincf->arena, value);
	parameter->line = line;
	if (parameter->name != NULL && parameter->value != NULL)
		postfix_index_put(
			maincf->parameters, parameter->name, parameter);
}

static void refuse_line(const struct postfix_report *report,
	const struct postfix_line *line, const char *what)
{
	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_FATAL,
			.form = POSTFIX_COMMA,
			.line = line->line,
			.remedy = "write NAME = VALUE"},
		"%s: \"%s\"", what, line->text.bytes);
}

static void warn_override(const struct maincf *maincf,
	const struct postfix_report *report, const struct postfix_line *line,
	struct text name, struct text value)
{
	const struct parameter *earlier = find(maincf, name);

	if (earlier == NULL || text_is(value, earlier->value))
		return;
	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_WARNING,
			.form = POSTFIX_COMMA,
			.line = line->line,
			.remedy = "remove one of them"},
		"overriding earlier entry: %.*s=%s", (int)name.n, name.bytes,
		earlier->value);
}

/* Whether there is white space within NAME: then it is none. */
static bool is_word(struct text name)
{
	for (size_t i = 0; i < name.n; i++)
		if (postfix_is_space(name.bytes[i]))
			return false;
	return true;
}

static void read_line(struct maincf *maincf,
	const struct postfix_report *report, const struct postfix_line *line)
{
	struct text value = line->text, name;
	bool has_value = text_cut(&value, '=', &name) && value.bytes != NULL;

	name = postfix_trim(name);
	if (has_value && name.n == 0) {
		refuse_line(report, line, "missing attribute name");
		return;
	}
	if (!has_value || !is_word(name)) {
		refuse_line(report, line, "missing '=' after attribute name");
		return;
	}
	value = postfix_trim(value);
	warn_override(maincf, report, line, name, value);
	set(maincf, name, value, line->line);
}

static void read_lines(struct maincf *maincf, struct text bytes,
	const struct postfix_report *report)
{
	struct postfix_lines lines;
	struct postfix_line line;

	postfix_lines_init(&lines, maincf->arena, bytes);
	while (postfix_lines_next(&lines, &line))
		if (!postfix_line_is_skipped(report, &line))
			read_line(maincf, report, &line);
}

/*
 * What main.cf has, or else the default, if it has been found already: the
 * settings come to their values one after the other.
 */
static const char *see(void *context, struct text name)
{
	const struct maincf *maincf = context;
	const struct parameter *parameter = find(maincf, name);

	if (parameter != NULL)
		return parameter->value;
	for (enum postfix_setting_id id = 0; id < POSTFIX_SETTINGS_N; id++)
		if (text_is(name, postfix_settings[id].name))
			return maincf->values[id].text;
	return NULL;
}

const char *maincf_expand(
	struct maincf *maincf, struct text text, struct text_builder *trouble)
{
	struct postfix_macros macros = {maincf, see};
	struct text_builder builder;

	text_builder_init(&builder, maincf->scratch, VALUE_BYTES);
	if (!postfix_expand(&macros, text, &builder, trouble))
		return NULL;
	return arena_copy(maincf->arena, text_built(&builder));
}

/* Postfix warns of what is wrong, and then ends for another reason. */
static void complain_macro(const struct postfix_report *report,
	const struct postfix_setting *setting, unsigned line,
	const char *trouble)
{
	struct postfix_remark remark = {
		.severity = POSTFIX_FATAL, .form = POSTFIX_BARE, .line = line};

	postfix_say_diag(report, &remark, "%s: %s", setting->name, trouble);
	postfix_say_log(report,
		&(struct postfix_remark){.severity = POSTFIX_WARNING}, "%s",
		trouble);
	postfix_say_log(report, &remark,
		"dictionary mail_dict: macro processing error");
}

/* The machine's name, with a domain if it has none. */
static const char *default_hostname(struct maincf *maincf, const char *hostname)
{
	struct text_builder trouble;
	char ignored[TROUBLE_BYTES];
	const char *domain = maincf_raw(maincf, "mydomain");

	if (strchr(hostname, '.') != NULL)
		return hostname;
	text_builder_init(&trouble, ignored, sizeof(ignored));
	/* If it cannot be expanded, mydomain will be complained about. */
	if (domain != NULL)
		domain = maincf_expand(maincf, text_of(domain), &trouble);
	return arena_format(maincf->arena, "%s.%s", hostname,
		domain == NULL ? "localdomain" : domain);
}

static const char *default_domain(const struct maincf *maincf)
{
	const char *dot = strchr(maincf->values[POSTFIX_myhostname].text, '.');

	return dot == NULL ? "localdomain" : dot + 1;
}

static const char *default_of(struct maincf *maincf,
	const struct maincf_request *request, enum postfix_setting_id id)
{
	const char *text = postfix_settings[id].default_text;

	if (id == POSTFIX_myhostname)
		text = default_hostname(maincf, request->hostname);
	else if (id == POSTFIX_mydomain)
		text = default_domain(maincf);
	return text == NULL ? "" : text;
}

/* The value of ID from TEXT, if that is good. */
static bool evaluate(struct maincf *maincf, const struct postfix_report *report,
	enum postfix_setting_id id, const char *text)
{
	const struct postfix_setting *setting = &postfix_settings[id];
	struct value *value = &maincf->values[id];
	unsigned line = maincf_line(maincf, setting->name);
	char why[TROUBLE_BYTES];
	struct text_builder trouble;
	int32_t number;

	text_builder_init(&trouble, why, sizeof(why));
	text = maincf_expand(maincf, text_of(text), &trouble);
	if (text == NULL && trouble.n > 0)
		complain_macro(report, setting, line, why);
	if (text == NULL ||
		!postfix_value_parse(report, setting, text, line, &number) ||
		!maincf_check(report, id, text, line))
		return false;
	*value = (struct value){.text = text, .number = number};
	return true;
}

/* What is written has been found good; what runs is in force. */
static void pin(struct maincf *maincf, const struct maincf_request *request,
	enum postfix_setting_id id)
{
	const char *written = maincf->values[id].text;
	const struct maincf_pin *pin = request->pins;

	for (unsigned i = 0; i < request->pins_n; i++, pin++) {
		if (pin->id != id || strcmp(pin->value, written) == 0)
			continue;
		assert(postfix_settings[id].kind == POSTFIX_TEXT);
		maincf->values[id] = (struct value){
			.text = arena_copy(maincf->arena, text_of(pin->value)),
			.ignored = written};
	}
}

/* Good or not, the setting has a value then. */
static bool evaluate_setting(struct maincf *maincf,
	const struct maincf_request *request,
	const struct postfix_report *report, enum postfix_setting_id id)
{
	const char *name = postfix_settings[id].name;
	const char *given = maincf_raw(maincf, name);
	const char *fallback = default_of(maincf, request, id);

	if (evaluate(maincf, report, id, given == NULL ? fallback : given))
		return true;
	maincf->values[id].text = fallback;
	if (given == NULL)
		return false;
	/* What has it in it is not wrong as well. */
	set(maincf, text_of(name), text_of(fallback),
		maincf_line(maincf, name));
	(void)evaluate(maincf, report, id, fallback);
	return false;
}

static struct maincf *create(
	struct arena *arena, const struct maincf_request *request)
{
	struct maincf *maincf = arena_alloc(arena, sizeof(*maincf));

	if (maincf == NULL)
		return NULL;
	maincf->arena = arena;
	maincf->file = arena_copy(arena, text_of(request->file));
	maincf->parameters = postfix_index_create(arena);
	maincf->scratch = arena_alloc(arena, VALUE_BYTES);
	return arena_is_exhausted(arena) ? NULL : maincf;
}

bool maincf_read(struct arena *arena, const struct maincf_request *request,
	const struct postfix_report *report, struct maincf **out)
{
	size_t before = postfix_report_errors(report);
	struct maincf *maincf = create(arena, request);

	*out = NULL;
	if (maincf == NULL)
		return false;
	for (unsigned i = 0; i < request->presets_n; i++)
		set(maincf, text_of(request->presets[i].name),
			text_of(request->presets[i].value), 0);
	read_lines(maincf, request->bytes, report);
	for (enum postfix_setting_id id = 0; id < POSTFIX_SETTINGS_N; id++)
		if (evaluate_setting(maincf, request, report, id))
			pin(maincf, request, id);
	if (arena_is_exhausted(arena))
		return false;
	maincf_check_log_file(report, maincf);
	*out = maincf;
	return postfix_report_errors(report) == before;
}

const char *maincf_text(const struct maincf *maincf, enum postfix_setting_id id)
{
	return maincf->values[id].text;
}

const char *maincf_ignored(
	const struct maincf *maincf, enum postfix_setting_id id)
{
	return maincf->values[id].ignored;
}

int32_t maincf_number(const struct maincf *maincf, enum postfix_setting_id id)
{
	assert(postfix_settings[id].kind == POSTFIX_NUMBER);
	return maincf->values[id].number;
}

uint64_t maincf_time_ns(const struct maincf *maincf, enum postfix_setting_id id)
{
	assert(postfix_settings[id].kind == POSTFIX_TIME);
	return (uint64_t)maincf->values[id].number * NS_PER_S;
}

bool maincf_switch(const struct maincf *maincf, enum postfix_setting_id id)
{
	assert(postfix_settings[id].kind == POSTFIX_SWITCH);
	return maincf->values[id].number != 0;
}
