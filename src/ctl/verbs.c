/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

/* What is typed so far may have any option. */
#define COMPLETES                                                              \
	(CTL_ASKS | CTL_TAKES_JSON | CTL_TAKES_NOW | CTL_TAKES_SWITCH |        \
		CTL_TAKES_ALL | CTL_TAKES_NO_WAIT | CTL_TAKES_AGAIN |          \
		CTL_HIDDEN)

const struct ctl_verb ctl_verbs[] = {
	{"status", "[SERVICE]", "show the services and their workers", 1,
		CTL_ASKS | CTL_TAKES_JSON, ctl_status},
	{"plan", "[FILE]", "say what a reload would change, and do nothing", 1,
		CTL_ASKS | CTL_TAKES_JSON, ctl_plan},
	{"reload", "[--no-wait] [--again]",
		"read the configuration again, and replace changed workers", 0,
		CTL_ASKS | CTL_TAKES_JSON | CTL_TAKES_NO_WAIT | CTL_TAKES_AGAIN,
		ctl_reload},
	{"remold", "[SERVICE]", "have a service's mold made anew", 1, CTL_ASKS,
		ctl_remold},
	{"scale", "SERVICE [WORD=N ...]",
		"show or set limit, spare_min and spare_max of a service", 4,
		CTL_ASKS | CTL_TAKES_JSON, ctl_scale},
	{"drain", "SERVICE | --all",
		"have a service rest: workers finish, clients wait", 1,
		CTL_ASKS | CTL_TAKES_JSON | CTL_TAKES_ALL, ctl_drain},
	{"resume", "SERVICE | --all", "have a service that rests go on", 1,
		CTL_ASKS | CTL_TAKES_JSON | CTL_TAKES_ALL, ctl_resume},
	{"upgrade", "[PROGRAM]", "have another program go on as the master", 1,
		CTL_ASKS | CTL_TAKES_JSON, ctl_upgrade},
	{"stop", "[--now]", "stop the master, and wait until it is gone", 0,
		CTL_ASKS | CTL_TAKES_JSON | CTL_TAKES_NOW, ctl_stop},
	{"check", "[FILE]", "print every error of a configuration file", 1, 0,
		ctl_check},
	{"postfix", "enable|disable|status",
		"put ostler in the place of Postfix's master", 1,
		CTL_TAKES_JSON | CTL_TAKES_SWITCH, ctl_postfix},
	{"version", "", "print the versions of ostler and of the master", 0,
		CTL_ASKS | CTL_TAKES_JSON, ctl_version},
	{"help", "", "print this", 0, 0, ctl_help},
	/*
	 * For packaging/completions. Given the words typed so far, without the
	 * one being typed: what that may be, one per line; the same with a tab
	 * and what it means; and the options, with what they mean.
	 */
	{"__complete", "", "", 16, COMPLETES, ctl_complete},
	{"__describe", "", "", 16, COMPLETES, ctl_describe},
	{"__options", "", "", 16, COMPLETES, ctl_options},
};

const unsigned ctl_verbs_n = sizeof(ctl_verbs) / sizeof(ctl_verbs[0]);
