/* SPDX-License-Identifier: MIT */
#include "master/postfix_shell.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/number.h"
#include "conf/postfix_report.h"
#include "master/log.h"
#include "master/master.h"
#include "sys/clock.h"
#include "sys/daemon.h"
#include "sys/fd.h"
#include "sys/machine.h"
#include "sys/memory.h"
#include "sys/net.h"
#include "sys/path.h"
#include "table/table.h"

/*
 * main.cf and master.cf, and what this machine is, into a table. Editors write
 * a file in more than one step: it is read when it has been left alone for a
 * moment. Postfix sleeps until main.cf is two seconds old, and so does each of
 * its workers at its start; nobody waits for us.
 */
#define FILE_MAX (16u * 1024 * 1024)
#define ADDRESSES_MAX 1024
#define SETTLED_NS (500 * NS_PER_MS)
#define SETTLE_MAX_NS (10 * NS_PER_S)

/* How long the file at PATH is still to be left alone; 0: no longer. */
static uint64_t unsettled_ns(const char *path)
{
	uint64_t age_ns;

	if (sys_file_age(path, &age_ns) < 0 || age_ns >= SETTLED_NS)
		return 0;
	return SETTLED_NS - age_ns;
}

static uint64_t both_unsettled_ns(const struct postfix_master *postfix)
{
	uint64_t main_ns = unsettled_ns(postfix->main_file);
	uint64_t master_ns = unsettled_ns(postfix->master_file);

	return main_ns > master_ns ? main_ns : master_ns;
}

uint64_t postfix_settle(struct master *master)
{
	struct postfix_master *postfix = master->postfix;
	uint64_t wait_ns = both_unsettled_ns(postfix);

	if (postfix->settle_ns == 0)
		postfix->settle_ns = master->now_ns + SETTLE_MAX_NS;
	if (wait_ns == 0 || master->now_ns >= postfix->settle_ns)
		return 0;
	return master->now_ns + wait_ns;
}

void postfix_settle_now(const struct postfix_master *postfix)
{
	uint64_t until_ns = clock_now_ns() + SETTLE_MAX_NS;
	uint64_t wait_ns = both_unsettled_ns(postfix);

	while (wait_ns != 0 && clock_now_ns() < until_ns) {
		sys_sleep(wait_ns);
		wait_ns = both_unsettled_ns(postfix);
	}
}

static bool read_or_say(const char *path, char **out, size_t *out_n,
	const struct postfix_report *report)
{
	int result = sys_read_file(path, out, out_n, FILE_MAX);

	if (result == 0)
		return true;
	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_FATAL,
			.form = POSTFIX_BARE,
			.remedy = "make it, or name another directory with -c"},
		"open %s: %s", path, strerror(-result));
	return false;
}

static unsigned port(void *context, const char *name)
{
	(void)context;
	return sys_service_port(name);
}

static void look_around(struct arena *arena, struct postfix_hosts *hosts,
	struct postfix_machine *out)
{
	struct machine_address *own =
		arena_array(arena, ADDRESSES_MAX, sizeof(*own));
	struct postfix_address *addresses =
		arena_array(arena, ADDRESSES_MAX, sizeof(*addresses));
	int n = own == NULL ? 0 : sys_own_addresses(own, ADDRESSES_MAX);

	*out = (struct postfix_machine){.no_ipv4 = !sys_has_family(NET_IPV4),
		.no_ipv6 = !sys_has_family(NET_IPV6),
		.context = hosts,
		.resolve = postfix_hosts_resolve,
		.port = port};
	for (int i = 0; addresses != NULL && i < n; i++)
		addresses[i] = postfix_address_of(&own[i]);
	if (addresses == NULL || n <= 0)
		return;
	out->own = addresses;
	out->own_n = (unsigned)n;
}

static void fill_request(struct postfix_master *postfix, struct arena *arena,
	struct postfix_request *out)
{
	struct maincf_preset *presets = arena_array(arena, 3, sizeof(*presets));
	char *host = arena_array(arena, HOST_NAME_MAX + 1, 1);

	if (presets == NULL || host == NULL)
		return;
	presets[0] =
		(struct maincf_preset){"config_directory", postfix->directory};
	presets[1] = (struct maincf_preset){"process_name", postfix->name};
	presets[2] = (struct maincf_preset){
		"process_id", arena_format(arena, "%d", (int)getpid())};
	if (gethostname(host, HOST_NAME_MAX) < 0 || host[0] == '\0')
		snprintf(host, HOST_NAME_MAX, "localhost");
	out->main.presets = presets;
	out->main.presets_n = 3;
	out->main.hostname = host;
	if (postfix->pins[0].value != NULL) {
		out->main.pins = postfix->pins;
		out->main.pins_n = POSTFIX_PINS;
	}
	out->birth = postfix->birth;
	look_around(arena, &postfix->hosts, &out->machine);
}

/* The control socket is beside the lock: root's own directory. */
static const char *runtime_directory(
	struct arena *arena, const struct postfix_conf *conf)
{
	return arena_format(arena, "%s/pid",
		maincf_text(conf->main, POSTFIX_queue_directory));
}

