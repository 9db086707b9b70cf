/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <stddef.h>

struct step {
	const char *name;
	uint64_t factor;
};

/* Seconds and what is below are shown with one decimal, not with a neighbour. */
static const struct step large[] = {
	{"d", 86400 * NS_PER_S},
	{"h", 3600 * NS_PER_S},
	{"m", 60 * NS_PER_S},
	{"s", NS_PER_S},
};

static const struct step small[] = {
	{"s", NS_PER_S},
	{"ms", NS_PER_MS},
	{"us", 1000},
	{"ns", 1},
};

static void put_with_decimal(
	struct text_builder *builder, uint64_t ns, const struct step *step)
{
	uint64_t tenths =
		step->factor == 1 ? 0 : ns % step->factor / (step->factor / 10);

	text_put_number(builder, ns / step->factor);
	if (tenths > 0) {
		text_put_char(builder, '.');
		text_put_number(builder, tenths);
	}
	text_put(builder, step->name);
}

static void put_with_neighbour(
	struct text_builder *builder, uint64_t ns, const struct step *step)
{
	uint64_t rest = ns % step->factor / step[1].factor;

	text_put_number(builder, ns / step->factor);
	text_put(builder, step->name);
	if (rest > 0) {
		text_put_number(builder, rest);
		text_put(builder, step[1].name);
	}
}

void number_put_duration(struct text_builder *builder, uint64_t ns)
{
	for (size_t i = 0; i < 3; i++)
		if (ns >= large[i].factor) {
			put_with_neighbour(builder, ns, &large[i]);
			return;
		}
	for (size_t i = 0; i < 4; i++)
		if (ns >= small[i].factor) {
			put_with_decimal(builder, ns, &small[i]);
			return;
		}
	text_put(builder, "0s");
}

void number_put_seconds(struct text_builder *builder, uint64_t ns)
{
	uint64_t rest = ns % NS_PER_S;

	text_put_number(builder, ns / NS_PER_S);
	if (rest == 0)
		return;
	text_put_char(builder, '.');
	for (uint64_t digit = NS_PER_S / 10; rest > 0; digit /= 10) {
		text_put_number(builder, rest / digit);
		rest %= digit;
	}
}

void number_put_size(struct text_builder *builder, uint64_t bytes)
{
	static const char units[] = "kMGT";
	size_t unit = 0;

	while (bytes > 0 && bytes % 1024 == 0 && unit < sizeof(units) - 1) {
		bytes /= 1024;
		unit++;
	}
	text_put_number(builder, bytes);
	if (unit > 0)
		text_put_char(builder, units[unit - 1]);
}
