/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/prng.h"

/*
 * replay - a fuzz target without libFuzzer, in every build
 *
 * usage: TARGET CORPUS_DIRECTORY ROUNDS [SECONDS]
 *
 * Tries every file of the corpus as it is, cut off at every length, and
 * ROUNDS times changed at random; then, if SECONDS are given, goes on with
 * other changes until they are over. The input that is being tried is written
 * to ./crash-TARGET if the target dies of it.
 */
enum {
	FILES_MAX = 256,
	BYTES_MAX = 64 * 1024,
	CUTS_MAX = 2048,
};

struct input {
	uint8_t bytes[BYTES_MAX];
	size_t n;
};

static struct input corpus[FILES_MAX];
static unsigned corpus_n;
static struct input tried;
static struct prng prng;
static const char *target;

static void keep_input(void)
{
	char path[300];
	FILE *file;

	(void)snprintf(path, sizeof(path), "crash-%s", target);
	file = fopen(path, "wb");
	if (file == NULL)
		return;
	(void)fwrite(tried.bytes, 1, tried.n, file); /* dying anyway */
	(void)fclose(file);
}

static void try_input(void)
{
	/* A copy of exactly this size, so that a sanitizer sees its end. */
	uint8_t *copy = malloc(tried.n == 0 ? 1 : tried.n);

	if (copy == NULL)
		abort();
	memcpy(copy, tried.bytes, tried.n);
	(void)LLVMFuzzerTestOneInput(copy, tried.n);
	free(copy);
}

static void load(const char *directory, const char *name)
{
	char path[1000];
	struct input *input = &corpus[corpus_n];
	FILE *file;

	if (name[0] == '.' || corpus_n == FILES_MAX)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (file == NULL)
		return;
	input->n = fread(input->bytes, 1, BYTES_MAX, file);
	(void)fclose(file);
	corpus_n++;
}

/* In the order of names, so that a seed means the same everywhere. */
static int load_all(const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, NULL, alphasort);

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", directory, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		load(directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return corpus_n > 0 ? 0 : -1;
}

static size_t anywhere(void)
{
	return (size_t)prng_below(&prng, tried.n);
}

static void drop(size_t at, size_t n)
{
	if (n > tried.n - at)
		n = tried.n - at;
	memmove(tried.bytes + at, tried.bytes + at + n, tried.n - at - n);
	tried.n -= n;
}

static void insert(size_t at, const uint8_t *bytes, size_t n)
{
	if (n > BYTES_MAX - tried.n)
		n = BYTES_MAX - tried.n;
	memmove(tried.bytes + at + n, tried.bytes + at, tried.n - at);
	memmove(tried.bytes + at, bytes, n);
	tried.n += n;
}

static void splice(void)
{
	const struct input *other = &corpus[prng_below(&prng, corpus_n)];
	size_t from, n;

	if (other->n == 0)
		return;
	from = (size_t)prng_below(&prng, other->n);
	n = (size_t)prng_below(&prng, other->n - from) + 1;
	insert(anywhere(), other->bytes + from, n);
}

static void change(void)
{
	static const uint8_t telling[] = "{}()=+,\"'\\#/*\n\r\t $|\0x09az\xff";
	uint8_t byte = telling[prng_below(&prng, sizeof(telling))];

	if (tried.n == 0) {
		insert(0, &byte, 1);
		return;
	}
	switch (prng_below(&prng, 5)) {
	case 0:
		tried.bytes[anywhere()] = byte;
		return;
	case 1:
		tried.bytes[anywhere()] ^=
			(uint8_t)(1U << prng_below(&prng, 8));
		return;
	case 2:
		drop(anywhere(), (size_t)prng_below(&prng, 8) + 1);
		return;
	case 3:
		insert(anywhere(), &byte, 1);
		return;
	default:
		splice();
		return;
	}
}

static void try_changed(const struct input *from)
{
	tried = *from;
	for (uint64_t i = prng_below(&prng, 6) + 1; i > 0; i--)
		change();
	try_input();
}

static void try_whole_and_cut(const struct input *from)
{
	tried = *from;
	try_input();
	for (size_t n = 0; n < from->n && n < CUTS_MAX; n++) {
		tried.n = n;
		try_input();
	}
}

static void on_death(int signal_number)
{
	(void)signal_number;
	keep_input();
	_exit(1);
}

static void go_on_for(long seconds)
{
	time_t end = time(NULL) + seconds;

	prng_seed(&prng, (uint64_t)time(NULL));
	while (time(NULL) < end)
		for (unsigned i = 0; i < corpus_n; i++)
			try_changed(&corpus[i]);
}

int main(int argc, char **argv)
{
	long rounds;

	if (argc < 3) {
		fprintf(stderr, "usage: %s CORPUS ROUNDS [SECONDS]\n", argv[0]);
		return 2;
	}
	target = strrchr(argv[0], '/') == NULL ? argv[0]
					       : strrchr(argv[0], '/') + 1;
	rounds = strtol(argv[2], NULL, 10);
	if (load_all(argv[1]) < 0)
		return 1;
	(void)signal(SIGABRT, on_death);
	(void)signal(SIGSEGV, on_death);
	prng_seed(&prng, 1);
	for (unsigned i = 0; i < corpus_n; i++) {
		try_whole_and_cut(&corpus[i]);
		for (long round = 0; round < rounds; round++)
			try_changed(&corpus[i]);
	}
	if (argc > 3)
		go_on_for(strtol(argv[3], NULL, 10));
	printf("%u inputs, %ld changes of each: no fault\n", corpus_n, rounds);
	return 0;
}
