/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_QUOTA_H
#define OSTLER_SYS_QUOTA_H

/*
 * quota - what the control groups leave of the processors
 *
 * Knows:   cpu.max of version 2 and cpu.cfs_quota_us of version 1, of our
 *          group and of all above it.
 * Decides: nothing.
 * Never:   fails: what cannot be read sets no limit.
 */

/*
 * Whole processors, a part counted as one; 0: no limit. LIST and MOUNT are
 * /proc/self/cgroup and /sys/fs/cgroup.
 */
unsigned sys_quota(const char *list, const char *mount);

#endif
