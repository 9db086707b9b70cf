/* SPDX-License-Identifier: MIT */
#include "postfix_case.h"

#include <stdio.h>

/* Everywhere in this file: what Postfix 3.7.11 itself was seen to do. */

static const char current[] = "compatibility_level = 3.6\n";

/* What Postfix logs about these entries, in an instance without a past. */
static const char *read_entries(const char *master_cf)
{
	return read_postfix(current, master_cf);
}

#define INET " inet n - n - - probe"

static const struct postfix_service *service_of(const char *title)
{
	const struct postfix_service *service =
		mastercf_find(&conf.master, title);

	if (service == NULL)
		fail_msg("there is no %s", title);
	return service;
}

struct named {
	const char *name, *canonical, *endpoints;
};

static const char *endpoints_of(const struct postfix_service *service)
{
	static char text[512];
	struct text_builder builder;

	text_builder_init(&builder, text, sizeof(text));
	for (unsigned i = 0; i < service->endpoints_n; i++)
		text_put_format(&builder, "%s%s", i == 0 ? "" : " ",
			service->endpoints[i].text);
	return text;
}

static void an_inet_name_says_where_to_listen(void **state)
{
	static const struct named rows[] = {
		{"smtp", "25", "0.0.0.0:25 [::]:25"},
		{":smtp", "25", "0.0.0.0:25 [::]:25"},
		{"submissions", "465", "0.0.0.0:465 [::]:465"},
		{"http", "80", "0.0.0.0:80 [::]:80"},
		{"012566", "12566", "0.0.0.0:12566 [::]:12566"},
		{"127.0.0.1:smtp", "[127.0.0.1]:25", "127.0.0.1:25"},
		{"[127.0.0.1]:25", "[127.0.0.1]:25", "127.0.0.1:25"},
		{"[::1]:25", "[::1]:25", "[::1]:25"},
		{"[0::1]:25", "[::1]:25", "[::1]:25"},
		{"[ipv6:::1]:25", "[::1]:25", "[::1]:25"},
		{"[IPv6:::1]:25", "[::1]:25", "[::1]:25"},
		{"::1:smtp", "[::1]:25", "[::1]:25"},
		{"localhost:25", "[localhost]:25", "127.0.0.1:25 [::1]:25"},
		{"[localhost]:25", "[localhost]:25", "127.0.0.1:25 [::1]:25"},
		{"two.example:25", "[two.example]:25",
			"192.0.2.1:25 192.0.2.2:25"},
		{"0.0.0.0:25", "[0.0.0.0]:25", "0.0.0.0:25"},
	};
	char entry[200];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct postfix_service *service;

		(void)snprintf(entry, sizeof(entry), "%s" INET, rows[i].name);
		CHECK_TEXT(read_entries(entry), "");
		service = &conf.master.services[0];
		CHECK_TEXT(service->name, rows[i].name);
		CHECK_TEXT(service->canonical, rows[i].canonical);
		CHECK_TEXT(endpoints_of(service), rows[i].endpoints);
		assert_int_equal(service->endpoints[0].line, 1);
		CHECK_TEXT(
			service->endpoints[0].file, "/etc/postfix/master.cf");
	}
}

/* Where "25 inet" listens if main.cf says so. */
static const char *listens(const char *main_cf)
{
	CHECK_TEXT(read_postfix(main_cf, "25" INET), "");
	return endpoints_of(service_of("25/inet"));
}

static void interfaces_and_protocols_are_those_of_main_cf(void **state)
{
	static const struct postfix_address own[] = {
		{.family = FAMILY_IPV4, .bytes = {127, 0, 0, 1}},
		{.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}},
		{.family = FAMILY_IPV6, .bytes = {[15] = 1}}};

	(void)state;
	CHECK_TEXT(listens("inet_protocols = ipv4"), "0.0.0.0:25");
	CHECK_TEXT(listens("inet_protocols = ipv6"), "[::]:25");
	CHECK_TEXT(
		listens("inet_protocols = ipv4, ipv6"), "0.0.0.0:25 [::]:25");
	CHECK_TEXT(listens("inet_interfaces = loopback-only"),
		"127.0.0.1:25 [::1]:25");
	CHECK_TEXT(listens("inet_interfaces = 127.0.0.1, [::1] 127.0.0.1"),
		"127.0.0.1:25 [::1]:25");
	CHECK_TEXT(listens("inet_interfaces = $myhostname, localhost\n"
			   "myhostname = two.example\ninet_protocols = ipv4"),
		"192.0.2.1:25 192.0.2.2:25 127.0.0.1:25");
	request.machine.no_ipv6 = true;
	CHECK_TEXT(listens(""), "0.0.0.0:25");
	request.machine.no_ipv6 = false;
	request.machine.own = own;
	request.machine.own_n = COUNT(own);
	CHECK_TEXT(listens("inet_interfaces = loopback-only"),
		"127.0.0.1:25 [::1]:25");
	CHECK_TEXT(read_postfix("inet_interfaces = 192.0.2.1 1.2.3.4", ""),
		"fatal: parameter inet_interfaces: no local interface found "
		"for 1.2.3.4\n");
	CHECK_TEXT(read_postfix("inet_interfaces =\ncompatibility_level = 1",
			   "25" INET),
		"fatal: /etc/postfix/master.cf: line 1: no valid IP address "
		"found: 25\n");
	CHECK_TEXT(read_postfix("inet_protocols = ipv6\n"
				"compatibility_level = 1",
			   "127.0.0.1:25" INET),
		"fatal: /etc/postfix/master.cf: line 1: bad hostname or "
		"network address: 127.0.0.1:25\n");
}

static void without_protocols_there_is_no_inet(void **state)
{
	static const char warning[] =
		"warning: all network protocols are disabled (inet_protocols "
		"= )\n"
		"warning: disabling all type \"inet\" services in master.cf\n";

	(void)state;
	CHECK_TEXT(read_postfix("inet_protocols =\n",
			   "25" INET "\nbad inet y q q q q\n"
			   "u unix - - n - - probe\n"),
		warning);
	assert_int_equal(conf.master.services_n, 1);
}

static void known_ports_are_checked_one_by_one(void **state)
{
	(void)state;
	CHECK_TEXT(read_postfix("known_tcp_ports = x, smtp=2525 , , =1, y=, "
				"25=1, q=r=s=26, a b=3,q=4, t=5x\n",
			   "127.0.0.1:smtp" INET "\n127.0.0.1:r" INET),
		"warning: known_tcp_ports: in \"x\" is not in \"name = "
		"value\" form\n"
		"warning: known_tcp_ports: in \" =1\": missing service name "
		"before \"=\"\n"
		"warning: known_tcp_ports: in \" y=\": missing port value "
		"after \"=\"\n"
		"warning: known_tcp_ports: in \" 25=1\": numerical service "
		"name\n"
		"warning: known_tcp_ports: in \" a b=3\": whitespace in "
		"service name\n"
		"warning: known_tcp_ports: in \"q=4\": duplicate service "
		"name\n"
		"warning: known_tcp_ports: in \" t=5x\": non-numerical service "
		"port\n");
	CHECK_TEXT(service_of("127.0.0.1:smtp/inet")->canonical,
		"[127.0.0.1]:2525");
	CHECK_TEXT(service_of("127.0.0.1:r/inet")->canonical, "[127.0.0.1]:26");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POSTFIX_TEST(an_inet_name_says_where_to_listen),
		POSTFIX_TEST(interfaces_and_protocols_are_those_of_main_cf),
		POSTFIX_TEST(without_protocols_there_is_no_inet),
		POSTFIX_TEST(known_ports_are_checked_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
