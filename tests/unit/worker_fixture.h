/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TESTS_WORKER_FIXTURE_H
#define OSTLER_TESTS_WORKER_FIXTURE_H

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <ostler.h>

/*
 * worker_fixture - a worker's loop against a master made of a socket pair
 *
 * Knows:   one worker at a time, forked from the test, its channel and its
 *          listener. Whoever waits does so PATIENCE_MS at most.
 * Decides: nothing.
 * Never:   leaves a worker behind: each has an alarm(10) from birth.
 *
 * A client speaks first: the worker reads a byte and sends it back, so a test
 * decides how long each one is served.
 */

#define GENERATION 9
#define PATIENCE_MS 10000

struct fixture {
	int listener;
	int second;    /* another one, or -1 */
	int channel;   /* the master's end */
	int theirs;    /* the worker's */
	int type;      /* SOCK_SEQPACKET, or SOCK_STREAM as Postfix has it */
	int gate[2];   /* [1] is the worker's descriptor 8, if it was opened */
	pid_t pid;     /* 0: it has been waited for */
	pid_t speaker; /* as pid, for ever */
	struct ostler_options options;
	rlim_t nofile; /* 0: as it is */
	int page;      /* of memory, the worker's descriptor 9; -1: none */
	void *page_top;
	const char *page_says;	/* OSTLER_PAGE */
	const char *per_worker; /* OSTLER_CLIENTS_PER_WORKER, or NULL */
	struct sockaddr_in address;
	struct sockaddr_in second_address;
};

extern struct fixture m;

int prepare(void **state);
int clean_up(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean_up)

/* In the worker: for serve, for readable, and a halt until let_pass(). */
int serve_byte(int client, void *context);
int answer(struct ostler_client *client, void *context);
void pass_gate(void);

/* In the test. */
void start(int (*skeleton)(int, char **, const struct ostler_options *));
void open_gate(void);	/* before start() */
void open_second(void); /* likewise: a second listener */
void open_page(void);	/* likewise: a page, with the worker in slot 0 */
void let_pass(void);
void await_input(int fd);
void await_sleep(void); /* the worker waits for something */

/* A for AVAIL, T for TAKEN, and a dot for the end of the channel. */
char next_word(void);
void expect_words(const char *words);
void expect_silence(void);
void expect_exit(int status);

int connect_client(void);
int connect_second(void);
void ask(int client);
void expect_answer(int client); /* and close it */
void be_client(void);
void retire(void);
void hang_up(void);

#endif
