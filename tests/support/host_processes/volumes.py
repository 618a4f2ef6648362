"""A file system of its own with little room, to be filled up by a test."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FILLER = "filler"


@contextlib.contextmanager
def small_volume(folder: Path, size: int) -> Iterator[Path]:
    """A tmpfs of `size` bytes on `folder`; the test is skipped, with the reason, where this process may not mount one."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(["mount", *options], check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        pytest.skip(f"no mount here: {error}")
    if mounted.returncode:
        pytest.skip(f"a small volume can't be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Not a byte is left."""
    with contextlib.suppress(OSError), (folder / FILLER).open("ab", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


def free(folder: Path) -> None:
    """There is room again."""
    (folder / FILLER).unlink()
