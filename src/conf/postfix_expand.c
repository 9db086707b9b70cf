/* SPDX-License-Identifier: MIT */
#include "conf/postfix_expand.h"

#include <assert.h>
#include <string.h>

#include "conf/postfix_reference.h"
#include "conf/postfix_word.h"

enum {
	DEPTH_MAX = 100, /* of references within references, as Postfix */
	WORKS_MAX =
		400, /* with comparisons, which begin a depth of their own */
	STEPS_MAX =
		100000, /* two parameters that each use another one twice ... */
};

enum work_kind {
	WORK_TEXT,    /* expand what is left of it */
	WORK_MARK,    /* the left side of a comparison is done */
	WORK_COMPARE, /* both sides are, and are the end of what there is */
};

struct work {
	enum work_kind kind;
	unsigned depth;
	struct text text;
	size_t at;
	struct postfix_reference reference; /* of WORK_COMPARE */
	size_t left_at, right_at;	    /* its sides, in what there is */
};

struct machine {
	const struct postfix_macros *macros;
	struct text_builder *out;
	struct text_builder *trouble;
	struct work works[WORKS_MAX];
	unsigned n;
};

static bool fail(struct machine *machine, const char *what, struct text text)
{
	text_put_format(machine->trouble, "%s: \"%.*s\"", what, (int)text.n,
		text.bytes);
	return false;
}

/* NAME is for complaints. */
static bool push(
	struct machine *machine, const struct work *work, struct text name)
{
	if (work->depth > DEPTH_MAX || machine->n == WORKS_MAX)
		return fail(machine, "unreasonable macro call nesting", name);
	machine->works[machine->n++] = *work;
	return true;
}

static bool push_text(struct machine *machine, struct text text, unsigned depth,
	struct text name)
{
	return push(machine,
		&(struct work){.kind = WORK_TEXT, .depth = depth, .text = text},
		name);
}

static bool is_set(const struct machine *machine, struct text name)
{
	const char *value =
		machine->macros->find(machine->macros->context, name);

	return value != NULL && value[0] != '\0';
}

/* The last one pushed is the first that is done. */
static bool push_comparison(struct machine *machine,
	const struct postfix_reference *reference, unsigned depth)
{
	struct work compare = {.kind = WORK_COMPARE,
		.depth = depth,
		.reference = *reference,
		.left_at = machine->out->n};
	struct work mark = {.kind = WORK_MARK};

	return push(machine, &compare, reference->left) &&
	       push_text(machine, reference->right, 0, reference->right) &&
	       push(machine, &mark, reference->left) &&
	       push_text(machine, reference->left, 0, reference->left);
}

/* What CONTENT, of text at DEPTH, stands for. */
static bool refer(struct machine *machine, struct text content, unsigned depth)
{
	struct postfix_reference reference;
	struct text value;

	if (!postfix_reference_parse(content, &reference, machine->trouble))
		return false;
	if (reference.is_comparison)
		return push_comparison(machine, &reference, depth);
	if (reference.chooses)
		return push_text(machine,
			is_set(machine, reference.name) ? reference.yes
							: reference.no,
			depth + 1, content);
	value = text_of(machine->macros->find(
		machine->macros->context, reference.name));
	return value.n == 0 ||
	       push_text(machine, value, depth + 1, reference.name);
}

/* How many bytes of TEXT are the name that it begins with. */
static size_t name_length(struct text text)
{
	size_t n = 0;

	while (n < text.n && postfix_is_name(text.bytes[n]))
		n++;
	return n;
}

/* What is behind a '$' at the end of what WORK has read. */
static bool dollar(struct machine *machine, struct work *work)
{
	struct text rest = postfix_behind(work->text, work->at);
	char first = rest.n == 0 ? '\0' : rest.bytes[0];
	bool is_bracket = first == '{' || first == '(';
	size_t n = is_bracket ? postfix_balanced(
					rest, first, first == '{' ? '}' : ')')
			      : name_length(rest);

	if (first == '$') {
		text_put_char(machine->out, '$');
		work->at++;
		return true;
	}
	if (is_bracket && n == 0)
		return fail(machine, "truncated macro reference", work->text);
	if (n == (is_bracket ? 2 : 0))
		return fail(machine, "empty macro name", work->text);
	work->at += n;
	if (is_bracket)
		rest = (struct text){rest.bytes + 1, n - 2};
	else
		rest.n = n;
	return refer(machine, rest, work->depth);
}

static bool do_text(struct machine *machine, struct work *work)
{
	struct text rest = postfix_behind(work->text, work->at);
	const char *found =
		rest.n == 0 ? NULL : memchr(rest.bytes, '$', rest.n);

	if (found != NULL)
		rest.n = (size_t)(found - rest.bytes);
	text_put_text(machine->out, rest);
	work->at += rest.n;
	if (found == NULL) {
		machine->n--;
		return true;
	}
	work->at++;
	return dollar(machine, work);
}

static bool do_compare(struct machine *machine)
{
	struct work work = machine->works[--machine->n];
	struct text_builder *out = machine->out;
	struct text left = {
		out->bytes + work.left_at, work.right_at - work.left_at};
	struct text right = {
		out->bytes + work.right_at, out->n - work.right_at};
	bool yes;

	if (!postfix_compare(work.reference.op, work.reference.by_level, left,
		    right, &yes, machine->trouble) ||
		!postfix_reference_choose(&work.reference, machine->trouble))
		return false;
	/* The sides have served their purpose. */
	out->n = work.left_at;
	out->bytes[out->n] = '\0';
	return push_text(machine, yes ? work.reference.yes : work.reference.no,
		work.depth + 1, work.reference.left);
}

static bool step(struct machine *machine)
{
	struct work *top = &machine->works[machine->n - 1];

	switch (top->kind) {
	case WORK_TEXT:
		return do_text(machine, top);
	case WORK_MARK:
		/* Below are the right side, and its comparison. */
		assert(machine->n >= 3);
		assert(top[-2].kind == WORK_COMPARE);
		top[-2].right_at = machine->out->n;
		machine->n--;
		return true;
	case WORK_COMPARE:
		return do_compare(machine);
	}
	assert(false); /* every kind is named above */
	return false;
}

bool postfix_expand(const struct postfix_macros *macros, struct text text,
	struct text_builder *out, struct text_builder *trouble)
{
	struct machine machine;
	unsigned steps = 0;

	machine.macros = macros;
	machine.out = out;
	machine.trouble = trouble;
	machine.n = 0;
	if (!push_text(&machine, text, 0, text))
		return false;
	while (machine.n > 0) {
		if (!step(&machine))
			return false;
		if (out->overflow || ++steps > STEPS_MAX) {
			struct text shown = {
				text.bytes, text.n < 60 ? text.n : 60};

			return fail(
				&machine, "the value grows too large", shown);
		}
	}
	return true;
}
