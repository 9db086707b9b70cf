/* SPDX-License-Identifier: MIT */
/*
 * rogue - a worker that does what a test tells it, however wrong
 *
 * Knows:   the protocol, by its numbers alone: no libostler.
 * Decides: nothing: switches say what it does at its start, its clients say
 *          the rest, one command a line (the table `commands` below).
 * Never:   ends by itself but when its master asks.
 *
 *	--start CMD   before it says AVAIL; may be given often, as all of these
 *	--ready CMD   after that
 *	--client CMD  for each client, before it is read
 *	--served CMD  after each client
 *	--silent      never say a word, as Postfix's workers at first
 *	--deaf        do not look at descriptor 5
 *	--lazy        wait for clients exclusively; once one was served, hang
 *	              when woken for the next
 *	--greet       tell each client the pid, and echo its lines: no commands
 *	--journal F   append a line for each start, client and datagram
 *
 * A command may begin with `at N`: only when N clients have been served.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATUS_FD 5
#define LISTEN_FD 6
#define COMMANDS_MAX 16
#define LISTENERS_MAX 64

extern char **environ;

struct script {
	const char *commands[COMMANDS_MAX];
	unsigned n;
};

static struct script at_start, at_ready, at_client, at_served;
static bool silent, deaf, greet, lazy;
static const char *journal;
static long served;
static unsigned generation;
static char *born; /* what it was born with, as text */
static FILE *out;  /* where answers go: the client, or 2 */

/* ------------------------------------------------------------- little ones */

static void sleep_ms(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void sleep_for_ever(void)
{
	for (;;)
		sleep_ms(1000000);
}

static void note(const char *what)
{
	int fd;

	if (journal == NULL)
		return;
	fd = open(journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	dprintf(fd, "%d %s\n", (int)getpid(), what);
	close(fd);
}

/* SIZE bytes of (PID, GENERATION, WORD), and zeros behind them. */
static ssize_t send_bytes(long pid, long gen, long word, size_t size)
{
	const int fields[3] = {(int)pid, (int)gen, (int)word};
	char bytes[256] = {0};

	memcpy(bytes, fields, sizeof(fields));
	if (size > sizeof(bytes))
		size = sizeof(bytes);
	return send(STATUS_FD, bytes, size, MSG_NOSIGNAL);
}

/* The service's page, if a command has opened it: by its numbers alone. */
#define PAGE_BYTES 4096 /* head and words */

static unsigned char *page;
static int page_fd;
static unsigned page_slot;
static bool page_frozen; /* its bit is not moved any more */

static _Atomic uint64_t *page_word(unsigned field)
{
	return (_Atomic uint64_t *)(void *)(page + 128 + page_slot / 64 * 64 +
					    field * 8);
}

static void page_move(bool ready)
{
	uint64_t me = UINT64_C(1) << page_slot % 64;

	if (ready)
		atomic_fetch_or(page_word(0), me);
	else
		atomic_fetch_and(page_word(0), ~me);
}

static void say(int word)
{
	if (page != NULL && !page_frozen)
		page_move(word == 1);
	if (!silent)
		(void)send_bytes(getpid(), generation, word, 12);
}

static int signal_number(const char *word)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {{"TERM", SIGTERM}, {"KILL", SIGKILL}, {"STOP", SIGSTOP},
		{"SEGV", SIGSEGV}, {"ABRT", SIGABRT}, {"INT", SIGINT},
		{"HUP", SIGHUP}, {"QUIT", SIGQUIT}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i].name) == 0)
			return names[i].number;
	return atoi(word);
}

static void nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* ------------------------------------------------------------- commands */

static int connect_to(const char *path, int type)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		_exit(94);
	return fd;
}

static void cmd_echo(const char *text)
{
	fprintf(out, "%s\n", text);
}

static void cmd_pid(const char *text)
{
	(void)text;
	fprintf(out, "%d\n", (int)getpid());
}

static void cmd_exit(const char *text)
{
	fflush(out);
	_exit(atoi(text));
}

static void cmd_signal(const char *text)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	fflush(out);
	(void)raise(signal_number(text));
}

static void cmd_ignore(const char *text)
{
	signal(signal_number(text), SIG_IGN);
	fprintf(out, "ok\n");
}

static void cmd_sleep(const char *text)
{
	sleep_ms(atol(text));
	fprintf(out, "ok\n");
}

