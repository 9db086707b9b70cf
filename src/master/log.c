/* SPDX-License-Identifier: MIT */
#include "master/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/sink.h"

#define WAITING_MAX 65536u
#define WORDS_MAX 2000u	 /* bytes behind the severity, as Postfix has it */
#define LINE_BYTES 2080u /* of a line with the severity */
#define RATE_BURST_NS (10 * NS_PER_S)

/* Of what is taken out of the socket at the end; postlogd reads no more. */
#define RESCUED_BYTES 4096u
#define RESCUED_MAX 4096u

/* So long lines wait for who should take them; then they go past him. */
#define PATIENCE_NS (10 * NS_PER_S)

static const struct {
	const char *name;
	enum log_level level;
} messages[MESSAGES] = {
#define MESSAGE(id, name, level, sentence) [MESSAGE_##id] = {name, level},
#include "master/messages.def"
#undef MESSAGE
};

/* Severities of RFC 5424, for syslog and for journald's "<N>" alike. */
static const struct {
	int severity;
	const char *word; /* Postfix's */
} levels[] = {
	[LOG_FATAL] = {2, "fatal: "},
	[LOG_ERROR] = {3, "error: "},
	[LOG_WARNING] = {4, "warning: "},
	[LOG_INFO] = {6, ""},
};

static struct {
	struct sink sink;
	bool postfix;
	bool utf8;
	char waiting[WAITING_MAX]; /* whole lines that were not taken yet */
	size_t waiting_n;
	uint64_t waiting_since_ns; /* 0: none does */
	uint64_t dropped;
	uint64_t dropped_told;
	void (*heard)(enum message message, struct text line); /* or NULL */
} log_state;

void log_init(void)
{
	sink_open_stderr(&log_state.sink);
}

void log_open(const struct log_setup *setup)
{
	log_flush();
	sink_close(&log_state.sink);
	log_state.postfix = setup->postfix;
	log_state.utf8 = setup->utf8;
	switch (setup->target) {
	case LOG_STDERR:
		sink_open_stderr(&log_state.sink);
		break;
	case LOG_SYSLOG:
		sink_open_syslog(&log_state.sink, setup->tag, setup->facility);
		break;
	case LOG_POSTLOG:
		sink_open_postlog(&log_state.sink,
			&(struct sink_postlog){.socket = setup->postlog_socket,
				.file = setup->postlog_file,
				.host = setup->postlog_host,
				.tag = setup->tag});
		break;
	}
}

int log_facility(const char *name)
{
	static const char *const names[] = {"kern", "user", "mail", "daemon",
		"auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
		"ftp", [16] = "local0", "local1", "local2", "local3", "local4",
		"local5", "local6", "local7"};

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return i;
	return -1;
}

bool log_goes_through(const char *path)
{
	const char *socket = log_state.sink.socket;
	size_t all = strlen(socket);
	size_t end = strlen(path);

	if (log_state.sink.kind != SINK_POSTLOG || end >= all)
		return log_state.sink.kind == SINK_POSTLOG &&
		       strcmp(socket, path) == 0;
	return path[0] != '/' && socket[all - end - 1] == '/' &&
	       strcmp(socket + all - end, path) == 0;
}

