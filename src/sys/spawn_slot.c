/* SPDX-License-Identifier: MIT */
#include "sys/spawn_slot.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/fd.h"

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* A stack with a page below it that nobody may touch. */
static int map_stack(char **out)
{
	size_t guard = page_size();
	char *memory = mmap(NULL, guard + SPAWN_STACK_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	if (mprotect(memory + guard, SPAWN_STACK_BYTES,
		    PROT_READ | PROT_WRITE) < 0) {
		int error = errno;

		(void)munmap(memory, guard + SPAWN_STACK_BYTES);
		return -error;
	}
	*out = memory;
	return 0;
}

int spawn_slot_init(
	struct spawn_slot *slot, struct spawn_report *report, bool stack)
{
	*slot = (struct spawn_slot){
		.report = report,
		.exec_pipe = -1,
		.pidfd = -1,
		.pipe = -1,
		.ignore_action = {(uintptr_t)SIG_IGN},
	};
	return stack ? map_stack(&slot->stack) : 0;
}

void spawn_slot_finish(struct spawn_slot *slot)
{
	fd_close(&slot->pidfd);
	fd_close(&slot->pipe);
	free(slot->text);
	slot->text = NULL;
	if (slot->stack != NULL)
		(void)munmap(slot->stack, page_size() + SPAWN_STACK_BYTES);
	slot->stack = NULL;
}

/* ---- freezing an order ---------------------------------------------------- */

static size_t count_list(const char *const *list, size_t *bytes)
{
	size_t n = 0;

	for (; list[n] != NULL; n++)
		*bytes += strlen(list[n]) + 1;
	*bytes += (n + 1) * sizeof(char *);
	return n;
}

static int make_room(struct spawn_slot *slot, size_t bytes)
{
	char *text;

	if (bytes <= slot->text_room)
		return 0;
	text = malloc(bytes);
	if (text == NULL)
		return -ENOMEM;
	free(slot->text);
	slot->text = text;
	slot->text_room = bytes;
	return 0;
}

static char *copy_text(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = memcpy(*at, text, n);

	*at += n;
	return copy;
}

static void copy_list(char **into, const char *const *list, size_t n, char **at)
{
	for (size_t i = 0; i < n; i++)
		into[i] = copy_text(at, list[i]);
	into[n] = NULL;
}

/* Both arrays of pointers first, for their alignment, then all strings. */
static int freeze_text(struct spawn_slot *slot, const struct spawn_order *order)
{
	size_t bytes = strlen(order->path) + 1;
	size_t argc, envc;
	char **pointers;
	char *at;
	int result;

	if (order->directory != NULL)
		bytes += strlen(order->directory) + 1;
	argc = count_list(order->argv, &bytes);
	envc = count_list(order->envp, &bytes);
	result = make_room(slot, bytes);
	if (result < 0)
		return result;
	pointers = (char **)(void *)slot->text;
	slot->argv = pointers;
	slot->envp = pointers + argc + 1;
	at = (char *)(pointers + argc + envc + 2);
	copy_list(slot->argv, order->argv, argc, &at);
	copy_list(slot->envp, order->envp, envc, &at);
	slot->path = copy_text(&at, order->path);
	slot->directory = order->directory == NULL
				  ? NULL
				  : copy_text(&at, order->directory);
	return 0;
}

static int compare_groups(const void *left, const void *right)
{
	unsigned a = *(const unsigned *)left;
	unsigned b = *(const unsigned *)right;

	return (a > b) - (a < b);
}

static void freeze_user(
	struct spawn_slot *slot, const struct spawn_order *order)
{
	slot->switch_user = order->switch_user;
	slot->uid = order->uid;
	slot->gid = order->gid;
	slot->groups_n = 0;
	if (!order->switch_user)
		return;
	for (unsigned i = 0; i < order->groups_n; i++)
		slot->groups[i] = order->groups[i];
	slot->groups_n = order->groups_n;
	qsort(slot->groups, slot->groups_n, sizeof(slot->groups[0]),
		compare_groups);
}

static void freeze_limits(
	struct spawn_slot *slot, const struct spawn_order *order)
{
	for (unsigned i = 0; i < order->limits_n; i++)
		slot->limits[i] = (struct spawn_rlimit){
			.resource = order->limits[i].resource,
			.soft = order->limits[i].soft,
			.hard = order->limits[i].hard,
		};
	slot->limits_n = order->limits_n;
}

static void freeze_program(
	struct spawn_slot *slot, const struct program *program)
{
	slot->held_n = program != NULL && program->fd >= 0 ? 1 : 0;
	if (slot->held_n == 0)
		return;
	slot->fds[slot->fds_n] = program->fd;
	slot->script = program->script;
	slot->program = program->id;
}

int spawn_slot_fill(struct spawn_slot *slot, const struct spawn_order *order)
{
	int result;

	if (order->fds_n > SPAWN_FDS_MAX ||
		order->limits_n > SPAWN_LIMITS_MAX ||
		(order->switch_user && order->groups_n > SPAWN_GROUPS_MAX))
		return -E2BIG;
	result = freeze_text(slot, order);
	if (result < 0)
		return result;
	freeze_user(slot, order);
	freeze_limits(slot, order);
	for (unsigned i = 0; i < order->fds_n; i++)
		slot->fds[i] = order->fds[i];
	slot->fds_n = order->fds_n;
	freeze_program(slot, order->program);
	slot->umask = order->umask & 0777;
	slot->new_session = order->new_session;
	slot->no_new_privs = order->no_new_privs;
	slot->ignored = order->ignored;
	return 0;
}
