/* SPDX-License-Identifier: MIT */
#include "lib/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/jail.h"
#include "lib/lock.h"
#include "lib/mold.h"
#include "lib/page.h"
#include "lib/settings.h"

/*
 * The worker is made, and asked about, here; what it does is in worker.c.
 * Descriptor 5 is one per process, so there is one worker per process, and
 * it needs no memory of anybody's.
 */
static struct ostler_worker the_worker;

static int fail(struct ostler_worker *w, int fd, const char *what, int error)
{
	(void)snprintf(w->start.problem, sizeof(w->start.problem),
		"descriptor %d %s; this program is started by ostlerd(8) or by Postfix's master(8)",
		fd, what);
	return -error;
}

static int socket_option(int fd, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &n) < 0 ? -1 : value;
}

static int check_listener(struct ostler_worker *w, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat s;

	if (flags < 0)
		return fail(w, fd, "is not open", EBADF);
	if ((flags & O_NONBLOCK) == 0)
		w->blocking = true;
	if (ostler__start_is_on(&w->start, MASTER_XPORT_NAME_FIFO))
		return fstat(fd, &s) == 0 && S_ISFIFO(s.st_mode)
			       ? 0
			       : fail(w, fd, "is not a fifo", ENOTSOCK);
	if (ostler__start_is_on(&w->start, MASTER_XPORT_NAME_UNIX_DGRAM))
		return socket_option(fd, SO_TYPE) == SOCK_DGRAM
			       ? 0
			       : fail(w, fd, "is not a datagram socket",
					 ENOTSOCK);
	if (socket_option(fd, SO_ACCEPTCONN) != 1)
		return fail(w, fd, "is not a listening socket", ENOTSOCK);
	return 0;
}

static int check_descriptors(struct ostler_worker *w)
{
	if (fcntl(MASTER_STATUS_FD, F_GETFD) < 0)
		return fail(w, MASTER_STATUS_FD, "is not open", EBADF);
	for (unsigned i = 0; i < w->start.sockets_n && !w->mold; i++) {
		int result = check_listener(w, MASTER_LISTEN_FD + (int)i);

		if (result < 0)
			return result;
	}
	return 0;
}

