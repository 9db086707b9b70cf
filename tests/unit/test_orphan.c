/* SPDX-License-Identifier: MIT */
#include "sys/orphan.h"

#include "sys/fd.h"
#include "sys/net.h"
#include "net_fixture.h"

/*
 * Holders are children of this program, and run it. One whose parent has the
 * listener, too, is somebody's worker; one whose parent has not, is nobody's.
 */
static const uint8_t loopback[16] = {127, 0, 0, 1};
static const uint8_t loopback6[16] = {[15] = 1};
static char self[4096];

static int start_holder(int *listener, bool keep)
{
	int pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(20);
		for (;;)
			(void)pause();
	}
	if (!keep)
		fd_close(listener);
	return pid;
}

static void end(int pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int listen_at(int family, uint16_t *out_port)
{
	int fd = sys_listen_inet(
		family, family == NET_IPV4 ? loopback : loopback6, 0, 10, NULL);

	if (fd >= 0)
		*out_port = (uint16_t)sys_local_port(fd);
	return fd;
}

static void check_taken(int family, const uint8_t address[16])
{
	struct wake_target target = {.kind = WAKE_INET, .family = family};
	int pid = 0, adopted, client, holder, served;
	uint16_t port = 0;
	int fd = listen_at(family, &port);

	if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
		return; /* a machine without IPv6 */
	assert_true(fd >= 0);
	/* Who waits in the queue is not lost by it. */
	memcpy(target.address, address, 16);
	target.port = port;
	client = sys_wake_start(&target);
	holder = start_holder(&fd, false);
	adopted = sys_adopt_listener(family, address, port, self, &pid);
	assert_true(adopted >= 0);
	assert_int_equal(pid, holder);
	assert_true(is_cloexec(adopted));
	assert_int_equal(sys_local_port(adopted), port);
	end(holder);
	(void)wait_for(adopted, POLLIN);
	served = sys_accept(adopted);
	assert_true(served >= 0);
	fd_close(&served);
	fd_close(&client);
	fd_close(&adopted);
}

static void a_listener_of_nobodys_worker_is_taken(void **state)
{
	(void)state;
	check_taken(NET_IPV4, loopback);
}

static void so_is_one_of_ipv6(void **state)
{
	(void)state;
	check_taken(NET_IPV6, loopback6);
}

static void one_whose_master_lives_is_left_alone(void **state)
{
	uint16_t port = 0;
	int fd = listen_at(NET_IPV4, &port);
	int holder = start_holder(&fd, true);
	int pid = 0;

	(void)state;
	assert_int_equal(
		sys_adopt_listener(NET_IPV4, loopback, port, self, &pid),
		-EADDRINUSE);
	end(holder);
	fd_close(&fd);
}

static void one_of_another_program_is_left_alone(void **state)
{
	uint16_t port = 0;
	int fd = listen_at(NET_IPV4, &port);
	int holder = start_holder(&fd, false);
	int pid = 0;

	(void)state;
	assert_int_equal(
		sys_adopt_listener(NET_IPV4, loopback, port, "/bin/sh", &pid),
		-EADDRINUSE);
	assert_int_equal(sys_adopt_listener(NET_IPV4, loopback, port,
				 "/nowhere/at/all", &pid),
		-EADDRINUSE);
	end(holder);
}

/* Anybody can start our programs, and have them hold a socket of his own. */
static void one_that_another_user_made_is_left_alone(void **state)
{
	uint16_t port = 0;
	int pid = 0, fd = -1, holder;

	(void)state;
	if (geteuid() != 0)
		return;
	assert_int_equal(seteuid(65534), 0);
	fd = listen_at(NET_IPV4, &port);
	assert_int_equal(seteuid(0), 0);
	assert_true(fd >= 0);
	holder = start_holder(&fd, false);
	assert_int_equal(
		sys_adopt_listener(NET_IPV4, loopback, port, self, &pid),
		-EADDRINUSE);
	end(holder);
}

static void one_at_another_address_is_left_alone(void **state)
{
	static const uint8_t other[16] = {127, 0, 0, 2};
	uint16_t port = 0;
	int fd = listen_at(NET_IPV4, &port);
	int holder = start_holder(&fd, false);
	int pid = 0;

	(void)state;
	assert_int_equal(sys_adopt_listener(NET_IPV4, other, port, self, &pid),
		-EADDRINUSE);
	end(holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_of_nobodys_worker_is_taken),
		cmocka_unit_test(so_is_one_of_ipv6),
		cmocka_unit_test(one_whose_master_lives_is_left_alone),
		cmocka_unit_test(one_of_another_program_is_left_alone),
		cmocka_unit_test(one_that_another_user_made_is_left_alone),
		cmocka_unit_test(one_at_another_address_is_left_alone),
	};
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0)
		self[n] = '\0';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
