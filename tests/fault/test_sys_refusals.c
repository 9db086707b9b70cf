/* SPDX-License-Identifier: MIT */
/*
 * Kernels and containers without clone3, close_range and epoll_pwait2: a
 * filter refuses them, as container runtimes do, and all goes on.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../unit/sys_fixture.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#define REFUSE(call, error)                                                    \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),                       \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

static int refuse_new_calls(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		REFUSE(SYS_clone3, ENOSYS),
		REFUSE(SYS_close_range, EPERM),
		REFUSE(SYS_epoll_pwait2, EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(steps) / sizeof(steps[0]), .filter = steps};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0;
}

/* Run "ls /proc/self/fd" with 0, 1 and 2; what it says is in TEXT. */
static int list_descriptors(struct spawner *s, char *text, size_t room)
{
	static const char *const argv[] = {"ls", "/proc/self/fd", NULL};
	static const char *const envp[] = {NULL};
	int null = sys_open_null(), ends[2], n = 0, got;
	struct spawned child;
	struct spawn_done done = {.stage = -1};
	struct child_end end = {.code = -2};

	if (sys_pipe(ends, false) != 0)
		return 20;
	if (spawn_start(s,
		    &(struct spawn_order){.path = "/bin/ls",
			    .argv = argv,
			    .envp = envp,
			    .fds = (int[]){null, ends[1], null},
			    .fds_n = 3},
		    1, &child) != 0)
		return 21;
	fd_close(&ends[1]);
	while ((got = sys_read(ends[0], text + n, room - 1 - (size_t)n)) > 0)
		n += got;
	text[n] = '\0';
	(void)wait_for(child.pidfd, POLLIN);
	if (spawn_collect(s, &done, 1) != 1 || done.stage != SPAWN_DONE)
		return 22;
	return sys_child_reap(child.pidfd, &end) != 1 || end.code != 0;
}

static int spawn_without(void)
{
	struct spawner *s;
	char text[256] = "";

	for (int i = 0; i < 50; i++) /* inherited, all of them */
		if (open("/dev/zero", O_RDONLY) < 0)
			return 10;
	if (refuse_new_calls() != 0)
		return 11;
	if (spawner_create(&s, SPAWN_CLONE) != -ENOSYS)
		return 12;
	if (spawner_create(&s, SPAWN_AUTO) != 0 ||
		spawner_method(s) != SPAWN_FORK)
		return 13;
	if (list_descriptors(s, text, sizeof(text)) != 0)
		return 14;
	spawner_destroy(s);
	/* 3 is the directory that ls itself has open. */
	return strcmp(text, "0\n1\n2\n3\n") != 0;
}

static void workers_start_where_new_calls_are_refused(void **state)
{
	(void)state;
	in_a_child(spawn_without);
}

static int wait_without(void)
{
	struct loop *loop;
	struct loop_event event;
	uint64_t start;
	int ends[2];

	if (refuse_new_calls() != 0 || loop_create(&loop) != 0 ||
		sys_pipe(ends, true) != 0)
		return 10;
	for (int i = 0; i < 2; i++) {
		start = clock_now_ns();
		if (loop_wait(loop, start, start + 1500000, &event, 1) != 0)
			return 11;
		if (clock_now_ns() < start + 1500000)
			return 12; /* rounded down: a busy loop */
	}
	if (loop_add(loop, ends[1], LOOP_OUT, 1) != 0 ||
		loop_wait(loop, 0, LOOP_FOREVER, &event, 1) != 1 ||
		loop_wait(loop, 0, LOOP_FOREVER - 1, &event, 1) != 1)
		return 13;
	loop_destroy(loop);
	return 0;
}

static void the_loop_waits_where_its_call_is_refused(void **state)
{
	(void)state;
	in_a_child(wait_without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_start_where_new_calls_are_refused),
		cmocka_unit_test(the_loop_waits_where_its_call_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
