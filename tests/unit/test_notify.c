/* SPDX-License-Identifier: MIT */
#include "sys/notify.h"

#include <sys/un.h>

#include "sys_fixture.h"

/* In the abstract name space: ours alone. */
static const char *abstract(void)
{
	static char name[64];
	static unsigned n;

	(void)snprintf(
		name, sizeof(name), "@ostler-test-%d-%u", (int)getpid(), n++);
	return name;
}

static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size_t n = strlen(name);

	assert_true(fd >= 0 && n < sizeof(address.sun_path));
	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    n)),
		0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

/* The descriptor that came with TEXT, or -1. */
static int hear(int fd, const char *text)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = "";
	char buffer[200];
	struct iovec part = {buffer, sizeof(buffer) - 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	int gift = -1;

	assert_true(n >= 0);
	buffer[n] = '\0';
	assert_string_equal(buffer, text);
	if (CMSG_FIRSTHDR(&message) != NULL)
		memcpy(&gift, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(gift));
	return gift;
}

static void nobody_is_told_without_a_name(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_false(sys_notify_wanted());
	assert_int_equal(sys_notify("READY=1"), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
	assert_false(sys_notify_wanted());
	assert_int_equal(sys_notify("READY=1"), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "vsock:2:1", 1), 0);
	assert_int_equal(sys_notify("READY=1"), -EINVAL);
}

static void a_path_and_an_abstract_name_are_told(void **state)
{
	const char *names[] = {in_scratch("notify"), abstract()};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);

		assert_true(sys_notify_wanted());
		assert_int_equal(sys_notify("READY=1\nSTATUS=up"), 1);
		assert_int_equal(hear(fd, "READY=1\nSTATUS=up"), -1);
		assert_int_equal(close(fd), 0);
		assert_true(sys_notify("READY=1") < 0);
	}
}

static void a_descriptor_goes_along(void **state)
{
	int fd = listen_at(abstract());
	int ends[2];
	int gift;
	char byte = 'x';

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sys_notify_fd("FDSTORE=1\nFDNAME=a", -1), -EBADF);
	assert_int_equal(sys_notify_fd("FDSTORE=1\nFDNAME=a", ends[1]), 1);
	gift = hear(fd, "FDSTORE=1\nFDNAME=a");
	assert_true(gift >= 0);
	assert_int_equal(write(gift, &byte, 1), 1);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(close(gift) + close(ends[0]) + close(ends[1]), 0);
	assert_int_equal(close(fd), 0);
}

static void a_full_queue_is_said_at_once(void **state)
{
	int fd = listen_at(abstract());
	int result;

	(void)state;
	do
		result = sys_notify("READY=1");
	while (result == 1);
	assert_int_equal(result, -EAGAIN);
	assert_int_equal(close(fd), 0);
}

static void set_watchdog(const char *us, const char *pid)
{
	assert_int_equal(us == NULL ? unsetenv("WATCHDOG_USEC")
				    : setenv("WATCHDOG_USEC", us, 1),
		0);
	assert_int_equal(pid == NULL ? unsetenv("WATCHDOG_PID")
				     : setenv("WATCHDOG_PID", pid, 1),
		0);
}

static void the_watchdog_is_ours_or_nobodys(void **state)
{
	char pid[24];

	(void)state;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	set_watchdog(NULL, NULL);
	assert_int_equal(sys_watchdog_ns(), 0);
	set_watchdog("2000000", NULL);
	assert_int_equal(sys_watchdog_ns(), 2000000000);
	set_watchdog("2000000", pid);
	assert_int_equal(sys_watchdog_ns(), 2000000000);
	set_watchdog("2000000", "1");
	assert_int_equal(sys_watchdog_ns(), 0);
	set_watchdog("2000000", "");
	assert_int_equal(sys_watchdog_ns(), 0);
	set_watchdog("-1", pid);
	assert_int_equal(sys_watchdog_ns(), 0);
	set_watchdog("12s", pid);
	assert_int_equal(sys_watchdog_ns(), 0);
	set_watchdog("18446744073709551615", pid);
	assert_int_equal(sys_watchdog_ns(), 0);
	set_watchdog("99999999999999999999", pid);
	assert_int_equal(sys_watchdog_ns(), 0);
}

/* A datagram of N bytes with two descriptors, which no manager's has. */
static void send_two(const char *name, const char *words, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = "";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec part = {(char *)(size_t)words, n};
	struct msghdr message = {.msg_name = &address,
		.msg_namelen =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    strlen(name)),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	const int gifts[2] = {0, 0};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(address.sun_path, name, strlen(name));
	address.sun_path[0] = '\0';
	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(gifts));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), gifts, sizeof(gifts));
	assert_int_equal(sendmsg(fd, &message, 0), (int)n);
	assert_int_equal(close(fd), 0);
}

static int lowest_free(void)
{
	int fd = dup(0);

	assert_int_equal(close(fd), 0);
	return fd;
}

static void what_is_passed_on_is_one_process_and_leaves_nothing(void **state)
{
	char name[NOTIFY_NAME_MAX];
	int manager = listen_at(abstract());
	int relay = sys_notify_relay(name);
	char *where = strdup(getenv("NOTIFY_SOCKET"));
	char byte;
	int before;

	(void)state;
	assert_true(relay >= 0);
	before = lowest_free();
	send_two(name, "FDSTORE=1", 9);
	send_two(name, "FDSTORE=1", 9);
	sys_notify_pass(relay, (int)getpid());
	assert_int_equal(lowest_free(), before);
	assert_int_equal(recv(manager, &byte, 1, 0), -1);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_int_equal(sys_notify("READY=1"), 1);
	assert_int_equal(sys_notify_fd("FDSTORE=1", 0), 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", where, 1), 0);
	sys_notify_pass(relay, (int)getpid());
	assert_int_equal(hear(manager, "READY=1"), -1);
	assert_int_equal(close(hear(manager, "FDSTORE=1")), 0);
	assert_int_equal(lowest_free(), before);
	assert_int_equal(close(relay) + close(manager), 0);
	free(where);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_passed_on_is_one_process_and_leaves_nothing),
		cmocka_unit_test(nobody_is_told_without_a_name),
		cmocka_unit_test(a_path_and_an_abstract_name_are_told),
		cmocka_unit_test(a_descriptor_goes_along),
		cmocka_unit_test(a_full_queue_is_said_at_once),
		cmocka_unit_test(the_watchdog_is_ours_or_nobodys),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
