/* SPDX-License-Identifier: MIT */
#include "sys/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int set_default(int number)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

int sys_signals_open(const int *signals, int n)
{
	static const int always[] = {SIGPIPE, SIGCHLD};
	sigset_t told, blocked;
	int fd, result;

	(void)sigemptyset(&told); /* cannot fail */
	for (int i = 0; i < n; i++) {
		if (sigaddset(&told, signals[i]) < 0)
			return -errno;
		result = set_default(signals[i]);
		if (result < 0)
			return result;
	}
	blocked = told;
	for (unsigned i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		(void)sigaddset(&blocked, always[i]); /* cannot fail */
		result = set_default(always[i]);
		if (result < 0)
			return result;
	}
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &told, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sys_signal_next(int fd, int *out_pid)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n != (ssize_t)sizeof(info))
		return -EIO;
	*out_pid = (int)info.ssi_pid;
	return (int)info.ssi_signo;
}

int sys_signal_die(int number)
{
	sigset_t only;
	int result = set_default(number);

	if (result < 0)
		return result;
	(void)sigemptyset(&only); /* cannot fail */
	if (sigaddset(&only, number) < 0)
		return -errno;
	if (raise(number) != 0 || sigprocmask(SIG_UNBLOCK, &only, NULL) < 0)
		return -errno;
	return 0;
}

int sys_signal_group(int number)
{
	return kill(0, number) < 0 ? -errno : 0;
}
