/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_CTL_DIVERSION_H
#define OSTLER_CTL_DIVERSION_H

#include <limits.h>
#include <stdbool.h>

#include "sys/entry.h"

/*
 * diversion - the `master` of a Postfix package, and where dpkg puts it
 *
 * Knows:   what is at its two names, MASTER and MASTER.postfix; what dpkg
 *          calls the package, and where it would put its next master.
 * Decides: whose program is in place.
 * Never:   changes anything but through the functions below that say so.
 *
 * The order of changes is such that a program is at MASTER at any moment, and
 * that from any state both enable and disable go on:
 *
 *   package's    MASTER is the package's file        no diversion
 *   saved        and MASTER.postfix the same file    no diversion
 *   diverted     the same                            diversion
 *   in place     MASTER is a copy of ostlerd         diversion
 *
 * While it is diverted an upgrade of the package writes MASTER.postfix.
 *
 * A copy and no link: Postfix's own check complains of links at each start,
 * profiles of AppArmor go by the path of the program itself, and a Postfix has
 * to start even when somebody has removed ostler.
 */
#define DIVERSION_SUFFIX ".postfix"
#define DIVERSION_REPLACED ".replaced"

enum diversion_kind {
	DIVERSION_NONE,
	DIVERSION_OURS,	   /* local, to MASTER.postfix */
	DIVERSION_FOREIGN, /* of somebody else, or to elsewhere */
};

struct diversion {
	const char *root; /* borrowed; "" or the --root of dpkg */
	/* As dpkg knows them. */
	char master[PATH_MAX];
	char saved[PATH_MAX];
	/* Where they are now. */
	char master_at[PATH_MAX];
	char saved_at[PATH_MAX];
	char replaced_at[PATH_MAX];
	struct entry master_entry;
	bool ours; /* what is at MASTER is an ostlerd, of whatever version */
	struct entry saved_entry;
	enum diversion_kind kind;
	char truename[PATH_MAX]; /* where dpkg puts the package's file */
	char package[128];	 /* "": no package owns it */
	char version[128];
};

/* Look at DIRECTORY/master below ROOT. false: it is complained about. */
bool diversion_look(
	const char *root, const char *directory, struct diversion *out);

/* What is at MASTER.postfix, if anything, is not from us: leave it alone. */
bool diversion_saved_is_foreign(const struct diversion *diversion);

/* PATH is an ostlerd: it says so within. */
bool diversion_is_ostlerd(const char *path);

/* The package's file at MASTER is as the package brought it. */
bool diversion_is_genuine(const struct diversion *diversion);

/* dpkg's own commands. false: it is complained about. */
bool diversion_add(const struct diversion *diversion);
bool diversion_remove(const struct diversion *diversion);

/* Nobody installs packages until *OUT is closed. false: complained about. */
bool diversion_lock(const struct diversion *diversion, int *out);

#endif
