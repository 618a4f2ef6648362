"""Interpreters with other libraries than ours, made once and kept in the user's cache.

ib_async and ib_insync can't share one: both install the package `eventkit`. An environment is kept by the hash of its requirements
and of the interpreter.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

__all__ = ["library_environment"]

PIP = ("-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
"""Isolated: PYTHONPATH leads to sources of ours, in which pip would look as well."""
HASHED = ("--require-hashes", "--no-build-isolation")


def library_environment(name: str, files: Sequence[Path]) -> Path:
    """The interpreter of an environment with these requirements, one file installed after the other."""
    seed = sys.version + "".join(file.read_text() for file in files)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(seed.encode()).hexdigest()[:12]
    folder = cache / "ibgateway" / "venvs" / f"{name}-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            for file in files:
                subprocess.run([python, *PIP, *HASHED, "-r", file], check=True)
            (folder / "ready").touch()
    return python