void log_begin(struct log_line *line, enum message message)
{
	line->level = messages[message].level;
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

static int to_sink(int severity, const char *bytes, size_t n)
{
	return sink_write(&log_state.sink, severity, bytes, n);
}

static int past_reader(int severity, const char *bytes, size_t n)
{
	return sink_write_direct(&log_state.sink, severity, bytes, n);
}

/* False: keep it. A sink that refuses for good (a full disk) loses a line. */
static bool was_taken(int result)
{
	if (result < 0 && result != -EAGAIN)
		log_state.dropped++;
	return result != -EAGAIN;
}

/* What waits, as far as it is taken. */
static void drain(int (*write)(int severity, const char *bytes, size_t n))
{
	size_t done = 0;

	while (done < log_state.waiting_n) {
		const char *line = log_state.waiting + done;
		const char *end =
			memchr(line, '\n', log_state.waiting_n - done);
		size_t n = (size_t)(end - line);

		if (!was_taken(write(line[0] - '0', line + 1, n - 1)))
			break;
		done += n + 1;
	}
	memmove(log_state.waiting, log_state.waiting + done,
		log_state.waiting_n - done);
	log_state.waiting_n -= done;
	if (log_state.waiting_n == 0)
		log_state.waiting_since_ns = 0;
}

void log_flush(void)
{
	uint64_t now_ns;

	if (log_state.waiting_n == 0)
		return;
	drain(to_sink);
	now_ns = clock_now_ns();
	if (log_state.waiting_n > 0 &&
		now_ns - log_state.waiting_since_ns > PATIENCE_NS)
		drain(past_reader);
}

/* Keep the order: nothing overtakes what waits. */
static void keep(int severity, struct text line)
{
	if (log_state.waiting_n + line.n + 2 > WAITING_MAX)
		drain(past_reader);
	if (log_state.waiting_n + line.n + 2 > WAITING_MAX) {
		log_state.dropped++;
		return;
	}
	if (log_state.waiting_n == 0)
		log_state.waiting_since_ns = clock_now_ns();
	log_state.waiting[log_state.waiting_n++] = (char)('0' + severity);
	memcpy(log_state.waiting + log_state.waiting_n, line.bytes, line.n);
	log_state.waiting_n += line.n;
	log_state.waiting[log_state.waiting_n++] = '\n';
}

/* How many bytes from BYTES on are one character that UTF-8 may have; 0. */
static size_t utf8_size(const char *bytes, size_t n)
{
	/* Below 0xa0 are controls; less than the others is too long a form. */
	static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
	unsigned char lead = (unsigned char)bytes[0];
	size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	uint32_t c = lead & (0xffu >> (size + 1));

	if (lead < 0xc0 || lead > 0xf4 || size > n)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return size;
}

static void put_cleaned(struct text_builder *out, struct text words)
{
	size_t size;

	for (size_t i = 0; i < words.n; i += size) {
		size = 1;
		if (text_char_is_printable(words.bytes[i])) {
			text_put_char(out, words.bytes[i]);
			continue;
		}
		size = log_state.utf8 ? utf8_size(words.bytes + i, words.n - i)
				      : 0;
		if (size > 0)
			text_put_text(
				out, (struct text){words.bytes + i, size});
		else
			text_put_char(out, '?');
		size += size == 0;
	}
}

/* LINE as it is to stand there, in OUT, which has room for LINE_BYTES. */
static struct text dress(
	enum log_level level, bool foreign, struct text line, char *out)
{
	struct text_builder text;

	if (!foreign)
		return line;
	if (line.n > WORDS_MAX)
		line.n = WORDS_MAX;
	text_builder_init(&text, out, LINE_BYTES);
	text_put(&text, levels[level].word);
	put_cleaned(&text, line);
	assert(!text.overflow);
	return text_built(&text);
}

static void tell_dropped(void)
{
	char line[64];
	char dressed[LINE_BYTES];
	int n = snprintf(line, sizeof(line), "%s lines=%llu",
		messages[MESSAGE_LOG_LOST].name,
		(unsigned long long)(log_state.dropped -
				     log_state.dropped_told));

	log_state.dropped_told = log_state.dropped;
	keep(levels[LOG_WARNING].severity,
		dress(LOG_WARNING, log_state.postfix,
			(struct text){line, (size_t)n}, dressed));
}

static void put_line(enum log_level level, bool foreign, struct text line)
{
	int severity = levels[level].severity;
	char dressed[LINE_BYTES];

	line = dress(level, foreign, line, dressed);
	log_flush();
	if (log_state.dropped > log_state.dropped_told &&
		log_state.waiting_n < WAITING_MAX / 2)
		tell_dropped();
	if (log_state.waiting_n > 0 ||
		!was_taken(to_sink(severity, line.bytes, line.n)))
		keep(severity, line);
}

void log_end(struct log_line *line)
{
	put_line(line->level, log_state.postfix, text_built(&line->text));
	if (log_state.heard != NULL)
		log_state.heard(line->message, text_built(&line->text));
}

void log_listen(void (*heard)(enum message message, struct text line))
{
	log_state.heard = heard;
}

void log_say(enum message message, const char *text)
{
	struct log_line line;

	log_begin(&line, message);
	log_text(&line, "text", text);
	log_end(&line);
}

/* What printf made of it: cut, if it had to be. */
static struct text made(const char *buffer, size_t room, int n)
{
	if (n < 0)
		n = 0;
	return (struct text){buffer, (size_t)n < room ? (size_t)n : room - 1};
}

void log_words(enum log_level level, const char *format, ...)
{
	char buffer[WORDS_MAX + 1];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	put_line(level, true, made(buffer, sizeof(buffer), n));
}

void log_words_direct(enum log_level level, const char *format, ...)
{
	char buffer[WORDS_MAX + 1];
	char dressed[LINE_BYTES];
	struct text line;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	line = dress(level, true, made(buffer, sizeof(buffer), n), dressed);
	log_finish();
	if (log_state.waiting_n > 0 ||
		!was_taken(past_reader(
			levels[level].severity, line.bytes, line.n)))
		keep(levels[level].severity, line);
}

void log_rescue(int fd)
{
	struct channel_message message;
	struct text_builder text;
	char bytes[RESCUED_BYTES];
	char line[RESCUED_BYTES + 1];

	for (unsigned i = 0; i < RESCUED_MAX; i++) {
		if (sys_channel_read(fd, bytes, sizeof(bytes), &message) <= 0)
			break;
		text_builder_init(&text, line, sizeof(line));
		put_cleaned(&text, (struct text){bytes, message.size});
		if (text.n > 0 &&
			sink_forward(&log_state.sink, line, text.n) < 0)
			log_state.dropped++;
	}
	drain(past_reader);
}

void log_finish(void)
{
	if (log_state.dropped > log_state.dropped_told)
		tell_dropped();
	drain(past_reader);
}

bool log_is_waiting(void)
{
	return log_state.waiting_n > 0;
}

uint64_t log_dropped(void)
{
	return log_state.dropped;
}

void log_set_dropped(uint64_t lines)
{
	log_state.dropped = log_state.dropped_told = lines;
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
