/* SPDX-License-Identifier: MIT */
#include "ctl/rolls.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "ctl/answer.h"
#include "sys/clock.h"

/* Between two questions: at first, and after a while. */
#define PAUSE_LEAST_NS (20 * NS_PER_MS)
#define PAUSE_MOST_NS (500 * NS_PER_MS)

const struct control_record *rolls_find(
	const struct answer *answer, const char *service)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_ROLL, &from)) != NULL)
		if (strcmp(answer_text(record->roll.service), service) == 0)
			return record;
	return NULL;
}

static bool is_rolling(const struct answer *answer)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_ROLL, &from)) != NULL)
		if (strcmp(answer_text(record->roll.state), "rolling") == 0 ||
			strcmp(answer_text(record->roll.state), "trial") == 0)
			return true;
	return false;
}

static void rest(uint64_t ns)
{
	const struct timespec time = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	(void)nanosleep(&time, NULL); /* sooner is as good */
}

enum ctl_exit rolls_wait(
	struct answer *out, const struct ctl *ctl, uint64_t until_ns)
{
	const struct control_request request = {.verb = CONTROL_VERB_ROLLS};
	uint64_t pause_ns = PAUSE_LEAST_NS;
	struct ctl asking = *ctl;

	asking.timeout_ns = 0; /* of each question; ours is UNTIL_NS */
	for (;;) {
		enum ctl_exit result =
			answer_get(out, &asking, &request, ANSWER_PATIENCE_NS);

		if (result != CTL_OK || !is_rolling(out) ||
			clock_now_ns() >= until_ns)
			return result;
		answer_finish(out);
		rest(pause_ns);
		if (pause_ns < PAUSE_MOST_NS)
			pause_ns *= 2;
	}
}
