# SPDX-License-Identifier: MIT
"""Mail through Debian's Postfix under ostler, whose daemons and ours serve side by side."""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from mailsystem import MailSystem
from postfix import Client, free_port, wait_until, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix")

POLICY = """\
import sys
lines = {}
for line in sys.stdin:
    if line == "\\n":
        refuse = lines["recipient"].startswith("refused")
        print("action=" + ("reject by policy" if refuse else "dunno") + "\\n", flush=True)
    else:
        name, value = line.rstrip("\\n").split("=", 1)
        lines[name] = value
"""


def sendmail(system, to, text="text", sender="sender@client.test"):
    subprocess.run(["/usr/sbin/sendmail", "-C", system.config, "-f", sender, to],
                   input=f"Subject: subject\nTo: {to}\n\n{text}\n", text=True, check=True,
                   timeout=60)


# ---------------------------------------------------------------- ways in and out


def test_mail_from_smtp_and_sendmail_reaches_virtual_and_local_mailboxes():
    with MailSystem() as system:
        text = "\n".join(f"line {i}" for i in range(1000))
        system.send("a@virtual.test", text)
        system.send("nobody@ostler.test", text)
        sendmail(system, "b@virtual.test", text)
        for to, box in (("a@virtual.test", "virtual"), ("b@virtual.test", "virtual"),
                        ("nobody@ostler.test", "nobody")):
            mail = system.expect_mail(to, box)
            assert mail.get_payload().strip() == text
            assert mail["Subject"] == "subject"
            assert mail["Return-Path"] == "<sender@client.test>"
        assert {"smtpd", "pickup", "cleanup", "qmgr", "trivial-rewrite"} <= {
            line.split()[0] for line in system.processes().values()}


@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed")
def test_swaks_is_served():
    with MailSystem() as system:
        done = subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port", str(system.smtp), "--helo", "client.test",
             "--from", "sender@client.test", "--to", "a@virtual.test", "--body", "a body"],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert system.expect_mail("a@virtual.test").get_payload().strip() == "a body"


def test_mail_goes_out_to_another_instance():
    with MailSystem(settings="myhostname = two.test\nvirtual_mailbox_domains = other.test\n"
                    ) as two:
        route = f"transport_maps = inline:{{{{other.test=smtp:[127.0.0.1]:{two.smtp}}}}}\n"
        with MailSystem(settings=route) as one:
            one.send("a@other.test")
            mail = two.expect_mail("a@other.test")
            hosts = re.findall(r"by (\S+) \(Postfix\)", " ".join(mail.get_all("Received")))
            assert hosts == ["two.test", "ostler.test"]
            one.expect_log(r"postfix/smtp\[\d+\]: .*status=sent")


def test_what_cannot_be_delivered_comes_back():
    settings = "transport_maps = inline:{{ {{bad.test = error:it is bad}} }}\n"
    with MailSystem(settings=settings) as system:
        sendmail(system, "a@bad.test", sender="boss@virtual.test")
        mail = system.expect_mail("boss@virtual.test")
        assert mail["Return-Path"] == "<>"
        assert "it is bad" in mail.as_string()


def test_the_queue_is_shown_and_flushed():
    """showq, flush and the queue manager are asked through their sockets."""
    with MailSystem(settings="defer_transports = virtual\n") as system:
        system.send("a@virtual.test")
        system.expect_log("status=deferred")
        shown = subprocess.run(["postqueue", "-c", system.config, "-p"], capture_output=True,
                               text=True, check=True, timeout=60).stdout
        assert "a@virtual.test" in shown and "in 1 Request" in shown
        system.write_main_cf("defer_transports =\n")
        system.reload()
        assert system.postfix("flush").returncode == 0
        system.expect_mail("a@virtual.test")


# ---------------------------------------------------------------- who else serves


def test_postscreen_hands_its_clients_to_smtpd():
    services = ["smtpd pass - - n - - smtpd", "dnsblog unix - - n - 0 dnsblog",
                "tlsproxy unix - - n - 0 tlsproxy"]
    settings = "postscreen_access_list = permit_mynetworks\npostscreen_cache_map =\n"
    with MailSystem(services, settings, entry="1 postscreen") as system:
        for i in range(3):
            system.send(f"{i}@virtual.test")
            system.expect_mail(f"{i}@virtual.test")
        system.expect_log(r"postfix/smtpd\[\d+\]: connect from localhost\[127\.0\.0\.1\]", times=3)
        assert len(system.processes("postscreen")) == 1
        system.reload()
        system.send("last@virtual.test")
        system.expect_mail("last@virtual.test")


def test_a_policy_server_runs_under_spawn():
    services = ["policy unix - n n - 0 spawn user=nobody argv=/usr/bin/python3 policy.py"]
    settings = ("smtpd_recipient_restrictions =\n"
                "    check_policy_service unix:private/policy, permit_mynetworks, reject\n")
    system = MailSystem(services, settings)
    (system.queue / "policy.py").write_text(POLICY)
    with system:
        with system.session() as session:
            session.ehlo()
            session.mail("sender@client.test")
            code, text = session.rcpt("refused@virtual.test")
            assert (code, b"by policy" in text) == (554, True)
            assert session.rcpt("a@virtual.test")[0] == 250
        system.send("b@virtual.test")
        system.expect_mail("b@virtual.test")
        assert system.processes("spawn")


