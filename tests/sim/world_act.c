/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stddef.h>

/* ---- what the master does ---------------------------------------------------- */

static struct guest *guest_of(struct world *world, const struct action *action)
{
	struct guest *guest = &world->guests[action->slot];

	/* It may be dead and told of in this very batch. */
	return guest->state != GUEST_NONE && guest->serial == action->serial
		       ? guest
		       : NULL;
}

static void push(struct world *world, const struct action *action)
{
	struct guest *guest = guest_of(world, action);

	if (guest == NULL)
		return;
	guest->eof = true;
	if (action->kind != ACTION_RETIRE)
		guest->disconnected = true;
	if (action->kind == ACTION_TERM)
		guest->term = true;
	if (action->kind == ACTION_KILL)
		guest->kill = true;
	guest_poke(world, guest);
}

void world_perform(struct world *world, const struct action *action)
{
	struct world_service *s = &world->services[action->service];

	switch (action->kind) {
	case ACTION_WATCH:
		s->armed = true;
		break;
	case ACTION_IGNORE:
		s->armed = false;
		break;
	case ACTION_LOOK:
		s->looks++;
		break;
	case ACTION_SPAWN:
		guest_spawn(world, action);
		break;
	case ACTION_RETIRE:
	case ACTION_DISCONNECT:
	case ACTION_TERM:
	case ACTION_KILL:
		push(world, action);
		break;
	case ACTION_WAKE:
		world_arrive(world, action->service, 1);
		break;
	case ACTION_CLOSE:
		s->open = s->armed = s->lost = s->examine = false;
		s->looks = s->depth = 0;
		break;
	case ACTION_EXAMINE:
		s->examine = true;
		break;
	case ACTION_PROMOTE:
		s->policy = s->trial;
		break;
	case ACTION_ROLLBACK:
	case ACTION_LEFTOVERS:
	case ACTION_REOPEN:
	case ACTION_NOTICE:
	case ACTION_DONE:
		break;
	}
}

void world_calm(struct world *world, bool heal)
{
	world->calm = true;
	for (uint32_t i = 0; i < world->slots_n; i++) {
		struct guest *guest = &world->guests[i];

		guest->lies = false;
		if (heal && guest->state != GUEST_NONE)
			guest_heal(world, guest);
	}
	for (uint32_t i = 0; i < world->services_n; i++)
		if (world->services[i].open && world->services[i].configured)
			world_arrive(world, i, 1);
}
