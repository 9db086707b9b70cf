/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

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
	FRAGMENTS_N = 250,
	REFUSED_MAX = 8,
	FRAGMENT_BYTES = 300, /* a longer one is left out: warnings are cut */
	FILES_N = 120,
	TEXT_BYTES = 4096,
};

static const char postconf[] = "/usr/sbin/postconf";

/* What the fragments refer to, and that all are used, so that none is warned
 * about. */
static const char parameters[] =
	"alpha = one\nempty =\nnum = 12\nsp = a b\nbeta = $alpha two\n"
	"nested = ${empty:{${num}}}\n"
	"mail_name = $alpha $empty $num $sp $beta $nested\n";

static char directory[] = "/tmp/ostler-postconf-XXXXXX";
static struct prng prng;

static void write_file(const char *name, const char *text)
{
	static const struct timespec long_ago[2] = {
		{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char path[200];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	/* Postfix waits until a file that was just written has settled. */
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

/* What postconf prints, with what it warns of. False if it refuses. */
static bool ask_postconf(const char *name, char *out)
{
	char command[300];
	FILE *pipe;
	size_t n;
	int status;

	(void)snprintf(command, sizeof(command),
		"PATH=/usr/sbin postconf -c %s -xh %s 2>&1", directory, name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(out, 1, TEXT_BYTES - 1, pipe);
	out[n] = '\0';
	status = pclose(pipe);
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

/* Whether postconf took it: it sleeps a second over what it refuses. */
static bool compare_one(const char *fragment)
{
	static char main_cf[TEXT_BYTES], theirs[TEXT_BYTES], is[TEXT_BYTES];
	static char should[TEXT_BYTES];
	char why[512];
	struct text_builder trouble;
	const char *ours;
	bool good;

	(void)snprintf(main_cf, sizeof(main_cf),
		"compatibility_level = 3.6\n%ssmtpd_banner = [%s]\n",
		parameters, fragment);
	write_file("main.cf", main_cf);
	good = ask_postconf("smtpd_banner", theirs);
	CHECK_TEXT(read_postfix(main_cf, ""), "");
	text_builder_init(&trouble, why, sizeof(why));
	ours = maincf_expand(conf.main,
		text_of(maincf_raw(conf.main, "smtpd_banner")), &trouble);
	if (good != (ours != NULL))
		fail_msg("%s: they: %s we: %s", fragment, theirs,
			ours == NULL ? why : ours);
	if (good) {
		squeeze(theirs, true, should);
		squeeze(ours, false, is);
		if (strcmp(is, should) != 0)
			fail_msg("%s: they: %s we: %s", fragment, should, is);
	} else if (strstr(theirs, why) == NULL) {
		fail_msg("%s: they: %s we: %s", fragment, theirs, why);
	}
	return good;
}

static void values_are_expanded_as_by_postconf(void **state)
{
	char fragment[FRAGMENT_BYTES];
	struct text_builder builder;
	unsigned refused = 0;

	(void)state;
	if (access(postconf, X_OK) != 0)
		skip();
	prng_seed(&prng, 1);
	for (unsigned i = 0; i < FRAGMENTS_N && refused < REFUSED_MAX; i++) {
		text_builder_init(&builder, fragment, sizeof(fragment));
		put_fragment(&builder, 1 + i % 3);
		if (i % 4 == 0)
			damage(&builder);
		if (!builder.overflow && !compare_one(fragment))
			refused++;
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

static void lines_are_put_together_as_by_postconf(void **state)
{
	static char theirs[TEXT_BYTES], is[TEXT_BYTES], should[TEXT_BYTES];
	char main_cf[TEXT_BYTES];
	struct text_builder builder;

	(void)state;
	if (access(postconf, X_OK) != 0)
		skip();
	prng_seed(&prng, 2);
	for (unsigned i = 0; i < FILES_N; i++) {
		const char *ours;

		text_builder_init(&builder, main_cf, sizeof(main_cf));
		text_put(&builder, "compatibility_level = 3.6\n"
				   "smtpd_banner = default\n");
		put_lines(&builder);
		write_file("main.cf", main_cf);
		assert_true(ask_postconf("smtpd_banner", theirs));
		(void)read_postfix(main_cf, "");
		assert_non_null(table);
		ours = maincf_raw(conf.main, "smtpd_banner");
		squeeze(theirs, true, should);
		squeeze(ours, false, is);
		if (strcmp(is, should) != 0)
			fail_msg("%s: they: %s we: %s", main_cf, should, is);
	}
}

static void defaults_are_those_of_postconf(void **state)
{
	static char theirs[TEXT_BYTES];
	char name[100];

	(void)state;
	if (access(postconf, X_OK) != 0)
		skip();
	for (enum postfix_setting_id id = 0; id < POSTFIX_SETTINGS_N; id++) {
		const struct postfix_setting *setting = &postfix_settings[id];

		if (setting->default_text == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "-d %s", setting->name);
		write_file("main.cf", "");
		assert_true(ask_postconf(name, theirs));
		theirs[strcspn(theirs, "\n")] = '\0';
		if (strchr(setting->default_text, '$') != NULL)
			continue;
		if (strcmp(theirs, setting->default_text) != 0)
			fail_msg("%s: they: %s we: %s", setting->name, theirs,
				setting->default_text);
	}
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	write_file("master.cf", "");
	return 0;
}

static int remove_directory(void **state)
{
	char path[200];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/main.cf", directory);
	(void)unlink(path); /* not there if all was skipped */
	(void)snprintf(path, sizeof(path), "%s/master.cf", directory);
	(void)unlink(path);
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
