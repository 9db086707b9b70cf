/* SPDX-License-Identifier: MIT */
#include "sys/child.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

int sys_child_open(int pid)
{
	int fd = pidfd_open(pid, 0); /* CLOEXEC by birth */

	return fd < 0 ? -errno : fd;
}

int sys_child_signal(int pidfd, int number)
{
	return pidfd_send_signal(pidfd, number, NULL, 0) < 0 ? -errno : 0;
}

/* Since Linux 6.9; the headers of older systems do not have it. */
#define SIGNAL_GROUP 4u

int sys_child_kill_group(int pidfd)
{
	if (pidfd_send_signal(pidfd, SIGKILL, NULL, SIGNAL_GROUP) == 0)
		return 0;
	return sys_child_signal(pidfd, SIGKILL);
}

int sys_child_pid(int pidfd)
{
	char path[64];
	char line[128];
	FILE *file;
	int pid = -EBADF;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Pid:", 4) == 0)
			pid = atoi(line + 4);
	(void)fclose(file); /* only read */
	return pid == -1 || pid == 0 ? -ESRCH : pid;
}

bool sys_child_is_ours(int pidfd)
{
	siginfo_t info;

	return waitid(P_PIDFD, (id_t)pidfd, &info,
		       WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int reap(idtype_t type, id_t id, struct child_end *out)
{
	siginfo_t info = {.si_pid = 0};

	/*
	 * WNOHANG, though a readable pidfd means the child is dead: a wake-up
	 * we misread must cost a system call, never block the master.
	 */
	if (waitid(type, id, &info, WEXITED | WNOHANG) < 0)
		return -errno;
	if (info.si_pid == 0)
		return 0;
	if (info.si_code == CLD_EXITED)
		*out = (struct child_end){.code = info.si_status};
	else
		*out = (struct child_end){.code = -1,
			.signal = info.si_status,
			.core = info.si_code == CLD_DUMPED};
	return 1;
}

int sys_child_reap(int pidfd, struct child_end *out)
{
	return reap(P_PIDFD, (id_t)pidfd, out);
}

/* Since Linux 6.15; the headers of older systems do not have it. */
struct pidfd_told {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};
#define PIDFD_TELL _IOWR(0xff, 11, struct pidfd_told)
#define PIDFD_TELL_EXIT (UINT64_C(1) << 3)

int sys_child_ended(int pidfd, struct child_end *out)
{
	struct pidfd_told told = {.mask = PIDFD_TELL_EXIT};

	if (ioctl(pidfd, PIDFD_TELL, &told) < 0)
		return -errno;
	if ((told.mask & PIDFD_TELL_EXIT) == 0)
		return 0;
	if (WIFEXITED(told.exit_code))
		*out = (struct child_end){.code = WEXITSTATUS(told.exit_code)};
	else
		*out = (struct child_end){.code = -1,
			.signal = WTERMSIG(told.exit_code),
			.core = WCOREDUMP(told.exit_code)};
	return 1;
}

int sys_stranger_next(void)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == ECHILD ? 0 : -errno;
	return info.si_pid;
}

int sys_reap_stranger(int pid, struct child_end *out)
{
	return reap(P_PID, (id_t)pid, out);
}

int sys_become_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}
