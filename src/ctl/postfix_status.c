/* SPDX-License-Identifier: MIT */
#include "ctl/postfix.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/document.h"
#include "ctl/say.h"
#include "sys/path.h"

enum placed {
	PLACED_PACKAGE,
	PLACED_OURS,
	PLACED_BETWEEN, /* enable or disable was interrupted */
	PLACED_NOTHING,
	PLACED_OTHER,
};

static const struct {
	const char *word; /* for programs */
	const char *text;
} placed_words[] = {
	[PLACED_PACKAGE] = {"package", "the package's"},
	[PLACED_OURS] = {"ostler", "ostler's"},
	[PLACED_BETWEEN] = {"between",
		"between the two; `ostler postfix enable` goes on, `ostler postfix disable` goes back"},
	[PLACED_NOTHING] = {"nothing", "missing"},
	[PLACED_OTHER] = {"other", "neither the package's nor ostler's"},
};

static enum placed look_at_place(const struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;
	bool ours = at->ours;

	if (at->master_entry.kind == ENTRY_NONE)
		return PLACED_NOTHING;
	if (at->kind == DIVERSION_FOREIGN)
		return ours ? PLACED_OURS : PLACED_OTHER;
	if (at->kind == DIVERSION_OURS)
		return ours ? PLACED_OURS : PLACED_BETWEEN;
	/* A directory of one's own. */
	if (at->package[0] == '\0' && at->saved_entry.kind == ENTRY_NONE)
		return ours ? PLACED_OURS : PLACED_OTHER;
	if (ours || at->saved_entry.kind != ENTRY_NONE)
		return PLACED_BETWEEN;
	return at->package[0] != '\0' && diversion_is_genuine(at)
		       ? PLACED_PACKAGE
		       : PLACED_OTHER;
}

/* Of an ostlerd in place. */
static const char *age_of(const struct postfix *postfix)
{
	const struct entry *master = &postfix->diversion.master_entry;

	if (!postfix->diversion.ours || postfix_is_current(postfix))
		return "";
	if (master->kind == ENTRY_LINK)
		return sys_exists(postfix->diversion.master_at) == 1
			       ? ", a link"
			       : ", a link to what is missing";
	return ", but not the one that is installed: `ostler postfix enable` renews it";
}

static void print_place(const struct postfix *postfix, enum placed placed)
{
	say_line(stdout, "master:    %s is %s%s", postfix->diversion.master,
		placed_words[placed].text, age_of(postfix));
}

static void print_package(const struct diversion *at)
{
	if (at->package[0] == '\0')
		say_line(stdout, "package:   none");
	else
		say_line(stdout, "package:   %s %s", at->package, at->version);
	if (at->kind == DIVERSION_NONE)
		say_line(stdout, "diversion: none");
	else
		say_line(stdout, "diversion: to %s%s%s", at->truename,
			at->kind == DIVERSION_FOREIGN ? ", not by ostler" : "",
			at->kind == DIVERSION_OURS && at->package[0] != '\0' &&
					at->saved_entry.kind == ENTRY_NONE
				? ", which is missing"
				: "");
}

static void print_instances(const struct postfix *postfix)
{
	char text[128];
	char socket[PATH_MAX];
	bool sure = true;
	int from = 0;
	int pid;

	for (unsigned i = 0; i < postfix->instances_n; i++) {
		const struct instance *one = &postfix->instances[i];

		sure = sure &&
		       (one->master == INSTANCE_STOPPED || one->pid > 0);
		instance_socket(one, socket, sizeof(socket));
		say_line(stdout, "instance:  %s, %s%s%s", one->config_directory,
			instance_text(one, text, sizeof(text)),
			one->master == INSTANCE_OURS ? ", " : "",
			one->master == INSTANCE_OURS ? socket : "");
	}
	/* Without root, it may be one of these. */
	while (sure && (pid = postfix_find_stranger(postfix, &from)) > 0)
		say_line(stdout,
			"instance:  one that postmulti does not list, pid %d",
			pid);
}

static void print_text(const struct postfix *postfix, enum placed placed)
{
	print_place(postfix, placed);
	print_package(&postfix->diversion);
	print_instances(postfix);
}

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? document_text(text) : json_null();
}

static json_t *instances_of(const struct postfix *postfix)
{
	json_t *array = json_array();
	char socket[PATH_MAX];

	for (unsigned i = 0; i < postfix->instances_n; i++) {
		const struct instance *one = &postfix->instances[i];
		json_t *object = json_object();

		instance_socket(one, socket, sizeof(socket));
		document_set(object, "config_directory",
			document_text(one->config_directory));
		document_set(object, "queue_directory",
			document_text(one->queue_directory));
		document_set(object, "master",
			document_text(instance_word(one->master)));
		document_set(object, "pid",
			one->pid > 0 ? json_integer(one->pid) : json_null());
		document_set(object, "socket", document_text(socket));
		document_append(array, object);
	}
	return array;
}

static enum ctl_exit print_json(
	const struct postfix *postfix, enum placed placed)
{
	const struct diversion *at = &postfix->diversion;
	json_t *document = document_create();

	document_set(document, "master", document_text(at->master));
	document_set(
		document, "in_place", document_text(placed_words[placed].word));
	document_set(document, "current",
		at->ours ? json_boolean(postfix_is_current(postfix))
			 : json_null());
	document_set(document, "package", text_or_null(at->package));
	document_set(document, "version", text_or_null(at->version));
	document_set(document, "diverted_to",
		at->kind == DIVERSION_NONE ? json_null()
					   : document_text(at->truename));
	document_set(document, "instances", instances_of(postfix));
	return document_print(document);
}

enum ctl_exit postfix_status(struct postfix *postfix)
{
	enum placed placed = look_at_place(postfix);

	if (postfix->ctl->json)
		return print_json(postfix, placed);
	print_text(postfix, placed);
	return CTL_OK;
}
