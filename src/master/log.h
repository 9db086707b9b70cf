/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_LOG_H
#define OSTLER_MASTER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "table/table.h"

/*
 * log - one event, one line: a stable name and key=value, or, where others
 * have had words for it for long, those
 *
 * Knows:   where lines go and what could not be written.
 * Decides: what is dropped when the sink is full; the count is told.
 * Never:   waits for the sink, or writes a byte that is not printable.
 *
 * The log is the one thing of the shell that is global: a failure anywhere
 * must be able to say so.
 */
enum log_level {
	LOG_FATAL,   /* the master, or what it started, ends of it */
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
	enum log_level level; /* the message's, unless it is changed */
	enum message message;
};

struct log_setup {
	enum log_target target;
	const char *tag; /* LOG_SYSLOG, LOG_POSTLOG */
	int facility;	 /* LOG_SYSLOG; see log_facility() */
	/* LOG_POSTLOG: a line is a datagram for who writes the file. */
	const char *postlog_socket;
	const char *postlog_file; /* while that cannot be reached */
	const char *postlog_host; /* the first label of its name */
	bool postfix; /* its severity before every line, its lengths */
	bool utf8;    /* in words: what is UTF-8 stays as it is */
};

/* Lines go to stderr until log_open() says otherwise. */
void log_init(void);

/* What waits goes the new way. Nothing of SETUP is kept. */
void log_open(const struct log_setup *setup);

/* "daemon", "mail", "local0" ... as syslog numbers them; -1: unknown. */
int log_facility(const char *name);

/*
 * Lines go through the socket at PATH, or at its end if it is relative: its
 * reader's silence hides its end.
 */
bool log_goes_through(const char *path);

void log_begin(struct log_line *line, enum message message);
void log_text(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, uint64_t value);
void log_duration(struct log_line *line, const char *key, uint64_t ns);
void log_end(struct log_line *line);

/*
 * A line in somebody else's words. LEVEL is put before them ("warning: "), 2000
 * bytes of them are kept, and what cannot be printed becomes '?'.
 */
void log_words(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, past who usually takes the lines: words that come to nobody. */
void log_words_direct(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The line "MESSAGE text=..." in one call. */
void log_say(enum message message, const char *text);

/* HEARD is told of each line that begins as MESSAGE, as it was made. */
void log_listen(void (*heard)(enum message message, struct text line));

/* Try again to write what the sink did not take. */
void log_flush(void);

/*
 * Lines, of others too, that wait in FD, the socket they go through, for a
 * reader that will not come: into the file with them.
 */
void log_rescue(int fd);

/* The end: what still waits is written where it can be, whoever reads it. */
void log_finish(void);

/* Lines wait for the sink: flush again in a while. */
bool log_is_waiting(void);

uint64_t log_dropped(void);
void log_set_dropped(uint64_t lines); /* by the master before */

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
