/* SPDX-License-Identifier: MIT */
#include "lib/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <master_proto.h>

/* What Postfix's main.cf says of these if it says nothing. */
#define POSTFIX_MAX_USE 100
#define POSTFIX_MAX_IDLE_NS (100 * NS_PER_S)

/* What ostler.conf(5) says of these if it says nothing. */
#define PREFIX_IPV4 24
#define PREFIX_IPV6 64

#define NS_PER_S UINT64_C(1000000000)
#define SECONDS_MAX UINT64_C(1000000000)

static int refuse(struct ostler__start *s, const char *name, const char *what)
{
	(void)snprintf(s->problem, sizeof(s->problem), "%s: %s", name, what);
	return -EINVAL;
}

static int refuse_option(struct ostler__start *s, char option, const char *what)
{
	(void)snprintf(
		s->problem, sizeof(s->problem), "option -%c: %s", option, what);
	return -EINVAL;
}

bool ostler__parse_number(const char *text, unsigned base, unsigned *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)((unsigned char)*text - '0');

		if (digit >= base)
			return false;
		value = value * base + digit;
		if (value > UINT32_MAX)
			return false;
	}
	*out = (unsigned)value;
	return true;
}

static bool unit_seconds(const char *text, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400},
		{"w", 604800}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text, units[i].name) == 0) {
			*out = units[i].seconds;
			return true;
		}
	return false;
}

/* "100", "0.25", "2m": seconds with a fraction, or a number with a unit. */
bool ostler__parse_duration(const char *text, uint64_t *out_ns)
{
	uint64_t whole = 0, fraction = 0, scale = NS_PER_S, unit;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		whole = whole * 10 + (uint64_t)(*text - '0');
		if (whole > SECONDS_MAX)
			return false;
	}
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++) {
			scale /= 10;
			fraction += scale * (uint64_t)(*text - '0');
		}
	if (!unit_seconds(text, &unit) || whole * unit > SECONDS_MAX)
		return false;
	*out_ns = (whole * NS_PER_S + fraction) * unit;
	return true;
}

/* What -o OPTION says of NAME, or NULL; there may be blanks around the "=". */
static const char *value_of(const char *option, const char *name)
{
	size_t n = strlen(name);

	option += strspn(option, " \t");
	if (strncmp(option, name, n) != 0)
		return NULL;
	option += n;
	option += strspn(option, " \t");
	if (*option != '=')
		return NULL;
	return option + 1 + strspn(option + 1, " \t");
}

const char *ostler__start_override(
	const struct ostler__start *start, const char *name)
{
	for (unsigned i = start->overrides_n; i > 0; i--) {
		const char *value = value_of(start->overrides[i - 1], name);

		if (value != NULL)
			return value;
	}
	return NULL;
}

bool ostler__start_is_on(const struct ostler__start *start, const char *name)
{
	return strcasecmp(start->transport, name) == 0;
}

/* ------------------------------------------------- the native dialect */

static int take_number(struct ostler__start *s, const char *name, unsigned *out)
{
	const char *text = getenv(name);

	if (text != NULL && !ostler__parse_number(text, 10, out))
		return refuse(s, name, "not a number");
	return 0;
}

static int parse_sources(struct ostler__start *s)
{
	s->prefix_ipv4 = PREFIX_IPV4;
	s->prefix_ipv6 = PREFIX_IPV6;
	if (take_number(s, "OSTLER_SOURCE_LIMIT", &s->source_limit) < 0 ||
		take_number(s, "OSTLER_PREFIX_LIMIT", &s->prefix_limit) < 0 ||
		take_number(s, "OSTLER_PREFIX_IPV4", &s->prefix_ipv4) < 0 ||
		take_number(s, "OSTLER_PREFIX_IPV6", &s->prefix_ipv6) < 0)
		return -EINVAL;
	if (s->prefix_ipv4 > 32)
		return refuse(s, "OSTLER_PREFIX_IPV4", "more than 32 bits");
	if (s->prefix_ipv6 > 128)
		return refuse(s, "OSTLER_PREFIX_IPV6", "more than 128 bits");
	return 0;
}

static int parse_native(struct ostler__start *s)
{
	const char *idle = getenv("OSTLER_MAX_IDLE");
	const char *liveness = getenv("OSTLER_LIVENESS");

	s->transport = getenv("OSTLER_TRANSPORT");
	if (s->transport == NULL)
		s->transport = MASTER_XPORT_NAME_INET;
	s->sockets_n = 1;
	if (take_number(s, "OSTLER_SOCKETS", &s->sockets_n) < 0 ||
		take_number(s, "OSTLER_MAX_USE", &s->max_use) < 0 ||
		take_number(s, "OSTLER_CLIENTS_PER_WORKER",
			&s->clients_per_worker) < 0 ||
		take_number(s, "OSTLER_STRESS", &s->stress) < 0 ||
		take_number(s, "OSTLER_PROCESS_LIMIT", &s->process_limit) < 0)
		return -EINVAL;
	if (s->sockets_n == 0)
		return refuse(s, "OSTLER_SOCKETS", "a worker needs a listener");
	if (idle != NULL && !ostler__parse_duration(idle, &s->max_idle_ns))
		return refuse(s, "OSTLER_MAX_IDLE", "not a time");
	s->timed = getenv("OSTLER_REQUEST_TIME_LIMIT") != NULL;
	if (liveness != NULL &&
		!ostler__parse_duration(liveness, &s->liveness_ns))
		return refuse(s, "OSTLER_LIVENESS", "not a time");
	return parse_sources(s);
}

