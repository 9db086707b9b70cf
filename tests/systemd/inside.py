# SPDX-License-Identifier: MIT
"""Run as a service by a real systemd: does ostler.service do what it says?"""

import json
import os
import signal
import socket
import subprocess
import threading
import time
import traceback
from pathlib import Path

CONFIG = Path("/etc/ostler/ostler.conf")
UNITS = Path("/etc/systemd/system")
SHIPPED = Path("/usr/local/lib/systemd/system/ostler.service")
SOCKET = Path("/usr/local/share/doc/ostler/examples/ostler.socket")
PORT = 7007
NAME = "/run/ostler-echo.sock"
DEADLINE_S = 30
ECHO = """
service echo {
    listen = {"127.0.0.1:7007", "unix:/run/ostler-echo.sock"}
    command = {"ostler-echo"}
    user = "nobody"
    stop_time = "5s"
}
"""
DEMANDING = """
service molded {
    listen = {"unix:/run/ostler/molded"}
    command = {"ostler-echo"}
    user = "nobody"
    mold = yes
    spare_min = 3
    max_memory = "1G"
    max_use = 2
}
service spawned {
    listen = {"unix:/run/ostler/spawned"}
    command = {"ostler-spawn", "/bin/cat"}
    user = "daemon"
    limit_nofile = 2000
    socket_owner = "daemon"
    socket_mode = "0660"
}
"""


def systemctl(*words, good=True):
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    assert not good or done.returncode == 0, (words, done)
    return done


def show(what):
    return systemctl("show", "ostler.service", "-P", what).stdout.strip()


def wait_until(true, what):
    end = time.monotonic() + DEADLINE_S
    while not (result := true()):
        assert time.monotonic() < end, f"not in {DEADLINE_S} s: {what}"
        time.sleep(0.02)
    return result


def ask(where, text=b"hello\n"):
    """What the service answers, or fails to."""
    if isinstance(where, int):
        client = socket.create_connection(("127.0.0.1", where), DEADLINE_S)
    else:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(DEADLINE_S)
        client.connect(where)
    with client:
        client.sendall(text)
        return client.recv(100)


def drop_in(text):
    place = UNITS / "ostler.service.d"
    place.mkdir(exist_ok=True)
    (place / "test.conf").write_text(text)
    systemctl("daemon-reload")


def left_in_unit():
    """Pids of the unit's control group, wherever it is mounted."""
    path = show("ControlGroup")
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"):
        procs = Path(root + path) / "cgroup.procs"
        if path and procs.exists():
            return [int(p) for p in procs.read_text().split()]
    return []


def kill_main():
    """The master dies, and systemd has another one."""
    systemctl("reset-failed", "ostler", good=False)  # its start limit is not what we test
    main = int(show("MainPID"))
    os.kill(main, signal.SIGKILL)
    wait_until(lambda: show("MainPID") not in ("0", str(main)) and
               show("ActiveState") == "active", "another master")


class Load:
    """Clients, one after the other, until it is told to end."""

    def __init__(self, where):
        self.where, self.served, self.lost = where, 0, []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.is_set():
            try:
                assert ask(self.where) == b"hello\n"
                self.served += 1
            except (OSError, AssertionError) as error:
                self.lost.append(repr(error))

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.served > 0 or self.lost, "the load has begun")
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


# ------------------------------------------------------------------ the tests


def start_is_over_when_clients_are_served():
    systemctl("start", "ostler")
    assert ask(PORT) == b"hello\n" and ask(NAME) == b"hello\n"
    wait_until(lambda: show("StatusText").startswith("1 services, "), show("StatusText"))
    assert show("Result") == "success"
    assert int(show("MainPID")) in left_in_unit()


def a_reload_is_over_when_it_is_in_force_and_a_refused_one_fails():
    CONFIG.write_text(ECHO.replace("5s", "6s"))
    systemctl("reload", "ostler")
    assert show("ActiveState") == "active"
    CONFIG.write_text("nonsense")
    assert systemctl("reload", "ostler", good=False).returncode != 0
    CONFIG.write_text(ECHO)
    wait_until(lambda: "refused" in show("StatusText"), "the status says so")
    wait_until(lambda: show("ActiveState") == "active", "it is active")
    assert ask(PORT) == b"hello\n"
    systemctl("reload", "ostler")
    wait_until(lambda: "refused" not in show("StatusText"), "the status is good again")


def the_sandbox_is_none_to_us():
    CONFIG.write_text(ECHO + DEMANDING)
    systemctl("reload", "ostler")
    for _ in range(10):
        assert ask("/run/ostler/molded") == b"hello\n"
        assert ask("/run/ostler/spawned") == b"hello\n"
    row = wait_until(lambda: next((r for r in status()["services"] if r["name"] == "molded"
                                   and r["mold"] == "ready"), None), "the mold is ready")
    assert row["failures"] == 0, row
    about = Path(f"/proc/{show('MainPID')}/status").read_text()
    assert "\nSeccomp:\t2\n" in about and "\nNoNewPrivs:\t0\n" in about, about
    log = subprocess.run(["journalctl", "-u", "ostler", "-o", "cat"], capture_output=True,
                         text=True, check=True).stdout
    assert "spawn=clone" in log
    for bad in ("not permitted", "not implemented", "mold-failed", "no-mold", "worker-died"):
        assert bad not in log, log
    CONFIG.write_text(ECHO)
    systemctl("reload", "ostler")


