/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_INHERITED_H
#define OSTLER_SYS_INHERITED_H

#include <stdint.h>
#include <sys/types.h>

/*
 * inherited - descriptors that our starter passes by LISTEN_FDS (sd_listen_fds)
 *
 * Knows:   the three variables, and what an open descriptor is.
 * Decides: nothing.
 * Never:   leaves LISTEN_FDS in the environment: it is for us, once.
 */
#define INHERITED_NAME_MAX 256 /* with the NUL */

struct inherited {
	int fd;	 /* owned; CLOEXEC, and above the numbers that workers use */
	int was; /* its number before */
	char name[INHERITED_NAME_MAX]; /* of LISTEN_FDNAMES, or empty */
};

/*
 * All that were passed to this process, by its pid: how many are in *OUT,
 * which is to be freed; 0: none; -EINVAL: the variables make no sense.
 */
int sys_inherited_take(struct inherited **out);

/* Is FD, which somebody else opened, the endpoint that we want? */
enum inherited_fit {
	INHERITED_ELSEWHERE,
	INHERITED_FITS,
	INHERITED_OTHER_TYPE,	/* it is there, and of another type */
	INHERITED_OTHER_FAMILY, /* it takes IPv4 as well, or does not */
	INHERITED_CONNECTED,	/* one client's, as inetd's "nowait" has it */
};

/* FAMILY, ADDRESS and PORT as in sys_listen_inet(). */
enum inherited_fit sys_inherited_inet(
	int fd, int family, const uint8_t address[16], uint16_t port);

/*
 * TYPE is SOCK_STREAM, SOCK_DGRAM or 0 for a pipe; DEV and INO of the name
 * PATH when it fits.
 */
enum inherited_fit sys_inherited_named(
	int fd, int type, const char *path, dev_t *dev, ino_t *ino);

#endif
