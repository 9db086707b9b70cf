# SPDX-License-Identifier: MIT
"""A whole Postfix, by Debian's own scripts, whose `master` is ours.

    with MailSystem() as system:
        system.send("one@virtual.test")
        system.expect_mail("one")

OSTLER_MASTER=real puts Debian's own master in its place: what these tests ask
of ours, that one does too, except where a test says `ours`. Leaving the block
stops the system by `postfix stop` and asserts that no process of it is left
and that nothing went wrong in its log but what the test allowed.
"""

import email
import grp
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
from pathlib import Path

import pytest

from postfix import BUILD, DAEMONS, DEADLINE_S, Postfix, free_port, is_alive, wait_until

MASTER = os.environ.get("OSTLER_MASTER", "ostler")
assert MASTER in ("ostler", "real"), MASTER
OURS = ("src/master/ostlerd", "src/programs/spawn/ostler-spawn", "src/programs/echo/ostler-echo",
        "tests/integration/skeleton")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}

ours = pytest.mark.skipif(MASTER == "real", reason="Postfix's own master does otherwise")

SERVICES = """\
{smtp} inet n - n - {entry}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
""".splitlines()

SETTINGS = """\
mydestination = $myhostname
virtual_mailbox_domains = virtual.test
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = static:virtual/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
mail_spool_directory = {root}/mail/
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C
    POSTLOG_SERVICE POSTLOG_HOSTNAME ASAN_OPTIONS UBSAN_OPTIONS
"""

BAD = re.compile(r"warning:|error:|fatal:|panic:|: runtime error|Sanitizer")


def run_quietly(*words):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False).stdout.splitlines()


def as_settings(text):
    """main.cf as a dictionary."""
    text = re.sub(r"\n[ \t]+", " ", text)
    return dict(re.split(r"\s*=\s*", ln, maxsplit=1) for ln in text.splitlines())


