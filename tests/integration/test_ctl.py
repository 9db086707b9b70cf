# SPDX-License-Identifier: MIT
"""ostler(1) against a master that says what the test wants.

The answers are lines as proto/control writes them; the
real master is asked elsewhere.
"""

import json
import os
import pty
import random
import re
import select
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

SOURCE = Path(os.environ["OSTLER_SOURCE"])
OSTLER = os.environ["OSTLER_BUILD"] + "/src/ctl/ostler"
PATIENCE = 20  # seconds; only reached when something is wrong

MASTER = (
    'master pid=4711 version=0.1.0 personality=native uptime_ns=250000000000'
    " config=/etc/ostler/ostler.conf state=running workers=5 workers_max=1000"
    " reloads=2 reload_failures=0 log_dropped=0\n"
)
COUNTS = (
    " failures=0 starts=9 served=1234 exits=4 worn_use=0 worn_age=0 worn_memory=0"
    " timeouts=0 hangs=0 bad_size=0 bad_pid=0"
    " bad_generation=0 bad_status=0 redundant=0 flood=0"
)
WEB = (
    "service name=web state=up ready=2 taken=1 starting=0 retiring=0 suspect=0"
    " mute=0 leftover=0 total=3 limit=100 depth=0 throttled_for_ns=0" + COUNTS + "\n"
    "endpoint service=web text=127.0.0.1:8080 depth=0 backlog=511\n"
    "endpoint service=web text=[::1]:8080 depth=2 backlog=511\n"
)
MAIL = (
    "service name=mail state=throttled ready=0 taken=0 starting=0 retiring=1"
    " suspect=0 mute=0 leftover=2 total=1 limit=10 throttled_for_ns=4250000000"
    ' cause="exec: No such file or directory (/x)"' + COUNTS + "\n"
    "endpoint service=mail text=unix:mail backlog=511\n"
)
OK = "end result=ok\n"
NO_SERVICE = 'end result=failed code=16 text="there is no such service"\n'


class Master:
    """A control socket. `answers` is request -> text, or -> list of steps:
    a text to send, an Event to wait for, or None to keep silent."""

    def __init__(self, path, answers):
        self.path = str(path)
        self.answers = answers
        self.requests = []
        self.over = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        # Who listened is gone: else `stop` would wait for the end of this process.
        child = os.fork()
        if child == 0:
            self.listener.listen(8)
            os._exit(0)
        os.waitpid(child, 0)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        with client:
            try:
                self.answer(client)
            except (BrokenPipeError, ConnectionResetError):
                pass  # who asked has given up

    def answer(self, client):
        request = client.makefile("rb").readline().decode()
        self.requests.append(request)
        steps = self.answers.get(request.strip(), "end result=failed code=2\n")
        for step in [steps] if isinstance(steps, (str, bytes)) else steps:
            if step is None:
                self.over.wait(PATIENCE)
            elif isinstance(step, threading.Event):
                assert step.wait(PATIENCE)
            else:
                client.sendall(step if isinstance(step, bytes) else step.encode())

    def close(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)


@pytest.fixture
def master(tmp_path):
    made = []

    def make(**answers):
        words = {name.replace("_", " "): text for name, text in answers.items()}
        made.append(Master(tmp_path / "control.sock", words))
        return made[-1]

    yield make
    for one in made:
        one.close()


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "LSAN"))}
    return dict(kept, **dict({"PATH": os.environ["PATH"], "LC_ALL": "C"}, **more))


def ostler(*words, **more):
    """Run it; the result has .returncode, .stdout, .stderr (bytes in latin-1)."""
    return subprocess.run(
        [OSTLER, *map(str, words)],
        capture_output=True,
        encoding="latin-1",
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        env=environment(**more),
    )


def ask(one, *words, **more):
    return ostler("-s", one.path, *words, **more)


def is_plain(text):
    return re.fullmatch(r"[\x20-\x7e\n]*", text) is not None


# ---- status for people -------------------------------------------------------


def test_status_is_a_table_with_a_line_for_each_endpoint(master):
    one = master(status=MASTER + WEB + MAIL + OK)
    done = ask(one, "status")
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout == (
        "master 0.1.0 (native), pid 4711, running, up 4m10s, 5 of 1000 workers,"
        " /etc/ostler/ostler.conf\n"
        "\n"
        "SERVICE  ENDPOINT        READY  TAKEN  STARTING  LIMIT  DEPTH  STATE\n"
        "web      127.0.0.1:8080      2      1         0    100      0  up\n"
        "         [::1]:8080                                         2\n"
        "mail     unix:mail           0      0         0     10      -  throttled\n"
        "    throttled 4.2s more, until %s: exec: No such file or directory (/x)\n"
        "    workers: 1 retiring, 2 left over\n"
    ) % re.search(r"until (\d\d:\d\d:\d\d|[\d-]{10} [\d:]{8}):", done.stdout)[1]
    assert one.requests == ["status\n"]


