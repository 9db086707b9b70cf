/* SPDX-License-Identifier: MIT */
#include "conf/source.h"

#include <assert.h>
#include <confuse.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "conf/complain.h"
#include "conf/guard.h"

enum {
	UNKNOWN_MAX = 32, /* different unknown names in one file */
	OPTIONS_MAX = SETTINGS_N + UNKNOWN_MAX + 3,
};

/* A name that libconfuse stumbled over, and where it stood. */
struct unknown {
	enum setting_scope scope;
	const char *name; /* in the arena */
};

/*
 * libconfuse stops at a name that it does not know. So the file is parsed
 * again with that name made known, until it stops at nothing, or at something
 * else; complaints come from the last time through.
 */
struct reader {
	struct arena *arena;
	const char *file;
	struct block *globals;
	struct diags *diags;
	struct guarded guarded;

	/* What the last time through has found. */
	struct source source;
	struct block *last_block;
	struct inclusion *last_inclusion;
	size_t opened; /* blocks whose beginning was seen */
	bool stopped;  /* at an error */
	bool nested;   /* which was a block in a block */
	bool again;    /* at a name that was not known */

	struct unknown unknown[UNKNOWN_MAX];
	unsigned unknown_n;
};

/*
 * libconfuse hands nothing of ours to its callbacks, and its scanner is one
 * for the whole process: so there is one reader at a time, here.
 */
static struct reader *current;

static enum setting_scope scope_of(const cfg_t *cfg)
{
	return strcmp(cfg->name, "service") == 0 ? SCOPE_SERVICE : SCOPE_GLOBAL;
}

static struct place place_of(const struct reader *reader, const cfg_t *cfg,
	const struct block *block)
{
	return (struct place){.file = reader->file,
		.line = cfg->line > 0 ? (unsigned)cfg->line : 0,
		.service = block == NULL ? NULL : block->name};
}

/* The block that is open now, made when the first setting in it is seen. */
static struct block *open_block(struct reader *reader)
{
	struct guard_block *begun = &reader->guarded.blocks[reader->opened];
	struct block *block = reader->last_block;

	if (block != NULL && !block->complete)
		return block;
	assert(reader->opened < reader->guarded.blocks_n);
	block = arena_alloc(reader->arena, sizeof(*block));
	if (block == NULL)
		return NULL;
	block->name = begun->name;
	block->file = reader->file;
	block->line = begun->line;
	if (reader->last_block == NULL)
		reader->source.blocks = block;
	else
		reader->last_block->next = block;
	reader->last_block = block;
	reader->source.blocks_n++;
	reader->opened++;
	return block;
}

static void append(struct reader *reader, struct assignment *assignment,
	const char *text, unsigned line)
{
	struct given *given = arena_alloc(reader->arena, sizeof(*given));

	if (given == NULL)
		return;
	given->text = arena_copy(reader->arena, text_of(text));
	given->line = line;
	if (given->text == NULL)
		return;
	if (assignment->first == NULL)
		assignment->first = given;
	else
		assignment->last->next = given;
	assignment->last = given;
	assignment->n++;
}

/* Whether VALUE begins an assignment, and not the first one. */
static bool is_second(
	const struct assignment *assignment, const cfg_opt_t *option)
{
	return assignment->first != NULL && option->nvalues == 1;
}

static void take(
	struct reader *reader, cfg_t *cfg, cfg_opt_t *option, const char *value)
{
	enum setting_scope scope = scope_of(cfg);
	enum setting_id id = setting_find(scope, text_of(option->name));
	struct block *block =
		scope == SCOPE_SERVICE ? open_block(reader) : reader->globals;
	struct assignment *assignment;
	struct place place;

	if (block == NULL || id == SETTINGS_N)
		return;
	assignment = &block->given[id];
	place = place_of(reader, cfg, block);
	if (is_second(assignment, option)) {
		complain(reader->diags, &place, "remove one of them",
			"%s is given twice, first at %s:%u", option->name,
			assignment->file, assignment->line);
		return;
	}
	if (assignment->first == NULL) {
		assignment->file = reader->file;
		assignment->line = place.line;
	}
	append(reader, assignment, value, place.line);
}

static int on_value(
	cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
	take(current, cfg, option, value);
	*(const char **)result = value;
	return 0;
}

static void complain_unknown(struct reader *reader, const struct place *place,
	enum setting_scope scope, const char *name)
{
	enum setting_scope other =
		scope == SCOPE_GLOBAL ? SCOPE_SERVICE : SCOPE_GLOBAL;
	const char *near = setting_nearest(scope, text_of(name));
	const char *near_other = setting_nearest(other, text_of(name));
	char remedy[80];
	struct text_builder text;

	text_builder_init(&text, remedy, sizeof(remedy));
	if (setting_find(other, text_of(name)) != SETTINGS_N)
		text_put(&text,
			scope == SCOPE_GLOBAL
				? "it belongs into a service block"
				: "it belongs outside of the service blocks");
	else if (near != NULL)
		text_put_format(&text, "did you mean '%s'?", near);
	else if (near_other != NULL)
		text_put_format(&text, "did you mean '%s', %s?", near_other,
			scope == SCOPE_GLOBAL ? "in a service block"
					      : "outside of the blocks");
	else
		text_put(&text, "see ostler.conf(5) for what there is");
	complain(
		reader->diags, place, remedy, "there is no setting '%s'", name);
}

