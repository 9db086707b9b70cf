/* SPDX-License-Identifier: MIT */
#include "master/postfix_shell.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/maincf.h"
#include "master/master.h"
#include "master/order.h"
#include "master/services.h"
#include "master_proto.h"
#include "sys/fd.h"
#include "table/service.h"

/* What a worker of Postfix's finds when it starts (postfix_spec 1). */

static const gid_t roots_groups[] = {0};

void postfix_order(const struct master *master, const struct birth *birth,
	struct order *out)
{
	const struct postfix_master *postfix = master->postfix;
	const struct service *row = service_of(master, birth->service)->row;
	unsigned n = 0;

	out->spawn = (struct spawn_order){
		.path = row->path,
		.argv = birth->stress && row->stress_command != NULL
				? row->stress_command
				: row->command,
		.directory = row->directory,
		.umask = row->umask,
		.switch_user = true,
		.uid = 0,
		.gid = 0,
		.groups = roots_groups,
		.groups_n = 1,
		.ignored = postfix->ignored,
		.new_session = false,
	};
	order_put_fds(master, birth,
		(const int[3]){STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO},
		out);
	snprintf(out->text, sizeof(out->text), MASTER_GEN_NAME "=%o",
		birth->generation);
	for (; n < postfix->born_n && n + 1 < ORDER_ENVIRONMENT_MAX; n++)
		out->environment[n] = postfix->born[n];
	out->environment[n++] = out->text;
	out->environment[n] = NULL;
	out->spawn.envp = out->environment;
}

/* ---- the environment ------------------------------------------------------ */

static void free_list(char **list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

/* "NAME=VALUE" at the end of LIST, or in the place of an earlier NAME. */
static int put(char **list, unsigned *n, const char *name, const char *value)
{
	size_t name_n = strlen(name);
	char *item = NULL;
	unsigned i = 0;

	if (asprintf(&item, "%s=%s", name, value) < 0)
		return -ENOMEM;
	while (i < *n &&
		(strncmp(list[i], name, name_n) != 0 || list[i][name_n] != '='))
		i++;
	if (i == *n)
		(*n)++;
	else
		free(list[i]);
	list[i] = item;
	return 0;
}

int postfix_keep_environment(
	struct postfix_master *postfix, const struct postfix_conf *conf)
{
	const struct postfix_import *import = &conf->import;
	int result = 0;

	assert(postfix->kept == NULL);
	postfix->kept = calloc(import->n + 1, sizeof(*postfix->kept));
	if (postfix->kept == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < import->n && result == 0; i++) {
		const char *name = import->items[i].name;
		const char *value = import->items[i].value;

		if (value == NULL)
			value = getenv(name);
		if (value != NULL)
			result = put(
				postfix->kept, &postfix->kept_n, name, value);
	}
	return result;
}

static bool is_imported(const struct postfix_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->import.n; i++)
		if (strcmp(conf->import.items[i].name, name) == 0)
			return true;
	return false;
}

/*
 * The log of all of Postfix goes where main.cf says. As Postfix has it, reading
 * main.cf sets MAIL_LOGTAG and only the start drops what is not imported.
 */
static int put_log(const struct postfix_conf *conf, bool is_first, char **born,
	unsigned *born_n)
{
	const struct maincf *main = conf->main;
	char path[4096];
	int result = 0;

	if (!is_first || is_imported(conf, "MAIL_LOGTAG"))
		result = put(born, born_n, "MAIL_LOGTAG",
			maincf_text(main, POSTFIX_syslog_name));
	if (result < 0 || maincf_text(main, POSTFIX_maillog_file)[0] == '\0')
		return result;
	snprintf(path, sizeof(path), "%s/public/%s",
		maincf_text(main, POSTFIX_queue_directory),
		maincf_text(main, POSTFIX_postlog_service_name));
	result = put(born, born_n, "POSTLOG_SERVICE", path);
	if (result < 0)
		return result;
	return put(born, born_n, "POSTLOG_HOSTNAME",
		maincf_text(main, POSTFIX_myhostname));
}

static bool is_of_log(const char *assignment)
{
	return strncmp(assignment, "POSTLOG_SERVICE=", 16) == 0 ||
	       strncmp(assignment, "POSTLOG_HOSTNAME=", 17) == 0;
}

int postfix_set_environment(
	struct postfix_master *postfix, const struct postfix_conf *conf)
{
	char **born = calloc(postfix->kept_n + 4, sizeof(*born));
	unsigned n = 0;
	int result = 0;

	if (born == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < postfix->kept_n && result == 0; i++) {
		if (is_of_log(postfix->kept[i]))
			continue;
		born[n] = strdup(postfix->kept[i]);
		result = born[n] == NULL ? -ENOMEM : 0;
		n += born[n] != NULL;
	}
	if (result == 0)
		result = put_log(conf, postfix->born == NULL, born, &n);
	if (result < 0) {
		free_list(born, n);
		return result;
	}
	free_list(postfix->born, postfix->born_n);
	postfix->born = born;
	postfix->born_n = n;
	return 0;
}
