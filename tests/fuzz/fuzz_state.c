/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/saved.h"
#include "core/core.h"
#include "core/save.h"
#include "core/view.h"
#include "events.h"
#include "fuzz.h"

/*
 * A core that has lived a little is saved; what was written is changed; what
 * was changed is loaded. It is refused, or it is a core whose promises hold
 * and that goes on, whatever comes. Unchanged, it is never refused.
 */

#define EVENTS_MAX 80
#define CHANGES_MAX 4
#define CHANGE_BYTES 16 /* four for each */
#define MEMORY_BYTES 65536
#define LINES_BYTES 65536

static const struct core_limits limits = {
	.services_max = SERVICES,
	.workers_max = SLOTS,
	.seed = 1,
	.cpus = 2,
};

struct lines {
	char bytes[LINES_BYTES];
	size_t n;
};

static struct core *begin(uint64_t *memory)
{
	assert(core_size(&limits) <= MEMORY_BYTES);
	memset(memory, 0, MEMORY_BYTES);
	return core_init(memory, &limits);
}

static void live(struct core *core, struct fuzz_input *input, uint64_t *now_ns,
	unsigned n)
{
	for (; n > 0 && input->n > 0; n--) {
		struct event event = fuzz_event(input, core);

		*now_ns = fuzz_later(input, core, *now_ns);
		(void)core_step(core, &event, *now_ns);
	}
}

static void save(const struct core *core, struct lines *out)
{
	struct text_builder builder;

	text_builder_init(&builder, out->bytes, sizeof(out->bytes));
	core_save(core, &builder);
	assert(!builder.overflow);
	out->n = builder.n;
}

/* ---- changes ------------------------------------------------------------------- */

static void replace(struct lines *lines, size_t at, size_t n, const char *by)
{
	size_t by_n = strlen(by);

	if (lines->n - n + by_n > sizeof(lines->bytes))
		return;
	memmove(lines->bytes + at + by_n, lines->bytes + at + n,
		lines->n - at - n);
	memcpy(lines->bytes + at, by, by_n);
	lines->n = lines->n - n + by_n;
}

/* The number behind the next '=': by one that is telling. */
static void change_number(struct lines *lines, size_t at, uint8_t which)
{
	static const char *const numbers[] = {"0", "1", "2", "3", "4", "5", "6",
		"4294967295", "4294967294", "18446744073709551615",
		"18446744073709551614", "1000000000000", "1000000000001",
		"4294967296", "-1", ""};
	size_t n = 0;

	while (at < lines->n && lines->bytes[at] != '=')
		at++;
	if (at == lines->n)
		return;
	at++;
	while (at + n < lines->n && lines->bytes[at + n] >= '0' &&
		lines->bytes[at + n] <= '9')
		n++;
	replace(lines, at, n,
		numbers[which % (sizeof(numbers) / sizeof(numbers[0]))]);
}

/* A word of one line becomes another's: a key that may belong there or not. */
static void change_key(struct lines *lines, size_t at, uint8_t which)
{
	static const char *const pairs[] = {" state=1", " state=4", " rung=5",
		" kind=1", " kind=2", " suspect=1", " mute=1", " wear=1",
		" asked=1", " due=1", " service=1", " recycle-phase=2",
		" starved=1", " lacking=1", " share=4294967295", " epoch=7"};

	while (at < lines->n && lines->bytes[at] != '\n')
		at++;
	if (at < lines->n)
		replace(lines, at, 0,
			pairs[which % (sizeof(pairs) / sizeof(pairs[0]))]);
}

static void change_line(struct lines *lines, size_t at, bool again)
{
	static char line[LINES_BYTES];
	size_t n = 0;

	while (at > 0 && lines->bytes[at - 1] != '\n')
		at--;
	while (at + n < lines->n && lines->bytes[at + n] != '\n')
		n++;
	if (at + n < lines->n)
		n++;
	if (!again) {
		replace(lines, at, n, "");
		return;
	}
	memcpy(line, lines->bytes + at, n);
	line[n < sizeof(line) ? n : sizeof(line) - 1] = '\0';
	replace(lines, at, 0, line);
}

static void change(struct lines *lines, struct fuzz_input *input)
{
	uint8_t how = fuzz_next(input);
	size_t at = (size_t)fuzz_next(input) << 8;
	uint8_t which;

	at = (at | fuzz_next(input)) % (lines->n == 0 ? 1 : lines->n);
	which = fuzz_next(input);
	if (lines->n == 0)
		return;
	if (how < 128)
		change_number(lines, at, which);
	else if (how < 192)
		change_key(lines, at, which);
	else if (how < 208)
		lines->bytes[at] = (char)which;
	else
		change_line(lines, at, how < 232);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t memory[MEMORY_BYTES / sizeof(uint64_t)];
	static struct lines lines;
	struct fuzz_input input = {data, size};
	uint64_t now_ns = BEGIN_NS;
	struct saved_reader reader;
	struct core *core = begin(memory);
	unsigned changes = fuzz_next(&input) % (CHANGES_MAX + 1);
	struct fuzz_input how = {
		input.bytes, input.n < CHANGE_BYTES ? input.n : CHANGE_BYTES};

	input.bytes += how.n;
	input.n -= how.n;
	live(core, &input, &now_ns, fuzz_next(&input) % EVENTS_MAX);
	save(core, &lines);
	for (unsigned i = 0; i < changes; i++)
		change(&lines, &how);
	memset(memory, 0, MEMORY_BYTES);
	saved_lines(&reader, (struct text){lines.bytes, lines.n}, NULL);
	core = core_load(memory, &limits, &reader, now_ns);
	if (core == NULL) {
		assert(changes > 0 && reader.problem != NULL);
		return 0;
	}
	assert(core_audit(core, now_ns) == NULL || changes == 0);
	live(core, &input, &now_ns, EVENTS_MAX);
	return 0;
}
