/* SPDX-License-Identifier: MIT */
#include "master/keep_socket.h"

#include "master/holdings.h"
#include "master/keep.h"
#include "master/master.h"
#include "master/records.h"
#include "proto/keep.h"
#include "sys/loop.h"
#include "sys/parcel.h"
#include "sys_fixture.h"

#define MANY 4000 /* more than a socket holds, and than may wait */

static struct master master;
static struct worker_record worker;
static int keeper;

static int begin(void **state)
{
	int ends[2];

	(void)state;
	worker = (struct worker_record){
		.serial = 1, .pid = 77, .channel = -1, .pidfd = -1};
	master = (struct master){.workers = &worker, .workers_high = 1};
	assert_int_equal(loop_create(&master.loop), 0);
	assert_int_equal(sys_parcel_pair(ends), 0);
	keeper = ends[1];
	return keep_socket_resume(&master, ends[0]);
}

static int end(void **state)
{
	(void)state;
	keep_end(&master);
	loop_destroy(master.loop);
	return 0;
}

static void a_keeper_may_be_gone_in_the_midst_of_what_it_is_told(void **state)
{
	(void)state;
	assert_string_equal(keep_name(&master), "keeper");
	assert_int_equal(close(keeper), 0);
	keep_gone(&master, 0); /* two words */
	assert_string_equal(keep_name(&master), "nobody");
	assert_true(keep_socket_is_heard(&master));
	assert_false(keep_socket_trial(&master, 1));
}

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 2 * MANY; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void what_waits_for_a_keeper_has_an_end(void **state)
{
	int before = count_descriptors();

	(void)state;
	worker.channel = keeper;
	for (unsigned i = 0; i < MANY; i++)
		keep_channel(&master, 0);
	assert_false(keep_socket_is_heard(&master));
	assert_true(keep_socket_deadline(&master) != UINT64_MAX);
	assert_true(count_descriptors() < before + MANY / 4);
	assert_string_equal(keep_name(&master), "keeper");
	assert_int_equal(close(keeper), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_keeper_may_be_gone_in_the_midst_of_what_it_is_told,
			begin, end),
		cmocka_unit_test_setup_teardown(
			what_waits_for_a_keeper_has_an_end, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
