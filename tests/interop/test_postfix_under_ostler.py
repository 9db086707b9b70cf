# SPDX-License-Identifier: MIT
"""Debian's Postfix, started, asked and stopped by its own scripts, under ostler."""

import os
import signal
import subprocess

import pytest

from mailsystem import MASTER, MailSystem
from postfix import wait_until, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix")

NOT_RUNNING = "fatal: the Postfix mail system is not running"


# ---------------------------------------------------------------- the commands


def test_each_command_answers_as_postfix_does():
    system = MailSystem()
    system.allow("fatal: the Postfix mail system is")
    with system:
        assert system.is_running()
        for command, code, said in (
                ("status", 0, f"the Postfix mail system is running: PID: {system.pid}"),
                ("check", 0, ""),
                ("flush", 0, ""),
                ("reload", 0, "refreshing the Postfix mail system"),
                ("start", 1, "fatal: the Postfix mail system is already running"),
                ("stop", 0, "stopping the Postfix mail system")):
            done = system.postfix(command)
            assert (done.returncode, done.stdout) == (code, ""), command
            wait_until(lambda: said in system.log(), command)
        assert not system.is_running()
        for command, code, said in (
                ("status", 1, "the Postfix mail system is not running"),
                ("stop", 1, NOT_RUNNING),
                ("abort", 1, NOT_RUNNING),
                ("reload", 1, NOT_RUNNING),
                ("flush", 69, "")):
            before = len(system.log())
            done = system.postfix(command)
            assert done.returncode == code, f"{command}: {done.stdout}"
            wait_until(lambda: said in system.log()[before:], command)
        assert "mail system is down" in done.stdout


def test_start_and_reload_tell_version_and_directory():
    with MailSystem() as system:
        version = subprocess.run(["postconf", "-dh", "mail_version"], capture_output=True,
                                 text=True, check=True).stdout.strip()
        system.reload()
        for what in "daemon started", "reload":
            line = (f"postfix/master[{system.pid}]: {what} -- version {version}, "
                    f"configuration {system.config}\n")
            wait_until(lambda: line in system.log(), line)


def test_stop_leaves_nobody_and_a_new_start_serves():
    with MailSystem() as system:
        system.send("one@virtual.test")
        system.expect_mail("one@virtual.test")
        first = system.pid
        assert len(system.processes()) > 5
        assert system.postfix("stop").returncode == 0
        wait_until(lambda: not system.processes(), lambda: f"gone: {system.processes()}")
        system.start()
        assert system.pid != first
        system.send("two@virtual.test")
        system.expect_mail("two@virtual.test")


def test_abort_ends_all_at_once():
    with MailSystem() as system, system.session() as session:
        session.ehlo()
        assert system.postfix("abort").returncode == 0
        wait_until(lambda: not system.processes(), lambda: f"gone: {system.processes()}")
        session.close()


def test_drain_lets_clients_finish():
    """It kills the master with SIGKILL: workers find that out and leave."""
    with MailSystem() as system:
        with system.session() as session:
            session.ehlo()
            assert system.postfix("drain").returncode == 0
            wait_until(lambda: not system.is_running(), "the master is gone")
            assert session.noop()[0] == 250
        wait_until(lambda: not system.processes(), lambda: f"gone: {system.processes()}")


def test_after_sigkill_of_the_master_a_new_start_works_at_once():
    with MailSystem() as system, system.session() as session:
        session.ehlo()
        old = set(system.processes("smtpd"))
        os.kill(system.pid, signal.SIGKILL)
        wait_until(lambda: not system.is_running(), "the lock is free")
        system.start()
        assert session.noop()[0] == 250
        session.quit()
        system.expect_gone(*old)
        system.send("one@virtual.test")
        system.expect_mail("one@virtual.test")


def test_logrotate_gives_a_new_file():
    with MailSystem() as system:
        with system.session() as session:  # smtpd has the old name in its hands
            session.ehlo()
            done = system.postfix("logrotate")
            assert done.returncode == 0, done.stdout
            assert [f for f in system.root.iterdir() if f.name.startswith("log.")]
            session.sendmail("a@client.test", "one@virtual.test", "Subject: x\n\nx\n")
        system.expect_mail("one@virtual.test")
        system.expect_log(r"postfix/virtual\[\d+\]: .*status=sent")


def test_the_masters_own_lines_are_in_the_log():
    """Also before there is a postlogd, and after it is gone."""
    system = MailSystem()
    with system:
        pid = system.pid
        system.expect_log(rf"postfix/master\[{pid}\]: daemon started")
        assert system.postfix("stop").returncode == 0
        lines = system.log().count(f"postfix/master[{pid}]: terminating on signal 15\n")
        # Postfix's own sends it to a postlogd that it ends in the same breath.
        assert lines == (0 if MASTER == "real" else 1)


def test_a_file_that_is_missing_is_made_by_start_and_check():
    system = MailSystem()
    (system.queue / "deferred").rmdir()
    with system:
        assert (system.queue / "deferred").is_dir()
