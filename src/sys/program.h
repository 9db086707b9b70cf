/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_PROGRAM_H
#define OSTLER_SYS_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * program - a file that is executed, and whether it is still the same one
 *
 * Knows:   which file a name stood for; held open, it can be executed when the
 *          name stands for another, or for none.
 * Decides: nothing.
 * Never:   keeps what is written into the file itself: who overwrites it in
 *          place changes what is held, too.
 */
struct program_id {
	uint64_t dev, ino, size;
	uint64_t changed_s; /* when it was last written */
	uint32_t changed_ns;
};

struct program {
	struct program_id id;
	int fd;	     /* owned; -1: not held */
	bool script; /* its first line names who runs it */
};

#define PROGRAM_NONE                                                           \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Which file PATH is now. 0 or -errno; every id differs from one of zeros. */
int program_identify(const char *path, struct program_id *out);
bool program_same(const struct program_id *a, const struct program_id *b);

/* The same, and held open. On failure OUT is PROGRAM_NONE. */
int program_hold(const char *path, struct program *out);
/* Whatever PROGRAM holds, which holds nothing from now on. */
struct program program_take(struct program *program);
void program_release(struct program *program); /* twice is fine */

#endif
