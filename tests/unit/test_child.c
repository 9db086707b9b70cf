/* SPDX-License-Identifier: MIT */
#include "sys/child.h"

#include <sys/resource.h>

#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "bomb.h"
#include "sys_fixture.h"

/* ---- processes --------------------------------------------------------------------- */

/* A child that waits for a signal; its pid, and its pidfd in *OUT. */
static int start(int *out)
{
	int pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(10);
		for (;;)
			(void)pause();
	}
	*out = sys_child_open(pid);
	assert_true(*out >= 0);
	assert_true(is_cloexec(*out));
	return pid;
}

static int start_and_exit(int code, int *out)
{
	int pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(code);
	*out = sys_child_open(pid);
	assert_true(*out >= 0);
	return pid;
}

static bool is_listed(int pid)
{
	int children[64];
	int n = sys_children(children, 64);

	/* Not every kernel tells. */
	if (n == -ENOENT)
		return true;
	for (int i = 0; i < n; i++)
		if (children[i] == pid)
			return true;
	return false;
}

static void children_are_told_from_others(void **state)
{
	struct child_end end;
	uid_t user = 77777;
	int init = sys_child_open(1);
	int fd;
	int pid = start(&fd);

	(void)state;
	assert_true(is_listed(pid));
	assert_true(sys_child_is_ours(fd));
	if (init >= 0)
		assert_false(sys_child_is_ours(init));
	fd_close(&init);
	assert_int_equal(sys_process_user(pid, &user), 0);
	assert_int_equal(user, getuid());
	assert_int_equal(sys_child_signal(fd, SIGKILL), 0);
	(void)wait_for(fd, POLLIN);
	/* Dead is ours as well, until it is reaped. */
	assert_true(sys_child_is_ours(fd));
	assert_int_equal(sys_child_reap(fd, &end), 1);
	assert_false(sys_child_is_ours(fd));
	fd_close(&fd);
}

static void descriptors_go_along_with_a_message(void **state)
{
	struct channel_message message;
	int pair[2], fds[2] = {0, 1};
	char bytes[8];

	(void)state;
	assert_int_equal(sys_channel_pair(pair, true), 0);
	assert_int_equal(sys_channel_send(pair[0], "abc", 3, fds, 0), -EINVAL);
	assert_int_equal(sys_channel_send(pair[0], "abc", 3, fds, 2), 0);
	assert_int_equal(
		sys_channel_read(pair[1], bytes, sizeof(bytes), &message), 1);
	assert_int_equal(message.size, 3);
	fd_close(&pair[1]);
	assert_true(sys_channel_send(pair[0], "abc", 3, fds, 2) < 0);
	fd_close(&pair[0]);
}

static void a_live_child_is_not_reaped(void **state)
{
	struct child_end end = {.code = 77};
	int fd;

	(void)state;
	(void)start(&fd);
	assert_int_equal(sys_child_reap(fd, &end), 0);
	assert_int_equal(end.code, 77);
	assert_int_equal(sys_child_signal(fd, 0), 0);
	assert_int_equal(sys_child_signal(fd, SIGTERM), 0);
	(void)wait_for(fd, POLLIN);
	assert_int_equal(sys_child_reap(fd, &end), 1);
	assert_int_equal(end.code, -1);
	assert_int_equal(end.signal, SIGTERM);
	assert_false(end.core);
	/* A stale pidfd harms nobody. */
	assert_int_equal(sys_child_reap(fd, &end), -ECHILD);
	assert_int_equal(sys_child_signal(fd, SIGKILL), -ESRCH);
	fd_close(&fd);
}

static void an_exit_has_its_code(void **state)
{
	struct child_end end = {.signal = 9};
	int fd;

	(void)state;
	(void)start_and_exit(42, &fd);
	(void)wait_for(fd, POLLIN);
	assert_int_equal(sys_child_reap(fd, &end), 1);
	assert_int_equal(end.code, 42);
	assert_int_equal(end.signal, 0);
	fd_close(&fd);
}

static void a_pidfd_is_needed(void **state)
{
	struct child_end end;
	int null = sys_open_null();

	(void)state;
	assert_int_equal(sys_child_reap(null, &end), -EBADF);
	assert_int_equal(sys_child_signal(null, SIGTERM), -EBADF);
	assert_int_equal(sys_child_open(0), -EINVAL);
	fd_close(&null);
}

