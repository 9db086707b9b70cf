/* SPDX-License-Identifier: MIT */
#include "master/page.h"

#include <stddef.h>

#include "core/core.h"
#include "core/view.h"
#include "master/master.h"
#include "master/page_state.h"
#include "master/records.h"
#include "master/services.h"

static uint32_t *count_of(struct view_service *view, enum worker_state state)
{
	switch (state) {
	case WORKER_STARTING:
		return &view->starting;
	case WORKER_READY:
		return &view->ready;
	case WORKER_TAKEN:
		return &view->taken;
	case WORKER_RETIRING:
	case WORKER_FREE:
		break;
	}
	return NULL;
}

static void correct_one(const struct master *master, uint32_t slot, bool ready,
	struct view_service *view)
{
	struct view_worker worker;
	uint32_t *before;

	if (!core_view_worker(master->core, slot, master->now_ns, &worker) ||
		worker.serial != master->workers[slot].serial || worker.mute)
		return;
	before = count_of(view, worker.state);
	if (before == NULL)
		return;
	(*before)--;
	(*count_of(view, ready ? WORKER_READY : WORKER_TAKEN))++;
	if (worker.suspect && !ready)
		view->suspect--;
}

void page_correct(const struct master *master, uint32_t service,
	struct view_service *view)
{
	const struct service_state *state = service_of(master, service);

	view->served = state->served;
	for (const struct page *page = state->page; page != NULL;
		page = page->older)
		for (uint32_t place = 0; place < page->lines_n * 64; place++) {
			const struct line *line = line_of(page, place);
			uint32_t slot = line->workers[place % 64];

			if ((line->allotted & bit_of(place)) != 0)
				view->served +=
					master->workers[slot].page_served;
			if ((line->quiet & line->known & bit_of(place)) != 0)
				correct_one(master, slot,
					(line->ready & bit_of(place)) != 0,
					view);
		}
}
