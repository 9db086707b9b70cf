/* SPDX-License-Identifier: MIT */
/* Waking a service whose clients are passed to it. */
#include "net_fixture.h"
#include "sys/fd.h"
#include "sys/net.h"

/* What came with the one byte that CLIENT has sent; it must be a NUL. */
static int receive_gift(int client)
{
	_Alignas(struct cmsghdr) char control[64];
	char data[8] = "xxxxxxx";
	struct iovec part = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int gift = -1;

	assert_int_equal(recvmsg(client, &message, 0), 1);
	assert_int_equal(data[0], 0);
	header = CMSG_FIRSTHDR(&message);
	assert_non_null(header);
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	assert_int_equal(header->cmsg_len, CMSG_LEN(sizeof(int)));
	memcpy(&gift, CMSG_DATA(header), sizeof(gift));
	assert_null(CMSG_NXTHDR(&message, header));
	return gift;
}

static void a_wake_up_is_passed_in_a_pipe(void **state)
{
	struct wake_target target = {
		.kind = WAKE_UNIX, .path = in_scratch("pass")};
	unsigned fds = count_fds();
	struct net_named named;
	struct stat st;
	char text[8] = "xxxxxxx";
	int client, served, gift;

	(void)state;
	assert_int_equal(open_stream(target.path, &named), 0);
	assert_int_equal(sys_listen_unix_commit(&named), 0);
	client = sys_wake_start(&target);
	assert_true(client >= 0);
	assert_int_equal(sys_wake_pass(client, "W", 2), 0);
	fd_close(&client);
	served = sys_accept(named.fd);
	assert_true(served >= 0);
	gift = receive_gift(served);
	assert_int_equal(fstat(gift, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(sys_read(gift, text, sizeof(text)), 2);
	assert_memory_equal(text, "W\0", 2);
	assert_int_equal(sys_read(gift, text, sizeof(text)), 0);
	assert_int_equal(sys_read(served, text, sizeof(text)), 0);
	fd_close(&gift);
	fd_close(&served);
	fd_close(&named.fd);
	assert_int_equal(count_fds(), fds);
}

static void a_wake_up_that_cannot_be_passed_leaves_nothing_open(void **state)
{
	unsigned fds = count_fds();
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	fd_close(&ends[1]);
	assert_int_equal(sys_wake_pass(ends[0], "W", 2), -EPIPE);
	fd_close(&ends[0]);
	assert_int_equal(sys_wake_pass(-1, "W", 2), -EBADF);
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wake_up_is_passed_in_a_pipe),
		cmocka_unit_test(
			a_wake_up_that_cannot_be_passed_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