def test_our_workers_serve_beside_debians():
    port = free_port()
    services = [
        f"127.0.0.1:{port} inet n - n - 2 ostler-spawn /bin/echo from a program",
        "skeleton unix n - n - - skeleton single @JOURNAL@",
        "several unix n - n - - skeleton multi @JOURNAL@",
        "filter unix - n n - 2 ostler-spawn /bin/cat",
    ]
    with MailSystem(services) as system:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", port), 20) as client:
                assert client.recv(100) == b"from a program\n"
        for name in "skeleton", "several":
            with system.client("public/" + name) as client:
                assert client.ask("hello") == "hello"
        with system.client("private/filter") as client:
            assert client.ask("hello") == "hello"
        system.send("a@virtual.test")
        system.expect_mail("a@virtual.test")
        system.reload()
        with system.client("public/skeleton") as client:
            assert client.who()["service"] == "skeleton"
        with Client(socket.create_connection(("127.0.0.1", port), 20)) as client:
            assert client.socket.recv(100) == b"from a program\n"


# ---------------------------------------------------------------- waking up


def test_mail_that_was_dropped_while_nobody_ran_is_picked_up():
    with MailSystem() as system:
        assert system.postfix("stop").returncode == 0
        sendmail(system, "a@virtual.test")
        assert not system.mail()
        system.start()
        system.expect_mail("a@virtual.test")


def test_pickup_is_woken_again_and_again():
    asleep = MailSystem()
    try:
        with MailSystem(["pickup unix n - n 1 1 pickup"]) as system:
            for to in "a@virtual.test", "b@virtual.test":
                sendmail(asleep, to)
                for file in (asleep.queue / "maildrop").iterdir():
                    file.rename(system.queue / "maildrop" / file.name)  # without a word
                system.expect_mail(to)
    finally:
        asleep.remove()


def test_qmgr_is_woken_again_and_again():
    with MailSystem(["qmgr unix n - n 1 1 qmgr"], "header_checks = static:HOLD\n") as system:
        for to in "a@virtual.test", "b@virtual.test":
            system.send(to)
            held = wait_until(lambda: list((system.queue / "hold").iterdir()), "it is held")
            held[0].rename(system.queue / "incoming" / held[0].name)  # without a word
            system.expect_mail(to)


def test_tlsmgr_is_woken_only_once_somebody_needed_it():
    settings = "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = none\n"
    with MailSystem(["tlsmgr unix - - n 1? 1 tlsmgr"], settings) as system:
        assert not system.processes("tlsmgr")
        with system.session() as session:
            session.ehlo()
            assert session.has_extn("starttls")
        first = wait_until(lambda: list(system.processes("tlsmgr")), "tlsmgr runs")
        system.allow(r"tlsmgr pid \d+ killed by signal 9")
        os.kill(first[0], signal.SIGKILL)
        wait_until(lambda: set(system.processes("tlsmgr")) - set(first), "it is woken")


# ---------------------------------------------------------------- what a line says


def test_options_of_a_line_count_for_its_daemon_alone():
    port = free_port()
    services = [f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_banner=$myhostname,greetings "
                "-o { smtpd_helo_required = yes } -o syslog_name=postfix/other"]
    with MailSystem(services) as system:
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            assert client.recv(100) == b"220 ostler.test,greetings\r\n"
            client.sendall(b"MAIL FROM:<a@client.test>\r\n")
            assert client.recv(100).startswith(b"503")
        system.expect_log(r"postfix/other/smtpd\[\d+\]: connect from")
        with system.session() as session:
            assert session.mail("a@client.test")[0] == 250


def test_disabled_services_are_not_there():
    port = free_port()
    services = [f"127.0.0.1:{port} inet n - n - - smtpd", "other unix n - n - - discard"]
    with MailSystem(services) as system:
        for items, ports, name in ((f"127.0.0.1:{port}/inet", False, True), ("other.unix", True,
                                   False), ("!127.0.0.1:1/inet inet", False, True)):
            system.write_main_cf(f"master_service_disable = {items}\n")
            system.reload()
            for where, there in (port, ports), ("public/other", name):
                def answers(where=where):
                    try:
                        system.client(where).socket.close()
                    except OSError:
                        return False
                    return True
                wait_until(lambda w=where, t=there, a=answers: a(w) == t, f"{items}: {where}")
        system.write_main_cf()
        system.reload()
        wait_until(system.listens, "all are back")


@pytest.mark.parametrize("files", [True, False])
def test_smtpd_in_jail(files):
    """With the files that Debian's scripts put there, and without."""
    system = MailSystem(entry="- smtpd")
    chrooted = [re.sub(r"^(\S+ inet n -) n", r"\1 y", line) for line in system.services]
    chrooted = [re.sub(r"^((?:rewrite|cleanup) unix \S+ -) n", r"\1 y", ln) for ln in chrooted]
    system.write_master_cf(chrooted)
    system.services = chrooted
    if files:
        for name in "etc/services", "etc/hosts", "etc/resolv.conf", "etc/nsswitch.conf":
            if os.path.exists("/" + name):
                (system.queue / name).parent.mkdir(exist_ok=True)
                shutil.copy("/" + name, system.queue / name)
    with system, system.session() as session:
        session.ehlo()
        for name in "smtpd", "cleanup":
            if name == "cleanup":
                session.sendmail("a@client.test", "a@virtual.test", "Subject: x\n\ntext\n")
            roots = {os.readlink(f"/proc/{pid}/root") for pid in system.processes(name)}
            assert roots == {str(system.queue)}
        system.expect_mail("a@virtual.test")