static void strangers_are_found_one_at_a_time(void **state)
{
	struct child_end end;
	int fds[2], pids[2], seen;

	(void)state;
	assert_int_equal(sys_stranger_next(), 0);
	pids[0] = start_and_exit(1, &fds[0]);
	pids[1] = start_and_exit(2, &fds[1]);
	(void)wait_for(fds[0], POLLIN);
	(void)wait_for(fds[1], POLLIN);
	seen = sys_stranger_next();
	assert_true(seen == pids[0] || seen == pids[1]);
	/* It was only looked at. */
	assert_int_equal(sys_stranger_next(), seen);
	assert_int_equal(sys_reap_stranger(seen, &end), 1);
	assert_int_equal(end.code, seen == pids[0] ? 1 : 2);
	assert_int_equal(sys_reap_stranger(seen, &end), -ECHILD);
	assert_int_equal(
		sys_stranger_next(), seen == pids[0] ? pids[1] : pids[0]);
	assert_int_equal(sys_reap_stranger(sys_stranger_next(), &end), 1);
	assert_int_equal(sys_stranger_next(), 0);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

static int adopt(void)
{
	struct pollfd ready;
	struct child_end end;
	int ends[2], parent, orphan = 0, fd;

	if (sys_become_subreaper() != 0 || sys_pipe(ends, false) != 0)
		return 1;
	parent = fork();
	if (parent == 0) {
		orphan = fork();
		if (orphan == 0)
			for (;;)
				(void)pause();
		_exit(sys_write(ends[1], &orphan, sizeof(orphan)) != 4);
	}
	if (sys_read(ends[0], &orphan, sizeof(orphan)) != sizeof(orphan) ||
		waitpid(parent, NULL, 0) != parent)
		return 2;
	fd = sys_child_open(orphan);
	if (fd < 0 || sys_child_signal(fd, SIGKILL) != 0)
		return 3;
	ready = (struct pollfd){.fd = fd, .events = POLLIN};
	if (poll(&ready, 1, PATIENCE_MS) != 1)
		return 4;
	return sys_child_reap(fd, &end) != 1 || end.signal != SIGKILL;
}

static void orphans_become_ours(void **state)
{
	(void)state;
	in_a_child(adopt);
}

/* ---- channels ------------------------------------------------------------------------ */

struct pair {
	int ends[2];
};

static int set_up(void **state)
{
	static struct pair pair;

	*state = &pair;
	return sys_channel_pair(pair.ends, true);
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	fd_close(&pair->ends[0]);
	fd_close(&pair->ends[1]);
	return 0;
}

static void our_end_never_waits_and_theirs_may(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	char byte;
	int type = 0;
	socklen_t size = sizeof(type);

	assert_true(is_nonblocking(pair->ends[0]));
	assert_false(is_nonblocking(pair->ends[1]));
	assert_true(is_cloexec(pair->ends[0]));
	assert_true(is_cloexec(pair->ends[1]));
	assert_int_equal(
		getsockopt(pair->ends[1], SOL_SOCKET, SO_TYPE, &type, &size),
		0);
	assert_int_equal(type, SOCK_SEQPACKET);
	assert_int_equal(
		sys_channel_read(pair->ends[0], &byte, 1, &message), 0);
	/* Even if somebody has made it blocking. */
	assert_int_equal(fd_nonblocking(pair->ends[0], false), 0);
	assert_int_equal(
		sys_channel_read(pair->ends[0], &byte, 1, &message), 0);
}

static void a_message_is_whole_and_names_its_sender(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	char data[12] = "";

	assert_int_equal(sys_write(pair->ends[1], "hello", 6), 6);
	assert_int_equal(sys_write(pair->ends[1], "you", 4), 4);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_int_equal(message.size, 6);
	assert_false(message.truncated);
	assert_string_equal(data, "hello");
	assert_true(message.has_credentials);
	assert_int_equal(message.pid, getpid());
	assert_int_equal(message.uid, getuid());
	assert_int_equal(message.gid, getgid());
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_string_equal(data, "you");
}

/* Long ones, empty ones and the end among them. */
static void a_batch_is_all_that_is_there(void **state)
{
	struct pair *pair = *state;
	struct channel_batch batch;
	char text[] = "0123456789abcdefghi";

	assert_int_equal(sys_channel_read_batch(pair->ends[0], &batch), 0);
	for (size_t i = 0; i < CHANNEL_BATCH + 3; i++)
		assert_int_equal(write(pair->ends[1], text, i), i);
	assert_int_equal(
		sys_channel_read_batch(pair->ends[0], &batch), CHANNEL_BATCH);
	for (size_t i = 0; i < CHANNEL_BATCH; i++) {
		assert_int_equal(batch.messages[i].size, i);
		assert_false(batch.messages[i].truncated);
		assert_memory_equal(batch.bytes[i], text, i);
		assert_int_equal(batch.messages[i].pid, getpid());
	}
	assert_int_equal(sys_channel_read_batch(pair->ends[0], &batch), 3);
	assert_int_equal(batch.messages[0].size, CHANNEL_BYTES);
	assert_false(batch.messages[0].truncated);
	assert_true(batch.messages[1].truncated);
	assert_true(batch.messages[2].truncated);
	assert_int_equal(sys_channel_read_batch(pair->ends[0], &batch), 0);
	assert_int_equal(write(pair->ends[1], text, 12), 12);
	fd_close(&pair->ends[1]);
	assert_true(sys_channel_read_batch(pair->ends[0], &batch) >= 2);
	assert_int_equal(batch.messages[0].size, 12);
	assert_int_equal(batch.messages[1].size, 0);
	assert_false(batch.messages[1].has_credentials);
}

static void the_dead_are_named_too(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	char data[12];
	int pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sys_write(pair->ends[1], "x", 1) != 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_int_equal(message.pid, pid);
}

static void without_asking_nobody_is_named(void **state)
{
	struct channel_message message;
	int ends[2];
	char data[12];

	(void)state;
	assert_int_equal(sys_channel_pair(ends, false), 0);
	assert_int_equal(sys_write(ends[1], "x", 1), 1);
	assert_int_equal(sys_channel_read(ends[0], data, 12, &message), 1);
	assert_false(message.has_credentials);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static void a_long_message_is_marked_and_does_not_spill(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	char data[16] = "................", large[100];

	memset(large, 'L', sizeof(large));
	assert_int_equal(sys_write(pair->ends[1], large, 100), 100);
	assert_int_equal(sys_write(pair->ends[1], "x", 1), 1);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_true(message.truncated);
	assert_int_equal(message.size, 12);
	assert_int_equal(data[12], '.');
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_int_equal(message.size, 1);
	assert_false(message.truncated);
}

/* An empty message and the end look alike; only the end hangs up. */
static void an_empty_message_is_not_the_end(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	char data[12];

	assert_int_equal(send(pair->ends[1], "", 0, 0), 0);
	assert_int_equal(wait_for(pair->ends[0], POLLIN | POLLRDHUP), POLLIN);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_int_equal(message.size, 0);
	assert_true(message.has_credentials);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 0);
	fd_close(&pair->ends[1]);
	assert_true((wait_for(pair->ends[0], 0) & POLLHUP) != 0);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_int_equal(message.size, 0);
}

static void give(int fd, const int *gifts, size_t n)
{
	union {
		struct cmsghdr first;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = (char[]){"gift"}, .iov_len = 4};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};

	memset(&control, 0, sizeof(control));
	control.first.cmsg_level = SOL_SOCKET;
	control.first.cmsg_type = SCM_RIGHTS;
	control.first.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.first), gifts, n * sizeof(int));
	assert_int_equal(sendmsg(fd, &message, 0), 4);
}

