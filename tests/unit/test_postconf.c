/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"

/*
 * The same files, read by Postfix's own postconf(1) and by us. Skipped where
 * there is no postconf.
 */
enum {
	/* postconf sleeps for a second when it refuses: many at a time. */
	BATCH_N = 50,
	BATCHES_N = 5,
	FRAGMENT_BYTES = 300, /* a longer one is left out: warnings are cut */
	TEXT_BYTES = 4096,
};

static const char postconf[] = "/usr/sbin/postconf";

/* One main.cf and what is asked about it, in a directory of its own. */
struct question {
	char directory[100];
	char main_cf[TEXT_BYTES];
	char fragment[FRAGMENT_BYTES];
	FILE *pipe;
};

/* What the fragments refer to, and that all are used, so that none is warned
 * about. */
static const char parameters[] =
	"alpha = one\nempty =\nnum = 12\nsp = a b\nbeta = $alpha two\n"
	"nested = ${empty:{${num}}}\n"
	"mail_name = $alpha $empty $num $sp $beta $nested\n";

static char directory[] = "/tmp/ostler-postconf-XXXXXX";
static struct prng prng;

static void write_file(
	const struct question *question, const char *name, const char *text)
{
	static const struct timespec long_ago[2] = {
		{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char path[200];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", question->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	/* Postfix waits until a file that was just written has settled. */
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

/* Have postconf begin to answer what ARGUMENTS ask about the main.cf. */
static void ask(
	struct question *question, unsigned number, const char *arguments)
{
	char command[300];

	(void)snprintf(question->directory, sizeof(question->directory),
		"%s/%u", directory, number);
	if (mkdir(question->directory, 0700) != 0)
		assert_int_equal(errno, EEXIST);
	write_file(question, "main.cf", question->main_cf);
	write_file(question, "master.cf", "");
	(void)snprintf(command, sizeof(command),
		"PATH=/usr/sbin postconf -c %s %s 2>&1", question->directory,
		arguments);
	question->pipe = popen(command, "r");
	assert_non_null(question->pipe);
}

/* What postconf printed, with what it warned of. False if it refused. */
static bool answer(struct question *question, char *out)
{
	size_t n = fread(out, 1, TEXT_BYTES - 1, question->pipe);
	int status;

	out[n] = '\0';
	status = pclose(question->pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 0;
}

/* The lines that postconf prints without being asked. */
static bool is_advice(struct text line)
{
	return text_starts_with(line, "postconf: warning: ");
}

/* How white space is laid out is postconf's taste: one blank for each. */
static void squeeze(const char *text, bool drop_advice, char *out)
{
	struct text rest = text_of(text), line;
	struct text_builder builder;

	text_builder_init(&builder, out, TEXT_BYTES);
	while (text_cut(&rest, '\n', &line)) {
		if (drop_advice && is_advice(line))
			continue;
		for (size_t i = 0; i < line.n; i++) {
			char c = line.bytes[i];
			bool blank = strchr(" \t\r\v\f", c) != NULL;

			if (!blank)
				text_put_char(&builder, c);
			else if (builder.n > 0 &&
				 builder.bytes[builder.n - 1] != ' ')
				text_put_char(&builder, ' ');
		}
	}
	if (builder.n > 0 && builder.bytes[builder.n - 1] == ' ')
		out[builder.n - 1] = '\0';
}

static const char *any_of(const char *const *words, size_t n)
{
	return words[prng_below(&prng, n)];
}

/* A text with references, most of them sound. */
static void put_fragment(struct text_builder *builder, unsigned depth)
{
	static const char *const pieces[] = {"$alpha", "${alpha}", "$(empty)",
		"$beta", "x", " ", "$$", "$nothing", "${ num }", "$sp", "1",
		"12", "}", "{a}", "$nested", "$num", ".", "a:b", "?", "3.6"};
	static const char *const names[] = {
		"alpha", "empty", "num", "nothing", "beta", " sp "};
	static const char *const operators[] = {" == ", "!=", "<",
		" <= ", ">=", " > ", "==level ", "<=level", "=", " < "};
	static const char *const choices[] = {
		"?", ":", " ? ", " : ", "?{", ":{", " ? {"};

	for (uint64_t i = prng_below(&prng, 3) + 1; i > 0; i--) {
		uint64_t kind = depth == 0 ? 0 : prng_below(&prng, 4);
		const char *choice = any_of(choices, COUNT(choices));
		bool braced = choice[strlen(choice) - 1] == '{';

		if (kind == 0) {
			text_put(builder, any_of(pieces, COUNT(pieces)));
			continue;
		}
		text_put(builder, "${");
		if (kind == 1) {
			text_put(builder, "{");
			put_fragment(builder, depth - 1);
			text_put(builder, "}");
			text_put(builder, any_of(operators, COUNT(operators)));
			text_put(builder, "{");
			put_fragment(builder, depth - 1);
			text_put(builder, "}");
		} else {
			text_put(builder, any_of(names, COUNT(names)));
		}
		text_put(builder, choice);
		put_fragment(builder, depth - 1);
		if (braced && prng_below(&prng, 2) == 0) {
			text_put(builder, "} : {");
			put_fragment(builder, depth - 1);
		}
		text_put(builder, braced ? "}}" : "}");
	}
}

/* One byte in ten fragments is another, or not there. */
static void damage(struct text_builder *builder)
{
	static const char bytes[] = "${}()?:=<>! a1_";
	size_t at = (size_t)prng_below(&prng, builder->n);

	if (prng_below(&prng, 10) == 0)
		builder->bytes[at] =
			bytes[prng_below(&prng, sizeof(bytes) - 1)];
}

static void compare_one(struct question *question)
{
	static char theirs[TEXT_BYTES], is[TEXT_BYTES], should[TEXT_BYTES];
	bool good = answer(question, theirs);
	char why[512];
	struct text_builder trouble;
	const char *ours;

	CHECK_TEXT(read_postfix(question->main_cf, ""), "");
	text_builder_init(&trouble, why, sizeof(why));
	ours = maincf_expand(conf.main,
		text_of(maincf_raw(conf.main, "smtpd_banner")), &trouble);
	if (good != (ours != NULL))
		fail_msg("%s: they: %s we: %s", question->fragment, theirs,
			ours == NULL ? why : ours);
	if (!good && strstr(theirs, why) == NULL)
		fail_msg(
			"%s: they: %s we: %s", question->fragment, theirs, why);
	if (!good)
		return;
	squeeze(theirs, true, should);
	squeeze(ours, false, is);
	if (strcmp(is, should) != 0)
		fail_msg("%s: they: %s we: %s", question->fragment, should, is);
}

/* One that fits: Postfix cuts its warnings, too. */
static void make_fragment(struct question *question, unsigned depth)
{
	struct text_builder builder;

	do {
		text_builder_init(&builder, question->fragment,
			sizeof(question->fragment));
		put_fragment(&builder, depth);
		damage(&builder);
	} while (builder.overflow);
	(void)snprintf(question->main_cf, sizeof(question->main_cf),
		"compatibility_level = 3.6\n%ssmtpd_banner = [%s]\n",
		parameters, question->fragment);
}

static void values_are_expanded_as_by_postconf(void **state)
{
	static struct question questions[BATCH_N];

	(void)state;
	if (access(postconf, X_OK) != 0)
		skip();
	prng_seed(&prng, 1);
	for (unsigned batch = 0; batch < BATCHES_N; batch++) {
		for (unsigned i = 0; i < BATCH_N; i++) {
			make_fragment(&questions[i], 1 + i % 3);
			ask(&questions[i], i, "-xh smtpd_banner");
		}
		for (unsigned i = 0; i < BATCH_N; i++)
			compare_one(&questions[i]);
	}
}

/* Lines that continue, lines that vanish, and the odd setting in between. */
static void put_lines(struct text_builder *builder)
{
	static const char *const lines[] = {"smtpd_banner = a", " b", "\tc # d",
		"# comment", "  # comment", "", "   ", "smtpd_banner=", " = x",
		"\r", " e\r", "smtpd_banner = f = g", "mail_name = h", "\vi",
		" \\", "  k  ", "smtpd_banner  =l\t"};

	for (uint64_t i = prng_below(&prng, 9) + 1; i > 0; i--) {
		text_put(builder, any_of(lines, COUNT(lines)));
		text_put_char(builder, '\n');
	}
}

static void make_lines(struct question *question)
{
	struct text_builder builder;

	text_builder_init(
		&builder, question->main_cf, sizeof(question->main_cf));
	text_put(&builder,
		"compatibility_level = 3.6\nsmtpd_banner = default\n");
	put_lines(&builder);
	assert_false(builder.overflow);
}

static void lines_are_put_together_as_by_postconf(void **state)
{
	static char theirs[TEXT_BYTES], is[TEXT_BYTES], should[TEXT_BYTES];
	static struct question question;

	(void)state;
	if (access(postconf, X_OK) != 0)
		skip();
	prng_seed(&prng, 2);
	for (unsigned i = 0; i < 2 * BATCH_N; i++) {
		make_lines(&question);
		ask(&question, 0, "-xh smtpd_banner");
		assert_true(answer(&question, theirs));
		(void)read_postfix(question.main_cf, "");
		assert_non_null(table);
		squeeze(theirs, true, should);
		squeeze(maincf_raw(conf.main, "smtpd_banner"), false, is);
		if (strcmp(is, should) != 0)
			fail_msg("%s: they: %s we: %s", question.main_cf,
				should, is);
	}
}

static void defaults_are_those_of_postconf(void **state)
{
	static char theirs[TEXT_BYTES];
	static struct question question;

	(void)state;
	if (access(postconf, X_OK) != 0)
		skip();
	for (enum postfix_setting_id id = 0; id < POSTFIX_SETTINGS_N; id++) {
		const struct postfix_setting *setting = &postfix_settings[id];
		char arguments[100];

		if (setting->default_text == NULL)
			continue;
		(void)snprintf(
			arguments, sizeof(arguments), "-dh %s", setting->name);
		ask(&question, 0, arguments);
		assert_true(answer(&question, theirs));
		theirs[strcspn(theirs, "\n")] = '\0';
		if (strcmp(theirs, setting->default_text) != 0)
			fail_msg("%s: they: %s we: %s", setting->name, theirs,
				setting->default_text);
	}
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
	char path[200];

	(void)state;
	for (unsigned i = 0; i < BATCH_N; i++) {
		/* Not there, if all was skipped. */
		(void)snprintf(
			path, sizeof(path), "%s/%u/main.cf", directory, i);
		(void)unlink(path);
		(void)snprintf(
			path, sizeof(path), "%s/%u/master.cf", directory, i);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/%u", directory, i);
		(void)rmdir(path);
	}
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSTFIX_TEST(values_are_expanded_as_by_postconf),
		POSTFIX_TEST(lines_are_put_together_as_by_postconf),
		POSTFIX_TEST(defaults_are_those_of_postconf),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
