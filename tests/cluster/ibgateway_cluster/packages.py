"""Debian packages that an engine of our own needs, installed by name when they are missing.

Services of new packages are kept from starting: the tool runs its own engine and stops it again.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ibgateway_cluster.command import run
from ibgateway_cluster.report import Reporter

# The file that tells whether a package is there. Absolute: another `docker` may come first on PATH.
MARKS: Mapping[str, str] = {
    "docker.io": "/usr/sbin/dockerd",
    "runc": "/usr/sbin/runc",
    "iptables": "/usr/sbin/iptables",
    "iproute2": "/usr/sbin/ip",
    "jq": "/usr/bin/jq",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "ca-certificates": "/usr/sbin/update-ca-certificates",
}
ENGINE = ("docker.io", "runc", "iptables", "iproute2", "jq", "ca-certificates")
IMAGES = ("mmdebstrap", "ca-certificates")
_POLICY = Path("/usr/sbin/policy-rc.d")


def missing(names: Iterable[str], root: Path = Path("/")) -> list[str]:
    """Those of `names` whose mark is not on the machine."""
    return [name for name in names if not (root / MARKS[name].lstrip("/")).exists()]


def install(names: Iterable[str], report: Reporter) -> None:
    """Install what is missing of `names`; does nothing when all are there."""
    wanted = missing(names)
    if not wanted:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    argv = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *wanted]
    with report.step(f"install {', '.join(wanted)}"), _no_services():
        run(["apt-get", "update", "-q"], env=env)
        run(argv, env=env)


def install_go(least: tuple[int, int], report: Reporter) -> None:
    """Install Debian's Go if it is at least `least`; else do nothing."""
    run(["apt-get", "update", "-q"])
    found = candidate(run(["apt-cache", "policy", "golang-go"]))
    if found is not None and found >= least:
        with report.step("install golang-go"):
            run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "golang-go"])


def candidate(policy: str) -> tuple[int, int] | None:
    """(major, minor) of the version that `apt-cache policy` would install, None if there is none."""
    found = re.search(r"Candidate: (?:\d+:)?(\d+)\.(\d+)", policy)
    return None if found is None else (int(found[1]), int(found[2]))


@contextmanager
def _no_services() -> Iterator[None]:
    """Debian's own way to keep maintainer scripts from starting daemons; a policy there stays."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
