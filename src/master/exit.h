/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_MASTER_EXIT_H
#define OSTLER_MASTER_EXIT_H

/* What ostlerd(8) says under EXIT STATUS. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_MACHINE = 1, /* the machine refused something */
	EXIT_USAGE = 2,
	EXIT_RUNNING = 75, /* another ostlerd has the runtime directory */
	EXIT_CONFIG = 78,
};

#endif