/* What we start in our turn is no worker. Those that are not open: fine. */
static void close_on_exec(const struct ostler_worker *w)
{
	int end = MASTER_LISTEN_FD + (int)w->start.sockets_n;

	for (int fd = MASTER_FLOW_READ; fd < end; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void keep_options(
	struct ostler_worker *w, const struct ostler_options *options)
{
	if (options == NULL)
		return;
	w->max_use = options->max_use;
	w->max_idle_ms = options->max_idle_ms;
	w->context = options->context;
	if (options->size >= offsetof(struct ostler_options, forked) +
				     sizeof(options->forked))
		w->forked = options->forked;
}

static void apply_options(struct ostler_worker *w)
{
	if (w->max_use == OSTLER_NO_LIMIT)
		w->start.max_use = 0;
	else if (w->max_use != 0)
		w->start.max_use = w->max_use;
	if (w->max_idle_ms == OSTLER_NO_LIMIT)
		w->start.max_idle_ns = 0;
	else if (w->max_idle_ms != 0)
		w->start.max_idle_ns = w->max_idle_ms * UINT64_C(1000000);
}

static int enter_queue_directory(struct ostler__start *s)
{
	const char *where = s->queue_directory;

	if (where[0] == '\0' || chdir(where) == 0)
		return 0;
	(void)snprintf(s->problem, sizeof(s->problem),
		"queue_directory %.80s: %s", where, strerror(errno));
	return -errno;
}

/* What a child of Postfix's master does that one of ours is spared. */
static int settle_in(struct ostler_worker *w, bool takes_turns)
{
	int result = enter_queue_directory(&w->start);

	if (result == 0 && takes_turns && !w->start.alone && !w->start.one_shot)
		result = ostler__lock_open(w);
	return result == 0 ? ostler__jail(&w->start) : result;
}

static int be_told(struct ostler_worker *w)
{
	int result = ostler__start_parse(&w->start, w->argc, w->argv);

	if (result == 0 && !w->start.native)
		result = ostler__settings_read(&w->start);
	if (result < 0)
		return result;
	apply_options(w);
	w->messages =
		ostler__start_is_on(&w->start, MASTER_XPORT_NAME_FIFO) ||
		ostler__start_is_on(&w->start, MASTER_XPORT_NAME_UNIX_DGRAM);
	if (!w->start.one_shot)
		return check_descriptors(w);
	w->start.sockets_n = 0;
	return 0;
}

int ostler__worker_open(struct ostler_worker **out, int argc, char **argv,
	const struct ostler_options *options, bool takes_turns)
{
	struct ostler_worker *w = &the_worker;
	int result;

	*out = w;
	if (w->open)
		return -EBUSY;
	memset(w, 0, sizeof(*w));
	w->pid = (int)getpid();
	w->lock_fd = -1;
	w->clients_max = 1;
	w->argc = argc;
	w->argv = argv;
	w->mold_end = ostler__mold_is_asked();
	w->mold = w->mold_end != 0;
	keep_options(w, options);
	result = be_told(w);
	if (result < 0)
		return result;
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail */
	close_on_exec(w);
	ostler__page_open(w);
	if (!w->start.native)
		result = settle_in(w, takes_turns);
	w->open = result == 0;
	return result;
}

int ostler__worker_reborn(struct ostler_worker *w)
{
	int result;

	w->pid = (int)getpid();
	result = be_told(w);
	if (result < 0)
		return result;
	close_on_exec(w);
	ostler__page_open(w);
	return 0;
}

int ostler_worker_open(struct ostler_worker **out, int argc, char **argv,
	const struct ostler_options *options)
{
	return ostler__worker_open(out, argc, argv, options, false);
}

void ostler_worker_close(struct ostler_worker *worker)
{
	if (worker->lock_fd >= 0)
		(void)close(worker->lock_fd);
	worker->lock_fd = -1;
	ostler__sources_clear(worker);
	free(worker->sources.held);
	worker->sources = (struct ostler__sources){.held = NULL};
	ostler__page_close(worker);
	worker->open = false;
}

void ostler_worker_set_clients_max(
	struct ostler_worker *worker, unsigned clients_max)
{
	unsigned most = worker->start.clients_per_worker;

	if (most != 0 && clients_max > most)
		clients_max = most;
	worker->clients_max = clients_max == 0 ? 1 : clients_max;
	worker->nonblocking_clients = worker->clients_max > 1;
}

int ostler_worker_leaving(const struct ostler_worker *worker)
{
	return worker->leaving;
}

int ostler_worker_status_fd(const struct ostler_worker *worker)
{
	(void)worker;
	return MASTER_STATUS_FD;
}

unsigned ostler_worker_listeners(const struct ostler_worker *worker)
{
	return worker->start.sockets_n;
}

int ostler_worker_listener(const struct ostler_worker *worker, unsigned i)
{
	if (i >= worker->start.sockets_n)
		return -EINVAL;
	return MASTER_LISTEN_FD + (int)i;
}

const char *ostler_worker_service(const struct ostler_worker *worker)
{
	return worker->start.service;
}

const char *ostler_worker_transport(const struct ostler_worker *worker)
{
	return worker->start.transport;
}

unsigned ostler_worker_process_limit(const struct ostler_worker *worker)
{
	return worker->start.process_limit;
}

int ostler_worker_stress(const struct ostler_worker *worker)
{
	const char *word = ostler__start_override(&worker->start, "stress");

	if (!worker->start.native)
		return word != NULL && word[0] != '\0';
	if (ostler__has_page(worker) &&
		atomic_load_explicit(
			&worker->page.head->stress, memory_order_relaxed) != 0)
		return 1;
	return worker->start.stress != 0;
}

unsigned ostler_worker_verbose(const struct ostler_worker *worker)
{
	return worker->start.verbose;
}

unsigned ostler_worker_clients(const struct ostler_worker *worker)
{
	return worker->clients_n;
}

unsigned long ostler_worker_served(const struct ostler_worker *worker)
{
	return worker->served;
}

const char *ostler_worker_override(
	const struct ostler_worker *worker, const char *name)
{
	return ostler__start_override(&worker->start, name);
}

const char *ostler_worker_problem(const struct ostler_worker *worker)
{
	return worker->start.problem;
}

char **ostler_worker_argv(const struct ostler_worker *worker, int *out_argc)
{
	*out_argc = worker->start.argc;
	return worker->start.argv;
}

const char *ostler_version(void)
{
	return OSTLER_VERSION;
}
