"""Where this tool keeps things; all of it under two folders of its own.

`cache` holds what is costly and survives `down` (programs, the engine's images). `run` holds what
belongs to running processes and goes with them; it differs by cache folder, so that two cache folders
mean two independent engines. Unix socket paths are short, so `run` stays near the root.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Paths:
    """All places, made from the user's cache folder."""

    cache: Path
    run: Path

    @property
    def programs(self) -> Path:
        """Built Go programs, by key."""
        return self.cache / "go"

    @property
    def tools(self) -> Path:
        """kind, helm and kubectl as links: the folder to put on PATH."""
        return self.cache / "bin"

    @property
    def engine_data(self) -> Path:
        """The data root of an engine of our own."""
        return self.cache / "engine"

    @property
    def runtime(self) -> Path:
        """What an engine of our own starts containers with where root lacks a capability."""
        return self.cache / "runtime" / "runc-without-sys-resource"

    @property
    def work(self) -> Path:
        """Scratch space for builds."""
        return self.cache / "work"

    @property
    def lock(self) -> Path:
        """Held during `up` and `down`."""
        return self.cache / "lock"

    @property
    def socket(self) -> Path:
        """The socket of an engine of our own."""
        return self.run / "docker.sock"

    @property
    def engine_pid(self) -> Path:
        """The process id of an engine of our own."""
        return self.run / "dockerd.pid"

    @property
    def before(self) -> Path:
        """What the machine's network looked like before our engine started."""
        return self.run / "before.json"

    def cluster(self, name: str) -> Path:
        """The folder of one cluster: kubeconfig, kind configuration, audit log."""
        return self.cache / "clusters" / name


def paths(environ: Mapping[str, str], *, home: Path, root: bool) -> Paths:
    """The places for this user: `XDG_CACHE_HOME` or `~/.cache`; `/run` for root."""
    base = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    cache = base / "ibgateway" / "cluster"
    tag = hashlib.sha256(str(cache).encode()).hexdigest()[:8]
    return Paths(cache, Path("/run") / f"ibgateway-{tag}" if root else cache / "run")
