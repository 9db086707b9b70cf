/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_LIB_NOTIFY_H
#define OSTLER_LIB_NOTIFY_H

#include "proto/status.h"

/*
 * notify - one word to the master
 *
 * Knows:   the status descriptor.
 * Decides: which errors mean "not now" and which "the master has hung up".
 * Never:   raises SIGPIPE on a socket.
 */

/*
 * 0, -EAGAIN (there is no room now; only with MSG_DONTWAIT in FLAGS or a
 * non-blocking descriptor), or another -errno: nobody hears us any more.
 */
int ostler__tell(const struct ostler__status *status, int flags);

#endif
