/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_script.h"

static const struct script_setup two_cpus = {.workers_max = 32, .cpus = 2};

/* P12: fifty smtpds at once are ready when the last of them is */
static void starts_that_need_processors_are_as_many_as_those(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=50\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=50\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"view service=0 starting=2 held=1\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=50 cpu_ns=2500000 wait_ns=1200000\n"
		"view service=0 starting=2 held=1\n"
		"due 0.006s\n"
		"> look service=0\n"
		"# others have the processors: to wait for one is to want one\n"
		"depth service=0 depth=50 cpu_ns=2500000 wait_ns=9000000\n"
		"view service=0 starting=2 held=1\n",
		two_cpus);
}

static void any_look_tells_of_those_who_are_held_back(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=9\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=9\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"view service=0 starting=2 held=1\n"
		"# it was asked for another reason, and before the next\n"
		"at 0.0015s\n"
		"depth service=0 depth=9 cpu_ns=100000\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 starting=4 held=1\n",
		two_cpus);
}

/* P1: a worker that sleeps while it starts needs nobody's processor */
static void starts_that_sleep_are_doubled_until_all_are_there(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=9\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=9\n"
			"> spawn service=0 slot=0 serial=1\n"
			"> spawn service=0 slot=1 serial=2\n"
			"due 0.002s\n"
			"> look service=0\n"
			"depth service=0 depth=9 cpu_ns=1000000\n"
			"> spawn service=0 slot=2 serial=3\n"
			"> spawn service=0 slot=3 serial=4\n"
			"due 0.004s\n"
			"> look service=0\n"
			"depth service=0 depth=9 cpu_ns=2000000\n"
			"> spawn service=0 slot=4 serial=5\n"
			"> spawn service=0 slot=5 serial=6\n"
			"> spawn service=0 slot=6 serial=7\n"
			"> spawn service=0 slot=7 serial=8\n"
			"due 0.006s\n"
			"> look service=0\n"
			"depth service=0 depth=9 cpu_ns=4000000\n"
			"> spawn service=0 slot=8 serial=9\n"
			"view service=0 starting=9 held=0\n",
		two_cpus);
}

/* smtpd asks others for what it wants to know */
static void a_start_that_waits_for_an_answer_does_not_sleep(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=9\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=9\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"due 0.002s\n"
		"> look service=0\n"
		"depth service=0 depth=9 cpu_ns=4000000\n"
		"due 0.006s\n"
		"> look service=0\n"
		"depth service=0 depth=9 cpu_ns=8000000 wait_ns=4000000\n"
		"due 0.014s\n"
		"> look service=0\n"
		"# each has wanted 6 ms and more: 8 ms of nothing are more\n"
		"depth service=0 depth=9 cpu_ns=14000000 "
		"wait_ns=4000000\n"
		"view service=0 starting=2 held=1\n"
		"due 0.03s\n"
		"> look service=0\n"
		"depth service=0 depth=9 cpu_ns=14000000 "
		"wait_ns=4000000\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 starting=4 held=1\n",
		two_cpus);
}

/* and once that is known they are all started at once */
static void what_a_start_costs_is_learned(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=9\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=1\n"
			"> spawn service=0 slot=0 serial=1\n"
			"at 200ms\n"
			"taken slot=0 serial=1 cpu_ns=1000000\n"
			"> watch service=0\n"
			"view service=0 start_cpu_ns=1000000\n"
			"at 260ms\n"
			"clients service=0 depth=5\n"
			"> spawn service=0 slot=1 serial=2\n"
			"> spawn service=0 slot=2 serial=3\n"
			"> spawn service=0 slot=3 serial=4\n"
			"> spawn service=0 slot=4 serial=5\n"
			"> spawn service=0 slot=5 serial=6\n"
			"view service=0 starting=5 held=0\n"
			"row service=0 change=changed process_limit=9\n"
			"table\n"
			"> retire service=0 slot=5 serial=6\n"
			"> retire service=0 slot=4 serial=5\n"
			"> retire service=0 slot=3 serial=4\n"
			"> retire service=0 slot=2 serial=3\n"
			"> retire service=0 slot=1 serial=2\n"
			"> retire service=0 slot=0 serial=1\n"
			"> leftovers service=0\n"
			"> watch service=0\n"
			"# another command may be of another kind\n"
			"view service=0 start_cpu_ns=0\n",
		(struct script_setup){.workers_max = 32, .cpus = 1});
}