def status():
    done = subprocess.run(["/usr/local/bin/ostler", "status", "--json"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def sighup_reloads():
    systemctl("kill", "--kill-whom=main", "-s", "HUP", "ostler")
    wait_until(lambda: show("ActiveState") == "active", "it is active")
    assert ask(PORT) == b"hello\n"


def a_stop_waits_for_the_client_longer_than_systemd_would():
    CONFIG.write_text(ECHO.replace("5s", "8s"))
    drop_in("[Service]\nTimeoutStopSec=1\n")
    systemctl("restart", "ostler")
    with socket.create_connection(("127.0.0.1", PORT), DEADLINE_S) as client:
        client.sendall(b"here\n")
        assert client.recv(100) == b"here\n"
        began = time.monotonic()
        systemctl("stop", "--no-block", "ostler")
        wait_until(lambda: show("ActiveState") == "deactivating", "it stops")
        time.sleep(3)
        client.sendall(b"still\n")
        assert client.recv(100) == b"still\n", "it was killed"
    wait_until(lambda: show("ActiveState") == "inactive", "it has stopped")
    assert time.monotonic() - began < DEADLINE_S
    assert show("Result") == "success"
    CONFIG.write_text(ECHO)


def nothing_is_left_after_a_stop():
    assert not left_in_unit()
    assert not Path(NAME).exists() and not Path("/run/ostler").exists()


def a_master_that_hangs_is_replaced():
    drop_in("[Service]\nWatchdogSec=2\nTimeoutStopSec=5\n")
    systemctl("start", "ostler")
    time.sleep(3)  # longer than the watchdog waits
    assert show("NRestarts") == "0" and show("ActiveState") == "active"
    main = int(show("MainPID"))
    os.kill(main, signal.SIGSTOP)
    wait_until(lambda: show("NRestarts") == "1" and show("ActiveState") == "active",
               "another master")
    assert int(show("MainPID")) != main
    assert ask(PORT) == b"hello\n"


def a_bad_configuration_is_not_tried_again_and_again():
    systemctl("stop", "ostler")
    CONFIG.write_text("nonsense")
    assert systemctl("start", "ostler", good=False).returncode != 0
    assert show("ExecMainStatus") == "78" and show("NRestarts") == "0"
    assert show("ActiveState") == "failed"
    assert show("StatusText").startswith("not started"), show("StatusText")
    CONFIG.write_text(ECHO)
    systemctl("reset-failed", "ostler")


def a_client_starts_it_through_the_socket_unit():
    (UNITS / "ostler.socket").write_text(SOCKET.read_text())
    systemctl("daemon-reload")
    systemctl("start", "ostler.socket")
    assert show("ActiveState") == "inactive"
    assert ask(NAME) == b"hello\n"
    assert show("ActiveState") == "active"
    assert ask(PORT) == b"hello\n"


def no_client_is_refused_by_a_restart():
    with Load(PORT) as tcp, Load(NAME) as name:
        for _ in range(3):
            systemctl("restart", "ostler")
            before = tcp.served, name.served
            wait_until(lambda: tcp.served > before[0] and name.served > before[1] or
                       tcp.lost or name.lost, "clients are served again")
    assert not tcp.lost and not name.lost, (tcp.lost[:3], name.lost[:3])


def the_sockets_outlive_a_stop():
    systemctl("stop", "ostler")
    assert Path(NAME).exists()
    assert ask(PORT) == b"hello\n"  # which starts it
    systemctl("stop", "ostler.socket", "ostler")
    assert not left_in_unit()


def who_knocks_while_the_master_is_dead_waits():
    systemctl("start", "ostler")
    with Load(PORT) as tcp, Load(NAME) as name:
        for _ in range(5):
            kill_main()
    # Those who were being served are cut off with their workers: KillMode=mixed.
    for lost in tcp.lost + name.lost:
        assert "Refused" not in lost and "FileNotFound" not in lost, lost
    assert len(tcp.lost) <= 5 and len(name.lost) <= 5, (tcp.lost, name.lost)


def with_killmode_process_nobody_is_lost():
    drop_in("[Service]\nKillMode=process\n")
    systemctl("restart", "ostler")
    with socket.create_connection(("127.0.0.1", PORT), DEADLINE_S) as busy:
        busy.sendall(b"here\n")
        assert busy.recv(100) == b"here\n"
        with Load(PORT) as tcp, Load(NAME) as name:
            for _ in range(5):
                kill_main()
        assert not tcp.lost and not name.lost, (tcp.lost[:3], name.lost[:3])
        busy.sendall(b"still\n")
        assert busy.recv(100) == b"still\n"
    main = int(show("MainPID"))
    wait_until(lambda: all(parent_of(p) in (main, None) for p in left_in_unit() if p != main),
               "workers of dead masters leave when they are done")
    systemctl("stop", "ostler")
    wait_until(lambda: not left_in_unit(), "nothing is left")
    assert not Path(NAME).exists()


def under_a_keeper_nobody_is_lost_and_nothing_is_left():
    """The main process is the keeper, whom alone systemd hears."""
    drop_in("[Service]\nWatchdogSec=5\nExecStart=\n"
            "ExecStart=/usr/local/sbin/ostlerd --keep -c /etc/ostler/ostler.conf\n")
    systemctl("start", "ostler")
    keeper, restarts = show("MainPID"), show("NRestarts")
    with socket.create_connection(("127.0.0.1", PORT), DEADLINE_S) as busy:
        busy.sendall(b"here\n")
        assert busy.recv(100) == b"here\n"
        with Load(PORT) as tcp, Load(NAME) as name:
            for _ in range(5):
                master = status()["master"]["pid"]
                assert str(master) != keeper
                os.kill(master, signal.SIGKILL)
                wait_until(lambda was=master: pid_of_master() not in (None, was), "another master")
        assert not tcp.lost and not name.lost, (tcp.lost[:3], name.lost[:3])
        busy.sendall(b"still\n")
        assert busy.recv(100) == b"still\n"
    systemctl("reload", "ostler")
    assert (show("MainPID"), show("NRestarts")) == (keeper, restarts)
    wait_until(lambda: show("StatusText").startswith("1 services, "), "its status is heard")
    time.sleep(6)  # longer than the watchdog waits
    assert (show("MainPID"), show("NRestarts")) == (keeper, restarts)
    systemctl("stop", "ostler")
    assert show("Result") == "success"
    assert not left_in_unit() and not Path(NAME).exists()


def pid_of_master():
    done = subprocess.run(["/usr/local/bin/ostler", "status", "--json"], capture_output=True,
                          text=True, check=False)
    return json.loads(done.stdout)["master"]["pid"] if done.returncode == 0 else None


def a_keeper_passes_sockets_on():
    (UNITS / "ostler.socket").write_text(SOCKET.read_text())
    systemctl("daemon-reload")
    systemctl("start", "ostler.socket")
    assert ask(NAME) == b"hello\n" and ask(PORT) == b"hello\n"
    with Load(PORT) as tcp, Load(NAME) as name:
        was = pid_of_master()
        os.kill(was, signal.SIGKILL)
        wait_until(lambda: pid_of_master() not in (None, was), "another master")
        systemctl("restart", "ostler")
    assert not tcp.lost and not name.lost, (tcp.lost[:3], name.lost[:3])
    systemctl("stop", "ostler")
    assert Path(NAME).exists()
    assert ask(PORT) == b"hello\n"  # which starts it
    systemctl("stop", "ostler.socket", "ostler")
    (UNITS / "ostler.socket").unlink()
    drop_in("")


def an_upgrade_is_none_of_systemds_concern():
    drop_in("[Service]\nWatchdogSec=2\nKillMode=process\n")
    systemctl("start", "ostler")
    main, restarts = show("MainPID"), show("NRestarts")
    with Load(PORT) as tcp, Load(NAME) as name:
        for _ in range(3):
            done = subprocess.run(["/usr/local/bin/ostler", "upgrade"], capture_output=True,
                                  text=True, check=False)
            assert done.returncode == 0, done
            assert show("MainPID") == main and show("ActiveState") == "active"
        kill_main()  # and the store still has all
    assert not tcp.lost and not name.lost, (tcp.lost[:3], name.lost[:3])
    time.sleep(3)  # longer than the watchdog waits
    assert show("NRestarts") == str(int(restarts) + 1)
    systemctl("stop", "ostler")
    drop_in("")


def parent_of(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


TESTS = [
    start_is_over_when_clients_are_served,
    a_reload_is_over_when_it_is_in_force_and_a_refused_one_fails,
    the_sandbox_is_none_to_us,
    sighup_reloads,
    a_stop_waits_for_the_client_longer_than_systemd_would,
    nothing_is_left_after_a_stop,
    a_master_that_hangs_is_replaced,
    who_knocks_while_the_master_is_dead_waits,
    with_killmode_process_nobody_is_lost,
    an_upgrade_is_none_of_systemds_concern,
    under_a_keeper_nobody_is_lost_and_nothing_is_left,
    a_keeper_passes_sockets_on,
    a_bad_configuration_is_not_tried_again_and_again,
    a_client_starts_it_through_the_socket_unit,
    no_client_is_refused_by_a_restart,
    the_sockets_outlive_a_stop,
]


def main():
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(ECHO)
    (UNITS / "ostler.service").write_text(SHIPPED.read_text())
    systemctl("daemon-reload")
    for test in TESTS:
        began = time.monotonic()
        try:
            test()
        except BaseException:
            print(f"FAILED: {test.__name__}", flush=True)
            traceback.print_exc()
            raise SystemExit(1) from None
        print(f"{test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    print("all is well", flush=True)


if __name__ == "__main__":
    main()
