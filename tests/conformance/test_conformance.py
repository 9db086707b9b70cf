# SPDX-License-Identifier: MIT
"""The scenarios under both masters: what differs is documented, and the page true."""

import subprocess

import pytest

import document
import suite
from differences import DOCUMENTED
from instance import has_ipv6, why_not

document.load()



def reason():
    """Why not here: a page of which some facts are missing would be found out of date."""
    unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    if not why_not() and subprocess.run(unshare, capture_output=True).returncode != 0:
        return "no namespaces of processes and files can be made here"
    return why_not()


WHY_NOT = reason()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "there is a Postfix")
PATIENCE_S = 150


@pytest.fixture(scope="session", autouse=True)
def started():
    """All of them at once: most of the time they wait."""
    if not WHY_NOT:
        suite.start()


@pytest.mark.parametrize("name", list(suite.SCENARIOS))
def test_both_masters_do_the_same(name):
    entry = suite.SCENARIOS[name]
    for side, done in entry.done.items():
        assert done.wait(PATIENCE_S), f"{side}: not in {PATIENCE_S} s"
    complaints = "\n".join(suite.judge(entry, DOCUMENTED))
    if complaints:
        pytest.fail(complaints, pytrace=False)


def test_no_reason_is_without_a_difference():
    complaints = "\n".join(suite.unused(DOCUMENTED))
    assert not complaints


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here: some facts are missing")
def test_the_page_says_what_was_found():
    found = document.out_of_date()
    if found:
        pytest.fail(f"{found}\n(tests/conformance/conformance.py --write)", pytrace=False)