/* P1: the next start follows at once, not at the next look */
static void who_is_ready_makes_room_for_the_next_start(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=50\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=20\n"
		"> spawn service=0 slot=0 serial=1\n"
		"> spawn service=0 slot=1 serial=2\n"
		"at 1ms\n"
		"taken slot=0 serial=1 cpu_ns=1000000\n"
		"> look service=0\n"
		"taken slot=1 serial=2 cpu_ns=1000000\n"
		"# it is answered when both are known, and asked once\n"
		"depth service=0 depth=18\n"
		"view service=0 starting=0 held=1 watching=0\n"
		"# their clients may be gone in a moment: that is waited for\n"
		"due 0.00125s\n"
		"> look service=0\n"
		"depth service=0 depth=18\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=4 serial=5\n"
		"> spawn service=0 slot=5 serial=6\n"
		"view service=0 starting=4 held=1\n",
		two_cpus);
}

/* P12: two smtpds greet fifty before a third is ready */
static void clients_that_others_will_have_served_start_nobody(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=50\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"at 20ms\n"
		"taken slot=0 serial=1 cpu_ns=15000000\n"
		"> watch service=0\n"
		"at 21ms\n"
		"ready slot=0 serial=1\n"
		"> ignore service=0\n"
		"taken slot=0 serial=1\n"
		"> watch service=0\n"
		"clients service=0 depth=15\n"
		"view service=0 taken=1 held=1 watching=0\n"
		"at 22ms\n"
		"ready slot=0 serial=1\n"
		"taken slot=0 serial=1\n"
		"due 0.0235s\n"
		"> look service=0\n"
		"depth service=0 depth=14\n"
		"view service=0 taken=1 held=1 watching=0\n"
		"# he stays: then the others want somebody of their own\n"
		"at 40ms\n"
		"time\n"
		"> look service=0\n"
		"depth service=0 depth=14\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"view service=0 starting=3 held=1\n",
		two_cpus);
}

/* A start takes 20 ms, a client 1 ms, and many more wait. */
#define BRIEF_AND_HELD                                                         \
	"row service=0 change=changed process_limit=50\n"                      \
	"table\n"                                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=2\n"                                          \
	"> spawn service=0 slot=0 serial=1\n"                                  \
	"> spawn service=0 slot=1 serial=2\n"                                  \
	"at 20ms\n"                                                            \
	"taken slot=0 serial=1 cpu_ns=15000000\n"                              \
	"taken slot=1 serial=2 cpu_ns=15000000\n"                              \
	"> watch service=0\n"                                                  \
	"at 21ms\n"                                                            \
	"ready slot=0 serial=1\n"                                              \
	"> ignore service=0\n"                                                 \
	"ready slot=1 serial=2\n"                                              \
	"taken slot=0 serial=1\n"                                              \
	"taken slot=1 serial=2\n"                                              \
	"> watch service=0\n"                                                  \
	"clients service=0 depth=15\n"                                         \
	"view service=0 taken=2 held=1 watching=0\n"

/* P12: else a pool whose workers leave in turn dwindles to one */
static void who_leaves_by_itself_is_replaced_for_those_who_wait(void **state)
{
	(void)state;
	script_check_in(BRIEF_AND_HELD
		"at 22ms\n"
		"ready slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> look service=0\n"
		"depth service=0 depth=15\n"
		"> spawn service=0 slot=0 serial=3\n"
		"view service=0 taken=1 starting=1 held=1\n"
		"# one for one\n"
		"depth service=0 depth=15\n"
		"view service=0 taken=1 starting=1 held=1\n",
		two_cpus);
	/* Long ago it was another load. */
	script_check_in(BRIEF_AND_HELD
		"at 22ms\n"
		"ready slot=0 serial=1\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"> look service=0\n"
		"depth service=0 depth=0\n"
		"> watch service=0\n"
		"ready slot=1 serial=2\n"
		"> ignore service=0\n"
		"at 120ms\n"
		"taken slot=1 serial=2\n"
		"> watch service=0\n"
		"clients service=0 depth=3\n"
		"view service=0 taken=1 starting=0 held=1\n",
		two_cpus);
}

