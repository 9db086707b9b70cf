/* SPDX-License-Identifier: MIT */
#include "sys/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sys/fd.h"

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

int sys_notify(const char *state)
{
	const char *where = getenv("NOTIFY_SOCKET");
	AUTO_CLOSE int fd = -1;
	struct sockaddr_un address;
	socklen_t size;
	int result;

	if (where == NULL || where[0] == '\0')
		return 0;
	result = find_address(where, &address, &size);
	if (result < 0)
		return result;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		    (const struct sockaddr *)&address, size) < 0)
		return -errno;
	return 1;
}
