# SPDX-License-Identifier: MIT
"""Where the other superservers are.

Those that are installed are used as they are. The others can be fetched: the
packages that packaging/needs.txt lists for `bench` are downloaded with what
they depend on and unpacked into a directory of their own, so that nothing is
installed, no daemon starts, and no two of them fight over a port.
"""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARIES = ("usr/lib", "lib")


def wanted(group="bench"):
    """(package, program) of each line of packaging/needs.txt for GROUP."""
    for line in (HERE.parent / "packaging/needs.txt").read_text().splitlines():
        words = line.split()
        if len(words) > 3 and words[0] == group:
            yield words[1], words[2]


class Peers:
    def __init__(self, directory):
        self.root = Path(directory) / "root"
        self.debs = Path(directory) / "debs"

    def find(self, name):
        """The path of a program, or None."""
        for place in ("/usr/sbin", "/usr/bin", self.root / "usr/sbin", self.root / "usr/bin"):
            path = Path(place) / name
            if os.access(path, os.X_OK):
                return path
        return None

    def environment(self):
        """For the fetched ones: their libraries and their helpers."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
        if self.root.exists():
            places = [str(p) for top in LIBRARIES for p in (self.root / top).glob("*-linux-gnu")]
            env["LD_LIBRARY_PATH"] = ":".join(places)
            env["PATH"] = f"{self.root}/usr/sbin:{self.root}/usr/bin:{env['PATH']}"
        return env

    def fetch(self, say):
        """Those that are not installed; what cannot be had is not measured."""
        for package, program in wanted():
            if self.find(Path(program).name) is not None:
                continue
            say(f"fetching {package}")
            try:
                self._fetch(package)
            except (OSError, subprocess.CalledProcessError) as why:
                say(f"  {package} cannot be had: {why}")
        for deb in self.debs.glob("*.deb"):
            subprocess.run(["dpkg", "-x", deb, self.root], check=True)

    def _fetch(self, package):
        (self.debs / "partial").mkdir(parents=True, exist_ok=True)
        if shutil.which("apt-get") is None:
            raise OSError("there is no apt-get")
        subprocess.run(
            ["apt-get", "-q", "-y", "--download-only", "--no-install-recommends",
             "-o", f"Dir::Cache::archives={self.debs}", "install", package],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
