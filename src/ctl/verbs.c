/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

const struct ctl_verb ctl_verbs[] = {
	{"status", "[SERVICE]", "show the services and their workers", 1,
		CTL_TAKES_JSON, ctl_status},
	{"reload", "", "read the configuration again, and say what changed", 0,
		CTL_TAKES_JSON, ctl_reload},
	{"stop", "[--now]", "stop the master, and wait until it is gone", 0,
		CTL_TAKES_JSON | CTL_TAKES_NOW, ctl_stop},
	{"check", "[FILE]", "print every error of a configuration file", 1, 0,
		ctl_check},
	{"version", "", "print the versions of ostler and of the master", 0,
		CTL_TAKES_JSON, ctl_version},
	{"help", "", "print this", 0, 0, ctl_help},
	/* What may follow the words typed so far; see packaging/completions. */
	{"__complete", "", "", 16, CTL_TAKES_JSON | CTL_TAKES_NOW | CTL_HIDDEN,
		ctl_complete},
};

const unsigned ctl_verbs_n = sizeof(ctl_verbs) / sizeof(ctl_verbs[0]);
