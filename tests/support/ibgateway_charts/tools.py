"""The programs that judge charts, workflows and the plugin's krew manifest, built once from pinned modules and locked wheels, beside the cluster's own programs.

`python -m ibgateway_charts.tools` builds what is missing and prints how long each took.
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

from ibgateway_charts.generated import REPOSITORY
from ibgateway_cluster import host, lock
from ibgateway_cluster.command import run
from ibgateway_cluster.families import Family
from ibgateway_cluster.gobuild import GoBuilder
from ibgateway_cluster.paths import Paths, paths
from ibgateway_cluster.report import Reporter

MODULES: Final = REPOSITORY / "tests" / "chart" / "modules"
LOCKED: Final = REPOSITORY / "requirements" / "charts.txt"
FAMILIES: Final = (
    Family(
        "charts",
        {
            "helm3": "helm.sh/helm/v3/cmd/helm",
            "helm-unittest": "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
            "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
            "helm-docs": "github.com/norwoodj/helm-docs/cmd/helm-docs",
        },
        # As Helm's own release has it: the Kubernetes version that it renders for without a cluster.
        {
            f"helm.sh/helm/v3/pkg/{package}.k8sVersion{part}": number
            for package in ("chartutil", "lint/rules")
            for part, number in (("Major", "1"), ("Minor", "37"))
        },
    ),
    Family("kube-score", {"kube-score": "github.com/zegl/kube-score/cmd/kube-score"}),
    Family("actionlint", {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"}),
    Family("krew", {"krew": "sigs.k8s.io/krew/cmd/krew"}),
)
"""What goes with the same Kubernetes libraries is one module, so that they are compiled once; kube-score wants older ones."""
GO_PROGRAMS: Final = {name: family for family in FAMILIES for name in family.programs}


def program(name: str) -> Path:
    """A Go program; built now where it is missing."""
    places, family = _places(), GO_PROGRAMS[name]
    builder = GoBuilder(MODULES, places.programs, host.probe().arch, os.environ)
    if name in builder.missing(family):
        with lock.held(places.cache / "chart-tools.lock", wait=True, say=_say):
            if name in builder.missing(family):
                builder.build_one(family, name, Reporter())
    return builder.directory(family) / name


def checkov() -> Path:
    """checkov's program, in an environment of its own: its libraries would not go with ours."""
    key = hashlib.sha256(LOCKED.read_bytes()).hexdigest()[:16]
    folder = _places().cache / "python" / f"checkov-{key}"
    with lock.held(_places().cache / "checkov.lock", wait=True, say=_say):
        if not (folder / "ready").exists():
            with Reporter().step("install checkov"):
                run([sys.executable, "-m", "venv", "--clear", str(folder)], timeout=120)
                pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
                run([*pip, "--require-hashes", "-r", str(LOCKED)], timeout=900)
                (folder / "ready").touch()
    return folder / "bin" / "checkov"


def _places() -> Paths:
    return paths(os.environ, home=Path.home(), root=os.geteuid() == 0)


def _say(text: str) -> None:
    Reporter().say(text)


def main() -> None:
    """Provide all of them."""
    for name in GO_PROGRAMS:
        program(name)
    checkov()


if __name__ == "__main__":
    main()
