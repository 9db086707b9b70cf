/* SPDX-License-Identifier: MIT */
#include "master/maker.h"

#include <stdlib.h>

#include "master/log.h"
#include "sys/creds.h"
#include "sys/lockfile.h"
#include "sys/path.h"
#include "table/service.h"

struct maker maker_of(const struct service *row, const struct identity *owner)
{
	if (!row->socket_by_owner || !sys_is_root())
		return (struct maker){.is_other = false};
	return (struct maker){
		.is_other = true, .uid = owner->uid, .gid = owner->gid};
}

int maker_begin(const struct maker *maker)
{
	return maker->is_other ? sys_act_as(maker->uid, maker->gid) : 0;
}

void maker_end(const struct maker *maker)
{
	if (!maker->is_other || sys_act_as_root() == 0)
		return;
	log_say(MESSAGE_MASTER_FAILED, "root cannot be root again");
	abort();
}
