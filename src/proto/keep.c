/* SPDX-License-Identifier: MIT */
#include "proto/keep.h"

#include <stddef.h>

#include "base/number.h"

enum field {
	FIELD_NAME = 1,
	FIELD_CAUSE = 2,
	FIELD_RESTARTS = 4,
	FIELD_NS = 8,
	FIELD_SLOT = 16,
	FIELD_SERIAL = 32,
	FIELD_CODE = 64,
	FIELD_SIGNAL = 128,
};

static const struct {
	const char *word;
	unsigned fields;
} kinds[] = {
	[KEEP_HOLD] = {"hold", FIELD_NAME},
	[KEEP_DROP] = {"drop", FIELD_NAME},
	[KEEP_TAKE] = {"take", 0},
	[KEEP_RENEW] = {"renew", 0},
	[KEEP_HEALTHY] = {"healthy", 0},
	[KEEP_TRIAL] = {"trial", FIELD_NS},
	[KEEP_BYE] = {"bye", 0},
	[KEEP_GIVE] = {"give", FIELD_NAME},
	[KEEP_GIVEN] = {"given", FIELD_RESTARTS | FIELD_CAUSE},
	[KEEP_ENDED] = {"ended",
		FIELD_SLOT | FIELD_SERIAL | FIELD_CODE | FIELD_SIGNAL},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
	const char *key;
	enum field field;
	size_t offset;
} numbers[] = {
	{"restarts", FIELD_RESTARTS, offsetof(struct keep_message, restarts)},
	{"ns", FIELD_NS, offsetof(struct keep_message, ns)},
	{"slot", FIELD_SLOT, offsetof(struct keep_message, slot)},
	{"serial", FIELD_SERIAL, offsetof(struct keep_message, serial)},
	{"code", FIELD_CODE, offsetof(struct keep_message, code)},
	{"signal", FIELD_SIGNAL, offsetof(struct keep_message, signal)},
};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static const struct {
	const char *key;
	enum field field;
	size_t offset;
} texts[] = {
	{"name", FIELD_NAME, offsetof(struct keep_message, name)},
	{"cause", FIELD_CAUSE, offsetof(struct keep_message, cause)},
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const struct number_limits any = {0, UINT64_MAX};

static uint64_t *number_at(struct keep_message *message, size_t offset)
{
	return (uint64_t *)(void *)((char *)message + offset);
}

static struct text *text_at(struct keep_message *message, size_t offset)
{
	return (struct text *)(void *)((char *)message + offset);
}

void keep_put(struct text_builder *out, const struct keep_message *message)
{
	struct keep_message copy = *message;
	unsigned fields = kinds[message->kind].fields;

	text_put(out, kinds[message->kind].word);
	for (size_t i = 0; i < TEXTS; i++)
		if (fields & texts[i].field)
			text_put_key_text(out, texts[i].key,
				*text_at(&copy, texts[i].offset));
	for (size_t i = 0; i < NUMBERS; i++)
		if (fields & numbers[i].field)
			text_put_key_number(out, numbers[i].key,
				*number_at(&copy, numbers[i].offset));
}

/* Which field it was; 0: none that there is. */
static unsigned take_pair(
	struct text key, struct text value, struct keep_message *out)
{
	for (size_t i = 0; i < TEXTS; i++)
		if (text_is(key, texts[i].key)) {
			*text_at(out, texts[i].offset) = value;
			return texts[i].field;
		}
	for (size_t i = 0; i < NUMBERS; i++)
		if (text_is(key, numbers[i].key) &&
			number_parse(value, any,
				number_at(out, numbers[i].offset)) == NUMBER_OK)
			return numbers[i].field;
	return 0;
}

bool keep_parse(
	struct text line, struct text_builder *store, struct keep_message *out)
{
	struct text word, key, value;
	enum text_next next;
	unsigned kind = 0;
	unsigned found = 0;

	*out = (struct keep_message){.kind = KEEP_HOLD};
	text_builder_reset(store);
	if (!text_next_word(&line, &word))
		return false;
	while (kind < KINDS && !text_is(word, kinds[kind].word))
		kind++;
	if (kind == KINDS)
		return false;
	while ((next = text_next_pair(&line, store, &key, &value)) ==
		TEXT_NEXT_PAIR) {
		unsigned field = take_pair(key, value, out);

		if (field == 0 || (found & field) != 0)
			return false;
		found |= field;
	}
	out->kind = (enum keep_kind)kind;
	return next == TEXT_NEXT_END && found == kinds[kind].fields;
}

void keep_put_worker(struct text_builder *out, const struct keep_worker *worker)
{
	text_put_format(out, "%s.%u.%u.%u.%u.%u",
		worker->pid == 0 ? "worker" : "pidfd", worker->service,
		worker->slot, worker->serial, worker->generation, worker->kind);
	if (worker->pid != 0)
		text_put_format(out, ".%u", worker->pid);
}

static bool take_part(struct text *name, uint32_t max, uint32_t *out)
{
	struct text part;
	uint64_t value;

	if (!text_cut(name, '.', &part) ||
		number_parse(part, (struct number_limits){0, max}, &value) !=
			NUMBER_OK)
		return false;
	*out = (uint32_t)value;
	return true;
}

bool keep_parse_worker(struct text name, struct keep_worker *out)
{
	struct text word;

	*out = (struct keep_worker){.pid = 0};
	if (!text_cut(&name, '.', &word) ||
		!(text_is(word, "worker") || text_is(word, "pidfd")) ||
		!take_part(&name, UINT32_MAX, &out->service) ||
		!take_part(&name, UINT32_MAX, &out->slot) ||
		!take_part(&name, UINT32_MAX, &out->serial) ||
		!take_part(&name, UINT32_MAX, &out->generation) ||
		!take_part(&name, UINT32_MAX, &out->kind))
		return false;
	if (text_is(word, "pidfd") &&
		(!take_part(&name, INT32_MAX, &out->pid) || out->pid == 0))
		return false;
	return name.n == 0;
}

bool keep_is_many(struct text name)
{
	return text_starts_with(name, "shared.") ||
	       text_starts_with(name, "leftover.");
}

uint64_t keep_word(uint32_t serial, enum keep_said said)
{
	return (uint64_t)serial << 8 | (uint64_t)said;
}

enum keep_said keep_said(uint64_t word, uint32_t serial)
{
	uint64_t said = word & 0xff;

	if (word >> 8 != serial || said > KEEP_SAID_TAKEN)
		return KEEP_SAID_NOTHING;
	return (enum keep_said)said;
}
