/* SPDX-License-Identifier: MIT */
#include "sys/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/net.h"
#include "sys/quota.h"

/* False: neither of IPv4 nor of IPv6. */
static bool take(const struct sockaddr *from, struct machine_address *out)
{
	*out = (struct machine_address){.family = NET_IPV4};
	if (from == NULL)
		return false;
	if (from->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		memcpy(out->bytes, &in.sin_addr, 4);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, from, sizeof(in));
		memcpy(out->bytes, &in.sin6_addr, 16);
		out->family = NET_IPV6;
		return true;
	}
	return false;
}

static bool is_among(const struct machine_address *all, unsigned n,
	const struct machine_address *one)
{
	for (unsigned i = 0; i < n; i++)
		if (all[i].family == one->family &&
			memcmp(all[i].bytes, one->bytes, 16) == 0)
			return true;
	return false;
}

/* More than a set holds: all that are there, then. */
static unsigned processors(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

unsigned sys_processors(void)
{
	unsigned n = processors();
	unsigned quota = sys_quota("/proc/self/cgroup", "/sys/fs/cgroup");

	return quota != 0 && quota < n ? quota : n;
}

int sys_own_addresses(struct machine_address *out, unsigned max)
{
	struct ifaddrs *all;
	unsigned n = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (struct ifaddrs *one = all; one != NULL && n < max;
		one = one->ifa_next)
		if (take(one->ifa_addr, &out[n]) && !is_among(out, n, &out[n]))
			n++;
	freeifaddrs(all);
	return (int)n;
}

bool sys_has_family(int family)
{
	int fd = socket(family == NET_IPV4 ? AF_INET : AF_INET6,
		SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

unsigned sys_service_port(const char *name)
{
	const struct servent *entry = getservbyname(name, "tcp");

	return entry == NULL ? 0 : ntohs((uint16_t)entry->s_port);
}

unsigned sys_resolve(const char *host, struct machine_address *out,
	unsigned max, const char **out_error)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *all;
	unsigned n = 0;
	int error = getaddrinfo(host, NULL, &hints, &all);

	*out_error = gai_strerror(error == 0 ? EAI_NONAME : error);
	if (error != 0)
		return 0;
	for (struct addrinfo *one = all; one != NULL && n < max;
		one = one->ai_next)
		if (take(one->ai_addr, &out[n]) && !is_among(out, n, &out[n]))
			n++;
	freeaddrinfo(all);
	return n;
}

unsigned sys_resolve_now(
	const char *host, struct machine_address *out, unsigned max)
{
	const char *error;

	return sys_resolve(host, out, max, &error);
}