def test_a_long_name_widens_its_column_only(master):
    name = "n" * 40
    one = master(status=MASTER + WEB.replace("=web", "=" + name) + OK)
    lines = ask(one, "status").stdout.splitlines()[2:]
    assert lines[0].index("ENDPOINT") == lines[1].index("127.0.0.1")
    assert lines[0].index("ENDPOINT") == 42
    assert not any(line.endswith(" ") for line in lines)


def test_one_service_can_be_asked_for(master):
    one = master(status_web=MASTER + WEB + OK)
    done = ask(one, "status", "web")
    assert done.returncode == 0
    assert "web" in done.stdout
    assert one.requests == ["status web\n"]


def test_a_service_without_a_limit_or_endpoints_has_its_row(master):
    one = master(status=MASTER + "service name=x state=up ready=1 limit=0\n" + OK)
    assert ask(one, "status").stdout.splitlines()[3].split() == [
        *("x", "-", "1", "-", "-", "-", "-", "up")
    ]


def test_doubts_and_causes_are_told_under_the_row(master):
    web = WEB.replace("state=up", "state=deaf").replace("suspect=0", "suspect=3")
    web = web.replace("bad_pid=0", "bad_pid=7").replace(
        "throttled_for_ns=0", 'throttled_for_ns=0 cause="killed by signal 11"'
    )
    one = master(status=MASTER + web + OK)
    out = ask(one, "status").stdout
    assert "    last failure: killed by signal 11\n" in out
    assert "    workers: 3 suspect\n" in out
    assert "    reports not believed: 7 of an unknown pid\n" in out


def test_the_end_of_a_pause_is_told_as_a_clock_shows_it(master):
    one = master()
    for pause, ahead, form in ((90, 0, "%H:%M:%S"), (86400, 86400, "%Y-%m-%d %H:%M:%S")):
        one.answers["status"] = MASTER + MAIL.replace("=4250", "=%d" % (pause * 1000)) + OK
        before = time.time()
        out = ask(one, "status", TZ="UTC-5").stdout
        after = time.time()
        told = re.search(r"until ([\d:-]+(?: [\d:]+)?): exec", out)[1]
        possible = {
            time.strftime(form, time.gmtime(at + pause + 5 * 3600))
            for at in range(int(before), int(after) + 2)
        }
        assert told in possible or (ahead == 0 and " " in told)  # around midnight


def test_the_past_at_the_limit_and_stress_are_told_under_the_row(master):
    web = WEB.replace(" failures=0", " limit_hits=3 limit_ns=130000000000 stress=1 failures=0")
    one = master(status=MASTER + web + OK)
    out = ask(one, "status").stdout
    assert "    all taken, at its limit: 3 times, 2m10s in all\n" in out
    assert "    stress: workers are told to be brief\n" in out
    assert "turned away" not in out
    one.answers["status"] = MASTER + WEB.replace(" failures=0", " on_full=reply bouncing=1 refused=7 over_source=1 failures=0") + OK
    assert "    too many from one source: 1 client refused\n" in ask(one, "status").stdout
    assert ("    full: clients that come are turned away\n"
            "    turned away while full: 7 clients\n") in ask(one, "status").stdout
    full = json.loads(ask(one, "status", "--json").stdout)["services"][0]
    assert (full["on_full"], full["bouncing"], full["refused"], full["over_source"]) == ("reply", 1, 7, 1)
    one.answers["status"] = MASTER + web + OK
    row = json.loads(ask(one, "status", "--json").stdout)["services"][0]
    assert (row["limit_hits"], row["limit_seconds"], row["stress"]) == (3, 130.0, 1)
    one.answers["status"] = MASTER + WEB.replace(" failures=0", " limit_hits=1 limit_ns=1 failures=0") + OK
    out = ask(one, "status").stdout
    assert "at its limit: 1 time, " in out and "stress" not in out
    # With one worker that is what each client does.
    for ns, told in ((999999999, False), (1000000000, True)):
        one.answers["status"] = MASTER + "service name=q limit=1 limit_hits=9 limit_ns=%d\n" % ns + OK
        assert ("at its limit: 9 times, 1s in all" in ask(one, "status").stdout) == told


def test_what_went_wrong_in_the_master_is_told(master):
    text = MASTER.replace("log_dropped=0", 'last_reload_error="a.conf:3: no" log_dropped=8')
    one = master(status=text + OK)
    out = ask(one, "status").stdout
    assert "last reload failed: a.conf:3: no\n" in out
    assert "log lines dropped: 8\n" in out


