# SPDX-License-Identifier: MIT
"""Debian's Postfix under ostler when something is wrong with it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from mailsystem import MailSystem, ours
from postfix import DEADLINE_S, wait_until, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix")

DEAF = """\
import os, signal, socket
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.socket(fileno=6)
listener.setblocking(True)
client, _ = listener.accept()
client.sendall(b"%d\\n" % os.getpid())
while True:
    signal.pause()
"""


def serves(system, to):
    system.send(to)
    system.expect_mail(to)


# ---------------------------------------------------------------- one that is stuck


@pytest.fixture(name="deaf")
def fixture_deaf():
    """A system with a worker that neither leaves nor answers, and that worker's pid."""
    system = MailSystem(["deaf unix n n n - - deaf"])
    (system.root / "sbin/deaf.py").write_text(DEAF)
    (system.root / "sbin/deaf").write_text(
        f"#!/bin/sh\nexec /usr/bin/python3 {system.root}/sbin/deaf.py\n")
    (system.root / "sbin/deaf").chmod(0o755)
    return system


@ours
@pytest.mark.parametrize("number", [signal.SIGCONT, signal.SIGSTOP])
def test_a_stuck_worker_whose_service_is_removed_holds_up_nobody(deaf, number):
    deaf.allow("killed by signal 9", "deaf")
    with deaf as system:
        with system.client("public/deaf") as client:
            pid = int(client.socket.recv(20))
            os.kill(pid, number)
            system.write_master_cf(system.services[:-1])
            system.reload()
            for i in range(3):
                serves(system, f"{i}@virtual.test")
            system.expect_gone(pid)
            assert client.socket.recv(1) == b""
        serves(system, "last@virtual.test")


def test_stop_does_not_wait_for_a_stuck_worker(deaf):
    """It gets SIGTERM like all, and no more, as Postfix has it."""
    deaf.allow("killed by signal 9", "deaf")
    with deaf as system, system.client("public/deaf") as client:
        pid = int(client.socket.recv(20))
        try:
            assert system.postfix("stop").returncode == 0
            assert not system.is_running()
            wait_until(lambda: set(system.processes()) <= {pid}, "all others are gone")
            system.start()
        finally:
            os.kill(pid, signal.SIGKILL)


def holder(path):
    """Who holds the lock on a file."""
    inode = path.stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and "->" not in line and words[5].endswith(f":{inode}"):
            return int(words[4])
    return None


@ours
def test_a_stopped_holder_of_the_accept_lock_is_no_end():
    """All others who could serve sleep until the lock is theirs."""
    system = MailSystem()
    system.allow("killed by signal 9", "smtpd", "worker-suspect")
    with system:
        sessions = [system.session() for _ in range(3)]
        for session in sessions:
            session.quit()
        lock = system.queue / f"pid/inet.127.0.0.1:{system.smtp}"
        pid = wait_until(lambda: holder(lock), "somebody has the lock")
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        with system.session() as session:
            assert session.noop()[0] == 250
        assert time.monotonic() - started < DEADLINE_S / 2
        system.expect_gone(pid)


# ---------------------------------------------------------------- bad files


def hup(system):
    """The script would refuse what postconf(1) refuses, and not reload."""
    system.expect_log("daemon started")
    os.kill(system.pid, signal.SIGHUP)


@ours
def test_a_bad_master_cf_on_reload_changes_nothing():
    system = MailSystem()
    system.allow(r"master\.cf", "host nohost.invalid")
    with system:
        pid = system.pid
        for line, said in (
                ("bad unix n - n - 1x0", 'missing "command" field'),
                ("127.0.0.1:nosuch inet n - n - - smtpd", "127.0.0.1:nosuch"),
                ("nohost.invalid:1 inet n - n - - smtpd", "nohost.invalid"),
                ("bad unix n - n - q smtpd", 'field "max_proc": bad value: "q"'),
                ("bad unix x - n - 1 smtpd", 'field "private": bad value: "x"'),
                ("bad unix n - n - 1 smtpd { -o a = b", "missing '}' in \"{ -o a = b\"")):
            system.write_master_cf([*system.services, line])
            try:
                hup(system)
                system.expect_log(rf"error: .*/master\.cf:24: .*{said}")
            finally:
                system.write_master_cf(system.services)
            serves(system, f"{len(system.mail())}@virtual.test")
        system.reload()
        serves(system, "last@virtual.test")
        assert system.pid == pid and system.is_running()


@ours
def test_a_bad_main_cf_on_reload_changes_nothing():
    system = MailSystem()
    # Workers that are started meanwhile read it too.
    system.allow("main.cf", "config-refused", "fatal:", "exit status 1", "throttling", "nosuch")
    with system:
        pid = system.pid
        for line, said in (
                ("default_process_limit = many",
                 r"main\.cf:\d+: bad numerical configuration: default_process_limit = many"),
                ("service_throttle_time = 1y", r"main\.cf:\d+: .*service_throttle_time.*1y"),
                ("inet_protocols = ipv5", r"main\.cf:\d+: .*inet_protocols.*ipv5"),
                ("mail_owner = nosuch", '"?nosuch'),
                ("no equals sign", r"main\.cf:\d+: .*no equals sign")):
            system.write_main_cf(raw=line + "\n")
            try:
                hup(system)
                system.expect_log(rf"postfix/master\[{pid}\]: error: .*{said}")
            finally:
                system.write_main_cf()
        system.reload()
        serves(system, "a@virtual.test")
        assert system.pid == pid and system.is_running()


