/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_PATH_H
#define OSTLER_SYS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * path - questions about files, by name
 *
 * Knows:   what is there at the moment of asking.
 * Decides: nothing.
 * Never:   opens anything. Every int is 0 or more, or -errno.
 */

/* 1 if something is there. */
int sys_exists(const char *path);

/* How long ago PATH was last written; one of the future: for ever. */
int sys_file_age(const char *path, uint64_t *out_ns);

/* 0 if it is a regular file that we may execute; -EISDIR, -EACCES, ... */
int sys_executable(const char *path);

struct glob_result {
	char **paths; /* sorted; borrowed until sys_glob_free() */
	size_t n;
	void *state;
};

/* The files that PATTERN stands for; one without wildcards is one file. */
int sys_glob(const char *pattern, struct glob_result *out);
void sys_glob_free(struct glob_result *result);

/*
 * The file that this process was started from, by a name that lasts; WORD,
 * which its starter called it, where the kernel does not tell. free() it.
 */
char *sys_own_program(const char *word);

bool sys_is_root(void);

/* Effective ids of this process. */
unsigned sys_uid(void);
unsigned sys_gid(void);

#endif
