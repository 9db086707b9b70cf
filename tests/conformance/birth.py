# SPDX-License-Identifier: MIT
"""What a worker is born with."""

import fcntl
import os
import re
import signal
import socket
import stat

from instance import has_ipv6, wait_until
from suite import scenario

GROUP = "What a worker finds"
RECORDER = "recorder @JOURNAL@"
# Every type and every column; what comes after the program is the tag.
SERVICES = [
    f"@A@ inet n - n - - {RECORDER} @port",
    f"127.0.0.1:@B@ inet n - n - - {RECORDER} @host",
    f"localhost:@C@ inet n n n - 1 {RECORDER} @name",
    f"@D@ inet n - n - 0 {RECORDER} @any",
    f"private unix - - n - - {RECORDER} @private",
    f"public unix n - n - - {RECORDER} @public",
    f"root unix n n n - - {RECORDER} @root",
    f"jail unix n y y - - {RECORDER} @jail",
    f"one unix n - n - 1 {RECORDER} @one",
    f"zero unix n - n - 0 {RECORDER} @zero",
    f"two unix n - n - 2 {RECORDER} @two",
    f"fifo fifo n - n - - {RECORDER} @fifo",
    f"pass pass n - n - - {RECORDER} @pass",
    f"pass1 pass n - n - 1 {RECORDER} @pass1",
    f"dgram unix-dgram n - n - - {RECORDER} @dgram",
    f"recorder unix n - n - - {RECORDER} @same-name",
    f"braces unix n - n - - {RECORDER} @braces {{ -o a b = c }} trailing {{}}",
    f"spread unix n - n - - {RECORDER}\n  @spread  -o\n# no comment\n\tx=y $z ${{z}} 'q q'",
    "slashes unix n - n - - ../sbin/./recorder @JOURNAL@ @slashes",
    "sub/dir unix n - n - - recorder @JOURNAL@ @sub",
]
SIX = f"[::1]:@E@ inet n - n - - {RECORDER} @six"
LIMITS = ("CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE "
          "RTPRIO RTTIME").split()
# /proc/PID/status: what does not depend on the machine's history
STATUS = "Umask Uid Gid Groups NoNewPrivs Seccomp SigBlk SigIgn SigCgt".split()
CAPABILITIES = "CapInh CapPrm CapEff CapBnd CapAmb".split()


def services():
    return SERVICES + ([SIX] if has_ipv6() else [])


def pass_nothing(m, where):
    """A client of a pass service that hands over one end of a pair."""
    ours, theirs = socket.socketpair()
    client = m.client(where)
    socket.send_fds(client.socket, [b"\0"], [theirs.fileno()])
    client.socket.sendall(b"\0")
    theirs.close()
    client.passed = ours
    return client


def knock(m):
    """Let every service have a worker; the clients."""
    (m.queue / "public/sub").mkdir(exist_ok=True)
    clients = [m.port_client("A"), m.port_client("B"), m.port_client("C"), m.port_client("D")]
    for name in ("private/private public/public public/root public/jail public/one public/zero "
                 "public/two public/recorder public/braces public/spread public/slashes "
                 "public/sub/dir").split():
        clients.append(m.client(name))
    clients += [pass_nothing(m, "public/pass"), pass_nothing(m, "public/pass1")]
    if has_ipv6():
        clients.append(m.port_client("E", "::1"))
    fifo = os.open(m.queue / "public/fifo", os.O_WRONLY | os.O_NONBLOCK)
    os.write(fifo, b"x")
    os.close(fifo)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", str(m.queue / "public/dgram"))
    return clients


def born(m):
    """What each worker wrote down at its start, by its tag."""
    tags = [re.search(r" @([\w-]+)", line[line.index("JOURNAL"):])[1]
            if " @" in line else line for line in services()]
    return {tag: m.born(tag) for tag in tags}


def make_sub(run):
    """An instance with all of SERVICES; one of them needs a directory."""
    m = run.instance(services())
    (m.queue / "public/sub").mkdir()
    os.chown(m.queue / "public/sub", *owner(m.queue / "public"))
    return m


