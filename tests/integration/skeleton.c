/* SPDX-License-Identifier: MIT */
#include <ostler.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * skeleton - a worker of any kind that says what it finds
 *
 * usage: skeleton [MASTER'S OPTIONS] KIND JOURNAL
 *
 * What happens to it goes to the file JOURNAL, a line each, with its pid in
 * front. Clients send a line and get one.
 */

static struct ostler_worker *worker;
static int journal;

static void note(const char *what, const char *bytes, size_t n)
{
	char line[2048];
	int length = snprintf(line, sizeof(line), "%d %s%.*s\n", (int)getpid(),
		what, (int)n, bytes);

	(void)!write(journal, line, (size_t)length);
}

static const char *or_none(const char *text)
{
	return text == NULL ? "none" : text;
}

static void say_who(int fd)
{
	char directory[512];

	(void)dprintf(fd,
		"pid=%d uid=%d euid=%d gid=%d cwd=%s service=%s transport=%s limit=%u verbose=%u served=%lu listeners=%u stress=%s client_address=%s\n",
		(int)getpid(), (int)getuid(), (int)geteuid(), (int)getgid(),
		or_none(getcwd(directory, sizeof(directory))),
		ostler_worker_service(worker), ostler_worker_transport(worker),
		ostler_worker_process_limit(worker),
		ostler_worker_verbose(worker), ostler_worker_served(worker),
		ostler_worker_listeners(worker),
		or_none(ostler_worker_override(worker, "stress")),
		or_none(ostler_worker_attribute(worker, "client_address")));
}

/* A child of the master, which only a mold may make. */
static void try_sibling(int fd)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	int error = errno;

	if (pid == 0)
		_exit(0);
	(void)dprintf(fd, "%d\n", pid > 0 ? 0 : error);
}

/* What a program has to be able to do all the same. */
static void try_child(int fd)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	(void)waitpid(pid, &status, 0);
	(void)dprintf(fd, "%d\n", WEXITSTATUS(status) + system("exit 2"));
}

/* Or a sanitizer finds it lost. */
static volatile char *volatile grown;

/* What is never given back. */
static void grow(int fd)
{
	size_t n = (size_t)160 << 20;
	volatile char *more = malloc(n);

	grown = more;
	if (more != NULL)
		for (size_t i = 0; i < n; i += 1024)
			more[i] = 1;
	(void)dprintf(fd, "%d\n", more != NULL && more[n - 1024] == 1);
}

static void answer(int fd, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "who") == 0)
		say_who(fd);
	else if (strncmp(line, "get ", 4) == 0)
		(void)dprintf(fd, "%d\n",
			ostler_flow_get((unsigned)strtoul(line + 4, NULL, 10)));
	else if (strncmp(line, "put ", 4) == 0)
		(void)dprintf(fd, "%d\n",
			ostler_flow_put((unsigned)strtoul(line + 4, NULL, 10)));
	else if (strcmp(line, "grow") == 0)
		grow(fd);
	else if (strcmp(line, "sibling") == 0)
		try_sibling(fd);
	else if (strcmp(line, "child") == 0)
		try_child(fd);
	else if (strcmp(line, "count") == 0)
		(void)dprintf(fd, "%d\n", ostler_flow_count());
	else
		(void)dprintf(fd, "%s\n", line);
}

/* One line a time: clients wait for the answer. */
static int talk(int fd)
{
	char line[512];
	ssize_t n = read(fd, line, sizeof(line) - 1);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return 1;
	line[n] = '\0';
	answer(fd, line);
	return 0;
}

static int serve(int client, void *context)
{
	(void)context;
	while (talk(client) == 0)
		;
	return 0;
}

static int readable(struct ostler_client *client, void *context)
{
	(void)context;
	return talk(client->fd);
}

/* The attributes are those of the client that came last. */
static int opened(struct ostler_client *client, void *context)
{
	const char *from = ostler_worker_attribute(worker, "client_address");

	(void)client;
	(void)context;
	if (from != NULL)
		note("from ", from, strlen(from));
	return 0;
}

static int message(const char *bytes, size_t n, void *context)
{
	(void)context;
	note("message ", bytes, n);
	return n == 4 && memcmp(bytes, "quit", 4) == 0 ? 3 : 0;
}

static void *sleep_for_ever(void *context)
{
	for (;;)
		(void)pause();
	return context;
}

static int init(struct ostler_worker *w, void *context)
{
	(void)context;
	worker = w;
	if (getenv("SKELETON_THREAD") != NULL)
		(void)pthread_create(
			&(pthread_t){0}, NULL, sleep_for_ever, NULL);
	if (getenv("SKELETON_SLOW") != NULL)
		(void)usleep(
			(useconds_t)strtoul(getenv("SKELETON_SLOW"), NULL, 10) *
			1000);
	note("init", "", 0);
	return 0;
}

static int forked(struct ostler_worker *w, void *context)
{
	(void)w;
	(void)context;
	note("forked", "", 0);
	return 0;
}

static void leave(struct ostler_worker *w, void *context)
{
	(void)w;
	(void)context;
	note("leave", "", 0);
}

static const struct {
	const char *name;
	int (*main)(int, char **, const struct ostler_options *);
} kinds[] = {{"single", ostler_single_main}, {"multi", ostler_multi_main},
	{"event", ostler_event_main}, {"trigger", ostler_trigger_main},
	{"dgram", ostler_dgram_main}};

int main(int argc, char **argv)
{
	struct ostler_options options = {
		.size = sizeof(options),
		.init = init,
		.leave = leave,
		.forked = forked,
		.serve = serve,
		.opened = opened,
		.readable = readable,
		.message = message,
	};

	if (argc < 3)
		return 2;
	/* Before root and the directory are given up. */
	journal = open(argv[argc - 1],
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[argc - 2], kinds[i].name) == 0)
			return kinds[i].main(argc, argv, &options);
	return 2;
}
