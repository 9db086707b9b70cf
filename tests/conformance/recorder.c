/* SPDX-License-Identifier: MIT */
/*
 * recorder - a worker that writes down what it finds and what happens to it
 *
 * Knows:   the protocol, by its numbers alone: no libostler.
 * Decides: nothing: its clients say what it does, a command a line (the table
 *          `commands` below), and so does the file JOURNAL.TAG at its start.
 * Never:   tells the two masters apart.
 *
 * usage: recorder [MASTER'S OPTIONS] JOURNAL [@TAG] [WORDS]
 *
 * JOURNAL is the first argument that begins with a slash. Each line of it is a
 * JSON object with "t", what it is, "pid" and "tag". The listeners are taken
 * for what the option -t says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "birth.h"
#include "journal.h"
#include "listener.h"

#define FLOW_FD 3
#define STATUS_FD 5
#define LISTEN_FD 6
#define LISTENERS_MAX 64
#define PATIENCE_MS 2000

static const char *journal, *tag = "", *transport = "";
static unsigned generation;
static bool by_hand; /* words are said by the client's command alone */
static bool told;    /* descriptor 5 has ended */
static FILE *answer; /* where a command's answer goes, or NULL */

/* ------------------------------------------------------------------- words */

/* SIZE bytes of (PID, GENERATION, WORD); the result, or -errno. */
static int send_word(long pid, long gen, long word, size_t size)
{
	const int fields[3] = {(int)pid, (int)gen, (int)word};
	char bytes[64] = {0};
	ssize_t n;

	memcpy(bytes, fields, sizeof(fields));
	if (size > sizeof(bytes))
		size = sizeof(bytes);
	n = write(STATUS_FD, bytes, size);
	return n < 0 ? -errno : (int)n;
}

static void say(int word)
{
	int result;

	if (by_hand)
		return;
	result = send_word(getpid(), (long)generation, word, 12);
	journal_note("say", "\"word\":\"%s\",\"result\":%d",
		word == 0 ? "TAKEN" : "AVAIL", result);
	if (word == 1 && result != 12) {
		journal_note("exit", "\"status\":0");
		_exit(0);
	}
}

static void on_signal(int number)
{
	journal_note("signal", "\"number\":%d", number);
	signal(number, SIG_DFL);
	raise(number);
}

/* ---------------------------------------------------------------- commands */

static void reply(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void reply(const char *format, ...)
{
	va_list rest;

	if (answer == NULL)
		return;
	va_start(rest, format);
	vfprintf(answer, format, rest);
	va_end(rest);
	putc('\n', answer);
	fflush(answer);
}

static void cmd_who(const char *text)
{
	(void)text;
	reply("%d", (int)getpid());
}

static void cmd_exit(const char *text)
{
	_exit(atoi(text));
}

static void cmd_kill(const char *text)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(atoi(text), SIG_DFL);
	raise(atoi(text));
}

static void cmd_ignore(const char *text)
{
	signal(atoi(text), SIG_IGN);
	reply("ok");
}

static void cmd_sleep(const char *text)
{
	(void)poll(NULL, 0, atoi(text));
}

/* Nothing is heard any more, and nothing done. */
static void cmd_hang(const char *text)
{
	(void)text;
	reply("ok");
	for (;;)
		pause();
}

static void cmd_manual(const char *text)
{
	(void)text;
	by_hand = true;
	reply("ok");
}

static long number_near(const char *text, long own)
{
	if (text[0] == '+' || text[0] == '-')
		return own + atol(text);
	return strcmp(text, "own") == 0 ? own : atol(text);
}

/* `say PID GENERATION WORD SIZE`: own, +N, -N or a number; the result */
static void cmd_say(const char *text)
{
	char pid[32] = "own", gen[32] = "own";
	long word = 1, size = 12;

	sscanf(text, "%ld %31s %31s %ld", &word, pid, gen, &size);
	reply("%d", send_word(number_near(pid, getpid()),
			    number_near(gen, (long)generation), word,
			    (size_t)size));
}

/* `same PID`: the numbers that are one open file for both of us */
static void cmd_same(const char *text)
{
	char found[256] = "";
	size_t n = 0;

	for (int fd = 0; fd < 16; fd++)
		if (syscall(SYS_kcmp, getpid(), atoi(text), KCMP_FILE, fd,
			    fd) == 0)
			n += (size_t)snprintf(
				found + n, sizeof(found) - n, " %d", fd);
	reply("%s", n > 0 ? found + 1 : "none");
}

static void cmd_put(const char *text)
{
	char tokens[64] = {0};
	size_t n = (size_t)atoi(text);

	reply("%zd", write(FLOW_FD + 1, tokens, n < 64 ? n : 64));
}

static void cmd_count(const char *text)
{
	int n = -1;

	(void)text;
	(void)ioctl(FLOW_FD, FIONREAD, &n);
	reply("%d", n);
}

static const struct {
	const char *name;
	void (*run)(const char *text);
} commands[] = {{"who", cmd_who}, {"exit", cmd_exit}, {"kill", cmd_kill},
	{"ignore", cmd_ignore}, {"sleep", cmd_sleep}, {"hang", cmd_hang},
	{"manual", cmd_manual}, {"say", cmd_say}, {"same", cmd_same},
	{"put", cmd_put}, {"count", cmd_count}};

static void run(char *line)
{
	char *rest = strchr(line, ' ');

	if (rest != NULL)
		*rest++ = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, line) == 0) {
			commands[i].run(rest == NULL ? "" : rest);
			return;
		}
	reply("unknown command");
}