static void cmd_hang(const char *text)
{
	(void)text;
	fflush(out);
	sleep_for_ever();
}

static void cmd_journal(const char *text)
{
	note(text);
}

/* `say 1`: an honest word, also of a silent worker */
static void cmd_say(const char *text)
{
	(void)send_bytes(getpid(), generation, atoi(text), 12);
	fprintf(out, "ok\n");
}

/*
 * `lie PID GENERATION WORD SIZE`; PID and GENERATION may be `own` or `+N`,
 * `-N`: something more or less than the own.
 */
static long number_near(const char *text, long own)
{
	if (strcmp(text, "own") == 0)
		return own;
	if (text[0] == '+' || text[0] == '-')
		return own + atol(text);
	return atol(text);
}

static void cmd_lie(const char *text)
{
	char pid[32] = "own", gen[32] = "own";
	long word = 1;
	long size = 12;
	ssize_t result;

	sscanf(text, "%31s %31s %ld %ld", pid, gen, &word, &size);
	result = send_bytes(number_near(pid, getpid()),
		number_near(gen, (long)generation), word, (size_t)size);
	fprintf(out, "%zd\n", result);
}

/* `sizes A B`: one message of each size from A to B, all zeros within */
static void cmd_sizes(const char *text)
{
	int first = 0, last = 0;

	sscanf(text, "%d %d", &first, &last);
	for (int size = first; size <= last; size++)
		if (size != 12)
			(void)send_bytes(0, 0, 0, (size_t)size);
	fprintf(out, "ok\n");
}

/* `flood N [WORD]`: N messages as fast as they go; N = 0: for ever */
static void cmd_flood(const char *text)
{
	long n = 0;
	int word = -1;

	sscanf(text, "%ld %d", &n, &word);
	for (long i = 0; n == 0 || i < n; i++)
		(void)send_bytes(getpid(), generation,
			word < 0 ? (int)(i & 1) : word, 12);
	fprintf(out, "ok\n");
}

/* `rights N`: N good messages, each with as many descriptors as may be */
static void cmd_rights(const char *text)
{
	enum { RIGHTS = 253 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(RIGHTS * sizeof(int))];
	} control = {.bytes = {0}};
	const int fields[3] = {(int)getpid(), (int)generation, 1};
	char bytes[12];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	int fds[RIGHTS];
	long sent = 0;

	memcpy(bytes, fields, sizeof(fields));
	for (int i = 0; i < RIGHTS; i++)
		fds[i] = STATUS_FD;
	control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(fds))};
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	for (long n = atol(text); n > 0; n--)
		sent += sendmsg(STATUS_FD, &message, MSG_NOSIGNAL) == 12;
	fprintf(out, "%ld\n", sent);
}

/*
 * `bomb [[dgram:]SOCKET]`: a descriptor whose last close sleeps (it lingers, and its
 * peer takes nothing) to descriptor 5, or to who listens at SOCKET; 0 or why
 * it could not be sent. We keep no copy.
 */
static int make_bomb(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct linger linger = {.l_onoff = 1, .l_linger = 30};
	socklen_t size = sizeof(at);
	int small = 4096;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char bytes[65536] = "";

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(listener, (struct sockaddr *)&at, size) < 0 ||
		listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&at, &size) < 0 ||
		connect(fd, (struct sockaddr *)&at, size) < 0 ||
		accept(listener, NULL, NULL) < 0)
		_exit(93);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return fd;
}

static void cmd_bomb(const char *text)
{
	const int fields[3] = {(int)getpid(), (int)generation, 1};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char bytes[12];
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	const struct linger none = {.l_onoff = 0};
	int bomb = make_bomb();
	int to = STATUS_FD;
	int result;

	if (strncmp(text, "dgram:", 6) == 0)
		to = connect_to(text + 6, SOCK_DGRAM);
	else if (text[0] != '\0')
		to = connect_to(text, SOCK_STREAM);
	memcpy(bytes, fields, sizeof(fields));
	control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(&control.header), &bomb, sizeof(bomb));
	result = sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (result < 0) /* it is not for us */
		setsockopt(bomb, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(bomb);
	fprintf(out, "%d\n", result);
}

/*
 * `provoke SOCKET`: a failure on descriptor 6, a datagram socket that is bound
 * to SOCKET; `provoke SOCKET free`: and it has no peer afterwards
 */
