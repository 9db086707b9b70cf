/* SPDX-License-Identifier: MIT */
#include "lib/settings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY_DEFAULT "/etc/postfix"
#define EXPANSIONS_MAX 32
#define NAME_MAX_BYTES 100

/* Read once, before root is given up; pages that stay empty cost nothing. */
static char main_cf[256 * 1024];

/* A value that is being expanded, and whose it is. */
struct value {
	struct ostler__start *start;
	const char *name;
	char text[OSTLER__VALUE_BYTES];
};

static int refuse(const struct value *v, const char *what)
{
	(void)snprintf(v->start->problem, sizeof(v->start->problem),
		"main.cf: %.80s %s", v->name, what);
	return -EINVAL;
}

static int fail(struct ostler__start *s, const char *path, int error)
{
	(void)snprintf(s->problem, sizeof(s->problem), "%.80s: %s", path,
		strerror(error));
	return -error;
}

static int load(struct ostler__start *s, const char *path, int fd)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, main_cf + n, sizeof(main_cf) - n)) != 0) {
		if (got < 0 && errno != EINTR)
			return fail(s, path, errno);
		n += got > 0 ? (size_t)got : 0;
		if (n == sizeof(main_cf))
			return fail(s, path, EFBIG);
	}
	main_cf[n] = '\0';
	return 0;
}

static int open_and_load(struct ostler__start *s)
{
	const char *directory = getenv("MAIL_CONFIG");
	char path[1024];
	int n, fd, result;

	if (directory == NULL)
		directory = DIRECTORY_DEFAULT;
	main_cf[0] = '\0';
	n = snprintf(path, sizeof(path), "%s/main.cf", directory);
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail(s, directory, ENAMETOOLONG);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(s, path, errno);
	result = load(s, path, fd);
	(void)close(fd);
	return result;
}

/* ------------------------------------------------------ logical lines */

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static const char *next_line(const char *p)
{
	const char *end = strchr(p, '\n');

	return end == NULL ? p + strlen(p) : end + 1;
}

/* Blank lines and comments are not there, even within a logical line. */
static bool is_nothing(const char *line)
{
	line = skip_blanks(line);
	return *line == '\n' || *line == '#' || *line == '\0';
}

static bool continues(const char *line)
{
	return *line == ' ' || *line == '\t';
}

/* Where the value of NAME begins, if LINE sets that; or NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0)
		return NULL;
	line = skip_blanks(line + n);
	return *line == '=' ? skip_blanks(line + 1) : NULL;
}

static bool append(char *text, const char *from)
{
	size_t n = strlen(text), more = strcspn(from, "\n");

	if (n + more >= OSTLER__VALUE_BYTES)
		return false;
	memcpy(text + n, from, more);
	text[n + more] = '\0';
	return true;
}

static void trim(char *text)
{
	size_t n = strlen(text), skip = strspn(text, " \t\r");

	while (n > skip && isspace((unsigned char)text[n - 1]))
		n--;
	memmove(text, text + skip, n - skip);
	text[n - skip] = '\0';
}

/* The last line wins. 1 and TEXT; 0: not set; -1: too long for us. */
static int find_in_file(const char *name, char *text)
{
	bool ours = false;
	int found = 0;

	for (const char *p = main_cf; *p != '\0'; p = next_line(p)) {
		const char *from = p;

		if (is_nothing(p))
			continue;
		if (!continues(p)) {
			from = value_of(p, name);
			ours = from != NULL;
			if (ours)
				text[0] = '\0';
		}
		if (!ours)
			continue;
		found = append(text, from) ? 1 : -1;
		if (found < 0)
			return -1;
	}
	if (found > 0)
		trim(text);
	return found;
}

static int find(const struct ostler__start *s, const char *name, char *text)
{
	const char *said = ostler__start_override(s, name);

	if (said == NULL)
		return find_in_file(name, text);
	text[0] = '\0';
	if (!append(text, said))
		return -1;
	trim(text);
	return 1;
}

/* ------------------------------------------------------ $name */

static size_t name_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* The name after the dollar at P, and *OUT_END behind all of it. */
static bool read_name(const char *p, char *name, const char **out_end)
{
	bool bracket = p[1] == '{' || p[1] == '(';
	const char *from = p + 1 + bracket;
	size_t n = name_length(from);

	if (n == 0 || n >= NAME_MAX_BYTES)
		return false;
	if (bracket && from[n] != (p[1] == '{' ? '}' : ')'))
		return false;
	memcpy(name, from, n);
	name[n] = '\0';
	*out_end = from + n + bracket;
	return true;
}

/* Put what $name stands for in its place; it is looked at again there. */
static int expand_one(struct value *v, char *dollar)
{
	char name[NAME_MAX_BYTES], text[OSTLER__VALUE_BYTES];
	const char *rest;
	size_t n, rest_n;

	if (!read_name(dollar, name, &rest))
		return refuse(v, "is an expression that only Postfix knows");
	if (find(v->start, name, text) <= 0)
		return refuse(v, "uses a name that is not set there");
	n = strlen(text);
	rest_n = strlen(rest);
	if ((size_t)(dollar - v->text) + n + rest_n >= sizeof(v->text))
		return refuse(v, "is too long");
	memmove(dollar + n, rest, rest_n + 1);
	memcpy(dollar, text, n);
	return 0;
}

static int expand(struct value *v)
{
	char *p = v->text;

	for (unsigned i = 0; (p = strchr(p, '$')) != NULL; i++) {
		if (i == EXPANSIONS_MAX)
			return refuse(v, "goes round in circles");
		if (p[1] == '$') {
			memmove(p, p + 1, strlen(p));
			p++;
		} else if (expand_one(v, p) < 0)
			return -EINVAL;
	}
	return 0;
}

/* ------------------------------------------------------ what is needed */

/* 1 and the value, 0: not set, or -EINVAL. */
static int get(struct value *v, struct ostler__start *s, const char *name)
{
	int found;

	v->start = s;
	v->name = name;
	v->text[0] = '\0';
	found = find(s, name, v->text);
	if (found < 0)
		return refuse(v, "is too long");
	if (found > 0 && expand(v) < 0)
		return -EINVAL;
	return found;
}

static int get_text(struct ostler__start *s, const char *name, char *out)
{
	struct value v;
	int found = get(&v, s, name);

	if (found > 0)
		memcpy(out, v.text, strlen(v.text) + 1);
	return found;
}

static int get_limits(struct ostler__start *s)
{
	struct value v;
	int found = s->use_said ? 0 : get(&v, s, "max_use");

	if (found < 0)
		return found;
	if (found > 0 && !ostler__parse_number(v.text, 10, &s->max_use))
		return refuse(&v, "is not a number");
	found = s->idle_said ? 0 : get(&v, s, "max_idle");
	if (found < 0)
		return found;
	if (found > 0 && !ostler__parse_duration(v.text, &s->max_idle_ns))
		return refuse(&v, "is not a time");
	return 0;
}

int ostler__settings_read(struct ostler__start *start)
{
	int result = open_and_load(start);

	if (result == 0)
		result = get_limits(start);
	if (result >= 0)
		result = get_text(
			start, "queue_directory", start->queue_directory);
	if (result >= 0)
		result = get_text(start, "mail_owner", start->mail_owner);
	return result < 0 ? result : 0;
}
