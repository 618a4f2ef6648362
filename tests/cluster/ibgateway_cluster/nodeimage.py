"""The node image of a machine that can't pull kindest/node, from our Go programs and Debian packages."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster import rootfs
from ibgateway_cluster.command import run
from ibgateway_cluster.docker import Docker
from ibgateway_cluster.families import KUBERNETES_VERSION, family
from ibgateway_cluster.gobuild import GoBuilder
from ibgateway_cluster.report import Reporter

FAMILIES = ("etcd", "containerd", "kubernetes", "coredns", "local-path-provisioner", "pause")
_COMPONENTS = "ibgateway/components:local"
_BUSYBOX = "ibgateway/busybox:local"
_OWN_DOCKERFILE = ("kube-proxy", "pause")


@dataclass(frozen=True)
class NodeImage:
    """How to make the image: `sources` is the folder with its Dockerfiles."""

    sources: Path
    builder: GoBuilder
    docker: Docker
    work: Path

    def name(self) -> str:
        """Repository and tag; the tag is the key of all inputs."""
        digest = hashlib.sha256(rootfs.node_base().key().encode())
        for path in sorted(self.sources.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        for one in FAMILIES:
            digest.update(self.builder.directory(family(one)).name.encode() + b"\0")
        return f"ibgateway/node:{digest.hexdigest()[:16]}"

    def missing_programs(self) -> int:
        """How many programs must be built first."""
        return sum(len(self.builder.missing(family(one))) for one in FAMILIES)

    def provide(self, report: Reporter) -> str:
        """Make the image unless the engine has it; gives its name."""
        if self.docker.image_id(self.name()):
            return self.name()
        rootfs.provide(rootfs.node_base(), self.docker, self.work, report)
        programs = [self.builder.build(family(one), report) for one in FAMILIES]
        self.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.work, prefix="node-") as scratch:
            context = Path(scratch)
            fill(context, self.sources, programs)
            self._archive(context, self._control_plane(context, report), report)
            (context / "version").write_text(KUBERNETES_VERSION + "\n")
            self._build(context, "Dockerfile", [self.name()], report)
        return self.name()

    def _control_plane(self, context: Path, report: Reporter) -> list[str]:
        """Build the images of the control plane; gives their names."""
        names = wanted_images(context / "kubeadm")
        components = [_COMPONENTS, *(one for one in names if _program(one) not in _OWN_DOCKERFILE)]
        self._build(context, "Dockerfile.components", components, report)
        self._build(context, "Dockerfile.busybox", [_BUSYBOX], report)
        for program in _OWN_DOCKERFILE:
            tags = [one for one in names if _program(one) == program]
            self._build(context, f"Dockerfile.{program}", tags, report)
        return [_COMPONENTS, _BUSYBOX, *names]

    def _archive(self, context: Path, names: Iterable[str], report: Reporter) -> None:
        with report.step("save the control plane's images"):
            self.docker.run("save", "-o", str(context / "images.tar"), *names)

    def _build(self, context: Path, file: str, tags: list[str], report: Reporter) -> None:
        options = ["-f", str(context / file), *(word for tag in tags for word in ("-t", tag))]
        (context / ".dockerignore").write_text(dockerignore((context / file).read_text()))
        self.docker.build(context, options, report, title=f"build image {tags[0]}")


def fill(context: Path, sources: Path, programs: Iterable[Path]) -> None:
    """Put everything that a Dockerfile may copy into one folder (links where the disk allows)."""
    for path in sources.iterdir():
        shutil.copy2(path, context / path.name)
    for folder in programs:
        for program in folder.iterdir():
            try:
                os.link(program, context / program.name)
            except OSError:
                shutil.copy2(program, context / program.name)


def dockerignore(dockerfile: str) -> str:
    """Leave out of the build context what the Dockerfile doesn't copy: the programs are large."""
    copied = [
        word
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    return "\n".join(["*", *(f"!{word}" for word in copied)]) + "\n"


def wanted_images(kubeadm: Path) -> list[str]:
    """The image names that this kubeadm puts into its manifests."""
    argv = [str(kubeadm), "config", "images", "list", f"--kubernetes-version={KUBERNETES_VERSION}"]
    return run(argv).split()


def _program(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0]
