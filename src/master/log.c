/* SPDX-License-Identifier: MIT */
#include "master/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sys/clock.h"
#include "sys/sink.h"

#define WAITING_MAX 65536u
#define SYSLOG_DAEMON 3
#define RATE_BURST_NS (10 * NS_PER_S)

static const struct {
	const char *name;
	enum log_level level;
} messages[MESSAGES] = {
#define MESSAGE(id, name, level, sentence) [MESSAGE_##id] = {name, level},
#include "master/messages.def"
#undef MESSAGE
};

static struct {
	struct sink sink;
	char waiting[WAITING_MAX]; /* whole lines that were not taken yet */
	size_t waiting_n;
	uint64_t dropped;
	uint64_t dropped_told;
} log_state;

/* Severities of RFC 5424, for syslog and for journald's "<N>" alike. */
static int severity(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return 3;
	case LOG_WARNING:
		return 4;
	case LOG_INFO:
		return 6;
	}
	return 6;
}

void log_init(void)
{
	sink_open_stderr(&log_state.sink);
}

void log_open(enum log_target target)
{
	log_flush();
	sink_close(&log_state.sink);
	if (target == LOG_SYSLOG)
		sink_open_syslog(&log_state.sink, "ostlerd", SYSLOG_DAEMON);
	else
		sink_open_stderr(&log_state.sink);
}

void log_begin(struct log_line *line, enum message message)
{
	line->message = message;
	/* Room for the newline, whatever happens. */
	text_builder_init(&line->text, line->buffer, sizeof(line->buffer) - 1);
	text_put(&line->text, messages[message].name);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	text_put_key_value(&line->text, key, value);
}

void log_number(struct log_line *line, const char *key, uint64_t value)
{
	text_put_key_number(&line->text, key, value);
}

void log_duration(struct log_line *line, const char *key, uint64_t ns)
{
	text_put_format(&line->text, " %s=", key);
	number_put_duration(&line->text, ns);
}

/* False: keep it. A sink that refuses for good (a full disk) loses a line. */
static bool write_line(int level, const char *bytes, size_t n)
{
	int result = sink_write(&log_state.sink, level, bytes, n);

	if (result < 0 && result != -EAGAIN)
		log_state.dropped++;
	return result != -EAGAIN;
}

/* Keep the order: nothing overtakes what waits. */
static void keep(int level, const char *bytes, size_t n)
{
	if (log_state.waiting_n + n + 2 > WAITING_MAX) {
		log_state.dropped++;
		return;
	}
	log_state.waiting[log_state.waiting_n++] = (char)('0' + level);
	memcpy(log_state.waiting + log_state.waiting_n, bytes, n);
	log_state.waiting_n += n;
	log_state.waiting[log_state.waiting_n++] = '\n';
}

void log_flush(void)
{
	size_t done = 0;

	while (done < log_state.waiting_n) {
		const char *line = log_state.waiting + done;
		const char *end =
			memchr(line, '\n', log_state.waiting_n - done);
		size_t n = (size_t)(end - line);

		if (!write_line(line[0] - '0', line + 1, n - 1))
			break;
		done += n + 1;
	}
	memmove(log_state.waiting, log_state.waiting + done,
		log_state.waiting_n - done);
	log_state.waiting_n -= done;
}

static void tell_dropped(void)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s lines=%llu",
		messages[MESSAGE_LOG_LOST].name,
		(unsigned long long)(log_state.dropped -
				     log_state.dropped_told));

	log_state.dropped_told = log_state.dropped;
	keep(severity(LOG_WARNING), line, (size_t)n);
}

void log_end(struct log_line *line)
{
	int level = severity(messages[line->message].level);

	log_flush();
	if (log_state.dropped > log_state.dropped_told &&
		log_state.waiting_n < WAITING_MAX / 2)
		tell_dropped();
	if (log_state.waiting_n > 0 ||
		!write_line(level, line->buffer, line->text.n))
		keep(level, line->buffer, line->text.n);
}

void log_say(enum message message, const char *text)
{
	struct log_line line;

	log_begin(&line, message);
	log_text(&line, "text", text);
	log_end(&line);
}

bool log_is_waiting(void)
{
	return log_state.waiting_n > 0;
}

uint64_t log_dropped(void)
{
	return log_state.dropped;
}

bool log_allowed(
	struct log_rate *rate, uint64_t now_ns, uint64_t *out_suppressed)
{
	uint64_t credit_ns = rate->credit_ns + (now_ns - rate->last_ns);

	if (credit_ns > RATE_BURST_NS || rate->last_ns == 0)
		credit_ns = RATE_BURST_NS;
	rate->last_ns = now_ns;
	rate->credit_ns = credit_ns;
	if (credit_ns < NS_PER_S) {
		rate->suppressed++;
		return false;
	}
	rate->credit_ns -= NS_PER_S;
	*out_suppressed = rate->suppressed;
	rate->suppressed = 0;
	return true;
}
