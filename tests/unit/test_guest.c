/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/number.h"
#include "core/guest.h"
#include "core/view.h"

#define SLOTS 3

static struct core_limits limits = {
	.services_max = 1, .workers_max = SLOTS, .seed = 1};
static uint64_t now_ns = NS_PER_S;

static const struct actions *step(struct core *core, struct event event)
{
	const struct actions *actions = core_step(core, &event, now_ns);

	assert_null(core_audit(core, now_ns));
	return actions;
}

static bool asked(const struct actions *actions, enum action_kind kind)
{
	for (uint32_t i = 0; i < actions->n; i++)
		if (actions->items[i].kind == kind)
			return true;
	return false;
}

static struct core *make(void)
{
	struct core *core =
		core_init(test_calloc(1, core_size(&limits)), &limits);

	(void)step(core, (struct event){.kind = EVENT_ROW,
				 .change = ROW_CHANGED,
				 .policy = {.process_limit = 1,
					 .start_rate = 10,
					 .start_burst = 10,
					 .throttle_time_ns = NS_PER_S,
					 .quick_exit_ns = NS_PER_S,
					 .deaf_time_ns = NS_PER_S,
					 .stop_time_ns = NS_PER_S,
					 .drain_time_ns = NS_PER_S,
					 .leave_time_ns = NS_PER_S,
					 .kill_time_ns = NS_PER_S}});
	(void)step(core, (struct event){.kind = EVENT_TABLE});
	return core;
}

static struct view_service view(const struct core *core)
{
	struct view_service out;

	assert_true(core_view_service(core, 0, now_ns, &out));
	return out;
}

static void a_guest_is_outside_of_all_figures_of_its_pool(void **state)
{
	struct core *core = make();
	struct worker *guest = guest_start(core, &core->pools[0], KIND_MOLD);
	struct event event = {.slot = 0, .serial = 1, .kind = EVENT_READY};

	(void)state;
	assert_non_null(guest);
	(void)step(core, event);
	assert_int_equal(view(core).guests, 1);
	assert_int_equal(view(core).ready + view(core).total, 0);
	assert_true(view(core).watching);
	/* process_limit = 1 has room for a worker all the same. */
	assert_true(asked(
		step(core, (struct event){.kind = EVENT_CLIENTS, .depth = 1}),
		ACTION_SPAWN));
	event.kind = EVENT_EXITED;
	event.signal = 9;
	(void)step(core, event);
	assert_int_equal(view(core).guests, 0);
	assert_int_equal(view(core).failures, 0);
	assert_int_equal(view(core).throttled_ns, 0);
	test_free(core);
}

static void a_guest_never_takes_the_last_slot(void **state)
{
	struct core *core = make();
	struct pool *pool = &core->pools[0];

	(void)state;
	for (unsigned i = 0; i < SLOTS - 1; i++)
		assert_non_null(guest_start(core, pool, KIND_BOUNCER));
	assert_null(guest_start(core, pool, KIND_MOLD));
	test_free(core);
}

static void a_service_waits_for_its_guest(void **state)
{
	struct core *core = make();
	const struct actions *actions;

	(void)state;
	(void)guest_start(core, &core->pools[0], KIND_BOUNCER);
	actions = step(core, (struct event){.kind = EVENT_TABLE});
	assert_true(asked(actions, ACTION_RETIRE));
	assert_false(asked(actions, ACTION_CLOSE));
	actions = step(core,
		(struct event){.kind = EVENT_EXITED, .slot = 0, .serial = 1});
	assert_true(asked(actions, ACTION_CLOSE));
	test_free(core);
}

static void a_guest_that_hears_nothing_climbs_the_ladder(void **state)
{
	static const enum action_kind rungs[] = {ACTION_TERM, ACTION_KILL};
	struct core *core = make();

	(void)state;
	(void)guest_start(core, &core->pools[0], KIND_MOLD);
	assert_true(asked(
		step(core, (struct event){.kind = EVENT_STOP}), ACTION_RETIRE));
	for (unsigned i = 0; i < 2; i++) {
		now_ns = core_deadline_ns(core);
		assert_true(
			asked(step(core, (struct event){.kind = EVENT_TIME}),
				rungs[i]));
	}
	assert_true(asked(step(core, (struct event){.kind = EVENT_EXITED,
					     .slot = 0,
					     .serial = 1,
					     .signal = 9}),
		ACTION_DONE));
	test_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_is_outside_of_all_figures_of_its_pool),
		cmocka_unit_test(a_guest_never_takes_the_last_slot),
		cmocka_unit_test(a_service_waits_for_its_guest),
		cmocka_unit_test(a_guest_that_hears_nothing_climbs_the_ladder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
