/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

/* The master has another working directory. */
static enum ctl_exit make_request(
	const struct ctl *ctl, struct control_request *request)
{
	const char *file = ctl->words_n == 0 ? "/" : ctl->words[0];
	char here[PATH_MAX] = "";
	int n;

	if (ctl->words_n == 0)
		return CTL_OK;
	if (file[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
		say_complaint("%s: say where it is, from / on", file);
		return CTL_FAILED;
	}
	n = snprintf(request->path, sizeof(request->path), "%s%s%s", here,
		here[0] == '\0' ? "" : "/", file);
	if (n > 0 && n < (int)sizeof(request->path) &&
		control_can_name(request->path))
		return CTL_OK;
	say_complaint("%s: the master cannot be told this name", file);
	return CTL_FAILED;
}

static bool is_of(const char *service, const struct control_record *change)
{
	return strcmp(answer_text(service),
		       answer_text(change->change.service)) == 0;
}

static bool is_same(const struct control_record *change)
{
	return strcmp(answer_text(change->change.how), "same") == 0;
}

/* ---- for people --------------------------------------------------------------- */

static void print_settings(
	const struct answer *answer, const struct control_record *change)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_SETTING, &from)) != NULL)
		if (is_of(record->setting.service, change))
			say_line(stdout, "    %s: %s -> %s",
				answer_text(record->setting.name),
				answer_text(record->setting.before),
				answer_text(record->setting.after));
}

static void print_sockets(
	const struct answer *answer, const struct control_record *change)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_SOCKET, &from)) != NULL) {
		const char *other = answer_text(record->socket.from);

		if (is_of(record->socket.service, change))
			say_line(stdout, "    %ss %s%s%s",
				answer_text(record->socket.what),
				answer_text(record->socket.endpoint),
				other[0] != '\0' ? " from " : "", other);
	}
}

static void print_workers(
	const struct answer *answer, const struct control_record *change)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_WORKER, &from)) != NULL)
		if (is_of(record->worker.service, change))
			say_line(stdout,
				"    worker %" PRIu64 " leaves (it is %s)",
				record->worker.pid,
				answer_text(record->worker.state));
}

static const char *words_of(const char *how)
{
	if (strcmp(how, "changed") == 0)
		return "changes, its workers are replaced";
	if (strcmp(how, "canary") == 0)
		return "changes, and is tried by canaries first";
	if (strcmp(how, "policy") == 0)
		return "changes, its workers stay";
	if (strcmp(how, "added") == 0)
		return "is added";
	if (strcmp(how, "removed") == 0)
		return "is removed";
	return how;
}

static unsigned print_text(const struct ctl *ctl, const struct answer *answer)
{
	const struct control_record *change;
	unsigned same = 0;
	unsigned other = 0;
	size_t from = 0;

	while ((change = answer_next(answer, CONTROL_CHANGE, &from)) != NULL) {
		if (is_same(change)) {
			same++;
			continue;
		}
		other++;
		say_line(stdout, "%s: %s", answer_text(change->change.service),
			words_of(answer_text(change->change.how)));
		print_settings(answer, change);
		print_sockets(answer, change);
		print_workers(answer, change);
	}
	say_line(stdout, "plan: %u would change, %u as before%s", other, same,
		ctl->postfix != NULL
			? "; every process would begin anew when it is free"
			: "");
	return other;
}

/* ---- for programs ------------------------------------------------------------- */

/* Those of KIND that are of the service, without its name. */
static json_t *array_of(const struct answer *answer, enum control_kind kind,
	const struct control_record *change)
{
	const struct control_field *fields;
	const struct control_record *record;
	json_t *array = json_array();
	size_t from = 0;
	unsigned n;

	fields = control_fields(kind, &n); /* the first one is `service` */
	while ((record = answer_next(answer, kind, &from)) != NULL)
		if (is_of(control_text(record, fields), change))
			document_append(
				array, document_record(record, "service"));
	return array;
}

static json_t *service_of(
	const struct answer *answer, const struct control_record *change)
{
	json_t *service = document_record(change, NULL);

	document_set(
		service, "settings", array_of(answer, CONTROL_SETTING, change));
	document_set(
		service, "sockets", array_of(answer, CONTROL_SOCKET, change));
	document_set(
		service, "workers", array_of(answer, CONTROL_WORKER, change));
	return service;
}

static enum ctl_exit print_json(const struct answer *answer, unsigned *out_n)
{
	json_t *document = document_create();
	json_t *services = json_array();
	json_t *complaints = json_array();
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_CHANGE, &from)) != NULL) {
		*out_n += !is_same(record);
		document_append(services, service_of(answer, record));
	}
	from = 0;
	while ((record = answer_next(answer, CONTROL_DIAG, &from)) != NULL)
		document_append(complaints, document_text(record->diag.text));
	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(document, "changes", json_integer((json_int_t)*out_n));
	document_set(document, "services", services);
	document_set(document, "complaints", complaints);
	return document_print(document);
}

static void print_complaints(const struct answer *answer)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_DIAG, &from)) != NULL)
		say_line(stderr, "%s", answer_text(record->diag.text));
}

enum ctl_exit ctl_plan(const struct ctl *ctl)
{
	struct control_request request = {.verb = CONTROL_VERB_PLAN};
	enum ctl_exit printed = CTL_OK;
	enum ctl_exit result = make_request(ctl, &request);
	struct answer answer;
	unsigned changes = 0;

	if (result != CTL_OK)
		return result;
	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_LONG_NS);
	if (result == CTL_OK) {
		if (ctl->json)
			printed = print_json(&answer, &changes);
		else
			print_complaints(&answer);
		result = answer_verdict(&answer);
		if (result == CTL_OK && !ctl->json)
			changes = print_text(ctl, &answer);
	}
	answer_finish(&answer);
	if (result != CTL_OK)
		return result;
	return printed == CTL_OK && changes > 0 ? CTL_CHANGES : printed;
}
