/* SPDX-License-Identifier: MIT */
#include "sys/orphan.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/net.h"
#include "sys/process.h"

#define HOLDERS_MAX 16384
#define TCP_LISTEN 0x0a
#define LINES_MAX 1000000u

struct holder {
	int pid;
	int parent;
	int fd; /* of theirs */
};

struct holders {
	struct holder items[HOLDERS_MAX];
	unsigned n;
	bool strange; /* one of them is no worker, or there are too many */
};

/* ---- which socket it is ----------------------------------------------------- */

/* As /proc/net/tcp and tcp6 have it: words in the machine's own order. */
static void put_address(int family, const uint8_t address[16], uint16_t port,
	char *out, size_t room)
{
	unsigned words = family == NET_IPV4 ? 1 : 4;
	size_t n = 0;

	for (unsigned i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, address + (size_t)i * 4, sizeof(word));
		n += (size_t)snprintf(out + n, room - n, "%08X", word);
	}
	(void)snprintf(out + n, room - n, ":%04X", port);
}

/* One line of the kernel's table that is a listener's. */
struct listed {
	char local[48]; /* as put_address() has it */
	unsigned long inode;
};

static FILE *open_list(int family)
{
	return fopen(
		family == NET_IPV4 ? "/proc/net/tcp" : "/proc/net/tcp6", "re");
}

/* False: there is none left. */
static bool next_listed(FILE *file, unsigned *n, struct listed *out)
{
	char line[512];
	unsigned state;

	while ((*n)++ < LINES_MAX && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%*s %47s %*s %x %*s %*s %*s %*s %*s %lu",
			    out->local, &state, &out->inode) == 3 &&
			state == TCP_LISTEN)
			return true;
	return false;
}

/* Its inode; 0: nobody listens there. */
static unsigned long find_inode(
	int family, const uint8_t address[16], uint16_t port)
{
	static const uint8_t any[16];
	char wanted[48];
	struct listed listed = {.inode = 0};
	unsigned n = 0;
	bool found = false;
	FILE *file = open_list(family);

	if (file == NULL)
		return 0;
	put_address(family, family == NET_BOTH ? any : address, port, wanted,
		sizeof(wanted));
	while (!found && next_listed(file, &n, &listed))
		found = strcmp(listed.local, wanted) == 0;
	(void)fclose(file);
	return found ? listed.inode : 0;
}

static bool is_one_of(const int *fds, unsigned n, unsigned long inode)
{
	struct stat st;

	for (unsigned i = 0; i < n; i++)
		if (fstat(fds[i], &st) == 0 && st.st_ino == inode)
			return true;
	return false;
}

bool sys_port_is_shared(int family, const uint8_t address[16], uint16_t port,
	const int *ours, unsigned ours_n)
{
	static const uint8_t any[16];
	char wanted[48];
	char wildcard[48];
	const char *port_text;
	struct listed listed;
	unsigned n = 0;
	bool shared = false;
	FILE *file = open_list(family);

	if (file == NULL)
		return false;
	put_address(family, any, port, wildcard, sizeof(wildcard));
	put_address(family, family == NET_BOTH ? any : address, port, wanted,
		sizeof(wanted));
	port_text = strchr(wanted, ':');
	while (!shared && next_listed(file, &n, &listed)) {
		const char *colon = strchr(listed.local, ':');

		shared = colon != NULL && strcmp(colon, port_text) == 0 &&
			 (strcmp(wanted, wildcard) == 0 ||
				 strcmp(listed.local, wildcard) == 0 ||
				 strcmp(listed.local, wanted) == 0) &&
			 !is_one_of(ours, ours_n, listed.inode);
	}
	(void)fclose(file);
	return shared;
}

/* ---- who holds it ------------------------------------------------------------ */

static int parent_of(int pid)
{
	struct process process;

	return sys_process(pid, &process) < 0 ? 0 : process.parent;
}

/* An upgrade of the package may have removed what still runs. */
static bool runs(int pid, const char *program)
{
	static const char deleted[] = " (deleted)";
	char path[64];
	char exe[PATH_MAX];
	size_t tail = sizeof(deleted) - 1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = '\0';
	if ((size_t)n > tail && strcmp(exe + n - tail, deleted) == 0)
		exe[(size_t)n - tail] = '\0';
	return strcmp(exe, program) == 0;
}

/* The number under which PID holds the socket; -1: it does not. */
static int held_as(int pid, const char *socket_name)
{
	char path[64];
	struct dirent *entry;
	DIR *directory;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	directory = opendir(path);
	if (directory == NULL)
		return -1;
	while (fd < 0 && (entry = readdir(directory)) != NULL) {
		char target[64];
		ssize_t n = readlinkat(dirfd(directory), entry->d_name, target,
			sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, socket_name) == 0)
			fd = atoi(entry->d_name);
	}
	(void)closedir(directory);
	return fd;
}

static void look_at(
	struct holders *out, int pid, const char *name, const char *program)
{
	int fd = held_as(pid, name);

	if (fd < 0)
		return;
	if (out->n == HOLDERS_MAX || !runs(pid, program)) {
		out->strange = true;
		return;
	}
	out->items[out->n++] =
		(struct holder){.pid = pid, .parent = parent_of(pid), .fd = fd};
}

static int find_holders(
	unsigned long inode, const char *program, struct holders *out)
{
	char name[48];
	struct dirent *entry;
	DIR *processes = opendir("/proc");

	if (processes == NULL)
		return -errno;
	(void)snprintf(name, sizeof(name), "socket:[%lu]", inode);
	while ((entry = readdir(processes)) != NULL) {
		int pid = atoi(entry->d_name);

		if (pid > 0)
			look_at(out, pid, name, program);
	}
	(void)closedir(processes);
	return 0;
}

/* One whose parent holds it, too, has a master that lives. */
static bool are_orphans(const struct holders *holders)
{
	if (holders->strange || holders->n == 0)
		return false;
	for (unsigned i = 0; i < holders->n; i++)
		for (unsigned j = 0; j < holders->n; j++)
			if (holders->items[i].parent == holders->items[j].pid)
				return false;
	return true;
}

/* ---- taking it ---------------------------------------------------------------- */

static int take(const struct holder *holder, const char *program)
{
	AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, holder->pid, 0);
	int fd;

	if (pidfd < 0)
		return -errno;
	/* Whoever has that number now: from here on it stays the same one. */
	if (!runs(holder->pid, program))
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, holder->fd, 0);
	return fd < 0 ? -errno : fd;
}

/* Whoever runs the program can have it hold a socket; but not one of ours. */
static bool is_listener(int fd, uint16_t port)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	       sys_listener_alive(fd) == 1 && sys_local_port(fd) == port;
}

int sys_adopt_listener(int family, const uint8_t address[16], uint16_t port,
	const char *program, int *out_pid)
{
	AUTO_FREE char *real = realpath(program, NULL);
	struct holders *holders = calloc(1, sizeof(*holders));
	unsigned long inode = find_inode(family, address, port);
	int result = -EADDRINUSE;

	if (holders != NULL && real != NULL && inode != 0 &&
		find_holders(inode, real, holders) == 0 &&
		are_orphans(holders)) {
		result = take(&holders->items[0], real);
		*out_pid = holders->items[0].pid;
	}
	free(holders);
	if (result < 0 || is_listener(result, port))
		return result;
	fd_close(&result);
	return -EADDRINUSE;
}
