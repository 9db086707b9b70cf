/* SPDX-License-Identifier: MIT */
#include "master/handover_lines.h"

#include "core/action.h"
#include "master/client.h"
#include "master/master.h"
#include "master/page_state.h"
#include "proto/page.h"

#define COUNT_MAX (UINT32_C(1) << 24) /* of what is counted in memory */

static const struct saved_field master_fields[] = {
	SAVED(master_line, "version", version, SAVED_TEXT, 0),
	SAVED(master_line, "binary", binary, SAVED_TEXT, 0),
	SAVED(master_line, "runtime-directory", runtime_directory, SAVED_TEXT,
		0),
	SAVED(master_line, "elders", elders, SAVED_TEXT, 0),
	SAVED(master_line, "elders-unknown", elders_unknown, SAVED_BOOL, 1),
	SAVED(master_line, "pid", pid, SAVED_INT, INT32_MAX),
	SAVED(master_line, "workers-max", workers_max, SAVED_U32, COUNT_MAX),
	SAVED(master_line, "editions", editions, SAVED_U32, SERVICES_MAX + 1),
	SAVED(master_line, "edition", edition, SAVED_U32, SERVICES_MAX + 1),
	SAVED(master_line, "nofile-soft", nofile_soft, SAVED_U64, UINT64_MAX),
	SAVED(master_line, "started", started_ns, SAVED_U64, UINT64_MAX),
	SAVED(master_line, "tables", tables, SAVED_U64, UINT64_MAX),
	SAVED(master_line, "strangers", strangers, SAVED_U64, UINT64_MAX),
	SAVED(master_line, "reloads", reloads, SAVED_U64, UINT64_MAX),
	SAVED(master_line, "reload-failures", reload_failures, SAVED_U64,
		UINT64_MAX),
	SAVED(master_line, "log-dropped", log_dropped, SAVED_U64, UINT64_MAX),
	SAVED(master_line, "stopping", stopping, SAVED_BOOL, 1),
	SAVED(master_line, "hurried", hurried, SAVED_BOOL, 1),
};
const struct saved_kind master_kind = SAVED_KIND("master", master_fields);

static const struct saved_field edition_fields[] = {
	SAVED(edition_line, "identities", identities, SAVED_U32, COUNT_MAX),
	SAVED(edition_line, "control-group", control_group, SAVED_U32,
		COUNT_MAX),
	SAVED(edition_line, "hook", hook, SAVED_U32, COUNT_MAX),
};
const struct saved_kind edition_kind = SAVED_KIND("edition", edition_fields);

static const struct saved_field owner_fields[] = {
	SAVED(owner_line, "as", as, SAVED_U32, COUNT_MAX),
	SAVED(owner_line, "sockets", sockets, SAVED_U32, COUNT_MAX),
};
const struct saved_kind owner_kind = SAVED_KIND("owner", owner_fields);

static const struct saved_field identity_fields[] = {
	SAVED(identity_line, "uid", uid, SAVED_U32, UINT32_MAX - 1),
	SAVED(identity_line, "gid", gid, SAVED_U32, UINT32_MAX - 1),
	SAVED(identity_line, "groups", groups, SAVED_TEXT, 0),
};
const struct saved_kind identity_kind = SAVED_KIND("identity", identity_fields);

#define STATE(key, member, type, max)                                          \
	SAVED(service_line, key, state.member, type, max)
