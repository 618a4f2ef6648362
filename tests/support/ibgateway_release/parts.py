"""What is neither image nor chart: wheel and source, their bill, and the list of digests."""

import hashlib
import os
import sys
from pathlib import Path

from cyclonedx.model.component import Component, ComponentType

from ibgateway_cluster.command import run
from ibgateway_release.materials import bill, python_components

DIGESTS = "SHA256SUMS"


def distribution(root: Path, version: str, folder: Path, epoch: int) -> None:
    """The wheel and the sources as `pip` takes them, and the bill of all extras together."""
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    run(build, env=environ, cwd=root)
    found: dict[str, Component] = {}
    for lock in ("operator", "agent", "executor", "simulator", "cli"):
        text = (root / "requirements" / f"{lock}.txt").read_text()
        found |= {str(part.bom_ref): part for part in python_components(text)}
    document = bill("ibgateway", version, ComponentType.APPLICATION, found.values(), epoch)
    (folder / f"ibgateway-{version}.cdx.json").write_text(document)


def digests(folder: Path) -> str:
    """A line for each file, as `sha256sum --check` reads it; written beside them as SHA256SUMS."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != DIGESTS
    ]
    text = "".join(lines)
    (folder / DIGESTS).write_text(text)
    return text
