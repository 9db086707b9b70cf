/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

/* Everywhere in this file: what Postfix 3.7.11 itself was seen to do. */

/* A main.cf with a few parameters to refer to, and VALUE to expand. */
static const char *expand(const char *value)
{
	static char trouble[512];
	struct text_builder builder;
	const char *expanded;

	text_builder_init(&builder, trouble, sizeof(trouble));
	CHECK_TEXT(read_postfix("alpha = one\nempty =\nnum = 12\n"
				"beta = $alpha two\nunset = $nothing\n"
				"self = a${self}b\nl1 = $l2\nl2 = $l1\n"
				"bad = ${alpha\n",
			   ""),
		"");
	expanded = maincf_expand(conf.main, text_of(value), &builder);
	assert_int_equal(expanded == NULL, builder.n > 0);
	return expanded == NULL ? trouble : expanded;
}

struct expansion {
	const char *text;
	const char *result;
};

static void check_expansions(const struct expansion *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *is = expand(rows[i].text);

		if (strcmp(is, rows[i].result) != 0)
			fail_msg("%s: is %s, should be %s", rows[i].text, is,
				rows[i].result);
	}
}

static void a_name_stands_for_its_value(void **state)
{
	static const struct expansion rows[] = {
		{"x$alpha.y", "xone.y"},
		{"${alpha}", "one"},
		{"$(alpha)", "one"},
		{"${ alpha }", "one"},
		{"${alpha\t}", "one"},
		{"$beta", "one two"},
		{"$alpha$beta", "oneone two"},
		{"$alpha_x", ""},
		{"$nothing", ""},
		{"${1}", ""},
		{"${ }", ""},
		{"$$", "$"},
		{"a$$b", "a$b"},
		{"$$alpha", "$alpha"},
		{"$$$alpha", "$one"},
		{"\xc3\xa9$alpha", "\xc3\xa9one"},
		{"$alpha\xc3\xa9", "one\xc3\xa9"},
		{"$queue_directory", "/var/spool/postfix"},
		{"$config_directory $process_name", "/etc/postfix master"},
		{"$syslog_name", "postfix"},
		{"$max_idle", "100s"},
	};

	(void)state;
	check_expansions(rows, COUNT(rows));
}

static void a_name_chooses_between_texts(void **state)
{
	static const struct expansion rows[] = {
		{"${alpha?yes}", "yes"},
		{"${alpha:no}", ""},
		{"${empty?yes}", ""},
		{"${empty:no}", "no"},
		{"${nothing?yes}", ""},
		{"${nothing:no}", "no"},
		{"${?x}", ""},
		{"${:x}", "x"},
		{"[${alpha? A }]", "[ A ]"},
		{"[${alpha ? A }]", "[ A ]"},
		{"[${alpha?{ A }:{ B }}]", "[ A ]"},
		{"[${empty :{ A } }]", "[ A ]"},
		{"${alpha?{A}:{B}}", "A"},
		{"${empty?{A}:{B}}", "B"},
		{"${alpha ? {A} : {B}}", "A"},
		{"${alpha?{A}}", "A"},
		{"${alpha:{A}}", ""},
		{"${empty?{x}:}", ""},
		{"[${empty?{x} : }]", "[ ]"},
		{"[${empty?{x} : a b }]", "[ a b ]"},
		{"${alpha?{b}:c}", "b"},
		{"${alpha?b:c}", "b:c"},
		{"${alpha?a}b}", "ab}"},
		{"${alpha?{a}}}", "a}"},
		{"${alpha?{a{b}c}}", "a{b}c"},
		{"$(alpha?(a)b)", "(a)b"},
		{"$(alpha?{x}:{y})", "x"},
		{"${alpha?$beta}", "one two"},
		{"${alpha?{$beta}:{$num}}", "one two"},
		{"${alpha?${empty:{z}}}", "z"},
		{"${alpha?}", ""},
		{"${alpha?{}:{}}", ""},
		/* It is the text that counts, not what it stands for. */
		{"${unset?x}", "x"},
		{"${bad?x}${self?y}", "xy"},
		/* What is not chosen may be broken. */
		{"${empty?$bad}", ""},
	};

	(void)state;
	check_expansions(rows, COUNT(rows));
}

