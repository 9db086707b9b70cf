/* SPDX-License-Identifier: MIT */
#include "conf/endpoint.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "conf/address.h"
#include "conf/source.h"
#include "conf/value.h"
#include "table/service.h"

enum {
	SOCKET_PATH_MAX = 107, /* what fits into a struct sockaddr_un */
	FIFO_PATH_MAX = 4095,
};

struct transport {
	const char *prefix;
	enum endpoint_kind kind;
	size_t path_max;
};

static const struct transport transports[] = {
	{"unix:", ENDPOINT_UNIX, SOCKET_PATH_MAX},
	{"dgram:", ENDPOINT_DGRAM, SOCKET_PATH_MAX},
	{"fifo:", ENDPOINT_FIFO, FIFO_PATH_MAX},
};

/* Names in the runtime directory that are the master's own. */
static const char *const reserved[] = {"control.sock", "ostler.pid"};

struct listening {
	const struct values *values;
	const char *runtime_directory;
	struct endpoint *endpoints; /* room for two of each word given */
	unsigned n;
	struct place place; /* of the word that is looked at */
};

static bool is_reserved(const struct listening *listening, const char *path)
{
	struct text directory = text_of(listening->runtime_directory);

	if (!text_starts_with(text_of(path), listening->runtime_directory) ||
		path[directory.n] != '/')
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(path + directory.n + 1, reserved[i]) == 0)
			return true;
	return false;
}

static void push(struct listening *listening, struct endpoint endpoint)
{
	/* The table outlives what was read. */
	endpoint.file = arena_copy(
		listening->values->arena, text_of(listening->place.file));
	endpoint.line = listening->place.line;
	listening->endpoints[listening->n++] = endpoint;
}

static void add_path(struct listening *listening,
	const struct transport *transport, const char *name)
{
	struct diags *diags = listening->values->diags;
	struct arena *arena = listening->values->arena;
	const char *path = path_join(arena, listening->runtime_directory, name);

	if (path == NULL)
		return;
	if (name[0] == '\0' || path_climbs(name) ||
		strcmp(path, listening->runtime_directory) == 0 ||
		strcmp(path, "/") == 0) {
		complain(diags, &listening->place,
			"name a file, without .. in its path",
			"listen: '%s%s' has no usable name", transport->prefix,
			name);
		return;
	}
	if (strlen(path) > transport->path_max)
		complain(diags, &listening->place, "choose a shorter one",
			"listen: the path '%s' is too long for clients to "
			"connect to",
			path);
	if (is_reserved(listening, path))
		complain(diags, &listening->place, "choose another name",
			"listen: '%s' is the master's own", path);
	push(listening, (struct endpoint){.kind = transport->kind,
				.path = path,
				.text = arena_format(arena, "%s%s",
					transport->prefix, path)});
}

static void complain_address(const struct listening *listening,
	enum address_result result, const char *text)
{
	struct diags *diags = listening->values->diags;
	const struct place *place = &listening->place;

	switch (result) {
	case ADDRESS_OK:
		return;
	case ADDRESS_NO_PORT:
		complain(diags, place,
			"write ADDRESS:PORT, unix:NAME, dgram:NAME or fifo:NAME",
			"listen: '%s' has no port", text);
		return;
	case ADDRESS_BAD_PORT:
		complain(diags, place, "give it a number from 1 to 65535",
			"listen: '%s' has no such port", text);
		return;
	case ADDRESS_NOT_NUMERIC:
		complain(diags, place,
			"write it in numbers, IPv6 in brackets, or * for all; "
			"names are not looked up",
			"listen: '%s' has no address", text);
		return;
	case ADDRESS_MAPPED:
		complain(diags, place, "write it as IPv4",
			"listen: '%s' is an IPv4 address in IPv6 form", text);
		return;
	}
}

static void add_address(struct listening *listening, const char *text)
{
	struct endpoint endpoint = {.kind = ENDPOINT_INET};
	enum address_result result = address_parse(text_of(text), &endpoint);
	char canonical[80];
	struct text_builder builder;

	if (result != ADDRESS_OK) {
		complain_address(listening, result, text);
		return;
	}
	text_builder_init(&builder, canonical, sizeof(canonical));
	address_put(&builder, &endpoint);
	endpoint.text =
		arena_copy(listening->values->arena, text_built(&builder));
	push(listening, endpoint);
}

/* The one name that is known without asking anybody. */
static void add_localhost(struct listening *listening, const char *colon_port)
{
	struct arena *arena = listening->values->arena;
	unsigned before = listening->n;
	char *text = arena_format(arena, "127.0.0.1%s", colon_port);

	if (text != NULL)
		add_address(listening, text);
	if (listening->n == before)
		return;
	text = arena_format(arena, "[::1]%s", colon_port);
	if (text != NULL)
		add_address(listening, text);
}

static void add_word(struct listening *listening, const char *text)
{
	static const char localhost[] = "localhost:";
	size_t n = sizeof(transports) / sizeof(transports[0]);

	for (size_t i = 0; i < n; i++) {
		size_t prefix_n = strlen(transports[i].prefix);

		if (text_starts_with(text_of(text), transports[i].prefix)) {
			add_path(listening, &transports[i], text + prefix_n);
			return;
		}
	}
	if (text_starts_with(text_of(text), localhost))
		add_localhost(listening, text + strlen(localhost) - 1);
	else
		add_address(listening, text);
}

void endpoints_fill(const struct values *values, const char *runtime_directory,
	struct service *service)
{
	const struct assignment *given = &values->block->given[SETTING_listen];
	struct listening listening = {
		.values = values,
		.runtime_directory = runtime_directory,
		.place = value_place(values, SETTING_listen),
	};

	listening.endpoints = arena_array(values->arena, (size_t)given->n * 2,
		sizeof(*listening.endpoints));
	if (given->first == NULL)
		complain(values->diags, &listening.place,
			"add listen = {\"ADDRESS:PORT\"}", "no listen");
	if (given->first == NULL || listening.endpoints == NULL)
		return;
	for (const struct given *word = given->first; word != NULL;
		word = word->next) {
		listening.place.line = word->line;
		add_word(&listening, word->text);
	}
	assert(listening.n <= given->n * 2);
	service->endpoints = listening.endpoints;
	service->endpoints_n = listening.n;
}