def test_a_service_that_is_not_there_is_answered_with_the_names_near_it(master):
    one = master(status_wbe=NO_SERVICE, status_zebra=NO_SERVICE, status=MASTER + WEB + MAIL + OK)
    done = ask(one, "status", "wbe")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "ostler: there is no service 'wbe'; did you mean web?\n"
    done = ask(one, "status", "zebra")
    assert done.returncode == 1
    assert "`ostler status` shows which there are" in done.stderr
    for odd in ("a b", "x" * 200, "a\nstop", "\x1b[2J", ""):
        done = ask(one, "status", odd)
        assert (done.returncode, done.stdout) == (1, "")
        assert is_plain(done.stderr)
    # What cannot be a name is not sent.
    assert set(one.requests) == {"status wbe\n", "status zebra\n", "status\n"}


# catalogue 86
def test_nothing_from_the_socket_talks_to_the_terminal(master):
    evil = "".join("\\x%02x" % byte for byte in list(range(1, 32)) + list(range(127, 256)))
    evil = '"%s\\n\\t<script>\\"\\\\"' % evil
    records = (
        "master pid=1 version={e} personality={e} config={e} state={e}"
        " last_reload_error={e} log_dropped=1\n"
        "service name={e} state={e} throttled_for_ns=1 cause={e}\n"
        "endpoint service={e} text={e}\n"
        "change service={e} how={e}\n"
        "diag text={e}\n"
        "stuck service={e} pid=1 state={e}\n"
    ).format(e=evil)
    failed = "end result=failed code=1 text=%s\n" % evil
    one = master(status=records + OK, reload=records + OK, stop=records + OK, version=records + OK)
    for verb in ("status", "reload", "stop", "version", "__complete", "__describe"):
        words = (verb, "status") if verb.startswith("__") else (verb,)
        done = ask(one, *words)
        assert len(done.stdout + done.stderr) > 100
        assert is_plain(done.stdout.replace("\t", "")), verb
        assert is_plain(done.stderr), verb
        if not verb.startswith("__"):
            done = ask(one, verb, "--json")
            assert is_plain(done.stdout + done.stderr), verb
            json.loads(done.stdout)
    one.answers = {v: failed for v in ("status", "reload", "stop", "version", "status web")}
    for words in (("status",), ("status", "web"), ("reload",), ("stop",), ("version",)):
        done = ask(one, *words)
        assert done.returncode == 1
        assert is_plain(done.stdout + done.stderr)


# catalogue 86
def test_no_garbled_answer_talks_to_the_terminal_or_kills_us(master):
    dice = random.Random(86)
    good = (MASTER + WEB + MAIL + OK).encode()
    one = master()
    results = set()
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(bad))
            bad[at : at + dice.randint(0, 2)] = dice.randbytes(dice.randint(0, 3))
        one.answers["status"] = bytes(bad)
        done = ask(one, "status", *dice.choice(([], ["--json"])))
        assert done.returncode in (0, 1), bytes(bad)
        assert is_plain(done.stdout + done.stderr), bytes(bad)
        results.add(done.returncode)
    assert results == {0, 1}