static void operands_are_compared(void **state)
{
	static const struct expansion rows[] = {
		{"${{1}=={1}?{X}:{Y}}", "X"},
		{"${{1} == {1} ? {X} : {Y}}", "X"},
		{"${{1}=={2}?{X}:{Y}}", "Y"},
		{"${{1}!={2}}", "true"},
		{"${{3}!={3}}", ""},
		{"${{2}<={2}}${{2}>={2}}", "truetrue"},
		{"${{2}<{2}}${{2}>{2}}", ""},
		{"${{$num}>{9}?{X}:{Y}}", "X"},
		{"${{12a}<{9}}", "true"},
		{"${{a}>{9}}", "true"},
		{"${{a}<{9}}", ""},
		{"${{a}<{ab}}", "true"},
		{"${{-1}<{1}}", "true"},
		{"${{01}=={1}}", "true"},
		{"${{}=={}}", "true"},
		{"${{$nothing} == {}}", "true"},
		{"${{b}<{\xc3\xa9}}", "true"},
		{"${{ 5 }=={5}}", ""},
		{"${{a} == {b}:{x}}", "x"},
		{"${{a} == {a}?x}", "x"},
		{"${{a} == {b}?x}", ""},
		{"${{5}=={5}?}", ""},
		{"[${{a}=={a} ? x : y }]", "[ x : y ]"},
		{"${ {a} == {a} }", "true"},
		{"$({a}=={a}?{x})", "x"},
		{"${{{a}}=={{a}}}", "true"},
		{"${{a}=={a}:$l1}", ""},
		{"${{${{1}=={1}}}=={true}?{x}}", "x"},
		{"${{3.5} < {3.10}}", ""},
		{"${{3.10}>={3.6}?{X}:{Y}}", "Y"},
		{"${{3.10}>=level{3.6}?{X}:{Y}}", "X"},
		{"${{3} <=level {12}}", "true"},
		{"${{3} ==level {3.0.0}}", "true"},
		{"${{3.01} ==level {3.1}}", "true"},
		{"${{ 3.+1} ==level {03.1.-0}}", "true"},
		{"${{3}!=level{3.0}?{y}:{n}}", "n"},
		{"x${{a}=={b}?{c}}y", "xy"},
	};

	(void)state;
	check_expansions(rows, COUNT(rows));
}

static const struct expansion wrong_texts[] = {
	{"${alpha", "truncated macro reference: \"${alpha\""},
	{"[$(alpha}]", "truncated macro reference: \"[$(alpha}]\""},
	{"${alpha?a{b}", "truncated macro reference: \"${alpha?a{b}\""},
	{"a$ b", "empty macro name: \"a$ b\""},
	{"$", "empty macro name: \"$\""},
	{"$$$", "empty macro name: \"$$$\""},
	{"[$()]", "empty macro name: \"[$()]\""},
	{"${}", "empty macro name: \"${}\""},
	{"${alpha?$}", "empty macro name: \"$\""},
	{"$bad", "truncated macro reference: \"${alpha\""},
	{"${al pha}", "attribute name syntax error at: \"...al>>> pha\""},
	{"${  al pha}", "attribute name syntax error at: \"...  al>>> pha\""},
	{"${-}", "attribute name syntax error at: \"...>>>-\""},
	{"${alpha.b}", "attribute name syntax error at: \"...alpha>>>.b\""},
	{"${$alpha}", "attribute name syntax error at: \"...>>>$alpha\""},
	{"${a==a?x}", "attribute name syntax error at: \"...a>>>==a?x\""},
	{"${alpha?{a}x}", "\":\" expected at: \"...a}>>>x\""},
	{"${alpha?{x} y}", "\":\" expected at: \"...x}>>>y\""},
	{"${alpha?{b}:{c}x}", "unexpected input at: \"...c}>>>x\""},
	{"${alpha:{b}:{c}}", "unexpected input at: \"...b}>>>:{c}\""},
	{"${{a} = {a}?x}",
		"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" "
		"or \">\" expected at: \"...a}>>>= {a}?x\""},
	{"${{3}!=={3}}",
		"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" "
		"or \">\" expected at: \"...3}>>>!=={3}\""},
	{"${{a}}", "\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" "
		   "or \">\" expected at: \"...a}>>>\""},
	{"${{a} == b?x}", "\"{expression}\" expected at: \"...{a} ==>>> b?x\""},
	{"${{3} <=  level {12}}",
		"\"{expression}\" expected at: \"...{3} <=>>>  level "
		"{12}\""},
	{"${{a} == {a} {b}}", "\"?\" or \":\" expected at: \"...}>>>{b}\""},
	{"${{3} <levelx{12}}", "bad operator suffix at: \"...<>>>levelx\""},
	{"$({a}=={b)", "unbalanced {} in attribute expression: \"{b\""},
	{"${{99999999999999999999}>{9}}",
		"mac_exp_eval: bad conversion: 99999999999999999999"},
	{"${{x} <=level {12}}", "malformed compatibility level syntax: \"x\""},
	{"${{3.1.2.3} <=level {12}}",
		"malformed compatibility level syntax: \"3.1.2.3\""},
	{"${{3.} <=level {3}}", "malformed compatibility level syntax: \"3.\""},
	{"${{3} <=level {3 }}", "malformed compatibility level syntax: \"3 \""},
	{"${{3}<=level=}", "\"{expression}\" expected at: \"...{3} <=>>>=\""},
	{"${{x} <=level {y}}", "malformed compatibility level syntax: \"x\""},
	{"${{1} < {2} =${{a}=={b}?{c}",
		"truncated macro reference: \"${{1} < {2} =${{a}=={b}?"
		"{c}\""},
	{"${{${}}==level {x} bad}", "empty macro name: \"${}\""},
	{"${{3}==level {x} bad}",
		"malformed compatibility level syntax: \"x\""},
	{"${alpha?{a}this is shown in its first part only}",
		"\":\" expected at: \"...a}>>>this is shown in its\""},
	{"${{3} <=level {3.1024}}",
		"malformed compatibility level syntax: \"3.1024\""},
	{"$self", "unreasonable macro call nesting: \"self\""},
	{"$l1", "unreasonable macro call nesting: \"l1\""},
};

