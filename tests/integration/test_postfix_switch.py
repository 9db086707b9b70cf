# SPDX-License-Identifier: MIT
"""`ostler postfix enable | disable | status` on a package of a root of its own.

dpkg --root installs a small package that is called postfix and owns
/usr/lib/postfix/sbin/master; the ostlerd there is a script. Nothing of the
system is touched.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

OSTLER = os.environ["OSTLER_BUILD"] + "/src/ctl/ostler"
PATIENCE = 60
MASTER = "usr/lib/postfix/sbin/master"
DAEMON = "usr/sbin/ostlerd"
# Refuses the directories in which there is a file `bad`.
DAEMON_TEXT = """\
#!/bin/sh
# ostlerd
[ "$1 $2 $3" = "--postfix --check -c" ] || exit 2
[ -e "$4/bad" ] || exit 0
echo "$4/master.cf:3: there is no type 'inett'"
exit 78
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="packages are root's"),
    pytest.mark.skipif(not shutil.which("dpkg-divert"), reason="no dpkg"),
]
needs_postconf = pytest.mark.skipif(not shutil.which("postconf"), reason="no Postfix")
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="no strace")


def run(*words, env=None, **more):
    kept = {k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "LSAN"))}
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return subprocess.run(
        [*map(str, words)], capture_output=True, text=True, timeout=PATIENCE,
        stdin=subprocess.DEVNULL, env=dict(kept, PATH=path, LC_ALL="C", **(env or {})), **more)