static void cmd_provoke(const char *text)
{
	struct sockaddr_un at[2] = {
		{.sun_family = AF_UNIX}, {.sun_family = AF_UNIX}};
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	char path[108] = "", how[8] = "";
	socklen_t size = sizeof(sa_family_t); /* the kernel finds a name */
	socklen_t sizes[2] = {sizeof(at[0]), sizeof(at[1])};
	int ends[2], result;

	sscanf(text, "%107s %7s", path, how);
	ends[0] = connect_to(path, SOCK_DGRAM);
	ends[1] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 2; i++) {
		bind(ends[i], (struct sockaddr *)&at[i], size);
		getsockname(ends[i], (struct sockaddr *)&at[i], &sizes[i]);
	}
	result = connect(LISTEN_FD, (struct sockaddr *)&at[0], sizes[0]);
	if (result == 0)
		result = (int)send(LISTEN_FD, "x", 1, MSG_NOSIGNAL) - 1;
	if (result == 0)
		result = connect(ends[0], (struct sockaddr *)&at[1], sizes[1]);
	if (result == 0 && strcmp(how, "free") == 0)
		result = connect(LISTEN_FD, &none, sizeof(none));
	fprintf(out, "%d\n", result < 0 ? -errno : 0);
}

/*
 * `page open`: from now on it uses its bit, and says each word as well; and
 * then, of all its siblings: `page all`, `page none`, `page worn`, `page
 * opened`; `page noise SEED`: all of head and words; `page slots SEED`: all
 * slots; `page punch`, `page truncate N`: 0 or -errno; `page own 0|1`, `page
 * freeze`: its own bit
 */
static void page_noise(size_t from, size_t to, unsigned seed)
{
	srand(seed);
	for (size_t i = from; i < to; i++)
		page[i] = (unsigned char)rand();
}

static void page_open(void)
{
	const char *text = getenv("OSTLER_PAGE");
	struct stat s;

	if (text == NULL || sscanf(text, "%d:%u", &page_fd, &page_slot) != 2 ||
		fstat(page_fd, &s) < 0)
		_exit(95);
	page = mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		page_fd, 0);
	if (page == MAP_FAILED)
		_exit(96);
	atomic_fetch_or(page_word(1), UINT64_C(1) << page_slot % 64);
}

static void cmd_page(const char *text)
{
	char what[16] = "";
	unsigned number = 0;
	struct stat s;
	int result = 0;

	sscanf(text, "%15s %u", what, &number);
	if (strcmp(what, "open") == 0)
		page_open();
	else if (strcmp(what, "all") == 0)
		atomic_store(page_word(0), UINT64_MAX);
	else if (strcmp(what, "none") == 0)
		atomic_store(page_word(0), 0);
	else if (strcmp(what, "opened") == 0)
		atomic_store(page_word(1), UINT64_MAX);
	else if (strcmp(what, "worn") == 0)
		atomic_store(page_word(2), UINT64_MAX);
	else if (strcmp(what, "own") == 0)
		page_move(number == 1);
	else if (strcmp(what, "freeze") == 0)
		page_frozen = true;
	else if (strcmp(what, "noise") == 0)
		page_noise(0, PAGE_BYTES, number);
	else if (strcmp(what, "slots") == 0 && fstat(page_fd, &s) == 0)
		page_noise(PAGE_BYTES, (size_t)s.st_size, number);
	else if (strcmp(what, "punch") == 0)
		result = fallocate(page_fd,
			FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536);
	else if (strcmp(what, "truncate") == 0)
		result = ftruncate(page_fd, (off_t)number);
	fprintf(out, "%d\n", result < 0 ? -errno : 0);
}

/* Its number goes to nobody else: a client at 5 would be told our state. */
static void cmd_close(const char *text)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup3(null, atoi(text), O_CLOEXEC);
	close(null);
	fprintf(out, "ok\n");
}

/* `shutdown FD rd|wr|rdwr` */
static void cmd_shutdown(const char *text)
{
	char how[8] = "rdwr";
	int fd = STATUS_FD;
	int result;

	sscanf(text, "%d %7s", &fd, how);
	result = shutdown(fd, strcmp(how, "rd") == 0   ? SHUT_RD
			      : strcmp(how, "wr") == 0 ? SHUT_WR
						       : SHUT_RDWR);
	fprintf(out, "%d\n", result < 0 ? -errno : 0);
}

static void cmd_listen(const char *text)
{
	fprintf(out, "%d\n", listen(LISTEN_FD, atoi(text)));
}

