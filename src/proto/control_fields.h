/* SPDX-License-Identifier: MIT */
#ifndef OSTLER_PROTO_CONTROL_FIELDS_H
#define OSTLER_PROTO_CONTROL_FIELDS_H

/*
 * control_fields - the records of the control socket as lists
 *
 * Knows:   every kind of record, and its keys in the order of the line.
 * Decides: nothing: proto/control.h makes structs of these, control.c the
 *          lines, and ostler(1) its JSON. A new key is a new line here.
 * Never:   gives a key that was released another meaning.
 */

/* The one of `status` and `version`; the latter sets the first three. */
#define CONTROL_MASTER_FIELDS(NUMBER, TEXT)                                    \
	NUMBER(pid)                                                            \
	TEXT(version)                                                          \
	TEXT(personality) /* native, postfix */                                \
	NUMBER(uptime_ns)                                                      \
	TEXT(config)                                                           \
	TEXT(state) /* starting, running, reloading, stopping */               \
	NUMBER(workers)                                                        \
	NUMBER(workers_max)                                                    \
	NUMBER(reloads)                                                        \
	NUMBER(reload_failures)                                                \
	TEXT(last_reload_error)                                                \
	NUMBER(log_dropped)                                                    \
	TEXT(keeper)	 /* who holds what must outlive it; or nobody */       \
	NUMBER(restarts) /* of masters that died */                            \
	TEXT(last_death) /* how the last of them did */

/* `status`: one per service, followed by its endpoints. */
#define CONTROL_SERVICE_FIELDS(NUMBER, TEXT)                                   \
	TEXT(name)                                                             \
	TEXT(state) /* control_state_word() */                                 \
	NUMBER(ready)                                                          \
	NUMBER(taken)                                                          \
	NUMBER(starting)                                                       \
	NUMBER(retiring)                                                       \
	NUMBER(suspect)                                                        \
	NUMBER(mute)                                                           \
	NUMBER(leftover)                                                       \
	NUMBER(old)	/* of them: to be replaced, since a reload */          \
	NUMBER(stalled) /* 1 if nobody comes in their place, else 0 */         \
	TEXT(trial) /* running, rolled-back; unknown: its row is in force */   \
	NUMBER(canaries)	/* running: workers of the row on trial */     \
	NUMBER(canaries_served) /* ... their clients */                        \
	NUMBER(trial_left_ns)	/* ... until the verdict */                    \
	TEXT(trial_cause)	/* rolled-back: why */                         \
	NUMBER(trial_ended_ns)	/* ... since then */                           \
	NUMBER(total)                                                          \
	NUMBER(limit)                                                          \
	NUMBER(spare_min)                                                      \
	NUMBER(spare_max)                                                      \
	NUMBER(scaled) /* 1: those three are not as they are written */        \
	NUMBER(share)                                                          \
	NUMBER(trimmed)		 /* workers that went for being idle */        \
	NUMBER(depth)		 /* of all its endpoints; may be unknown */    \
	NUMBER(throttled_for_ns) /* 0: not throttled */                        \
	TEXT(cause)		 /* why throttled, or the last failure */      \
	NUMBER(limit_hits)	 /* times that all were taken, at the limit */ \
	NUMBER(limit_ns)	 /* for how long in all, until now */          \
	NUMBER(stress)		 /* 1 in stress mode, else 0 */                \
	TEXT(on_full)		 /* queue, or who comes then is turned away */ \
	NUMBER(bouncing)    /* 1 while a bouncer is at the door, else 0 */     \
	NUMBER(refused)	    /* clients that were turned away, when full */     \
	NUMBER(over_source) /* ... too many from there already */              \
	NUMBER(failures)                                                       \
	NUMBER(starts)                                                         \
	NUMBER(served)                                                         \
	NUMBER(exits)                                                          \
	NUMBER(worn_use) /* workers replaced in their time: */                 \
	NUMBER(worn_age) /* used up, too old, too large */                     \
	NUMBER(worn_memory)                                                    \
	NUMBER(timeouts) /* kept a client longer than request_time_limit */    \
	NUMBER(hangs)	 /* did not speak as liveness has it */                \
	NUMBER(bad_size)                                                       \
	NUMBER(bad_pid)                                                        \
	NUMBER(bad_generation)                                                 \
	NUMBER(bad_status)                                                     \
	NUMBER(redundant)                                                      \
	NUMBER(flood)                                                          \
	TEXT(mold)	  /* none, starting, ready ...; unknown: not asked */  \
	NUMBER(molded)	  /* of starts: workers made from a mold */            \
	NUMBER(bad_order) /* of a mold, that came to nothing */

