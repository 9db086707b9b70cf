/* SPDX-License-Identifier: MIT */
#include "ctl/stuck.h"

#include <inttypes.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

static void complain(const struct control_stuck *stuck)
{
	const char *process = answer_text(stuck->process);
	const char *wchan = answer_text(stuck->wchan);

	say_complaint("a worker of %s could not be stopped: pid %" PRIu64
		      ", state %s%s%s%s%s",
		answer_text(stuck->service), stuck->pid,
		answer_text(stuck->state), process[0] != '\0' ? ", " : "",
		process, wchan[0] != '\0' ? ", in " : "", wchan);
}

unsigned stuck_complain(const struct answer *answer)
{
	const struct control_record *record;
	unsigned n = 0;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_STUCK, &from)) != NULL) {
		complain(&record->stuck);
		n++;
	}
	return n;
}

json_t *stuck_document(const struct answer *answer)
{
	const struct control_record *record;
	json_t *stuck = json_array();
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_STUCK, &from)) != NULL)
		document_append(stuck, document_record(record, NULL));
	return stuck;
}
