/* SPDX-License-Identifier: MIT */
#include "lib/worker.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/mold.h"
#include "lib/notify.h"
#include "lib/page.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* How long a run of clients may go on without a look at descriptor 5. */
#define LOOK_CLIENTS 16
#define LOOK_NS (50 * NS_PER_MS)

/* The same where a flag of our page tells: but a master that died sets none. */
#define LOOK_PAGE_CLIENTS 1024
#define LOOK_PAGE_NS NS_PER_S

/* The same without a word, under Postfix's master (MECHANISMS B4). */
#define WORD_CLIENTS 100
#define WORD_NS NS_PER_S

/* Up to here max_use is kept to the one, as the master does. */
#define MAX_USE_EXACT 8
#define PATIENCE_USES 4

#define PAUSE_NS (100 * NS_PER_MS)  /* no descriptor free */
#define RETELL_NS (100 * NS_PER_MS) /* the channel was full */

/* As the descriptor that woke us: none did, we are done with a client. */
#define READY_AGAIN (-2)

/* Clients that went away in the queue, in a row: then the others' turn. */
#define GONE_MAX 64

uint64_t ostler__now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static bool is_listener(const struct ostler_worker *w, int fd)
{
	return fd >= MASTER_LISTEN_FD &&
	       fd < MASTER_LISTEN_FD + (int)w->start.sockets_n;
}

static bool is_full(const struct ostler_worker *w)
{
	return w->clients_n >= w->clients_max;
}

/* ------------------------------------------------------ what we say */

/*
 * Never wait for the master: it may be stopped, and the client is not. Only
 * the newest word matters, so what did not fit is said again later, as it is
 * then.
 */
static int try_to_tell(
	const struct ostler_worker *w, enum ostler__status_word word)
{
	struct ostler__status status = {
		.pid = w->pid,
		.generation = w->start.generation,
		.word = word,
	};

	return ostler__tell(&status, MSG_DONTWAIT);
}

static void tell(struct ostler_worker *w)
{
	int result = try_to_tell(w, w->word);

	w->unsent = result == -EAGAIN;
	/* TAKEN unheard: the client is served. AVAIL unheard: nobody cares. */
	if (result < 0 && !w->unsent && w->word == STATUS_AVAIL)
		w->leaving = true;
}

static void say(struct ostler_worker *w, enum ostler__status_word word)
{
	if (w->spoken && w->word == word)
		return;
	if (!w->spoken)
		ostler__page_begin(w);
	w->spoken = true;
	w->word = word;
	w->clients_since_word = 0;
	w->spoke_ns = ostler__now_ns();
	if (!ostler__has_page(w) || ostler__page_says(w, word))
		tell(w);
}

bool ostler__worker_withdraws(struct ostler_worker *w)
{
	int result = try_to_tell(w, STATUS_TAKEN);

	if (result < 0 && result != -EAGAIN)
		return false;
	w->word = STATUS_TAKEN;
	return true;
}

/*
 * Until a master has heard a TAKEN it takes an abnormal end for a bad start
 * (Postfix's: one whole cycle of TAKEN and AVAIL), so the first client is
 * always told of. Postfix's is not for long silent runs after that, either.
 */
static void speak_now_and_then(struct ostler_worker *w, uint64_t now)
{
	bool due = w->clients_since_word >= WORD_CLIENTS ||
		   now - w->spoke_ns >= WORD_NS;
	bool first = w->served == 1;

	if (w->one_by_one)
		return;
	if (w->start.timed && !ostler__has_page(w) && w->word == STATUS_TAKEN) {
		say(w, STATUS_AVAIL);
		return;
	}
	if (ostler__has_page(w)) {
		/* It is all there; the master is told to look, once. */
		if (first && w->word == STATUS_AVAIL)
			tell(w);
		return;
	}
	if (w->start.native && !(first && w->word == STATUS_AVAIL))
		return;
	if (!first && !due)
		return;
	if (w->word == STATUS_AVAIL)
		say(w, STATUS_TAKEN);
	say(w, STATUS_AVAIL);
}

/* ------------------------------------------------------ what we hear */

/* The master never sends, so anything to be read is its end or its wish. */
static void look(struct ostler_worker *w, uint64_t now)
{
	w->looked_ns = now;
	w->clients_since_look = 0;
	if (readable(MASTER_STATUS_FD))
		w->leaving = true;
}