def package(folder, version):
    """A file: postfix, VERSION, whose master says VERSION."""
    tree = folder / ("tree-" + version)
    master = tree / MASTER
    master.parent.mkdir(parents=True)
    master.write_text("#!/bin/sh\necho %s\n" % version)
    master.chmod(0o755)
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(
        "Package: postfix\nVersion: %s\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.org>\nDescription: a master\n" % version)
    digest = hashlib.md5(master.read_bytes()).hexdigest()
    (control / "md5sums").write_text("%s  %s\n" % (digest, MASTER))
    for path in (tree, control, *master.parents):
        if path.is_relative_to(tree):
            path.chmod(0o755)
    deb = folder / (version + ".deb")
    done = run("dpkg-deb", "--root-owner-group", "-b", tree, deb)
    assert done.returncode == 0, done.stderr
    return deb


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two packages, and a root in which the first is installed."""
    folder = tmp_path_factory.mktemp("packages")
    debs = {version: package(folder, version) for version in ("1.0", "2.0")}
    root = folder / "root"
    for name in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    daemon = root / DAEMON
    daemon.parent.mkdir(parents=True)
    daemon.write_text(DAEMON_TEXT)
    daemon.chmod(0o755)
    made = Root(root, debs)
    made.install("1.0")
    return made


@pytest.fixture
def root(made, tmp_path):
    return made.copy(tmp_path / "root")


class Root:
    def __init__(self, path, debs):
        self.path = path
        self.debs = debs
        self.master = path / MASTER
        self.saved = path / (MASTER + ".postfix")

    def copy(self, path):
        shutil.copytree(self.path, path, symlinks=True)
        return Root(path, self.debs)

    def dpkg(self, *words, program="dpkg"):
        done = run(program, "--root=%s" % self.path, *words)
        assert done.returncode == 0, (words, done)
        return done.stdout

    def install(self, version):
        self.dpkg("--log=/dev/null", "--install", self.debs[version])

    def ostler(self, *words, prefix=(), env=None):
        return run(*prefix, OSTLER, "--root=%s" % self.path, "postfix", *words,
                   env=dict({"OSTLER_DAEMON": "/" + DAEMON}, **(env or {})))

    def do(self, *words):
        done = self.ostler(*words)
        assert done.returncode == 0, done
        return done.stdout

    def refuses(self, *words, code=1, **more):
        """What it says; nothing may have changed."""
        before = self.look()
        done = self.ostler(*words, **more)
        assert done.returncode == code, done
        assert done.stdout == ""
        assert self.look() == before
        return done.stderr

    def diverted_to(self):
        at = self.dpkg("--truename", "/" + MASTER, program="dpkg-divert").strip()
        return None if at == "/" + MASTER else at

    def look(self):
        """What there is, as a value."""
        found = {}
        for path in sorted(self.master.parent.iterdir()):
            found[path.name] = os.readlink(path) if path.is_symlink() else path.read_text()
        return found, self.diverted_to()

    def version_of(self, path):
        return re.search(r"echo (\S+)", path.read_text())[1]

    def check_package(self, version):
        """As if ostler had never been there."""
        found, diverted = self.look()
        assert sorted(found) == ["master"], found
        assert not self.master.is_symlink()
        assert self.version_of(self.master) == version
        assert os.access(self.master, os.X_OK)
        assert diverted is None
        assert self.dpkg("--verify", "postfix") == ""

    def take_replaced(self, version, *names):
        """The file of before an upgrade is not thrown away unseen."""
        for name in names:
            left = self.master.with_name(name)
            if left.exists():
                assert self.version_of(left) == "1.0" != version
                left.unlink()

    def check_ours(self, version):
        found, diverted = self.look()
        assert sorted(found) == ["master", "master.postfix"], found
        assert not self.master.is_symlink()
        assert self.master.read_bytes() == (self.path / DAEMON).read_bytes()
        assert self.master.stat().st_mode & 0o7777 == 0o755
        assert self.version_of(self.saved) == version
        assert diverted == "/%s.postfix" % MASTER

    def status(self, *words):
        return json.loads(self.do("status", "--json", *words))

    def status_of(self, option):
        return json.loads(self.do("status", "--json", option))["instances"]


# ---- there and back ----------------------------------------------------------


def test_enable_puts_a_copy_there_and_disable_gives_the_file_back(root):
    root.check_package("1.0")
    inode = root.master.stat().st_ino
    said = root.do("enable")
    root.check_ours("1.0")
    assert "is ostler's; start Postfix" in said
    said = root.do("disable")
    root.check_package("1.0")
    assert root.master.stat().st_ino == inode
    assert "is the package's; start Postfix" in said


def test_what_is_done_twice_is_done_once(root):
    root.do("enable")
    before = root.look()
    assert "already" in root.do("enable")
    assert root.look() == before
    root.do("disable")
    assert "is not ostler's" in root.do("disable")
    root.check_package("1.0")


def test_an_upgrade_meanwhile_goes_to_the_diverted_name_and_comes_back(root):
    root.do("enable")
    root.install("2.0")
    root.check_ours("2.0")
    root.do("disable")
    root.check_package("2.0")
    root.install("1.0")
    root.check_package("1.0")


def test_a_package_that_is_gone_leaves_nothing_behind(root):
    root.do("enable")
    root.dpkg("--log=/dev/null", "--purge", "postfix")
    assert root.master.exists()
    assert root.status()["package"] is None
    root.do("disable")
    assert not root.master.parent.exists() or not list(root.master.parent.iterdir())
    assert root.diverted_to() is None


@needs_postconf
def test_another_ostlerd_takes_the_place_of_the_first_also_while_it_runs(root):
    first = instance(root, "first")
    option = "--postfix=%s" % first
    root.do("enable", option)
    assert root.status()["current"] is True
    daemon = root.path / DAEMON
    daemon.write_text(DAEMON_TEXT + "# a newer one\n")
    assert root.status()["current"] is False
    assert "`ostler postfix enable` renews it" in root.do("status")
    (first / "bad").touch()
    root.refuses("enable", option, code=78)
    (first / "bad").unlink()
    with Running(first):
        assert "from the next start of Postfix on" in root.do("enable", option)
    root.check_ours("1.0")
    assert root.status()["current"] is True
    daemon.unlink()
    root.do("disable", option)
    root.check_package("1.0")


def test_a_link_to_ostlerd_becomes_a_copy_of_it(root):
    root.do("enable")
    root.master.unlink()
    root.master.symlink_to("/usr/old/ostlerd")
    assert "ostler's, a link to what is missing" in root.do("status")
    root.do("enable")
    root.check_ours("1.0")
    root.master.unlink()
    root.master.symlink_to("/usr/old/ostlerd")
    root.do("disable")
    root.check_package("1.0")


# ---- interrupted -------------------------------------------------------------

# Before the first, second ... of each of these it is killed.
CALLS = ("link", "write", "fchmod", "rename", "unlink", "fsync", "clone", "clone3", "vfork")


def interrupted(root, word, call, at):
    """Kill it before its call number AT of CALL; false if it has come to its end."""
    inject = "inject=%s:signal=SIGKILL:when=%d" % (call, at)
    done = root.ostler(word, prefix=("strace", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
                                     "-e", inject),
                       env={"ASAN_OPTIONS": "detect_leaks=0"})  # it cannot under ptrace
    assert done.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), done
    assert os.access(root.master, os.X_OK)
    assert root.master.read_text().startswith("#!/bin/sh\n")
    last = root.master.read_text().splitlines()[-1]
    assert last in ("exit 78", "echo 1.0"), "half a program"
    return done.returncode != 0


def start_of(made, word, folder):
    root = made.copy(folder)
    if word == "disable":
        root.do("enable")
    return root


def points(made, tmp_path, word):
    """Where it can be killed, (call, number), one for each state that it leaves."""
    states = {}
    for call in CALLS:
        at, going = 0, True
        while going:
            at += 1
            root = start_of(made, word, tmp_path / "count")
            going = interrupted(root, word, call, at)
            states.setdefault(str(root.look()), (call, at))
            shutil.rmtree(root.path)
    return sorted(states.values())


@needs_strace
@pytest.mark.parametrize("word", ["enable", "disable"])
def test_wherever_it_is_killed_a_master_is_there_and_both_ways_go_on(made, tmp_path, word):
    found = points(made, tmp_path, word)
    assert len(found) >= 5, found
    for call, at in found:
        for then in ("enable", "disable"):
            for version in ("1.0", "2.0"):
                root = start_of(made, word, tmp_path / "one")
                interrupted(root, word, call, at)
                if version != "1.0":
                    root.install(version)
                root.do("status")
                root.do(then)
                root.take_replaced(version, "master.replaced")
                if then == "enable":
                    root.check_ours(version)
                    root.do("disable")
                root.take_replaced(version, "master.replaced", "master.postfix")
                root.check_package(version)
                shutil.rmtree(root.path)


def test_somebody_elses_file_of_that_name_is_kept(root):
    theirs = root.master.with_name("master.postfix")
    theirs.write_text("#!/bin/sh\necho theirs\n")
    assert "is not ostler's" in root.do("disable")
    assert root.version_of(theirs) == "theirs"
    root.do("enable")
    kept = root.master.with_name("master.replaced")
    assert root.version_of(kept) == "theirs"
    kept.unlink()
    root.check_ours("1.0")


# ---- refusals ----------------------------------------------------------------


def test_a_dry_run_says_what_would_be_done_and_does_nothing(root):
    before = root.look()
    said = root.do("enable", "--dry-run")
    assert root.look() == before
    assert all(line.startswith("would ") for line in said.splitlines())
    assert "would make /%s a copy of /%s" % (MASTER, DAEMON) in said
    root.do("enable")
    before = root.look()
    assert "would make /%s the package's program again" % MASTER in root.do("disable", "--dry-run")
    assert root.look() == before


def test_a_file_that_the_package_did_not_bring_is_refused(root):
    root.master.write_text("#!/bin/sh\necho my own\n")
    assert "not the program that the package brought" in root.refuses("enable")
    assert root.status()["in_place"] == "other"


def test_what_no_package_owns_is_refused(root):
    other = root.path / "opt/postfix/master"
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\n")
    said = root.refuses("enable", "--daemon-directory", "/opt/postfix")
    assert "no package owns it" in said
    assert other.exists()
    assert root.status("-d", "/opt/postfix")["in_place"] == "other"
    other.unlink()
    assert root.status("-d", "/opt/postfix")["in_place"] == "nothing"
    other.symlink_to("/" + DAEMON)
    assert root.status("-d", "/opt/postfix")["in_place"] == "ostler"
    other.unlink()
    shutil.copy(root.path / DAEMON, other)
    assert root.status("-d", "/opt/postfix")["in_place"] == "ostler"


def test_a_diversion_of_somebody_else_is_refused_both_ways(root):
    root.dpkg("--local", "--no-rename", "--divert", "/%s.theirs" % MASTER, "--add",
              "/" + MASTER, program="dpkg-divert")
    for word in ("enable", "disable"):
        said = root.refuses(word)
        assert "master.theirs" in said and "not by ostler" in said


def test_a_package_whose_file_is_lost_is_refused_until_it_is_reinstalled(root):
    root.do("enable")
    root.saved.unlink()
    assert "reinstall" in root.refuses("disable")
    root.install("1.0")
    root.do("disable")
    root.check_package("1.0")


@pytest.mark.parametrize("word", ["enable", "disable"])
def test_a_copy_without_its_diversion_is_mended(root, word):
    root.do("enable")
    root.dpkg("--local", "--no-rename", "--divert", "/%s.postfix" % MASTER, "--remove",
              "/" + MASTER, program="dpkg-divert")
    assert root.status()["in_place"] == "between"
    root.do(word)
    if word == "enable":
        root.check_ours("1.0")
    else:
        root.check_package("1.0")


@pytest.mark.parametrize("what", ["program", "directory", "missing", "other"])
def test_an_ostlerd_that_others_could_change_is_refused(root, what):
    daemon = root.path / DAEMON
    if what == "program":
        daemon.chmod(0o777)
    elif what == "directory":
        daemon.parent.chmod(0o777)
    elif what == "missing":
        daemon.unlink()
    else:
        daemon.write_text("#!/bin/sh\n")
    said = root.refuses("enable")
    words = {"other": "this is no ostlerd", "missing": "No such file"}
    assert words.get(what, "can be changed by others than root") in said


def test_only_root_may_change_it_and_everybody_may_ask(root):
    root.path.chmod(0o755)
    root.path.parent.chmod(0o755)
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert "only root" in root.refuses("enable", prefix=prefix, code=4)


def test_it_waits_for_nobody_who_installs_packages(root):
    with open(root.path / "var/lib/dpkg/lock-frontend", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        assert "packages are being installed" in root.refuses("enable")
        # As a script of a package: then dpkg itself holds the lock.
        done = root.ostler("enable", env={"DPKG_MAINTSCRIPT_PACKAGE": "ostler"})
        assert done.returncode == 0, done
    root.check_ours("1.0")


def test_words_that_make_no_sense_are_refused(root):
    assert "there is no `postfix enbale`" in root.refuses("enbale", code=2)
    assert "--json only for" in root.refuses("enable", "--json", code=2)
    assert "not an absolute path" in root.refuses("status", "-d", "sbin", code=2)
    done = run(OSTLER, "status", "--dry-run")
    assert done.returncode == 2 and "there is no --dry-run" in done.stderr


# ---- instances ---------------------------------------------------------------


def instance(root, name, more=""):
    """The configuration directory of an instance of this master."""
    at = root.path.parent / name
    (at / "queue/pid").mkdir(parents=True)
    (at / "main.cf").write_text(
        "compatibility_level = 3.6\nqueue_directory = %s/queue\n"
        "daemon_directory = %s\n%s" % (at, root.master.parent, more))
    (at / "master.cf").write_text("")
    os.utime(at / "main.cf", (0, 0))  # or postconf waits until it has cooled
    return at


class Running:
    """A lock as a master holds it, by a process that is not one."""

    def __init__(self, at):
        self.file = open(at / "queue/pid/master.pid", "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.file.write("%32d\n" % os.getpid())
        self.file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


@needs_postconf
def test_while_an_instance_runs_nothing_is_changed(root):
    first = instance(root, "first")
    option = "--postfix=%s" % first
    with Running(first):
        said = root.refuses("enable", option)
        assert "%s is running" % first in said and "postfix -c %s stop" % first in said
        assert root.status_of(option)[0]["master"] == "unknown"
    root.do("enable", option)
    with Running(first):
        assert "stop it first" in root.refuses("disable", option)
    root.do("disable", option)
    root.check_package("1.0")


@needs_postconf
def test_every_instance_that_postmulti_lists_counts_and_no_other(root):
    second = instance(root, "second")
    other = instance(root, "other", "")
    (other / "main.cf").write_text(
        (other / "main.cf").read_text().replace(str(root.master.parent), "/usr/lib/postfix/sbin"))
    os.utime(other / "main.cf", (0, 0))
    first = instance(root, "first",
                     "multi_instance_directories = %s, %s\n" % (second, other))
    option = "--postfix=%s" % first
    listed = [one["config_directory"] for one in root.status_of(option)]
    assert listed == [str(first), str(second)]
    with Running(second):
        assert str(second) in root.refuses("enable", option)
    with Running(other):
        root.do("enable", option)


@needs_postconf
def test_an_instance_that_ostlerd_would_not_start_is_refused_with_every_complaint(root):
    first = instance(root, "first")
    (first / "bad").touch()
    said = root.refuses("enable", "--postfix=%s" % first, code=78)
    assert "%s/master.cf:3: there is no type 'inett'" % first in said
    (first / "bad").unlink()
    root.do("enable", "--postfix=%s" % first)


def test_a_master_of_an_instance_that_nobody_lists_is_found(root):
    process = subprocess.Popen([str(root.master), "60"], executable="/bin/sleep")
    try:
        said = root.refuses("enable")
        assert "pid %d" % process.pid in said
        assert "pid %d" % process.pid in root.do("status")
    finally:
        process.kill()
        process.wait()
    root.do("enable")


def test_a_master_of_a_container_is_not_ours(root, tmp_path):
    code = "import os, sys; os.chroot(%r); print(flush=True); sys.stdin.read()" % str(tmp_path)
    process = subprocess.Popen([str(root.master), "-c", code], executable="/usr/bin/python3",
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        root.do("enable")
    finally:
        process.communicate()


@needs_postconf
def test_status_says_what_is_in_place_and_what_runs(root):
    first = instance(root, "first")
    option = "--postfix=%s" % first
    said = root.do("status", option)
    assert "master:    /%s is the package's\n" % MASTER in said
    assert "package:   postfix 1.0\n" in said
    assert "diversion: none\n" in said
    assert "instance:  %s, not running\n" % first in said
    root.do("enable")
    said = root.do("status", option)
    assert "master:    /%s is ostler's\n" % MASTER in said
    assert "diversion: to /%s.postfix\n" % MASTER in said
    document = root.status()
    assert document["in_place"] == "ostler"
    assert document["diverted_to"] == "/%s.postfix" % MASTER
