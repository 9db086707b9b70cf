/* SPDX-License-Identifier: MIT */
#include "master/holdings.h"

#include "master/records.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys_fixture.h"

static struct holdings holdings;

static int begin(void **state)
{
	(void)state;
	holdings_init(&holdings);
	return 0;
}

static int end(void **state)
{
	(void)state;
	holdings_finish(&holdings, false);
	return 0;
}

static int some_file(void)
{
	int fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0) /* not every file system has that */
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void what_was_added_is_taken_once_by_its_name(void **state)
{
	int one = some_file(), two = some_file();

	(void)state;
	holdings_add(&holdings, two, "listener.%u.%u", 7, 1);
	holdings_add(&holdings, one, "listener.%u.%u", 7, 0);
	holdings_add(&holdings, -1, "listener.%u.%u", 7, 2);
	assert_int_equal(holdings.n, 2);
	assert_int_equal(holdings_take(&holdings, "listener.7.0"), one);
	assert_int_equal(holdings_take(&holdings, "listener.7.0"), -1);
	assert_int_equal(holdings_take(&holdings, "listener.7.1"), two);
	assert_int_equal(holdings_take(&holdings, "listener.7.2"), -1);
	fd_close(&one);
	fd_close(&two);
}

static void a_number_that_is_another_file_by_now_is_nobodys(void **state)
{
	int fd = some_file();
	int other[2];

	(void)state;
	holdings_add(&holdings, fd, "control");
	assert_int_equal(pipe(other), 0);
	assert_int_equal(dup2(other[0], fd), fd);
	assert_int_equal(holdings_take(&holdings, "control"), -1);
	assert_true(fcntl(fd, F_GETFD) >= 0); /* and stays its owner's */
	fd_close(&fd);
	fd_close(&other[0]);
	fd_close(&other[1]);
}

static void a_pidfd_is_of_the_process_of_its_name(void **state)
{
	struct worker_record worker = {
		.service = 1, .serial = 9, .pid = (int)getpid()};
	int own = sys_child_open((int)getpid());
	int parent = sys_child_open((int)getppid());
	char name[HOLDING_NAME_MAX];

	(void)state;
	assert_true(own >= 0);
	assert_int_equal(sys_child_pid(own), getpid());
	holding_of_worker(name, "pidfd", 3, &worker);
	holdings_add(&holdings, own, "%s", name);
	worker.serial = 10;
	holding_of_worker(name, "pidfd", 4, &worker);
	holdings_add(&holdings, parent, "%s", name);
	assert_int_equal(holdings_take(&holdings, "%s", name), -1);
	worker.serial = 9;
	holding_of_worker(name, "pidfd", 3, &worker);
	assert_int_equal(holdings_take(&holdings, "%s", name), own);
	fd_close(&own);
	fd_close(&parent);
}

static void a_list_is_read_as_it_was_written(void **state)
{
	struct holdings again;
	uint32_t at = 0;
	int fd = some_file();
	int list;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		holdings_add(&holdings, fd, "flow.%u.1", i);
	holdings_add(&holdings, fd, "lock");
	list = holdings_write(&holdings);
	assert_true(list >= 0);
	assert_true(holdings_read(&again, list));
	assert_int_equal(again.n, 201);
	assert_int_equal(holdings_take(&again, "flow.%u.1", 77), fd);
	assert_string_equal(holdings_next(&again, "lock", &at), "lock");
	assert_null(holdings_next(&again, "lock", &at));
	holdings_finish(&again, false);
	assert_false(holdings_read(&again, fd)); /* not such a list */
	fd_close(&list);
	fd_close(&fd);
}

static void all_of_them_survive_an_exec_or_none(void **state)
{
	int fd = some_file();

	(void)state;
	holdings_add(&holdings, fd, "lock");
	assert_int_equal(holdings_inherit(&holdings, true), 0);
	assert_false(is_cloexec(fd));
	assert_int_equal(holdings_inherit(&holdings, false), 0);
	assert_true(is_cloexec(fd));
	fd_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_added_is_taken_once_by_its_name, begin, end),
		cmocka_unit_test_setup_teardown(
			a_number_that_is_another_file_by_now_is_nobodys, begin,
			end),
		cmocka_unit_test_setup_teardown(
			a_pidfd_is_of_the_process_of_its_name, begin, end),
		cmocka_unit_test_setup_teardown(
			a_list_is_read_as_it_was_written, begin, end),
		cmocka_unit_test_setup_teardown(
			all_of_them_survive_an_exec_or_none, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
