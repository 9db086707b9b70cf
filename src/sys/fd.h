/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_SYS_FD_H
#define OSTLER_SYS_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * fd - descriptors and the few files that the master itself touches
 *
 * Knows:   how to hold, move, close, read, write and lock a descriptor.
 * Decides: nothing; what a caller may do with a directory is said by errno.
 * Never:   leaves a descriptor without FD_CLOEXEC, follows a symbolic link at
 *          the end of a path (reading a file apart), or waits.
 *
 * Every int is 0 or more, or -errno.
 */

/* int AUTO_CLOSE fd = -1; closed at the end of the scope, if open. */
#define AUTO_CLOSE __attribute__((cleanup(fd_close)))
/* char AUTO_FREE *text = NULL; freed at the end of the scope. */
#define AUTO_FREE __attribute__((cleanup(sys_free)))

/* The number in *FD, which is -1 from now on: it is the caller's. */
int fd_take(int *fd);

/* Close *FD if it is open, and make it -1. errno stays what it was. */
void fd_close(int *fd);

/* free() for AUTO_FREE: POINTER is the address of a pointer. */
void sys_free(void *pointer);

/* A duplicate of FD numbered LOWEST or higher. FD stays open. */
int fd_above(int fd, int lowest);

int fd_nonblocking(int fd, bool on);

/* FD is inherited across exec (on), or is not. */
int fd_inherit(int fd, bool on);

/* Which file it is. */
int fd_file(int fd, uint64_t *out_dev, uint64_t *out_ino);

int sys_open_null(void);

/* Descriptors 0, 1 and 2 are open, if only to nothing. Call it first. */
int sys_open_standard(void);

/* 1 if a read, accept or recv would not wait; 0 if it would. */
int sys_readable(int fd);

/* 1 if nobody holds the other end of a socket or pipe any more. */
int sys_hung_up(int fd);

/* A pipe, [0] to read; both ends O_NONBLOCK if asked. */
int sys_pipe(int out[2], bool nonblocking);

/* One write(2), one read(2): the count, or -errno (-EINTR is retried). */
int sys_write(int fd, const void *data, size_t n);
int sys_read(int fd, void *data, size_t n);

/*
 * The whole of a regular file, NUL-terminated, in *OUT: free() it. -EFBIG if
 * there is more than MAX, -EISDIR or -EINVAL if it is no regular file.
 */
int sys_read_file(const char *path, char **out, size_t *out_n, size_t max);

/*
 * Open or make a file and lock it for this process and its children. It must
 * be a regular file with one name. -EWOULDBLOCK: somebody else holds the lock.
 */
int sys_lock_file(const char *path, mode_t mode);

/* The content of FD becomes PID, a line of its own. */
int sys_write_pid(int fd, int pid);

/* Fine if there is a directory already, whatever its mode. */
int sys_make_directory(const char *path, mode_t mode);

/*
 * 0 if nobody but root and us can put files into PATH: its owner is root or
 * us, and group and others may not write, unless it is sticky. Else -EPERM,
 * -ENOTDIR, -ELOOP (a symbolic link), ...
 */
int sys_check_directory(const char *path);

#endif