/* `nonblock FD on|off` */
static void cmd_nonblock(const char *text)
{
	char how[8] = "on";
	int fd = LISTEN_FD;

	sscanf(text, "%d %7s", &fd, how);
	nonblock(fd, strcmp(how, "on") == 0);
	fprintf(out, "ok\n");
}

/* `write FD N`: N bytes of noise in lines of 80 */
static void cmd_write(const char *text)
{
	char line[81];
	int fd = STDERR_FILENO;
	long n = 0;

	sscanf(text, "%d %ld", &fd, &n);
	memset(line, 'x', sizeof(line) - 1);
	line[79] = '\n';
	for (; n > 0; n -= 80)
		if (write(fd, line, 80) < 0 && errno != EAGAIN)
			break;
	fprintf(out, "ok\n");
}

static void close_but(bool keep_status, bool keep_listeners)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (fd == STDERR_FILENO || (keep_status && fd == STATUS_FD) ||
			(keep_listeners && fd == LISTEN_FD))
			continue;
		close(fd);
	}
}

/*
 * `fork 5`, `fork 6`, `fork 56`, `fork -`: a child that keeps these and
 * leaves at end-of-file on 5; `fork 5 stay`: it does not; `fork 5 say`: it
 * says AVAIL in its parent's name, and leaves; `fork 5 flood`: says it for
 * ever. Says its pid.
 */
static void cmd_fork(const char *text)
{
	char keep[8] = "-", how[8] = "";
	struct pollfd status = {.fd = STATUS_FD, .events = POLLIN};
	pid_t parent = getpid();
	pid_t pid;

	sscanf(text, "%7s %7s", keep, how);
	fflush(out);
	pid = fork();
	if (pid != 0) {
		fprintf(out, "%d\n", (int)pid);
		return;
	}
	close_but(strchr(keep, '5') != NULL, strchr(keep, '6') != NULL);
	if (strcmp(how, "say") == 0) {
		(void)send_bytes(parent, generation, 1, 12);
		_exit(0);
	}
	if (strchr(keep, '5') == NULL || strcmp(how, "stay") == 0)
		sleep_for_ever();
	while (strcmp(how, "flood") == 0 &&
		send_bytes(parent, generation, 1, 12) > 0)
		;
	while (poll(&status, 1, -1) < 1)
		;
	_exit(0);
}

/* `fork 5` and be gone, as one who drains */
static void cmd_drain(const char *text)
{
	cmd_fork(text);
	cmd_exit("0");
}

/* `open PATH`: 0, or the negative errno, of opening it for reading */
static void cmd_open(const char *text)
{
	int fd = open(text, O_RDONLY | O_CLOEXEC);

	fprintf(out, "%d\n", fd < 0 ? -errno : 0);
	if (fd >= 0)
		close(fd);
}

static void cmd_setsid(const char *text)
{
	(void)text;
	fprintf(out, "%d\n", (int)setsid());
}

/*
 * `trace`: by a child, which never looks at what it traces: a process that has
 * ended stays, and nobody else can reap it. The child's pid, or -1.
 */
static void cmd_trace(const char *text)
{
	int worker = getpid();
	int ends[2];
	int pid;
	int answer = -1;

	(void)text;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	(void)prctl(PR_SET_DUMPABLE, 1);
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_SEIZE, worker, NULL, NULL) == 0)
			answer = getpid();
		(void)!write(ends[1], &answer, sizeof(answer));
		(void)close_range(0, ~0U, 0);
		sleep_for_ever();
	}
	(void)!read(ends[0], &answer, sizeof(answer));
	close(ends[0]);
	close(ends[1]);
	fprintf(out, "%d\n", answer);
}

/*
 * `vfork`: until the child is gone no signal but SIGKILL is heard (state D).
 * The child has the listener and the channel, and stays.
 */
static void cmd_vfork(const char *text)
{
	(void)text;
	fprintf(out, "ok\n");
	fflush(out);
	/* A plain fork that waits would be interrupted by signals. */
	if (vfork() == 0)
		for (;;)
			(void)pause();
}

/* ------------------------------------------------------------- report */

static void report_file(const char *word, const char *path)
{
	char line[4096];
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		fprintf(out, "%s %s", word, line);
	fclose(file);
}

