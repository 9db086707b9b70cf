/* SPDX-License-Identifier: MIT */
#include "sys/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

#define WANTED (STATX_INO | STATX_SIZE | STATX_MTIME)

static int identify(int fd, const char *path, int flags, struct program_id *out)
{
	struct statx s;

	if (statx(fd, path, flags, WANTED, &s) < 0)
		return -errno;
	*out = (struct program_id){
		.dev = (uint64_t)s.stx_dev_major << 32 | s.stx_dev_minor,
		.ino = s.stx_ino,
		.size = s.stx_size,
		.changed_s = (uint64_t)s.stx_mtime.tv_sec,
		.changed_ns = s.stx_mtime.tv_nsec,
	};
	return 0;
}

int program_identify(const char *path, struct program_id *out)
{
	return identify(AT_FDCWD, path, 0, out);
}

bool program_same(const struct program_id *a, const struct program_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

/* Who may execute a file may not always read it; but a script is read. */
static int open_program(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int program_hold(const char *path, struct program *out)
{
	AUTO_CLOSE int fd = open_program(path);
	struct program_id id;
	char first[2];
	bool script;
	int result;

	*out = (struct program)PROGRAM_NONE;
	if (fd < 0)
		return fd;
	result = identify(fd, "", AT_EMPTY_PATH, &id);
	if (result < 0)
		return result;
	/* What cannot be read is no script that could be run. */
	script = pread(fd, first, 2, 0) == 2 && memcmp(first, "#!", 2) == 0;
	*out = (struct program){.id = id, .fd = fd_take(&fd), .script = script};
	return 0;
}

void program_release(struct program *program)
{
	fd_close(&program->fd);
	*program = (struct program)PROGRAM_NONE;
}

struct program program_take(struct program *program)
{
	struct program taken = *program;

	program->fd = -1;
	return taken;
}
