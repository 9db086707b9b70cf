/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_LOG_H
#define OSTLER_MASTER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "table/table.h"

/*
 * log - one event, one line: a stable name and key=value
 *
 * Knows:   where lines go (stderr or syslog) and what could not be written.
 * Decides: what is dropped when the sink is full; the count is told.
 * Never:   waits for the sink, or writes a byte that is not printable.
 *
 * The log is the one thing of the shell that is global: a failure anywhere
 * must be able to say so.
 */
enum log_level {
	LOG_ERROR,   /* something is not served */
	LOG_WARNING, /* it will be, soon */
	LOG_INFO,    /* a person asked, or something changed for good */
};

enum message {
#define MESSAGE(id, name, level, sentence) MESSAGE_##id,
#include "master/messages.def"
#undef MESSAGE
	MESSAGES
};

struct log_line {
	char buffer[2048];
	struct text_builder text;
	enum message message;
};

/* Lines go to stderr until log_open() says otherwise. */
void log_init(void);

void log_open(enum log_target target);

void log_begin(struct log_line *line, enum message message);
void log_text(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, uint64_t value);
void log_duration(struct log_line *line, const char *key, uint64_t ns);
void log_end(struct log_line *line);

/* The line "MESSAGE text=..." in one call. */
void log_say(enum message message, const char *text);

/* Try again to write what the sink did not take. */
void log_flush(void);

/* Lines wait for the sink: flush again in a while. */
bool log_is_waiting(void);

uint64_t log_dropped(void);

/*
 * So many lines at once, then one a second: for lines that workers cause.
 * False: drop it, it is counted. *OUT_SUPPRESSED: dropped since the last true.
 */
struct log_rate {
	uint64_t credit_ns;
	uint64_t last_ns;
	uint64_t suppressed;
};
bool log_allowed(
	struct log_rate *rate, uint64_t now_ns, uint64_t *out_suppressed);

#endif
