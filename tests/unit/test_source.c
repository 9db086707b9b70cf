/* SPDX-License-Identifier: MIT */
#include "lib/source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "lib/start.h"
#include "proto/page.h"

#define WORDS 2
#define HELD_MAX 8

static union {
	struct ostler__page_head head;
	_Alignas(64) unsigned char bytes[OSTLER__PAGE_TOP_BYTES +
					 WORDS * 64 * 128];
} memory;

static struct ostler__page page;
static struct ostler__start limits;
static struct ostler__source held[HELD_MAX];
static struct ostler__sources sources;

static int prepare(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	(void)ostler__page_init(memory.bytes, WORDS);
	assert_true(ostler__page_enter(
		&page, memory.bytes, sizeof(memory.bytes), 3));
	atomic_store(&page.head->words_used, 1);
	memset(&limits, 0, sizeof(limits));
	limits.prefix_ipv4 = 24;
	limits.prefix_ipv6 = 64;
	sources = (struct ostler__sources){.held = held};
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, prepare)

static struct ostler__source at(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return ostler__source_of(
			(const struct sockaddr *)(const void *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return ostler__source_of((const struct sockaddr *)(const void *)&in6);
}

static void set_slot(uint32_t i, const char *text, uint64_t n)
{
	struct ostler__source source = at(text);

	atomic_store(&page.slots[i].peer[0], source.address[0]);
	atomic_store(&page.slots[i].peer[1], source.address[1]);
	atomic_store(&page.slots[i].peers, n);
}

static void hold(const char *text)
{
	held[sources.held_n++] = at(text);
}

static bool is_over(const char *text)
{
	struct ostler__source from = at(text);

	return ostler__source_is_over(&sources, &page, &limits, &from);
}

static bool near(const char *left, const char *right)
{
	struct ostler__source a = at(left), b = at(right);
	bool result = ostler__source_near(&a, &b, &limits);

	assert_int_equal(ostler__source_near(&b, &a, &limits), result);
	return result;
}

static void an_ipv4_address_is_one_however_it_came(void **state)
{
	struct ostler__source plain = at("192.0.2.7");
	struct ostler__source mapped = at("::ffff:192.0.2.7");
	struct ostler__source other = at("::192.0.2.7");
	struct sockaddr nothing = {.sa_family = AF_UNIX};
	struct ostler__source none = ostler__source_of(&nothing);

	(void)state;
	assert_true(ostler__source_equal(&plain, &mapped));
	assert_false(ostler__source_equal(&plain, &other));
	assert_true(none.address[0] == 0 && none.address[1] == 0);
}

static void networks_have_so_many_bits_by_their_family(void **state)
{
	(void)state;
	assert_true(near("192.0.2.7", "192.0.2.255"));
	assert_false(near("192.0.2.7", "192.0.3.7"));
	assert_true(near("2001:db8::1", "2001:db8::ffff:0:0:1"));
	assert_false(near("2001:db8::1", "2001:db8:0:1::1"));
	limits.prefix_ipv4 = 23;
	assert_true(near("192.0.2.7", "192.0.3.7"));
	assert_false(near("192.0.2.7", "192.0.4.7"));
	limits.prefix_ipv4 = 1;
	assert_true(near("1.0.0.0", "127.0.0.1"));
	assert_false(near("127.0.0.1", "128.0.0.1"));
	limits.prefix_ipv4 = 32;
	assert_true(near("1.2.3.4", "1.2.3.4"));
	assert_false(near("1.2.3.4", "1.2.3.5"));
	limits.prefix_ipv6 = 65;
	assert_false(near("2001:db8::1", "2001:db8::8000:0:0:1"));
	limits.prefix_ipv6 = 128;
	assert_true(near("::1", "::1"));
	assert_false(near("::2", "::3"));
}

static void no_network_has_both_families(void **state)
{
	(void)state;
	limits.prefix_ipv6 = 1;
	assert_true(near("::1", "::2"));
	assert_false(near("::1", "192.0.2.7"));
}

static void without_limits_nobody_is_too_many(void **state)
{
	(void)state;
	hold("::1");
	set_slot(0, "::1", 1000);
	assert_false(is_over("::1"));
}

static void a_limit_of_one_is_one(void **state)
{
	(void)state;
	limits.source_limit = 1;
	assert_false(is_over("192.0.2.7"));
	hold("192.0.2.7");
	assert_true(is_over("192.0.2.7"));
	assert_true(is_over("::ffff:192.0.2.7"));
	assert_false(is_over("192.0.2.8"));
}

static void the_others_clients_count_and_our_own_slot_does_not(void **state)
{
	(void)state;
	limits.source_limit = 3;
	hold("::1");
	set_slot(3, "::1", 100);
	set_slot(0, "::1", 1);
	set_slot(1, "::2", 100);
	assert_false(is_over("::1"));
	set_slot(63, "::1", 1);
	assert_true(is_over("::1"));
	set_slot(63, "::1", 0);
	assert_false(is_over("::1"));
}

static void only_words_that_are_used_are_looked_at(void **state)
{
	(void)state;
	limits.source_limit = 1;
	set_slot(64, "::1", 1);
	assert_false(is_over("::1"));
	atomic_store(&page.head->words_used, 2);
	assert_true(is_over("::1"));
	/* A lie leads nowhere else. */
	atomic_store(&page.head->words_used, UINT32_MAX);
	assert_true(is_over("::1"));
	assert_false(is_over("::2"));
}

static void lies_do_not_wrap_around(void **state)
{
	(void)state;
	limits.source_limit = 2;
	set_slot(0, "::1", UINT64_MAX);
	set_slot(1, "::1", 1);
	assert_true(is_over("::1"));
}

static void a_network_has_a_limit_of_its_own(void **state)
{
	(void)state;
	limits.prefix_limit = 2;
	hold("192.0.2.1");
	assert_false(is_over("192.0.2.2"));
	set_slot(0, "192.0.2.3", 1);
	assert_true(is_over("192.0.2.2"));
	assert_false(is_over("192.0.3.2"));
	limits.source_limit = 1;
	assert_true(is_over("192.0.2.1"));
}

static void without_a_page_our_own_are_counted(void **state)
{
	(void)state;
	limits.source_limit = 2;
	page.head = NULL;
	hold("::1");
	assert_false(is_over("::1"));
	hold("::1");
	assert_true(is_over("::1"));
}

static void who_has_no_address_is_not_counted(void **state)
{
	struct ostler__source none = {{0, 0}};

	(void)state;
	limits.source_limit = limits.prefix_limit = 1;
	held[sources.held_n++] = none;
	atomic_store(&page.slots[0].peers, 5);
	assert_false(ostler__source_is_over(&sources, &page, &limits, &none));
	sources.held_n = 0;
	assert_false(is_over("::1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ipv4_address_is_one_however_it_came),
		TEST(networks_have_so_many_bits_by_their_family),
		TEST(no_network_has_both_families),
		TEST(without_limits_nobody_is_too_many),
		TEST(a_limit_of_one_is_one),
		TEST(the_others_clients_count_and_our_own_slot_does_not),
		TEST(only_words_that_are_used_are_looked_at),
		TEST(lies_do_not_wrap_around),
		TEST(a_network_has_a_limit_of_its_own),
		TEST(without_a_page_our_own_are_counted),
		TEST(who_has_no_address_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