static const struct saved_field service_fields[] = {
	SAVED(service_line, "id", id, SAVED_U32, SERVICES_MAX - 1),
	SAVED(service_line, "edition", edition, SAVED_U32, SERVICES_MAX + 1),
	SAVED(service_line, "row", row, SAVED_U32, SERVICES_MAX),
	SAVED(service_line, "pages", pages, SAVED_U32, COUNT_MAX),
	STATE("listeners", listeners_n, SAVED_U32, COUNT_MAX),
	STATE("watching", watching, SAVED_BOOL, 1),
	STATE("shared-serial", shared_serial, SAVED_U32, UINT32_MAX),
	STATE("stopped-serial", stopped_serial, SAVED_U32, UINT32_MAX),
	STATE("over", over, SAVED_U64, UINT64_MAX),
	STATE("served", served, SAVED_U64, UINT64_MAX),
	STATE("bad-size", gossip.bad_size, SAVED_U64, UINT64_MAX),
	STATE("bad-pid", gossip.bad_pid, SAVED_U64, UINT64_MAX),
	STATE("bad-generation", gossip.bad_generation, SAVED_U64, UINT64_MAX),
	STATE("bad-status", gossip.bad_status, SAVED_U64, UINT64_MAX),
	STATE("bad-order", gossip.bad_order, SAVED_U64, UINT64_MAX),
	STATE("flood", gossip.flood, SAVED_U64, UINT64_MAX),
	STATE("table", table, SAVED_U64, UINT64_MAX),
	STATE("refused", refusal.fingerprint, SAVED_U64, UINT64_MAX),
	STATE("refused-at", refusal.at_ns, SAVED_U64, UINT64_MAX),
	SAVED(service_line, "refused-why", why, SAVED_TEXT, 0),
	STATE("program-script", program.script, SAVED_BOOL, 1),
	STATE("program-dev", program.id.dev, SAVED_U64, UINT64_MAX),
	STATE("program-ino", program.id.ino, SAVED_U64, UINT64_MAX),
	STATE("program-size", program.id.size, SAVED_U64, UINT64_MAX),
	STATE("program-changed-s", program.id.changed_s, SAVED_U64, UINT64_MAX),
	STATE("program-changed-ns", program.id.changed_ns, SAVED_U32,
		UINT32_MAX),
};
/*
 * A reminder: whoever adds a member to one of these changes its size, and comes
 * by to give it its line, or to see that it follows from others.
 */
_Static_assert(sizeof(void *) != 8 || sizeof(struct service_state) == 560,
	"a member of struct service_state may have to be handed over");
_Static_assert(sizeof(void *) != 8 || sizeof(struct listener) == 56,
	"a member of struct listener may have to be handed over");
_Static_assert(sizeof(void *) != 8 || sizeof(struct worker_record) == 112,
	"a member of struct worker_record may have to be handed over");

const struct saved_kind service_kind = SAVED_KIND("service", service_fields);

#define LISTENER(key, member, type, max)                                       \
	SAVED(listener_line, key, listener.member, type, max)
_Static_assert(sizeof(((struct listener *)0)->dev) == 8, "as SAVED_U64");
_Static_assert(sizeof(((struct listener *)0)->ino) == 8, "as SAVED_U64");
static const struct saved_field listener_fields[] = {
	SAVED(listener_line, "service", service, SAVED_U32, SERVICES_MAX - 1),
	SAVED(listener_line, "index", index, SAVED_U32, COUNT_MAX),
	LISTENER("error", error, SAVED_INT, 4095),
	LISTENER("passed", passed, SAVED_BOOL, 1),
	LISTENER("stored", stored, SAVED_BOOL, 1),
	LISTENER("dev", dev, SAVED_U64, UINT64_MAX),
	LISTENER("ino", ino, SAVED_U64, UINT64_MAX),
	LISTENER("other", maker.is_other, SAVED_BOOL, 1),
	LISTENER("uid", maker.uid, SAVED_U32, UINT32_MAX - 1),
	LISTENER("gid", maker.gid, SAVED_U32, UINT32_MAX - 1),
};
const struct saved_kind listener_kind = SAVED_KIND("listener", listener_fields);

static const struct saved_field page_fields[] = {
	SAVED(page_line, "service", service, SAVED_U32, SERVICES_MAX - 1),
	SAVED(page_line, "words", words, SAVED_U32, OSTLER__PAGE_WORDS_MAX),
	SAVED(page_line, "used", used, SAVED_U32, OSTLER__PAGE_WORDS_MAX),
	SAVED(page_line, "uid", uid, SAVED_U32, UINT32_MAX - 1),
};
const struct saved_kind page_kind = SAVED_KIND("page", page_fields);

