/* SPDX-License-Identifier: MIT */
#include "sys/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/asker.h"

struct hosts {
	struct asker asker;
};

struct question {
	const char *const *hosts;
	unsigned n;
};

static void ask(const void *question, int fd)
{
	const struct question *q = question;

	for (unsigned i = 0; i < q->n; i++) {
		struct host_answer answer;
		const char *error;

		/* All of it: padding goes through the pipe too. */
		memset(&answer, 0, sizeof(answer));
		answer.n = sys_resolve(q->hosts[i], answer.addresses,
			HOST_ADDRESSES_MAX, &error);
		if (answer.n == 0)
			(void)snprintf(answer.error, sizeof(answer.error), "%s",
				error);
		asker_put(fd, &answer, sizeof(answer));
	}
}

int sys_hosts_start(const char *const *hosts, unsigned n, struct hosts **out)
{
	const struct question question = {hosts, n};
	struct hosts *made = malloc(sizeof(*made));
	int result;

	if (made == NULL)
		return -ENOMEM;
	result = asker_start(
		&made->asker, ask, &question, n * sizeof(struct host_answer));
	if (result < 0) {
		sys_hosts_cancel(made);
		return result;
	}
	*out = made;
	return 0;
}

int sys_hosts_fd(const struct hosts *hosts)
{
	return hosts->asker.fd;
}

int sys_hosts_pid(const struct hosts *hosts)
{
	return hosts->asker.pid;
}

int sys_hosts_read(struct hosts *hosts, struct host_answer *out)
{
	int result = asker_read(&hosts->asker);

	memcpy(out, hosts->asker.answer,
		hosts->asker.have - hosts->asker.have % sizeof(*out));
	return result;
}

void sys_hosts_cancel(struct hosts *hosts)
{
	if (hosts == NULL)
		return;
	asker_end(&hosts->asker);
	free(hosts);
}