class MailSystem(Postfix):
    """SERVICES are added to master.cf, and take the place of those of their names.

    ENTRY is who gets the clients that bring mail.
    """

    def __init__(self, services=(), settings="", entry="- smtpd"):
        self.smtp = free_port()
        self.orphans = set()
        # A clock is read before a file is made, and a second begins between.
        self.allowed = ["file system clock is .* ahead", "resetting file time stamps"]
        self.environment = dict(ENVIRONMENT)
        lines = [ln.format(smtp=f"127.0.0.1:{self.smtp}", entry=entry) for ln in SERVICES]
        names = {line.split()[0] for line in services}
        self.services = [ln for ln in lines if ln.split()[0] not in names] + list(services)
        super().__init__(self.services)
        for daemon in "postfix-script", "post-install":
            assert os.access(self.root / "sbin" / daemon, os.X_OK)
        self._keep_reports()
        self._mail = self.root / "mail"
        self._mail.mkdir()
        shutil.chown(self._mail, "nobody", "nogroup")
        self.settings = {}
        for text in (self.config / "main.cf").read_text(), SETTINGS, settings:
            self.settings |= as_settings(text.format(root=self.root))
        self.write_main_cf()

    def _make_directories(self):
        super()._make_directories()
        shutil.rmtree(self.root / "sbin")  # links make `postfix check` grumble
        shutil.copytree(DAEMONS, self.root / "sbin")
        for program in OURS:
            shutil.copy(BUILD / program, self.root / "sbin")
        if MASTER == "ostler":
            (self.root / "sbin/ostlerd").replace(self.root / "sbin/master")
        owner = pwd.getpwnam("postfix").pw_uid
        for name, mode in ("maildrop", 0o1730), ("public", 0o2710):
            os.chown(self.queue / name, owner, grp.getgrnam("postdrop").gr_gid)
            (self.queue / name).chmod(mode)

    def _keep_reports(self):
        """Of sanitizers, which a daemon has nowhere to write to."""
        (self.root / "reports").mkdir()
        (self.root / "reports").chmod(0o1777)
        for name in "ASAN_OPTIONS", "UBSAN_OPTIONS":
            given = os.environ.get(name, "")
            self.environment[name] = f"{given}:log_path={self.root}/reports/{name}"

    # What an operator does

    def write_main_cf(self, settings="", raw=""):
        """With other SETTINGS, for this time; RAW goes to the end as it is."""
        lines = {**self.settings, **as_settings(settings)}
        text = "".join(f"{name} = {value}\n" for name, value in lines.items()) + raw
        # In one step: a daemon that starts just now must not read half of it.
        new = self.config / "main.cf.new"
        new.write_text(text)
        # Postfix waits until it has not been changed for two seconds.
        os.utime(new, (new.stat().st_mtime - 60,) * 2)
        new.rename(self.config / "main.cf")

    def postfix(self, *words, **options):
        """Run `postfix WORDS` and return how it ended."""
        return subprocess.run(
            ["postfix", "-c", self.config, *words], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options)

    def run_master(self, *words, **options):
        """Run the master itself and return how it ended."""
        return subprocess.run(
            [self.root / "sbin/master", "-c", self.config, *words], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=60, **options)

    def start(self):
        """Returns when postlogd is there, too: it has read what we may change next."""
        before = self.log().count("daemon started")
        done = self.postfix("start")
        assert done.returncode == 0, f"{done.stdout}\n{self.log()}"
        self.expect_log("daemon started", before + 1)

    def is_running(self):
        return self.run_master("-t").returncode == 1

    def listens(self):
        """Does anybody listen for mail?"""
        try:
            socket.create_connection(("127.0.0.1", self.smtp), DEADLINE_S).close()
        except ConnectionRefusedError:
            return False
        return True

    @property
    def pid(self):
        return int((self.queue / "pid/master.pid").read_text())

    def reload(self):
        """Ostler serves on from where it says that it reloads to where it has."""
        word = "reload -- version" if MASTER == "real" else ": reloaded file="
        before = self.log().count(word)
        done = self.postfix("reload")
        assert done.returncode == 0, done.stdout
        wait_until(lambda: self.log().count(word) > before,
                   lambda: f"the master reloads: {self.log()}")

    def kill_master(self):
        """Daemons that were just starting ask proxymap, and ask until somebody answers.

        Under Postfix's own master, too: nobody expects them to be gone at the end.
        """
        self.orphans |= self.pids()
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.is_running(), "it is gone")

    def allow(self, *patterns):
        """Lines of the log that are no fault in this test."""
        self.allowed += patterns

    def expect_log(self, pattern, times=1):
        wait_until(lambda: len(re.findall(pattern, self.log())) >= times,
                   lambda: f"{times} times {pattern!r} in the log:\n{self.log()}")

    # Its life

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if self.is_running():
                done = self.postfix("stop")
                assert done.returncode == 0, done.stdout
            if kind is None:
                wait_until(lambda: self.pids() <= self.orphans,
                           lambda: f"all are gone: {self.stuck()}")
                bad = [ln for ln in self.log().splitlines() if BAD.search(ln)
                       and not any(re.search(p, ln) for p in self.allowed)]
                assert not bad, "\n".join(bad)
                reports = [file.read_text() for file in (self.root / "reports").iterdir()]
                assert not reports, "\n".join(reports)
        finally:
            self.remove()

    def remove(self):
        """Whatever it takes; for one that was not entered, too."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.root, ignore_errors=True)

    def processes(self, name=None):
        """{pid: command line} of all that belong to this instance."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                if (str(self.root) not in os.readlink(entry / "cwd")
                        and os.fsencode(self.config) not in (entry / "environ").read_bytes()):
                    continue
                words = (entry / "cmdline").read_bytes().decode().rstrip("\0").split("\0")
            except OSError:
                continue
            if is_alive(int(entry.name)) and name in (None, Path(words[0]).name):
                found[int(entry.name)] = " ".join(words)
        return found

    def pids(self):
        return set(self.processes())

    def stuck(self):
        """What those that are left wait for, the locks that they hold, and the log."""
        def told(pid, name):
            try:
                return (Path("/proc") / str(pid) / name).read_text().strip()
            except OSError as error:
                return str(error)
        left = self.processes()
        shown = [f"{pid} {line}: {told(pid, 'wchan')} {told(pid, 'syscall')} parent "
                 f"{told(pid, 'stat').rsplit(')', 1)[-1].split()[1:2]}\n"
                 + "".join(f"  {ln}\n" for ln in run_quietly("ss", "-anpx", "-t")
                           if f"pid={pid}," in ln)
                 + "".join(f"  {link.name} {os.readlink(link)}\n"
                           for link in sorted(Path(f"/proc/{pid}/fd").iterdir()))
                 for pid, line in left.items()]
        return "\n".join([*shown, Path("/proc/locks").read_text(), self.log()[-6000:]])

    # Mail

    def session(self):
        """A session of SMTP."""
        return smtplib.SMTP("127.0.0.1", self.smtp, "client.test", DEADLINE_S)

    def send(self, to, text="text", sender="sender@client.test", subject="subject"):
        with self.session() as session:
            session.sendmail(sender, to, f"Subject: {subject}\nTo: {to}\n\n{text}\n")

    def mail(self, box="virtual"):
        """The messages in a Maildir of ours."""
        folder = self._mail / box / "new"
        files = sorted(folder.iterdir()) if folder.exists() else []
        return [email.message_from_bytes(file.read_bytes()) for file in files]

    def expect_mail(self, to, box="virtual", times=1):
        """Wait for mail TO somebody, and return it."""
        def found():
            return [m for m in self.mail(box) if m["X-Original-To"] == to]
        wait_until(lambda: len(found()) >= times, lambda: f"mail for {to}:\n{self.log()}")
        assert len(found()) == times
        return found()[0]