static const struct saved_field word_fields[] = {
	SAVED(line, "allotted", allotted, SAVED_U64, UINT64_MAX),
	SAVED(line, "quiet", quiet, SAVED_U64, UINT64_MAX),
	SAVED(line, "loud", loud, SAVED_U64, UINT64_MAX),
	SAVED(line, "known", known, SAVED_U64, UINT64_MAX),
	SAVED(line, "ready", ready, SAVED_U64, UINT64_MAX),
	SAVED(line, "worn", worn, SAVED_U64, UINT64_MAX),
};
const struct saved_kind word_kind = SAVED_KIND("word", word_fields);

#define WORKER(key, member, type, max)                                         \
	SAVED(worker_line, key, worker.member, type, max)
static const struct saved_field worker_fields[] = {
	SAVED(worker_line, "slot", slot, SAVED_U32, COUNT_MAX),
	SAVED(worker_line, "page", page, SAVED_U32, COUNT_MAX),
	WORKER("serial", serial, SAVED_U32, UINT32_MAX),
	WORKER("service", service, SAVED_U32, SERVICES_MAX - 1),
	WORKER("kind", kind, SAVED_ENUM, WORKER_KINDS - 1),
	WORKER("pid", pid, SAVED_INT, INT32_MAX),
	WORKER("started", started_ns, SAVED_U64, UINT64_MAX),
	WORKER("disconnected", disconnected, SAVED_BOOL, 1),
	WORKER("shared", shared, SAVED_BOOL, 1),
	WORKER("queued", queued, SAVED_BOOL, 1),
	WORKER("signalled", signalled, SAVED_INT, 64),
	WORKER("heard", heard, SAVED_BOOL, 1),
	WORKER("stress", stress, SAVED_BOOL, 1),
	WORKER("taken", taken, SAVED_BOOL, 1),
	WORKER("place", page_place, SAVED_U32, OSTLER__PAGE_SLOTS_MAX - 1),
	WORKER("served", page_served, SAVED_U64, UINT64_MAX),
	WORKER("over", page_over, SAVED_U64, UINT64_MAX),
};
const struct saved_kind worker_kind = SAVED_KIND("worker", worker_fields);

static const struct saved_field leftover_fields[] = {
	SAVED(leftover_line, "service", service, SAVED_U32, SERVICES_MAX - 1),
	SAVED(leftover_line, "serial", serial, SAVED_U32, UINT32_MAX),
	SAVED(leftover_line, "retired", retired, SAVED_BOOL, 1),
	SAVED(leftover_line, "shared", shared, SAVED_BOOL, 1),
};
const struct saved_kind leftover_kind = SAVED_KIND("leftover", leftover_fields);

static const struct saved_field place_fields[] = {
	SAVED(control_line, "dev", dev, SAVED_U64, UINT64_MAX),
	SAVED(control_line, "ino", ino, SAVED_U64, UINT64_MAX),
	SAVED(control_line, "last-serial", last_serial, SAVED_U32, UINT32_MAX),
};
const struct saved_kind control_kind = SAVED_KIND("control", place_fields);

static const struct saved_field client_fields[] = {
	SAVED(client_line, "index", index, SAVED_U32, CLIENTS_MAX - 1),
	SAVED(client_line, "serial", serial, SAVED_U32, UINT32_MAX),
	SAVED(client_line, "state", state, SAVED_TEXT, 0),
	SAVED(client_line, "pid", pid, SAVED_INT, INT32_MAX),
	SAVED(client_line, "uid", uid, SAVED_U32, UINT32_MAX),
	SAVED(client_line, "gid", gid, SAVED_U32, UINT32_MAX),
	SAVED(client_line, "owner", is_owner, SAVED_BOOL, 1),
	SAVED(client_line, "until", until_ns, SAVED_U64, UINT64_MAX),
	SAVED(client_line, "request", request, SAVED_TEXT, 0),
};
const struct saved_kind client_kind = SAVED_KIND("client", client_fields);
