"""The image of examples/: built like ours, with the Rust bot that cargo has compiled on this machine."""

import hashlib
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from ibgateway_cluster import Cluster, images
from ibgateway_cluster.cluster import engine_of
from ibgateway_cluster.report import Reporter
from ibgateway_stage.images import ROOT
from rust_programs import rust_program

Json = dict[str, Any]

FOLDER: Final = ROOT / "examples"
REPOSITORY: Final = "ibgateway-examples"
_SOURCES: Final = ("api/ibgateway_api", "client/ibgateway", "examples")
_RUST: Final = FOLDER / "rust_ibapi"
_LEFT_OUT: Final = frozenset({"__pycache__", "target", "bot", "Cargo.lock"})


@cache
def tag() -> str:
    """A tag made from what goes into the image."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return f"dev-{digest.hexdigest()[:12]}"


def provide(cluster: Cluster, report: Reporter) -> None:
    """The image in the node; the Rust bot goes into the folder from which it is built."""
    name = f"{REPOSITORY}:{tag()}"
    present = set(cluster.docker("images", "--format={{.Repository}}:{{.Tag}}").split())
    if name not in present:
        with report.step("compile the Rust bot"):
            shutil.copy2(rust_program(_RUST), _RUST / "bot")
        arguments = ["--file", str(FOLDER / "Dockerfile"), "--tag", name]
        engine_of(cluster).build(ROOT, arguments, report, title=f"build image {name}")
    images.load(cluster, name, report=report)


def manifests(name: str, *, gateway: str = "paper") -> list[Json]:
    """The objects of a manifest of examples/, with the image of this checkout, for the gateway of this name."""
    text = (FOLDER / name).read_text().replace("paper", gateway)
    text = text.replace("registry.example.com/ibgateway-examples:1", f"{REPOSITORY}:{tag()}")
    text = text.replace("registry.example.com/ibgateway-examples", REPOSITORY)
    return list(yaml.safe_load_all(text.replace('tag: "1"', f"tag: {tag()}")))


def _files() -> Iterator[Path]:
    yield from sorted((ROOT / "requirements").glob("examples-*.txt"))
    for folder in _SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not _LEFT_OUT & set(path.parts):
                yield path
