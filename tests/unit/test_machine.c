/* SPDX-License-Identifier: MIT */
#include "sys/machine.h"

#include "sys/hosts.h"
#include "sys/net.h"
#include "sys/process.h"
#include "sys_fixture.h"

static bool is_among(const struct machine_address *all, int n, int family,
	const uint8_t bytes[16])
{
	bool found = false;

	for (int i = 0; i < n; i++) {
		bool same = all[i].family == family &&
			    memcmp(all[i].bytes, bytes, 16) == 0;

		assert_false(same && found); /* each once */
		found = found || same;
	}
	return found;
}

static const uint8_t loopback[16] = {127, 0, 0, 1};
static const uint8_t loopback6[16] = {[15] = 1};
static const uint8_t elsewhere[16] = {192, 0, 2, 7};

static void our_addresses_have_the_loopback_among_them(void **state)
{
	struct machine_address all[64], one[1];
	int n = sys_own_addresses(all, 64);

	(void)state;
	assert_true(n > 0);
	assert_true(is_among(all, n, NET_IPV4, loopback));
	assert_false(is_among(all, n, NET_IPV4, elsewhere));
	assert_int_equal(sys_own_addresses(one, 1), 1);
	assert_int_equal(sys_own_addresses(one, 0), 0);
	/* What it says of IPv6 is so. */
	if (is_among(all, n, NET_IPV6, loopback6))
		assert_true(sys_has_family(NET_IPV6));
	assert_true(sys_has_family(NET_IPV4));
}

static void ports_have_names(void **state)
{
	(void)state;
	if (sys_service_port("smtp") == 0)
		skip(); /* no /etc/services here */
	assert_int_equal(sys_service_port("smtp"), 25);
	assert_int_equal(sys_service_port("no-such-service"), 0);
	assert_int_equal(sys_service_port("25"), 0);
}

static void a_host_is_its_addresses(void **state)
{
	struct machine_address all[64];
	const char *error = NULL;

	(void)state;
	assert_int_equal(sys_resolve_now("192.0.2.7", all, 64), 1);
	assert_int_equal(all[0].family, NET_IPV4);
	assert_memory_equal(all[0].bytes, elsewhere, 16);
	assert_int_equal(sys_resolve_now("::1", all, 64), 1);
	assert_int_equal(all[0].family, NET_IPV6);
	assert_memory_equal(all[0].bytes, loopback6, 16);
	assert_true(is_among(all, (int)sys_resolve_now("localhost", all, 64),
			    NET_IPV4, loopback) ||
		    is_among(all, (int)sys_resolve_now("localhost", all, 64),
			    NET_IPV6, loopback6));
	assert_int_equal(sys_resolve_now("localhost", all, 0), 0);
	assert_int_equal(sys_resolve("no such host", all, 64, &error), 0);
	assert_non_null(error);
	assert_true(strlen(error) > 5);
}

static int read_answers(struct hosts *hosts, struct host_answer *out)
{
	int result;

	while ((result = sys_hosts_read(hosts, out)) == -EAGAIN)
		(void)wait_for(sys_hosts_fd(hosts), POLLIN);
	return result;
}

static void hosts_are_looked_up_in_a_process_of_their_own(void **state)
{
	static const char *const names[] = {"192.0.2.7", "no such host", "::1"};
	struct host_answer answers[3];
	unsigned fds = count_fds();
	struct hosts *hosts;
	int pid;

	(void)state;
	assert_int_equal(sys_hosts_start(names, 3, &hosts), 0);
	assert_true(is_cloexec(sys_hosts_fd(hosts)));
	assert_true(is_nonblocking(sys_hosts_fd(hosts)));
	pid = sys_hosts_pid(hosts);
	assert_true(pid > 0);
	assert_int_equal(read_answers(hosts, answers), 0);
	sys_hosts_cancel(hosts);
	assert_int_equal(answers[0].n, 1);
	assert_memory_equal(answers[0].addresses[0].bytes, elsewhere, 16);
	assert_string_equal(answers[0].error, "");
	assert_int_equal(answers[1].n, 0);
	assert_true(strlen(answers[1].error) > 5);
	assert_int_equal(answers[2].n, 1);
	assert_int_equal(answers[2].addresses[0].family, NET_IPV6);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(count_fds(), fds);
}

static void many_hosts_are_more_than_a_pipe_holds(void **state)
{
	const char *names[200];
	struct host_answer *answers = calloc(200, sizeof(*answers));
	struct hosts *hosts;

	(void)state;
	assert_non_null(answers);
	for (unsigned i = 0; i < 200; i++)
		names[i] = "192.0.2.7";
	assert_int_equal(sys_hosts_start(names, 200, &hosts), 0);
	assert_int_equal(read_answers(hosts, answers), 0);
	assert_int_equal(answers[199].n, 1);
	sys_hosts_cancel(hosts);
	free(answers);
}

static void a_look_up_of_hosts_can_be_cancelled_or_die(void **state)
{
	static const char *const names[] = {"192.0.2.7"};
	struct host_answer answer;
	unsigned fds = count_fds();
	struct hosts *hosts;
	int result;

	(void)state;
	sys_hosts_cancel(NULL);
	assert_int_equal(sys_hosts_start(names, 1, &hosts), 0);
	sys_hosts_cancel(hosts);
	assert_int_equal(sys_hosts_start(names, 1, &hosts), 0);
	assert_int_equal(kill(sys_hosts_pid(hosts), SIGKILL), 0);
	result = read_answers(hosts, &answer); /* it may have been quicker */
	assert_true(result == -EPIPE || result == 0);
	sys_hosts_cancel(hosts);
	assert_int_equal(count_fds(), fds);
}

static void we_run_on_a_processor_at_least(void **state)
{
	(void)state;
	assert_true(sys_processors() >= 1);
	assert_true(sys_processors() <= 4096);
}

/* It runs until it has had 20 ms, however many others there are. */
static void what_a_process_has_had_of_processors_is_known(void **state)
{
	struct process_time time = {.run_ns = 0};
	int pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(60);
		for (;;)
			continue;
	}
	while (time.run_ns < 20000000)
		time = sys_process_time(pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(sys_process_time(pid).run_ns, 0);
	assert_int_equal(sys_process_time(pid).wait_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_addresses_have_the_loopback_among_them),
		cmocka_unit_test(ports_have_names),
		cmocka_unit_test(we_run_on_a_processor_at_least),
		cmocka_unit_test(what_a_process_has_had_of_processors_is_known),
		cmocka_unit_test(a_host_is_its_addresses),
		cmocka_unit_test(hosts_are_looked_up_in_a_process_of_their_own),
		cmocka_unit_test(many_hosts_are_more_than_a_pipe_holds),
		cmocka_unit_test(a_look_up_of_hosts_can_be_cancelled_or_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
