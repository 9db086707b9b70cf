/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#define WAYS                                                                   \
	"write queue, refuse, {reply, \"BYTES\"} or {drop-random, "            \
	"\"START:RATE:FULL\"}"
#define CHANCES                                                                \
	"write it as in 10:30:60: clients that wait, percent, clients that "   \
	"wait"

static void a_full_service_can_turn_clients_away(void **state)
{
	const struct service *row = service_with("on_full = queue");

	(void)state;
	assert_null(row->bounce);
	assert_false(row->policy.bounces);
	row = service_with("");
	assert_null(row->bounce);
	row = service_with("on_full = refuse");
	assert_true(row->policy.bounces);
	CHECK_TEXT(row->bounce[0], "/usr/libexec/ostler/ostler-bounce");
	CHECK_TEXT(row->bounce[1], "refuse");
	assert_null(row->bounce[2]);
	row = service_with(
		"on_full = {reply, \"421 \\x41 busy\\t\\\\\\r\\n\"}");
	assert_true(row->policy.bounces);
	CHECK_TEXT(row->bounce[1], "reply");
	CHECK_TEXT(row->bounce[2], "421 A busy\t\\\r\n");
	assert_null(row->bounce[3]);
	assert_int_equal(row->policy.bounce_over, 0);
	assert_int_equal(row->policy.bounce_stay_ns, 0);
	row = service_with("on_full = {drop-random, \"10:30:60\"}");
	assert_true(row->policy.bounces);
	assert_int_equal(row->policy.bounce_over, 10);
	assert_true(row->policy.bounce_stay_ns > 0);
	CHECK_TEXT(row->bounce[1], "drop-random");
	CHECK_TEXT(row->bounce[2], "10:30:60");
	assert_null(row->bounce[3]);
}

static void what_nobody_can_do_when_full_is_refused(void **state)
{
	static const struct refusal refusals[] = {
		{"on_full = drop", "on_full: there is no 'drop'; " WAYS},
		{"on_full = reply",
			"on_full: reply takes the bytes to be sent; " WAYS},
		{"on_full = drop-random",
			"on_full: drop-random takes START:RATE:FULL; " WAYS},
		{"on_full = {drop-random, \"10:30\"}",
			"on_full: '10:30' is not START:RATE:FULL; " CHANCES},
		{"on_full = {drop-random, \"10:0:60\"}",
			"on_full: '10:0:60' is not START:RATE:FULL; " CHANCES},
		{"on_full = {drop-random, \"10:101:60\"}",
			"on_full: '10:101:60' is not START:RATE:FULL; " CHANCES},
		{"on_full = {drop-random, \"10:30:60:\"}",
			"on_full: '10:30:60:' is not START:RATE:FULL; " CHANCES},
		{"on_full = {drop-random, \"10:30:10\"}",
			"on_full: '10:30:10': all are turned away before any "
			"is; make START the smaller one"},
		{"backlog = 20 on_full = {drop-random, \"10:30:21\"}",
			"on_full: '10:30:21': no more than 20 wait, for that "
			"is the backlog; raise backlog, or lower FULL"},
		{"on_full = refuse process_limit = 0",
			"on_full: without process_limit it is never full; set "
			"process_limit"},
		{"on_full = refuse status_channel = shared",
			"on_full: a shared channel cannot send a bouncer away; "
			"write status_channel = private"},
		{"on_full = refuse nonblocking = no",
			"on_full: who turns clients away must not wait for "
			"them; write nonblocking = yes"},
	};

	(void)state;
	check_refusals(refusals, COUNT(refusals));
	CHECK_TEXT(read_conf("service a {\n listen = dgram:x\n"
			     " command = /bin/x\n on_full = refuse\n}\n"),
		"ostler.conf:4: service 'a': on_full: only clients of TCP and "
		"unix: listeners can be turned away; remove it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(a_full_service_can_turn_clients_away),
		CONF_TEST(what_nobody_can_do_when_full_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
