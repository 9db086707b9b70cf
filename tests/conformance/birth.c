/* SPDX-License-Identifier: MIT */
#include "birth.h"

#include "journal.h"
#include "listener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

static void put_list(FILE *out, const char *name, char *const *texts)
{
	fprintf(out, ",\"%s\":[", name);
	for (size_t i = 0; texts[i] != NULL; i++) {
		fputs(i > 0 ? "," : "", out);
		journal_text(out, texts[i], strlen(texts[i]));
	}
	putc(']', out);
}

/* The whole of a small file, without the newline at its end. */
static void put_file(FILE *out, const char *name, const char *path)
{
	char text[8192];
	FILE *file = fopen(path, "re");
	size_t n = file == NULL ? 0 : fread(text, 1, sizeof(text), file);

	if (file != NULL)
		fclose(file);
	if (n > 0 && text[n - 1] == '\n')
		n--;
	fprintf(out, ",\"%s\":", name);
	journal_text(out, text, n);
}

static void put_link(FILE *out, const char *name, const char *path)
{
	char text[4096] = "";

	if (readlink(path, text, sizeof(text) - 1) < 0)
		snprintf(text, sizeof(text), "%s", strerror(errno));
	journal_member(out, name, text);
}

static void put_option(
	FILE *out, const char *name, int fd, int level, int which)
{
	int value = 0;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, level, which, &value, &size) == 0)
		fprintf(out, ",\"%s\":%d", name, value);
}

static void put_socket(FILE *out, int fd)
{
	char name[256];

	put_option(out, "domain", fd, SOL_SOCKET, SO_DOMAIN);
	put_option(out, "type", fd, SOL_SOCKET, SO_TYPE);
	put_option(out, "protocol", fd, SOL_SOCKET, SO_PROTOCOL);
	put_option(out, "listens", fd, SOL_SOCKET, SO_ACCEPTCONN);
	put_option(out, "reuseaddr", fd, SOL_SOCKET, SO_REUSEADDR);
	put_option(out, "reuseport", fd, SOL_SOCKET, SO_REUSEPORT);
	put_option(out, "keepalive", fd, SOL_SOCKET, SO_KEEPALIVE);
	put_option(out, "passcred", fd, SOL_SOCKET, SO_PASSCRED);
	put_option(out, "sndbuf", fd, SOL_SOCKET, SO_SNDBUF);
	put_option(out, "rcvbuf", fd, SOL_SOCKET, SO_RCVBUF);
	put_option(out, "error", fd, SOL_SOCKET, SO_ERROR);
	listener_name(fd, name, sizeof(name));
	journal_member(out, "name", name);
	fprintf(out, ",\"v6only\":%d,\"backlog\":%d", listener_v6only(fd),
		listener_backlog(fd));
}

static void put_descriptor(FILE *out, int fd)
{
	char path[64];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	fprintf(out, "{\"number\":%d,\"mode\":\"%o\",\"ino\":%lu", fd,
		(unsigned)st.st_mode, (unsigned long)st.st_ino);
	fprintf(out, ",\"flags\":%d,\"cloexec\":%d", fcntl(fd, F_GETFL),
		fcntl(fd, F_GETFD));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	put_link(out, "link", path);
	if (S_ISSOCK(st.st_mode))
		put_socket(out, fd);
	putc('}', out);
}

static void put_descriptors(FILE *out)
{
	int numbers[1024];
	int n = 0;
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL && n < 1024)
		if (entry->d_name[0] != '.' &&
			atoi(entry->d_name) != dirfd(folder))
			numbers[n++] = atoi(entry->d_name);
	if (folder != NULL)
		closedir(folder);
	fputs(",\"descriptors\":[", out);
	for (int i = 0; i < n; i++) {
		fputs(i > 0 ? "," : "", out);
		put_descriptor(out, numbers[i]);
	}
	putc(']', out);
}

static void put_limits(FILE *out)
{
	fputs(",\"limits\":[", out);
	for (unsigned i = 0; i < RLIMIT_NLIMITS; i++) {
		struct rlimit limit = {0, 0};

		getrlimit(i, &limit);
		fprintf(out, "%s[\"%lx\",\"%lx\"]", i > 0 ? "," : "",
			(unsigned long)limit.rlim_cur,
			(unsigned long)limit.rlim_max);
	}
	putc(']', out);
}

static void put_process(FILE *out)
{
	struct itimerval timer = {{0, 0}, {0, 0}};
	int death = 0, reaper = 0;

	getitimer(ITIMER_REAL, &timer);
	prctl(PR_GET_PDEATHSIG, &death);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	fprintf(out, ",\"alarm\":%ld", (long)timer.it_value.tv_sec);
	fprintf(out, ",\"pdeathsig\":%d,\"subreaper\":%d,\"dumpable\":%d",
		death, reaper, prctl(PR_GET_DUMPABLE));
	fprintf(out, ",\"slack\":%d,\"securebits\":%d",
		prctl(PR_GET_TIMERSLACK), prctl(PR_GET_SECUREBITS));
	put_file(out, "status", "/proc/self/status");
	put_file(out, "stat", "/proc/self/stat");
	put_file(out, "oom", "/proc/self/oom_score_adj");
	put_link(out, "exe", "/proc/self/exe");
	put_link(out, "cwd", "/proc/self/cwd");
	put_link(out, "root", "/proc/self/root");
}

void birth_record(char **argv)
{
	char *line;
	size_t n;
	FILE *out;

	out = journal_open("start", &line, &n);
	put_descriptors(out);
	put_list(out, "argv", argv);
	put_list(out, "env", environ);
	put_limits(out);
	put_process(out);
	journal_close(out, &line, &n);
}
