/* SPDX-License-Identifier: MIT */
#include "master/maker.h"

#include <assert.h>
#include <stdlib.h>

#include "master/log.h"
#include "sys/creds.h"
#include "sys/lockfile.h"
#include "sys/path.h"
#include "table/service.h"

static struct maker now; /* if begun: who we are ... */
static unsigned begun;	 /* ... and how often */

struct maker maker_of(const struct service *row, const struct identity *owner)
{
	/* Who has begun is root, whoever he is just now. */
	if (!row->socket_by_owner || (begun == 0 && !sys_is_root()))
		return (struct maker){.is_other = false};
	return (struct maker){
		.is_other = true, .uid = owner->uid, .gid = owner->gid};
}

bool maker_same(const struct maker *a, const struct maker *b)
{
	return a->is_other == b->is_other && a->uid == b->uid &&
	       a->gid == b->gid;
}

int maker_begin(const struct maker *maker)
{
	int result;

	if (!maker->is_other)
		return 0;
	assert(begun == 0 || maker_same(maker, &now));
	result = begun > 0 ? 0 : sys_act_as(maker->uid, maker->gid);
	if (result < 0)
		return result;
	now = *maker;
	begun++;
	return 0;
}

void maker_end(const struct maker *maker)
{
	if (!maker->is_other || --begun > 0 || sys_act_as_root() == 0)
		return;
	log_say(MESSAGE_MASTER_FAILED, "root cannot be root again");
	abort();
}