/* As before Linux 6.16, which lets us refuse gifts beforehand. */
static int set_up_open(void **state)
{
	static struct pair pair;
	int on = 1;

	*state = &pair;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair.ends) < 0)
		return -1;
	return setsockopt(
		pair.ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

static void gifts_are_not_kept(void **state)
{
	static const size_t counts[] = {1, 2, 253};
	struct pair *pair = *state;
	struct channel_message message;
	int gifts[253], null = sys_open_null();
	unsigned before = count_fds();
	char data[12];

	for (unsigned i = 0; i < 253; i++)
		gifts[i] = null;
	for (unsigned i = 0; i < 3; i++) {
		give(pair->ends[1], gifts, counts[i]);
		assert_int_equal(
			sys_channel_read(pair->ends[0], data, 12, &message), 1);
		assert_int_equal(message.size, 4);
		assert_true(message.has_credentials);
		assert_int_equal(message.pid, getpid());
		assert_int_equal(count_fds(), before);
	}
	fd_close(&null);
}

static void a_gift_does_not_fail_where_no_number_is_free(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	struct rlimit old, none;
	int null = sys_open_null();
	char data[12];
	int result;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	give(pair->ends[1], &null, 1);
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	result = sys_channel_read(pair->ends[0], data, 12, &message);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(result, 1);
	assert_int_equal(message.size, 4);
	fd_close(&null);
}

/* 1 where the kernel lets a receiver say no. */
static bool can_refuse(void)
{
	int on = 0;
	socklen_t size = sizeof(on);
	int ends[2];
	bool can;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	can = getsockopt(ends[0], SOL_SOCKET, 83, &on, &size) == 0;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return can;
}

static void nobody_can_send_a_gift_to_our_end(void **state)
{
	struct pair *pair = *state;
	struct bomb bomb;

	bomb_make(&bomb);
	assert_int_equal(
		bomb_send(pair->ends[1], &bomb, 4), can_refuse() ? -1 : 0);
	fd_close(&bomb.peer);
}

static void a_gift_that_lingers_is_closed_at_once(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	struct bomb bomb;
	uint64_t begin_ns;
	char data[12];

	bomb_make(&bomb);
	assert_int_equal(bomb_send(pair->ends[1], &bomb, 4), 0);
	begin_ns = clock_now_ns();
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_true(clock_now_ns() - begin_ns < AT_ONCE_NS);
	fd_close(&bomb.peer);
}

static void a_channel_with_such_gifts_is_closed_at_once(void **state)
{
	struct pair *pair = *state;
	struct bomb bombs[2];
	uint64_t begin_ns;

	for (unsigned i = 0; i < 2; i++) {
		bomb_make(&bombs[i]);
		assert_int_equal(
			bomb_send(pair->ends[1], &bombs[i], i == 0 ? 0 : 4), 0);
	}
	begin_ns = clock_now_ns();
	sys_channel_close(&pair->ends[0]);
	assert_true(clock_now_ns() - begin_ns < AT_ONCE_NS);
	assert_int_equal(pair->ends[0], -1);
	for (unsigned i = 0; i < 2; i++)
		fd_close(&bombs[i].peer);
}

static void a_stream_is_closed_at_its_end(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(sys_write(ends[1], "hello", 5), 5);
	assert_int_equal(sys_write(ends[0], "bye", 3), 3);
	sys_channel_close(&ends[0]);
	assert_true((wait_for(ends[1], 0) & POLLHUP) != 0);
	assert_int_equal(sys_read(ends[1], (char[4]){0}, 4), 3);
	fd_close(&ends[1]);
}

static void our_half_close_is_heard_and_their_last_words_come(void **state)
{
	struct pair *pair = *state;
	struct channel_message message;
	char data[12];

	assert_int_equal(shutdown(pair->ends[0], SHUT_WR), 0);
	assert_int_equal(sys_read(pair->ends[1], data, 12), 0);
	assert_int_equal(sys_write(pair->ends[1], "bye", 3), 3);
	assert_int_equal(
		sys_channel_read(pair->ends[0], data, 12, &message), 1);
	assert_int_equal(message.size, 3);
	assert_int_equal(shutdown(pair->ends[0], SHUT_RDWR), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sys_write(pair->ends[1], "bye", 3), -EPIPE);
	(void)signal(SIGPIPE, SIG_DFL);
}

static void what_is_no_socket_is_told(void **state)
{
	struct channel_message message;
	int null = sys_open_null();
	char data[12];

	(void)state;
	assert_int_equal(sys_channel_read(null, data, 12, &message), -ENOTSOCK);
	fd_close(&null);
}

#define ON_OPEN(test)                                                          \
	cmocka_unit_test_setup_teardown(test, set_up_open, tear_down)
#define ON_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_child_is_not_reaped),
		cmocka_unit_test(children_are_told_from_others),
		cmocka_unit_test(descriptors_go_along_with_a_message),
		cmocka_unit_test(an_exit_has_its_code),
		cmocka_unit_test(a_pidfd_is_needed),
		cmocka_unit_test(strangers_are_found_one_at_a_time),
		cmocka_unit_test(orphans_become_ours),
		ON_PAIR(our_end_never_waits_and_theirs_may),
		ON_PAIR(a_message_is_whole_and_names_its_sender),
		ON_PAIR(a_batch_is_all_that_is_there),
		ON_PAIR(without_asking_nobody_is_named),
		ON_PAIR(the_dead_are_named_too),
		ON_PAIR(without_asking_nobody_is_named),
		ON_PAIR(a_long_message_is_marked_and_does_not_spill),
		ON_PAIR(an_empty_message_is_not_the_end),
		ON_OPEN(gifts_are_not_kept),
		ON_PAIR(nobody_can_send_a_gift_to_our_end),
		ON_OPEN(a_gift_that_lingers_is_closed_at_once),
		ON_OPEN(a_channel_with_such_gifts_is_closed_at_once),
		cmocka_unit_test(a_stream_is_closed_at_its_end),
		ON_OPEN(a_gift_does_not_fail_where_no_number_is_free),
		ON_PAIR(our_half_close_is_heard_and_their_last_words_come),
		cmocka_unit_test(what_is_no_socket_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