/* ------------------------------------------------- Postfix's dialect */

static int take_override(struct ostler__start *s, const char *value)
{
	if (strchr(value, '=') == NULL)
		return refuse_option(s, 'o', "is NAME=VALUE");
	if (s->overrides_n == OSTLER__OVERRIDES_MAX)
		return refuse_option(s, 'o', "too many");
	s->overrides[s->overrides_n++] = value;
	return 0;
}

static int take_value(struct ostler__start *s, char option, const char *value)
{
	bool sound = true;

	switch (option) {
	case 'i':
		s->idle_said = true;
		sound = ostler__parse_duration(value, &s->max_idle_ns);
		break;
	case 'm':
		s->use_said = true;
		sound = ostler__parse_number(value, 10, &s->max_use);
		break;
	case 'n':
		s->service = value;
		break;
	case 'o':
		return take_override(s, value);
	case 'r':
		sound = ostler__parse_duration(value, &s->retire_after_ns);
		break;
	case 's':
		sound = ostler__parse_number(value, 10, &s->sockets_n) &&
			s->sockets_n > 0;
		break;
	case 't':
		s->transport = value;
		break;
	default:
		sound = false;
		break;
	}
	return sound ? 0 : refuse_option(s, option, "not a sound value");
}

static int take_flag(struct ostler__start *s, char option)
{
	switch (option) {
	case 'c':
		s->jailed = true;
		break;
	case 'd':
		s->by_hand = true;
		break;
	case 'D':
		s->debugger = true;
		break;
	case 'l':
		s->alone = true;
		s->process_limit = 1;
		break;
	case 'S':
		s->one_shot = true;
		break;
	case 'u':
		s->unprivileged = true;
		break;
	case 'v':
		s->verbose++;
		break;
	case 'V':
		s->talkative = true;
		break;
	case 'z':
		s->unlimited = true;
		break;
	default:
		return refuse_option(s, option, "not an option of a worker");
	}
	return 0;
}

/* One word of options, "-lz" or "-n" "NAME" or "-nNAME"; *I moves past it. */
static int parse_word(struct ostler__start *s, int argc, char **argv, int *i)
{
	const char *word = argv[(*i)++] + 1;

	for (; *word != '\0'; word++) {
		const char *value = word + 1;

		if (strchr("imnorst", *word) == NULL) {
			if (take_flag(s, *word) < 0)
				return -EINVAL;
			continue;
		}
		if (*value == '\0') {
			if (*i == argc)
				return refuse_option(
					s, *word, "lacks its value");
			value = argv[(*i)++];
		}
		return take_value(s, *word, value);
	}
	return 0;
}

/* -m and -i beat -o, which beats the defaults; for main.cf see settings.h. */
static int settle_limits(struct ostler__start *s)
{
	const char *use = ostler__start_override(s, "max_use");
	const char *idle = ostler__start_override(s, "max_idle");

	if (!s->use_said && use == NULL)
		s->max_use = POSTFIX_MAX_USE;
	else if (!s->use_said && !ostler__parse_number(use, 10, &s->max_use))
		return refuse_option(s, 'o', "max_use is not a number");
	if (!s->idle_said && idle == NULL)
		s->max_idle_ns = POSTFIX_MAX_IDLE_NS;
	else if (!s->idle_said &&
		 !ostler__parse_duration(idle, &s->max_idle_ns))
		return refuse_option(s, 'o', "max_idle is not a time");
	s->use_said = s->use_said || use != NULL;
	s->idle_said = s->idle_said || idle != NULL;
	return 0;
}

static int parse_postfix(struct ostler__start *s, int argc, char **argv)
{
	int i = 1;

	s->sockets_n = 1;
	/* "--long" is the program's own; "--" alone is the end of ours. */
	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0' &&
		argv[i][1] != '-')
		if (parse_word(s, argc, argv, &i) < 0)
			return -EINVAL;
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	if (settle_limits(s) < 0)
		return -EINVAL;
	if (s->transport == NULL && !s->one_shot)
		return refuse(s, "no master",
			"neither OSTLER_SERVICE nor option -t is there; this program is started by ostlerd(8) or by Postfix's master(8)");
	if (s->transport == NULL)
		s->transport = "";
	argv[i - 1] = argv[0];
	s->argc = argc - (i - 1);
	s->argv = argv + (i - 1);
	return 0;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

int ostler__start_parse(struct ostler__start *out, int argc, char **argv)
{
	const char *generation = getenv(MASTER_GEN_NAME);

	memset(out, 0, sizeof(*out));
	out->argc = argc;
	out->argv = argv;
	if (argc < 1)
		return refuse(out, "argv", "has no name");
	if (generation != NULL &&
		!ostler__parse_number(generation, 8, &out->generation))
		return refuse(out, MASTER_GEN_NAME, "not an octal number");
	out->service = getenv("OSTLER_SERVICE");
	out->native = out->service != NULL;
	if (out->native)
		return parse_native(out);
	out->service = last_component(argv[0]);
	return parse_postfix(out, argc, argv);
}
