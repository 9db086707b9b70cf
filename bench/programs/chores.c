/* SPDX-License-Identifier: MIT */
#include "chores.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void set_number(const char *option, const char *name, unsigned *number)
{
	size_t n = strlen(name);

	if (strncmp(option, name, n) == 0 && option[n] == '=')
		*number = (unsigned)atoi(option + n + 1);
}

static void read_option(struct chores *chores, const char *option)
{
	set_number(option, "start", &chores->start_ms);
	set_number(option, "spin", &chores->spin_ms);
	set_number(option, "hold", &chores->hold_ms);
	set_number(option, "slow", &chores->slow_ms);
	if (strncmp(option, "born=", 5) == 0)
		chores->born = option + 5;
}

void chores_read(struct chores *chores, int argc, char **argv)
{
	*chores = (struct chores){.listeners = 1};
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-o") == 0)
			read_option(chores, argv[++i]);
		else if (strcmp(argv[i], "-s") == 0)
			chores->listeners = (unsigned)atoi(argv[++i]);
	}
}

void chores_pause_ms(unsigned ms)
{
	if (ms > 0)
		usleep((useconds_t)ms * 1000U);
}

static uint64_t used_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void chores_begin(const struct chores *chores)
{
	uint64_t end_ns = used_ns() + chores->spin_ms * 1000000ULL;
	int fd = -1;

	if (chores->born != NULL)
		fd = open(chores->born, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, ".", 1);
		close(fd);
	}
	chores_pause_ms(chores->start_ms);
	while (chores->spin_ms > 0 && used_ns() < end_ns)
		continue;
}

void chores_serve(const struct chores *chores, int client)
{
	char bytes[32];
	ssize_t n = read(client, bytes, sizeof(bytes));

	chores_pause_ms(chores->hold_ms);
	if (n > 0 && bytes[0] == 'h')
		chores_pause_ms(chores->slow_ms);
	if (n > 0)
		(void)!write(client, bytes, (size_t)n);
}
