# SPDX-License-Identifier: MIT
"""Where ostler differs from Postfix on purpose, and why.

(scenario, fact, reason); a * in the first two is anything. A difference that
no line here fits fails the suite, and so does a fact that a line fits and that
does not differ. Lines of one reason make one table in the page.
"""

OWN_CHANNEL = (
    "Each worker has a status channel of its own, which keeps messages whole: a worker cannot "
    "tell it from the shared one but by its type. So the master knows who speaks whatever the "
    "message says, can ask one worker to leave, and needs no other's word.")
GOSSIP = (
    "A message counts if it is whole, from its sender's own channel and about its sender. "
    "Postfix's master takes the first twelve bytes of anything, lets a worker speak for its "
    "siblings, and ends in a panic if one speaks for a worker of another service.")
REPORTED = (
    "Of an unknown status the log has the number and who sent it; Postfix's master prints the two "
    "in each other's place.")
NO_REUSEPORT = (
    "TCP listeners have no SO_REUSEPORT. With it two masters start at one address without a "
    "word, and after `kill -9` of a master a part of the clients waits for workers that are gone.")
NAMED_BY_OWNER = (
    "Wake-ups go to a socket as the user who owns its directory, for a name there is his to "
    "change. Who looks for SO_PEERCRED finds him.")
CLEAN_START = "A worker is born with no signal blocked, whatever the master's starter had blocked."
CONTROL = "`ostler --postfix` talks to the master over `pid/control.sock`."
RELOAD_SAFE = (
    "A reload of files with an error changes nothing: the master goes on, nobody is asked to "
    "leave, and each error is logged with its file, line and remedy. Postfix's master dies, and "
    "all its workers with it.")
HALF_CLOSE = (
    "A reload half-closes the channels of those it asks to leave: they notice just the same, and "
    "their last words still arrive, so no TAKEN is lost and no client waits for a worker that is "
    "busy.")
UNTHROTTLED = (
    "A reload ends the pause of a service that failed: what was wrong may be right now.")
REMOVAL = (
    "When a service is removed its name in the file system goes as well, and a worker that "
    "ignores SIGTERM is killed 5 seconds later. Postfix's master serves nobody until it is gone.")
MOVED = (
    "A service that moves from `public` to `private`, or back, is the same one changed: its "
    "workers finish their clients. For Postfix's master one service is gone and another is new.")
SIGNALS = (
    "SIGBUS, SIGSEGV and SIGILL are a crash, also when somebody sends them: the master is gone at "
    "once and its workers finish their clients, as after SIGKILL. SIGUSR1 and SIGUSR2, of which "
    "Postfix's master dies, do nothing.")
OWN_GROUP = (
    "A master with `-d` that does not lead its process group signals its workers one by one. "
    "Postfix's master finds no group of its own and gives up.")
STRANGERS = "A dead child that the master did not start is reaped, and no reason to panic."
LOGGED = (
    "The log has every line: also those of a start that fails, of an end while postlogd runs, and "
    "who starts a master is told on standard error why it did not start.")
TAKEN_OVER = (
    "A new master takes the listeners over from workers that a killed one left: no client is "
    "given to a queue that nobody serves.")
HOT = (
    "main.cf is read when it does not change while it is read; Postfix waits until it has not "
    "been changed for two seconds.")
NO_PROCESS = "A master that can make no process at all says so at its start."
PORTS = "Numbers that are no port are refused. Postfix takes 99999 for 34463."
NUMBERS = "A number in an option is a number. For Postfix's master `soon` is 0."
ALL_BINDS = "All addresses that cannot be had are named, not only the first."
LEASE = (
    "That a worker said AVAIL is believed for a second: if the client that waits is not taken by "
    "then, another worker is started. Under Postfix's master it waits as long as the worker is "
    "stopped or hangs.")
BURST = (
    "For several clients that wait several workers are started at once. Postfix's master starts "
    "the next one when the one before has said TAKEN.")
USELESS = (
    "A worker that exits with 0 before it served anybody is followed by the next after a pause "
    "that grows. Postfix's master starts hundreds a second, and the log says nothing.")

READY = (
    "Our workers say AVAIL when they are ready to serve. To Postfix's master that is nothing new.")
FROM_MANY = (
    "`ostler-spawn` is a worker of several clients and takes no accept lock; Postfix's spawn(8) "
    "has one at a time.")
FEW_WORDS = (
    "Our worker of several clients says TAKEN when it has as many as it may have, and once for its "
    "first client, not for each request.")
LAST_WORDS = (
    "Our worker does not say AVAIL when it is about to leave: it would be given a client that "
    "another has to serve.")
LAST_CLIENTS = (
    "Our worker finishes the clients it has when its master wants it to leave; Postfix's of the "
    "same kind drops them.")
OWN_LIMIT = "postlogd(8) has no max_use; our datagram workers have."
STRICT = "GENERATION is an octal number or an error."
NO_LIMIT = "0 is no limit for ours, and an error for Postfix's."
SPAWNED = (
    "`ostler-spawn` runs its command as the worker runs, tells it whom it serves, gives it all "
    "signals at their default and keeps its standard error for the log; spawn(8) has `user=`.")

