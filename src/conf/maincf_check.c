/* SPDX-License-Identifier: MIT */
#include "conf/maincf_check.h"

#include <stddef.h>
#include <string.h>

#include "conf/postfix_compare.h"
#include "conf/postfix_host.h"
#include "conf/postfix_report.h"
#include "conf/postfix_word.h"

static const char *const facilities[] = {"auth", "authpriv", "cron", "daemon",
	"ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6",
	"local7"};

static const char *const protocols[] = {"all", "ipv4", "ipv6"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *const *words, size_t n, struct text text)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(text, words[i]))
			return true;
	return false;
}

static bool check_level(const struct postfix_report *report,
	struct postfix_remark *remark, const char *text)
{
	uint64_t level;

	if (postfix_level_parse(text_of(text), &level))
		return true;
	remark->remedy = "write a release, as in 3.6";
	postfix_say(report, remark,
		"malformed compatibility level syntax: \"%s\"", text);
	return false;
}

static bool check_facility(const struct postfix_report *report,
	struct postfix_remark *remark, const char *text)
{
	if (is_one_of(facilities, COUNT(facilities), text_of(text)))
		return true;
	remark->form = POSTFIX_IN_FILE;
	remark->remedy = "write mail, daemon, local0 ...";
	postfix_say(report, remark,
		"parameter syslog_facility: unrecognized value: %s", text);
	return false;
}

static bool check_protocols(const struct postfix_report *report,
	struct postfix_remark *remark, const char *text)
{
	struct text rest = text_of(text), word;

	while (postfix_cut_field(&rest, POSTFIX_LIST_SEPARATORS, &word)) {
		if (is_one_of(protocols, COUNT(protocols), word))
			continue;
		remark->remedy = "write all, ipv4 or ipv6";
		postfix_say(report, remark,
			"unknown inet_protocols value \"%.*s\" in \"%s\"",
			(int)word.n, word.bytes, text);
		return false;
	}
	return true;
}

static bool check_hostname(const struct postfix_report *report,
	struct postfix_remark *remark, const char *name, const char *text)
{
	const char *fault = postfix_hostname_fault(text_of(text));

	if (fault == NULL)
		return true;
	postfix_say_log(report,
		&(struct postfix_remark){.severity = POSTFIX_WARNING},
		"valid_hostname: %s: %s", fault, text);
	remark->form = POSTFIX_IN_FILE;
	remark->remedy = "write the name of a host, with its domain";
	postfix_say(report, remark, "parameter %s: bad parameter value: %s",
		name, text);
	return false;
}

static bool check_directory(const struct postfix_report *report,
	struct postfix_remark *remark, const char *name, const char *text)
{
	if (text[0] == '/')
		return true;
	remark->form = POSTFIX_IN_FILE;
	remark->remedy = "write the whole path";
	postfix_say(report, remark, "parameter %s: not an absolute path: %s",
		name, text);
	return false;
}

bool maincf_check(const struct postfix_report *report,
	enum postfix_setting_id id, const char *text, unsigned line)
{
	struct postfix_remark remark = {
		.severity = POSTFIX_FATAL, .form = POSTFIX_BARE, .line = line};
	const char *name = postfix_settings[id].name;

	if (id == POSTFIX_compatibility_level)
		return check_level(report, &remark, text);
	if (id == POSTFIX_syslog_facility)
		return check_facility(report, &remark, text);
	if (id == POSTFIX_inet_protocols)
		return check_protocols(report, &remark, text);
	if (id == POSTFIX_myhostname || id == POSTFIX_mydomain)
		return check_hostname(report, &remark, name, text);
	if (id == POSTFIX_queue_directory || id == POSTFIX_data_directory ||
		id == POSTFIX_daemon_directory)
		return check_directory(report, &remark, name, text);
	return true;
}

void maincf_check_log_file(
	const struct postfix_report *report, const struct maincf *maincf)
{
	const char *file = maincf_text(maincf, POSTFIX_maillog_file);
	struct text rest =
		text_of(maincf_text(maincf, POSTFIX_maillog_file_prefixes));
	struct text prefix;

	if (file[0] == '\0')
		return;
	while (postfix_cut_field(&rest, POSTFIX_LIST_SEPARATORS, &prefix))
		if (strncmp(file, prefix.bytes, prefix.n) == 0)
			return;
	postfix_say(report,
		&(struct postfix_remark){.severity = POSTFIX_FATAL,
			.form = POSTFIX_BARE,
			.line = maincf_line(maincf, "maillog_file"),
			.remedy = "choose another file, or extend "
				  "maillog_file_prefixes"},
		"maillog_file value '%s' does not match any prefix in "
		"maillog_file_prefixes",
		file);
}
