# SPDX-License-Identifier: MIT
"""What ostler(1) shows and does of a Postfix under ostler; there and back."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from mailsystem import ENVIRONMENT, MASTER, MailSystem
from postfix import BUILD, DAEMONS, free_port, wait_until, why_not

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix"),
    pytest.mark.skipif(MASTER == "real", reason="Postfix's own master cannot be asked"),
]

OSTLER = BUILD / "src/ctl/ostler"
SANITIZERS = {k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "LSAN"))}


def ostler(system, *words, **more):
    return subprocess.run(
        [OSTLER, f"--postfix={system.config}", *map(str, words)], text=True, timeout=60,
        env={**ENVIRONMENT, **SANITIZERS, **more}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def status(system):
    done = ostler(system, "status", "--json")
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


def service(system, name):
    return next(one for one in status(system)["services"] if one["name"] == name)


def wait_for(system, name, true):
    last = {}

    def look():
        last["row"] = service(system, name)
        return last["row"] if true(last["row"]) else None

    return wait_until(look, lambda: f"{last}\n{system.log()}")


# ---- what is shown -----------------------------------------------------------


def test_services_are_shown_by_the_names_of_postconf():
    with MailSystem() as system:
        document = status(system)
        assert document["master"]["personality"] == "postfix"
        assert document["master"]["pid"] == system.pid
        done = subprocess.run(["postconf", "-c", system.config, "-Mf"], env=ENVIRONMENT,
                              text=True, stdout=subprocess.PIPE, check=True)
        names = {"/".join(ln.split()[:2]) for ln in done.stdout.splitlines() if ln[:1].strip()}
        assert {row["name"] for row in document["services"]} == names
        rows = {row["name"]: row for row in document["services"]}
        assert (rows["qmgr/unix"]["limit"], rows["cleanup/unix"]["limit"]) == (1, 0)
        qmgr = re.compile(r"^qmgr/unix +unix:public/qmgr +1 +0 +0 +1 +0 +up$", re.M)
        wait_until(lambda: qmgr.search(ostler(system, "status").stdout),
                   lambda: ostler(system, "status").stdout)


def test_who_is_at_the_limit_is_shown_with_those_who_wait_and_since_when():
    with MailSystem(entry="2 smtpd") as system:
        name = f"127.0.0.1:{system.smtp}/inet"
        taken = [system.session(), system.session()]
        with system.client(system.smtp) as waits:
            row = wait_for(system, name, lambda s: s["depth"] == 1 and s["taken"] == 2)
            assert (row["state"], row["limit"], row["ready"]) == ("at-limit", 2, 0)
            assert row["limit_hits"] == 1
            later = wait_for(system, name, lambda s: s["limit_seconds"] > row["limit_seconds"])
            assert later["limit_hits"] == 1
            taken.pop().quit()
            wait_until(lambda: waits.socket.recv(3) == b"220", "the one who waited is served")
        taken.pop().quit()
        row = wait_for(system, name, lambda s: s["taken"] == 0)
        assert row["state"] == "up" and row["limit_hits"] >= 1
        assert "all taken, at its limit: " in ostler(system, "status", name).stdout


def test_a_limit_is_changed_at_once_and_who_is_alone_stays_so():
    system = MailSystem(entry="2 smtpd")
    system.allow("has reached its process limit", "to avoid this condition", "STRESS_README")
    with system:
        name = f"127.0.0.1:{system.smtp}/inet"
        other = "cleanup/unix"
        with system.session(), system.session(), system.client(system.smtp) as waits:
            wait_for(system, name, lambda s: s["depth"] == 1)
            done = ostler(system, "scale", name, "limit=3")
            assert (done.returncode, waits.socket.recv(3)) == (0, b"220"), done
        done = ostler(system, "scale", "qmgr/unix", "limit=2")
        assert done.returncode == 1 and "only one" in done.stderr, done
        assert ostler(system, "scale", other, "limit=7").returncode == 0
        assert service(system, other)["limit"] == 7
        system.reload()
        wait_for(system, other, lambda s: s["limit"] == 0)
        # Nor does another program follow in its place.
        done = ostler(system, "upgrade")
        assert done.returncode == 1 and "stop it, and start the other one" in done.stderr, done


def test_stress_is_shown_while_it_lasts():
    # Only a service with clients from elsewhere knows stress, as one behind postscreen may.
    services = ["smtpd pass - - n - 2 smtpd", "dnsblog unix - - n - 0 dnsblog",
                "tlsproxy unix - - n - 0 tlsproxy"]
    system = MailSystem(services, entry="1 postscreen")
    system.allow("has reached its process limit", "to avoid this condition", "STRESS_README")
    with system:
        assert service(system, "smtpd/pass")["stress"] == 0
        with system.session(), system.session():
            wait_for(system, "smtpd/pass",
                     lambda s: s["taken"] + s["retiring"] == 2 and s["stress"] == 1)
            assert "    stress: " in ostler(system, "status", "smtpd/pass").stdout


def test_a_throttled_service_is_shown_with_its_cause_and_its_end_until_a_reload():
    port = free_port()
    broken = f"127.0.0.1:{port} inet n - n - - smptd"
    system = MailSystem([broken], settings="service_throttle_time = 1000s\n")
    system.allow("smptd")
    with system:
        name = f"127.0.0.1:{port}/inet"
        with system.client(port) as client:
            row = wait_for(system, name, lambda s: s["state"] == "throttled")
            assert 900 < row["throttled_for_seconds"] <= 1000
            assert row["cause"] == f"exec: No such file or directory ({system.root}/sbin/smptd)"
            text = ostler(system, "status", name).stdout
            assert re.search(r"throttled 16m\S* more, until [\d:-]+( [\d:]+)?: exec: No such", text)
            system.services[-1] = broken.replace("smptd", "smtpd")
            system.write_master_cf(system.services)
            done = ostler(system, "reload")
            assert done.returncode == 0, done
            wait_until(lambda: client.socket.recv(3) == b"220", "the client is served")
        assert service(system, name)["state"] == "up"


# ---- what is done ------------------------------------------------------------


def test_a_bad_reload_is_answered_with_its_complaints_and_changes_nothing():
    system = MailSystem()
    system.allow("master.cf", "inett")
    with system:
        pid = system.pid
        system.write_master_cf([*system.services, "bad inett n - n - - smtpd"])
        done = ostler(system, "reload")  # postconf fails now, and so do Postfix's scripts
        assert done.returncode == 1, done
        line = len(system.services) + 2  # postlog is the first
        assert re.search(rf"master\.cf:{line}: .*inett", done.stderr), done
        assert ostler(system, "check").returncode == 78
        assert system.pid == pid and system.is_running() and system.listens()
        assert "inett" in status(system)["master"]["last_reload_error"]
        system.write_master_cf(system.services)
        assert ostler(system, "check").returncode == 0
        done = ostler(system, "reload")
        assert (done.returncode, done.stdout) == (
            0, f"reloaded: 0 changed, {len(system.services) + 1} as before;"
            " every process begins anew when it is free\n")


def test_a_plan_says_what_a_reload_would_change_and_is_said_by_no_log():
    with MailSystem() as system:
        done = ostler(system, "plan")
        assert (done.returncode, done.stdout) == (
            0, f"plan: 0 would change, {len(system.services) + 1} as before;"
            " every process would begin anew when it is free\n"), done
        port = free_port()
        others = [*system.services, f"127.0.0.1:{port} inet n - n - - smtpd"]
        system.write_master_cf(others)
        done = ostler(system, "plan")
        assert done.returncode == 5, done
        assert f"127.0.0.1:{port}/inet: is added\n    opens 127.0.0.1:{port}\n" in done.stdout
        system.write_master_cf([*others, "bad inett n - n - - smtpd"])
        done = ostler(system, "plan")
        assert done.returncode == 1 and "inett" in done.stderr, done
        assert not re.search("reload|inett", system.log())
        done = ostler(system, "plan", system.config)
        assert done.returncode == 1 and "name no file" in done.stderr, done
        system.write_master_cf(others)
        assert ostler(system, "reload").returncode == 0
        assert ostler(system, "plan").returncode == 0


def test_mail_waits_for_a_service_that_rests():
    with MailSystem() as system:
        name = f"127.0.0.1:{system.smtp}/inet"
        with system.session():
            pass
        done = ostler(system, "drain", name)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert service(system, name)["total"] == 0
        with system.client(system.smtp) as waits:
            wait_for(system, name, lambda s: s["depth"] == 1 and s["state"] == "drained")
            system.reload()
            wait_for(system, "qmgr/unix", lambda s: s["ready"] == 1)
            assert service(system, name)["state"] == "drained"
            assert ostler(system, "resume", name).returncode == 0
            wait_until(lambda: waits.socket.recv(3) == b"220", "the one who waited is served")


def test_stop_is_answered_when_the_master_is_gone():
    with MailSystem() as system:
        done = ostler(system, "stop")
        assert (done.returncode, done.stdout) == (0, "stopped\n"), done
        assert not system.is_running()
        done = ostler(system, "status")
        assert done.returncode == 3 and "`ostler postfix status` tells" in done.stderr


@pytest.fixture
def place():
    """A directory to which Postfix's own user may come, which pytest's is not."""
    at = Path(tempfile.mkdtemp(prefix="ostler-try."))
    at.chmod(0o755)
    yield at
    subprocess.run(["postfix", "-c", at / "etc", "stop"], env=ENVIRONMENT, timeout=60,
                   stdin=subprocess.DEVNULL, capture_output=True)
    shutil.rmtree(at, ignore_errors=True)


@pytest.mark.skipif(not Path("/etc/postfix/main.cf").exists(),
                    reason="Postfix is installed and not configured here")
def test_the_recipe_of_the_manual_page_works(place):
    page = (Path(os.environ["OSTLER_SOURCE"]) / "man/ostler-postfix.7").read_text()
    recipe = re.search(r"\.Sh TRY IT FIRST\n.*?indent\n(.*?)\.Ed", page, re.S)[1]
    recipe = recipe.replace("\\e", "\\")
    for ours, theirs in (("/srv/try", str(place)), ("2525", str(free_port())),
                         ("/usr/sbin/ostlerd", str(BUILD / "src/master/ostlerd")),
                         ("\nostler ", f"\n{OSTLER} ")):
        assert ours in recipe
        recipe = recipe.replace(ours, theirs)
    done = subprocess.run(["bash", "-e", "-c", recipe], text=True, timeout=60,
                          env={**ENVIRONMENT, **SANITIZERS}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done
    assert "no errors" in done.stdout
    assert re.search(r"^master .* \(postfix\), pid \d+, running", done.stdout, re.M), done
    log = (place / "queue/log").read_text()
    assert "daemon started" in log and "terminating on signal 15" in log


# ---- there and back ----------------------------------------------------------


class Switched(MailSystem):
    """Whose daemons are a package of a dpkg of its own."""

    def __init__(self):
        super().__init__()
        self.dpkg = self.root / "dpkg"
        self.daemons = self.dpkg / "usr/lib/postfix/sbin"
        for name in "info", "updates", "triggers":
            (self.dpkg / "var/lib/dpkg" / name).mkdir(parents=True)
        for name in "status", "available":
            (self.dpkg / "var/lib/dpkg" / name).touch()
        self.install()
        shutil.rmtree(self.root / "sbin")
        (self.root / "sbin").symlink_to(self.daemons)
        self.settings["daemon_directory"] = str(self.daemons)
        self.write_main_cf()
        (self.dpkg / "usr/sbin").mkdir()
        shutil.copy(BUILD / "src/master/ostlerd", self.dpkg / "usr/sbin")

    def install(self):
        tree = self.root / "tree"
        shutil.copytree(DAEMONS, tree / "usr/lib/postfix/sbin")
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            "Package: postfix\nVersion: 1\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: daemons\n")
        for words in (["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, self.root / "x.deb"],
                      ["dpkg", f"--root={self.dpkg}", "--log=/dev/null", "-i",
                       self.root / "x.deb"]):
            done = subprocess.run(words, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert done.returncode == 0, done.stdout
        shutil.rmtree(tree)

    def switch(self, word, code=0):
        done = ostler(self, "postfix", word, "--root", self.dpkg, OSTLER_DAEMON="/usr/sbin/ostlerd")
        assert done.returncode == code, done
        return done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("dpkg-divert"), reason="no dpkg")
def test_postfix_is_switched_over_and_back_with_its_mail():
    system = Switched()
    with system:
        system.send("one@virtual.test")
        system.expect_mail("one@virtual.test")
        assert "running under Postfix's own master" in system.switch("status")
        assert "stop it first" in system.switch("enable", 1)
        system.postfix("stop")
        assert "is ostler's" in system.switch("enable")
        system.start()
        system.send("two@virtual.test")
        system.expect_mail("two@virtual.test")
        assert f"running under ostler, pid {system.pid}" in system.switch("status")
        assert status(system)["master"]["pid"] == system.pid
        assert "stop it first" in system.switch("disable", 1)
        system.postfix("stop")
        assert "is the package's" in system.switch("disable")
        system.start()
        system.send("three@virtual.test")
        system.expect_mail("three@virtual.test")
        assert "running under Postfix's own master" in system.switch("status")
        assert (system.daemons / "master").read_bytes() == (DAEMONS / "master").read_bytes()
        assert not (system.daemons / "master.postfix").exists()