DOCUMENTED = [
    ("descriptors", "descriptor 5", OWN_CHANNEL),
    ("shared", "siblings", OWN_CHANNEL),
    ("long_words", "*: another is started", GOSSIP),
    ("long_words", "13 bytes: log", GOSSIP),
    ("slander", "a sibling: a worker is started in the victim's place", GOSSIP),
    ("slander", "another service: the master", GOSSIP),
    ("slander", "another service: log", GOSSIP),
    ("slander", "another service: a worker is started in the victim's place", GOSSIP),
    ("bad_words", "word *: log", REPORTED),
    ("retirement", "its last words", HALF_CLOSE),
    ("lost_word", "the next client is served meanwhile", HALF_CLOSE),
    ("deaf", "the client is served within seconds", LEASE),
    ("stopped_idle", "the client is served within seconds", LEASE),
    ("burst", "workers before the first one is ready", BURST),
    ("early_exit", "starts until somebody gives up", USELESS),
    ("bad_files", "*: the master", RELOAD_SAFE),
    ("bad_files", "*: its worker is asked to leave", RELOAD_SAFE),
    ("bad_files", "*: log", RELOAD_SAFE),
    ("throttled", "the client is served at once", UNTHROTTLED),
    ("throttled", "or after the throttle time", UNTHROTTLED),
    ("stubborn", "*", REMOVAL),
    ("come_and_go", "its name in the file system", REMOVAL),
    ("come_and_go", "the next client at the name", REMOVAL),
    ("changed_identity", "public/x", REMOVAL),
    ("changed_identity", "signals", MOVED),
    ("signals", "SIGBUS: the * worker", SIGNALS),
    ("signals", "SIGBUS: log", SIGNALS),
    ("signals", "SIGSEGV: the * worker", SIGNALS),
    ("signals", "SIGSEGV: log", SIGNALS),
    ("signals", "SIGILL: the * worker", SIGNALS),
    ("signals", "SIGILL: log", SIGNALS),
    ("signals", "SIGUSR*", SIGNALS),
    ("not_leader", "status after SIGTERM", OWN_GROUP),
    ("not_leader", "its worker gets SIGTERM", OWN_GROUP),
    ("not_leader", "log", OWN_GROUP),
    ("adopted", "*", STRANGERS),
    ("postlogd", "log", LOGGED),
    ("already_running", "log of the first", LOGGED),
    ("bad_m*_cf", "on standard error", LOGGED),
    ("bad_surroundings", "on standard error", LOGGED),
    ("bad_surroundings", "no public", ALL_BINDS),
    ("bad_master_cf", "`127.0.0.1:99999 *", PORTS),
    ("usage", "-e soon", NUMBERS),
    ("descriptors", "listeners with SO_REUSEPORT", NO_REUSEPORT),
    ("same_port", "the second", NO_REUSEPORT),
    ("after_kill", "new clients at the port are served", TAKEN_OVER),
    ("hot_file", "the start takes", HOT),
    ("no_process", "*", NO_PROCESS),
    ("each_type", "sent to u by", NAMED_BY_OWNER),
    ("each_type", "sent to v by", NAMED_BY_OWNER),
    ("each_type", "sent to p by", NAMED_BY_OWNER),
    ("careless_starter", "blocked", CLEAN_START),
    ("names", "pid", CONTROL),
    ("leftovers", "after SIGKILL", CONTROL),
    ("words_*", "*: at the start", READY),
    ("words_spawn", "*: the lock, idle", FROM_MANY),
    ("words_spawn", "*: the lock then", FROM_MANY),
    ("words_spawn", "*: lock files", FROM_MANY),
    ("words_multi", "*: when it asks", FEW_WORDS),
    ("words_verify", "*: when it asks", FEW_WORDS),
    ("asked_busy_multi", "*: its channel is shut down: words", FEW_WORDS),
    ("asked_busy_single", "*: its channel is half-closed: words", LAST_WORDS),
    ("asked_busy_spawn", "*: its channel is half-closed: words", LAST_WORDS),
    ("limits_*", "*: words", LAST_WORDS),
    ("asked_busy_multi", "*: its channel is half-closed: at once", LAST_CLIENTS),
    ("asked_busy_multi", "*: its channel is half-closed: words", LAST_CLIENTS),
    ("asked_busy_event", "*: its channel is half-closed: at once", LAST_CLIENTS),
    ("asked_busy_event", "*: its channel is half-closed: words", LAST_CLIENTS),
    ("limits_dgram", "*, when all are served", OWN_LIMIT),
    ("nonsense_*", "GENERATION=9", STRICT),
    ("nonsense_*", "-i 0", NO_LIMIT),
    ("nonsense_*", "-m 0", NO_LIMIT),
    ("spawned", "*id", SPAWNED),
    ("spawned", "Groups", SPAWNED),
    ("spawned", "SigIgn", SPAWNED),
    ("spawned", "descriptors", SPAWNED),
    ("spawned", "environment", SPAWNED),
]
