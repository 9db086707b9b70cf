/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_PROTO_CONTROL_H
#define OSTLER_PROTO_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/control_fields.h"

struct text_builder;

/*
 * control - what is said on the control socket, between ostler(1) and the
 * master
 *
 * Knows:   the words of a request; the records of an answer, their keys, and
 *          the order of these.
 * Decides: whether a request is one of the list, and whether a line of an
 *          answer is a record.
 * Never:   reads or writes a socket, or knows who asks: it only says which
 *          requests belong to the owner.
 *
 * A client connects (AF_UNIX, stream), sends one line of words, and gets
 * records, one per line: KIND key=value key=value ... The last record is `end`.
 * Then the master closes; after `stop` it stays connected until it is gone, so
 * the end of the connection is the end of the master. Values are escaped as
 * base/text.h does it, times are durations in nanoseconds, and who reads
 * ignores kinds and keys that it does not know.
 */

/* ---- requests ---- */

#define CONTROL_REQUEST_MAX 4352u /* bytes of a request, with its newline */
#define CONTROL_NAME_MAX 128u	  /* bytes of a service's name, with its NUL */
#define CONTROL_PATH_MAX 4096u	  /* the same of a path */

/*
 * verb, its words, takes a service's name, only for root and the owner, takes
 * a path
 */
#define CONTROL_VERBS(VERB)                                                    \
	VERB(CONTROL_VERB_STATUS, "status", true, false, false)                \
	VERB(CONTROL_VERB_RELOAD, "reload", false, true, false)                \
	VERB(CONTROL_VERB_ROLLS, "rolls", false, false, false)                 \
	VERB(CONTROL_VERB_RELOAD_AGAIN, "reload again", false, true, false)    \
	VERB(CONTROL_VERB_REMOLD, "remold", true, true, false)                 \
	VERB(CONTROL_VERB_SCALE, "scale", true, true, false)                   \
	VERB(CONTROL_VERB_DRAIN, "drain", true, true, false)                   \
	VERB(CONTROL_VERB_RESUME, "resume", true, true, false)                 \
	VERB(CONTROL_VERB_PLAN, "plan", false, true, true)                     \
	VERB(CONTROL_VERB_UPGRADE, "upgrade", false, true, true)               \
	VERB(CONTROL_VERB_STOP, "stop", false, true, false)                    \
	VERB(CONTROL_VERB_STOP_NOW, "stop now", false, true, false)            \
	VERB(CONTROL_VERB_VERSION, "version", false, false, false)             \
	VERB(CONTROL_VERB_PING, "ping", false, false, false)

enum control_verb {
#define VERB(verb, words, takes_service, needs_owner, takes_path) verb,
	CONTROL_VERBS(VERB)
#undef VERB
};

/* What `scale SERVICE WORD=NUMBER ...` can set, each once. */
#define CONTROL_SCALES(SCALE)                                                  \
	SCALE(CONTROL_SCALE_LIMIT, "limit")                                    \
	SCALE(CONTROL_SCALE_SPARE_MIN, "spare_min")                            \
	SCALE(CONTROL_SCALE_SPARE_MAX, "spare_max")

enum control_scale {
#define SCALE(scale, word) scale,
	CONTROL_SCALES(SCALE)
#undef SCALE
};
#define CONTROL_SCALES_N (CONTROL_SCALE_SPARE_MAX + 1)
#define CONTROL_SCALE_MOST 100000u /* as in ostler.conf(5) */

struct control_request {
	enum control_verb verb;
	char service[CONTROL_NAME_MAX]; /* "": all of them */
	char path[CONTROL_PATH_MAX];	/* "": none is named */
	unsigned scales;		/* of CONTROL_VERB_SCALE: a bit each */
	uint32_t scale[CONTROL_SCALES_N];
};

enum control_parse {
	CONTROL_PARSE_OK,
	CONTROL_PARSE_MORE,	/* no newline yet: read on */
	CONTROL_PARSE_TOO_LONG, /* CONTROL_REQUEST_MAX bytes and no newline */
	CONTROL_PARSE_UNKNOWN,	/* a line, but not one of the list */
};

/* The first line of BYTES[0..n). *OUT is written for CONTROL_PARSE_OK only. */
enum control_parse control_parse_request(
	const char *bytes, size_t n, struct control_request *out);

/* The same line as bytes, with its newline. */
void control_put_request(
	struct text_builder *out, const struct control_request *request);

/* WORD=NUMBER into OUT; false: no such word, given already, or no number. */
bool control_parse_scale(const char *pair, struct control_request *out);

