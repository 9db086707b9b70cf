# SPDX-License-Identifier: MIT
"""Every system that is measured, and how it is started.

Masters, which are given the same services:
    ostler           ostlerd with a configuration of its own
    ostler-postfix   ostlerd as the master of a Postfix
    postfix          Postfix's own master

and those that start a program for each client, or do even less: see
superservers() and limits().
"""

import grp
import os
import pwd
import time
from dataclasses import dataclass, field
from pathlib import Path

from measure import ROOT, Server, Skip, free_port, listens

POSTFIX_DAEMONS = Path("/usr/lib/postfix/sbin")
MASTERS = ("postfix", "ostler-postfix", "ostler")
QUEUES = "active bounce corrupt defer deferred flush hold incoming maildrop saved trace".split()

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
daemon_directory = {root}/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.invalid
mydestination =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
smtpd_sasl_auth_enable = no
in_flow_delay = 0
"""


@dataclass
class Service:
    """One listener and its workers, for any master."""

    name: str
    command: list  # a program of ours or of Postfix's, and its words
    unix: bool = False
    limit: int = 100
    max_use: int = None  # None: the master's default
    native: dict = field(default_factory=dict)  # settings of ostler.conf alone
    port: int = None
    listeners: int = 1  # of ostler.conf alone; TCP: at 127.0.0.1, 127.0.0.2, ...

    def __post_init__(self):
        if not self.unix and self.port is None:
            self.port = free_port()


class Master(Server):
    """SERVICES; endpoint(name) is where the clients of one knock."""

    def __init__(self, bench, name, services):
        super().__init__(name)
        self.bench = bench
        self.directory = bench.directory(name)
        self.services = list(services)
        self.prepare()
        self.write()

    def endpoint_of(self, name=None):
        service = self.services[0]
        if name is not None:
            service = next(s for s in self.services if s.name == name)
        return str(self.socket_of(service)) if service.unix else f"127.0.0.1:{service.port}"

    def endpoints_of(self, name):
        """All of them, of one that has several."""
        service = next(s for s in self.services if s.name == name)
        first = self.endpoint_of(name)
        if service.unix:
            return [first + (f"-{n}" if n else "") for n in range(service.listeners)]
        return [f"127.0.0.{n + 1}:{service.port}" for n in range(service.listeners)]

    def is_up(self):
        # They open their listeners one after the other.
        return listens(self.endpoint_of(self.services[-1].name))

    def reload(self):
        """Not waited for: only the caller knows what will change."""
        self.write()
        self.process.send_signal(1)

    def complaint(self):
        try:
            return (self.directory / "log").read_text()[-2000:]
        except OSError:
            return super().complaint()

    def spawn(self):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
        with open(self.directory / "log", "ab") as log:
            self.launch(self.words(), stderr=log, env=env, cwd="/")


class Ostler(Master):
    PER_FILE = 1000

    def prepare(self):
        self.runtime = self.directory / "run"
        self.config = self.directory / "ostler.conf"

    def socket_of(self, service):
        return self.runtime / service.name

    def words(self):
        return [self.bench.bin / "ostlerd", "-c", self.config]

    def write(self):
        """In several files: no single one may be large."""
        text = f'runtime_directory = "{self.runtime}"\n'
        for at in range(0, len(self.services), self.PER_FILE):
            part = self.directory / f"{at}.conf"
            part.write_text("".join(map(self._text, self.services[at:at + self.PER_FILE])))
            text += f'include("{part}")\n'
        fresh = self.config.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.config)

    def _text(self, service):
        kind = "unix:" if service.unix else ""
        places = [f'"{kind}{Path(place).name}"' for place in self.endpoints_of(service.name)]
        words = [str(self.bench.bin / service.command[0]), *service.command[1:]]
        if service.listeners > 1:
            words += ["-s", service.listeners]
        lines = {"listen": "{" + ", ".join(places) + "}", "process_limit": service.limit,
                 "command": "{" + ", ".join(f'"{w}"' for w in words) + "}", **service.native}
        if ROOT:
            lines["user"] = '"nobody"'
        if service.max_use is not None:
            lines["max_use"] = service.max_use
        if service.unix:
            lines["socket_mode"] = "0666"
        body = "".join(f"    {k} = {v}\n" for k, v in lines.items())
        return f"service {service.name} {{\n{body}}}\n"


class Postfix(Master):
    """A Postfix with directories of its own; MASTER is the one it starts."""

    def __init__(self, bench, name, services, master=None):
        if not ROOT:
            raise Skip("Postfix's master runs as root only")
        if not (POSTFIX_DAEMONS / "master").exists():
            raise Skip("Postfix is not installed")
        self.master = master or POSTFIX_DAEMONS / "master"
        super().__init__(bench, name, services)

    def prepare(self):
        root, queue = self.directory, self.directory / "queue"
        owner = pwd.getpwnam("postfix").pw_uid
        drop = grp.getgrnam("postdrop").gr_gid
        for name in "etc", "queue/pid", "queue/private", "queue/public", "data", "sbin":
            (root / name).mkdir(parents=True)
        for name in QUEUES:
            (queue / name).mkdir()
            os.chown(queue / name, owner, 0)
        os.chown(root / "data", owner, 0)
        os.chown(queue / "private", owner, 0)
        (queue / "private").chmod(0o700)
        os.chown(queue / "public", owner, drop)
        (queue / "public").chmod(0o2710)
        for daemon in POSTFIX_DAEMONS.iterdir():
            if daemon.is_file():
                (root / "sbin" / daemon.name).symlink_to(daemon)
        for program in "worker", "serve", "echo":
            (root / "sbin" / program).symlink_to(self.bench.bin / program)
        main = root / "etc/main.cf"
        main.write_text(MAIN_CF.format(root=root))
        # Postfix waits until it has not been changed for two seconds.
        os.utime(main, (time.time() - 60,) * 2)

    def socket_of(self, service):
        return self.directory / "queue/public" / service.name

    def words(self):
        return [self.master, "-c", self.directory / "etc"]

    def write(self):
        path = self.directory / "etc/master.cf"
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(map(self._line, self.services)))
        fresh.rename(path)

    def _line(self, service):
        where = f"{service.name} unix" if service.unix else f"127.0.0.1:{service.port} inet"
        words = list(service.command)
        if service.max_use is not None:
            words += ["-o", f"max_use={service.max_use or 1_000_000_000}"]
        return f"{where} n - n - {service.limit} {' '.join(words)}\n"


def make_master(bench, name, services):
    if name == "ostler":
        return Ostler(bench, name, services)
    ours = bench.bin / "master"
    return Postfix(bench, name, services, ours if name == "ostler-postfix" else None)


def masters(bench, services, names=MASTERS):
    """{name: maker}. SERVICES: what makes a fresh list of them."""
    return {name: lambda name=name: make_master(bench, name, services()) for name in names}


def with_setting(bench, services, **settings):
    """{name: maker} of ostlerd with settings of its own; of none if it does not know them."""
    if not all(map(bench.knows, settings)):
        return {}

    def make():
        found = services()
        for service in found:
            service.native.update(settings)
        return make_master(bench, "ostler", found)

    return {"ostler, " + ", ".join(f"{k} = {v}" for k, v in settings.items()): make}


# ------------------------------------------------------------- for each client


class Plain(Server):
    """A server that is one command."""

    def __init__(self, name, endpoint, words, env=None):
        super().__init__(name, endpoint)
        self.words = words
        self.env = env

    def spawn(self):
        if self.endpoint.startswith("/"):
            Path(self.endpoint).unlink(missing_ok=True)
        self.launch(self.words, env=self.env, cwd="/")


def _where(bench, name, unix):
    return str(bench.directory(name) / "socket") if unix else f"127.0.0.1:{free_port()}"


def make_limit(bench, name, mode, *, unix=False, workers=4, hold=0, program=None, words=()):
    endpoint = _where(bench, name, unix)
    more = ["--program", bench.bin / program] if program else []
    for word in words:
        more += ["--word", word]
    return Plain(name, endpoint, [bench.bin / "limit", "--workers", workers, "--hold", hold,
                                  *more, "--", mode, endpoint])


def _program(peers, name):
    path = peers.find(name)
    if path is None:
        raise Skip("it is not installed, and bench/run --fetch was not asked to get it")
    return path


def make_xinetd(bench, peers, words):
    program = _program(peers, "xinetd")
    port = free_port()
    directory = bench.directory("xinetd")
    arguments = f"server_args = {' '.join(words)}" if words else ""
    config = directory / "xinetd.conf"
    config.write_text(f"""\
