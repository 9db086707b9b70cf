/* SPDX-License-Identifier: MIT */
#include "core/action.h"

#include <assert.h>

void actions_push(struct actions *actions, struct action action)
{
	assert(actions->n < actions->room);
	actions->items[actions->n++] = action;
}