static int on_unknown_value(
	cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
	enum setting_scope scope = scope_of(cfg);
	struct block *block =
		scope == SCOPE_SERVICE ? open_block(current) : NULL;
	struct place place = place_of(current, cfg, block);

	if (option->nvalues == 1)
		complain_unknown(current, &place, scope, option->name);
	*(const char **)result = value;
	return 0;
}

static int on_block_end(cfg_t *cfg, cfg_opt_t *option)
{
	struct block *block = open_block(current);

	(void)cfg;
	/*
	 * We have what we want of it, and libconfuse would compare the titles
	 * of all that come with it. None is there at the end of the file.
	 */
	(void)cfg_opt_rmnsec(option, 0);
	/* libconfuse also comes here at the end of the file. */
	if (block != NULL && current->opened <= current->guarded.blocks_closed)
		block->complete = true;
	return 0;
}

static int on_include(
	cfg_t *cfg, cfg_opt_t *option, int argc, const char **argv)
{
	struct reader *reader = current;
	struct inclusion *inclusion =
		arena_alloc(reader->arena, sizeof(*inclusion));

	(void)option;
	assert(argc == 1); /* the guard lets no other through */
	if (inclusion == NULL)
		return 0;
	inclusion->pattern = arena_copy(reader->arena, text_of(argv[0]));
	inclusion->line = (unsigned)cfg->line;
	if (inclusion->pattern == NULL)
		return 0;
	if (reader->last_inclusion == NULL)
		reader->source.inclusions = inclusion;
	else
		reader->last_inclusion->next = inclusion;
	reader->last_inclusion = inclusion;
	return 0;
}

/* Make NAME known for the next time through; false if that will not help. */
static bool learn(
	struct reader *reader, enum setting_scope scope, const char *name)
{
	struct unknown *unknown = &reader->unknown[reader->unknown_n];

	if (reader->unknown_n == UNKNOWN_MAX)
		return false;
	if (scope == SCOPE_SERVICE &&
		(strcmp(name, "service") == 0 || strcmp(name, "include") == 0))
		return false;
	unknown->scope = scope;
	unknown->name = arena_copy(reader->arena, text_of(name));
	if (unknown->name == NULL)
		return false;
	reader->unknown_n++;
	return true;
}

static bool is_unknown(
	const struct reader *reader, enum setting_scope scope, const char *name)
{
	for (unsigned i = 0; i < reader->unknown_n; i++)
		if (reader->unknown[i].scope == scope &&
			strcmp(reader->unknown[i].name, name) == 0)
			return true;
	return false;
}

static void complain_nested(struct reader *reader, const cfg_t *cfg,
	const struct block *block, const char *name)
{
	struct place place = place_of(reader, cfg, block);
	char remedy[80];
	struct text_builder text;

	text_builder_init(&text, remedy, sizeof(remedy));
	if (strcmp(name, "include") == 0)
		text_put(&text, "include files outside of the service blocks");
	else if (strcmp(name, "service") == 0)
		text_put_format(&text,
			"close the block that began on line %u with }",
			block == NULL ? 0 : block->line);
	else
		text_put(&text, "remove some, and check again");
	complain(reader->diags, &place, remedy,
		strcmp(name, "service") == 0 || strcmp(name, "include") == 0
			? "'%s' inside of a service block"
			: "one unknown setting too many: '%s'",
		name);
}

static void stop_at_unknown(struct reader *reader, cfg_t *cfg, const char *name)
{
	enum setting_scope scope = scope_of(cfg);
	struct block *block = NULL;

	if (learn(reader, scope, name)) {
		reader->again = true;
		return;
	}
	if (scope == SCOPE_SERVICE)
		block = open_block(reader);
	complain_nested(reader, cfg, block, name);
	reader->stopped = true;
	reader->nested = true;
}

/* An unknown name that turned out to be no setting: NAME TITLE { or NAME(. */
static void stop_at_unknown_block(
	struct reader *reader, cfg_t *cfg, const char *name)
{
	const char *near = setting_nearest(scope_of(cfg), text_of(name));
	struct place place = place_of(reader, cfg, NULL);
	char remedy[80];
	struct text_builder text;

	text_builder_init(&text, remedy, sizeof(remedy));
	if (near != NULL)
		text_put_format(&text, "did you mean '%s'?", near);
	else
		text_put(&text, "write NAME = VALUE, or service NAME { ... }");
	complain(reader->diags, &place, remedy,
		"'%s' is neither a setting nor a block", name);
	reader->stopped = true;
}