static void for_a_queue_that_lasts_there_is_one_more(void **state)
{
	(void)state;
	script_check_in(BRIEF_AND_HELD "at 22ms\n"
				       "ready slot=0 serial=1\n"
				       "ready slot=1 serial=2\n"
				       "at 39ms\n"
				       "taken slot=0 serial=1\n"
				       "at 40ms\n"
				       "ready slot=0 serial=1\n"
				       "at 59ms\n"
				       "taken slot=0 serial=1\n"
				       "at 60ms\n"
				       "depth service=0 depth=14\n"
				       "view service=0 starting=0 held=1\n"
				       "ready slot=0 serial=1\n"
				       "at 62ms\n"
				       "depth service=0 depth=14\n"
				       "> spawn service=0 slot=2 serial=3\n"
				       "view service=0 starting=1 held=1\n",
		two_cpus);
}

/* it took its client and is not seen again */
static void who_does_not_move_is_not_counted_on(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=50\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=1\n"
			"> spawn service=0 slot=0 serial=1\n"
			"at 100ms\n"
			"taken slot=0 serial=1 cpu_ns=99000000\n"
			"> watch service=0\n"
			"at 101ms\n"
			"ready slot=0 serial=1\n"
			"> ignore service=0\n"
			"at 1s\n"
			"time\n"
			"> look service=0\n"
			"> watch service=0\n"
			"depth service=0 depth=0\n"
			"# it is woken, and hangs before it accepts\n"
			"clients service=0 depth=4\n"
			"view service=0 ready=1 held=1\n"
			"at 1.099s\n"
			"time\n"
			"> look service=0\n"
			"depth service=0 depth=4\n"
			"view service=0 ready=1 held=1\n"
			"at 1.116s\n"
			"time\n"
			"> look service=0\n"
			"depth service=0 depth=4\n"
			"> spawn service=0 slot=1 serial=2\n"
			"> spawn service=0 slot=2 serial=3\n"
			"view service=0 ready=1 starting=2 held=1\n",
		two_cpus);
}

/* nor does one that never gets ready hold the others up */
static void a_start_that_hangs_is_not_waited_for(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=50\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=1\n"
			"> spawn service=0 slot=0 serial=1\n"
			"at 10ms\n"
			"taken slot=0 serial=1 cpu_ns=10000000\n"
			"> watch service=0\n"
			"clients service=0 depth=9\n"
			"view service=0 held=1\n"
			"at 20ms\n"
			"time\n"
			"> look service=0\n"
			"depth service=0 depth=9\n"
			"> spawn service=0 slot=1 serial=2\n"
			"> spawn service=0 slot=2 serial=3\n"
			"> spawn service=0 slot=3 serial=4\n"
			"> spawn service=0 slot=4 serial=5\n"
			"at 60ms\n"
			"time\n"
			"> look service=0\n"
			"depth service=0 depth=9\n"
			"> spawn service=0 slot=5 serial=6\n"
			"> spawn service=0 slot=6 serial=7\n"
			"> spawn service=0 slot=7 serial=8\n"
			"> spawn service=0 slot=8 serial=9\n"
			"view service=0 starting=8 held=1\n"
			"at 61ms\n"
			"time\n"
			"at 80ms\n"
			"time\n"
			"> look service=0\n"
			"depth service=0 depth=9\n"
			"> spawn service=0 slot=9 serial=10\n"
			"view service=0 starting=9 held=0\n",
		two_cpus);
}