def owner(path):
    found = path.stat()
    return found.st_uid, found.st_gid


def only(values):
    """What all workers share, or what each has."""
    plain = sorted(set(values.values()))
    return plain[0] if len(plain) == 1 else [f"{tag}: {v}" for tag, v in values.items()]


def flag_names(number):
    names = {os.O_APPEND: "append", os.O_NONBLOCK: "non-blocking", os.O_ASYNC: "async"}
    mode = ("read", "write", "read-write")[number & os.O_ACCMODE]
    return " ".join([mode, *(text for bit, text in names.items() if number & bit)])


def describe(m, fd, sizes):
    """A descriptor in words."""
    kind = stat.S_IFMT(int(fd["mode"], 8))
    words = [flag_names(fd["flags"]), "close-on-exec" if fd["cloexec"] else "kept"]
    if kind == stat.S_IFSOCK:
        family = socket.AddressFamily(fd["domain"]).name
        words = [family, socket.SocketKind(fd["type"]).name, fd["name"] or "no name", *words]
        # SO_REUSEPORT is a fact of its own.
        for option in "listens", "reuseaddr", "keepalive", "passcred", "v6only":
            if fd.get(option, -1) not in (-1, 0):
                words.append(option)
        if fd["backlog"] >= 0:
            words.append(f"backlog {fd['backlog']}")
        for buffer in "sndbuf", "rcvbuf":
            if fd[buffer] != sizes.get((fd["domain"], fd["type"]), {}).get(buffer, fd[buffer]):
                words.append(f"{buffer} {fd[buffer]}")
    else:
        link = re.sub(r"\[\d+\]", "", fd["link"])
        words = [stat.filemode(int(fd["mode"], 8)) if link.startswith("/") else "", link, *words]
    return m.plain(" ".join(filter(None, words)))


def usual_sizes():
    """The buffers of sockets that nobody changed."""
    sizes = {}
    kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM),
             (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM),
             (socket.AF_UNIX, socket.SOCK_SEQPACKET)]
    for family, kind in kinds:
        with socket.socket(family, kind) as one:
            sizes[int(family), int(kind)] = {
                "sndbuf": one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
                "rcvbuf": one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)}
    return sizes


@scenario(GROUP, "Descriptors of workers of every type, with all that the kernel tells of them.")
def descriptors(run):
    sizes = usual_sizes()
    with make_sub(run) as m:
        held = knock(m)
        workers = born(m)
        for number in range(6):
            run.fact(f"descriptor {number}", only({
                tag: describe(m, fd, sizes) for tag, w in workers.items()
                for fd in w["descriptors"] if fd["number"] == number}))
        for tag, w in workers.items():
            run.fact(f"descriptors 6 and up of {tag}", [
                f"{fd['number']}: {describe(m, fd, sizes)}" for fd in w["descriptors"]
                if fd["number"] > 5])
        sockets = [fd for w in workers.values() for fd in w["descriptors"]
                   if fd["number"] > 5 and "name" in fd]
        run.fact("listeners with SO_REUSEPORT", sorted({
            socket.AddressFamily(fd["domain"]).name for fd in sockets if fd["reuseport"]}))
        del held


@scenario(GROUP, "The command line, for every column of master.cf.")
def arguments(run):
    with make_sub(run) as m:
        held = knock(m)
        for tag, w in born(m).items():
            run.fact(f"arguments of {tag}", m.plain(" ".join(
                f"{{{word}}}" if " " in word or not word else word for word in w["argv"])))
        del held


def status(w):
    return dict(line.split(":", 1) for line in w["status"].splitlines())


def text_of(w, name):
    return " ".join(status(w)[name].split())