#define CONTROL_ENDPOINT_FIELDS(NUMBER, TEXT)                                  \
	TEXT(service)                                                          \
	TEXT(text)                                                             \
	NUMBER(depth)                                                          \
	NUMBER(backlog)

/* `reload`: one per service of the old or the new table. */
#define CONTROL_CHANGE_FIELDS(NUMBER, TEXT)                                    \
	TEXT(service)                                                          \
	TEXT(how) /* added, removed, changed, policy, same */

/* `rolls`: how the last replacement of a service's workers went, or goes. */
#define CONTROL_ROLL_FIELDS(NUMBER, TEXT)                                      \
	TEXT(service)                                                          \
	TEXT(state)	 /* done, rolling, stalled, trial, rolled-back */      \
	NUMBER(old)	 /* workers that are to be replaced yet */             \
	NUMBER(replaced) /* that were asked to leave, since others came */     \
	NUMBER(took_ns)	 /* until now, if it goes on */                        \
	TEXT(cause)	 /* stalled: why nobody comes in their place;          \
			  * rolled-back: what canaries did */

/* `plan`: a setting of a service that differs; its values, as in a file. */
#define CONTROL_SETTING_FIELDS(NUMBER, TEXT)                                   \
	TEXT(service)                                                          \
	TEXT(name)                                                             \
	TEXT(before)                                                           \
	TEXT(after)                                                            \
	NUMBER(replaces) /* 1: workers leave for it; 0: they stay */

/* `plan`: what becomes of an endpoint that is not kept. */
#define CONTROL_SOCKET_FIELDS(NUMBER, TEXT)                                    \
	TEXT(service)                                                          \
	TEXT(what) /* open, close, take */                                     \
	TEXT(endpoint)                                                         \
	TEXT(from) /* take: the service that has it now */

/* `plan`: a worker that is to leave. */
#define CONTROL_WORKER_FIELDS(NUMBER, TEXT)                                    \
	TEXT(service)                                                          \
	NUMBER(pid)                                                            \
	TEXT(state) /* starting, ready, taken */

/* `reload`: one complaint, as diag prints it. */
#define CONTROL_DIAG_FIELDS(NUMBER, TEXT) TEXT(text)

/* `stop`: what would not leave. May come before or after `end`. */
#define CONTROL_STUCK_FIELDS(NUMBER, TEXT)                                     \
	TEXT(service)                                                          \
	NUMBER(pid)                                                            \
	TEXT(state)   /* survives SIGKILL */                                   \
	TEXT(process) /* running, stopped, uninterruptible sleep ... */        \
	TEXT(wchan)   /* where in the kernel it sleeps */

/* `upgrade`: who was the master, and who is. */
#define CONTROL_UPGRADE_FIELDS(NUMBER, TEXT)                                   \
	TEXT(before) /* versions */                                            \
	TEXT(after)                                                            \
	NUMBER(pid_before)                                                     \
	NUMBER(pid) /* the same, but after a rescue */

#define CONTROL_END_FIELDS(NUMBER, TEXT)                                       \
	TEXT(result) /* ok, failed */                                          \
	NUMBER(code) /* enum control_code, when it failed */                   \
	TEXT(text)   /* a sentence, when it failed */

/* kind, its word and the member of the union, its fields */
#define CONTROL_KINDS(KIND)                                                    \
	KIND(CONTROL_MASTER, master, CONTROL_MASTER_FIELDS)                    \
	KIND(CONTROL_SERVICE, service, CONTROL_SERVICE_FIELDS)                 \
	KIND(CONTROL_ENDPOINT, endpoint, CONTROL_ENDPOINT_FIELDS)              \
	KIND(CONTROL_CHANGE, change, CONTROL_CHANGE_FIELDS)                    \
	KIND(CONTROL_ROLL, roll, CONTROL_ROLL_FIELDS)                          \
	KIND(CONTROL_SETTING, setting, CONTROL_SETTING_FIELDS)                 \
	KIND(CONTROL_SOCKET, socket, CONTROL_SOCKET_FIELDS)                    \
	KIND(CONTROL_WORKER, worker, CONTROL_WORKER_FIELDS)                    \
	KIND(CONTROL_DIAG, diag, CONTROL_DIAG_FIELDS)                          \
	KIND(CONTROL_STUCK, stuck, CONTROL_STUCK_FIELDS)                       \
	KIND(CONTROL_UPGRADE, upgrade, CONTROL_UPGRADE_FIELDS)                 \
	KIND(CONTROL_END, end, CONTROL_END_FIELDS)

#endif