static void report_fd(int fd)
{
	char path[32], target[256];
	int type = 0, accepting = 0, family = 0;
	socklen_t n = sizeof(int);
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = '\0';
	fprintf(out, "fd %d target=%s flags=%o cloexec=%d", fd, target,
		(unsigned)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0) {
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n);
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &n);
		fprintf(out, " type=%d family=%d accepting=%d", type, family,
			accepting);
	}
	fprintf(out, "\n");
}

static void report_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir) &&
			fd != fileno(out))
			report_fd(fd);
	}
	if (dir != NULL)
		closedir(dir);
}

static void report_all(void)
{
	char directory[4096] = "";
	mode_t mask = umask(0);

	umask(mask);
	report_fds();
	for (char **variable = environ; *variable != NULL; variable++)
		fprintf(out, "env %s\n", *variable);
	report_file("status", "/proc/self/status");
	report_file("limit", "/proc/self/limits");
	if (getcwd(directory, sizeof(directory)) != NULL)
		fprintf(out, "directory %s\n", directory);
	fprintf(out, "umask %o\nsession %d\ngroup %d\npid %d\nparent %d\n.\n",
		(unsigned)mask, (int)getsid(0), (int)getpgrp(), (int)getpid(),
		(int)getppid());
}

/* Before anything is changed, and before there is a client. */
static void remember_birth(void)
{
	size_t n;
	FILE *before = out;

	out = open_memstream(&born, &n);
	if (out == NULL)
		_exit(92);
	report_all();
	fclose(out);
	out = before;
}

/* Everything that it was born with; the last line is a dot. */
static void cmd_report(const char *text)
{
	(void)text;
	fputs(born, out);
}

static const struct {
	const char *name;
	void (*run)(const char *text);
} commands[] = {
	{"echo", cmd_echo},
	{"pid", cmd_pid},
	{"exit", cmd_exit},
	{"signal", cmd_signal},
	{"ignore", cmd_ignore},
	{"sleep", cmd_sleep},
	{"hang", cmd_hang},
	{"journal", cmd_journal},
	{"say", cmd_say},
	{"lie", cmd_lie},
	{"sizes", cmd_sizes},
	{"flood", cmd_flood},
	{"rights", cmd_rights},
	{"bomb", cmd_bomb},
	{"provoke", cmd_provoke},
	{"close", cmd_close},
	{"shutdown", cmd_shutdown},
	{"listen", cmd_listen},
	{"nonblock", cmd_nonblock},
	{"write", cmd_write},
	{"page", cmd_page},
	{"fork", cmd_fork},
	{"drain", cmd_drain},
	{"open", cmd_open},
	{"trace", cmd_trace},
	{"vfork", cmd_vfork},
	{"setsid", cmd_setsid},
	{"report", cmd_report},
};

static void run(const char *line)
{
	long at;
	int n = 0;

	if (sscanf(line, "at %ld %n", &at, &n) == 1 && n > 0) {
		if (at == served)
			run(line + n);
		return;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		size_t length = strlen(commands[i].name);

		if (strncmp(line, commands[i].name, length) != 0 ||
			(line[length] != '\0' && line[length] != ' '))
			continue;
		commands[i].run(line[length] == '\0' ? "" : line + length + 1);
		fflush(out);
		return;
	}
	fprintf(out, "what? %s\n", line);
	fflush(out);
}

static void run_all(const struct script *script)
{
	for (unsigned i = 0; i < script->n; i++)
		run(script->commands[i]);
}

/* ------------------------------------------------------------- clients */

/* Scripts answer to nobody: their words would confuse the client. */
static void run_quietly(const struct script *script)
{
	FILE *before = out;
	FILE *null;

	if (script->n == 0)
		return;
	null = fopen("/dev/null", "we");
	if (null == NULL)
		return;
	out = null;
	run_all(script);
	out = before;
	fclose(null);
}

static void serve_client(int client)
{
	char line[4096];
	FILE *in = fdopen(client, "r");
	FILE *before = out;

	nonblock(client, false);
	out = fdopen(dup(client), "w");
	if (in == NULL || out == NULL)
		_exit(90);
	if (greet)
		cmd_pid("");
	fflush(out);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (greet) {
			fputs(line, out);
			fflush(out);
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "W") == 0 || line[0] == '\0')
			note("woken");
		run(line);
	}
	fclose(out);
	fclose(in);
	out = before;
}

