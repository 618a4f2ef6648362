"""A shell with the cluster's kubectl and helm, the plugin, and the demo's namespace at hand."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ibgateway_cluster import Cluster
from ibgateway_cluster.command import run as run_program
from ibgateway_stage.demo import NAMESPACE

PROGRAMS: Final = Path(sys.executable).parent
"""Where the plugin is installed: behind everything else on PATH, so that no other program of it is in the way."""

_BASH: Final = """\
[ -r ~/.bashrc ] && . ~/.bashrc
command -v kubectl >/dev/null && . <(kubectl completion bash) 2>/dev/null
PS1='({namespace}) '"$PS1"
"""


def run(cluster: Cluster) -> int:
    """The user's shell until they leave it; its exit code."""
    with tempfile.TemporaryDirectory(prefix="ibgateway-shell-") as folder:
        place = Path(folder)
        env = environment(cluster.environ, place)
        write(cluster, place)
        sys.stdout.write(welcome())
        sys.stdout.flush()
        return subprocess.run(
            command(os.environ.get("SHELL", ""), place), env=env, check=False
        ).returncode


def environment(environ: Mapping[str, str], place: Path) -> dict[str, str]:
    """The cluster's programs first, the plugin last, and a kubeconfig whose namespace is the demo's."""
    path = f"{environ.get('PATH', '')}:{PROGRAMS}"
    return {**environ, "PATH": path, "KUBECONFIG": str(place / "kubeconfig")}


def write(cluster: Cluster, place: Path) -> None:
    """The kubeconfig, a copy for this shell alone, and what bash reads first."""
    config = place / "kubeconfig"
    config.touch(mode=0o600)
    config.write_bytes(cluster.kubeconfig.read_bytes())
    words = ["kubectl", "config", "set-context", "--current", f"--namespace={NAMESPACE}"]
    run_program(words, env=environment(cluster.environ, place))
    (place / "bashrc").write_text(_BASH.format(namespace=NAMESPACE))


def command(shell: str, place: Path) -> list[str]:
    """The user's shell; bash, and whatever is none, as a bash that tells where it is."""
    if Path(shell).name in ("", "bash", "sh", "dash"):
        return ["bash", "--rcfile", str(place / "bashrc"), "-i"]
    return shlex.split(shell)


def welcome() -> str:
    """What is at hand."""
    return (
        f"kubectl, helm and kubectl ibgateway of the cluster, in the namespace {NAMESPACE};"
        " kubectl ibgateway --help lists its commands, exit leaves.\n"
    )