defaults
{{
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 1000000 1
    log_type = FILE /dev/null
}}
service bench
{{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    bind = 127.0.0.1
    port = {port}
    wait = no
    user = {pwd.getpwuid(os.geteuid()).pw_name}
    server = {bench.bin / "echo"}
    {arguments}
}}
""")
    return Plain("xinetd", f"127.0.0.1:{port}",
                 [program, "-dontfork", "-f", config, "-pidfile", directory / "pid"],
                 peers.environment())


def make_inetd(bench, peers, words):
    program = _program(peers, "inetd")
    port = free_port()
    config = bench.directory("inetd") / "inetd.conf"
    user = pwd.getpwuid(os.geteuid()).pw_name
    config.write_text(f"127.0.0.1:{port} stream tcp nowait.1000000 {user} "
                      f"{bench.bin / 'echo'} echo {' '.join(words)}\n")
    return Plain("inetd", f"127.0.0.1:{port}", [program, "-i", "-R", "1000000", config],
                 peers.environment())


def make_tcpserver(bench, peers, words):
    port = free_port()
    return Plain("tcpserver", f"127.0.0.1:{port}",
                 [_program(peers, "tcpserver"), "-H", "-R", "-l0", "-q", "-b", "1024", "-c", "200",
                  "127.0.0.1", port, bench.bin / "echo", *words], peers.environment())


def make_s6(bench, peers, words):
    endpoint = _where(bench, "s6", True)
    # The two halves of s6-ipcserver, which looks for them in /usr/bin alone.
    return Plain("s6-ipcserver", endpoint,
                 [_program(peers, "s6-ipcserver-socketbinder"), "-b", "1024", "--", endpoint,
                  _program(peers, "s6-ipcserverd"), "-c", "200", "-C", "200", "--",
                  bench.bin / "echo", *words],
                 peers.environment())


def make_systemd(bench, peers, words):
    port = free_port()
    return Plain("systemd-socket-activate", f"127.0.0.1:{port}",
                 [_program(peers, "systemd-socket-activate"), "-l", f"127.0.0.1:{port}", "--accept",
                  "--inetd", bench.bin / "echo", *words], peers.environment())


def superservers(bench, peers, words=()):
    """{name: maker} of those that start `echo WORDS` for each client."""
    words = [str(word) for word in words]
    makers = {"xinetd": make_xinetd, "inetd": make_inetd, "tcpserver": make_tcpserver,
              "s6-ipcserver": make_s6, "systemd-socket-activate": make_systemd}
    return {name: lambda make=make: make(bench, peers, words) for name, make in makers.items()}


# ------------------------------------------------------------- PHP


def _record(kind, content):
    return bytes([1, kind, 0, 1]) + len(content).to_bytes(2, "big") + b"\0\0" + content


def _pair(name, value):
    return bytes([len(name), len(value)]) + name + value


def fastcgi_question(script):
    """A request for SCRIPT, without keeping the connection."""
    names = {b"SCRIPT_FILENAME": script, b"SCRIPT_NAME": b"/", b"REQUEST_METHOD": b"GET",
             b"REQUEST_URI": b"/", b"SERVER_PROTOCOL": b"HTTP/1.1", b"QUERY_STRING": b""}
    return (_record(1, b"\0\1\0\0\0\0\0\0")
            + _record(4, b"".join(_pair(k, v) for k, v in names.items()))
            + _record(4, b"") + _record(5, b""))


class PhpFpm(Server):
    """POOL: lines of its pool; the script holds its client for HOLD ms."""

    def __init__(self, bench, peers, pool, hold=0):
        program = None
        for name in "php-fpm8.2", "php-fpm8.3", "php-fpm8.4", "php-fpm":
            program = program or peers.find(name)
        if program is None:
            raise Skip("it is not installed, and bench/run --fetch was not asked to get it")
        super().__init__("php-fpm", f"127.0.0.1:{free_port()}")
        self.program, self.env = program, peers.environment()
        self.directory = bench.directory("php-fpm")
        script = self.directory / "script.php"
        script.write_text(f"<?php usleep({hold * 1000}); echo 'x';\n")
        (self.directory / "question").write_bytes(fastcgi_question(str(script).encode()))
        self.load_options = ["--question", self.directory / "question", "--until", "end"]
        user = "user = nobody\ngroup = nogroup\n" if ROOT else ""
        (self.directory / "fpm.conf").write_text(
            f"[global]\npid = {self.directory}/pid\nerror_log = /dev/null\ndaemonize = no\n"
            f"[bench]\nlisten = {self.endpoint}\nlisten.backlog = 1024\n{user}"
            + "".join(f"{line}\n" for line in pool))

    def spawn(self):
        self.launch([self.program, "-n", "-y", self.directory / "fpm.conf", "-F"],
                    env=self.env, cwd="/")
