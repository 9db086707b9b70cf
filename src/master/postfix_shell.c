/* SPDX-License-Identifier: MIT */
#include "master/postfix_shell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "conf/maincf.h"
#include "conf/mastercf.h"
#include "master/edition.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/services.h"
#include "sys/fd.h"
#include "sys/net.h"
#include "sys/orphan.h"
#include "table/table.h"

const struct postfix_conf *postfix_conf_in(const struct table *table)
{
	return table->dialect;
}

const struct postfix_conf *postfix_conf_of(const struct master *master)
{
	return master->edition == NULL
		       ? NULL
		       : postfix_conf_in(master->edition->table);
}

const struct postfix_service *postfix_entry(
	const struct master *master, uint32_t service)
{
	const struct service_state *state = service_of(master, service);

	/* One that leaves is still what its own edition says. */
	if (state->edition == NULL)
		return NULL;
	return mastercf_find(&postfix_conf_in(state->edition->table)->master,
		state->row->name);
}

void postfix_open_log(
	const struct postfix_master *postfix, const struct maincf *main)
{
	const char *host = maincf_text(main, POSTFIX_myhostname);
	const char *file = maincf_text(main, POSTFIX_maillog_file);
	char tag[128];
	char socket[4096];
	char label[256];

	snprintf(tag, sizeof(tag), "%s/%s",
		maincf_text(main, POSTFIX_syslog_name), postfix->name);
	snprintf(socket, sizeof(socket), "%s/public/%s",
		maincf_text(main, POSTFIX_queue_directory),
		maincf_text(main, POSTFIX_postlog_service_name));
	snprintf(label, sizeof(label), "%.*s", (int)strcspn(host, "."), host);
	log_open(&(struct log_setup){
		.target = file[0] == '\0' ? LOG_SYSLOG : LOG_POSTLOG,
		.tag = tag,
		.facility = log_facility(
			maincf_text(main, POSTFIX_syslog_facility)),
		.postlog_socket = socket,
		.postlog_file = file,
		.postlog_host = label,
		.postfix = true,
		.utf8 = maincf_switch(main, POSTFIX_smtputf8_enable)});
}

static void in_force(struct master *master, const struct table *table)
{
	struct postfix_master *postfix = master->postfix;
	const struct postfix_conf *conf = postfix_conf_in(table);

	postfix->in_force = true;
	postfix->hosts.way = HOSTS_KNOWN;
	if (postfix_set_environment(postfix, conf) < 0)
		log_words(LOG_WARNING, "no memory for a new environment: "
				       "workers find the one of before");
	postfix_open_log(postfix, conf->main);
}

/* Files first, then the names in them. */
static uint64_t ask(struct master *master)
{
	uint64_t until_ns = postfix_settle(master);

	return until_ns != 0 ? until_ns : postfix_hosts_ask(master);
}

static void previewing(struct master *master)
{
	postfix_hosts_forget(master);
	master->postfix->settle_ns = 0;
}

static void reloading(struct master *master)
{
	const struct postfix_conf *conf = postfix_conf_of(master);

	previewing(master);
	log_words(LOG_INFO, "reload -- version %s, configuration %s",
		conf == NULL ? "unknown"
			     : maincf_text(conf->main, POSTFIX_mail_version),
		master->postfix->directory);
}

/*
 * What was refused. A start that fails is told in the words that Postfix has,
 * and to who reads stderr with file, line and remedy, as a reload is to all.
 */
static void say_diag(struct master *master, const struct diag *diag)
{
	const struct postfix_master *postfix = master->postfix;
	struct text_builder text;
	char buffer[1800];

	if (diag->severity != DIAG_ERROR)
		return; /* said already, when the files were read */
	text_builder_init(&text, buffer, sizeof(buffer));
	diag_put(&text, diag);
	if (postfix->in_force) {
		log_words(LOG_ERROR, "%s", buffer);
		return;
	}
	log_words(LOG_FATAL, "%s", diag->problem);
	if (postfix->stderr_fd >= 0)
		dprintf(postfix->stderr_fd, "%s: fatal: %s\n", postfix->name,
			buffer);
}

/* "unix:private/NAME", "127.0.0.1:25", "[::1]:25" */
static void listen_words(
	struct text_builder *out, const struct endpoint *endpoint, int error)
{
	const char *text = endpoint->text;
	size_t n = strlen(text);

	if (endpoint->path != NULL) {
		text_put_format(out, "%s %s: %s",
			error == EISDIR ? "remove" : "bind:",
			strchr(text, ':') + 1, strerror(error));
		return;
	}
	while (n > 0 && text[n - 1] != ':')
		n--;
	n -= n > 0; /* without the colon, and without brackets */
	if (n >= 2 && text[0] == '[') {
		text++;
		n -= 2;
	}
	text_put_format(out, "bind %.*s port %u: %s", (int)n, text,
		endpoint->port, strerror(error));
}

/* pid/TYPE.NAME, as workers make it when they start (MECHANISMS B2). */
static bool accept_lock(
	const struct master *master, uint32_t service, struct text_builder *out)
{
	const struct postfix_service *entry = postfix_entry(master, service);

	if (entry == NULL)
		return false;
	text_put_format(out, "%s/%s.%s", master->runtime_directory,
		postfix_type_names[entry->type], entry->name);
	return !out->overflow;
}

/*
 * After `kill -9` of a master its busy workers still hold its listeners. A
 * socket beside theirs would share clients with them (postfix_spec 9.12); the
 * same one loses nobody.
 */
static int adopt(const struct service *row, const struct endpoint *endpoint)
{
	int pid = 0;
	int fd = sys_adopt_listener(listener_family(endpoint->family),
		endpoint->address, endpoint->port, row->path, &pid);

	if (fd < 0)
		return -EADDRINUSE;
	(void)fd_nonblocking(fd, true);
	(void)sys_listen_again(fd, (int)row->backlog);
	/* Postfix's own master lets anybody in who asks for that. */
	(void)sys_listener_share(fd, false);
	log_words(LOG_INFO,
		"service %s: %s is taken over from process %d, whose master "
		"is gone",
		row->name, endpoint->text, pid);
	return fd;
}

const struct personality personality_postfix = {
	.name = "postfix",
	.load = postfix_load,
	.previewing = previewing,
	.preview = postfix_preview,
	.in_force = in_force,
	.reloading = reloading,
	.ask = ask,
	.asking_pid = postfix_hosts_pid,
	.order = postfix_order,
	.stop = postfix_stop,
	.say_notice = postfix_say_notice,
	.say_gossip = postfix_say_gossip,
	.say_wake = postfix_say_wake,
	.say_diag = say_diag,
	.listen_words = listen_words,
	.accept_lock = accept_lock,
	.adopt = adopt,
	.wakes_dgram = false,
	.wake_stays = true,
	.lone_stays = true,
	.reload_replaces = true,
};
