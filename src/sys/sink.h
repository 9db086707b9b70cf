/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_SINK_H
#define OSTLER_SYS_SINK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * sink - where lines of log go: stderr, the journal behind it, or syslog
 *
 * Knows:   what the sink wants around a line (a time, "<N>", a tag).
 * Decides: nothing.
 * Never:   waits. stderr is opened anew where that can be done: workers share
 *          the description behind descriptor 2, and could make ours block.
 */
enum sink_kind {
	SINK_NONE,
	SINK_STDERR,  /* with the time in front */
	SINK_JOURNAL, /* stderr, with "<N>" in front */
	SINK_SYSLOG,
};

struct sink {
	enum sink_kind kind;
	int fd; /* owned, unless it is 2 */
	bool is_socket;
	char tag[32];
};

void sink_open_stderr(struct sink *sink);

/* The connection to /dev/log is made when it is needed, and again. */
void sink_open_syslog(struct sink *sink, const char *tag);

void sink_close(struct sink *sink);

/* One line without its newline. 0, or -errno: -EAGAIN means keep it. */
int sink_write(struct sink *sink, int severity, const char *line, size_t n);

#endif
