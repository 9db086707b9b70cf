/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_IMAGE_H
#define OSTLER_SYS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * image - the program that a process is, and another one in its place
 *
 * Knows:   how a process becomes another program and stays the same process;
 *          how it goes back when the new one crashes or hangs at its
 *          beginning; and how another process takes over where it cannot.
 * Decides: nothing but who is trusted with a program that root runs.
 * Never:   leaves a signal blocked or caught that was not before.
 *
 * Every int is 0 or more, or -errno.
 */

/* What to become: PATH, or the program behind FD if PATH is NULL. */
struct image_call {
	const char *path;
	int fd;
	char *const *argv;
	char *const *envp;
};

/* Our own program, whatever has its name by now; close-on-exec. */
int sys_image_self(void);

/* The path by which we were started, made absolute. Early: before a chdir. */
int sys_image_name(char *out, size_t size);

/*
 * 0 if PATH is absolute and a regular file that we may execute; and, unless it
 * is TRUSTED, for root one that only root may write, as may be its directory.
 * Else -errno, and in *OUT_PROBLEM (borrowed) what it is in words.
 */
int sys_image_check(const char *path, bool trusted, const char **out_problem);

/* Become it; comes back only with what went wrong. */
int sys_image_become(const struct image_call *call);

/* ---- going back ---------------------------------------------------------- */

#define IMAGE_CAUSE_DIGITS 2
#define IMAGE_CAUSE_SILENCE 97
#define IMAGE_CAUSE_REFUSED 98 /* it said so itself */
#define IMAGE_CAUSE_LOST 99    /* the process died, or was killed for silence */

/*
 * From now on, if a crash comes or PATIENCE_NS pass, we become CALL, and the
 * two digits at CAUSE (part of its environment) are the signal's number, or
 * IMAGE_CAUSE_SILENCE. All of
 * it is kept until sys_fallback_disarm(). 0 or -errno.
 */
int sys_fallback_arm(
	const struct image_call *call, char *cause, uint64_t patience_ns);

/* The same at once, for a reason of our own; comes back only if it fails. */
int sys_fallback_now(int cause);

void sys_fallback_disarm(void);

/* ---- the guardian -------------------------------------------------------- */

struct guardian {
	int pid;  /* 0: there is none */
	int tell; /* owned: our end */
};

/*
 * Fork one who watches us for PATIENCE_NS: if we die, or say nothing, he kills
 * what is left of us and becomes CALL, with IMAGE_CAUSE_LOST at CAUSE. He has
 * all descriptors that we have. 0 or -errno.
 */
int sys_guardian_start(const struct image_call *call, char *cause,
	uint64_t patience_ns, struct guardian *out);

/* All is well: he goes, and has gone when this returns. Zero is fine. */
void sys_guardian_release(struct guardian *guardian);

/* ---- another process that is asked first ---------------------------------- */

struct rehearsal {
	int pid;
	int pidfd; /* owned: readable when it is over */
	int said;  /* owned: a memory file with what it wrote to 1 and 2 */
};

/*
 * Start PATH with ARGV and ENVP; descriptor 3 is INPUT, and no other but the
 * standard ones are there. 0 or -errno.
 */
int sys_rehearse(const char *path, char *const *argv, char *const *envp,
	int input, struct rehearsal *out);

/* It, and what it has started, end; call it before it is reaped. */
void sys_rehearsal_kill(const struct rehearsal *rehearsal);

/* ---- memory as files ------------------------------------------------------ */

/* A memory file with these bytes, that nobody can change; close-on-exec. */
int sys_memory_file(const char *bytes, size_t n);

/* The whole of it, NUL-terminated: free() it. -EFBIG if it is more than MAX. */
int sys_memory_read(int fd, char **out, size_t *out_n, size_t max);

#endif
