/* SPDX-License-Identifier: MIT */
#include "promise.h"

/* Who has how many of workers_max, and to whom the rest is open. */

static bool is_guest(const struct promise_worker *worker)
{
	return worker->live && worker->kind != KIND_WORKER;
}

static bool is_worker(const struct promise_worker *worker)
{
	return worker->live && worker->kind == KIND_WORKER;
}

uint32_t promises_total(const struct promises *promises, uint32_t service)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < promises->limits.workers_max; i++)
		n += is_worker(&promises->workers[i]) &&
		     promises->workers[i].service == service;
	return n;
}

uint32_t promises_guests(const struct promises *promises, uint32_t service)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < promises->limits.workers_max; i++)
		n += is_guest(&promises->workers[i]) &&
		     promises->workers[i].service == service;
	return n;
}

static uint32_t deficit(const struct promises *p, uint32_t service)
{
	uint32_t share = p->services[service].policy.share;
	uint32_t total = promises_total(p, service);

	enum service_life life = p->services[service].life;

	if ((life != LIFE_UP && life != LIFE_DRAINED) || total >= share)
		return 0;
	return share - total;
}

uint32_t promises_slots(const struct promises *promises, uint32_t service)
{
	uint32_t slots = promises->limits.workers_max;
	uint32_t own = deficit(promises, service);
	uint32_t others = 0;

	for (uint32_t i = 0; i < promises->limits.workers_max; i++)
		slots -= promises->workers[i].live;
	for (uint32_t i = 0; i < promises->limits.services_max; i++)
		others += i == service ? 0 : deficit(promises, i);
	if (own > slots)
		own = slots;
	return slots > others + own ? slots - others : own;
}