def in_terminal(one, *words, **more):
    """What is written when stdout is a terminal."""
    try:
        ours, theirs = pty.openpty()
    except OSError:
        pytest.skip("no pseudo terminal here")
    process = subprocess.Popen(
        [OSTLER, "-s", one.path, *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env=environment(**more),
    )
    os.close(theirs)
    out = b""
    try:
        while select.select([ours], [], [], PATIENCE)[0]:
            got = os.read(ours, 65536)
            if not got:
                break
            out += got
    except OSError:
        pass  # the end of a terminal
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    return out.decode()


def test_only_the_state_is_coloured_and_only_on_a_terminal(master):
    one = master(status=MASTER + WEB + MAIL + OK)
    out = in_terminal(one, "status", TERM="xterm")
    assert re.findall(r"\x1b\[(\d+)m([^\x1b]*)\x1b\[0m", out) == [
        ("32", "up"),
        ("31", "throttled"),
    ]
    assert out.count("\x1b") == 4
    plain = ask(one, "status").stdout
    assert re.sub(r"\x1b\[\d+m", "", out).replace("\r\n", "\n") == plain
    assert "\x1b" not in in_terminal(one, "status", TERM="dumb")
    assert "\x1b" not in in_terminal(one, "status", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in in_terminal(one, "status", "--json", TERM="xterm")
    assert "\x1b" in in_terminal(one, "status", TERM="xterm", NO_COLOR="")
    assert "\x1b" in ask(one, "status", CLICOLOR_FORCE="1").stdout
    assert "\x1b" not in ask(one, "status", CLICOLOR_FORCE="0").stdout
    assert "\x1b" not in ask(one, "status", CLICOLOR_FORCE="1", NO_COLOR="1").stdout


# ---- status for programs -----------------------------------------------------

SCHEMA = json.loads((SOURCE / "docs/status.schema.json").read_text())
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def misfits(value, schema, where="$"):
    """What is wrong with VALUE: the part of JSON Schema that our schema uses,
    and no key that it does not name."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "const" in schema and value != schema["const"]:
        yield "%s is %r" % (where, value)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[name]) for name in types):
        yield "%s is a %s" % (where, type(value).__name__)
    elif isinstance(value, dict):
        for key in set(schema["required"]) - set(value):
            yield "%s.%s is missing" % (where, key)
        for key, part in value.items():
            if key not in schema["properties"]:
                yield "%s.%s is not in the schema" % (where, key)
            else:
                yield from misfits(part, schema["properties"][key], where + "." + key)
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from misfits(part, schema["items"], "%s[%d]" % (where, i))
    elif isinstance(value, (int, float)) and value < schema.get("minimum", value):
        yield "%s is %r" % (where, value)


def test_the_validator_finds_misfits():
    good = {"schema": 1, "master": None, "services": []}
    assert list(misfits(good, SCHEMA)) == ["$.master is a NoneType"]
    assert "$.schema is 2" in misfits(dict(good, schema=2), SCHEMA)
    assert "$.services[0].name is missing" in misfits(
        {"schema": 1, "master": {}, "services": [{}]}, SCHEMA
    )
    assert "$.more is not in the schema" in misfits(dict(good, more=1), SCHEMA)


def test_json_fits_the_schema_and_has_every_key_of_it(master):
    one = master(status=MASTER + WEB + MAIL + OK)
    done = ask(one, "status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    got = json.loads(done.stdout)
    assert list(misfits(got, SCHEMA)) == []
    web, mail = got["services"]
    assert web["name"] == "web"
    assert web["cause"] is None
    assert [e["depth"] for e in web["endpoints"]] == [0, 2]
    assert mail["depth"] is None
    assert mail["throttled_for_seconds"] == 4.25
    assert mail["endpoints"] == [{"text": "unix:mail", "depth": None, "backlog": 511}]
    assert got["master"]["uptime_seconds"] == 250.0
    assert "throttled_for_seconds\": 4.25," in done.stdout
    for kind, value in (("master", got["master"]), ("service", web)):
        assert list(value) == list(SCHEMA["$defs"][kind]["properties"])


def test_an_older_master_leaves_nulls_and_a_newer_one_leaves_no_trace(master):
    one = master(
        status="master pid=1 mood=good\nhorse name=bucephalus\nservice name=web\n"
        "endpoint service=web text=x colour=red\n" + OK
    )
    got = json.loads(ask(one, "--json", "status").stdout)
    assert list(misfits(got, SCHEMA)) == []
    assert got["master"]["version"] is None
    assert got["services"][0]["ready"] is None
    assert ask(one, "status").returncode == 0


def test_bytes_that_are_no_utf8_are_valid_json(master):
    one = master(status='master config="/\\xff\\xc3\\xa4"\nservice name="\\xc3\\xa4"\n' + OK)
    got = json.loads(ask(one, "status", "--json").stdout)
    assert got["master"]["config"] == "/\\xff\\xc3\\xa4"
    assert got["services"][0]["name"] == "Ã¤".encode("latin-1").decode()


def test_large_numbers_survive(master):
    one = master(status="master workers=9223372036854775807 uptime_ns=31536000123456789\n" + OK)
    got = json.loads(ask(one, "status", "--json").stdout)
    assert got["master"]["workers"] == 9223372036854775807
    assert got["master"]["uptime_seconds"] == 31536000.123


def test_a_thousand_services_are_shown(master):
    rows = "".join(WEB.replace("=web", "=web%d" % i) for i in range(1000))
    one = master(status=MASTER + rows + OK)
    assert len(ask(one, "status").stdout.splitlines()) == 2003
    assert len(json.loads(ask(one, "status", "--json").stdout)["services"]) == 1000


# ---- reload ------------------------------------------------------------------


def test_reload_says_what_changed(master):
    one = master(
        reload="change service=a how=same\nchange service=b how=added\n"
        "change service=c how=removed\nchange service=d how=changed\n"
        'change service=e how=policy\ndiag text="x.conf:1: a warning"\n' + OK
    )
    done = ask(one, "reload")
    assert done.returncode == 0
    assert done.stdout == (
        "b: added\n"
        "c: removed\n"
        "d: changed (its workers are replaced)\n"
        "e: changed (its workers stay)\n"
        "reloaded: 4 changed, 1 as before\n"
    )
    assert done.stderr == "x.conf:1: a warning\n"


def test_a_refused_reload_prints_every_complaint_and_exits_1(master):
    one = master(
        reload="diag text=\"o.conf:3: service 'x': no command; add one\"\n"
        "diag text=\"o.conf:9: unknown setting 'lisen'; did you mean listen?\"\n"
        'end result=failed code=1 text="the configuration has 2 errors; nothing was changed"\n'
    )
    done = ask(one, "reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "o.conf:3: service 'x': no command; add one\n"
        "o.conf:9: unknown setting 'lisen'; did you mean listen?\n"
        "ostler: the configuration has 2 errors; nothing was changed\n"
    )
    done = ask(one, "reload", "--json")
    got = json.loads(done.stdout)
    assert done.returncode == 1
    assert (got["schema"], got["result"], len(got["complaints"])) == (1, "failed", 2)


def test_reload_as_json(master):
    one = master(reload="change service=b how=added\n" + OK)
    assert json.loads(ask(one, "reload", "-j").stdout) == {
        "schema": 1,
        "result": "ok",
        "text": None,
        "services": [{"service": "b", "how": "added"}],
        "rolls": [],
        "complaints": [],
    }


ROLLING = "roll service=a state=rolling old=2 replaced=1 took_ns=1000000\n"
DONE = "roll service=a state=done old=0 replaced=3 took_ns=1500000000\n"
STALLED = 'roll service=a state=stalled old=2 replaced=1 took_ns=1 cause="exec: no"\n'


def test_reload_waits_until_workers_are_replaced(master):
    one = master(reload="change service=a how=changed\n" + OK, rolls=ROLLING + OK)
    done = ask(one, "reload", "-t", "200ms")
    assert (done.returncode, done.stderr) == (
        1, "ostler: a: 2 workers are to be replaced yet; that goes on\n")
    assert "a: changed (1 replaced, 2 to be replaced yet)\n" in done.stdout
    one.answers["rolls"] = DONE + OK
    done = ask(one, "reload")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a: changed (3 workers replaced in 1.5s)\n" in done.stdout
    one.answers["rolls"] = STALLED + OK
    done = ask(one, "reload")
    assert (done.returncode, done.stderr) == (
        1, "ostler: a: new workers cannot be started (exec: no); its 2 old ones go on,"
        " and it is tried again\n")
    asked = len(one.requests)
    assert ask(one, "reload", "--no-wait").returncode == 0
    assert one.requests[asked:] == ["reload\n"]


def test_a_reload_that_was_waited_for_as_json(master):
    one = master(reload="change service=a how=changed\n" + OK, rolls=DONE + OK)
    assert json.loads(ask(one, "reload", "-j").stdout)["rolls"] == [
        {"service": "a", "state": "done", "old": 0, "replaced": 3, "took_seconds": 1.5, "cause": None}
    ]


# ---- stop --------------------------------------------------------------------


def test_stop_waits_until_the_master_is_gone(master):
    gone = threading.Event()
    one = master(stop=[OK, gone])
    process = subprocess.Popen(
        [OSTLER, "-s", one.path, "stop"], stdout=subprocess.PIPE, env=environment()
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)  # it is answered, and not over
    gone.set()
    assert process.communicate(timeout=PATIENCE)[0] == b"stopped\n"
    assert process.returncode == 0


def test_stop_waits_for_the_process_behind_the_connection(tmp_path):
    path = tmp_path / "control.sock"
    script = """if True:
        import os, socket, sys
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen(8)
        print(flush=True)
        client, _ = listener.accept()
        client.recv(100)
        client.sendall(b"end result=ok\\n")
        client.close()
        sys.stdin.read()
    """
    process = subprocess.Popen(["/usr/bin/python3", "-c", script, path],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    stop = subprocess.Popen([OSTLER, "-s", path, "stop"], stdout=subprocess.PIPE,
                            env=environment())
    assert not select.select([stop.stdout], [], [], 0.3)[0]
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    assert stop.communicate(timeout=PATIENCE)[0] == b"stopped\n"
    assert stop.returncode == 0
    process.stdout.close()


def test_stop_now_asks_for_that(master):
    one = master(stop_now=OK)
    assert ask(one, "stop", "--now").returncode == 0
    assert one.requests == ["stop now\n"]


def test_what_could_not_be_stopped_is_named(master):
    one = master(stop=["stuck service=web pid=12 state=D\n", OK, "stuck service=web pid=13 state=D\n"])
    done = ask(one, "stop")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "ostler: a worker of web could not be stopped: pid 12, state D\n"
        "ostler: a worker of web could not be stopped: pid 13, state D\n"
    )
    got = json.loads(ask(one, "stop", "--json").stdout)
    assert got["stopped"] is True
    assert [s["pid"] for s in got["stuck"]] == [12, 13]


def test_a_stop_that_takes_too_long_is_not_called_done(master):
    one = master(stop=[OK, None])
    done = ask(one, "-t", "100ms", "stop")
    assert (done.returncode, done.stdout) == (1, "")
    assert "gave up after 100ms" in done.stderr
    got = json.loads(ask(one, "-t", "100ms", "stop", "--json").stdout)
    assert (got["result"], got["stopped"]) == ("ok", False)


# ---- version -----------------------------------------------------------------


def test_version_tells_both(master):
    one = master(version="master pid=4711 version=0.2.0 personality=native\n" + OK)
    done = ask(one, "version")
    assert re.fullmatch(r"ostler \S+\nmaster 0.2.0 \(native\), pid 4711\n", done.stdout)
    got = json.loads(ask(one, "version", "--json").stdout)
    assert (got["schema"], got["master"]["version"]) == (1, "0.2.0")


def test_version_without_a_master_tells_ours_and_exits_3(tmp_path):
    done = ostler("-s", tmp_path / "none", "version")
    assert done.returncode == 3
    assert re.fullmatch(r"ostler \S+\n", done.stdout)
    assert json.loads(ostler("-s", tmp_path / "none", "version", "--json").stdout)["master"] is None
    assert ostler("-V").returncode == 0
    assert ostler("-V").stdout == done.stdout


# ---- no answer, or a strange one ---------------------------------------------


def test_no_master_is_exit_3_and_the_path_is_told(tmp_path):
    done = ostler("-s", tmp_path / "none.sock", "status")
    assert (done.returncode, done.stdout) == (3, "")
    assert str(tmp_path / "none.sock") in done.stderr
    assert "start ostlerd" in done.stderr
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "stale.sock"))
    stale.close()
    done = ostler("-s", tmp_path / "stale.sock", "status")
    assert done.returncode == 3
    assert "refused" in done.stderr


def test_the_socket_comes_from_the_environment_too(master):
    one = master(status=MASTER + OK)
    assert ostler("status", OSTLER_SOCKET=one.path).returncode == 0
    assert ostler("-s", one.path, "status", OSTLER_SOCKET="/nowhere").returncode == 0
    assert "/nowhere" in ostler("status", OSTLER_SOCKET="/nowhere").stderr


def test_a_long_path_to_the_socket_works(master, tmp_path):
    one = master(status=MASTER + OK)
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    os.rename(one.path, deep / "control.sock")
    assert ostler("-s", deep / "control.sock", "status").returncode == 0


def test_refused_credentials_are_exit_4(master):
    one = master(stop='end result=failed code=4 text="stop is for root and the owner"\n')
    done = ask(one, "stop")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "ostler: stop is for root and the owner\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_socket_that_may_not_be_opened_is_exit_4(master):
    one = master(status=OK)
    os.chmod(one.path, 0o600)
    for folder in Path(one.path).parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(
        [OSTLER, "-s", one.path, "status"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
        user=65534,
        group=65534,
        extra_groups=[],
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "control_group" in done.stderr


def test_silence_ends_at_the_timeout(master):
    one = master(status=[None], version=[MASTER, None])
    for verb in ("status", "version"):
        began = time.monotonic()
        done = ask(one, "--timeout", "0.2s", verb)
        assert done.returncode == 1
        assert "gave up after 200ms" in done.stderr
        assert 0.2 <= time.monotonic() - began < PATIENCE / 2


def test_a_master_that_trickles_does_not_hold_us_longer(master):
    never = threading.Event()

    class Slow(list):
        def __iter__(self):
            while not never.wait(0.02):
                yield "horse x=y\n"

    one = master(status=Slow())
    began = time.monotonic()
    done = ask(one, "--timeout", "300ms", "status")
    never.set()
    assert done.returncode == 1
    assert time.monotonic() - began < PATIENCE / 2


def test_a_full_queue_does_not_hold_us(tmp_path):
    path = str(tmp_path / "full.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        waiting = []
        for _ in range(10):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            waiting.append(client)
            try:
                client.connect(path)
            except BlockingIOError:
                break
        done = ostler("-s", path, "--timeout", "200ms", "status")
        assert done.returncode == 3
        assert path in done.stderr
        for client in waiting:
            client.close()


@pytest.mark.parametrize(
    "answer, word",
    [
        ("", "hung up"),
        (MASTER, "hung up"),
        (MASTER + "end result=o", "within a line"),
        ("HTTP/1.1 400 Bad Request\n", "no master"),
        ("a" * 100000, "no master"),
        ("service name=web ready=\n" + OK, "no master"),
        (b"\0" * 10 + b"\n", "no master"),
    ],
    ids=["nothing", "no-end", "half-a-line", "http", "endless-line", "no-value", "zeros"],
)
def test_what_is_no_answer_is_told_and_nothing_of_it_is_shown(master, answer, word):
    one = master(status=answer)
    for words in (("status",), ("status", "--json")):
        done = ask(one, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert word in done.stderr
        assert is_plain(done.stderr)


def test_an_answer_without_end_is_not_kept_for_ever(master):
    megabyte = ("horse name=x%s\n" % ("y" * 1000)) * 1024

    class Endless(list):
        def __iter__(self):
            for _ in range(200):
                yield megabyte

    one = master(status=Endless())
    done = ask(one, "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert "too long" in done.stderr


def test_an_answer_in_single_bytes_is_read_whole(master):
    text = MASTER + WEB + OK
    one = master(status=[byte for byte in text])
    assert ask(one, "status").stdout.count("\n") == 5


# ---- the command line --------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("stats",),
        ("status", "a", "b"),
        ("reload", "web"),
        ("reload", "--now"),
        ("check", "--json"),
        ("help", "--json"),
        ("status", "--colour"),
        ("-s",),
        ("--timeout", "soon", "status"),
        ("--timeout", "0", "status"),
        ("--timeout", "-1", "status"),
        ("--timeout", "99999999999999999999", "status"),
    ],
)
def test_a_command_line_without_sense_is_exit_2(words):
    done = ostler(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_options_may_stand_anywhere(master):
    one = master(status_web=MASTER + WEB + OK)
    for posix in ({}, {"POSIXLY_CORRECT": "1"}):
        for words in (
            ("-s", one.path, "--json", "status", "web"),
            ("status", "--json", "web", "-s", one.path),
            ("status", "web", "-js" + one.path, "-t", "10"),
            ("-js", one.path, "--", "status", "web"),
        ):
            assert json.loads(ostler(*words, **posix).stdout)["schema"] == 1


def test_behind_two_dashes_everything_is_a_word(master):
    one = master()
    one.answers["status --json"] = MASTER + WEB + OK
    done = ask(one, "--", "status", "--json")
    assert done.returncode == 0
    assert one.requests == ["status --json\n"]
    assert ask(one, "status", "web", "--", "-x").returncode == 2


def test_help_is_the_same_by_option_and_by_verb():
    done = ostler("help")
    assert done.returncode == 0
    assert done.stdout == ostler("--help").stdout == ostler("-h").stdout


def test_an_answer_that_cannot_be_written_is_not_given(master):
    one = master(status=MASTER + WEB + OK)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [OSTLER, "-s", one.path, "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=PATIENCE,
        )
    assert done.returncode == 1
    assert done.stderr == b"ostler: cannot write the answer\n"


def test_check_runs_the_master_that_is_named(tmp_path):
    fake = tmp_path / "ostlerd"
    fake.write_text('#!/bin/sh\necho "$@"\nexit 78\n')
    fake.chmod(0o755)
    done = ostler("check", OSTLER_DAEMON=str(fake))
    assert (done.returncode, done.stdout) == (78, "--check\n")
    done = ostler("check", "a file", OSTLER_DAEMON=str(fake))
    assert (done.returncode, done.stdout) == (78, "--check -c a file\n")
    done = ostler("check", OSTLER_DAEMON=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "OSTLER_DAEMON" in done.stderr


# ---- a master of Postfix -----------------------------------------------------


@pytest.fixture
def postfix(tmp_path):
    """PATH with a postconf that knows one configuration directory."""
    queue = tmp_path / "queue"
    (queue / "pid").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    postconf = tmp_path / "bin/postconf"
    postconf.write_text(
        "#!/bin/sh\necho postconf: a word >&2\n[ \"$1 $2\" = '-c %s' ] || exit 1\n"
        "printf '%%s\\n' /usr/lib/postfix/sbin %s ''\n" % (tmp_path, queue))
    postconf.chmod(0o755)
    return "%s:%s" % (tmp_path / "bin", os.environ["PATH"])


def test_postfix_names_the_socket_below_its_queue_directory(postfix, tmp_path):
    one = Master(tmp_path / "queue/pid/control.sock", {"status": MASTER + WEB + OK})
    try:
        for words in (("--postfix=%s" % tmp_path, "status"), ("status", "-p%s" % tmp_path)):
            done = ostler(*words, PATH=postfix, OSTLER_SOCKET="/nowhere")
            assert (done.returncode, done.stderr) == (0, ""), done
            assert "web" in done.stdout
    finally:
        one.close()
    done = ostler("--postfix=%s" % tmp_path, "status", PATH=postfix)
    assert done.returncode == 3
    assert "not under ostler: `ostler postfix status` tells" in done.stderr


def test_a_socket_that_is_given_is_stronger_than_postfix(master, postfix):
    one = master(status=MASTER + WEB + OK)
    assert ask(one, "--postfix=/nowhere", "status", PATH=postfix).returncode == 0


def test_a_postfix_that_postconf_does_not_know_is_told(postfix):
    done = ostler("--postfix=/nowhere", "status", PATH=postfix)
    assert (done.returncode, done.stdout) == (1, "")
    assert "/nowhere: postconf does not say which Postfix this is" in done.stderr
    assert "postconf: a word" in done.stderr
    done = ostler("--postfix=/nowhere", "status", PATH="/nowhere")
    assert done.returncode == 1
    assert "postconf: No such file or directory; is Postfix installed?" in done.stderr


@pytest.mark.skipif(not os.path.exists("/etc/postfix/main.cf"), reason="no Postfix")
@pytest.mark.skipif(os.path.exists("/run/ostler/control.sock"), reason="a master runs here")
def test_who_names_no_master_is_told_of_the_one_of_postfix(postfix, tmp_path):
    postconf = tmp_path / "bin/postconf"
    postconf.write_text(postconf.read_text().replace("-c %s" % tmp_path, "-c /etc/postfix"))
    assert "start ostlerd" in ostler("status", PATH=postfix).stderr
    one = Master(tmp_path / "queue/pid/control.sock", {"status": MASTER + WEB + OK})
    try:
        done = ostler("status", PATH=postfix)
        assert done.returncode == 3
        assert "try `ostler --postfix status`" in done.stderr
        assert ostler("--postfix", "status", PATH=postfix).returncode == 0
    finally:
        one.close()


def test_check_of_a_postfix_names_its_configuration_directory(tmp_path):
    fake = tmp_path / "ostlerd"
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    done = ostler("--postfix", "check", OSTLER_DAEMON=str(fake))
    assert done.stdout == "--postfix --check -c /etc/postfix\n"
    done = ostler("check", "--postfix=/etc/other", OSTLER_DAEMON=str(fake))
    assert done.stdout == "--postfix --check -c /etc/other\n"


# ---- help, manual page and completions tell of the same things ---------------


def help_lists():
    sections = ostler("help").stdout.split("\n\n")
    by_name = {s.split(":\n")[0]: s.splitlines()[1:] for s in sections if ":\n" in s}
    return by_name["Verbs"], by_name["Options"], by_name["Exit status"]


def test_the_manual_page_has_every_verb_option_and_exit_status():
    page = (SOURCE / "man/ostler.1").read_text()
    verbs, options, exits = help_lists()
    assert len(verbs) >= 11 and len(options) >= 11 and len(exits) >= 6
    in_page = re.findall(r"^\.It Ic (\w+)", page, re.M)
    assert in_page == [line.split()[0] for line in verbs]
    in_page = re.findall(r"^\.It Fl (\w)\b.*Fl -(\w+)", page, re.M)
    assert in_page == [re.match(r"\s+-(\w), --(\w+)", line).groups() for line in options]
    in_page = re.findall(r"^\.It (\d+)$", page, re.M)
    assert in_page == [line.split()[0] for line in exits]


def test_the_manual_page_has_every_state():
    page = (SOURCE / "man/ostler.1").read_text()
    source = (SOURCE / "src/proto/control_record.c").read_text()
    words = re.findall(r"\[CONTROL_STATE_\w+\] = \"([\w-]+)\"", source)
    assert len(words) >= 8
    assert sorted(re.findall(r"^\.It Cm ([\w-]+)$", page, re.M)) == sorted(words)


def test_completion_offers_verbs_services_and_options(master):
    one = master(status=MASTER + WEB + MAIL + OK)
    verbs, options, _ = help_lists()
    assert ostler("__complete").stdout.split() == [line.split()[0] for line in verbs]
    assert ostler("__options").stdout.split()[0] == "--socket"
    assert len(ostler("__options").stdout.splitlines()) == len(options)
    assert ask(one, "__complete", "status").stdout == "web\nmail\n"
    assert ask(one, "__describe", "status").stdout == "web\tup\nmail\tthrottled\n"
    assert ask(one, "__complete", "status", "web").stdout == ""
    assert ask(one, "__complete", "reload").stdout == ""
    assert ostler("__complete", "--json", "stop", "--now").stdout == ""


def test_completion_says_nothing_when_there_is_no_master(tmp_path):
    done = ostler("-s", tmp_path / "none", "__complete", "status")
    assert (done.stdout, done.stderr) == ("", "")


def bash_offers(line, path):
    """What bash would offer at the end of LINE."""
    script = """
source "$1"
line=$2
read -ra COMP_WORDS <<<"$line"
[[ $line == *' ' ]] && COMP_WORDS+=("")
COMP_WORDS[0]=$OSTLER
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_ostler
printf '%s\\n' "${COMPREPLY[@]}"
"""
    file = SOURCE / "packaging/completions/ostler.bash"
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(file), line],
        capture_output=True,
        text=True,
        env=environment(OSTLER=OSTLER, OSTLER_SOCKET=path),
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_bash_completes_verbs_services_and_options(master, tmp_path):
    one = master(status=MASTER + WEB + MAIL + 'service name="$(touch${IFS}x)"\n' + OK)
    assert bash_offers("ostler st", one.path) == ["status", "stop"]
    assert bash_offers("ostler status w", one.path) == ["web"]
    assert bash_offers("ostler status ", one.path) == ["web", "mail", "$(touch${IFS}x)"]
    assert bash_offers("ostler stop --n", one.path) == ["--now", "--no-wait"]
    assert bash_offers("ostler -s %s status m" % one.path, "/nowhere") == ["mail"]
    for verb in ("check", "plan"):
        assert bash_offers("ostler %s %s/con" % (verb, tmp_path), one.path) == [one.path]
