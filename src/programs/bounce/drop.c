/* SPDX-License-Identifier: MIT */
#include "programs/bounce/drop.h"

#include <stdlib.h>

#define NUMBER_MAX 1000000

/* A number and what ends it; -1: there is none. */
static long parse_number(const char **at, char end)
{
	char *rest;
	long number;

	if (**at < '0' || **at > '9')
		return -1;
	number = strtol(*at, &rest, 10);
	if (number > NUMBER_MAX || *rest != end)
		return -1;
	*at = rest + (end != '\0');
	return number;
}

bool drop_parse(const char *word, struct drop *out)
{
	long start = parse_number(&word, ':');
	long rate = start < 0 ? -1 : parse_number(&word, ':');
	long full = rate < 0 ? -1 : parse_number(&word, '\0');

	if (rate < 1 || rate > 100 || full <= start)
		return false;
	*out = (struct drop){.start = (uint32_t)start,
		.rate = (uint32_t)rate,
		.full = (uint32_t)full};
	return true;
}

uint32_t drop_look(struct drop *drop, uint32_t waiting, uint32_t came)
{
	if (waiting > drop->kept && waiting - drop->kept > came)
		came = waiting - drop->kept;
	if (came > waiting)
		came = waiting;
	drop->kept = waiting - came;
	return came;
}

/* Of all dice, so many hundredths mean "go". */
static bool falls(const struct drop *drop, uint32_t before, uint32_t dice)
{
	uint64_t span = drop->full - drop->start;
	uint64_t goes = drop->rate * span +
			(100 - (uint64_t)drop->rate) * (before - drop->start);

	return ((uint64_t)dice * (100 * span)) >> 32 < goes;
}

bool drop_judge(struct drop *drop, uint32_t dice)
{
	uint32_t before = drop->kept;

	if (before >= drop->full ||
		(before >= drop->start && falls(drop, before, dice)))
		return true;
	drop->kept++;
	return false;
}
