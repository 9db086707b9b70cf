/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_CAUSE_H
#define OSTLER_MASTER_CAUSE_H

struct service;
struct text_builder;
struct view_service;

/*
 * cause - why a service pauses, as a sentence for people
 *
 * "exec: No such file or directory (/usr/bin/x)", "killed by signal 11
 * before its first client". Nothing if there was no failure.
 */
void cause_put(struct text_builder *out, const struct view_service *view,
	const struct service *row);

#endif