static void look_if_due(struct ostler_worker *w, uint64_t now)
{
	bool page = ostler__has_page(w);

	w->clients_since_look++;
	if (page && ostler__page_retires(&w->page))
		w->leaving = true;
	else if (w->clients_since_look >=
			 (page ? LOOK_PAGE_CLIENTS : LOOK_CLIENTS) ||
		 now - w->looked_ns >= (page ? LOOK_PAGE_NS : LOOK_NS))
		look(w, now);
}

/*
 * A listener woke us in vain, or we are done with a client. With a page its
 * flag tells; and if descriptor 5 is readable, that will wake us next.
 */
static void look_after_try(struct ostler_worker *w, int ready, uint64_t now)
{
	if (!ostler__has_page(w) ||
		!(is_listener(w, ready) || ready == READY_AGAIN))
		look(w, now);
	else if (ostler__page_retires(&w->page))
		w->leaving = true;
}

static bool idle_is_over(const struct ostler_worker *w, uint64_t now)
{
	return w->start.max_idle_ns != 0 && w->clients_n == 0 &&
	       now - w->idle_since_ns >= w->start.max_idle_ns;
}

/* ------------------------------------------------------ clients */

/* That one client is lost, says accept(); the next may be well. */
static bool client_is_gone(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case ECONNRESET:
	case ECONNREFUSED:
	case ENOTCONN:
	case ETIMEDOUT:
	case EPROTO:
	case ENOPROTOOPT:
	case EPERM:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
		return true;
	default:
		return false;
	}
}

static bool no_descriptor(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM;
}

/* The reader finds out whether a sibling was faster. */
static int try_message(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN | POLLRDHUP};

	if (poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	/* As accept() says of a listener that was shut down. */
	return (p.revents & (POLLHUP | POLLRDHUP)) != 0 ? -EINVAL : listener;
}

static int try_listener(struct ostler_worker *w, int listener)
{
	int flags = SOCK_CLOEXEC | (w->nonblocking_clients ? SOCK_NONBLOCK : 0);

	if (w->messages)
		return try_message(listener);
	for (int i = 0; i < GONE_MAX; i++) {
		int fd;

		if (w->blocking && !readable(listener))
			return -EAGAIN;
		fd = ostler__source_accept(w, listener, flags);
		if (fd >= 0)
			return fd;
		if (!client_is_gone(errno))
			return -errno;
	}
	return -EAGAIN;
}

static int try_turn(struct ostler_worker *w, unsigned turn)
{
	int result = try_listener(w, MASTER_LISTEN_FD + (int)turn);

	if (result != -EAGAIN)
		w->next_listener = (turn + 1) % w->start.sockets_n;
	return result;
}

/*
 * First the one that woke us, see worker.h; then in turn, so that a busy
 * listener does not starve the others.
 */
static int try_listeners(struct ostler_worker *w, int ready)
{
	int result = -EAGAIN;

	if (is_listener(w, ready))
		result = try_turn(w, (unsigned)(ready - MASTER_LISTEN_FD));
	for (unsigned i = 0; i < w->start.sockets_n && result == -EAGAIN; i++)
		result = try_turn(
			w, (w->next_listener + i) % w->start.sockets_n);
	return result;
}

/*
 * Where the master can be told, it starts another one before it asks us to
 * leave; we go by ourselves if it takes too long. A few clients are meant to
 * the one.
 */
static bool is_used_up(const struct ostler_worker *w)
{
	unsigned long most = w->start.max_use;

	if (most > MAX_USE_EXACT && ostler__has_page(w))
		most *= PATIENCE_USES;
	return most != 0 && w->accepted >= most;
}

static int took_client(struct ostler_worker *w, int fd, uint64_t now)
{
	w->clients_n++;
	w->accepted++;
	ostler__source_took(w);
	w->paused = false;
	w->leaving = w->leaving || is_used_up(w);
	ostler__page_counts(w, is_full(w) ? now : 0);
	say(w, is_full(w) || w->leaving || w->one_by_one ? STATUS_TAKEN
							 : STATUS_AVAIL);
	if (w->start.max_use > MAX_USE_EXACT &&
		w->accepted == w->start.max_use && ostler__page_wears(w))
		tell(w);
	return fd;
}

void ostler__worker_welcomed(struct ostler_worker *w)
{
	if (!is_full(w) && !w->leaving)
		say(w, STATUS_AVAIL);
}