@scenario(GROUP, "Everything else that is the same for all workers.")
def process(run):
    with make_sub(run) as m:
        held = knock(m)
        workers = born(m)
        pid = m.name(m.master.pid, "MASTER")
        for name in STATUS:
            run.fact(name, only({tag: text_of(w, name) for tag, w in workers.items()}))
        for name in CAPABILITIES:
            run.fact(name, only({tag: "as the master's starter's" if text_of(w, name) ==
                                 own_status(name) else text_of(w, name)
                                 for tag, w in workers.items()}))
        for i, name in enumerate(LIMITS):
            run.fact(f"RLIMIT_{name}", only({
                tag: limit(name, *w["limits"][i]) for tag, w in workers.items()}))
        for what in "parent", "process group", "session", "terminal", "nice", "policy":
            run.fact(what, only({tag: m.plain(of_stat(w, what)) for tag, w in workers.items()}))
        for what in ("cwd root exe alarm pdeathsig subreaper dumpable securebits oom "
                     "slack").split():
            run.fact(what, only({tag: m.plain(w[what]) for tag, w in workers.items()}))
        run.fact("name", only({tag: status(w)["Name"].strip() for tag, w in workers.items()}))
        assert m.master.pid == pid
        del held


def own_status(name):
    with open("/proc/self/status") as file:
        return next(ln.split(":", 1)[1].strip() for ln in file if ln.startswith(name + ":"))


def limit(name, soft, hard):
    import resource
    own = resource.getrlimit(getattr(resource, "RLIMIT_" + name)) if hasattr(
        resource, "RLIMIT_" + name) else None
    plain = [int(v, 16) if v != "f" * 16 else -1 for v in (soft, hard)]
    if plain[0] == plain[1] and own and plain[1] == own[1] and own[0] != own[1]:
        return "raised to the hard limit"
    if own is None or tuple(plain) == own:
        return "unchanged"
    return f"{plain[0]} {plain[1]}"


def of_stat(w, what):
    fields = w["stat"].rsplit(")", 1)[1].split()
    return fields[{"parent": 1, "process group": 2, "session": 3, "terminal": 4, "nice": 16,
                   "policy": 38}[what]]


ODD = {"TZ": "Asia/Tokyo", "DISPLAY": ":7",
       "XAUTHORITY": "a=b c", "HOME": "/root", "OSTLER_X": "y", "LD_BIND_NOW": "1",
       "LANG": "de_DE", "LC_ALL": "C", "POSTLOG_SERVICE": "/nowhere", "POSTLOG_HOSTNAME": "no",
       "GENERATION": "77", "MAIL_LOGTAG": "no", "NOTIFY_SOCKET": "", "LISTEN_FDS": "3",
       "XDG_RUNTIME_DIR": "/run"}


@scenario(GROUP, "The environment, with and without settings for it.")
def environment(run):
    x = [f"x unix n - n - - {RECORDER} @x"]
    for what, settings in (
            ("by default", ""),
            ("without a log file", "maillog_file =\n"),
            ("with import_environment", "import_environment = HOME, OSTLER_X TZ=UTC { A = b c }\n"
             "    LANG MAIL_CONFIG\n"),
            ("with names", "syslog_name = a-name\nmyhostname = other.example\n"
             "multi_instance_name = postfix-two\npostlog_service_name = elsewhere\n"),
            ("with MAIL_CONFIG instead of -c", "")):
        m = run.instance(x, settings, environment=ODD)
        if "MAIL_CONFIG" in what:
            m.environment["MAIL_CONFIG"] = str(m.config)
        if "maillog_file =\n" in settings:
            run.fact(what, silent_environment(m))
            continue
        with m, m.client("public/x"):
            run.fact(what, sorted(m.plain(word) for word in m.born("x")["env"]))
            if "import_environment" in what:
                m.reload()
                with m.client("public/x"):
                    run.fact(f"{what}, after a reload", sorted(
                        m.plain(word) for word in m.born("x", 2)["env"]
                        if not word.startswith("GENERATION=")))


def client_if_any(m):
    """A socket has its name before it listens."""
    try:
        return m.client("public/x")
    except (FileNotFoundError, ConnectionRefusedError):
        return None


def silent_environment(m):
    """As above, for a master whose log nobody reads."""
    m.master = m.popen()
    try:
        with wait_until(lambda: client_if_any(m), "the master starts"):
            return sorted(m.plain(word) for word in m.born("x")["env"])
    finally:
        m.finish()


