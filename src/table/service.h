/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_TABLE_SERVICE_H
#define OSTLER_TABLE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * service - one row of the table: what the operator asked for
 *
 * Knows:   a service's name, where its clients knock, what serves them, as
 *          whom, and by which policy. Every number is checked and in its
 *          smallest unit (nanoseconds, bytes).
 * Decides: nothing.
 * Never:   changes once its table is made; strings live in the table's arena.
 */

/* What the core needs of a row: plain numbers, so that it can keep a copy. */
struct policy {
	uint32_t process_limit;	  /* 0: bounded by workers_max alone */
	uint32_t surge;		  /* workers over the limit during a reload */
	uint32_t roll_batch;	  /* workers replaced at a time by a reload;
				 * 0: all at once, without waiting */
	uint32_t generations_max; /* old ones alive at a time; 0: any number */
	uint32_t spare_min;	  /* idle workers that are always there */
	uint32_t spare_max;	  /* most idle workers; 0: no matter */
	uint32_t start_rate;  /* starts per second, on average; at least 1 */
	uint32_t start_burst; /* starts that may come at once; at least 1 */
	uint64_t throttle_time_ns;    /* longest pause after failed starts */
	uint64_t quick_exit_ns;	      /* an exit 0 sooner than this failed */
	uint64_t deaf_time_ns;	      /* patience before a READY is doubted */
	uint64_t start_time_limit_ns; /* until the promised AVAIL; 0: none */
	uint64_t wakeup_ns;	      /* period of the wake-up; 0: none */
	uint64_t trim_interval_ns; /* idle that long, and they go; 0: never */
	uint64_t retire_grace_ns;  /* a retired idle worker's time */
	uint64_t drain_time_ns;	  /* a retired taken worker's time, on reload */
	uint64_t roll_alive_ns;	  /* a new one that runs for so long and never
				   * speaks is taken for ready, by a reload */
	uint64_t stop_time_ns;	  /* the same when the master stops */
	uint64_t leave_time_ns;	  /* the same when its service is removed;
				 * 0: SIGTERM at once */
	uint64_t kill_time_ns;	  /* from SIGTERM to SIGKILL */
	uint64_t max_age_ns;	  /* of a worker; 0: none */
	uint64_t request_time_ns; /* a worker's time for a client; 0: any */
	uint64_t liveness_ns;	  /* a worker speaks as often; 0: as it likes */
	uint64_t stress_time_ns;  /* of stress mode, since the limit last came
				  * near; 0: there is none */
	uint64_t canary_time_ns;  /* of a trial */
	uint64_t bounce_stay_ns;  /* a bouncer's, once there is room again */
	uint32_t bounce_over;	  /* more wait before there is a bouncer */
	uint32_t canary; /* workers of a row on trial; 0: there is no trial */
	uint32_t canary_min;	 /* clients that they must have served */
	uint32_t share;		 /* slots of workers_max that are its own */
	bool roll_percent;	 /* of those that are there */
	bool ready_notify;	 /* workers promise a first AVAIL */
	bool retire_signal;	 /* SIGTERM after retire_grace */
	bool on_deaf_kill;	 /* at the limit, kill the silent ones */
	bool throttle_whole;	 /* bad starts and ends pause throttle_time */
	bool replace_first;	 /* one more than the limit, for a worn one */
	bool wakeup_conditional; /* none before the first worker is started */
	bool mold;		 /* workers are made from one, where it can */
	bool bounces;		 /* who comes when it is full is turned away */
	bool canary_percent;	 /* canary is in hundredths of all workers */
};

enum endpoint_kind {
	ENDPOINT_INET,	/* TCP listener */
	ENDPOINT_UNIX,	/* AF_UNIX stream listener */
	ENDPOINT_FIFO,	/* named pipe, read and write end */
	ENDPOINT_DGRAM, /* AF_UNIX datagram socket */
};

enum endpoint_family {
	FAMILY_NONE, /* not ENDPOINT_INET */
	FAMILY_IPV4,
	FAMILY_IPV6, /* IPV6_V6ONLY */
	FAMILY_BOTH, /* "*:PORT": one socket for both */
};

struct endpoint {
	enum endpoint_kind kind;
	enum endpoint_family family;
	uint8_t address[16]; /* network order; the first 4 for IPv4 */
	uint16_t port;	     /* host order */
	const char *path;    /* borrowed from the arena; or NULL. Absolute, or
			      * below where the master works */
	const char *text;    /* borrowed; canonical, as shown to people */
	const char *file;    /* borrowed; where it was written down */
	unsigned line;
};

enum status_channel {
	CHANNEL_PRIVATE, /* one per worker */
	CHANNEL_SHARED,	 /* one per service, as Postfix has it */
};

#define RLIMIT_UNSET UINT64_MAX
#define RLIMIT_NONE (UINT64_MAX - 1) /* "unlimited" */

/* Each: soft = hard = value, or RLIMIT_UNSET to leave it as it is. */
struct service_limits {
	uint64_t core_bytes;
	uint64_t nofile;
	uint64_t nproc;
	uint64_t as_bytes;
	uint64_t fsize_bytes;
	uint64_t cpu_seconds;
	uint64_t stack_bytes;
};

struct service {
	const char *name;		  /* borrowed from the arena, as all */
	const struct endpoint *endpoints; /* one kind of transport in a row */
	unsigned endpoints_n;		  /* at least 1 */
	const char *path;		  /* what is executed; absolute */
	const char *const *command;	  /* argv; NULL-terminated */
	unsigned command_n;
	const char *const *stress_command; /* the same under stress; or NULL */
	const char *const *bounce;	   /* argv of its bouncer; or NULL */
	const char *user;		   /* NULL: as the master */
	const char *group;		   /* NULL: the user's own */
	const char *directory;		   /* absolute */
	const char *const *environment;	   /* NAME=VALUE; NULL-terminated */
	unsigned environment_n;
	const char *socket_owner; /* of unix:, dgram:, fifo:; or NULL */
	const char *socket_group; /* or NULL */
	uint32_t socket_mode;
	uint32_t socket_bytes;	/* of inet: buffers; 0: the system's */
	bool socket_dir_group;	/* a set-gid directory gives its group */
	bool socket_by_owner;	/* made by him, where he may make it */
	bool socket_overwrites; /* whatever has the name, but a directory */
	uint32_t umask;
	uint32_t backlog;
	uint32_t max_use;	     /* clients per worker; 0: no limit */
	uint32_t clients_per_worker; /* at a time; 0: as its program says */
	uint32_t source_limit;	     /* clients from an address; 0: no limit */
	uint32_t prefix_limit;	     /* ... from a network; 0: no limit */
	uint32_t prefix_ipv4;	     /* bits of one */
	uint32_t prefix_ipv6;
	uint64_t max_idle_ns; /* idle time of a worker; 0: no limit */
	enum status_channel channel;
	bool nonblocking;	 /* listeners are O_NONBLOCK (MECHANISMS B11) */
	bool flow;		 /* a flow pipe on 3 and 4; else /dev/null */
	uint64_t max_memory;	 /* bytes of a worker; 0: any number */
	bool memory_rss;	 /* resident, or its share of that */
	uint32_t request_signal; /* by its place in the setting's list */
	bool page;		 /* workers may report by a shared page */
	bool pass; /* clients come as descriptors; so does a wake-up */
	struct service_limits limits;
	struct policy policy;
	const char *file; /* where the block was opened */
	unsigned line;
};

#endif