static int nothing_waits(struct ostler_worker *w, int ready, uint64_t now)
{
	w->paused = false;
	look_after_try(w, ready, now);
	if (idle_is_over(w, now))
		w->leaving = true;
	if (!w->leaving)
		say(w, STATUS_AVAIL);
	return w->leaving ? -ESHUTDOWN : -EAGAIN;
}

/*
 * The client stays in the queue, where a sibling or a new worker may find it:
 * that is why the master must not think we are ready.
 */
static int pause_accepting(struct ostler_worker *w, uint64_t now)
{
	w->paused = true;
	w->paused_until_ns = now + PAUSE_NS;
	say(w, STATUS_TAKEN);
	look(w, now);
	return w->leaving ? -ESHUTDOWN : -EMFILE;
}

static int take_client(struct ostler_worker *w, int ready, uint64_t now)
{
	int fd = try_listeners(w, ready);

	if (fd >= 0)
		return took_client(w, fd, now);
	if (fd == -EAGAIN)
		return nothing_waits(w, ready, now);
	if (no_descriptor(-fd))
		return pause_accepting(w, now);
	w->leaving = true;
	/* Shut down by the master: the service is no more. */
	return fd == -EINVAL ? -ESHUTDOWN : fd;
}

int ostler_worker_ready(struct ostler_worker *worker)
{
	if (worker->mold) {
		int result = ostler__mold_serve(worker);

		if (result < 0)
			return result;
	}
	worker->idle_since_ns = ostler__now_ns();
	say(worker, STATUS_AVAIL);
	return worker->leaving ? -ESHUTDOWN : 0;
}

/* A word that is none but for the time: we are not hung. */
static void beat(struct ostler_worker *w, uint64_t now)
{
	if (w->start.liveness_ns == 0 || !w->spoken ||
		now - w->spoke_ns < w->start.liveness_ns)
		return;
	w->spoke_ns = now;
	tell(w);
}

int ostler_worker_accept(struct ostler_worker *worker, int ready)
{
	uint64_t now = ostler__now_ns();

	if (worker->leaving)
		return -ESHUTDOWN;
	if (worker->unsent)
		tell(worker);
	beat(worker, now);
	if (!is_full(worker) &&
		!(worker->paused && now < worker->paused_until_ns))
		return take_client(worker, ready, now);
	look(worker, now);
	if (worker->leaving)
		return -ESHUTDOWN;
	return is_full(worker) ? -EBUSY : -EMFILE;
}

int ostler_worker_done(struct ostler_worker *worker)
{
	bool was_listening = worker->word == STATUS_AVAIL;
	uint64_t now = ostler__now_ns();

	if (worker->clients_n == 0)
		return -EINVAL;
	worker->clients_n--;
	worker->served++;
	worker->clients_since_word++;
	if (worker->clients_n == 0) {
		worker->idle_since_ns = now;
		ostler__sources_clear(worker);
	}
	ostler__page_counts(worker, 0);
	if (!worker->leaving)
		look_if_due(worker, now);
	if (!worker->leaving)
		speak_now_and_then(worker, now);
	if (worker->leaving)
		return -ESHUTDOWN;
	if (worker->unsent)
		tell(worker);
	return was_listening ? -EAGAIN : take_client(worker, READY_AGAIN, now);
}

/* ------------------------------------------------------ when to wake */

static uint64_t until(uint64_t then, uint64_t now)
{
	return then > now ? then - now : 0;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int ostler_worker_timeout(const struct ostler_worker *worker)
{
	uint64_t now = ostler__now_ns(), wait = UINT64_MAX;

	if (worker->leaving)
		return worker->clients_n == 0 ? 0 : -1;
	if (worker->paused)
		wait = until(worker->paused_until_ns, now);
	if (worker->unsent)
		wait = sooner(wait, RETELL_NS);
	if (worker->start.max_idle_ns != 0 && worker->clients_n == 0)
		wait = sooner(wait,
			until(worker->idle_since_ns + worker->start.max_idle_ns,
				now));
	if (worker->start.liveness_ns != 0 && worker->spoken)
		wait = sooner(wait,
			until(worker->spoke_ns + worker->start.liveness_ns,
				now));
	if (wait == UINT64_MAX)
		return -1;
	wait = wait / NS_PER_MS + (wait % NS_PER_MS != 0);
	return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

bool ostler__worker_listens(const struct ostler_worker *w)
{
	return !w->leaving && !w->paused && !is_full(w);
}