def argument_words(m, tag):
    return m.plain(" ".join(m.born(tag)["argv"]))


@scenario(GROUP, "How the master's own options reach its workers.")
def options(run):
    lines = [f"x unix n - n - - {RECORDER} @x", f"y unix n n y - 1 {RECORDER} @y"]
    for what, words, extra in (
            ("-v", ["-v"], {}), ("-v -v", ["-v", "-v"], {}), ("-d", ["-d"], {}),
            ("-d -v", ["-d", "-v"], {}), ("MAIL_VERBOSE", [], {"MAIL_VERBOSE": ""}),
            ("-s", ["-s"], {})):
        # With -d the master stays in its group: let it be one of its own.
        with run.instance(lines, arguments=words, environment=extra,
                          launcher=["setsid"] if "-d" in words else []) as m:
            m.name(m.master.pid, "MASTER")
            with m.client("public/x"), m.client("public/y"):
                for tag in "x", "y":
                    run.fact(f"{what}: arguments of {tag}", argument_words(m, tag))
                w = m.born("x")
                run.fact(f"{what}: session and group", [
                    m.plain(of_stat(w, "session")), m.plain(of_stat(w, "process group"))])
                run.fact(f"{what}: descriptors 0 to 2", [
                    re.sub(r"\[\d+\]", "", fd["link"]) for fd in w["descriptors"]
                    if fd["number"] < 3])
                run.fact(f"{what}: environment", sorted(
                    word.split("=")[0] for word in w["env"]))


IGNORED = "HUP INT QUIT USR1 USR2 PIPE TERM TSTP TTIN TTOU XFSZ XCPU CHLD ALRM IO".split()


@scenario(GROUP, "What of a careless starter's signals, umask and descriptors reaches a worker.")
def careless_starter(run):
    code = ("import os, signal, sys; "
            f"[signal.signal(getattr(signal, 'SIG' + n), signal.SIG_IGN) for n in {IGNORED}]; "
            "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2}); "
            "signal.alarm(1000); os.umask(0); os.dup2(0, 77); os.nice(3); "
            "os.setgroups([7, 8]); os.execv(sys.argv[1], sys.argv[1:])")
    with run.instance([f"x unix n - n - - {RECORDER} @x"],
                      launcher=["/usr/bin/python3", "-c", code]) as m, m.client("public/x"):
        w = m.born("x")
        run.fact("ignored", signal_names(status(w)["SigIgn"]))
        run.fact("blocked", signal_names(status(w)["SigBlk"]))
        for name in "Umask", "Groups":
            run.fact(name, text_of(w, name))
        run.fact("nice", of_stat(w, "nice"))
        run.fact("alarm", "none" if w["alarm"] == 0 else "pending")
        run.fact("descriptors", [fd["number"] for fd in w["descriptors"]])


def signal_names(mask):
    number = int(mask, 16)
    return " ".join(signal.Signals(n).name for n in range(1, 32) if number >> (n - 1) & 1)


@scenario(GROUP, "What two workers of one service share, and what workers of two services do.")
def shared(run):
    with run.instance([f"x inet n - n - - {RECORDER} @x".replace("x inet", "@A@ inet"),
                       f"y unix n - n - - {RECORDER} @y"]) as m:
        with m.port_client("A") as one:
            pid = one.ask("who")
            two = m.port_client("A")
            two.ask("who")
            other = m.client("public/y")
            run.fact("siblings", two.ask("same " + pid))
            run.fact("another service", other.ask("same " + pid))
            run.fact("tokens in the pipe at first", one.ask("count"))
            run.fact("put by one", one.ask("put 3"))
            run.fact("seen by the other service", other.ask("count"))
            numbers = [int(dict(word.split("=", 1) for word in m.born(tag, times)["env"])
                           ["GENERATION"], 8) for tag, times in (("x", 1), ("x", 2), ("y", 1))]
            run.fact("generations", numbers)
            two.socket.close()
            other.socket.close()


