/* SPDX-License-Identifier: MIT */
#include "sys/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/net.h"

#define FIRST 3		/* SD_LISTEN_FDS_START */
#define LOWEST 256	/* workers and their starts use the numbers below */
#define COUNT_MAX 65536 /* more is nonsense */

/* ---- the variables ----------------------------------------------------------- */

/* A number that is more than 0; -EINVAL: it is none. */
static int number_of(const char *word)
{
	unsigned long number;
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(word, &end, 10);
	if (errno != 0 || *end != '\0' || number == 0 || number > INT32_MAX)
		return -EINVAL;
	return (int)number;
}

/* How many there are for us. */
static int count(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int n;

	if (pid == NULL || fds == NULL)
		return 0;
	n = number_of(pid);
	if (n < 0)
		return n;
	if (n != getpid() || strcmp(fds, "0") == 0)
		return 0; /* somebody else's */
	n = number_of(fds);
	return n > COUNT_MAX ? -EINVAL : n;
}

/* The next of NAMES, which are apart by colons. */
static void cut_name(const char **names, char out[INHERITED_NAME_MAX])
{
	size_t n = strcspn(*names, ":");
	size_t kept = n < INHERITED_NAME_MAX ? n : INHERITED_NAME_MAX - 1;

	memcpy(out, *names, kept);
	out[kept] = '\0';
	*names += n;
	if (**names == ':')
		(*names)++;
}

static int move(int fd)
{
	int moved = fd < LOWEST ? fd_above(fd, LOWEST) : -1;

	if (moved < 0) {
		(void)fd_inherit(fd, false);
		return fd;
	}
	fd_close(&fd);
	return moved;
}

static void forget(void)
{
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

int sys_inherited_take(struct inherited **out)
{
	const char *names = getenv("LISTEN_FDNAMES");
	struct inherited *all = NULL;
	int n = count();
	int found = 0;

	*out = NULL;
	if (n > 0)
		all = calloc((size_t)n, sizeof(*all));
	if (n > 0 && all == NULL)
		n = -ENOMEM;
	if (names == NULL)
		names = "";
	for (int i = 0; i < n; i++) {
		struct inherited *item = &all[found];

		cut_name(&names, item->name);
		item->was = FIRST + i;
		if (fcntl(item->was, F_GETFD) < 0)
			continue;
		item->fd = move(item->was);
		/* Workers share it: none may hang a filter on it. */
		(void)setsockopt(item->fd, SOL_SOCKET, SO_LOCK_FILTER,
			&(int){1}, sizeof(int));
		found++;
	}
	forget();
	if (n < 0)
		return n;
	*out = all;
	return found;
}

/* ---- what a descriptor is ------------------------------------------------------ */

static int option_of(int fd, int level, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, level, option, &value, &size) < 0)
		return -errno;
	return value;
}

/* It is at the right place: is it also the right thing? */
static enum inherited_fit check_type(int fd, int type)
{
	if (option_of(fd, SOL_SOCKET, SO_TYPE) != type)
		return INHERITED_OTHER_TYPE;
	if (sys_has_peer(fd) == 1)
		return INHERITED_CONNECTED;
	return INHERITED_FITS;
}

static enum inherited_fit fit_ipv4(
	const struct net_address *at, const uint8_t *address, uint16_t port)
{
	struct sockaddr_in in;

	memcpy(&in, &at->storage, sizeof(in));
	return in.sin_port == htons(port) &&
			       memcmp(&in.sin_addr, address, 4) == 0
		       ? INHERITED_FITS
		       : INHERITED_ELSEWHERE;
}

/* BOTH: IPv4 as well, which only the wildcard can. */
static enum inherited_fit fit_ipv6(int fd, const struct net_address *at,
	const uint8_t *address, uint16_t port, bool both)
{
	static const uint8_t any[16] = {0};
	struct sockaddr_in6 in;

	memcpy(&in, &at->storage, sizeof(in));
	if (in.sin6_port != htons(port) ||
		memcmp(&in.sin6_addr, both ? any : address, 16) != 0)
		return INHERITED_ELSEWHERE;
	if (memcmp(&in.sin6_addr, any, 16) != 0)
		return INHERITED_FITS;
	return (option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0) == both
		       ? INHERITED_FITS
		       : INHERITED_OTHER_FAMILY;
}

enum inherited_fit sys_inherited_inet(
	int fd, int family, const uint8_t address[16], uint16_t port)
{
	enum inherited_fit fit = INHERITED_ELSEWHERE;
	struct net_address at;

	if (sys_local_address(fd, &at) < 0)
		return INHERITED_ELSEWHERE;
	if (at.storage.ss_family == AF_INET && family == NET_IPV4)
		fit = fit_ipv4(&at, address, port);
	else if (at.storage.ss_family == AF_INET6 && family != NET_IPV4)
		fit = fit_ipv6(fd, &at, address, port, family == NET_BOTH);
	return fit == INHERITED_FITS ? check_type(fd, SOCK_STREAM) : fit;
}

/* The file that FD's name is; false: it has none that is still there. */
static bool find_name(int fd, struct stat *out)
{
	struct net_address at = {.size = 0};
	struct sockaddr_un un = {.sun_family = AF_UNSPEC};
	char path[sizeof(un.sun_path) + 1] = "";

	if (sys_local_address(fd, &at) < 0 || at.storage.ss_family != AF_UNIX ||
		at.size > sizeof(un))
		return false;
	memcpy(&un, &at.storage, at.size);
	memcpy(path, un.sun_path, sizeof(un.sun_path));
	return path[0] != '\0' && lstat(path, out) == 0;
}

enum inherited_fit sys_inherited_named(
	int fd, int type, const char *path, dev_t *dev, ino_t *ino)
{
	struct stat ours, wanted;

	if (lstat(path, &wanted) < 0 || fstat(fd, &ours) < 0)
		return INHERITED_ELSEWHERE;
	if (S_ISSOCK(ours.st_mode) && !find_name(fd, &ours))
		return INHERITED_ELSEWHERE;
	if (ours.st_dev != wanted.st_dev || ours.st_ino != wanted.st_ino)
		return INHERITED_ELSEWHERE;
	*dev = ours.st_dev;
	*ino = ours.st_ino;
	if (type != 0 && S_ISSOCK(ours.st_mode))
		return check_type(fd, type);
	/* With one end of it alone each client would be the last. */
	return type == 0 && S_ISFIFO(ours.st_mode) &&
			       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR
		       ? INHERITED_FITS
		       : INHERITED_OTHER_TYPE;
}