/* nobody may be started anyway: the watch, the limit and pauses are as ever */
static void at_the_limit_nobody_is_held_back(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=2\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=9\n"
			"> spawn service=0 slot=0 serial=1\n"
			"> spawn service=0 slot=1 serial=2\n"
			"view service=0 starting=2 held=0\n"
			"at 1ms\n"
			"taken slot=0 serial=1 cpu_ns=1000000\n"
			"taken slot=1 serial=2 cpu_ns=1000000\n"
			"> notice notice=at-limit service=0 slot=0 serial=0 "
			"number=2\n"
			"view service=0 taken=2 held=0\n",
		two_cpus);
}

/* it would have been quick, had others not had the processors */
static void to_wait_for_a_processor_is_not_to_sleep(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=50\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"at 100ms\n"
		"taken slot=0 serial=1 cpu_ns=10000000 wait_ns=90000000\n"
		"> watch service=0\n"
		"at 130ms\n"
		"clients service=0 depth=9\n"
		"> spawn service=0 slot=1 serial=2\n"
		"> spawn service=0 slot=2 serial=3\n"
		"> spawn service=0 slot=3 serial=4\n"
		"> spawn service=0 slot=4 serial=5\n"
		"view service=0 starting=4 held=1\n",
		two_cpus);
}

/* two clients, two processes: nobody comes back for the second */
static void who_leaves_with_its_client_is_not_waited_for(void **state)
{
	(void)state;
	script_check_in(
		"row service=0 change=changed process_limit=50\n"
		"table\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=1\n"
		"at 100ms\n"
		"taken slot=0 serial=1 cpu_ns=10000000 wait_ns=90000000\n"
		"> watch service=0\n"
		"exited slot=0 serial=1 code=0 signal=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=0 serial=2\n"
		"at 200ms\n"
		"taken slot=0 serial=2 cpu_ns=10000000 wait_ns=90000000\n"
		"> watch service=0\n"
		"clients service=0 depth=1\n"
		"> spawn service=0 slot=1 serial=3\n"
		"view service=0 taken=1 starting=1 held=0\n",
		two_cpus);
}

/* and one that needs all processors is started all the same */
static void a_start_with_threads_is_one_start(void **state)
{
	(void)state;
	script_check_in("row service=0 change=changed process_limit=50\n"
			"table\n"
			"> watch service=0\n"
			"clients service=0 depth=1\n"
			"> spawn service=0 slot=0 serial=1\n"
			"at 100ms\n"
			"taken slot=0 serial=1 cpu_ns=900000000\n"
			"> watch service=0\n"
			"clients service=0 depth=1\n"
			"at 1s\n"
			"time\n"
			"> look service=0\n"
			"depth service=0 depth=1\n"
			"> spawn service=0 slot=1 serial=2\n"
			"at 1.1s\n"
			"taken slot=1 serial=2 cpu_ns=100000000\n"
			"> watch service=0\n"
			"ready slot=1 serial=2\n"
			"exited slot=1 serial=2 code=0 signal=0\n"
			"clients service=0 depth=3\n"
			"> spawn service=0 slot=1 serial=3\n"
			"view service=0 starting=1 held=1\n",
		two_cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			starts_that_need_processors_are_as_many_as_those),
		cmocka_unit_test(any_look_tells_of_those_who_are_held_back),
		cmocka_unit_test(
			starts_that_sleep_are_doubled_until_all_are_there),
		cmocka_unit_test(
			a_start_that_waits_for_an_answer_does_not_sleep),
		cmocka_unit_test(what_a_start_costs_is_learned),
		cmocka_unit_test(who_is_ready_makes_room_for_the_next_start),
		cmocka_unit_test(
			clients_that_others_will_have_served_start_nobody),
		cmocka_unit_test(
			who_leaves_by_itself_is_replaced_for_those_who_wait),
		cmocka_unit_test(for_a_queue_that_lasts_there_is_one_more),
		cmocka_unit_test(who_does_not_move_is_not_counted_on),
		cmocka_unit_test(a_start_that_hangs_is_not_waited_for),
		cmocka_unit_test(at_the_limit_nobody_is_held_back),
		cmocka_unit_test(to_wait_for_a_processor_is_not_to_sleep),
		cmocka_unit_test(who_leaves_with_its_client_is_not_waited_for),
		cmocka_unit_test(a_start_with_threads_is_one_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
