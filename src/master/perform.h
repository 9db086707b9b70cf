/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_PERFORM_H
#define OSTLER_MASTER_PERFORM_H

struct action;
struct actions;
struct master;

/*
 * perform - the one switch over what the core wants done
 *
 * Knows:   who does what.
 * Decides: nothing.
 * Never:   tells the core what came of it at once: that is an event.
 */
void perform(struct master *master, const struct actions *actions);

/* ACTION_NOTICE: in words, with what the shell knows, into the log. */
void notice_log(struct master *master, const struct action *action);

#endif
