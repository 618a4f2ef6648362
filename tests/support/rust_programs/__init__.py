"""Programs that Cargo builds: once, and then they are in the user's cache, by the hash of what they are built from.

A folder has Cargo.toml, src/ and packages.lock: Cargo.lock with every version and checksum, and without the address of the registry, which
each package would repeat. Before a build Cargo itself says that address, in a lock of its own. `python -m rust_programs FOLDER...` renews
packages.lock.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

__all__ = ["rust_program", "with_source", "without_source", "write_lock"]

LOCKED = "packages.lock"
LEAST = "1.88"
"""What the crate ibapi 5.5 asks for."""
SOURCE = re.compile(r'^source = "(.*)"\n', re.MULTILINE)
NAME = re.compile(r'^name = "(.*)"$', re.MULTILINE)
FOREIGN = ("RUSTFLAGS", "CARGO_BUILD", "CARGO_ENCODED", "CARGO_PROFILE")
"""The host's settings that take no part in a build."""


def rust_program(folder: Path) -> Path:
    """The program of a folder, built where it is not in the cache yet."""
    name = _name(folder)
    cache = _cache()
    program = cache / f"{name}-{_digest(folder)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        if not program.exists():
            _build(folder, name, program)
    return program


def write_lock(folder: Path) -> None:
    """Write packages.lock: what is in it stays where Cargo.toml allows it, everything else in its newest version."""
    with tempfile.TemporaryDirectory() as made:
        workspace, kept = Path(made), folder / LOCKED
        source = _prepare(folder, workspace)
        if kept.exists():
            (workspace / "Cargo.lock").write_text(with_source(kept.read_text(), source))
            _cargo("update", "--quiet", "--workspace", at=workspace)
        kept.write_text(without_source((workspace / "Cargo.lock").read_text()))


def without_source(lock: str) -> str:
    """A Cargo.lock without the address of the registry."""
    return SOURCE.sub("", lock)


def with_source(lock: str, source: str) -> str:
    """The same with the address, in each package that has a checksum: what comes from the registry."""
    line = f'source = "{source}"\nchecksum = '
    return re.sub(r"^checksum = ", lambda _: line, lock, flags=re.MULTILINE)


def _build(folder: Path, name: str, program: Path) -> None:
    """In one place for every version of a program: Cargo would keep what it made in another one for ever."""
    cache = program.parent
    workspace, target = cache / "workspaces" / name, cache / "target"
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    source = _prepare(folder, workspace)
    (workspace / "Cargo.lock").write_text(with_source((folder / LOCKED).read_text(), source))
    settings = {"CARGO_TARGET_DIR": str(target), "CARGO_INCREMENTAL": "0"}
    _cargo("build", "--quiet", "--locked", at=workspace, **settings)
    part = workspace / "program"
    shutil.copy2(target / "debug" / name, part)
    part.rename(program)


def _prepare(folder: Path, workspace: Path) -> str:
    """Copy the sources, as new as they look to Cargo, and let it write a lock: the registry's address in it."""
    shutil.copy(folder / "Cargo.toml", workspace)
    shutil.copytree(folder / "src", workspace / "src", copy_function=shutil.copy)
    _cargo("generate-lockfile", "--quiet", at=workspace)
    source = SOURCE.search((workspace / "Cargo.lock").read_text())
    assert source is not None, "Cargo's lock names no registry"
    return source[1]


def _cargo(*words: str, at: Path, **environ: str) -> None:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise RuntimeError(f"cargo is missing: install Rust {LEAST} or newer with rustup")
    own: Mapping[str, str] = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    subprocess.run([cargo, *words], cwd=at, env={**own, **environ}, check=True)


def _name(folder: Path) -> str:
    found = NAME.search((folder / "Cargo.toml").read_text())
    assert found is not None, f"{folder}/Cargo.toml has no name"
    return found[1]


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in (folder / "Cargo.toml", folder / LOCKED, *sorted(folder.glob("src/**/*.rs"))):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "ibgateway" / "rust"