static void run_file(void)
{
	char path[4096], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s.%s", journal, tag);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		run(line);
	}
	if (file != NULL)
		fclose(file);
}

/* ----------------------------------------------------------------- clients */

static void look_at_status(void)
{
	char byte;

	if (told)
		return;
	told = true;
	journal_note("end-of-channel", "\"result\":%d",
		(int)recv(STATUS_FD, &byte, 1, MSG_DONTWAIT));
}

/* Until FD has something, also its end; at most PATIENCE_MS if IMPATIENT. */
static bool await(int fd, bool impatient)
{
	for (;;) {
		struct pollfd fds[2] = {
			{fd, POLLIN, 0}, {told ? -1 : STATUS_FD, POLLIN, 0}};
		int n = poll(fds, 2, impatient ? PATIENCE_MS : -1);

		if (n == 0)
			return false;
		if (n > 0 && fds[1].revents != 0)
			look_at_status();
		if (n > 0 && fds[0].revents != 0)
			return true;
	}
}

static void put_bytes(FILE *out, const char *bytes, size_t n)
{
	fputs(",\"bytes\":\"", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%02x", (unsigned char)bytes[i]);
	putc('"', out);
}

/* What was sent to wake us, and by whom. */
static void note_wakeup(const char *bytes, size_t n, int from)
{
	struct ucred peer = {0, 0, 0};
	socklen_t size = sizeof(peer);
	char *line;
	size_t length;
	FILE *out = journal_open("wakeup", &line, &length);

	put_bytes(out, bytes, n);
	if (from >= 0 &&
		getsockopt(from, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
		peer.pid > 0)
		fprintf(out, ",\"peer\":[%d,%d,%d]", peer.pid, (int)peer.uid,
			(int)peer.gid);
	journal_close(out, &line, &length);
}

/* The rest of a wake-up that began with FIRST: up to a zero byte. */
static void serve_wakeup(int fd, char first, int from)
{
	char bytes[1024] = {first};
	size_t n = 1;

	while (n < sizeof(bytes) && bytes[n - 1] != '\0' && await(fd, true) &&
		read(fd, bytes + n, 1) == 1)
		n++;
	note_wakeup(bytes, n, from);
}

static void serve(int fd, int from)
{
	char line[512], first;
	FILE *in = fdopen(dup(fd), "re");

	setvbuf(in, NULL, _IONBF, 0);
	answer = fdopen(dup(fd), "we");
	/* One byte first: a wake-up has no line in it. */
	while (await(fd, false) && read(fd, &first, 1) == 1) {
		if (first == 'W') {
			serve_wakeup(fd, first, from);
			break;
		}
		line[0] = first;
		line[1] = '\0';
		if (first != '\n' &&
			fgets(line + 1, sizeof(line) - 1, in) == NULL)
			break;
		line[strcspn(line, "\n")] = '\0';
		run(line);
	}
	fclose(in);
	if (answer != NULL)
		fclose(answer);
	answer = NULL;
}

static void take_client(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int passed;

	if (client < 0)
		return;
	say(0);
	if (strcmp(transport, "pass") == 0) {
		passed = await(client, true) ? listener_receive(client) : -1;
		if (passed >= 0)
			serve(passed, client);
		close(passed);
	} else {
		serve(client, client);
	}
	close(client);
	say(1);
}

/* A FIFO and a datagram socket have no clients, but requests. */
static void take_request(int listener)
{
	char bytes[1024];
	ssize_t n;

	say(0);
	n = read(listener, bytes, sizeof(bytes));
	if (n >= 0)
		note_wakeup(bytes, (size_t)n, -1);
	say(1);
}

static void take(int listener)
{
	if (strcmp(transport, "fifo") == 0 ||
		strcmp(transport, "unix-dgram") == 0)
		take_request(listener);
	else
		take_client(listener);
}

/* -------------------------------------------------------------------- main */

static unsigned read_arguments(char **argv)
{
	unsigned listeners = 1;

	for (; *argv != NULL; argv++) {
		if (strcmp(*argv, "-t") == 0 && argv[1] != NULL)
			transport = *++argv;
		else if (strcmp(*argv, "-s") == 0 && argv[1] != NULL)
			listeners = (unsigned)atoi(*++argv);
		else if (**argv == '/' && journal == NULL)
			journal = *argv;
		else if (**argv == '@')
			tag = *argv + 1;
	}
	return listeners < LISTENERS_MAX ? listeners : LISTENERS_MAX;
}

int main(int argc, char **argv)
{
	const int heard[] = {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGALRM};
	const char *number = getenv("GENERATION");
	unsigned listeners;
	struct pollfd fds[LISTENERS_MAX + 1] = {{STATUS_FD, POLLIN, 0}};

	(void)argc;
	listeners = read_arguments(argv + 1);
	if (journal == NULL)
		return 97;
	journal_start(journal, tag);
	generation = number == NULL ? 0 : (unsigned)strtoul(number, NULL, 8);
	birth_record(argv);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		signal(heard[i], on_signal);
	run_file();
	for (unsigned i = 1; i <= listeners; i++)
		fds[i] = (struct pollfd){LISTEN_FD + (int)i - 1, POLLIN, 0};
	while (!told) {
		if (poll(fds, listeners + 1, -1) < 0)
			continue;
		for (unsigned i = 1; i <= listeners; i++)
			if (fds[i].revents != 0)
				take(fds[i].fd);
		if (fds[0].revents != 0)
			look_at_status();
	}
	journal_note("exit", "\"status\":0");
	return 0;
}
