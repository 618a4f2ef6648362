"""Images made from Debian's packages where no registry can be reached: the node's base, and a stand-in
for the base image of our Dockerfile.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster import packages
from ibgateway_cluster.command import run
from ibgateway_cluster.docker import Docker
from ibgateway_cluster.report import Reporter

BASE_IMAGE = "python:3.13-slim-trixie"
NODE_BASE = "ibgateway/node-base"
LABEL = "dev.ibgateway.inputs"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# Programs with a bundle of their own are told to use the system's, which knows a private authority.
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Recipe:
    """What goes into one image: a Debian suite, packages, changes as `docker import` takes them."""

    name: str
    suite: str
    packages: tuple[str, ...]
    changes: tuple[str, ...] = ()
    certificates: Path | None = None

    def key(self) -> str:
        """16 hex digits over everything that decides the outcome but the mirror's state."""
        digest = hashlib.sha256(repr((self.suite, self.packages, self.changes)).encode())
        if self.certificates is not None:
            digest.update(self.certificates.read_bytes())
        return digest.hexdigest()[:16]


def node_base() -> Recipe:
    """The root of a node: what containerd, the kubelet and kube-proxy call."""
    names = (
        "iptables conntrack ethtool socat runc kmod mount util-linux procps iproute2 "
        "containernetworking-plugins ca-certificates libseccomp2 hostname curl busybox-static"
    )
    return Recipe(NODE_BASE, "bookworm", tuple(names.split()))


def stand_in(certificates: Path | None) -> Recipe:
    """A Debian with Python 3.13 under the name of the official image."""
    variables = [f"ENV {name}={_CERTIFICATES}" for name in _CERTIFICATE_VARIABLES]
    return Recipe(
        BASE_IMAGE,
        "trixie",
        ("python3", "python3-venv", "python-is-python3", "ca-certificates"),
        (*variables, "ENV LANG=C.UTF-8", 'CMD ["python3"]'),
        certificates,
    )


def provide(recipe: Recipe, docker: Docker, work: Path, report: Reporter) -> None:
    """Make the image unless the engine has it from the same inputs."""
    if docker.label(recipe.name, LABEL) == recipe.key():
        return
    packages.install(packages.IMAGES, report)
    work.mkdir(parents=True, exist_ok=True)
    archive = work / f"{recipe.suite}.tar"
    try:
        with report.step(f"gather Debian packages for {recipe.name}"):
            run(bootstrap(recipe, archive))
            changes = (*recipe.changes, f"LABEL {LABEL}={recipe.key()}")
            options = [word for change in changes for word in ("--change", change)]
            docker.run("import", *options, str(archive), recipe.name)
    finally:
        archive.unlink(missing_ok=True)


def bootstrap(recipe: Recipe, archive: Path) -> Sequence[str]:
    """The mmdebstrap call that writes `archive`."""
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(recipe.packages)}"]
    if recipe.certificates is not None:
        argv.append(f"--customize-hook=upload {recipe.certificates} {_CERTIFICATES}")
    return [*argv, recipe.suite, str(archive)]
