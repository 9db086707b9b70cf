# SPDX-License-Identifier: MIT
"""What packaging/ gives to systemd, asked of systemd's own tools. tests/systemd/run boots it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(os.environ["OSTLER_SOURCE"])
UNITS = Path(os.environ["OSTLER_BUILD"]) / "packaging"
EXPOSURE = 4.9  # of 10; what would lower it, services may need

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                                reason="no systemd-analyze")


def analyze(*words):
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True,
                          timeout=60, check=False)


@pytest.fixture
def units(tmp_path):
    """The units with programs that exist."""
    for name in ("ostler.service", "ostler.socket"):
        text = (UNITS / name).read_text()
        text = re.sub(r"(Exec\w+=)\S+", r"\1/bin/true", text)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["ostler.service", "ostler.socket"])
def test_a_unit_has_nothing_that_systemd_does_not_know(units, name):
    done = analyze("verify", "--man=no", units / name)
    said = [ln for ln in (done.stdout + done.stderr).splitlines() if str(units) in ln]
    assert said == []
    assert "@" not in re.sub(r"#.*|@system-service|%\w", "", (units / name).read_text())


def test_the_sandbox_is_as_good_as_it_was(units):
    done = analyze("security", "--offline=true", "--no-pager", units / "ostler.service")
    found = re.search(r"exposure level for ostler.service: ([\d.]+)", done.stdout)
    assert found, done
    assert float(found[1]) <= EXPOSURE, done.stdout


def test_the_socket_unit_is_of_the_addresses_that_it_says():
    text = (UNITS / "ostler.socket").read_text()
    assert "Service=ostler.service" in text and "Accept=no" in text
