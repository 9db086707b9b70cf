# SPDX-License-Identifier: MIT
"""Debian's Postfix under ostler in the foreground, as process 1, several at once; options."""

import fcntl
import os
import re
import signal
import subprocess
import time

import pytest

from mailsystem import MASTER, MailSystem
from postfix import DEADLINE_S, wait_until, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix")


def can_unshare():
    try:
        return subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"],
                              capture_output=True, check=False).returncode == 0
    except OSError:
        return False


# ---------------------------------------------------------------- foreground


class Foreground:
    """`postfix start-fg`, or the same with PREFIX before it."""

    def __init__(self, system, prefix=()):
        self.system = system
        self.prefix = prefix

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [*self.prefix, "postfix", "-c", self.system.config, "start-fg"],
            env=self.system.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: self.system.listens() or self.process.poll() is not None,
                       "it listens")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdout.close()
        self.process.wait(DEADLINE_S)
        self.system.__exit__(None)

    def master(self):
        """Its pid as it is seen from here."""
        return next(pid for pid, line in self.system.processes("master").items()
                    if line.split()[-1] in ("-s", "-i"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_fg_stays_until_the_master_ends(number):
    with Foreground(MailSystem()) as foreground:
        system = foreground.system
        assert foreground.master() == system.pid
        system.send("one@virtual.test")
        system.expect_mail("one@virtual.test")
        assert foreground.process.poll() is None
        os.kill(system.pid, number)
        assert foreground.process.wait(DEADLINE_S) == 128 + number
        wait_until(lambda: not system.processes(), lambda: f"gone: {system.processes()}")


def test_start_fg_can_log_to_standard_output():
    settings = "maillog_file = /dev/stdout\nmaillog_file_prefixes = /dev/stdout\n"
    with Foreground(MailSystem(settings=settings)) as foreground:
        system = foreground.system
        system.send("one@virtual.test")
        system.expect_mail("one@virtual.test")
        system.postfix("stop")
        said = foreground.process.communicate(timeout=DEADLINE_S)[0].decode()
        assert re.search(r"postfix/master\[\d+\]: daemon started", said)
        assert re.search(r"postfix/virtual\[\d+\]: .*status=sent", said)


@pytest.mark.skipif(not can_unshare(), reason="no namespace of processes can be made here")
def test_start_fg_as_process_1_is_the_master_itself():
    prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    with Foreground(MailSystem(), prefix) as foreground:
        system = foreground.system
        assert system.pid == 1
        master = foreground.master()
        assert system.processes()[master].endswith("master -i")
        system.send("one@virtual.test")
        system.expect_mail("one@virtual.test")
        # Strangers whose parent died become children of process 1.
        subprocess.run(["nsenter", f"--target={master}", "--pid", "sh", "-c", "(:; exec true) & :"],
                       check=True, timeout=DEADLINE_S)
        os.kill(master, signal.SIGTERM)
        assert foreground.process.wait(DEADLINE_S) == 0
        wait_until(lambda: not system.processes(), lambda: f"gone: {system.processes()}")


# ---------------------------------------------------------------- options


def test_t_tells_whether_a_master_runs():
    with MailSystem() as system:
        assert system.run_master("-t").returncode == 1
        system.postfix("stop")
        assert system.run_master("-t").returncode == 0
        (system.queue / "pid/master.pid").unlink()
        assert system.run_master("-t").returncode == 0
        assert system.run_master("-t", "-w").returncode == 1  # not together


@pytest.mark.parametrize("lock", ["queue/pid/master.pid", "data/master.lock"])
def test_a_start_beside_a_lock_is_refused(lock):
    system = MailSystem()
    system.allow("open lock file", "mail system startup failed", "already running",
                 "daemon initialization failure")
    with system:
        assert system.postfix("stop").returncode == 0
        with open(system.root / lock, "r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            started = time.monotonic()
            assert system.postfix("start").returncode == 1
            assert time.monotonic() - started < DEADLINE_S
        assert not system.processes()
        system.start()


def test_w_fails_when_the_master_cannot_start():
    system = MailSystem()
    system.allow("open lock file", "initialization failure")
    with system:
        done = system.run_master("-w")
        assert done.returncode == 1
        assert system.is_running()
        # The one who waits says so, as its child has logged why.
        system.postfix("stop")


@pytest.mark.parametrize("line, why", [
    ("bad inetd n - n - - smtpd", "master.cf: line 24: bad transport type: inetd"),
    ("127.0.0.1:nosuch inet n - n - - smtpd", "127.0.0.1:nosuch: Servname not supported"),
])
def test_start_fails_on_a_bad_line(line, why):
    """Some the script finds, by postconf(1), and some only the master."""
    system = MailSystem()
    system.allow("fatal:", "master.cf")
    with system:
        assert system.postfix("stop").returncode == 0
        system.write_master_cf([*system.services, line])
        assert system.postfix("start").returncode == 1
        assert not system.processes()
        system.expect_log("startup failed|cannot execute /usr/sbin/postconf")
        done = system.run_master("-w")
        assert done.returncode == 1
        assert MASTER == "real" or why in done.stdout  # that one says it to syslog alone
        system.write_master_cf(system.services)
        system.start()


def test_e_ends_the_master_after_a_while():
    with MailSystem() as system:
        assert system.postfix("stop").returncode == 0
        done = system.run_master("-e", "1")
        assert done.returncode == 0, done.stdout
        assert not system.is_running()
        wait_until(lambda: not system.processes(), lambda: f"gone: {system.processes()}")
        system.expect_log("master exit time has arrived")


def test_d_keeps_the_session():
    with MailSystem() as system:
        assert system.postfix("stop").returncode == 0
        with subprocess.Popen([system.root / "sbin/master", "-c", system.config, "-d"],
                              env=system.environment, stdin=subprocess.DEVNULL,
                              process_group=0) as master:
            wait_until(system.listens, "it listens")  # `-t` takes the lock for a moment
            assert os.getsid(master.pid) == os.getsid(0)
            system.send("one@virtual.test")
            system.expect_mail("one@virtual.test")
            assert all(" -d" in line for pid, line in system.processes().items()
                       if pid != master.pid)
            master.terminate()
            assert master.wait(DEADLINE_S) == -signal.SIGTERM


# ---------------------------------------------------------------- instances


def test_instances_do_not_touch_each_other():
    name = "multi_instance_name = postfix-two\n"
    with MailSystem() as one, MailSystem(settings=name) as two:
        assert one.pid != two.pid
        assert one.postfix("stop").returncode == 0
        two.send("one@virtual.test")
        two.expect_mail("one@virtual.test")
        two.expect_log(r"postfix-two/master\[\d+\]: daemon started")
        one.start()
        assert two.is_running() and one.is_running()


@pytest.mark.skipif(not can_unshare(), reason="no namespace of files can be made here")
def test_postmulti_starts_and_stops_several():
    """It wants the first to be in /etc/postfix, so there it is."""
    two = MailSystem(settings="multi_instance_enable = yes\nmulti_instance_name = postfix-two\n")
    one = MailSystem(settings=f"multi_instance_directories = {two.config}\n"
                     "multi_instance_wrapper = ${{command_directory}}/postmulti -p --\n"
                     "multi_instance_enable = yes\n")

    def postfix(word):
        script = f"mount --bind {one.config} /etc/postfix && exec postfix {word}"
        return subprocess.run(["unshare", "--mount", "sh", "-c", script], env=one.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False).returncode

    try:
        assert postfix("start") == 0
        assert one.is_running() and two.is_running()
        for system in one, two:
            system.send("one@virtual.test")
            system.expect_mail("one@virtual.test")
        assert postfix("reload") == 0
        for system in one, two:
            system.expect_log("reload -- version")
        assert postfix("status") == 0
        assert postfix("stop") == 0
        assert not one.is_running() and not two.is_running()
    finally:
        one.__exit__(None)
        two.__exit__(None)
