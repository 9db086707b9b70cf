/* SPDX-License-Identifier: MIT */
/*
 * How long is waited for: the clock leaps, so that nobody has to. The calls
 * are caught by the linker (--wrap, see meson.build).
 */
#include "../unit/sys_fixture.h"
#include "sys/clock.h"
#include "sys/daemon.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t leapt_ns;
static uint64_t leaps_ns[4]; /* one for each wait; then none is left to wait */
static unsigned waits;

uint64_t __real_clock_now_ns(void);
uint64_t __wrap_clock_now_ns(void);
uint64_t __wrap_clock_now_ns(void)
{
	return __real_clock_now_ns() + leapt_ns;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	(void)fds;
	(void)n;
	assert_true(waits < 4 && timeout_ms > 0);
	leapt_ns += leaps_ns[waits++];
	errno = EINTR;
	return waits % 2 ? -1 : 0;
}

static void who_is_not_ready_in_100_s_is_killed(void **state)
{
	unsigned fds = count_fds();
	struct monitor monitor = {.fd = -1};
	int result;

	(void)state;
	leaps_ns[0] = 50 * NS_PER_S;
	leaps_ns[1] = 49 * NS_PER_S;
	leaps_ns[2] = 2 * NS_PER_S;
	result = sys_monitor_start(&monitor);
	if (result == 0) {
		(void)alarm(20);
		for (;;)
			(void)pause();
	}
	assert_int_equal(result, -ETIMEDOUT);
	assert_int_equal(waits, 3);
	assert_int_equal(wait(NULL), -1); /* reaped */
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_ready_in_100_s_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
