# SPDX-License-Identifier: MIT
"""What meson install leaves behind is usable by somebody else's program."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(os.environ["OSTLER_SOURCE"])
BUILD = Path(os.environ["OSTLER_BUILD"])

WANTED = [
    "sbin/ostlerd",
    "bin/ostler",
    "libexec/ostler/ostler-bounce",
    "libexec/ostler/ostler-echo",
    "libexec/ostler/ostler-spawn",
    "include/ostler/ostler.h",
    "include/ostler/master_proto.h",
    "share/man/man8/ostlerd.8",
    "share/man/man8/ostler-spawn.8",
    "share/man/man1/ostler.1",
    "share/man/man5/ostler.conf.5",
    "share/man/man3/ostler.3",
    "share/man/man7/ostler-protocol.7",
    "lib/systemd/system/ostler.service",
    "share/doc/ostler/examples/ostler.socket",
    "lib/sysusers.d/ostler.conf",
    "lib/tmpfiles.d/ostler.conf",
]
WANTED_LIBRARY = ["libostler.a", "libostler.so", "libostler.so.0", "pkgconfig/ostler.pc"]


def run(*command, **more):
    return subprocess.run(
        [str(word) for word in command],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        **more,
    ).stdout


@pytest.fixture(scope="module")
def prefix():
    """The prefix of a fresh installation."""
    with tempfile.TemporaryDirectory() as root:
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        yield Path(root) / "usr/local"


@pytest.fixture(scope="module")
def library(prefix):
    return next(prefix.glob("lib*/**/libostler.so")).parent


def sanitized():
    """Is a sanitizer in the library? Then only its own compiler links it."""
    options = (BUILD / "meson-info/intro-buildoptions.json").read_text()
    return not re.search(r'"b_sanitize", "value": "none"', options)


def compile_worker(prefix, library, text, name):
    """Compile TEXT the way a stranger would, with what pkg-config says."""
    env = dict(os.environ, PKG_CONFIG_PATH=str(library / "pkgconfig"))
    flags = run(
        "pkg-config", "--define-variable=prefix=%s" % prefix,
        "--cflags", "--libs", "ostler", env=env,
    ).split()  # fmt: skip
    (prefix / (name + ".c")).write_text(text)
    run("cc", "-o", prefix / name, prefix / (name + ".c"), *flags)
    return prefix / name


def readme_worker():
    """The worker that README.md shows."""
    text = (SOURCE / "README.md").read_text()
    return re.search(r"```c\n(.*?)```", text, re.S)[1]


def test_everything_is_where_it_belongs(prefix, library):
    missing = [name for name in WANTED if not (prefix / name).is_file()]
    missing += [name for name in WANTED_LIBRARY if not (library / name).exists()]
    assert missing == []


def test_installed_programs_find_their_libraries(prefix, library):
    env = dict(os.environ, LD_LIBRARY_PATH=str(library))
    for name in WANTED[:4]:
        assert "not found" not in run("ldd", prefix / name, env=env), name


def test_the_unit_names_the_installed_master(prefix):
    unit = (prefix / "lib/systemd/system/ostler.service").read_text()
    assert "ExecStart=/usr/local/sbin/ostlerd -c" in unit
    assert "@" not in re.sub(r"#.*|@system-service", "", unit)


@pytest.mark.skipif(sanitized(), reason="the library has a sanitizer in it")
def test_the_worker_of_the_readme_compiles(prefix, library):
    compile_worker(prefix, library, readme_worker(), "hello")


@pytest.mark.skipif(sanitized(), reason="the library has a sanitizer in it")
def test_both_headers_are_found_by_their_names(prefix, library):
    text = (
        "#include <master_proto.h>\n#include <ostler.h>\n"
        "int main(void) { return master_notify(0, 0, MASTER_STAT_AVAIL) == 0; }\n"
    )
    compile_worker(prefix, library, text, "notifier")


def test_the_worker_of_the_readme_is_an_example():
    assert readme_worker() in (SOURCE / "examples/workers/hello.c").read_text()
