/* SPDX-License-Identifier: MIT */
#include "conf_case.h"

#include <stdio.h>

static void clients_of_one_place_have_limits(void **state)
{
	const struct service *row = service_with("");

	(void)state;
	assert_int_equal(row->source_limit, 0);
	assert_int_equal(row->prefix_limit, 0);
	row = service_with("source_limit = 1 prefix_limit = 1000000");
	assert_int_equal(row->source_limit, 1);
	assert_int_equal(row->prefix_limit, 1000000);
	assert_int_equal(row->prefix_ipv4, 24);
	assert_int_equal(row->prefix_ipv6, 64);
	row = service_with(
		"prefix_limit = 2 prefix_ipv4 = 1 prefix_ipv6 = 128");
	assert_int_equal(row->prefix_ipv4, 1);
	assert_int_equal(row->prefix_ipv6, 128);
}

static void what_is_no_limit_is_refused(void **state)
{
	(void)state;
	CHECK_TEXT(read_service("source_limit = -1"),
		"ostler.conf:4: service 'a': source_limit: '-1' is not a "
		"number; write digits and nothing else\n");
	CHECK_TEXT(read_service("prefix_limit = 1000001"),
		"ostler.conf:4: service 'a': prefix_limit: '1000001' is too "
		"large; give it 0 to 1000000\n");
	CHECK_TEXT(read_service("prefix_limit = 1 prefix_ipv4 = 33"),
		"ostler.conf:4: service 'a': prefix_ipv4: '33' is too large; "
		"give it 1 to 32\n");
	CHECK_TEXT(read_service("prefix_limit = 1 prefix_ipv6 = 0"),
		"ostler.conf:4: service 'a': prefix_ipv6: '0' is too small; "
		"give it 1 to 128\n");
}

static void only_who_has_an_address_can_be_counted(void **state)
{
	(void)state;
	CHECK_TEXT(read_conf("service a {\n listen = unix:x\n"
			     " command = /bin/x\n source_limit = 1\n"
			     " prefix_limit = 1\n}\n"),
		"ostler.conf:4: service 'a': source_limit: only clients of TCP "
		"have an address; remove it\n"
		"ostler.conf:5: service 'a': prefix_limit: only clients of TCP "
		"have an address; remove it\n");
	CHECK_TEXT(read_conf("service a {\n listen = unix:x\n"
			     " command = /bin/x\n source_limit = 0\n}\n"),
		"");
	CHECK_TEXT(read_conf("service a {\n listen = {unix:x, \"[::1]:1\"}\n"
			     " command = /bin/x\n source_limit = 1\n}\n"),
		"");
}

static void workers_that_count_alone_are_a_warning(void **state)
{
	static const char *const alone[] = {
		"status_page = no", "status_channel = shared", "liveness = 1s"};

	(void)state;
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		char more[64];

		(void)snprintf(
			more, sizeof(more), "source_limit = 1 %s", alone[i]);
		CHECK_TEXT(read_service(more),
			"ostler.conf:4: warning: service 'a': source_limit: "
			"each worker counts its own clients alone; do without "
			"status_page = no, status_channel = shared and "
			"liveness\n");
	}
	CHECK_TEXT(read_service("prefix_ipv4 = 8"),
		"ostler.conf:4: warning: service 'a': prefix_ipv4 has no "
		"effect: there is no prefix_limit; add prefix_limit, or remove "
		"it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(clients_of_one_place_have_limits),
		CONF_TEST(what_is_no_limit_is_refused),
		CONF_TEST(only_who_has_an_address_can_be_counted),
		CONF_TEST(workers_that_count_alone_are_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