@scenario(GROUP, "Names in the file system: their kind, mode and owner; the lock files.")
def names(run):
    lines = ["a unix - - n - 0 recorder @JOURNAL@", "b unix n - n - 0 recorder @JOURNAL@",
             "c fifo - - n - 0 recorder @JOURNAL@", "d fifo n - n - 0 recorder @JOURNAL@",
             "e pass - - n - 0 recorder @JOURNAL@", "f unix-dgram n - n - 0 recorder @JOURNAL@"]
    with run.instance(lines) as m:
        for name in "private/a public/b private/c public/d private/e public/f".split():
            run.fact(name, describe_file(m.queue / name))
        run.fact("private", sorted(p.name for p in (m.queue / "private").iterdir()))
        run.fact("public", sorted(p.name for p in (m.queue / "public").iterdir()))
        run.fact("pid", sorted(p.name for p in (m.queue / "pid").iterdir()))
        run.fact("data_directory", sorted(p.name for p in (m.root / "data").iterdir()))
        m.name(m.master.pid, "MASTER")
        for path in m.queue / "pid/master.pid", m.root / "data/master.lock":
            run.fact(path.name, describe_file(path))
            text = path.read_text()
            run.fact(f"{path.name}: content", [repr(m.plain(text.strip())), f"{len(text)} bytes"])
            run.fact(f"{path.name}: lock", lock_of(path))


def describe_file(path):
    import grp
    import pwd
    found = path.lstat()
    return (f"{stat.filemode(found.st_mode)} {pwd.getpwuid(found.st_uid).pw_name}:"
            f"{grp.getgrgid(found.st_gid).gr_name}")


def lock_of(path):
    with open(path, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "held"
    return "not held"


@scenario(GROUP, "Settings for listeners: tcp_windowsize, the backlog, the limit of open files.")
def sizes(run):
    lines = [f"@A@ inet n - n - 7 {RECORDER} @a", f"b unix n - n - 250 {RECORDER} @b",
             f"c unix n - n - - {RECORDER} @c"]
    with run.instance(lines, "tcp_windowsize = 60000\ndefault_process_limit = 30\n",
                      launcher=["prlimit", "--nofile=900:1500"]) as m:
        with m.port_client("A"), m.client("public/b"), m.client("public/c"):
            for tag in "a", "b", "c":
                w = m.born(tag)
                run.fact(f"listener of {tag}", describe(
                    m, next(fd for fd in w["descriptors"] if fd["number"] == 6), usual_sizes()))
                soft, hard = (int(v, 16) for v in w["limits"][LIMITS.index("NOFILE")])
                run.fact(f"open files of {tag}, of 900 and 1500", f"{soft} and {hard}")


@scenario(GROUP, "The wildcard address, in a network of its own.")
def wildcard(run):
    """Nobody else's network sees it; the master's own wake-up is the client."""
    lines = [f"2525 inet n - n 1000 - {RECORDER} @port",
             f"0.0.0.0:2526 inet n - n 1000 5 {RECORDER} @v4",
             f"2527 inet n - n 1000 1 {RECORDER} @one", f"2528 inet n - n 1000 0 {RECORDER} @any",
             f":2529 inet n - n 1000 - {RECORDER} @colon", f"[::]:2530 inet n - n - - {RECORDER} @v6"]
    for protocols in "all", "ipv4":
        chosen = lines if protocols == "all" else lines[:2]
        with run.instance(chosen, f"inet_interfaces = all\ninet_protocols = {protocols}\n",
                          launcher=["unshare", "-n", "sh", "-c",
                                    'ip link set lo up && exec "$@"', "sh"]) as m:
            for tag in [re.search(r"@(\w+)$", line)[1] for line in chosen if " 1000 " in line]:
                w = m.born(tag)
                run.fact(f"inet_protocols = {protocols}, {tag}", [m.plain(" ".join(w["argv"])), *(
                    describe(m, fd, usual_sizes()) for fd in w["descriptors"]
                    if fd["number"] > 5)])