@ours
def test_a_port_that_others_have_is_no_end_on_reload():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        system = MailSystem()
        system.allow(f"bind 127.0.0.1 port {port}|:{port}", "config-refused")
        with system:
            pid = system.pid
            system.write_master_cf([*system.services, f"127.0.0.1:{port} inet n - n - - smtpd"])
            os.kill(pid, signal.SIGHUP)
            system.expect_log(f"bind 127.0.0.1 port {port}: Address already in use")
            serves(system, "a@virtual.test")
            assert system.pid == pid
            system.write_master_cf(system.services)


def test_a_broken_daemon_is_throttled_in_postfixs_words():
    system = MailSystem(["bad unix n - n - - false", "gone unix n - n - - nosuch"],
                        "service_throttle_time = 2s\n")
    system.allow("sbin/false", "sbin/nosuch", "master_spawn")
    shutil.copy("/usr/bin/false", system.root / "sbin/false")
    with system:
        path = system.root / "sbin/false"
        with system.client("public/bad"), system.client("public/gone"):
            system.expect_log(rf"warning: process {path} pid \d+ exit status 1\n")
            system.expect_log(rf"warning: {path}: bad command startup -- throttling\n")
            system.expect_log(rf"warning: {path}: bad command startup -- throttling\n", times=2)
            missing = system.root / "sbin/nosuch"
            system.expect_log(rf"fatal: master_spawn: exec {missing}: No such file or directory\n")
            system.expect_log(rf"warning: process {missing} pid \d+ exit status 1\n")
            system.expect_log(rf"warning: {missing}: bad command startup -- throttling\n")
            serves(system, "a@virtual.test")
        shutil.copy("/usr/lib/postfix/sbin/discard", path)
        with system.client("public/bad") as client:
            assert client.socket.recv(100).startswith(b"protocol\0")


# ---------------------------------------------------------------- limits


def test_the_limit_is_told_and_stress_begins():
    """Of services that strangers may reach, as those behind postscreen."""
    services = ["smtpd pass - - n - 2 smtpd -o smtpd_banner=${stress?stressed}${stress:calm}",
                "dnsblog unix - - n - 0 dnsblog", "tlsproxy unix - - n - 0 tlsproxy"]
    settings = "postscreen_access_list = permit_mynetworks\npostscreen_cache_map =\n"
    system = MailSystem(services, settings, entry="1 postscreen")
    system.allow("has reached its process limit", "to avoid this condition", "STRESS_README",
                 "stress service=smtpd/pass")
    with system:
        def connect():
            connection = socket.create_connection(("127.0.0.1", system.smtp), DEADLINE_S)
            return connection, connection.recv(100)
        first, banner = connect()
        assert banner == b"220 calm\r\n"
        second, banner = connect()
        assert banner == b"220 stressed\r\n"
        for line in (r'warning: service "smtpd" \(private/smtpd\) has reached its process limit "2":'
                     " new clients may experience noticeable delays\n",
                     "warning: to avoid this condition, increase the process count in master.cf "
                     "or reduce the service time per client\n",
                     "warning: see http://www.postfix.org/STRESS_README.html for examples of "
                     "stress-adapting configuration settings\n"):
            system.expect_log(line)
        first.close()
        second.close()

        def next_banner():
            connection, banner = connect()
            connection.close()
            return banner
        # Who was calm is asked to leave; it may serve one client more.
        wait_until(lambda: next_banner() == b"220 stressed\r\n", "all are stressed")


# ---------------------------------------------------------------- syslog


def collect(listener, lines, stop):
    listener.settimeout(0.2)
    while not stop.is_set():
        try:
            lines.append(listener.recv(4096).decode(errors="replace"))
        except TimeoutError:
            pass


SYSLOG = """\
mount --bind {dev} /dev && exec postfix -c {config} {word}
"""


def can_mount():
    try:
        return subprocess.run(["unshare", "--mount", "mount", "--bind", "/tmp", "/mnt"],
                              capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_mount(), reason="no namespace of files can be made here")
def test_without_a_file_the_log_goes_to_syslog():
    """In a namespace whose /dev has a /dev/log of ours."""
    system = MailSystem(settings="maillog_file =\n")
    devices = system.root / "dev"
    devices.mkdir()
    for number, name in (3, "null"), (5, "zero"), (8, "random"), (9, "urandom"):
        os.mknod(devices / name, 0o600 | 0o020000, os.makedev(1, number))
        (devices / name).chmod(0o666)
    lines, stop = [], threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(devices / "log"))
        (devices / "log").chmod(0o666)
        collector = threading.Thread(target=collect, args=(listener, lines, stop))
        collector.start()

        def run(word):
            script = SYSLOG.format(dev=devices, config=system.config, word=word)
            done = subprocess.run(["unshare", "--mount", "sh", "-c", script], env=system.environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                                  text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

        def expect(pattern):
            wait_until(lambda: any(re.search(pattern, ln) for ln in lines), lambda: f"{lines}")

        try:
            run("start")
            serves(system, "a@virtual.test")
            run("reload")
            pid = system.pid
            run("stop")
            # <22> is mail.info, <20> mail.warning.
            for text in ("daemon started -- version", "reload -- version",
                         "terminating on signal 15"):
                expect(rf"^<22>\w+ +\d+ [\d:]+ postfix/master\[{pid}\]: {text}")
            expect(r"postfix/virtual\[\d+\]: .*status=sent")
            assert not [ln for ln in lines if "warning" in ln]
        finally:
            stop.set()
            collector.join()
            system.remove()
