/* SPDX-License-Identifier: MIT */
#include "sys/loop.h"

#include <sys/time.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/signals.h"
#include "sys_fixture.h"

struct fixture {
	struct loop *loop;
	int ends[2]; /* a connected pair */
};

static int set_up(void **state)
{
	static struct fixture f;

	*state = &f;
	if (loop_create(&f.loop) < 0)
		return -1;
	return socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f.ends);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	loop_destroy(f->loop);
	fd_close(&f->ends[0]);
	fd_close(&f->ends[1]);
	return 0;
}

/* What is ready now. */
static int look(struct fixture *f, struct loop_event *out, int max)
{
	return loop_wait(f->loop, 5, 5, out, max);
}

static void a_ready_descriptor_brings_its_tag(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(
		loop_add(f->loop, f->ends[0], LOOP_IN, 0xfedcba9876543210u), 0);
	assert_int_equal(look(f, &event, 1), 0);
	assert_int_equal(sys_write(f->ends[1], "x", 1), 1);
	assert_int_equal(look(f, &event, 1), 1);
	assert_true(event.tag == 0xfedcba9876543210u);
	assert_int_equal(event.ready, LOOP_IN);
	/* Level triggered: it stays ready until it is read. */
	assert_int_equal(look(f, &event, 1), 1);
}

static void what_is_not_asked_for_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(loop_add(f->loop, f->ends[0], 0, 1), 0);
	assert_int_equal(sys_write(f->ends[1], "x", 1), 1);
	assert_int_equal(look(f, &event, 1), 0);
	assert_int_equal(loop_change(f->loop, f->ends[0], LOOP_OUT, 2), 0);
	assert_int_equal(look(f, &event, 1), 1);
	assert_int_equal(event.tag, 2);
	assert_int_equal(event.ready, LOOP_OUT);
}

static void a_hang_up_is_told_even_without_interest(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(loop_add(f->loop, f->ends[0], 0, 1), 0);
	fd_close(&f->ends[1]);
	assert_int_equal(look(f, &event, 1), 1);
	assert_int_equal(event.ready, LOOP_HUP);
}

static void half_a_hang_up_is_told_if_asked_for(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(loop_add(f->loop, f->ends[0], LOOP_RDHUP, 1), 0);
	assert_int_equal(shutdown(f->ends[1], SHUT_WR), 0);
	assert_int_equal(look(f, &event, 1), 1);
	assert_int_equal(event.ready, LOOP_RDHUP);
}

static void once_is_once_until_it_is_armed_again(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(
		loop_add(f->loop, f->ends[0], LOOP_IN | LOOP_ONCE, 1), 0);
	assert_int_equal(sys_write(f->ends[1], "x", 1), 1);
	assert_int_equal(look(f, &event, 1), 1);
	assert_int_equal(look(f, &event, 1), 0);
	assert_int_equal(
		loop_change(f->loop, f->ends[0], LOOP_IN | LOOP_ONCE, 3), 0);
	assert_int_equal(look(f, &event, 1), 1);
	assert_int_equal(event.tag, 3);
}

static void a_removed_descriptor_is_silent_even_if_a_copy_lives(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;
	int copy = fd_above(f->ends[0], 100);

	assert_int_equal(loop_add(f->loop, f->ends[0], LOOP_IN, 1), 0);
	assert_int_equal(sys_write(f->ends[1], "x", 1), 1);
	assert_int_equal(loop_remove(f->loop, f->ends[0]), 0);
	fd_close(&f->ends[0]);
	assert_int_equal(look(f, &event, 1), 0);
	fd_close(&copy);
}

static void mistakes_are_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_add(f->loop, 999, LOOP_IN, 1), -EBADF);
	assert_int_equal(loop_add(f->loop, f->ends[0], LOOP_IN, 1), 0);
	assert_int_equal(loop_add(f->loop, f->ends[0], LOOP_IN, 1), -EEXIST);
	assert_int_equal(loop_change(f->loop, f->ends[1], 0, 1), -ENOENT);
	assert_int_equal(loop_remove(f->loop, f->ends[1]), -ENOENT);
}

/* 1.5 ms is finer than epoll_wait; the best of some rounds is near it. */
static void a_deadline_ends_the_wait_and_not_before(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t start = clock_now_ns();
		uint64_t deadline = start + 1500000, took;

		assert_int_equal(
			loop_wait(f->loop, start, deadline, &event, 1), 0);
		took = clock_now_ns() - start;
		assert_true(took >= 1500000);
		best = took < best ? took : best;
	}
	assert_true(best < 500000000);
}

static void a_past_deadline_does_not_wait(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(loop_wait(f->loop, 100, 0, &event, 1), 0);
	assert_int_equal(loop_wait(f->loop, UINT64_MAX - 1, 7, &event, 1), 0);
}

