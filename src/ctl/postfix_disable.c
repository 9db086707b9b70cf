/* SPDX-License-Identifier: MIT */
#include "ctl/postfix.h"

#include <stdio.h>
#include <string.h>

#include "ctl/say.h"

/* Is there anything to go back to? */
static enum ctl_exit check_place(const struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->kind == DIVERSION_FOREIGN) {
		say_complaint(
			"%s is diverted to %s, and not by ostler: `dpkg-divert --list` says by whom",
			at->master, at->truename);
		return CTL_FAILED;
	}
	if (at->ours && at->package[0] != '\0' &&
		at->saved_entry.kind != ENTRY_FILE) {
		say_complaint(
			"%s, the program of package %s, is missing; reinstall the package (apt install --reinstall %s), then disable again",
			at->saved, at->package, at->package);
		return CTL_FAILED;
	}
	return CTL_OK;
}

static enum ctl_exit put_back(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->saved_entry.kind == ENTRY_FILE) {
		/* Without a diversion the file at MASTER is the newer one. */
		if (entry_is_same(&at->master_entry, &at->saved_entry) ||
			(at->kind == DIVERSION_NONE && !at->ours &&
				at->master_entry.kind == ENTRY_FILE))
			return CTL_OK;
		if (!postfix_step(postfix,
			    "make %s the package's program again", at->master))
			return CTL_OK;
		return postfix_done(
			sys_replace_by_file(at->master_at, at->saved_at),
			at->master_at);
	}
	/* The package is gone. */
	if (!at->ours || !postfix_step(postfix,
				 "remove %s: no package is there", at->master))
		return CTL_OK;
	return postfix_done(sys_remove_entry(at->master_at), at->master_at);
}

static enum ctl_exit undivert(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->kind == DIVERSION_NONE)
		return CTL_OK;
	if (!postfix_step(postfix,
		    "tell dpkg that the package's program is %s from now on",
		    at->master))
		return CTL_OK;
	return diversion_remove(at) ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit forget(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;

	if (at->saved_entry.kind == ENTRY_NONE ||
		!postfix_step(postfix, "remove %s", at->saved))
		return CTL_OK;
	return postfix_done(sys_remove_entry(at->saved_at), at->saved_at);
}

enum ctl_exit postfix_disable(struct postfix *postfix)
{
	const struct diversion *at = &postfix->diversion;
	enum ctl_exit result;

	if (at->kind == DIVERSION_NONE && !at->ours &&
		(at->saved_entry.kind == ENTRY_NONE ||
			diversion_saved_is_foreign(at))) {
		say_line(stdout, "%s is not ostler's", at->master);
		return CTL_OK;
	}
	result = check_place(postfix);
	if (result == CTL_OK)
		result = postfix_may_change(postfix);
	if (result == CTL_OK)
		result = postfix_keep_replaced(postfix);
	if (result == CTL_OK)
		result = put_back(postfix);
	if (result == CTL_OK)
		result = undivert(postfix);
	if (result == CTL_OK)
		result = forget(postfix);
	if (result == CTL_OK && !postfix->ctl->dry_run)
		say_line(stdout,
			"%s is the package's; start Postfix as ever (systemctl start postfix)",
			at->master);
	return result;
}
