/* SPDX-License-Identifier: MIT */
#include "programs/spawn/settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/spawn/environment.h"
#include "programs/spawn/farewell.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S (1000 * NS_PER_MS)
#define DAYS_MAX 366

const char settings_usage[] =
	"usage: ostler-spawn [--time-limit=TIME] [--kill-time=TIME] "
	"[--max-clients=N] [--stderr=log|client] "
	"[--environment=both|ucspi|remote|none] program [argument ...]";

static const struct option long_options[] = {
	{"time-limit", required_argument, NULL, 't'},
	{"kill-time", required_argument, NULL, 'k'},
	{"max-clients", required_argument, NULL, 'm'},
	{"stderr", required_argument, NULL, 'e'},
	{"environment", required_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The units of ostler.conf(5). */
static bool parse_time(const char *text, uint64_t *out_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S},
		{"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S}};
	uint64_t max = DAYS_MAX * 86400 * NS_PER_S;
	unsigned long value;
	char *unit;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &unit, 10);
	if (value == 0 && *unit == '\0') {
		*out_ns = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (is(unit, units[i].name) && value <= max / units[i].ns) {
			*out_ns = value * units[i].ns;
			return true;
		}
	return false;
}

static bool parse_clients(const char *text, unsigned *out)
{
	unsigned long value;
	char *end;

	if (*text < '1' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || value > FAREWELL_MAX)
		return false;
	*out = (unsigned)value;
	return true;
}

static bool parse_dialects(const char *text, unsigned *out)
{
	static const struct {
		const char *name;
		unsigned dialects;
	} known[] = {{"both", DIALECT_UCSPI | DIALECT_REMOTE},
		{"ucspi", DIALECT_UCSPI}, {"remote", DIALECT_REMOTE},
		{"none", 0}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is(text, known[i].name)) {
			*out = known[i].dialects;
			return true;
		}
	return false;
}

static bool parse_option(struct settings *out, int option, const char *value)
{
	switch (option) {
	case 't':
		return parse_time(value, &out->plan.time_limit_ns);
	case 'k':
		return parse_time(value, &out->plan.kill_time_ns);
	case 'm':
		return parse_clients(value, &out->clients_max);
	case 'e':
		out->plan.stderr_to_client = is(value, "client");
		return is(value, "client") || is(value, "log");
	case 'v':
		return parse_dialects(value, &out->dialects);
	default:
		return false;
	}
}

static bool refuse(const char *what, const char *value)
{
	(void)fprintf(stderr, "ostler-spawn: %s%s%s\nostler-spawn: %s\n", what,
		value == NULL ? "" : ": ", value == NULL ? "" : value,
		settings_usage);
	return false;
}

bool settings_parse(struct settings *out, int argc, char **argv)
{
	int option;

	*out = (struct settings){
		.plan.kill_time_ns = 5 * NS_PER_S,
		.dialects = DIALECT_UCSPI | DIALECT_REMOTE,
		.clients_max = 1,
	};
	optind = 1;
	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) !=
		-1) {
		if (option == '?')
			return refuse("no such option, or no value", NULL);
		if (!parse_option(out, option, optarg))
			return refuse("not a sound value", optarg);
	}
	if (optind == argc)
		return refuse("no program is named", NULL);
	out->plan.command = argv + optind;
	return true;
}
