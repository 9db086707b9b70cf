/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_SINK_H
#define OSTLER_SYS_SINK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * sink - where lines of log go: stderr, the journal behind it, syslog, or
 * Postfix's postlogd
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
	SINK_POSTLOG, /* a datagram to postlogd, or else its file */
};

#define SINK_TAG_MAX 100
#define SINK_HOST_MAX 255

struct sink {
	enum sink_kind kind;
	int fd; /* owned, unless it is 2 */
	bool is_socket;
	int facility; /* syslog */
	char tag[SINK_TAG_MAX + 1];
	char host[SINK_HOST_MAX + 1]; /* postlog, like the next two */
	char socket[PATH_MAX];
	char file[PATH_MAX];
};

/* All copied; each is cut to what there is room for. */
struct sink_postlog {
	const char *socket; /* postlogd's */
	const char *file;   /* where postlogd writes; /dev/stdout is one too */
	const char *host;
	const char *tag;
};

void sink_open_stderr(struct sink *sink);

/* The connection to /dev/log is made when it is needed, and again. */
void sink_open_syslog(struct sink *sink, const char *tag, int facility);

/* The socket and the file are looked for anew with each line. */
void sink_open_postlog(struct sink *sink, const struct sink_postlog *postlog);

void sink_close(struct sink *sink);

/* One line without its newline. 0, or -errno: -EAGAIN means keep it. */
int sink_write(struct sink *sink, int severity, const char *line, size_t n);

/*
 * The same past postlogd, to the file: for what it will not live to read. For
 * the other sinks, sink_write().
 */
int sink_write_direct(
	struct sink *sink, int severity, const char *line, size_t n);

/* Somebody's whole line that postlogd did not read, to the file: no head. */
int sink_forward(struct sink *sink, const char *line, size_t n);

#endif
