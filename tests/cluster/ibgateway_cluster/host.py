"""What this machine is: the facts that plan.py decides on. Reads only, changes nothing."""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster.errors import UnsupportedError

_CAP_SYS_RESOURCE = 24
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Host:
    """Facts of the machine and of the user who calls."""

    root: bool
    debian: bool
    cgroup_v2: bool
    sys_resource: bool
    arch: str


def probe() -> Host:
    """Look at the machine."""
    return Host(
        root=os.geteuid() == 0,
        debian=shutil.which("apt-get") is not None and Path("/etc/debian_version").exists(),
        cgroup_v2=Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        sys_resource=has_capability(
            Path("/proc/self/status").read_text(encoding="ascii"), _CAP_SYS_RESOURCE
        ),
        arch=_arch(platform.machine()),
    )


def has_capability(status: str, number: int) -> bool:
    """Whether the bounding set in a /proc/PID/status text has capability `number`."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return bool(int(fields["CapBnd"].strip(), 16) >> number & 1)


def _arch(machine: str) -> str:
    if machine not in _ARCHES:
        raise UnsupportedError(f"no cluster on {machine} machines: x86_64 or aarch64 is needed")
    return _ARCHES[machine]


def free_bytes(path: Path) -> int:
    """Free space of the disk that `path` is, or will be, on."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def ca_bundle(environ: Mapping[str, str]) -> Path | None:
    """The certificate bundle that programs on this machine trust, private ones included."""
    named = environ.get("SSL_CERT_FILE")
    places = [Path(named)] if named else []
    places.append(Path("/etc/ssl/certs/ca-certificates.crt"))
    return next((place for place in places if place.is_file()), None)