static void serve(int client)
{
	say(0);
	note("client");
	run_quietly(&at_client);
	serve_client(client);
	served++;
	run_quietly(&at_served);
	say(1);
}

/* One read is one client of a FIFO or a datagram socket. */
static void serve_bytes(int fd)
{
	char bytes[256], text[600] = "got ";
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return;
	say(0);
	for (ssize_t i = 0; i < n; i++)
		snprintf(text + 4 + 2 * i, 3, "%02x", (unsigned char)bytes[i]);
	note(text);
	served++;
	run_quietly(&at_served);
	say(1);
}

static void look(int fd)
{
	int accepting = 0;
	socklen_t n = sizeof(accepting);
	int client;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &n) < 0 ||
		!accepting) {
		serve_bytes(fd);
		return;
	}
	client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (client >= 0)
		serve(client);
}

/* False when the master has asked us to leave. */
static bool round_of(struct pollfd *polls, unsigned n)
{
	if (poll(polls, n, -1) < 0)
		return true;
	for (unsigned i = 1; i < n; i++)
		if (polls[i].revents & (POLLHUP | POLLERR | POLLNVAL))
			polls[i].fd = -1; /* a dead listener must not spin */
		else if (polls[i].revents & POLLIN)
			look(polls[i].fd);
	return (polls[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0;
}

static void serve_all(unsigned listeners)
{
	struct pollfd polls[1 + LISTENERS_MAX];

	polls[0] =
		(struct pollfd){.fd = deaf ? -1 : STATUS_FD, .events = POLLIN};
	for (unsigned i = 0; i < listeners; i++)
		polls[1 + i] = (struct pollfd){
			.fd = LISTEN_FD + (int)i, .events = POLLIN};
	do
		polls[0].revents = 0;
	while (round_of(polls, 1 + listeners));
}

/* The kernel wakes one of these for a client, and no other after it. */
static void serve_lazily(void)
{
	struct epoll_event asked = {.events = EPOLLIN, .data.fd = STATUS_FD};
	struct epoll_event got = {.data.fd = -1};
	int loop = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(loop, EPOLL_CTL_ADD, STATUS_FD, &asked);
	asked = (struct epoll_event){
		.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = LISTEN_FD};
	epoll_ctl(loop, EPOLL_CTL_ADD, LISTEN_FD, &asked);
	while (epoll_wait(loop, &got, 1, -1) == 1 && got.data.fd != STATUS_FD) {
		if (served > 0) {
			note("hangs");
			sleep_for_ever();
		}
		look(LISTEN_FD);
	}
}

/* ------------------------------------------------------------- switches */

static void add(struct script *script, const char *command)
{
	if (script->n < COMMANDS_MAX)
		script->commands[script->n++] = command;
}

static void read_switches(int argc, char **argv)
{
	static const struct option longs[] = {
		{"start", required_argument, NULL, 's'},
		{"ready", required_argument, NULL, 'r'},
		{"client", required_argument, NULL, 'c'},
		{"served", required_argument, NULL, 'e'},
		{"silent", no_argument, NULL, 'q'},
		{"deaf", no_argument, NULL, 'd'},
		{"greet", no_argument, NULL, 'g'},
		{"lazy", no_argument, NULL, 'l'},
		{"journal", required_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's')
			add(&at_start, optarg);
		else if (c == 'r')
			add(&at_ready, optarg);
		else if (c == 'c')
			add(&at_client, optarg);
		else if (c == 'e')
			add(&at_served, optarg);
		else if (c == 'j')
			journal = optarg;
		silent = silent || c == 'q';
		deaf = deaf || c == 'd';
		greet = greet || c == 'g';
		lazy = lazy || c == 'l';
		if (c == '?')
			_exit(91);
	}
}

int main(int argc, char **argv)
{
	const char *number = getenv("GENERATION");
	const char *sockets = getenv("OSTLER_SOCKETS");
	unsigned listeners = sockets != NULL ? (unsigned)atoi(sockets) : 1;

	out = stderr;
	remember_birth();
	signal(SIGPIPE, SIG_IGN);
	if (number != NULL)
		generation = (unsigned)strtoul(number, NULL, 8);
	if (listeners > LISTENERS_MAX)
		listeners = LISTENERS_MAX;
	read_switches(argc, argv);
	note("start");
	run_quietly(&at_start);
	say(1);
	run_quietly(&at_ready);
	if (lazy)
		serve_lazily();
	else
		serve_all(listeners);
	return 0;
}
