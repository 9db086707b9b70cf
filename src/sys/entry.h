/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_ENTRY_H
#define OSTLER_SYS_ENTRY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * entry - names in a directory: what is behind one, and another thing in its
 * place
 *
 * Knows:   what is there at the moment of asking.
 * Decides: nothing.
 * Never:   leaves a moment in which a name that is replaced is not there.
 *          Every int is 0 or more, or -errno.
 */
enum entry_kind {
	ENTRY_NONE,
	ENTRY_FILE, /* a regular one */
	ENTRY_LINK, /* a symbolic one */
	ENTRY_OTHER,
};

struct entry {
	enum entry_kind kind;
	uint64_t device;
	uint64_t inode;
	char target[PATH_MAX]; /* of a link; else "" */
};

/* What PATH itself is; that nothing is there is no failure. */
int sys_entry(const char *path, struct entry *out);

/* Both are there, and one and the same file. */
bool entry_is_same(const struct entry *a, const struct entry *b);

/*
 * PATH becomes another name of the file OLD, a program (0755) with the bytes of
 * SOURCE, or a symbolic link to TARGET.
 */
int sys_replace_by_file(const char *path, const char *old);
int sys_replace_by_copy(const char *path, const char *source);
int sys_replace_by_link(const char *path, const char *target);

/* What a replacement of PATH that was interrupted has left; it may be none. */
int sys_sweep_entry(const char *path);

/* Fine if nothing is there. */
int sys_remove_entry(const char *path);

/* 1 if WORD is among the bytes of the regular file PATH, 0 if not. */
int sys_file_has(const char *path, const char *word);

/* 1 if two regular files have the same bytes, 0 if not. */
int sys_files_equal(const char *a, const char *b);

/* A new directory of our own, in TMPDIR or /tmp; empty, it can be removed. */
int sys_make_scratch(char *out, size_t size);
int sys_remove_directory(const char *path);

/*
 * 0 if PATH is a program that only root can change: it, and every directory
 * that leads to it. Else -EPERM, -ENOENT, -EACCES ...
 */
int sys_check_program(const char *path);

/* 1 if somebody holds a lock (flock) on PATH; 0 if not, or if it is missing. */
int sys_is_flocked(const char *path);

/* PATH, locked by fcntl() until it is closed; -EAGAIN: somebody else has it. */
int sys_lock_whole(const char *path);

#endif
