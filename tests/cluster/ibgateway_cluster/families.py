"""The Go programs of the cluster: which module they come from and how they are stamped.

Versions are pinned in `modules/<family>/go.mod` and `go.sum`; the numbers here are only those that a
program must be told because Go's linker can't know them. One small module per family, because
containerd, etcd, CoreDNS and Kubernetes disagree on their dependencies' versions.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

KUBERNETES_VERSION = "v1.36.3"
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@dataclass(frozen=True)
class Family:
    """Programs built from one Go module: `programs` maps a file name to its package."""

    name: str
    programs: Mapping[str, str]
    stamps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def ldflags(self) -> str:
        """The linker's flags: no symbol tables, and the version stamps."""
        stamped = [f"-X {name}={value}" for name, value in self.stamps.items()]
        return " ".join(["-s", "-w", *stamped])


def _kubernetes(version: str) -> Family:
    major, minor, _ = version.removeprefix("v").split(".")
    names = [
        "kubeadm",
        "kubectl",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
    ]
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return Family(
        "kubernetes",
        {name: f"k8s.io/kubernetes/cmd/{name}" for name in names},
        {f"{one}.{key}": value for one in _VERSION_PACKAGES for key, value in stamps.items()},
    )


_CONTAINERD = "github.com/containerd/containerd/v2"
FAMILIES: tuple[Family, ...] = (
    Family("kind", {"kind": "sigs.k8s.io/kind"}),
    Family("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Family(
        "containerd",
        {
            name: f"{_CONTAINERD}/cmd/{name}"
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
        {f"{_CONTAINERD}/version.Version": "v2.4.2"},
    ),
    _kubernetes(KUBERNETES_VERSION),
    Family("coredns", {"coredns": "github.com/coredns/coredns"}),
    Family(
        "local-path-provisioner",
        {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
        {"main.VERSION": "v0.0.30"},
    ),
    Family("pause", {"pause": "ibgateway.dev/cluster/pause"}),
    Family("helm", {"helm": "helm.sh/helm/v4/cmd/helm"}),
)
HOST_FAMILIES = ("kind", "helm", "kubernetes")


def family(name: str) -> Family:
    """The family called `name`; `KeyError` if there is none."""
    return {one.name: one for one in FAMILIES}[name]


def key(one: Family, module: Path, arch: str) -> str:
    """Cache key of a family's programs: 16 hex digits over everything that decides the outcome.

    The Go toolchain's patch version is left out on purpose: a security update of the host's Go
    should not cost everyone twenty minutes.
    """
    digest = hashlib.sha256()
    for text in (arch, one.ldflags(), *sorted(f"{k}={v}" for k, v in one.programs.items())):
        digest.update(text.encode() + b"\0")
    for path in sorted(module.iterdir()):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def required_go(go_mod: str) -> tuple[int, int]:
    """The `go` line of a go.mod as (major, minor)."""
    found = re.search(r"^go (\d+)\.(\d+)", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError("go.mod has no go line")
    return int(found[1]), int(found[2])