/* Whether PATH can be in a request: no line breaks in it, for one. */
bool control_can_name(const char *path);

/* false: the configured group may ask this too. */
bool control_needs_owner(enum control_verb verb);

/* "status", "stop now" ... for logs and complaints. */
const char *control_verb_words(enum control_verb verb);

/* ---- answers ---- */

#define CONTROL_LINE_MAX 16384u /* bytes of a record, with its newline */

/*
 * A number or text with nothing to say: its key is left out of the line, and a
 * key that is missing from a line is read as this. (NULL for a text.)
 */
#define CONTROL_UNKNOWN UINT64_MAX

#define CONTROL_MEMBER_NUMBER(name) uint64_t name;
#define CONTROL_MEMBER_TEXT(name) const char *name; /* borrowed */

struct control_master {
	CONTROL_MASTER_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_service {
	CONTROL_SERVICE_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_endpoint {
	CONTROL_ENDPOINT_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_change {
	CONTROL_CHANGE_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_roll {
	CONTROL_ROLL_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_diag {
	CONTROL_DIAG_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_stuck {
	CONTROL_STUCK_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_setting {
	CONTROL_SETTING_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_socket {
	CONTROL_SOCKET_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_worker {
	CONTROL_WORKER_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_upgrade {
	CONTROL_UPGRADE_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};
struct control_end {
	CONTROL_END_FIELDS(CONTROL_MEMBER_NUMBER, CONTROL_MEMBER_TEXT)
};

enum control_kind {
#define KIND(kind, word, fields) kind,
	CONTROL_KINDS(KIND)
#undef KIND
};

struct control_record {
	enum control_kind kind;
	union {
#define KIND(kind, word, fields) struct control_##word word;
		CONTROL_KINDS(KIND)
#undef KIND
	};
};

/* The code of a failed `end`; ostler(1) exits with 4 for 4, else with 1. */
enum control_code {
	CONTROL_CODE_FAILED = 1,      /* refused; nothing was changed */
	CONTROL_CODE_REQUEST = 2,     /* not a request of the list */
	CONTROL_CODE_NOT_ALLOWED = 4, /* not with these credentials */
	/* From here on codes only say more than `failed`. */
	CONTROL_CODE_NO_SERVICE = 16, /* status of a service there is not */
	CONTROL_CODE_BUSY = 17,	      /* a reload or stop is under way */
};

/* What a service is doing, in a word; the first that is true is shown. */
enum control_state {
	CONTROL_STATE_STOPPING,	 /* the master stops, and so does it */
	CONTROL_STATE_LEAVING,	 /* it is out of the table: the last workers */
	CONTROL_STATE_DRAINING,	 /* it is to rest: the last workers */
	CONTROL_STATE_DRAINED,	 /* it rests by request; clients wait */
	CONTROL_STATE_THROTTLED, /* no starts until a time */
	CONTROL_STATE_DEAF,	 /* clients wait and nobody takes them */
	CONTROL_STATE_AT_LIMIT,	 /* all taken, and no room for another */
	CONTROL_STATE_UP,
};
const char *control_state_word(enum control_state state);

/* A record of KIND in which everything is unknown. */
void control_record_init(struct control_record *record, enum control_kind kind);

/*
 * One line, with its newline. What is unknown is left out. What does not fit
 * is left out whole, and OUT remembers its overflow.
 */
void control_put(struct text_builder *out, const struct control_record *record);

/* The last line. */
void control_put_ok(struct text_builder *out);
void control_put_failed(
	struct text_builder *out, enum control_code code, const char *text);

enum control_read {
	CONTROL_READ_OK,
	CONTROL_READ_UNKNOWN, /* a record of a kind we do not know: go on */
	CONTROL_READ_GARBAGE, /* not a record */
};

/*
 * Read LINE[0..n), without its newline. Texts of *OUT lie in STORE, which has
 * at least n + 1 bytes; the bytes of these texts are a stranger's.
 */
enum control_read control_read(
	const char *line, size_t n, char *store, struct control_record *out);

/* ---- the fields of a record, for who shows all of them ---- */

enum control_field_kind {
	CONTROL_FIELD_NUMBER,
	CONTROL_FIELD_TEXT,
};

struct control_field {
	const char *key;
	enum control_field_kind kind;
	size_t offset; /* in the struct of its kind */
};

/* In the order of the line. */
const struct control_field *control_fields(
	enum control_kind kind, unsigned *out_n);

uint64_t control_number(
	const struct control_record *record, const struct control_field *field);
const char *control_text(
	const struct control_record *record, const struct control_field *field);

#endif
