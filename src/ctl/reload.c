/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/rolls.h"
#include "ctl/say.h"
#include "sys/clock.h"

static const struct {
	const char *how;
	const char *words;
} changes[] = {
	{"added", "added"},
	{"removed", "removed"},
	{"changed", "changed (its workers are replaced)"},
	{"canary", "changed (tried by canaries first)"},
	{"policy", "changed (its workers stay)"},
};

static const char *words_of(const char *how)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(how, changes[i].how) == 0)
			return changes[i].words;
	return how;
}

/* Complaints are not an answer: they go where the failure is told. */
static void print_complaints(const struct answer *answer)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_DIAG, &from)) != NULL)
		say_line(stderr, "%s", answer_text(record->diag.text));
}

/* "changed" and what became of its workers. */
static void print_change(
	const char *service, const char *how, const struct control_record *roll)
{
	char time[32];

	if (roll == NULL || strcmp(how, "changed") != 0)
		say_line(stdout, "%s: %s", service, words_of(how));
	else if (roll->roll.old == 0)
		say_line(stdout,
			"%s: changed (%" PRIu64 " worker%s replaced in %s)",
			service, roll->roll.replaced,
			roll->roll.replaced == 1 ? "" : "s",
			say_duration(roll->roll.took_ns, time, sizeof(time)));
	else
		say_line(stdout,
			"%s: changed (%" PRIu64 " replaced, %" PRIu64
			" to be replaced yet)",
			service, roll->roll.replaced, roll->roll.old);
}

static void print_changes(const struct ctl *ctl, const struct answer *answer,
	const struct answer *rolls)
{
	const struct control_record *record;
	unsigned same = 0;
	unsigned other = 0;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_CHANGE, &from)) != NULL) {
		const char *how = answer_text(record->change.how);
		const char *service = answer_text(record->change.service);

		if (strcmp(how, "same") == 0) {
			same++;
			continue;
		}
		other++;
		print_change(service, how, rolls_find(rolls, service));
	}
	/* Postfix's daemons read main.cf at their start, and only then. */
	say_line(stdout, "reloaded: %u changed, %u as before%s", other, same,
		ctl->postfix != NULL
			? "; every process begins anew when it is free"
			: "");
}

static void complain_of_roll(const struct control_roll *roll)
{
	const char *service = answer_text(roll->service);
	const char *cause = answer_text(roll->cause);

	if (strcmp(answer_text(roll->state), "stalled") == 0)
		say_complaint("%s: new workers cannot be started (%s); its "
			      "%" PRIu64 " old ones go on, and it is tried "
			      "again",
			service, cause, roll->old);
	else
		say_complaint("%s: %" PRIu64 " workers are to be replaced "
			      "yet; that goes on",
			service, roll->old);
}

/* True: the configuration of this service is not in force. */
static bool is_untried(const struct control_roll *roll)
{
	const char *service = answer_text(roll->service);

	if (strcmp(answer_text(roll->state), "trial") == 0)
		say_complaint("%s: canaries are still being tried; that goes "
			      "on",
			service);
	else if (strcmp(answer_text(roll->state), "rolled-back") == 0)
		say_complaint("%s: rolled back, it is as before: %s", service,
			answer_text(roll->cause));
	else
		return false;
	return true;
}

/* Of all services: one that was stalled before is so still. */
static enum ctl_exit complain_of_rolls(const struct answer *rolls)
{
	const struct control_record *record;
	enum ctl_exit result = CTL_OK;
	size_t from = 0;

	while ((record = answer_next(rolls, CONTROL_ROLL, &from)) != NULL) {
		if (is_untried(&record->roll)) {
			result = CTL_FAILED;
			continue;
		}
		if (record->roll.old == 0)
			continue;
		result = CTL_FAILED;
		complain_of_roll(&record->roll);
	}
	return result;
}

static enum ctl_exit print_json(
	const struct answer *answer, const struct answer *rolls)
{
	json_t *document = document_create();
	json_t *services = json_array();
	json_t *complaints = json_array();
	json_t *rolled = json_array();
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_CHANGE, &from)) != NULL)
		document_append(services, document_record(record, NULL));
	from = 0;
	while ((record = answer_next(answer, CONTROL_DIAG, &from)) != NULL)
		document_append(complaints, document_text(record->diag.text));
	from = 0;
	while ((record = answer_next(rolls, CONTROL_ROLL, &from)) != NULL)
		document_append(rolled, document_record(record, NULL));
	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(document, "services", services);
	document_set(document, "rolls", rolled);
	document_set(document, "complaints", complaints);
	return document_print(document);
}

/* The configuration is in force; what is left is to wait for workers. */
static enum ctl_exit wait_for_rolls(struct answer *rolls, const struct ctl *ctl,
	const struct answer *answer, uint64_t until_ns)
{
	enum ctl_exit result;

	if (ctl->no_wait ||
		strcmp(answer_text(answer->end.end.result), "ok") != 0)
		return CTL_OK;
	result = rolls_wait(rolls, ctl, until_ns);
	if (result != CTL_OK)
		return result;
	/* An older master knows of no such thing. */
	if (rolls->end.end.code == CONTROL_CODE_REQUEST)
		return CTL_OK;
	return answer_verdict(rolls);
}

enum ctl_exit ctl_reload(const struct ctl *ctl)
{
	const struct control_request request = {
		.verb = ctl->again ? CONTROL_VERB_RELOAD_AGAIN
				   : CONTROL_VERB_RELOAD};
	uint64_t patience_ns = ctl->timeout_ns != 0 ? ctl->timeout_ns
						    : ANSWER_PATIENCE_LONG_NS;
	uint64_t until_ns = clock_now_ns() + patience_ns;
	struct answer rolls = {.n = 0};
	struct answer answer;
	enum ctl_exit result;
	enum ctl_exit waited = CTL_OK;
	enum ctl_exit printed = CTL_OK;

	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_LONG_NS);
	if (result == CTL_OK) {
		waited = wait_for_rolls(&rolls, ctl, &answer, until_ns);
		if (!ctl->json)
			print_complaints(&answer);
		else
			printed = print_json(&answer, &rolls);
		result = answer_verdict(&answer);
		if (result == CTL_OK && !ctl->json)
			print_changes(ctl, &answer, &rolls);
		if (waited == CTL_OK)
			waited = complain_of_rolls(&rolls);
	}
	answer_finish(&rolls);
	answer_finish(&answer);
	if (result == CTL_OK)
		result = waited;
	return result != CTL_OK ? result : printed;
}