/* libconfuse's errors in our words; NAME is what its %s stood for. */
static const char *problem_of(const char *format)
{
	static const struct {
		const char *format;
		const char *problem;
	} problems[] = {
		{"unexpected token '%s'", "not expected here"},
		{"missing equal sign after option '%s'", "no = behind"},
		{"missing title for section '%s'", "a block without a name"},
		{"missing opening brace for section '%s'",
			"no { behind the name of the block"},
		{"missing parenthesis for function '%s'", "no ( behind"},
		{"unexpected closing brace", "a } without its {"},
		{"premature end of file",
			"the file ends in the middle of something"},
	};

	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		if (strcmp(format, problems[i].format) == 0)
			return problems[i].problem;
	return format;
}

static void stop_at_error(
	struct reader *reader, cfg_t *cfg, const char *format, const char *name)
{
	struct block *block =
		scope_of(cfg) == SCOPE_SERVICE ? open_block(reader) : NULL;
	struct place place = place_of(reader, cfg, block);

	complain(reader->diags, &place,
		"correct it; the rest of the file was not read",
		name[0] == '\0' ? "%s%s" : "%s: '%s'", problem_of(format),
		name);
	reader->stopped = true;
}

/* FORMAT is libconfuse's own text: the only thing that tells errors apart. */
__attribute__((format(printf, 2, 0))) static void on_error(
	cfg_t *cfg, const char *format, va_list args)
{
	struct reader *reader = current;
	va_list copy;
	const char *name = "";

	if (reader->stopped || reader->again)
		return;
	if (strstr(format, "'%s'") != NULL) {
		va_copy(copy, args);
		name = va_arg(copy, const char *);
		va_end(copy);
	}
	if (strcmp(format, "no such option '%s'") == 0)
		stop_at_unknown(reader, cfg, name);
	else if (reader->guarded.fault != NULL)
		reader->stopped = true; /* the guard's complaint says it */
	else if (strcmp(format, "missing equal sign after option '%s'") == 0 &&
		 is_unknown(reader, scope_of(cfg), name))
		stop_at_unknown_block(reader, cfg, name);
	else
		stop_at_error(reader, cfg, format, name);
}

/* The options of SCOPE: all are lists of strings, whatever they mean. */
static unsigned make_options(const struct reader *reader,
	enum setting_scope scope, cfg_opt_t *options)
{
	unsigned n = 0;

	for (enum setting_id id = 0; id < SETTINGS_N; id++)
		if (settings[id].scope == scope)
			options[n++] =
				(cfg_opt_t)CFG_STR_LIST_CB(settings[id].name,
					NULL, CFGF_NODEFAULT, on_value);
	for (unsigned i = 0; i < reader->unknown_n; i++)
		if (reader->unknown[i].scope == scope)
			options[n++] = (cfg_opt_t)CFG_STR_LIST_CB(
				reader->unknown[i].name, NULL, CFGF_NODEFAULT,
				on_unknown_value);
	options[n] = (cfg_opt_t)CFG_END();
	return n;
}

/* Once through the file; false if libconfuse could not even begin. */
static bool parse_once(struct reader *reader)
{
	cfg_opt_t service_options[OPTIONS_MAX], options[OPTIONS_MAX];
	unsigned n = make_options(reader, SCOPE_GLOBAL, options);
	cfg_t *cfg;
	int result;

	(void)make_options(reader, SCOPE_SERVICE, service_options);
	options[n] = (cfg_opt_t)CFG_SEC(
		"service", service_options, CFGF_MULTI | CFGF_TITLE);
	options[n].validcb = on_block_end;
	options[n + 1] = (cfg_opt_t)CFG_FUNC("include", on_include);
	options[n + 2] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(options, CFGF_NONE);
	if (cfg == NULL)
		return false;
	(void)cfg_set_error_function(cfg, on_error); /* there was none */
	current = reader;
	result = cfg_parse_buf(cfg, reader->guarded.text);
	current = NULL;
	(void)cfg_free(cfg); /* fails for NULL alone */
	return result == CFG_SUCCESS || reader->stopped || reader->again;
}

static bool parse(struct reader *reader)
{
	struct diags diags_before = *reader->diags;
	struct block globals_before = *reader->globals;
	bool good;

	do {
		*reader->diags = diags_before;
		*reader->globals = globals_before;
		reader->source = (struct source){0};
		reader->last_block = NULL;
		reader->last_inclusion = NULL;
		reader->opened = 0;
		reader->stopped = false;
		reader->nested = false;
		reader->again = false;
		good = parse_once(reader);
	} while (good && reader->again);
	return good && !arena_is_exhausted(reader->arena);
}

bool source_read(struct arena *arena, const char *file, struct text bytes,
	struct block *globals, struct diags *diags, struct source *out)
{
	struct reader reader = {
		.arena = arena,
		.file = file,
		.globals = globals,
		.diags = diags,
	};

	if (!guard_bytes(arena, bytes, &reader.guarded))
		return false;
	if (!parse(&reader))
		return false;
	if (reader.guarded.fault != NULL && !reader.nested) {
		struct place place = {file, reader.guarded.fault_line, NULL};

		complain(diags, &place, reader.guarded.remedy, "%s",
			reader.guarded.fault);
	}
	*out = reader.source;
	return true;
}
