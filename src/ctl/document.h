/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_DOCUMENT_H
#define OSTLER_CTL_DOCUMENT_H

#include <jansson.h>

#include "ctl/ctl.h"
#include "proto/control.h"

struct answer;

/*
 * document - the records of an answer as JSON
 *
 * Knows:   the fields of every kind of record, from proto's own list.
 * Decides: that KEY_ns becomes KEY_seconds, and that what is unknown is null.
 * Never:   leaves a key out.
 */
#define DOCUMENT_SCHEMA 1

/* {"schema": 1} to put the rest into. */
json_t *document_create(void);

/* Without the key SKIP (or NULL): the one that nesting says already. */
json_t *document_record(const struct control_record *record, const char *skip);

/* The one record of KIND in ANSWER; null if there is none. */
json_t *document_only(const struct answer *answer, enum control_kind kind);

/* A text that is no UTF-8 is shown with \xHH; NULL is null. */
json_t *document_text(const char *text);

/*
 * Put VALUE, which is taken over, into OBJECT or ARRAY. If memory ran out, here
 * or when VALUE was made, document_print() knows.
 */
void document_set(json_t *object, const char *key, json_t *value);
void document_append(json_t *array, json_t *value);

/* Print all of DOCUMENT or nothing, and let go of it. */
enum ctl_exit document_print(json_t *document);

#endif
