# SPDX-License-Identifier: MIT
"""The library as a stranger's compiler and linker see it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(os.environ["OSTLER_SOURCE"])
BUILD = Path(os.environ["OSTLER_BUILD"])
INCLUDE = SOURCE / "include"
LIBRARY = BUILD / "src/lib/libostler.so"
HEADERS = ["ostler.h", "master_proto.h"]

USE = {
    "ostler.h": """
static int serve(int client, void *context) { (void)client; (void)context; return 0; }
int main(int argc, char **argv)
{
	struct ostler_options o = OSTLER_OPTIONS_INIT;
	o.serve = serve;
	if (o.size != sizeof(o) || OSTLER_API_VERSION < 1)
		return 1;
	return ostler_single_main(argc, argv, &o);
}
""",
    "master_proto.h": """
int main(void)
{
	struct MASTER_STATUS s = {0, 0, MASTER_STAT_AVAIL};
	return master_notify(s.pid, s.gen, s.avail) + MASTER_STATUS_FD - 5
		+ MASTER_LISTEN_FD - 6 + MASTER_FLOW_READ - 3 + MASTER_FLOW_WRITE - 4
		+ (int)sizeof(MASTER_XPORT_NAME_INET MASTER_XPORT_NAME_UNIX
			MASTER_XPORT_NAME_FIFO MASTER_XPORT_NAME_PASS
			MASTER_XPORT_NAME_UNIX_DGRAM MASTER_GEN_NAME);
}
""",
}


def compile_text(compiler, suffix, text, tmp_path, *flags):
    source = tmp_path / ("use." + suffix)
    source.write_text(text)
    done = subprocess.run(
        [compiler, "-fsyntax-only", f"-I{INCLUDE}", *flags, str(source)],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def tool(*names):
    for name in names:
        if shutil.which(name):
            return name
    return pytest.skip("none of these is installed: " + " ".join(names))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("standard", ["c99", "c11", "c17"])
@pytest.mark.parametrize("header", HEADERS)
def test_the_headers_are_pedantic_c(header, standard, compiler, tmp_path):
    compile_text(
        tool(compiler), "c", f"#include <{header}>\n{USE[header]}", tmp_path,
        "-std=" + standard, "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
        "-Wmissing-prototypes", "-Wundef", "-Wshadow")


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++98", "c++11", "c++20"])
@pytest.mark.parametrize("header", HEADERS)
def test_the_headers_are_safe_in_cpp(header, standard, compiler, tmp_path):
    compile_text(
        tool(compiler), "cc", f"#include <{header}>\n{USE[header]}", tmp_path,
        "-std=" + standard, "-pedantic-errors", "-Wall", "-Wextra", "-Werror")


def symbols():
    out = subprocess.run(
        [tool("nm"), "-D", "--defined-only", str(LIBRARY)],
        capture_output=True, text=True, timeout=60, check=True).stdout
    return {ln.split()[-1] for ln in out.splitlines()}


def declared():
    text = "".join((INCLUDE / h).read_text() for h in HEADERS)
    text = re.sub(r"/\\*.*?\\*/", "", text, flags=re.S)
    return set(re.findall(r"\b(ostler_[a-z_]+|master_notify)\(", re.sub(
        r"/\*.*?\*/", "", text, flags=re.S)))


def test_the_library_exports_what_the_headers_declare_and_nothing_else():
    exported = {s.split("@@")[0] for s in symbols() if "@@" in s}
    assert exported == declared()


def test_every_symbol_has_its_version():
    assert {s for s in symbols() if not s.endswith("@@OSTLER_0")} == {"OSTLER_0"}


def dynamic(tag):
    out = subprocess.run(
        [tool("readelf"), "-d", str(LIBRARY)],
        capture_output=True, text=True, timeout=60, check=True).stdout
    return re.findall(rf"\({tag}\).*\[(.*)\]", out)


def test_the_library_needs_libc_alone():
    needed = set(dynamic("NEEDED"))
    if any(re.match(r"lib(asan|ubsan|tsan)", n) for n in needed):
        pytest.skip("a sanitizer is in this build")
    assert needed == {"libc.so.6"}


def test_the_soname_is_of_this_interface():
    assert dynamic("SONAME") == ["libostler.so.0"]