/* The dialect must live as long as the table: in its arena. */
static bool keep_dialect(struct table *table, const struct postfix_conf *conf)
{
	struct postfix_conf *kept = arena_alloc(table->arena, sizeof(*kept));

	if (kept == NULL)
		return false;
	*kept = *conf;
	table->dialect = kept;
	table->runtime_directory = runtime_directory(table->arena, conf);
	return table->runtime_directory != NULL;
}

bool postfix_read(struct postfix_master *postfix, struct table **out,
	struct diags *diags, struct postfix_log *log)
{
	struct postfix_report report = {.diags = diags, .log = log};
	struct postfix_request request = {.runtime_directory = "/"};
	AUTO_FREE char *main_bytes = NULL;
	AUTO_FREE char *master_bytes = NULL;
	struct postfix_conf conf;
	size_t n;

	request.main.file = postfix->main_file;
	request.master_file = postfix->master_file;
	fill_request(postfix, diags->arena, &request);
	if (request.main.presets == NULL)
		return false;
	report.file = request.main.file;
	if (!read_or_say(request.main.file, &main_bytes, &n, &report))
		return false;
	request.main.bytes = (struct text){main_bytes, n};
	report.file = request.master_file;
	if (!read_or_say(request.master_file, &master_bytes, &n, &report))
		return false;
	request.master_bytes = (struct text){master_bytes, n};
	if (!conf_parse_postfix(&request, out, &conf, diags, log))
		return false;
	sys_memory_trim();
	if (keep_dialect(*out, &conf))
		return true;
	table_destroy(*out);
	*out = NULL;
	return false;
}

struct maincf *postfix_read_main(struct postfix_master *postfix,
	struct arena *arena, struct diags *diags, struct postfix_log *log)
{
	struct postfix_report report = {
		.file = postfix->main_file, .diags = diags, .log = log};
	struct postfix_request request = {.runtime_directory = "/"};
	AUTO_FREE char *bytes = NULL;
	struct maincf *main = NULL;
	size_t n;

	request.main.file = postfix->main_file;
	fill_request(postfix, arena, &request);
	if (request.main.presets == NULL ||
		!read_or_say(request.main.file, &bytes, &n, &report))
		return NULL;
	request.main.bytes = (struct text){bytes, n};
	return maincf_read(arena, &request.main, &report, &main) ? main : NULL;
}

static void say_ignored(const struct maincf *main, enum postfix_setting_id id)
{
	const char *name = postfix_settings[id].name;
	const char *ignored = maincf_ignored(main, id);

	if (ignored == NULL)
		return;
	log_words(LOG_WARNING, "ignoring %s parameter value change", name);
	log_words(LOG_WARNING, "old value: \"%s\", new value: \"%s\"",
		maincf_text(main, id), ignored);
	log_words(LOG_WARNING, "to change %s, stop and start Postfix", name);
}

static void say_interfaces(const struct postfix_conf *conf)
{
	if (maincf_ignored(conf->main, POSTFIX_inet_interfaces) == NULL)
		return;
	for (unsigned i = 0; i < conf->master.services_n; i++) {
		const struct postfix_service *service =
			&conf->master.services[i];

		if (service->type != POSTFIX_INET)
			continue;
		log_words(LOG_WARNING,
			"service %s: ignoring inet_interfaces change",
			service->name);
		log_words(LOG_WARNING, "to change inet_interfaces, stop and "
				       "start Postfix");
	}
}

void postfix_say_remarks(const struct postfix_log *log)
{
	for (const struct postfix_said *said = log->first; said != NULL;
		said = said->next)
		if (said->severity == POSTFIX_WARNING)
			log_words(LOG_WARNING, "%s",
				said->text + strlen("warning: "));
		else if (said->severity == POSTFIX_INFO)
			log_words(LOG_INFO, "%s", said->text);
}

/* Who empties the file by mistake does not mean to end all mail. */
static bool has_services(const struct postfix_master *postfix,
	struct table *table, struct diags *diags)
{
	if (table->services_n > 0)
		return true;
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = postfix->master_file,
				 .problem = "there is no service",
				 .remedy = "to end all of them, stop Postfix"});
	table_destroy(table);
	return false;
}

bool postfix_load(
	struct master *master, struct table **out, struct diags *diags)
{
	const struct postfix_conf *conf;
	struct postfix_log log = {.arena = diags->arena};
	bool good = postfix_read(master->postfix, out, diags, &log);

	postfix_say_remarks(&log);
	if (!good || !has_services(master->postfix, *out, diags))
		return false;
	conf = postfix_conf_in(*out);
	say_ignored(conf->main, POSTFIX_queue_directory);
	say_ignored(conf->main, POSTFIX_inet_protocols);
	say_interfaces(conf);
	return true;
}

bool postfix_preview(struct master *master, const char *file,
	struct table **out, struct diags *diags)
{
	if (file != NULL) {
		diags_add(diags,
			&(struct diag){.severity = DIAG_ERROR,
				.file = file,
				.problem = "a Postfix has one configuration",
				.remedy = "name no file"});
		return false;
	}
	return postfix_read(master->postfix, out, diags, NULL) &&
	       has_services(master->postfix, *out, diags);
}
