"""The four images as archives that `docker load` takes, each with its bill of material."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyclonedx.model.component import Component, ComponentType

from ibgateway_cluster.docker import Docker
from ibgateway_cluster.report import Reporter
from ibgateway_release.archive import image_id, timeless_image
from ibgateway_release.materials import (
    bill,
    debian_components,
    normalized,
    npm_components,
    python_components,
)
from ibgateway_stage.images import repository

_STATUS: Final = "/var/lib/dpkg/status"
_INSTALLED: Final = (
    "from importlib.metadata import distributions as d; print(*(one.name for one in d()))"
)
_PAGE: Final = "gateway/console-page/package-lock.json"


@dataclass(frozen=True)
class ImageBuild:
    """What all images of a release have in common. `platform` as Docker says it; "" is the engine's own."""

    root: Path
    version: str
    epoch: int
    platform: str = ""

    @property
    def suffix(self) -> str:
        """What a file's name has of the platform: "-linux-arm64"."""
        return f"-{self.platform.replace('/', '-')}" if self.platform else ""


def archived(build: ImageBuild, target: str, docker: Docker, folder: Path, say: Reporter) -> str:
    """Build `target`, write its archive and its bill into `folder`; the image's id after loading."""
    name = repository(target)
    tag = f"{name}:{build.version}"
    platform = ["--platform", build.platform] if build.platform else []
    asked = [*platform, "--target", target, "--tag", tag]
    docker.build(build.root, asked, say, title=f"build {tag}")
    with tempfile.TemporaryDirectory() as scratch, say.step(f"archive {tag}"):
        saved = Path(scratch) / "image.tar"
        docker.run("save", "--output", str(saved), tag)
        packed = timeless_image(saved.read_bytes(), build.epoch)
    (folder / f"{name}-{build.version}{build.suffix}.tar").write_bytes(packed)
    parts = components(build.root, target, docker, tag)
    document = bill(name, build.version, ComponentType.CONTAINER, parts, build.epoch)
    (folder / f"{name}-{build.version}{build.suffix}.cdx.json").write_text(document)
    return image_id(packed)


def components(root: Path, target: str, docker: Docker, tag: str) -> list[Component]:
    """What is in the image `tag` itself: not all that is locked is left in it."""
    run = ("run", "--rm", "--network=none")
    installed = docker.run(*run, "--entrypoint=python3", tag, "-c", _INSTALLED).split()
    lock = (root / "requirements" / f"{target}.txt").read_text()
    page = npm_components((root / _PAGE).read_text()) if target == "agent" else []
    return [
        *python_components(lock, {normalized(name) for name in installed}),
        *debian_components(docker.run(*run, "--entrypoint=cat", tag, _STATUS)),
        *page,
    ]
