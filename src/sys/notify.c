/* SPDX-License-Identifier: MIT */
#include "sys/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"

#define NS_PER_US UINT64_C(1000)
#define PASSED_MAX 256u /* at once */

/* The manager's address; "@name" is in the abstract name space. */
static int find_address(
	const char *text, struct sockaddr_un *out, socklen_t *out_size)
{
	size_t n = strlen(text);

	if (n < 2 || (text[0] != '/' && text[0] != '@'))
		return -EINVAL;
	if (n >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, text, n);
	if (text[0] == '@')
		out->sun_path[0] = '\0';
	*out_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return 0;
}

bool sys_notify_wanted(void)
{
	const char *where = getenv("NOTIFY_SOCKET");

	return where != NULL && where[0] != '\0';
}

/* GIFT: a descriptor, or -1. */
static int tell(const char *state, int gift)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = {
		.iov_base = (char *)(size_t)state, .iov_len = strlen(state)};
	struct sockaddr_un address;
	struct msghdr message = {
		.msg_name = &address, .msg_iov = &part, .msg_iovlen = 1};
	AUTO_CLOSE int fd = -1;
	int result;

	if (!sys_notify_wanted())
		return 0;
	result = find_address(
		getenv("NOTIFY_SOCKET"), &address, &message.msg_namelen);
	if (result < 0)
		return result;
	if (gift >= 0) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(gift));
		memcpy(CMSG_DATA(header), &gift, sizeof(gift));
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		return -errno;
	return 1;
}

int sys_notify(const char *state)
{
	return tell(state, -1);
}

int sys_notify_fd(const char *state, int fd)
{
	return fd < 0 ? -EBADF : tell(state, fd);
}

/* In the abstract name space, by a name that the kernel finds. */
static int bind_anywhere(int fd, char name[NOTIFY_NAME_MAX])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(address.sun_family);
	size_t n;

	if (bind(fd, (const struct sockaddr *)&address, size) < 0)
		return -errno;
	size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	n = size - offsetof(struct sockaddr_un, sun_path);
	if (n < 2 || n >= NOTIFY_NAME_MAX)
		return -EINVAL;
	memcpy(name, address.sun_path, n);
	name[0] = '@';
	name[n] = '\0';
	return 0;
}

int sys_notify_relay(char name[NOTIFY_NAME_MAX])
{
	AUTO_CLOSE int fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	int result;

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	result = bind_anywhere(fd, name);
	return result < 0 ? result : fd_take(&fd);
}

/* Room for who sent it and one descriptor, to the byte: padding has room. */
union passed {
	struct cmsghdr first;
	char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_LEN(sizeof(int))];
};

static int sender_of(struct msghdr *message, int *out_gift)
{
	struct cmsghdr *item = CMSG_FIRSTHDR(message);
	struct ucred sender = {.pid = 0};

	for (; item != NULL; item = CMSG_NXTHDR(message, item)) {
		if (item->cmsg_level != SOL_SOCKET)
			continue;
		if (item->cmsg_type == SCM_CREDENTIALS)
			memcpy(&sender, CMSG_DATA(item), sizeof(sender));
		else if (item->cmsg_type == SCM_RIGHTS)
			memcpy(out_gift, CMSG_DATA(item), sizeof(*out_gift));
	}
	return sender.pid;
}

void sys_notify_pass(int fd, int pid)
{
	char words[4096];

	/* Anybody may send; whoever looks comes again while there is more. */
	for (unsigned i = 0; i < PASSED_MAX; i++) {
		AUTO_CLOSE int gift = -1;
		union passed control;
		struct iovec part = {
			.iov_base = words, .iov_len = sizeof(words) - 1};
		struct msghdr message = {.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control.bytes)};
		ssize_t n =
			recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		/* Who is not of our name space of processes has number 0. */
		if (sender_of(&message, &gift) != pid || pid == 0 ||
			(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
			continue;
		words[n] = '\0';
		(void)tell(words, gift); /* nobody may be listening */
	}
}

/* A number of the environment; 0: none, or nonsense. */
static unsigned long long number_of(const char *name)
{
	const char *word = getenv(name);
	unsigned long long number;
	char *end;

	if (word == NULL || word[0] < '0' || word[0] > '9')
		return 0;
	errno = 0;
	number = strtoull(word, &end, 10);
	return errno != 0 || *end != '\0' ? 0 : number;
}

uint64_t sys_watchdog_ns(void)
{
	uint64_t us = number_of("WATCHDOG_USEC");

	if (getenv("WATCHDOG_PID") != NULL &&
		number_of("WATCHDOG_PID") != (unsigned long long)getpid())
		return 0;
	return us > UINT64_MAX / NS_PER_US ? 0 : us * NS_PER_US;
}
