/* SPDX-License-Identifier: MIT */
#include "ctl/status.h"

#include "ctl/answer.h"
#include "ctl/document.h"

/* Those of KIND that follow their service: up to the next one. */
static json_t *array_of(
	const struct answer *answer, size_t from, enum control_kind kind)
{
	json_t *array = json_array();

	for (; from < answer->n; from++) {
		const struct control_record *record = &answer->records[from];

		if (record->kind == CONTROL_SERVICE)
			break;
		if (record->kind == kind)
			document_append(
				array, document_record(record, "service"));
	}
	return array;
}

static json_t *services_of(const struct answer *answer)
{
	const struct control_record *record;
	json_t *array = json_array();
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_SERVICE, &from)) != NULL) {
		json_t *service = document_record(record, NULL);

		document_set(service, "endpoints",
			array_of(answer, from, CONTROL_ENDPOINT));
		document_set(service, "stuck",
			array_of(answer, from, CONTROL_STUCK));
		document_append(array, service);
	}
	return array;
}

enum ctl_exit status_print_json(const struct answer *answer)
{
	json_t *document = document_create();

	document_set(document, "master", document_only(answer, CONTROL_MASTER));
	document_set(document, "services", services_of(answer));
	return document_print(document);
}
