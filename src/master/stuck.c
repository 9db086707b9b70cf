/* SPDX-License-Identifier: MIT */
#include "master/stuck.h"

#include "base/text.h"
#include "core/view.h"
#include "master/control.h"
#include "master/log.h"
#include "master/master.h"
#include "master/records.h"
#include "master/services.h"
#include "proto/control.h"
#include "sys/process.h"

#define STUCK_TOLD 100 /* of a service */

struct looks {
	const char *process; /* NULL: not known, as of the other */
	const char *wchan;
	char buffer[64];
};

/* What it does, and where in the kernel: for who has to look into it. */
static void look_at(int pid, struct looks *out)
{
	static const struct {
		char letter;
		const char *words;
	} states[] = {{'R', "running"}, {'S', "sleeping"},
		{'D', "uninterruptible sleep"}, {'T', "stopped"},
		{'t', "traced"}, {'Z', "dead, but not reaped"}};
	struct process process;

	*out = (struct looks){.process = NULL};
	if (sys_process(pid, &process) < 0)
		return;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (states[i].letter == process.state)
			out->process = states[i].words;
	if (sys_process_wait(pid, out->buffer, sizeof(out->buffer)) == 0)
		out->wchan = out->buffer;
}

void stuck_log(int pid, struct log_line *line)
{
	struct looks looks;

	look_at(pid, &looks);
	if (looks.process != NULL)
		log_text(line, "process", looks.process);
	if (looks.wchan != NULL)
		log_text(line, "wchan", looks.wchan);
}

void status_put_stuck(
	struct master *master, uint32_t service, struct text_builder *out)
{
	struct control_record record;
	struct view_worker view;
	struct looks looks;
	unsigned told = 0;

	for (uint32_t slot = 0;
		slot < master->workers_high && told < STUCK_TOLD; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (worker->serial == 0 || worker->service != service ||
			!core_view_worker(
				master->core, slot, master->now_ns, &view) ||
			!view.stuck)
			continue;
		look_at(worker->pid, &looks);
		control_record_init(&record, CONTROL_STUCK);
		record.stuck.service = service_name(master, service);
		record.stuck.pid = (uint64_t)worker->pid;
		record.stuck.state = "survives SIGKILL";
		record.stuck.process = looks.process;
		record.stuck.wchan = looks.wchan;
		control_put(out, &record);
		told++;
	}
}