static void a_far_deadline_does_not_overflow(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;

	assert_int_equal(loop_add(f->loop, f->ends[0], LOOP_OUT, 1), 0);
	assert_int_equal(loop_wait(f->loop, 0, UINT64_MAX - 1, &event, 1), 1);
	assert_int_equal(loop_wait(f->loop, 0, LOOP_FOREVER, &event, 1), 1);
}

static void on_alarm(int number)
{
	(void)number;
}

static void a_signal_ends_the_wait_without_an_event(void **state)
{
	struct fixture *f = *state;
	struct loop_event event;
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value = {.tv_usec = 20000},
		.it_interval = {.tv_usec = 20000}};
	struct itimerval never = {.it_value = {.tv_usec = 0}};

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(loop_wait(f->loop, 0, LOOP_FOREVER, &event, 1), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

static void many_events_come_in_batches(void **state)
{
	struct fixture *f = *state;
	struct loop_event events[200];
	int fds[100];
	bool seen[100] = {false};
	int n;

	for (int i = 0; i < 100; i++) {
		fds[i] = fd_above(f->ends[0], 3);
		assert_int_equal(
			loop_add(f->loop, fds[i], LOOP_OUT, (uint64_t)i), 0);
	}
	assert_int_equal(look(f, events, 3), 3);
	for (int round = 0; round < 4; round++) {
		n = look(f, events, 200);
		assert_true(n > 3);
		for (int i = 0; i < n; i++)
			seen[events[i].tag] = true;
	}
	for (int i = 0; i < 100; i++) {
		assert_true(seen[i]);
		assert_int_equal(loop_remove(f->loop, fds[i]), 0);
		fd_close(&fds[i]);
	}
}

/* ---- signals are input ----------------------------------------------------------- */

static void signals_are_read_in_the_loop(void **state)
{
	static const int wanted[] = {SIGHUP, SIGTERM};
	struct fixture *f = *state;
	struct loop_event event;
	sigset_t old, now;
	int fd, from = -1;

	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &old), 0);
	(void)signal(SIGHUP, SIG_IGN); /* as nohup(1) leaves it */
	(void)signal(SIGCHLD, SIG_IGN);
	fd = sys_signals_open(wanted, 2);
	assert_true(fd >= 0);
	assert_true(is_cloexec(fd) && is_nonblocking(fd));
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	assert_int_equal(sigismember(&now, SIGPIPE), 1);
	assert_int_equal(sigismember(&now, SIGCHLD), 1);
	assert_true(signal(SIGCHLD, SIG_DFL) == SIG_DFL);
	assert_int_equal(loop_add(f->loop, fd, LOOP_IN, 9), 0);
	assert_int_equal(sys_signal_next(fd, &from), 0);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_int_equal(look(f, &event, 1), 1);
	assert_int_equal(sys_signal_next(fd, &from), SIGHUP);
	assert_int_equal(from, getpid());
	assert_int_equal(sys_signal_next(fd, &from), 0);
	fd_close(&fd);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

static void a_wrong_signal_is_refused(void **state)
{
	static const int wrong[] = {1000};
	static const int kill_it[] = {SIGKILL};

	(void)state;
	assert_int_equal(sys_signals_open(wrong, 1), -EINVAL);
	assert_int_equal(sys_signals_open(kill_it, 1), -EINVAL);
}

static void we_can_die_of_a_signal_that_is_blocked(void **state)
{
	static const int wanted[] = {SIGTERM};
	int status, pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(10);
		(void)sys_signals_open(wanted, 1);
		(void)sys_signal_die(SIGTERM);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void a_group_gets_its_signal(void **state)
{
	static const int wanted[] = {SIGUSR1};
	int status, pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd, from;

		(void)alarm(10);
		fd = sys_signals_open(wanted, 1);
		if (setpgid(0, 0) < 0 || sys_signal_group(SIGUSR1) < 0)
			_exit(1);
		_exit(sys_signal_next(fd, &from) == SIGUSR1 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define IN_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_LOOP(a_ready_descriptor_brings_its_tag),
		IN_LOOP(what_is_not_asked_for_is_not_told),
		IN_LOOP(a_hang_up_is_told_even_without_interest),
		IN_LOOP(half_a_hang_up_is_told_if_asked_for),
		IN_LOOP(once_is_once_until_it_is_armed_again),
		IN_LOOP(a_removed_descriptor_is_silent_even_if_a_copy_lives),
		IN_LOOP(mistakes_are_told),
		IN_LOOP(a_deadline_ends_the_wait_and_not_before),
		IN_LOOP(a_past_deadline_does_not_wait),
		IN_LOOP(a_far_deadline_does_not_overflow),
		IN_LOOP(a_signal_ends_the_wait_without_an_event),
		IN_LOOP(many_events_come_in_batches),
		IN_LOOP(signals_are_read_in_the_loop),
		cmocka_unit_test(a_wrong_signal_is_refused),
		cmocka_unit_test(we_can_die_of_a_signal_that_is_blocked),
		cmocka_unit_test(a_group_gets_its_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