static void what_is_wrong_is_said_in_postfix_s_words(void **state)
{
	(void)state;
	check_expansions(wrong_texts, COUNT(wrong_texts));
}

/* p0 = $p1, p1 = $p2 ... up to N, which is LAST. */
static const char *chain(unsigned n, const char *step, const char *last)
{
	static char text[32 * 1024];
	struct text_builder builder;

	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < n; i++) {
		text_put_format(&builder, "p%u = ", i);
		for (const char *c = step; *c != '\0'; c++)
			if (*c == '#')
				text_put_format(&builder, "%u", i + 1);
			else
				text_put_char(&builder, *c);
		text_put_char(&builder, '\n');
	}
	text_put_format(&builder, "p%u = %s\n", n, last);
	assert_false(builder.overflow);
	return text;
}

static const char *expand_chain(
	unsigned n, const char *step, const char *last, const char *text)
{
	static char trouble[512];
	struct text_builder builder;
	const char *expanded;

	text_builder_init(&builder, trouble, sizeof(trouble));
	CHECK_TEXT(read_postfix(chain(n, step, last), ""), "");
	expanded = maincf_expand(conf.main, text_of(text), &builder);
	return expanded == NULL ? trouble : expanded;
}

static void references_go_a_hundred_deep(void **state)
{
	(void)state;
	CHECK_TEXT(expand_chain(99, "$p#", "end", "$p0"), "end");
	CHECK_TEXT(expand_chain(100, "$p#", "end", "$p0"),
		"unreasonable macro call nesting: \"p100\"");
	CHECK_TEXT(expand_chain(49, "${p#?$p#}", "end", "$p0"), "end");
	CHECK_TEXT(expand_chain(50, "${p#?$p#}", "end", "$p0"),
		"unreasonable macro call nesting: \"p50\"");
}

static void a_choice_is_one_deeper_and_an_operand_begins_anew(void **state)
{
	char text[2000];
	struct text_builder builder;

	(void)state;
	CHECK_TEXT(expand_chain(49, "${{a}=={a}?{$p#}}", "end", "$p0"), "end");
	CHECK_TEXT(expand_chain(50, "${{a}=={a}?{$p#}}", "end", "$p0"),
		"unreasonable macro call nesting: \"p50\"");
	CHECK_TEXT(expand_chain(99, "$p#", "end", "${{$p0}=={end}}"), "true");
	CHECK_TEXT(expand_chain(100, "$p#", "end", "${{$p0}=={end}}"),
		"unreasonable macro call nesting: \"p100\"");
	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < 95; i++)
		text_put(&builder, "${{");
	text_put(&builder, "end");
	for (unsigned i = 0; i < 95; i++)
		text_put(&builder, "}=={end}?{end}}");
	CHECK_TEXT(expand(text), "end");
}

static void an_expansion_that_explodes_ends(void **state)
{
	(void)state;
	CHECK_TEXT(expand_chain(90, "$p#$p#", "x", "$p0"),
		"the value grows too large: \"$p0\"");
	CHECK_TEXT(expand_chain(90, "$p#$p#", "$$", "$p0"),
		"the value grows too large: \"$p0\"");
	CHECK_TEXT(expand_chain(45, "${p#?$p#$p#}", "$nothing", "$p0"),
		"the value grows too large: \"$p0\"");
	CHECK_TEXT(expand_chain(1, "${{$p0}=={x}}", "x", "$p0"),
		"unreasonable macro call nesting: \"$p0\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSTFIX_TEST(a_name_stands_for_its_value),
		POSTFIX_TEST(a_name_chooses_between_texts),
		POSTFIX_TEST(operands_are_compared),
		POSTFIX_TEST(what_is_wrong_is_said_in_postfix_s_words),
		POSTFIX_TEST(references_go_a_hundred_deep),
		POSTFIX_TEST(a_choice_is_one_deeper_and_an_operand_begins_anew),
		POSTFIX_TEST(an_expansion_that_explodes_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
